//! `.npy` and `.npz`: what is read, and what is refused.

use std::io::Write;

use expect_test::{Expect, expect};
use spinney_dataset::npy::{self, Array, float_repr};
use spinney_dataset::{LabelsIn, Source};

/// An `.npy` file of version 1.
fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).expect("a short header");
    [
        b"\x93NUMPY\x01\x00".as_slice(),
        &length.to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

fn refused(bytes: &[u8], expected: &Expect) {
    let error = npy::rows(bytes).expect_err("must be refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn numbers_of_every_type_and_order() {
    let rows = |bytes: &[u8]| {
        npy::rows(bytes)
            .expect("rows")
            .values
            .into_raw_vec_and_offset()
            .0
    };
    assert_eq!(
        rows(&file("'|i1'", "False", "(2, 2)", &[1, 2, 0xff, 4])),
        [1.0, 2.0, -1.0, 4.0]
    );
    assert_eq!(
        rows(&file("'|i1'", "True", "(2, 2)", &[1, 2, 3, 4])),
        [1.0, 3.0, 2.0, 4.0]
    );
    assert_eq!(
        rows(&file("'>u2'", "False", "(1, 2)", &[1, 0, 0, 1])),
        [256.0, 1.0]
    );
    assert_eq!(rows(&file("'|b1'", "False", "(1, 2)", &[1, 0])), [1.0, 0.0]);
    assert_eq!(
        rows(&file("'<f4'", "False", "(1, 1)", &0.1_f32.to_le_bytes())),
        [f64::from(0.1_f32)]
    );
    assert_eq!(
        rows(&file("'>f8'", "False", "(1, 1)", &0.1_f64.to_be_bytes())),
        [0.1]
    );
    assert_eq!(
        rows(&file(
            "'<i8'",
            "False",
            "(1, 1)",
            &(-9_007_199_254_740_992_i64).to_le_bytes()
        )),
        [-9_007_199_254_740_992.0]
    );
}

#[test]
fn labels_look_as_in_python() {
    let labels = |descr: &str, n: usize, data: &[u8]| {
        npy::labels(&file(descr, "False", &format!("({n},)"), data)).expect("labels")
    };
    assert_eq!(labels("'|b1'", 2, &[0, 1]), ["False", "True"]);
    assert_eq!(labels("'|i1'", 2, &[0xff, 7]), ["-1", "7"]);
    assert_eq!(labels("'|S3'", 2, b"no\0yes"), ["no", "yes"]);
    let wide: Vec<u8> = ['é', '\0', 'j', 'a']
        .iter()
        .flat_map(|c| (*c as u32).to_le_bytes())
        .collect();
    assert_eq!(labels("'<U2'", 2, &wide), ["é", "ja"]);
    assert_eq!(labels("'<f8'", 1, &2.0_f64.to_le_bytes()), ["2.0"]);
    assert_eq!(labels("'<f4'", 1, &0.1_f32.to_le_bytes()), ["0.1"]);
}

#[test]
fn floats_look_as_in_python() {
    for (value, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-12.5, "-12.5"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.25e100, "1.25e+100"),
        (123456.789, "123456.789"),
        (f64::INFINITY, "inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(float_repr(value), text);
    }
}

#[test]
fn records_are_read_by_name_past_their_padding() {
    let item = [[1, 9, 9, 9].as_slice(), &2.5_f64.to_le_bytes()].concat();
    let bytes = file(
        "[('a', '|u1'), ('', '|V3'), ('b', '<f8')]",
        "False",
        "(2,)",
        &item.repeat(2),
    );
    let array = Array::parse(&bytes).expect("records");
    assert_eq!(array.field_names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(array.field("a").expect("a").integers(), Ok(vec![1, 1]));
    assert_eq!(array.field("b").expect("b").numbers(), Ok(vec![2.5, 2.5]));
    assert!(array.field("").is_none());
}

#[test]
fn what_is_no_plain_array_is_refused() {
    refused(
        b"PK",
        &expect!["the .npy header: found another magic number, expected an .npy file"],
    );
    refused(
        &file("'|O'", "False", "(1, 1)", b""),
        &expect![[
            r#"the .npy header: found type "|O", expected numbers or strings; objects need code to run: save with another dtype"#
        ]],
    );
    refused(
        &file("'<f8'", "False", "(1000000000, 8)", b""),
        &expect![
            "the .npy data: found 0 bytes, expected the size of [1000000000, 8] items of 8 bytes"
        ],
    );
    refused(
        &file(
            "'<f8'",
            "False",
            "(9223372036854775807, 9223372036854775807)",
            b"",
        ),
        &expect![
            "the .npy data: found 0 bytes, expected the size of [9223372036854775807, 9223372036854775807] items of 8 bytes"
        ],
    );
    refused(
        &file("'<f8'", "False", "(1,)", &[0; 8]),
        &expect![
            "the .npy header: found shape [1], expected a two-dimensional array, rows by features"
        ],
    );
    refused(
        &file("__import__('os')", "False", "(1,)", b""),
        &expect!["the .npy header: found an odd character at 10, expected a Python dictionary"],
    );
    refused(
        &file("'<i8'", "False", "(1, 1)", &i64::MAX.to_le_bytes()),
        &expect!["the .npy data: found 9223372036854775807, expected at most 2^53"],
    );
    refused(
        b"\x93NUMPY\x01\x00\xff\xff{}",
        &expect![
            "the .npy header: found 2 bytes after a length of 65535, expected a complete header"
        ],
    );
}

#[test]
fn rows_and_labels_make_a_data_set() {
    let rows = file("'|i1'", "False", "(3, 1)", &[5, 6, 7]);
    let labels = file("'|i1'", "False", "(3,)", &[10, 9, 10]);
    let dataset = npy::read(&rows, &labels).expect("a data set");
    assert_eq!(dataset.classes(), ["9", "10"]);
    assert_eq!(dataset.features(), ["x0"]);
    assert_eq!(dataset.labels(), [1, 0, 1]);
    let error = npy::read(&labels, &rows).expect_err("swapped");
    assert_eq!(
        error.to_string(),
        "rows, the .npy header: found shape [3], expected a two-dimensional array, rows by features"
    );
}

#[test]
fn fields_that_are_arrays_or_records_have_a_name_and_a_place() {
    let descr = "[('a', '|u1'), ('bits', '<u2', (2,)), ('pair', [('x', '|i1'), ('y', '|i1')]), \
                 ('', '|V3'), ('b', '|u1')]";
    let data: Vec<u8> = (0..22).collect();
    let bytes = file(descr, "False", "(2,)", &data);
    let array = Array::parse(&bytes).expect("records");
    let names: Vec<&str> = array.field_names().collect();
    assert_eq!(names, ["a", "bits", "pair", "b"]);
    let field = |name: &str| array.field(name).expect("a field").numbers();
    assert_eq!(field("a").expect("numbers"), [0.0, 11.0]);
    assert_eq!(field("b").expect("numbers"), [10.0, 21.0]);
    assert!(field("bits").is_err() && field("pair").is_err());
    for shape in ["(9999999999, 9999999999)", "('a',)", "2", "(-1,)"] {
        let descr = format!("[('a', '<u2', {shape})]");
        assert!(
            Array::parse(&file(&descr, "False", "(1,)", &[0; 2])).is_err(),
            "{shape}"
        );
    }
}

#[test]
fn features_of_every_format_can_be_left_out() {
    let keeps = |name: &str| name != "x1" && name != "pixel_0_1";
    let read = |bytes: &[u8], labels: &[u8]| {
        let source = Source::open(bytes, LabelsIn::File(labels), true).expect("a format");
        let rows = source.read(&keeps).expect("rows");
        let values = rows.values().iter().copied().collect::<Vec<_>>();
        (
            source.features().expect("names"),
            rows.features().to_vec(),
            values,
        )
    };
    let npy = file("'|i1'", "False", "(2, 3)", &[1, 2, 3, 4, 5, 6]);
    let labels = file("'|i1'", "False", "(2,)", &[0, 1]);
    let (all, kept, values) = read(&npy, &labels);
    assert_eq!(
        (all.len(), kept),
        (3, vec!["x0".to_owned(), "x2".to_owned()])
    );
    assert_eq!(values, [1.0, 3.0, 4.0, 6.0]);

    let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8, 9, 10];
    let digits = [0, 0, 8, 1, 0, 0, 0, 2, 3, 4];
    let (all, kept, values) = read(&images, &digits);
    assert_eq!((all.len(), kept), (2, vec!["pixel_0_0".to_owned()]));
    assert_eq!(values, [7.0, 9.0]);

    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in [("X.npy", &npy), ("y.npy", &labels)] {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).expect("a member");
        zip.write_all(bytes).expect("its content");
    }
    let npz = zip.finish().expect("an archive").into_inner();
    let source = Source::open(&npz, LabelsIn::Columns(vec!["y"]), true).expect("an archive");
    assert_eq!(source.read(&keeps).expect("rows").features(), ["x0", "x2"]);
    let none = source.read(&|_| false).expect_err("nothing left");
    assert_eq!(
        none.to_string(),
        "the data: found 2 rows of 0 features, expected at least one of each"
    );
}

#[test]
fn labels_that_are_missing() {
    let rows = file("'|i1'", "False", "(2, 1)", &[5, 6]);
    let labels = [2.0_f64.to_le_bytes(), f64::NAN.to_le_bytes()].concat();
    let labels = file("'<f8'", "False", "(2,)", &labels);
    let source = Source::open(&rows, LabelsIn::File(&labels), true).expect("an array");
    assert_eq!(
        source.read(&|_| true).expect_err("no label").to_string(),
        "labels, row 1: found \"nan\", which stands for a missing value, expected a class (drop \
         the row, or give the class another name)"
    );
}
