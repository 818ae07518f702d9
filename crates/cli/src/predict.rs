//! `predict`: the classes of a file of rows by the pipeline's quantized model, on the host or on a
//! device behind a serial port.

mod answer;
mod output;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use ndarray::{Array2, Axis};
use spinney_batch::Predictor;
use spinney_config::{Config, Gaps, Labels, Model};
use spinney_dataset::{
    Columns, DataError, Dataset, Labels as RowLabels, LabelsAre, LabelsIn, Rows, Source,
};
use spinney_model::{FloatModel, Naming, Schema, Task};
use spinney_wire::frame::Clock;

use answer::{Answer, DeviceAnswer, OneOrAll, Ticks};
use output::OutputFormat;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::image::Way;
use spinney_pipeline::progress::Progress;
use spinney_pipeline::serial::{Card, HostRows, Link, Noisy, Patience, Served, Tally, Tty, verify};
use spinney_pipeline::stages::{self, Quantized, at_fault};
use spinney_pipeline::store;

use crate::{convert, terminal};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The pipeline whose model predicts.
    #[arg(long, default_value = "pipeline.toml")]
    config: PathBuf,
    /// Rows: .npy or .npz in the order of the model's features, or .csv with their names.
    #[arg(long)]
    input: PathBuf,
    /// Where classes go, or values: .npy takes the indices of classes, .csv their names.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Write a score per class behind each class, to a .csv or with `--json`.
    #[arg(long)]
    scores: bool,
    /// Write accuracy, classes and what a device said to stdout as JSON, and nothing else.
    #[arg(long)]
    json: bool,
    /// Threads to use; all cores if not given.
    #[arg(long, conflicts_with = "port")]
    threads: Option<NonZeroUsize>,
    /// Let the device on this serial port predict; `emulator` builds the serial image and runs it
    /// on the pipeline's emulated board.
    #[arg(long)]
    port: Option<PathBuf>,
    /// Bits per second of the port.
    #[arg(long, default_value_t = 115_200, requires = "port",
          value_parser = clap::value_parser!(u32).range(1..))]
    baud: u32,
    /// Disturb one byte in so many on the line, to see that nothing gets lost.
    #[arg(long, value_name = "N", requires = "port",
          value_parser = clap::value_parser!(u32).range(10..))]
    noise: Option<u32>,
}

