//! What a pipeline reads: files by the paths of its config, their digests, and the rows in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, anyhow};
use spinney_config::{
    CalibrationRows, Config, ConfigPath, DataFile, Dataset as RowsConfig, Frontend, Gaps, Labels,
    Model, Pipeline, Reject, Validation, file,
};
use spinney_dataset::limits::FILE_BYTES_MAX;
use spinney_dataset::scan::Layout;
use spinney_dataset::{Dataset, Fills, Note, notes, permutation, split, split_by_group};
use spinney_model::{FloatModel, Naming, Task, limits};
use spinney_signal::COMPRESSED_ENDINGS;

use super::apart::{hold_out, set_aside};
use super::folders::Folder;
use super::opened::{Opened, Reading, check_groups, check_ignored};
use super::order::OF;
use super::quantize::MAX_ERROR;
use super::signals;
use super::triggered::Triggered;
use crate::failure::{ExitReason, Failure};
use crate::invocation;
use crate::store::{self, sha256};

/// The bytes of every input file, by the path typed, and this program's digest.
#[derive(Default)]
pub struct Inputs {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    digests: BTreeMap<String, String>,
    /// The recordings of each folder, by the path typed.
    pub(super) folders: BTreeMap<String, Folder>,
    program: String,
    /// Whether training rows stand in for the test rows, which nobody may look at yet.
    is_blind: bool,
}

/// Most training rows that stand in for test rows.
const STAND_INS: usize = 256;

/// The training rows that stand in for the test rows, in ascending order.
pub fn stand_ins(train: &Dataset, seed: u64) -> Vec<usize> {
    let mut rows = permutation(train.n_rows(), seed);
    rows.truncate(STAND_INS);
    rows.sort_unstable();
    rows
}

/// Rows to train and to test on.
pub struct PipelineRows {
    /// `None` for an imported model without training rows.
    pub train: Option<Dataset>,
    /// Rows that calibrate when a class is unknown, and neither train nor test; `None` where it never
    /// is.
    pub calibration: Option<Dataset>,
    /// Rows that choices are made on, and that neither train nor test; `None` without such.
    pub validation: Option<Dataset>,
    /// The rows that are predicted.
    pub test: Dataset,
    /// Whether the labels of `test` are real; without any, all are class 0.
    pub has_labels: bool,
    /// What a front end made the test rows of, stretch by stretch; none without one.
    pub test_samples: Vec<Vec<i16>>,
    /// What a trigger does to these; `None` without one.
    pub triggered: Option<Triggered>,
    /// What is odd about the files.
    pub notes: Vec<Note>,
}

impl PipelineRows {
    /// Rows of which none are set aside, and no samples are behind.
    pub(super) fn new(train: Option<Dataset>, test: Dataset, has_labels: bool) -> Self {
        Self {
            train,
            calibration: None,
            validation: None,
            test,
            has_labels,
            test_samples: Vec::new(),
            triggered: None,
            notes: Vec::new(),
        }
    }
}

/// The parts of a config that rows depend on.
pub const ROW_PARTS: [&str; 5] = ["dataset", "validation", "frontend", "scenes", "reject"];

/// Those parts of a config that it has, with what they say.
///
/// # Errors
/// A config that cannot be written down.
pub fn present<'a>(
    pipeline: &Pipeline,
    parts: &[&'a str],
) -> serde_json::Result<Vec<(&'a str, serde_json::Value)>> {
    let mut all = serde_json::to_value(pipeline)?;
    let values = parts.iter().map(|part| (*part, all[*part].take()));
    Ok(values.filter(|(_, value)| !value.is_null()).collect())
}

/// The digests of those parts of a config that it has, by where they were typed.
pub fn digests_of(pipeline: &Pipeline, parts: &[&str]) -> Result<store::Inputs, Failure> {
    let present = present(pipeline, parts).environment()?.into_iter();
    let digests = present.map(|(part, value)| (typed(part), sha256(value.to_string().as_bytes())));
    Ok(digests.collect())
}

/// Where a part of a config was typed.
pub fn typed(part: &str) -> String {
    match part {
        "validation" => "[dataset] validation".to_owned(),
        "shrink" => "[model] shrink".to_owned(),
        "select" => "[features] select".to_owned(),
        section => format!("[{section}]"),
    }
}

