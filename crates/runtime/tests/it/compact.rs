//! The compact tables at their boundaries: what the check refuses, and that it names the reason.

use spinney_runtime::compact::{Enough, Forest, LEFT, Layout, Leaves, Nodes, RIGHT, Tables};
use spinney_runtime::levels::{Asked, DEPTH_MAX, Levels};
use spinney_runtime::packed::{PADDING, Packed};
use spinney_runtime::values::Values;
use spinney_runtime::{ShapeError, TableError};

const BOTH: u16 = LEFT | RIGHT;

/// Two features and three classes.
fn check(starts: &[u32], nodes: Nodes<'_>, leaves: Leaves<'_>) -> Option<TableError> {
    let tables = Tables {
        n_features: 2,
        n_classes: 3,
        starts,
        nodes,
        leaves,
    };
    Forest::new(tables).err()
}

const WIDTHS: Layout = Layout::new(8, 14, 8);

/// A split, half of whose argument stands beside its word.
fn five(feature: u16, marks: u16, argument: u16) -> (u32, u32) {
    WIDTHS.word(feature.into(), 5, argument.into(), marks.into())
}

/// Splits of five bytes whose leaves have 8 bits.
struct Five {
    words: Vec<u32>,
    more: Vec<u8>,
}

impl Five {
    fn new(splits: &[(u32, u32)]) -> Self {
        let (words, more) = splits
            .iter()
            .map(|(word, more)| (*word, *more as u8))
            .unzip();
        Self { words, more }
    }

    fn nodes(&self) -> Nodes<'_> {
        Nodes::Words {
            words: &self.words,
            more: Some(Values::Bytes(&self.more)),
            threshold_bits: 8,
            feature_bits: 14,
        }
    }
}

/// Three splits, the second left below the first and the third right of it.
fn tree() -> [(u32, u32); 3] {
    [five(0, 0, 1), five(1, BOTH, 0x0201), five(1, BOTH, 0x0102)]
}

#[test]
fn starts_are_in_order_and_within() {
    let nodes = [tree(), tree()].concat();
    let check = |starts: &[u32]| check(starts, Five::new(&nodes).nodes(), Leaves::Classes);
    assert_eq!(check(&[0, 3]), None);
    assert_eq!(check(&[3]), None, "splits that no tree has");
    assert_eq!(check(&[]), Some(TableError::Count));
    for starts in [
        &[3, 0][..],
        &[0, 0],
        &[0, 6],
        &[0, 7],
        &[6],
        &[u32::MAX],
        &[0, u32::MAX],
    ] {
        assert_eq!(check(starts), Some(TableError::TreeRange), "{starts:?}");
    }
    assert_eq!(check(&[0, 2]), Some(TableError::Child), "a tree is cut off");
    let none = Five::new(&[]);
    let none = none.nodes();
    assert_eq!(
        check_shape(none, 2, 3, &[0], Leaves::Classes),
        Some(TableError::TreeRange)
    );
}

fn check_shape(
    nodes: Nodes<'_>,
    n_features: usize,
    n_classes: usize,
    starts: &[u32],
    leaves: Leaves<'_>,
) -> Option<TableError> {
    let tables = Tables {
        n_features,
        n_classes,
        starts,
        nodes,
        leaves,
    };
    Forest::new(tables).err()
}

#[test]
fn counts_are_within_the_formats() {
    let nodes = tree();
    let check = |n_features, n_classes| {
        check_shape(
            Five::new(&nodes).nodes(),
            n_features,
            n_classes,
            &[0],
            Leaves::Classes,
        )
    };
    assert_eq!(check(65_535, 255), None);
    for (n_features, n_classes) in [(0, 3), (65_536, 3), (2, 0), (2, 256)] {
        assert_eq!(check(n_features, n_classes), Some(TableError::Count));
    }
    let starts: Vec<u32> = (0..65_536).collect();
    let leaf = vec![five(0, BOTH, 0); 65_536];
    let of = |n: usize| {
        let nodes = Five::new(&leaf[..n]);
        check_shape(nodes.nodes(), 2, 3, &starts[..n], Leaves::Classes)
    };
    assert_eq!(of(65_535), None);
    assert_eq!(of(65_536), Some(TableError::Count));
}

