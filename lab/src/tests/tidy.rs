//! Tidy: rules about this repository's own sources, as tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{metadata, repository};

/// The floor of each package: imports lead downwards only, and firmware imports floor 0.
const FLOORS: [(&str, u32); 25] = [
    ("spinney-runtime", 0),
    ("spinney-wire", 0),
    ("spinney-frontend", 0),
    ("spinney-dataset", 1),
    ("spinney-model", 1),
    ("spinney-board", 1),
    ("spinney-forest", 1),
    ("spinney-import", 2),
    ("spinney-train", 2),
    ("spinney-checker", 2),
    ("spinney-oracle", 3),
    ("spinney-quantize", 2),
    ("spinney-signal", 2),
    ("spinney-codegen", 3),
    ("spinney-evaluate", 3),
    ("spinney-batch", 3),
    ("spinney-config", 4),
    ("spinney-convert", 4),
    ("spinney-report", 4),
    ("spinney-pipeline", 5),
    ("spinney-cli", 6),
    ("spinney", 7),
    ("xtask", 7),
    ("spinney-lab", 7),
    ("spinney-ml", 7),
];

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of sources")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_symlink() {
            // What it leads to is looked at where it lies.
        } else if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "__pycache__" {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&repository().join(folder), ".rs", &mut found);
    found
}

