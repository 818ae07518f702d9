//! `init`: what a pipeline needs, into a repository that is there. What is there stays as it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_board::Chip;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{invocation, places, process, store};

use crate::new::{self, MODEL, ROWS, ROWS_BYTES};
use crate::own_xtask::{self, Alias, Spinney};

/// The workflow, beside others.
const WORKFLOW: &str = ".github/workflows/spinney.yml";
const CONFIG: &str = "pipeline.toml";
const IGNORED: &str = ".gitignore";

/// What becomes of a repository.
#[derive(Debug, Default)]
struct Plan {
    /// Files by path within the repository; those that are there are only added to.
    files: Vec<(String, Vec<u8>)>,
    /// What they are, in words.
    added: Vec<String>,
    /// What their owner has to do.
    by_hand: Vec<String>,
}

impl Plan {
    fn add(&mut self, file: &str, text: impl Into<Vec<u8>>) {
        self.files.push((file.to_owned(), text.into()));
        self.added.push(file.to_owned());
    }
}

/// `init`: adds what is missing to the repository at `path`, and says what it added.
pub(crate) fn run(
    path: &Path,
    name: Option<&str>,
    chip: &str,
    spinney: Option<&Path>,
) -> Result<(), Failure> {
    let chip = new::chip_named(chip, None)?;
    let spinney = Spinney::new(spinney)?;
    places::refuse_sources(path)?;
    let root = spinney_config::resolve(path)
        .ok()
        .filter(|root| root.is_dir())
        .with_context(|| format!("found no folder {}, expected a repository", path.display()))
        .input()?;
    if places::clone().is_some_and(|clone| root == clone) {
        return Err(Failure::Input(anyhow!(
            "found Spinney's own repository, expected one of yours"
        )));
    }
    let mut plan = Plan::default();
    match is_there(&root, CONFIG) {
        true => add_workflow(&root, name, &mut plan)?,
        false => add_pipeline(&root, name, &chip, &mut plan)?,
    }
    add_xtask(&root, &spinney, &mut plan)?;
    add_ignored(&root, &mut plan)?;
    for (file, _) in &plan.files {
        // A link would lead out of the repository.
        if !spinney_config::resolve(&root.join(file)).is_ok_and(|it| it == root.join(file)) {
            return Err(Failure::Input(anyhow!(
                "{}: found a link that leads elsewhere, expected a place in the repository",
                path.join(file).display()
            )));
        }
    }
    let could_read = read_workspace(&root).is_ok();
    for (file, bytes) in &plan.files {
        store::write_whole(&root.join(file), bytes).input()?;
    }
    if let (true, Err(error)) = (could_read, read_workspace(&root)) {
        plan.by_hand.push(format!(
            "cargo no longer takes your Cargo.toml; `exclude = [\"xtask\"]` in its [workspace] keeps them \
             apart: {error:#}"
        ));
    }
    tell(path, &plan, &spinney);
    Ok(())
}

/// The name of a pipeline: the one given, or the folder's, made fit for packages.
fn name_of(root: &Path, name: Option<&str>) -> Result<String, Failure> {
    let folder = root.file_name().unwrap_or_default().to_string_lossy();
    let made: String = folder
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
            _ => '-',
        })
        .collect();
    let made = made.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name = name.unwrap_or(made.trim_end_matches('-'));
    if new::is_package_name(name) {
        return Ok(name.to_owned());
    }
    Err(Failure::Input(anyhow!(
        "--name: found {name:?}, expected lower-case letters, digits and hyphens, a letter first, as in \
         names of packages"
    )))
}

/// Whether something lies there, a link that leads nowhere too.
fn is_there(root: &Path, file: &str) -> bool {
    root.join(file).symlink_metadata().is_ok()
}

/// The first place where nothing lies.
fn free(root: &Path, places: [String; 2]) -> Result<String, Failure> {
    let taken = places.join(" and ");
    let mut free = places.into_iter().filter(|place| !is_there(root, place));
    free.next()
        .with_context(|| format!("found {taken}, expected one of them to be free; move one away"))
        .input()
}

