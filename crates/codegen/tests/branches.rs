//! Generated crates, compiled for the host and run: every way of adding up votes, with an exit and
//! without, gives the classes and scores of the model.

mod forests;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use forests::{Kind, Shape, model, rows};
use spinney_codegen::{CodeType, Encoding, Exit, Identity, Options, SourceTree, drop_in};
use spinney_quantize::QuantModel;
use spinney_runtime::argmax;
use spinney_runtime::coding::narrow;

/// A model in some form, and words that its source must contain, so that it is what it is for.
struct Case {
    name: &'static str,
    model: QuantModel,
    options: Options,
    holds: &'static [&'static str],
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

fn hard() -> Vec<Case> {
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

fn soft() -> Vec<Case> {
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
fn large() -> Vec<Case> {
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
fn tables() -> Vec<Case> {
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

#[test]
fn generated_crates_compile_without_a_warning_and_agree() {
    let cases: Vec<Case> = [hard(), soft(), large(), tables()]
        .into_iter()
        .flatten()
        .collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    write(&folder, &workspace(&cases));
    cargo(&folder, &["fmt", "--all", "--", "--check"]);
    let target = folder.join("target");
    cargo(&folder, &["build", "--release", "--offline", "--quiet"]);
    for (index, case) in cases.iter().enumerate() {
        agrees(&target.join("release/run"), index, case);
    }
}

/// One package per case, one runtime for all, and a program that runs a case by its number.
fn workspace(cases: &[Case]) -> SourceTree {
    let mut files = SourceTree::new();
    let mut arms = String::new();
    let mut dependencies = String::new();
    for (index, case) in cases.iter().enumerate() {
        let identity = Identity {
            pipeline: case.name,
            kind: "forest",
            fingerprint: "0",
        };
        let generated = drop_in(identity, &case.model, &case.options).expect("it holds the model");
        let (package, library) = (identity.package(), identity.package().replace('-', "_"));
        let source: String = ["src/lib.rs", "src/trees.rs"]
            .iter()
            .filter_map(|path| generated.files.get(*path))
            .cloned()
            .collect();
        for held in case.holds {
            assert!(source.contains(held), "{}: no {held}", case.name);
        }
        for (path, text) in generated.files {
            let text = text.replace("{ path = \"runtime\" }", "{ path = \"../runtime\" }");
            match path.strip_prefix("runtime/") {
                Some(shared) => files.insert(format!("runtime/{shared}"), text),
                None => files.insert(format!("{package}/{path}"), text),
            };
        }
        let _ = writeln!(dependencies, "{package} = {{ path = \"../{package}\" }}");
        let _ = writeln!(
            arms,
            "        \"{index}\" => run(&input, {library}::classify, {library}::scores),"
        );
    }
    files.insert(
        "Cargo.toml".to_owned(),
        "[workspace]\nresolver = \"3\"\nmembers = [\"run\"]\n".to_owned(),
    );
    files.insert(
        "run/Cargo.toml".to_owned(),
        format!(
            "[package]\nname = \"run\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\n{dependencies}"
        ),
    );
    files.insert(
        "run/src/main.rs".to_owned(),
        MAIN.replace("        ARMS\n", &arms),
    );
    files
}

const MAIN: &str = r#"//! Runs a model on rows of codes from the standard input, 16 bits each.

use std::fmt::Debug;
use std::io::Read;

#[rustfmt::skip]
fn main() {
    let case = std::env::args().nth(1).expect("the number of a case");
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).expect("rows");
    match case.as_str() {
        ARMS
        _ => panic!("no such case"),
    }
}

fn run<C: TryFrom<i16, Error: Debug>, const F: usize, const N: usize>(
    input: &[u8],
    classify: fn(&[C; F]) -> usize,
    scores: fn(&[C; F]) -> [u32; N],
) {
    for row in input.chunks(2 * F) {
        let codes: [C; F] = core::array::from_fn(|i| {
            C::try_from(i16::from_le_bytes([row[2 * i], row[2 * i + 1]])).expect("a code")
        });
        println!("{} {:?}", classify(&codes), scores(&codes));
    }
}
"#;

/// Writes what differs from what is there, so that a second run has nothing to build.
fn write(folder: &Path, files: &SourceTree) {
    for (path, text) in files {
        let path: PathBuf = folder.join(path);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
    }
}

fn cargo(folder: &Path, args: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUSTFLAGS", "-Dwarnings")
        .output()
        .expect("cargo");
    let text = String::from_utf8_lossy(&output.stderr);
    let shown: String = String::from_utf8_lossy(&output.stdout)
        .chars()
        .take(4000)
        .collect();
    assert!(output.status.success(), "cargo {args:?}: {text}{shown}");
}

fn agrees(program: &Path, index: usize, case: &Case) {
    let n_rows = if case.model.schema().n_features() > 1000 {
        40
    } else {
        2000
    };
    let rows = rows(&case.model, n_rows, 99);
    let is_narrow = case.model.code_bits() == 8
        && case.options.code_type == CodeType::U8
        && case.name != "wide";
    let input: Vec<u8> = rows
        .iter()
        .flatten()
        .map(|code| {
            if is_narrow {
                narrow(*code).into()
            } else {
                *code
            }
        })
        .flat_map(i16::to_le_bytes)
        .collect();
    let scorer = case.model.scorer();
    let exit = Exit::new(&case.model, case.options.exit_margin).filter(|_| case.options.early_exit);
    let mut n_changed = 0;
    let expected: String = rows
        .iter()
        .map(|row| {
            let scores = scorer.scores(row);
            let all = argmax(&scores);
            let class = exit.as_ref().map_or(all, |exit| exit.classify(row).class);
            n_changed += usize::from(class != all);
            format!("{class} {scores:?}\n")
        })
        .collect();
    let is_exact = case.options.exit_margin == 1.0;
    assert_eq!(n_changed == 0, is_exact, "{}: {n_changed}", case.name);
    let output = feed(program, index, input);
    assert!(output.status.success(), "{}", case.name);
    let found = String::from_utf8_lossy(&output.stdout);
    for (row, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{}: row {row}", case.name);
    }
    assert_eq!(found.len(), expected.len(), "{}", case.name);
}

fn feed(program: &Path, index: usize, input: Vec<u8>) -> Output {
    let mut child = Command::new(program)
        .arg(index.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program that was just built");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("no panic").expect("all rows are read");
    output
}
