//! Generated crates, compiled for the host and run: every way of adding up votes, with an exit and
//! without, gives the classes and scores of the model.

mod cases;
#[path = "../forests/mod.rs"]
mod forests;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cases::Case;
use forests::rows;
use spinney_codegen::{CodeType, Exit, Identity, SourceTree, drop_in};
use spinney_runtime::coding::narrow;

#[test]
fn generated_crates_compile_without_a_warning_and_agree() {
    let cases: Vec<Case> = [
        cases::hard(),
        cases::soft(),
        cases::large(),
        cases::tables(),
        cases::unknown(),
    ]
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
            let all = case.model.delivered(&scores);
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