#[test]
fn features_leaves_and_children_exist_in_five_bytes() {
    let with = |at: usize, node: (u32, u32)| {
        let mut nodes = tree();
        nodes[at] = node;
        check(&[0], Five::new(&nodes).nodes(), Leaves::Classes)
    };
    assert_eq!(with(0, five(0, LEFT, 2)), None);
    assert_eq!(with(0, five(2, LEFT, 2)), Some(TableError::Feature));
    assert_eq!(with(0, five(0, LEFT, 3)), Some(TableError::Leaf));
    assert_eq!(with(0, five(0, RIGHT, 0x0300)), Some(TableError::Leaf));
    assert_eq!(with(2, five(0, BOTH, 0x0003)), Some(TableError::Leaf));
    assert_eq!(with(0, five(0, 0, 0)), None, "both ways to the next");
    assert_eq!(with(0, five(0, 0, 2)), Some(TableError::Child));
    assert_eq!(with(0, five(0, 0, u16::MAX)), Some(TableError::Child));
    for marks in [0, LEFT, RIGHT] {
        assert_eq!(with(2, five(0, marks, 0)), Some(TableError::Child));
    }
}

#[test]
fn three_bytes_have_one_before_them_and_starts_in_bytes() {
    // Feature 0, both leaves: 2 and 1; threshold 9; twice.
    let bytes = [0, 0x12, 3, 9, 0x12, 3, 9];
    let check = |starts: &[u32], bytes: &[u8]| {
        [false, true]
            .map(|unaligned| check(starts, Nodes::Three { bytes, unaligned }, Leaves::Classes))
    };
    assert_eq!(check(&[0, 3], &bytes), [None; 2]);
    for starts in [&[0, 1][..], &[1], &[0, 6], &[7]] {
        assert_eq!(check(starts, &bytes), [Some(TableError::TreeRange); 2]);
    }
    for len in [0, 2, 3, 5, 6] {
        assert_eq!(check(&[0], &bytes[..len]), [Some(TableError::Count); 2]);
    }
    let with = |argument, mark| check(&[0], &[0, argument, mark, 9]);
    assert_eq!(with(0x22, 3), [None; 2]);
    assert_eq!(with(0x23, 3), [Some(TableError::Leaf); 2]);
    assert_eq!(with(0x32, 3), [Some(TableError::Leaf); 2]);
    assert_eq!(with(0x22, 2 << 2 | 3), [Some(TableError::Feature); 2]);
    assert_eq!(with(0, 1), [Some(TableError::Child); 2]);
}

#[test]
fn words_have_widths_that_are_known() {
    fn with(
        threshold_bits: u8,
        feature_bits: u8,
        word: u32,
        more: Option<Values<'_>>,
    ) -> Option<TableError> {
        let nodes = Nodes::Words {
            words: &[word],
            more,
            threshold_bits,
            feature_bits,
        };
        check(&[0], nodes, Leaves::Classes)
    }
    for threshold_bits in [8, 16] {
        for (more_bits, feature_bits) in [0, 8, 16]
            .into_iter()
            .flat_map(|more| (1..=(30 - threshold_bits).min(16)).map(move |bits| (more, bits)))
        {
            let layout = Layout::new(threshold_bits, feature_bits, more_bits);
            let check = |feature, argument, marks: u16| {
                let (word, more) = layout.word(feature, 1, argument, marks.into());
                let (bytes, halves) = ([more as u8], [more as u16]);
                let more = match more_bits {
                    0 => None,
                    8 => Some(Values::Bytes(&bytes)),
                    _ => Some(Values::Halves(&halves)),
                };
                with(threshold_bits, feature_bits, word, more)
            };
            assert_eq!(check(1, 0, BOTH), None);
            assert_eq!(check(0, 0, 0), Some(TableError::Child));
            if feature_bits > 1 {
                assert_eq!(check(2, 0, BOTH), Some(TableError::Feature));
            }
            // The highest leaf that fits on each side, and none that is not there.
            let leaf_bits = layout.argument_bits() / 2;
            assert!(leaf_bits <= 16);
            if leaf_bits >= 2 {
                for leaf in [3, (1 << leaf_bits) - 1] {
                    assert_eq!(check(0, leaf, BOTH), Some(TableError::Leaf));
                    assert_eq!(check(0, leaf << leaf_bits, BOTH), Some(TableError::Leaf));
                }
                assert_eq!(check(0, 2 | 1 << leaf_bits, BOTH), None);
            }
        }
    }
    for (threshold_bits, feature_bits) in [
        (0, 4),
        (7, 4),
        (9, 4),
        (17, 4),
        (8, 0),
        (8, 17),
        (16, 15),
        (255, 255),
    ] {
        let found = with(threshold_bits, feature_bits, u32::MAX, None);
        assert_eq!(found, Some(TableError::Count));
    }
    for more in [
        Values::Bytes(&[]),
        Values::Bytes(&[0; 2]),
        Values::Halves(&[0; 2]),
        Values::Words(&[0]),
    ] {
        assert_eq!(with(8, 4, 0, Some(more)), Some(TableError::Count));
    }
}