/// A pipeline for irises, its rows, its model and its workflow.
fn add_pipeline(
    root: &Path,
    name: Option<&str>,
    chip: &Chip,
    plan: &mut Plan,
) -> Result<(), Failure> {
    let name = name_of(root, name)?;
    let rows = free(root, [ROWS.to_owned(), format!("data/{name}-rows.csv")])?;
    let model = free(root, [MODEL.to_owned(), format!("{name}-model")])?;
    let config = new::config(&name, chip, &rows, &model);
    let start = [(rows.clone(), ROWS_BYTES.to_vec())];
    for (file, text) in &new::model(&start, &config)?.0 {
        plan.files
            .push((format!("{model}/{file}"), text.clone().into()));
    }
    plan.added.push(format!("{model}/, the crate {name}-model"));
    plan.add(CONFIG, config);
    plan.add(&rows, ROWS_BYTES);
    if !is_there(root, WORKFLOW) {
        plan.add(WORKFLOW, new::workflow(&name, chip, Some(&model)));
    }
    plan.by_hand.push(format!(
        "in your firmware's Cargo.toml, `{name}-model = {{ path = \"{model}\" }}`, by the path from there; \
         docs/firmware.md has what it offers"
    ));
    Ok(())
}

fn add_workflow(root: &Path, name: Option<&str>, plan: &mut Plan) -> Result<(), Failure> {
    let config = spinney_config::load(&root.join(CONFIG))?;
    let pipeline = &config.pipeline;
    if name.is_some_and(|name| name != pipeline.identity.name) {
        plan.by_hand.push(format!(
            "{CONFIG} is that of the pipeline {}; a second one is a second config, with another name",
            pipeline.identity.name
        ));
    }
    if !is_there(root, WORKFLOW) {
        let model = pipeline.codegen.crate_folder.as_ref();
        let model = model.map(|folder| folder.typed.as_str());
        let (name, chip) = (&pipeline.identity.name, &pipeline.target.chip);
        plan.add(WORKFLOW, new::workflow(name, chip, model));
    }
    Ok(())
}

/// The repository's own `xtask`, and how it is called.
fn add_xtask(root: &Path, spinney: &Spinney, plan: &mut Plan) -> Result<(), Failure> {
    let settings = read(root, own_xtask::SETTINGS)?;
    let alias = own_xtask::alias(settings.as_deref().unwrap_or_default());
    if is_there(root, "xtask") {
        let is_ours = read(root, own_xtask::MAIN)?.as_deref() == Some(own_xtask::MAIN_TEXT);
        if !is_ours {
            plan.by_hand.push(format!(
                "xtask is there: add `spinney-cli = {}` to the dependencies in {}, and have it return \
                 `spinney_cli::main(spinney_cli::Door::XTASK)` for words that it does not know itself",
                spinney.dependency(),
                own_xtask::MANIFEST
            ));
            return Ok(());
        }
    } else {
        plan.add(own_xtask::MANIFEST, spinney.manifest());
        plan.add(own_xtask::MAIN, own_xtask::MAIN_TEXT);
    }
    if is_there(root, ".cargo/config") {
        plan.by_hand.push(format!(
            "cargo reads .cargo/config in place of {}: add to [alias] there: {}",
            own_xtask::SETTINGS,
            own_xtask::settings().lines().nth(1).unwrap_or_default()
        ));
        return Ok(());
    }
    match (settings, alias) {
        (None, _) => plan.add(own_xtask::SETTINGS, own_xtask::settings()),
        (Some(_), Alias::IsThere) => {}
        (Some(_), Alias::ByHand(line)) => plan.by_hand.push(format!(
            "add to [alias] in {}, under this or another name: {line}",
            own_xtask::SETTINGS
        )),
        (Some(before), Alias::Added(after)) => {
            plan.by_hand.extend(own_xtask::hindrances(&before));
            plan.files
                .push((own_xtask::SETTINGS.to_owned(), after.into()));
            plan.added
                .push(format!("alias xtask, in {}", own_xtask::SETTINGS));
        }
    }
    Ok(())
}

