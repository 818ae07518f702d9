//! Supply chain: what the default build pulls in and runs, held to a limit and a list, and cargo-deny
//! where it is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use xshell::cmd;

use crate::metadata;
use spinney_pipeline::environment::find_program;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;

/// Packages from registries that a build of `spinney` with its default features may compile. Raise it
/// in the commit that adds one, with the reason; docs/ci.md states what there are.
const MOST_PACKAGES: usize = 120;

/// The workspaces, by their manifests.
const MANIFESTS: [&str; 5] = [
    "Cargo.toml",
    "firmware/Cargo.toml",
    "fuzz/Cargo.toml",
    "tools/log/Cargo.toml",
    "tools/probe/Cargo.toml",
];

/// Build scripts and procedural macros of the default build, each with its reason.
const LIST: &str = include_str!("supply.toml");

/// What of packages runs as they are compiled, by the package's name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RunsInBuild<T> {
    build_scripts: BTreeMap<String, T>,
    proc_macros: BTreeMap<String, T>,
}

/// What CI holds the supply chain to.
pub(crate) fn check() -> Result<(), Failure> {
    let packages = packages()?;
    let found = packages.len();
    if found > MOST_PACKAGES {
        return Err(Failure::Input(anyhow!(
            "the default build compiles {found} packages from registries, expected {MOST_PACKAGES} \
             at most; do without the new one, or raise the limit in {} and say why",
            file!()
        )));
    }
    println!(
        "supply chain: the default build compiles {found} packages from registries, of \
         {MOST_PACKAGES} at most"
    );
    let found = runs_in_build(&packages)?;
    let listed: RunsInBuild<String> = toml::from_str(LIST).context("no list").environment()?;
    let faults = faults(&found, &listed);
    if !faults.is_empty() {
        return Err(Failure::Input(anyhow!("{}", faults.join("\n"))));
    }
    println!(
        "supply chain: the default build runs {} build scripts and {} procedural macros of theirs, \
         each with its reason",
        found.build_scripts.len(),
        found.proc_macros.len()
    );
    println!(
        "supply chain: left out: the time of a cold build, which `cargo xtask bench build` takes"
    );
    deny()
}

/// The packages from registries that the default build compiles for this machine.
pub(crate) fn packages() -> Result<BTreeSet<String>, Failure> {
    let shell = crate::shell()?;
    let cargo = crate::cargo();
    let format = "{p}";
    let tree = cmd!(
        shell,
        "{cargo} tree --locked --package spinney --edges normal,build --prefix none --format {format}"
    );
    let tree = process::read(tree.into(), process::LONG).environment()?;
    // Packages of this repository have their folder in brackets, those seen before an asterisk.
    Ok(tree
        .lines()
        .map(|line| {
            line.trim_end_matches(" (*)")
                .trim_end_matches(" (proc-macro)")
        })
        .filter(|line| !line.is_empty() && !line.ends_with(')'))
        .map(str::to_owned)
        .collect())
}

/// What of these packages runs as they are compiled, as `cargo metadata` says.
fn runs_in_build(packages: &BTreeSet<String>) -> Result<RunsInBuild<()>, Failure> {
    let (shell, cargo) = (crate::shell()?, crate::cargo());
    let version = process::read(cmd!(shell, "{cargo} -vV").into(), process::LONG).environment()?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`cargo -vV` names no host")
        .environment()?;
    let mut runs = RunsInBuild::default();
    for package in metadata::packages(&["--filter-platform", host])? {
        if !packages.contains(&format!("{} v{}", package.name, package.version)) {
            continue;
        }
        for kind in package.targets.iter().flat_map(|target| &target.kind) {
            let of_kind = match kind.as_str() {
                "custom-build" => &mut runs.build_scripts,
                "proc-macro" => &mut runs.proc_macros,
                _ => continue,
            };
            of_kind.insert(package.name.clone(), ());
        }
    }
    Ok(runs)
}

