//! Where the outputs of a config lead, and whether a config that somebody else wrote may put
//! something there.

use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use crate::diagnostics::{Diagnostics, Fault};
use crate::{CalibrationRows, Config, Dataset, Labels, Model, Reject, Validation};

/// Where configs may write besides their own folders.
#[derive(Debug, Clone, Default)]
pub struct Grounds {
    /// Folders of the user's: a config that lies in one may write anywhere in it.
    pub own: Vec<PathBuf>,
    /// Folders that no config from elsewhere writes into, whatever is allowed.
    pub closed: Vec<PathBuf>,
    /// Whether the user allows places outside of these.
    pub allow_outside: bool,
}

/// Where the outputs of a config lead. Having one proves: no link is left in these paths, each lies
/// where the config may write, and the crate's folder holds nothing that the config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    /// The folder of this pipeline's own reports.
    pub reports: PathBuf,
    /// The folder of the generated crate.
    pub crate_folder: Option<PathBuf>,
    /// The C99 header; its name ends in `.h`.
    pub header: Option<PathBuf>,
}

impl Config {
    /// Resolves links and `..` in the paths of all outputs. Of each path, names that start with a
    /// dot are refused below the folder that it may lie in: they configure tools.
    ///
    /// # Errors
    /// Every output that may not be where it leads to.
    pub fn outputs(&self, grounds: &Grounds) -> Result<Outputs, Diagnostics> {
        let mut faults = Vec::new();
        let identity = &self.pipeline.identity;
        let codegen = &self.pipeline.codegen;
        // The config was read from there; where that is gone, no place lies in it.
        let home = resolve(self.folder()).unwrap_or_else(|_| self.folder().to_owned());
        let mut lead = |key: &str, typed: &str, full: &Path| {
            let refusal = match grounds.place(&home, typed, full) {
                Ok(place) => return Some(place),
                Err(refusal) => refusal,
            };
            let message = format!("{key}: found `{typed:?}`, {}", refusal.why);
            let mut fault = Fault::new(self.span(key), message);
            if refusal.may_be_lifted {
                fault = fault.help(
                    "a config writes into its own folder alone; if you trust this one, \
                     `cargo xtask pipeline run --allow-outside` lifts that",
                );
            }
            faults.push(fault);
            None
        };
        let reports = identity.reports.full.join(&identity.name);
        let reports = lead("pipeline.reports", &identity.reports.typed, &reports);
        let mut named = |key: &str, path: &Option<crate::ConfigPath>| {
            path.as_ref().map(|path| lead(key, &path.typed, &path.full))
        };
        let crate_folder = named("codegen.crate", &codegen.crate_folder);
        let header = named("codegen.header", &codegen.header);
        if let Some(Some(header)) = &header
            && header.extension() != Some("h".as_ref())
        {
            let message = format!(
                "codegen.header: found a link to {}, expected a file that ends in `.h`",
                header.display()
            );
            faults.push(Fault::new(self.span("codegen.header"), message));
        }
        if let Some(Some(folder)) = &crate_folder {
            let outputs = reports.iter().chain(header.iter().flatten()).cloned();
            let inputs = self.inputs().filter_map(|path| resolve(&path).ok());
            if let Some(held) = inputs.chain(outputs).find(|path| path.starts_with(folder)) {
                let message = format!(
                    "codegen.crate: found {}, which holds {}, expected a folder of its own: it is \
                     replaced as a whole",
                    folder.display(),
                    held.display()
                );
                faults.push(
                    Fault::new(self.span("codegen.crate"), message)
                        .help("name a folder that holds nothing else, such as `\"model\"`"),
                );
            }
        }
        match reports {
            Some(reports) if faults.is_empty() => Ok(Outputs {
                reports,
                crate_folder: crate_folder.flatten(),
                header: header.flatten(),
            }),
            _ => Err(self.faults(faults)),
        }
    }

