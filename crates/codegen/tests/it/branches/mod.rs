//! Generated crates, compiled for the host and run: every way of adding up votes, with an exit and
//! without, gives the classes and scores of the model.

mod cases;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::forests::{Random, rows};
use cases::Case;
use spinney_codegen::{CodeType, Exit, Identity, Origin, SourceTree, drop_in};
use spinney_quantize::ReadingType;
use spinney_runtime::coding::narrow;

#[test]
fn generated_crates_compile_without_a_warning_and_agree() {
    let cases: Vec<Case> = [
        cases::hard(),
        cases::soft(),
        cases::large(),
        cases::tables(),
        cases::unknown(),
        cases::readings(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    write(&folder, &workspace(&cases));
    cargo(&folder, &["fmt", "--all", "--", "--check"]);
    let target = folder.join("target");
    cargo(&folder, &["build", "--release", "--offline", "--quiet"]);
    let program = target.join("release/run");
    for (index, case) in cases.iter().enumerate() {
        if has_readings(case) {
            agrees_on_readings(&program, index, case);
        } else {
            agrees(&program, index, case);
        }
        if case.name.starts_with("all-bits") {
            let output = feed(&program, &format!("{index}-all"), Vec::new());
            let found = String::from_utf8_lossy(&output.stdout);
            let n_patterns = (1_u64 << 32) / step(case);
            let expected = format!("{n_patterns} patterns, 0 differ\n");
            assert_eq!(found, expected, "{}", case.name);
        }
    }
}

/// Every so many-th pattern of bits: of a row of many features each takes long.
fn step(case: &Case) -> u64 {
    if case.model.schema().n_features() == 1 {
        1
    } else {
        16
    }
}

/// Whether rows of a case are readings of 32 bits rather than codes.
fn has_readings(case: &Case) -> bool {
    matches!(
        case.model.reading_type(),
        ReadingType::I32 | ReadingType::F32
    )
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
            origin: Origin::Config,
        };
        let generated = drop_in(identity, &case.model, &case.options).expect("it holds the model");
        let (package, library) = (identity.package(), identity.package().replace('-', "_"));
        let source: String = ["src/lib.rs", "src/tables.rs", "src/trees.rs"]
            .iter()
            .filter_map(|path| generated.files.get(*path))
            .cloned()
            .collect();
        for held in case.holds {
            assert!(source.contains(held), "{}: no {held}: {source}", case.name);
        }
        for (path, text) in generated.files {
            let text = text.replace("{ path = \"runtime\" }", "{ path = \"../runtime\" }");
            match path.strip_prefix("runtime/") {
                Some(shared) => files.insert(format!("runtime/{shared}"), text),
                None => files.insert(format!("{package}/{path}"), text),
            };
        }
        let _ = writeln!(dependencies, "{package} = {{ path = \"../{package}\" }}");
        let _ = if has_readings(case) {
            let reading = case.model.reading_type().rust_name();
            writeln!(
                arms,
                "        \"{index}\" => run_readings(&input, {reading}::from_le_bytes, \
                 {library}::predict, |row| {library}::scores(&{library}::encode(row))),"
            )
        } else {
            writeln!(
                arms,
                "        \"{index}\" => run(&input, {library}::classify, {library}::scores),"
            )
        };
        if case.name.starts_with("all-bits") {
            let _ = writeln!(
                arms,
                "        \"{index}-all\" => run_all({library}::predict, {}),",
                step(case)
            );
        }
    }
    files.insert(
        "Cargo.toml".to_owned(),
        format!("[workspace]\nresolver = \"3\"\nmembers = [\"run\"]\n\n{PROFILE}"),
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
        MAIN.replace("        ARMS\n", &arms).replace(
            "ALL_THRESHOLDS",
            &cases::THRESHOLDS.map(|at| format!("{at:?}")).join(", "),
        ),
    );
    files
}

/// What takes four billion rows is worth an optimizer's time, a few hundred rows are not.
const PROFILE: &str = r#"[profile.release]
opt-level = 1

[profile.release.package.run]
opt-level = 3

[profile.release.package.all-bits-model]
opt-level = 3

[profile.release.package.all-bits-many-model]
opt-level = 3
"#;

const MAIN: &str = r#"//! Runs a model on rows of codes from the standard input, 16 bits each, or of readings, 32 bits each.

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

