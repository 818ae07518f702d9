//! Artifacts on disk: written whole or not at all, and reused while their key stands.
//!
//! A stage owns a folder. Its stamp is taken away before the stage starts and written once the last
//! artifact is on the disk, so an interrupted stage is never mistaken for a finished one. The stamp
//! holds the digests of all artifacts, so a damaged one is not either.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::{ExitReason, Failure};
use crate::invocation;
use crate::{disk, interrupt};

const STAMP: &str = "stamp.json";

/// What a stage depends on, by name, each as a digest.
pub type Inputs = BTreeMap<String, String>;

/// What is written when a stage has finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// What the stage depended on.
    pub inputs: Inputs,
    /// Digest of each artifact, by path within the stage's folder.
    pub artifacts: BTreeMap<String, String>,
    /// Why its results are told and not reused: something that ran failed, and may not another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What is left of a stage's last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It never ran.
    Missing,
    /// It did not come to its end.
    Unfinished,
    /// This artifact is gone or not what was written.
    Damaged(String),
    /// All of it.
    Whole(Finished),
}

/// The results of a finished stage. Having one means knowing what each artifact has to be: there is
/// no other way to read one, and no other bytes are handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    folder: PathBuf,
    stamp: Stamp,
    /// Of the stamp's bytes.
    digest: String,
}

impl Finished {
    /// Names this result of this stage: what it was made from and what it consists of.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the stage depended on.
    pub fn inputs(&self) -> &Inputs {
        &self.stamp.inputs
    }

    /// Digest of each artifact.
    pub fn artifacts(&self) -> &BTreeMap<String, String> {
        &self.stamp.artifacts
    }

    /// Why the stage has to run again, if it has to.
    pub fn failed(&self) -> Option<&str> {
        self.stamp.failed.as_deref()
    }

    /// Where an artifact lies, for a reader to look at.
    pub fn path(&self, artifact: &str) -> PathBuf {
        self.folder.join(artifact)
    }

    /// The bytes of an artifact, as they were written.
    ///
    /// # Errors
    /// They are others by now.
    pub fn read(&self, artifact: &str) -> Result<Vec<u8>, Failure> {
        let path = self.path(artifact);
        let expected = self.stamp.artifacts.get(artifact);
        let found = digested(&path).environment()?;
        match found.filter(|(_, digest)| Some(digest) == expected) {
            Some((bytes, _)) => Ok(bytes),
            None => Err(Failure::Input(anyhow!(
                "{} changed while it was in use: found other bytes than its stage wrote; run the \
                 command again",
                path.display()
            ))),
        }
    }

    /// An artifact that is text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_text(&self, artifact: &str) -> Result<String, Failure> {
        String::from_utf8(self.read(artifact)?)
            .with_context(|| format!("{} is no text", self.path(artifact).display()))
            .environment()
    }

    /// The files of a folder that was written as a tree, by their paths in it.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_tree(&self, folder: &str) -> Result<BTreeMap<String, String>, Failure> {
        let folder = format!("{folder}/");
        let paths = self.stamp.artifacts.keys();
        paths
            .filter_map(|path| Some((path, path.strip_prefix(&folder)?)))
            .map(|(path, inside)| Ok((inside.to_owned(), self.read_text(path)?)))
            .collect()
    }

    /// Digest of an artifact, or of all below a folder, whose name ends in `/`.
    pub fn digest_of(&self, artifact: &str) -> Option<String> {
        if !artifact.ends_with('/') {
            return self.stamp.artifacts.get(artifact).cloned();
        }
        let below: BTreeMap<&String, &String> = (self.stamp.artifacts.iter())
            .filter(|(path, _)| path.starts_with(artifact))
            .collect();
        (!below.is_empty()).then(|| sha256(&serde_json::to_vec(&below).unwrap_or_default()))
    }

    /// An artifact that was written as JSON.
    ///
    /// # Errors
    /// As [`Self::read`], or another version of this program wrote it otherwise.
    pub fn read_json<T: DeserializeOwned>(&self, artifact: &str) -> Result<T, Failure> {
        serde_json::from_slice(&self.read(artifact)?)
            .with_context(|| {
                format!(
                    "{} was written by another version of Spinney; {} writes it anew",
                    self.path(artifact).display(),
                    invocation::verb("pipeline run")
                )
            })
            .input()
    }
}

/// Digest of a file; `None` if no file is there.
pub fn digest_of(path: &Path) -> anyhow::Result<Option<String>> {
    Ok(digested(path)?.map(|(_, digest)| digest))
}

