//! `[dataset]`: which files there must be, and where their labels are.

use crate::choice::{Gaps, ModelKind, Short, SignalKind, Source};
use crate::diagnostics::Fault;
use crate::pipeline::{
    ConfigPath, DataFile, Dataset, FilesOf, LABEL, Labels, Recorded, Validation,
};
use crate::raw::{RawPipeline, RawSection};
use crate::value::Reader;

/// A file of rows, and the key of the labels that belong to it.
const FILES: [(&str, &str); 4] = [
    ("path", "path_labels"),
    ("train", "train_labels"),
    ("test", "test_labels"),
    ("validation", "validation_labels"),
];

/// The rows of both sides, and those that neither train nor test.
pub(super) fn check(
    reader: &mut Reader,
    raw: &RawPipeline,
) -> Option<(Dataset, Option<Validation>)> {
    let section = raw.section("dataset");
    let given = |key: &str| section.given(key).is_some();
    let imported = is_imported(raw);

    if given("path") {
        let why = "`path` is split into both";
        let cause = section.cause("path");
        reader.contradict(section, "train", why, &cause);
        reader.contradict(section, "test", why, &cause);
    } else if given("test") {
        let why = "`test` is the test set";
        reader.contradict(section, "test_fraction", why, &section.cause("test"));
        if !given("train") && !imported {
            reader.missing(raw, section, "train");
        }
    } else if given("train") {
        reader.missing(raw, section, "test");
    } else if section.span.is_some() && raw.well_formed {
        let expected = if imported {
            "`test` or `path`"
        } else {
            "`path`, or `train` and `test`"
        };
        let message = format!("dataset: found no rows, expected {expected}");
        reader.fault(Fault::new(section.span.clone(), message));
    }

    for (file, labels) in FILES {
        if given(labels) && !given(file) {
            let message =
                format!("dataset.{labels}: found labels without rows, expected `{file}` too");
            reader.fault(Fault::new(section.given(labels), message));
        }
    }
    for (file, labels) in FILES {
        if section.paths(file).is_some() && (!is_signal(raw) || has_classes(raw, file)) {
            let why = "several files have their labels in a column, or a class each";
            let cause = section.cause(file);
            reader.contradict(section, labels, why, &cause);
        }
    }
    let files: Vec<_> = FILES.iter().filter(|(file, _)| given(file)).collect();
    let any_file = !files.is_empty();
    let all_separate = files.iter().all(|(_, labels)| given(labels));
    let by_class = files.iter().find(|(file, _)| has_classes(raw, file));
    let all_by_class = files.iter().all(|(file, _)| has_classes(raw, file));
    recordings(reader, raw);
    if is_signal(raw) {
        let cause = raw.section("frontend").cause("sample_rate");
        let why = "only what the front end makes of samples is a feature";
        reader.contradict(section, "ignore", why, &cause);
        let why = "recordings are divided whole; `recording` names them";
        reader.contradict(section, "group", why, &cause);
        let why = "a recording has every sample";
        reader.contradict(section, "missing", why, &cause);
        if signal(raw) == Some(SignalKind::Audio) {
            for key in ["header", "delimiter", "decimal"] {
                reader.contradict(section, key, "sound has no columns", &cause);
            }
        }
    }
    let scales = scales(reader, raw);
    check_number(reader, raw);
    check_gaps(reader, raw);
    if is_signal(raw) && any_file && all_separate {
        // It names a column of their lists.
    } else if signal(raw) == Some(SignalKind::Audio) {
        let why = "sound has no columns";
        let cause = raw.section("frontend").cause("sample_rate");
        reader.contradict(section, "label", why, &cause);
    } else if let (Some((key, _)), true) = (by_class, all_by_class) {
        let why = "each file has a class";
        reader.contradict(section, "label", why, &section.cause(key));
    } else if any_file && all_separate {
        let key = if given("path") {
            "path_labels"
        } else {
            "test_labels"
        };
        let why = "the labels have files of their own";
        reader.contradict(section, "label", why, &section.cause(key));
    } else if any_file && !given("label") && !imported && !is_signal(raw) {
        reader.missing(raw, section, "label");
    }

    check_validation(reader, raw);
    let side = |key, labels| {
        Some(DataFile {
            recorded: recorded(section, scales.clone()),
            ..data_file(reader, raw, key, labels)?
        })
    };
    let validation = match section.number("validation_fraction") {
        Some(share) => Some(Validation::Share(share)),
        None if given("validation") => {
            Some(Validation::File(side("validation", "validation_labels")?))
        }
        None => None,
    };
    let dataset = if given("path") {
        Dataset::Split {
            rows: side("path", "path_labels")?,
            test_fraction: section.number("test_fraction")?,
        }
    } else {
        let train = match given("train") {
            true => Some(side("train", "train_labels")?),
            false => None,
        };
        Dataset::Given {
            train,
            test: side("test", "test_labels")?,
        }
    };
    Some((dataset, validation))
}

