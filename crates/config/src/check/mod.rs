//! From what was typed to what it means: rules that take more than one key.

mod dataset;
mod filter;
mod frontend;
mod model;
mod motion;
mod node;
mod property;
mod reject;
mod search;
mod target;
mod task;
mod trigger;

use std::num::NonZeroU32;

use spinney_dataset::Missing;
use spinney_evaluate::AccuracyLimits;
use spinney_model::{Task, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Level, Sensor, Votes};

use crate::choice::{
    Emulator, Encoding, Export, LogLevel, ModelKind, Output, Prefer, Source, Word,
};
use crate::diagnostics::{Fault, Span};
use crate::pipeline::{
    Codegen, ConfigPath, Evaluate, Feature, Firmware, Identity, Pipeline, Quantize, ReadingRange,
};
use crate::raw::{RawPipeline, RawSection};
use crate::schema;
use crate::value::{Reader, Value, literal};

pub(crate) use task::{misfits, other};

/// Checks the whole; faults are left in `reader`. `None` where a fault leaves a gap.
pub(crate) fn check(reader: &mut Reader, raw: &RawPipeline) -> Option<Pipeline> {
    let identity = identity(reader, raw.section("pipeline"));
    let dataset = dataset::check(reader, raw);
    let model = model::check(reader, raw);
    let shrink = model::shrink(reader, raw);
    let select = model::select(reader, raw);
    task::check(reader, raw);
    let quantize = quantize(reader, raw);
    let features = raw
        .features
        .iter()
        .map(|(name, section)| (name.clone(), feature(reader, raw, section)))
        .collect();
    let (frontend, scenes) = frontend::check(reader, raw);
    let codegen = codegen(reader, raw.section("codegen"));
    let reject = reject::check(reader, raw);
    let properties = raw.properties.iter();
    let properties = properties.map(|section| property::check(reader, section));
    let properties: Vec<_> = properties.collect();
    let accuracy = accuracy(reader, raw);
    let evaluate = evaluate(reader, raw);
    let firmware = firmware(raw.section("firmware"));
    let target = target::check(reader, raw.section("target"));
    let budget = target::budget(reader, raw, target.as_ref());
    let uplink = node::uplink(reader, raw);
    let power = node::power(reader, raw, target.as_ref());
    let search = search::check(reader, raw);
    let (dataset, validation) = dataset?;
    Some(Pipeline {
        identity: identity?,
        dataset,
        validation,
        model: model?,
        shrink: shrink?,
        select,
        quantize: quantize?,
        features,
        frontend,
        scenes,
        codegen: codegen?,
        properties: properties.into_iter().collect::<Option<_>>()?,
        reject,
        accuracy,
        target: target?,
        evaluate,
        firmware: firmware?,
        budget: budget?,
        uplink,
        power,
        search: search?,
    })
}

/// Whose rules a fault applies: a key, where it was typed.
struct Cause<'a> {
    section: &'a RawSection,
    key: &'static str,
}

impl RawSection {
    fn cause(&self, key: &'static str) -> Cause<'_> {
        Cause { section: self, key }
    }
}

impl Reader<'_> {
    /// Whether a value has a fault already: one is enough.
    pub(crate) fn is_at_fault(&self, span: &Span) -> bool {
        self.faults
            .iter()
            .any(|fault| fault.span.as_ref() == Some(span))
    }

    /// Refuses a key that has no meaning beside another, if it was typed.
    fn contradict(&mut self, section: &RawSection, key: &str, why: &str, cause: &Cause) {
        let Some(span) = section.given(key).filter(|span| !self.is_at_fault(span)) else {
            return;
        };
        let message = format!(
            "{}.{key}: found {}, expected none, since {why}",
            section.place,
            literal(self.text, &span)
        );
        let because = cause.section.given(cause.key);
        let change = if because.is_some() { "change" } else { "set" };
        let help = format!(
            "remove `{key}`, or {change} `{}.{}`",
            cause.section.place, cause.key
        );
        self.faults
            .push(Fault::new(Some(span), message).because(because).help(help));
    }

    /// Refuses a key's value because of another key, if it was typed; else the other key's.
    fn refuse_pair(&mut self, section: &RawSection, key: &str, message: String, cause: &Cause) {
        let own = section.given(key);
        let other = cause.section.given(cause.key);
        let fault = match own {
            Some(_) => Fault::new(own, message).because(other),
            None => Fault::new(other.or_else(|| section.span.clone()), message),
        };
        self.faults.push(fault);
    }

    /// Says that a key is missing which the other keys make necessary.
    fn missing(&mut self, raw: &RawPipeline, section: &RawSection, key: &str) {
        // An absent section has been told of, and text that is not TOML may hide the key.
        if section.span.is_none() || !raw.well_formed {
            return;
        }
        let known = schema::section(&section.place)
            .and_then(|known| known.keys.iter().find(|known| known.name == key));
        let Some(known) = known else {
            return;
        };
        let message = format!(
            "{}.{key}: found nothing, expected {}",
            section.place,
            known.kind.expected()
        );
        self.fault(Fault::new(section.span.clone(), message).help(known.doc));
    }

