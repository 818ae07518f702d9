//! Columns of rows against those of a model: by name, or by position.

use expect_test::{Expect, expect};
use ndarray::array;
use proptest::prelude::*;
use spinney_dataset::{Columns, Dataset, LabelsAre, LabelsIn, Rows, Source, csv, idx, npy};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A row whose values count its columns.
fn rows(columns: &[&str], is_named: bool) -> Rows {
    let n = columns.len();
    Rows {
        features: names(columns),
        is_named,
        values: ndarray::Array2::from_shape_fn((1, n), |(_, column)| column as f64),
    }
}

fn order(columns: Rows, features: &[&str], are_named: bool) -> Vec<f64> {
    let found = columns
        .with_features(&names(features), are_named)
        .expect("columns that fit");
    assert_eq!(found.features, features);
    assert_eq!(found.is_named, are_named);
    found.values.into_raw_vec_and_offset().0
}

fn refused(columns: Rows, features: &[&str], are_named: bool, expected: &Expect) {
    let error = columns.with_features(&names(features), are_named);
    expected.assert_eq(&error.expect_err("must be refused").to_string());
}

#[test]
fn names_on_both_sides_are_matched_whatever_they_look_like() {
    let by_name = |columns: &[&str], features: &[&str]| order(rows(columns, true), features, true);
    assert_eq!(by_name(&["a", "b"], &["a", "b"]), [0.0, 1.0]);
    assert_eq!(by_name(&["x1", "x0"], &["x0", "x1"]), [1.0, 0.0]);
    assert_eq!(by_name(&["x2", "x0", "x1"], &["x0", "x1"]), [1.0, 2.0]);
    refused(
        rows(&["x1", "a"], true),
        &["x0", "x1", "x2"],
        true,
        &expect![[
            r#"the columns: found none called "x0", "x2" among x1, a, expected every feature of the model by its name; rows without names (.npy) go by position"#
        ]],
    );
}

#[test]
fn names_whose_blanks_lightgbm_wrote_otherwise_are_told() {
    refused(
        rows(&["mean area", "mean radius"], true),
        &["mean_radius", "mean_area"],
        true,
        &expect![[
            r#"the columns: found none called "mean_radius", "mean_area" among mean area, mean radius, expected every feature of the model by its name; rows without names (.npy) go by position; LightGBM writes blanks in names as `_`: so write "mean_area" in the header, too"#
        ]],
    );
}

#[test]
fn rows_without_names_go_by_position() {
    assert_eq!(
        order(rows(&["x0", "x1"], false), &["b", "a"], true),
        [0.0, 1.0]
    );
    assert_eq!(
        order(rows(&["x0", "x1"], false), &["x0", "x1"], false),
        [0.0, 1.0]
    );
    for n in [1, 3] {
        let columns = ["x0", "x1", "x2"];
        let too = rows(&columns[..n], false).with_features(&names(&["b", "a"]), true);
        assert!(too.is_err(), "{n} columns for 2");
    }
    refused(
        rows(&["x0", "x1", "x2"], false),
        &["b", "a"],
        true,
        &expect![
            "the columns: found 3 without names, expected 2, one per feature in the order of the training, since these rows have no names"
        ],
    );
}

#[test]
fn a_model_without_names_takes_columns_in_order() {
    assert_eq!(
        order(rows(&["b", "a"], true), &["x0", "x1"], false),
        [0.0, 1.0]
    );
    assert_eq!(
        order(rows(&["x0", "x1"], true), &["x0", "x1"], false),
        [0.0, 1.0]
    );
    // Numbered from one, as R does.
    assert_eq!(
        order(rows(&["x1", "x2"], true), &["x0", "x1"], false),
        [0.0, 1.0]
    );
    refused(
        rows(&["x1", "x0"], true),
        &["x0", "x1"],
        false,
        &expect![
            "the columns: found x1, x0, which are positions in another order, expected x0, x1, since the model was fitted on rows without names: put the columns into the order of the training, and give them names of their own if that is another one"
        ],
    );
    refused(
        rows(&["a", "b", "time"], true),
        &["x0", "x1"],
        false,
        &expect![
            "the columns: found 3 beside the label: a, b, time, expected 2, one per feature in the order of the training, since the model was fitted on rows without names"
        ],
    );
}

