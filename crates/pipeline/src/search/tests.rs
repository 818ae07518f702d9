//! Trials depend on config, seed and data alone, and what they set a config takes.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Search, space};
use crate::places;
use crate::progress::Progress;

/// A search over a few irises, with this in `[search]`.
fn search(folder: &Path, space: &str) -> Search {
    let data = places::clone().unwrap().join("data/iris.csv");
    let config = folder.join("pipeline.toml");
    let text = format!(
        "[pipeline]\nname = \"iris\"\n[dataset]\npath = {data:?}\nlabel = \"species\"\n[model]\n\
         kind = \"random-forest\"\nmax_depth = 3\ncriterion = \"entropy\"\nbootstrap = true\n\
         [target]\nchip = \"nRF51822_xxAA\"\n[budget]\nflash = \"16K\"\n[search]\nfolds = 3\n{space}\n"
    );
    std::fs::write(&config, text).unwrap();
    Search::open(&config, Progress::none()).unwrap()
}

#[test]
fn every_growth_is_drawn_once_and_is_a_config() {
    let folder = tempfile::tempdir().unwrap();
    let search = search(
        folder.path(),
        "max_depth = [2, 4]\nmax_leaf_nodes = [8, 9, 10]",
    );
    // Two depths, three numbers of leaves and, of forests, four of features; and naive Bayes.
    assert_eq!(search.growths.len(), 2 * 3 * (2 * 4 + 1) + 1);
    let names: BTreeSet<String> = search.growths.iter().map(super::journal::name).collect();
    assert_eq!(names.len(), search.growths.len());
    for keys in &search.growths {
        let config = space::config_with(&search.config, keys);
        assert!(config.is_ok(), "{}: {:?}", space::shown(keys), config.err());
    }
}

#[test]
fn a_trial_is_the_same_on_any_number_of_threads_and_fold_by_fold() {
    let folder = tempfile::tempdir().unwrap();
    let search = search(
        folder.path(),
        "n_trees = [2, 5, 9]\nmax_leaf_nodes = [4, 12]",
    );
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let trials = search.ask(100);
    assert!(trials.len() > 10);
    for trial in &trials[..6] {
        let whole = search.run_trial(trial).unwrap();
        let alone = pool.install(|| search.run_trial(trial)).unwrap();
        assert_eq!(whole.points, alone.points);
        let first = super::Trial {
            folds: vec![1],
            ..trial.clone()
        };
        let first = search.run_trial(&first).unwrap();
        for (all, one) in whole.points.iter().zip(&first.points) {
            assert_eq!((&all.keys, &all.table_bytes), (&one.keys, &one.table_bytes));
            assert_eq!(all.scores[&1], one.scores[&1]);
            assert_eq!((all.scores.len(), one.scores.len()), (3, 1));
        }
    }
}

#[test]
fn what_others_found_is_taken_where_it_is_of_this_search() {
    let folder = tempfile::tempdir().unwrap();
    let mut search = search(folder.path(), "kind = [\"gaussian-nb\", \"decision-tree\"]");
    let trial = search.ask(1).remove(0);
    let mut scored = search.run_trial(&trial).unwrap();
    assert_eq!(scored.points.len(), 1);
    assert!(scored.points[0].scores.values().all(|score| *score > 0.8));
    search.folder = folder.path().join("search");
    assert!(search.journal.grown(&trial.keys).is_none());
    search.tell(vec![scored.clone()]).unwrap();
    assert!(search.journal.grown(&trial.keys).is_some());
    scored.data = "another".to_owned();
    assert!(search.tell(vec![scored]).is_err());
}
