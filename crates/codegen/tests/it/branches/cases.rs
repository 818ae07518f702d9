//! The models and forms that crates are generated from.

use spinney_codegen::{CodeType, Encoding, Options};
use spinney_model::{FloatModel, Forest, ForestKind, Node, Schema, Tree};
use spinney_quantize::{CodingChoice, Declared, QuantModel, Sensor};

use crate::forests::{Kind, Shape, float, model, quantized};

/// A model in some form, and words that its source must contain, so that it is what it is for.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) model: QuantModel,
    pub(crate) options: Options,
    pub(crate) holds: &'static [&'static str],
}

const SHAPE: Shape = Shape {
    n_features: 20,
    n_classes: 10,
    n_trees: 10,
    splits_max: 60,
    depth_max: 9,
    n_leaves: 30,
    thresholds: (0, 254),
    is_chain: false,
    is_symmetric: false,
    seed: 1,
};

const FEW: Shape = Shape {
    n_features: 6,
    n_classes: 5,
    splits_max: 7,
    ..SHAPE
};

const BRANCHES: Options = Options {
    encoding: Encoding::Branches,
    code_type: CodeType::U8,
    wide_thresholds: false,
    early_exit: true,
    exit_margin: 1.0,
    counts_in_memory: false,
    unaligned: false,
};

/// Content with half of what is certain, which changes classes.
const MARGIN: Options = Options {
    exit_margin: 0.5,
    ..BRANCHES
};

const ALL_TREES: Options = Options {
    early_exit: false,
    ..BRANCHES
};

const MEMORY: Options = Options {
    counts_in_memory: true,
    ..BRANCHES
};

fn case(
    name: &'static str,
    shape: Shape,
    kind: Kind,
    options: Options,
    holds: &'static [&'static str],
) -> Case {
    Case {
        name,
        model: model(&shape, kind),
        options,
        holds,
    }
}

fn trees(n_trees: usize, shape: Shape) -> Shape {
    Shape { n_trees, ..shape }
}

fn classes(n_classes: usize, shape: Shape) -> Shape {
    Shape { n_classes, ..shape }
}

pub(crate) fn hard() -> Vec<Case> {
    let wide = Shape {
        thresholds: (-3000, 3000),
        seed: 2,
        ..SHAPE
    };
    let of = |name, shape, options, holds| case(name, shape, Kind::Hard, options, holds);
    let extreme = Shape {
        thresholds: (i16::MAX - 1, i16::MAX),
        ..FEW
    };
    vec![
        of("extreme", extreme, BRANCHES, &["<= 32767"]),
        of("hard", SHAPE, BRANCHES, &["Ballot<2, 4>", "is_decided"]),
        of("hard-margin", SHAPE, MARGIN, &["new(3)", "new(6)"]),
        of(
            "memory-margin",
            SHAPE,
            Options {
                counts_in_memory: true,
                ..MARGIN
            },
            &["EARLY && *count >= 3"],
        ),
        of("hard-all", SHAPE, ALL_TREES, &["Ballot<2, 4>"]),
        of("hard-wide", wide, BRANCHES, &["<= -", "Ballot<2, 4>"]),
        of(
            "hard-15",
            trees(15, classes(32, FEW)),
            BRANCHES,
            &["Ballot<4, 4>"],
        ),
        of("hard-16", trees(16, FEW), BRANCHES, &["Ballot<2, 8>"]),
        of(
            "hard-255",
            trees(
                255,
                Shape {
                    splits_max: 3,
                    ..FEW
                },
            ),
            BRANCHES,
            &["Ballot<2, 8>"],
        ),
        of(
            "hard-300",
            trees(300, classes(3, FEW)),
            BRANCHES,
            &["Ballot<2, 16>"],
        ),
        of(
            "second",
            classes(2, SHAPE),
            BRANCHES,
            &["second.wrapping_sub(1) >= 5"],
        ),
        of(
            "second-margin",
            classes(2, SHAPE),
            MARGIN,
            &["(codes) >= 3"],
        ),
        of(
            "second-all",
            classes(2, SHAPE),
            ALL_TREES,
            &["(codes) >= 6"],
        ),
        of("two", trees(2, FEW), BRANCHES, &["Ballot<1, 4>"]),
        of("three", trees(3, FEW), BRANCHES, &["is_decided"]),
        of(
            "memory",
            SHAPE,
            MEMORY,
            &["[u8; N_CLASSES]", "EARLY && *count"],
        ),
        of(
            "memory-all",
            SHAPE,
            Options {
                early_exit: false,
                ..MEMORY
            },
            &["[u8; N_CLASSES]"],
        ),
        of(
            "memory-256",
            trees(
                256,
                Shape {
                    splits_max: 2,
                    ..FEW
                },
            ),
            MEMORY,
            &["[u16; N_CLASSES]"],
        ),
        of(
            "classes",
            trees(20, classes(40, FEW)),
            BRANCHES,
            &["[u8; N_CLASSES]"],
        ),
        of("single", trees(1, SHAPE), BRANCHES, &["-> usize"]),
        of(
            "leaves",
            Shape {
                splits_max: 0,
                ..FEW
            },
            BRANCHES,
            &["_x: &[Code"],
        ),
        of(
            "leaf",
            trees(
                1,
                Shape {
                    splits_max: 0,
                    ..FEW
                },
            ),
            BRANCHES,
            &["_x: &[Code"],
        ),
    ]
}

