//! `predict`: the classes of a file of rows, on the host, by the pipeline's quantized model.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::Args;
use ndarray::{Array2, ArrayView1};
use spinney_batch::Predictor;
use spinney_config::{Dataset as RowsConfig, Labels};
use spinney_dataset::{DataError, Dataset, Rows, csv, npy};
use spinney_model::Schema;

use crate::failure::{Blame, Failure};
use crate::pipeline::{self, Quantized, at_fault};
use crate::progress::Progress;
use crate::store;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The pipeline whose model predicts.
    #[arg(long, default_value = "pipeline.toml")]
    config: PathBuf,
    /// Rows: .npy or .npz in the order of the model's features, or .csv with their names.
    #[arg(long)]
    input: PathBuf,
    /// Where classes go: .npy takes their indices, .csv their names.
    #[arg(long)]
    output: PathBuf,
    /// Threads to use; all cores if not given.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Predicts every row of the input. The classes are the device's, whatever the number of threads.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments {
        config,
        input,
        output,
        threads,
    } = arguments;
    // Whatever can fail cheaply fails before a model is trained.
    let format = OutputFormat::of(output)?;
    let label = label_of(config)?;
    let progress = Progress::new();
    progress.doing("reading rows");
    let bytes = std::fs::read(input)
        .with_context(|| format!("cannot read {}", input.display()))
        .input()?;
    let (rows, labels) = read(&bytes, &label).map_err(|error| at_fault(input, &error))?;
    drop(bytes);
    let quantized = pipeline::quantized(config)?;
    let schema = quantized.model.schema();
    let fitted = fit(rows, labels, schema).map_err(|error| at_fault(input, &error))?;
    let n_threads = threads.map_or_else(std::thread::available_parallelism, Ok);
    let predictor = Predictor::<f64>::new(&quantized.quant)
        .with_threads(n_threads.environment()?)
        .environment()?;
    progress.doing("predicting");
    let start = Instant::now();
    let classes = predictor
        .classes(fitted.values.view())
        .map_err(|error| at_fault(input, &error))?;
    // An exit that may change a class is asked itself.
    let classes = if quantized.is_approximate() {
        stopped_early(&quantized, &fitted.values).unwrap_or(classes)
    } else {
        classes
    };
    let seconds = start.elapsed().as_secs_f64();
    progress.clear();
    store::write_whole(output, &format.bytes(&classes, schema)).input()?;
    let n_rows = classes.len();
    if let Some(labels) = &fitted.labels {
        let n_right = labels.iter().zip(&classes).filter(|(a, b)| a == b).count();
        println!(
            "accuracy {:.4} ({n_right} of {n_rows} rows)",
            n_right as f64 / n_rows as f64
        );
    }
    eprintln!(
        "{n_rows} rows in {seconds:.3} s, {:.0} rows per second",
        n_rows as f64 / seconds.max(1e-9)
    );
    Ok(())
}

/// The device's classes where it stops at a margin, row by row.
fn stopped_early(quantized: &Quantized, rows: &Array2<f64>) -> Option<Vec<usize>> {
    let shipped = quantized.shipped();
    let exit = quantized.exit(&shipped)?;
    let class = |row: ArrayView1<'_, f64>| exit.classify(&shipped.codes(&row.to_vec())).class;
    Some(rows.rows().into_iter().map(class).collect())
}

/// The name of the label column, empty if labels are in no column.
fn label_of(config: &Path) -> Result<String, Failure> {
    let config = spinney_config::load(config)?;
    let (RowsConfig::Split { rows: file, .. } | RowsConfig::Given { test: file, .. }) =
        &config.pipeline.dataset;
    Ok(match &file.labels {
        Labels::Column(label) => label.clone(),
        Labels::File(_) | Labels::None => String::new(),
    })
}

/// Rows as the file has them; the flag says whether columns have names.
struct Read {
    rows: Rows,
    is_named: bool,
}

fn read(bytes: &[u8], label: &str) -> Result<(Read, Option<Vec<String>>), DataError> {
    let (rows, labels, is_named) = if bytes.starts_with(b"\x93NUMPY") {
        (npy::rows(bytes)?, None, false)
    } else if bytes.starts_with(b"PK\x03\x04") {
        let (rows, labels) = npy::read_npz_rows(bytes, label)?;
        (rows, labels, false)
    } else {
        let (rows, labels) = csv::read_rows(bytes, label)?;
        (rows, labels, true)
    };
    Ok((Read { rows, is_named }, labels))
}

/// Rows with the model's columns in its order, and class indices where the file has labels.
struct Fitted {
    values: ndarray::Array2<f64>,
    labels: Option<Vec<usize>>,
}

fn fit(read: Read, labels: Option<Vec<String>>, schema: &Schema) -> Result<Fitted, DataError> {
    let Read { rows, is_named } = read;
    if !is_named && labels.is_none() {
        return Ok(Fitted {
            values: rows.values,
            labels: None,
        });
    }
    let names: Vec<String> = schema
        .features()
        .iter()
        .map(|feature| feature.name.clone())
        .collect();
    // A model that knows no names takes the columns as they come.
    let is_unnamed = (0_usize..)
        .zip(&names)
        .all(|(index, name)| *name == format!("x{index}"));
    let in_order = !is_named || (is_unnamed && rows.features.len() == names.len());
    let features = if in_order {
        rows.features.clone()
    } else {
        names
    };
    let has_labels = labels.is_some();
    let labels = labels.unwrap_or_else(|| vec![String::new(); rows.values.nrows()]);
    let rows = Dataset::new(rows, &labels)?.with_features(&features)?;
    let labels = has_labels
        .then(|| rows.with_classes(schema.classes()))
        .transpose()?
        .map(|rows| rows.labels().to_vec());
    Ok(Fitted {
        values: rows.values().clone(),
        labels,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputFormat {
    Npy,
    Csv,
}

impl OutputFormat {
    fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("npy") => Ok(Self::Npy),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::Input(anyhow!(
                "{}: found an output of unknown format, expected a name that ends in .npy (class \
                 indices) or .csv (class names)",
                path.display()
            ))),
        }
    }

    fn bytes(self, classes: &[usize], schema: &Schema) -> Vec<u8> {
        match self {
            Self::Npy => npy_bytes(classes),
            Self::Csv => {
                let mut out = String::from("class\n");
                for class in classes {
                    out.push_str(&quoted(&schema.classes()[*class]));
                    out.push('\n');
                }
                out.into_bytes()
            }
        }
    }
}

/// A one-dimensional `.npy` of 64-bit integers, format version 1.0.
fn npy_bytes(classes: &[usize]) -> Vec<u8> {
    const ALIGNMENT: usize = 64;
    const HEAD: usize = 10;
    let mut header = format!(
        "{{'descr': '<i8', 'fortran_order': False, 'shape': ({},), }}",
        classes.len()
    );
    let end = (HEAD + header.len() + 1).next_multiple_of(ALIGNMENT);
    header.extend(std::iter::repeat_n(' ', end - HEAD - header.len() - 1));
    header.push('\n');
    let n_bytes = u16::try_from(header.len()).expect("a header of a hundred bytes");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(n_bytes.to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(
        classes
            .iter()
            .flat_map(|class| (*class as i64).to_le_bytes()),
    );
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
            let classes: Vec<usize> = (0..n).collect();
            let bytes = npy_bytes(&classes);
            assert_eq!(bytes.len() % 64, n * 8 % 64);
            let names: Vec<String> = classes.iter().map(ToString::to_string).collect();
            assert_eq!(npy::labels(&bytes).unwrap(), names);
        }
    }

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted(" a"), "\" a\"");
    }
}