/// The bytes of a file and their digest; `None` if no file is there.
fn digested(path: &Path) -> anyhow::Result<Option<(Vec<u8>, String)>> {
    match disk::read(path) {
        Ok(bytes) => {
            let digest = sha256(&bytes);
            Ok(Some((bytes, digest)))
        }
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidData => Ok(None),
            _ => Err(error).with_context(|| format!("cannot read {}", path.display())),
        },
    }
}

/// The folder of one stage.
#[derive(Debug, Clone)]
pub struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// The stage whose artifacts lie in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, artifact: &str) -> PathBuf {
        self.folder.join(artifact)
    }

    /// What is left of the last run; every artifact is looked at.
    ///
    /// # Errors
    /// Something cannot be read, so that nobody can tell.
    pub fn state(&self) -> anyhow::Result<State> {
        let Some((text, digest)) = digested(&self.path(STAMP))? else {
            return Ok(if self.folder.exists() {
                State::Unfinished
            } else {
                State::Missing
            });
        };
        let stamp = serde_json::from_slice::<Stamp>(&text).ok();
        // What would not be written like this is not what was written.
        let Some(stamp) =
            stamp.filter(|it| serde_json::to_vec_pretty(it).is_ok_and(|it| it == text))
        else {
            return Ok(State::Damaged(STAMP.to_owned()));
        };
        for (path, expected) in &stamp.artifacts {
            let found = digested(&self.path(path))?;
            if found.is_none_or(|(_, digest)| digest != *expected) {
                return Ok(State::Damaged(path.clone()));
            }
        }
        let folder = self.folder.clone();
        Ok(State::Whole(Finished {
            folder,
            stamp,
            digest,
        }))
    }

    /// Starts the stage anew: nothing of an earlier run remains.
    pub fn begin(&self) -> anyhow::Result<Writer<'_>> {
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
            failed: None,
        })
    }
}

/// A stage while it runs.
pub struct Writer<'a> {
    stage: &'a Stage,
    artifacts: BTreeMap<String, String>,
    failed: Option<String>,
}

impl Writer<'_> {
    /// Writes one artifact.
    pub fn write(&mut self, artifact: &str, bytes: &[u8]) -> Result<(), Failure> {
        write_whole(&self.stage.path(artifact), bytes).environment()?;
        self.artifacts.insert(artifact.to_owned(), sha256(bytes));
        Ok(())
    }

    /// Writes the files of a folder.
    pub fn write_tree(
        &mut self,
        folder: &str,
        files: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        for (path, text) in files {
            self.write(&format!("{folder}/{path}"), text.as_bytes())?;
        }
        Ok(())
    }

    /// Writes one artifact as JSON.
    pub fn write_json(&mut self, artifact: &str, value: &impl Serialize) -> Result<(), Failure> {
        self.write(artifact, &serde_json::to_vec(value).environment()?)
    }

    /// Says why the stage has to run again, however equal its inputs.
    pub fn fail(&mut self, why: &str) {
        self.failed.get_or_insert(why.to_owned());
    }

    /// Declares the stage finished, once all of it is on the disk.
    pub fn finish(self, inputs: Inputs) -> anyhow::Result<Finished> {
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
            failed: self.failed,
        };
        let path = self.stage.path(STAMP);
        let text = serde_json::to_vec_pretty(&stamp)?;
        write_lasting(&path, &text)?;
        Ok(Finished {
            folder: self.stage.folder.clone(),
            stamp,
            digest: sha256(&text),
        })
    }
}

/// A value in a file of its own that can tell whether it is what was written.
#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    /// Of the value as JSON.
    digest: String,
    value: T,
}

/// Writes a value so that [`read_sealed`] finds any change of it; the file outlives a power cut.
pub fn write_sealed(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let digest = sha256(&serde_json::to_vec(value)?);
    let text = serde_json::to_vec_pretty(&Sealed { digest, value })?;
    write_lasting(path, &text)
}

/// What is left of a file that [`write_sealed`] wrote.
pub enum Kept<T> {
    /// There is none.
    Missing,
    /// It is not what was written.
    Damaged,
    /// It is as it was written.
    Whole(T),
}

/// Reads what [`write_sealed`] wrote.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read_sealed<T: Serialize + DeserializeOwned>(path: &Path) -> anyhow::Result<Kept<T>> {
    let Some((text, _)) = digested(path)? else {
        return Ok(Kept::Missing);
    };
    let Ok(sealed) = serde_json::from_slice::<Sealed<T>>(&text) else {
        return Ok(Kept::Damaged);
    };
    let is_whole = sha256(&serde_json::to_vec(&sealed.value)?) == sealed.digest
        && serde_json::to_vec_pretty(&sealed)? == text;
    Ok(match is_whole {
        true => Kept::Whole(sealed.value),
        false => Kept::Damaged,
    })
}

