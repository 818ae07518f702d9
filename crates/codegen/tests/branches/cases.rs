//! The models and forms that crates are generated from.

use spinney_codegen::{CodeType, Encoding, Options};
use spinney_quantize::QuantModel;

use crate::forests::{Kind, Shape, model};

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
            "four-bytes",
            Shape {
                n_leaves: 14,
                ..signed
            },
            Kind::Words,
            table,
            &["Nodes::Four", "Leads(&"],
        ),
        of(
            "six-bytes",
            signed,
            Kind::Words,
            table,
            &["Nodes::Six", "Leads(&"],
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
