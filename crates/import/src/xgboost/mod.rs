//! XGBoost's models, in JSON and in UBJSON (`save_model`, `save_raw`), from 1.6 on; the schema is
//! `doc/model.schema` of its repository.
//!
//! XGBoost compares `x < t` in float32, so a threshold here is the next float32 below `t`. It adds in
//! float32, from the base score on, in the order of the trees. The base score is in units of what is
//! delivered, as a probability of `binary:logistic`, and the sum starts at what the link makes that
//! of.

mod tree;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use spinney_dataset::Budget;
use spinney_dataset::limits::JsonMark;
use spinney_model::{AdditiveKind, Compare, Link, Precision, limits};

use crate::draft::{Draft, DraftTree, SIGMOID, Target};
use crate::error::{check_lengths, quoted};
use crate::fold::Feed;
use crate::{Format, ImportError, Imported, Origin, Unread, shown, ubjson};
use tree::Tree;

/// What the JSON takes: trees, lists, and the numbers of lists.
const JSON_MARKS: &[JsonMark] = &[(b'{', 400), (b'[', 48), (b',', 12)];

/// The note of a model that has neither words nor numbers of some categories.
pub(crate) const PLACES_ALONE: &str = "Categories are the places that XGBoost was fitted on, of pandas \
     the codes; it keeps nothing else of them before 3.1. `categories` of [features] names their words.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    learner: Learner,
    version: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Learner {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    feature_names: Vec<String>,
    #[serde(default)]
    feature_types: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: LearnerParam,
    objective: Objective,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct LearnerParam {
    base_score: String,
    num_class: String,
    num_feature: String,
    num_target: Option<String>,
    boost_from_average: Unread,
}

/// The name says it all; what else there is went into the trees.
#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Booster {
    name: String,
    model: Option<Trees>,
    /// The trees of `dart`, which drops some and scales others.
    gbtree: Option<Box<Booster>>,
    weight_drop: Option<Vec<f32>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct Trees {
    gbtree_model_param: Option<TreesParam>,
    #[serde(default)]
    tree_info: Vec<i32>,
    #[serde(default)]
    trees: Vec<Tree>,
    iteration_indptr: Option<Vec<usize>>,
    /// Categories as XGBoost was given them, since 3.1; empty without any.
    cats: Option<Categories>,
    /// Of `gblinear`.
    weights: Unread,
    boosted_rounds: Unread,
}

#[derive(Deserialize)]
struct Categories {
    /// Of each feature, what the places of its categories stand for in rows.
    #[serde(default)]
    enc: Vec<Encoding>,
}

/// Integers, or the bytes of words, one behind the other, and where each ends.
#[derive(Deserialize)]
struct Encoding {
    offsets: Option<Vec<usize>>,
    #[serde(default)]
    values: Vec<i64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct TreesParam {
    num_parallel_tree: String,
    num_trees: IgnoredAny,
    size_leaf_vector: Unread,
}

/// What an objective delivers, and the link: `src/objective` of XGBoost. `None` of one that is not read.
fn objective(name: &str) -> Option<(Target, Link)> {
    Some(match name {
        "binary:logistic" => (Target::Binary, SIGMOID),
        "binary:logitraw" | "binary:hinge" => (Target::Binary, Link::Identity),
        "multi:softmax" | "multi:softprob" => (Target::Multi, Link::Softmax),
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:quantileerror"
        | "reg:expectileerror" => (Target::Values, Link::Identity),
        "reg:logistic" => (Target::Values, SIGMOID),
        "count:poisson" | "reg:gamma" | "reg:tweedie" => (Target::Values, Link::Exp),
        _ => return None,
    })
}

const EXPECTED: &str = "a model as XGBoost 1.6 to 3.2 writes it";

pub(crate) fn import_json(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    budget.take_json("the file", bytes, JSON_MARKS)?;
    let bytes = without_nan(bytes);
    let model: Model =
        serde_json::from_slice(&bytes).map_err(|error| ImportError::json(&error, EXPECTED))?;
    model.check(Format::XgboostJson, &budget)
}

pub(crate) fn import_ubjson(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    let model: Model = ubjson::from_slice(bytes)
        .map_err(|fault| ImportError::broken("the file", fault, EXPECTED))?;
    model.check(Format::XgboostUbjson, &budget)
}

/// The same JSON with `null` for NaN, which JSON has no word for, and which is the condition of a set of
/// categories until 3.0.
fn without_nan(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut is_text) = (bytes, false);
    while let [first, behind @ ..] = rest {
        let n = match first {
            b'N' if !is_text && behind.starts_with(b"aN") => {
                out.extend_from_slice(b"null");
                rest = &behind[2..];
                continue;
            }
            b'\\' if is_text => 2.min(rest.len()),
            _ => 1,
        };
        is_text ^= *first == b'"';
        out.extend_from_slice(&rest[..n]);
        rest = &rest[n..];
    }
    out
}

/// A number that XGBoost writes as text.
fn size(place: &str, text: &str) -> Result<usize, ImportError> {
    text.parse()
        .map_err(|_| ImportError::broken(place, quoted(text), "an integer of at least 0"))
}

impl Model {
    fn check(self, format: Format, budget: &Budget) -> Result<Imported, ImportError> {
        let learner = self.learner;
        let (param, objective) = (learner.learner_model_param, learner.objective);
        let Some((target, link)) = self::objective(&objective.name) else {
            return Err(ImportError::refused(
                format!("XGBoost's objective {}", shown(&objective.name)),
                "binary:logistic, multi:softprob, reg:squarederror, reg:quantileerror, \
                 count:poisson and others that deliver classes or values are read",
            ));
        };
        let booster = learner.gradient_booster.name.clone();
        let (trees, weights) = learner.gradient_booster.trees()?;
        let n_features = size("learner_model_param.num_feature", &param.num_feature)?;
        limits::FEATURES.check("learner_model_param.num_feature", n_features)?;
        let n_classes = size("learner_model_param.num_class", &param.num_class)?;
        let n_targets = match &param.num_target {
            Some(n_targets) => size("learner_model_param.num_target", n_targets)?.max(1),
            None => 1,
        };
        match target {
            Target::Binary if n_targets > 1 => {
                return Err(refused!(
                    "an XGBoost model with {n_targets} labels per row"; "fit one model per label"
                ));
            }
            Target::Binary => {}
            Target::Multi => limits::CLASSES.check("learner_model_param.num_class", n_classes)?,
            Target::Values => limits::TARGETS.check("learner_model_param.num_target", n_targets)?,
        }
        let (outputs, n_outputs) = target.outputs(n_classes, n_targets);
        let base = base(&param.base_score, link, n_outputs)?;
        let mut notes = Vec::new();
        let n_kept = trees.kept(&learner.attributes, n_outputs, &mut notes)?;
        notes.extend(target.note("XGBoost"));
        let (words, numbers) = match &trees.cats {
            Some(cats) => cats.read(n_features, budget)?,
            None => Default::default(),
        };
        let are_places = |(index, it): (usize, &String)| {
            it == "c" && !words.contains_key(&index) && !numbers.contains_key(&index)
        };
        if learner.feature_types.iter().enumerate().any(are_places) {
            notes.push(PLACES_ALONE.to_owned());
        }
        let drafts = trees.drafts(
            n_kept,
            weights.as_deref(),
            n_outputs,
            self.version[..] < [1, 7][..],
            budget,
        )?;
        let names = match learner.feature_names.len() {
            0 => None,
            n if n == n_features => Some(learner.feature_names),
            n => {
                return Err(broken!(
                    "learner.feature_names"; "{n} names"; "one per feature, {n_features}, or none"
                ));
            }
        };
        let mut draft = Draft::new(AdditiveKind::XgBoost, n_features, outputs, base, drafts);
        draft.sum.precision = Precision::Float32;
        draft.link = link;
        let mut feed = Feed::raw(names, n_features);
        feed.words = words;
        for (index, numbers) in numbers {
            feed.encode(index, numbers);
        }
        let version: Vec<String> = self.version.iter().take(3).map(u32::to_string).collect();
        Ok(Imported {
            model: feed.fold(draft, Compare::Float32, budget)?,
            origin: Origin {
                format,
                estimator: format!("{booster}, {}", objective.name),
                library: Some(format!("XGBoost {}", version.join("."))),
                steps: Vec::new(),
                notes,
            },
        })
    }
}

/// What the places of categories stand for, by feature: words, or numbers.
type Encodings = (BTreeMap<usize, Vec<String>>, BTreeMap<usize, Vec<f64>>);

impl Categories {
    fn read(&self, n_features: usize, budget: &Budget) -> Result<Encodings, ImportError> {
        let (mut words, mut numbers) = Encodings::default();
        for (index, encoding) in self.enc.iter().enumerate().take(n_features) {
            budget.take_items("cats", encoding.values.len(), 24)?;
            let Some(offsets) = &encoding.offsets else {
                numbers.insert(index, encoding.values.iter().map(|it| *it as f64).collect());
                continue;
            };
            budget.take_items("cats", offsets.len(), 48)?;
            let word = |ends: &[usize]| {
                let bytes = encoding.values.get(ends[0]..ends[1])?.iter();
                let ascii = |byte: &i64| u8::try_from(*byte).ok().filter(u8::is_ascii);
                let bytes: Option<Vec<u8>> = bytes.map(ascii).collect();
                String::from_utf8(bytes?).ok()
            };
            let found: Option<Vec<String>> = offsets.windows(2).map(word).collect();
            // Of a data frame, XGBoost 3.1 and 3.2 save where letters end, not bytes, and so cut words.
            let found = found.ok_or_else(|| {
                ImportError::broken(
                    format!("cats.enc[{index}]"),
                    "other letters than ASCII's, or no words",
                    "words in ASCII, and where each ends, since XGBoost cuts others short; rename \
                     these categories and fit again",
                )
            })?;
            if !found.is_empty() {
                words.insert(index, found);
            }
        }
        Ok((words, numbers))
    }
}

impl Booster {
    /// The trees, and the weight of each where they have any.
    fn trees(self) -> Result<(Trees, Option<Vec<f32>>), ImportError> {
        let missing = || ImportError::broken("gradient_booster", "no model", "one, of trees");
        match self.name.as_str() {
            "gbtree" => Ok((self.model.ok_or_else(missing)?, None)),
            "dart" => {
                let inner = self.gbtree.ok_or_else(missing)?;
                let weights = self.weight_drop.ok_or_else(|| {
                    ImportError::broken("gradient_booster", "no weight_drop", "one per tree")
                })?;
                Ok((inner.model.ok_or_else(missing)?, Some(weights)))
            }
            name => Err(ImportError::refused(
                format!("XGBoost's booster {}", shown(name)),
                "it has no trees; fit with booster=\"gbtree\" or \"dart\"",
            )),
        }
    }
}

impl Trees {
    /// How many of the trees `predict` takes, where training was stopped early.
    fn kept(
        &self,
        attributes: &BTreeMap<String, String>,
        n_outputs: usize,
        notes: &mut Vec<String>,
    ) -> Result<usize, ImportError> {
        let n_trees = self.trees.len();
        let Some(best) = attributes.get("best_iteration") else {
            return Ok(n_trees);
        };
        let best = size("learner.attributes.best_iteration", best)?;
        let n_kept = match &self.iteration_indptr {
            Some(ends) => ends.get(best.saturating_add(1)).copied(),
            None => {
                let param = self.gbtree_model_param.as_ref();
                let n_parallel = match param {
                    Some(param) => size("num_parallel_tree", &param.num_parallel_tree)?.max(1),
                    None => 1,
                };
                n_parallel
                    .checked_mul(n_outputs)
                    .and_then(|per_round| per_round.checked_mul(best.saturating_add(1)))
            }
        };
        let n_kept = n_kept.unwrap_or(n_trees).min(n_trees);
        if n_kept < n_trees {
            notes.push(format!(
                "Training stopped early: {n_kept} of {n_trees} trees are kept, up to round {best}, as \
                 XGBoost's scikit-learn wrapper predicts. Booster.predict takes all, unless told \
                 otherwise."
            ));
        }
        Ok(n_kept)
    }

    fn drafts(
        &self,
        n_kept: usize,
        weights: Option<&[f32]>,
        n_outputs: usize,
        is_of_1_6: bool,
        budget: &Budget,
    ) -> Result<Vec<DraftTree>, ImportError> {
        let n_trees = self.trees.len();
        check_lengths(
            &[("tree_info", self.tree_info.len())],
            n_trees,
            "one per tree, ",
        )?;
        if let Some(weights) = weights {
            check_lengths(&[("weight_drop", weights.len())], n_trees, "one per tree, ")?;
        }
        let trees = self
            .trees
            .iter()
            .zip(&self.tree_info)
            .take(n_kept)
            .enumerate();
        let drafts = trees.map(|(index, (tree, info))| {
            let weight = weights.map_or(1.0, |weights| weights[index]);
            let place = format!("trees[{index}]");
            tree.draft(place, (*info, weight), n_outputs, is_of_1_6, budget)
        });
        drafts.collect()
    }
}

/// What the sum of each output starts at: the base score, one for all outputs until 3.0, a list since,
/// through the inverse of the link, in float32. The logarithms are rounded once; those of a platform's
/// mathematics library may be off by the last bit.
fn base(text: &str, link: Link, n_outputs: usize) -> Result<Vec<f64>, ImportError> {
    let odd = || {
        broken!(
            "learner_model_param.base_score"; "{}", quoted(text);
            "a number, or one for each of {n_outputs} outputs"
        )
    };
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let mut numbers = Vec::new();
    for number in inner.split(',').take(n_outputs + 1) {
        numbers.push(number.trim().parse::<f32>().map_err(|_| odd())?);
    }
    if numbers.len() == 1 {
        numbers.resize(n_outputs, numbers[0]);
    }
    if numbers.len() != n_outputs {
        return Err(odd());
    }
    fn logarithm(number: f32) -> f32 {
        // Casts: the cast is the rounding.
        libm::log(f64::from(number)) as f32
    }
    let (start, expected): (fn(f32) -> f32, &str) = match link {
        Link::Sigmoid { .. } => (
            |share| -logarithm(1.0 / share - 1.0),
            "a share between 0 and 1: labels of both classes, or base_score=0.5",
        ),
        Link::Exp => (
            logarithm,
            "a number above 0: labels above 0, or base_score=0.5",
        ),
        _ => (|number| number, "a finite number"),
    };
    let starts: Vec<f64> = numbers.iter().map(|it| start(*it).into()).collect();
    match starts.iter().position(|it| !it.is_finite()) {
        None => Ok(starts),
        Some(odd) => Err(broken!(
            "learner_model_param.base_score"; "{}", numbers[odd]; "{expected}"
        )),
    }
}
