//! scikit-learn's boosting: gradient boosting, gradient boosting of histograms, and `AdaBoost`.

use spinney_model::{AdditiveKind, Link, Node, Side, Split, Test};

use super::estimator::{
    MissingValues, RawTree, finite, is_at_least, n_features, normalizes, schema,
};
use super::object::{Fields, Object};
use crate::draft::{Draft, DraftTree, Outputs};
use crate::lower::{categories, side};
use crate::{ImportError, shown};

/// The number just below 0: for libraries that take class 1 at 0 too.
const BELOW_ZERO: f64 = -f64::from_bits(1);

/// `init + learning_rate · Σ trees`, one tree per output and round.
pub(super) fn gradient_boosting(estimator: &Object) -> Result<Draft, ImportError> {
    let is_classifier = estimator.class_name().ends_with("Classifier");
    let loss = estimator.get("loss")?.text()?;
    let (outputs, n_outputs, link, threshold) = match (is_classifier, loss.as_str()) {
        (false, "squared_error" | "ls" | "absolute_error" | "lad" | "huber" | "quantile") => {
            (Outputs::targets(1), 1, Link::Identity, None)
        }
        (true, "log_loss" | "deviance" | "exponential") => {
            let schema = schema(estimator)?;
            let n_classes = schema.n_classes();
            let outputs = Outputs::Classes(schema.classes().to_vec());
            let is_exponential = loss == "exponential";
            if n_classes > 2 {
                (outputs, n_classes, Link::Softmax, None)
            } else {
                let scale = if is_exponential { 2.0 } else { 1.0 };
                // Log loss took the larger probability, and so class 0 at 0, until 1.3.
                let with_zero = is_exponential || is_at_least(estimator.version(), &[1, 4]);
                let threshold = if with_zero { BELOW_ZERO } else { 0.0 };
                (outputs, 1, Link::Sigmoid { scale }, Some(threshold))
            }
        }
        _ => return Err(refused_loss(estimator, &loss)),
    };
    let rate = estimator.get("learning_rate")?.number()?;
    let base = initial(estimator, &loss, n_outputs)?;
    let raws = members(&estimator.get("estimators_")?, n_outputs)?;
    let raws = raws
        .iter()
        .map(|(output, member)| Ok((output, RawTree::read(member)?)));
    let raws = raws.collect::<Result<Vec<_>, ImportError>>()?;
    let missing = MissingValues::learnt_by(raws.iter().map(|(_, raw)| raw));
    let trees = raws.iter().map(|(output, raw)| {
        raw.must_have_one_value()?;
        raw.draft(missing, Some(**output), |index| {
            vec![rate * raw.values(index)[0]]
        })
    });
    let trees = trees.collect::<Result<_, _>>()?;
    let (kind, n_features) = (AdditiveKind::GradientBoosting, n_features(estimator)?);
    Ok(Draft {
        link,
        threshold,
        ..Draft::new(kind, n_features, outputs, base, trees)
    })
}

/// The trees of all rounds, one per output each, with the output that each is for.
fn members<'s>(
    rounds: &Object<'s>,
    n_outputs: usize,
) -> Result<Vec<(usize, Object<'s>)>, ImportError> {
    let mut all = Vec::new();
    for round in rounds.items()? {
        let members = round.items()?;
        if members.len() != n_outputs {
            return Err(broken!(
                round.place(); "{} trees", members.len(); "one per output, {n_outputs}"
            ));
        }
        all.extend(members.into_iter().enumerate());
    }
    Ok(all)
}

fn refused_loss(estimator: &Object, loss: &str) -> ImportError {
    let (class, loss) = (estimator.shown_class(), shown(loss));
    refused!("{class} with loss=\"{loss}\""; "fit it with one of scikit-learn's own losses")
}

