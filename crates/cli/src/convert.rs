//! `convert`: a model file to one C99 header, without a config, a chip or a toolchain.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use spinney_board::Core;
use spinney_codegen::Encoding;
use spinney_config::Word;
use spinney_convert::{Conversion, Sources, declared_for};
use spinney_dataset::limits::FILE_BYTES_MAX;
use spinney_dataset::{Columns, DataError, Dataset, LabelsIn, Source, Target};
use spinney_model::{FloatModel, Naming, Voting};
use spinney_quantize::{Certificate, CodeWidth, Declared, Level, Options, Sensor, Votes};

use spinney_pipeline::failure::{Blame, Failure};
use spinney_pipeline::stages::at_fault;
use spinney_pipeline::store;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask convert model.skops --rows train.csv --label class --c99 model.h
  cargo xtask convert model.json --sensor 'pixel_*=u8' --sensor temperature=i16 --c99 model.h

Training rows choose how readings are coded, so that none of them is decided differently, and the \
certificate says what is proven on them. `pipeline run` does more: it measures, compares and judges.")]
pub(crate) struct Arguments {
    /// A skops, XGBoost, LightGBM, ONNX or Spinney JSON file.
    file: PathBuf,
    /// The header; its name is that of the functions in it.
    #[arg(long, value_name = "FILE.h")]
    c99: PathBuf,
    /// Training rows: .csv with the features' names, .npy or .npz in their order.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// The column of the rows that is no feature.
    #[arg(long, value_name = "COLUMN", requires = "rows")]
    label: Option<String>,
    /// What sensors deliver (u8, i8, u16, i16, i32, f32), of all features or by name: `pixel_*=u8`.
    #[arg(long, value_name = "[FEATURE=]TYPE", value_parser = sensor)]
    sensor: Vec<(String, Sensor)>,
    /// Leaves vote for one class each, not with their proportions.
    #[arg(long)]
    hard: bool,
    /// Trees become nested `if`s, not tables.
    #[arg(long)]
    branches: bool,
}

/// What is declared of the features that a pattern names.
fn sensor(typed: &str) -> Result<(String, Sensor), String> {
    let (pattern, word) = typed.rsplit_once('=').unwrap_or(("*", typed));
    let sensor = Sensor::from_word(word).ok_or_else(|| {
        let words = Sensor::WORDS.join(", ");
        format!("found the type \"{word}\", expected one of {words}")
    })?;
    Ok((pattern.to_owned(), sensor))
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    check_place(&arguments.c99)?;
    let bytes = read(&arguments.file)?;
    let imported =
        spinney_import::import(&bytes).map_err(|error| at_fault(&arguments.file, &error))?;
    let model = imported.model;
    let rows = arguments.rows.as_deref().map(|path| {
        let bytes = read(path)?;
        rows_of(&bytes, arguments.label.as_deref(), &model).map_err(|error| at_fault(path, &error))
    });
    let rows = rows.transpose()?;
    let patterns: Vec<(String, Declared)> = (arguments.sensor.iter())
        .map(|(pattern, sensor)| {
            let sensor = Some(*sensor);
            (
                pattern.clone(),
                Declared {
                    sensor,
                    ..Declared::default()
                },
            )
        })
        .collect();
    let declared = declared_for(&patterns, &model.schema().feature_names()).map_err(|pattern| {
        Failure::Input(anyhow!(
            "--sensor: found \"{pattern}\", which no feature is called"
        ))
    })?;
    let options = Options {
        voting: if arguments.hard {
            Voting::Hard
        } else {
            Voting::Soft
        },
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: false,
    };
    let converted = Conversion::new(model, &declared, options, rows.as_ref())
        .map_err(|error| at_fault(&arguments.file, &error))?;
    let encoding = if arguments.branches {
        Encoding::Branches
    } else {
        Encoding::Table
    };
    let name = arguments
        .c99
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let header = Sources::new(&name, &converted)
        .of(encoding, Core::CortexM0)
        .header();
    store::write_whole(&arguments.c99, header.text.as_bytes()).input()?;
    match rows.as_ref().map(|rows| converted.certify(rows)) {
        Some(certificate) => println!("certificate: {}", told(&certificate)),
        None => println!("certificate: none without rows; --rows FILE names them"),
    }
    let path = arguments.c99.display();
    println!(
        "c99: {path} ({}, {} bytes of tables)",
        header.form, header.table_bytes
    );
    for note in &header.notes {
        println!("c99: {note}");
    }
    Ok(())
}

/// A certificate in a line.
fn told(certificate: &Certificate) -> String {
    let splits = certificate.splits.map_or(String::new(), |level: Level| {
        format!("splits {}, ", level.as_str())
    });
    let votes = certificate.votes.as_str();
    match certificate.listed_rows().len() {
        0 => format!("{splits}votes {votes}"),
        1 => format!("{splits}votes {votes}; 1 row may differ from float"),
        n => format!("{splits}votes {votes}; {n} rows may differ from float"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    spinney_config::file::read(path, FILE_BYTES_MAX)
        .with_context(|| format!("cannot read {}", path.display()))
        .input()
}

/// Rows with the model's columns, in its order.
fn rows_of(bytes: &[u8], label: Option<&str>, model: &FloatModel) -> Result<Dataset, DataError> {
    let labels = label.map_or(LabelsIn::None, LabelsIn::Column);
    let (rows, _) = Source::open(bytes, labels, true)?.rows(&|_| true)?;
    let schema = model.schema();
    let is_named = schema.naming() == Naming::Given;
    let rows = rows.with_features(&schema.feature_names(), is_named)?;
    let target = Target::Numbers(vec![0.0; rows.values.nrows()]);
    Dataset::known(rows, target, Vec::new(), &Columns::new())
}

/// Refuses a place that is no header's, or somebody else's.
fn check_place(path: &Path) -> Result<(), Failure> {
    if path.extension().is_none_or(|ending| ending != "h") {
        let found = path.display();
        return Err(Failure::Input(anyhow!(
            "--c99: found {found}, expected a name that ends in .h"
        )));
    }
    let is_ours = |bytes: &[u8]| {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
        head.contains("Generated by Spinney")
    };
    if path.exists() && !is_ours(&read(path)?) {
        let found = path.display();
        return Err(Failure::Input(anyhow!(
            "--c99: found {found}, which Spinney did not write, expected a place that is free"
        )));
    }
    Ok(())
}
