//! Histories of sessions on a disk that forgets what nobody waited for: the real store, and a record
//! of the last run as the pipeline keeps one, with an operation that fails, a process that is
//! killed or a power cut at any operation on the disk. A lock lets sessions take turns, as it does
//! those of the pipeline, so a history is a sequence of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, anyhow, ensure};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::bench::Effect;
use super::sandbox;
use spinney_pipeline::disk::{self, Fault, Operation};
use spinney_pipeline::store::{self, Kept, Stage, State};

const STAGES: [&str; 3] = ["model", "build", "run"];
const ARTIFACTS: [&str; 2] = ["a", "in/b"];
const REPORTS: [&str; 2] = ["report.json", "report.md"];
const RECORD: &str = "artifacts/last-run.json";

/// What becomes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    /// One operation fails.
    Fails,
    /// There is no room for anything more.
    Full,
    Killed,
    PowerCut,
}

/// A finished run of a config.
#[derive(Serialize, Deserialize)]
struct Record {
    config: u32,
    stages: BTreeMap<String, String>,
    reports: BTreeMap<String, String>,
}

/// What a stage or report holds for a config; configs 0 and 1 differ in what comes last alone.
fn text(name: &str, file: &str, config: u32) -> String {
    let config = if name == STAGES[0] {
        config / 2
    } else {
        config
    };
    format!("{name} {file} of {config}").repeat(3)
}

fn stage(root: &Path, name: &str) -> Stage {
    Stage::new(root.join("artifacts").join(name))
}

fn session(root: &Path, config: u32) -> Result<()> {
    let mut stages = BTreeMap::new();
    let mut before = store::sha256(text(STAGES[0], "inputs", config).as_bytes());
    for name in STAGES {
        let stage = stage(root, name);
        let own = store::sha256(text(name, "inputs", config).as_bytes());
        let inputs: store::Inputs = [("before".to_owned(), before), ("own".to_owned(), own)].into();
        let finished = match stage.state()? {
            State::Whole(finished) if *finished.inputs() == inputs => finished,
            _ => {
                let mut writer = stage.begin()?;
                for file in ARTIFACTS {
                    let written = writer.write(file, text(name, file, config).as_bytes());
                    written.map_err(|failure| anyhow!("{failure:?}"))?;
                }
                writer.finish(inputs)?
            }
        };
        before = finished.artifacts()[ARTIFACTS[0]].clone();
        stages.insert(name.to_owned(), finished.digest().to_owned());
    }
    let files = REPORTS.map(|file| (file, text("report", file, config)));
    let reports = store::write_together(&root.join("reports"), &files)?;
    let record = Record {
        config,
        stages,
        reports,
    };
    store::write_sealed(&root.join(RECORD), &record)
}

/// The config whose run is believed, all of which has to be what it wrote.
fn believed(root: &Path) -> Result<Option<u32>> {
    let Kept::Whole(record) = store::read_sealed::<Record>(&root.join(RECORD))? else {
        return Ok(None);
    };
    let config = record.config;
    let mut found = Vec::new();
    for name in STAGES {
        match stage(root, name).state()? {
            State::Whole(finished) if finished.digest() == record.stages[name] => {
                for file in ARTIFACTS {
                    let bytes = finished
                        .read(file)
                        .map_err(|_| anyhow!("not what it was"))?;
                    found.push((bytes, text(name, file, config)));
                }
            }
            _ => return Ok(None),
        }
    }
    for (file, digest) in record.reports {
        let path = root.join("reports").join(&file);
        match store::digest_of(&path)? {
            Some(now) if now == digest => {
                found.push((fs::read(&path)?, text("report", &file, config)))
            }
            _ => return Ok(None),
        }
    }
    let is_right = found.iter().all(|(found, text)| found == text.as_bytes());
    ensure!(is_right, "what is believed is not what the run wrote");
    Ok(Some(config))
}

/// What a file's name may stand for after a power cut.
#[derive(Debug, Clone)]
struct Version {
    /// None for no file.
    bytes: Option<Vec<u8>>,
    /// Whether the bytes are on the disk.
    lasts: bool,
}

impl Version {
    const NO_FILE: Self = Self {
        bytes: None,
        lasts: true,
    };
}

/// What a disk still may forget.
#[derive(Default)]
struct Platters {
    /// By path, oldest first; the first is on the disk by name.
    versions: BTreeMap<PathBuf, Vec<Version>>,
    /// Files that have no name yet, and whether their bytes are on the disk.
    unnamed: BTreeMap<PathBuf, bool>,
    /// The operation that was about to happen.
    pending: Option<(Operation, PathBuf)>,
    /// For the test of this test.
    ignores_sync: bool,
}