/// What rows for validation cannot be beside.
fn check_validation(reader: &mut Reader, raw: &RawPipeline) {
    let section = raw.section("dataset");
    let given = |key: &str| section.given(key).is_some();
    if given("validation_fraction") {
        let cause = section.cause("validation_fraction");
        let why = "training rows are kept for validation";
        reader.contradict(section, "validation", why, &cause);
        if given("test") && !given("train") && !given("path") {
            let why = "there are no training rows to take it from";
            reader.contradict(section, "validation_fraction", why, &section.cause("test"));
        }
    } else if given("validation") && raw.section("scenes").span.is_some() {
        let why = "`[scenes]` are for training and the test alone; `validation_fraction` keeps some for training";
        let cause = raw.section("scenes").cause("train_decisions");
        reader.contradict(section, "validation", why, &cause);
    }
}

/// Without a header, a column is called by its number.
fn check_number(reader: &mut Reader, raw: &RawPipeline) {
    let section = raw.section("dataset");
    let labels = section.choices("label", |word| Some(word.to_owned()));
    if is_signal(raw) && labels.as_ref().is_some_and(|labels| labels.len() > 1) {
        let cause = raw.section("frontend").cause("sample_rate");
        let message = "dataset.label: found several columns, expected one, since what is heard of \
                       samples has a class";
        reader.refuse_pair(section, "label", message.to_owned(), &cause);
        return;
    }
    let is_name = |(label, _): &(String, _)| label.parse::<u32>().is_err();
    let mut labels = labels.into_iter().flatten();
    if section.flag("header") == Some(false)
        && let Some((label, span)) = labels.find(is_name)
    {
        let message = format!(
            "dataset.label: found `{label:?}`, expected a column's number, from 0 on, since \
             there is no header"
        );
        let fault = Fault::new(Some(span), message);
        let fault = fault.context(section.given("header"), "no header");
        reader.fault(fault.help("`label = 0` is the first column"));
    }
}

/// What takes the place of a gap must do so on the device.
fn check_gaps(reader: &mut Reader, raw: &RawPipeline) {
    let (section, model) = (raw.section("dataset"), raw.section("model"));
    if section.choice::<Gaps>("missing") != Some(Gaps::Median) {
        return;
    }
    let (key, why) = if is_imported(raw) {
        (
            "source",
            "an imported model says itself what a missing reading does",
        )
    } else if model.choice::<ModelKind>("kind") == Some(ModelKind::GaussianNb) {
        (
            "kind",
            "only trees can fill a gap on the device, at their splits; `\"drop\"` leaves rows out",
        )
    } else {
        return;
    };
    let cause = model.cause(key);
    reader.contradict(section, "missing", why, &cause);
}

/// A file of rows with labels in a column, as the others have them; its path is another's.
pub(super) fn column_file(reader: &Reader, raw: &RawPipeline) -> Option<DataFile> {
    let given = |key: &&str| raw.section("dataset").given(key).is_some();
    let file = ["test", "path"].into_iter().find(given)?;
    data_file(reader, raw, file, "none")
}

/// Whether the files of a side are given by class.
fn has_classes(raw: &RawPipeline, file: &str) -> bool {
    let paths = raw.section("dataset").paths(file).unwrap_or_default();
    let mut paths = paths.iter();
    paths.any(|(class, path)| class.is_some() || path.contains(LABEL))
}

fn data_file(reader: &Reader, raw: &RawPipeline, file: &str, labels: &str) -> Option<DataFile> {
    let section = raw.section("dataset");
    let several: Vec<FilesOf> = (section.paths(file).unwrap_or_default().iter())
        .map(|(class, path)| FilesOf {
            path: ConfigPath::new(reader.folder, path.clone()),
            class: class.clone(),
        })
        .collect();
    let path = match several.first() {
        None => reader.path(section, file)?,
        Some(first) => {
            let typed: Vec<&str> = several.iter().map(|it| it.path.typed.as_str()).collect();
            ConfigPath {
                typed: typed.join(", "),
                full: first.path.full.clone(),
            }
        }
    };
    let labels = if has_classes(raw, file) {
        Labels::Folders
    } else if section.given(labels).is_some() {
        Labels::File(reader.path(section, labels)?)
    } else if section.given("label").is_some() && signal(raw) != Some(SignalKind::Audio) {
        Labels::Columns(section.names("label")?)
    } else if is_signal(raw) {
        Labels::Folders
    } else {
        Labels::None
    };
    Some(DataFile {
        path,
        several,
        group: section.text("group"),
        list_label: match labels {
            Labels::File(_) => section.names("label").into_iter().flatten().next(),
            _ => None,
        },
        labels,
        header: section.flag("header")?,
        delimiter: section.choice("delimiter"),
        decimal: section.choice("decimal"),
        missing: section.choice("missing"),
        recording: section.text("recording"),
        recorded: Recorded::default(),
        ignore: section.names("ignore").unwrap_or_default(),
        unit: section.names("unit").unwrap_or_default(),
        normal: section.text("normal"),
    })
}