pub(crate) fn soft() -> Vec<Case> {
    let of = |name, shape, kind, options, holds| case(name, shape, kind, options, holds);
    let (bytes, words) = (Kind::Bytes, Kind::Words);
    vec![
        of(
            "bytes",
            SHAPE,
            bytes,
            BRANCHES,
            &["Lanes<WORDS>", "lead_lanes(votes"],
        ),
        of("bytes-margin", SHAPE, bytes, MARGIN, &["lead_lanes(votes"]),
        of(
            "values",
            SHAPE,
            Kind::Values,
            BRANCHES,
            &["predict_value", "N_TARGETS"],
        ),
        of(
            "values-long",
            SHAPE,
            Kind::LongValues,
            Options::plain(),
            &["Values::Words"],
        ),
        of(
            "values-table",
            SHAPE,
            Kind::Values,
            Options::plain(),
            &["predict_value", "MODEL.scores"],
        ),
        of(
            "sums",
            trees(30, SHAPE),
            Kind::Sums,
            BRANCHES,
            &["sum <= best && best - sum >= "],
        ),
        of("sums-all", SHAPE, Kind::Sums, ALL_TREES, &["let mut best"]),
        of(
            "sums-table",
            trees(30, SHAPE),
            Kind::Sums,
            Options {
                early_exit: true,
                ..Options::plain()
            },
            &["Leaves::Values", "Leads(&"],
        ),
        of(
            "sums-of-bytes-sides",
            classes(2, SHAPE),
            Kind::SumsOfBytes,
            BRANCHES,
            &["sum > best || best - sum >= "],
        ),
        of("words-margin", SHAPE, words, MARGIN, &["lead(votes"]),
        of("bytes-all", SHAPE, bytes, ALL_TREES, &["Lanes<WORDS>"]),
        of(
            "bytes-257",
            trees(
                257,
                Shape {
                    splits_max: 1,
                    ..FEW
                },
            ),
            bytes,
            BRANCHES,
            &["Lanes<WORDS>"],
        ),
        of(
            "bytes-258",
            trees(
                258,
                Shape {
                    splits_max: 1,
                    ..FEW
                },
            ),
            bytes,
            BRANCHES,
            &["[u32; N_CLASSES]"],
        ),
        of(
            "words",
            SHAPE,
            words,
            BRANCHES,
            &["[u32; N_CLASSES]", "lead(votes"],
        ),
        of("words-all", SHAPE, words, ALL_TREES, &["[u32; N_CLASSES]"]),
        of(
            "words-single",
            trees(1, SHAPE),
            words,
            BRANCHES,
            &["[u32; N_CLASSES]"],
        ),
        of(
            "bytes-two",
            trees(2, classes(4, FEW)),
            bytes,
            BRANCHES,
            &["Lanes<WORDS>"],
        ),
    ]
}

/// Forests that are cut into functions, and trees that are.
pub(crate) fn large() -> Vec<Case> {
    let groups = Shape {
        splits_max: 900,
        depth_max: 40,
        n_trees: 6,
        ..SHAPE
    };
    let parts = Shape {
        splits_max: 3500,
        depth_max: 40,
        n_trees: 2,
        seed: 5,
        ..SHAPE
    };
    let chain = Shape {
        splits_max: 150,
        depth_max: 150,
        is_chain: true,
        n_trees: 3,
        ..SHAPE
    };
    let of = |name, shape, kind, options, holds| case(name, shape, kind, options, holds);
    vec![
        of(
            "groups-margin",
            groups,
            Kind::Hard,
            MARGIN,
            &["trees_1", "is_decided"],
        ),
        of(
            "groups",
            groups,
            Kind::Hard,
            BRANCHES,
            &["trees_1", "Ballot<2, 4>"],
        ),
        of(
            "parts",
            parts,
            Kind::Words,
            BRANCHES,
            &["trees_1", "part_1_1"],
        ),
        of(
            "part",
            trees(1, Shape { seed: 6, ..parts }),
            Kind::Hard,
            BRANCHES,
            &["part_0_1"],
        ),
        of(
            "chain",
            chain,
            Kind::Hard,
            BRANCHES,
            &["part_0_0", "[u8; N_CLASSES]"],
        ),
    ]
}