/// What runs and is not listed; on Linux, where the list is kept, also what is listed and gone.
fn faults(found: &RunsInBuild<()>, listed: &RunsInBuild<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (what, found, listed) in [
        ("build script", &found.build_scripts, &listed.build_scripts),
        ("procedural macro", &found.proc_macros, &listed.proc_macros),
    ] {
        let new = found.keys().filter(|name| !listed.contains_key(*name));
        faults.extend(new.map(|name| {
            format!(
                "the default build runs the {what} of {name}, which lab/src/supply.toml does not \
                 list; do without it, or list it with what it is for"
            )
        }));
        let gone = listed.keys().filter(|name| !found.contains_key(*name));
        let gone = gone.filter(|_| cfg!(target_os = "linux"));
        faults.extend(gone.map(|name| {
            format!("lab/src/supply.toml lists the {what} of {name}, which is gone; remove it")
        }));
    }
    faults
}

/// Licences, sources and duplicates by `deny.toml`, where cargo-deny is here; advisories need a
/// database from the network, and are the GitHub workflow's.
fn deny() -> Result<(), Failure> {
    if find_program("cargo-deny").is_none() {
        println!("supply chain: left out: licences and sources (cargo-deny is not here)");
        return Ok(());
    }
    let shell = crate::shell()?;
    for manifest in MANIFESTS {
        let deny = cmd!(
            shell,
            "cargo-deny --log-level error --manifest-path {manifest} --config deny.toml
             check licenses bans sources"
        );
        process::show(deny.into(), process::LONG)
            .context(manifest)
            .input()?;
    }
    println!("supply chain: left out: advisories, which the GitHub workflow checks");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use spinney_pipeline::process;
    use xshell::cmd;

    use super::{LIST, RunsInBuild, faults, packages, runs_in_build};

    #[test]
    fn what_runs_in_the_build_is_listed() {
        let listed = || toml::from_str::<RunsInBuild<String>>(LIST).unwrap();
        let found = runs_in_build(&packages().unwrap()).unwrap();
        assert_eq!(faults(&found, &listed()), [""; 0]);
        let mut without = listed();
        without.build_scripts.remove("libc");
        without.proc_macros.remove("serde_derive");
        let new = faults(&found, &without);
        assert!(new[0].contains("the build script of libc"), "{new:?}");
        assert!(
            new[1].contains("the procedural macro of serde_derive"),
            "{new:?}"
        );
        let reasons = listed();
        let mut reasons = reasons
            .build_scripts
            .values()
            .chain(reasons.proc_macros.values());
        assert!(reasons.all(|reason| !reason.is_empty()));
    }

    /// Packages of registries are built once for all programs and the tests only if all ask the same
    /// features of them.
    #[test]
    fn programs_and_tests_ask_the_same_features() {
        let features = |arguments: &str| -> BTreeSet<String> {
            let (shell, cargo) = (crate::shell().unwrap(), crate::cargo());
            let (arguments, format) = (arguments.split(' '), "{p} {f}");
            let tree = cmd!(
                shell,
                "{cargo} tree --locked --prefix none --format {format} {arguments...}"
            );
            let tree = process::read(tree.into(), process::LONG).unwrap();
            tree.lines()
                .filter(|line| !line.contains(" (/"))
                .map(|line| line.trim_end_matches(" (*)").trim_end().to_owned())
                .collect()
        };
        let tests = features("--workspace --edges normal,build,dev");
        for package in ["xtask", "spinney-lab", "spinney-ml"] {
            let own = features(&format!("--package {package} --edges normal,build"));
            let other: Vec<&String> = own.difference(&tests).collect();
            assert_eq!(other, [""; 0], "{package}; Cargo.toml can ask for more");
        }
    }

    /// Whoever moves a tag of an action moves no commit.
    #[test]
    fn actions_are_named_by_commit() {
        let workflows = [
            include_str!("../../.github/workflows/ci.yml"),
            include_str!("../../crates/cli/template/.github/workflows/ci.yml"),
        ];
        let actions: Vec<&str> = workflows
            .iter()
            .flat_map(|workflow| workflow.lines())
            .filter_map(|line| line.split_once("uses: ").map(|(_, action)| action))
            .collect();
        assert_eq!(actions.len(), 11);
        for action in actions {
            let commit = action.split_once('@').map_or("", |(_, rest)| rest);
            let commit = commit.split(' ').next().unwrap_or_default();
            let is_commit =
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{action} is no commit");
        }
    }

    #[test]
    fn the_documentation_states_the_limit() {
        let page = include_str!("../../docs/ci.md");
        let limit = format!("at most {} packages", super::MOST_PACKAGES);
        assert!(page.contains(&limit), "docs/ci.md does not say \"{limit}\"");
    }
}
