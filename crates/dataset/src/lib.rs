//! Labelled rows, read from bytes and split by seed.
//!
//! Readers take `&[u8]`; this crate must not know of files, configs or models.
//!
//! ```
//! use spinney_dataset::{csv, split};
//!
//! let file = b"length,width,species\n1.4,0.2,setosa\n1.3,0.2,setosa\n4.7,1.4,versicolor\n4.5,1.5,versicolor\n";
//! let rows = csv::read(file, "species")?;
//! assert_eq!(rows.features(), ["length", "width"]);
//! assert_eq!(rows.classes(), ["setosa", "versicolor"]);
//!
//! let parts = split(&rows, 0.5, 42)?;
//! assert_eq!(parts.train.class_counts(), [1, 1]);
//! assert_eq!(parts.test.class_counts(), [1, 1]);
//! # Ok::<(), spinney_dataset::DataError>(())
//! ```

/// The error with this place, and formats of what was found and what is expected.
macro_rules! broken {
    ($place:expr; $found:literal $(, $of_found:expr)*; $expected:literal $(, $of_expected:expr)*) => {
        $crate::DataError::new(
            $place,
            format!($found $(, $of_found)*),
            format!($expected $(, $of_expected)*),
        )
    };
}

pub mod archive;
pub mod arrow;
mod columns;
pub mod csv;
mod dialect;
mod folds;
mod foreign;
mod gaps;
pub mod idx;
mod join;
pub mod labels;
pub mod limits;
pub mod notes;
pub mod npy;
mod packed;
pub mod parquet;
pub mod profile;
mod rules;
pub mod scan;
mod source;
mod split;
mod table;
mod target;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ndarray::{Array2, Axis};

pub use columns::{Column, Columns, Missing};
pub use dialect::{Decimal, Delimiter, Dialect, Shape, unclosed_quote};
pub use folds::folds;
pub use gaps::Fills;
pub use join::{Part, read_all, words_of};
pub use labels::Labels;
pub use limits::Budget;
pub use packed::{gunzip, unpacked};
pub use rules::{Note, Outcome, RULES, Rule};
pub use source::{Format, LabelsIn, Source};
pub use split::{Split, permutation, split, split_by_group};
pub use table::Table;
pub use target::{LabelsAre, Target};

/// What is wrong with a data file: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}")]
pub struct DataError {
    /// The place in the file, for example `line 7, column "proline"`.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}

impl DataError {
    /// Builds the error from its three parts.
    pub fn new(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}

/// Rows without labels: `n_rows` × `n_features` finite readings, with column names.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Column names, one per feature.
    pub features: Vec<String>,
    /// Whether the names are the columns' own; else they only count positions.
    pub is_named: bool,
    /// Readings, `n_rows` × `n_features`.
    pub values: Array2<f64>,
}

impl Rows {
    /// Refuses readings that are not finite, but gaps of `columns` that may have them.
    ///
    /// # Errors
    /// The first such reading.
    pub fn check(&self, columns: &Columns) -> Result<(), DataError> {
        columns::check(self, columns)
    }

    /// As [`Dataset::with_features`].
    ///
    /// # Errors
    /// As [`Dataset::with_features`].
    pub fn with_features(
        mut self,
        features: &[String],
        are_named: bool,
    ) -> Result<Self, DataError> {
        if let Some(columns) = self.columns_of(features, are_named)? {
            self.values = self.values.select(Axis(1), &columns);
        }
        Ok(Self {
            features: features.to_vec(),
            is_named: are_named,
            values: self.values,
        })
    }

    /// The column of each of `features`; `None` if they are the columns as they stand.
    fn columns_of(
        &self,
        features: &[String],
        are_named: bool,
    ) -> Result<Option<Vec<usize>>, DataError> {
        if self.is_named && are_named {
            return self.columns_by_name(features);
        }
        let fault =
            |found: String, expected: String| Err(DataError::new("the columns", found, expected));
        if self.features.len() != features.len() {
            let n = self.features.len();
            let found = if self.is_named {
                format!("{n} beside the label: {}", csv::preview(&self.features))
            } else {
                format!("{n} without names")
            };
            return fault(
                found,
                format!(
                    "{}, one per feature in the order of the training, since {}",
                    features.len(),
                    if are_named {
                        "these rows have no names"
                    } else {
                        "the model was fitted on rows without names"
                    }
                ),
            );
        }
        // A header of the very positions, in another order, can mean either.
        if self.is_named && self.features != features && self.columns_by_name(features).is_ok() {
            return fault(
                format!(
                    "{}, which are positions in another order",
                    csv::preview(&self.features)
                ),
                format!(
                    "{}, since the model was fitted on rows without names: put the columns into \
                     the order of the training, and give them names of their own if that is \
                     another one",
                    csv::preview(features)
                ),
            );
        }
        Ok(None)
    }

