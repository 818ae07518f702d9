//! Labels of recordings that files beside them have: a list of all, or a file for each.

use std::collections::{BTreeMap, BTreeSet};

use spinney_config::{ConfigPath, DataFile};
use spinney_dataset::Note;
use spinney_signal::{Listed, Timed, read_list, read_times};

use super::folders::{Recording, Times};
use super::inputs::{Inputs, at_fault};
use crate::failure::Failure;

impl Inputs {
    /// Gives each recording of a side its labels, and leaves out those that have none.
    pub(super) fn add_labels(
        &mut self,
        file: &DataFile,
        labels: &ConfigPath,
    ) -> Result<(), Failure> {
        let Some(mut folder) = self.folders.remove(&file.path.typed) else {
            return Ok(());
        };
        let is_list = !labels.typed.contains('*');
        if !is_list {
            self.add_tracks(&mut folder.recordings, labels)?;
        }
        // Labels of motion look like recordings, too.
        let tracks = folder.recordings.iter().filter_map(|it| it.times.as_ref());
        let tracks = tracks.map(|it| &it.path).chain(is_list.then_some(labels));
        let tracks: BTreeSet<_> = tracks
            .filter_map(|it| it.full.canonicalize().ok())
            .collect();
        let is_track =
            |it: &Recording| (it.path.full.canonicalize()).is_ok_and(|it| tracks.contains(&it));
        folder.recordings.retain(|it| !is_track(it));
        let n_all = folder.recordings.len();
        let mut text = if !is_list {
            String::new()
        } else {
            self.add(labels)?;
            let listed = read_list(self.bytes(labels), file.list_label.as_deref())
                .map_err(|error| at_fault(&labels.full, &error))?;
            let n_absent = label_all(&mut folder.recordings, &listed, labels)?;
            match n_absent {
                0 => String::new(),
                n => format!("; {n} that it lists are not there"),
            }
        };
        (folder.recordings).retain(|it| it.class.is_some() || it.times.is_some());
        let n = folder.recordings.len();
        if n == 0 {
            let fault = format!(
                "found labels of none of the {n_all} recordings in {}{text}, expected of each its path \
                 there, its name, or its name without the ending",
                file.path.typed
            );
            return Err(at_fault(&labels.full, &fault));
        }
        if n < n_all {
            text += &format!("; {} without labels are left out", n_all - n);
        }
        let classes: BTreeSet<&str> =
            (folder.recordings.iter().flat_map(Recording::labels)).collect();
        let said = format!("{n} recordings with {} labels{text}", classes.len());
        let note = Note::new("scan", format!("{}: {said}", labels.typed));
        folder.notes.push(note);
        self.folders.insert(file.path.typed.clone(), folder);
        Ok(())
    }

    /// Reads the file of labels of each recording, if there is one.
    fn add_tracks(&mut self, all: &mut [Recording], labels: &ConfigPath) -> Result<(), Failure> {
        for recording in all {
            let name = stem(&recording.path.typed);
            let path = ConfigPath {
                typed: labels.typed.replace('*', name),
                full: labels.full.display().to_string().replace('*', name).into(),
            };
            if path.full.is_file() {
                self.add(&path)?;
                let labels = read_times(self.bytes(&path));
                let labels = labels.map_err(|error| at_fault(&path.full, &error))?;
                recording.times = Some(Times { labels, path });
            }
        }
        Ok(())
    }
}

impl Recording {
    /// What is heard in it.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        let timed = self.times.iter().flat_map(|it| &it.labels);
        let class = self.class.iter().map(String::as_str);
        class.chain(timed.map(|it| it.label.as_str()))
    }
}

/// Gives each recording what a list says of it, by its path, its name, or its name without the ending;
/// how many of the list are not there.
fn label_all(
    all: &mut [Recording],
    listed: &[Listed],
    list: &ConfigPath,
) -> Result<usize, Failure> {
    let mut of_file: BTreeMap<&str, Vec<&Listed>> = BTreeMap::new();
    for it in listed {
        of_file.entry(it.file.as_str()).or_default().push(it);
    }
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for recording in all {
        let path = recording.path.typed.as_str();
        let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
        let mut names = [path].into_iter().chain(ends).chain([stem(path)]);
        let Some((file, listed)) = names.find_map(|name| of_file.get_key_value(name)) else {
            continue;
        };
        found.insert(file);
        let times: Option<Vec<Timed>> = listed.iter().map(|it| it.times.clone()).collect();
        match (times, &listed[..]) {
            (Some(labels), _) => {
                let path = list.clone();
                recording.times = Some(Times { labels, path });
            }
            (None, [one]) => recording.class = Some(one.label.clone()),
            (None, several) => {
                let fault = format!(
                    "found {file:?} {} times, expected it once, or the columns `start` and `end` in seconds",
                    several.len()
                );
                return Err(at_fault(&list.full, &fault));
            }
        }
    }
    Ok(of_file.len() - found.len())
}

/// The name of a file without its folder and ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
