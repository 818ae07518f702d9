//! `bench shrink`: forests before and after `shrink`, under each of its promises.

use anyhow::Context;
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::{self, Asked, so_far};
use spinney_pipeline::store;
use spinney_report::{Shrink, Table, ValueWithin};

use super::python::{self, Line};

/// A data set with its label, the seconds of counted steps that a proof may take, and how far a value may
/// be from the original's; `None` of classes.
type Data = (&'static str, &'static str, u32, Option<f64>);

const DATA: [Data; 5] = [
    ("digits", "digit", 2, None),
    ("breast_cancer", "diagnosis", 2, None),
    ("wine", "cultivar", 10, None),
    ("iris", "species", 20, None),
    ("air_regression", "pm", 20, Some(5.0)),
];

/// Promises, with the share of splits that may be left.
const PROMISES: [(&str, f64); 4] = [
    ("score", 0.125),
    ("every-row", 0.5),
    ("in-distribution", 0.125),
    ("every-input", 0.5),
];

/// Makes `reports/bench/shrink.json` and `shrink.md`; takes some minutes.
pub(crate) fn run() -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut table = Table::new(
        "case | splits: | fewer: | trees: | bytes: | fewer: | score kept apart: | score on test rows: | \
         test rows that change: | counterexamples, unknown:",
    );
    for (data, label, seconds, max_error) in DATA {
        // Large forests of values take their time, and have no further cases.
        let sizes: &[u32] = match max_error {
            Some(_) => &[20],
            None => &[50, 100],
        };
        for n_trees in sizes {
            let mut model = format!("kind = \"random-forest\", n_trees = {n_trees}");
            if max_error.is_some() {
                model += ", task = \"regress\", min_samples_leaf = 5";
            }
            let name = format!("{}-{n_trees}", data.replace('_', "-"));
            for (promise, goal) in PROMISES {
                let case = format!("{data} {n_trees} trees, {promise}");
                let name = format!("{name}-{promise}");
                let mut model = format!("{model}, shrink = \"{promise}\"");
                if promise == "every-input" {
                    model += &format!(", shrink_seconds = {seconds}");
                }
                if let Some(max_error) = max_error.filter(|_| promise != "score") {
                    model += &format!(", shrink_error = {max_error}");
                }
                let (n_rows, shrink) = measure(data, label, &name, &model)?;
                let (before, after) = (shrink.splits_before, shrink.splits_after);
                let ratio = after as f64 / before as f64;
                add(&mut table, &case, n_rows, &shrink);
                lines.push(Line {
                    case,
                    metric: "splits".to_owned(),
                    ours: after as f64,
                    peer: before as f64,
                    peer_name: "the original".to_owned(),
                    ratio,
                    goal,
                    met: ratio <= goal,
                });
            }
        }
    }
    let markdown = format!("{HEAD}{table}{}", summary(&lines));
    python::commit("shrink", &lines, &markdown)
}

const HEAD: &str = "# Smaller models, under a promise\n\n\
     Made by `cargo xtask bench shrink`: random forests by Spinney's own trainer, of classes with unlimited depth, of \
     values (air_regression) with `min_samples_leaf = 5`; a quarter of the rows kept for the test, `shrink` with 0.005 \
     of accuracy or of the mean absolute error for `score`, a probability of 0.05 for `in-distribution`, values within \
     5 µg/m³ for all but `score`, and for `every-input` 2 seconds of counted steps on digits and breast cancer, 10 on \
     wine and 20 on iris and air_regression. The original of `in-distribution` is made of four fifths of the training \
     rows. Bytes are those of the model's tables in their smallest form, with what codes readings. Scores are float's, \
     before and after, accuracy or the mean absolute error; those kept apart are of the five folds that choose, and of \
     the test rows nothing is chosen by. [docs/shrink.md](../../docs/shrink.md) says what is promised.\n\n\
     ForestPrune (Liu and Mazumder, arXiv 2206.00128) states 20 times smaller models at a negligible loss, LOP \
     (Devos and others, ICML 2025) 10 to 100 times smaller ones than its competitors'; neither was run here, and \
     their data sets are others.\n\n";

/// The number of test rows of a forest of a committed data set, and what became of shrinking.
fn measure(data: &str, label: &str, name: &str, model: &str) -> Result<(usize, Shrink), Failure> {
    let rows = crate::repository().join(format!("data/{data}.csv"));
    let config = format!(
        "pipeline = {{ name = \"{name}\" }}\n\
         dataset = {{ path = {rows:?}, label = \"{label}\" }}\n\
         model = {{ {model} }}\n\
         codegen = {{ encoding = \"packed\" }}\n\
         target = {{ chip = \"STM32F405RGTx\" }}\n"
    );
    let path = crate::target()?.join(format!("bench/shrink/{name}.toml"));
    store::write_whole(&path, config.as_bytes()).environment()?;
    let asked = Asked {
        until: Some("quantize"),
        ..Asked::all(terminal::progress())
    };
    let outcome = stages::run(&path, &asked)?;
    let found = so_far::of(&outcome, "quantize")?.quantized;
    let found = found.and_then(|it| Some((it.dataset.test_rows, it.shrink?)));
    found.context("the config asks for it").environment()
}

fn add(table: &mut Table, case: &str, n_rows: usize, shrink: &Shrink) {
    let pair = |pair: Option<[f64; 2]>| {
        pair.map_or_else(
            || "–".to_owned(),
            |[before, after]| format!("{before:.4}, {after:.4}"),
        )
    };
    let fewer = |[before, after]: [usize; 2]| {
        let ratio = before as f64 / after.max(1) as f64;
        format!("{before} to {after} | {ratio:.1}")
    };
    let of_values = |it: &ValueWithin| Some([it.before?.mae, it.after?.mae]);
    let test = match &shrink.value {
        Some(value) => of_values(value),
        None => shrink
            .score_before
            .zip(shrink.score_after)
            .map(<[f64; 2]>::from),
    };
    let asked = match shrink.promise.as_str() {
        "every-input" => format!("{}, {}", shrink.counterexamples, shrink.unknown),
        _ => "–".to_owned(),
    };
    table.row(&[
        &case,
        &fewer([shrink.splits_before, shrink.splits_after]),
        &format!("{} to {}", shrink.trees_before, shrink.trees_after),
        &fewer(shrink.table_bytes.unwrap_or([0; 2])),
        &pair(shrink.kept_apart),
        &pair(test),
        &format!("{} of {n_rows}", shrink.test_rows_differing),
        &asked,
    ]);
}

/// The median of each promise, beside its goal.
fn summary(lines: &[Line]) -> String {
    let mut table = Table::new("promise | fewer, median: | goal: | met");
    for (promise, goal) in PROMISES {
        let of_promise = lines.iter().filter(|line| line.case.ends_with(promise));
        let mut ratios: Vec<f64> = of_promise.map(|line| line.ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let [.., _] = ratios[..] else { continue };
        let middle = ratios.len() / 2;
        let median = (ratios[middle] + ratios[(ratios.len() - 1) / 2]) / 2.0;
        let met = if median <= goal { "yes" } else { "**no**" };
        let found = format!("{:.1}", 1.0 / median);
        table.row(&[&promise, &found, &(1.0 / goal), &met]);
    }
    format!("\n{table}")
}
