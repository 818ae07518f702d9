//! A file of rows in any format that is read, with its labels where they are.

use std::borrow::Cow;

use crate::dialect::{Dialect, Shape};
use crate::target::Target;
use crate::{
    Budget, Columns, DataError, Dataset, Labels, LabelsAre, Note, Rows, Table, columns, csv,
    foreign, idx, npy, unpacked,
};

/// A format of rows, told by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with commas.
    Csv,
    /// A NumPy array.
    Npy,
    /// An archive of NumPy arrays.
    Npz,
    /// Arrays of bytes, as MNIST has them.
    Idx,
}

impl Format {
    /// The format of unpacked bytes.
    ///
    /// # Errors
    /// A format that is known and not read, by name and with the way out.
    pub fn of(bytes: &[u8]) -> Result<Self, DataError> {
        if bytes.starts_with(b"\x93NUMPY") {
            return Ok(Self::Npy);
        }
        foreign::refuse(bytes)?;
        Ok(match bytes {
            [b'P', b'K', 3, 4, ..] => Self::Npz,
            [0, 0, 8..=14, 1..=3, ..] => Self::Idx,
            _ => Self::Csv,
        })
    }
}

/// Where the labels of a file of rows are.
#[derive(Debug, Clone)]
pub enum LabelsIn<'a> {
    /// In columns of the same CSV file, one for each target, or in a member of the same archive, of these
    /// names.
    Columns(Vec<&'a str>),
    /// In a file of their own, with these bytes.
    File(&'a [u8]),
    /// Nowhere.
    None,
}

/// A file of rows that has been unpacked and whose format is known.
pub struct Source<'a> {
    bytes: Cow<'a, [u8]>,
    format: Format,
    labels: LabelsIn<'a>,
    pub(crate) labels_are: LabelsAre,
    columns: Columns,
    /// What helps against a gap that may not be there, as its refusal says.
    way_out: &'static str,
    /// How a CSV file is written; `None` of other formats.
    shape: Option<Shape>,
    /// What is left once the bytes are unpacked.
    budget: Budget,
}

impl<'a> Source<'a> {
    /// Looks at a file, gzipped or not; `dialect` is about CSV alone.
    ///
    /// # Errors
    /// A damaged gzip stream, a format that is not read, or what [`Shape::of`] refuses.
    pub fn open(
        bytes: &'a [u8],
        labels: LabelsIn<'a>,
        dialect: impl Into<Dialect>,
    ) -> Result<Self, DataError> {
        let n_label_bytes = match labels {
            LabelsIn::File(labels) => labels.len(),
            LabelsIn::Columns(_) | LabelsIn::None => 0,
        };
        let budget = Budget::of(bytes.len().saturating_add(n_label_bytes));
        let bytes = unpacked(bytes, &budget)?;
        let format = Format::of(&bytes)?;
        let shape = match format {
            Format::Csv => Some(Shape::of(&bytes, dialect.into())?),
            _ => None,
        };
        Ok(Self {
            budget,
            bytes,
            format,
            labels,
            labels_are: LabelsAre::default(),
            columns: Columns::new(),
            way_out: csv::WAY_OUT,
            shape,
        })
    }

    /// The same file, its labels read as `labels_are`, and with gaps and words in `columns`, by the
    /// names that [`Source::features`] gives.
    #[must_use]
    pub fn with(self, labels_are: LabelsAre, columns: Columns) -> Self {
        Self {
            labels_are,
            columns,
            ..self
        }
    }

    /// The same file, where `way_out` is what helps against a gap that may not be there, as its refusal
    /// says; else that is `missing` in `[dataset]`.
    #[must_use]
    pub fn with_way_out(self, way_out: &'static str) -> Self {
        Self { way_out, ..self }
    }

    /// Whether columns have names of their own; else only their positions count.
    pub fn is_named(&self) -> bool {
        self.shape.as_ref().is_some_and(|it| it.has_header)
    }

    /// The columns of labels.
    fn label_names(&self) -> &[&'a str] {
        match &self.labels {
            LabelsIn::Columns(names) => names,
            LabelsIn::File(_) | LabelsIn::None => &[],
        }
    }

    /// Labels of a row.
    pub(crate) fn n_targets(&self) -> usize {
        self.label_names().len().max(1)
    }

    /// What the file is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What there is to say of how the file is written.
    pub(crate) fn note(&self) -> Option<Note> {
        self.shape.as_ref().and_then(Shape::note)
    }

    /// What features may have beside numbers.
    pub(crate) fn known_columns(&self) -> &Columns {
        &self.columns
    }

    /// The fields of a column of a CSV file, row by row.
    ///
    /// # Errors
    /// Another format, no such column, or a field that stands for a missing value.
    pub(crate) fn words(&self, column: &str) -> Result<Labels, DataError> {
        let Some(shape) = &self.shape else {
            return Err(broken!(
                "the file"; "rows without columns of words"; "CSV with the column {column:?}"
            ));
        };
        csv::words(&self.bytes, shape, column, &self.budget.clone())
    }

