//! `[model]`: which keys belong to which kind of model and trainer.

use spinney_model::{ForestKind, Task, Voting};

use crate::choice::{Criterion, ModelKind, Promise, Source, Trainer};
use crate::diagnostics::Fault;
use crate::pipeline::{
    ClassWeight, Count, ForestTraining, MaxFeatures, Model, Select, Shrink, Training,
};
use crate::raw::{RawPipeline, RawSection};
use crate::schema;
use crate::value::{Reader, Value, literal};

/// Keys that only several trees have.
const OF_FORESTS: [&str; 3] = ["n_trees", "bootstrap", "max_samples"];
/// Keys about a smaller model.
const OF_SHRINKING: [&str; 5] = [
    "shrink",
    "max_score_loss",
    "shrink_alpha",
    "shrink_error",
    "shrink_seconds",
];
/// Keys that linfa's trees do not know.
const BEYOND_LINFA: [&str; 3] = ["max_leaf_nodes", "class_weight", "ccp_alpha"];

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) -> Option<Model> {
    let section = raw.section("model");
    match section.choice::<Source>("source")? {
        Source::Import => {
            let why = "an imported model is trained already";
            let kept = ["source", "path", "task", "threshold", "classes"];
            let kept = [&kept[..], &OF_SHRINKING].concat();
            refuse_all_but(reader, section, &kept, why, "source");
            if section.given("path").is_none() {
                reader.missing(raw, section, "path");
            }
            let path = reader.path(section, "path")?;
            Some(Model::Import {
                path,
                task: section.choice("task"),
                threshold: section.number("threshold"),
                classes: section.names("classes"),
            })
        }
        Source::Train => {
            for (key, help) in [
                ("path", "to import the file, write `source = \"import\"`"),
                ("classes", "classes are those of the rows' labels"),
            ] {
                let Some(span) = section.given(key) else {
                    continue;
                };
                let message = format!(
                    "model.{key}: found {}, expected none, since the model is trained here",
                    literal(reader.text, &span)
                );
                reader.fault(
                    Fault::new(Some(span), message)
                        .because(section.given("source"))
                        .help(help),
                );
            }
            if section.given("kind").is_none() {
                reader.missing(raw, section, "kind");
            }
            training(reader, section).map(Model::Train)
        }
    }
}

/// What a smaller model promises; the outer `None` where a fault leaves a gap.
pub(super) fn shrink(reader: &mut Reader, raw: &RawPipeline) -> Option<Option<Shrink>> {
    let section = raw.section("model");
    let cause = section.cause("shrink");
    let promise = section.choice::<Promise>("shrink");
    for (key, of, why) in [
        (
            "max_score_loss",
            &[Promise::Score][..],
            "only `shrink = \"score\"` loses any",
        ),
        (
            "shrink_alpha",
            &[Promise::InDistribution],
            "only `shrink = \"in-distribution\"` states a probability",
        ),
        (
            "shrink_error",
            &[
                Promise::EveryInput,
                Promise::EveryRow,
                Promise::InDistribution,
            ],
            "only another `shrink` than `\"score\"` bounds an error",
        ),
        (
            "shrink_seconds",
            &[Promise::EveryInput],
            "only `shrink = \"every-input\"` proves anything",
        ),
    ] {
        if promise.is_none_or(|promise| !of.contains(&promise)) {
            reader.contradict(section, key, why, &cause);
        }
    }
    let Some(promise) = promise else {
        return Some(None);
    };
    if raw.section("quantize").choice::<Voting>("leaves") == Some(Voting::Hard) {
        let why = "a smaller model's leaves are fitted as shares of a vote";
        reader.contradict(raw.section("quantize"), "leaves", why, &cause);
    }
    Some(Some(Shrink {
        promise,
        max_score_loss: section.number("max_score_loss").unwrap_or(0.005),
        alpha: section.number("shrink_alpha").unwrap_or(0.05),
        max_error: section.number("shrink_error"),
        seconds: section.number("shrink_seconds").unwrap_or(20.0),
    }))
}

