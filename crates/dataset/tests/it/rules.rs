//! What is said of odd data, and that `docs/data.md` has every rule.

use std::fmt::Write as _;
use std::io::Write as _;

use expect_test::{Expect, expect};
use spinney_dataset::scan::{Layout, Scan};
use spinney_dataset::{Dataset, LabelsIn, Note, RULES, Source, csv, notes};

#[test]
fn the_documentation_has_every_rule() {
    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/data.md");
    let text = std::fs::read_to_string(DOCUMENT).expect("docs/data.md is there");
    let shown: String = (text.lines())
        .filter(|line| line.contains("` | fault | ") || line.contains("` | note | "))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut rules = String::new();
    for rule in RULES {
        let outcome = rule.outcome.as_str();
        let _ = writeln!(rules, "| `{}` | {outcome} | {} |", rule.id, rule.about);
    }
    assert_eq!(shown, rules, "docs/data.md must have this table");
}

fn table(text: &str) -> Dataset {
    csv::read(text.as_bytes(), "y").expect("rows")
}

/// The names of the rules that find something.
fn found(rows: &Dataset) -> Vec<String> {
    let notes = notes::of_file(rows);
    notes.into_iter().map(|note| note.rule).collect()
}

fn says(notes: impl IntoIterator<Item = Note>, expected: &Expect) {
    let text = |note: Note| format!("{}: {}\n", note.rule, note.text);
    expected.assert_eq(&notes.into_iter().map(text).collect::<String>());
}

/// Rows of `a`, and two classes in turn.
fn rows(readings: impl IntoIterator<Item = String>) -> String {
    let lines = readings.into_iter().enumerate();
    let lines = lines.map(|(row, a)| format!("{a},{}\n", ["x", "z"][row % 2]));
    format!("a,y\n{}", lines.collect::<String>())
}

