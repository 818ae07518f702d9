//! `reproduce`: the same bits from another clone, by another user, on another day, over what older
//! runs left behind.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};

use crate::ci;
use crate::docs::copy;
use crate::packaged::Packages;
use spinney_cli::terminal;
use spinney_pipeline::environment::find_program;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::store::{self, Stage, State};
use spinney_pipeline::{places, process, stages};

/// Stages whose artifacts are compared, all of them.
const STAGES: [&str; 4] = ["model", "quantize", "build", "run"];
/// How much later it is for the second clone.
const LATER: &str = "+400d";
/// A user by number, other than whoever runs this, in a namespace of users of its own.
const OTHER_USER: [&str; 3] = ["--user", "--map-user=4242", "--map-group=4242"];

/// Runs pipelines here and in a second clone, and compares what comes out.
pub(crate) fn run(configs: &[PathBuf]) -> Result<(), Failure> {
    let second = Second::prepare()?;
    for config in configs {
        let (n_reports, n_artifacts) = check(&second, config)?;
        println!(
            "reproduce: {}: {n_reports} files of reports and {n_artifacts} artifacts are the same \
             in both clones",
            config.display()
        );
    }
    println!("reproduce: the second clone has {}", second.differences());
    Ok(())
}

/// A second clone of this repository's files as they are, and a program built from packages of them.
struct Second {
    clone: PathBuf,
    home: PathBuf,
    target: PathBuf,
    cache: PathBuf,
    /// Programs that stand before others.
    shims: PathBuf,
    /// A program that makes others believe in another date.
    faketime: Option<PathBuf>,
    /// A program that gives others another user, where the system lets it.
    unshare: Option<PathBuf>,
}

impl Second {
    fn prepare() -> Result<Self, Failure> {
        // A folder that stays, so that the next time only what changed is built.
        let folder = places::cache()?.join("reproduce");
        let second = Self {
            clone: folder.join("another place").join("a clone"),
            home: folder.join("home"),
            target: folder.join("target"),
            cache: folder.join("cache"),
            shims: folder.join("bin"),
            faketime: find_program("faketime"),
            unshare: find_program("unshare").filter(|unshare| {
                let mut trial = Command::new(unshare);
                trial.args(OTHER_USER).args(["--", "true"]);
                process::run(&mut trial, process::SHORT).is_ok_and(|it| it.succeeded())
            }),
        };
        let context = || format!("cannot fill {}", folder.display());
        let _ = std::fs::remove_dir_all(&second.home);
        std::fs::create_dir_all(&second.clone)
            .and_then(|()| std::fs::create_dir_all(&second.home))
            .with_context(context)
            .environment()?;
        copy(&second.clone).with_context(context).environment()?;
        second.shim().with_context(context).environment()?;
        eprintln!("reproduce: building the second program");
        let program = Packages::new()?.program()?;
        std::fs::create_dir_all(second.target.join("debug"))
            .and_then(|()| std::fs::copy(program, second.program()))
            .with_context(context)
            .environment()?;
        // The mark of a target folder, by which the program finds its own.
        let tag = b"Signature: 8a477f597d28d172789f06886806bc55\n";
        store::write_whole(&second.target.join("CACHEDIR.TAG"), tag).environment()?;
        Ok(second)
    }

    fn program(&self) -> PathBuf {
        self.target.join("debug").join("spinney")
    }

    /// Keeps rustup's compiler out of another date: it does not start under `faketime`, since its
    /// allocator asks for the time before the time can be told.
    fn shim(&self) -> anyhow::Result<()> {
        let rustc = find_program("rustc").context("rustc is not on the path")?;
        let shim = self.shims.join("rustc");
        let text = format!(
            "#!/bin/sh\nunset LD_PRELOAD\nexec '{}' \"$@\"\n",
            rustc.display()
        );
        store::write_whole(&shim, text.as_bytes())?;
        Ok(std::fs::set_permissions(
            &shim,
            std::fs::Permissions::from_mode(0o755),
        )?)
    }