/// Tables, too, as a compiler takes them.
pub(crate) fn tables() -> Vec<Case> {
    let table = Options {
        encoding: Encoding::Table,
        unaligned: true,
        ..BRANCHES
    };
    let packed = Options {
        encoding: Encoding::Packed,
        ..BRANCHES
    };
    let wide = Shape {
        n_features: 20_000,
        ..FEW
    };
    let signed = Shape {
        thresholds: (i16::MIN, i16::MAX),
        ..SHAPE
    };
    let symmetric = Shape {
        depth_max: 4,
        splits_max: 15,
        n_leaves: 99,
        is_symmetric: true,
        ..SHAPE
    };
    let of = |name, shape, kind, options, holds| case(name, shape, kind, options, holds);
    vec![
        of(
            "three-bytes",
            SHAPE,
            Kind::Hard,
            table,
            &["Nodes::Three", "Votes(6)"],
        ),
        of(
            "word-per-split",
            Shape {
                n_leaves: 14,
                ..signed
            },
            Kind::Words,
            table,
            &["Nodes::Words", "more: None", "Leads(&"],
        ),
        of(
            "word-and-more",
            signed,
            Kind::Words,
            table,
            &["Nodes::Words", "more: Some(", "Leads(&"],
        ),
        of(
            "wide",
            wide,
            Kind::Bytes,
            table,
            &["Tables {\n    n_features"],
        ),
        of(
            "packed",
            SHAPE,
            Kind::Bytes,
            packed,
            &["Nodes::Packed", "Leads(&"],
        ),
        of(
            "levels",
            symmetric,
            Kind::Sums,
            table,
            &["Nodes::Levels", "numbers: None"],
        ),
        of(
            "numbered-levels",
            Shape {
                thresholds: (-9, 99),
                ..symmetric
            },
            Kind::Words,
            table,
            &["Asked::Halves", "Some(Values::", "Leads(&"],
        ),
    ]
}

/// Models that may not know, in every form; an exit that is asked for is not taken.
pub(crate) fn unknown() -> Vec<Case> {
    let tables = Options {
        encoding: Encoding::Table,
        ..BRANCHES
    };
    let packed = Options {
        encoding: Encoding::Packed,
        ..BRANCHES
    };
    let holds = &["fn likeliest(", "clear_winner(&scores(codes), MARGIN)"];
    let of = |name, shape, kind, options, margin| {
        let mut it = case(name, shape, kind, options, holds);
        it.model = it.model.with_margin(margin);
        it
    };
    vec![
        of("unknown-hard", SHAPE, Kind::Hard, BRANCHES, 2),
        of("unknown-hard-table", SHAPE, Kind::Hard, tables, 2),
        of("unknown-one-tree", trees(1, FEW), Kind::Hard, BRANCHES, 0),
        of("unknown-no-tree", trees(1, FEW), Kind::Hard, tables, 1),
        of("unknown-soft", SHAPE, Kind::Bytes, BRANCHES, 100),
        of("unknown-packed", SHAPE, Kind::Bytes, packed, 100),
        of("unknown-ties", FEW, Kind::Bytes, tables, 0),
    ]
}

/// Bits of singles: both zeros, infinities, the least and largest numbers, NaN of both signs.
pub(crate) const SPECIAL: [u32; 14] = [
    0,
    1 << 31,
    1,
    0x8000_0001,
    0x7f7f_ffff,
    0xff7f_ffff,
    0x7f80_0000,
    0xff80_0000,
    0x7f80_0001,
    0xff80_0001,
    0x7fc0_0000,
    0xffc0_0000,
    u32::MAX >> 1,
    u32::MAX,
];

/// Thresholds of every sign and size.
pub(crate) const THRESHOLDS: [f32; 7] = [f32::MIN, -1.5, -1e-45, 0.0, 1e-45, 1.5, f32::MAX];

