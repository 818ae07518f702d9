//! Whole pages whose names would be Markdown or HTML: a renderer shows them, and obeys none.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;
use spinney_evaluate::Verdict;
use spinney_report::{Comparison, Origin, Report};

fn committed() -> Report {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../reports/iris-tree/report.json"
    );
    Report::from_json(&std::fs::read(path).expect("a committed report")).expect("a valid report")
}

/// A report in which everything that a user names is called `name`.
fn named(name: &str) -> Report {
    let mut report = committed();
    let numbered = |index: usize| format!("{name}{index}");
    for (index, class) in report.model.classes.iter_mut().enumerate() {
        *class = numbered(index);
    }
    for (index, feature) in report.features.iter_mut().enumerate() {
        feature.name = numbered(index);
    }
    let quoted = format!("feature \"{name}\": `range = [0, 1]` in [features.{name}]");
    report.notes = vec![quoted.clone()];
    report.verdicts.push(Verdict {
        gate: format!("min_recall.{name}"),
        note: Some(quoted.clone()),
        ..report.verdicts[0].clone()
    });
    report.model.origin = Some(Origin {
        file: format!("{name}.skops"),
        estimator: name.to_owned(),
        library: Some(name.to_owned()),
        steps: vec![name.to_owned()],
        notes: vec![quoted],
    });
    report
}

/// The cells of all tables of a page. What a page may have besides text is its own headings, lists
/// and emphasis, and the tags that a comparison folds its tables with.
fn cells(page: &str) -> Result<Vec<String>, String> {
    const FOLDS: [&str; 4] = ["<details><summary>", "</details>", "<sub>", "</sub>"];
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_MATH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let mut cells = vec![String::new()];
    for event in Parser::new_ext(page, options) {
        match event {
            Event::Text(text) | Event::Code(text) => {
                if let Some(cell) = cells.last_mut() {
                    cell.push_str(&text);
                }
            }
            Event::Start(Tag::TableCell) => cells.push(String::new()),
            Event::Html(tag) | Event::InlineHtml(tag)
                if !FOLDS.iter().any(|fold| tag.trim_start().starts_with(fold)) =>
            {
                return Err(format!("the tag {tag:?}"));
            }
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Strikethrough
                | Tag::CodeBlock(_)
                | Tag::BlockQuote(_)
                | Tag::FootnoteDefinition(_)),
            ) => return Err(format!("{tag:?}")),
            event @ (Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Rule
            | Event::TaskListMarker(_)) => return Err(format!("{event:?}")),
            _ => {}
        }
    }
    Ok(cells)
}

fn check(name: &str) -> Result<(), TestCaseError> {
    let before = committed();
    let after = named(name);
    let comparison = Comparison {
        before: &before,
        after: &after,
    };
    for page in [after.to_markdown(), comparison.to_markdown(&[])] {
        let cells =
            cells(&page).map_err(|found| TestCaseError::fail(format!("{found} in {page}")))?;
        let seen = spinney_model::visible(&format!("{name}0")).into_owned();
        let seen = seen.trim_matches(' ');
        prop_assert!(
            cells.iter().any(|cell| cell.trim_matches(' ') == seen),
            "{seen} in {page}"
        );
    }
    Ok(())
}

#[test]
fn names_that_mean_something_elsewhere() {
    for name in [
        "<silence>",
        "*up*",
        "<script>alert(1)</script>",
        "</details>",
        "a|b",
        "`",
        "``x`",
        "a\nb",
        "\n\n# x\n\n",
        "[x](http://x.y)",
        "https://x.y",
        "![x](y)",
        "&lt;",
        "~~x~~",
        "$x$",
        "\u{202e}x",
        "\u{1b}[31m",
    ] {
        check(name).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
}

proptest! {
    #[test]
    fn names_that_are_drawn(name in "[-_*`\\[\\]<>|~$&@:.#+=!()\\\\\"'/ \t\na1wé\u{202e}\u{1b}]{0,8}") {
        check(&name)?;
    }
}

/// The values in a report that are neither lists nor tables; of a list those of its first two items and
/// of its last, as all others are read and shown in the same way.
fn leaves<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Array(parts) => {
            let last = parts.len().saturating_sub(1);
            let some = parts.iter_mut().enumerate();
            let some = some.filter(|(at, _)| *at < 2 || *at == last);
            some.for_each(|(_, it)| leaves(it, found));
        }
        Value::Object(parts) => parts.values_mut().for_each(|it| leaves(it, found)),
        leaf => found.push(leaf),
    }
}

