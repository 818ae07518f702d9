//! Rows with numbers for labels, columns with gaps and words, and detectors' two classes.

use expect_test::{Expect, expect};
use ndarray::array;
use proptest::prelude::*;
use spinney_dataset::{
    Column, Columns, DataError, Dataset, LabelsAre, LabelsIn, Missing, Part, Source, csv, notes,
    npy, read_all, split,
};

fn gaps(name: &str, missing: Missing) -> (String, Column) {
    let column = Column {
        missing: Some(missing),
        categories: Vec::new(),
    };
    (name.to_owned(), column)
}

fn words(name: &str, categories: &[&str], missing: Option<Missing>) -> (String, Column) {
    let categories = categories.iter().map(|word| (*word).to_owned()).collect();
    (
        name.to_owned(),
        Column {
            missing,
            categories,
        },
    )
}

fn read(
    text: &str,
    labels_are: LabelsAre,
    columns: impl IntoIterator<Item = (String, Column)>,
) -> Result<Dataset, DataError> {
    Source::open(text.as_bytes(), LabelsIn::Columns(vec!["y"]), true)?
        .with(labels_are, columns.into_iter().collect())
        .read(&|_| true)
}

fn refused<T: std::fmt::Debug>(result: Result<T, DataError>, expected: &Expect) {
    expected.assert_eq(&result.expect_err("must be refused").to_string());
}

#[test]
fn labels_that_are_numbers() {
    let rows = read("a,y\n1,2.5\n2,-1e3\n3,2.5\n4, 7 \n", LabelsAre::Numbers, []).expect("rows");
    assert_eq!(
        rows.numbers(),
        Some(&array![[2.5], [-1000.0], [2.5], [7.0]])
    );
    assert_eq!(
        (rows.n_rows(), rows.classes(), rows.labels()),
        (4, &[][..], &[][..])
    );
    assert_eq!(
        rows.select(&[3, 1]).numbers(),
        Some(&array![[7.0], [-1000.0]])
    );
    assert_eq!(
        rows.with_classes(&["a".to_owned()]).expect("as it was"),
        rows
    );
    assert_eq!(notes::of_file(&rows), []);
    let classes = read("a,y\n1,2.5\n2,7\n", LabelsAre::Classes, []).expect("rows");
    assert_eq!((classes.numbers(), classes.classes().len()), (None, 2));
}

/// Numbers stand in the order in which their columns are asked for, whatever the file's.
#[test]
fn labels_of_several_columns() {
    let open = |text, names| {
        let source = Source::open(text, LabelsIn::Columns(names), true).expect("a file");
        source.with(LabelsAre::Numbers, Columns::new())
    };
    let text: &[u8] = b"y,a,z\n1,2.5,3\n-4,5,6e2\n";
    let source = open(text, vec!["z", "y"]);
    assert_eq!(source.features().expect("columns"), ["a"]);
    let rows = source.read(&|_| true).expect("rows");
    assert_eq!(rows.numbers(), Some(&array![[3.0, 1.0], [600.0, -4.0]]));
    assert_eq!(rows.select(&[1]).numbers(), Some(&array![[600.0, -4.0]]));
    let part = |name: &str| Part {
        name: name.to_owned(),
        source: open(text, vec!["z", "y"]),
        class: None,
    };
    let both = read_all(&[part("b"), part("c")], &|_| true).expect("rows");
    let twice = array![[3.0, 1.0], [600.0, -4.0], [3.0, 1.0], [600.0, -4.0]];
    assert_eq!(both.numbers(), Some(&twice));
    refused(
        open(b"y,a,z\n1,2.5,3\n-4,5,high\n", vec!["y", "z"]).read(&|_| true),
        &expect![[
            r#"line 3, column "z": found "high", expected a number, which is what a regressor is asked for (a column of words is for a classifier: `task = "classify"`)"#
        ]],
    );
    refused(
        open(text, vec!["y", "b"]).read(&|_| true),
        &expect![[
            r#"the file: found no labels "y", "b", expected a column or an array of that name, or the labels in a file of their own"#
        ]],
    );
}

