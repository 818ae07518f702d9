//! `data`: what Spinney sees in files of rows, and a `[dataset]` for them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Serialize;
use spinney_dataset::arrow::is_arrow;
use spinney_dataset::parquet::is_parquet;
use spinney_dataset::profile::{ColumnProfile, Kind, Profile, Remark, Why};
use spinney_dataset::{Format, LabelsIn, Source, unpacked};
use spinney_pipeline::failure::Failure;
use spinney_pipeline::stages::at_fault;
use spinney_pipeline::stages::seen::{self, quoted};

use crate::{convert, terminal};

/// What `--json` prints.
#[derive(Serialize)]
struct Seen<'a> {
    files: Vec<String>,
    #[serde(flatten)]
    profile: &'a Profile,
    /// The config's section for these files.
    dataset: &'a str,
}

/// Files with a class each, or one table.
pub(crate) struct Table {
    pub profile: Profile,
    /// Which file has which class, where no column says it.
    has_file_per_class: bool,
    formats: String,
}

pub(crate) fn run(files: &[PathBuf], label: Option<&str>, as_json: bool) -> Result<(), Failure> {
    if let ([folder], None) = (files, label)
        && folder.is_dir()
    {
        let seen = seen::folder(folder, &slashed(folder))?;
        return terminal::answer(&seen, as_json, ToString::to_string);
    }
    let bytes = read(files)?;
    if let [file] = files
        && let Some(seen) = other_format(file, &bytes[0])?
    {
        if as_json {
            return Err(Failure::Input(anyhow!(
                "{}: found another format than CSV, Parquet and Arrow, expected one of them for `--json`",
                file.display()
            )));
        }
        print!("{seen}");
        return Ok(());
    }
    let table = table_of(files, &bytes, label)?;
    let names: Vec<String> = files.iter().map(|it| slashed(it)).collect();
    let (dataset, _) = dataset(&table, &names);
    let seen = Seen {
        files: names,
        profile: &table.profile,
        dataset: &dataset,
    };
    terminal::answer(&seen, as_json, |seen| {
        let model = match table.has_numbers() {
            true => "\n[model]\nkind = \"random-forest\"\ntask = \"regress\"\n",
            false => "",
        };
        format!("{}\n{dataset}{model}", text(&table, &seen.files))
    })
}

impl Table {
    /// Whether nothing says what rows are.
    pub(crate) fn has_no_label(&self) -> bool {
        self.profile.label.is_none() && !self.has_file_per_class
    }

    /// Whether labels are rather numbers than classes: many, and with fractions.
    pub(crate) fn has_numbers(&self) -> bool {
        const CLASSES_MAX: usize = 12;
        let label = self.profile.label.as_ref().map(|it| &it.column);
        let mut columns = self.profile.columns.iter();
        let column = columns.find(|it| Some(&it.name) == label);
        !self.has_file_per_class
            && column.is_some_and(|it| it.kind == Kind::Numbers && it.n_distinct > CLASSES_MAX)
    }
}

pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, Failure> {
    let read = |path: &PathBuf| {
        if path.is_dir() {
            return Err(Failure::Input(anyhow!(
                "{}: found a folder, expected files of rows; a folder of recordings comes alone, without \
                 `--label`",
                path.display()
            )));
        }
        convert::read(path)
    };
    files.iter().map(read).collect()
}

pub(crate) fn table_of(
    files: &[PathBuf],
    bytes: &[Vec<u8>],
    label: Option<&str>,
) -> Result<Table, Failure> {
    let names: Vec<String> = files.iter().map(|it| it.display().to_string()).collect();
    let pairs = names.iter().zip(bytes);
    let pairs: Vec<(&str, &[u8])> = pairs
        .map(|(name, it)| (name.as_str(), it.as_slice()))
        .collect();
    let profile = Profile::of(&pairs, label).map_err(|error| match files {
        [file] => at_fault(file, &error),
        _ => Failure::Input(anyhow!("{error}")),
    })?;
    if let Some(label) = label
        && profile.columns.iter().all(|it| it.name != label)
    {
        let names: Vec<String> = profile.columns.iter().map(|it| it.name.clone()).collect();
        return Err(Failure::Input(anyhow!(
            "--label: found {label:?}, expected one of the columns {}",
            spinney_dataset::csv::preview(&names)
        )));
    }
    let has_file_per_class = files.len() > 1
        && profile
            .label
            .as_ref()
            .is_none_or(|it| it.why == Why::Integers);
    Ok(Table {
        profile,
        has_file_per_class,
        formats: formats(bytes),
    })
}

