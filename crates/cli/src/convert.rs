//! `convert`: a model file to a C99 header, a crate, or a quantized model that is kept, without a
//! config, a chip or a toolchain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use spinney_board::Core;
use spinney_codegen::Encoding;
use spinney_config::{Word, file};
use spinney_convert::{Conversion, Sources, declared_for};
use spinney_dataset::limits::FILE_BYTES_MAX;
use spinney_dataset::{DataError, Dataset, LabelsAre, LabelsIn, Source, Target};
use spinney_import::Format;
use spinney_model::{FloatModel, LinkWords, Naming, Task, Voting};
use spinney_quantize::{Certificate, CodeWidth, Declared, Level, Options, Sensor, Sums, Votes};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::{at_fault, columns, hand_over_crate};
use spinney_pipeline::store;

use crate::terminal;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask convert model.skops --rows train.csv --label class --c99 model.h
  cargo xtask convert model.json --sensor 'pixel_*=u8' --sensor temperature=i16 --c99 model.h
  cargo xtask convert model.skops --rows train.csv --label class --keep quantized.json --crate model

Training rows choose how readings are coded, so that none of them is decided differently, and the \
certificate says what is proven on them. `pipeline run` does more: it measures, compares and judges; \
what is kept is a model for its config, which it takes as it was quantized here.")]
pub(crate) struct Arguments {
    /// A file of any format that `inspect` reads.
    file: PathBuf,
    #[command(flatten)]
    results: Results,
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

/// Where what is made goes.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Results {
    /// A header; its name is that of the functions in it.
    #[arg(long, value_name = "FILE.h")]
    c99: Option<PathBuf>,
    /// The folder of a Rust crate, called by the folder's name and `-model`.
    #[arg(long = "crate", value_name = "FOLDER")]
    drop_in: Option<PathBuf>,
    /// The float model and how it was quantized, as `path` in [model] of a config takes it.
    #[arg(long, value_name = "FILE.json")]
    keep: Option<PathBuf>,
}

/// What is declared of the features that a pattern names.
pub(crate) fn sensor(typed: &str) -> Result<(String, Sensor), String> {
    let (pattern, word) = typed.rsplit_once('=').unwrap_or(("*", typed));
    let sensor = Sensor::from_word(word).ok_or_else(|| {
        let words = Sensor::WORDS.join(", ");
        format!("found the type \"{word}\", expected one of {words}")
    })?;
    Ok((pattern.to_owned(), sensor))
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let results = &arguments.results;
    check_places(results)?;
    let bytes = read(&arguments.file)?;
    let imported =
        spinney_import::import(&bytes).map_err(|error| at_fault(&arguments.file, &error))?;
    let model = imported.model;
    let rows = arguments.rows.as_deref().map(|path| {
        let bytes = read(path)?;
        rows_of(&bytes, arguments.label.as_deref(), &model).map_err(|error| at_fault(path, &error))
    });
    let rows = rows.transpose()?;
    let converted = match imported.origin.format {
        Format::Conversion => kept(arguments, &bytes)?,
        _ => quantized(arguments, model, rows.as_ref())?,
    };
    let encoding = match arguments.branches {
        true => Encoding::Branches,
        false => Encoding::Table,
    };
    let Conversion { quant, .. } = &converted;
    let certificate = rows.as_ref().map(|rows| converted.certify(rows));
    match &certificate {
        Some(certificate) => println!("certificate: {}", told(certificate, quant.task())),
        None => println!("certificate: none without rows; --rows FILE names them"),
    }
    let sums = quant.sums().filter(|_| quant.task() == Task::Regress);
    let targets = quant.schema().targets();
    for (target, bound) in targets
        .iter()
        .zip(sums.map(Sums::bounds).unwrap_or_default())
    {
        let of_target = match targets.len() {
            1 => String::new(),
            _ => format!(" of {target:?}"),
        };
        println!("error{of_target}: at most {bound:.3e} where splits decide as in float");
    }
    let of_link = |sums: &Sums| {
        let value = format!("value / 2^{}", sums.shift());
        sums.link().words(&value)
    };
    if let Some(LinkWords { function, formula }) = sums.and_then(of_link) {
        println!("device's value: before {function}; the model predicts {formula}");
    }
    let name = |path: &Path| path.file_stem().unwrap_or_default().display().to_string();
    if let Some(path) = &results.c99 {
        let name = name(path);
        let header = (Sources::new(&name, &converted).of(encoding, Core::CortexM0)).header();
        store::write_whole(path, header.text.as_bytes()).input()?;
        let (path, form, bytes) = (path.display(), header.form, header.table_bytes);
        println!("c99: {path} ({form}, {bytes} bytes of tables)");
        for note in &header.notes {
            println!("c99: {note}");
        }
    }
    if let Some(folder) = &results.drop_in {
        let name = name(folder);
        let sources = Sources::new(&name, &converted).of(encoding, Core::CortexM0);
        let files = sources.drop_in().input()?.files;
        hand_over_crate(folder, &files, &terminal::notes())?;
        println!("crate: {}", folder.display());
    }
    if let Some(path) = &results.keep {
        store::write_whole(path, &converted.to_bytes()).input()?;
        println!("kept: {}", path.display());
    }
    Ok(())
}

