//! Folders of recordings: what is taken of them, and what is kept for the test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use spinney_config::{ConfigPath, DataFile, LABEL};
use spinney_convert::matches;
use spinney_dataset::scan::{Layout, Scan};
use spinney_dataset::{Budget, Note, limits};
use spinney_signal::{Interval, Timed, check_within};

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
    /// What is heard when, if a file of labels says so.
    pub times: Option<Times>,
}

/// Labels with times, and where they stand.
#[derive(Clone)]
pub(super) struct Times {
    pub labels: Vec<Timed>,
    pub path: ConfigPath,
}

impl Recording {
    /// The labels of a recording of so many samples, if a file has them; they may end `slack` samples
    /// after it.
    pub(super) fn intervals(
        &self,
        n_samples: usize,
        slack: usize,
        rate_hz: f64,
    ) -> Option<Result<Vec<Interval>, Failure>> {
        let times = self.times.as_ref()?;
        let intervals: Vec<Interval> = times.labels.iter().map(|it| it.at(rate_hz)).collect();
        let fits = check_within(&intervals, n_samples, slack, rate_hz).map_err(|error| {
            let error = format!("the labels of {}: {error}", self.path.typed);
            at_fault(&times.path.full, &error)
        });
        Some(fits.map(|()| intervals))
    }

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
    pub(super) fn add_folder(
        &mut self,
        path: &ConfigPath,
        endings: &[&str],
        layout: Layout,
    ) -> Result<(), Failure> {
        let mut paths = Vec::new();
        walk(&path.full, "", &mut paths)?;
        let exported = self.exported_labels(path)?;
        // Edge Impulse calls a sample `label.hash.json`, and lists those of a folder in a file.
        let class_of = |below: &str| {
            let listed = exported.as_ref().map(|labels| labels.get(below).cloned());
            let by_name = || match below.split_once('.') {
                Some((label, rest)) if !below.contains('/') && rest.ends_with(".json") => {
                    Some(label.to_owned())
                }
                _ => None,
            };
            listed.unwrap_or_else(by_name)
        };
        let is_json = |below: &str| below.to_lowercase().ends_with(".json");
        paths.retain(|below| !is_json(below) || is_sample(&path.full.join(below)));
        let is_recording = |below: &str| {
            let lower = below.to_lowercase();
            endings.iter().any(|ending| lower.ends_with(ending))
        };
        let n_all = paths.len();
        if let Some(labels) = &exported {
            paths.retain(|below| labels.contains_key(below) || !is_recording(below));
        }
        let n_unlabelled = n_all - paths.len();
        let scan = Scan::new(&paths, endings, layout, &class_of);
        let mut recordings = Vec::new();
        for (below, class) in scan.taken.clone() {
            let path = ConfigPath {
                typed: format!("{}/{below}", path.typed),
                full: path.full.join(below),
            };
            self.add(&path)?;
            recordings.push(Recording {
                path,
                class,
                times: None,
            });
        }
        let mut note = scan.note(&path.typed);
        if n_unlabelled > 0 {
            note.text += &format!("; {n_unlabelled} have no label in info.labels");
        }
        let notes = vec![note];
        let folder = Folder { recordings, notes };
        self.folders.insert(path.typed.clone(), folder);
        Ok(())
    }