#[test]
fn labels_are_numbers_by_value_and_text_as_it_stands() {
    let spelt = table("a,y\n1,1\n2,1.0\n3,01\n4,2\n5,2e0\n6,0.50\n7,x\n8, x \n9,X\n");
    assert_eq!(spelt.classes(), ["0.5", "1", "2", "X", "x"]);
    says(
        notes::of_labels(&spelt),
        &expect![[r#"
            label-spellings: "01" (1 rows) and "1" (1 rows) and "1.0" (1 rows) are the class "1"; "2" (1 rows) and "2e0" (1 rows) are the class "2"
            classes-alike: classes differ only in case, and stay apart: "X" and "x"
        "#]],
    );
    // As scikit-learn orders numbers, and as NumPy orders text.
    assert_eq!(table("a,y\n1,10.5\n2,9\n").classes(), ["9", "10.5"]);
    assert_eq!(
        table("a,y\n1,10.5\n2,9\n3,b\n").classes(),
        ["10.5", "9", "b"]
    );
    for same in ["none", "-", "inf", "9007199254740993.5", "0x1", "1_0"] {
        assert_eq!(table(&format!("a,y\n1,{same}\n2,q\n")).notes(), []);
    }
    for missing in ["NA", "nan", "NaN", "null", "N/A", "?", "<NA>", "#N/A", " "] {
        let error = csv::read(format!("a,y\n1,x\n2,{missing}\n").as_bytes(), "y");
        let error = error.expect_err("a missing label").to_string();
        assert!(error.starts_with("line 3, column \"y\": found "), "{error}");
    }
}

#[test]
fn columns_that_order_the_rows() {
    let order = |readings: &dyn Fn(u32) -> f64, n: u32| {
        found(&table(&rows((0..n).map(|row| readings(row).to_string()))))
    };
    let is_noted = ["orders-rows"];
    assert_eq!(order(&|row| f64::from(row) * 0.02, 20), is_noted);
    assert_eq!(order(&|row| f64::from(row) * 0.02, 19), [""; 0]);
    assert_eq!(order(&|row| -f64::from(row), 40), is_noted);
    // Seconds, ten rows each.
    assert_eq!(order(&|row| 1700.0 + f64::from(row / 10), 50), is_noted);
    assert_eq!(order(&|row| 1700.0 + f64::from(row / 10), 40), [""; 0]);
    // One row that is not in order.
    let step_back = |row| f64::from(if row == 30 { 7 } else { row });
    assert_eq!(order(&step_back, 40), [""; 0]);
}

#[test]
fn columns_that_order_the_rows_of_each_class() {
    let blocks = |reading: &dyn Fn(u32) -> u32, n_in_block: u32| {
        let mut text = "t,y\n".to_owned();
        for row in 0..4 * n_in_block {
            let class = ["x", "z"][(row / n_in_block) as usize % 2];
            let _ = writeln!(text, "{},{class}", reading(row % n_in_block));
        }
        table(&text)
    };
    says(
        notes::of_file(&blocks(&|row| row, 10)),
        &expect![[r#"
            orders-rows: "t" rises from row to row of each class, as a row's number or its time does; `ignore = ["t"]` in [dataset] leaves it out
        "#]],
    );
    assert_eq!(found(&blocks(&|row| 99 - row, 10)), ["orders-rows"]);
    // Too short to tell, and with too few readings.
    assert_eq!(found(&blocks(&|row| row, 9)), [""; 0]);
    assert_eq!(found(&blocks(&|row| row / 3, 10)), [""; 0]);
    assert_eq!(found(&blocks(&|row| row * 7 % 10, 10)), [""; 0]);
}

#[test]
fn readings_that_float32_makes_one() {
    says(
        notes::of_file(&table(&rows(
            (0..4).map(|row| (1.7e9 + 0.25 * f64::from(row * 7 % 4)).to_string()),
        ))),
        &expect![[r#"
            float32: readings of different classes are the same in float32, in which models compare them: "a" in 4 rows (1700000000 and 1700000000.75 are both 1700000000); take an offset off, or split the column in two
        "#]],
    );
    // Of one class, the same, or different by the rounding of a sum.
    let quiet = |a: f64, b: f64| {
        let text = rows([a, b, 1.0, 2.0].iter().map(f64::to_string));
        assert_eq!(found(&table(&text)), [""; 0], "{a} {b}");
    };
    quiet(0.1, 0.1);
    quiet(0.1 + 0.2, 0.3);
    quiet(16_777_216.0, 16_777_218.0);
    assert_eq!(found(&table("a,y\n16777216,x\n16777217,z\n")), ["float32"]);
    assert_eq!(found(&table("a,y\n16777216,x\n16777217,x\n")), [""; 0]);
}

#[test]
fn a_first_line_of_readings() {
    let text = "0.5,-1,x\n0.6,2,x\n0.1,3,z\n";
    let named = csv::read(text.as_bytes(), "x").expect("rows");
    says(
        notes::of_file(&named),
        &expect![[r#"
            no-header: the first line reads as a row, not as names (0.5, -1); `header = false` in [dataset] takes it for one, and `label` is then a column's number, from 0 on
        "#]],
    );
    // As pandas names columns that have no names.
    assert_eq!(found(&table("0,1,2,y\n5,5,5,a\n6,6,6,b\n")), [""; 0]);
    assert_eq!(found(&table("1,y\n5,a\n6,b\n")), ["no-header"]);
    let open = |label| Source::open(text.as_bytes(), LabelsIn::Columns(vec![label]), false);
    let rows = open("2").and_then(|it| it.read(&|_| true)).expect("rows");
    assert_eq!(
        (rows.n_rows(), rows.features()),
        (3, &["x0".to_owned(), "x1".to_owned()][..])
    );
    assert_eq!(rows.classes(), ["x", "z"]);
    // The label first: features are numbered without it, as those of .npy files are.
    let first =
        Source::open(b"x,1,2\nz,3,4\n", LabelsIn::Columns(vec!["0"]), false).expect("a file");
    assert_eq!(first.features().expect("names"), ["x0", "x1"]);
    let rows = first.read(&|name| name == "x1").expect("rows");
    assert_eq!(rows.values().column(0).to_vec(), [2.0, 4.0]);
    assert!(open("3").and_then(|it| it.read(&|_| true)).is_err());
}

#[test]
fn test_rows_that_train() {
    let train = table("a,b,y\n0,1,x\n2,3,z\n");
    let test = table("a,b,y\n-0,1,x\n2,3.5,z\n2,3,x\n");
    says(
        notes::of_sides(&train, &test),
        &expect![[r#"
            test-rows-train: 2 of 3 test rows equal a training row in every reading (the first is row 0); they say nothing about rows that the model has not seen
        "#]],
    );
    assert_eq!(notes::of_sides(&train, &test.select(&[1])), None);
    let aside = table("a,b,y\n2,3.5,x\n9,9,x\n0,1,z\n");
    says(
        notes::of_validation(Some(&train), &test, &aside),
        &expect![[r#"
            validation-rows: 1 of 3 rows for validation equal a training row in every reading (the first is row 2); they say nothing about rows that the model has not seen
            validation-rows: 2 of 3 rows for validation equal a test row in every reading (the first is row 0); what is chosen on them is chosen on the test
        "#]],
    );
    assert_eq!(notes::of_validation(None, &test, &aside.select(&[1])), []);
}

#[test]
fn all_columns_at_fault_at_once() {
    let refused = |text: &str, expected: &Expect| {
        let error = csv::read(text.as_bytes(), "y").expect_err("a fault");
        expected.assert_eq(&error.to_string());
    };
    refused(
        "a,b,c,y\n1,2,3,x\none,2,,z\n1,two,inf,x\n",
        &expect![[
            r#"3 columns: found "one" in "a" (line 3), "two" in "b" (line 4), "" in "c" (line 3), expected numbers (`ignore = ["a", "b"]` in [dataset] leaves columns of text out; `missing` in [dataset] drops or fills what is missing)"#
        ]],
    );
    refused(
        "a,y\n\"1,5\",x\n",
        &expect![[
            r#"line 2, column "a": found "1,5", expected a number with a decimal point, not a comma (`decimal = ","` in [dataset] reads commas so)"#
        ]],
    );
}

#[test]
fn lost_quotes() {
    let refused = |text: &str, expected: &Expect| {
        let error = csv::read(text.as_bytes(), "y").expect_err("a fault");
        expected.assert_eq(&error.to_string());
    };
    refused(
        "a,y\r\n1,x\r\n2,\"z\r\n3,x\r\n4,z\r\n",
        &expect![
            "line 3: found a quote that is never closed, expected a second quote at the end of the field"
        ],
    );
    refused(
        "a,y\n1,x\n2,\"z\n3,x\n4,\"z\n5,x\n",
        &expect![[
            r#"line 3, column "y": found a quoted field over 3 lines, expected a field within its line; a quote may be missing"#
        ]],
    );
    refused(
        "a,\"y\n1\",z\n",
        &expect![
            "line 1, column 2: found a name over 2 lines, expected a name within its line; a quote may be missing"
        ],
    );
    assert_eq!(
        table("a,y\n1,\"x \"\"y\"\"\"\n2,b\"\n").classes(),
        ["b\"", "x \"y\""]
    );
}

fn zip(member: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(member, options).expect("a member");
    zip.write_all(b"<xml/>").expect("its content");
    zip.finish().expect("an archive").into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).expect("in memory");
    packed.finish().expect("in memory")
}

#[test]
fn formats_that_are_not_read_are_named() {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut tar = vec![b'a'; 257];
    tar.extend(b"ustar\x0000");
    let files: &[(&[u8], &str)] = &[
        (&gzip(b"PAR1"), "a Parquet file within a gzip stream"),
        (&gzip(b"ARROW1\0\0"), "an Arrow file within a gzip stream"),
        (b"FEA1\0\0", "a Feather file of version 1"),
        (&zip("xl/workbook.xml"), "an Excel workbook (xlsx)"),
        (&zip("content.xml"), "an OpenDocument spreadsheet"),
        (&zip("schema.json"), "a skops model"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0",
            "an Excel workbook (xls)",
        ),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file"),
        (&gzip(b"\x28\xb5\x2f\xfd\x04"), "a zstd stream"),
        (&gzip(&gzip(b"a,y\n1,2\n")), "a gzip stream within"),
        (&gzip(&tar), "a tar archive"),
        (b"BZh91AY", "a bzip2 stream"),
        (b"\x80\x04\x95", "a pickle"),
        (&utf16("\u{feff}a,y\n1,2\n"), "text in UTF-16"),
        (&utf16("a,y\n1,2\n"), "text in UTF-16"),
        (b"@RELATION iris\n", "an ARFF file"),
        (b"% comment\n%\n@relation iris\n", "an ARFF file"),
        (b"[{\"a\": 1}]", "JSON"),
        (b"\n{ \"a\": [1, 2] }", "JSON"),
        (b"[[1, 2], [3, 4]]", "JSON"),
        (b"1 1:0.5 7:2\n-1 3:1\n", "svmlight (LIBSVM) text"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
        ),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "a WAV file"),
        (b"SQLite format 3\0", "an SQLite database"),
    ];
    for (bytes, name) in files {
        for labels in [
            LabelsIn::None,
            LabelsIn::Columns(vec!["y"]),
            LabelsIn::File(b""),
        ] {
            let error = Source::open(bytes, labels, true).err().expect("a fault");
            assert_eq!(
                (error.place.as_str(), error.found.as_str()),
                ("the file", *name)
            );
            assert!(error.expected.len() > 20, "the way out: {error}");
        }
    }
    expect!["line 2: found the byte 0xfc, which is 'ü' in Latin-1, expected UTF-8 text: `iconv -f LATIN1 -t UTF-8 FILE`, or `encoding=\"latin1\"` in pandas' `read_csv`"]
        .assert_eq(&csv::read(b"a,y\n1,fr\xfch\n", "y").expect_err("a fault").to_string());
}

#[test]
fn a_scan_says_what_it_takes() {
    let paths = [
        ".DS_Store",
        ".git",
        "bell/",
        "bell/0.mp3",
        "bell/1.mp3",
        "hi/",
        "hi/.0.wav",
        "hi/0.wav",
        "hi/1.WAV",
        "lo/",
        "lo/0.wav",
        "lo/readme",
        "mid/",
        "mid/anna/",
        "mid/anna/0.wav",
        "top.wav",
    ]
    .map(str::to_owned);
    let scan = |layout, class_of: &dyn Fn(&str) -> Option<String>| {
        let scan = Scan::new(&paths, &[".wav"], layout, class_of);
        let taken = scan.taken.iter().map(|(path, class)| match class {
            Some(class) => format!("{path} is {class}"),
            None => path.clone(),
        });
        (taken.collect::<Vec<_>>().join(", "), scan.note("rec"))
    };
    let (taken, note) = scan(Layout::FolderPerClass, &|_| None);
    assert_eq!(taken, "hi/0.wav is hi, hi/1.WAV is hi, lo/0.wav is lo");
    says(
        [note],
        &expect![[r#"
            scan: rec: 3 recordings of 2 classes; left out: 2 .mp3, 3 hidden, 1 in deeper folders, 1 outside the folders of classes, 1 without an extension; without recordings, and so no classes: bell, mid
        "#]],
    );
    let (taken, note) = scan(Layout::Labelled, &|_| Some("none".to_owned()));
    assert_eq!(taken, "hi/0.wav, hi/1.WAV, lo/0.wav, top.wav");
    says(
        [note],
        &expect![[r#"
            scan: rec: 4 recordings; left out: 2 .mp3, 3 hidden, 1 in deeper folders, 1 without an extension
        "#]],
    );
    let listed = |path: &str| {
        let is_listed = ["hi/0.wav", "mid/anna/0.wav", "top.wav"].contains(&path);
        is_listed.then(|| "x".to_owned())
    };
    let (taken, _) = scan(Layout::FolderPerClass, &listed);
    assert_eq!(
        taken,
        "hi/0.wav is x, hi/1.WAV is hi, lo/0.wav is lo, mid/anna/0.wav is x, top.wav is x"
    );
}

#[test]
fn the_shipped_data_is_quiet() {
    for (name, label) in [
        ("iris", "species"),
        ("wine", "cultivar"),
        ("digits", "digit"),
    ] {
        let path = format!("{}/../../data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
        let rows = csv::read(&std::fs::read(path).expect("a file"), label).expect("rows");
        assert_eq!(notes::of_file(&rows), [], "{name}");
    }
}