/// What the sums of gradient boosting start at: the raw prediction of `init_`.
fn initial(estimator: &Object, loss: &str, n_outputs: usize) -> Result<Vec<f64>, ImportError> {
    let init = estimator.get("init_")?;
    if init.text().ok().as_deref() == Some("zero") {
        return Ok(vec![0.0; n_outputs]);
    }
    let refused = |what: String| {
        Err(ImportError::refused(
            format!("{} with init={what}", estimator.shown_class()),
            "fit it with the init that it has by itself, or with init=\"zero\"",
        ))
    };
    match init.class_name() {
        "DummyRegressor" if init.is_sklearn() => init.get("constant_")?.numbers(n_outputs),
        "DummyClassifier" if init.is_sklearn() => {
            let strategy = init.get("strategy")?.text()?;
            if strategy != "prior" {
                let strategy = shown(&strategy);
                return refused(format!("DummyClassifier(strategy=\"{strategy}\")"));
            }
            let n_classes = if n_outputs == 1 { 2 } else { n_outputs };
            let priors = init.get("class_prior_")?.numbers(n_classes)?;
            // Beyond, versions clip by different numbers.
            let least = f64::from(f32::EPSILON);
            if !priors.iter().all(|it| (least..=1.0 - least).contains(it)) {
                return Err(init.odd("a prior of at least 1.2e-7 for each class"));
            }
            Ok(if n_outputs == 1 {
                let logit = libm::log(priors[1] / (1.0 - priors[1]));
                vec![if loss == "exponential" {
                    0.5 * logit
                } else {
                    logit
                }]
            } else {
                let logs: Vec<f64> = priors.iter().map(|it| libm::log(*it)).collect();
                // By their geometric mean since 1.4; it changes raw values, not probabilities.
                let mean = match is_at_least(estimator.version(), &[1, 4]) {
                    true => logs.iter().sum::<f64>() / n_classes as f64,
                    false => 0.0,
                };
                let mean = libm::exp(mean);
                priors.iter().map(|it| libm::log(*it / mean)).collect()
            })
        }
        _ => refused(init.shown_class()),
    }
}

/// What scikit-learn stores of a node of histogram boosting.
const HIST_FIELDS: [&str; 13] = [
    "value",
    "count",
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "gain",
    "depth",
    "is_leaf",
    "bin_threshold",
    "is_categorical",
    "bitset_idx",
];

/// `baseline + Σ trees`, whose leaves hold the learning rate.
pub(super) fn hist_gradient_boosting(estimator: &Object) -> Result<Draft, ImportError> {
    let known = Known::of(estimator)?;
    let loss = estimator.get("loss")?.text()?;
    let n_outputs = estimator.get("n_trees_per_iteration_")?.size()?;
    let is_classifier = estimator.class_name().ends_with("Classifier");
    let (outputs, link) = match (is_classifier, loss.as_str()) {
        (
            false,
            "squared_error"
            | "least_squares"
            | "absolute_error"
            | "least_absolute_deviation"
            | "quantile",
        ) => (Outputs::targets(1), Link::Identity),
        (false, "poisson" | "gamma") => (Outputs::targets(1), Link::Exp),
        (true, "log_loss" | "auto" | "binary_crossentropy" | "categorical_crossentropy") => {
            let classes = schema(estimator)?.classes().to_vec();
            let link = match n_outputs {
                1 => Link::Sigmoid { scale: 1.0 },
                _ => Link::Softmax,
            };
            (Outputs::Classes(classes), link)
        }
        _ => return Err(refused_loss(estimator, &loss)),
    };
    let baseline = estimator.get("_baseline_prediction")?;
    let base = match baseline.number() {
        Ok(number) => vec![number],
        Err(_) => baseline.numbers(n_outputs)?,
    };
    if base.len() != n_outputs {
        return Err(baseline.odd("a number per output"));
    }
    let rounds = members(&estimator.get("_predictors")?, n_outputs)?;
    let trees = rounds.iter().map(|(output, member)| {
        let nodes = hist_nodes(member, &known, estimator.version())?;
        Ok(DraftTree::new(member.place(), nodes, Some(*output)))
    });
    let trees = trees.collect::<Result<_, ImportError>>()?;
    let (kind, n_features) = (AdditiveKind::HistGradientBoosting, n_features(estimator)?);
    Ok(Draft {
        link,
        ..Draft::new(kind, n_features, outputs, base, trees)
    })
}

