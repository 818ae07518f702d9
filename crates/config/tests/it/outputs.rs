//! Configs of others that want to write where they should not.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use spinney_config::{Config, Grounds, Outputs};

use crate::common::MINIMAL;

/// A config in a folder of a user's repository, and around it what it could be after.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |path: &str| root.path().join(path);
        for folder in [
            "repo/own/data",
            "repo/.git/hooks",
            "repo/src/ml",
            "repo/crates/x",
            "victim",
        ] {
            fs::create_dir_all(at(folder)).expect("a folder");
        }
        for file in [
            "victim/rc",
            "victim/rc.h",
            "repo/own/data/rows.csv",
            "repo/own/a-file",
        ] {
            fs::write(at(file), "theirs").expect("a file");
        }
        for (link, leads_to) in [
            ("out", "../../victim"),
            ("out.h", "../../victim/rc.h"),
            ("plain.h", "../../victim/rc"),
            ("dead.h", "../../victim/none.h"),
            ("loop", "loop"),
            ("root", "/"),
            ("self", "."),
            ("near", "data"),
            ("git", "../.git"),
        ] {
            symlink(leads_to, at("repo/own").join(link)).expect("a link");
        }
        Self { root }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root
            .path()
            .canonicalize()
            .expect("a folder")
            .join(below)
    }

    /// Where outputs lead of a config with these lines, from `own` in the repository.
    fn outputs(&self, keys: &str, grounds: &Grounds) -> Result<Outputs, String> {
        self.config(keys)?
            .outputs(grounds)
            .map_err(|faults| faults.to_string())
    }

    fn config(&self, keys: &str) -> Result<Config, String> {
        let (section, keys) = keys.split_once(' ').expect("a section and its keys");
        let text = MINIMAL.replace("rows.csv", "data/rows.csv");
        let text = match section {
            "codegen" => format!("{text}[codegen]\nexport = [\"c99\"]\n{keys}\n"),
            _ => text.replace("seed = 1", keys),
        };
        let path = self.root.path().join("repo/own/pipeline.toml");
        fs::write(&path, text).expect("a config");
        spinney_config::load(&path).map_err(|error| error.to_string())
    }

    fn grounds(&self, own: &[&str]) -> Grounds {
        Grounds {
            own: own.iter().map(|own| self.root.path().join(own)).collect(),
            closed: vec![self.root.path().join("repo/crates")],
            allow_outside: false,
        }
    }
}

const OUTSIDE: &str = "expected a place in ROOT/repo/own";

/// Keys of a downloaded config, and what is said of them.
const REFUSED: &[(&str, &str)] = &[
    ("pipeline reports = '../reports'", OUTSIDE),
    ("pipeline reports = '/tmp/spinney-is-refused-here'", OUTSIDE),
    ("pipeline reports = '/'", OUTSIDE),
    ("pipeline reports = '..'", OUTSIDE),
    (
        "pipeline reports = 'out'",
        "which is ROOT/victim/a, expected a place in",
    ),
    (
        "pipeline reports = 'out/../x'",
        "which is ROOT/x/a, expected a place in",
    ),
    (
        "pipeline reports = 'root/etc'",
        "which is /etc/a, expected a place in",
    ),
    ("pipeline reports = 'self/self/../..'", OUTSIDE),
    (
        "pipeline reports = 'data/../../own/../x'",
        "which is ROOT/repo/x/a",
    ),
    (
        "pipeline reports = 'none/../../x'",
        "which is ROOT/repo/x/a",
    ),
    (
        "pipeline reports = 'git/hooks'",
        "which is ROOT/repo/.git/hooks/a",
    ),
    (
        "pipeline reports = '.git'",
        "no name that starts with a dot, such as `.git`",
    ),
    (
        "pipeline reports = 'x/.cargo'",
        "no name that starts with a dot, such as `.cargo`",
    ),
    (
        "pipeline reports = '...'",
        "no name that starts with a dot, such as `...`",
    ),
    (
        "pipeline reports = 'loop'",
        "expected a place that can be written",
    ),
    (
        "pipeline reports = 'a-file'",
        "expected a place that can be written (not a directory)",
    ),
    (
        "pipeline reports = \"a\\u0000b\"",
        "a path without control characters",
    ),
    (
        "pipeline reports = \"a\\u001b[2J\"",
        "a path without control characters",
    ),
    (
        "pipeline reports = \"a\\nb\"",
        "a path without control characters",
    ),
    (
        "pipeline reports = 'con'",
        "no name of a device, which `con` is on Windows",
    ),
    (
        "pipeline reports = 'x/Lpt1.txt/y'",
        "no name of a device, which `Lpt1.txt` is on Windows",
    ),
    ("pipeline reports = ''", "expected the path of a folder"),
    (
        "pipeline reports = '../crates'",
        "expected no place in ROOT/repo/crates, which is Spinney's own",
    ),
    (
        "codegen crate = '.'",
        "which holds ROOT/repo/own/pipeline.toml, expected a folder of its own",
    ),
    (
        "codegen crate = 'x/..'",
        "which holds ROOT/repo/own/pipeline.toml",
    ),
    (
        "codegen crate = 'self'",
        "which holds ROOT/repo/own/pipeline.toml",
    ),
    (
        "codegen crate = 'data'",
        "which holds ROOT/repo/own/data/rows.csv",
    ),
    (
        "codegen crate = 'near'",
        "which holds ROOT/repo/own/data/rows.csv",
    ),
    (
        "codegen crate = 'reports'",
        "which holds ROOT/repo/own/reports/a",
    ),
    (
        "codegen crate = '../crates/y'",
        "expected no place in ROOT/repo/crates",
    ),
    ("codegen crate = 'out'", OUTSIDE),
    ("codegen crate = '.cargo'", "no name that starts with a dot"),
    (
        "codegen crate = 'm'\nheader = 'm/m.h'",
        "which holds ROOT/repo/own/m/m.h",
    ),
    (
        "codegen header = '.bashrc'",
        "expected the path of a file that ends in `.h`",
    ),
    (
        "codegen header = '.h'",
        "expected the path of a file that ends in `.h`",
    ),
    (
        "codegen header = 'main.c'",
        "expected the path of a file that ends in `.h`",
    ),
    (
        "codegen header = 'out.h'",
        "which is ROOT/victim/rc.h, expected a place in",
    ),
    (
        "codegen header = 'out/new.h'",
        "which is ROOT/victim/new.h, expected a place in",
    ),
    (
        "codegen header = 'dead.h'",
        "expected no link that leads nowhere",
    ),
    (
        "codegen header = '.git/x.h'",
        "no name that starts with a dot",
    ),
    ("codegen header = 'nul.h'", "no name of a device"),
    ("codegen header = '/etc/x.h'", OUTSIDE),
];

