//! Folders of recordings: what is taken of them, and what is kept for the test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_config::ConfigPath;
use spinney_dataset::Note;
use spinney_dataset::scan::{Layout, Scan};

use super::inputs::{Inputs, at_fault};
use crate::failure::{Blame, Failure};

/// The recordings of a folder.
pub(super) struct Folder {
    /// Their paths as typed, in order.
    pub recordings: Vec<String>,
    pub notes: Vec<Note>,
}

impl Inputs {
    /// Adds the recordings of a folder.
    pub(super) fn add_folder(
        &mut self,
        path: &ConfigPath,
        endings: &[&str],
        layout: Layout,
    ) -> Result<(), Failure> {
        let mut paths = Vec::new();
        walk(&path.full, "", &mut paths)?;
        let scan = Scan::new(&paths, endings, layout);
        let mut recordings = Vec::new();
        for below in &scan.taken {
            let typed = format!("{}/{below}", path.typed);
            self.add(&ConfigPath {
                typed: typed.clone(),
                full: path.full.join(below),
            })?;
            recordings.push(typed);
        }
        let notes = vec![scan.note(&path.typed)];
        let folder = Folder { recordings, notes };
        self.folders.insert(path.typed.clone(), folder);
        Ok(())
    }

    /// Keeps recordings of both sides for the test alone, by whatever path they are there. Two files
    /// are compared once they have been read.
    pub(super) fn hold_back(
        &mut self,
        train: &ConfigPath,
        test: &ConfigPath,
    ) -> Result<(), Failure> {
        if !self.folders.contains_key(&train.typed) && !self.folders.contains_key(&test.typed) {
            return Ok(());
        }
        let testing: BTreeSet<PathBuf> = self.real_paths(test)?.into_iter().collect();
        let training = self.real_paths(train)?;
        let n_held = training.iter().filter(|it| testing.contains(*it)).count();
        if n_held == 0 {
            return Ok(());
        }
        let text = format!(
            "{n_held} recordings of {} are in {} too; they test, and do not train",
            train.typed, test.typed
        );
        match self.folders.get_mut(&train.typed) {
            Some(folder) if n_held < training.len() => {
                let mut trains = training.iter().map(|it| !testing.contains(it));
                (folder.recordings).retain(|_| trains.next().unwrap_or_default());
                folder.notes.push(Note::new("held-for-test", text));
                Ok(())
            }
            _ => Err(at_fault(
                &train.full,
                &format!(
                    "{text}: found nothing else, expected recordings that are for training alone; \
                     `path` divides a folder"
                ),
            )),
        }
    }

    /// Where the recordings of a file or folder really are.
    fn real_paths(&self, side: &ConfigPath) -> Result<Vec<PathBuf>, Failure> {
        let real = |path: PathBuf| {
            path.canonicalize()
                .with_context(|| format!("cannot read {}", path.display()))
                .input()
        };
        let Some(folder) = self.folders.get(&side.typed) else {
            return Ok(vec![real(side.full.clone())?]);
        };
        (folder.recordings.iter())
            .map(|path| {
                real(
                    side.full
                        .join(path[side.typed.len()..].trim_start_matches('/')),
                )
            })
            .collect()
    }

    /// The recordings of a folder, by path, in the order of their paths.
    pub fn below(&self, folder: &ConfigPath) -> impl Iterator<Item = (&str, &[u8])> {
        let recordings = self.folders.get(&folder.typed).map(|it| &it.recordings);
        recordings.into_iter().flatten().filter_map(|path| {
            let bytes = self.files.get(path)?;
            Some((path.as_str(), bytes.as_slice()))
        })
    }

    /// The fault that a folder has no recordings, with what it has instead.
    pub(super) fn no_recordings(&self, folder: &ConfigPath, ending: &str) -> Failure {
        let notes = self.folders.get(&folder.typed).map(|it| &it.notes);
        let found = notes.into_iter().flatten().map(|note| note.text.as_str());
        at_fault(
            &folder.full,
            &format!(
                "found no recordings ({}), expected a folder per class with `{ending}` files",
                found.collect::<Vec<_>>().join("; ")
            ),
        )
    }

    /// What there is to say of the folders.
    pub(super) fn folder_notes(&self) -> impl Iterator<Item = &Note> {
        self.folders.values().flat_map(|folder| &folder.notes)
    }
}

/// The paths below a folder, down to the folders below those of classes, in their order. Hidden ones
/// are not looked into.
fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), Failure> {
    const DEPTH_MAX: usize = 4;
    let context = || format!("cannot read {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(context).input()? {
        let name = entry.with_context(context).input()?.file_name();
        let name = name.into_string().map_err(|name| {
            Failure::Input(anyhow!(
                "{}: found the name {name:?}, expected text",
                folder.display()
            ))
        })?;
        names.push(name);
    }
    names.sort();
    for name in names {
        let path = folder.join(&name);
        let below = format!("{prefix}{name}");
        if !path.is_dir() || name.starts_with('.') {
            paths.push(below);
            continue;
        }
        let below = below + "/";
        paths.push(below.clone());
        if below.matches('/').count() < DEPTH_MAX {
            walk(&path, &below, paths)?;
        }
    }
    Ok(())
}
