//! Names that other tools use, and what they are called here.

/// What another tool's name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    /// This key of this section does the same.
    Key(&'static str, &'static str),
    /// This key of this section comes nearest, with a difference.
    Like(&'static str, &'static str, &'static str),
    /// Nothing does; this says why, and what there is instead.
    Nothing(&'static str),
}

const NO_BOOSTING: &str = "trees are not boosted here, boosted ones are imported (`source = \"import\"`); \
                           kinds of model are `\"decision-tree\"`, `\"random-forest\"`, \
                           `\"extra-trees\"` and `\"gaussian-nb\"`";

/// Parameters of scikit-learn's trees, forests and naive Bayes, of XGBoost and of LightGBM, other
/// than those that have the same name here.
#[rustfmt::skip]
const KEYS: &[(&str, Ours)] = &[
    ("n_estimators num_trees ntree num_parallel_tree num_boost_round num_round num_iterations \
        n_iter",
        Ours::Key("model", "n_trees")),
    ("depth maxdepth", Ours::Key("model", "max_depth")),
    ("max_leaves num_leaves", Ours::Key("model", "max_leaf_nodes")),
    ("min_data_in_leaf min_child_samples min_node_size", Ours::Key("model", "min_samples_leaf")),
    ("min_child_weight min_sum_hessian_in_leaf min_weight_fraction_leaf",
        Ours::Like("model", "min_samples_leaf", "which counts rows, or is a fraction of them")),
    ("gamma min_split_loss min_gain_to_split min_impurity_split",
        Ours::Like("model", "min_impurity_decrease", "which is a gain of impurity")),
    ("subsample bagging_fraction sample_fraction", Ours::Key("model", "max_samples")),
    ("colsample_bynode feature_fraction_bynode mtry", Ours::Key("model", "max_features")),
    ("colsample_bytree colsample_bylevel feature_fraction",
        Ours::Like("model", "max_features", "which is drawn for each split")),
    ("scale_pos_weight sample_weight is_unbalance class_weights",
        Ours::Like("model", "class_weight", "a table of weights by class, or `\"balanced\"`")),
    ("random_state random_seed rng_seed", Ours::Key("pipeline", "seed")),
    ("splitter",
        Ours::Like("model", "kind", "of which `\"extra-trees\"` draws its thresholds at random")),
    ("split_criterion impurity", Ours::Key("model", "criterion")),
    ("estimator classifier model_type algorithm", Ours::Key("model", "kind")),
    ("test_size test_split test_ratio", Ours::Key("dataset", "test_fraction")),
    ("target target_column label_column class_column y", Ours::Key("dataset", "label")),
    ("na_values missing_values missing_value", Ours::Key("features.NAME", "missing")),
    ("cat_features categorical_feature categorical_features",
        Ours::Key("features.NAME", "categories")),
    ("contamination", Ours::Like("model", "threshold",
        "a score; an isolation forest brings its own, from its contamination")),
    ("drop drop_columns exclude", Ours::Key("dataset", "ignore")),
    ("mcu microcontroller device processor", Ours::Key("target", "chip")),
    ("learning_rate eta booster boosting_type eval_metric early_stopping_rounds loss",
        Ours::Nothing(NO_BOOSTING)),
    ("reg_alpha reg_lambda alpha lambda lambda_l1 lambda_l2",
        Ours::Nothing("leaves are not regularized here; `ccp_alpha` and `min_impurity_decrease` in \
            [model] make trees smaller")),
    ("priors prior",
        Ours::Nothing("the priors of naive Bayes are the classes' shares of the training rows")),
    ("n_jobs nthread num_threads verbose verbosity warm_start oob_score tree_method max_bin",
        Ours::Nothing("it does not change a model, so that there is no key for it: leave it out")),
    ("monotonic_cst monotone_constraints interaction_constraints",
        Ours::Nothing("training takes no constraints here; a model that was fitted under them can \
            be imported")),
];

/// Classes of other libraries, and the `kind` that each is here.
#[rustfmt::skip]
const KINDS: &[(&str, &str)] = &[
    ("decisiontreeclassifier decisiontree dt tree cart", "decision-tree"),
    ("randomforestclassifier randomforest rf forest xgbrfclassifier", "random-forest"),
    ("extratreesclassifier extratreeclassifier extratrees et", "extra-trees"),
    ("gaussiannb naivebayes gaussiannaivebayes nb bayes", "gaussian-nb"),
];

/// What the names of boosted trees have in them.
const BOOSTED: [&str; 4] = ["boost", "xgb", "lgbm", "gbdt"];

/// Sections by the names that users try.
#[rustfmt::skip]
const SECTIONS: &[(&str, &str)] = &[
    ("project package general config meta", "pipeline"),
    ("data rows input inputs csv", "dataset"),
    ("train training classifier estimator forest tree random-forest random_forest hyperparameters \
        params import",
        "model"),
    ("quantization quantisation quant q15", "quantize"),
    ("feature sensors columns sensor", "features"),
    ("audio signal motion preprocessing mel fft", "frontend"),
    ("code output outputs export c c99 generate encoding", "codegen"),
    ("gates gate metrics evaluation test quality score", "accuracy"),
    ("chip board mcu device hardware platform emulator", "target"),
    ("app application log logging build", "firmware"),
    ("limits limit memory constraints size", "budget"),
    ("radio lora lorawan network", "uplink"),
    ("battery energy clock", "power"),
];

/// What a name stands for in a table of names, with spaces between them.
fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let name = name.to_ascii_lowercase();
    table
        .iter()
        .find(|(names, _)| names.split(' ').any(|it| it == name))
        .map(|(_, ours)| *ours)
}