#[test]
fn a_downloaded_config_writes_into_its_own_folder_alone() {
    let place = Place::new();
    let root = place.path("").display().to_string();
    let root = root.trim_end_matches('/');
    let long = format!("pipeline reports = '{}'", "x".repeat(5000));
    let long = (long.as_str(), "expected a place that can be written");
    let mut n_refused = 0;
    for (keys, expected) in REFUSED.iter().chain([&long]) {
        let said = match place.outputs(keys, &place.grounds(&[])) {
            Ok(outputs) => panic!("{keys}: {outputs:?}"),
            Err(said) => said.replace(root, "ROOT"),
        };
        assert!(said.contains(expected), "{keys}: {said}");
        assert!(
            said.contains("pipeline.toml:"),
            "{keys}: no place in {said}"
        );
        n_refused += 1;
    }
    assert_eq!(n_refused, REFUSED.len() + 1);
    // Nothing was made by looking.
    assert_eq!(fs::read_dir(place.path("victim")).unwrap().count(), 2);
    assert!(!place.path("repo/own/reports").exists());
}

#[test]
fn names_that_are_no_names() {
    for name in [
        "../x", "a/b", ".", "..", ".git", "a.b", "-a", "con", "COM1", "", "a\\u0000", "é",
    ] {
        let text = MINIMAL.replace("\"a\"", &format!("\"{name}\""));
        let faults = crate::common::faults(&text);
        assert_eq!(faults.len(), 1, "{name}: {faults:?}");
        assert!(
            faults[0].message.starts_with("pipeline.name: "),
            "{faults:?}"
        );
    }
}

#[test]
fn what_lies_in_ones_own_folders_is_fine() {
    let place = Place::new();
    let own = place.path("repo/own");
    for (keys, leads_to) in [
        ("pipeline reports = 'reports'", "reports/a"),
        ("pipeline reports = '.'", "a"),
        ("pipeline reports = 'self/near/deep/er'", "data/deep/er/a"),
        ("pipeline reports = '../own/x'", "x/a"),
    ] {
        let outputs = place.outputs(keys, &place.grounds(&[])).expect(keys);
        assert_eq!(outputs.reports, own.join(leads_to), "{keys}");
    }
    let keys = "codegen crate = 'model'\nheader = 'src/model.h'";
    let outputs = place.outputs(keys, &place.grounds(&[])).expect(keys);
    assert_eq!(outputs.crate_folder, Some(own.join("model")));
    assert_eq!(outputs.header, Some(own.join("src/model.h")));
}

#[test]
fn a_config_of_the_users_own_repository_may_write_in_all_of_it() {
    let place = Place::new();
    let grounds = place.grounds(&["repo", "elsewhere"]);
    for (keys, leads_to) in [
        ("pipeline reports = '../reports'", "repo/reports/a"),
        ("pipeline reports = '../src/ml'", "repo/src/ml/a"),
    ] {
        let outputs = place.outputs(keys, &grounds).expect(keys);
        assert_eq!(outputs.reports, place.path(leads_to), "{keys}");
    }
    for (keys, expected) in [
        (
            "pipeline reports = '../.git/hooks'",
            "no name that starts with a dot",
        ),
        (
            "pipeline reports = '../.github/workflows'",
            "no name that starts with a dot",
        ),
        ("pipeline reports = '../../victim'", "/repo"),
        ("pipeline reports = 'out'", "/repo"),
        ("pipeline reports = '../crates/x'", "which is Spinney's own"),
        ("codegen crate = '..'", "which holds"),
    ] {
        let said = place.outputs(keys, &grounds).expect_err(keys);
        assert!(said.contains(expected), "{keys}: {said}");
    }
}

#[test]
fn allowing_what_lies_outside_allows_not_everything() {
    let place = Place::new();
    let grounds = Grounds {
        allow_outside: true,
        ..place.grounds(&[])
    };
    let outputs = place.outputs("pipeline reports = 'out'", &grounds);
    assert_eq!(outputs.expect("allowed").reports, place.path("victim/a"));
    for (keys, expected) in [
        ("pipeline reports = '../crates/x'", "which is Spinney's own"),
        (
            "codegen header = 'plain.h'",
            "victim/rc, expected a file that ends in `.h`",
        ),
        ("codegen crate = '.'", "which holds"),
        ("pipeline reports = \"a\\u0007\"", "control characters"),
    ] {
        let said = place.outputs(keys, &grounds).expect_err(keys);
        assert!(said.contains(expected), "{keys}: {said}");
        assert!(!said.contains("--allow-outside"), "{said}");
    }
    let said = place.outputs("pipeline reports = 'out'", &place.grounds(&[]));
    assert!(said.expect_err("outside").contains("--allow-outside"));
}