/// Predicts every row of the input. The classes are the device's, whatever the number of threads.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { config, input, .. } = arguments;
    // Whatever can fail cheaply fails before a model is trained.
    let format = arguments.output.as_deref().map(OutputFormat::of);
    let format = format.transpose()?;
    if arguments.scores && format == Some(OutputFormat::Npy) {
        return Err(Failure::Input(anyhow!(
            "found --scores with an .npy, which takes class indices alone; name a .csv"
        )));
    }
    if arguments.scores && format.is_none() && !arguments.json {
        return Err(Failure::Input(anyhow!(
            "found --scores without a place for them, expected --output FILE.csv or --json"
        )));
    }
    let loaded = spinney_config::load(config)?;
    if let Some(path) = &arguments.output {
        refuse_sources(path, input, &loaded)?;
    }
    let progress = if arguments.json {
        terminal::notes()
    } else {
        terminal::progress()
    };
    progress.doing("reading rows");
    let bytes = convert::read(input)?;
    let quantized = stages::quantized(config, progress.clone())?;
    let (rows, labels, columns) =
        read(&bytes, &loaded, &quantized.model).map_err(|error| at_fault(input, &error))?;
    drop(bytes);
    let schema = quantized.model.schema();
    if let (Some(path), Some(format)) = (&arguments.output, format)
        && path.exists()
        && !(path.is_file() && format.is_of(&convert::read(path)?, schema))
    {
        let found = path.display();
        return Err(Failure::Input(anyhow!(
            "--output: found {found}, which is no file of predictions by this model, expected one, \
             which is replaced, or a place that is free"
        )));
    }
    let normal = loaded.pipeline.dataset.test().normal.as_deref();
    let fitted = fit(rows, labels, schema, normal, &columns);
    let fitted = fitted.map_err(|error| at_fault(input, &error))?;
    progress.doing("predicting");
    let predicted = match &arguments.port {
        None => on_host(arguments, &quantized, &fitted)?,
        Some(port) => on_device(arguments, port, &quantized, &fitted, &progress)?,
    };
    progress.clear();
    let classes = &predicted.classes;
    let shown = arguments.scores.then_some(predicted.scores.as_deref());
    let shown = shown.flatten();
    if let (Some(path), Some(format)) = (&arguments.output, format) {
        let bytes = format.bytes(classes, predicted.values.as_ref(), shown, schema);
        store::write_whole(path, &bytes).input()?;
    }
    let n_rows = classes.len();
    let n_right = match &fitted.labels {
        Some(Known::Classes(labels)) => {
            let pairs = labels.iter().zip(classes);
            Some(pairs.filter(|(label, class)| label == class).count())
        }
        _ => None,
    };
    // Of each target.
    let mean_errors: Vec<f64> = match (&fitted.labels, &predicted.values) {
        (Some(Known::Numbers(labels)), Some(values)) => {
            let errors = (labels - values).mapv(f64::abs);
            errors
                .mean_axis(Axis(0))
                .map_or(Vec::new(), |it| it.to_vec())
        }
        _ => Vec::new(),
    };
    if arguments.json {
        let answer = Answer {
            rows: n_rows,
            accuracy: n_right.map(|n_right| n_right as f64 / n_rows.max(1) as f64),
            rows_right: n_right,
            mean_absolute_error: OneOrAll::of(mean_errors),
            seconds: predicted.seconds,
            classes: predicted.values.is_none().then(|| {
                let names = classes.iter().map(|class| name(schema, *class));
                names.collect()
            }),
            values: predicted.values.as_ref().map(|values| {
                let rows = values.rows().into_iter();
                rows.filter_map(|row| OneOrAll::of(row.to_vec())).collect()
            }),
            score_classes: shown.map(|_| schema.outputs()),
            scores: shown,
            device: predicted.device.as_ref(),
        };
        terminal::json(&answer)?;
    } else {
        if let Some(device) = &predicted.device {
            println!("{}", device.in_words(n_rows));
        }
        if let Some(n_right) = n_right {
            println!(
                "accuracy {:.4} ({n_right} of {n_rows} rows)",
                n_right as f64 / n_rows as f64
            );
        }
        for (error, target) in mean_errors.iter().zip(schema.targets()) {
            let of_target = match mean_errors.len() {
                1 => String::new(),
                _ => format!(" of {}", target.escape_debug()),
            };
            println!("mean absolute error{of_target} {error:.6} ({n_rows} rows)");
        }
        eprintln!(
            "{n_rows} rows in {:.3} s, {:.0} rows per second",
            predicted.seconds,
            n_rows as f64 / predicted.seconds.max(1e-9)
        );
    }
    match &predicted.device {
        Some(device) if !device.mismatches.is_empty() => Err(Failure::Gate),
        _ => Ok(()),
    }
}

/// Refuses to replace the rows, the config, or what the config reads.
fn refuse_sources(path: &Path, input: &Path, config: &Config) -> Result<(), Failure> {
    let Ok(place) = path.canonicalize() else {
        return Ok(());
    };
    let is_it = |source: &Path| source.canonicalize().is_ok_and(|it| it == place);
    let why = if is_it(input) {
        "rows are read from"
    } else if config.inputs().any(|source| is_it(&source)) {
        "the pipeline reads"
    } else {
        return Ok(());
    };
    let found = path.display();
    Err(Failure::Input(anyhow!(
        "--output: found {found}, which {why}, expected a place that is free"
    )))
}

struct Predicted {
    classes: Vec<usize>,
    /// Of a regressor, `n_rows` × `n_targets`.
    values: Option<Array2<f64>>,
    /// Where they were asked for, or make values.
    scores: Option<Vec<Vec<i64>>>,
    seconds: f64,
    /// What a device said of them; `None` on this machine.
    device: Option<DeviceAnswer>,
}

fn on_host(
    arguments: &Arguments,
    quantized: &Quantized,
    fitted: &Fitted,
) -> Result<Predicted, Failure> {
    let n_threads = arguments
        .threads
        .map_or_else(std::thread::available_parallelism, Ok);
    let predictor = Predictor::<f64>::new(&quantized.quant)
        .with_threads(n_threads.environment()?)
        .environment()?;
    let start = Instant::now();
    let values = fitted.values.view();
    let of_input = |error| at_fault(&arguments.input, &error);
    let is_value = quantized.model.task() == Task::Regress;
    let classes = match is_value {
        true => vec![0; values.nrows()],
        false => predictor.classes(values).map_err(of_input)?,
    };
    // An exit that may change a class is asked itself, and so is a margin.
    let quant = &quantized.quant;
    let classes = match quant.margin() {
        None => quantized.stopped_early(values).unwrap_or(classes),
        Some(_) => {
            let scores = predictor.scores(values).map_err(of_input)?;
            let rows = values.rows().into_iter().zip(scores.rows());
            rows.map(|(row, scores)| quant.delivered(&quant.codes(&row.to_vec()), &scores.to_vec()))
                .collect()
        }
    };
    let scores: Option<Vec<Vec<i64>>> = if arguments.scores || is_value {
        let scores = predictor.scores(values).map_err(of_input)?;
        Some(scores.rows().into_iter().map(|row| row.to_vec()).collect())
    } else {
        None
    };
    let seconds = start.elapsed().as_secs_f64();
    Ok(Predicted {
        classes,
        values: scores.as_deref().and_then(|it| values_of(quantized, it)),
        scores,
        seconds,
        device: None,
    })
}