    fn columns_by_name(&self, features: &[String]) -> Result<Option<Vec<usize>>, DataError> {
        if self.features == features {
            return Ok(None);
        }
        let index_of: HashMap<&str, usize> = (0..)
            .zip(&self.features)
            .map(|(index, name)| (name.as_str(), index))
            .collect();
        let (mut columns, mut missing) = (Vec::new(), Vec::new());
        for name in features {
            match index_of.get(name.as_str()) {
                Some(column) => columns.push(*column),
                None => missing.push(name.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(Some(columns));
        }
        let quoted: Vec<String> = missing.iter().map(|name| format!("\"{name}\"")).collect();
        let mut written = self.features.iter().map(|name| name.replace(' ', "_"));
        let blanks = match written.find(|name| missing.contains(name)) {
            Some(name) => format!(
                "; LightGBM writes blanks in names as `_`: so write \"{name}\" in the header, too"
            ),
            None => String::new(),
        };
        Err(broken!(
            "the columns";
            "none called {} among {}", csv::preview(&quoted), csv::preview(&self.features);
            "every feature of the model by its name; rows without names (.npy) go by position{blanks}"
        ))
    }

    /// The same rows without the features that `keeps` says no to.
    pub fn kept(self, keeps: &dyn Fn(&str) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.features.len())
            .filter(|column| keeps(&self.features[*column]))
            .collect();
        if kept.len() == self.features.len() {
            return self;
        }
        Self {
            features: (kept.iter())
                .map(|column| self.features[*column].clone())
                .collect(),
            is_named: self.is_named,
            values: self.values.select(Axis(1), &kept),
        }
    }
}

/// Rows with a class each, or numbers; at least one row and one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    rows: Rows,
    target: Target,
    source_rows: Vec<usize>,
    groups: Option<Vec<usize>>,
    notes: Vec<Note>,
}

impl Dataset {
    /// Puts rows and their labels together. Labels are read as [`labels::canonical`] says, and
    /// classes are the distinct ones in scikit-learn's order: by value if all are numbers, else by
    /// their bytes.
    ///
    /// # Errors
    /// No rows, no features, a reading that is not finite, or another number of labels than rows.
    pub fn new(rows: Rows, labels: &[String]) -> Result<Self, DataError> {
        Self::of(rows, &labels.iter().collect())
    }

    /// As [`Dataset::new`], with labels as they were read.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn of(rows: Rows, labels: &Labels) -> Result<Self, DataError> {
        Self::with_gaps(rows, labels, &Columns::new())
    }

    /// As [`Dataset::with_gaps`], with labels that index into `classes`, those of a model.
    ///
    /// # Errors
    /// As [`Dataset::known`] and [`Dataset::with_classes`].
    pub fn of_classes(
        rows: Rows,
        labels: &Labels,
        classes: &[String],
        columns: &Columns,
    ) -> Result<Self, DataError> {
        let (target, notes) = Target::of(labels, LabelsAre::of_classes(classes), 1)?;
        Self::known(rows, target, notes, columns)?.with_classes(classes)
    }

    /// As [`Dataset::of`], with gaps in those of `columns` that may have some.
    ///
    /// # Errors
    /// As [`Dataset::known`].
    pub fn with_gaps(rows: Rows, labels: &Labels, columns: &Columns) -> Result<Self, DataError> {
        let (target, notes) = Target::of(labels, LabelsAre::Classes, 1)?;
        Self::known(rows, target, notes, columns)
    }

