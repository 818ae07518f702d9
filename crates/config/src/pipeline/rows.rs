//! Which rows there are, and how they are read.

use serde::Serialize;
use spinney_dataset::{Decimal, Delimiter, Dialect};

use super::ConfigPath;
use crate::choice::{Gaps, Rates, as_word_if_given};

/// Which rows there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there is one per config")]
pub enum Dataset {
    /// One file, split by class.
    Split {
        /// The file.
        rows: DataFile,
        /// Share of the rows that only test, above 0 and below 1.
        test_fraction: f64,
    },
    /// A file for the test, and one for training unless the model is imported.
    Given {
        /// Rows for training and calibration.
        train: Option<DataFile>,
        /// Rows for the test.
        test: DataFile,
    },
}

impl Dataset {
    /// The file of the rows that test; where it is divided, of all rows.
    pub fn test(&self) -> &DataFile {
        match self {
            Self::Split { rows: test, .. } | Self::Given { test, .. } => test,
        }
    }

    /// The file of the rows that train, if any do; where it is divided, of all rows.
    pub fn train(&self) -> Option<&DataFile> {
        match self {
            Self::Split { rows, .. } => Some(rows),
            Self::Given { train, .. } => train.as_ref(),
        }
    }

    /// Every file, that for training first.
    pub fn files(&self) -> impl Iterator<Item = &DataFile> {
        let train = self.train().filter(|_| matches!(self, Self::Given { .. }));
        train.into_iter().chain([self.test()])
    }
}

/// Rows that choices are made on: they neither train nor test.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there is one per config")]
pub enum Validation {
    /// This share of the training rows, which then train nothing; above 0 and below 1.
    Share(f64),
    /// Those of a file.
    File(DataFile),
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataFile {
    /// The file, or a folder of recordings; of several, all that was typed, and the first.
    pub path: ConfigPath,
    /// Several files, or patterns of them; empty where `path` is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub several: Vec<FilesOf>,
    /// The column whose rows of one name are all on one side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Where its labels are.
    pub labels: Labels,
    /// The column of labels in a list of recordings, where it has not a name of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_label: Option<String>,
    /// Whether the first line of a CSV file names its columns.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub header: bool,
    /// What separates the columns of a CSV file; `None` where its content tells.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_word_if_given"
    )]
    pub delimiter: Option<Delimiter>,
    /// What marks decimals in a CSV file; `None` where its content tells.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_word_if_given"
    )]
    pub decimal: Option<Decimal>,
    /// The column that names recordings, of a CSV file of motion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// How samples were recorded.
    #[serde(skip_serializing_if = "Recorded::is_plain")]
    pub recorded: Recorded,
    /// What becomes of readings that are missing, where the feature says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Gaps>,
    /// Columns that are neither features nor label; `*` stands for any text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// The unit of a regressor's numbers, or that of each target.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "one_or_all")]
    pub unit: Vec<String>,
    /// The label of rows that are no anomalies; of a detector whose rows have labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<String>,
}

impl DataFile {
    /// Whether this is a folder, or several files.
    pub fn is_many(&self) -> bool {
        !self.several.is_empty() || self.path.full.is_dir()
    }

    /// What is known of how a CSV file is written.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            has_header: self.header,
            delimiter: self.delimiter,
            decimal: self.decimal,
        }
    }
}

/// How samples were recorded, and what is made of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Recorded {
    /// What readings are multiplied by, channel by channel; `None` where they tell.
    pub scales: Option<Vec<f64>>,
    /// The rows of each recording; `None` where something ends it.
    pub rows: Option<u32>,
    /// The column of times; `None` for one that is called so.
    pub time: Option<String>,
    /// What becomes of other rates; `None` for what depends on what says them.
    pub rates: Option<Rates>,
    /// Whether what is shorter than a window is padded, not left out.
    pub is_padded: bool,
}

impl Recorded {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// What stands for the class in a pattern of files.
pub const LABEL: &str = "{label}";

/// Files of rows: one, or all whose names a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilesOf {
    /// The file; `*` stands for any text in a name, and [`LABEL`] for the class.
    pub path: ConfigPath,
    /// The class of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}

/// Where the labels of a file of rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// In these columns of the same CSV file, one for each target, or this array of the same archive; a
    /// column's number where the file has no header.
    #[serde(rename = "column", serialize_with = "one_or_all")]
    Columns(Vec<String>),
    /// In a file of their own.
    File(ConfigPath),
    /// In the names of the folders that recordings lie in, or in the config, which has files by class.
    Folders,
    /// Nowhere: an imported model is run, and no accuracy is measured.
    None,
}

/// One name as it is, several as a list.
fn one_or_all<S: serde::Serializer>(names: &[String], to: S) -> Result<S::Ok, S::Error> {
    match names {
        [name] => name.serialize(to),
        names => names.serialize(to),
    }
}
