//! Files of rows that are open: which columns they have, and what is read of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::anyhow;
use spinney_config::{Config, ConfigPath, DataFile, Feature, Gaps, Labels, Model};
use spinney_convert::matches;
use spinney_dataset::{
    Column, Columns, DataError, Dataset, LabelsAre, LabelsIn, Missing, Note, Part, Source, csv,
    notes, read_all, words_of,
};
use spinney_model::{FloatModel, Naming, Task, Tree};

use super::inputs::{Inputs, at_fault};
use crate::failure::Failure;

/// Refuses groups of both sides; of both files' groups a note says how many there are.
pub(super) fn check_groups(
    (train_file, train): (&Opened<'_>, &Dataset),
    (test_file, test): (&Opened<'_>, &Dataset),
) -> Result<Option<Note>, Failure> {
    let (Some(train), Some(test)) = (train_file.groups(train)?, test_file.groups(test)?) else {
        return Ok(None);
    };
    let set = |groups: &[String]| groups.iter().cloned().collect::<BTreeSet<String>>();
    let both = set(&train)
        .intersection(&set(&test))
        .map(|it| format!("{it:?}"))
        .collect::<Vec<_>>();
    if both.is_empty() {
        return Ok(Some(notes::groups(&train, &test)));
    }
    let message = format!(
        "found {} in {} and in {}, expected groups of one side alone",
        csv::preview(&both),
        train_file.file.path.typed,
        test_file.file.path.typed
    );
    let help = "`path` with `test_fraction` divides rows by their groups";
    train_file
        .config
        .refuse("dataset.group", message, Some(help))
}

/// What rows are read by.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub config: &'a Config,
    pub inputs: &'a Inputs,
    /// What labels are for.
    pub task: Task,
    /// The model, where it is there already.
    pub model: Option<&'a FloatModel>,
}

/// Files of rows whose format is known, and whose label is there.
pub(super) struct Opened<'a> {
    file: &'a DataFile,
    config: &'a Config,
    /// At least one.
    parts: Vec<Part<'a>>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(reading: Reading<'a>, file: &'a DataFile) -> Result<Self, Failure> {
        let several = reading.inputs.below(&file.path);
        let mut parts = several
            .map(|(it, bytes)| part(reading, file, &it.path, it.class.clone(), bytes))
            .collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            let bytes = reading.inputs.bytes(&file.path);
            parts.push(part(reading, file, &file.path, None, bytes)?);
        }
        Ok(Self {
            file,
            config: reading.config,
            parts,
        })
    }

    /// What is at fault in one of several files names it; else the file is named here.
    pub(super) fn at_fault(&self, error: &DataError) -> Failure {
        match self.file.several[..] {
            [] => at_fault(&self.file.path.full, error),
            _ => Failure::Input(anyhow!("{error}")),
        }
    }

    fn first_at_fault(&self, error: DataError) -> Failure {
        match self.file.several[..] {
            [] => self.at_fault(&error),
            _ => self.at_fault(&self.parts[0].at_fault(error)),
        }
    }

    fn columns(&self) -> Result<Option<Vec<String>>, Failure> {
        let columns = self.parts[0].source.columns();
        columns.map_err(|error| self.first_at_fault(error))
    }

    fn features(&self) -> Result<Vec<String>, Failure> {
        let features = self.parts[0].source.features();
        features.map_err(|error| self.first_at_fault(error))
    }

    fn ignores(&self, column: &str) -> bool {
        ignores(self.file, column)
    }

    /// The group of each of these rows, which are among the files'.
    pub(super) fn groups(&self, rows: &Dataset) -> Result<Option<Vec<String>>, Failure> {
        let Some(column) = &self.file.group else {
            return Ok(None);
        };
        let all = words_of(&self.parts, column);
        let all = all.map_err(|error| match self.parts[..] {
            [_] => Failure::Input(anyhow!("{error}")),
            _ => self.at_fault(&error),
        })?;
        let of_rows = rows.source_rows().iter().map(|row| all[*row].clone());
        Ok(Some(of_rows.collect()))
    }

    /// Features with names of their own, if the file has all of them.
    pub(super) fn wanted<'m>(
        &self,
        features: Option<&'m [String]>,
    ) -> Result<Option<&'m [String]>, Failure> {
        let Some(features) = features.filter(|_| self.file.header) else {
            return Ok(None);
        };
        let columns = self.columns()?;
        let columns: BTreeSet<&String> = columns.iter().flatten().collect();
        let has = |name: &String| columns.contains(name) && !self.ignores(name);
        Ok(features.iter().all(has).then_some(features))
    }

    /// Reads the rows without the columns that the config ignores and, where those that are wanted
    /// are known, without others, which are named. Rows without labels count as class 0, which
    /// nobody looks at.
    pub(super) fn read(
        &self,
        wanted: Option<&[String]>,
    ) -> Result<(Dataset, Vec<String>), Failure> {
        let unused = RefCell::new(Vec::new());
        let wanted: Option<HashSet<&str>> =
            wanted.map(|wanted| wanted.iter().map(String::as_str).collect());
        let keeps = |column: &str| {
            if self.ignores(column) {
                return false;
            }
            let is_wanted = wanted.as_ref().is_none_or(|it| it.contains(column));
            if !is_wanted {
                unused.borrow_mut().push(column.to_owned());
            }
            is_wanted
        };
        let rows = read_all(&self.parts, &keeps).and_then(|rows| match &self.file.normal {
            Some(normal) if self.file.labels != Labels::None => rows.as_alarms(normal),
            _ => Ok(rows),
        });
        let rows = rows.and_then(|rows| self.without_gaps(rows));
        let rows = rows.map_err(|error| self.at_fault(&error))?;
        let mut unused = unused.into_inner();
        let mut seen = HashSet::new();
        unused.retain(|column| seen.insert(column.clone()));
        Ok((rows, unused))
    }

    /// The rows without those with gaps, if the config leaves these out.
    fn without_gaps(&self, rows: Dataset) -> Result<Dataset, DataError> {
        if self.file.missing != Some(Gaps::Drop) {
            return Ok(rows);
        }
        let declared = &self.config.pipeline.features;
        let whole = rows.without_gaps(&|name| {
            declared_of(declared, name).is_none_or(|it| it.missing.is_none())
        })?;
        let note = notes::dropped(&self.file.path.typed, rows.n_rows(), whole.n_rows());
        Ok(whole.with_notes(note))
    }
}

