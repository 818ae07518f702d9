//! `[search]`: where the verb `search` looks.

use spinney_model::{Task, Voting};
use spinney_quantize::CodingChoice;

use crate::choice::{Encoding, ModelKind, Objective, Output, Tabled, Word};
use crate::diagnostics::Fault;
use crate::pipeline::{MaxFeatures, Search};
use crate::raw::{RawPipeline, RawSection};
use crate::value::{Reader, Value};

use super::model::max_features_of;
use super::{in_order, task};

/// Leaves of a tree where neither they nor its depth are listed.
const LEAVES: [u32; 9] = [8, 16, 32, 64, 96, 128, 192, 256, 512];

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) -> Option<Search> {
    let section = raw.section("search");
    let codegen = raw.section("codegen");
    let quantize = raw.section("quantize");
    let encoding = codegen.choice::<Encoding>("encoding");
    if encoding == Some(Encoding::Branches) {
        let cause = codegen.cause("encoding");
        let why = "what branches take is known to the compiler alone";
        reader.contradict(section, "encoding", why, &cause);
    }
    for key in ["kind", "leaves", "coding", "encoding"] {
        if let (Some(span), Some(Value::Words(words))) = (section.given(key), section.value(key))
            && words.is_empty()
        {
            let message = format!("search.{key}: found `[]`, expected at least one word");
            reader.fault(Fault::new(Some(span), message));
        }
    }
    let mut n_trees = integers(section, "n_trees").unwrap_or_default();
    n_trees.sort_unstable();
    let max_depth = integers(section, "max_depth");
    let is_plain = codegen
        .choices("outputs", Output::from_word)
        .is_none_or(|outputs| outputs.iter().all(|(output, _)| *output == Output::Class));
    let is_regressor = task::of_config(raw) == Some(Task::Regress);
    let leaves = match words::<Voting>(section, "leaves") {
        _ if is_regressor => Vec::new(),
        Some(leaves) => leaves,
        None if is_plain && raw.section("reject").span.is_none() => {
            vec![Voting::Soft, Voting::Hard]
        }
        None => quantize.choice("leaves").into_iter().collect(),
    };
    let encodings = match words::<Tabled>(section, "encoding") {
        Some(encodings) => encodings,
        None => match encoding {
            Some(Encoding::Table) => vec![Tabled::Table],
            Some(Encoding::Packed) => vec![Tabled::Packed],
            _ => vec![Tabled::Table, Tabled::Packed],
        },
    };
    let features = match section.value("max_features") {
        Some(Value::List(values)) => values.iter().filter_map(max_features_of).collect(),
        _ if is_regressor => vec![
            MaxFeatures::All,
            MaxFeatures::Fraction(0.5),
            MaxFeatures::Fraction(0.3),
        ],
        _ => vec![
            MaxFeatures::Sqrt,
            MaxFeatures::Fraction(0.2),
            MaxFeatures::Fraction(0.3),
            MaxFeatures::Fraction(0.5),
        ],
    };
    Some(Search {
        objective: objective(reader, raw, is_regressor)?,
        trials: section.integer_u32("trials")?,
        time_s: section.integer("time"),
        folds: section.integer_u32("folds")?,
        kinds: kinds(reader, raw, is_regressor)?,
        n_trees,
        max_leaf_nodes: match (integers(section, "max_leaf_nodes"), &max_depth) {
            (Some(leaves), _) => leaves,
            (None, Some(_)) => Vec::new(),
            (None, None) => LEAVES.to_vec(),
        },
        max_depth: max_depth.unwrap_or_default(),
        max_features: features,
        leaves,
        codings: words::<CodingChoice>(section, "coding")
            .or_else(|| Some(vec![quantize.choice("coding")?]))
            .unwrap_or_default(),
        encodings,
    })
}

/// What is looked for, which suits the task.
fn objective(reader: &mut Reader, raw: &RawPipeline, is_regressor: bool) -> Option<Objective> {
    let section = raw.section("search");
    if section.given("objective").is_none() {
        return Some(match is_regressor {
            true => Objective::Mae,
            false => Objective::Accuracy,
        });
    }
    let objective = section.choice::<Objective>("objective")?;
    if (objective.task() == Task::Regress) != is_regressor {
        let message = format!(
            "search.objective: found `\"{}\"`, expected {}",
            objective.word(),
            match is_regressor {
                true => "`\"mae\"`, `\"rmse\"` or `\"r2\"`, since labels are numbers",
                false =>
                    "`\"accuracy\"`, `\"balanced-accuracy\"` or `\"f1-macro\"`, since labels are classes",
            }
        );
        let cause = raw.section("model").cause("task");
        reader.refuse_pair(section, "objective", message, &cause);
    }
    Some(objective)
}

/// The kinds that are tried.
fn kinds(reader: &mut Reader, raw: &RawPipeline, is_regressor: bool) -> Option<Vec<ModelKind>> {
    let section = raw.section("search");
    let suits = |kind: &ModelKind| !is_regressor || *kind != ModelKind::GaussianNb;
    if section.given("kind").is_none() {
        let all = ModelKind::WORDS.iter().copied();
        return Some(all.filter_map(ModelKind::from_word).filter(suits).collect());
    }
    let kinds = in_order(section.choices("kind", ModelKind::from_word)?);
    if !kinds.iter().all(suits) {
        let message = "search.kind: found `\"gaussian-nb\"`, expected kinds of trees, since naive \
                       Bayes tells classes apart";
        let cause = raw.section("model").cause("task");
        reader.refuse_pair(section, "kind", message.to_owned(), &cause);
    }
    Some(kinds)
}

/// Words' meanings; `None` where there are none.
fn words<W: Word>(section: &RawSection, key: &str) -> Option<Vec<W>> {
    let words = section.choices(key, W::from_word)?;
    let words: Vec<W> = words.into_iter().map(|(word, _)| word).collect();
    (!words.is_empty()).then_some(words)
}

fn integers(section: &RawSection, key: &str) -> Option<Vec<u32>> {
    let Value::List(values) = section.value(key)? else {
        return None;
    };
    let integers = values.iter().map(|value| match value {
        Value::Integer(integer) => u32::try_from(*integer).ok(),
        _ => None,
    });
    integers.collect()
}
