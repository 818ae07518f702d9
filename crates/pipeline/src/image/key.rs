//! What makes an image: one list, whose digest names the build and stands in the image's file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use spinney_codegen::SourceTree;

use crate::store;

/// Everything that cargo, the compiler and the linker read when they make an image.
#[derive(Serialize)]
pub(super) struct Inputs<'a> {
    /// The workspace by path: sources, manifests with their profile, lock file, memory map.
    pub files: &'a SourceTree,
    pub features: &'a str,
    /// `defmt`'s level.
    pub log: &'a str,
    pub target: &'a str,
    /// All that the compiler says of its version, asked where it compiles.
    pub compiler: &'a str,
    pub linker: &'a str,
    pub builds_core: bool,
    pub rustflags: &'a [&'a str],
    /// [`settings`].
    pub settings: &'a str,
}

impl Inputs<'_> {
    /// 64 hexadecimal digits.
    pub(super) fn digest(&self) -> anyhow::Result<String> {
        let digest = store::sha256(&serde_json::to_vec(self)?);
        Ok(digest["sha256:".len()..].to_owned())
    }
}

/// Tables of cargo's settings that reach no image: which server crates come from, and how much is
/// said. What comes from there is held to the lock file's checksums.
const HARMLESS: &str = "alias cache cargo-new credential-alias doc future-incompat-report host http \
    install net registries registry resolver rustdoc source term";

/// Keys of `[build]` that a build here states by itself, or that change no artifact.
const STATED_OF_BUILD: &str = "analysis build-dir dep-info-basedir incremental jobs rustc \
    rustc-wrapper rustc-workspace-wrapper rustdoc rustdocflags rustflags target target-dir warnings";

/// The same of a target's table.
const STATED_OF_TARGET: &str = "linker runner rustdocflags rustflags";

/// Keys of a release profile that a build here states by itself, on cargo's command line.
pub(super) const STATED_OF_PROFILE: &str = "codegen-units debug debug-assertions incremental lto \
    opt-level overflow-checks panic rpath strip";

/// What cargo's files of settings say beyond what a build here states by itself: those of `folder`
/// and the folders above it, and the user's. Empty on most machines.
pub fn settings(folder: &Path, target: &str) -> anyhow::Result<String> {
    let user = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let above = folder.ancestors().map(|folder| folder.join(".cargo"));
    let mut places: Vec<PathBuf> = Vec::new();
    for place in above.chain(user) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut text = String::new();
    for place in places {
        // The name without an ending is the older one, and cargo prefers it.
        let names = ["config", "config.toml"].map(|name| place.join(name));
        if let Some(file) = names.into_iter().find(|file| file.is_file()) {
            read(&file, target, &mut text)?;
        }
    }
    Ok(text)
}

