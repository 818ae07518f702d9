//! What this machine has for bare-metal Rust and for emulation, and what it lacks.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_board::Machine;

use crate::failure::{ExitReason, Failure};
use crate::{invocation, process};

/// A compiler that can build for a bare-metal target, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The compiler; `None` for the one that cargo takes by itself.
    pub rustc: Option<PathBuf>,
    /// Whether `core` is built from its sources, for want of a built one.
    pub builds_core: bool,
    /// The linker, unless the compiler brings its own.
    pub linker: Linker,
    /// `rustc --version`.
    pub version: String,
    /// The same of the linker: images depend on both.
    pub linker_version: String,
}

/// The program that links an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linker {
    /// The `rust-lld` of the compiler that cargo takes by itself.
    RustLld(PathBuf),
    /// The distribution's `ld.lld`.
    Lld(PathBuf),
}

impl Toolchain {
    /// The compiler as it is called.
    pub fn rustc(&self) -> &Path {
        self.rustc.as_deref().unwrap_or(Path::new(RUSTC))
    }

    /// All that the compiler says of its version where it compiles, in `folder`: settings of that
    /// place may choose another.
    pub fn compiler_in(&self, folder: &Path) -> anyhow::Result<String> {
        let mut command = isolated(self.rustc());
        command.arg("-vV").current_dir(folder);
        let output = process::run(&mut command, process::SHORT);
        let output = output.with_context(|| format!("cannot run {}", self.rustc().display()))?;
        if !output.succeeded() {
            anyhow::bail!(
                "in {}, `{} -vV` {}",
                folder.display(),
                self.rustc().display(),
                output.told()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Linker {
    /// The linker's program.
    pub fn path(&self) -> &Path {
        match self {
            Self::RustLld(path) | Self::Lld(path) => path,
        }
    }

    /// What it says of its version, without its path; `None` if it says nothing.
    fn told_version(&self) -> Result<Option<String>, Failure> {
        let mut command = Command::new(self.path());
        if matches!(self, Self::RustLld(_)) {
            command.args(["-flavor", "gnu"]);
        }
        first_line(command.arg("--version"))
    }
}

/// The compiler that cargo takes by itself.
const RUSTC: &str = "rustc";

/// The distribution's compiler, where its packages put it.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

/// A command that asks a compiler where it compiles, in `folder` or what is there above it: a file
/// `rust-toolchain.toml` of that place may choose another compiler than that of the current folder.
fn ask(rustc: &Path, folder: &Path) -> Command {
    let mut command = isolated(rustc);
    if let Some(folder) = folder.ancestors().find(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    command
}

/// Finds a way to build for `target` in `folder`: a built `core`, else the sources of one.
///
/// # Errors
/// A compiler or linker is there and does not say what it is.
pub fn toolchain(target: &str, folder: &Path) -> Result<Option<Toolchain>, Failure> {
    let ask = |rustc: &Path| ask(rustc, folder);
    let host_linker = host_linker(ask(Path::new(RUSTC)))?;
    // A built core is preferred on either compiler to building one.
    for builds_core in [false, true] {
        for set in [None, Some(SYSTEM_RUSTC)] {
            let rustc = Path::new(set.unwrap_or(RUSTC));
            let found = match builds_core {
                true => has_core_sources(ask(rustc))?,
                false => has_core(ask(rustc), target)?,
            };
            if !found {
                continue;
            }
            let system_linker = || find_program("ld.lld").map(Linker::Lld);
            let Some(linker) = host_linker.clone().or_else(system_linker) else {
                return Ok(None);
            };
            let linker_version = linker.told_version()?;
            let version = first_line(ask(rustc).arg("--version"))?;
            return Ok(linker_version
                .zip(version)
                .map(|(linker_version, version)| Toolchain {
                    rustc: set.map(PathBuf::from),
                    builds_core,
                    linker,
                    linker_version,
                    version,
                }));
        }
    }
    Ok(None)
}

fn has_core(mut rustc: Command, target: &str) -> Result<bool, Failure> {
    let libraries = ["--print", "target-libdir", "--target", target];
    let folder =
        first_line(rustc.args(libraries))?.and_then(|folder| std::fs::read_dir(folder).ok());
    Ok(folder.is_some_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    }))
}

fn has_core_sources(mut rustc: Command) -> Result<bool, Failure> {
    let sysroot = first_line(rustc.args(["--print", "sysroot"]))?;
    let lock = "lib/rustlib/src/rust/library/Cargo.lock";
    Ok(sysroot.is_some_and(|sysroot| Path::new(&sysroot).join(lock).is_file()))
}

fn host_linker(mut rustc: Command) -> Result<Option<Linker>, Failure> {
    let folder = first_line(rustc.args(["--print", "target-libdir"]))?;
    let path = folder.and_then(|folder| Some(Path::new(&folder).parent()?.join("bin/rust-lld")));
    Ok(path.filter(|path| path.is_file()).map(Linker::RustLld))
}

/// What a build sees of the caller's environment, with spaces between names: where programs, their
/// libraries, homes and temporary files are, how the network is reached, the language of messages, and
/// another date, if somebody plays with it. All else might reach an image.
const PASSED: &str = "\
    PATH HOME USER LOGNAME TMPDIR TMP TEMP LANG LC_ALL LC_CTYPE LC_MESSAGES LD_LIBRARY_PATH \
    LD_PRELOAD DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH DEVELOPER_DIR SDKROOT NIX_LD \
    NIX_LD_LIBRARY_PATH CARGO_HOME CARGO_BUILD_JOBS RUSTUP_HOME RUSTUP_TOOLCHAIN \
    RUSTUP_AUTO_INSTALL RUSTUP_DIST_SERVER RUSTUP_UPDATE_ROOT SSL_CERT_FILE SSL_CERT_DIR \
    SSH_AUTH_SOCK ALL_PROXY HTTP_PROXY HTTPS_PROXY NO_PROXY all_proxy http_proxy https_proxy \
    no_proxy";

/// The same, by how a name begins.
const PASSED_BEGINNINGS: [&str; 5] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "FAKETIME",
];

/// A command that sees of the caller's environment only what reaches no image.
pub fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed)));
    command
}

