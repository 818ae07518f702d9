//! Images: the firmware's workspace with a generated model crate in it, built by cargo.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow};
use spinney_board::{Boot, Core, Region};
use spinney_codegen::{SourceTree, has_probabilities, memory_x};
use xshell::{Shell, cmd};

use crate::environment::{self, Linker, Toolchain};
use crate::failure::{Blame, Failure};
use crate::lock::{self, Held};
use crate::{emulator, lock_file, places, store};

/// The level at which nothing is logged.
pub(crate) const LOG_OFF: &str = "off";

/// Which of the images of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The image that ships.
    Product,
    /// The image that proves it.
    Verify,
    /// The image that answers a host, over this way.
    Serve(Way),
}

/// How a host reaches a device that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The UART of an emulated board, by the feature that drives it.
    Uart(&'static str),
    /// Two RTT channels called `spinney`, down 0 and up 1; the log is on up 0.
    Rtt,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Verify => "verify",
            Self::Serve(_) => "serve",
        }
    }

    fn features(self) -> String {
        match self {
            Self::Product | Self::Verify => self.name().to_owned(),
            Self::Serve(Way::Uart(feature)) => format!("serve,{feature}"),
            Self::Serve(Way::Rtt) => "serve,rtt".to_owned(),
        }
    }
}

/// What an image is built from.
pub(crate) struct Image<'a> {
    /// The generated model crate.
    pub model: &'a SourceTree,
    /// The name of its package.
    pub model_package: &'a str,
    /// Where it is linked to.
    pub memory: (Region, Region),
    /// What the chip wants to find there besides.
    pub boot: Boot,
    /// The core it is compiled for.
    pub core: Core,
    /// `defmt`'s level; [`LOG_OFF`] for a product without a log and without its buffer.
    pub log: &'a str,
    /// Optimize the model for speed, not for size.
    pub for_speed: bool,
    pub transport: Transport,
    /// Samples come in where the model has a front end; else readings do.
    pub takes_samples: bool,
    /// Verify and serve images deliver no scores, which the model does not compute in full.
    pub class_only: bool,
}

impl Image<'_> {
    /// Whether samples come in, not readings.
    fn has_signal(&self) -> bool {
        self.takes_samples && self.model.contains_key("src/signal.rs")
    }

    /// The features of the app that it is built with.
    fn features(&self) -> String {
        let mut features = self.transport.features();
        if self.transport == Transport::Product && self.log != LOG_OFF {
            features.push_str(",log");
        }
        if has_probabilities(self.model) {
            features.push_str(",probabilities");
        }
        if self.has_signal() {
            features.push_str(",signal");
        }
        if self.class_only {
            features.push_str(",class-only");
        }
        features
    }
}

/// The firmware's files in this repository, by path within the folder of an image.
pub(crate) fn firmware_sources() -> Result<BTreeMap<String, String>, Failure> {
    let repository = places::repository();
    let mut files = BTreeMap::new();
    for (from, to) in [
        ("firmware/Cargo.toml", "Cargo.toml"),
        ("firmware/Cargo.lock", "Cargo.lock"),
        ("firmware/app", "app"),
        ("crates/wire", "wire"),
    ] {
        collect(&repository.join(from), to, &mut files).environment()?;
    }
    Ok(files)
}

fn collect(from: &Path, to: &str, files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let context = || format!("cannot read {}", from.display());
    if from.is_dir() {
        for entry in std::fs::read_dir(from).with_context(context)? {
            let entry = entry.with_context(context)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') && name != "target" {
                collect(&entry.path(), &format!("{to}/{name}"), files)?;
            }
        }
    } else {
        let text = std::fs::read_to_string(from).with_context(context)?;
        files.insert(to.to_owned(), text);
    }
    Ok(())
}

