//! The shipped configs, and what their checked form says.

use std::path::{Path, PathBuf};

use crate::common::{MINIMAL, parse};
use expect_test::expect;
use spinney_board::{Core, Region};
use spinney_config::{
    Config, Dataset, Emulator, Encoding, Labels, Model, Output, Source, Training, Word,
};
use spinney_model::{ForestKind, Voting};

fn shipped(name: &str) -> Config {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    spinney_config::load(&top.join(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn shipped_configs_are_without_fault() {
    for name in [
        "pipeline.toml",
        "examples/iris-tree.toml",
        "examples/wine-bayes.toml",
        "examples/air-forest.toml",
        "examples/air-regression.toml",
        "examples/air-targets.toml",
        "examples/air-boosting.toml",
        "examples/mote-anomaly.toml",
        "examples/acoustic-events.toml",
        "examples/key-clicks.toml",
        "examples/motion-exercises.toml",
        "examples/spoken-digits.toml",
    ] {
        let config = shipped(name);
        let folder = config.pipeline.identity.reports.full.clone();
        assert!(folder.ends_with("reports"), "{}", folder.display());
    }
}

#[test]
fn the_default_pipeline() {
    let pipeline = shipped("pipeline.toml").pipeline;
    assert_eq!(
        (pipeline.identity.name.as_str(), pipeline.identity.seed),
        ("digits", 42)
    );
    let Model::Train(Training::Forest(forest)) = pipeline.model else {
        panic!("a forest");
    };
    assert_eq!(
        (forest.kind, forest.n_trees),
        (ForestKind::RandomForest, 10)
    );
    assert_eq!((forest.max_depth, forest.bootstrap), (Some(8), true));
    assert_eq!(pipeline.quantize.leaves, Voting::Soft);
    assert_eq!(pipeline.codegen.encoding, Encoding::Auto);
    assert_eq!(pipeline.codegen.outputs, [Output::Class]);
    assert_eq!(pipeline.target.chip.core, Core::CortexM4F);
    assert_eq!(pipeline.target.emulator, Emulator::Required);
    assert_eq!(pipeline.target.board.unwrap().name, "netduinoplus2");
    assert_eq!(
        (pipeline.budget.flash, pipeline.budget.ram),
        (65_536, 8_192)
    );
    assert_eq!(
        (pipeline.budget.stack, pipeline.budget.instructions),
        (Some(2_048), Some(5_000))
    );
}

/// The serialized form, which fingerprints are made of. Nothing of the machine is in it.
#[test]
fn serialized_sections() {
    let pipeline = shipped("examples/iris-tree.toml").pipeline;
    let json = serde_json::to_string_pretty(&pipeline).unwrap();
    expect![[r#"
        {
          "identity": {
            "name": "iris-tree",
            "seed": 42,
            "reports": "../reports"
          },
          "dataset": {
            "split": {
              "rows": {
                "path": "../data/iris.csv",
                "labels": {
                  "column": "species"
                }
              },
              "test_fraction": 0.25
            }
          },
          "model": {
            "train": {
              "forest": {
                "kind": "decision-tree",
                "trainer": "spinney",
                "n_trees": 1,
                "max_depth": 4,
                "min_samples_split": {
                  "rows": 2
                },
                "min_samples_leaf": {
                  "rows": 1
                },
                "max_leaf_nodes": null,
                "max_features": "all",
                "criterion": "gini",
                "bootstrap": false,
                "max_samples": null,
                "class_weight": "none",
                "min_impurity_decrease": 0.0,
                "ccp_alpha": 0.0
              }
            }
          },
          "quantize": {
            "leaves": "soft",
            "votes": "q15",
            "codes": "auto",
            "coding": "auto"
          },
          "features": {},
          "codegen": {
            "encoding": "auto",
            "prefer": "flash",
            "outputs": [
              "class"
            ],
            "early_exit": false,
            "exit_margin": 1.0,
            "crate_folder": null,
            "export": []
          },
          "accuracy": {
            "better_than_majority": true,
            "min_accuracy": 0.92,
            "min_balanced_accuracy": null,
            "min_recall": {},
            "max_accuracy_loss": null,
            "max_drop": 0.03,
            "min_agreement": 0.97,
            "max_disagreements": null,
            "min_coverage": null,
            "min_accuracy_accepted": null,
            "max_unknown": null,
            "max_false_alarms": null,
            "require_certificate": null
          },
          "target": {
            "chip": {
              "name": "nRF51822_xxAA",
              "core": "cortex-m0",
              "flash": {
                "origin": 0,
                "len": 262144
              },
              "ram": {
                "origin": 536870912,
                "len": 16384
              },
              "boot": "direct",
              "is_flash_external": false
            },
            "clock_mhz": null,
            "emulator": "required",
            "board": {
              "name": "microbit",
              "qemu": "qemu-system-arm",
              "core": "cortex-m0",
              "timer": {
                "systick-hz": 16000000
              },
              "uart": "uart-microbit",
              "flash": {
                "origin": 0,
                "len": 262144
              },
              "ram": {
                "origin": 536870912,
                "len": 16384
              }
            }
          },
          "evaluate": {},
          "firmware": {
            "log": "info",
            "deadline_s": 300
          },
          "budget": {
            "flash": 32768,
            "ram": 4096,
            "stack": 1024,
            "instructions": 2000,
            "instructions_max": null,
            "instructions_bound": null,
            "reject_flash": null,
            "reject_instructions": null,
            "max_flash_growth": null,
            "latency_us_max": null,
            "battery_life_min_days": null
          },
          "uplink": null,
          "power": null
        }"#]]
    .assert_eq(&json);
}

#[test]
fn a_budget_changes_the_budget_alone() {
    let plain = serde_json::to_value(parse(MINIMAL).unwrap().pipeline).unwrap();
    let changed = format!("{MINIMAL}[budget]\nflash = \"3K\"\n");
    let changed = serde_json::to_value(parse(&changed).unwrap().pipeline).unwrap();
    for (section, value) in plain.as_object().unwrap() {
        assert_eq!(changed[section] == *value, section != "budget", "{section}");
    }
}

#[test]
fn order_and_comments_change_nothing() {
    let plain = parse(MINIMAL).unwrap().pipeline;
    let (first, second) = MINIMAL.split_at(MINIMAL.find("[model]").unwrap());
    let swapped = format!("# A comment.\n{second}{first}");
    assert_eq!(parse(&swapped).unwrap().pipeline, plain);
}

#[test]
fn paths_are_relative_to_the_config() {
    let pipeline = parse(MINIMAL).unwrap().pipeline;
    assert_eq!(
        pipeline.identity.reports.full,
        PathBuf::from("folder/reports")
    );
    let Dataset::Split {
        rows,
        test_fraction,
    } = pipeline.dataset
    else {
        panic!("a split");
    };
    assert_eq!(
        (rows.path.typed.as_str(), test_fraction),
        ("rows.csv", 0.25)
    );
    assert_eq!(rows.path.full, PathBuf::from("folder/rows.csv"));
    assert_eq!(rows.labels, Labels::Columns(vec!["class".to_owned()]));
}

#[test]
fn pairs_of_idx_files() {
    let text = MINIMAL.replace(
        "path = \"rows.csv\"\nlabel = \"class\"",
        "train = \"a\"\ntrain_labels = \"b\"\ntest = \"c\"\ntest_labels = \"d\"",
    );
    let Dataset::Given {
        train: Some(train),
        test,
    } = parse(&text).unwrap().pipeline.dataset
    else {
        panic!("two files");
    };
    for (file, rows, labels) in [(train, "a", "b"), (test, "c", "d")] {
        assert_eq!(file.path.typed, rows);
        assert!(matches!(file.labels, Labels::File(path) if path.typed == labels));
    }
}

#[test]
fn an_imported_model_needs_only_test_rows() {
    let text = MINIMAL
        .replace(
            "kind = \"random-forest\"\nn_trees = 3",
            "source = \"import\"\npath = \"m.json\"",
        )
        .replace("path = \"rows.csv\"\nlabel = \"class\"", "test = \"t.csv\"");
    let pipeline = parse(&text).unwrap().pipeline;
    assert!(matches!(pipeline.model, Model::Import { .. }));
    let Dataset::Given { train: None, test } = pipeline.dataset else {
        panic!("test rows alone");
    };
    assert_eq!(test.labels, Labels::None);
}

#[test]
fn memories_can_be_overridden() {
    let text = format!(
        "{MINIMAL}flash = \"512K\"\norigin = 0x08004000\nram = 65536\nram_origin = 0x20001000\n"
    );
    let target = parse(&text).unwrap().pipeline.target;
    assert_eq!(target.chip.flash, Region::new(0x0800_4000, 524_288));
    assert_eq!(target.chip.ram, Region::new(0x2000_1000, 65_536));
}

#[test]
fn words_mean_what_they_say() {
    assert_eq!(Source::from_word("import"), Some(Source::Import));
    assert_eq!(Voting::Hard.word(), "hard");
    assert_eq!(Encoding::from_word("tables"), None);
}
