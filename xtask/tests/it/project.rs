//! A user's own project: made by `new` or completed by `init`, with two pipelines, moved, called
//! through its own alias; by a program that lies outside of any target folder, as an installed one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Installed {
    folder: tempfile::TempDir,
}

impl Installed {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("spinney");
        // By a process of its own: a child that another test starts meanwhile would hold the file open
        // for writing, and a program that is open so does not start.
        let mut copy = Command::new("cp");
        copy.arg(env!("CARGO_BIN_EXE_xtask")).arg(&program);
        assert!(copy.status().expect("cp runs").success());
        Self { folder }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a verb in a folder; what it printed on stdout.
    fn run(&self, folder: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new(self.place("spinney"));
        told(command.current_dir(folder).args(arguments))
    }
}

/// What a command that succeeds prints.
fn told(command: &mut Command) -> String {
    // Of the cargo that runs these tests.
    for (name, _) in std::env::vars_os() {
        let is_of_cargo = name.to_string_lossy().starts_with("CARGO_");
        if is_of_cargo && name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it runs");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{status}\n{stdout}{stderr}");
    stdout.into_owned()
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

const UNTIL_QUANTIZE: [&str; 4] = ["pipeline", "run", "--until", "quantize"];

#[test]
fn two_pipelines_share_a_project_and_a_moved_one_goes_on() {
    let installed = Installed::new();
    installed.run(installed.folder.path(), &["new", "flowers"]);
    let project = installed.place("flowers");
    assert!(
        !project.join("target").exists(),
        "a project has no build products yet"
    );
    let first = std::fs::read_to_string(project.join("pipeline.toml")).expect("a config");
    let second = first
        .replace("name = \"flowers\"", "name = \"second\"")
        .replace("crate = \"model\"", "crate = \"second-model\"")
        .replace("n_trees = 10", "n_trees = 3");
    write(
        &project.join("models/second.toml"),
        &second.replace("data/", "../data/"),
    );
    installed.run(&project, &UNTIL_QUANTIZE);
    let config = ["--config", "models/second.toml"];
    installed.run(&project, &[&UNTIL_QUANTIZE[..], &config].concat());
    let model = |name: &str| {
        let path = project
            .join("target/pipeline")
            .join(name)
            .join("model/stamp.json");
        std::fs::metadata(path)
            .and_then(|it| it.modified())
            .expect("a stage")
    };
    let made = [model("flowers"), model("second")];
    let listed = installed.run(&project, &["pipeline", "list"]);
    assert!(
        listed.contains("flowers") && listed.contains("second"),
        "{listed}"
    );

    let moved = installed.place("elsewhere/blossoms");
    std::fs::create_dir(installed.place("elsewhere")).expect("a folder");
    std::fs::rename(&project, &moved).expect("a project that moves");
    installed.run(&moved, &UNTIL_QUANTIZE);
    installed.run(
        &moved.join("models"),
        &[&UNTIL_QUANTIZE[..], &["--config", "second.toml"]].concat(),
    );
    std::fs::rename(&moved, &project).expect("a project that moves back");
    assert_eq!(
        [model("flowers"), model("second")],
        made,
        "nothing was made anew"
    );
}

/// A stand-in for a clone of Spinney, whose library says what was typed.
fn echo(folder: &Path) {
    write(
        &folder.join("crates/cli/Cargo.toml"),
        "[package]\nname = \"spinney-cli\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    write(
        &folder.join("crates/cli/src/lib.rs"),
        "pub struct Door;\n\
         impl Door {\n    pub const XTASK: Door = Door;\n}\n\
         pub fn main(_: Door) -> std::process::ExitCode {\n\
         \x20   println!(\"{:?}\", std::env::args().skip(1).collect::<Vec<_>>());\n\
         \x20   std::process::ExitCode::SUCCESS\n}\n",
    );
}

#[test]
fn a_firmware_repository_gets_an_alias_that_runs_on_the_host() {
    let installed = Installed::new();
    let (repository, spinney) = (
        installed.place("blinky"),
        installed.place("spinney-sources"),
    );
    echo(&spinney);
    write(
        &repository.join("Cargo.toml"),
        "[package]\nname = \"blinky\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    write(&repository.join("src/lib.rs"), "#![no_std]\n");
    write(
        &repository.join(".cargo/config.toml"),
        "[build]\ntarget = \"thumbv7em-none-eabihf\"\n\n\
         [target.thumbv7em-none-eabihf]\nrunner = \"probe-rs run\"\n\
         rustflags = [\"-Clink-arg=-Tlink.x\"]\n\n\
         [alias]\nrb = \"run --bin\"\n",
    );
    let spinney = spinney.display().to_string();
    let said = installed.run(&repository, &["init", "--spinney", &spinney]);
    assert!(
        said.contains("added: alias xtask, in .cargo/config.toml"),
        "{said}"
    );
    let cargo = env!("CARGO");
    let words = ["xtask", "pipeline", "run", "--quiet"];
    let typed = told(
        Command::new(cargo)
            .current_dir(&repository)
            .args(words)
            .env("CARGO_NET_OFFLINE", "true"),
    );
    assert_eq!(typed, "[\"pipeline\", \"run\", \"--quiet\"]\n");
    assert!(repository.join("xtask/Cargo.lock").is_file());
}

#[test]
fn a_new_project_calls_its_own_xtask() {
    let installed = Installed::new();
    let spinney = installed.place("spinney-sources");
    echo(&spinney);
    let spinney = spinney.display().to_string();
    installed.run(
        installed.folder.path(),
        &["new", "flowers", "--spinney", &spinney],
    );
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(installed.place("flowers"))
        .args(["xtask", "setup"]);
    assert_eq!(
        told(cargo.env("CARGO_NET_OFFLINE", "true")),
        "[\"setup\"]\n"
    );
}