/// A quantized model as it was kept.
fn kept(arguments: &Arguments, bytes: &[u8]) -> Result<Conversion, Failure> {
    if arguments.hard || !arguments.sensor.is_empty() {
        let flag = if arguments.hard { "hard" } else { "sensor" };
        return Err(Failure::Input(anyhow!(
            "--{flag}: found it beside a model that is quantized already; remove it, or name the float model"
        )));
    }
    Conversion::from_bytes(bytes).map_err(|error| at_fault(&arguments.file, &error))
}

fn quantized(
    arguments: &Arguments,
    model: FloatModel,
    rows: Option<&Dataset>,
) -> Result<Conversion, Failure> {
    let patterns: Vec<(String, Declared)> = (arguments.sensor.iter())
        .map(|(pattern, sensor)| {
            let declared = Declared {
                sensor: Some(*sensor),
                ..Declared::default()
            };
            (pattern.clone(), declared)
        })
        .collect();
    let declared = declared_for(&patterns, &model.schema().feature_names()).map_err(|pattern| {
        Failure::Input(anyhow!(
            "--sensor: found \"{pattern}\", which no feature is called"
        ))
    })?;
    let options = Options {
        voting: match arguments.hard {
            true => Voting::Hard,
            false => Voting::Soft,
        },
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: false,
    };
    Conversion::new(model, &declared, options, rows)
        .map_err(|error| at_fault(&arguments.file, &error))
}

/// A certificate in a line. Values have no votes.
fn told(certificate: &Certificate, task: Task) -> String {
    let splits = certificate
        .splits
        .map(|it: Level| format!("splits {}", it.as_str()));
    let votes = (task != Task::Regress).then(|| format!("votes {}", certificate.votes.as_str()));
    let levels: Vec<String> = splits.into_iter().chain(votes).collect();
    let levels = levels.join(", ");
    match certificate.listed_rows().len() {
        0 => levels,
        1 => format!("{levels}; 1 row may differ from float"),
        n => format!("{levels}; {n} rows may differ from float"),
    }
}

/// The bytes of a file of rows.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_by(file::read, path)
}

/// The bytes of a model, which may be a folder.
pub(crate) fn read_model(path: &Path) -> Result<Vec<u8>, Failure> {
    read_by(file::read_model, path)
}

fn read_by(
    read: fn(&Path, u64) -> std::io::Result<Vec<u8>>,
    path: &Path,
) -> Result<Vec<u8>, Failure> {
    read(path, FILE_BYTES_MAX)
        .with_context(|| format!("cannot read {}", path.display()))
        .input()
}

/// Rows with the model's columns, in its order.
fn rows_of(bytes: &[u8], label: Option<&str>, model: &FloatModel) -> Result<Dataset, DataError> {
    let labels = label.map_or(LabelsIn::None, |label| LabelsIn::Columns(vec![label]));
    let source = Source::open(bytes, labels, true)?;
    let columns = columns(&BTreeMap::new(), Some(model), false, &|_| false, &source)?;
    let (rows, _) = source
        .with(LabelsAre::default(), columns.clone())
        .with_way_out("the model has no side for it; leave the row out")
        .rows(&|_| true)?;
    let schema = model.schema();
    let is_named = schema.naming() == Naming::Given;
    let target = Target::Numbers(ndarray::Array2::zeros((rows.values.nrows(), 1)));
    let rows = Dataset::known(rows, target, Vec::new(), &columns)?;
    rows.with_features(&schema.feature_names(), is_named)
}

/// Refuses places by other names than they should have, and such as are somebody else's.
fn check_places(results: &Results) -> Result<(), Failure> {
    let files = [
        ("c99", &results.c99, "h", "Generated by Spinney"),
        ("keep", &results.keep, "json", "\"spinney-conversion\""),
    ];
    for (flag, path, ending, mark) in files {
        let Some(path) = path else { continue };
        let found = path.display();
        if path.extension().is_none_or(|it| it != ending) {
            return Err(Failure::Input(anyhow!(
                "--{flag}: found {found}, expected a name that ends in .{ending}"
            )));
        }
        if path.exists() && !head(path)?.contains(mark) {
            return Err(not_ours(flag, path));
        }
    }
    if let Some(folder) = &results.drop_in
        && folder.exists()
    {
        let manifest = folder.join("Cargo.toml");
        let is_ours = manifest.exists() && head(&manifest)?.contains("Generated by Spinney");
        let is_empty = || std::fs::read_dir(folder).is_ok_and(|mut it| it.next().is_none());
        if !is_ours && !is_empty() {
            return Err(not_ours("crate", folder));
        }
    }
    Ok(())
}

pub(crate) fn not_ours(flag: &str, path: &Path) -> Failure {
    let found = path.display();
    Failure::Input(anyhow!(
        "--{flag}: found {found}, which Spinney did not write, expected a place that is free"
    ))
}

/// The first bytes of a file, where a mark is.
fn head(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned())
}