/// Whether a file's column is neither a feature nor a label.
fn ignores(file: &DataFile, column: &str) -> bool {
    let mut ignored = file.ignore.iter();
    ignored.any(|it| matches(it, column)) || file.group.as_deref() == Some(column)
}

/// One of the files; `path` and the class of all its rows, if it has one, are its own.
fn part<'a>(
    reading: Reading<'a>,
    file: &'a DataFile,
    path: &ConfigPath,
    class: Option<String>,
    bytes: &'a [u8],
) -> Result<Part<'a>, Failure> {
    let Reading {
        config,
        inputs,
        task,
        model,
    } = reading;
    let labels = match &file.labels {
        Labels::File(labels) => LabelsIn::File(inputs.bytes(labels)),
        Labels::Columns(labels) => {
            check_targets(config, task, labels, model)?;
            LabelsIn::Columns(labels.iter().map(String::as_str).collect())
        }
        Labels::None | Labels::Folders => LabelsIn::None,
    };
    let blame = |error: DataError| at_fault(&path.full, &error);
    let source = Source::open(bytes, labels, file.dialect()).map_err(blame)?;
    if let Some(columns) = source.columns().map_err(blame)? {
        let labels = match &file.labels {
            Labels::Columns(labels) => &labels[..],
            _ => &[],
        };
        if let Some(label) = labels.iter().find(|label| !columns.contains(label)) {
            let (what, help) = if file.header {
                (format!("\"{label}\""), columns_help(&columns, label))
            } else {
                let help = format!("its columns are 0 to {}", columns.len() - 1);
                (label.clone(), help)
            };
            let message = format!("{} has no column {what}", path.typed);
            return config.refuse("dataset.label", message, Some(&help));
        }
        if let Some(group) = file.group.as_ref().filter(|it| !columns.contains(it)) {
            let message = format!("{} has no column \"{group}\"", path.typed);
            let help = columns_help(&columns, group);
            return config.refuse("dataset.group", message, Some(&help));
        }
    }
    let labels_are = match task {
        Task::Classify | Task::Detect => model.map_or(LabelsAre::Classes, |model| {
            LabelsAre::of_classes(model.schema().classes())
        }),
        Task::Regress => LabelsAre::Numbers,
    };
    let may_miss = file.missing.is_some();
    let ignores = |column: &str| ignores(file, column);
    let declared = &config.pipeline.features;
    let columns = columns(declared, model, may_miss, &ignores, &source).map_err(blame)?;
    let source = source.with(labels_are, columns);
    let source = match config.pipeline.model {
        Model::Import { .. } => source.with_way_out(
            "`missing = \"nan\"` in [features.NAME] sends it where the model does, if that has sides for \
             it; `missing = \"drop\"` in [dataset] leaves such rows out",
        ),
        Model::Train(_) => source,
    };
    Ok(Part {
        name: path.typed.clone(),
        source,
        class,
    })
}

