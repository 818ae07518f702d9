//! Tables as loggers, spreadsheets and statistics write them: read alike, and said.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use spinney_dataset::{
    DataError, Dataset, Decimal, Delimiter, Dialect, LabelsIn, Source, csv, notes,
};

fn read(text: &str, label: &str, dialect: impl Into<Dialect>) -> Result<Dataset, DataError> {
    Source::open(text.as_bytes(), LabelsIn::Columns(vec![label]), dialect)?.read(&|_| true)
}

/// Names, rows, classes and notes of a table with a label `y`.
fn seen(rows: &Dataset) -> String {
    let mut seen = format!("{}\n", rows.features().join(" "));
    for (row, class) in rows.values().rows().into_iter().zip(rows.labels()) {
        let row: Vec<String> = row.iter().map(f64::to_string).collect();
        let _ = writeln!(seen, "{}: {}", rows.classes()[*class], row.join(" "));
    }
    for note in notes::of_labels(rows) {
        let _ = writeln!(seen, "{}: {}", note.rule, note.text);
    }
    seen
}

fn check(text: &str, expected: &Expect) {
    let rows = csv::read(text.as_bytes(), "y").map(|rows| seen(&rows));
    expected.assert_eq(&rows.unwrap_or_else(|error| format!("{error}\n")));
}

