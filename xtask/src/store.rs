//! Artifacts on disk: written whole or not at all, and reused while their key stands.
//!
//! A stage owns a folder. Its stamp is taken away before the stage starts and written once the last
//! artifact is on the disk, so an interrupted stage is never mistaken for a finished one. The stamp
//! holds the digests of all artifacts, so a damaged one is not either.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::disk;

const STAMP: &str = "stamp.json";

/// What a stage depends on, by name, each as a digest.
pub(crate) type Inputs = BTreeMap<String, String>;

/// What is written when a stage has finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// What the stage depended on.
    pub inputs: Inputs,
    /// Digest of each artifact, by path within the stage's folder.
    pub artifacts: BTreeMap<String, String>,
}

/// What is left of a stage's last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It never ran.
    Missing,
    /// It did not come to its end.
    Unfinished,
    /// This artifact is gone or not what was written.
    Damaged(String),
    /// All of it.
    Whole(Stamp),
}

/// The folder of one stage.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    folder: PathBuf,
}

impl Stage {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn path(&self, artifact: &str) -> PathBuf {
        self.folder.join(artifact)
    }

    /// What is left of the last run.
    pub(crate) fn state(&self) -> State {
        let Ok(text) = disk::read(&self.path(STAMP)) else {
            return if self.folder.exists() {
                State::Unfinished
            } else {
                State::Missing
            };
        };
        let Ok(stamp) = serde_json::from_slice::<Stamp>(&text) else {
            return State::Damaged(STAMP.to_owned());
        };
        let damaged = stamp.artifacts.iter().find(|(path, digest)| {
            !disk::read(&self.path(path)).is_ok_and(|bytes| sha256(&bytes) == **digest)
        });
        match damaged {
            Some((path, _)) => State::Damaged(path.clone()),
            None => State::Whole(stamp),
        }
    }

    /// The stamp of the last finished run, if all its artifacts are still what they were.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match self.state() {
            State::Whole(stamp) => Some(stamp),
            _ => None,
        }
    }

    /// Starts the stage anew: nothing of an earlier run remains.
    pub(crate) fn begin(&self) -> Result<Writer<'_>> {
        let context = || format!("cannot empty {}", self.folder.display());
        // A link in its place goes, and what it names stays; the stamp goes before all else.
        if self.folder.is_dir() && !self.folder.is_symlink() {
            disk::remove(&self.path(STAMP)).with_context(context)?;
        }
        disk::remove(&self.folder).with_context(context)?;
        disk::create_folder(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        Ok(Writer {
            stage: self,
            artifacts: BTreeMap::new(),
        })
    }

    /// The bytes of an artifact of a finished stage.
    pub(crate) fn read(&self, artifact: &str) -> Result<Vec<u8>> {
        let path = self.path(artifact);
        disk::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// An artifact of a finished stage that was written as JSON.
    pub(crate) fn read_json<T: serde::de::DeserializeOwned>(&self, artifact: &str) -> Result<T> {
        serde_json::from_slice(&self.read(artifact)?)
            .with_context(|| format!("{} is damaged", self.path(artifact).display()))
    }
}

/// A stage while it runs.
pub(crate) struct Writer<'a> {
    stage: &'a Stage,
    artifacts: BTreeMap<String, String>,
}

impl Writer<'_> {
    /// Writes one artifact.
    pub(crate) fn write(&mut self, artifact: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.stage.path(artifact), bytes)?;
        self.artifacts.insert(artifact.to_owned(), sha256(bytes));
        Ok(())
    }

    /// Writes one artifact as JSON.
    pub(crate) fn write_json(&mut self, artifact: &str, value: &impl Serialize) -> Result<()> {
        self.write(artifact, &serde_json::to_vec(value)?)
    }

    /// Declares the stage finished, once all of it is on the disk.
    pub(crate) fn finish(self, inputs: Inputs) -> Result<Stamp> {
        let artifacts = self.artifacts.keys().map(|it| self.stage.path(it));
        let artifacts: Vec<PathBuf> = artifacts.collect();
        let folders: BTreeSet<&Path> = artifacts.iter().filter_map(|it| it.parent()).collect();
        let on_disk = |path: &Path, outcome: std::io::Result<()>| {
            outcome.with_context(|| format!("cannot write {}", path.display()))
        };
        for path in &artifacts {
            on_disk(path, disk::sync(path))?;
        }
        for folder in folders {
            on_disk(folder, disk::sync_folder(folder))?;
        }
        let stamp = Stamp {
            inputs,
            artifacts: self.artifacts,
        };
        let path = self.stage.path(STAMP);
        let text = serde_json::to_vec_pretty(&stamp)?;
        on_disk(&path, disk::write_lasting(&path, &text))?;
        Ok(stamp)
    }
}

