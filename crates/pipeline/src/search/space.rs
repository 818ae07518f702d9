//! Where a search looks: what may be drawn, and what it is as keys of `pipeline.toml`.

use std::collections::BTreeMap;

use serde_json::Value;
use spinney_config::{Config, Diagnostics, MaxFeatures, ModelKind, Search, Word};
use spinney_dataset::permutation;

/// Values of keys, such as `model.n_trees`, as `pipeline.toml` has them.
pub type Keys = BTreeMap<String, Value>;

pub(super) const KIND: &str = "model.kind";
pub(super) const N_TREES: &str = "model.n_trees";
pub(super) const LEAVES: &str = "quantize.leaves";
pub(super) const CODING: &str = "quantize.coding";
pub(super) const ENCODING: &str = "codegen.encoding";
const MAX_LEAF_NODES: &str = "model.max_leaf_nodes";
const MAX_DEPTH: &str = "model.max_depth";
const MAX_FEATURES: &str = "model.max_features";

/// Keys that a search decides on, so that they are gone where it does not set them.
const DECIDED: [&str; 5] = [KIND, N_TREES, MAX_LEAF_NODES, MAX_DEPTH, MAX_FEATURES];
/// Keys that a single tree does not have.
const OF_FORESTS: [&str; 2] = ["model.bootstrap", "model.max_samples"];
/// Keys that naive Bayes does not have either.
const OF_TREES: [&str; 8] = [
    "model.trainer",
    "model.min_samples_split",
    "model.min_samples_leaf",
    "model.criterion",
    "model.class_weight",
    "model.min_impurity_decrease",
    "model.ccp_alpha",
    LEAVES,
];

/// What can be grown, in the order in which it is drawn: each once, naive Bayes first, as it costs
/// next to nothing.
pub(super) fn growths(search: &Search, seed: u64) -> Vec<Keys> {
    let mut all = Vec::new();
    for kind in &search.kinds {
        let of_kind = [(KIND, Some(Value::from(kind.word())))];
        if *kind == ModelKind::GaussianNb {
            all.push(keys(&of_kind));
            continue;
        }
        for leaves in listed(&search.max_leaf_nodes) {
            for depth in listed(&search.max_depth) {
                let of_tree = [
                    of_kind[0].clone(),
                    (MAX_LEAF_NODES, leaves.map(Value::from)),
                    (MAX_DEPTH, depth.map(Value::from)),
                ];
                if *kind == ModelKind::DecisionTree {
                    all.push(keys(&of_tree));
                    continue;
                }
                all.extend(search.max_features.iter().map(|features| {
                    let mut keys = keys(&of_tree);
                    keys.insert(MAX_FEATURES.to_owned(), share(*features));
                    keys
                }));
            }
        }
    }
    let mut drawn: Vec<Keys> = permutation(all.len(), seed)
        .into_iter()
        .map(|at| all[at].clone())
        .collect();
    drawn.sort_by_key(|keys| kind_of(keys) != Some(ModelKind::GaussianNb));
    drawn
}

/// The kind that keys name.
pub(super) fn kind_of(keys: &Keys) -> Option<ModelKind> {
    ModelKind::from_word(keys.get(KIND)?.as_str()?)
}

/// The number of trees that keys name; 1 where there is no such key.
pub(super) fn n_trees_of(keys: &Keys) -> usize {
    let named = keys.get(N_TREES).and_then(Value::as_u64);
    named.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}

/// The config with these keys, and without what does not go with them.
///
/// # Errors
/// What else it says contradicts them.
pub(super) fn config_with(config: &Config, keys: &Keys) -> Result<Config, Diagnostics> {
    config.with(&edits(keys))
}

/// What has to be edited in a config to give it these keys.
pub(super) fn edits(keys: &Keys) -> Vec<(&str, Option<String>)> {
    let gone: &[&[&str]] = match kind_of(keys) {
        Some(ModelKind::GaussianNb) => &[&DECIDED, &OF_FORESTS, &OF_TREES],
        Some(ModelKind::DecisionTree) => &[&DECIDED, &OF_FORESTS, &["model.var_smoothing"]],
        _ => &[&DECIDED, &["model.var_smoothing"]],
    };
    let gone = gone.iter().flat_map(|keys| keys.iter().copied());
    let gone = gone.filter(|key| !keys.contains_key(*key));
    // In the order in which a reader expects them.
    let set = DECIDED.iter().copied().chain([LEAVES, CODING, ENCODING]);
    let set = set.filter_map(|key| Some((key, Some(keys.get(key)?.to_string()))));
    gone.map(|key| (key, None)).chain(set).collect()
}

/// Keys in a line, without their sections.
pub fn shown(keys: &Keys) -> String {
    let order = DECIDED.iter().copied().chain([LEAVES, CODING, ENCODING]);
    let shown = order.filter_map(|key| {
        let value = keys.get(key)?;
        let (_, name) = key.rsplit_once('.')?;
        Some(match value.as_str() {
            Some(word) if key == KIND => word.to_owned(),
            Some(word) => format!("{name} {word}"),
            None => format!("{name} {value}"),
        })
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn keys(values: &[(&str, Option<Value>)]) -> Keys {
    let given = values.iter();
    given
        .filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?)))
        .collect()
}

/// The values of a list; of an empty one, no limit.
fn listed(values: &[u32]) -> Vec<Option<u32>> {
    match values {
        [] => vec![None],
        values => values.iter().copied().map(Some).collect(),
    }
}

fn share(features: MaxFeatures) -> Value {
    match features {
        MaxFeatures::Sqrt => "sqrt".into(),
        MaxFeatures::Log2 => "log2".into(),
        MaxFeatures::All => "all".into(),
        MaxFeatures::Features(count) => count.into(),
        MaxFeatures::Fraction(share) => share.into(),
    }
}
