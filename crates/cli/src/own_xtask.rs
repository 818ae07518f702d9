//! The `xtask` of a user's own project: a program of three lines around this crate, in a workspace of
//! its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use toml::{Table, Value};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::places;
use spinney_pipeline::stages::seen::quoted;

/// Its manifest, in a project.
pub(crate) const MANIFEST: &str = "xtask/Cargo.toml";
/// Its program, in a project.
pub(crate) const MAIN: &str = "xtask/src/main.rs";
/// Where its alias stands, in a project.
pub(crate) const SETTINGS: &str = ".cargo/config.toml";

pub(crate) const MAIN_TEXT: &str = include_str!("../template/xtask/main.rs");
const MANIFEST_TEXT: &str = include_str!("../template/xtask/package.toml");
const SETTINGS_TEXT: &str = include_str!("../template/.cargo/config.toml");

/// Which Spinney a project's `xtask` is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spinney {
    /// This version of the published crates.
    Published,
    /// A repository for git, by its address.
    Git(String),
    Clone(PathBuf),
    /// A folder of unpacked packages, by their names and folders.
    Packages(Vec<(String, PathBuf)>),
}

impl Spinney {
    /// The one that is asked for; else the clone that this program was built in, if there is one.
    ///
    /// # Errors
    /// `asked` is no address, no clone and no folder of packages.
    pub(crate) fn new(asked: Option<&Path>) -> Result<Self, Failure> {
        let Some(asked) = asked else {
            return Ok(places::clone().map_or(Self::Published, Self::Clone));
        };
        if let Some(address) = asked.to_str().filter(|it| it.contains("://")) {
            return Ok(Self::Git(address.to_owned()));
        }
        let folder = spinney_config::resolve(asked)
            .with_context(|| format!("--spinney: cannot look into {}", asked.display()))
            .input()?;
        if folder.join("crates/cli/Cargo.toml").is_file() {
            return Ok(Self::Clone(folder));
        }
        let version = concat!("-", env!("CARGO_PKG_VERSION"));
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut packages: Vec<(String, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let name = name.strip_suffix(version)?;
                let is_package = entry.path().join("Cargo.toml").is_file();
                (name.starts_with("spinney-") && is_package)
                    .then(|| (name.to_owned(), entry.path()))
            })
            .collect();
        packages.sort();
        if packages.iter().any(|(name, _)| name == "spinney-cli") {
            return Ok(Self::Packages(packages));
        }
        Err(Failure::Input(anyhow!(
            "--spinney: found {}, expected a clone of Spinney, the address of its repository, or a folder \
             with its packages unpacked, spinney-cli{version} among them",
            asked.display()
        )))
    }

    /// Says so where a project depends on a folder of this machine, or on what has to be published.
    pub(crate) fn tell(&self) {
        let folder = match self {
            Self::Git(_) => return,
            Self::Published => {
                println!(
                    "note: {MANIFEST} takes spinney-cli {} from crates.io; `--spinney` names a clone, a git \
                     repository or unpacked packages instead",
                    env!("CARGO_PKG_VERSION")
                );
                return;
            }
            Self::Clone(clone) => clone.as_path(),
            Self::Packages(packages) => {
                match packages.first().and_then(|(_, path)| path.parent()) {
                    Some(folder) => folder,
                    None => return,
                }
            }
        };
        println!(
            "note: {MANIFEST} names Spinney by a folder of this machine, {}; another one, or a CI, \
             needs a version or a git repository there",
            folder.display()
        );
    }

    /// The value of the dependency on `spinney-cli`.
    pub(crate) fn dependency(&self) -> String {
        match self {
            Self::Clone(clone) => {
                let path = clone.join("crates/cli");
                format!("{{ path = {} }}", quoted(&path.to_string_lossy()))
            }
            Self::Git(address) => format!("{{ git = {} }}", quoted(address)),
            Self::Published | Self::Packages(_) => format!("{:?}", env!("CARGO_PKG_VERSION")),
        }
    }

    pub(crate) fn manifest(&self) -> String {
        let mut patch = String::new();
        if let Self::Packages(packages) = self {
            patch.push_str(
                "\n# Packages that lie here, in place of published ones.\n[patch.crates-io]\n",
            );
            for (name, path) in packages {
                let path = quoted(&path.to_string_lossy());
                patch.push_str(&format!("{name} = {{ path = {path} }}\n"));
            }
        }
        MANIFEST_TEXT
            .replace("{{spinney}}", &self.dependency())
            .replace("{{patch}}\n", &patch)
    }
}

