//! Behaviour of codings, tables and scores at their boundaries.

use spinney_runtime::bayes::{self, GaussianNb, Term, square_by_halves, square_wide};
use spinney_runtime::coding::{Coding, Gap, NAN_ORDER, Rank, Reading, Sets, SingleBits};
use spinney_runtime::forest::{Forest, LEAF, Leaves, Split, Tables, Tree};
use spinney_runtime::{ShapeError, TableError, argmax};

const SPLIT: Split = Split {
    feature: 0,
    threshold: 5,
    children: [1, LEAF | 2],
};
const LAST: Split = Split {
    feature: 1,
    threshold: -7,
    children: [LEAF, LEAF | 1],
};

fn tables<'t>(trees: &'t [Tree], splits: &'t [Split], leaves: Leaves<'t>) -> Tables<'t> {
    Tables {
        n_features: 2,
        n_classes: 3,
        trees,
        splits,
        leaves,
    }
}

const TREE: Tree = Tree {
    first_split: 0,
    root: 0,
};

#[test]
fn walks_votes_and_ties() {
    let splits = [SPLIT, LAST, LAST];
    let trees = [
        TREE,
        Tree {
            first_split: 2,
            root: 0,
        },
        Tree {
            first_split: 3,
            root: LEAF | 1,
        },
    ];
    let forest = Forest::new(tables(&trees, &splits, Leaves::Classes)).unwrap();
    let mut scores = [0; 3];
    forest.scores(&[5, -7], &mut scores).unwrap();
    assert_eq!(scores, [2, 1, 0]);
    assert_eq!(forest.classify(&[6, -6], &mut scores), Ok(1));
    assert_eq!(scores, [0, 2, 1]);
    assert_eq!(forest.classify(&[6], &mut scores), Err(ShapeError));
    assert_eq!(argmax(&[1, 3, 3]), 1);
    assert_eq!(argmax::<u32>(&[]), 0);
}

#[test]
fn soft_votes_add_codebook_rows() {
    let splits = [SPLIT, LAST];
    let bytes = [1, 2, 3, 4, 5, 6, 255, 8, 9];
    let forest = Forest::new(tables(&[TREE, TREE][..1], &splits, Leaves::Bytes(&bytes))).unwrap();
    let mut scores = [9; 3];
    forest.scores(&[6, 0], &mut scores).unwrap();
    assert_eq!(scores, [255, 8, 9]);
    let words = [1, 2, 3, 4, 5, 6, 65_535, 8, 9];
    let forest = Forest::new(tables(&[TREE], &splits, Leaves::Words(&words))).unwrap();
    forest.scores(&[6, 0], &mut scores).unwrap();
    assert_eq!(scores, [65_535, 8, 9]);
}

#[test]
fn tables_that_a_walk_could_stumble_over_are_refused() {
    let check = |trees: &[Tree], splits: &[Split], leaves: Leaves<'_>| {
        Forest::new(tables(trees, splits, leaves)).err()
    };
    let with = |children| Split { children, ..SPLIT };
    let classes = Leaves::Classes;
    assert_eq!(check(&[TREE], &[SPLIT, LAST], classes), None);
    assert_eq!(check(&[], &[], classes), Some(TableError::Count));
    assert_eq!(check(&[TREE], &[], classes), Some(TableError::TreeRange));
    assert_eq!(
        check(&[TREE], &[with([0, LEAF])], classes),
        Some(TableError::Child)
    );
    assert_eq!(
        check(&[TREE], &[with([1, LEAF])], classes),
        Some(TableError::Child)
    );
    assert_eq!(
        check(&[TREE], &[with([LEAF | 3, LEAF])], classes),
        Some(TableError::Leaf)
    );
    assert_eq!(
        check(&[TREE], &[Split { feature: 2, ..LAST }], classes),
        Some(TableError::Feature)
    );
    assert_eq!(
        check(&[Tree { root: 1, ..TREE }], &[SPLIT, LAST], classes),
        Some(TableError::TreeRange)
    );
    assert_eq!(
        check(
            &[Tree {
                root: LEAF | 3,
                ..TREE
            }],
            &[LAST],
            classes
        ),
        Some(TableError::Leaf)
    );
    assert_eq!(
        check(
            &[
                Tree {
                    first_split: 2,
                    ..TREE
                },
                TREE
            ],
            &[LAST, LAST],
            classes
        ),
        Some(TableError::TreeRange)
    );
    // A child in the next tree's splits is none of this tree's.
    let trees = [
        TREE,
        Tree {
            first_split: 1,
            root: 0,
        },
    ];
    assert_eq!(
        check(&trees, &[SPLIT, LAST], classes),
        Some(TableError::Child)
    );
    assert_eq!(
        check(&[TREE], &[LAST], Leaves::Bytes(&[0; 4])),
        Some(TableError::Leaf)
    );
    assert_eq!(
        check(&[TREE], &[LAST], Leaves::Words(&[0; 3])),
        Some(TableError::Leaf)
    );
}

