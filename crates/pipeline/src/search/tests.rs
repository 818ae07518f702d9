//! Trials depend on config, seed and data alone, and what they set a config takes.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::finalist::{self, Measured};
use super::journal::Journal;
use super::{Search, space};
use crate::environment::{Linker, Toolchain};
use crate::failure::Failure;
use crate::places;
use crate::progress::Progress;
use crate::stages::Tools;

/// A search over a few irises, with this in `[search]`.
fn search(folder: &Path, space: &str) -> Search {
    let model = "max_depth = 3\ncriterion = \"entropy\"\nbootstrap = true";
    search_of(folder, "iris.csv", "species", model, space)
}

fn search_of(folder: &Path, rows: &str, label: &str, model: &str, space: &str) -> Search {
    let data = places::clone().unwrap().join("data").join(rows);
    let config = folder.join("pipeline.toml");
    let text = format!(
        "[pipeline]\nname = \"a\"\n[dataset]\npath = {data:?}\nlabel = \"{label}\"\n[model]\n\
         kind = \"random-forest\"\n{model}\n[target]\nchip = \"nRF51822_xxAA\"\n[budget]\nflash = \"16K\"\n[search]\nfolds = 3\n{space}\n"
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

/// Who edits a config while a search is at work keeps the edit.
#[test]
fn keys_are_written_into_what_was_read_alone() {
    let folder = tempfile::tempdir().unwrap();
    let search = search(folder.path(), "max_depth = [2]");
    let config = folder.path().join("pipeline.toml");
    let kept = folder.path().join("kept.toml");
    std::fs::rename(&config, &kept).unwrap();
    std::os::unix::fs::symlink("kept.toml", &config).unwrap();
    let private = || std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&kept, private()).unwrap();

    search.write(&search.growths[1]).unwrap();
    let written = std::fs::read_to_string(&kept).unwrap();
    assert!(written.contains("max_depth = 2\n"), "{written}");
    assert!(config.is_symlink());
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let refused = search.write(&search.growths[1]).unwrap_err();
    let Failure::Input(refused) = refused else {
        panic!("{refused:?}")
    };
    let refused = refused.to_string();
    assert!(refused.contains("found another text"), "{refused}");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), written);
}

/// Measurements are taken from the journal where nothing that they depend on is another by now.
#[test]
fn images_are_measured_anew_by_other_budgets_chips_and_compilers() {
    let folder = tempfile::tempdir().unwrap();
    let search = search(folder.path(), "");
    let tools = Tools {
        toolchain: Toolchain {
            rustc: None,
            builds_core: false,
            linker: Linker::Lld("ld.lld".into()),
            version: "rustc 1".to_owned(),
            linker_version: "lld 1".to_owned(),
        },
        emulator: None,
    };
    let of = |edits: &[(&str, &str)], tools: &Tools| {
        let edits: Vec<_> = (edits.iter())
            .map(|(key, value)| (*key, Some((*value).to_owned())))
            .collect();
        let config = search.config.with(&edits).unwrap();
        finalist::made_by(&config, tools, folder.path()).unwrap()
    };
    let own = of(&[], &tools);
    assert_eq!(
        own,
        of(&[("search.folds", "4"), ("model.n_trees", "3")], &tools)
    );
    let mut all = BTreeSet::from([own.clone()]);
    for edit in [
        ("budget.ram", "\"8K\""),
        ("budget.stack", "1000"),
        ("budget.instructions", "1000"),
        ("budget.instructions_max", "1000"),
        ("firmware.log", "\"debug\""),
        ("codegen.prefer", "\"speed\""),
        ("target.chip", "\"nRF51822_xxAB\""),
        ("target.emulator", "\"off\""),
        ("evaluate.device_rows", "9"),
    ] {
        assert!(all.insert(of(&[edit], &tools)), "{edit:?}");
    }
    let mut others = tools.clone();
    others.toolchain.version = "rustc 2".to_owned();
    assert!(all.insert(of(&[], &others)));
    others = tools.clone();
    others.toolchain.linker_version = "lld 2".to_owned();
    assert!(all.insert(of(&[], &others)));

    let measured = |made_by: &str, ram_bytes: u64| Measured {
        keys: search.growths[usize::from(ram_bytes == 1)].clone(),
        made_by: made_by.to_owned(),
        table_bytes: 0,
        levels: 0.0,
        flash_bytes: 0,
        ram_bytes,
        instructions: None,
        misses: Vec::new(),
    };
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::open(&path).unwrap();
    journal.measure(measured(&own, 1)).unwrap();
    journal.measure(measured("others", 2)).unwrap();
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.measured.len(), 2);
    journal.keep_made_by(&own);
    let kept: Vec<u64> = journal.measured.values().map(|it| it.ram_bytes).collect();
    assert_eq!(kept, [1]);
}

#[test]
fn errors_of_numbers_are_good_where_they_are_low() {
    let folder = tempfile::tempdir().unwrap();
    let found = |objective: &str| {
        let space = format!(
            "{objective}n_trees = [1, 20]\nmax_leaf_nodes = [2, 32]\nmax_features = [\"all\"]"
        );
        let (rows, model) = ("air_regression.csv", "task = \"regress\"");
        let search = search_of(folder.path(), rows, "pm", model, &space);
        // Two numbers of leaves, of a tree and of two forests; no naive Bayes.
        assert_eq!(search.growths.len(), 2 * 3);
        let mut journal = super::Journal::default();
        for trial in search.ask(6) {
            let config = space::config_with(&search.config, &trial.keys);
            assert!(config.is_ok(), "{:?}", config.err());
            let scored = search.run_trial(&trial).unwrap();
            assert_eq!(
                scored,
                super::Scored {
                    cpu_s: scored.cpu_s,
                    ..search.run_trial(&trial).unwrap()
                }
            );
            journal.learn(scored);
        }
        let objective = search.config.pipeline.search.objective;
        let of = |at: usize| super::candidates(&journal, objective, at, &search.growths[at]);
        let mut all: Vec<super::Candidate> = (0..6).flat_map(of).collect();
        all.sort_by(super::better);
        let ends = [&all[0], &all[all.len() - 1]];
        let trees = ends.map(|it| space::n_trees_of(&it.keys));
        assert_eq!(
            trees,
            [1, 20],
            "{} and {}",
            space::shown(&ends[0].keys),
            space::shown(&ends[1].keys)
        );
        let [worst, best] = ends.map(|it| it.score);
        (worst, best)
    };
    let (worst, best) = found("");
    assert!(best < 20.0 && worst > 25.0, "MAE of {worst} and {best}");
    let (worst, best) = found("objective = \"rmse\"\n");
    assert!(best < 35.0 && worst > 45.0, "RMSE of {worst} and {best}");
    let (worst, best) = found("objective = \"r2\"\n");
    assert!(best > 0.85 && worst < 0.75, "R² of {worst} and {best}");
}