/// Reads every file that the config names.
pub fn read(config: &Config) -> Result<Inputs, Failure> {
    let mut inputs = Inputs {
        program: program_digest()?,
        ..Inputs::default()
    };
    let frontend = config.pipeline.frontend.as_ref();
    for file in config.pipeline.dataset.files() {
        inputs.add_rows(file, frontend)?;
    }
    if let RowsConfig::Given { train, test } = &config.pipeline.dataset
        && let Some(train) = train
    {
        inputs.hold_back(&train.path, &test.path)?;
    }
    if let Some(Validation::File(file)) = &config.pipeline.validation {
        inputs.add_rows(file, frontend)?;
    }
    if let Model::Import { path, .. } = &config.pipeline.model {
        inputs.add_read(path, file::read_model)?;
    }
    if let Some(Reject {
        rows: CalibrationRows::File(file),
        ..
    }) = &config.pipeline.reject
    {
        inputs.add(&file.path)?;
    }
    Ok(inputs)
}

/// A stage made by another program is not this program's.
///
/// The program is read once, early: `cargo test` within a long run may replace its file.
pub fn program_digest() -> Result<String, Failure> {
    static DIGEST: OnceLock<String> = OnceLock::new();
    if let Some(digest) = DIGEST.get() {
        return Ok(digest.clone());
    }
    let program = invocation::file().environment()?;
    let digest = store::sha256_of_file(&program)
        .with_context(|| format!("cannot read {}", program.display()))
        .environment()?;
    Ok(DIGEST.get_or_init(|| digest).clone())
}

/// The name of a file among all that a stage depends on: as typed, and beginning with `./` where it might
/// be the name of something else, such as `seed`, `[model]` or `model.json of model`.
fn key_of(typed: &str) -> String {
    let may_be_ours = !typed.contains(['.', '/'])
        || typed.starts_with('[')
        || typed.contains(OF)
        || typed == MAX_ERROR;
    match may_be_ours {
        true => format!("./{typed}"),
        false => typed.to_owned(),
    }
}

impl Inputs {
    /// The same, with training rows in place of the test rows; but where a front end makes them of
    /// samples, those of the test are heard.
    pub fn blind(mut self) -> Self {
        self.is_blind = true;
        self
    }

    /// The same, with the test rows.
    pub fn seeing(mut self) -> Self {
        self.is_blind = false;
        self
    }

    pub(super) fn add(&mut self, path: &ConfigPath) -> Result<(), Failure> {
        if path.full.is_dir() {
            return Err(Failure::Input(anyhow!(
                "{}: found a folder, expected a file; only recordings, with [frontend], come in \
                 folders",
                path.full.display()
            )));
        }
        self.add_read(path, file::read)
    }

    fn add_read(
        &mut self,
        path: &ConfigPath,
        read: fn(&Path, u64) -> std::io::Result<Vec<u8>>,
    ) -> Result<(), Failure> {
        if self.files.contains_key(&path.typed) {
            return Ok(());
        }
        let bytes = read(&path.full, FILE_BYTES_MAX)
            .with_context(|| format!("cannot read {}", path.full.display()))
            .input()?;
        self.digests.insert(key_of(&path.typed), sha256(&bytes));
        self.files.insert(path.typed.clone(), bytes);
        Ok(())
    }

    fn add_rows(&mut self, file: &DataFile, frontend: Option<&Frontend>) -> Result<(), Failure> {
        self.add_all(file, frontend)?;
        match &file.labels {
            Labels::File(labels) if frontend.is_some() && file.is_many() => {
                self.add_labels(file, labels)
            }
            Labels::File(labels) if file.list_label.is_some() => Err(at_fault(
                &labels.full,
                &"found the labels of one recording, expected a list of several, of which `label` in \
                  [dataset] names a column",
            )),
            Labels::File(labels) => self.add(labels),
            _ => Ok(()),
        }
    }

    fn add_all(&mut self, file: &DataFile, frontend: Option<&Frontend>) -> Result<(), Failure> {
        if !file.several.is_empty() {
            let by_folder = frontend.is_some() && file.labels == Labels::Folders;
            return self.add_several(file, by_folder);
        }
        if let (Some(frontend), true) = (frontend, file.path.full.is_dir()) {
            let mut endings = vec![".json"];
            match frontend {
                Frontend::Audio(_) => endings.extend([".wav"].iter().chain(&COMPRESSED_ENDINGS)),
                Frontend::Motion(_) => endings.extend([".csv", ".csv.gz"]),
            }
            match &file.labels {
                Labels::Folders => {
                    return self.add_folder(&file.path, &endings, Layout::FolderPerClass);
                }
                Labels::Columns(_) | Labels::File(_) => {
                    return self.add_folder(&file.path, &endings, Layout::Labelled);
                }
                Labels::None => {}
            }
        }
        self.add(&file.path)
    }

    /// The paths of all files, as typed.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The files below a folder, by their paths there.
    pub(super) fn into_files(self, folder: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
        let below = move |(path, bytes): (String, Vec<u8>)| {
            Some((path.strip_prefix(folder)?.to_owned(), bytes))
        };
        self.files.into_iter().filter_map(below)
    }