/// `⌊x · 2^shift⌋ − offset`, saturated, in float64, which is exact here.
fn affine_reference(x: f32, shift: i8, offset: i32) -> i16 {
    if x.is_nan() {
        return i16::MAX;
    }
    let code = (f64::from(x) * 2.0_f64.powi(i32::from(shift))).floor() - f64::from(offset);
    code.clamp(-32_768.0, 32_767.0) as i16
}

#[test]
fn singles_are_coded_as_their_values() {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 32
    };
    for _ in 0..2_000_000 {
        let bits = next() as u32;
        let shift = (next() % 256) as u8 as i8;
        let offset = next() as i32 >> (next() % 32);
        let x = f32::from_bits(bits);
        let code = SingleBits(bits).affine(shift, offset);
        assert_eq!(
            code,
            affine_reference(x, shift, offset),
            "{x:e} {shift} {offset}"
        );
        let y = f32::from_bits(bits ^ (next() as u32 >> (next() % 32)));
        if !x.is_nan() && !y.is_nan() {
            let order = SingleBits(bits)
                .order()
                .cmp(&SingleBits(y.to_bits()).order());
            assert_eq!(Some(order), x.partial_cmp(&y), "{x:e} {y:e}");
        }
    }
    for x in [
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        -1.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        1e-45,
    ] {
        for shift in [-128, -1, 0, 1, 7, 8, 9, 127] {
            for offset in [i32::MIN + 32_768, -32_768, 0, 32_767, i32::MAX - 32_768] {
                assert_eq!(
                    SingleBits(f32::to_bits(x)).affine(shift, offset),
                    affine_reference(x, shift, offset),
                    "{x:e} {shift} {offset}"
                );
            }
        }
    }
}

#[test]
fn integers_are_coded_as_their_values() {
    for reading in [i32::MIN, -32_769, -3, -1, 0, 1, 2, 40_000, i32::MAX] {
        for shift in [-128_i8, -31, -2, -1, 0, 1, 4, 31] {
            for offset in [i32::MIN + 32_768, -5, 0, 5, i32::MAX - 32_768] {
                let scaled = (f64::from(reading) * 2.0_f64.powi(i32::from(shift).max(-31))).floor();
                let expected = (scaled - f64::from(offset)).clamp(-32_768.0, 32_767.0) as i16;
                assert_eq!(
                    reading.affine(shift, offset),
                    expected,
                    "{reading} {shift} {offset}"
                );
            }
        }
    }
    assert_eq!((-3_i16).affine(0, 0), -3);
}

#[test]
fn a_rank_counts_the_cuts_below() {
    let cuts = [-2.5_f32, 0.0, 7.0].map(|cut| SingleBits(cut.to_bits()).order());
    let rank = Coding::Rank(Rank { cuts: &cuts });
    let of = |x: f32| rank.code(SingleBits(x.to_bits()));
    assert_eq!(
        [of(-3.0), of(-2.5), of(-0.0), of(0.1), of(7.0), of(7.5)],
        [0, 0, 1, 2, 2, 3]
    );
    assert_eq!([of(f32::NAN), of(f32::NEG_INFINITY)], [3, 0]);
}

#[test]
fn floors_are_those_of_the_values() {
    let check = |x: f32| {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
        let floor = if x.is_nan() {
            i32::MAX
        } else {
            x.floor() as i32
        };
        assert_eq!(SingleBits(x.to_bits()).floor(), floor, "{x:e}");
    };
    // Every 64th single there is, and all next to a power of two.
    for bits in (0..=u32::MAX).step_by(64) {
        check(f32::from_bits(bits));
    }
    for exponent in 0..=255_u32 {
        for bits in [
            exponent << 23,
            (exponent << 23) + 1,
            (exponent << 23).wrapping_sub(1),
        ] {
            check(f32::from_bits(bits));
            check(f32::from_bits(bits | 1 << 31));
        }
    }
    assert_eq!(
        (7_u8.floor(), (-7_i16).floor(), i32::MIN.floor()),
        (7, -7, i32::MIN)
    );
}

