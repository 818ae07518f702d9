//! Supply chain: what the default build pulls in, held to a limit, and cargo-deny where it is.

use std::collections::BTreeSet;

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use crate::environment::find_program;
use crate::failure::{Blame, Failure};
use crate::{places, process};

/// Packages from registries that `cargo build -p xtask` may compile. Raise it in the commit that
/// adds one, with the reason; docs/ci.md states what there are.
const MOST_PACKAGES: usize = 179;

/// The workspaces, by their manifests.
const MANIFESTS: [&str; 4] = [
    "Cargo.toml",
    "firmware/Cargo.toml",
    "fuzz/Cargo.toml",
    "tools/probe/Cargo.toml",
];

/// What CI holds the supply chain to.
pub(crate) fn check() -> Result<(), Failure> {
    let found = packages()?.len();
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
    println!(
        "supply chain: left out: the time of a cold build, which `cargo xtask bench build` takes"
    );
    deny()
}

/// The packages from registries that the default build compiles for this machine.
pub(crate) fn packages() -> Result<BTreeSet<String>, Failure> {
    let shell = Shell::new().environment()?;
    shell.change_dir(places::repository());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let format = "{p}";
    let tree = cmd!(
        shell,
        "{cargo} tree --locked --package xtask --edges normal,build --prefix none --format {format}"
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

/// Licences, sources and duplicates by `deny.toml`, where cargo-deny is here; advisories need a
/// database from the network, and are the GitHub workflow's.
fn deny() -> Result<(), Failure> {
    if find_program("cargo-deny").is_none() {
        println!("supply chain: left out: licences and sources (cargo-deny is not here)");
        return Ok(());
    }
    let shell = Shell::new().environment()?;
    shell.change_dir(places::repository());
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
    #[test]
    fn the_documentation_states_the_limit() {
        let page = include_str!("../../docs/ci.md");
        let limit = format!("at most {} packages", super::MOST_PACKAGES);
        assert!(page.contains(&limit), "docs/ci.md does not say \"{limit}\"");
    }
}
