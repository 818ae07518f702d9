//! What a pipeline reads: files by the paths of its config, their digests, and the rows in them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, anyhow};
use spinney_config::{
    Config, ConfigPath, DataFile, Dataset as RowsConfig, Frontend, Labels, Model,
};
use spinney_dataset::{DataError, Dataset, Rows, csv, idx, npy, split};
use spinney_model::limits;

use super::signals;
use crate::failure::{Blame, Failure};
use crate::store::{self, sha256};

/// The bytes of every input file, by the path typed, and this program's digest.
pub(crate) struct Inputs {
    files: BTreeMap<String, Vec<u8>>,
    digests: BTreeMap<String, String>,
    program: String,
}

/// Rows to train and to test on.
pub(crate) struct PipelineRows {
    /// `None` for an imported model without training rows.
    pub train: Option<Dataset>,
    pub test: Dataset,
    /// Whether the labels of `test` are real; without any, all are class 0.
    pub has_labels: bool,
    /// What a front end made the test rows of, stretch by stretch; none without one.
    pub test_samples: Vec<Vec<i16>>,
}

/// Reads every file that the config names.
pub(crate) fn read(config: &Config) -> Result<Inputs, Failure> {
    let mut inputs = Inputs {
        files: BTreeMap::new(),
        digests: BTreeMap::new(),
        program: program_digest()?,
    };
    let frontend = config.pipeline.frontend.as_ref();
    match &config.pipeline.dataset {
        RowsConfig::Split { rows, .. } => inputs.add_rows(rows, frontend)?,
        RowsConfig::Given { train, test } => {
            for file in train.iter().chain([test]) {
                inputs.add_rows(file, frontend)?;
            }
        }
    }
    if let Model::Import { path } = &config.pipeline.model {
        inputs.add(path)?;
    }
    Ok(inputs)
}

/// A stage made by another program is not this program's.
///
/// The program is read once, early: `cargo test` within a long run may replace its file.
pub(crate) fn program_digest() -> Result<String, Failure> {
    static DIGEST: OnceLock<String> = OnceLock::new();
    if let Some(digest) = DIGEST.get() {
        return Ok(digest.clone());
    }
    let program = std::env::current_exe().environment()?;
    let bytes = std::fs::read(&program)
        .with_context(|| format!("cannot read {}", program.display()))
        .environment()?;
    Ok(DIGEST.get_or_init(|| sha256(&bytes)).clone())
}

impl Inputs {
    fn add(&mut self, path: &ConfigPath) -> Result<(), Failure> {
        if self.files.contains_key(&path.typed) {
            return Ok(());
        }
        if path.full.is_dir() {
            return Err(Failure::Input(anyhow!(
                "{}: found a folder, expected a file; only recordings, with [frontend], come in \
                 folders",
                path.full.display()
            )));
        }
        let bytes = std::fs::read(&path.full)
            .with_context(|| format!("cannot read {}", path.full.display()))
            .input()?;
        self.digests.insert(path.typed.clone(), sha256(&bytes));
        self.files.insert(path.typed.clone(), bytes);
        Ok(())
    }

    fn add_rows(&mut self, file: &DataFile, frontend: Option<&Frontend>) -> Result<(), Failure> {
        if let (Some(frontend), true, Labels::Folders) =
            (frontend, file.path.full.is_dir(), &file.labels)
        {
            let endings: &[&str] = match frontend {
                Frontend::Audio(_) => &[".wav"],
                Frontend::Motion(_) => &[".csv", ".csv.gz"],
            };
            return self.add_folders(&file.path, endings);
        }
        self.add(&file.path)?;
        if let Labels::File(labels) = &file.labels {
            self.add(labels)?;
        }
        Ok(())
    }