fn formats(files: &[Vec<u8>]) -> String {
    let names = files.iter().map(|file| match file {
        _ if is_parquet(file) => "Parquet",
        _ if is_arrow(file) => "Arrow",
        _ => "CSV",
    });
    let names: BTreeSet<&str> = names.collect();
    Vec::from_iter(names).join(" and ")
}

/// What there is to say of rows that are no table; `None` of a table.
fn other_format(path: &Path, bytes: &[u8]) -> Result<Option<String>, Failure> {
    let blame = |error: spinney_dataset::DataError| at_fault(path, &error);
    let budget = spinney_dataset::Budget::of(bytes.len());
    let format = Format::of(&unpacked(bytes, &budget).map_err(blame)?).map_err(blame)?;
    let (name, labels, keys) = match format {
        Format::Csv => return Ok(None),
        Format::Npy => (
            "a NumPy array",
            LabelsIn::None,
            "path_labels = \"LABELS.npy\"",
        ),
        Format::Npz => (
            "an archive of NumPy arrays",
            LabelsIn::Columns(vec!["y"]),
            "label = \"y\"",
        ),
        Format::Idx => ("IDX", LabelsIn::None, "path_labels = \"LABELS.idx1-ubyte\""),
    };
    let source = Source::open(bytes, labels, true).map_err(blame)?;
    let (rows, _) = source.rows(&|_| true).map_err(blame)?;
    let (n_rows, n_features) = rows.values.dim();
    let typed = quoted(&slashed(path));
    Ok(Some(format!(
        "{}: {name}, {n_rows} rows of {n_features} features\n\n[dataset]\npath = {typed}\n{keys}\n",
        path.display()
    )))
}

/// `[dataset]` for files that are called so, and whether it has rows to divide.
pub(crate) fn dataset(table: &Table, names: &[String]) -> (String, bool) {
    let profile = &table.profile;
    let mut out = "[dataset]\n".to_owned();
    let mut is_divided = true;
    let files: Vec<String> = names.iter().map(|it| quoted(it)).collect();
    let sides = |word: &str| -> Vec<usize> {
        let is = |at: &usize| stem(&names[*at]).to_lowercase().contains(word);
        (0..names.len()).filter(is).collect()
    };
    let label = match &profile.label {
        _ if table.has_file_per_class => None,
        Some(label) if profile.header => Some(quoted(&label.column)),
        Some(label) => Some(label.column.clone()),
        None => Some("\"?\"    # no column looks like the label; name it".to_owned()),
    };
    match (&files[..], &sides("train")[..], &sides("test")[..]) {
        ([file], ..) => out += &format!("path = {file}\n"),
        ([_, _], [train], [test]) if train != test && !table.has_file_per_class => {
            is_divided = false;
            let _ = writeln!(out, "train = {}\ntest = {}", files[*train], files[*test]);
        }
        _ if table.has_file_per_class => {
            let mut of_class: Vec<(&str, Vec<&str>)> = Vec::new();
            for (name, file) in names.iter().zip(&files) {
                match of_class.iter_mut().find(|(class, _)| *class == stem(name)) {
                    Some((_, files)) => files.push(file),
                    None => of_class.push((stem(name), vec![file])),
                }
            }
            let of = |(class, files): (&str, Vec<&str>)| match files[..] {
                [file] => format!("{} = {file}", quoted(class)),
                _ => format!("{} = [{}]", quoted(class), files.join(", ")),
            };
            let classes: Vec<String> = of_class.into_iter().map(of).collect();
            let _ = writeln!(out, "path = {{ {} }}", classes.join(", "));
        }
        _ => {
            let _ = writeln!(out, "path = [{}]", files.join(", "));
        }
    }
    if let Some(label) = label {
        let _ = writeln!(out, "label = {label}");
    }
    if !profile.header {
        out += "header = false\n";
    }
    let features = profile.columns.iter().filter(|it| is_feature(table, it));
    let group = features.clone().find(|it| it.is_group && profile.header);
    if let Some(group) = group {
        let _ = writeln!(out, "group = {}", quoted(&group.name));
    }
    let rest = features.filter(|it| Some(it.name.as_str()) != group.map(|it| it.name.as_str()));
    let (ignored, kept): (Vec<_>, Vec<_>) = rest.partition(|it| is_ignored(it));
    if !ignored.is_empty() {
        let names = ignored
            .iter()
            .map(|it| quoted(it.feature.as_deref().unwrap_or(&it.name)));
        let _ = writeln!(out, "ignore = [{}]", names.collect::<Vec<_>>().join(", "));
    }
    if kept.iter().any(|it| it.n_missing > 0) {
        out += "missing = \"median\"\n";
    }
    (out, is_divided)
}