    /// The bytes of a file that the config names.
    pub fn bytes(&self, path: &ConfigPath) -> &[u8] {
        self.files.get(&path.typed).map_or(&[], Vec::as_slice)
    }

    /// What all stages depend on: this program and the files of rows.
    ///
    /// # Errors
    /// As [`Self::of_config`].
    pub fn base(&self, config: &Config) -> Result<store::Inputs, Failure> {
        let mut base = self.of_config(config, &ROW_PARTS)?;
        base.insert("program".to_owned(), self.program.clone());
        if self.is_blind {
            base.insert("test rows".to_owned(), "training rows".to_owned());
        }
        // What is held back, and what is said, may change where no recording does.
        for (path, folder) in &self.folders {
            let notes = folder.notes.iter().map(|note| note.text.as_str());
            let all: Vec<&str> = notes
                .chain(folder.recordings.iter().map(|it| it.path.typed.as_str()))
                .collect();
            base.insert(format!("{path}/"), sha256(all.join("\n").as_bytes()));
        }
        Ok(base)
    }

    /// The digests of the input files and of the named parts of the config.
    ///
    /// # Errors
    /// A config that cannot be written down: a key without it would hold for other configs too.
    pub fn of_config(&self, config: &Config, parts: &[&str]) -> Result<store::Inputs, Failure> {
        let mut inputs: store::Inputs = self.digests.clone();
        inputs.extend(digests_of(&config.pipeline, parts)?);
        inputs.insert("seed".to_owned(), config.pipeline.identity.seed.to_string());
        Ok(inputs)
    }
}

/// Parses rows and splits them as the config says; their labels are what the task asks for. Where a
/// model with names is there already, other columns than its features are not read, if the files have
/// all of them; and those that it knows what to do without may have gaps.
pub fn rows(
    config: &Config,
    inputs: &Inputs,
    task: Task,
    model: Option<&FloatModel>,
) -> Result<PipelineRows, Failure> {
    let reading = Reading {
        config,
        inputs,
        task,
        model,
    };
    let mut rows = parse_rows(reading)?;
    if config.pipeline.frontend.is_none() {
        rows.notes.splice(..0, inputs.folder_notes().cloned());
    }
    if let Some(validation) = &config.pipeline.validation {
        set_aside(reading, validation, &mut rows)?;
    }
    if let Some(reject) = &config.pipeline.reject {
        hold_out(reading, reject, &mut rows)?;
    }
    let dataset = &config.pipeline.dataset;
    let fills = fills(config, &rows)?;
    rows.notes
        .extend(notes::filled(rows.test.features(), &fills));
    check_counts(config, dataset.test(), &rows.test)?;
    if let Some(train) = &rows.train {
        check_counts(config, dataset.train().unwrap_or(dataset.test()), train)?;
        if inputs.is_blind && rows.test_samples.is_empty() {
            rows.test = train.select(&stand_ins(train, config.pipeline.identity.seed));
            rows.has_labels = true;
        }
    }
    Ok(rows)
}

/// What takes the place of missing readings, feature by feature; nothing where that is not asked for.
pub fn fills(config: &Config, rows: &PipelineRows) -> Result<Fills, Failure> {
    let others = [&rows.test].into_iter().chain(&rows.calibration);
    let others: Vec<&Dataset> = others.chain(&rows.validation).collect();
    match &rows.train {
        Some(train) => fills_of(config, train, &others),
        None => Ok(Fills::new()),
    }
}

/// As [`fills`], by the medians of `train`, where it or `others` have gaps.
pub(crate) fn fills_of(
    config: &Config,
    train: &Dataset,
    others: &[&Dataset],
) -> Result<Fills, Failure> {
    let file = config.pipeline.dataset.test();
    if file.missing != Some(Gaps::Median) {
        return Ok(Fills::new());
    }
    let fills = train.medians(others);
    fills.map_err(|error| at_fault(&file.path.full, &error))
}

/// Refuses more classes or features than a model may have, before one is trained on them.
fn check_counts(config: &Config, file: &DataFile, rows: &Dataset) -> Result<(), Failure> {
    let n_classes = rows.classes().len();
    // What is too few depends on what the rows are for.
    if n_classes > limits::CLASSES.max {
        let place = match &file.labels {
            Labels::Columns(labels) => {
                format!("{}, column \"{}\"", file.path.typed, labels.join("\", \""))
            }
            Labels::File(labels) => labels.typed.clone(),
            Labels::Folders | Labels::None => file.path.typed.clone(),
        };
        if let Err(error) = limits::CLASSES.check(place, n_classes) {
            return config.refuse("dataset.label", error.to_string(), None);
        }
    }
    limits::FEATURES
        .check("the columns", rows.features().len())
        .map_err(|error| at_fault(&file.path.full, &error))
}

