//! Folders of recordings: what is taken of them, and what is kept for the test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_config::{ConfigPath, DataFile};
use spinney_convert::matches;
use spinney_dataset::Note;
use spinney_dataset::scan::{Layout, Scan};

use super::inputs::{Inputs, at_fault};
use crate::failure::{ExitReason, Failure};

/// The recordings of a folder, or several files.
pub(super) struct Folder {
    /// In the order of their paths, or of the config.
    pub recordings: Vec<Recording>,
    pub notes: Vec<Note>,
}

/// A file of a folder, or among several.
pub(super) struct Recording {
    pub path: ConfigPath,
    /// The class of all of it, if the folder's name or the config says so.
    pub class: Option<String>,
}

impl Recording {
    /// The class of all of it.
    pub(super) fn class(&self) -> Result<&str, Failure> {
        self.class.as_deref().ok_or_else(|| {
            at_fault(
                &self.path.full,
                &"found a recording without a class, expected files by class, as in `train = { walk = \
                  \"walk*.csv\" }`, or a folder per class",
            )
        })
    }
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
            let path = ConfigPath {
                typed: format!("{}/{below}", path.typed),
                full: path.full.join(below),
            };
            self.add(&path)?;
            let class = folder_of(&path.typed).filter(|_| layout == Layout::FolderPerClass);
            recordings.push(Recording { path, class });
        }
        let notes = vec![scan.note(&path.typed)];
        let folder = Folder { recordings, notes };
        self.folders.insert(path.typed.clone(), folder);
        Ok(())
    }

    /// Adds several files, those that patterns match among them; `by_folder` says whether the folder of
    /// one that has no class names it.
    pub(super) fn add_several(&mut self, file: &DataFile, by_folder: bool) -> Result<(), Failure> {
        let mut recordings: Vec<Recording> = Vec::new();
        let mut notes = Vec::new();
        for files in &file.several {
            let (paths, note) = matching(&files.path)?;
            notes.extend(note);
            for path in paths {
                if recordings.iter().any(|it| it.path.full == path.full) {
                    let fault = "found twice among several files, expected it once";
                    return Err(at_fault(&path.full, &fault));
                }
                self.add(&path)?;
                let class = files.class.clone();
                let class = class.or_else(|| folder_of(&path.typed).filter(|_| by_folder));
                recordings.push(Recording { path, class });
            }
        }
        let folder = Folder { recordings, notes };
        self.folders.insert(file.path.typed.clone(), folder);
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
            "{n_held} files of {} are in {} too; they test, and do not train",
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
    pub(super) fn real_paths(&self, side: &ConfigPath) -> Result<Vec<PathBuf>, Failure> {
        let real = |path: PathBuf| {
            path.canonicalize()
                .with_context(|| format!("cannot read {}", path.display()))
                .input()
        };
        let Some(folder) = self.folders.get(&side.typed) else {
            return Ok(vec![real(side.full.clone())?]);
        };
        let recordings = folder.recordings.iter();
        recordings.map(|it| real(it.path.full.clone())).collect()
    }

    /// The recordings of a folder, or several files.
    pub(super) fn below(&self, folder: &ConfigPath) -> impl Iterator<Item = (&Recording, &[u8])> {
        let recordings = self.folders.get(&folder.typed).map(|it| &it.recordings);
        let recordings = recordings.into_iter().flatten();
        recordings.map(|it| (it, self.bytes(&it.path)))
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

/// The name of the folder that a file lies in.
fn folder_of(path: &str) -> Option<String> {
    path.rsplit('/').nth(1).map(str::to_owned)
}

/// The file of a path, or those that its pattern matches, and what was left out for them.
fn matching(pattern: &ConfigPath) -> Result<(Vec<ConfigPath>, Option<Note>), Failure> {
    if !pattern.typed.contains('*') || pattern.full.exists() {
        return Ok((vec![pattern.clone()], None));
    }
    let (typed, name) = pattern
        .typed
        .rsplit_once('/')
        .unwrap_or(("", &pattern.typed));
    let folder = pattern.full.parent().unwrap_or(Path::new("."));
    let mut paths = Vec::new();
    let mut names = names_in(folder)?;
    names.retain(|it| !it.starts_with('.'));
    let n_all = names.len();
    names.retain(|it| matches(name, it) && folder.join(it).is_file());
    for name in &names {
        let typed = match typed {
            "" => name.clone(),
            folder => format!("{folder}/{name}"),
        };
        let full = folder.join(name);
        paths.push(ConfigPath { typed, full });
    }
    if paths.is_empty() {
        return Err(at_fault(
            &pattern.full,
            &format!(
                "found no file whose name it matches among {n_all} in the folder, expected one or more"
            ),
        ));
    }
    let note = Note::new("scan", format!("{}: {} files", pattern.typed, paths.len()));
    Ok((paths, Some(note)))
}

/// The names of what lies in a folder, in their order.
fn names_in(folder: &Path) -> Result<Vec<String>, Failure> {
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
    Ok(names)
}

/// The paths below a folder, down to the folders below those of classes, in their order. Hidden ones
/// are not looked into.
fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), Failure> {
    const DEPTH_MAX: usize = 4;
    for name in names_in(folder)? {
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
