//! `packaged`: what somebody has who has no clone. Every crate is packaged and unpacked into an empty
//! folder; from these packages alone, a project outside of this repository builds its own `xtask`, and
//! an installed `spinney`, and both run pipelines to reports that pass.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{interrupt, lock, process, stages, store};

/// What of a crate's folder a user builds from.
const PARTS: [&str; 7] = [
    "src",
    "data",
    "device",
    "template",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];
/// The project, which is also the name of its pipeline.
const PROJECT: &str = "packaged-irises";

/// What CI runs.
pub(crate) fn check() -> Result<(), Failure> {
    let _busy = interrupt::busy();
    Packages::new()?.of_use()
}

/// Unpacked packages, and what builds from them.
pub(crate) struct Packages {
    /// A folder for what is built, which stays.
    target: PathBuf,
    /// The packages' folders lie here.
    folder: PathBuf,
    /// One at a time.
    _turn: lock::Held,
}

impl Packages {
    /// Packages every crate as its sources are now. What is as it was last time keeps its time, so that
    /// cargo does not build it again.
    pub(crate) fn new() -> Result<Self, Failure> {
        let target = crate::target()?.join("packaged");
        let packages = Self {
            folder: target.join("crates"),
            _turn: lock::hold(&target.join("lock"), &terminal::notes()).environment()?,
            target,
        };
        packages.unpack().environment()?;
        packages.share_built()?;
        let crates = packages.missing().environment()?;
        eprintln!("packaged: {crates} packages hold every file that they are to hold");
        Ok(packages)
    }

    fn unpack(&self) -> anyhow::Result<()> {
        let packed = self.target.join("package");
        let _ = std::fs::remove_dir_all(&packed);
        let mut package = Command::new(crate::cargo());
        package
            .current_dir(crate::repository())
            .args("package --quiet --offline --allow-dirty --no-verify --workspace".split(' '))
            .args("--exclude xtask --exclude spinney-lab --exclude spinney-ml".split(' '))
            .arg("--target-dir")
            .arg(&self.target);
        process::show(package, process::LONG)?;
        let unpacked = tempfile::tempdir()?;
        for entry in std::fs::read_dir(&packed)? {
            let path = entry?.path();
            if path.extension() != Some(OsStr::new("crate")) {
                continue;
            }
            let mut tar = Command::new("tar");
            tar.arg("-xzf").arg(&path).arg("-C").arg(unpacked.path());
            process::show(tar, process::LONG)?;
        }
        store::mirror(&self.folder, &files_of(unpacked.path())?)?;
        let manifest = std::fs::read_to_string(crate::repository().join("Cargo.toml"))?;
        let profile = manifest.find("[profile").map_or("", |at| &manifest[at..]);
        // Small models run here, for which no optimizer is worth its time; what searches for the cycles
        // that no row exceeds is.
        let profile = profile.replacen("opt-level = 2", "opt-level = 0", 1)
            + "[profile.dev.package.spinney-evaluate]\nopt-level = 2\n";
        store::write_whole(&self.profile(), profile.as_bytes())
    }

    /// Takes over what this repository has built of other packages than Spinney's, with the same profile.
    /// Where the system cannot link files, they are built anew.
    fn share_built(&self) -> Result<(), Failure> {
        let (from, to) = (crate::target()?.join("debug"), self.target.join("debug"));
        // A link to this repository's own, as older clones have it.
        if to.is_symlink() {
            std::fs::remove_file(&to).environment()?;
        }
        for part in ["deps", "build", ".fingerprint"] {
            let (from, to) = (from.join(part), to.join(part));
            std::fs::create_dir_all(&to).environment()?;
            let mut link = Command::new("cp");
            link.current_dir(&from).args(["-al", "-t"]).arg(&to);
            for entry in std::fs::read_dir(&from).environment()?.flatten() {
                let name = entry.file_name();
                // Cargo writes some files of crates in place.
                let text = name.to_string_lossy();
                let is_own = ["spinney", "libspinney", "xtask", "libxtask"]
                    .iter()
                    .any(|start| text.starts_with(start));
                if !is_own && !to.join(&name).exists() {
                    link.arg(name);
                }
            }
            process::run(&mut link, process::LONG).environment()?;
        }
        Ok(())
    }

    /// Holds the packages to the crates' folders; how many there are.
    fn missing(&self) -> anyhow::Result<usize> {
        let mut faults = Vec::new();
        let mut n_packages = 0;
        for entry in std::fs::read_dir(crate::repository().join("crates"))? {
            let folder = entry?.path();
            let name = match folder.file_name().unwrap_or_default().to_string_lossy() {
                name if name == "spinney" => name.into_owned(),
                name => format!("spinney-{name}"),
            };
            n_packages += 1;
            let absent = absent(&folder, &self.package(&name))?;
            faults.extend(absent.iter().map(|file| format!("{name}: {file}")));
        }
        if faults.is_empty() {
            return Ok(n_packages);
        }
        Err(anyhow!(
            "found packages without these files, expected each as it lies in its crate:\n{}",
            faults.join("\n")
        ))
    }