fn on_device(
    arguments: &Arguments,
    port: &Path,
    quantized: &Quantized,
    fitted: &Fitted,
    progress: &Progress,
) -> Result<Predicted, Failure> {
    let quant = &quantized.quant;
    let host = HostRows {
        early: quantized.stopped_early(fitted.values.view()),
        ..HostRows::new(quant, fitted.values.rows())
    };
    let fingerprint = quantized.fingerprint();
    // A pipeline that stops early may have either image flashed; the emulated one asks all trees.
    let is_certain = port == Path::new(EMULATOR) || !quantized.codegen.early_exit;
    let card = Card::new(quant, &fingerprint, is_certain.then_some(false));
    // The machine runs until its guard is dropped.
    let (tty, _emulated) = if port == Path::new(EMULATOR) {
        let config = spinney_config::load(&arguments.config)?;
        let pipeline = &config.pipeline;
        let core = pipeline.target.chip.core;
        let machine = pipeline.target.board.unwrap_or_else(|| core.machine());
        progress.doing(&format!("building the serial image for {}", machine.name));
        let way = Way::Uart(machine.uart);
        let served = Served::build(&config, quantized, core, machine, way, progress)?;
        let emulated = served.start()?;
        progress.clear();
        eprintln!(
            "{}: {} bytes of flash, {} of RAM; its UART is {}",
            machine.name,
            served.footprint.flash_bytes,
            served.footprint.ram_bytes,
            emulated.path.display()
        );
        (emulated.tty()?, Some(emulated))
    } else {
        (Tty::open(port, arguments.baud)?, None)
    };
    let mut link: Box<dyn Link> = match arguments.noise {
        None => Box::new(tty),
        Some(one_in) => Box::new(Noisy::new(tty, one_in, NOISE_SEED)),
    };
    let n_rows = host.classes.len();
    let started = Instant::now();
    let run = verify(
        &mut *link,
        &card,
        Patience::default(),
        &host,
        &mut |row, tally| {
            let rate = row as f64 / started.elapsed().as_secs_f64().max(1e-9);
            progress.doing(&format!(
                "{row} of {n_rows} rows, {rate:.0} per second, {} repeated",
                tally.retries
            ));
        },
    )?;
    progress.clear();
    let Tally {
        retries,
        silences,
        damaged,
        refused,
        bytes_sent,
        bytes_received,
        ..
    } = run.tally;
    let clock = run.device.clock;
    let ticks = run.ticks();
    if !arguments.json {
        eprintln!("{bytes_sent} bytes sent, {bytes_received} received");
        if retries > 0 {
            eprintln!(
                "{retries} requests repeated, {silences} of them after silence; {refused} frames \
                 reached the device damaged, {damaged} the host"
            );
        }
        if let Some((mean, max)) = ticks {
            let clock = clock_in_words(clock);
            eprintln!("{mean:.0} ticks of {clock} per prediction, {max} at most");
        }
    }
    if arguments.scores && !run.device.has_scores {
        return Err(Failure::Input(anyhow!(
            "found an image without scores, since its model stops once the class is certain; \
             expected scores for --scores: set `early_exit = false` in [codegen], then build and \
             flash it anew"
        )));
    }
    let outcomes = run.outcomes.iter();
    let scores: Vec<Vec<i64>> = outcomes.map(|one| one.scores.clone()).collect();
    Ok(Predicted {
        classes: run.classes(),
        values: values_of(quantized, &scores),
        scores: Some(scores),
        seconds: run.seconds,
        device: Some(DeviceAnswer {
            has_scores: run.device.has_scores,
            bytes_sent,
            bytes_received,
            retries,
            ticks: ticks.map(|(mean, max)| Ticks {
                clock: format!("{clock:?}").to_lowercase(),
                mean,
                max,
            }),
            mismatches: run.mismatches,
        }),
    })
}

/// Stands for a port that this program makes itself.
const EMULATOR: &str = "emulator";

/// Of noise that is asked for.
const NOISE_SEED: u64 = 1;