#[test]
fn a_missing_reading_has_its_own_code() {
    let gap = |mark, code, from, to| Gap {
        mark,
        code,
        feature: 1,
        from,
        to,
    };
    let gaps = [
        gap(-1, i16::MIN, 0, 1),
        gap(-1, i16::MAX, 0, 0),
        gap(-1, 9, 7, 0),
        gap(-1, 9, 0, 7),
    ];
    let fill = |reading: i16| {
        let (mut words, mut bytes) = ([5_i16, 0], [5_u8, 0]);
        Gap::write(&gaps, |feature| [77, reading][feature], &mut words);
        Gap::write(&gaps, |feature| [77, reading][feature], &mut bytes);
        (words, bytes)
    };
    assert_eq!(fill(3), ([5, 5], [5, 5]));
    assert_eq!(fill(-1), ([i16::MAX, i16::MIN], [255, 0]));

    // NaN is missing whatever stands for it.
    let is_missing = |x: f32, mark| SingleBits(x.to_bits()).is_missing(mark);
    let mark = SingleBits((-999.0_f32).to_bits()).order();
    for (reading, is) in [
        (-999.0, true),
        (f32::NAN, true),
        (-f32::NAN, true),
        (999.0, false),
    ] {
        assert_eq!(is_missing(reading, mark), is, "{reading}");
        assert_eq!(
            is_missing(reading, NAN_ORDER),
            reading.is_nan(),
            "{reading}"
        );
    }
}

#[test]
fn sets_know_their_members() {
    // Nine sets: set k has the categories that k divides, and the last one a missing reading too.
    let rows: Vec<[u8; 2]> = (-1..12_u32.cast_signed())
        .map(|place| {
            let has = |set: i32| {
                if place < 0 {
                    set == 9
                } else {
                    place % set == 0
                }
            };
            let bits = (1..=9).fold(0_u16, |bits, set| bits | u16::from(has(set)) << (set - 1));
            bits.to_le_bytes()
        })
        .collect();
    let sets = Sets {
        mark: NAN_ORDER,
        feature: 0,
        first: 1,
        n_sets: 9,
        members: rows.as_flattened(),
    };
    let codes = |x: f32| {
        let mut codes = [7_u8; 11];
        sets.write(SingleBits(x.to_bits()), &mut codes);
        assert_eq!((codes[0], codes[10]), (7, 7));
        codes[1..10].to_vec()
    };
    assert_eq!(codes(6.0), [0, 0, 0, 1, 1, 0, 1, 1, 1]);
    assert_eq!(codes(6.9), codes(6.0));
    assert_eq!(codes(-0.0), [0; 9]);
    assert_eq!(codes(f32::NAN), [1, 1, 1, 1, 1, 1, 1, 1, 0]);
    for unknown in [
        12.0,
        65_535.0,
        65_536.0,
        1e30,
        -0.5,
        -1.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ] {
        assert_eq!(codes(unknown), [1; 9], "{unknown}");
    }
    // Codes that are not there are left out.
    let mut few = [7_i16; 3];
    sets.write(6_u8, &mut few);
    assert_eq!(few, [7, 0, 0]);
}

#[test]
fn bayes_terms_hold_what_they_are_made_of() {
    for (mean, factor, shift) in [(i16::MIN, 4_095, 15), (-1, 0, 3), (i16::MAX, 1, 0)] {
        let term = Term::new(mean, factor, shift);
        assert_eq!(
            (term.mean(), term.factor(), term.shift()),
            (mean, factor, shift)
        );
    }
    assert_eq!(Term::new(7, 4_096 | 5, 16 | 2), Term::new(7, 5, 2));
}