/// Writes a file through a temporary one beside it, so that nobody ever sees half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    disk::write_whole(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// A folder in the making, beside the place that it goes to as a whole.
pub(crate) struct Draft {
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Draft {
    /// An empty draft of what will be at `place`; gone with this value unless it gets there.
    pub(crate) fn of(place: &Path) -> Result<Self> {
        let context = || format!("cannot write {}", place.display());
        let parent = place.parent().unwrap_or(place);
        disk::create_folder(parent).with_context(context)?;
        Ok(Self {
            folder: beside(place).with_context(context)?,
            place: place.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder in its place; what was there is dropped.
    pub(crate) fn finish(self) -> Result<()> {
        let context = || format!("cannot write {}", self.place.display());
        // Both lie beside the place, so that moving them is renaming.
        let aside = beside(&self.place).with_context(context)?;
        if self.place.exists() {
            disk::rename(&self.place, &aside.path().join("old")).with_context(context)?;
        }
        disk::rename(self.folder.path(), &self.place).with_context(context)
    }
}

fn beside(place: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(disk::TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As folders are made, not as secrets are.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(place.parent().unwrap_or(place))
}

/// `sha256:` and 64 hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn inputs(value: &str) -> Inputs {
        [("config".to_owned(), value.to_owned())].into()
    }

    #[test]
    fn an_unfinished_or_damaged_stage_has_no_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::new(folder.path().join("train"));
        assert_eq!(stage.state(), State::Missing);
        let mut writer = stage.begin().unwrap();
        writer.write("a/model.json", b"{}").unwrap();
        assert_eq!(stage.state(), State::Unfinished);
        let stamp = writer.finish(inputs("1")).unwrap();
        assert_eq!(stage.stamp(), Some(stamp));
        fs::write(stage.path("a/model.json"), b"{").unwrap();
        assert_eq!(stage.state(), State::Damaged("a/model.json".to_owned()));
        assert_eq!(stage.stamp(), None);
        let mut writer = stage.begin().unwrap();
        writer.write("b", b"").unwrap();
        assert_eq!(stage.stamp(), None, "begun anew");
        assert!(!stage.path("a").exists());
        writer.finish(inputs("2")).unwrap();
        fs::remove_file(stage.path("b")).unwrap();
        assert_eq!(stage.stamp(), None, "an artifact is gone");
    }

    /// Whichever operation fails, a stage is what it was, or none that is finished, or the new one.
    #[test]
    fn a_stage_is_whole_whichever_operation_fails() {
        let write = |stage: &Stage, text: &str| -> Result<Stamp> {
            let mut writer = stage.begin()?;
            writer.write("a", text.as_bytes())?;
            writer.write("b/c", b"same")?;
            writer.finish(inputs(text))
        };
        for fails in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let stage = Stage::new(folder.path().join("train"));
            let old = write(&stage, "old").unwrap();
            let mut n = 0;
            let faults = move |_, _: &Path| {
                n += 1;
                (n > fails).then(|| disk::Fault {
                    error: std::io::ErrorKind::StorageFull.into(),
                    bytes_written: n % 3,
                })
            };
            let outcome = disk::with_faults(faults, || write(&stage, "new"));
            match (stage.state(), outcome) {
                (State::Whole(stamp), Ok(new)) => {
                    assert_eq!(stamp, new);
                    assert!(fails > 10, "{fails} operations");
                    return;
                }
                (State::Whole(stamp), Err(_)) if stamp == old => assert_eq!(fails, 0),
                // Whether its name lasts is all that can fail behind the stamp.
                (State::Whole(stamp), Err(_)) => assert_eq!(stamp.inputs, inputs("new")),
                (state, outcome) => {
                    let is_none = matches!(state, State::Missing | State::Unfinished);
                    assert!(is_none, "{fails}: {state:?}");
                    outcome.unwrap_err();
                    write(&stage, "after").unwrap();
                }
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_a_stage_is_replaced_and_what_it_names_kept() {
        let folder = tempfile::tempdir().unwrap();
        let [elsewhere, train] = ["elsewhere", "train"].map(|name| folder.path().join(name));
        write_whole(&elsewhere.join(STAMP), b"{}").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &train).unwrap();
        let stage = Stage::new(train.clone());
        let mut writer = stage.begin().unwrap();
        writer.write("a", b"").unwrap();
        writer.finish(inputs("1")).unwrap();
        assert!(!train.is_symlink());
        assert_eq!(fs::read(elsewhere.join(STAMP)).unwrap(), b"{}");
        assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/report.json");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("x")).unwrap().count(), 1);
    }
}