/// The features of a file that may have gaps or words: by what is declared of them, as all may, or as the
/// model knows what to do with a missing reading, and they are not declared to be integers; and by the
/// words that it knows of a feature whose own are not declared.
///
/// Features of a model that has no names for them are the columns in their order, those that `ignores`
/// tells left out, and what is declared of them is declared under the model's names.
///
/// # Errors
/// What the file's own columns are, where it cannot be read.
pub fn columns(
    declared: &BTreeMap<String, Feature>,
    model: Option<&FloatModel>,
    all_may_miss: bool,
    ignores: &dyn Fn(&str) -> bool,
    source: &Source<'_>,
) -> Result<Columns, DataError> {
    let may_miss = model.map_or_else(BTreeSet::new, names_with_gaps);
    let words = model.map_or_else(BTreeMap::new, words);
    let is_odd = |it: &Feature| it.missing.is_some() || it.categories.is_some();
    if may_miss.is_empty() && words.is_empty() && !all_may_miss && !declared.values().any(is_odd) {
        return Ok(Columns::new());
    }
    let mut names = source.features()?;
    names.retain(|name| !ignores(name));
    let by_place = model.map(FloatModel::schema).filter(|it| {
        let is_by_name = it.naming() == Naming::Given && source.is_named();
        !is_by_name && it.n_features() == names.len()
    });
    let columns = names.into_iter().enumerate().filter_map(|(place, name)| {
        let known = by_place.map_or(&name, |schema| &schema.features()[place].name);
        let declared = declared_of(declared, known);
        let is_integer = declared
            .and_then(|it| it.type_)
            .is_some_and(|it| it.integers().is_some());
        let by_model = may_miss.contains(known) && !is_integer;
        let by_model = (all_may_miss || by_model).then_some(Missing::Nan);
        let column = Column {
            missing: declared.and_then(|it| it.missing).or(by_model),
            categories: declared
                .and_then(|it| it.categories.as_deref())
                .or(words.get(&**known).copied())
                .unwrap_or_default()
                .to_vec(),
        };
        (column != Column::default()).then_some((name, column))
    });
    Ok(columns.collect())
}

/// The words of features that a model has words of.
fn words(model: &FloatModel) -> BTreeMap<&str, &[String]> {
    let features = model.schema().features().iter();
    let with_words = features.filter(|feature| !feature.categories.is_empty());
    with_words
        .map(|feature| (&*feature.name, &*feature.categories))
        .collect()
}

/// The features of which a missing reading has a side somewhere; and, of a model that has sides or asks
/// nothing, those that it does not ask.
fn names_with_gaps(model: &FloatModel) -> BTreeSet<String> {
    let features = model.schema().features();
    let nodes = || model.trees().iter().flat_map(Tree::nodes);
    let with_side: BTreeSet<usize> = nodes()
        .filter(|node| node.missing().is_some())
        .filter_map(|node| Some(node.split()?.0))
        .collect();
    let asked: BTreeSet<usize> = nodes().filter_map(|node| Some(node.split()?.0)).collect();
    let is_constant = asked.is_empty() && !model.trees().is_empty();
    if with_side.is_empty() && !is_constant {
        return BTreeSet::new();
    }
    let may_miss = |feature: &usize| with_side.contains(feature) || !asked.contains(feature);
    let names = (0..features.len()).filter(may_miss);
    names
        .map(|feature| features[feature].name.clone())
        .collect()
}

