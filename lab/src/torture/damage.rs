//! Artifacts, reports and cached images that are not what was written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Case;
use super::bench::{Bench, Effect};
use super::sandbox::{Tree, tree};

/// Where artifacts and reports lie below a clone.
const ARTIFACTS: &str = "target/pipeline/tiny";
const PROJECT: &str = "project";

/// Every artifact and report, and for `age` every stage.
pub(super) fn cases(bench: &Bench, class: &str, n: usize) -> Vec<String> {
    let Ok(whole) = bench.state("whole") else {
        return Vec::new();
    };
    let all = |folder: &str, files: &Tree| -> Vec<String> {
        let paths = files
            .keys()
            .map(|path| format!("{folder}/{}", path.display()));
        paths.collect()
    };
    let mut paths = all(ARTIFACTS, &whole.artifacts);
    // The workspaces of images are scratch, which each build makes anew: a few of them will do.
    let mut dice = bench.dice(class);
    let scratch = |path: &String| path.starts_with(&format!("{ARTIFACTS}/firmware/"));
    let mut few: Vec<String> = paths.iter().filter(|path| scratch(path)).cloned().collect();
    few.shuffle(&mut dice);
    paths.retain(|path| !scratch(path) && !path.ends_with("/lock"));
    paths.extend(few.into_iter().take(5));
    let reports = all(PROJECT, &whole.project).into_iter();
    paths.extend(reports.filter(|path| path.contains("/reports/")));
    if class == "age" {
        let stages = ["model", "quantize", "build", "run", "report"];
        let stages = stages.map(|stage| format!("{ARTIFACTS}/{stage}"));
        let has_files = |stage: &String| paths.iter().any(|path| path.starts_with(stage));
        let stages: Vec<String> = stages.into_iter().filter(has_files).collect();
        paths.extend(stages);
    }
    paths.shuffle(&mut dice);
    paths.truncate(n);
    paths
}

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let [path] = case.parts[..] else {
        bail!("expected {}:PATH", case.class);
    };
    bench.restore("whole")?;
    let mut dice = case.dice();
    let full = bench.sandbox.path(path);
    match case.class {
        "flip" => change(&full, |bytes| flip(bytes, &mut dice))?,
        "truncate" => change(&full, |bytes| {
            bytes.truncate(dice.gen_range(0..bytes.len().max(1)));
        })?,
        "swap" => {
            let whole = bench.state("whole")?;
            let others: Vec<&PathBuf> = whole
                .artifacts
                .keys()
                .filter(|other| !other.starts_with("firmware") && !path.ends_with("lock"))
                .collect();
            let other = others.choose(&mut dice).context("no artifacts")?;
            let other = bench.sandbox.artifacts().join(other);
            let (one, two) = (std::fs::read(&full)?, std::fs::read(&other)?);
            std::fs::write(&full, two)?;
            std::fs::write(&other, one)?;
        }
        _ => age(bench, path, &full)?,
    }
    let mut effect = Effect::Same;
    for view in &bench.views {
        let verb: Vec<&str> = view.verb.iter().map(String::as_str).collect();
        let ended = bench.sandbox.run(&verb, None)?;
        let name = verb[..2.min(verb.len())].join(" ");
        ended.is_sane().with_context(|| name.clone())?;
        let says_so = ended.code == Some(0)
            && name == "pipeline list"
            && String::from_utf8_lossy(&ended.stdout).contains("\"why\"");
        if ended.is_refusal() || says_so {
            effect = Effect::Refused;
        } else {
            ensure!(
                ended.code == Some(0) && ended.answer() == view.answer,
                "`{name}` believes it: {ended}"
            );
        }
    }
    if case.class == "swap" && path.starts_with(PROJECT) {
        // What lies in a report's place and is none could be somebody's: it is not replaced.
        let ended = bench.sandbox.run(&["pipeline", "run", "--quiet"], None)?;
        ensure!(
            ended.is_refusal(),
            "what is no report was replaced: {ended}"
        );
        std::fs::remove_file(&full)?;
    }
    bench.heals()?;
    Ok(effect)
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
    let mut bytes = std::fs::read(path)?;
    change(&mut bytes);
    Ok(std::fs::write(path, bytes)?)
}

fn flip(bytes: &mut Vec<u8>, dice: &mut Xoshiro256PlusPlus) {
    if bytes.is_empty() {
        bytes.push(0);
    }
    let at = dice.gen_range(0..bytes.len());
    bytes[at] ^= 1 << dice.gen_range(0..8);
}

/// Puts what an earlier run of another config left in the place of a file or a whole stage.
fn age(bench: &Bench, path: &str, full: &Path) -> Result<()> {
    let older = bench.state("older")?;
    let (below, files) = match path.strip_prefix(ARTIFACTS) {
        Some(below) => (below, &older.artifacts),
        None => (path.trim_start_matches(PROJECT), &older.project),
    };
    let below = Path::new(below.trim_start_matches('/'));
    if let Some(bytes) = files.get(below) {
        return Ok(std::fs::write(full, bytes)?);
    }
    std::fs::remove_dir_all(full)?;
    for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with(below)) {
        let to = bench.sandbox.artifacts().join(file);
        std::fs::create_dir_all(to.parent().unwrap_or(full))?;
        std::fs::write(to, bytes)?;
    }
    Ok(())
}

/// A flipped bit in a library that images share in the firmware cache.
pub(super) fn rot(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let mut dice = case.dice();
    let cache = bench.sandbox.cache().join("firmware");
    let kept: Vec<(PathBuf, Vec<u8>)> = tree(&cache)?
        .into_iter()
        .filter(|(path, bytes)| {
            let is_library = path.extension().is_some_and(|ending| ending == "rlib");
            is_library && path.starts_with("thumbv6m-none-eabi") && !bytes.is_empty()
        })
        .collect();
    let (path, bytes) = kept
        .choose(&mut dice)
        .context("the cache has no libraries")?;
    let mut damaged = bytes.clone();
    flip(&mut damaged, &mut dice);
    bench.restore("budget")?;
    // In place, as disks do: whatever shares the file has it too.
    std::fs::write(cache.join(path), damaged)?;
    let rotten = || -> Result<Effect> {
        let ended = bench.sandbox.run(&super::bench::RUN, None)?;
        ended.is_sane()?;
        let effect = bench.effect("budget", &ended)?;
        ensure!(
            effect == Effect::Refused || bench.sandbox.images()? == bench.images,
            "rotten images ship"
        );
        bench.heals()?;
        Ok(effect)
    };
    let effect = rotten().with_context(|| format!("{}", path.display()));
    bench.sandbox.forget_images()?;
    effect
}
