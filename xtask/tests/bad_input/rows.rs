//! Rows that are none, or not those of the config.

use expect_test::expect;

use crate::Case;

#[test]
fn empty_csv() {
    Case::new().write("rows.csv", b"").fails(&expect![[r#"
        error: FOLDER/rows.csv: line 1: found an empty file, expected a header row with column names
    "#]]);
}

#[test]
fn ragged_row() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\n2\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3: found 1 fields, expected 2, as the header has
        "#]]);
}

#[test]
fn text_in_a_numeric_column() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\ntwo,z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "two", expected a number (`ignore` in [dataset] leaves a column out)
        "#]]);
}

#[test]
fn nan_and_infinity() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\nNaN,z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "NaN", expected a finite number (`missing` in [dataset] drops or fills what is missing)
        "#]]);
    Case::new()
        .write("rows.csv", b"a,y\n1,x\ninf,z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "inf", expected a finite number (an empty field is a missing reading; else leave the row out)
        "#]]);
}

#[test]
fn a_label_column_that_does_not_exist() {
    Case::new()
        .config("label = \"y\"", "label = \"species\"")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column "species"
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "species"
              |         ^^^^^^^^^
              |
              = help: its columns are a, y
        "#]]);
}

#[test]
fn columns_to_ignore_that_are_not_there() {
    let ignore = |names: &str| format!("label = \"y\"\nignore = [{names}]");
    Case::new()
        .config("label = \"y\"", &ignore("\"id\""))
        .fails(&expect![[r#"
            error: dataset.ignore: rows.csv has no column "id"
             --> FOLDER/pipeline.toml:7:10
              |
            7 | ignore = ["id"]
              |          ^^^^^^
              |
              = help: columns beside the label: a
        "#]]);
    Case::new()
        .config("label = \"y\"", &ignore("\"*\""))
        .fails(&expect![[r#"
            error: dataset.ignore: "*" leaves out the label's column too
             --> FOLDER/pipeline.toml:7:10
              |
            7 | ignore = ["*"]
              |          ^^^^^
              |
              = help: columns beside the label: a
        "#]]);
}

#[test]
fn a_label_column_in_another_case_and_files_of_another_kind() {
    Case::new()
        .config("label = \"y\"", "label = \"Y\"")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column "Y"
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "Y"
              |         ^^^
              |
              = help: did you mean "y"?
        "#]]);
    Case::new()
        .write("rows.csv", b"a;y\n1;x\n2;z;q\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 1: found one column, "a;y", expected as many semicolons in each of the first lines (`delimiter` in [dataset] says what separates columns)
        "#]]);
    Case::new()
        .write("rows.csv", b"1,x\n2,z\n")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column "y"
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "y"
              |         ^^^
              |
              = help: its columns are 1, x; if these are readings, `header = false` in [dataset], and `label` is the column's number, from 0 on
        "#]]);
}

#[test]
fn one_class_only() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\n2,x\n3,x\n4,x\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: the training rows: found only the class "x", expected at least two classes to tell apart
        "#]]);
}

#[test]
fn a_class_that_training_never_saw() {
    let case = Case::new();
    case.write("test.csv", b"a,y\n1,x\n2,w\n").config(
        "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
        "train = \"rows.csv\"\ntest = \"test.csv\"\nlabel = \"y\"",
    );
    case.fails(&expect![[r#"
        error: FOLDER/test.csv: data row 1: found class "w", expected one of the classes that the model knows: x, z
    "#]]);
}

#[test]
fn too_few_to_calibrate() {
    let case = Case::new();
    case.config("n_trees = 2", "n_trees = 2\nshrink = \"in-distribution\"");
    case.fails(&expect![[r#"
        error: model.shrink: found 1 rows in a fifth of the training rows, expected at least 19, 1 / shrink_alpha - 1
          --> FOLDER/pipeline.toml:11:10
           |
        11 | shrink = "in-distribution"
           |          ^^^^^^^^^^^^^^^^^
           |
           = help: write a larger `shrink_alpha`, or give more rows
    "#]]);
}

#[test]
fn an_error_of_what_has_no_values() {
    let case = Case::new();
    let keys = "n_trees = 2\nshrink = \"every-input\"\nshrink_error = 0.5";
    case.config("n_trees = 2", keys);
    case.fails(&expect![[r#"
        error: model.shrink_error: found a bound of values, expected none, since the model gives none
          --> FOLDER/pipeline.toml:12:16
           |
        12 | shrink_error = 0.5
           |                ^^^
           |
           = help: remove `shrink_error`; a classifier keeps its classes
    "#]]);
}

#[test]
fn a_truncated_idx() {
    let case = Case::new();
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    images.extend([1, 2, 3]);
    case.write("images.idx", &images)
        .write("labels.idx", &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1])
        .config(
            "path = \"rows.csv\"\nlabel = \"y\"",
            "path = \"images.idx\"\npath_labels = \"labels.idx\"",
        );
    case.fails(&expect![[r#"
        error: FOLDER/images.idx: images, byte 16: found 3 bytes of data, expected 4, as the header says
    "#]]);
}

#[test]
fn one_file_for_both_sides() {
    Case::new()
        .config(
            "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
            "train = \"rows.csv\"\ntest = \"./rows.csv\"\nlabel = \"y\"",
        )
        .fails(&expect![[r#"
            error: dataset.test: ./rows.csv is the file that trains, too
             --> FOLDER/pipeline.toml:6:8
              |
            6 | test = "./rows.csv"
              |        ^^^^^^^^^^^^
              |
              = help: `path` with `test_fraction` divides one file
        "#]]);
}

#[test]
fn columns_by_number() {
    Case::new()
        .config("label = \"y\"", "label = \"y\"\nheader = false")
        .fails(&expect![[r#"
            error: dataset.label: found `"y"`, expected a column's number, from 0 on, since there is no header
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "y"
              |         ^^^
            7 | header = false
              |          ----- no header
              |
              = help: `label = 0` is the first column
        "#]]);
    Case::new()
        .config("label = \"y\"", "label = 2\nheader = false")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column 2
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = 2
              |         ^
              |
              = help: its columns are 0 to 1
        "#]]);
    Case::new()
        .config("label = \"y\"", "label = -1\nheader = false")
        .fails(&expect![[r#"
            error: dataset.label: found `-1`, expected a string, or an integer of at least 0
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = -1
              |         ^^
        "#]]);
}

#[test]
fn arrays_have_no_such_column_to_ignore() {
    let array = |descr: &str, shape: &str, data: &[u8]| {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    };
    Case::new()
        .write("X.npy", &array("|i1", "(4, 2)", &[1, 5, 9, 5, 2, 5, 8, 5]))
        .write("y.npy", &array("|i1", "(4,)", &[0, 1, 0, 1]))
        .config(
            "path = \"rows.csv\"\nlabel = \"y\"",
            "path = \"X.npy\"\npath_labels = \"y.npy\"\nignore = [\"x1\", \"x99\"]",
        )
        .fails(&expect![[r#"
            error: dataset.ignore: X.npy has no column "x99"
             --> FOLDER/pipeline.toml:7:10
              |
            7 | ignore = ["x1", "x99"]
              |          ^^^^^^^^^^^^^
              |
              = help: columns beside the label: x0, x1
        "#]]);
}

#[test]
fn another_format_by_its_content() {
    Case::new()
        .write("rows.csv", b"FEA1\0\0")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: the file: found a Feather file of version 1, expected version 2, as pandas writes it: `pandas.read_feather(FILE).to_feather("rows.feather")`
        "#]]);
}