    /// Adds several files, those that patterns match among them; `by_folder` says whether the folder of
    /// one that has no class names it.
    pub(super) fn add_several(&mut self, file: &DataFile, by_folder: bool) -> Result<(), Failure> {
        let mut recordings: Vec<Recording> = Vec::new();
        let mut notes = Vec::new();
        // By whatever path they are named: a file that counts twice would be on both sides of a split.
        let mut known: BTreeMap<PathBuf, String> = BTreeMap::new();
        for files in &file.several {
            let (paths, note) = matching(&files.path)?;
            notes.extend(note);
            for (path, named) in paths {
                let real = path.full.canonicalize();
                let real = real.unwrap_or_else(|_| path.full.clone());
                if let Some(before) = known.insert(real, path.typed.clone()) {
                    let another = match before == path.typed {
                        true => String::new(),
                        false => format!(", also as {before}"),
                    };
                    let fault =
                        format!("found twice among several files{another}, expected it once");
                    return Err(at_fault(&path.full, &fault));
                }
                self.add(&path)?;
                let class = named.or_else(|| files.class.clone());
                let class = class.or_else(|| folder_of(&path.typed).filter(|_| by_folder));
                recordings.push(Recording {
                    path,
                    class,
                    times: None,
                });
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

    pub(super) fn folder_notes(&self) -> impl Iterator<Item = &Note> {
        self.folders.values().flat_map(|folder| &folder.notes)
    }
}

fn folder_of(path: &str) -> Option<String> {
    path.rsplit('/').nth(1).map(str::to_owned)
}

/// A file, and its class, where the pattern that it matches says it.
type Found = (ConfigPath, Option<String>);

/// The file of a path, or those that its pattern matches, and what was left out for them.
fn matching(pattern: &ConfigPath) -> Result<(Vec<Found>, Option<Note>), Failure> {
    let is_pattern = pattern.typed.contains('*') || pattern.typed.contains(LABEL);
    if !is_pattern || pattern.full.exists() {
        return Ok((vec![(pattern.clone(), None)], None));
    }
    let parts: Vec<&str> = pattern.typed.split('/').collect();
    let typed = Path::new(&pattern.typed).components();
    let n_typed = typed.filter(|it| *it != Component::CurDir).count();
    let above = match pattern.typed.starts_with('/') {
        true => Path::new("/"),
        false => match pattern.full.ancestors().nth(n_typed) {
            Some(above) if above != "" => above,
            _ => Path::new("."),
        },
    };
    let mut found = Vec::new();
    let mut n_all = 0;
    expand((above, ""), &parts, None, &mut found, &mut n_all)?;
    if found.is_empty() {
        let fault = format!(
            "found no file whose name it matches among {n_all} in the folder, expected one or more"
        );
        return Err(at_fault(&pattern.full, &fault));
    }
    let classes: BTreeSet<&String> = found
        .iter()
        .filter_map(|(_, class)| class.as_ref())
        .collect();
    let of_classes = match classes.len() {
        0 => String::new(),
        n => format!(" of {n} classes"),
    };
    let text = format!("{}: {} files{of_classes}", pattern.typed, found.len());
    Ok((found, Some(Note::new("scan", text))))
}

/// Adds the files below a folder that match `parts`, a name of a path each.
fn expand(
    (folder, typed): (&Path, &str),
    parts: &[&str],
    class: Option<&str>,
    found: &mut Vec<Found>,
    n_all: &mut usize,
) -> Result<(), Failure> {
    let Some((part, rest)) = parts.split_first() else {
        return Ok(());
    };
    let mut go_on = |name: &str, class: Option<&str>| {
        let full = folder.join(name);
        let typed = format!("{typed}{name}");
        if rest.is_empty() && full.is_file() {
            let path = ConfigPath { typed, full };
            found.push((path, class.map(str::to_owned)));
        } else if full.is_dir() {
            return expand((&full, &(typed + "/")), rest, class, found, n_all);
        }
        Ok(())
    };
    if !part.contains('*') && !part.contains(LABEL) {
        return go_on(part, class);
    }
    let names = names_in(folder)?;
    let names: Vec<&String> = names.iter().filter(|it| !it.starts_with('.')).collect();
    for name in &names {
        match labelled(part, name) {
            // A class that stands there twice is the same in both places.
            Some(Some(label)) if class.is_none_or(|class| class == label) => {
                go_on(name, Some(label))?;
            }
            Some(None) => go_on(name, class)?,
            _ => {}
        }
    }
    *n_all += names.len();
    Ok(())
}

/// Whether a name matches a pattern, and the class that it says: the shortest text that there can be.
fn labelled<'n>(pattern: &str, name: &'n str) -> Option<Option<&'n str>> {
    let Some((before, after)) = pattern.split_once(LABEL) else {
        return matches(pattern, name).then_some(None);
    };
    let ends = || name.char_indices().map(|(at, _)| at).chain([name.len()]);
    let starts = ends().filter(|start| matches(before, &name[..*start]));
    let mut pairs = starts.flat_map(|start| {
        ends()
            .filter(move |end| *end > start)
            .map(move |end| (start, end))
    });
    let (start, end) = pairs.find(|(_, end)| matches(after, &name[*end..]))?;
    Some(Some(&name[start..end]))
}

/// Whether a file of JSON is a sample of Edge Impulse; other JSON lies beside recordings, too.
fn is_sample(path: &Path) -> bool {
    let head = std::fs::File::open(path).map(|file| {
        let mut head = Vec::new();
        let _ = file.take(2000).read_to_end(&mut head);
        head
    });
    let head = head.unwrap_or_default();
    head.windows(13).any(|it| it == b"\"interval_ms\"")
}

/// A list of samples with their labels, as Edge Impulse exports it.
#[derive(Deserialize)]
struct Exported {
    files: Vec<ExportedFile>,
}

#[derive(Deserialize)]
struct ExportedFile {
    path: String,
    label: Option<ExportedLabel>,
}

#[derive(Deserialize)]
struct ExportedLabel {
    label: Option<String>,
}

impl Inputs {
    /// The label of each sample that the list in a folder has, by its path below the folder; `None` without
    /// a list.
    fn exported_labels(
        &mut self,
        folder: &ConfigPath,
    ) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let list = ConfigPath {
            typed: format!("{}/info.labels", folder.typed),
            full: folder.full.join("info.labels"),
        };
        if !list.full.is_file() {
            return Ok(None);
        }
        self.add(&list)?;
        let bytes = self.bytes(&list);
        Budget::of(bytes.len())
            .take_json("the list", bytes, limits::JSON_VALUES)
            .map_err(|error| at_fault(&list.full, &error))?;
        let exported: Exported = serde_json::from_slice(bytes).map_err(|error| {
            let expected =
                "expected a list as Edge Impulse exports it: `files`, each with `path` and `label`";
            at_fault(&list.full, &format!("found {error}, {expected}"))
        })?;
        let labels = (exported.files.into_iter())
            .filter_map(|file| Some((file.path, file.label?.label?)))
            .collect();
        Ok(Some(labels))
    }
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
pub(super) fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::super::inputs;
    use super::*;