impl Platters {
    /// The operation before `next` has happened.
    fn settle(&mut self, next: Option<(Operation, PathBuf)>) {
        let Some((operation, path)) = std::mem::replace(&mut self.pending, next) else {
            return;
        };
        match operation {
            Operation::Write => drop(self.unnamed.insert(path, false)),
            Operation::Rename => {
                let lasts = self.unnamed.remove(&path).unwrap_or(false);
                let bytes = fs::read(&path).ok();
                let versions = self.versions.entry(path);
                let versions = versions.or_insert_with(|| vec![Version::NO_FILE]);
                versions.push(Version { bytes, lasts });
            }
            Operation::Remove => {
                let below = self.versions.iter_mut();
                for (_, versions) in below.filter(|it| it.0.starts_with(&path)) {
                    versions.push(Version::NO_FILE);
                }
            }
            Operation::Sync if self.ignores_sync => {}
            Operation::Sync if path.is_dir() => {
                let inside = self.versions.iter_mut();
                for (_, versions) in inside.filter(|it| it.0.parent() == Some(&path)) {
                    versions.drain(..versions.len() - 1);
                }
            }
            Operation::Sync => match self.unnamed.get_mut(&path) {
                Some(lasts) => *lasts = true,
                None => {
                    let version = self.versions.get_mut(&path).and_then(|it| it.last_mut());
                    version.into_iter().for_each(|it| it.lasts = true);
                }
            },
            Operation::Read | Operation::CreateFolder | Operation::CreateFile => {}
        }
    }

    /// The power goes and comes again.
    fn lose(&mut self, dice: &mut Xoshiro256PlusPlus) -> Result<()> {
        self.unnamed.clear();
        for (path, versions) in &mut self.versions {
            let mut kept = versions.swap_remove(dice.gen_range(0..versions.len()));
            if let Some(bytes) = kept.bytes.as_mut().filter(|_| !kept.lasts) {
                match dice.gen_range(0..3) {
                    0 => bytes.truncate(dice.gen_range(0..=bytes.len())),
                    1 => bytes.fill(0),
                    _ => {}
                }
            }
            kept.lasts = true;
            match &kept.bytes {
                Some(bytes) => {
                    fs::create_dir_all(path.parent().unwrap_or(path))?;
                    fs::write(path, bytes)?;
                }
                None if path.exists() => fs::remove_file(path)?,
                None => {}
            }
            *versions = vec![kept];
        }
        Ok(())
    }
}

/// A session that something happens to at its `at`-th operation.
fn disturbed(
    root: &Path,
    config: u32,
    (fate, at): (Fate, usize),
    platters: &Rc<RefCell<Platters>>,
) -> Result<()> {
    let (mut n, ours) = (0, Rc::clone(platters));
    let faults = move |operation, path: &Path| {
        n += 1;
        let takes_room = matches!(
            operation,
            Operation::CreateFolder | Operation::CreateFile | Operation::Write
        );
        let fails = match fate {
            Fate::Whole => false,
            Fate::Fails => n == at,
            Fate::Full => n >= at && takes_room,
            Fate::Killed | Fate::PowerCut => n >= at,
        };
        let next = (operation, path.to_owned());
        ours.borrow_mut().settle((!fails).then_some(next));
        fails.then(|| Fault {
            error: ErrorKind::StorageFull.into(),
            bytes_written: at % 40,
        })
    };
    let outcome = disk::with_faults(faults, || session(root, config));
    platters.borrow_mut().settle(None);
    outcome
}

/// One history.
pub(super) fn play(seed: u64) -> Result<Effect> {
    history(seed, false)
}

fn history(seed: u64, ignores_sync: bool) -> Result<Effect> {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    // In memory, where there is such a place.
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory)?,
        false => tempfile::tempdir()?,
    };
    let root = folder.path();
    let platters = Rc::new(RefCell::new(Platters {
        ignores_sync,
        ..Platters::default()
    }));
    let (mut effect, mut may_leave, mut was_interrupted) = (Effect::Same, false, false);
    for _ in 0..dice.gen_range(2..8) {
        let config = dice.gen_range(0..4);
        let fate = [
            Fate::Whole,
            Fate::Fails,
            Fate::Full,
            Fate::Killed,
            Fate::PowerCut,
        ][dice.gen_range(0..5)];
        let at = dice.gen_range(1..110);
        let outcome = disturbed(root, config, (fate, at), &platters);
        if fate == Fate::PowerCut {
            platters.borrow_mut().lose(&mut dice)?;
        }
        may_leave |= matches!(fate, Fate::Fails | Fate::Killed | Fate::PowerCut);
        let now = believed(root)?;
        match outcome {
            Ok(()) if now == Some(config) => {}
            // What a run said it finished stays finished, whatever happens to the power; unless it
            // used a stage of a session that ended between a stamp's name and the wait for it.
            Ok(()) => {
                let is_excused = fate == Fate::PowerCut && was_interrupted && now.is_none();
                ensure!(is_excused, "{fate:?} at {at}: finished, and gone");
                effect = Effect::Refused;
            }
            Err(error) => {
                ensure!(fate != Fate::Whole, "undisturbed: {error:#}");
                was_interrupted = true;
                if now.is_none() {
                    effect = Effect::Refused;
                }
            }
        }
    }
    let last = dice.gen_range(0..4);
    disturbed(root, last, (Fate::Whole, 0), &platters)?;
    ensure!(
        believed(root)? == Some(last),
        "the last session's run is not there"
    );
    let left = sandbox::temporary_files(root)?;
    ensure!(may_leave || left.is_empty(), "left: {left:?}");
    Ok(effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_history_comes_to_a_wrong_belief() {
        for seed in 0..200 {
            history(seed, false).unwrap_or_else(|error| panic!("history {seed}: {error:#}"));
        }
    }

    /// These histories find a disk that is never waited for.
    #[test]
    fn a_disk_that_ignores_waiting_is_found_out() {
        assert!((0..200).any(|seed| history(seed, true).is_err()));
    }
}