#[test]
fn packed_widths_and_lengths_are_sound() {
    let sound = Packed {
        len: 1,
        bytes: &[0; 1 + PADDING],
        feature_bits: 1,
        threshold_bits: 3,
        threshold_base: 0,
        argument_bits: 4,
        n_leaves: 3,
        pairs: &[[0, 2]],
    };
    let check = |packed: Packed<'_>| check(&[0], Nodes::Packed(packed), Leaves::Classes);
    assert_eq!(check(sound), None);
    let refused = [
        Packed {
            bytes: &[0; PADDING],
            ..sound
        },
        Packed { len: 2, ..sound },
        Packed {
            len: usize::MAX,
            ..sound
        },
        Packed {
            len: usize::MAX / 8 + 1,
            ..sound
        },
        Packed {
            feature_bits: 17,
            bytes: &[0; 99],
            ..sound
        },
        Packed {
            threshold_bits: 17,
            bytes: &[0; 99],
            ..sound
        },
        Packed {
            argument_bits: 33,
            bytes: &[0; 99],
            ..sound
        },
        Packed {
            feature_bits: 16,
            threshold_bits: 16,
            argument_bits: 26,
            bytes: &[0; 99],
            ..sound
        },
        Packed {
            feature_bits: 0,
            threshold_bits: 0,
            argument_bits: 0,
            ..sound
        },
    ];
    for packed in refused {
        assert_eq!(check(packed), Some(TableError::Count), "{packed:?}");
    }
    let empty = Packed { len: 0, ..sound };
    assert_eq!(check(empty), Some(TableError::TreeRange));
    assert_eq!(
        check(Packed {
            pairs: &[[3, 0]],
            ..sound
        }),
        Some(TableError::Leaf)
    );
    assert_eq!(
        check(Packed {
            pairs: &[[0, 3]],
            ..sound
        }),
        Some(TableError::Leaf)
    );
    // Feature 2 of two bits; then a leaf on one side, and a split on the other that is not there.
    let wide = Packed {
        feature_bits: 2,
        threshold_bits: 2,
        ..sound
    };
    assert_eq!(
        check(Packed {
            bytes: &[2, 0, 0, 0, 0, 0, 0, 0],
            ..wide
        }),
        Some(TableError::Feature)
    );
    for argument in [1, 4, 7, 15] {
        let bytes = [argument << 4, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            check(Packed {
                bytes: &bytes,
                ..wide
            }),
            Some(TableError::Child)
        );
    }
    let many = Packed {
        n_leaves: u16::MAX,
        bytes: &[0x50, 0, 0, 0, 0, 0, 0, 0],
        ..wide
    };
    assert_eq!(check(many), Some(TableError::Leaf));
}