fn clock_in_words(clock: Clock) -> &'static str {
    match clock {
        Clock::None => "no clock",
        Clock::Systick => "SysTick",
        Clock::Cyccnt => "CYCCNT, which are cycles,",
        Clock::Mcycle => "mcycle",
    }
}

/// The values that rows' scores are, through the model's link; `None` where there are classes.
fn values_of(quantized: &Quantized, scores: &[Vec<i64>]) -> Option<Array2<f64>> {
    let Quantized { model, quant, .. } = quantized;
    let sum = model.additive().filter(|_| model.task() == Task::Regress)?;
    let values = scores
        .iter()
        .flat_map(|scores| sum.linked(&quant.values(scores)));
    let shape = (scores.len(), quant.n_scores());
    Array2::from_shape_vec(shape, values.collect()).ok()
}

/// Rows without the columns that are ignored; where the file has them, labels; and the columns with gaps
/// and words, where the config declares them or the model has them.
fn read(
    bytes: &[u8],
    config: &Config,
    model: &FloatModel,
) -> Result<(Rows, Option<RowLabels>, Columns), DataError> {
    let file = config.pipeline.dataset.test();
    let labels = match &file.labels {
        Labels::Columns(labels) => LabelsIn::Columns(labels.iter().map(String::as_str).collect()),
        Labels::File(_) | Labels::Folders | Labels::None => LabelsIn::None,
    };
    let ignores = |column: &str| {
        let mut ignored = file.ignore.iter();
        file.group.as_deref() == Some(column)
            || ignored.any(|it| spinney_convert::matches(it, column))
    };
    let source = Source::open(bytes, labels, file.dialect())?;
    let may_miss = file.missing == Some(Gaps::Median);
    let declared = &config.pipeline.features;
    let columns = stages::columns(declared, Some(model), may_miss, &ignores, &source)?;
    // What labels are is told by the model.
    let source = source.with(LabelsAre::default(), columns.clone());
    let source = match config.pipeline.model {
        Model::Import { .. } => source.with_way_out(
            "`missing = \"nan\"` in [features.NAME] sends it where the model does, if that has sides for \
             it; else leave the row out",
        ),
        Model::Train(_) => source,
    };
    let (rows, labels) = source.rows(&|column| !ignores(column))?;
    rows.check(&columns)?;
    Ok((rows, labels, columns))
}

/// Rows with the model's columns in its order, and what is right where the file has labels.
struct Fitted {
    values: ndarray::Array2<f64>,
    labels: Option<Known>,
}

/// What is right.
enum Known {
    Classes(Vec<usize>),
    /// Numbers per row, one for each target.
    Numbers(Array2<f64>),
}

fn fit(
    rows: Rows,
    labels: Option<RowLabels>,
    schema: &Schema,
    normal: Option<&str>,
    columns: &Columns,
) -> Result<Fitted, DataError> {
    let are_named = schema.naming() == Naming::Given;
    let names = schema.feature_names();
    let Some(labels) = labels else {
        return Ok(Fitted {
            values: rows.with_features(&names, are_named)?.values,
            labels: None,
        });
    };
    if schema.task() == Task::Regress {
        let n_targets = schema.targets().len();
        let number = |(index, label): (usize, &str)| match label.trim().parse() {
            Ok(number) if f64::is_finite(number) => Ok(number),
            _ => Err(DataError::new(
                format!("labels, row {}", index / n_targets),
                format!("{label:?}"),
                "a finite number, since the model gives values",
            )),
        };
        let numbers = labels.iter().enumerate().map(number);
        let numbers = numbers.collect::<Result<Vec<f64>, _>>()?;
        let shape = (rows.values.nrows(), n_targets);
        let numbers = Array2::from_shape_vec(shape, numbers).map_err(|_| {
            let expected = format!("one for each of {n_targets} targets in each row");
            DataError::new("the labels", format!("{} of them", labels.len()), expected)
        })?;
        return Ok(Fitted {
            labels: Some(Known::Numbers(numbers)),
            values: rows.with_features(&names, are_named)?.values,
        });
    }
    let rows = match normal {
        Some(normal) => Dataset::with_gaps(rows, &labels, columns)?.as_alarms(normal)?,
        None => Dataset::of_classes(rows, &labels, schema.classes(), columns)?,
    };
    let rows = rows.with_features(&names, are_named)?;
    Ok(Fitted {
        values: rows.values().clone(),
        labels: Some(Known::Classes(rows.labels().to_vec())),
    })
}

/// The name of a class, of which the one beyond the last is unknown.
fn name(schema: &Schema, class: usize) -> &str {
    let names = schema.classes();
    names
        .get(class)
        .map_or(spinney_report::UNKNOWN, String::as_str)
}