/// How many features are kept.
pub(super) fn select(reader: &mut Reader, raw: &RawPipeline) -> Option<Select> {
    let (section, model) = (raw.section("features"), raw.section("model"));
    if model.choice::<Source>("source") == Some(Source::Import) {
        let why = "an imported model is trained already";
        reader.contradict(section, "select", why, &model.cause("source"));
    }
    if model.choice::<Task>("task") == Some(Task::Regress) {
        let why = "features are weighed by the classes that a model decides";
        reader.contradict(section, "select", why, &model.cause("task"));
    }
    match section.value("select")? {
        Value::Integer(n) => u32::try_from(*n).ok().map(Select::Best),
        _ => Some(Select::Auto),
    }
}

fn refuse_all_but(
    reader: &mut Reader,
    section: &RawSection,
    kept: &[&str],
    why: &str,
    cause: &'static str,
) {
    let keys = schema::section("model").map_or(&[][..], |section| section.keys);
    for key in keys.iter().filter(|key| !kept.contains(&key.name)) {
        reader.contradict(section, key.name, why, &section.cause(cause));
    }
}

fn training(reader: &mut Reader, section: &RawSection) -> Option<Training> {
    let kind = match section.choice::<ModelKind>("kind")? {
        ModelKind::GaussianNb => {
            let kept = [
                "source",
                "path",
                "task",
                "threshold",
                "kind",
                "trainer",
                "var_smoothing",
            ];
            refuse_all_but(reader, section, &kept, "naive Bayes has no trees", "kind");
            if section.choice::<Trainer>("trainer") != Some(Trainer::Linfa) {
                let why = "naive Bayes is always trained by linfa";
                reader.contradict(section, "trainer", why, &section.cause("kind"));
            }
            return Some(Training::GaussianNb {
                var_smoothing: section.number("var_smoothing")?,
            });
        }
        ModelKind::DecisionTree => ForestKind::DecisionTree,
        ModelKind::RandomForest => ForestKind::RandomForest,
        ModelKind::ExtraTrees => ForestKind::ExtraTrees,
    };
    let by_kind = section.cause("kind");
    let why = "trees have no variances";
    reader.contradict(section, "var_smoothing", why, &by_kind);
    if kind == ForestKind::DecisionTree {
        let why = "a decision tree is one tree, of all rows";
        for key in OF_FORESTS {
            reader.contradict(section, key, why, &by_kind);
        }
    }
    let bootstrap = match section.given("bootstrap") {
        Some(_) if kind != ForestKind::DecisionTree => section.flag("bootstrap")?,
        _ => kind == ForestKind::RandomForest,
    };
    if !bootstrap && kind != ForestKind::DecisionTree {
        let key = if section.given("bootstrap").is_some() {
            "bootstrap"
        } else {
            "kind"
        };
        let why = "each tree sees all rows unless `bootstrap` is on";
        reader.contradict(section, "max_samples", why, &section.cause(key));
    }
    let criterion = criterion(reader, section)?;
    let class_weight = class_weight(section);
    if class_weight == Some(ClassWeight::BalancedSubsample) && kind == ForestKind::DecisionTree {
        let message = "model.class_weight: found `\"balanced_subsample\"`, expected `\"balanced\"` \
                       for a decision tree, which has no subsample";
        reader.refuse_pair(section, "class_weight", message.to_owned(), &by_kind);
    }
    let trainer = section.choice::<Trainer>("trainer");
    if trainer == Some(Trainer::Linfa) {
        beyond_linfa(reader, section, kind);
    }
    Some(Training::Forest(ForestTraining {
        kind,
        trainer: trainer?,
        n_trees: match kind {
            ForestKind::DecisionTree => 1,
            _ => section.integer_u32("n_trees")?,
        },
        max_depth: section.integer_u32("max_depth"),
        min_samples_split: count(section, "min_samples_split")?,
        min_samples_leaf: count(section, "min_samples_leaf")?,
        max_leaf_nodes: section.integer_u32("max_leaf_nodes"),
        max_features: max_features(section).unwrap_or(match kind {
            ForestKind::RandomForest | ForestKind::ExtraTrees
                if criterion != Criterion::SquaredError =>
            {
                MaxFeatures::Sqrt
            }
            _ => MaxFeatures::All,
        }),
        criterion,
        bootstrap,
        max_samples: count(section, "max_samples"),
        class_weight: class_weight?,
        min_impurity_decrease: section.number("min_impurity_decrease")?,
        ccp_alpha: section.number("ccp_alpha")?,
    }))
}