fn is_feature(table: &Table, column: &ColumnProfile) -> bool {
    column.feature.is_some() || table.has_file_per_class
}

/// Columns that no model can read, or should not.
fn is_ignored(column: &ColumnProfile) -> bool {
    let is_odd = |it: &Remark| *it != Remark::TellsLabel;
    matches!(column.kind, Kind::Words | Kind::Mixed | Kind::Empty)
        || column.remarks.iter().any(is_odd)
}

fn text(table: &Table, names: &[String]) -> String {
    let profile = &table.profile;
    let mut out = format!(
        "{}: {}, {} rows of {} columns{}\n",
        names.join(", "),
        table.formats,
        profile.n_rows,
        profile.columns.len(),
        if profile.header {
            ""
        } else {
            "; the first line reads as a row, not as names"
        }
    );
    for dialect in &profile.dialects {
        let _ = writeln!(out, "{dialect}");
    }
    let rows = profile.columns.iter().map(|it| row(table, it));
    let head = ["column", "holds", "range", "distinct", "missing", ""].map(str::to_owned);
    let rows: Vec<[String; 6]> = [head].into_iter().chain(rows).collect();
    for line in terminal::columns(&rows, 6) {
        let _ = writeln!(out, "  {line}");
    }
    match &profile.label {
        _ if table.has_file_per_class => {
            out += "label: no column looks like it; a class per file\n"
        }
        None => out += "label: no column looks like it\n",
        Some(label) => {
            const SHOWN: usize = 20;
            let classes = label.classes.iter().take(SHOWN);
            let classes: Vec<String> = classes
                .map(|it| format!("{} {}", it.name, it.n_rows))
                .collect();
            let more = match label.classes.len().saturating_sub(SHOWN) {
                0 => String::new(),
                n => format!(", and {n} more"),
            };
            let classes = match label.classes.len() {
                _ if table.has_numbers() => "numbers, which a regressor predicts".to_owned(),
                0 => "no classes: labels are missing, or too many".to_owned(),
                n => format!("{n} classes: {}{more}", classes.join(", ")),
            };
            let why = match label.why {
                Why::Asked => "as asked for",
                Why::Name => "since its name says so",
                Why::Words => "the last column of words that repeat",
                Why::Integers => "the last column of few whole numbers",
            };
            let _ = writeln!(out, "label: {}, {why}; {classes}", label.column);
        }
    }
    if profile.n_repeated > 0 {
        let _ = writeln!(
            out,
            "repeated: {} rows say what an earlier one says",
            profile.n_repeated
        );
    }
    out
}

fn row(table: &Table, column: &ColumnProfile) -> [String; 6] {
    let kind = match column.kind {
        Kind::Integers => "integers",
        Kind::Numbers => "numbers",
        Kind::Booleans => "booleans",
        Kind::Words => "words",
        Kind::Mixed => "numbers and words",
        Kind::Empty => "nothing",
    };
    let range = match (column.min, column.max) {
        (Some(min), Some(max)) if column.kind != Kind::Mixed => format!("{min} to {max}"),
        _ => column.words.join(", "),
    };
    let mut remarks: Vec<&str> = column.remarks.iter().map(|it| in_words(*it)).collect();
    if column.is_group {
        remarks.push("what rows are alike in, by its name");
    }
    if !is_feature(table, column) {
        remarks.push("the label");
    }
    [
        column.name.clone(),
        kind.to_owned(),
        shortened(&range),
        column.n_distinct.to_string(),
        column.n_missing.to_string(),
        remarks.join("; "),
    ]
}

fn in_words(remark: Remark) -> &'static str {
    match remark {
        Remark::Constant => "the same in each row",
        Remark::OrdersRows => "orders the rows, as time does",
        Remark::Identifies => "another in each row, as a name is",
        Remark::TellsLabel => "tells the label by itself; a second label?",
    }
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    match text.chars().count() {
        0..=CHARS_MAX => text.to_owned(),
        _ => text.chars().take(CHARS_MAX - 1).chain(['…']).collect(),
    }
}

/// A path as a config has it.
pub(crate) fn slashed(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// The name of a file without its folder and what follows the first dot.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}