    fn package(&self, name: &str) -> PathBuf {
        let version = env!("CARGO_PKG_VERSION");
        self.folder.join(format!("{name}-{version}"))
    }

    fn profile(&self) -> PathBuf {
        self.target.join("profile.toml")
    }

    /// `cargo` with this repository's profile, in a folder, without the network.
    fn cargo(&self, folder: &Path) -> Command {
        let mut command = Command::new(crate::cargo());
        command
            .current_dir(folder)
            .arg("--config")
            .arg(self.profile())
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_NET_OFFLINE", "true");
        command
    }

    /// A project by its own `xtask`, then by an installed program, then moved.
    fn of_use(&self) -> Result<(), Failure> {
        let place = tempfile::tempdir().environment()?;
        let project = place.path().join(PROJECT);
        let mut new = Command::new(crate::program()?);
        new.arg("new")
            .arg(&project)
            .arg("--spinney")
            .arg(&self.folder);
        process::read(new, process::LONG).input()?;
        // The versions that this repository builds with; the network has no say.
        let lock = crate::repository().join("Cargo.lock");
        std::fs::copy(&lock, project.join("xtask/Cargo.lock")).environment()?;
        let manifest = project.join("xtask/Cargo.toml");
        let text = std::fs::read_to_string(&manifest).environment()?;
        store::write_whole(&manifest, (text + &features_asked()?).as_bytes()).environment()?;
        let target = project.join("target");
        symlink(&self.target, &target).environment()?;
        let mut run = self.cargo(&project);
        run.args(["xtask", "pipeline", "run", "--quiet"]);
        process::show(run, process::LONG).input()?;
        let report = project.join("reports").join(PROJECT).join("report.json");
        let by_xtask = std::fs::read(&report).input()?;
        eprintln!("packaged: a project by packages alone runs to a report, by its own xtask");

        let program = place.path().join("bin/spinney");
        std::fs::create_dir(place.path().join("bin")).environment()?;
        std::fs::copy(self.program()?, &program).environment()?;
        names_features(&program, place.path())?;
        std::fs::remove_file(&target).environment()?;
        let spinney = |folder: &Path, arguments: &[&str]| {
            let mut command = Command::new(&program);
            // No cargo called it.
            command
                .env_remove("CARGO_MANIFEST_DIR")
                .env_remove("CARGO_TARGET_DIR");
            command.current_dir(folder).args(arguments);
            process::show(command, process::LONG).input()
        };
        spinney(&project, &["pipeline", "run", "--quiet"])?;
        if std::fs::read(&report).input()? != by_xtask {
            return Err(Failure::Input(anyhow!(
                "an installed spinney gives another report than the project's xtask, expected the same bytes"
            )));
        }
        let (config, digits) = ("digits.toml", project.join("reports/digits/report.json"));
        for (from, to) in [
            ("pipeline.toml", config),
            ("data/digits.csv", "data/digits.csv"),
        ] {
            std::fs::copy(crate::repository().join(from), project.join(to)).environment()?;
        }
        spinney(
            &project,
            &["pipeline", "run", "--quiet", "--config", config],
        )?;
        let committed = crate::repository().join("reports/digits/report.json");
        let moved = stages::moved(&crate::report(&committed)?, &crate::report(&digits)?);
        if !moved.is_empty() {
            return Err(Failure::Input(anyhow!(
                "an installed spinney gives another report of the digits than {}: {}",
                committed.display(),
                moved.join("; ")
            )));
        }
        eprintln!(
            "packaged: an installed spinney gives the same, and the committed report of the digits"
        );

        let elsewhere = place.path().join("elsewhere");
        std::fs::rename(&project, &elsewhere).environment()?;
        spinney(&elsewhere, &["pipeline", "check", "--quiet"])?;
        spinney(
            &elsewhere,
            &["pipeline", "check", "--quiet", "--config", config],
        )?;
        eprintln!("packaged: the project was moved, and its last runs hold");
        Ok(())
    }

