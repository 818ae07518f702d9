//! `agreement.md`: the cases as a table for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use spinney_model::Task;
use spinney_quantize::Level;
use spinney_report::Table;

use super::{AGREEMENT_MIN, Case, DROP_MAX, Sums};

pub(super) fn text(cases: &[Case]) -> String {
    let mut out = String::from(
        "# Agreement of float and Q15\n\n\
         Made by `cargo xtask bench agreement`. All rows of each data set, train and test; models \
         are trained and calibrated on three quarters of them. *Splits* is how far the proof \
         reaches that no split decides differently, *votes* the same of votes or scores. *Listed* \
         rows are those whose paths part or whose decision lies within the proven error bound; a \
         disagreement that is *not listed* would refute the certificate, and so would a \
         *counterexample* among the inputs tried: random ones and thresholds, the readings and \
         codes next to them, ends of ranges, NaN and infinities. For hard votes, the drop is \
         against scikit-learn's soft vote. The same rows then run through the verify image, built \
         for a Cortex-M0 and for a Cortex-M4F and emulated; *mismatches* are rows whose class or \
         any score there differs from the host's in any bit.\n\n",
    );
    let mut table = Table::new(
        "data | model | leaves | rows: | splits | votes | flip intervals: | listed: | disagreements: | \
         not listed: | agreement: | accuracy float: | Q15: | drop: | agreement with soft: | inputs tried: | \
         counterexamples: | rows compared: | M0 mismatches: | M4F mismatches:",
    );
    for case in cases.iter().filter(|case| case.sums.is_none()) {
        table.row(&[
            &case.dataset,
            &case.model,
            match case.voting.as_str() {
                "hard" => &"hard votes",
                _ => &case.leaves,
            },
            &case.n_rows,
            &case.splits.map_or("", Level::as_str),
            &case.votes.as_str(),
            &case.flip_intervals,
            &case.rows_listed,
            &case.disagreements,
            &case.disagreements_not_listed,
            &percent(case.agreement),
            &percents(&[case.accuracy_float, case.accuracy_q15, case.drop]),
            &percents(&[case.agreement_with_soft]),
            &asked(case),
        ]);
    }
    out += &table.to_string();
    additive(cases, &mut out);
    let missed: usize = cases.iter().map(|case| case.missed.len()).sum();
    let _ = writeln!(
        out,
        "\nAsked: splits for every input on digits, MNIST and of trees that add (but \
         hist-gradient-boosting, of which some thresholds are doubles of the rows themselves), for every row \
         elsewhere; full agreement of single trees and hard votes, at least {} of the others; at \
         most {} points of accuracy lost to Q15; neither of values of 8 bits; no error beyond what \
         is proven; nothing unlisted, no counterexample, no mismatch. {}",
        percent(AGREEMENT_MIN),
        DROP_MAX * 100.0,
        match missed {
            0 => "All of it holds.".to_owned(),
            n => format!("{n} of these are missed:"),
        }
    );
    for case in cases.iter().filter(|case| !case.missed.is_empty()) {
        let _ = writeln!(
            out,
            "- {} {} {}: {}",
            case.dataset,
            case.model,
            case.leaves,
            case.missed.join("; ")
        );
    }
    machines(cases, &mut out);
    out
}

/// Cells of inputs tried and of rows that all devices were asked.
fn asked(case: &Case) -> String {
    let compared = case.parity.iter().map(|parity| parity.rows_compared);
    let mut cells = vec![
        case.inputs_tried.to_string(),
        case.counterexamples.len().to_string(),
        compared.min().unwrap_or(0).to_string(),
    ];
    let of_core =
        |mismatches: Option<usize>| mismatches.map_or("not run".to_owned(), |n| n.to_string());
    cells.extend(case.parity.iter().map(|parity| of_core(parity.mismatches)));
    cells.join(" | ")
}

/// The models whose trees add: those with classes, and those with values.
fn additive<'a>(cases: &'a [Case], out: &mut String) {
    let with_sums = |case: &'a Case| Some((case, case.sums.as_ref()?));
    let (values, classes): (Vec<(&Case, &Sums)>, Vec<_>) = cases
        .iter()
        .filter_map(with_sums)
        .partition(|(_, sums)| sums.task == Task::Regress);
    out.push_str(
        "\n## Trees that add\n\nBoosting, regression and detection, by scikit-learn, XGBoost and LightGBM, \
         fitted by `scripts/agreement/models.py` and `scripts/fixtures/tasks.py` and imported; readings \
         are coded by rank, without a training row. *Gaps* are features whose readings may be missing, \
         *words* those of categories: inputs are tried without a reading, and with places beyond the \
         known ones.\n\n",
    );
    let mut table = Table::new(
        "data | model | task | leaves | rows: | gaps: | words: | splits | listed: | disagreements: | \
         not listed: | accuracy float: | Q15: | inputs tried: | counterexamples: | rows compared: | \
         M0 mismatches: | M4F mismatches:",
    );
    for (case, sums) in &classes {
        table.row(&[
            &case.dataset,
            &case.model,
            match sums.task {
                Task::Detect => &"detect",
                _ => &"classify",
            },
            &case.leaves,
            &case.n_rows,
            &sums.n_gaps,
            &sums.n_categories,
            &case.splits.map_or("", Level::as_str),
            &case.rows_listed,
            &case.disagreements,
            &case.disagreements_not_listed,
            &percents(&[case.accuracy_float, case.accuracy_q15]),
            &asked(case),
        ]);
    }
    let _ = write!(
        out,
        "{table}\nOf values, *error* is how far Q15 is off float, in the unit of the labels: the furthest of all \
         rows, the furthest of all inputs tried, and what is proven for every input that a sensor \
         can deliver; of two targets each figure is that of the worse.\n\n"
    );
    let mut table = Table::new(
        "data | model | leaves | rows: | gaps: | splits | R² float: | Q15: | error on rows: | on inputs: | \
         proven: | inputs tried: | counterexamples: | rows compared: | M0 mismatches: | M4F mismatches:",
    );
    for (case, sums) in &values {
        let values = sums.values.map_or(String::new(), |it| {
            format!(
                "{:.5} | {:.5} | {:.3e} | {:.3e} | {:.3e}",
                it.r2_float, it.r2_q15, it.error_rows, it.error_inputs, it.error_bound
            )
        });
        table.row(&[
            &case.dataset,
            &case.model,
            &case.leaves,
            &case.n_rows,
            &sums.n_gaps,
            &case.splits.map_or("", Level::as_str),
            &values,
            &asked(case),
        ]);
    }
    *out += &table.to_string();
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// Cells of shares, as far as there are any.
fn percents(shares: &[Option<f64>]) -> String {
    let cells = shares
        .iter()
        .map(|share| share.map_or(String::new(), percent));
    cells.collect::<Vec<_>>().join(" | ")
}

/// Which machine ran what.
fn machines(cases: &[Case], out: &mut String) {
    out.push_str("\nMachines:\n");
    let mut seen: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for case in cases {
        for parity in &case.parity {
            let why = parity
                .note
                .as_ref()
                .map(|note| format!("{} {} {}: {note}", case.dataset, case.model, case.leaves));
            seen.entry((&parity.core, &parity.machine))
                .or_default()
                .extend(why);
        }
    }
    for ((core, machine), notes) in seen {
        let _ = writeln!(out, "- {core}: {machine}");
        for note in notes {
            let _ = writeln!(out, "  - {note}");
        }
    }
}