    fn path(&self, section: &RawSection, key: &str) -> Option<ConfigPath> {
        Some(ConfigPath::new(self.folder, section.text(key)?))
    }
}

fn identity(reader: &Reader, section: &RawSection) -> Option<Identity> {
    Some(Identity {
        name: section.text("name")?,
        seed: section.integer("seed")?,
        reports: reader.path(section, "reports")?,
    })
}

fn is_bayes(raw: &RawPipeline) -> bool {
    let model = raw.section("model");
    model.choice::<Source>("source") == Some(Source::Train)
        && model.choice::<ModelKind>("kind") == Some(ModelKind::GaussianNb)
}

const MODEL_KIND: &str = "kind";

fn quantize(reader: &mut Reader, raw: &RawPipeline) -> Option<Quantize> {
    let section = raw.section("quantize");
    if is_bayes(raw) {
        let cause = raw.section("model").cause(MODEL_KIND);
        reader.contradict(section, "leaves", "naive Bayes has no leaves", &cause);
    }
    let coding = coding(reader, raw, section);
    Some(Quantize {
        leaves: section.choice::<Voting>("leaves")?,
        votes: section.choice::<Votes>("votes")?,
        codes: section.choice::<CodeWidth>("codes")?,
        coding: coding?,
    })
}

fn coding(reader: &mut Reader, raw: &RawPipeline, section: &RawSection) -> Option<CodingChoice> {
    let coding = section.choice::<CodingChoice>("coding")?;
    if coding == CodingChoice::Rank && is_bayes(raw) {
        let cause = raw.section("model").cause(MODEL_KIND);
        let why = "naive Bayes has no thresholds to rank among";
        reader.contradict(section, "coding", why, &cause);
    }
    Some(coding)
}

fn feature(reader: &mut Reader, raw: &RawPipeline, section: &RawSection) -> Feature {
    let range = match section.value("range") {
        Some(Value::Pair(low, high)) => Some(ReadingRange {
            low: *low,
            high: *high,
        }),
        _ => None,
    };
    let type_ = section.choice::<Sensor>("type");
    if let (Some(range), Some(type_)) = (range, type_)
        && let Some((low, high)) = type_.integers()
        && (range.low < low || range.high > high)
    {
        let message = format!(
            "{}.range: found [{}, {}], expected no more than `type = \"{}\"` holds, {low} to {high}",
            section.place,
            range.low,
            range.high,
            type_.word(),
        );
        reader.refuse_pair(section, "range", message, &section.cause("type"));
    }
    let missing = match section.value("missing") {
        Some(Value::Number(number)) => Some(Missing::Number(*number)),
        Some(Value::Text(_)) => Some(Missing::Nan),
        _ => None,
    };
    if let Some(missing) = missing {
        check_missing(reader, section, missing, range, type_);
    }
    let categories = section.names("categories");
    if categories.is_some() {
        let cause = section.cause("categories");
        let why = "a category is a word, and its reading the word's place in the list";
        for key in ["range", "coding"] {
            reader.contradict(section, key, why, &cause);
        }
    }
    Feature {
        range,
        type_,
        coding: coding(reader, raw, section),
        missing,
        categories,
    }
}

/// What stands for a missing reading must be one that the sensor can deliver, and no other reading.
fn check_missing(
    reader: &mut Reader,
    section: &RawSection,
    missing: Missing,
    range: Option<ReadingRange>,
    type_: Option<Sensor>,
) {
    let place = &section.place;
    let integers = type_.and_then(|type_| Some((type_, type_.integers()?)));
    match (missing, integers) {
        (Missing::Nan, Some((type_, _))) => {
            let message = format!(
                "{place}.missing: found `\"nan\"`, expected an integer, since `type = \"{}\"` has no \
                 NaN",
                type_.word()
            );
            let cause = section.cause("type");
            reader.refuse_pair(section, "missing", message, &cause);
        }
        (Missing::Number(reading), Some((type_, (low, high))))
            if reading.fract() != 0.0 || reading < low || reading > high =>
        {
            let message = format!(
                "{place}.missing: found {reading}, expected an integer that `type = \"{}\"` holds, \
                 {low} to {high}",
                type_.word()
            );
            let cause = section.cause("type");
            reader.refuse_pair(section, "missing", message, &cause);
        }
        _ => {}
    }
    if let (Missing::Number(reading), Some(range)) = (missing, range)
        && (range.low..=range.high).contains(&reading)
    {
        let message = format!(
            "{place}.missing: found {reading}, expected a number outside of `range`, {} to {}, since \
             it would be a reading like any other",
            range.low, range.high
        );
        let cause = section.cause("range");
        reader.refuse_pair(section, "missing", message, &cause);
    }
}

