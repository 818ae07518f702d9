//! What verbs print with `--json`: one whole object on stdout, whatever the exit code.

use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};

/// Three of four rows are `rest`; the model calls every row so. A class and the feature have names
/// that a terminal or a page would obey.
const MODEL: &str = r#"{"format":"spinney-model","version":1,"kind":"decision-tree",
    "features":[{"name":"a|\u001b[31m","compare":"float64"}],"classes":["<rest>","bell"],
    "trees":[{"nodes":[{"feature":0,"threshold":449.5,"left":1,"right":2},
    {"value":[0.75,0.25]},{"value":[0.5,0.5]}]}]}"#;

const ROWS: &str = "a|\u{1b}[31m,y\n1,<rest>\n2,bell\n300,<rest>\n500.25,<rest>\n";

struct Project {
    folder: tempfile::TempDir,
    name: String,
}

impl Project {
    fn new(name: &str, accuracy: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = format!("{name}-{}", std::process::id());
        let write = |file: &str, text: &str| {
            std::fs::write(folder.path().join(file), text).expect("a temporary file");
        };
        write("model.json", MODEL);
        write("rows.csv", ROWS);
        write(
            "pipeline.toml",
            &format!(
                "pipeline = {{ name = \"{name}\" }}\n\
                 dataset = {{ test = \"rows.csv\", label = \"y\" }}\n\
                 model = {{ source = \"import\", path = \"model.json\" }}\n\
                 target = {{ chip = \"nRF51822_xxAA\" }}\n\
                 accuracy = {{ {accuracy} }}\n"
            ),
        );
        Self { folder, name }
    }

    fn path(&self, file: &str) -> String {
        self.folder.path().join(file).display().to_string()
    }

    /// Runs a verb; stdout with the project's names left out, and the exit code.
    fn says(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .output()
            .expect("the program runs");
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        let stdout = stdout
            .replace(&self.folder.path().display().to_string(), "FOLDER")
            .replace(&self.name, "NAME");
        (stdout, output.status.code())
    }

    /// Runs a verb that prints JSON; compares all of it but the values of `moving` keys.
    fn check(&self, arguments: &[&str], code: i32, moving: &[&str], expected: &Expect) {
        let (stdout, found) = self.says(arguments);
        let json: serde_json::Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error} in {stdout:?}"));
        assert_eq!(found, Some(code), "{stdout}");
        let json = without(json, moving);
        expected.assert_eq(&(serde_json::to_string_pretty(&json).expect("JSON") + "\n"));
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let target = Path::new(env!("CARGO_BIN_EXE_xtask"))
            .ancestors()
            .find(|folder| folder.join("pipeline").is_dir());
        if let Some(target) = target {
            let _ = std::fs::remove_dir_all(target.join("pipeline").join(&self.name));
        }
    }
}

/// The value with `…` for what moves from run to run.
fn without(json: serde_json::Value, moving: &[&str]) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| {
                    let value = match moving.contains(&key.as_str()) {
                        true => Value::String("…".to_owned()),
                        false => without(value, moving),
                    };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(array) => Value::Array(
            array
                .into_iter()
                .map(|value| without(value, moving))
                .collect(),
        ),
        other => other,
    }
}