/// The workspace of one image: the same files for the same inputs, wherever it lies.
///
/// Every package's version carries a digest of all files, and so does the binary's name. Cargo's
/// shared target folder then never takes one pipeline's artifacts for another's.
fn workspace(
    image: &Image<'_>,
    firmware: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = firmware.clone();
    for (path, text) in image.model {
        files.insert(format!("model/{path}"), text.clone());
    }
    files.insert(
        "app/memory.x".to_owned(),
        memory_x(image.core, image.boot, image.memory.0, image.memory.1),
    );
    replace(
        &mut files,
        "app/Cargo.toml",
        "model = { path = \"../model\" }",
        &format!(
            "model = {{ path = \"../model\", package = \"{}\" }}",
            image.model_package
        ),
    )?;
    replace(
        &mut files,
        "Cargo.toml",
        "path = \"../crates/wire\"",
        "path = \"wire\"",
    )?;
    if image.for_speed {
        let manifest = files.entry("Cargo.toml".to_owned()).or_default();
        for package in [image.model_package, "spinney-runtime"] {
            manifest.push_str(&format!(
                "\n[profile.release.package.{package}]\nopt-level = 3\n"
            ));
        }
    }
    if image.has_signal() {
        let manifest = files.entry("Cargo.toml".to_owned()).or_default();
        manifest.push_str("\n[profile.release.package.spinney-frontend]\nopt-level = 3\n");
    }
    let mut all: String = files
        .iter()
        .map(|(path, text)| format!("{path}\n{text}\n"))
        .collect();
    // Images of the same files that differ in features have binaries of their own, too.
    all.push_str(&format!("{}\n{}\n", image.features(), image.log));
    let digest = store::sha256(all.as_bytes());
    let digest = &digest["sha256:".len()..][..12];
    let mut manifests = vec![
        "app/Cargo.toml",
        "model/Cargo.toml",
        "model/runtime/Cargo.toml",
        "wire/Cargo.toml",
    ];
    // The model of a front end depends on it, whether an image takes samples or rows.
    const FRONT_END: &str = "model/frontend/Cargo.toml";
    manifests.extend(files.contains_key(FRONT_END).then_some(FRONT_END));
    for path in &manifests {
        let text = files.get(*path).and_then(|text| versioned(text, digest));
        let text = text
            .with_context(|| format!("the firmware's {path} has no version 0.1.0"))
            .environment()?;
        files.insert((*path).to_owned(), text);
    }
    replace(
        &mut files,
        "app/Cargo.toml",
        "name = \"spinney-app\"",
        &format!("name = \"spinney-app-{digest}\""),
    )?;
    let committed = firmware.get(LOCK).map_or("", String::as_str);
    let of_packages = manifests.iter().filter_map(|path| files.get(*path));
    let lock = lock_file::complete(committed, of_packages.map(String::as_str))
        .context("firmware/Cargo.lock")
        .environment()?;
    files.insert(LOCK.to_owned(), lock);
    Ok(files)
}

const LOCK: &str = "Cargo.lock";

/// A manifest with this digest in its package's version; `None` if that is not 0.1.0 to begin with.
pub(crate) fn versioned(manifest: &str, digest: &str) -> Option<String> {
    const VERSION: &str = "version = \"0.1.0";
    let (before, after) = manifest.split_once(VERSION)?;
    let (_, after) = after.split_once('"')?;
    Some(format!("{before}{VERSION}+h{digest}\"{after}"))
}

fn replace(
    files: &mut BTreeMap<String, String>,
    path: &str,
    from: &str,
    to: &str,
) -> Result<(), Failure> {
    let text = files
        .get_mut(path)
        .filter(|text| text.contains(from))
        .with_context(|| format!("the firmware's {path} has no `{from}`"))
        .environment()?;
    *text = text.replace(from, to);
    Ok(())
}

/// Builds `image` in `folder` and returns its ELF file.
pub(crate) fn build(
    image: &Image<'_>,
    firmware: &BTreeMap<String, String>,
    toolchain: &Toolchain,
    folder: &Path,
) -> Result<Vec<u8>, Failure> {
    let files = workspace(image, firmware)?;
    write_workspace(folder, &files).environment()?;
    let built = compile(
        folder,
        "spinney-app",
        &["--locked", "--features", &image.features()],
        image.core.target(),
        image.log,
        toolchain,
    )?;
    std::fs::read(&built.elf)
        .with_context(|| format!("cannot read {}", built.elf.display()))
        .environment()
}

/// Builds the one binary of the package in `folder` for `core` and runs it on the core's emulated
/// machine: what it logs.
pub(crate) fn emulated_log(
    folder: &Path,
    binary: &str,
    arguments: &[&str],
    core: Core,
) -> Result<String, Failure> {
    let target = core.target();
    let toolchain = environment::toolchain(target)
        .with_context(|| format!("no compiler for {target}; `cargo xtask setup` installs one"))
        .environment()?;
    let machine = core.machine();
    let (qemu, _) = environment::emulator(machine)
        .with_context(|| format!("no {}; `cargo xtask setup` installs it", machine.qemu))
        .environment()?;
    let built = compile(folder, binary, arguments, target, "info", &toolchain)?;
    emulator::log_of(&qemu, machine, &built.elf)
}