    /// The folder that the config lies in, from which its paths go.
    pub fn folder(&self) -> &Path {
        match self.path().parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// The config itself and the files and folders that it reads; of patterns, these as they are typed.
    pub fn inputs(&self) -> impl Iterator<Item = PathBuf> {
        let (first, second) = match &self.pipeline.dataset {
            Dataset::Split { rows, .. } => (Some(rows), None),
            Dataset::Given { train, test } => (Some(test), train.as_ref()),
        };
        let validation = match &self.pipeline.validation {
            Some(Validation::File(file)) => Some(file),
            _ => None,
        };
        let files = first.into_iter().chain(second).chain(validation);
        let data = files.flat_map(|file| {
            let labels = match &file.labels {
                Labels::File(path) => Some(path.full.as_path()),
                _ => None,
            };
            let several = file.several.iter().map(|it| it.path.full.as_path());
            [file.path.full.as_path()]
                .into_iter()
                .chain(several)
                .chain(labels)
        });
        let model = match &self.pipeline.model {
            Model::Import { path, .. } => Some(path.full.as_path()),
            Model::Train(_) => None,
        };
        let calibration = match &self.pipeline.reject {
            Some(Reject {
                rows: CalibrationRows::File(file),
                ..
            }) => Some(file.path.full.as_path()),
            _ => None,
        };
        let measured = self.pipeline.target.measured.as_ref();
        std::iter::once(self.path())
            .chain(data)
            .chain(model)
            .chain(calibration)
            .map(Path::to_path_buf)
            .chain(measured.map(|it| self.folder().join(&it.file)))
    }
}

/// Why an output may not be where it leads to.
struct Refusal {
    /// In words that follow what was found.
    why: String,
    /// Whether the user may allow it.
    may_be_lifted: bool,
}

impl Grounds {
    /// Where `full` leads to, for a config in `home`.
    fn place(&self, home: &Path, typed: &str, full: &Path) -> Result<PathBuf, Refusal> {
        let never = |why: String| Refusal {
            why,
            may_be_lifted: false,
        };
        if typed.contains(char::is_control) {
            let why = "expected a path without control characters";
            return Err(never(why.to_owned()));
        }
        if let Some(name) = names(Path::new(typed)).find(|name| is_device(name)) {
            let why = format!("expected no name of a device, which `{name}` is on Windows");
            return Err(never(why));
        }
        let place = resolve(full).map_err(|error| {
            never(match error.kind() {
                ErrorKind::NotFound => "expected no link that leads nowhere".to_owned(),
                kind => format!("expected a place that can be written ({kind})"),
            })
        })?;
        let leads = format!("which is {}", place.display());
        let around = |folders: &[PathBuf], path: &Path| -> Vec<PathBuf> {
            let folders = folders.iter().filter_map(|folder| resolve(folder).ok());
            folders.filter(|folder| path.starts_with(folder)).collect()
        };
        let closed = around(&self.closed, &place);
        if let Some(folder) = closed.iter().find(|folder| !home.starts_with(folder)) {
            return Err(never(format!(
                "{leads}, expected no place in {}, which is Spinney's own",
                folder.display()
            )));
        }
        if self.allow_outside {
            return Ok(place);
        }
        let mut own = around(&self.own, home);
        own.push(home.to_owned());
        let mut hidden = None;
        for below in own.iter().filter_map(|own| place.strip_prefix(own).ok()) {
            hidden = names(below)
                .find(|name| name.starts_with('.'))
                .map(String::from);
            if hidden.is_none() {
                return Ok(place);
            }
        }
        let expected = match hidden {
            Some(name) => format!("no name that starts with a dot, such as `{name}`"),
            None => format!("a place in {}", own[0].display()),
        };
        Err(Refusal {
            why: format!("{leads}, expected {expected}"),
            may_be_lifted: true,
        })
    }
}

/// The absolute path that `path` leads to, links and `..` resolved as the system does it. Its end
/// need not exist.
///
/// # Errors
/// A link that leads nowhere ([`ErrorKind::NotFound`]), and what the system cannot look into.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::CurDir => {}
            // What is resolved so far has no links, so that its parent is the one of its name.
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Normal(name) => {
                resolved.push(name);
                match resolved.symlink_metadata() {
                    Ok(found) if found.is_symlink() => resolved = resolved.canonicalize()?,
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            root => resolved.push(root),
        }
    }
    Ok(resolved)
}

fn names(path: &Path) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    })
}

/// Whether Windows takes a file of this name for a device, whatever its ending.
pub(crate) fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let stem = stem.to_ascii_lowercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
    };
    ["con", "prn", "aux", "nul"].contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}
