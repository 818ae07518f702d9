//! `[reject]`: which rows calibrate when a classifier says that it does not know.

use crate::choice::Source;
use crate::diagnostics::Fault;
use crate::pipeline::{CalibrationRows, DataFile, Labels, Reject};
use crate::raw::RawPipeline;
use crate::value::Reader;

/// The share of the training rows that calibrates where nothing else is said.
const SHARE: f64 = 0.2;

/// Gates that there are only where a class may be unknown.
const GATES: [(&str, &str); 6] = [
    ("accuracy", "min_coverage"),
    ("accuracy", "min_accuracy_accepted"),
    ("accuracy", "max_unknown"),
    ("accuracy", "max_false_alarms"),
    ("budget", "reject_flash"),
    ("budget", "reject_instructions"),
];

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) -> Option<Reject> {
    let section = raw.section("reject");
    let Some(span) = section.span.clone() else {
        for (section, key) in GATES {
            let given = raw.section(section).given(key);
            let Some(at) = given.filter(|it| !reader.is_at_fault(it)) else {
                continue;
            };
            let message = format!(
                "{section}.{key}: found a gate on answers of *unknown*, expected `[reject]`, without \
                 which every answer is a class"
            );
            let help = "add `[reject]` with `coverage`, such as `coverage = 0.95`";
            reader.fault(Fault::new(Some(at), message).help(help));
        }
        return None;
    };
    let cause = section.cause("coverage");
    let mut refuse = |section: &str, key: &str, why: &str| {
        reader.contradict(raw.section(section), key, why, &cause);
    };
    let codegen = raw.section("codegen");
    if codegen.flag("early_exit") == Some(true) {
        let why = "how far a class leads takes every tree";
        refuse("codegen", "early_exit", why);
    }
    if raw.section("frontend").span.is_some() {
        let message = "reject: found `[frontend]` beside it, expected rows from a table: what is cut \
                       from one recording is alike, and a promise about new recordings would be false";
        let help = "the verb `features` writes rows of features to a file; start from that";
        let fault = Fault::new(Some(span), message).context(
            raw.section("frontend").span.clone(),
            "rows are cut from recordings",
        );
        reader.fault(fault.help(help));
        return None;
    }
    let dataset = raw.section("dataset");
    let has_validation =
        (["validation", "validation_fraction"].iter()).any(|key| dataset.given(key).is_some());
    let rows = match section.given("rows") {
        Some(_) => {
            let cause = section.cause("rows");
            let why = "the rows have a file of their own";
            reader.contradict(section, "share", why, &cause);
            for key in ["path_labels", "train_labels", "test_labels"] {
                let why = "`rows` of [reject] has its labels in a column, as the other files must";
                reader.contradict(dataset, key, why, &cause);
            }
            CalibrationRows::File(DataFile {
                path: reader.path(section, "rows")?,
                several: Vec::new(),
                ..super::dataset::column_file(reader, raw)?
            })
        }
        None if has_validation && section.given("share").is_none() => CalibrationRows::Validation,
        None if raw.section("model").choice::<Source>("source") == Some(Source::Import) => {
            reader.missing(raw, section, "rows");
            return None;
        }
        None if dataset.given("group").is_some() => {
            let message = "reject: found `group` in [dataset] beside it, expected `rows`, a file of \
                           groups of its own: rows of groups that train say little about new ones";
            let fault = Fault::new(Some(span), message);
            let group = dataset.given("group");
            reader.fault(fault.context(group, "rows are alike in groups"));
            return None;
        }
        None => CalibrationRows::Share(section.number("share").unwrap_or(SHARE)),
    };
    if matches!(&rows, CalibrationRows::File(file) if file.labels == Labels::None) {
        let message = "reject.rows: found rows without labels, expected `label` in [dataset]: what \
                       is right must be known";
        let fault = Fault::new(section.given("rows"), message);
        reader.fault(fault);
        return None;
    }
    let outliers = section.number("outliers");
    let is_untrained = dataset.given("test").is_some() && dataset.given("train").is_none();
    if let Some(at) = section.given("outliers").filter(|_| is_untrained) {
        let message = "reject.outliers: found no training rows, expected some, which say what is like \
                       them";
        let fault = Fault::new(Some(at), message);
        reader
            .fault(fault.help("name the rows that the model was fitted on: `train` in [dataset]"));
    }
    if outliers.is_none() {
        let accuracy = raw.section("accuracy");
        if let Some(at) = accuracy.given("max_false_alarms") {
            let message = "accuracy.max_false_alarms: found a gate on rows unlike those of training, \
                           expected `outliers` in [reject], without which nobody looks";
            let fault = Fault::new(Some(at), message);
            reader.fault(fault.help("add `outliers`, such as `outliers = 0.01`"));
        }
    }
    Some(Reject {
        coverage: section.number("coverage")?,
        outliers,
        rows,
    })
}