/// The categories of each feature that histogram boosting was fitted with, as numbers of 8 bits.
struct Known(Vec<Vec<u32>>);

impl Known {
    fn of(estimator: &Object) -> Result<Self, ImportError> {
        if estimator.find("is_categorical_").is_none() {
            return Ok(Self(Vec::new()));
        }
        let bins = estimator.get("_bin_mapper")?;
        let of_feature = |known: &Object| {
            if known.is_none() {
                return Ok(Vec::new());
            }
            let mut known = known.list_of_numbers()?;
            known.retain(|it| !it.is_nan());
            known.sort_by(f64::total_cmp);
            let categories = categories(&known);
            let categories = categories.filter(|it| it.last().is_none_or(|last| *last < 256));
            categories.ok_or_else(|| bins.odd("categories of 0 to 255"))
        };
        let known = bins.get("known_categories")?.items()?;
        let known = known.iter().map(of_feature);
        Ok(Self(known.collect::<Result<_, _>>()?))
    }

    /// The categories of a feature that are in a set of 256 bits, in words of 32, or those that are
    /// not.
    fn parted(&self, feature: u32, bits: &[f64], are_others: bool) -> Vec<u32> {
        // Casts: an integer of 32 bits.
        let is_in = |it: &u32| bits[*it as usize / 32] as u64 >> (it % 32) & 1 == 1;
        let known = self.0.get(feature as usize).into_iter().flatten();
        known
            .copied()
            .filter(|it| is_in(it) != are_others)
            .collect()
    }
}

fn hist_nodes(
    predictor: &Object,
    known: &Known,
    version: Option<String>,
) -> Result<Vec<Node>, ImportError> {
    predictor.refuse_unknown(&["nodes", "binned_left_cat_bitsets", "raw_left_cat_bitsets"])?;
    let nodes = Fields::of(predictor.get("nodes")?, &HIST_FIELDS, version)?;
    let integers = |name: &str| nodes.integers(name);
    let (value, threshold) = (nodes.numbers("value")?, nodes.numbers("num_threshold")?);
    let (feature, missing_left) = (integers("feature_idx")?, integers("missing_go_to_left")?);
    let (left, right, is_leaf) = (integers("left")?, integers("right")?, integers("is_leaf")?);
    let (is_set, set) = (integers("is_categorical")?, integers("bitset_idx")?);
    let sets = match is_set.iter().any(|it| *it != 0) {
        true => predictor.get("raw_left_cat_bitsets")?.list_of_numbers()?,
        false => Vec::new(),
    };
    let index_of = |index: usize, name: &str, value: i64| {
        u32::try_from(value).map_err(|_| {
            broken!(format!("{}.nodes[{index}].{name}", predictor.place()); "{value}"; "an index")
        })
    };
    (0..value.len())
        .map(|index| {
            if is_leaf[index] != 0 {
                return Ok(Node::Leaf(vec![value[index]]));
            }
            let is_left = missing_left[index] != 0;
            let feature = index_of(index, "feature_idx", feature[index])?;
            let left = index_of(index, "left", left[index])?;
            let right = index_of(index, "right", right[index])?;
            let mut children = [left, right];
            if is_set[index] == 0 {
                let (threshold, missing) = (finite(threshold[index]), Some(side(is_left)));
                return Ok(Node::at_most(feature, threshold, missing, children));
            }
            let at = index_of(index, "bitset_idx", set[index])? as usize;
            let bits = at.checked_mul(8).and_then(|at| sets.get(at..at + 8));
            let bits = bits.ok_or_else(|| {
                broken!(
                    format!("{}.nodes[{index}].bitset_idx", predictor.place()); "{at}";
                    "the index of a set"
                )
            })?;
            let categories = known.parted(feature, bits, is_left);
            (predictor.budget()).take_items(predictor.place(), categories.len(), 8)?;
            // What is not known goes where missing readings go; in the model, right.
            if is_left {
                children.reverse();
            }
            Ok(Node::Split(Split {
                feature,
                test: Test::Among(categories),
                missing: Some(Side::Right),
                children,
            }))
        })
        .collect()
}

