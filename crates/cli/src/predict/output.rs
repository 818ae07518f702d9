//! The files that `predict` writes: `.npy` or `.csv`.

use std::path::Path;

use anyhow::anyhow;
use ndarray::Array2;
use spinney_model::{Schema, Task};
use spinney_pipeline::failure::Failure;

use super::name;
use crate::npy::header;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputFormat {
    Npy,
    Csv,
}

impl OutputFormat {
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("npy") => Ok(Self::Npy),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::Input(anyhow!(
                "{}: found an output of unknown format, expected a name that ends in .npy (class \
                 indices, or values) or .csv (class names, or values)",
                path.display()
            ))),
        }
    }

    /// Classes, and their scores where they were asked for.
    pub(super) fn bytes(
        self,
        classes: &[usize],
        scores: Option<&[Vec<i64>]>,
        schema: &Schema,
    ) -> Vec<u8> {
        match self {
            Self::Npy => {
                let classes = classes.iter().map(|class| (*class as u64).to_le_bytes());
                npy_bytes("<i8", classes)
            }
            Self::Csv => {
                let mut out = first_line(schema, scores.is_some()) + "\n";
                for (row, class) in classes.iter().enumerate() {
                    out.push_str(&class_field(schema, *class));
                    for score in scores.map_or(&[][..], |scores| &scores[row]) {
                        out.push_str(&format!(",{score}"));
                    }
                    out.push('\n');
                }
                out.into_bytes()
            }
        }
    }

    /// Values, and the scores that they are made of where they were asked for.
    pub(super) fn bytes_of_values(
        self,
        values: &Array2<f64>,
        scores: Option<&[Vec<i64>]>,
        schema: &Schema,
    ) -> Vec<u8> {
        if self == Self::Npy {
            let items = values.iter().map(|value| value.to_le_bytes());
            return match schema.targets().len() {
                1 => npy_bytes("<f8", items),
                n => [
                    header("<f8", &format!("({}, {n})", values.nrows())),
                    items.flatten().collect(),
                ]
                .concat(),
            };
        }
        let mut out = first_line(schema, scores.is_some()) + "\n";
        for (row, values) in values.rows().into_iter().enumerate() {
            let scores = scores.map_or(&[][..], |scores| &scores[row]);
            let fields = values.iter().map(f64::to_string);
            let fields: Vec<String> = fields.chain(scores.iter().map(i64::to_string)).collect();
            out.push_str(&(fields.join(",") + "\n"));
        }
        out.into_bytes()
    }

    /// Whether a file begins as one of predictions by a model of this schema: with the names of its
    /// columns, and with a class that it has, or a number.
    pub(super) fn is_of(self, file: &[u8], schema: &Schema) -> bool {
        if self == Self::Csv {
            let text = String::from_utf8_lossy(file);
            let (first, rows) = text.split_once('\n').unwrap_or((&text, ""));
            let has_names = [false, true]
                .iter()
                .any(|it| first == first_line(schema, *it));
            let n_classes = schema.classes().len();
            let begins = |field: String| {
                (rows.strip_prefix(&field)).is_some_and(|rest| rest.starts_with([',', '\n']))
            };
            let has_row = match schema.task() {
                Task::Regress => {
                    let field = rows.split([',', '\n']).next();
                    field.is_some_and(|it| it.parse::<f64>().is_ok())
                }
                // One beyond the last is unknown.
                _ => (0..=n_classes).any(|class| begins(class_field(schema, class))),
            };
            return has_names && (has_row || rows.is_empty());
        }
        let descr = if schema.task() == Task::Regress {
            "<f8"
        } else {
            "<i8"
        };
        let columns = match schema.targets().len() {
            0 | 1 => String::new(),
            n => format!(" {n}"),
        };
        let text = String::from_utf8_lossy(&file[..file.len().min(128)]);
        let shape = text.split_once("'shape': (").map_or("", |(_, shape)| shape);
        let n_rows = shape.split(',').next().unwrap_or_default();
        file.starts_with(&header(descr, &format!("({n_rows},{columns})")))
    }
}

/// A class as a field of a `.csv`.
fn class_field(schema: &Schema, class: usize) -> String {
    quoted(&spinney_report::cell(name(schema, class)))
}

/// The names of the columns of a `.csv`.
fn first_line(schema: &Schema, has_scores: bool) -> String {
    let targets = schema.targets();
    let columns = |what: &str| -> Vec<String> {
        match targets {
            [_] => vec![what.to_owned()],
            _ => (targets.iter())
                .map(|target| quoted(&format!("{what} {target}")))
                .collect(),
        }
    };
    let is_value = schema.task() == Task::Regress;
    let mut names = if is_value {
        columns("value")
    } else {
        vec!["class".to_owned()]
    };
    if has_scores && is_value {
        names.extend(columns("score"));
    } else if has_scores {
        let classes = schema.classes().iter();
        names.extend(classes.map(|class| quoted(&format!("score {class}"))));
    }
    names.join(",")
}

/// A one-dimensional `.npy` of items of 64 bits, whose type NumPy calls `descr`.
fn npy_bytes(descr: &str, items: impl ExactSizeIterator<Item = [u8; 8]>) -> Vec<u8> {
    let mut bytes = header(descr, &format!("({},)", items.len()));
    bytes.extend(items.flatten());
    bytes
}

/// A field of CSV, quoted where it has to be.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) || field.trim() != field {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_npy_is_read_back() {
        for n in [0, 1, 1000] {
            let classes: Vec<u64> = (0..n as u64).collect();
            let bytes = npy_bytes("<i8", classes.iter().map(|it| it.to_le_bytes()));
            assert_eq!(bytes.len() % 64, n * 8 % 64);
            let names: Vec<String> = classes.iter().map(ToString::to_string).collect();
            assert_eq!(spinney_dataset::npy::labels(&bytes).unwrap(), names);
        }
    }

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted(" a"), "\" a\"");
    }
}
