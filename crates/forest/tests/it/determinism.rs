//! The same seed gives the same bytes: for 1, 2 and 4 threads, again and again, and in JSON.

use crate::support::{Rows, clusters};
use linfa::prelude::*;
use spinney_forest::{
    Bagged, ClassWeight, Criterion, DecisionTree, Extra, ExtraTrees, Forest, ForestParams, Kind,
    MaxSamples, RandomForest,
};

fn on_threads<T: Send>(n_threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .build()
        .unwrap();
    pool.install(work)
}

fn bytes<K: Kind>(params: &ForestParams<K>, data: &Rows, n_threads: usize) -> String {
    let forest: Forest<K> = on_threads(n_threads, || params.fit(data)).unwrap();
    let chances = on_threads(n_threads, || forest.predict_proba(data.records())).unwrap();
    let bits: Vec<u64> = chances.iter().map(|chance| chance.to_bits()).collect();
    let importances: Vec<u64> = forest
        .feature_importances()
        .iter()
        .map(|x| x.to_bits())
        .collect();
    format!(
        "{} {bits:?} {importances:?}",
        serde_json::to_string(&forest).unwrap()
    )
}

fn check<K: Kind>(params: ForestParams<K>, data: &Rows) {
    let alone = bytes(&params, data, 1);
    for n_threads in [1, 2, 4] {
        assert_eq!(
            bytes(&params, data, n_threads),
            alone,
            "{n_threads} threads"
        );
    }
    assert_ne!(
        bytes(&params.seed(99), data, 1),
        alone,
        "another seed, another forest"
    );
}

#[test]
fn forests_do_not_depend_on_threads() {
    let data = clusters(400, 9, 4, 5);
    let bagged: ForestParams<Bagged> = RandomForest::params().n_trees(23).seed(7);
    check(bagged.clone().oob_score(true), &data);
    check(
        bagged
            .clone()
            .max_leaf_nodes(Some(11))
            .criterion(Criterion::Entropy),
        &data,
    );
    check(
        bagged
            .clone()
            .class_weight(ClassWeight::Balanced)
            .ccp_alpha(0.01),
        &data,
    );
    check(bagged.max_samples(MaxSamples::Fraction(0.4)), &data);
    let extra: ForestParams<Extra> = ExtraTrees::params().n_trees(23).seed(7);
    check(extra.clone(), &data);
    check(
        extra
            .class_weight(ClassWeight::Balanced)
            .max_leaf_nodes(Some(9)),
        &data,
    );
}

#[test]
fn trees_do_not_depend_on_threads() {
    let data = clusters(300, 40, 3, 6);
    let params = DecisionTree::params().seed(3);
    let alone = on_threads(1, || params.fit(&data)).unwrap();
    for n_threads in [1, 2, 4] {
        assert_eq!(on_threads(n_threads, || params.fit(&data)).unwrap(), alone);
    }
}

/// A hash over all bits of a model, so that a change of any of them on any machine shows.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[test]
fn models_are_the_same_on_every_machine() {
    let data = clusters(200, 6, 3, 8);
    let forest = RandomForest::params()
        .n_trees(5)
        .seed(1)
        .fit(&data)
        .unwrap();
    let entropy = RandomForest::params()
        .n_trees(5)
        .criterion(Criterion::Entropy);
    let entropy = entropy.fit(&data).unwrap();
    let extra = ExtraTrees::params().n_trees(5).seed(1).fit(&data).unwrap();
    let found = [
        serde_json::to_string(&forest).unwrap(),
        serde_json::to_string(&entropy).unwrap(),
        serde_json::to_string(&extra).unwrap(),
    ]
    .map(|json| format!("{:016x}", fingerprint(&json)));
    // A deliberate change of the algorithm or the generator changes these; nothing else may.
    assert_eq!(
        found,
        ["fe27b91c15a3d9f2", "633006eadb62ea6d", "00d732a974ccf867"]
    );
}
