//! What is taken of a folder of recordings, and what is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::Note;

/// How a folder says which class a recording has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// By the folder that it lies in: `walking/one.csv`; or something else names it.
    FolderPerClass,
    /// In the recording itself, which lies in the folder or in a folder of it.
    Labelled,
}

/// The recordings of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Paths below the folder, in their order, each with its class, unless recordings have labels
    /// themselves.
    pub taken: Vec<(String, Option<String>)>,
    /// Files and folders that are no recordings, by why.
    left_out: BTreeMap<String, usize>,
    /// Folders without a recording, which are no classes.
    empty: BTreeSet<String>,
    n_classes: Option<usize>,
}

impl Scan {
    /// Sorts what lies in a folder: paths below it with `/` between names, and at the end of a
    /// folder's. Recordings end in one of `endings`, in any case; what begins with a dot is hidden. What
    /// `class_of` names counts before folders, however deep it lies.
    pub fn new(
        paths: &[String],
        endings: &[&str],
        layout: Layout,
        class_of: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut scan = Self {
            taken: Vec::new(),
            left_out: BTreeMap::new(),
            empty: BTreeSet::new(),
            n_classes: None,
        };
        let (mut classes, mut folders) = (BTreeSet::new(), BTreeSet::new());
        for path in paths {
            let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
            let (Some(first), Some(name)) = (names.first(), names.last()) else {
                continue;
            };
            if names.iter().any(|name| name.starts_with('.')) {
                *scan.left_out.entry("hidden".to_owned()).or_default() += 1;
                continue;
            }
            if path.ends_with('/') {
                if names.len() == 1 {
                    scan.empty.insert((*first).to_owned());
                }
                continue;
            }
            let lower = name.to_lowercase();
            let class = match layout {
                Layout::Labelled => None,
                Layout::FolderPerClass => class_of(path),
            };
            let why = if !endings.iter().any(|ending| lower.ends_with(ending)) {
                match lower.rsplit_once('.') {
                    Some((_, extension)) => format!(".{extension}"),
                    None => "without an extension".to_owned(),
                }
            } else if names.len() > 2 && class.is_none() {
                "in deeper folders".to_owned()
            } else if names.len() == 1 && class.is_none() && layout == Layout::FolderPerClass {
                "outside the folders of classes".to_owned()
            } else {
                folders.insert((*first).to_owned());
                let class = class.unwrap_or_else(|| (*first).to_owned());
                classes.insert(class.clone());
                let class = (layout == Layout::FolderPerClass).then_some(class);
                scan.taken.push((path.clone(), class));
                continue;
            };
            *scan.left_out.entry(why).or_default() += 1;
        }
        scan.taken.sort();
        if layout == Layout::FolderPerClass {
            scan.empty.retain(|folder| !folders.contains(folder));
            scan.n_classes = Some(classes.len());
        } else {
            scan.empty.clear();
        }
        scan
    }

    /// What was taken and what was not, with counts; `folder` is how the folder is called.
    pub fn note(&self, folder: &str) -> Note {
        let mut text = format!("{folder}: {} recordings", self.taken.len());
        if let Some(n_classes) = self.n_classes {
            text += &format!(" of {n_classes} classes");
        }
        let left_out: Vec<String> = (self.left_out.iter())
            .map(|(why, n)| format!("{n} {why}"))
            .collect();
        if !left_out.is_empty() {
            text += &format!("; left out: {}", left_out.join(", "));
        }
        if !self.empty.is_empty() {
            let empty: Vec<&str> = self.empty.iter().map(String::as_str).collect();
            text += &format!(
                "; without recordings, and so no classes: {}",
                empty.join(", ")
            );
        }
        Note::new("scan", text)
    }
}