/// Weighted votes of trees for one class each (SAMME), or sums of logarithms of their probabilities
/// (SAMME.R). Raw values of more than two classes are those of `decision_function` by the number of
/// rivals, whose softmax is `predict_proba`.
pub(super) fn ada_boost(estimator: &Object, notes: &mut Vec<String>) -> Result<Draft, ImportError> {
    let schema = schema(estimator)?;
    let n_classes = schema.n_classes();
    let is_real = match estimator.find("algorithm") {
        Some(algorithm) => algorithm.text()? == "SAMME.R",
        None => false,
    };
    let members = estimator.get("estimators_")?.items()?;
    let weights = estimator.get("estimator_weights_")?.list_of_numbers()?;
    let sum: f64 = weights.iter().sum();
    if weights.len() < members.len() || !(sum.is_finite() && sum > 0.0) {
        return Err(estimator.odd("a weight of at least 0 for each member"));
    }
    // What a class that was not voted for gets: nothing before 1.3.1.
    let rivals = (n_classes - 1) as f64;
    let against = match is_at_least(estimator.version(), &[1, 3, 1]) {
        true => -1.0 / rivals,
        false => 0.0,
    };
    let mut trees = Vec::with_capacity(members.len());
    for (member, weight) in members.iter().zip(&weights) {
        if !matches!(
            member.class_name(),
            "DecisionTreeClassifier" | "ExtraTreeClassifier"
        ) || !member.is_sklearn()
        {
            return Err(ImportError::refused(
                format!("AdaBoostClassifier around {}", member.shown_class()),
                "fit it around a DecisionTreeClassifier",
            ));
        }
        let raw = RawTree::read(member)?;
        raw.must_have(n_classes)?;
        if MissingValues::learnt_by(std::iter::once(&raw)) {
            return Err(MissingValues::refusal());
        }
        let normalizes = normalizes(member);
        let leaf = |index: usize| {
            let proportions = raw.proportions(index, normalizes);
            let scores: Vec<f64> = if is_real {
                let logs = proportions.iter().map(|it| libm::log(it.max(f64::EPSILON)));
                let logs: Vec<f64> = logs.collect();
                let mean = 1.0 / n_classes as f64 * logs.iter().sum::<f64>();
                logs.iter().map(|it| rivals * (it - mean)).collect()
            } else {
                let voted = spinney_model::argmax(&proportions);
                let vote = |class| {
                    if class == voted {
                        *weight
                    } else {
                        against * weight
                    }
                };
                (0..n_classes).map(vote).collect()
            };
            match scores[..] {
                [no, yes] => vec![yes - no],
                _ => scores,
            }
        };
        trees.push(raw.draft(false, None, leaf)?);
    }
    let (n_outputs, link) = match n_classes {
        2 => (1, Link::Sigmoid { scale: 1.0 }),
        _ => (n_classes, Link::Softmax),
    };
    if n_outputs > 1 {
        notes.push(
            "Raw values are those of decision_function by the number of classes less one."
                .to_owned(),
        );
    }
    let (kind, n_features) = (AdditiveKind::AdaBoost, schema.n_features());
    let outputs = Outputs::Classes(schema.classes().to_vec());
    let mut draft = Draft::new(kind, n_features, outputs, vec![0.0; n_outputs], trees);
    draft.sum.divisor = sum * rivals;
    draft.link = link;
    Ok(draft)
}