#[test]
fn codebooks_are_whole_rows() {
    let nodes = [five(0, BOTH, 0x0100)];
    let of = |leaves| check(&[0], Five::new(&nodes).nodes(), leaves);
    assert_eq!(of(Leaves::Words(&[1; 6])), None);
    assert_eq!(of(Leaves::Words(&[1; 7])), Some(TableError::Leaf));
    assert_eq!(of(Leaves::Words(&[1; 3])), Some(TableError::Leaf));
    assert_eq!(of(Leaves::Lanes(&[1; 2])), None);
    assert_eq!(of(Leaves::Lanes(&[1])), Some(TableError::Leaf));
    let five =
        |rows: &[u32]| check_shape(Five::new(&nodes).nodes(), 2, 5, &[0], Leaves::Lanes(rows));
    assert_eq!(five(&[1; 4]), None);
    assert_eq!(five(&[1; 3]), Some(TableError::Leaf));
    let starts: Vec<u32> = (0..258).collect();
    let many = vec![nodes[0]; 258];
    let lanes = |n: usize| {
        let nodes = Five::new(&many[..n]);
        check(&starts[..n], nodes.nodes(), Leaves::Lanes(&[1; 2]))
    };
    assert_eq!(lanes(257), None);
    assert_eq!(lanes(258), Some(TableError::Leaf), "sums beyond a lane");
}

/// Values of three leaves, for two trees of the first score and one of the last.
fn values<'t>(bases: &'t [u32], ends: &'t [u16]) -> Leaves<'t> {
    Leaves::Values {
        values: Values::Halves(&[500, 7, 40]),
        bases,
        ends,
    }
}

#[test]
fn values_have_scores_whose_trees_follow_each_other() {
    let nodes = [
        five(0, BOTH, 0x0100),
        five(0, BOTH, 0x0201),
        five(1, BOTH, 0x0002),
    ];
    let of = |bases, ends| check(&[0, 1, 2], Five::new(&nodes).nodes(), values(bases, ends));
    assert_eq!(of(&[0; 3], &[2, 2, 3]), None);
    assert_eq!(of(&[0; 2], &[2, 2, 3]), Some(TableError::Count));
    assert_eq!(of(&[0; 3], &[2, 3]), Some(TableError::Count));
    assert_eq!(of(&[0; 3], &[2, 1, 3]), Some(TableError::TreeRange));
    assert_eq!(of(&[0; 3], &[2, 2, 2]), Some(TableError::TreeRange));
    assert_eq!(of(&[0; 3], &[2, 2, 4]), Some(TableError::TreeRange));
    let beyond = [nodes[0], nodes[1], five(1, BOTH, 0x0003)];
    let beyond = check(
        &[0, 1, 2],
        Five::new(&beyond).nodes(),
        values(&[0; 3], &[2, 2, 3]),
    );
    assert_eq!(beyond, Some(TableError::Leaf));

    let nodes = Five::new(&nodes);
    let forest = |bases| {
        Forest::new(Tables {
            n_features: 2,
            n_classes: 3,
            starts: &[0, 1, 2],
            nodes: nodes.nodes(),
            leaves: values(bases, &[2, 2, 3]),
        })
        .unwrap()
    };
    let even = forest(&[0, 507, 7]);
    for (codes, scores, class) in [
        ([5_i16, 5], [507, 507, 47], 0),
        ([6, 5], [47, 507, 47], 1),
        ([6, 6], [47, 507, 507], 1),
    ] {
        assert_eq!(even.scores::<3, _>(&codes), Ok(scores));
        assert_eq!(even.classify::<3, 1, _>(&codes), Ok(class));
        for leads in [&[40, 0, 0][..], &[], &[u32::MAX; 3]] {
            let early = even.classify_early::<3, 1, _>(&codes, Enough::Leads(leads));
            assert_eq!(early, Ok(class), "{codes:?} {leads:?}");
        }
    }
    assert_eq!(forest(&[0, 0, 8]).classify::<3, 1, _>(&[6_i16, 6]), Ok(2));
}