/// What the config declares of a feature: under its name, else under the first pattern that it matches.
pub(super) fn declared_of<'c>(
    features: &'c BTreeMap<String, Feature>,
    name: &str,
) -> Option<&'c Feature> {
    let by_pattern = || features.iter().find(|(pattern, _)| matches(pattern, name));
    features.get(name).or_else(|| Some(by_pattern()?.1))
}

/// Whether each pattern of `ignore` names a column of one of the files, and none the label.
pub(super) fn check_ignored(config: &Config, files: &[&Opened<'_>]) -> Result<(), Failure> {
    let mut features: Vec<String> = Vec::new();
    for opened in files.iter().filter(|it| !it.file.ignore.is_empty()) {
        let of_file = opened.features()?;
        let known: HashSet<String> = features.iter().cloned().collect();
        features.extend(of_file.into_iter().filter(|it| !known.contains(it)));
    }
    for opened in files {
        for pattern in &opened.file.ignore {
            let labels = match &opened.file.labels {
                Labels::Columns(labels) if opened.file.header => &labels[..],
                _ => &[],
            };
            let fault = if labels.iter().any(|label| matches(pattern, label)) {
                format!("\"{pattern}\" leaves out the label's column too")
            } else if features.iter().any(|column| matches(pattern, column)) {
                continue;
            } else {
                let paths: Vec<&str> = files.iter().map(|it| it.file.path.typed.as_str()).collect();
                let has = if paths.len() > 1 { "have" } else { "has" };
                format!("{} {has} no column \"{pattern}\"", paths.join(" and "))
            };
            let help = format!("columns beside the label: {}", csv::preview(&features));
            return config.refuse("dataset.ignore", fault, Some(&help));
        }
    }
    Ok(())
}

/// What a file's columns are, or what is the matter with them, where `label` is none of them.
fn columns_help(columns: &[String], label: &str) -> String {
    if columns.iter().any(|name| name.parse::<f64>().is_ok()) {
        return format!(
            "its columns are {}; if these are readings, `header = false` in [dataset], and `label` is \
             the column's number, from 0 on",
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

/// Refuses another number of columns than there are targets, and their names in another order.
pub(super) fn check_targets(
    config: &Config,
    task: Task,
    labels: &[String],
    model: Option<&FloatModel>,
) -> Result<(), Failure> {
    let targets = model.map_or(&[][..], |model| model.schema().targets());
    let n_targets = targets.len().max(1);
    let fault = |message: String, help: &str| config.refuse("dataset.label", message, Some(help));
    if task != Task::Regress && labels.len() > 1 {
        let message = format!("found {} columns, expected one, of the class", labels.len());
        return fault(
            message,
            "only a model with several targets has several columns of labels",
        );
    }
    if model.is_none() && labels.len() > 1 {
        let message = format!("found {} columns, expected one", labels.len());
        let help = "what is trained here tells one number; a model of several, trained with scikit-learn or \
                    XGBoost, can be imported";
        return fault(message, help);
    }
    if labels.len() != n_targets {
        let message = format!(
            "found {} column{}, expected {n_targets}, one for each target of the model: {}",
            labels.len(),
            if labels.len() == 1 { "" } else { "s" },
            csv::preview(targets)
        );
        return fault(
            message,
            "name the columns in the order of the targets, in a list; with `report`, each by a `--label`",
        );
    }
    let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
    if labels != targets && n_targets > 1 && sorted(labels) == sorted(targets) {
        let message = format!(
            "found {} in another order than the model's",
            csv::preview(labels)
        );
        return fault(message, &format!("it has {}", csv::preview(targets)));
    }
    Ok(())
}
