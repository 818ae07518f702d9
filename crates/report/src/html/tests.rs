//! The page of a small report, letter by letter, and of reports that are odd or hostile.

use expect_test::{expect, expect_file};
use spinney_evaluate::{
    Detection, Differing, MarginBin, MarginUnit, Margins, Quantity, Saturation, ScorePredictions,
    Scorecard, ValueEvaluation, ValuePredictions, Verdict,
};
use spinney_model::Task;

use crate::{Comparison, Report, Value};

const KINDS: [&str; 4] = ["iris-tree", "digits", "wine-bayes", "acoustic-events"];

/// The committed report of a pipeline.
pub(crate) fn committed(name: &str) -> Report {
    let path = format!(
        "{}/../../reports/{name}/report.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).expect("a committed report");
    Report::from_json(&bytes).expect("a valid report")
}

/// A report whose figures stay when the committed ones move.
fn small() -> Report {
    let mut report = committed("iris-tree");
    report.fingerprint = "sha256:0123".to_owned();
    report.model.digest = "sha256:4567".to_owned();
    let footprint = report.footprint.as_mut().expect("an image");
    footprint.image = "sha256:89ab".to_owned();
    footprint.flash_bytes = 3_000;
    footprint.model_flash_bytes = 500;
    footprint.sections.truncate(1);
    footprint.sections[0].flash_bytes = 3_000;
    report.encoding.candidates.clear();
    report.encoding.bytes_per_split = Some(62.5);
    report.device = None;
    report.node = None;
    report.chip = None;
    report.flow.clear();
    report.features.truncate(1);
    report.features[0].share_of_comparisons = Some(0.5);
    report.features[0].permutation_importance = Some(-0.0125);
    report.features[0].codes = Some(80);
    report.features[0].saturation = Some(Saturation {
        feature: 0,
        below: 1,
        above: 2,
    });
    report.margins = None;
    report.accuracy.interval = Some((0.908, 1.0));
    report.accuracy.majority = Some(0.342);
    report.accuracy.balanced = Some(1.0);
    report.certificate.arithmetic.clear();
    report.certificate.flips.clear();
    report.verdicts = vec![Verdict {
        gate: "flash".to_owned(),
        limit: Quantity::Count(2_500),
        found: Some(Quantity::Count(3_000)),
        pass: false,
        note: Some("500 bytes over".to_owned()),
    }];
    report.toolchain.spinney = "1".to_owned();
    report.toolchain.rustc = "rustc".to_owned();
    report.toolchain.linker = "LLD".to_owned();
    report.toolchain.emulator = None;
    report
}

fn with_margins(mut report: Report) -> Report {
    let bin = |rows, differing| MarginBin {
        rows,
        wrong: Some(1),
        differing,
    };
    report.margins = Some(Margins {
        unit: MarginUnit::ShareOfVotes,
        bin_width: 0.25,
        bins: vec![bin(3, 1), bin(1, 0), bin(1, 0), bin(40, 0)],
        differing: vec![Differing {
            row: 9,
            float: 0,
            q15: 99,
            margin: 0.01,
        }],
    });
    report
}

/// A regressor whose every fourth row is off float by the bound, with or without labels.
fn regressor(bound: Option<f64>, has_labels: bool) -> Report {
    let float: Vec<f64> = (0..400).map(|row| f64::from(row) / 4.0).collect();
    let q15 = float.iter().enumerate();
    let q15 = q15.map(|(row, float)| if row % 4 == 1 { float + 0.125 } else { *float });
    let labels: Vec<f64> = (0..400).map(|row| f64::from(row / 4)).collect();
    let evaluation = ValueEvaluation::new(
        &ValuePredictions {
            target: "y".to_owned(),
            q15: q15.collect(),
            float,
            bounds: vec![bound; 400],
            bound: bound.unwrap_or_default(),
            step: None,
            link: None,
        },
        has_labels.then_some(&labels),
        bound.map(|_| spinney_quantize::Level::EveryInput),
    );
    let mut report = small();
    report.model.kind = "gradient-boosting".to_owned();
    report.model.task = Task::Regress;
    report.model.classes.clear();
    report.model.n_classes = 0;
    report.accuracy.float = None;
    report.accuracy.q15 = None;
    report.accuracy.interval = None;
    report.accuracy.majority = None;
    report.accuracy.float_scores = None;
    report.accuracy.q15_scores = None;
    report.dataset.test_rows = 400;
    report.values = Value::of_targets(&["mm<sup>".to_owned()], &[evaluation]);
    report
}

/// A detector that finds two of three anomalies, or of rows without labels.
fn detector(has_labels: bool) -> Report {
    let labels = [1, 1, 1, 0, 0, 0, 0, 0];
    let alarms = [1, 1, 0, 1, 0, 0, 0, 0];
    let scores: Vec<f64> = (0..8).map(|row| f64::from(row) / 16.0 - 0.75).collect();
    let scores = ScorePredictions {
        q15: scores.clone(),
        float: scores,
        threshold: -0.5625,
    };
    let detection = Detection::new(&scores, (&alarms, &alarms), has_labels.then_some(&labels));
    let mut report = regressor(None, false);
    let card = Scorecard::new(&labels, &alarms, 2);
    report.values.clear();
    report.model.kind = "isolation-forest".to_owned();
    report.model.task = Task::Detect;
    report.model.classes = vec!["normal".to_owned(), "alarm".to_owned()];
    report.model.n_classes = 2;
    report.dataset.test_rows = 8;
    report.accuracy.float_scores = has_labels.then(|| card.clone());
    report.accuracy.q15_scores = has_labels.then_some(card);
    report.detect = Some(detection);
    report
}

/// What is wrong with the nesting of a page's tags, if anything is.
fn fault(page: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let style = page.find("<style>").zip(page.find("</style>"));
    let page = style.map_or(page.to_owned(), |(from, to)| {
        page[..from].to_owned() + &page[to + 8..]
    });
    for tag in page.split('<').skip(1) {
        let Some((tag, text)) = tag.split_once('>') else {
            return Some(format!("a tag without an end: {tag}"));
        };
        if text.contains('>') || tag.matches('"').count() % 2 == 1 {
            return Some(format!("a stray bracket or quote near: {tag}"));
        }
        let name = tag.split([' ', '\n']).next().unwrap_or(tag);
        match name.strip_prefix('/') {
            _ if tag.starts_with('!') || tag.ends_with('/') => {}
            Some(closed) if open.pop() != Some(closed) => {
                return Some(format!("an end of {closed} that fits nothing"));
            }
            None if !["meta", "br", "wbr"].contains(&name) => open.push(name),
            _ => {}
        }
    }
    (!open.is_empty()).then(|| format!("never closed: {open:?}"))
}

/// Checks what holds of every page, and returns it.
fn page(report: &Report) -> String {
    let page = report.to_html();
    assert_eq!(fault(&page), None);
    let lower = page.to_lowercase();
    for forbidden in [
        "<script",
        "javascript:",
        "<link",
        "<img",
        "@import",
        "url(",
        " onload",
        "NaN",
        "inf ",
    ] {
        let haystack = if forbidden == "NaN" { &page } else { &lower };
        assert!(!haystack.contains(forbidden), "{forbidden} in the page");
    }
    let links = page.matches("://").count();
    assert_eq!(
        links,
        page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
    );
    page
}

#[test]
fn a_small_report() {
    let body = small().body().into_string();
    // A line per block, so that a change can be read.
    let lines = [
        "<section",
        "<tr",
        "<h2",
        "<h3",
        "<p",
        "<div",
        "<dl",
        "</section",
    ]
    .iter()
    .fold(body, |text, tag| text.replace(tag, &format!("\n{tag}")));
    expect_file!["snapshots/small.html"].assert_eq(&(lines + "\n"));
}

#[test]
fn committed_reports_of_every_kind() {
    for name in KINDS {
        page(&committed(name));
        page(&with_margins(committed(name)));
    }
}

#[test]
fn the_same_report_gives_the_same_page() {
    let report = with_margins(committed("digits"));
    assert_eq!(report.to_html(), report.clone().to_html());
}

#[test]
fn names_cannot_leave_their_place() {
    let hostile = [
        "<script>alert(1)</script>".to_owned(),
        "\"'><b onload=x>&amp;".to_owned(),
        "\u{202e}לילה".to_owned(),
        "w".repeat(200),
        String::new(),
    ];
    for text in &hostile {
        let mut report = with_margins(committed("digits"));
        report.pipeline.clone_from(text);
        for class in &mut report.model.classes {
            class.clone_from(text);
        }
        for feature in &mut report.features {
            feature.name.clone_from(text);
        }
        for candidate in &mut report.encoding.candidates {
            candidate.name.clone_from(text);
        }
        report.verdicts[0].note = Some(text.clone());
        let page = report.to_html();
        assert_eq!(fault(&page), None, "{text}");
        assert!(!page.contains("<script") && !page.contains("<b "), "{text}");
    }
}

#[test]
fn naive_bayes_has_classes_in_place_of_trees() {
    let page = page(&committed("wine-bayes"));
    assert!(page.contains("Bytes per class") && !page.contains("Bytes per tree"));
    assert!(page.contains(">importance<") && !page.contains(">asked<"));
    assert!(page.contains(">instructions<") && !page.contains(">comparisons<"));
}

#[test]
fn costs_stand_beside_importance_where_an_image_was_built() {
    let mut report = committed("digits");
    assert!(page(&report).contains(">comparisons<") && page(&report).contains("Bytes are exact"));
    for feature in &mut report.features {
        feature.cost = None;
    }
    assert!(!page(&report).contains(">comparisons<"));
}

#[test]
fn two_classes_and_many() {
    let mut report = committed("digits");
    let shape = |report: &mut Report, n: usize| {
        report.model.classes = (0..n).map(|class| format!("class {class}")).collect();
        report.model.n_classes = n;
        for card in [
            &mut report.accuracy.float_scores,
            &mut report.accuracy.q15_scores,
        ] {
            let card = card.as_mut().expect("labels");
            card.classes = vec![card.classes[0]; n];
            card.confusion = vec![vec![1; n]; n];
        }
    };
    shape(&mut report, 2);
    assert!(page(&report).contains("<table class=\"confusion\">"));
    shape(&mut report, 100);
    assert!(page(&report).contains("of 100 classes is in"));
}

#[test]
fn many_features_are_cut() {
    let mut report = committed("digits");
    report.features = (0..784)
        .map(|index| {
            let mut feature = report.features[0].clone();
            feature.name = format!("pixel {index}");
            feature.permutation_importance = Some((f64::from(index) - 391.5) / 784.0);
            feature
        })
        .collect();
    let page = page(&report);
    assert!(page.contains("The other 256") && page.contains("508 more are in"));
    assert!(
        page.find("pixel 783") < page.find("pixel 782"),
        "most important first"
    );
    assert!(page.len() < 250_000);
}

#[test]
fn rows_without_labels_rank_features_by_how_often_they_are_asked() {
    let mut report = committed("digits");
    for feature in &mut report.features {
        feature.permutation_importance = None;
    }
    report.shuffled = None;
    let page = page(&report);
    assert!(!page.contains(">importance<") && page.contains(">asked<"));
    // Of 64 pixels, 5_3 is asked most.
    assert!(page.find("pixel_5_3") < page.find("pixel_2_5"));
}

#[test]
fn features_that_are_not_used_are_named() {
    let mut report = committed("iris-tree");
    for feature in &mut report.features {
        feature.coding = "affine".to_owned();
    }
    let says = |report: &Report| {
        let sentence = "Not used: 1 of 4 features, part of the row but never read.";
        page(report).contains(sentence) && report.to_markdown().contains(sentence)
    };
    assert!(!says(&report));
    report.features[1].coding = crate::FeatureCoding::NOT_USED.to_owned();
    assert!(says(&report));
}

#[test]
fn a_failed_gate_is_said_first() {
    let page = page(&small());
    assert!(page.contains("1 of 1 gates fail") && page.contains("over by 500"));
}

#[test]
fn without_what_may_be_missing() {
    for name in KINDS {
        let mut report = committed(name);
        report.device = None;
        report.node = None;
        report.chip = None;
        report.margins = None;
        report.flow.clear();
        report.model.trees.clear();
        report.encoding.candidates.clear();
        report.encoding.bytes_per_split = None;
        report.accuracy.float = None;
        report.accuracy.q15 = None;
        report.accuracy.float_scores = None;
        report.accuracy.q15_scores = None;
        report.features.clear();
        report.verdicts.clear();
        let page = page(&report);
        assert!(page.contains("not run") && page.contains("no labels"));
    }
}

#[test]
fn without_a_run_forms_have_no_plot() {
    let mut report = committed("digits");
    for candidate in &mut report.encoding.candidates {
        candidate.instructions = None;
    }
    assert!(!page(&report).contains("against instructions per inference of each"));
}

#[test]
fn disagreeing_rows_are_marked() {
    let mut report = with_margins(committed("digits"));
    report.accuracy.disagreements = 1;
    let page = page(&report);
    assert!(page.contains("fill-alarm") && page.contains("(no such class)"));
}

/// The part of a page in Markdown that says what a model is worth.
fn worth(report: &Report) -> String {
    let page = report.to_markdown();
    let from = page
        .find(&format!("\n## {}\n", report.worth()))
        .expect("the heading");
    let to = page.find("\n## Certificate").expect("the next heading");
    page[from..to].trim_start().to_owned()
}

#[test]
fn values_with_and_without_labels_and_bounds() {
    expect![[r#"
        ## Values

        | | MAE | RMSE | R² |
        | --- | ---: | ---: | ---: |
        | float | 0.375 mm\<sup> | 0.46771 mm\<sup> | 0.999737 |
        | Q15 | 0.40625 mm\<sup> | 0.48814 mm\<sup> | 0.999714 |

        Q15 is off float by at most 0.125 mm\<sup> on the test rows, 0.03125 mm\<sup> on average; proven for every input: at most 0.125 mm\<sup>.
    "#]].assert_eq(&worth(&regressor(Some(0.125), true)));
    expect![[r#"
        ## Values

        Test rows have no labels, so there is no error against them.

        Q15 is off float by at most 0.125 mm\<sup> on the test rows, 0.03125 mm\<sup> on average; nothing is proven.
    "#]].assert_eq(&worth(&regressor(None, false)));
    for (bound, has_labels) in [
        (Some(0.125), true),
        (Some(0.125), false),
        (None, true),
        (None, false),
    ] {
        let report = regressor(bound, has_labels);
        let page = page(&report);
        assert_eq!(page.contains("Residuals: "), has_labels);
        assert_eq!(page.contains("dashed lines"), bound.is_some());
        assert!(page.contains(", a value") && !page.contains("<sup>"));
        assert_eq!(
            Report::from_json(report.to_json().as_bytes()).expect("its own JSON"),
            report
        );
    }
}

/// Of a model whose values go through a function, each form says that the device's do not.
#[test]
fn values_before_a_link() {
    let mut report = regressor(Some(0.125), true);
    report.values[0].link = spinney_model::Link::Exp.words("value / 2^22");
    assert!(page(&report).contains(
        "<p>The device delivers the value before the exponential function: the model predicts \
         <code>exp(value / 2^22)</code>.</p>"
    ));
    assert!(worth(&report).ends_with(
        "\n\nThe device delivers the value before the exponential function: the model predicts \
         `exp(value / 2^22)`.\n"
    ));
    assert_eq!(
        report.values[0].lines()[3],
        "device's value: before the exponential function; the model predicts exp(value / 2^22)"
    );
    assert_eq!(
        Report::from_json(report.to_json().as_bytes()).expect("its own JSON"),
        report
    );
}

/// Every target stands by its name in all forms, and one target more is what moved.
#[test]
fn values_of_several_targets() {
    let one = regressor(Some(0.125), true);
    let mut report = one.clone();
    let target = |name: &str, unit: Option<&str>| Value {
        target: Some(name.to_owned()),
        unit: unit.map(str::to_owned),
        ..one.values[0].clone()
    };
    report.values = vec![target("<b>", None), target("y", Some("K"))];
    report.model.targets = vec!["<b>".to_owned(), "y".to_owned()];
    let page = page(&report);
    for told in ["<h3>&lt;b&gt;</h3>", "<h3>y</h3>", ", 2 values"] {
        assert!(page.contains(told), "{told}");
    }
    expect![[r#"
        ## Values

        ### \<b>

        | | MAE | RMSE | R² |
        | --- | ---: | ---: | ---: |
        | float | 0.375 | 0.46771 | 0.999737 |
        | Q15 | 0.40625 | 0.48814 | 0.999714 |

        Q15 is off float by at most 0.125 on the test rows, 0.03125 on average; proven for every input: at most 0.125.

        ### y

        | | MAE | RMSE | R² |
        | --- | ---: | ---: | ---: |
        | float | 0.375 K | 0.46771 K | 0.999737 |
        | Q15 | 0.40625 K | 0.48814 K | 0.999714 |

        Q15 is off float by at most 0.125 K on the test rows, 0.03125 K on average; proven for every input: at most 0.125 K.
    "#]].assert_eq(&worth(&report));
    assert!(!report.to_markdown().contains("(<b>)"));
    expect!["Values: integers are within 0.125 (<b>), 0.125 K (y) of float's on every input."]
        .assert_eq(&report.values_in_words());
    let lines: Vec<String> = report.values.iter().flat_map(Value::lines).collect();
    expect![[r#"
        values of "y" float: MAE 0.375 K, RMSE 0.46771 K, R² 0.999737
        values of "y" Q15: MAE 0.40625 K, RMSE 0.48814 K, R² 0.999714
        error of "y": Q15 is off float by at most 0.125 K on the test rows, 0.03125 K on average; proven for every input: at most 0.125 K"#]].assert_eq(&lines[3..].join("\n"));
    assert_eq!(
        Report::from_json(report.to_json().as_bytes()).expect("its own JSON"),
        report
    );
    let mut moved = report.clone();
    moved.values[1].mae_q15 = Some(0.5);
    let (before, after) = (&report, &moved);
    let text = Comparison { before, after }.to_markdown(&[]);
    let lines = text.lines().filter(|line| line.contains("MAE"));
    expect!["| MAE in Q15, y | 0.40625 | 0.5 | +0.09375 (+23.1 %) |"]
        .assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn alarms_with_and_without_labels() {
    expect![[r#"
        ## Alarms

        Alarms at scores down to -0.5625: 3 of 8 test rows in Q15, 3 in float.
        Area under the ROC curve: float 1.0000, Q15 1.0000.

        | at the threshold | anomalies | found | precision | recall | F1 | false alarms |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: |
        | float | 3 | 2 | 0.6667 | 0.6667 | 0.6667 | 1 |
        | Q15 | 3 | 2 | 0.6667 | 0.6667 | 0.6667 | 1 |
    "#]]
    .assert_eq(&worth(&detector(true)));
    expect![[r#"
        ## Alarms

        Alarms at scores down to -0.5625: 3 of 8 test rows in Q15, 3 in float.
    "#]]
    .assert_eq(&worth(&detector(false)));
    for has_labels in [true, false] {
        let report = detector(has_labels);
        let page = page(&report);
        assert_eq!(page.contains("ROC of Q15"), has_labels);
        assert!(page.contains(", an alarm") && page.contains("Alarms at scores down to -0.5625"));
        assert_eq!(
            Report::from_json(report.to_json().as_bytes()).expect("its own JSON"),
            report
        );
    }
}

#[test]
fn a_single_row_can_be_drawn() {
    let mut report = regressor(Some(0.0), true);
    let value = &mut report.values[0];
    value.sample.truncate(1);
    value.sample[0].q15 = value.sample[0].float;
    page(&report);
    report.values[0].sample.clear();
    page(&report);
}

#[test]
fn what_moved_of_values_and_alarms() {
    let moved = |before: &Report, after: &Report| {
        let text = Comparison { before, after }.to_markdown(&[]);
        let lines = text.lines().filter(|line| {
            ["MAE", "R²", "error", "ROC", "alarms"]
                .iter()
                .any(|it| line.contains(it))
        });
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let (before, mut after) = (regressor(Some(0.25), true), regressor(Some(0.125), true));
    after.values[0].mae_q15 = Some(0.5);
    expect![[r#"
        | MAE in Q15 | 0.40625 | 0.5 | +0.09375 (+23.1 %) |
        | error against float, proven | 0.25 | 0.125 | -0.125 (-50.0 %) |
    "#]]
    .assert_eq(&moved(&before, &after));
    expect![[r#"
        | area under the ROC curve in Q15 | - | 1 |  |
    "#]]
    .assert_eq(&moved(&detector(false), &detector(true)));
}

#[test]
fn the_policy_knows_the_style() {
    use sha2::{Digest, Sha256};

    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(super::STYLE.as_bytes());
    let base64: String = digest
        .chunks(3)
        .flat_map(|bytes| {
            let at = |index| u32::from(bytes.get(index).copied().unwrap_or(0));
            let word = at(0) << 16 | at(1) << 8 | at(2);
            (0..4).map(move |digit| match digit <= bytes.len() {
                true => char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]),
                false => '=',
            })
        })
        .collect();
    assert!(
        super::POLICY.contains(&format!("'sha256-{base64}'")),
        "{base64}"
    );
}

#[test]
fn committed_pages_are_those_of_their_data() {
    let reports = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports");
    let folders = std::fs::read_dir(reports)
        .expect("committed reports")
        .flatten();
    // The data of `mnist-hundred` are of a run before what the pages say of interrupts.
    let folders = folders.filter(|entry| {
        entry.path().join("report.json").exists() && entry.file_name() != "mnist-hundred"
    });
    let mut n_pages = 0;
    for folder in folders {
        let report = committed(&folder.file_name().to_string_lossy());
        for (name, page) in [("md", report.to_markdown()), ("html", report.to_html())] {
            expect_file![folder.path().join(format!("report.{name}"))].assert_eq(&page);
            n_pages += 1;
        }
    }
    assert!(n_pages >= 16, "{n_pages}");
}