fn run_readings<R, const F: usize, const N: usize>(
    input: &[u8],
    reading: fn([u8; 4]) -> R,
    predict: fn(&[R; F]) -> usize,
    scores: fn(&[R; F]) -> [u32; N],
) {
    for row in input.chunks(4 * F) {
        let row = core::array::from_fn(|i| {
            reading([row[4 * i], row[4 * i + 1], row[4 * i + 2], row[4 * i + 3]])
        });
        println!("{} {:?}", predict(&row), scores(&row));
    }
}

/// Asks for the class of every `step`th pattern of bits that a single has, where classes count the
/// thresholds below it.
#[rustfmt::skip]
fn run_all<const F: usize>(predict: fn(&[f32; F]) -> usize, step: usize) {
    let count = |first: u32| {
        let mut row = [0.0; F];
        let mut differ = 0;
        for bits in (first..=first + (u32::MAX >> 2)).step_by(step) {
            let reading = f32::from_bits(bits);
            row[0] = reading;
            let expected: usize = THRESHOLDS.iter().map(|at| usize::from(!(reading <= *at))).sum();
            differ += u64::from(predict(&row) != expected);
        }
        differ
    };
    let differ: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4_u32)
            .map(|quarter| scope.spawn(move || count(quarter << 30)))
            .collect();
        threads.into_iter().map(|it| it.join().expect("no panic")).sum()
    });
    println!("{} patterns, {differ} differ", (1_u64 << 32) / step as u64);
}

const THRESHOLDS: [f32; 7] = [ALL_THRESHOLDS];
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
            let all = case.model.delivered(row, &scores);
            let class = exit.as_ref().map_or(all, |exit| exit.classify(row).class);
            n_changed += usize::from(class != all);
            format!("{class} {scores:?}\n")
        })
        .collect();
    let is_exact = case.options.exit_margin == 1.0;
    assert_eq!(n_changed == 0, is_exact, "{}: {n_changed}", case.name);
    let output = feed(program, &index.to_string(), input);
    assert!(output.status.success(), "{}", case.name);
    let found = String::from_utf8_lossy(&output.stdout);
    for (row, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{}: row {row}", case.name);
    }
    assert_eq!(found.len(), expected.len(), "{}", case.name);
}

/// The same of a crate whose readings have 32 bits, on those next to thresholds, on those that are special
/// and on any.
fn agrees_on_readings(program: &Path, index: usize, case: &Case) {
    let is_float = case.model.reading_type() == ReadingType::F32;
    let mut random = Random(7);
    let rows: Vec<Vec<u32>> = (0..2000)
        .map(|_| {
            let features = 0..case.model.schema().n_features();
            let near = |random: &mut Random| i32::from(random.within((-3100, 3100)));
            let integer = |random: &mut Random| {
                let edges = [i32::MIN, i32::MIN + 1, -1, 0, i32::MAX - 1, i32::MAX];
                match random.below(4) {
                    0 => edges[random.below(edges.len())],
                    _ => near(random),
                }
            };
            let single = |random: &mut Random| {
                let at = f64::from(near(random)) as f32;
                match random.below(8) {
                    0 => cases::SPECIAL[random.below(cases::SPECIAL.len())],
                    1 => at.next_up().to_bits(),
                    2 => at.next_down().to_bits(),
                    3 => random.next() as u32,
                    _ => at.to_bits(),
                }
            };
            let bits = |_| match is_float {
                true => single(&mut random),
                false => integer(&mut random).cast_unsigned(),
            };
            features.map(bits).collect()
        })
        .collect();
    let exit = Exit::new(&case.model, case.options.exit_margin).filter(|_| case.options.early_exit);
    let scorer = case.model.scorer();
    let expected: String = rows
        .iter()
        .map(|row| {
            let reading = |bits: &u32| match is_float {
                true => f64::from(f32::from_bits(*bits)),
                false => f64::from(bits.cast_signed()),
            };
            let codes = case
                .model
                .codes(&row.iter().map(reading).collect::<Vec<_>>());
            let scores = scorer.scores(&codes);
            let all = case.model.delivered(&codes, &scores);
            let class = exit
                .as_ref()
                .map_or(all, |exit| exit.classify(&codes).class);
            format!("{class} {scores:?}\n")
        })
        .collect();
    let input = rows.iter().flatten().flat_map(|bits| bits.to_le_bytes());
    let output = feed(program, &index.to_string(), input.collect());
    let found = String::from_utf8_lossy(&output.stdout);
    for (row, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{}: row {row} {:x?}", case.name, rows[row]);
    }
    assert_eq!(found.len(), expected.len(), "{}", case.name);
}

fn feed(program: &Path, case: &str, input: Vec<u8>) -> Output {
    let mut child = Command::new(program)
        .arg(case)
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
