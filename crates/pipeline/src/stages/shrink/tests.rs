//! Smaller models as the checker is told of them, and what a probability and a score rest on.

use spinney_dataset::permutation;
use spinney_model::Node;

use super::kept_apart::{n_may_change, rising};
use super::*;
use crate::progress::Progress;
use crate::stages::model;

/// Whichever of exchangeable rows is the further one, each is with the same probability: so of all
/// choices of it, at most the share alpha may change its class.
#[test]
fn a_further_row_keeps_its_class_with_its_probability() {
    let mut n_tight = 0;
    for seed in 0..300_u64 {
        let n_rows = 4 + (seed % 60) as usize;
        let order = permutation(n_rows, seed);
        let n_scores = 1 + (seed / 7 % 20) as usize;
        let scores: Vec<usize> = order.iter().map(|it| it % n_scores).collect();
        for alpha in [0.02, 0.05, 0.1, 0.25, 0.5] {
            let changes = |further: &usize| {
                let others = (0..n_rows).filter(|at| at != further);
                let mut others: Vec<usize> = others.map(|at| scores[at]).collect();
                others.sort_unstable();
                let n_may = n_may_change(alpha, others.len());
                assert_eq!(n_may.is_none(), (n_rows as f64) < 1.0 / alpha);
                // Members up to the one before that score may ship.
                n_may.is_some_and(|n_may| scores[*further] < others[n_may])
            };
            let n_changed = (0..n_rows).filter(changes).count();
            assert!(n_changed as f64 <= alpha * n_rows as f64, "{seed}, {alpha}");
            n_tight += usize::from(n_changed as f64 + 1.0 > alpha * n_rows as f64);
        }
    }
    assert!(n_tight > 100, "{n_tight}");
}

#[test]
fn luck_is_taken_off_losses() {
    assert_eq!(rising(&[0.0, 0.75, 0.25, 1.0]), [0.0, 0.5, 0.5, 1.0]);
    assert_eq!(rising(&[0.75, 0.5, 0.25]), [0.5; 3]);
    assert_eq!(rising(&[]), [0.0; 0]);
}

/// A session whose stage `model` ran on these rows, and the folder that it lies in.
fn shrunk(rows: &str, label: &str, model: &str, more: &str) -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = crate::places::clone().expect("a clone").join(rows);
    let text = format!(
        "pipeline = {{ name = \"kept\" }}\ndataset = {{ path = {data:?}, label = \"{label}\" }}\n\
         model = {{ kind = \"random-forest\", {model} }}\n\
         target = {{ chip = \"nRF51822_xxAA\" }}\n{more}"
    );
    let path = folder.path().join("p.toml");
    std::fs::write(&path, text).expect("a file");
    let config = spinney_config::load(&path).expect("a config");
    let files = inputs::read(&config).expect("rows");
    let artifacts = folder.path().join("artifacts");
    let session = Session::within(config, artifacts, Progress::none()).expect("a session");
    model::run(&session, &files).expect("a model");
    (folder, session)
}

/// The checker is given what the stage wrote: each promise holds, and that of a model whose leaves were
/// turned does not.
#[test]
fn the_checker_holds_a_smaller_model_to_its_promise() {
    for (promise, more) in [
        ("score", ""),
        ("every-row", ""),
        ("in-distribution", ", shrink_alpha = 0.2"),
        ("every-input", ""),
    ] {
        let model = format!("n_trees = 50, max_depth = 2, shrink = \"{promise}\"{more}");
        let (_folder, session) = shrunk("data/iris.csv", "species", &model, "");
        let smaller = model::load(&session).expect("a model");
        let found = |model: &FloatModel| {
            let kept = kept(&session, model)
                .expect("artifacts")
                .expect("a promise");
            assert_ne!(kept.how, spinney_checker::How::Same, "{promise}");
            kept.found
        };
        assert_eq!(found(&smaller).faults, [], "{promise}");
        let turned = smaller.trees().iter().map(|tree| {
            let mut nodes = tree.nodes().to_vec();
            for node in &mut nodes {
                if let Node::Leaf(values) = node {
                    values.rotate_left(1);
                }
            }
            (nodes, None)
        });
        let turned = smaller.with_trees(turned.collect(), None);
        let turned = turned.expect("a forest");
        assert!(!found(&turned).holds(), "{promise}");
    }
}

/// Where the original ships, the score that is told is its own, not that of what was not taken.
#[test]
fn a_model_that_was_not_taken_leaves_no_score() {
    let (mut n_larger, mut n_told) = (0, 0);
    for n_trees in [3, 4, 5, 7, 10] {
        let model = format!("n_trees = {n_trees}, shrink = \"score\", max_score_loss = 0.01");
        let (_folder, session) = shrunk("data/wine.csv", "cultivar", &model, "");
        let made = session.made("model").expect("artifacts");
        let shrink: Option<Shrink> = made.read_json(SHRINK).expect("what became of it");
        let shrink = shrink.expect("it was asked for");
        let promise: Option<Promised> = made.read_json(PROMISE).expect("a promise");
        let Some(Keeps::Score { found, .. }) = promise.map(|it| it.keeps) else {
            panic!("a score");
        };
        let [before, after, _] = found;
        if shrink.larger.is_some() {
            assert_eq!(shrink.kept_apart, Some([before; 2]), "{n_trees}");
            assert_eq!(shrink.trees_merged, 0, "{n_trees}");
            n_larger += usize::from(before != after);
        } else {
            assert_eq!(shrink.kept_apart, Some([before, after]), "{n_trees}");
            n_told += 1;
        }
    }
    assert!(n_larger > 0 && n_told > 0, "{n_larger}, {n_told}");
}

/// A tree of whole classes has no scores, and takes the place of all trees only where none are asked for.
#[test]
fn one_tree_ships_where_no_scores_are_asked_for() {
    for (more, is_one) in [
        ("", true),
        ("codegen = { outputs = [\"class\", \"scores\"] }\n", false),
        ("reject = { coverage = 0.9 }\n", false),
    ] {
        let model = "n_trees = 50, max_depth = 1, shrink = \"every-input\"";
        let (_folder, session) = shrunk("data/iris.csv", "species", model, more);
        let smaller = model::load(&session).expect("a model");
        assert_eq!(smaller.trees().len() == 1, is_one, "{more}");
    }
}
