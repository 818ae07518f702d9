//! `agreement.md`: the cases as a table for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use spinney_quantize::Level;

use super::{AGREEMENT_MIN, Case, DROP_MAX};

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
         any score there differs from the host's in any bit.\n\n\
         | data | model | leaves | rows | splits | votes | flip intervals | listed | disagreements | \
         not listed | agreement | accuracy float | Q15 | drop | agreement with soft | inputs tried | \
         counterexamples | rows compared | M0 mismatches | M4F mismatches |\n\
         | --- | --- | --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | \
         ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    for case in cases {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            case.dataset,
            case.model,
            if case.voting == "hard" {
                "hard votes"
            } else {
                &case.leaves
            },
            case.n_rows,
            case.splits.map_or("", Level::as_str),
            case.votes.as_str(),
            case.flip_intervals,
            case.rows_listed,
            case.disagreements,
            case.disagreements_not_listed,
            percent(case.agreement),
            percent(case.accuracy_float),
            percent(case.accuracy_q15),
            percent(case.drop),
            case.agreement_with_soft.map_or(String::new(), percent),
            case.inputs_tried,
            case.counterexamples.len(),
            case.parity
                .iter()
                .map(|parity| parity.rows_compared)
                .min()
                .unwrap_or(0),
            case.parity
                .iter()
                .map(|parity| parity
                    .mismatches
                    .map_or("not run".to_owned(), |mismatches| mismatches.to_string()))
                .collect::<Vec<_>>()
                .join(" | ")
        );
    }
    let missed: usize = cases.iter().map(|case| case.missed.len()).sum();
    let _ = writeln!(
        out,
        "\nAsked: splits for every input on digits and MNIST, for every row elsewhere; full \
         agreement of single trees and hard votes, at least {} of the others; at most {} points of \
         accuracy lost to Q15; nothing unlisted, no counterexample, no mismatch. {}",
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