#[test]
fn imports_lead_downwards() {
    let packages = metadata::packages(&["--no-deps"]).expect("packages");
    let floors: BTreeMap<&str, u32> = FLOORS.into();
    let mut faults = Vec::new();
    for package in &packages {
        let Some(floor) = floors.get(package.name.as_str()) else {
            faults.push(format!("{} has no floor in tidy.rs", package.name));
            continue;
        };
        for dependency in &package.manifest.dependencies {
            if dependency.is_of_tests() {
                continue;
            }
            match floors.get(dependency.name.as_str()) {
                Some(below) if below >= floor => faults.push(format!(
                    "{} (floor {floor}) imports {} (floor {below})",
                    package.name, dependency.name
                )),
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The other workspaces build these crates, too, `--locked`; a dependency that is new here has to stand in
/// their lock files.
#[test]
fn other_workspaces_lock_what_crates_depend_on() {
    let packages = metadata::packages(&["--no-deps"]).expect("packages");
    let mut faults = Vec::new();
    for workspace in ["fuzz", "firmware", "tools/probe", "tools/log"] {
        let path = repository().join(workspace).join("Cargo.lock");
        let text = std::fs::read_to_string(&path).expect("a lock file");
        let lock: toml::Table = text.parse().expect("TOML");
        let texts = |value: Option<&toml::Value>| -> Vec<String> {
            let items = value.and_then(toml::Value::as_array).into_iter().flatten();
            items
                .filter_map(|it| Some(it.as_str()?.split(' ').next()?.to_owned()))
                .collect()
        };
        let locked: BTreeMap<&str, Vec<String>> = lock["package"]
            .as_array()
            .expect("packages")
            .iter()
            .filter_map(|it| Some((it["name"].as_str()?, texts(it.get("dependencies")))))
            .collect();
        for package in &packages {
            let Some(locked) = locked.get(package.name.as_str()) else {
                continue;
            };
            let needed = package
                .manifest
                .dependencies
                .iter()
                .filter(|it| !it.is_of_tests() && !it.optional && it.target.is_none());
            for dependency in needed.filter(|it| !locked.contains(&it.name)) {
                faults.push(format!(
                    "{workspace}/Cargo.lock has no {} of {}; `cargo metadata` in {workspace} adds it",
                    dependency.name, package.name
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a user builds from travels in packages of a registry, which have nothing but themselves.
#[test]
fn every_crate_can_be_published() {
    let packages = metadata::packages(&["--no-deps"]).expect("packages");
    let mut faults = Vec::new();
    let mut n_crates = 0;
    for package in &packages {
        let name = package.name.as_str();
        let manifest = &package.manifest;
        let folder = manifest.manifest_path.parent().expect("a folder");
        if !folder.starts_with(repository().join("crates")) {
            if manifest.publish.as_deref() != Some(&[]) {
                faults.push(format!("{name}: expected publish = false"));
            }
            continue;
        }
        n_crates += 1;
        let readme = manifest.readme.as_ref();
        let is_described = manifest.description.is_some()
            && manifest.documentation.is_some()
            && readme.is_some_and(|path| folder.join(path).is_file())
            && manifest.license.is_some()
            && !manifest.keywords.is_empty()
            && !manifest.categories.is_empty();
        if !is_described {
            faults.push(format!(
                "{name}: expected description, documentation, readme, license, keywords, categories"
            ));
        }
        for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
            if !folder.join(file).is_file() {
                faults.push(format!("{name}: expected a link to {file}"));
            }
        }
        for dependency in &package.manifest.dependencies {
            let is_of_tests = dependency.is_of_tests();
            let has_version = dependency.req != "*";
            // Tests may lead in circles; a dependency without a version is left out of a package.
            if dependency.path.is_some() && has_version == is_of_tests {
                let expected = if is_of_tests {
                    "its path alone"
                } else {
                    "a version"
                };
                faults.push(format!("{name}: {}: expected {expected}", dependency.name));
            }
        }
    }
    assert!(n_crates > 15, "{n_crates} crates were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_compiled_in_lies_in_its_package() {
    let crates = std::fs::read_dir(repository().join("crates")).expect("a folder");
    let mut n_files = 0;
    for package in crates.flatten().map(|entry| entry.path()) {
        let mut sources = Vec::new();
        files(&package.join("src"), ".rs", &mut sources);
        for path in sources {
            let code = code(&path);
            // Of `texts!`, the second text is the folder.
            let of = |name: &'static str, nth: usize| {
                let calls = code.split(name).skip(1);
                calls.filter_map(move |it| it.split('"').nth(nth))
            };
            let files = of("include_str!(\"", 0).chain(of("include_bytes!(\"", 0));
            for file in files.chain(of(" texts!(", 3)) {
                let mut depth = path
                    .strip_prefix(&package)
                    .expect("a source")
                    .components()
                    .count()
                    - 1;
                for part in file.split('/') {
                    depth = if part == ".." {
                        depth.checked_sub(1)
                    } else {
                        Some(depth + 1)
                    }
                    .unwrap_or_else(|| panic!("{}: {file} lies outside", path.display()));
                }
                n_files += 1;
            }
        }
    }
    assert!(n_files > 20, "{n_files} files and folders were found");
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut all = Vec::new();
    files(&repository(), ".rs", &mut all);
    assert!(all.len() > 50, "sources were found");
    let silent: Vec<String> = all
        .iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("a source file");
            !text.starts_with("//! ")
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        silent.is_empty(),
        "no opening //! line: {}",
        silent.join(", ")
    );
}

/// The code of a file without comments and test modules.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    text.split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
}

#[test]
fn what_the_device_links_has_no_std_no_alloc_no_floats() {
    for package in ["runtime", "frontend"] {
        let folder = format!("crates/{package}/src");
        let sources = sources(&folder);
        assert!(sources.len() >= 5, "sources were found");
        for path in sources {
            let code = code(&path);
            for word in words(&code) {
                assert!(
                    !["std", "alloc", "f32", "f64"].contains(&word),
                    "{} says `{word}`",
                    path.display()
                );
            }
        }
        let root = code(&repository().join(folder).join("lib.rs"));
        assert!(root.contains("#![no_std]"));
        assert!(!root.contains("extern crate"));
    }
}

#[test]
fn unsafe_code_stays_in_its_module() {
    let allowed = ["crates/runtime/src/walk.rs"].map(|path| repository().join(path));
    for path in sources("crates").into_iter().chain(sources("lab/src")) {
        let has_unsafe = words(&code(&path)).any(|word| word == "unsafe");
        assert!(
            !has_unsafe || allowed.contains(&path) || path.ends_with("tidy.rs"),
            "{} has unsafe code",
            path.display()
        );
    }
}

#[test]
fn build_scripts_name_no_folder_of_a_clone() {
    let scripts: Vec<PathBuf> = ["firmware", "crates/cli/template"]
        .into_iter()
        .flat_map(sources)
        .filter(|path| path.ends_with("build.rs"))
        .collect();
    assert!(scripts.len() >= 3, "{scripts:?}");
    for path in scripts {
        let text = std::fs::read_to_string(&path).expect("a source");
        assert!(
            !text.contains("CARGO_MANIFEST_DIR"),
            "{}: cargo keeps what a build script prints in a target folder that all clones share, \
             so it names no folder but OUT_DIR",
            path.display()
        );
    }
}

#[test]
fn one_place_prints() {
    let library = sources("crates/pipeline/src");
    let verbs = sources("crates/cli/src");
    assert!(library.len() > 50 && verbs.len() > 15);
    let terminal = repository().join("crates/cli/src/terminal.rs");
    for path in verbs.iter().filter(|path| **path != terminal) {
        let code = code(path);
        for way in ["anstream", "std::print", "std::eprint", "io::stdout()."] {
            assert!(!code.contains(way), "{way} in {}", path.display());
        }
    }
    for path in library {
        let code = code(&path);
        for way in [
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "dbg!",
            "process::exit(",
        ] {
            let is_signal = path.ends_with("interrupt.rs") && way == "process::exit(";
            assert!(
                is_signal || !code.contains(way),
                "{way} in {}",
                path.display()
            );
        }
        for way in ["set_current_dir", "set_var", "remove_var"] {
            assert!(!code.contains(way), "{way} in {}", path.display());
        }
    }
}
