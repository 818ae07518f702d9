//! `report`: a finished model in fixed point on rows that belong to no pipeline, or a report.json that
//! was kept, as a page.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use spinney_convert::Conversion;
use spinney_model::Voting;
use spinney_quantize::Sensor;
use spinney_report::{Report, is_report};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::at_fault;
use spinney_pipeline::stages::unbuilt::Unbuilt;
use spinney_pipeline::store;

use crate::convert::{not_ours, read, read_model, sensor};
use crate::terminal;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask report model.skops --test test.csv --label class
  cargo xtask report model.skops --test test.npz --label y --rows train.npz -o report.html
  cargo xtask report reports/digits/report.json -o digits.html

Certificate, agreement, accuracy, margins, features and bytes of tables need neither a config nor a \
toolchain. What an image takes and what it does, `pipeline run` measures and judges.")]
pub(crate) struct Arguments {
    /// A file of any format that `inspect` reads, or a report.json.
    file: PathBuf,
    /// The rows to judge it on: .csv with the features' names, Parquet, .npy or .npz in their order.
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// The column of the class or value, once for each target in their order; in .npz the array.
    #[arg(long, value_name = "COLUMN", requires = "test")]
    label: Vec<String>,
    /// The label of a detector's rows that are no anomalies.
    #[arg(long, value_name = "LABEL", requires = "label")]
    normal: Option<String>,
    /// Training rows, which choose how readings are coded.
    #[arg(long, value_name = "FILE", requires = "test")]
    rows: Option<PathBuf>,
    /// What sensors deliver (u8, i8, u16, i16, i32, f32), of all features or by name: `pixel_*=u8`.
    #[arg(long, value_name = "[FEATURE=]TYPE", value_parser = sensor, requires = "test")]
    sensor: Vec<(String, Sensor)>,
    /// Leaves vote for one class each, not with their proportions.
    #[arg(long, requires = "test")]
    hard: bool,
    /// Where to: a file in .html, .md or .json; Markdown on stdout where none is named.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A form that a report is written in.
fn form(path: &Path) -> Result<fn(&Report) -> String, Failure> {
    match path.extension().and_then(|it| it.to_str()) {
        Some("html") => Ok(Report::to_html),
        Some("md") => Ok(Report::to_markdown),
        Some("json") => Ok(Report::to_json),
        _ => Err(Failure::Input(anyhow!(
            "--output: found {}, expected a name that ends in .html, .md or .json",
            path.display()
        ))),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = match &arguments.output {
        None => None,
        Some(path) => {
            let form = form(path)?;
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            if path.exists() && !is_report(&format!("report.{ending}"), &text(&read(path)?)) {
                return Err(not_ours("output", path));
            }
            Some((path, form))
        }
    };
    let bytes = read_model(&arguments.file)?;
    let kept = is_report("report.json", &text(&bytes)).then(|| Report::from_json(&bytes));
    let kept = kept.transpose();
    let report = match kept.map_err(|error| at_fault(&arguments.file, &error))? {
        Some(report) if arguments.test.is_none() => report,
        Some(_) => {
            return Err(Failure::Input(anyhow!(
                "--test: found it beside {}, which is a report already; remove it, or name the model",
                arguments.file.display()
            )));
        }
        None => of_model(arguments, &bytes)?,
    };
    let Some((path, form)) = place else {
        print!("{}", report.to_markdown());
        return Ok(());
    };
    store::write_whole(path, form(&report).as_bytes()).input()?;
    println!("report: {}", path.display());
    Ok(())
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn of_model(arguments: &Arguments, bytes: &[u8]) -> Result<Report, Failure> {
    let Some(test) = &arguments.test else {
        return Err(Failure::Input(anyhow!(
            "--test: found no rows, expected a file of those to judge the model on; `inspect` tells what \
             the model alone does"
        )));
    };
    let asked = Unbuilt {
        model: &arguments.file,
        test,
        train: arguments.rows.as_deref(),
        labels: &arguments.label,
        normal: arguments.normal.as_deref(),
        sensors: &arguments.sensor,
        // A model that is quantized already says itself how it votes.
        voting: match Conversion::from_bytes(bytes) {
            Ok(kept) => kept.options.voting,
            Err(_) if arguments.hard => Voting::Hard,
            Err(_) => Voting::Soft,
        },
    };
    asked.report(terminal::notes())
}
