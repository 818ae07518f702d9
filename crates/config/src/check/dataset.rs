//! `[dataset]`: which files there must be, and where their labels are.

use crate::choice::{Gaps, ModelKind, SignalKind, Source};
use crate::diagnostics::Fault;
use crate::pipeline::{ConfigPath, DataFile, Dataset, FilesOf, Labels};
use crate::raw::RawPipeline;
use crate::value::Reader;

use super::Cause;

/// A file of rows, and the key of the labels that belong to it.
const FILES: [(&str, &str); 3] = [
    ("path", "path_labels"),
    ("train", "train_labels"),
    ("test", "test_labels"),
];

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) -> Option<Dataset> {
    let section = raw.section("dataset");
    let given = |key: &str| section.given(key).is_some();
    let imported = is_imported(raw);

    if given("path") {
        let why = "`path` is split into both";
        let cause = Cause {
            section,
            key: "path",
        };
        reader.contradict(section, "train", why, &cause);
        reader.contradict(section, "test", why, &cause);
    } else if given("test") {
        let why = "`test` is the test set";
        reader.contradict(
            section,
            "test_fraction",
            why,
            &Cause {
                section,
                key: "test",
            },
        );
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
        reader
            .faults
            .push(Fault::new(section.span.clone(), message));
    }

    for (file, labels) in FILES {
        if given(labels) && !given(file) {
            let message =
                format!("dataset.{labels}: found labels without rows, expected `{file}` too");
            reader
                .faults
                .push(Fault::new(section.given(labels), message));
        }
    }
    for (file, labels) in FILES {
        if section.paths(file).is_some() {
            let why = "several files have their labels in a column, or a class each";
            let cause = Cause { section, key: file };
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
        let cause = Cause {
            section: raw.section("frontend"),
            key: "sample_rate",
        };
        let why = "only what the front end makes of samples is a feature";
        reader.contradict(section, "ignore", why, &cause);
        let why = "channels are columns with names";
        reader.contradict(section, "header", why, &cause);
        let why = "recordings are divided whole; `recording` names them";
        reader.contradict(section, "group", why, &cause);
        let why = "a recording has every sample";
        reader.contradict(section, "missing", why, &cause);
        for key in ["delimiter", "decimal"] {
            reader.contradict(section, key, "recordings tell by themselves", &cause);
        }
    }
    check_number(reader, raw);
    check_gaps(reader, raw);
    if signal(raw) == Some(SignalKind::Audio) {
        let why = "sound has no columns";
        let cause = Cause {
            section: raw.section("frontend"),
            key: "sample_rate",
        };
        reader.contradict(section, "label", why, &cause);
    } else if let (Some((key, _)), true) = (by_class, all_by_class) {
        let why = "each file has a class";
        reader.contradict(section, "label", why, &Cause { section, key });
    } else if any_file && all_separate {
        let key = if given("path") {
            "path_labels"
        } else {
            "test_labels"
        };
        let why = "the labels have files of their own";
        reader.contradict(section, "label", why, &Cause { section, key });
    } else if any_file && !given("label") && !imported && !is_signal(raw) {
        reader.missing(raw, section, "label");
    }

    if given("path") {
        return Some(Dataset::Split {
            rows: data_file(reader, raw, "path", "path_labels")?,
            test_fraction: section.number("test_fraction")?,
        });
    }
    let train = if given("train") {
        Some(data_file(reader, raw, "train", "train_labels")?)
    } else {
        None
    };
    Some(Dataset::Given {
        train,
        test: data_file(reader, raw, "test", "test_labels")?,
    })
}

/// Without a header, a column is called by its number.
fn check_number(reader: &mut Reader, raw: &RawPipeline) {
    let section = raw.section("dataset");
    let Some(label) = section.text("label") else {
        return;
    };
    if section.flag("header") == Some(false) && label.parse::<u32>().is_err() {
        let message = format!(
            "dataset.label: found `{label:?}`, expected a column's number, from 0 on, since there is \
             no header"
        );
        let fault = Fault::new(section.given("label"), message);
        let fault = fault.context(section.given("header"), "no header");
        reader
            .faults
            .push(fault.help("`label = 0` is the first column"));
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
    let cause = Cause {
        section: model,
        key,
    };
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
    paths.iter().any(|(class, _)| class.is_some())
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
        Labels::Column(section.text("label")?)
    } else if is_signal(raw) {
        Labels::Folders
    } else {
        Labels::None
    };
    Some(DataFile {
        path,
        several,
        group: section.text("group"),
        labels,
        header: section.flag("header")?,
        delimiter: section.choice("delimiter"),
        decimal: section.choice("decimal"),
        missing: section.choice("missing"),
        recording: section.text("recording"),
        ignore: section.names("ignore").unwrap_or_default(),
        unit: section.text("unit"),
        normal: section.text("normal"),
    })
}

/// A column of recordings is one of motion, and times in a label file are those of one recording.
fn recordings(reader: &mut Reader, raw: &RawPipeline) {
    let section = raw.section("dataset");
    if signal(raw) != Some(SignalKind::Motion) {
        if let Some(span) = section.given("recording")
            && raw.well_formed
        {
            let message = "dataset.recording: found a column of recordings, expected `[frontend]` \
                           with `kind = \"motion\"`, which alone has them";
            // What is missing is told of in the section's header.
            let place = if is_signal(raw) {
                Some(span)
            } else {
                section.span.clone()
            };
            reader.faults.push(Fault::new(place, message));
        }
        return;
    }
    for (_, labels) in FILES {
        let why = "its times are those of one recording";
        let cause = Cause {
            section,
            key: "recording",
        };
        if section.given("recording").is_some() {
            reader.contradict(section, labels, why, &cause);
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