/// The file of settings with the alias, where there is none yet.
pub(crate) fn settings() -> String {
    SETTINGS_TEXT.replace("{{host}}", "")
}

/// What there is to say of a project's settings for cargo.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    IsThere,
    /// They have it once they are this text.
    Added(String),
    /// They have another one of the same name, or are in a form that is left alone: this line is
    /// for their owner to add.
    ByHand(String),
}

/// Settings with the alias: nothing else in them changes.
pub(crate) fn alias(settings: &str) -> Alias {
    // Firmware's settings build for the chip, unless told otherwise.
    let parsed: Option<Table> = settings.parse().ok();
    let builds_for_chip = parsed
        .as_ref()
        .and_then(|table| table.get("build")?.get("target"))
        .is_some();
    let host = if builds_for_chip {
        " --target host-tuple"
    } else {
        ""
    };
    let own = SETTINGS_TEXT.replace("{{host}}", host);
    let line = own.lines().nth(1).unwrap_or_default().to_owned();
    let (Some(before), Ok(own)) = (parsed, own.parse::<Table>()) else {
        return Alias::ByHand(line);
    };
    let alias = own["alias"]["xtask"].clone();
    match before.get("alias").and_then(|it| it.get("xtask")) {
        Some(there) if *there == alias => return Alias::IsThere,
        Some(_) => return Alias::ByHand(line),
        None => {}
    }
    let head = settings
        .split_inclusive('\n')
        .position(|it| it.trim() == "[alias]");
    let text = match head {
        Some(at) => {
            let lines = settings.split_inclusive('\n');
            let mut text: String = lines.clone().take(at + 1).collect();
            let end = if text.ends_with('\n') { "" } else { "\n" };
            text.push_str(&format!("{end}{line}\n"));
            text.extend(lines.skip(at + 1));
            text
        }
        None => {
            let end = if settings.is_empty() || settings.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let gap = if settings.is_empty() { "" } else { "\n" };
            format!("{settings}{end}{gap}[alias]\n{line}\n")
        }
    };
    let mut expected = before;
    if let Some(aliases) = expected
        .entry("alias")
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
    {
        aliases.insert("xtask".to_owned(), alias);
    }
    match text.parse::<Table>() {
        Ok(after) if after == expected => Alias::Added(text),
        _ => Alias::ByHand(line),
    }
}