    /// Puts rows and what is known of them together. In those of `columns` that may have gaps, NaN is a
    /// missing reading.
    ///
    /// # Errors
    /// No rows, no features, another reading that is not finite, or a target of other rows.
    pub fn known(
        rows: Rows,
        target: Target,
        notes: Vec<Note>,
        columns: &Columns,
    ) -> Result<Self, DataError> {
        let (n_rows, n_features) = rows.values.dim();
        check_shape(n_rows, n_features)?;
        if target.len() != n_rows {
            return Err(broken!("the labels"; "{} of them", target.len(); "one per row, {n_rows}"));
        }
        rows.check(columns)?;
        Ok(Self {
            rows,
            target,
            source_rows: (0..n_rows).collect(),
            groups: None,
            notes,
        })
    }

    /// Column names, one per feature.
    pub fn features(&self) -> &[String] {
        &self.rows.features
    }

    /// Whether the columns have names of their own; else only their positions count.
    pub fn is_named(&self) -> bool {
        self.rows.is_named
    }

    /// What is known of each row.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Class names; labels index into them. None where rows have numbers.
    pub fn classes(&self) -> &[String] {
        match &self.target {
            Target::Classes { names, .. } => names,
            Target::Numbers(_) => &[],
        }
    }

    /// Readings, `n_rows` × `n_features`, finite or, in columns that were said to have gaps, NaN.
    pub fn values(&self) -> &Array2<f64> {
        &self.rows.values
    }

    /// The class index of each row. None where rows have numbers.
    pub fn labels(&self) -> &[usize] {
        match &self.target {
            Target::Classes { of_row, .. } => of_row,
            Target::Numbers(_) => &[],
        }
    }

    /// The numbers of each row, `n_rows` × `n_targets`; `None` where rows have classes.
    pub fn numbers(&self) -> Option<&Array2<f64>> {
        match &self.target {
            Target::Classes { .. } => None,
            Target::Numbers(numbers) => Some(numbers),
        }
    }