    /// The program `spinney`, built from its package and those that it depends on.
    pub(crate) fn program(&self) -> Result<PathBuf, Failure> {
        let mut files = files_of(&self.package("spinney")).environment()?;
        let mut manifest = String::from("\n[workspace]\n\n[patch.crates-io]\n");
        for entry in std::fs::read_dir(&self.folder).environment()?.flatten() {
            let folder = entry.path();
            let package = entry.file_name().to_string_lossy().into_owned();
            let name = package.rsplit_once('-').map_or("", |(name, _)| name);
            manifest += &format!("{name} = {{ path = {folder:?} }}\n");
        }
        if let Some(bytes) = files.get_mut("Cargo.toml") {
            // What it asks of others is what the project asks: so what was built for it serves here, too.
            bytes.extend((manifest + &features_asked()?).into_bytes());
        }
        // The versions that this repository builds with; the network has no say.
        let lock = std::fs::read(crate::repository().join("Cargo.lock")).environment()?;
        files.insert("Cargo.lock".to_owned(), lock);
        let folder = self.target.join("installed");
        store::mirror(&folder, &files).environment()?;
        let mut build = self.cargo(&folder);
        build
            .args(["build", "--quiet", "--target-dir"])
            .arg(&self.target);
        process::show(build, process::LONG).input()?;
        Ok(self.target.join("debug").join("spinney"))
    }
}

/// What is packed is read where a feature brought its decoder, which the default build names.
fn names_features(program: &Path, place: &Path) -> Result<(), Failure> {
    let fixtures = |of: &str| crate::repository().join(of).join("tests/fixtures");
    let (rows, sound) = (fixtures("crates/dataset"), fixtures("crates/signal"));
    let recordings = place.join("recordings");
    for class in ["a", "b"] {
        let class = recordings.join(class);
        std::fs::create_dir_all(&class).environment()?;
        std::fs::copy(sound.join("tones.flac"), class.join("1.flac")).environment()?;
    }
    for (path, feature) in [
        (rows.join("zstd.parquet"), "zstd"),
        (rows.join("table.feather"), "lz4"),
        (recordings, "compressed-audio"),
    ] {
        let mut data = Command::new(program);
        data.arg("data").arg(&path);
        let finished = process::run(&mut data, process::LONG).environment()?;
        let told = String::from_utf8_lossy(&finished.stderr);
        if finished.succeeded() || !told.contains(&format!("--features {feature}")) {
            return Err(Failure::Input(anyhow!(
                "found `spinney data {}` to say {told:?}, expected that it names the feature {feature}",
                path.display()
            )));
        }
    }
    eprintln!("packaged: packed rows and sound are refused by the features that read them");
    Ok(())
}

/// What this repository's programs ask of packages for the sake of its tests, for the end of a manifest:
/// what is built by packages alone asks the same, so that other packages than Spinney's are built already.
fn features_asked() -> Result<String, Failure> {
    let manifest = crate::read_text(crate::repository().join("Cargo.toml")).environment()?;
    let line = |start: &str| {
        let line = manifest.lines().find(|line| line.starts_with(start));
        line.with_context(|| format!("Cargo.toml has no line `{start}…`"))
            .environment()
    };
    Ok(format!(
        "\n[target.'cfg(all())'.dependencies]\n{}\n\
         [target.'cfg(all())'.build-dependencies]\n{}\n",
        line("once_cell = ")?,
        line("syn = ")?
    ))
}

/// What a user builds from and a package does not have, or not as it lies in the crate's folder.
fn absent(folder: &Path, package: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = BTreeMap::new();
    for part in PARTS {
        read(&folder.join(part), part, &mut files)?;
    }
    // This repository's readme is that of each crate without one.
    if !files.contains_key("README.md") {
        let readme = std::fs::read(crate::repository().join("README.md"))?;
        files.insert("README.md".to_owned(), readme);
    }
    let is_absent = |(file, bytes): (String, Vec<u8>)| {
        let packed = std::fs::read(package.join(&file));
        (!packed.is_ok_and(|packed| packed == bytes)).then_some(file)
    };
    Ok(files.into_iter().filter_map(is_absent).collect())
}

/// All files of a folder, through links, by their paths there.
fn files_of(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    read(folder, "", &mut files)?;
    Ok(files)
}

/// Adds all files below a path, which goes by `name`.
fn read(path: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let mut below = entry.file_name().to_string_lossy().into_owned();
            if !name.is_empty() {
                below = format!("{name}/{below}");
            }
            read(&entry.path(), &below, files)?;
        }
    } else if path.is_file() {
        files.insert(name.to_owned(), std::fs::read(path)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_named() {
        let (folder, package) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = [
            "README.md",
            "LICENSE-MIT",
            "src/lib.rs",
            "device/app/Cargo.toml",
        ];
        for file in files {
            store::write_whole(&folder.path().join(file), b"text").unwrap();
            store::write_whole(&package.path().join(file), b"text").unwrap();
        }
        store::write_whole(&folder.path().join("tests/it.rs"), b"text").unwrap();
        let absent = || absent(folder.path(), package.path()).unwrap();
        assert_eq!(absent(), [""; 0]);
        std::fs::remove_dir_all(package.path().join("device/app")).unwrap();
        std::fs::write(package.path().join("src/lib.rs"), "other").unwrap();
        assert_eq!(absent(), ["device/app/Cargo.toml", "src/lib.rs"]);
    }
}
