//! Behaviour of readers and splits at their boundaries.

use std::io::Write;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use spinney_dataset::{Dataset, LabelsIn, Source, csv, idx, split, split_by_group};

fn refused(text: &str, expected: &Expect) {
    let error = csv::read(text.as_bytes(), "y").expect_err("must be refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn any_column_is_the_label_and_integers_sort_by_value() {
    let data = csv::read(b"a,y,b\n1,10,2\n3,-2,4e-1\n5,03,6\n", "y").unwrap();
    assert_eq!(data.features(), ["a", "b"]);
    assert_eq!(data.classes(), ["-2", "3", "10"]);
    assert_eq!(data.labels(), [2, 0, 1]);
    assert_eq!(data.values()[[1, 1]], 0.4);
}

#[test]
fn strings_sort_by_bytes_and_quotes_hold_commas() {
    let data = csv::read(b"a,y\r\n1,\"b,c\"\r\n2,a\r\n3,10\r\n", "y").unwrap();
    assert_eq!(data.classes(), ["10", "a", "b,c"]);
}

#[test]
fn columns_that_are_not_kept_may_hold_anything() {
    let text = b"id,a,note,y\n7,1,one,x\n8,2,\"over\nlines\",z\n";
    let keeps = |name: &str| name != "id" && name != "note";
    let source = Source::open(text, LabelsIn::Columns(vec!["y"]), true).unwrap();
    let data = source.read(&keeps).unwrap();
    assert_eq!(data.features(), ["a"]);
    assert_eq!(data.classes(), ["x", "z"]);
    assert_eq!(data.values().column(0).to_vec(), [1.0, 2.0]);
    assert!(source.read(&|name| name == "y").is_err());
    let unlabelled = Source::open(text, LabelsIn::Columns(vec!["class"]), true).unwrap();
    assert_eq!(unlabelled.rows(&|name| name == "a").unwrap().1, None);
    assert!(unlabelled.read(&|name| name == "a").is_err());
}

#[test]
fn lines_are_counted_in_files_of_any_system() {
    for end in ["\n", "\r\n"] {
        for (rows, line) in [(["1,2", "?,4"], 3), (["?,2", "3,4"], 2), (["", "?,2"], 3)] {
            let text = format!("\u{feff}a,y{end}{}{end}{}{end}", rows[0], rows[1]);
            let error = csv::read(text.as_bytes(), "y").expect_err("no number");
            let place = format!("line {line}, column \"a\": found \"?\"");
            assert!(error.to_string().starts_with(&place), "{error}, {text:?}");
        }
    }
}

#[test]
fn bad_csv_is_refused_with_its_place() {
    refused(
        "a,,y\n0,1,2\n",
        &expect!["line 1, column 2: found an empty name, expected a column name"],
    );
    refused(
        "",
        &expect!["line 1: found an empty file, expected a header row with column names"],
    );
    refused(
        "a,y\n",
        &expect!["line 2: found no data, expected at least one row with at least one feature"],
    );
    refused(
        "y\n1\n",
        &expect!["line 2: found no data, expected at least one row with at least one feature"],
    );
    refused(
        "a,b\n1,2\n",
        &expect![[r#"line 1: found no column "y", expected the label among the columns: a, b"#]],
    );
    refused(
        "a,y\n1,2\n1\n",
        &expect!["line 3: found 1 fields, expected 2, as the header has"],
    );
    refused(
        "a,y\n1,2\nx,2\n",
        &expect![[
            r#"line 3, column "a": found "x", expected a number (`ignore` in [dataset] leaves a column out)"#
        ]],
    );
    refused(
        "a,y\n1,2\n,2\n",
        &expect![[
            r#"line 3, column "a": found "", expected a number (`missing` in [dataset] drops or fills what is missing)"#
        ]],
    );
    refused(
        "a,y\nNaN,2\n",
        &expect![[
            r#"line 2, column "a": found "NaN", expected a finite number (`missing` in [dataset] drops or fills what is missing)"#
        ]],
    );
    refused(
        "a,y\n-inf,2\n",
        &expect![[
            r#"line 2, column "a": found "-inf", expected a finite number (an empty field is a missing reading; else leave the row out)"#
        ]],
    );
    refused(
        "a,y\n1e999,2\n",
        &expect![[
            r#"line 2, column "a": found "1e999", expected a finite number (an empty field is a missing reading; else leave the row out)"#
        ]],
    );
    refused(
        "a,y\n1,\n",
        &expect![[r#"line 2, column "y": found an empty field, expected a class"#]],
    );
    refused(
        "a,a,y\n1,1,1\n",
        &expect![[
            r#"line 1, column 2: found the name "a", which column 1 has too, expected a name of its own"#
        ]],
    );
}

#[test]
fn an_unseen_class_is_refused() {
    let train = csv::read(b"a,y\n1,1\n2,2\n", "y").unwrap();
    let test = csv::read(b"a,y\n1,2.0\n", "y").unwrap();
    assert_eq!(test.with_classes(train.classes()).unwrap().labels(), [1]);
    let test = csv::read(b"a,y\n1,2\n1,7\n", "y").unwrap();
    expect![[
        r#"data row 1: found class "7", expected one of the classes that the model knows: 1, 2"#
    ]]
    .assert_eq(&test.with_classes(train.classes()).unwrap_err().to_string());
}

fn idx_file(magic: u32, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let words = std::iter::once(&magic).chain(shape);
    let mut bytes: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend(data);
    bytes
}

#[test]
fn idx_reads_gzip_and_refuses_a_truncated_file() {
    let images = idx_file(0x803, &[2, 1, 2], &[1, 2, 3, 255]);
    let labels = idx_file(0x801, &[2], &[7, 0]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&images).unwrap();
    let packed = packed.finish().unwrap();
    let data = idx::read(&packed, &labels).unwrap();
    assert_eq!(data.features(), ["pixel_0_0", "pixel_0_1"]);
    assert_eq!(data.labels(), [1, 0]);
    assert_eq!(data.values()[[1, 1]], 255.0);
    for end in 0..images.len() {
        assert!(idx::read(&images[..end], &labels).is_err(), "cut at {end}");
    }
    for end in 0..packed.len() {
        assert!(idx::read(&packed[..end], &labels).is_err(), "cut at {end}");
    }
    expect!["images, byte 16: found 3 bytes of data, expected 4, as the header says"]
        .assert_eq(&idx::read(&images[..19], &labels).unwrap_err().to_string());
    let swapped = idx::read(&labels, &images).unwrap_err().to_string();
    expect!["images, byte 0: found the magic number 0x00000801, expected 0x00000803 (unsigned bytes, 3-dimensional)"]
        .assert_eq(&swapped);
}

fn labelled(counts: &[usize]) -> Dataset {
    let mut text = String::from("a,y\n");
    for (class, count) in counts.iter().enumerate() {
        for row in 0..*count {
            text.push_str(&format!("{row},{class}\n"));
        }
    }
    csv::read(text.as_bytes(), "y").unwrap()
}

#[test]
fn one_row_cannot_be_split() {
    assert!(split(&labelled(&[1]), 0.5, 1).is_err());
}

#[test]
fn groups_bring_classes_to_their_shares() {
    // Eight people of ten rows, and of two classes; one of them has a third class alone.
    let people = (0..80_usize).map(|row| format!("p{}", row / 10));
    let people: Vec<String> = people.collect();
    let mut text = String::from("a,y\n");
    for row in 0..80 {
        let class = if row == 5 { 2 } else { row % 2 };
        text.push_str(&format!("{row},{class}\n"));
    }
    let data = csv::read(text.as_bytes(), "y").unwrap();
    let mut tests = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let parts = split_by_group(&data, &people, 0.25, seed).unwrap();
        assert_eq!(parts.test.class_counts(), [10, 10, 0]);
        tests.insert(parts.test.source_rows().to_vec());
    }
    assert!(tests.len() > 5, "seeds draw others: {}", tests.len());
}

proptest! {
    #[test]
    fn splits_are_stratified_disjoint_and_repeatable(
        counts in prop::collection::vec(2_usize..60, 1..8),
        fraction in 0.05_f64..0.7,
        seed: u64,
    ) {
        let data = labelled(&counts);
        let parts = split(&data, fraction, seed).unwrap();
        prop_assert_eq!(&parts, &split(&data, fraction, seed).unwrap());
        let mut rows: Vec<usize> = [&parts.train, &parts.test]
            .iter()
            .flat_map(|part| part.source_rows().to_vec())
            .collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..data.n_rows()).collect::<Vec<_>>());
        for (class, count) in counts.iter().enumerate() {
            prop_assert!(parts.train.class_counts()[class] >= 1);
            let share = *count as f64 * parts.test.n_rows() as f64 / data.n_rows() as f64;
            prop_assert!((parts.test.class_counts()[class] as f64 - share).abs() <= 2.0);
        }
    }

    #[test]
    fn groups_are_whole_and_each_side_has_some(
        groups in prop::collection::vec((0_u8..12, 0_u8..3), 2..80),
        fraction in 0.05_f64..0.7,
        seed: u64,
    ) {
        let lines = groups.iter().map(|(_, class)| format!("1,{class}\n"));
        let data = csv::read(("a,y\n".to_owned() + &lines.collect::<String>()).as_bytes(), "y").unwrap();
        let names: Vec<String> = groups.iter().map(|(group, _)| group.to_string()).collect();
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        let parts = split_by_group(&data, &names, fraction, seed);
        prop_assert_eq!(parts.is_err(), distinct.len() < 2);
        let Ok(parts) = parts else { return Ok(()) };
        prop_assert_eq!(&parts, &split_by_group(&data, &names, fraction, seed).unwrap());
        let of = |side: &Dataset| -> std::collections::BTreeSet<&String> {
            side.source_rows().iter().map(|row| &names[*row]).collect()
        };
        prop_assert!(of(&parts.train).is_disjoint(&of(&parts.test)));
        prop_assert_eq!(parts.train.n_rows() + parts.test.n_rows(), data.n_rows());
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes: Vec<u8>, more: Vec<u8>) {
        let _ = csv::read(&bytes, "y");
        for labels in [LabelsIn::None, LabelsIn::Columns(vec!["y"]), LabelsIn::File(&more)] {
            for has_header in [false, true] {
                let _ = Source::open(&bytes, labels.clone(), has_header).and_then(|it| it.read(&|_| true));
            }
        }
        let _ = idx::read(&bytes, &more);
    }

    #[test]
    fn no_text_makes_csv_panic(text in "[a-y0-9,\"\n\r. -]{0,80}") {
        let _ = csv::read(text.as_bytes(), "y");
    }
}