/// What was said of how samples were recorded.
fn recorded(section: &RawSection, scales: Option<Vec<f64>>) -> Recorded {
    Recorded {
        scales,
        rows: section.integer_u32("recording_rows"),
        time: section.text("time"),
        rates: section.choice("rates"),
        is_padded: section.choice("short") == Some(Short::Pad),
    }
}

/// What the readings of each channel are multiplied by; a channel that a table leaves out has the
/// scale 1.
fn scales(reader: &mut Reader, raw: &RawPipeline) -> Option<Vec<f64>> {
    let section = raw.section("dataset");
    let channels = raw.section("frontend").names("channels")?;
    if let Some(scale) = section.number("scale") {
        return Some(vec![scale; channels.len()]);
    }
    section.given("scale")?;
    let by_channel = section.per_class("scale");
    for name in by_channel.keys().filter(|it| !channels.contains(it)) {
        let message = format!(
            "dataset.scale: found the channel \"{name}\", expected some of {}",
            channels.join(", ")
        );
        let cause = raw.section("frontend").cause("channels");
        reader.refuse_pair(section, "scale", message, &cause);
    }
    let scale = |channel| by_channel.get(channel).copied().unwrap_or(1.0);
    Some(channels.iter().map(scale).collect())
}

/// A column of recordings is one of motion, and times in a label file are those of one recording.
fn recordings(reader: &mut Reader, raw: &RawPipeline) {
    let section = raw.section("dataset");
    let of_motion = ["recording", "recording_rows", "scale", "time", "short"].into_iter();
    let misplaced = match signal(raw) {
        Some(SignalKind::Motion) => None,
        Some(SignalKind::Audio) => of_motion.clone().find(|key| section.given(key).is_some()),
        None => of_motion
            .chain(["rates"])
            .find(|key| section.given(key).is_some()),
    };
    if signal(raw) != Some(SignalKind::Motion) {
        if let Some(key) = misplaced
            && let Some(span) = section.given(key)
            && raw.well_formed
        {
            let kind = match key {
                "rates" => "",
                _ => " with `kind = \"motion\"`",
            };
            let message = format!(
                "dataset.{key}: found a key of recordings, expected `[frontend]`{kind}, which \
                 alone has them"
            );
            // What is missing is told of in the section's header.
            let place = if is_signal(raw) {
                Some(span)
            } else {
                section.span.clone()
            };
            reader.fault(Fault::new(place, message));
        }
        return;
    }
    for key in ["recording", "recording_rows"] {
        let cause = section.cause(key);
        if section.given(key).is_none() {
            continue;
        }
        for (_, labels) in FILES {
            let why = "its times are those of one recording";
            reader.contradict(section, labels, why, &cause);
        }
        if key == "recording" {
            let why = "a column names the recordings";
            reader.contradict(section, "recording_rows", why, &cause);
        }
    }
}

/// What is listened to, if anything is.
fn signal(raw: &RawPipeline) -> Option<SignalKind> {
    let section = raw.section("frontend");
    section.span.as_ref()?;
    section.choice::<SignalKind>("kind")
}

/// Whether there are samples to make features of.
fn is_signal(raw: &RawPipeline) -> bool {
    raw.section("frontend").span.is_some()
}

fn is_imported(raw: &RawPipeline) -> bool {
    raw.section("model").choice::<Source>("source") == Some(Source::Import)
}

/// Whether the test rows have no labels, as only those for an imported model may.
pub(super) fn is_unlabelled(raw: &RawPipeline) -> bool {
    let section = raw.section("dataset");
    let given = |key: &str| section.given(key).is_some();
    let has_labels = given("test_labels") || given("label") || has_classes(raw, "test");
    !is_signal(raw) && is_imported(raw) && given("test") && !has_labels
}