#[test]
fn bayes_deviations_do_not_overflow_at_the_corners() {
    let heaviest = Term::new(i16::MIN, 4_095, 0);
    assert_eq!(heaviest.deviation(i16::MAX), 65_535 * 4_095);
    assert!(heaviest.deviation(i16::MAX) < 1 << 28);
    assert_eq!(
        Term::new(i16::MAX, 4_095, 0).deviation(i16::MIN),
        -65_535 * 4_095
    );
    assert_eq!(
        heaviest.farthest(),
        square_wide(heaviest.deviation(i16::MAX))
    );
    // Floored, towards lower deviations on either side.
    assert_eq!(Term::new(3, 3, 2).deviation(0), -3);
    assert_eq!(Term::new(0, 3, 2).deviation(3), 2);
}

/// Cores of either kind compute the same bits.
#[test]
fn squares_are_equal_however_they_are_computed() {
    let ends = [0_i32, 1, 255, 32_767, 65_535, 65_536, 65_537, (1 << 28) - 1];
    let many = (0..1 << 28).step_by(9_973);
    for magnitude in ends.into_iter().chain(many) {
        let exact = u64::from(magnitude.unsigned_abs()).pow(2);
        for deviation in [magnitude, -magnitude] {
            assert_eq!(square_wide(deviation), exact);
            assert_eq!(square_by_halves(deviation), exact);
        }
    }
}

#[test]
fn bayes_tables_are_checked() {
    let terms = [Term::new(1, 1, 0); 4];
    let tables = bayes::Tables {
        n_features: 2,
        n_classes: 2,
        terms: &terms,
        offsets: &[-100, -101],
    };
    let model = GaussianNb::new(tables).unwrap();
    let mut scores = [0; 2];
    assert_eq!(model.classify(&[1, 4], &mut scores), Ok(1));
    assert_eq!(scores, [91, 92]);
    scores = [0; 2];
    model.scores(&[1, 4], &mut scores).unwrap();
    assert_eq!(scores, [91, 92]);
    assert_eq!(model.scores(&[1], &mut scores), Err(ShapeError));
    let refused = |tables| GaussianNb::new(tables).err();
    assert_eq!(
        refused(bayes::Tables {
            n_features: 3,
            ..tables
        }),
        Some(TableError::Shape)
    );
    assert_eq!(
        refused(bayes::Tables {
            offsets: &[0],
            ..tables
        }),
        Some(TableError::Shape)
    );
    assert_eq!(
        refused(bayes::Tables {
            n_classes: 0,
            ..tables
        }),
        Some(TableError::Count)
    );
}

/// The lowest score that any codes make is `i64::MIN + 1`, or the tables are refused.
#[test]
fn bayes_tables_that_could_overflow_are_refused() {
    let terms = [Term::new(0, 4_095, 0), Term::new(-1, 1, 0)];
    let codes = [i16::MIN, i16::MAX];
    let most = (32_768_i64 * 4_095).pow(2) + 32_768_i64.pow(2);
    let model = |offset: i64| {
        let tables = bayes::Tables {
            n_features: 2,
            n_classes: 1,
            terms: &terms,
            offsets: &[offset],
        };
        let mut scores = [0];
        let model = GaussianNb::new(tables)?;
        model.scores(&codes, &mut scores).unwrap();
        Ok(scores[0])
    };
    assert_eq!(model(i64::MAX - most), Ok(-i64::MAX));
    assert_eq!(model(i64::MAX - most + 1), Err(TableError::Shape));
    assert_eq!(model(i64::MIN + 1), Ok(i64::MAX - most));
    assert_eq!(model(i64::MIN), Err(TableError::Shape));
}

#[test]
fn a_winner_is_clear_above_the_margin() {
    use spinney_runtime::clear_winner;
    assert_eq!(clear_winner(&[1_u32, 9, 4], 4), Some(1));
    assert_eq!(clear_winner(&[1_u32, 9, 4], 5), None);
    assert_eq!(clear_winner(&[3_u32, 3], 0), None);
    assert_eq!(clear_winner(&[3_u32, 2], 0), Some(0));
    assert_eq!(clear_winner(&[7_u32], u32::MAX), Some(0));
    assert_eq!(clear_winner::<u32>(&[], 0), None);
    // No difference of scores overflows.
    let ends = [i64::MIN, i64::MAX];
    assert_eq!(clear_winner(&ends, u64::MAX - 1), Some(1));
    assert_eq!(clear_winner(&ends, u64::MAX), None);
    assert_eq!(clear_winner(&[u32::MAX, 0], u32::MAX - 1), Some(0));
    assert_eq!(clear_winner(&[u32::MAX, 0], u32::MAX), None);
}
