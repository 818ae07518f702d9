//! What a new project starts from: rows, and what its config and its stand-in for a sensor say of them.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use spinney_dataset::Dataset;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::invocation;
use spinney_pipeline::stages::seen;

use crate::data;
use crate::new::{ROWS, ROWS_BYTES};

/// The `[dataset]` of a project around irises.
pub(crate) const IRISES: &str = "[dataset]
path = \"{{rows}}\"        # your rows: a header, a column per feature, a column with the class
label = \"species\"             # the column with the class
test_fraction = 0.25          # this part of the rows is never trained on
";
/// The last line of the same, where rows are divided.
const TEST_FRACTION: &str =
    "test_fraction = 0.25          # this part of the rows is never trained on\n";

/// What a project starts from.
pub struct Start {
    /// Files of rows, by their places in the project.
    pub(crate) rows: Vec<(String, Vec<u8>)>,
    /// Its `[dataset]`, and its `[frontend]` if rows are recordings.
    pub(crate) dataset: String,
    /// What it is for, in words.
    pub(crate) what: String,
    /// What a first model may take together with its firmware, of flash and of RAM.
    pub(crate) budget: [&'static str; 2],
}

/// Budgets of rows, and of samples, which a front end keeps.
pub(crate) const OF_ROWS: [&str; 2] = ["32K", "4K"];
const OF_SAMPLES: [&str; 2] = ["128K", "32K"];

impl Default for Start {
    fn default() -> Self {
        Self {
            rows: vec![(ROWS.to_owned(), ROWS_BYTES.to_vec())],
            dataset: IRISES.to_owned(),
            what: "irises".to_owned(),
            budget: OF_ROWS,
        }
    }
}

impl Start {
    /// Starts from files of rows, of which the likely column is the label, or from a folder of recordings.
    ///
    /// # Errors
    /// Files that cannot be read, or that nothing says the classes of.
    pub fn from(files: &[PathBuf], label: Option<&str>) -> Result<Self, Failure> {
        if let ([folder], None) = (files, label)
            && folder.is_dir()
        {
            return Self::from_folder(folder);
        }
        let bytes = data::read(files)?;
        let table = data::table_of(files, &bytes, label)?;
        let mut rows: Vec<(String, Vec<u8>)> = Vec::new();
        for (path, bytes) in files.iter().zip(bytes) {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let place = format!("data/{}", name.unwrap_or_default());
            if rows.iter().any(|(other, _)| *other == place) {
                return Err(Failure::Input(anyhow!(
                    "--from: found two files that are called {place} in the project, expected other names"
                )));
            }
            rows.push((place, bytes));
        }
        let names: Vec<String> = rows.iter().map(|(name, _)| name.clone()).collect();
        if table.has_no_label() {
            return Err(Failure::Input(anyhow!(
                "--from: found no column that looks like the label, expected `--label COLUMN`; {} shows \
                 the columns",
                invocation::verb("data")
            )));
        }
        if table.has_numbers() {
            return Err(Failure::Input(anyhow!(
                "--from: found numbers in the column of the label, expected classes, since the firmware of a \
                 new project tells classes; {} writes a project to change, and {} the sections of a \
                 regressor",
                invocation::verb("new PATH"),
                invocation::verb("data")
            )));
        }
        let (mut dataset, is_divided) = data::dataset(&table, &names);
        if is_divided {
            dataset += TEST_FRACTION;
        }
        Ok(Self {
            dataset,
            rows,
            what: names.join(", "),
            budget: OF_ROWS,
        })
    }

    /// Starts from what `data` reads of a folder.
    fn from_folder(folder: &Path) -> Result<Self, Failure> {
        let full = std::path::absolute(folder).input()?;
        let name = full.file_name().and_then(|it| it.to_str());
        let place = format!("data/{}", name.unwrap_or("recordings"));
        let seen = seen::folder(folder, &place)?;
        let mut dataset = seen.dataset;
        if !dataset.contains("\ntest = ") {
            dataset += TEST_FRACTION;
        }
        let below = |(path, bytes)| (format!("{place}/{path}"), bytes);
        Ok(Self {
            rows: seen.files.into_iter().map(below).collect(),
            dataset: format!("{dataset}\n{}", seen.frontend),
            what: place,
            budget: OF_SAMPLES,
        })
    }
}

/// A row of each of the first classes, as Rust has arrays.
pub(crate) fn sensor_rows(rows: &Dataset, are_floats: bool) -> Vec<String> {
    const SHOWN: usize = 3;
    let reading = |it: &f64| match are_floats {
        // As the shortest single; a gap is NaN.
        true if it.is_nan() => "f32::NAN".to_owned(),
        // Casts: the device's type.
        true => format!("{:?}", *it as f32),
        false => format!("{it:.0}"),
    };
    let of_class = |class: usize| rows.labels().iter().position(|label| *label == class);
    let classes = (0..rows.classes().len().min(SHOWN)).filter_map(of_class);
    let line = |row: usize| {
        let readings: Vec<String> = rows.values().row(row).iter().map(reading).collect();
        format!("    [{}],\n", readings.join(", "))
    };
    classes.map(line).collect()
}