/// Models that compare readings, and two whose class is the number of thresholds below one of them.
pub(crate) fn readings() -> Vec<Case> {
    let on_readings = |options| Options {
        code_type: CodeType::Reading,
        ..options
    };
    let signed = Shape {
        thresholds: (-3000, 3000),
        ..SHAPE
    };
    let many = Shape {
        n_features: 40,
        ..signed
    };
    let (ranks, shifts) = ([CodingChoice::Rank; 2], [CodingChoice::Affine; 2]);
    let of = |name, shape: Shape, kind, options, (sensor, codings): (_, [_; 2]), holds| {
        let declared = |feature: usize| Declared {
            sensor: Some(sensor),
            coding: codings[feature % 2],
            ..Declared::default()
        };
        let declared: Vec<Declared> = (0..shape.n_features).map(declared).collect();
        Case {
            name,
            model: quantized(&float(&shape, kind), &declared, kind),
            options,
            holds,
        }
    };
    let singles = |codings| (Sensor::F32, codings);
    let signs: &[&str] = &["is_ordered", "cast_signed() <= 0x", "to_bits() >= 0x"];
    let each: &[&str] = &["&& x[", "to_bits() <= 0xff800000"];
    let all = |name, n_features, holds| Case {
        name,
        model: counting(n_features),
        options: on_readings(ALL_TREES),
        holds,
    };
    let mixed = (Sensor::F32, [CodingChoice::Affine, CodingChoice::Rank]);
    let few = Shape {
        splits_max: 3,
        n_trees: 4,
        thresholds: (-300, 300),
        ..FEW
    };
    let (hard, exit, asked) = (Kind::Hard, on_readings(BRANCHES), on_readings(ALL_TREES));
    let integers: &[&str] = &["x: &[Code; N_CODES]", "type Reading = i32"];
    let shifted: &[&str] = &["type Code = u16", "shifted("];
    vec![
        of("singles", signed, hard, exit, singles(ranks), signs),
        of("singles-many", many, hard, exit, singles(ranks), each),
        of(
            "singles-affine",
            signed,
            Kind::Bytes,
            asked,
            singles(shifts),
            signs,
        ),
        of(
            "integers",
            signed,
            hard,
            exit,
            (Sensor::I32, ranks),
            integers,
        ),
        of(
            "integers-affine",
            signed,
            Kind::Sums,
            exit,
            (Sensor::U16, shifts),
            integers,
        ),
        of("shifted", signed, hard, BRANCHES, mixed, shifted),
        of(
            "shifted-few",
            few,
            hard,
            BRANCHES,
            mixed,
            &["0x8000 + Code::from"],
        ),
        all("all-bits", 1, signs),
        all("all-bits-many", 40, each),
    ]
}

/// One tree that counts the thresholds below its first reading; the others are compared with 0, and
/// make another class of those above.
fn counting(n_features: usize) -> QuantModel {
    let n_classes = THRESHOLDS.len() + 2;
    let leaf = |class: usize| {
        let mut values = vec![0.0; n_classes];
        values[class] = 1.0;
        Node::Leaf(values)
    };
    let split = |feature: usize, threshold: f64, left: usize, right: usize| {
        let index = |at: usize| u32::try_from(at).expect("few nodes");
        Node::at_most(index(feature), threshold, None, [index(left), index(right)])
    };
    let first = THRESHOLDS.iter().map(|at| (0, f64::from(*at)));
    let others = (1..n_features).map(|feature| (feature, 0.0));
    // Each split's right child is the next split.
    let mut nodes = Vec::new();
    for (feature, threshold) in first {
        let at = nodes.len();
        nodes.push(split(feature, threshold, at + 1, at + 2));
        nodes.push(leaf(nodes.len() / 2));
    }
    for (feature, threshold) in others {
        let at = nodes.len();
        nodes.push(split(feature, threshold, at + 2, at + 1));
        nodes.push(leaf(THRESHOLDS.len() + 1));
    }
    nodes.push(leaf(THRESHOLDS.len()));
    let classes = (0..n_classes).map(|class| format!("c{class}")).collect();
    let schema = Schema::unnamed(n_features, classes).expect("a schema");
    let tree = Tree::new(nodes, &schema).expect("a tree");
    let forest = Forest::new(ForestKind::DecisionTree, schema, vec![tree]).expect("a forest");
    let declared = Declared {
        sensor: Some(Sensor::F32),
        coding: CodingChoice::Rank,
        ..Declared::default()
    };
    let declared = vec![declared; n_features];
    quantized(&FloatModel::Forest(forest), &declared, Kind::Hard)
}
