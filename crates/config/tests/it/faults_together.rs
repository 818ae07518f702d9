//! Many faults in one go, their rendering, and faults that show later.

use expect_test::expect;

use crate::common::{MINIMAL, check, faults};

#[test]
fn the_minimal_config_has_no_fault() {
    assert_eq!(faults(MINIMAL), []);
}

/// Ten faults of ten classes, told in one go and in the order of the file.
#[test]
fn ten_faults() {
    let text = r#"[pipeline]
name = "a b"
sead = 1

[dataset]
path = "missing.csv"
label = -7
test_fraction = 1.5

[model]
kind = "random-forrest"
n_trees = 0
n_trees = 5

[target]
chip = "STM32F405"

[budget]
flash = "16 KiBs"

[uplinks]
"#;
    let lines: Vec<(usize, usize)> = faults(text)
        .iter()
        .map(|fault| (fault.line, fault.column))
        .collect();
    assert_eq!(
        lines,
        [
            (2, 8),
            (3, 1),
            (6, 8),
            (7, 9),
            (8, 17),
            (11, 8),
            (12, 11),
            (13, 1),
            (16, 8),
            (19, 9),
            (21, 2)
        ]
    );
    check(
        text,
        &expect![[r#"
            error: pipeline.name: found `"a b"`, expected a name of 1 to 64 letters, digits, `-` and `_`, a letter or `_` first
             --> folder/pipeline.toml:2:8
              |
            2 | name = "a b"
              |        ^^^^^

            error: pipeline: found the unknown key `sead`
             --> folder/pipeline.toml:3:1
              |
            3 | sead = 1
              | ^^^^
              |
              = help: did you mean `seed`?

            error: dataset.path: found `"missing.csv"`, expected a file or folder that exists
             --> folder/pipeline.toml:6:8
              |
            6 | path = "missing.csv"
              |        ^^^^^^^^^^^^^
              |
              = help: there is no file or folder folder/missing.csv; paths are relative to the config's folder

            error: dataset.label: found `-7`, expected a string, or an integer of at least 0
             --> folder/pipeline.toml:7:9
              |
            7 | label = -7
              |         ^^

            error: dataset.test_fraction: found `1.5`, expected a number above 0 and below 1
             --> folder/pipeline.toml:8:17
              |
            8 | test_fraction = 1.5
              |                 ^^^

            error: model.kind: found `"random-forrest"`, expected `"decision-tree"`, `"random-forest"`, `"extra-trees"` or `"gaussian-nb"`
              --> folder/pipeline.toml:11:8
               |
            11 | kind = "random-forrest"
               |        ^^^^^^^^^^^^^^^^
               |
               = help: did you mean `"random-forest"`?

            error: model.n_trees: found `0`, expected an integer of 1 to 10000
              --> folder/pipeline.toml:12:11
               |
            12 | n_trees = 0
               |           ^

            error: found `n_trees` twice, expected it once
              --> folder/pipeline.toml:13:1
               |
            12 | n_trees = 0
               | ------- the first
            13 | n_trees = 5
               | ^^^^^^^
               |
               = help: remove one of the two

            error: target.chip: found `"STM32F405"`, expected the name of a chip
              --> folder/pipeline.toml:16:8
               |
            16 | chip = "STM32F405"
               |        ^^^^^^^^^^^
               |
               = help: 5 chips that differ have names that start so, `"STM32F405OE"`, `"STM32F405OG"` or `"STM32F405RG"` for example; `cargo xtask chips search STM32F405` lists them

            error: budget.flash: found `"16 KiBs"`, expected a size, such as `"16K"`
              --> folder/pipeline.toml:19:9
               |
            19 | flash = "16 KiBs"
               |         ^^^^^^^^^
               |
               = help: a size is a number of bytes (`16384` or `"16384"`), or has a unit: `"16K"`, `"1M"`; 1K is 1024 bytes

            error: found the unknown section `uplinks`
              --> folder/pipeline.toml:21:2
               |
            21 | [uplinks]
               |  ^^^^^^^
               |
               = help: did you mean `[uplink]`?
        "#]],
    );
}

#[test]
fn colours_only_where_asked() {
    let faults = crate::common::parse("[").unwrap_err();
    assert!(
        !faults
            .render(spinney_config::Style::Plain)
            .contains('\u{1b}')
    );
    assert!(
        faults
            .render(spinney_config::Style::Colour)
            .contains('\u{1b}')
    );
    assert_eq!(
        faults.to_string(),
        faults.render(spinney_config::Style::Plain)
    );
}

#[test]
fn numbers_are_read_in_any_radix() {
    for range in [
        "[8, 4096]",
        "[0o10, 0x1000]",
        "[0b1000, 0x1_000]",
        "[8.0, 4.096e3]",
    ] {
        let text = format!("{MINIMAL}[features.hue]\nrange = {range}\n");
        let config = crate::common::parse(&text).unwrap();
        let found = config.pipeline.features["hue"].range.unwrap();
        assert_eq!((found.low, found.high), (8.0, 4096.0), "{range}");
    }
}

#[test]
fn a_fault_found_later_points_at_its_key() {
    let config =
        crate::common::parse(&format!("{MINIMAL}[features.hue]\nrange = [0, 1]\n")).unwrap();
    let columns = Some("columns: a, b, klass");
    let fault = config.fault(
        "dataset.label",
        "found no column `class` in rows.csv",
        columns,
    );
    expect![[r#"
        error: dataset.label: found no column `class` in rows.csv
         --> folder/pipeline.toml:7:9
          |
        7 | label = "class"
          |         ^^^^^^^
          |
          = help: columns: a, b, klass
    "#]]
    .assert_eq(&format!("{fault}\n"));
    let fault = config.fault("dataset.test_fraction", "found 3 rows", None);
    assert_eq!(fault.to_list()[0].line, 5, "the header of [dataset]");
    let fault = config.fault("features.hue", "found no such column", None);
    assert_eq!(fault.to_list()[0].line, 13);
    assert_eq!(
        config.fault("budget.flash", "found 1", None).to_list()[0].line,
        1
    );
}

#[test]
fn a_header_without_its_export() {
    let text = format!("{MINIMAL}[codegen]\nheader = \"src/model.h\"\n");
    check(
        &text,
        &expect![[r#"
            error: codegen.header: found `"src/model.h"`, expected none, since no header is exported
              --> folder/pipeline.toml:14:10
               |
            14 | header = "src/model.h"
               |          ^^^^^^^^^^^^^
               |
               = help: remove `header`, or set `codegen.export`
        "#]],
    );
    let text = format!("{MINIMAL}[codegen]\nexport = [\"c99\"]\nheader = \"src/model.h\"\n");
    assert_eq!(faults(&text), []);
}