/// Build products are nobody's to commit.
fn add_ignored(root: &Path, plan: &mut Plan) -> Result<(), Failure> {
    match read(root, IGNORED)? {
        None => plan.add(IGNORED, "/target/\n"),
        Some(text) => {
            let ignores =
                |line: &str| line.trim().trim_matches('/').trim_start_matches("**/") == "target";
            if !text.lines().any(ignores) {
                plan.by_hand.push(format!("add /target/ to {IGNORED}"));
            }
        }
    }
    Ok(())
}

/// A file's text; `None` where there is none.
fn read(root: &Path, file: &str) -> Result<Option<String>, Failure> {
    let path = root.join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error)
            .with_context(|| format!("cannot read {}", path.display()))
            .input(),
    }
}

/// Has cargo read the manifest at the top, if there is one.
fn read_workspace(root: &Path) -> anyhow::Result<()> {
    let manifest = root.join("Cargo.toml");
    if !manifest.is_file() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args("metadata --offline --no-deps --format-version 1 --manifest-path".split(' '))
        .arg(&manifest);
    let finished = process::run(&mut command, process::SHORT)?;
    if finished.succeeded() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&finished.stderr);
    Err(anyhow!("{}", errors.trim_end()))
}

fn tell(path: &Path, plan: &Plan, spinney: &Spinney) {
    for added in &plan.added {
        println!("added: {added}");
    }
    if plan.added.is_empty() {
        println!("{}: nothing was missing", path.display());
    } else {
        spinney.tell();
    }
    for hint in &plan.by_hand {
        println!("by hand: {hint}");
    }
    let there = match path == Path::new(".") {
        true => String::new(),
        false => format!("cd {} && ", invocation::argument(path)),
    };
    println!("next: {there}{} pipeline run --setup", invocation::name());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use spinney_pipeline::disk;

    use super::*;

    const CHIP: &str = "STM32F405RGTx";

    /// A repository of these files; what `init` makes of it, and what was there before.
    fn repository(given: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in given {
            store::write_whole(&folder.path().join(file), text.as_bytes()).unwrap();
        }
        folder
    }

    fn all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let read = |path: &PathBuf| std::fs::read(folder.join(path)).unwrap();
        let found = disk::files_below(folder).unwrap().into_iter();
        found
            .map(|path| (path.display().to_string(), read(&path)))
            .collect()
    }

    const FIRMWARE: [(&str, &str); 6] = [
        (
            "Cargo.toml",
            "[package]\nname = \"blinky\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        ),
        ("src/main.rs", "fn main() {}\n"),
        (
            ".cargo/config.toml",
            "[build]\ntarget = \"thumbv7em-none-eabihf\"\n\n[alias]\nrb = \"run --bin\"\n",
        ),
        (".gitignore", "/target\n"),
        (".github/workflows/ci.yml", "name: CI\n"),
        ("README.md", "# Blinky\n"),
    ];

    #[test]
    fn what_is_there_stays_as_it_is() {
        let folder = repository(&FIRMWARE);
        let before = all(folder.path());
        run(folder.path(), Some("blinky"), CHIP, None).unwrap();
        let after = all(folder.path());
        for (file, bytes) in &before {
            if file != ".cargo/config.toml" {
                assert_eq!(after.get(file), Some(bytes), "{file}");
            }
        }
        let settings = String::from_utf8(after[".cargo/config.toml"].clone()).unwrap();
        assert!(settings.contains("rb = \"run --bin\"") && settings.contains("host-tuple"));
        for file in [
            "pipeline.toml",
            "data/rows.csv",
            "model/src/lib.rs",
            "xtask/Cargo.toml",
            "xtask/src/main.rs",
            ".github/workflows/spinney.yml",
        ] {
            assert!(after.contains_key(file), "{file}");
        }
        assert!(
            !after
                .keys()
                .any(|file| file.starts_with("firmware") || file.starts_with("target"))
        );
        read_workspace(folder.path()).unwrap();
        // A second time, nothing is missing.
        run(folder.path(), Some("blinky"), CHIP, None).unwrap();
        assert_eq!(all(folder.path()), after);
    }

    #[test]
    fn places_that_are_taken_are_left() {
        let folder = repository(&[
            ("model/README.md", "mine"),
            ("data/rows.csv", "mine"),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
            (
                ".cargo/config.toml",
                "[alias]\nxtask = \"run -p xtask --\"\n",
            ),
        ]);
        let before = all(folder.path());
        run(folder.path(), Some("demo"), CHIP, None).unwrap();
        let after = all(folder.path());
        for (file, bytes) in &before {
            assert_eq!(after.get(file), Some(bytes), "{file}");
        }
        let config = String::from_utf8(after["pipeline.toml"].clone()).unwrap();
        assert!(config.contains("\"data/demo-rows.csv\"") && config.contains("\"demo-model\""));
        assert!(after.contains_key("demo-model/src/lib.rs"));
        assert!(!after.contains_key("xtask/src/main.rs"));
    }

    #[test]
    fn a_workspace_that_takes_in_every_folder_is_told() {
        let folder = repository(&[
            (
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\nmembers = [\"[ax]*\"]\nexclude = [\"mine\"]\n",
            ),
            (
                "app/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\n",
            ),
            ("app/src/lib.rs", ""),
        ]);
        read_workspace(folder.path()).unwrap();
        run(folder.path(), Some("demo"), CHIP, None).unwrap();
        assert!(read_workspace(folder.path()).is_err());
        let path = folder.path().join("Cargo.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"mine\"", "\"xtask\"")).unwrap();
        read_workspace(folder.path()).unwrap();
    }

    #[test]
    fn a_pipeline_that_is_there_gets_its_workflow() {
        let chip = new::chip_named("nRF52840_xxAA", None).unwrap();
        let config = new::config("mine", &chip, ROWS, "code/model");
        let rows = String::from_utf8(ROWS_BYTES.to_vec()).unwrap();
        let folder = repository(&[(CONFIG, &config), (ROWS, &rows)]);
        run(folder.path(), None, CHIP, None).unwrap();
        let after = all(folder.path());
        assert_eq!(after[CONFIG], config.as_bytes());
        let workflow = String::from_utf8(after[WORKFLOW].clone()).unwrap();
        for expected in ["reports/mine/", "thumbv7em-none-eabihf", "-- code/model\n"] {
            assert!(workflow.contains(expected), "{expected}: {workflow}");
        }
        assert!(!workflow.contains("{{last") && !workflow.contains("working-directory"));
        assert!(after.contains_key("xtask/Cargo.toml") && !after.contains_key("model/Cargo.toml"));
    }

    #[test]
    fn a_config_with_a_fault_is_not_added_to() {
        let folder = repository(&[(CONFIG, "[pipeline]\nname = 1\n")]);
        let before = all(folder.path());
        let error = run(folder.path(), None, CHIP, None).unwrap_err();
        assert!(
            matches!(error, Failure::Config(_) | Failure::Input(_)),
            "{error:?}"
        );
        assert_eq!(all(folder.path()), before);
    }

    #[test]
    fn a_link_that_leads_out_is_refused_before_anything_is_written() {
        let (folder, elsewhere) = (repository(&[]), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("data")).unwrap();
        let error = run(folder.path(), Some("demo"), CHIP, None).unwrap_err();
        assert!(matches!(error, Failure::Input(_)), "{error:?}");
        assert!(all(elsewhere.path()).is_empty());
        assert!(!folder.path().join("pipeline.toml").exists());
    }

    #[test]
    fn a_folders_name_becomes_that_of_a_package() {
        for (folder, expected) in [
            ("/a/My_Firmware", "my-firmware"),
            ("/a/2nd try!", "nd-try"),
            ("/a/blinky", "blinky"),
        ] {
            assert_eq!(name_of(Path::new(folder), None).unwrap(), expected);
        }
        assert!(name_of(Path::new("/a/1"), None).is_err());
        assert!(name_of(Path::new("/a/b"), Some("B")).is_err());
    }

    #[test]
    fn spinneys_own_repository_is_not_a_users() {
        let error = run(&places::clone().unwrap(), None, CHIP, None).unwrap_err();
        assert!(matches!(error, Failure::Input(_)));
    }
}
