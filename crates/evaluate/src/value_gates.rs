//! Gates on what a regressor's values are worth and what Q15 costs them, and on a detector's scores.

use crate::accuracy_gates::{LAST_BIT, unlabelled};
use crate::{AccuracyLimits, Measured, Quantity, ValueEvaluation, Verdict, at_fault};

/// Judges what the config limits of values and scores; nothing of models that have none.
pub(crate) fn values(limits: &AccuracyLimits, measured: Measured<'_>) -> Vec<Verdict> {
    let worst = |judged: &dyn Fn(&ValueEvaluation) -> Option<Verdict>| {
        let of_target = |it: &'_ ValueEvaluation| Some((it.target.clone(), judged(it)?));
        worst(measured.values.iter().filter_map(of_target).collect())
    };
    let mut verdicts: Vec<Verdict> = [
        worst(&|it| Some(r2(limits.min_r2?, it))),
        worst(&|it| Some(mae_growth(limits.max_mae_growth?, it, measured))),
        worst(&|it| Some(error(limits.max_error?, it, measured))),
        worst(&beyond),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let (Some(detection), Some(limit)) = (measured.detection, limits.min_auc) {
        let auc = detection.auc_q15;
        let pass = auc.is_some_and(|auc| auc >= limit - LAST_BIT);
        let note = match auc {
            None => Some(
                "the test rows have no labels of both kinds: name their column in [dataset] label, \
                 and the label of normal rows in `normal`"
                    .to_owned(),
            ),
            Some(_) if pass => None,
            Some(_) => Some(source(detection.auc_float.is_some_and(|auc| auc >= limit))),
        };
        verdicts.push(verdict("min_auc", limit, auc, note));
    }
    verdicts
}

/// The verdict of the target that is furthest beyond the limit, or nearest to it, by its name where there
/// are several; the first of those that are as far.
fn worst(verdicts: Vec<(String, Verdict)>) -> Option<Verdict> {
    let n_targets = verdicts.len();
    // What has no figure failed for want of one.
    let excess = |verdict: &Verdict| match (&verdict.found, &verdict.limit) {
        (Some(Quantity::Number(found)), Quantity::Number(limit)) => {
            let sign = if verdict.gate.starts_with("min_") {
                -1.0
            } else {
                1.0
            };
            sign * (found - limit)
        }
        _ => f64::INFINITY,
    };
    let order = |verdict: &Verdict| (!verdict.pass, excess(verdict));
    let worst =
        verdicts.into_iter().reduce(
            |worst, it| match order(&it.1).partial_cmp(&order(&worst.1)) {
                Some(std::cmp::Ordering::Greater) => it,
                _ => worst,
            },
        );
    let (target, verdict) = worst?;
    if n_targets == 1 {
        return Some(verdict);
    }
    let of_target = format!("the worst of {n_targets} targets is {target:?}");
    let note = match verdict.note {
        Some(note) => format!("{of_target}: {note}"),
        None => of_target,
    };
    Some(Verdict {
        note: Some(note),
        ..verdict
    })
}

fn verdict(gate: &str, limit: f64, found: Option<f64>, note: Option<String>) -> Verdict {
    Verdict {
        gate: gate.to_owned(),
        limit: Quantity::Number(limit),
        found: found.map(Quantity::Number),
        pass: note.is_none(),
        note,
    }
}

/// Where the loss comes from.
fn source(float_holds: bool) -> String {
    if float_holds {
        "float reaches the limit, so the conversion costs it; wider leaves or finer codes lose less"
    } else {
        "float does not reach the limit either, so look at data and training"
    }
    .to_owned()
}

fn r2(limit: f64, values: &ValueEvaluation) -> Verdict {
    let (Some(float), Some(q15)) = (values.float, values.q15) else {
        return unlabelled("min_r2", limit);
    };
    let holds = |r2: Option<f64>| r2.is_some_and(|r2| r2 >= limit - LAST_BIT);
    let note = match q15.r2 {
        None => {
            Some("all test rows have the same label, of which nothing can be explained".to_owned())
        }
        it if holds(it) => None,
        Some(_) => Some(source(holds(float.r2))),
    };
    verdict("min_r2", limit, q15.r2, note)
}

fn mae_growth(limit: f64, values: &ValueEvaluation, measured: Measured<'_>) -> Verdict {
    let (Some(growth), Some(float), Some(q15)) = (values.mae_growth(), values.float, values.q15)
    else {
        return unlabelled("max_mae_growth", limit);
    };
    let note = (growth > limit + LAST_BIT).then(|| {
        format!(
            "from {} to {}{}",
            significant(float.mae),
            significant(q15.mae),
            remedy(measured)
        )
    });
    // JSON has no infinity.
    verdict(
        "max_mae_growth",
        limit,
        growth.is_finite().then_some(growth),
        note,
    )
}

/// What is proven for every input is judged; where that is nothing, what was found on the rows.
fn error(limit: f64, values: &ValueEvaluation, measured: Measured<'_>) -> Verdict {
    let found = values.error_bound.unwrap_or(values.error_max);
    let pass = found <= limit;
    let note = match values.error_bound {
        Some(_) if pass => None,
        Some(_) if values.error_max <= limit => Some(format!(
            "proven for every input; on the test rows it is at most {}. Wider leaves have a smaller \
             bound",
            significant(values.error_max)
        )),
        Some(_) => Some(
            "wider leaves, or fewer trees, have a smaller error; `votes = \"auto\"` in [quantize] takes \
             as wide ones as the limit asks for"
                .to_owned(),
        ),
        None => Some(format!(
            "found on the test rows; nothing is proven for every input{}",
            remedy(measured)
        )),
    };
    Verdict {
        pass,
        ..verdict("max_error", limit, Some(found), note)
    }
}

/// Not a limit of the config: a row beyond its own bound refutes the proof of it.
fn beyond(values: &ValueEvaluation) -> Option<Verdict> {
    let bound = values.row_bound_max?;
    let n = values.rows_beyond;
    let note =
        (n > 0).then(|| format!("rows beyond their proven bound: {n}; this is a fault of Spinney"));
    Some(verdict("value_error", bound, Some(values.error_max), note))
}

/// What would mend splits that decide some rows otherwise, if there are any.
fn remedy(measured: Measured<'_>) -> String {
    if measured.certificate.remedies.is_empty() {
        return String::new();
    }
    format!("; {}", at_fault(measured.certificate, measured.features))
}

/// A number with the digits that say something.
pub(crate) fn significant(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}