/// What to write for a key of another tool.
pub(crate) fn key(name: &str) -> Option<String> {
    Some(match find(KEYS, &name.replace('-', "_"))? {
        Ours::Key(section, key) => format!("here it is called `{key}`, in `[{section}]`"),
        Ours::Like(section, key, but) => {
            format!("the nearest is `{key}` in `[{section}]`, {but}")
        }
        Ours::Nothing(why) => why.to_owned(),
    })
}

/// What to write for the class of another tool, as a `kind` of model.
pub(crate) fn kind(name: &str) -> Option<String> {
    let name = name.replace(['-', '_', ' '], "").to_ascii_lowercase();
    if let Some(ours) = find(KINDS, &name) {
        return Some(format!("write `\"{ours}\"`"));
    }
    let is_boosted = BOOSTED.iter().any(|part| name.contains(part));
    is_boosted.then(|| "trees are not boosted here; a forest is trained, or imported".to_owned())
}

/// The section that is meant by another name.
pub(crate) fn section(name: &str) -> Option<&'static str> {
    find(SECTIONS, name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{KEYS, KINDS, Ours, SECTIONS};
    use crate::choice::{ModelKind, Word};
    use crate::schema;

    #[test]
    fn every_name_leads_to_what_there_is_once() {
        let mut seen = BTreeSet::new();
        for (names, ours) in KEYS {
            for name in names.split(' ') {
                assert!(seen.insert(name), "{name} twice");
                let is_ours = schema::SECTIONS
                    .iter()
                    .any(|section| section.keys.iter().any(|key| key.name == name));
                assert!(!is_ours, "{name} is a key of ours");
                assert_eq!(name, name.to_ascii_lowercase().replace('-', "_"));
            }
            if let Ours::Key(section, key) | Ours::Like(section, key, _) = ours {
                let known = schema::section(section).expect("a section");
                assert!(
                    known.keys.iter().any(|it| it.name == *key),
                    "{section}.{key}"
                );
            }
        }
        let mut seen = BTreeSet::new();
        for (names, ours) in SECTIONS {
            assert!(schema::section(ours).is_some(), "{ours}");
            for name in names.split(' ') {
                assert!(seen.insert(name), "{name} twice");
                assert!(
                    schema::section(name).is_none(),
                    "{name} is a section of ours"
                );
            }
        }
        for (_, ours) in KINDS {
            assert!(ModelKind::from_word(ours).is_some(), "{ours}");
        }
    }
}
