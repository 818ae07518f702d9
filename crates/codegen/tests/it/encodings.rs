//! Every encoding gives the scores and classes of the model's own tables, and an early exit the
//! class of all trees.

use std::fmt::Write;

use crate::forests::{Kind, Shape, model, rows};
use expect_test::expect;
use proptest::prelude::*;
use spinney_codegen::{
    CodeType, Encoded, Encoding, Exit, Identity, Options, Origin, Walks, drop_in,
};
use spinney_dataset::{csv, split};
use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{CodeWidth, Declared, QuantModel, Votes, calibrate};
use spinney_runtime::argmax;
use spinney_runtime::coding::{Code, narrow};
use spinney_runtime::compact::Forest;
use spinney_train::{ForestParams, MaxFeatures};

const KINDS: [Kind; 7] = [
    Kind::Hard,
    Kind::Bytes,
    Kind::Words,
    Kind::SumsOfBytes,
    Kind::Sums,
    Kind::Values,
    Kind::LongValues,
];

/// Those that decide, and so may stop early.
const DECIDING: [Kind; 5] = [
    Kind::Hard,
    Kind::Bytes,
    Kind::Words,
    Kind::SumsOfBytes,
    Kind::Sums,
];

/// Forms of tables that a model may take.
fn forms() -> Vec<Options> {
    let plain = Options::plain();
    vec![
        plain,
        Options {
            unaligned: true,
            ..plain
        },
        Options {
            wide_thresholds: true,
            ..plain
        },
        Options {
            encoding: Encoding::Packed,
            ..plain
        },
        Options {
            exit_margin: 0.75,
            ..plain
        },
        Options {
            encoding: Encoding::Packed,
            exit_margin: 0.3,
            ..plain
        },
    ]
}

/// Holds all forms of `model` against it on rows of codes, and says which forms there were.
fn agree(model: &QuantModel, rows: &[Vec<i16>]) -> Vec<String> {
    let scorer = model.scorer();
    let canonical: Vec<Vec<i64>> = rows.iter().map(|row| scorer.scores(row)).collect();
    let mut names = Vec::new();
    for options in forms() {
        let Some(encoded) = Encoded::new(model, &options) else {
            continue;
        };
        if options.exit_margin == 1.0 {
            names.push(encoded.form());
        }
        let exit = Exit::new(model, options.exit_margin);
        // Shapes are constants in a generated crate; here a few stand for all.
        macro_rules! of_classes {
            ($($n:literal)*) => {
                match model.n_scores() {
                    $($n => of_shape::<$n, { usize::div_ceil($n, 4) }>(
                        model, &encoded, rows, &canonical, exit.as_ref(),
                    ),)*
                    n => panic!("{n} classes are not among the shapes"),
                }
            };
        }
        of_classes!(1 2 3 4 5 10 16 17 33 64 255);
    }
    names
}

fn of_shape<const N: usize, const W: usize>(
    model: &QuantModel,
    encoded: &Encoded,
    rows: &[Vec<i16>],
    canonical: &[Vec<i64>],
    exit: Option<&Exit>,
) {
    let tables = encoded.tables();
    for (row, scores) in rows.iter().zip(canonical) {
        let early = exit.map_or_else(|| argmax(scores), |exit| exit.classify(row).class);
        of_row::<N, W, i16>(model, &tables, encoded, row, scores, early);
        if model.code_bits() == 8 {
            let bytes: Vec<u8> = row.iter().map(|code| narrow(*code)).collect();
            of_row::<N, W, u8>(model, &tables, encoded, &bytes, scores, early);
        }
    }
}

