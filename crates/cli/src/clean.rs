//! `clean`: gives back what builds left behind and can make again: the firmware cache, the second
//! clone, workspaces of images.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{lock, places};

/// What nobody locks may be in use for so long after it was written.
const UNLOCKED_MIN: Duration = Duration::from_secs(60 * 60);

/// A folder that a build makes again.
struct Leftover {
    folder: PathBuf,
    /// The files one of which whoever uses the folder holds.
    locks: Vec<PathBuf>,
}

/// Removes what was not used for so long, unless a run holds it; with `dry_run` only tells.
pub(crate) fn run(older: Duration, dry_run: bool) -> Result<(), Failure> {
    let cache = places::cache()?;
    let scratch = places::target_around(Path::new("."))?.join("pipeline");
    let mut freed = 0;
    for leftover in leftovers(&cache, &scratch).environment()? {
        let folder = leftover.folder.display();
        let held = leftover.locks.iter().map(|lock| lock::try_hold(lock));
        let held: Option<Vec<File>> = held.collect::<anyhow::Result<_>>().environment()?;
        let Some(held) = held else {
            println!("kept: {folder}, which another run holds");
            continue;
        };
        let (bytes, mut used) = measure(&leftover.folder)
            .with_context(|| format!("cannot read {folder}"))
            .environment()?;
        for lock in &held {
            used = used.max(lock.metadata().and_then(|it| it.modified()).environment()?);
        }
        // A time that is still to come is no age.
        let age = used.elapsed().unwrap_or_default();
        let least = if held.is_empty() {
            UNLOCKED_MIN
        } else {
            Duration::ZERO
        };
        if age < older.max(least) {
            continue;
        }
        if !dry_run {
            std::fs::remove_dir_all(&leftover.folder)
                .with_context(|| format!("cannot remove {folder}"))
                .environment()?;
        }
        freed += bytes;
        let verb = if dry_run { "would free" } else { "freed" };
        println!(
            "{verb}: {}, {folder}, last used {} ago",
            size(bytes),
            told(age)
        );
    }
    let verb = if dry_run { "would be freed" } else { "freed" };
    println!("{} {verb}", size(freed));
    Ok(())
}

/// What there is. The results of the last runs are not among it, nor is what is built once and small.
fn leftovers(cache: &Path, scratch: &Path) -> std::io::Result<Vec<Leftover>> {
    let firmware = cache.join("firmware");
    let mut found: Vec<Leftover> = Vec::new();
    let mut add = |folder, locks| found.push(Leftover { folder, locks });
    // Each target has a lock beside its folder; what is compiled for the host belongs to them all.
    let targets = folders(&firmware)?;
    let lock = |folder: &PathBuf| firmware.join(format!("{}.lock", name(folder)));
    let locks = targets.iter().map(lock);
    let all: Vec<PathBuf> = locks.filter(|lock| lock.is_file()).collect();
    for folder in targets {
        let own = Some(lock(&folder)).filter(|lock| lock.is_file());
        let locks = match own {
            None if name(&folder) == "release" => all.clone(),
            own => own.into_iter().collect(),
        };
        add(folder, locks);
    }
    add(cache.join("reproduce"), Vec::new());
    for pipeline in folders(scratch)? {
        let lock = pipeline.join("lock");
        match lock.is_file() {
            true => add(pipeline.join("firmware"), vec![lock]),
            // Workspaces of verbs that build for several cores or chips.
            false => add(pipeline, Vec::new()),
        }
    }
    found.retain(|leftover| leftover.folder.is_dir());
    Ok(found)
}

fn name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The folders in a folder, by name; none if it is not there.
fn folders(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Bytes below a folder, and when the last of it was written. Links are not followed; what goes
/// meanwhile counts nothing.
fn measure(folder: &Path) -> std::io::Result<(u64, SystemTime)> {
    let mut bytes = 0;
    let mut written = SystemTime::UNIX_EPOCH;
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        written = written.max(metadata.modified()?);
        if metadata.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else {
            bytes += metadata.len();
        }
    }
    Ok((bytes, written))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn told(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 60 / 24),
    }
}

/// An age as it is typed: `30d`, `12h`, `90m`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let fault = || format!("found `{text}`, expected a number and d, h or m, such as 30d or 12h");
    let unit = text.chars().next_back().ok_or_else(fault)?;
    let seconds: u64 = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        _ => return Err(fault()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| fault())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spinney_pipeline::store::write_whole;

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        assert_eq!(age("30d"), Ok(Duration::from_secs(2_592_000)));
        assert_eq!(age("2h"), Ok(Duration::from_secs(7200)));
        for wrong in [
            "",
            "d",
            "30",
            "-1d",
            "1.5h",
            "30 d",
            "1w",
            "4294967296d",
            "3µ",
        ] {
            assert!(age(wrong).unwrap_err().contains("expected"), "{wrong}");
        }
    }

    #[test]
    fn leftovers_are_what_builds_make_again() {
        let place = tempfile::tempdir().unwrap();
        for file in [
            "cache/firmware/thumbv6m-none-eabi.lock",
            "cache/firmware/thumbv6m-none-eabi/release/a",
            "cache/firmware/release/b",
            "cache/probe/debug/spinney-probe",
            "cache/reproduce/target/c",
            "pipeline/digits/lock",
            "pipeline/digits/firmware/table-product/Cargo.toml",
            "pipeline/digits/run/product.elf",
            "pipeline/iris/lock",
            "pipeline/parity/digits-m0/Cargo.toml",
        ] {
            write_whole(&place.path().join(file), b"12345").unwrap();
        }
        let found = leftovers(&place.path().join("cache"), &place.path().join("pipeline")).unwrap();
        let found: Vec<(String, bool)> = found
            .iter()
            .map(|it| {
                let below = it.folder.strip_prefix(place.path()).unwrap();
                (below.to_string_lossy().into_owned(), !it.locks.is_empty())
            })
            .collect();
        let expected = [
            ("cache/firmware/release", true),
            ("cache/firmware/thumbv6m-none-eabi", true),
            ("cache/reproduce", false),
            ("pipeline/digits/firmware", true),
            ("pipeline/parity", false),
        ];
        assert_eq!(
            found,
            expected.map(|(path, locked)| (path.to_owned(), locked))
        );
        let (bytes, _) = measure(&place.path().join("pipeline")).unwrap();
        assert_eq!(bytes, 25);
    }
}