fn is_passed(name: &str) -> bool {
    PASSED.split(' ').any(|passed| passed == name)
        || PASSED_BEGINNINGS.iter().any(|it| name.starts_with(it))
}

/// The emulator of `machine` on this machine: its path and version.
///
/// # Errors
/// It is there and does not say what it is.
pub fn emulator(machine: &Machine) -> Result<Option<(PathBuf, String)>, Failure> {
    let Some(path) = find_program(machine.qemu) else {
        return Ok(None);
    };
    let version = first_line(Command::new(&path).arg("--version"))?;
    Ok(version.map(|version| (path, version)))
}

/// The toolchain for `target` in `folder`, as [`toolchain`] finds it.
///
/// # Errors
/// There is none, or it does not say what it is.
pub fn needed_toolchain(target: &str, folder: &Path) -> Result<Toolchain, Failure> {
    toolchain(target, folder)?
        .with_context(|| {
            format!(
                "no compiler for {target} is here; {} installs one",
                invocation::verb("setup")
            )
        })
        .environment()
}

/// The emulator of `machine` and its version, as [`emulator`] finds them.
///
/// # Errors
/// There is none, or it does not say what it is.
pub fn needed_emulator(machine: &Machine) -> Result<(PathBuf, String), Failure> {
    emulator(machine)?
        .with_context(|| {
            format!(
                "the emulator {} is not here; {} installs it",
                machine.qemu,
                invocation::verb("setup")
            )
        })
        .environment()
}

/// A program's path, searched for as the shell does.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The first line that a command prints, `None` if there is no such program, or it does not succeed.
///
/// # Errors
/// The program is there and could not be started, or had to be killed: that says nothing of what it
/// would have printed.
pub fn first_line(command: &mut Command) -> Result<Option<String>, Failure> {
    let finished = match process::run(command, process::SHORT) {
        Err(error) if is_absent(&error) => return Ok(None),
        finished => finished
            .with_context(|| format!("cannot run {}", command.get_program().display()))
            .environment()?,
    };
    if !finished.status.is_ok_and(|it| it.code().is_some()) {
        return Err(Failure::Environment(anyhow!(
            "{command:?} {}",
            finished.told()
        )));
    }
    let text = String::from_utf8_lossy(&finished.stdout);
    let first = text.lines().next().map(str::to_owned);
    Ok(first.filter(|_| finished.succeeded()))
}

/// Whether a program that did not start is not there, or is none.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let shell = |words: &str| first_line(Command::new("sh").args(["-c", words])).map_err(drop);
        assert_eq!(shell("echo one; echo two"), Ok(Some("one".to_owned())));
        assert_eq!(shell("echo one; exit 1"), Ok(None));
        assert_eq!(shell("echo one; kill -9 $$"), Err(()));
        let absent = first_line(&mut Command::new("there-is-no-such-program")).map_err(drop);
        assert_eq!(absent, Ok(None));
        // More arguments than a system takes.
        let long = "x".repeat(4 << 20);
        assert_eq!(shell(&long), Err(()));
    }

    #[test]
    fn a_compiler_is_asked_where_it_compiles() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().canonicalize().unwrap();
        for place in [there.clone(), there.join("not/made/yet")] {
            let found = first_line(&mut ask(Path::new("pwd"), &place)).unwrap();
            assert_eq!(found.as_deref(), there.to_str());
        }
    }

    #[test]
    fn what_the_caller_says_of_compilers_reaches_no_build() {
        let kept_out = "RUSTFLAGS RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTC_BOOTSTRAP \
            CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_PROFILE_RELEASE_OPT_LEVEL \
            CARGO_TARGET_THUMBV6M_NONE_EABI_RUSTFLAGS CARGO_MANIFEST_DIR CARGO_UNSTABLE_BUILD_STD \
            DEFMT_LOG DEFMT_RTT_BUFFER_SIZE SOURCE_DATE_EPOCH MAKEFLAGS";
        for name in kept_out.split(' ') {
            assert!(!is_passed(name), "{name}");
        }
        for name in "PATH https_proxy CARGO_HOME CARGO_REGISTRIES_OURS_TOKEN".split(' ') {
            assert!(is_passed(name), "{name}");
        }
    }
}