    /// Adds the recordings of a folder with a folder per class; others are passed over.
    fn add_folders(&mut self, path: &ConfigPath, endings: &[&str]) -> Result<(), Failure> {
        let entries = |folder: &Path| -> Result<Vec<String>, Failure> {
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
            Ok(names)
        };
        for class in entries(&path.full)? {
            let folder = path.full.join(&class);
            if !folder.is_dir() {
                continue;
            }
            for name in entries(&folder)? {
                let lower = name.to_lowercase();
                if endings.iter().any(|ending| lower.ends_with(ending)) {
                    self.add(&ConfigPath {
                        typed: format!("{}/{class}/{name}", path.typed),
                        full: folder.join(&name),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// The files of a folder, by path, in the order of their paths.
    pub(crate) fn below(&self, folder: &ConfigPath) -> impl Iterator<Item = (&str, &[u8])> {
        let prefix = format!("{}/", folder.typed);
        self.files
            .iter()
            .filter(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The paths of all files, as typed.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(crate) fn bytes(&self, path: &ConfigPath) -> &[u8] {
        self.files.get(&path.typed).map_or(&[], Vec::as_slice)
    }

    /// What all stages depend on: this program and the files of rows.
    ///
    /// # Errors
    /// As [`Self::of_config`].
    pub(crate) fn base(&self, config: &Config) -> Result<store::Inputs, Failure> {
        let mut base = self.of_config(config, &["dataset", "frontend", "scenes"])?;
        base.insert("program".to_owned(), self.program.clone());
        Ok(base)
    }

    /// The digests of the input files and of the named sections.
    ///
    /// # Errors
    /// A config that cannot be written down: a key without it would hold for other configs too.
    pub(crate) fn of_config(
        &self,
        config: &Config,
        sections: &[&str],
    ) -> Result<store::Inputs, Failure> {
        let mut inputs: store::Inputs = self
            .digests
            .iter()
            .map(|(path, digest)| (path.clone(), digest.clone()))
            .collect();
        let all = serde_json::to_value(&config.pipeline).environment()?;
        for section in sections {
            // Sections that a pipeline does not have to have are not part of its key.
            if let Some(value) = all.get(*section).filter(|value| !value.is_null()) {
                let digest = sha256(value.to_string().as_bytes());
                inputs.insert(format!("[{section}]"), digest);
            }
        }
        inputs.insert("seed".to_owned(), config.pipeline.identity.seed.to_string());
        Ok(inputs)
    }
}

/// Parses rows and splits them as the config says.
pub(crate) fn rows(config: &Config, inputs: &Inputs) -> Result<PipelineRows, Failure> {
    let rows = parse_rows(config, inputs)?;
    let (RowsConfig::Split { rows: file, .. } | RowsConfig::Given { test: file, .. }) =
        &config.pipeline.dataset;
    let train_file = match &config.pipeline.dataset {
        RowsConfig::Given {
            train: Some(train), ..
        } => train,
        _ => file,
    };
    check_counts(config, file, &rows.test)?;
    if let Some(train) = &rows.train {
        check_counts(config, train_file, train)?;
    }
    Ok(rows)
}

/// Refuses more classes or features than a model may have, before one is trained on them.
fn check_counts(config: &Config, file: &DataFile, rows: &Dataset) -> Result<(), Failure> {
    let n_classes = rows.classes().len();
    // What is too few depends on what the rows are for.
    if n_classes > limits::CLASSES.max {
        let place = match &file.labels {
            Labels::Column(label) => format!("{}, column \"{label}\"", file.path.typed),
            Labels::File(labels) => labels.typed.clone(),
            Labels::Folders | Labels::None => file.path.typed.clone(),
        };
        if let Err(error) = limits::CLASSES.check(place, n_classes) {
            return Err(config
                .fault("dataset.label", error.to_string(), None)
                .into());
        }
    }
    limits::FEATURES
        .check("the columns", rows.features().len())
        .map_err(|error| at_fault(&file.path.full, &error))
}

fn parse_rows(config: &Config, inputs: &Inputs) -> Result<PipelineRows, Failure> {
    if let Some(frontend) = &config.pipeline.frontend {
        return signals::rows(config, inputs, frontend);
    }
    match &config.pipeline.dataset {
        RowsConfig::Split {
            rows,
            test_fraction,
        } => {
            let (dataset, _) = read_file(config, inputs, rows)?;
            let seed = config.pipeline.identity.seed;
            let parts = split(&dataset, *test_fraction, seed)
                .map_err(|error| at_fault(&rows.path.full, &error))?;
            Ok(PipelineRows {
                train: Some(parts.train),
                test: parts.test,
                has_labels: true,
                test_samples: Vec::new(),
            })
        }
        RowsConfig::Given { train, test } => {
            let train = train
                .as_ref()
                .map(|train| read_file(config, inputs, train))
                .transpose()?;
            let (test_rows, has_labels) = read_file(config, inputs, test)?;
            let Some((train, _)) = train else {
                return Ok(PipelineRows {
                    train: None,
                    test: test_rows,
                    has_labels,
                    test_samples: Vec::new(),
                });
            };
            let test_rows = test_rows
                .with_features(train.features(), train.is_named())
                .and_then(|rows| rows.with_classes(train.classes()))
                .map_err(|error| at_fault(&test.path.full, &error))?;
            Ok(PipelineRows {
                train: Some(train),
                test: test_rows,
                has_labels,
                test_samples: Vec::new(),
            })
        }
    }
}

/// Reads one file of rows; the flag says whether its labels are real.
fn read_file(
    config: &Config,
    inputs: &Inputs,
    file: &DataFile,
) -> Result<(Dataset, bool), Failure> {
    let bytes = inputs.bytes(&file.path);
    let path = &file.path.full;
    let blame = |error: DataError| at_fault(path, &error);
    match &file.labels {
        Labels::File(labels) => {
            let labels = inputs.bytes(labels);
            let dataset = match RowFormat::of(bytes) {
                RowFormat::Npy => npy::read(bytes, labels),
                _ => idx::read(bytes, labels),
            };
            Ok((dataset.map_err(blame)?, true))
        }
        Labels::Column(label) if RowFormat::of(bytes) == RowFormat::Npz => {
            Ok((npy::read_npz(bytes, label).map_err(blame)?, true))
        }
        Labels::Column(label) => {
            let columns = csv::columns(bytes).map_err(blame)?;
            if !columns.contains(label) {
                let message = format!("{} has no column \"{label}\"", file.path.typed);
                let help = columns_help(&columns, label);
                return Err(config.fault("dataset.label", message, Some(&help)).into());
            }
            let keeps = kept(config, file, Some(label), &columns)?;
            let rows = csv::read_kept(bytes, label, &keeps).map_err(blame)?;
            Ok((rows, true))
        }
        Labels::None | Labels::Folders => {
            let rows = match RowFormat::of(bytes) {
                RowFormat::Npy => npy::rows(bytes).map_err(blame)?,
                RowFormat::Npz => npy::read_npz_rows(bytes, "").map_err(blame)?.0,
                RowFormat::Other => {
                    let columns = csv::columns(bytes).map_err(blame)?;
                    let keeps = kept(config, file, None, &columns)?;
                    csv::read_rows(bytes, "", &keeps).map_err(blame)?.0
                }
            };
            Ok((unlabelled(rows).map_err(blame)?, false))
        }
    }
}

/// A format of rows that its first bytes tell; CSV and IDX are told apart by their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowFormat {
    Npy,
    Npz,
    Other,
}

impl RowFormat {
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"\x93NUMPY") {
            Self::Npy
        } else if bytes.starts_with(b"PK\x03\x04") {
            Self::Npz
        } else {
            Self::Other
        }
    }
}

/// Rows without labels count as class 0, which nobody looks at.
fn unlabelled(rows: Rows) -> Result<Dataset, DataError> {
    let labels = vec![String::new(); rows.values.nrows()];
    Dataset::new(rows, &labels)
}

/// Which columns of a CSV file are kept, if `ignore` names columns that there are.
fn kept<'a>(
    config: &Config,
    file: &'a DataFile,
    label: Option<&str>,
    columns: &[String],
) -> Result<impl Fn(&str) -> bool + use<'a>, Failure> {
    for pattern in &file.ignore {
        let fault = if label.is_some_and(|label| matches(pattern, label)) {
            format!("\"{pattern}\" leaves out the label's column too")
        } else if columns.iter().any(|column| matches(pattern, column)) {
            continue;
        } else {
            format!("{} has no column \"{pattern}\"", file.path.typed)
        };
        let help = format!("its columns are {}", csv::preview(columns));
        return Err(config.fault("dataset.ignore", fault, Some(&help)).into());
    }
    Ok(|column: &str| !file.ignore.iter().any(|pattern| matches(pattern, column)))
}

/// Whether a name matches a pattern in which `*` stands for any text.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(prefix) else {
        return false;
    };
    loop {
        if matches(rest, name) {
            return true;
        }
        let mut characters = name.chars();
        if characters.next().is_none() {
            return false;
        }
        name = characters.as_str();
    }
}

/// What a file's columns are, or what is the matter with them, where `label` is none of them.
fn columns_help(columns: &[String], label: &str) -> String {
    if columns.iter().any(|name| name.parse::<f64>().is_ok()) {
        return format!(
            "its columns are {}; if these are readings, put a header line above the rows",
            csv::preview(columns)
        );
    }
    let label = label.trim();
    let alike = columns.iter().find(|name| name.eq_ignore_ascii_case(label));
    match alike {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("its columns are {}", csv::preview(columns)),
    }
}

/// A data file is at fault: exit 2, with its path.
pub(crate) fn at_fault(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Input(anyhow!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("pixel_*", "pixel_0_1"));
        assert!(matches("*", "anything"));
        assert!(matches("a*c*e", "abcde"));
        assert!(matches("hue", "hue"));
        assert!(!matches("pixel_*", "hue"));
        assert!(!matches("a*c", "abcd"));
        assert!(!matches("hue", "hues"));
    }
}