    /// Per row the group of rows that it is told apart from others by: its class, or 0.
    pub(crate) fn strata(&self) -> Cow<'_, [usize]> {
        match &self.target {
            Target::Classes { of_row, .. } => of_row.into(),
            Target::Numbers(numbers) => vec![0; numbers.nrows()].into(),
        }
    }

    /// For each row its 0-based row number in the file that it was read from.
    pub fn source_rows(&self) -> &[usize] {
        &self.source_rows
    }

    /// The same rows, each with the number of what it belongs to, such as a recording; `None` where rows
    /// belong to nothing.
    ///
    /// # Panics
    /// If there are more or fewer numbers than rows.
    #[must_use]
    pub fn with_groups(self, groups: Option<Vec<usize>>) -> Self {
        let n_rows = groups.as_ref().map_or(self.n_rows(), Vec::len);
        assert_eq!(n_rows, self.n_rows(), "a number per row");
        Self { groups, ..self }
    }

    /// As [`Self::with_groups`] took them.
    pub fn groups(&self) -> Option<&[usize]> {
        self.groups.as_deref()
    }

    /// How many groups rows are of, if of any.
    pub fn n_groups(&self) -> Option<usize> {
        let groups: HashSet<&usize> = self.groups.as_ref()?.iter().collect();
        Some(groups.len())
    }

    /// What is odd about the labels of the file that the rows were read from.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Number of rows, at least 1.
    pub fn n_rows(&self) -> usize {
        self.source_rows.len()
    }

    /// Number of rows per class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes().len()];
        for label in self.labels() {
            counts[*label] += 1;
        }
        counts
    }

    /// The rows of the given indices, in that order.
    ///
    /// # Panics
    /// If `indices` is empty or an index is out of range.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        assert!(!indices.is_empty(), "a data set has rows");
        Self {
            rows: Rows {
                features: self.rows.features.clone(),
                is_named: self.rows.is_named,
                values: self.rows.values.select(Axis(0), indices),
            },
            target: self.target.select(indices),
            source_rows: indices.iter().map(|row| self.source_rows[*row]).collect(),
            groups: (self.groups.as_ref())
                .map(|groups| indices.iter().map(|row| groups[*row]).collect()),
            notes: self.notes.clone(),
        }
    }

    /// The same rows with the columns of the given indices alone, in that order.
    ///
    /// # Panics
    /// If `columns` is empty or an index is out of range.
    #[must_use]
    pub fn with_columns(&self, columns: &[usize]) -> Self {
        assert!(!columns.is_empty(), "a data set has features");
        let names = columns.iter().map(|column| &self.rows.features[*column]);
        Self {
            rows: Rows {
                features: names.cloned().collect(),
                is_named: self.rows.is_named,
                values: self.rows.values.select(Axis(1), columns),
            },
            ..self.clone()
        }
    }

    /// The same rows with their columns in the order of `features`, those of a model or training
    /// set, whose names they take.
    ///
    /// Where both sides have names of their own, columns are found by name, and columns that are
    /// not among `features` are left out. Where one side has none, columns go by position.
    ///
    /// # Errors
    /// Those of `features` that are no column. By position: another number of columns, or names
    /// that are those of `features` in another order.
    pub fn with_features(&self, features: &[String], are_named: bool) -> Result<Self, DataError> {
        Ok(Self {
            rows: self.rows.clone().with_features(features, are_named)?,
            ..self.clone()
        })
    }

    /// The same rows with labels that index into `classes`, the order of a model or training set.
    ///
    /// A label matches a class of the same text, else one of the same numeric value (`1.0`, `1`). Of
    /// classes of one value, labels are still apart if they were read as [`LabelsAre::Texts`].
    /// Where the classes are 0 and 1, booleans are these, as in Python: ONNX knows no others.
    ///
    /// Rows that have numbers stay as they are.
    ///
    /// # Errors
    /// The first row whose class is not among `classes`.
    pub fn with_classes(&self, classes: &[String]) -> Result<Self, DataError> {
        let Target::Classes { names, of_row } = &self.target else {
            return Ok(self.clone());
        };
        let are_bits = matches!(classes, [a, b]
            if bit_of(a).zip(bit_of(b)).is_some_and(|(a, b)| a != b));
        let value_of = |label: &str| match bit_of(label) {
            Some(bit) if are_bits => Some(bit),
            _ => label.parse::<f64>().ok(),
        };
        let target: Vec<Option<usize>> = names
            .iter()
            .map(|name| {
                let same_text = classes.iter().position(|class| class == name);
                same_text.or_else(|| {
                    let value = value_of(name)?;
                    classes
                        .iter()
                        .position(|class| value_of(class) == Some(value))
                })
            })
            .collect();
        let labels = of_row
            .iter()
            .enumerate()
            .map(|(row, label)| {
                target[*label].ok_or_else(|| {
                    broken!(
                        format!("data row {}", self.source_rows[row]);
                        "class \"{}\"", names[*label];
                        "one of the classes that the model knows: {}", classes.join(", ")
                    )
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.with_target(classes.to_vec(), labels))
    }

    /// The same rows as two classes, [`ALARMS`]: those of the class `normal`, and all
    /// others. A class is found as in [`Self::with_classes`].
    ///
    /// # Errors
    /// No row of the class.
    pub fn as_alarms(&self, normal: &str) -> Result<Self, DataError> {
        let names = self.classes();
        let canonical = labels::canonical(normal);
        let normal = names.iter().position(|name| *name == canonical);
        let normal = normal.ok_or_else(|| {
            broken!(
                "the labels"; "no row of \"{canonical}\" among {}", csv::preview(names);
                "rows of the class that `normal` in [dataset] names"
            )
        })?;
        let is_other = self
            .labels()
            .iter()
            .map(|class| usize::from(*class != normal));
        let labels = is_other.collect();
        Ok(self.with_target(ALARMS.map(str::to_owned).to_vec(), labels))
    }

    /// The same rows, with more to say of them.
    #[must_use]
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = Note>) -> Self {
        self.notes.extend(notes);
        self
    }

    fn with_target(&self, names: Vec<String>, of_row: Vec<usize>) -> Self {
        Self {
            target: Target::Classes { names, of_row },
            ..self.clone()
        }
    }
}

/// The classes of rows that should raise no alarm, and of those that should; a detector's schema has the
/// same.
pub const ALARMS: [&str; 2] = ["normal", "alarm"];

/// Refuses rows that are none, before anything is made of their number.
pub(crate) fn check_shape(n_rows: usize, n_features: usize) -> Result<(), DataError> {
    if n_rows > 0 && n_features > 0 {
        return Ok(());
    }
    Err(broken!("the data"; "{n_rows} rows of {n_features} features"; "at least one of each"))
}

/// The value of a label that is a boolean, or one of the numbers that stand for one.
fn bit_of(label: &str) -> Option<f64> {
    match label {
        "False" | "false" | "0" => Some(0.0),
        "True" | "true" | "1" => Some(1.0),
        _ => None,
    }
}