/// Writes a file through a temporary one beside it, so that nobody ever sees half of it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    disk::write_whole(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// As [`write_whole`], and once this is done, the file outlives a power cut.
fn write_lasting(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    disk::write_lasting(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes files into a folder, all of them or, where there is no room for one, none; gives the
/// digest of each.
pub fn write_together(
    folder: &Path,
    files: &[(&str, String)],
) -> anyhow::Result<BTreeMap<String, String>> {
    let texts = files
        .iter()
        .map(|(name, text)| (folder.join(name), text.as_bytes()));
    disk::write_together(&texts.collect::<Vec<_>>())
        .with_context(|| format!("cannot write files in {}", folder.display()))?;
    let digests = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), sha256(text.as_bytes())));
    Ok(digests.collect())
}

/// A folder in the making, beside the place that it goes to as a whole.
pub struct Draft {
    folder: tempfile::TempDir,
    place: PathBuf,
    // Dropped after the folder.
    _busy: interrupt::Busy,
}

impl Draft {
    /// An empty draft of what will be at `place`; gone with this value unless it gets there.
    pub fn of(place: &Path) -> anyhow::Result<Self> {
        let context = || format!("cannot write {}", place.display());
        let parent = place.parent().unwrap_or(place);
        disk::create_folder(parent).with_context(context)?;
        Ok(Self {
            _busy: interrupt::busy(),
            folder: beside(place).with_context(context)?,
            place: place.to_owned(),
        })
    }

    /// Where it is written until it is whole.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder in its place; what was there is dropped.
    pub fn finish(self) -> anyhow::Result<()> {
        let context = || format!("cannot write {}", self.place.display());
        // Both lie beside the place, so that moving them is renaming.
        let aside = beside(&self.place).with_context(context)?;
        let old = aside.path().join("old");
        let had_one = self.place.exists();
        if had_one {
            disk::rename(&self.place, &old).with_context(context)?;
        }
        let done = disk::rename(self.folder.path(), &self.place);
        if done.is_err() && had_one && disk::rename(&old, &self.place).is_err() {
            // Where it cannot go back either, it stays beside, rather than being gone.
            let _ = aside.keep();
        }
        done.with_context(context)
    }
}

/// Brings a folder to hold just these files, by their paths there, so that nothing else in it has a say;
/// what is the same already keeps its time.
pub fn mirror<P: AsRef<Path>, B: AsRef<[u8]>>(
    folder: &Path,
    files: &BTreeMap<P, B>,
) -> anyhow::Result<()> {
    if folder.is_dir() {
        remove_others(folder, Path::new(""), files)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    for (path, bytes) in files {
        let (full, bytes) = (folder.join(path), bytes.as_ref());
        if !std::fs::read(&full).is_ok_and(|old| old == bytes) {
            write_whole(&full, bytes)?;
        }
    }
    Ok(())
}

/// Removes what is in a folder, or `within` it, and not among these files.
fn remove_others<P: AsRef<Path>, B>(
    folder: &Path,
    within: &Path,
    files: &BTreeMap<P, B>,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder.join(within))? {
        let entry = entry?;
        let path = within.join(entry.file_name());
        let mut kept = files.keys().map(AsRef::as_ref);
        if !entry.file_type()?.is_dir() {
            if !kept.any(|file| file == path) {
                std::fs::remove_file(entry.path())?;
            }
        } else if kept.any(|file| file != path && file.starts_with(&path)) {
            remove_others(folder, &path, files)?;
        } else {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn beside(place: &Path) -> std::io::Result<tempfile::TempDir> {
    let mut builder = disk::temporary();
    // As folders are made, not as secrets are.
    builder.permissions(std::fs::Permissions::from_mode(0o777));
    builder.tempdir_in(place.parent().unwrap_or(place))
}

/// `sha256:` and 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    in_hex(Sha256::new_with_prefix(bytes))
}

/// The digest of a file, which is never in memory whole.
pub fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let mut file = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(path)?);
    let mut hasher = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(in_hex(hasher));
        }
        hasher.update(bytes);
        let n_bytes = bytes.len();
        file.consume(n_bytes);
    }
}

fn in_hex(hasher: Sha256) -> String {
    let digest = hasher.finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