/// What splits are chosen by: numbers have one criterion, classes have the others.
fn criterion(reader: &mut Reader, section: &RawSection) -> Option<Criterion> {
    let is_regressor = section.choice::<Task>("task") == Some(Task::Regress);
    let (usual, expected) = match is_regressor {
        true => (
            Criterion::SquaredError,
            "`\"squared_error\"`, which numbers have",
        ),
        false => (
            Criterion::Gini,
            "`\"gini\"` or `\"entropy\"`, which classes have",
        ),
    };
    let Some(span) = section.given("criterion") else {
        return Some(usual);
    };
    let criterion = section.choice::<Criterion>("criterion")?;
    if (criterion == Criterion::SquaredError) != is_regressor {
        let found = literal(reader.text, &span);
        let message = format!("model.criterion: found {found}, expected {expected}");
        let help = "`task = \"regress\"` in [model] is for labels that are numbers";
        reader.fault(Fault::new(Some(span), message).help(help));
    }
    Some(criterion)
}

fn beyond_linfa(reader: &mut Reader, section: &RawSection, kind: ForestKind) {
    let by_trainer = section.cause("trainer");
    if kind == ForestKind::ExtraTrees {
        let message = "model.kind: found `\"extra-trees\"`, expected another kind, since \
                       `trainer = \"linfa\"` has none of these";
        reader.refuse_pair(section, "kind", message.to_owned(), &by_trainer);
    }
    let why = "`trainer = \"linfa\"` does not know it";
    for key in BEYOND_LINFA {
        reader.contradict(section, key, why, &by_trainer);
    }
    if kind == ForestKind::DecisionTree {
        let why = "`trainer = \"linfa\"` gives a single tree all features";
        reader.contradict(section, "max_features", why, &by_trainer);
    }
}

fn count(section: &RawSection, key: &str) -> Option<Count> {
    match section.value(key)? {
        Value::Integer(rows) => u32::try_from(*rows).ok().map(Count::Rows),
        Value::Number(share) => Some(Count::Fraction(*share)),
        _ => None,
    }
}

fn max_features(section: &RawSection) -> Option<MaxFeatures> {
    max_features_of(section.value("max_features")?)
}

pub(super) fn max_features_of(value: &Value) -> Option<MaxFeatures> {
    match value {
        Value::Integer(features) => u32::try_from(*features).ok().map(MaxFeatures::Features),
        Value::Number(share) => Some(MaxFeatures::Fraction(*share)),
        Value::Text(word) => match word.as_str() {
            "sqrt" => Some(MaxFeatures::Sqrt),
            "log2" => Some(MaxFeatures::Log2),
            "all" => Some(MaxFeatures::All),
            _ => None,
        },
        _ => None,
    }
}

fn class_weight(section: &RawSection) -> Option<ClassWeight> {
    match section.value("class_weight")? {
        Value::PerClass(weights) => Some(ClassWeight::Given(weights.clone())),
        Value::Text(word) => match word.as_str() {
            "none" => Some(ClassWeight::None),
            "balanced" => Some(ClassWeight::Balanced),
            "balanced_subsample" => Some(ClassWeight::BalancedSubsample),
            _ => None,
        },
        _ => None,
    }
}
