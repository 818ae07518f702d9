//! Text that is not TOML, or not this file's TOML.

use expect_test::expect;

use crate::common::{MINIMAL, check};

#[test]
fn syntax() {
    check(
        "[pipeline\nname = \"a\"\n",
        &expect![[r#"
            error: not TOML: unclosed table, expected `]`
             --> folder/pipeline.toml:1:10
              |
            1 | [pipeline
              |          ^
        "#]],
    );
    check(
        "[pipeline]\nname = \n",
        &expect![[r#"
        error: not TOML: string values must be quoted, expected literal string
         --> folder/pipeline.toml:2:8
          |
        2 | name = 
          |        ^
    "#]],
    );
    check(
        "[pipeline]\nname = \"a\nseed = 1",
        &expect![[r#"
        error: not TOML: invalid basic string, expected `"`
         --> folder/pipeline.toml:2:10
          |
        2 | name = "a
          |          ^
    "#]],
    );
    check(
        "\u{0}",
        &expect![[r#"
            error: not TOML: key with no value, expected `=`
             --> folder/pipeline.toml:1:2
              |
            1 | ␀
              |  ^
        "#]],
    );
}

#[test]
fn an_empty_file() {
    check(
        "",
        &expect![[r#"
        error: pipeline: found no such section, expected `[pipeline]`
        --> folder/pipeline.toml
         = help: Names the pipeline and fixes its random choices.

        error: dataset: found no such section, expected `[dataset]`
        --> folder/pipeline.toml
         = help: Says which rows there are, and which of them only test.

        error: model: found no such section, expected `[model]`
        --> folder/pipeline.toml
         = help: Says where the model comes from, and how it is trained.

        error: target: found no such section, expected `[target]`
        --> folder/pipeline.toml
         = help: Names the chip, and what stands in for it.
    "#]],
    );
}

#[test]
fn duplicates() {
    check(
        &MINIMAL.replace("seed = 1", "seed = 1\nseed = 2"),
        &expect![[r#"
            error: found `seed` twice, expected it once
             --> folder/pipeline.toml:4:1
              |
            3 | seed = 1
              | ---- the first
            4 | seed = 2
              | ^^^^
              |
              = help: remove one of the two
        "#]],
    );
    check(
        &format!("{MINIMAL}[model]\nn_trees = 3\n"),
        &expect![[r#"
        error: found `model` twice, expected it once
          --> folder/pipeline.toml:13:2
           |
        13 | [model]
           |  ^^^^^
           |
           = help: remove one of the two

        error: found `n_trees` twice, expected it once
          --> folder/pipeline.toml:14:1
           |
        10 | n_trees = 3
           | ------- the first
        ...
        14 | n_trees = 3
           | ^^^^^^^
           |
           = help: remove one of the two
    "#]],
    );
}

#[test]
fn unknown_keys_and_sections() {
    check(
        &MINIMAL.replace("n_trees", "n_tree"),
        &expect![[r#"
        error: model: found the unknown key `n_tree`
          --> folder/pipeline.toml:10:1
           |
        10 | n_tree = 3
           | ^^^^^^
           |
           = help: did you mean `n_trees`?
    "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "flash = \"1K\""),
        &expect![[r#"
            error: model: found the unknown key `flash`
              --> folder/pipeline.toml:10:1
               |
            10 | flash = "1K"
               | ^^^^^
               |
               = help: `flash` is a key of `[target]` and `[budget]`
        "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "colour = 3"),
        &expect![[r#"
            error: model: found the unknown key `colour`
              --> folder/pipeline.toml:10:1
               |
            10 | colour = 3
               | ^^^^^^
               |
               = help: keys of `[model]`: source, path, task, threshold, classes, kind, trainer, n_trees, max_depth, min_samples_split, min_samples_leaf, max_leaf_nodes, max_features, criterion, bootstrap, max_samples, class_weight, min_impurity_decrease, ccp_alpha, shrink, max_score_loss, shrink_alpha, shrink_error, shrink_seconds, var_smoothing
        "#]],
    );
    check(
        &format!("n_trees = 3\n{MINIMAL}"),
        &expect![[r#"
        error: found the unknown key `n_trees`
         --> folder/pipeline.toml:1:1
          |
        1 | n_trees = 3
          | ^^^^^^^
          |
          = help: `n_trees` is a key of `[model]`
    "#]],
    );
    check(
        &format!("colour = 3\n{MINIMAL}"),
        &expect![[r#"
            error: found the unknown key `colour`
             --> folder/pipeline.toml:1:1
              |
            1 | colour = 3
              | ^^^^^^
              |
              = help: every key has a section: pipeline, dataset, model, quantize, features, features.NAME, frontend, scenes, codegen, reject, property, accuracy, target, evaluate, firmware, budget, uplink, power, search
        "#]],
    );
    check(
        &format!("{MINIMAL}[budgets]\n"),
        &expect![[r#"
        error: found the unknown section `budgets`
          --> folder/pipeline.toml:13:2
           |
        13 | [budgets]
           |  ^^^^^^^
           |
           = help: did you mean `[budget]`?
    "#]],
    );
    check(
        &format!("{MINIMAL}[colours]\n"),
        &expect![[r#"
            error: found the unknown section `colours`
              --> folder/pipeline.toml:13:2
               |
            13 | [colours]
               |  ^^^^^^^
               |
               = help: sections: pipeline, dataset, model, quantize, features, features.NAME, frontend, scenes, codegen, reject, property, accuracy, target, evaluate, firmware, budget, uplink, power, search
        "#]],
    );
    check(
        &format!("{MINIMAL}[features.hue]\nrang = [0, 1]\n"),
        &expect![[r#"
            error: features.hue: found the unknown key `rang`
              --> folder/pipeline.toml:14:1
               |
            14 | rang = [0, 1]
               | ^^^^
               |
               = help: did you mean `range`?
        "#]],
    );
}