#[test]
fn readers_say_whether_columns_have_names() {
    assert!(csv::read(b"x0,x1,y\n1,2,a\n", "y").unwrap().is_named());
    let array = b"\x93NUMPY\x01\x00\x3e\x00\
        {'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }  \n\x01\x02";
    assert!(!npy::rows(array).unwrap().is_named);
    let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7];
    let labels = [0, 0, 8, 1, 0, 0, 0, 1, 0];
    assert!(!idx::read(&images, &labels).unwrap().is_named());
}

#[test]
fn white_space_around_names_and_labels_does_not_count() {
    let read = csv::read(
        b" ax, ay ,az\t, label\n1, 2,3, idle\n4,5,6,idle \n",
        "label",
    )
    .unwrap();
    assert_eq!(read.features(), ["ax", "ay", "az"]);
    assert_eq!(read.classes(), ["idle"]);
    let rows = Rows {
        features: names(&["x0"]),
        is_named: false,
        values: array![[1.0], [2.0]],
    };
    let read = Dataset::new(rows, &names(&[" walk", "walk\u{a0}"])).unwrap();
    assert_eq!(read.classes(), ["walk"]);
}

#[test]
fn booleans_are_the_bits_that_onnx_knows() {
    let labels = |labels: &str, classes: &[&str]| {
        let text = format!("a,y\n1,{}\n", labels.replace(' ', "\n2,"));
        let rows = csv::read(text.as_bytes(), "y").unwrap();
        rows.with_classes(&names(classes))
            .map(|rows| rows.labels().to_vec())
            .ok()
    };
    assert_eq!(labels("True False True", &["0", "1"]), Some(vec![1, 0, 1]));
    assert_eq!(labels("1 0 1", &["False", "True"]), Some(vec![1, 0, 1]));
    assert_eq!(labels("True False", &["0", "1", "2"]), None);
    assert_eq!(labels("True", &["1", "7"]), None);
}

#[test]
fn labels_are_told_apart_as_the_classes_of_a_model_are() {
    let labels = |labels: &str, classes: &[&str]| {
        let text = format!("a,y\n1,{}\n", labels.replace(' ', "\n2,"));
        let classes = names(classes);
        let label = LabelsIn::Columns(vec!["y"]);
        let source = Source::open(text.as_bytes(), label, true).unwrap();
        let source = source.with(LabelsAre::of_classes(&classes), Columns::new());
        let (rows, texts) = source.rows(&|_| true).unwrap();
        let rows = Dataset::of_classes(rows, &texts.unwrap(), &classes, &Columns::new());
        let read = source.read(&|_| true).unwrap().with_classes(&classes);
        assert_eq!(rows.as_ref().ok(), read.as_ref().ok());
        read.map(|rows| rows.labels().to_vec()).ok()
    };
    assert_eq!(labels("1 1.0 1", &["1", "1.0"]), Some(vec![0, 1, 0]));
    assert_eq!(labels("0.10 0.1", &["0.1", "0.10"]), Some(vec![1, 0]));
    assert_eq!(labels("-0 0 0", &["-0", "0"]), Some(vec![0, 1, 1]));
    assert_eq!(
        labels("1 01 walk", &["01", "1", "walk"]),
        Some(vec![1, 0, 2])
    );
    // Without its text, the first of its value.
    assert_eq!(labels("1e0 1.0", &["1", "1.0"]), Some(vec![0, 1]));
    assert_eq!(labels("2", &["1", "1.0"]), None);
    assert_eq!(labels("1 1.0 01", &["1", "2"]), Some(vec![0, 0, 0]));
}

proptest! {
    #[test]
    fn columns_in_any_order_are_found(
        columns in prop::collection::hash_set("\\PC{1,6}", 1..12),
        seed: u64,
    ) {
        let columns: Vec<String> = columns.into_iter().collect();
        let permutation = spinney_dataset::permutation(columns.len(), seed);
        let features: Vec<String> = permutation.iter().map(|at| columns[*at].clone()).collect();
        let rows = Rows {
            values: ndarray::Array2::from_shape_fn((1, columns.len()), |(_, at)| at as f64),
            features: columns,
            is_named: true,
        };
        let found = rows.with_features(&features, true).unwrap();
        let expected: Vec<f64> = permutation.iter().map(|at| *at as f64).collect();
        prop_assert_eq!(found.values.into_raw_vec_and_offset().0, expected);
    }
}