    #[test]
    fn patterns_match_in_folders_of_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder
            .path()
            .join(std::ffi::OsStr::from_bytes(b"d\xe9p\xf4t"));
        std::fs::create_dir_all(odd.join("logs")).unwrap();
        std::fs::write(odd.join("logs/a.csv"), "").unwrap();
        for typed in ["logs/*.csv", "./logs/*.csv", "logs/../logs/*.csv"] {
            let pattern = ConfigPath {
                typed: typed.to_owned(),
                full: odd.join(typed),
            };
            let (found, _) = matching(&pattern).map_err(|it| format!("{it:?}")).unwrap();
            let names: Vec<&str> = found.iter().map(|(path, _)| &*path.typed).collect();
            assert_eq!(names, [typed.replace('*', "a")]);
        }
    }

    #[test]
    fn a_file_counts_once_by_whatever_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("sub")).unwrap();
        std::fs::write(path("a.csv"), "x,y\n1,a\n2,b\n").unwrap();
        std::os::unix::fs::symlink("a.csv", path("link.csv")).unwrap();
        for other in ["./a.csv", "sub/../a.csv", "link.csv"] {
            let text = format!(
                "[pipeline]\nname = \"twice\"\n[dataset]\npath = [\"a.csv\", \"{other}\"]\n\
                 label = \"y\"\n[model]\nkind = \"decision-tree\"\n\
                 [target]\nchip = \"nRF52840_xxAA\"\n"
            );
            std::fs::write(path("pipeline.toml"), text).unwrap();
            let config = spinney_config::load(&path("pipeline.toml")).unwrap();
            let told = format!("{:?}", inputs::read(&config).map(drop).unwrap_err());
            assert!(
                told.contains("several files, also as a.csv, expected"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_pattern_says_the_class() {
        let is = |pattern, name| labelled(pattern, name).map(|it| it.unwrap_or("-"));
        assert_eq!(is("{label}_*_*.wav", "7_theo_12.wav"), Some("7"));
        assert_eq!(is("{label}.csv", "up.down.csv"), Some("up.down"));
        assert_eq!(is("{label}.*", "up.down.csv"), Some("up"));
        assert_eq!(is("s*-{label}.csv", "s12-é.csv"), Some("é"));
        assert_eq!(is("*_{label}_*", "a_b_c_d"), Some("b"));
        assert_eq!(is("{label}", "run"), Some("run"));
        assert_eq!(is("{label}.csv", ".csv"), None);
        assert_eq!(is("{label}.csv", "run.txt"), None);
        assert_eq!(is("*.csv", "run.csv"), Some("-"));
    }
}
