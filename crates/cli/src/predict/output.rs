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

    /// The values of a regressor, else classes; with the scores of each where they were asked for.
    pub(super) fn bytes(
        self,
        classes: &[usize],
        values: Option<&Array2<f64>>,
        scores: Option<&[Vec<i64>]>,
        schema: &Schema,
    ) -> Vec<u8> {
        if self == Self::Npy {
            let mut bytes = npy_header(schema, &classes.len().to_string());
            match values {
                Some(values) => bytes.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                None => bytes.extend(classes.iter().flat_map(|it| (*it as u64).to_le_bytes())),
            }
            return bytes;
        }
        let mut out = first_line(schema, scores.is_some()) + "\n";
        for (row, class) in classes.iter().enumerate() {
            let mut fields: Vec<String> = match values {
                Some(values) => values.row(row).iter().map(f64::to_string).collect(),
                None => vec![class_field(schema, *class)],
            };
            let scores = scores.map_or(&[][..], |scores| &scores[row]);
            fields.extend(scores.iter().map(i64::to_string));
            out += &(fields.join(",") + "\n");
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
        let text = String::from_utf8_lossy(&file[..file.len().min(128)]);
        let shape = text.split_once("'shape': (").map_or("", |(_, shape)| shape);
        let n_rows = shape.split(',').next().unwrap_or_default();
        file.starts_with(&npy_header(schema, n_rows))
    }
}

/// The head of an array of a model's values, target by target, or of its classes.
fn npy_header(schema: &Schema, n_rows: &str) -> Vec<u8> {
    let columns = match schema.targets().len() {
        0 | 1 => String::new(),
        n => format!(" {n}"),
    };
    let descr = match schema.task() {
        Task::Regress => "<f8",
        _ => "<i8",
    };
    header(descr, &format!("({n_rows},{columns})"))
}

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
    use spinney_model::{Compare, Feature, Naming};

    use super::*;

    #[test]
    fn an_npy_is_read_back() {
        let features = vec![Feature {
            name: "a".to_owned(),
            compare: Compare::Float32,
            categories: Vec::new(),
        }];
        let classes = ["x", "y"].map(str::to_owned).to_vec();
        let schema = Schema::new(features, Naming::Given, classes).unwrap();
        for n in [0, 1, 1000] {
            let classes: Vec<usize> = (0..n).collect();
            let bytes = OutputFormat::Npy.bytes(&classes, None, None, &schema);
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
