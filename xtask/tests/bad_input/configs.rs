//! Values of a config that cannot be.

use expect_test::expect;

use crate::Case;

#[test]
fn no_trees() {
    Case::new()
        .config("n_trees = 2", "n_trees = 0")
        .fails(&expect![[r#"
            error: model.n_trees: found `0`, expected an integer of 1 to 10000
              --> FOLDER/pipeline.toml:10:11
               |
            10 | n_trees = 0
               |           ^
        "#]]);
}

#[test]
fn a_size_that_is_none() {
    Case::new()
        .config("\"16K\"", "\"16 KiBs\"")
        .fails(&expect![[r#"
            error: budget.flash: found `"16 KiBs"`, expected a size, such as `"16K"`
              --> FOLDER/pipeline.toml:14:9
               |
            14 | flash = "16 KiBs"
               |         ^^^^^^^^^
               |
               = help: a size is a number of bytes (`16384` or `"16384"`), or has a unit: `"16K"`, `"1M"`; 1K is 1024 bytes
        "#]]);
}

#[test]
fn an_unknown_chip() {
    Case::new()
        .config("nRF51822_xxAA", "nRF51882_xxAA")
        .fails(&expect![[r#"
            error: target.chip: found `"nRF51882_xxAA"`, expected the name of a chip
              --> FOLDER/pipeline.toml:12:8
               |
            12 | chip = "nRF51882_xxAA"
               |        ^^^^^^^^^^^^^^^
               |
               = help: did you mean `"nRF51802_xxAA"`, `"nRF51822_xxAA"` or `"nRF51824_xxAA"`?
        "#]]);
}

#[test]
fn a_duplicate_key() {
    Case::new()
        .config("n_trees = 2", "n_trees = 2\nn_trees = 3")
        .fails(&expect![[r#"
            error: found `n_trees` twice, expected it once
              --> FOLDER/pipeline.toml:11:1
               |
            10 | n_trees = 2
               | ------- the first
            11 | n_trees = 3
               | ^^^^^^^
               |
               = help: remove one of the two
        "#]]);
}
