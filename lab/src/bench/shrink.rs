//! `bench shrink`: forests before and after `shrink`, under each of its promises.

use std::fmt::Write;

use anyhow::Context;
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::{self, Asked, candidates, so_far};
use spinney_pipeline::store;
use spinney_report::Shrink;

use super::python::{self, Line};

/// Data sets, with the column of labels and the seconds of counted steps that a proof may take.
const DATA: [(&str, &str, u32); 4] = [
    ("digits", "digit", 2),
    ("breast_cancer", "diagnosis", 2),
    ("wine", "cultivar", 10),
    ("iris", "species", 20),
];

/// Promises, with the share of splits that may be left.
const PROMISES: [(&str, f64); 3] = [("score", 0.125), ("every-row", 0.5), ("every-input", 0.5)];

/// Makes `reports/bench/shrink.json` and `shrink.md`; takes some minutes.
pub(crate) fn run() -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut table = String::new();
    for (data, label, seconds) in DATA {
        for n_trees in [50, 100] {
            let model = format!("kind = \"random-forest\", n_trees = {n_trees}");
            let name = format!("{}-{n_trees}", data.replace('_', "-"));
            let (_, bytes_before, _) = measure(data, label, &name, &model)?;
            for (promise, goal) in PROMISES {
                let case = format!("{data} {n_trees} trees, {promise}");
                let name = format!("{name}-{promise}");
                let mut model = format!("{model}, shrink = \"{promise}\"");
                if promise == "every-input" {
                    write!(model, ", shrink_seconds = {seconds}").expect("writing to a string");
                }
                let (n_rows, bytes, shrink) = measure(data, label, &name, &model)?;
                let shrink = shrink.context("the config asks for it").environment()?;
                let (before, after) = (shrink.splits_before, shrink.splits_after);
                let ratio = after as f64 / before as f64;
                table.push_str(&row(&case, n_rows, [bytes_before, bytes], &shrink));
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
    let markdown = HEAD.to_owned() + &table + &summary(&lines);
    python::commit("shrink", &lines, &markdown)
}

const HEAD: &str = "# Smaller models, under a promise\n\n\
     Made by `cargo xtask bench shrink`: random forests of unlimited depth by Spinney's own trainer, a quarter of \
     the rows kept for the test, `shrink` with 0.005 of accuracy for `score`, and for `every-input` 2 seconds of \
     counted steps on digits and breast cancer, 10 on wine and 20 on iris. Bytes are those of the model's tables in their \
     smallest form. Accuracies are float's, before and after; those kept apart are of the five folds that choose, \
     and of the test rows nothing is chosen by. [docs/shrink.md](../../docs/shrink.md) says what is promised.\n\n\
     ForestPrune (Liu and Mazumder, arXiv 2206.00128) states 20 times smaller models at a negligible loss, LOP \
     (Devos and others, ICML 2025) 10 to 100 times smaller ones than its competitors'; neither was run here, and \
     their data sets are others.\n\n\
     | case | splits | fewer | bytes | fewer | accuracy kept apart | accuracy on test rows | test rows that change | \
     counterexamples, unknown |\n\
     | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";

/// The number of test rows of a forest of a committed data set, the bytes of its smallest tables, and
/// what became of shrinking.
fn measure(
    data: &str,
    label: &str,
    name: &str,
    model: &str,
) -> Result<(usize, usize, Option<Shrink>), Failure> {
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
    let found = found.context("the stage quantize ran").environment()?;
    let forms = candidates::of(&outcome.session)?.into_iter();
    let bytes = forms.map(|form| form.table_bytes).min();
    let bytes = bytes.context("a model has a form").environment()?;
    Ok((found.dataset.test_rows, bytes, found.shrink))
}

fn row(case: &str, n_rows: usize, bytes: [usize; 2], shrink: &Shrink) -> String {
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
    let test = shrink.score_before.zip(shrink.score_after);
    let asked = match shrink.promise.as_str() {
        "every-input" => format!("{}, {}", shrink.counterexamples, shrink.unknown),
        _ => "–".to_owned(),
    };
    format!(
        "| {case} | {} | {} | {} | {} | {} of {n_rows} | {asked} |\n",
        fewer([shrink.splits_before, shrink.splits_after]),
        fewer(bytes),
        pair(shrink.kept_apart),
        pair(test.map(|(before, after)| [before, after])),
        shrink.test_rows_differing,
    )
}

/// The median of each promise, beside its goal.
fn summary(lines: &[Line]) -> String {
    let mut out =
        String::from("\n| promise | fewer, median | goal | met |\n| --- | ---: | ---: | --- |\n");
    for (promise, goal) in PROMISES {
        let of_promise = lines.iter().filter(|line| line.case.ends_with(promise));
        let mut ratios: Vec<f64> = of_promise.map(|line| line.ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let [.., _] = ratios[..] else { continue };
        let middle = ratios.len() / 2;
        let median = (ratios[middle] + ratios[(ratios.len() - 1) / 2]) / 2.0;
        let met = if median <= goal { "yes" } else { "**no**" };
        let (found, goal) = (1.0 / median, 1.0 / goal);
        writeln!(out, "| {promise} | {found:.1} | {goal} | {met} |").expect("writing to a string");
    }
    out
}