fn of_row<const N: usize, const W: usize, C: Code>(
    model: &QuantModel,
    tables: &Forest<'_>,
    encoded: &Encoded,
    codes: &[C],
    canonical: &[i64],
    stopped: usize,
) {
    let class = argmax(canonical);
    let scores = tables.scores::<N, C>(codes).expect("the model's shape");
    let form = encoded.form();
    assert_eq!(scores.map(i64::from).as_slice(), canonical, "{form}");
    assert_eq!(tables.classify::<N, W, C>(codes), Ok(class), "{form}");
    let early = tables.classify_early::<N, W, C>(codes, encoded.enough());
    assert_eq!(early, Ok(stopped), "early exit of {form}");
    let mut n_visits = 0;
    let visit = |_| {
        n_visits += 1;
        true
    };
    tables.each_leaf(codes, visit).expect("the model's shape");
    let Some(forest) = model.forest() else {
        panic!("a forest");
    };
    assert_eq!(n_visits, forest.trees().len());
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        prop_oneof![
            Just(1_usize),
            2_usize..64,
            Just(64),
            Just(65),
            65_usize..700
        ],
        prop::sample::select(vec![2, 3, 4, 5, 10, 16, 17, 33, 64, 255]),
        prop_oneof![8 => 1_usize..12, 1 => Just(15), 1 => Just(16), 1 => Just(40)],
        prop_oneof![0_usize..3, 3_usize..40, 40_usize..600],
        prop_oneof![1_usize..6, Just(100)],
        prop_oneof![1_usize..16, 16_usize..40, 200_usize..400],
        prop_oneof![
            3 => Just((0_i16, 254_i16)),
            1 => Just((0, 0)),
            1 => Just((0, 255)),
            1 => Just((-300, 300)),
            1 => Just((i16::MIN, i16::MAX)),
            1 => Just((i16::MAX - 3, i16::MAX)),
            1 => Just((i16::MIN, i16::MIN + 3)),
        ],
        any::<[bool; 2]>(),
        any::<u64>(),
    )
        .prop_map(
            |(
                n_features,
                n_classes,
                n_trees,
                splits_max,
                depth_max,
                n_leaves,
                thresholds,
                [is_chain, is_symmetric],
                seed,
            )| Shape {
                n_features,
                n_classes,
                n_trees,
                splits_max,
                depth_max,
                n_leaves,
                thresholds,
                is_chain,
                is_symmetric,
                seed,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_forests_agree_in_every_form(
        shape in shape(),
        kind in prop::sample::select(KINDS.to_vec()),
    ) {
        let model = model(&shape, kind);
        agree(&model, &rows(&model, 60, shape.seed ^ 1));
    }
}

const SMALL: Shape = Shape {
    n_features: 5,
    n_classes: 3,
    n_trees: 7,
    splits_max: 12,
    depth_max: 8,
    n_leaves: 9,
    thresholds: (0, 254),
    is_chain: false,
    is_symmetric: false,
    seed: 7,
};

#[test]
fn each_form_is_taken_at_its_limits() {
    let mut lines = String::new();
    let mut check = |name: &str, shape: Shape, kind: Kind| {
        let model = model(&shape, kind);
        let forms = agree(&model, &rows(&model, 200, 11)).join(", ");
        let _ = writeln!(
            lines,
            "{name}: {}",
            forms.replace(" per ", "/").replace("/split", "")
        );
    };
    check("small", SMALL, Kind::Hard);
    for n_features in [64, 65, 4097, 16_384, 16_385, 65_535] {
        let shape = Shape {
            n_features,
            ..SMALL
        };
        check(&format!("{n_features} features"), shape, Kind::Hard);
    }
    for n_classes in [16, 17, 255] {
        let shape = Shape {
            n_classes,
            n_leaves: 1000,
            n_trees: 100,
            ..SMALL
        };
        check(&format!("{n_classes} classes"), shape, Kind::Hard);
    }
    let both = Shape {
        n_features: 16_384,
        n_classes: 255,
        n_leaves: 1000,
        n_trees: 100,
        ..SMALL
    };
    check("16384 features, 255 classes", both, Kind::Hard);
    for n_leaves in [16, 17, 256, 600] {
        let shape = Shape {
            n_leaves,
            n_classes: 17,
            splits_max: 100,
            n_trees: 60,
            ..SMALL
        };
        check(&format!("{n_leaves} leaves"), shape, Kind::Words);
    }
    for thresholds in [
        (0, 254),
        (0, 255),
        (200, 255),
        (-1, 254),
        (i16::MIN, i16::MAX),
    ] {
        let shape = Shape {
            thresholds,
            n_trees: 100,
            ..SMALL
        };
        check(&format!("thresholds {thresholds:?}"), shape, Kind::Hard);
    }
    for splits_max in [500, 600, 20_000] {
        let shape = Shape {
            splits_max,
            depth_max: 10_000,
            ..SMALL
        };
        check(&format!("{splits_max} splits"), shape, Kind::Hard);
    }
    for (name, depth_max, thresholds, kind) in [
        ("16-bit values", 6, (0, 254), Kind::Values),
        ("thresholds below 0", 6, (-9, 254), Kind::Values),
        ("32-bit values", 4, (0, 254), Kind::LongValues),
        ("a score per class", 3, (0, 254), Kind::Sums),
        ("classes", 5, (0, 254), Kind::Hard),
        ("votes", 6, (0, 254), Kind::Words),
        ("stumps", 1, (0, 254), Kind::Values),
        ("15 levels", 15, (0, 254), Kind::Values),
        ("16 levels", 16, (0, 254), Kind::Values),
    ] {
        let shape = Shape {
            is_symmetric: true,
            splits_max: ((1 << depth_max) - 1).min(32_767),
            n_trees: if depth_max > 6 { 1 } else { 30 },
            n_leaves: 300,
            depth_max,
            thresholds,
            ..SMALL
        };
        check(&format!("symmetric, {name}"), shape, kind);
    }
    expect![[r#"
        small: 3 bytes, 3 bytes, 4 bytes, 15 bits
        64 features: 3 bytes, 3 bytes, 4 bytes, 18 bits
        65 features: 4 bytes, 4 bytes, 4 bytes, 19 bits
        4097 features: 4 bytes, 4 bytes, 5 bytes, 25 bits
        16384 features: 4 bytes, 4 bytes, 5 bytes, 26 bits
        16385 features: 4 bytes, 4 bytes, 27 bits
        65535 features: 4 bytes, 4 bytes, 28 bits
        16 classes: 3 bytes, 3 bytes, 4 bytes, 19 bits
        17 classes: 4 bytes, 4 bytes, 4 bytes, 19 bits
        255 classes: 4 bytes, 4 bytes, 5 bytes, 21 bits
        16384 features, 255 classes: 5 bytes, 5 bytes, 6 bytes, 32 bits
        16 leaves: 3 bytes, 3 bytes, 4 bytes, 19 bits
        17 leaves: 3 bytes, 3 bytes, 4 bytes, 20 bits
        256 leaves: 4 bytes, 4 bytes, 5 bytes, 23 bits
        600 leaves: 4 bytes, 4 bytes, 5 bytes, 23 bits
        thresholds (0, 254): 3 bytes, 3 bytes, 4 bytes, 16 bits
        thresholds (0, 255): 3 bytes, 3 bytes, 4 bytes, 16 bits
        thresholds (200, 255): 3 bytes, 3 bytes, 4 bytes, 16 bits
        thresholds (-1, 254): 4 bytes, 4 bytes, 4 bytes, 16 bits
        thresholds (-32768, 32767): 4 bytes, 4 bytes, 4 bytes, 24 bits
        500 splits: 4 bytes, 4 bytes, 4 bytes, 20 bits
        600 splits: 4 bytes, 4 bytes, 4 bytes, 20 bits
        20000 splits: 4 bytes, 4 bytes, 5 bytes, 25 bits
        symmetric, 16-bit values: 2 bytes/level, 2 bytes/level, 4 bytes/level, 22 bits
        symmetric, thresholds below 0: 4 bytes/level, 4 bytes/level, 4 bytes/level, 23 bits
        symmetric, 32-bit values: 2 bytes/level, 2 bytes/level, 4 bytes/level, 21 bits
        symmetric, a score per class: 2 bytes/level, 2 bytes/level, 4 bytes/level, 20 bits
        symmetric, classes: 2 bytes/level, 2 bytes/level, 4 bytes/level, 16 bits
        symmetric, votes: 2 bytes/level, 2 bytes/level, 4 bytes/level, 20 bits
        symmetric, stumps: 4 bytes, 4 bytes, 4 bytes, 18 bits
        symmetric, 15 levels: 2 bytes/level, 2 bytes/level, 4 bytes/level, 26 bits
        symmetric, 16 levels: 4 bytes, 4 bytes, 5 bytes, 26 bits
    "#]]
    .assert_eq(&lines);
}

#[test]
fn numbers_of_trees_at_the_limits_of_counts() {
    for n_trees in [1, 2, 3, 15, 16, 254, 255, 256, 257, 258, 300] {
        for (n_classes, kind) in [
            (2, Kind::Hard),
            (10, Kind::Hard),
            (3, Kind::Bytes),
            (5, Kind::Words),
        ] {
            let shape = Shape {
                n_trees,
                n_classes,
                seed: n_trees as u64,
                ..SMALL
            };
            let model = model(&shape, kind);
            let forms = agree(&model, &rows(&model, 200, 3));
            assert_eq!(forms.len(), 4, "{n_trees} trees");
        }
    }
}

#[test]
fn trees_that_are_leaves() {
    for n_trees in [1, 4] {
        for kind in KINDS {
            let shape = Shape {
                n_trees,
                splits_max: 0,
                ..SMALL
            };
            let model = model(&shape, kind);
            assert_eq!(agree(&model, &rows(&model, 20, 3)).len(), 4);
        }
    }
}

#[test]
fn a_certain_exit_changes_no_class_and_an_approximate_one_asks_fewer_trees() {
    for kind in DECIDING {
        let shape = Shape {
            n_trees: 21,
            ..SMALL
        };
        let model = model(&shape, kind);
        let asked: Vec<usize> = [1.0, 0.6, 0.2]
            .into_iter()
            .map(|margin| {
                let exit = Exit::new(&model, margin).expect("21 trees may stop early");
                rows(&model, 500, 5)
                    .iter()
                    .map(|row| {
                        let stopped = exit.classify(row);
                        if margin == 1.0 {
                            assert_eq!(stopped.class, argmax(&model.scorer().scores(row)));
                        }
                        stopped.n_trees
                    })
                    .sum()
            })
            .collect();
        assert!(asked[0] < 500 * 21, "{asked:?}");
        assert!(asked[1] < asked[0] && asked[2] < asked[1], "{asked:?}");
    }
}

#[test]
fn an_exit_saves_trees_and_hardly_ever_the_last_ones() {
    // Where a threshold decides, it depends on that.
    for kind in [Kind::Hard, Kind::Bytes, Kind::Words] {
        let shape = Shape {
            n_trees: 21,
            n_classes: 2,
            ..SMALL
        };
        let model = model(&shape, kind);
        let options = Options {
            early_exit: true,
            ..Options::plain()
        };
        let encoded = Encoded::new(&model, &options).expect("tables");
        let soonest = match encoded.enough() {
            spinney_runtime::compact::Enough::Votes(votes) => votes as usize,
            spinney_runtime::compact::Enough::Leads(leads) => {
                1 + leads
                    .iter()
                    .position(|lead| *lead != u32::MAX)
                    .expect("a tree after which the rest cannot win")
            }
        };
        assert_eq!(soonest, 11, "a majority of 21, whatever is voted");
    }
}

/// Models of a data set as pipelines make them, in tables and canonical.
fn of_data(name: &str, label: &str, n_trees: usize, max_depth: Option<usize>, kind: ForestKind) {
    let path = format!("{}/../../data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("a data set of the repository");
    let all = csv::read(&bytes, label).expect("a valid file");
    let split = split(&all, 0.25, 42).expect("enough rows");
    let params = ForestParams {
        max_depth,
        max_features: MaxFeatures::Sqrt,
        ..ForestParams::new(kind, n_trees, 42)
    };
    let float = spinney_train::forest(&split.train, &params, &|_, _| {}).expect("a model");
    let declared = vec![Declared::default(); float.schema().n_features()];
    let train = Some(split.train.values().view());
    let calibrations = calibrate(&float, train, &declared).expect("valid declarations");
    for (voting, votes) in [
        (Voting::Hard, Votes::Q15),
        (Voting::Soft, Votes::Byte),
        (Voting::Soft, Votes::Q15),
    ] {
        for codes in [CodeWidth::Word, CodeWidth::Auto] {
            let options = spinney_quantize::Options {
                voting,
                votes,
                codes,
                wants_scores: true,
            };
            let rows = Some(&split.train);
            let model = QuantModel::new(&float, &calibrations, options, rows).expect("it fits");
            let ordered = model.in_order(&model.order(&split.train));
            let rows: Vec<Vec<i16>> = all
                .values()
                .rows()
                .into_iter()
                .map(|row| model.codes(&row.to_vec()))
                .collect();
            assert!(!agree(&model, &rows).is_empty());
            assert!(!agree(&ordered, &rows).is_empty());
            let (scorer, of_ordered) = (model.scorer(), ordered.scorer());
            for row in &rows {
                assert_eq!(scorer.scores(row), of_ordered.scores(row));
            }
        }
    }
}

#[test]
fn every_row_of_every_data_set() {
    for (name, label) in [
        ("iris", "species"),
        ("wine", "cultivar"),
        ("breast_cancer", "diagnosis"),
        ("digits", "digit"),
    ] {
        of_data(name, label, 15, Some(8), ForestKind::RandomForest);
        of_data(name, label, 16, None, ForestKind::ExtraTrees);
    }
}

#[test]
fn what_has_no_compact_tables_is_not_encoded() {
    let branches = Options {
        encoding: Encoding::Branches,
        code_type: CodeType::U8,
        ..Options::plain()
    };
    assert_eq!(Encoded::new(&model(&SMALL, Kind::Hard), &branches), None);
    let json = br#"{"format":"spinney-model","version":1,"kind":"gaussian-nb",
        "features":[{"name":"a"}],"classes":["x","y"],"log_priors":[-0.7,-0.7],
        "means":[[0.5],[1.5]],"variances":[[1.0],[2.0]]}"#;
    let bayes = FloatModel::from_json(json).expect("a valid model");
    let declared = [Declared {
        range: Some((0.0, 1.0)),
        ..Declared::default()
    }];
    let calibrations = calibrate(&bayes, None, &declared).expect("valid declarations");
    let options = spinney_quantize::Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    let bayes = QuantModel::new(&bayes, &calibrations, options, None).expect("a model");
    assert_eq!(Encoded::new(&bayes, &Options::plain()), None);
}

/// Bytes of the table of splits or levels in the text of a generated crate.
fn bytes_of_nodes(tables: &str) -> usize {
    let start = |name: &str| tables.find(name).map(|at| at + name.len());
    let at = start("static NODES: [")
        .or_else(|| start("static SPLITS: ["))
        .expect("a table");
    let (head, _) = tables[at..].split_once("] = [").expect("an array");
    let (kind, n) = head.rsplit_once("; ").expect("a kind and a length");
    let width = match kind {
        "u8" => 1,
        "[u8; 2]" => 2,
        "u32" | "[u16; 2]" => 4,
        "Split" => 8,
        other => panic!("{other}"),
    };
    width * n.parse::<usize>().expect("a length")
}

#[test]
fn what_is_asked_of_features_fills_the_table() {
    let identity = Identity {
        pipeline: "small",
        kind: "a kind",
        fingerprint: "0123",
        origin: Origin::Config,
    };
    let oblivious = Shape {
        is_symmetric: true,
        splits_max: 63,
        depth_max: 6,
        n_trees: 30,
        n_leaves: 300,
        ..SMALL
    };
    let many = Shape {
        n_features: 65_535,
        n_leaves: 65_000,
        n_classes: 255,
        n_trees: 300,
        splits_max: 300,
        depth_max: 100,
        ..SMALL
    };
    for (shape, kind, encoding, bits) in [
        (SMALL, Kind::Hard, Encoding::Table, Some(24)),
        (SMALL, Kind::Words, Encoding::Packed, None),
        (oblivious, Kind::Values, Encoding::Table, Some(16)),
        (
            Shape {
                thresholds: (-9, 254),
                ..oblivious
            },
            Kind::Values,
            Encoding::Table,
            Some(32),
        ),
        (many, Kind::Words, Encoding::Table, None),
    ] {
        let model = model(&shape, kind);
        let options = Options {
            encoding,
            ..Options::plain()
        };
        let generated = drop_in(identity, &model, &options).expect("a form");
        let (asks, form) = (generated.asks, generated.form);
        assert!(bits.is_none_or(|bits| asks.bits == Some(bits)), "{form}");
        let asked = asks.n.iter().sum::<usize>() * asks.bits.expect("a table");
        let found = bytes_of_nodes(&generated.files["src/tables.rs"]);
        // A tree that is a leaf has a split in the table that asks nothing; some bytes are read beyond the end.
        let slack = match asks.are_levels {
            true => 0,
            false => shape.n_trees.div_ceil(4) * 8 + 8,
        };
        let least = asked.div_ceil(8);
        assert!(
            (least..=least + slack).contains(&found),
            "{form}: {asked} bits, {found} bytes"
        );
        assert_eq!(asks.are_levels, form.ends_with("level"), "{form}");
    }
}

#[test]
fn branches_are_counted_and_have_no_bits() {
    let model = model(&SMALL, Kind::Hard);
    let identity = Identity {
        pipeline: "small",
        kind: "a kind",
        fingerprint: "0123",
        origin: Origin::Config,
    };
    let of = |encoding| {
        let options = Options {
            encoding,
            ..Options::plain()
        };
        drop_in(identity, &model, &options).expect("a form").asks
    };
    let (branches, table) = (of(Encoding::Branches), of(Encoding::Table));
    assert_eq!((branches.n, branches.bits), (table.n, None));
}

#[test]
fn each_comparison_of_a_walk_is_told() {
    for kind in DECIDING {
        let model = model(
            &Shape {
                n_trees: 40,
                ..SMALL
            },
            kind,
        );
        let walks = Walks::new(&model).expect("a forest");
        let exit = Exit::new(&model, 1.0);
        for row in rows(&model, 100, 5) {
            let mut told = vec![0; model.inputs().len()];
            walks.walk(&row, |code| told[code] += 1);
            assert_eq!(told.iter().sum::<usize>(), walks.splits(&row));
            if let Some(exit) = &exit {
                let mut early = vec![0; told.len()];
                let stopped = exit.walk(&row, |code| early[code] += 1);
                assert_eq!(stopped, exit.classify(&row));
                assert_eq!(early.iter().sum::<usize>(), stopped.n_splits);
                assert!(early.iter().zip(&told).all(|(early, all)| early <= all));
            }
        }
    }
}