#[test]
fn delimiters_and_decimal_commas() {
    check(
        "a;b;y\r\n1,5;-,5;walk\r\n2;1,25e2;\"run; fast\"\r\n",
        &expect![[r#"
            a b
            walk: 1.5 -0.5
            run; fast: 2 125
            dialect: columns are separated by semicolons, and decimals by commas
        "#]],
    );
    check(
        "\u{feff}a\tb\ty\n1.5\t2\tp\n3\t\"4\"\tq, r\n",
        &expect![[r#"
            a b
            p: 1.5 2
            q, r: 3 4
            dialect: columns are separated by tabs
        "#]],
    );
    check(
        "a|y\n1|p\n",
        &expect![[r#"
            a
            p: 1
            dialect: columns are separated by bars
        "#]],
    );
    // Commas separate where the others are part of what stands between them.
    check(
        "a,b;c,y\n1,\t2,p;q\n3,\t4,r;s\n",
        &expect![[r#"
            a b;c
            p;q: 1 2
            r;s: 3 4
        "#]],
    );
    // A point in a number says that commas are none.
    check(
        "a;b;y\n1.5;2,5;p\n",
        &expect![[r#"
            line 2, column "b": found "2,5", expected a number with a decimal point, not a comma (`decimal = ","` in [dataset] reads commas so)
        "#]],
    );
}

#[test]
fn lines_that_do_not_agree_are_not_guessed_at() {
    check(
        "a;y\n1;2;3\n4;5\n",
        &expect![[r#"
            line 1: found one column, "a;y", expected as many semicolons in each of the first lines (`delimiter` in [dataset] says what separates columns)
        "#]],
    );
    check(
        "a b y\n1 2 p\n",
        &expect![[r#"
            line 1: found one column, "a b y", expected commas, semicolons, tabs or bars between columns, not spaces: `pandas.read_csv(FILE, sep=r"\s+").to_csv("rows.csv", index=False)`
        "#]],
    );
    for text in [
        "a;b;y\n1.500,5;3;on\n2.250,5;4;off\n",
        "a;b;y\n1,5;3;on\n2.250,5;4;off\n",
        "a;b;y\n1,500.5;3;on\n2;4;off\n",
        "a;b;y\n1'500.5;3;on\n2;4;off\n",
    ] {
        let error = read(text, "y", true).expect_err("thousands");
        let told = "expected a number without marks between thousands";
        assert!(error.to_string().contains(told), "{text}: {error}");
    }
    let semicolons = Dialect {
        delimiter: Some(Delimiter::Semicolon),
        ..true.into()
    };
    let error = read("a;y\n1;2\n4;5;6\n", "y", semicolons).expect_err("a long row");
    expect!["line 3: found 3 fields, expected 2, as the header has"].assert_eq(&error.to_string());
}

#[test]
fn a_dialect_that_is_given_is_not_told_from_the_content() {
    let given = |delimiter, decimal| Dialect {
        has_header: true,
        delimiter: Some(delimiter),
        decimal: Some(decimal),
    };
    let quoted = "a,y\n\"1,5\",p\n2,q\n";
    let rows = read(quoted, "y", given(Delimiter::Comma, Decimal::Comma)).expect("rows");
    expect![[r#"
        a
        p: 1.5
        q: 2
    "#]]
    .assert_eq(&seen(&rows));
    let error = read(
        "a;y\n1.500;p\n",
        "y",
        given(Delimiter::Semicolon, Decimal::Comma),
    );
    expect![[r#"line 2, column "a": found "1.500", expected a number with a decimal comma (`decimal` in [dataset] says what marks decimals)"#]]
        .assert_eq(&error.expect_err("a thousand, or one and a half").to_string());
    let error = read(
        "a;y\n1,5;p\n",
        "y",
        given(Delimiter::Semicolon, Decimal::Point),
    );
    assert!(error.is_err());
}

#[test]
fn comments_units_and_booleans() {
    check(
        "# logger 7, \"nRF\n# 2024-05-01\nt,on,y\ns,,\n0.5,TRUE,p\n#0.6,False,p\n0.7,false,q\n",
        &expect![[r#"
            t on
            p: 0.5 1
            q: 0.7 0
            dialect: the line after the names has no number, so it is taken for units; 3 lines that begin with `#` are left out
        "#]],
    );
    // Names behind a `#`, as NumPy writes them; what has no number after it is a comment.
    check(
        "# made by me\n# a,y\n1,p\n",
        &expect![[r#"
            a
            p: 1
            dialect: a line that begins with `#` is left out
        "#]],
    );
    check(
        "# time, and class\na,y\n1,p\n",
        &expect![[r#"
            a
            p: 1
            dialect: a line that begins with `#` is left out
        "#]],
    );
    // A gap is no unit, and a row of words neither, where the next has words in the same places.
    check(
        "a,b,y\nNA,,p\n1,2,q\n",
        &expect![[r#"
            2 columns: found "NA" in "a" (line 2), "" in "b" (line 2), expected numbers (`missing` in [dataset] drops or fills what is missing)
        "#]],
    );
    // Lines are counted with comments and units among them.
    check(
        "# one\na,y\nm,\n# four\n1,p\n# six\n\nx,q\n",
        &expect![[r#"
            line 8, column "a": found "x", expected a number (`ignore` in [dataset] leaves a column out)
        "#]],
    );
}

#[test]
fn names_of_rows_and_empty_ends() {
    let expected = expect![[r#"
        a
        p: 1.5
        q: 2
        dialect: the first column has no name and is left out, as rows' names are
    "#]];
    check("a,y\n\"1\",1.5,p\n\"4\",2,q\n", &expected);
    check("\"\",a,y\n0,1.5,p\n0,2,q\n", &expected);
    // Readings are no names, and names differ.
    for text in ["a,y\n0.5,1.5,p\n0.7,2,q\n", "a,y\n1,1.5,p\n1,2,q\n"] {
        let error = csv::read(text.as_bytes(), "y").expect_err("a row too long");
        expect!["line 2: found 3 fields, expected 2, as the header has"]
            .assert_eq(&error.to_string());
    }
    for header in ["a,y", "a,y,"] {
        check(
            &format!("{header}\n1.5,p,\n2,q,\n"),
            &expect![[r#"
                a
                p: 1.5
                q: 2
            "#]],
        );
        let full = format!("{header}\n1.5,p,\n{}2,q,7\n", "1,p,\n".repeat(20));
        let error = csv::read(full.as_bytes(), "y").expect_err("a field without a column");
        assert_eq!(error.found, "3 fields");
    }
    let rows = read("1,2,p,\n3,4,q,\n", "2", false).expect("rows without names");
    assert_eq!(rows.features(), ["x0", "x1"]);
}

/// A table of `y`, `a`, … with these readings, as `dialect` has it.
fn written(rows: &[(Vec<f64>, bool)], dialect: Dialect, units: bool, end: &str) -> String {
    let n = rows[0].0.len();
    let separator = match dialect.delimiter {
        Some(Delimiter::Tab) => "\t",
        Some(Delimiter::Semicolon) => ";",
        Some(Delimiter::Bar) => "|",
        _ => ",",
    };
    let line = |fields: Vec<String>| fields.join(separator) + end;
    let mut text = String::new();
    if dialect.has_header {
        let names = (0..n).map(|at| format!("c{at}"));
        text += &line(std::iter::once("y".to_owned()).chain(names).collect());
    }
    if units && dialect.has_header {
        text += &line(vec!["m/s".to_owned(); n + 1]);
    }
    for (readings, is_on) in rows {
        let label = if *is_on { "on" } else { "off" };
        let readings = readings.iter().map(|it| match dialect.decimal {
            Some(Decimal::Comma) => it.to_string().replace('.', ","),
            _ => it.to_string(),
        });
        text += &line(std::iter::once(label.to_owned()).chain(readings).collect());
    }
    text
}

proptest! {
    /// Whether the dialect is said or told, and whatever it is, the rows are the same.
    #[test]
    fn a_table_in_any_dialect_reads_to_the_same_rows(
        rows in prop::collection::vec(
            (prop::collection::vec(-1e6_f64..1e6, 3), any::<bool>()), 1..30),
        delimiter in prop::sample::select(Delimiter::ALL.to_vec()),
        decimal in prop::sample::select(vec![Decimal::Point, Decimal::Comma]),
        has_header: bool,
        has_units: bool,
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let is_comma = delimiter == Delimiter::Comma;
        let decimal = if is_comma { Decimal::Point } else { decimal };
        let dialect = Dialect { has_header, delimiter: Some(delimiter), decimal: Some(decimal) };
        let text = written(&rows, dialect, has_units, end);
        let label = if has_header { "y" } else { "0" };
        for asked in [dialect, has_header.into()] {
            let found = read(&text, label, asked).expect("rows");
            let values = rows.iter().flat_map(|(readings, _)| readings.clone());
            prop_assert_eq!(found.values().iter().copied().collect::<Vec<_>>(), values.collect::<Vec<_>>());
            let is_on = found.labels().iter().map(|class| found.classes()[*class] == "on");
            prop_assert!(is_on.eq(rows.iter().map(|(_, is_on)| *is_on)));
        }
    }

    #[test]
    fn no_text_makes_a_table_panic(text in "[a-b0-9,;|\t\"\n\r. #-]{0,80}") {
        for has_header in [false, true] {
            let _ = read(&text, "0", has_header);
        }
    }
}
