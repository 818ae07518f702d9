//! `pipeline.toml`: what was typed, what it means, and every fault with its line.
//!
//! [`parse`] takes the text through three steps: the TOML tree with each key of [`schema`] read on
//! its own, then the rules that take more than one key, then the [`Pipeline`]. Each step leaves all
//! the faults it finds, so that one run of the tool tells everything that is wrong.
//!
//! This crate reads no data and no models: a column or a class that does not exist is found
//! later, and [`Config::fault`] points at the key that named it.
//!
//! ```
//! use std::path::Path;
//!
//! let text = r#"
//! [pipeline]
//! name = "iris"
//! [dataset]
//! path = "iris.csv"
//! label = "species"
//! [model]
//! kind = "decision-tree"
//! [target]
//! chip = "nRF51822_xxAA"
//! "#;
//! let file_exists = |_: &Path| true;
//! let config = spinney_config::parse(text, Path::new("pipeline.toml"), &file_exists)?;
//! assert_eq!(config.pipeline.identity.seed, 42);
//!
//! let wrong = text.replace("decision-tree", "decision-three");
//! let faults = spinney_config::parse(&wrong, Path::new("pipeline.toml"), &file_exists).unwrap_err();
//! assert_eq!(faults.to_list()[0].line, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod choice;
mod diagnostics;
mod edit;
pub mod file;
mod foreign;
mod measured;
mod nearest;
mod outputs;
mod pipeline;
mod raw;
pub mod schema;
mod unsupported;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use choice::{
    AggregateOf, Criterion, Emulator, Encoding, Export, Gaps, LogLevel, ModelKind, Objective,
    Output, Prefer, Promise, Rates, Short, SignalKind, Source, Tabled, Trainer, Word,
};
pub use diagnostics::{Diagnostic, Diagnostics, Style};
use diagnostics::{Fault, Span};
pub use measured::Measured;
pub use nearest::did_you_mean;
pub use outputs::{Grounds, Outputs, resolve};
pub use pipeline::{
    Asks, AudioFrontend, Budget, CalibrationRows, ClassWeight, Codegen, ConfigPath, Count,
    DataFile, Dataset, Feature, FilesOf, Firmware, ForestTraining, Frontend, Identity, LABEL,
    Labels, MaxFeatures, Model, MotionFrontend, Pipeline, Property, Quantize, ReadingRange, Reject,
    Scenes, Search, Select, Shrink, Target, Training, Validation,
};
use spinney_model::Task;
use value::Reader;

/// The seconds of a time such as `10m`; `None` for what is none.
pub fn seconds(text: &str) -> Option<u64> {
    value::seconds(text).and_then(|seconds| u64::try_from(seconds).ok())
}

/// A config without fault, and its text.
#[derive(Debug, Clone)]
pub struct Config {
    /// What it means.
    pub pipeline: Pipeline,
    path: PathBuf,
    text: String,
    places: BTreeMap<String, Span>,
}

/// A config that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not text.
    #[error("{path}: found a byte at {offset} that is not UTF-8, expected text")]
    NotText {
        /// The file.
        path: String,
        /// Bytes before the first that is not text.
        offset: usize,
    },
    /// The text is at fault.
    #[error(transparent)]
    Faults(#[from] Diagnostics),
}

/// Reads and checks a config file, and that the files it names exist.
///
/// # Errors
/// A file that cannot be read or is not UTF-8, or everything wrong in it.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    let bytes =
        file::read(path, file::CONFIG_BYTES_MAX).map_err(|error| LoadError::Unreadable {
            path: path.display().to_string(),
            error,
        })?;
    let text = String::from_utf8(bytes).map_err(|error| LoadError::NotText {
        path: path.display().to_string(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    Ok(parse(&text, path, &Path::exists)?)
}

/// Checks the text of a config.
///
/// `path` is the config's own, for messages; the paths in it are relative to its folder. `exists`
/// is asked for each file that the config names, joined to that folder.
///
/// # Errors
/// Everything wrong, in the order of the text.
pub fn parse(
    text: &str,
    path: &Path,
    exists: &dyn Fn(&Path) -> bool,
) -> Result<Config, Diagnostics> {
    let mut reader = Reader {
        text,
        folder: path.parent().unwrap_or(Path::new("")),
        exists,
        faults: Vec::new(),
        places: BTreeMap::new(),
    };
    let raw = raw::read(&mut reader);
    let pipeline = check::check(&mut reader, &raw);
    unsupported::unsupported(&mut reader, &raw);
    match pipeline {
        Some(pipeline) if reader.faults.is_empty() => Ok(Config {
            pipeline,
            path: path.to_owned(),
            text: text.to_owned(),
            places: reader.places,
        }),
        _ => {
            debug_assert!(!reader.faults.is_empty(), "a gap without a fault");
            Err(Diagnostics::new(
                &path.display().to_string(),
                text,
                reader.faults,
            ))
        }
    }
}

impl Config {
    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A fault that shows only now, such as a label column that the data does not have.
    ///
    /// `place` is a key (`dataset.label`, `features.hue.range`, `model.class_weight.setosa`) or a
    /// section (`features.hue`). A key that was not typed is told of at its section's header.
    pub fn fault(
        &self,
        place: &str,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> Diagnostics {
        let mut fault = Fault::new(self.span(place), format!("{place}: {}", message.into()));
        fault.help = help.map(str::to_owned);
        self.faults(vec![fault])
    }

    /// The same as an error, for who stops there.
    ///
    /// # Errors
    /// Always.
    pub fn refuse<T, E: From<Diagnostics>>(
        &self,
        place: &str,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> Result<T, E> {
        Err(self.fault(place, message, help).into())
    }

    /// Refuses what was typed and does not fit the task that an imported model turns out to have.
    ///
    /// # Errors
    /// Another task than the declared one, or keys that this one does not have, all at once.
    pub fn check_task(&self, task: Task) -> Result<(), Diagnostics> {
        let Model::Import { task: declared, .. } = &self.pipeline.model else {
            return Ok(());
        };
        let mut faults = Vec::new();
        if let Some(declared) = declared.filter(|declared| *declared != task) {
            let message = format!("model.task: {}", check::other(declared, task));
            faults.push(Fault::new(self.span("model.task"), message));
        }
        for (place, why) in check::misfits(task).filter(|_| declared.is_none()) {
            if let Some(span) = self.places.get(&place) {
                let found = value::literal(&self.text, span);
                let message = format!("{place}: found {found}, expected none, since {why}");
                let fault = Fault::new(Some(span.clone()), message);
                faults.push(fault.context(self.span("model.path"), "the model"));
            }
        }
        let test = self.pipeline.dataset.test();
        if task == Task::Detect && test.labels != Labels::None && test.normal.is_none() {
            let message = "dataset.normal: found nothing, expected the label of rows that are no \
                           anomalies, since the model is a detector";
            faults.push(Fault::new(self.span("dataset"), message));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(self.faults(faults))
    }

    fn span(&self, place: &str) -> Option<Span> {
        let span = self.places.get(place).or_else(|| {
            let (section, _) = place.rsplit_once('.')?;
            self.places.get(section)
        });
        span.cloned()
    }

    fn faults(&self, faults: Vec<Fault>) -> Diagnostics {
        Diagnostics::new(&self.path.display().to_string(), &self.text, faults)
    }
}