/// Settings for firmware that would reach a program for the host, too: what each would have to
/// become.
pub(crate) fn hindrances(settings: &str) -> Vec<String> {
    let Ok(table) = settings.parse::<Table>() else {
        return Vec::new();
    };
    let has = |section: &str, key: &str| table.get(section).is_some_and(|it| it.get(key).is_some());
    let mut all = Vec::new();
    if has("build", "rustflags") {
        all.push(format!(
            "{SETTINGS}: build.rustflags reach xtask, too: put them under [target.…] of your chip"
        ));
    }
    if has("unstable", "build-std") {
        all.push(format!(
            "{SETTINGS}: unstable.build-std reaches xtask, too: put it on the command line of your \
             firmware's build"
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn an_alias_joins_what_is_there() {
        let line = settings().lines().nth(1).unwrap().to_owned();
        for (before, after) in [
            ("", format!("[alias]\n{line}\n")),
            (
                "[alias]\nrb = \"run --bin\"\n\n[env]\nA = \"1\"\n",
                format!("[alias]\n{line}\nrb = \"run --bin\"\n\n[env]\nA = \"1\"\n"),
            ),
            ("[alias]", format!("[alias]\n{line}\n")),
            (
                "# mine\n[env]\nA = \"1\"",
                format!("# mine\n[env]\nA = \"1\"\n\n[alias]\n{line}\n"),
            ),
        ] {
            assert_eq!(alias(before), Alias::Added(after.clone()), "{before:?}");
            assert_eq!(alias(&after), Alias::IsThere, "{after:?}");
        }
    }

    #[test]
    fn firmwares_target_is_not_that_of_its_tool() {
        let settings = "[build]\ntarget = \"thumbv7em-none-eabihf\"\n";
        let Alias::Added(text) = alias(settings) else {
            panic!("{:?}", alias(settings));
        };
        assert!(text.starts_with(settings));
        assert!(text.contains(" --target host-tuple --\""), "{text}");
    }

    #[test]
    fn what_cannot_be_added_without_a_doubt_is_left_to_its_owner() {
        let line = settings().lines().nth(1).unwrap().to_owned();
        for before in [
            "[alias]\nxtask = \"run --package xtask --\"\n",
            "alias = { rb = \"run --bin\" }\n",
            "alias.rb = \"run --bin\"\n",
            "[alias\n",
            "a = '''\n[alias]\n'''\n",
        ] {
            assert_eq!(alias(before), Alias::ByHand(line.clone()), "{before}");
        }
    }

    #[test]
    fn what_else_reaches_the_host_is_told() {
        assert_eq!(hindrances("[build]\ntarget = \"a\"\n").len(), 0);
        let both =
            "[build]\nrustflags = [\"-Clink-arg=-Tlink.x\"]\n[unstable]\nbuild-std = [\"core\"]\n";
        assert_eq!(hindrances(both).len(), 2);
    }

    #[test]
    fn a_manifest_says_which_spinney() {
        let packages = [
            ("spinney-cli", "/p/spinney-cli-0.1.0"),
            ("spinney-wire", "/p/w"),
        ];
        let packages = packages.map(|(name, path)| (name.to_owned(), PathBuf::from(path)));
        let of = |spinney: &Spinney| {
            let text = spinney.manifest();
            text.parse::<Table>().unwrap();
            let lines = text.lines().filter(|line| line.contains("spinney-"));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        expect![[r#"
            spinney-cli = "0.1.0"
        "#]]
        .assert_eq(&of(&Spinney::Published));
        let address = "ssh://git@example.org/spinney";
        let git = Spinney::new(Some(Path::new(address))).unwrap();
        expect![[r#"
            spinney-cli = { git = "ssh://git@example.org/spinney" }
        "#]]
        .assert_eq(&of(&git));
        expect![[r#"
            spinney-cli = { path = "/a clone/crates/cli" }
        "#]]
        .assert_eq(&of(&Spinney::Clone(PathBuf::from("/a clone"))));
        expect![[r#"
            spinney-cli = "0.1.0"
            spinney-cli = { path = "/p/spinney-cli-0.1.0" }
            spinney-wire = { path = "/p/w" }
        "#]]
        .assert_eq(&of(&Spinney::Packages(packages.to_vec())));
    }

    #[test]
    fn what_is_no_spinney_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("spinney-cli-0.1.0")).unwrap();
        for wrong in [folder.path().to_owned(), folder.path().join("absent")] {
            let error = Spinney::new(Some(&wrong)).unwrap_err();
            assert!(matches!(error, Failure::Input(_)), "{error:?}");
        }
        let clone = places::clone().unwrap();
        assert_eq!(Spinney::new(Some(&clone)).unwrap(), Spinney::Clone(clone));
    }
}