fn codegen(reader: &mut Reader, section: &RawSection) -> Option<Codegen> {
    let outputs = section.choices("outputs", Output::from_word);
    let early_exit = section.flag("early_exit");
    if let Some(outputs) = &outputs {
        if !outputs.iter().any(|(output, _)| *output == Output::Class) {
            let message = "codegen.outputs: found no `\"class\"`, expected it among the outputs";
            reader.fault(Fault::new(section.given("outputs"), message));
        }
        if outputs.iter().any(|(output, _)| *output != Output::Class) && early_exit == Some(true) {
            let why = "scores need every tree";
            reader.contradict(section, "early_exit", why, &section.cause("outputs"));
        }
    }
    let exit_margin = section.number("exit_margin");
    if early_exit == Some(false) && exit_margin != Some(1.0) {
        let cause = section.cause("early_exit");
        reader.contradict(section, "exit_margin", "nothing exits early", &cause);
    }
    let export = in_order(section.choices("export", Export::from_word)?);
    if !export.contains(&Export::C99) {
        let why = "no header is exported";
        let cause = section.cause("export");
        reader.contradict(section, "header", why, &cause);
    }
    Some(Codegen {
        exit_margin: exit_margin?,
        crate_folder: reader.path(section, "crate"),
        encoding: section.choice::<Encoding>("encoding")?,
        prefer: section.choice::<Prefer>("prefer")?,
        outputs: in_order(outputs?),
        early_exit: early_exit?,
        export,
        header: reader.path(section, "header"),
    })
}

fn in_order<T: Ord>(words: Vec<(T, Span)>) -> Vec<T> {
    let mut words: Vec<T> = words.into_iter().map(|(word, _)| word).collect();
    words.sort();
    words
}

/// Gates of `[accuracy]` that take labels to judge.
const OF_LABELS: [&str; 12] = [
    "better_than_majority",
    "min_accuracy",
    "min_balanced_accuracy",
    "min_recall",
    "max_accuracy_loss",
    "max_drop",
    "max_mae_growth",
    "min_r2",
    "min_auc",
    "min_coverage",
    "min_accuracy_accepted",
    "max_false_alarms",
];

fn accuracy(reader: &mut Reader, raw: &RawPipeline) -> AccuracyLimits {
    let section = raw.section("accuracy");
    let is_unlabelled = dataset::is_unlabelled(raw);
    if is_unlabelled {
        let why = "rows without labels have no accuracy";
        let cause = raw.section("dataset").cause("test");
        for key in OF_LABELS {
            reader.contradict(section, key, why, &cause);
        }
    }
    AccuracyLimits {
        better_than_majority: section.flag("better_than_majority").unwrap_or(true)
            && !is_unlabelled
            && matches!(task::of_config(raw), None | Some(Task::Classify)),
        min_accuracy: section.number("min_accuracy"),
        min_balanced_accuracy: section.number("min_balanced_accuracy"),
        min_recall: section.per_class("min_recall"),
        max_accuracy_loss: section.number("max_accuracy_loss"),
        max_drop: section.number("max_drop"),
        min_agreement: section.number("min_agreement"),
        max_disagreements: section.integer_u32("max_disagreements"),
        max_error: section.number("max_error"),
        max_mae_growth: section.number("max_mae_growth"),
        min_r2: section.number("min_r2"),
        min_auc: section.number("min_auc"),
        min_coverage: section.number("min_coverage"),
        min_accuracy_accepted: section.number("min_accuracy_accepted"),
        max_unknown: section.number("max_unknown"),
        max_false_alarms: section.number("max_false_alarms"),
        require_certificate: section.choice::<Level>("require_certificate"),
    }
}

fn evaluate(reader: &mut Reader, raw: &RawPipeline) -> Evaluate {
    let (section, target) = (raw.section("evaluate"), raw.section("target"));
    if target.choice::<Emulator>("emulator") == Some(Emulator::Off) {
        let why = "no row runs in the emulator";
        reader.contradict(section, "device_rows", why, &target.cause("emulator"));
    }
    let frontend = raw.section("frontend");
    if let (Some(span), Some(_)) = (section.given("device_rows"), &frontend.span) {
        let message = "evaluate.device_rows: found `[frontend]` beside it, expected rows from a table: \
                       the device hears recordings from their start to their end";
        let fault = Fault::new(Some(span), message)
            .context(frontend.span.clone(), "rows are cut from recordings")
            .help("remove `device_rows`, or name fewer recordings for the test");
        reader.fault(fault);
    }
    Evaluate {
        device_rows: section.integer_u32("device_rows").and_then(NonZeroU32::new),
    }
}

fn firmware(section: &RawSection) -> Option<Firmware> {
    Some(Firmware {
        log: section.choice::<LogLevel>("log")?,
        deadline_s: section.integer_u32("deadline_s")?,
    })
}