fn read(file: &Path, target: &str, out: &mut String) -> anyhow::Result<()> {
    let context = || format!("cargo's settings in {}", file.display());
    let text = std::fs::read_to_string(file).with_context(context)?;
    let mut table: toml::Table = text.parse().with_context(context)?;
    let included = match table.remove("include") {
        Some(toml::Value::Array(all)) => all,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for included in included {
        let path = included.get("path").unwrap_or(&included);
        let path = path.as_str().with_context(context)?;
        let path = file.parent().unwrap_or(file).join(path);
        if path.is_file() {
            read(&path, target, out)?;
        }
    }
    reduce(&mut table, target);
    if !table.is_empty() {
        out.push_str(&serde_json::to_string(&table)?);
        out.push('\n');
    }
    Ok(())
}

/// Drops what reaches no image.
fn reduce(table: &mut toml::Table, target: &str) {
    table.retain(|key, _| !has(HARMLESS, key));
    drop_keys(table.get_mut("build"), STATED_OF_BUILD);
    if let Some(toml::Value::Table(profiles)) = table.get_mut("profile") {
        profiles.retain(|key, _| key == "release");
        drop_keys(profiles.get_mut("release"), STATED_OF_PROFILE);
        drop_keys(profiles.get_mut("release"), "build-override");
        drop_empty(profiles);
    }
    if let Some(toml::Value::Table(targets)) = table.get_mut("target") {
        targets.retain(|key, _| key == target || key.starts_with("cfg("));
        for (_, one) in targets.iter_mut() {
            drop_keys(Some(one), STATED_OF_TARGET);
        }
        drop_empty(targets);
    }
    drop_empty(table);
}

/// Whether a key is among those that stand with spaces between them.
fn has(keys: &str, key: &str) -> bool {
    keys.split(' ').any(|it| it == key)
}

fn drop_keys(table: Option<&mut toml::Value>, keys: &str) {
    if let Some(toml::Value::Table(table)) = table {
        table.retain(|key, _| !has(keys, key));
    }
}

fn drop_empty(table: &mut toml::Table) {
    table.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "thumbv6m-none-eabi";

    #[test]
    fn settings_that_reach_an_image_are_part_of_its_key() {
        let left = |text: &str| {
            let mut table: toml::Table = text.parse().unwrap();
            reduce(&mut table, TARGET);
            table
        };
        for stated in [
            "[net]\ngit-fetch-with-cli = true\n[source.crates-io]\nreplace-with = \"mirror\"\n",
            "[build]\nrustflags = [\"-Copt-level=0\"]\nrustc-wrapper = \"sccache\"\njobs = 2\n",
            "[profile.release]\nopt-level = 0\ndebug = true\n[profile.dev]\nopt-level = 3\n",
            "[target.thumbv6m-none-eabi]\nlinker = \"x\"\nrustflags = [\"-g\"]\n",
            "[target.x86_64-unknown-linux-gnu]\nother = 1\n",
            "[target.'cfg(all())']\nrunner = \"x\"\nrustflags = [\"-g\"]\n",
            "[profile.release.build-override]\nopt-level = 3\n",
        ] {
            assert_eq!(left(stated), toml::Table::new(), "{stated}");
        }
        for reaching in [
            "[env]\nDEFMT_LOG = \"trace\"\n",
            "[profile.release.package.spinney-runtime]\nopt-level = 0\n",
            "[patch.crates-io.defmt]\npath = \"x\"\n",
            "[target.thumbv6m-none-eabi.cortex-m]\nrustc-flags = \"x\"\n",
            "[unstable]\nbuild-std = [\"core\"]\n",
            "[build]\nsomething-new = 1\n",
        ] {
            assert_eq!(left(reaching), reaching.parse().unwrap());
        }
    }

    #[test]
    fn settings_are_read_as_cargo_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            store::write_whole(&folder.path().join(path), text.as_bytes()).unwrap();
        };
        let deep = folder.path().join("a/b");
        let found = || settings(&deep, TARGET).unwrap();
        let before = found();
        write("a/.cargo/config.toml", "include = \"more.toml\"\n");
        write("a/.cargo/more.toml", "[env]\nA = \"1\"\n");
        assert_eq!(found(), format!("{{\"env\":{{\"A\":\"1\"}}}}\n{before}"));
        write("a/.cargo/config", "[env]\nB = \"1\"\n");
        assert_eq!(found(), format!("{{\"env\":{{\"B\":\"1\"}}}}\n{before}"));
        write("a/.cargo/config", "[env\n");
        let error = format!("{:#}", settings(&deep, TARGET).unwrap_err());
        assert!(error.contains("a/.cargo/config"), "{error}");
    }

    #[test]
    fn every_input_moves_the_digest() {
        let files: SourceTree = [("a".to_owned(), "b".to_owned())].into();
        let digest = |change: fn(&mut Inputs<'_>)| {
            let mut inputs = Inputs {
                files: &files,
                features: "product",
                log: "off",
                target: TARGET,
                compiler: "rustc 1",
                linker: "lld 1",
                builds_core: false,
                rustflags: &[],
                settings: "",
            };
            change(&mut inputs);
            inputs.digest().unwrap()
        };
        let changes: [fn(&mut Inputs<'_>); 9] = [
            |_| {},
            |it| it.features = "verify",
            |it| it.log = "info",
            |it| it.target = "thumbv7m-none-eabi",
            |it| it.compiler = "rustc 2",
            |it| it.linker = "lld 2",
            |it| it.builds_core = true,
            |it| it.rustflags = &["-g"],
            |it| it.settings = "[env]",
        ];
        let all: std::collections::BTreeSet<String> = changes.map(digest).into();
        assert_eq!(all.len(), changes.len());
        assert!(all.iter().all(|digest| digest.len() == 64));
    }
}