    /// The names of all columns of a CSV file, the label's too, or their numbers where it has no
    /// header; `None` of other formats, which have no names.
    ///
    /// # Errors
    /// What [`Table`] refuses.
    pub fn columns(&self) -> Result<Option<Vec<String>>, DataError> {
        let Some(shape) = &self.shape else {
            return Ok(None);
        };
        let table = Table::of(&self.bytes, shape.clone())?;
        table.check_names()?;
        Ok(Some(table.names().to_vec()))
    }

    /// The names of all features, before any is left out.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn features(&self) -> Result<Vec<String>, DataError> {
        match self.columns()? {
            None => Ok(self.rows(&|_| true)?.0.features),
            Some(columns) => {
                let is_label =
                    |(_, name): &(usize, &String)| self.label_names().contains(&name.as_str());
                let labels = columns.iter().enumerate().filter(is_label);
                let labels: Vec<usize> = labels.map(|(column, _)| column).collect();
                let features = csv::feature_names(&columns, self.is_named(), &labels);
                Ok(features.map(|(_, name)| name).collect())
            }
        }
    }

    /// Reads the rows without the features that `keeps` says no to, and the labels, if the file has
    /// any. A CSV file without all columns of labels has none.
    ///
    /// # Errors
    /// A damaged file, rows that are no numbers nor what their columns may hold, other labels than rows, more than the file's
    /// [`Budget`] has; each says where.
    pub fn rows(&self, keeps: &dyn Fn(&str) -> bool) -> Result<(Rows, Option<Labels>), DataError> {
        let bytes = &self.bytes;
        let budget = &self.budget.clone();
        let names = self.label_names();
        if self.format == Format::Npz && names.len() > 1 {
            return Err(broken!(
                "the labels"; "{} arrays of an archive", names.len();
                "one; a CSV file has a column for each of several targets"
            ));
        }
        let (rows, labels) = match (self.format, &self.shape) {
            (_, Some(shape)) => {
                let columns = self.columns()?.unwrap_or_default();
                let has_all = (names.iter()).all(|label| columns.iter().any(|name| name == label));
                let wanted = csv::Wanted {
                    labels: if has_all { names } else { &[] },
                    labels_are: self.labels_are,
                    keeps,
                    columns: &self.columns,
                    way_out: self.way_out,
                };
                return csv::read_columns(bytes, shape, &wanted, budget);
            }
            (Format::Npy, _) => (within("rows", npy::rows_within(bytes, budget))?, None),
            (Format::Npz, _) => npy::read_npz_rows(bytes, names.first().unwrap_or(&""), budget)?,
            (Format::Idx | Format::Csv, _) => {
                (within("images", idx::rows_within(bytes, budget))?, None)
            }
        };
        let labels = match &self.labels {
            LabelsIn::File(labels) => Some(within("labels", read_labels(labels, budget))?),
            _ => labels,
        };
        if self.labels_are != LabelsAre::Numbers {
            labels.as_ref().map_or(Ok(()), Labels::check)?;
        }
        let mut rows = rows.kept(keeps);
        columns::apply(&mut rows, &self.columns)?;
        Ok((rows, labels))
    }

    /// Reads a data set; see [`Source::rows`]. Rows without labels count as class `""`, or as 0.
    ///
    /// # Errors
    /// As [`Source::rows`], and where labels are asked for and there are none.
    pub fn read(&self, keeps: &dyn Fn(&str) -> bool) -> Result<Dataset, DataError> {
        let (rows, labels) = self.rows(keeps)?;
        let of_file = self.note();
        match (labels, &self.labels) {
            (Some(labels), _) => {
                let (target, notes) = Target::of(&labels, self.labels_are, self.n_targets())?;
                let rows = Dataset::known(rows, target, notes, &self.columns)?;
                Ok(rows.with_notes(of_file))
            }
            (None, LabelsIn::None) => {
                let target = Target::none(rows.values.nrows(), self.labels_are);
                let rows = Dataset::known(rows, target, Vec::new(), &self.columns)?;
                Ok(rows.with_notes(of_file))
            }
            (None, LabelsIn::Columns(names)) if self.format == Format::Npz => {
                npy::read_npz(&self.bytes, names.first().unwrap_or(&""))
            }
            (None, LabelsIn::Columns(names)) => Err(broken!(
                "the file"; "no labels \"{}\"", names.join("\", \"");
                "a column or an array of that name, or the labels in a file of their own"
            )),
            (None, LabelsIn::File(_)) => Err(broken!(
                "the file"; "a CSV file with labels in a file of their own";
                "its labels in a column, which `label` in [dataset] names"
            )),
        }
    }
}

/// Labels from a file of their own.
fn read_labels(bytes: &[u8], budget: &Budget) -> Result<Labels, DataError> {
    let bytes = unpacked(bytes, budget)?;
    match Format::of(&bytes)? {
        Format::Npy => npy::labels_within(&bytes, budget),
        _ => idx::labels_within(&bytes, budget),
    }
}

fn within<T>(which: &str, result: Result<T, DataError>) -> Result<T, DataError> {
    result.map_err(|error| DataError {
        place: format!("{which}, {}", error.place),
        ..error
    })
}
