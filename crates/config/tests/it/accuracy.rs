//! Gates on what a model is worth, as they are typed.

use expect_test::expect;

use crate::common::{MINIMAL, check, parse};

fn accuracy(keys: &str) -> String {
    format!("{MINIMAL}[accuracy]\n{keys}\n")
}

#[test]
fn limits_at_both_ends() {
    for keys in [
        "min_accuracy = 0\nmax_accuracy_loss = 1",
        "min_accuracy = 1.0\nmin_balanced_accuracy = 0.0",
        "min_recall = { a = 0, \"b c\" = 1 }",
        "better_than_majority = false",
    ] {
        assert!(parse(&accuracy(keys)).is_ok(), "{keys}");
    }
    let default = parse(MINIMAL).expect("a valid config").pipeline.accuracy;
    assert!(default.better_than_majority && default.min_recall.is_empty());
}

#[test]
fn limits_beyond_them() {
    check(
        &accuracy(
            "min_accuracy = 1.01\nmin_balanced_accuracy = -0.1\nmax_accuracy_loss = 5\n\
             min_recall = { rest = 95, \"door bell\" = 0.5, kick = \"0.9\" }\n\
             better_than_majority = \"no\"",
        ),
        &expect![[r#"
            error: accuracy.min_accuracy: found `1.01`, expected a number of 0 to 1
              --> folder/pipeline.toml:14:16
               |
            14 | min_accuracy = 1.01
               |                ^^^^

            error: accuracy.min_balanced_accuracy: found `-0.1`, expected a number of 0 to 1
              --> folder/pipeline.toml:15:25
               |
            15 | min_balanced_accuracy = -0.1
               |                         ^^^^

            error: accuracy.max_accuracy_loss: found `5`, expected a number of 0 to 1
              --> folder/pipeline.toml:16:21
               |
            16 | max_accuracy_loss = 5
               |                     ^

            error: accuracy.min_recall.rest: found `95`, expected a number of 0 to 1
              --> folder/pipeline.toml:17:23
               |
            17 | min_recall = { rest = 95, "door bell" = 0.5, kick = "0.9" }
               |                       ^^

            error: accuracy.min_recall.kick: found a string, expected a number of 0 to 1
              --> folder/pipeline.toml:17:53
               |
            17 | min_recall = { rest = 95, "door bell" = 0.5, kick = "0.9" }
               |                                                     ^^^^^
               |
               = help: write it without quotes: `kick = 0.9`

            error: accuracy.better_than_majority: found a string, expected `true` or `false`
              --> folder/pipeline.toml:18:24
               |
            18 | better_than_majority = "no"
               |                        ^^^^
        "#]],
    );
    check(
        &accuracy("min_recall = 0.9"),
        &expect![[r#"
        error: accuracy.min_recall: found a number with a fraction, expected a table by class name, each a number of 0 to 1
          --> folder/pipeline.toml:14:14
           |
        14 | min_recall = 0.9
           |              ^^^
    "#]],
    );
    check(
        &accuracy("min_recall = {}"),
        &expect![[r#"
        error: accuracy.min_recall: found `{}`, expected a table by class name, each a number of 0 to 1
          --> folder/pipeline.toml:14:14
           |
        14 | min_recall = {}
           |              ^^
    "#]],
    );
}

#[test]
fn rows_without_labels_have_no_accuracy() {
    let text = MINIMAL
        .replace(
            "path = \"rows.csv\"\nlabel = \"class\"",
            "test = \"rows.csv\"",
        )
        .replace(
            "kind = \"random-forest\"\nn_trees = 3",
            "source = \"import\"\npath = \"model.json\"",
        );
    let unlabelled = parse(&text).expect("a valid config").pipeline.accuracy;
    assert!(!unlabelled.better_than_majority);
    check(
        &format!(
            "{text}[accuracy]\nmin_accuracy = 0.9\nmin_recall = {{ a = 0.9 }}\n\
             better_than_majority = true\nmin_agreement = 0.9\n"
        ),
        &expect![[r#"
            error: accuracy.min_accuracy: found `0.9`, expected none, since rows without labels have no accuracy
              --> folder/pipeline.toml:13:16
               |
             6 | test = "rows.csv"
               |        ---------- because of this
            ...
            13 | min_accuracy = 0.9
               |                ^^^
               |
               = help: remove `min_accuracy`, or change `dataset.test`

            error: accuracy.min_recall: found `{ a = 0.9 }`, expected none, since rows without labels have no accuracy
              --> folder/pipeline.toml:14:14
               |
             6 | test = "rows.csv"
               |        ---------- because of this
            ...
            14 | min_recall = { a = 0.9 }
               |              ^^^^^^^^^^^
               |
               = help: remove `min_recall`, or change `dataset.test`

            error: accuracy.better_than_majority: found `true`, expected none, since rows without labels have no accuracy
              --> folder/pipeline.toml:15:24
               |
             6 | test = "rows.csv"
               |        ---------- because of this
            ...
            15 | better_than_majority = true
               |                        ^^^^
               |
               = help: remove `better_than_majority`, or change `dataset.test`
        "#]],
    );
}

#[test]
fn names_of_other_tools_lead_to_ours() {
    check(
        &MINIMAL.replace(
            "n_trees = 3",
            "n_estimators = 3\nlearning_rate = 0.1\nrandom_state = 0\nnum_leaves = 31\n\
             min_child_weight = 1\nn_jobs = -1\nmax_depht = 3",
        ),
        &expect![[r#"
            error: model: found the unknown key `n_estimators`
              --> folder/pipeline.toml:10:1
               |
            10 | n_estimators = 3
               | ^^^^^^^^^^^^
               |
               = help: here it is called `n_trees`, in `[model]`

            error: model: found the unknown key `learning_rate`
              --> folder/pipeline.toml:11:1
               |
            11 | learning_rate = 0.1
               | ^^^^^^^^^^^^^
               |
               = help: trees are not boosted here, boosted ones are imported (`source = "import"`); kinds of model are `"decision-tree"`, `"random-forest"`, `"extra-trees"` and `"gaussian-nb"`

            error: model: found the unknown key `random_state`
              --> folder/pipeline.toml:12:1
               |
            12 | random_state = 0
               | ^^^^^^^^^^^^
               |
               = help: here it is called `seed`, in `[pipeline]`

            error: model: found the unknown key `num_leaves`
              --> folder/pipeline.toml:13:1
               |
            13 | num_leaves = 31
               | ^^^^^^^^^^
               |
               = help: here it is called `max_leaf_nodes`, in `[model]`

            error: model: found the unknown key `min_child_weight`
              --> folder/pipeline.toml:14:1
               |
            14 | min_child_weight = 1
               | ^^^^^^^^^^^^^^^^
               |
               = help: the nearest is `min_samples_leaf` in `[model]`, which counts rows, or is a fraction of them

            error: model: found the unknown key `n_jobs`
              --> folder/pipeline.toml:15:1
               |
            15 | n_jobs = -1
               | ^^^^^^
               |
               = help: it does not change a model, so that there is no key for it: leave it out

            error: model: found the unknown key `max_depht`
              --> folder/pipeline.toml:16:1
               |
            16 | max_depht = 3
               | ^^^^^^^^^
               |
               = help: did you mean `max_depth`?
        "#]],
    );
    check(
        &MINIMAL.replace("random-forest", "RandomForestClassifier"),
        &expect![[r#"
            error: model.kind: found `"RandomForestClassifier"`, expected `"decision-tree"`, `"random-forest"`, `"extra-trees"` or `"gaussian-nb"`
             --> folder/pipeline.toml:9:8
              |
            9 | kind = "RandomForestClassifier"
              |        ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `"random-forest"`
        "#]],
    );
    check(
        &MINIMAL.replace("random-forest", "XGBClassifier"),
        &expect![[r#"
            error: model.kind: found `"XGBClassifier"`, expected `"decision-tree"`, `"random-forest"`, `"extra-trees"` or `"gaussian-nb"`
             --> folder/pipeline.toml:9:8
              |
            9 | kind = "XGBClassifier"
              |        ^^^^^^^^^^^^^^^
              |
              = help: trees are not boosted here; a forest is trained, or imported
        "#]],
    );
    check(
        &MINIMAL
            .replace("[target]", "[board]")
            .replace("seed = 1", "random_state = 1"),
        &expect![[r#"
            error: target: found no such section, expected `[target]`
            --> folder/pipeline.toml
             = help: Names the chip, and what stands in for it.

            error: pipeline: found the unknown key `random_state`
             --> folder/pipeline.toml:3:1
              |
            3 | random_state = 1
              | ^^^^^^^^^^^^
              |
              = help: here it is called `seed`, in `[pipeline]`

            error: found the unknown section `board`
              --> folder/pipeline.toml:11:2
               |
            11 | [board]
               |  ^^^^^
               |
               = help: did you mean `[target]`?
        "#]],
    );
    check(
        &format!("n_estimators = 3\n{MINIMAL}"),
        &expect![[r#"
        error: found the unknown key `n_estimators`
         --> folder/pipeline.toml:1:1
          |
        1 | n_estimators = 3
          | ^^^^^^^^^^^^
          |
          = help: here it is called `n_trees`, in `[model]`
    "#]],
    );
}