/// Brings a folder to hold just these files, so that nothing of an earlier run has a say; what is
/// the same already keeps its time.
fn write_workspace(folder: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    if folder.is_dir() {
        remove_others(folder, "", files)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    for (path, text) in files {
        let full = folder.join(path);
        if std::fs::read(&full).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        store::write_whole(&full, text.as_bytes())?;
    }
    Ok(())
}

/// Removes what is below `folder` and not among `files`, whose paths start with `prefix`.
fn remove_others(
    folder: &Path,
    prefix: &str,
    files: &BTreeMap<String, String>,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            let below = format!("{path}/");
            if files.keys().any(|file| file.starts_with(&below)) {
                remove_others(&entry.path(), &below, files)?;
            } else {
                std::fs::remove_dir_all(entry.path())?;
            }
        } else if !files.contains_key(&path) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A built image, and the turn in cargo's target folder, so that no other build replaces it.
pub(crate) struct Built {
    pub elf: PathBuf,
    _turn: Turn,
}

/// Held by one build for a target at a time: within this process, and on this machine.
type Turn = (MutexGuard<'static, ()>, Held);

fn turn(target: &str) -> Result<Turn, Failure> {
    static BUILDS: Mutex<()> = Mutex::new(());
    let within = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let path = places::firmware_cache()?.join(format!("{target}.lock"));
    Ok((within, lock::hold(&path).environment()?))
}

/// Builds the one binary of the workspace in `folder`, whose name starts with `binary`.
pub(crate) fn compile(
    folder: &Path,
    binary: &str,
    arguments: &[&str],
    target: &str,
    log: &str,
    toolchain: &Toolchain,
) -> Result<Built, Failure> {
    let turn = turn(target)?;
    let shell = Shell::new().environment()?;
    shell.change_dir(folder);
    let core: &[&str] = if toolchain.builds_core {
        &["-Zbuild-std=core"]
    } else {
        &[]
    };
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let key = format!(
        "CARGO_TARGET_{}",
        target.to_uppercase().replace(['-', '.'], "_")
    );
    let mut command = cmd!(
        shell,
        "{cargo} build --release {core...} --target {target} {arguments...}
         --message-format json-render-diagnostics"
    )
    .quiet()
    .ignore_status()
    .env("CARGO_TARGET_DIR", places::firmware_cache()?)
    .env("DEFMT_LOG", log)
    .env(format!("{key}_LINKER"), toolchain.linker.path());
    // What the caller's shell says must not reach an image.
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_RUSTFLAGS",
        "DEFMT_RTT_BUFFER_SIZE",
        "RUSTC",
    ] {
        command = command.env_remove(name);
    }
    if let Some(rustc) = &toolchain.rustc {
        command = command.env("RUSTC", rustc);
    }
    if toolchain.builds_core {
        command = command.env("RUSTC_BOOTSTRAP", "1");
    }
    if matches!(toolchain.linker, Linker::Lld(_)) {
        command = command.env(format!("{key}_RUSTFLAGS"), "-Clinker-flavor=ld.lld");
    }
    let output = command.output().environment()?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Environment(anyhow!(
            "the firmware for {target} does not build:\n{}",
            errors.trim_end()
        )));
    }
    let elf = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message["target"]["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(binary))
        })
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo built no binary")
        .environment()?;
    Ok(Built { elf, _turn: turn })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_earlier_run_is_left_in_a_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let here = |path: &str| folder.path().join(path);
        let write = |path: &str, text: &str| store::write_whole(&here(path), text.as_bytes());
        for stale in [
            ".cargo/config.toml",
            "app/src/old.rs",
            "app/src/main.rs/was/a/folder.rs",
            "frontend/src/lib.rs",
            "left.elf",
        ] {
            write(stale, "old").unwrap();
        }
        write("Cargo.lock", "").unwrap();
        write("app/Cargo.toml", "same").unwrap();
        let time = |path: &str| std::fs::metadata(here(path)).unwrap().modified().unwrap();
        let before = time("app/Cargo.toml");
        let files: BTreeMap<String, String> = [
            ("Cargo.lock", "version = 4"),
            ("app/Cargo.toml", "same"),
            ("app/src/main.rs", "new"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        write_workspace(folder.path(), &files).unwrap();
        let mut found = BTreeMap::new();
        collect(folder.path(), "", &mut found).unwrap();
        let found: BTreeMap<String, String> = found
            .into_iter()
            .map(|(path, text)| (path.trim_start_matches('/').to_owned(), text))
            .collect();
        assert_eq!(found, files);
        assert!(!here(".cargo").exists() && !here("frontend").exists());
        assert_eq!(time("app/Cargo.toml"), before);
    }

    #[test]
    fn a_digest_takes_the_place_of_what_a_version_told() {
        let versioned = |text| versioned(text, "abc");
        let expected = Some("version = \"0.1.0+habc\"\n".to_owned());
        assert_eq!(versioned("version = \"0.1.0\"\n"), expected);
        assert_eq!(versioned("version = \"0.1.0+digits\"\n"), expected);
        assert_eq!(versioned("version = \"0.2.0\"\n"), None);
    }
}
