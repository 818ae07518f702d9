//! `chips update`: the chip table made anew from probe-rs' registry.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_board::{Description, Listing, derive, parse_table, write_table};
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{places, probe, process, store};

/// `chips update`.
pub(crate) fn update() -> Result<(), Failure> {
    let (text, summary) = made()?;
    store::write_whole(&path(), text.as_bytes()).environment()?;
    print!("{summary}");
    Ok(())
}

/// What CI checks, on machines that have built spinney-probe: its tests, and that the checked-in
/// table is what the registry gives.
pub(crate) fn check() -> Result<(), Failure> {
    if !probe::is_built()? {
        eprintln!(
            "chips and probes: left out, spinney-probe is not built here; `cargo xtask chips update` builds it"
        );
        return Ok(());
    }
    let manifest = crate::repository().join("tools/probe/Cargo.toml");
    let mut tests = Command::new(crate::cargo());
    tests
        .args(["test", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", places::cache()?.join("probe"));
    process::show(tests, process::LONG).input()?;
    let (text, _) = made()?;
    let checked_in = std::fs::read_to_string(path()).input()?;
    if text == checked_in {
        return Ok(());
    }
    Err(anyhow!(
        "{} is not what the registry gives; `cargo xtask chips update` makes it anew",
        path().display()
    ))
    .input()
}

fn path() -> PathBuf {
    crate::repository().join("crates/board/data/chips.csv")
}

/// Every chip that probe-rs' registry knows.
fn described() -> Result<Vec<Description>, Failure> {
    let program = probe::built(&terminal::progress())?;
    let mut command = Command::new(&program);
    command.arg("chips");
    let output = process::read(command, process::LONG).environment()?;
    let described = output.lines().map(|line| {
        serde_json::from_str(line)
            .with_context(|| format!("{} says {line:?}", program.display()))
            .environment()
    });
    described.collect()
}

/// The table from today's registry and rules, and a summary.
fn made() -> Result<(String, String), Failure> {
    let path = path().with_file_name("chips-more.csv");
    let more = crate::read_text(&path).input()?;
    let more = parse_table(&more)
        .with_context(|| format!("{} is no chip table", path.display()))
        .input()?;
    let described = described()?;
    table(&described, more).input()
}

/// The table of the described chips and of `more`, and a summary of what is and what is not in it.
fn table(described: &[Description], more: Vec<Listing>) -> anyhow::Result<(String, String)> {
    let mut left_out: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut chips = more;
    let n_more = chips.len();
    for chip in described {
        match derive(chip) {
            Ok(listing) => chips.push(listing),
            Err(why) => left_out
                .entry(why.to_string())
                .or_default()
                .push(&chip.name),
        }
    }
    let text = write_table(&chips)?;
    let n_asked = chips.iter().filter(|chip| chip.core.is_none()).count();
    let n_packages: usize = chips.iter().map(|chip| chip.packages.len()).sum();
    let mut summary = format!(
        "{} chips, {n_more} of them from chips-more.csv; {n_packages} names with a package; the core of {n_asked} is asked for by key\n",
        chips.len(),
    );
    for (why, mut names) in left_out {
        names.sort_unstable();
        let n_names = names.len();
        summary += &format!("left out, {why}: {n_names}\n  {}\n", names.join(" "));
    }
    Ok((text, summary))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spinney_board::{Architecture, DescribedCore};

    use super::*;

    #[test]
    fn what_is_left_out_is_named() {
        let odd = Description {
            name: "Z80".to_owned(),
            packages: Vec::new(),
            cores: vec![DescribedCore {
                name: "main".to_owned(),
                architecture: Architecture::Other,
            }],
            memories: Vec::new(),
        };
        let own = spinney_board::find("STM32F405RG").unwrap();
        let (text, summary) = table(&[odd], vec![own]).unwrap();
        assert_eq!(text.lines().count(), 2);
        expect![[r#"
            1 chips, 1 of them from chips-more.csv; 1 names with a package; the core of 0 is asked for by key
            left out, no family rule: 1
              Z80
        "#]].assert_eq(&summary);
    }
}