#[test]
fn labels_that_are_no_numbers() {
    let numbers = |text| read(text, LabelsAre::Numbers, []);
    refused(
        numbers("a,y\n1,2\n2,high\n"),
        &expect![[
            r#"line 3, column "y": found "high", expected a number, which is what a regressor is asked for (a column of words is for a classifier: `task = "classify"`)"#
        ]],
    );
    refused(
        numbers("a,y\n1,2\n2,\n"),
        &expect![[r#"line 3, column "y": found an empty field, expected a number (drop the row)"#]],
    );
    refused(
        numbers("a,y\n1,nan\n"),
        &expect![[r#"line 2, column "y": found "nan", expected a number (drop the row)"#]],
    );
    refused(
        numbers("a,y\n1,-inf\n"),
        &expect![[r#"line 2, column "y": found "-inf", expected a finite number"#]],
    );
    refused(
        numbers("a,y\n1,1e999\n"),
        &expect![[r#"line 2, column "y": found "1e999", expected a finite number"#]],
    );
}

#[test]
fn gaps_only_where_they_are_declared() {
    let text = "a,b,y\n1,-999,0\n,3,0\nNaN,4,0\nna,5,0\n";
    let both = [gaps("a", Missing::Nan), gaps("b", Missing::Number(-999.0))];
    let rows = read(text, LabelsAre::Numbers, both).expect("rows");
    let is_gap: Vec<bool> = rows.values().iter().map(|it| it.is_nan()).collect();
    assert_eq!(is_gap, [false, true, true, false, true, false, true, false]);
    assert_eq!(
        notes::of_sides(&rows, &rows)
            .map(|note| note.rule)
            .as_deref(),
        Some("test-rows-train")
    );
    // A number that stands for a gap is a reading like any other where it is not declared.
    let rows = read(text, LabelsAre::Numbers, [gaps("a", Missing::Nan)]).expect("rows");
    assert_eq!(rows.values()[[0, 1]], -999.0);
    refused(
        read(text, LabelsAre::Numbers, [gaps("b", Missing::Nan)]),
        &expect![[
            r#"line 3, column "a": found "", expected a number (`missing` in [dataset] drops or fills what is missing)"#
        ]],
    );
    for infinite in ["inf", "-inf", "1e999", "x"] {
        let text = format!("a,y\n{infinite},0\n");
        read(&text, LabelsAre::Numbers, [gaps("a", Missing::Nan)]).expect_err(infinite);
    }
}

#[test]
fn words_only_where_they_are_declared() {
    let colours = words("a", &["red", "NA", "blue"], None);
    let text = "a,y\nblue,0\nred,0\nNA,0\n";
    let rows = read(text, LabelsAre::Numbers, [colours.clone()]).expect("rows");
    assert_eq!(rows.values().column(0).to_vec(), [2.0, 0.0, 1.0]);
    refused(
        read(
            "a,y\nred,0\ngreen,0\n",
            LabelsAre::Numbers,
            [colours.clone()],
        ),
        &expect![[
            r#"line 3, column "a": found "green", expected one of the column's `categories` in [features]: red, NA, blue"#
        ]],
    );
    // Numbers are no words, and neither are gaps.
    for other in ["0", "2", "", "nan"] {
        let text = format!("a,y\nred,0\n{other},0\n");
        read(&text, LabelsAre::Numbers, [colours.clone()]).expect_err(other);
    }
    let with_gaps = words("a", &["red", "blue"], Some(Missing::Nan));
    let rows = read("a,y\nred,0\n,0\nblue,0\n", LabelsAre::Numbers, [with_gaps]).expect("rows");
    assert!(rows.values()[[1, 0]].is_nan() && rows.values()[[2, 0]] == 1.0);
}

/// A `.npy` file of float64.
fn npy_file(shape: &str, numbers: &[f64]) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).expect("short").to_le_bytes();
    let data = numbers.iter().flat_map(|number| number.to_le_bytes());
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()]
        .concat()
        .into_iter()
        .chain(data)
        .collect()
}

#[test]
fn arrays_have_gaps_and_places_of_categories() {
    let rows = npy_file("(3, 2)", &[1.0, f64::NAN, 0.0, 5.0, 2.0, -1.0]);
    let labels = npy_file("(3,)", &[0.1, -2.5e-3, 7.0]);
    let open = |columns: &Columns| {
        Source::open(&rows, LabelsIn::File(&labels), true)
            .expect("a file")
            .with(LabelsAre::Numbers, columns.clone())
            .read(&|_| true)
    };
    refused(
        open(&Columns::new()),
        &expect![[r#"row 0, feature "x1": found NaN, expected a finite number"#]],
    );
    let columns = Columns::from([
        words("x0", &["red", "green", "blue"], None),
        gaps("x1", Missing::Number(-1.0)),
    ]);
    let read = open(&columns).expect("rows");
    assert_eq!(read.numbers(), Some(&array![[0.1], [-0.0025], [7.0]]));
    let are_gaps: Vec<bool> = read
        .values()
        .column(1)
        .iter()
        .map(|it| it.is_nan())
        .collect();
    assert_eq!(are_gaps, [true, false, true]);
    let columns = Columns::from([
        words("x0", &["red", "green"], None),
        ("x1".to_owned(), columns["x1"].clone()),
    ]);
    refused(
        open(&columns),
        &expect![[r#"row 2, feature "x0": found 2, expected a category's place, 0 to 1"#]],
    );
    let labels = npy_file("(3,)", &[0.1, f64::INFINITY, 7.0]);
    let source = Source::open(&rows, LabelsIn::File(&labels), true).expect("a file");
    let columns = Columns::from([gaps("x1", Missing::Nan)]);
    refused(
        source.with(LabelsAre::Numbers, columns).read(&|_| true),
        &expect![[r#"labels, row 1: found "inf", expected a finite number"#]],
    );
    npy::rows(&rows).expect("gaps are no fault of an array by itself");
}

#[test]
fn what_is_not_normal() {
    let rows = csv::read(b"a,y\n1,ok\n2,bearing\n3,ok\n4,fan\n", "y").expect("rows");
    let two = rows.as_alarms(" ok ").expect("two classes");
    assert_eq!(two.classes(), ["normal", "alarm"]);
    assert_eq!(two.labels(), [0, 1, 0, 1]);
    let numbers = csv::read(b"a,y\n1,1\n2,-1\n", "y").expect("rows");
    assert_eq!(
        numbers.as_alarms("1.0").expect("two classes").labels(),
        [0, 1]
    );
    refused(
        rows.as_alarms("fine"),
        &expect![[
            r#"the labels: found no row of "fine" among bearing, fan, ok, expected rows of the class that `normal` in [dataset] names"#
        ]],
    );
}

proptest! {
    /// Rows with numbers are divided by chance alone: as many as asked for, each on one side, the same
    /// for a seed, in the order of their file.
    #[test]
    fn rows_with_numbers_are_divided(n in 2_usize..60, fraction in 0.05_f64..0.95, seed: u64) {
        let text: String = (0..n).map(|row| format!("{row},{}\n", row * row)).collect();
        let rows = read(&format!("a,y\n{text}"), LabelsAre::Numbers, []).expect("rows");
        let wanted = ((fraction * n as f64).ceil() as usize).min(n - 1);
        let parts = split(&rows, fraction, seed).expect("both sides");
        prop_assert_eq!(parts.test.n_rows(), wanted);
        let mut all = [parts.train.source_rows(), parts.test.source_rows()].concat();
        prop_assert!(parts.test.source_rows().is_sorted());
        all.sort_unstable();
        prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        let numbers = parts.test.numbers().expect("numbers");
        prop_assert!(parts.test.source_rows().iter().zip(numbers).all(|(row, it)| (row * row) as f64 == *it));
        prop_assert_eq!(split(&rows, fraction, seed), Ok(parts));
    }
}

#[test]
fn rows_with_gaps_left_out_or_filled() {
    let gaps = || ["a", "b", "c"].map(|name| gaps(name, Missing::Nan));
    let text = "a,b,c,y\n1,,5,p\n?,4,5,q\n3,2,5,p\n8,1,5,q\n";
    let rows = read(text, LabelsAre::Classes, gaps()).expect("rows");
    let whole = rows.without_gaps(&|_| true).expect("two rows");
    assert_eq!(whole.source_rows(), [2, 3]);
    let whole = rows.without_gaps(&|name| name != "a").expect("three rows");
    assert_eq!(whole.source_rows(), [1, 2, 3]);
    assert_eq!(rows.medians(&[]), Ok(vec![Some(3.0), Some(2.0), None]));
    // Of an even number of readings, and where the gaps are only in other rows.
    let train = rows.select(&[2, 3]);
    assert_eq!(train.medians(&[]), Ok(vec![None, None, None]));
    let fills = train.medians(&[&rows]).expect("medians");
    assert_eq!(fills, [Some(5.5), Some(1.5), None]);
    let filled = rows.filled(&fills);
    assert_eq!(filled.values().row(0).to_vec(), [1.0, 1.5, 5.0]);
    assert_eq!(filled.values().row(1).to_vec(), [5.5, 4.0, 5.0]);
    refused(
        rows.select(&[0]).without_gaps(&|_| true),
        &expect![
            "the data: found 1 rows, each with a missing reading, expected rows with all readings (`ignore` in [dataset] leaves out a column that has few)"
        ],
    );
    refused(
        rows.select(&[0]).medians(&[]),
        &expect![[
            r#"the training rows, feature "b": found no reading, expected some, to take the median of (`ignore` in [dataset] leaves the column out)"#
        ]],
    );
}