#[test]
fn a_class_that_does_not_exist_has_no_votes() {
    let nodes = [five(0, BOTH, 0x0100)];
    let of = |rows: [u32; 2]| check(&[0], Five::new(&nodes).nodes(), Leaves::Lanes(&rows));
    assert_eq!(of([0x00ff_ffff, 0x00ff_ffff]), None);
    assert_eq!(of([0x0100_0000, 0]), Some(TableError::Leaf));
    assert_eq!(of([0, 0x0100_0000]), Some(TableError::Leaf));
    let four = |word| {
        check_shape(
            Five::new(&nodes).nodes(),
            2,
            4,
            &[0],
            Leaves::Lanes(&[word; 2]),
        )
    };
    assert_eq!(four(u32::MAX), None);
    let five =
        |rows: &[u32]| check_shape(Five::new(&nodes).nodes(), 2, 5, &[0], Leaves::Lanes(rows));
    assert_eq!(five(&[u32::MAX, 0xff, u32::MAX, 0xff]), None);
    assert_eq!(five(&[0, 0, 0, 0x100]), Some(TableError::Leaf));
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let nodes = Five::new(&tree());
    let forest = Forest::new(Tables {
        n_features: 2,
        n_classes: 3,
        starts: &[0],
        nodes: nodes.nodes(),
        leaves: Leaves::Classes,
    })
    .unwrap();
    let codes = [0_i16; 2];
    assert_eq!(forest.classify::<3, 1, _>(&codes), Ok(1));
    assert_eq!(forest.classify::<3, 1, _>(&codes[..1]), Err(ShapeError));
    assert_eq!(forest.classify::<4, 1, _>(&codes), Err(ShapeError));
    assert_eq!(forest.classify::<3, 2, _>(&codes), Err(ShapeError));
    assert_eq!(forest.scores::<2, _>(&codes), Err(ShapeError));
    let early = forest.classify_early::<4, 1, _>(&codes, Enough::Votes(1));
    assert_eq!(early, Err(ShapeError));
}

#[test]
fn levels_and_their_places_exist() {
    let of =
        |starts: &[u32], levels: Levels<'_>| check(starts, Nodes::Levels(levels), Leaves::Classes);
    // Two trees of two levels.
    let sound = Levels {
        depth: 2,
        asked: Asked::Bytes(&[[0, 9]; 4]),
        numbers: Some(Values::Bytes(&[0, 1, 2, 0, 1, 2, 0, 1])),
    };
    assert_eq!(of(&[0, 1], sound), None);
    for starts in [&[0, 0][..], &[1, 0], &[0, 2]] {
        assert_eq!(of(starts, sound), Some(TableError::TreeRange), "{starts:?}");
    }
    let refused = [
        (Levels { depth: 0, ..sound }, TableError::Count),
        (Levels { depth: 1, ..sound }, TableError::Count),
        (
            Levels {
                asked: Asked::Halves(&[[0, 9]; 3]),
                ..sound
            },
            TableError::Count,
        ),
        (
            Levels {
                asked: Asked::Halves(&[[0, 9], [1, 9], [0, 9], [2, 9]]),
                ..sound
            },
            TableError::Feature,
        ),
        (
            Levels {
                numbers: Some(Values::Bytes(&[0; 7])),
                ..sound
            },
            TableError::Leaf,
        ),
        (
            Levels {
                numbers: Some(Values::Halves(&[0, 1, 2, 0, 1, 2, 0, 3])),
                ..sound
            },
            TableError::Leaf,
        ),
        // The places themselves are more than there are classes.
        (
            Levels {
                numbers: None,
                ..sound
            },
            TableError::Leaf,
        ),
    ];
    for (levels, error) in refused {
        assert_eq!(of(&[0, 1], levels), Some(error), "{levels:?}");
    }
    let deep = |depth: usize| {
        let places = vec![0; 1 << depth];
        let levels = Levels {
            depth: depth as u8,
            asked: Asked::Bytes(&vec![[0, 9]; depth]),
            numbers: Some(Values::Bytes(&places)),
        };
        of(&[0], levels)
    };
    assert_eq!(deep(DEPTH_MAX), None);
    assert_eq!(deep(DEPTH_MAX + 1), Some(TableError::Count));
}