#[test]
fn until_model() {
    let project = Project::new("json-model", "");
    let config = project.path("pipeline.toml");
    let arguments = [
        "pipeline", "run", "--until", "model", "--json", "--config", &config,
    ];
    project.check(
        &arguments,
        0,
        &[],
        &expect![[r#"
            {
              "model": {
                "classes": [
                  "<rest>",
                  "bell"
                ],
                "depth_max": 1,
                "digest": "sha256:a2ede31db491582022b10fb63f80a50150c20393e105da4bc53e0dfb23ad0ac8",
                "feature_names": "given",
                "kind": "decision-tree",
                "n_classes": 2,
                "n_features": 1,
                "n_splits": 1,
                "n_trees": 1,
                "origin": {
                  "estimator": "decision-tree",
                  "file": "model.json",
                  "library": null,
                  "notes": [],
                  "steps": []
                },
                "source": "import",
                "trees": [
                  {
                    "depth": 1,
                    "n_splits": 1
                  }
                ]
              },
              "pipeline": "NAME",
              "schema": 1,
              "until": "model"
            }
        "#]],
    );
}

#[test]
fn until_quantize() {
    let project = Project::new("json-quantize", "");
    let config = project.path("pipeline.toml");
    let arguments = [
        "pipeline", "run", "--until", "quantize", "--json", "--config", &config,
    ];
    let moving = [
        "model",
        "features",
        "certificate",
        "float_scores",
        "q15_scores",
    ];
    project.check(
        &arguments,
        0,
        &moving,
        &expect![[r#"
        {
          "accuracy": {
            "agreement": 1.0,
            "balanced": 0.5,
            "disagreements": 0,
            "drop": 0.0,
            "float": 0.75,
            "float_scores": "…",
            "interval": [
              0.3006418425824019,
              0.9544127391902995
            ],
            "majority": 0.75,
            "q15": 0.75,
            "q15_scores": "…"
          },
          "certificate": "…",
          "dataset": {
            "test_rows": 4,
            "train_rows": 0
          },
          "features": "…",
          "model": "…",
          "notes": [],
          "pipeline": "NAME",
          "schema": 1,
          "until": "quantize"
        }
    "#]],
    );
}

#[test]
fn inspected() {
    let project = Project::new("json-inspect", "");
    let model = project.path("model.json");
    project.check(
        &["inspect", &model, "--json"],
        0,
        &[],
        &expect![[r#"
            {
              "classes": [
                "<rest>",
                "bell"
              ],
              "depth_max": 1,
              "depth_mean": 1.0,
              "features": [
                {
                  "compare": "float64",
                  "n_splits": 1,
                  "n_thresholds": 1,
                  "name": "a|\u001b[31m",
                  "threshold_max": 449.5,
                  "threshold_min": 449.5
                }
              ],
              "features_named": true,
              "forms": [
                {
                  "coding_bytes": 4,
                  "encoding": "table",
                  "form": "3 bytes per split",
                  "table_bytes": 8,
                  "votes": "soft votes, Q15"
                },
                {
                  "coding_bytes": 4,
                  "encoding": "packed",
                  "form": "2 bits per split",
                  "table_bytes": 16,
                  "votes": "soft votes, Q15"
                },
                {
                  "coding_bytes": 4,
                  "encoding": "table",
                  "form": "3 bytes per split",
                  "table_bytes": 8,
                  "votes": "soft votes, 8-bit"
                },
                {
                  "coding_bytes": 4,
                  "encoding": "packed",
                  "form": "2 bits per split",
                  "table_bytes": 16,
                  "votes": "soft votes, 8-bit"
                },
                {
                  "coding_bytes": 4,
                  "encoding": "table",
                  "form": "3 bytes per split",
                  "table_bytes": 8,
                  "votes": "hard votes"
                },
                {
                  "coding_bytes": 4,
                  "encoding": "packed",
                  "form": "2 bits per split",
                  "table_bytes": 16,
                  "votes": "hard votes"
                }
              ],
              "kind": "decision-tree",
              "leaves": {
                "n_distinct": 2,
                "n_leaves": 2,
                "n_pure": 0,
                "n_winning_classes": 1
              },
              "n_splits": 1,
              "n_trees": 1,
              "origin": {
                "estimator": "decision-tree",
                "format": "json",
                "library": null,
                "notes": [],
                "steps": []
              },
              "priors": [],
              "ranks_fit_8_bits": true,
              "sum": null,
              "targets": [],
              "task": "classify",
              "thresholds_max": 1,
              "thresholds_on_integers": true
            }
        "#]],
    );
    let (text, code) = project.says(&["inspect", &model]);
    assert_eq!(code, Some(0));
    expect![[r#"
        format      canonical JSON
        estimator   decision-tree (decision-tree)
        library     not told
        classes     2: <rest>, bell
        features    1: a|\u{1b}[31m
                    1 of them used, 1 compared as float64
        trees       1, 1 splits, depth 1 at most, 1.0 in the mean
        leaves      2, 0 pure, 2 distinct, 1 of 2 classes win one
        thresholds  1 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
                    all on whole or half numbers, as on integer features
        flash       table, soft votes, Q15: 8 bytes of tables (3 bytes per split), and 4 for codes
        flash       packed, soft votes, Q15: 16 bytes of tables (2 bits per split), and 4 for codes
        flash       table, soft votes, 8-bit: 8 bytes of tables (3 bytes per split), and 4 for codes
        flash       packed, soft votes, 8-bit: 16 bytes of tables (2 bits per split), and 4 for codes
        flash       table, hard votes: 8 bytes of tables (3 bytes per split), and 4 for codes
        flash       packed, hard votes: 16 bytes of tables (2 bits per split), and 4 for codes
        flash       branches: code, whose size a build tells; code comes on top of tables, too
    "#]].assert_eq(&text);
}

#[test]
fn explained() {
    let project = Project::new("json-explain", "");
    let config = project.path("pipeline.toml");
    let arguments = ["explain", "--row", "3", "--json", "--config", &config];
    project.check(
        &arguments,
        0,
        &[],
        &expect![[r#"
        {
          "certainty": "beyond-bound",
          "early_exit": null,
          "float": "<rest>",
          "label": "<rest>",
          "margins": null,
          "n_parting": 0,
          "q15": "<rest>",
          "readings": [
            {
              "code": 1,
              "coding": "rank",
              "feature": "a|\u001b[31m",
              "reading": 500.25,
              "saturated": false,
              "thresholds": 1
            }
          ],
          "row": 3,
          "scores": [
            {
              "class": "<rest>",
              "float": 0.5,
              "integer": 1,
              "q15": 1.0
            },
            {
              "class": "bell",
              "float": 0.5,
              "integer": 0,
              "q15": 0.0
            }
          ],
          "soft_vote": null,
          "trees": [
            {
              "leaf_float": [
                0.5,
                0.5
              ],
              "leaf_q15": [
                0.5,
                0.5
              ],
              "parts": null,
              "path": [
                {
                  "code": 1,
                  "feature": "a|\u001b[31m",
                  "float_left": false,
                  "node": 0,
                  "q15_left": false,
                  "reading": 500.25,
                  "threshold": 449.5,
                  "threshold_code": 0
                }
              ],
              "q15_path": []
            }
          ]
        }
    "#]],
    );
}

#[test]
fn predicted() {
    let project = Project::new("json-predict", "");
    let (config, rows) = (project.path("pipeline.toml"), project.path("rows.csv"));
    let arguments = [
        "predict", "--json", "--scores", "--config", &config, "--input", &rows,
    ];
    project.check(
        &arguments,
        0,
        &["seconds"],
        &expect![[r#"
        {
          "accuracy": 0.75,
          "classes": [
            "<rest>",
            "<rest>",
            "<rest>",
            "<rest>"
          ],
          "rows": 4,
          "rows_right": 3,
          "score_classes": [
            "<rest>",
            "bell"
          ],
          "scores": [
            [
              1,
              0
            ],
            [
              1,
              0
            ],
            [
              1,
              0
            ],
            [
              1,
              0
            ]
          ],
          "seconds": "…"
        }
    "#]],
    );
}

#[test]
fn scores_without_a_place() {
    let project = Project::new("json-scores", "");
    let (config, rows) = (project.path("pipeline.toml"), project.path("rows.csv"));
    let (stdout, code) =
        project.says(&["predict", "--scores", "--config", &config, "--input", &rows]);
    assert_eq!((stdout.as_str(), code), ("", Some(2)));
}

#[test]
fn an_unknown_class_is_refused_before_anything_is_built() {
    let project = Project::new("json-class", "min_recall = { bel = 0.5 }");
    let config = project.path("pipeline.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["pipeline", "run", "--json", "--config", &config])
        .output()
        .expect("the program runs");
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(2)));
    let stderr = String::from_utf8_lossy(&output.stderr);
    expect![[r#"
        error: accuracy.min_recall.bel: found no such class, expected one of the data's
         --> FOLDER/pipeline.toml:5:29
          |
        5 | accuracy = { min_recall = { bel = 0.5 } }
          |                             ^^^
          |
          = help: did you mean `"bell"`?
    "#]]
    .assert_eq(&stderr.replace(&project.folder.path().display().to_string(), "FOLDER"));
}