/// The report in which the `index`th leaf, one of `kind`, is another, as far as it is still a
/// report.
fn with(report: &Value, index: usize, kind: fn(&Value) -> bool, other: Value) -> Option<Report> {
    let mut report = report.clone();
    let mut found = Vec::new();
    leaves(&mut report, &mut found);
    *found.into_iter().nth(index).filter(|leaf| kind(leaf))? = other;
    Report::from_json(report.to_string().as_bytes()).ok()
}

/// A report as its data, how many leaves these have, and as it is read.
fn baseline(pipeline: &str) -> (Value, usize, Report) {
    let path = format!(
        "{}/../../reports/{pipeline}/report.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).expect("a committed report");
    let mut json: Value = serde_json::from_slice(&bytes).expect("JSON");
    let mut found = Vec::new();
    leaves(&mut json, &mut found);
    let n_leaves = found.len();
    let report = Report::from_json(&bytes).expect("a report");
    (json, n_leaves, report)
}

/// A baseline comes from elsewhere: none of its strings gets out of its cell, its paragraph or its
/// text, whichever it is.
#[test]
fn every_string_of_a_baseline() {
    const HOSTILE: &str = "x|y\n\n# z\n<script>a()</script> [l](http://e.e) ![i](http://e.e) @a `";
    for pipeline in ["iris-tree", "digits-skops", "acoustic-events", "wine-bayes"] {
        let (json, n_leaves, good) = baseline(pipeline);
        let n_lines = |page: &str| page.lines().count();
        let (mut n_strings, mut n_shown) = (0, 0);
        let pages = |report: &Report| {
            let of = |before, after| Comparison { before, after }.to_markdown(&[]);
            [report.to_markdown(), of(report, &good), of(&good, report)]
        };
        for index in 0..n_leaves {
            let other = |text: &str| with(&json, index, Value::is_string, text.into());
            let (Some(report), Some(plain)) = (other(HOSTILE), other("plain")) else {
                continue;
            };
            n_strings += 1;
            for (page, plain) in pages(&report).iter().zip(pages(&plain)) {
                n_shown += usize::from(page.contains("script"));
                let found = cells(page).unwrap_or_else(|error| panic!("{error} in {page}"));
                let expected = cells(&plain).expect("a page of ours");
                assert_eq!(found.len(), expected.len(), "{page}");
                assert_eq!(n_lines(page), n_lines(&plain), "{page}");
                assert!(!page.contains(" @a"), "{page}");
            }
            let html = report.to_html();
            assert!(!html.contains("<script>a"), "string {index} in {html}");
        }
        assert!(n_strings > 20 && n_shown > 20, "{n_strings}, {n_shown}");
    }
}

/// Whatever its numbers say, a baseline gives a page and verdicts.
#[test]
fn every_number_of_a_baseline() {
    let extremes = [
        "0",
        "1",
        "-1",
        "18446744073709551615",
        "-9223372036854775808",
        "1e308",
        "-1e-308",
    ];
    let extremes = extremes.map(|text| serde_json::from_str::<Value>(text).expect("a number"));
    for pipeline in ["iris-tree", "wine-bayes", "acoustic-events"] {
        let (json, n_leaves, good) = baseline(pipeline);
        let mut n_read = 0;
        for index in 0..n_leaves {
            for other in &extremes {
                let Some(report) = with(&json, index, Value::is_number, other.clone()) else {
                    continue;
                };
                n_read += 1;
                for (before, after) in [(&report, &good), (&good, &report)] {
                    let comparison = Comparison { before, after };
                    let verdicts = [comparison.flash_growth(9), comparison.accuracy_loss(0.1)];
                    cells(&comparison.to_markdown(&verdicts)).expect("a page of ours");
                }
            }
        }
        assert!(n_read > 500, "{n_read}");
    }
}