fn parse_rows(reading: Reading<'_>) -> Result<PipelineRows, Failure> {
    let Reading {
        config,
        inputs,
        model,
        ..
    } = reading;
    let names = model.map(|model| model.schema().feature_names());
    let is_named = model.is_some_and(|model| model.schema().naming() == Naming::Given);
    let features = names.as_deref().filter(|_| is_named);
    if let Some(frontend) = &config.pipeline.frontend {
        return signals::rows(config, inputs, frontend);
    }
    match &config.pipeline.dataset {
        RowsConfig::Split {
            rows,
            test_fraction,
        } => {
            let file = Opened::new(reading, rows)?;
            check_ignored(config, &[&file])?;
            let (dataset, unused) = file.read(file.wanted(features)?)?;
            let seed = config.pipeline.identity.seed;
            let groups = file.groups(&dataset)?;
            let parts = match &groups {
                Some(groups) => split_by_group(&dataset, groups, *test_fraction, seed),
                None => split(&dataset, *test_fraction, seed),
            };
            let parts = parts.map_err(|error| file.at_fault(&error))?;
            let of_train = file.groups(&parts.train)?;
            let of_groups = (of_train.as_ref().zip(file.groups(&parts.test)?))
                .map(|(train, test)| notes::groups(train, &test));
            Ok(PipelineRows {
                notes: (notes::of_file(&dataset).into_iter())
                    .chain(of_groups)
                    .chain(notes::unused_columns(&unused))
                    .collect(),
                ..PipelineRows::new(Some(with_groups(parts.train, of_train)), parts.test, true)
            })
        }
        RowsConfig::Given { train: None, test } => {
            let file = Opened::new(reading, test)?;
            check_ignored(config, &[&file])?;
            let (rows, unused) = file.read(file.wanted(features)?)?;
            let notes = notes::of_labels(&rows).into_iter();
            Ok(PipelineRows {
                notes: notes.chain(notes::unused_columns(&unused)).collect(),
                ..PipelineRows::new(None, rows, test.labels != Labels::None)
            })
        }
        RowsConfig::Given {
            train: Some(train),
            test,
        } => {
            let train_file = Opened::new(reading, train)?;
            let test_file = Opened::new(reading, test)?;
            check_ignored(config, &[&train_file, &test_file])?;
            let train_rows = train_file.read(train_file.wanted(features)?)?.0;
            let of_train = train_rows.is_named().then(|| train_rows.features());
            let (test_rows, unused) = test_file.read(test_file.wanted(of_train)?)?;
            check_sides(config, train, test)?;
            let of_train = train_file.groups(&train_rows)?;
            let of_groups = check_groups((&train_file, &train_rows), (&test_file, &test_rows))?;
            let test_rows = test_rows
                .with_features(train_rows.features(), train_rows.is_named())
                .and_then(|rows| rows.with_classes(train_rows.classes()))
                .map_err(|error| at_fault(&test.path.full, &error))?;
            let notes = (notes::of_file(&train_rows).into_iter())
                .chain(notes::of_labels(&test_rows))
                .chain(of_groups)
                .chain(notes::unused_columns(&unused))
                .collect();
            let train_rows = with_groups(train_rows, of_train);
            Ok(PipelineRows {
                notes,
                ..PipelineRows::new(Some(train_rows), test_rows, test.labels != Labels::None)
            })
        }
    }
}

/// Test rows never train: the same file for both is a fault.
pub(super) fn check_sides(
    config: &Config,
    train: &DataFile,
    test: &DataFile,
) -> Result<(), Failure> {
    let real = |file: &DataFile| file.path.full.canonicalize().ok();
    let is_one = |file: &DataFile| file.several.is_empty() && file.path.full.is_file();
    // Of several files, those of both sides were held back.
    if !is_one(train) || !is_one(test) || real(train) != real(test) {
        return Ok(());
    }
    let message = format!("{} is the file that trains, too", test.path.typed);
    let help = "`path` with `test_fraction` divides one file";
    config.refuse("dataset.test", message, Some(help))
}

/// Rows with the numbers of their groups, in the order of their names.
pub(super) fn with_groups(rows: Dataset, groups: Option<Vec<String>>) -> Dataset {
    rows.with_groups(groups.map(|groups| {
        let names: BTreeSet<&String> = groups.iter().collect();
        let number_of: BTreeMap<&String, usize> = names.into_iter().zip(0..).collect();
        groups.iter().map(|group| number_of[group]).collect()
    }))
}

/// A data file is at fault: exit 2, with its path.
pub fn at_fault(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Input(anyhow!("{}: {error}", path.display()))
}