    /// A command in the second clone, for another user with other habits.
    fn command(&self, program: &Path) -> Command {
        let mut command = match &self.unshare {
            Some(unshare) => {
                let mut command = Command::new(unshare);
                command.args(OTHER_USER).arg("--").arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(&self.clone);
        for (name, _) in std::env::vars_os() {
            // What cargo told this program is about this clone.
            if name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if std::env::var_os(name).is_none()
                && let Some(home) = std::env::home_dir()
            {
                command.env(name, home.join(folder));
            }
        }
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("SPINNEY_CACHE", &self.cache)
            .env("HOME", &self.home)
            .env("USER", "grace")
            .env("LOGNAME", "grace")
            .env("HOSTNAME", "elsewhere")
            .env("TZ", "Pacific/Chatham")
            .env("LC_ALL", "tr_TR.UTF-8")
            .env("RAYON_NUM_THREADS", "3")
            .env("CARGO_BUILD_JOBS", "1");
        command
    }

    fn run(&self, config: &Path) -> Result<(), Failure> {
        let program = self.program();
        let mut command = match &self.faketime {
            Some(faketime) => {
                let mut command = self.command(faketime);
                command.args(["-f", LATER]).arg(program);
                // The emulator's clock is the monotonic one; only the date is another.
                command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
                let path = std::env::var_os("PATH").unwrap_or_default();
                let folders =
                    std::iter::once(self.shims.clone()).chain(std::env::split_paths(&path));
                command.env("PATH", std::env::join_paths(folders).environment()?);
                command
            }
            None => self.command(&program),
        };
        let settings = self.target.join("pipeline/.cargo/config.toml");
        store::write_whole(&settings, SETTINGS.as_bytes()).environment()?;
        command
            .envs(FLAGS)
            .args(["pipeline", "run", "--quiet", "--force", "--config"])
            .arg(config);
        succeed(command)
    }

    /// Leaves in the scratch workspaces of a pipeline's images what an older run, or one that was
    /// killed, could have: an empty lock file, sources that are no longer there, another main file,
    /// settings of cargo. `false` if there is no workspace yet.
    fn age(&self, pipeline: &str) -> Result<bool, Failure> {
        let folder = self.target.join("pipeline").join(pipeline).join("firmware");
        let context = || format!("cannot age {}", folder.display());
        aged(&folder).with_context(context).environment()
    }

    fn differences(&self) -> String {
        let user = match &self.unshare {
            Some(_) => "another user, with another name",
            None => "another user's name (the program `unshare` is not here, or may not)",
        };
        let date = match &self.faketime {
            Some(_) => "a date 400 days ahead for all but rustup's compiler",
            None => "today's date (the program `faketime` is not here)",
        };
        format!(
            "another path, with spaces, {user}, home, host name, time zone and language, flags and \
             profiles of its own for cargo and the compiler, a program built from packages and hardly optimized, 3 \
             threads instead of the machine's, one job of cargo, firmware caches of its own, scratch \
             workspaces with stale files and lock files in them, {date}"
        )
    }
}

/// Runs one pipeline twice and compares; gives the number of files of reports and of artifacts.
fn check(second: &Second, config: &Path) -> Result<(usize, usize), Failure> {
    let here = crate::repository();
    let loaded = spinney_config::load(&here.join(config))?;
    let identity = &loaded.pipeline.identity;
    eprintln!("reproduce: {} here", identity.name);
    let folder = stages::reports_of(&here.join(config))?;
    let asked = stages::Asked {
        force: true,
        ..stages::Asked::all(terminal::notes())
    };
    let kept = ci::keep(&folder)?;
    let outcome = stages::run(&here.join(config), &asked);
    let ours = ci::keep(&folder);
    ci::restore(&folder, &kept)?;
    outcome?;
    if !second.age(&identity.name)? {
        eprintln!("reproduce: {} in the second clone, freshly", identity.name);
        second.run(config)?;
        second.age(&identity.name)?;
    }
    eprintln!(
        "reproduce: {} in the second clone, over what an older run could have left",
        identity.name
    );
    second.run(config)?;
    let theirs = ci::keep(&stages::reports_of(&second.clone.join(config))?)?;
    let (ours, theirs) = (named(ours?), named(theirs));
    let mut differing = differing(&ours, &theirs);
    let mut n_artifacts = 0;
    for stage in STAGES {
        let artifacts = |folder: &Path| {
            let folder = folder.join("pipeline").join(&identity.name).join(stage);
            match Stage::new(folder).state().environment()? {
                State::Whole(finished) => Ok(finished.artifacts().clone()),
                state => Err(anyhow!(
                    "{stage} of {} is not whole: {state:?}",
                    identity.name
                ))
                .environment(),
            }
        };
        let (ours, theirs) = (artifacts(&crate::target()?)?, artifacts(&second.target)?);
        n_artifacts += ours.len();
        let paths = self::differing(&ours, &theirs);
        differing.extend(paths.into_iter().map(|path| format!("{stage}/{path}")));
    }
    if differing.is_empty() {
        Ok((ours.len(), n_artifacts))
    } else {
        Err(Failure::Input(anyhow!(
            "{}: the second clone, with {}, gives other bytes in {}",
            config.display(),
            second.differences(),
            differing.join(", ")
        )))
    }
}

/// What a shell could tell cargo, the compiler and macros about every build.
const FLAGS: [(&str, &str); 10] = [
    ("CARGO_BUILD_RUSTFLAGS", "-Copt-level=0"),
    ("CARGO_ENCODED_RUSTFLAGS", "-Copt-level=1"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "true"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    (
        "CARGO_TARGET_THUMBV7EM_NONE_EABIHF_RUSTFLAGS",
        "-Copt-level=2",
    ),
    ("DEFMT_LOG", "trace"),
    ("DEFMT_RTT_BUFFER_SIZE", "64"),
    ("RUSTC_WRAPPER", "/no/such/wrapper"),
    ("RUSTC_WORKSPACE_WRAPPER", "/no/such/wrapper"),
    ("RUSTFLAGS", "-Copt-level=0"),
];

/// What a folder above could tell cargo about them.
const SETTINGS: &str = "\
[build]
rustflags = [\"-Copt-level=0\"]
rustc = \"/no/such/compiler\"
rustc-wrapper = \"/no/such/wrapper\"

[profile.release]
opt-level = 0
debug = true
lto = false
codegen-units = 7
overflow-checks = true

[target.'cfg(all())']
rustflags = [\"-Copt-level=0\"]
";

/// What an older run could have left in the workspaces below `folder`, by path and text.
const STALE: [(&str, &str); 5] = [
    ("Cargo.lock", ""),
    (
        ".cargo/config.toml",
        "[build]\nrustflags = [\"-Copt-level=0\"]\n",
    ),
    ("app/src/main.rs", "compile_error!(\"of an older run\");\n"),
    ("app/src/older.rs", "compile_error!(\"of an older run\");\n"),
    ("app/memory.x", "MEMORY {}\n"),
];

/// Writes [`STALE`] into each workspace below `folder`; `false` if there is none.
fn aged(folder: &Path) -> anyhow::Result<bool> {
    let mut is_any = false;
    if !folder.is_dir() {
        return Ok(false);
    }
    for entry in std::fs::read_dir(folder)? {
        let workspace = entry?.path();
        if !workspace.join("Cargo.toml").is_file() {
            continue;
        }
        is_any = true;
        for (path, text) in STALE {
            store::write_whole(&workspace.join(path), text.as_bytes())?;
        }
    }
    Ok(is_any)
}

/// Files by name instead of by path.
fn named(files: Vec<(PathBuf, Vec<u8>)>) -> BTreeMap<String, Vec<u8>> {
    files
        .into_iter()
        .map(|(path, bytes)| {
            let name = path.file_name().unwrap_or_default();
            (name.to_string_lossy().into_owned(), bytes)
        })
        .collect()
}

/// The keys of what differs between two maps, or is in one only.
fn differing<T: PartialEq>(
    ours: &BTreeMap<String, T>,
    theirs: &BTreeMap<String, T>,
) -> Vec<String> {
    let keys: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    keys.into_iter()
        .filter(|key| ours.get(*key) != theirs.get(*key))
        .cloned()
        .collect()
}

fn succeed(command: Command) -> Result<(), Failure> {
    process::show(command, process::LONG)
        .context("in the second clone")
        .input()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_are_aged_once_there_are_some() {
        let folder = tempfile::tempdir().unwrap();
        let firmware = folder.path().join("firmware");
        assert!(!aged(&firmware).unwrap());
        let manifest = firmware.join("table-product/Cargo.toml");
        store::write_whole(&manifest, b"[workspace]\n").unwrap();
        assert!(aged(&firmware).unwrap());
        let lock = std::fs::read(firmware.join("table-product/Cargo.lock")).unwrap();
        assert!(lock.is_empty());
        assert!(firmware.join("table-product/.cargo/config.toml").is_file());
    }

    #[test]
    fn what_differs_is_named() {
        let map = |pairs: &[(&str, u8)]| -> BTreeMap<String, u8> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), *value))
                .collect()
        };
        let ours = map(&[("a", 1), ("b", 2), ("c", 3)]);
        let theirs = map(&[("a", 1), ("b", 9), ("d", 4)]);
        assert_eq!(differing(&ours, &theirs), ["b", "c", "d"]);
        assert!(differing(&ours, &ours).is_empty());
    }
}
