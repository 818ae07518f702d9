//! Gates on what the quantized model is worth on the test rows, and on what Q15 costs.

use crate::gates::at_most;
use crate::{AccuracyLimits, Advice, Evaluation, Measured, Verdict, at_fault};

/// A share of exactly the limit holds, whatever the last bit says.
pub(crate) const LAST_BIT: f64 = 1e-12;

/// Judges what the config limits: the model itself first, then its conversion.
pub(crate) fn accuracy(limits: &AccuracyLimits, measured: Measured<'_>) -> Vec<Verdict> {
    let mut verdicts = worth(limits, measured);
    let (n_disagreements, n_rows) = measured.disagreements;
    if let Some(limit) = limits.max_drop {
        verdicts.push(match measured.evaluation {
            Some(evaluation) => Verdict::new(
                "max_drop",
                limit,
                evaluation.drop,
                evaluation.drop <= limit + LAST_BIT,
                || {
                    "`cargo xtask explain --row N` shows where a row of predictions.csv parts"
                        .to_owned()
                },
            ),
            None => unlabelled("max_drop", limit),
        });
    }
    if let Some(limit) = limits.min_agreement {
        let agreement = crate::metrics::ratio(n_rows - n_disagreements, n_rows);
        verdicts.push(Verdict::new(
            "min_agreement",
            limit,
            agreement,
            agreement >= limit,
            || at_fault(measured.certificate, measured.features),
        ));
    }
    if let Some(limit) = limits.max_disagreements {
        verdicts.push(at_most(
            "max_disagreements",
            limit.into(),
            n_disagreements as u64,
            |_| at_fault(measured.certificate, measured.features),
        ));
    }
    verdicts
}

/// The gates on the quantized model's own accuracy.
fn worth(limits: &AccuracyLimits, measured: Measured<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if !measured.values.is_empty() {
        return verdicts;
    }
    let Some(evaluation) = measured.evaluation else {
        let named = limits
            .min_recall
            .iter()
            .map(|(class, limit)| (recall_gate(class), *limit));
        let typed = [
            ("min_accuracy", limits.min_accuracy),
            ("min_balanced_accuracy", limits.min_balanced_accuracy),
        ];
        let typed = typed
            .into_iter()
            .filter_map(|(gate, limit)| Some((gate.to_owned(), limit?)));
        verdicts.extend(
            typed
                .chain(named)
                .map(|(gate, limit)| unlabelled(&gate, limit)),
        );
        return verdicts;
    };
    let (float, q15) = (&evaluation.float, &evaluation.q15);
    if limits.better_than_majority
        && measured.detection.is_none()
        && let Some((class, n_majority)) = q15.majority()
    {
        let n_rows = q15.n_rows();
        let name = measured.classes.get(class).map_or("?", String::as_str);
        verdicts.push(Verdict::new(
            "better_than_majority",
            crate::metrics::ratio(n_majority, n_rows),
            q15.accuracy,
            q15.n_right() > n_majority,
            || no_better(name, n_majority, n_rows),
        ));
    }
    if let Some(limit) = limits.min_accuracy {
        verdicts.push(Verdict::new(
            "min_accuracy",
            limit,
            q15.accuracy,
            q15.accuracy >= limit - LAST_BIT,
            || {
                let (low, high) = q15.interval();
                format!(
                    "{} of {} rows are right, 95 % interval {low:.4} to {high:.4}; {}",
                    q15.n_right(),
                    q15.n_rows(),
                    too_low(evaluation, float.accuracy >= limit, measured.classes)
                )
            },
        ));
    }
    if let Some(limit) = limits.min_balanced_accuracy {
        let holds = |found: Option<f64>| found.is_some_and(|it| it >= limit - LAST_BIT);
        let found = q15.balanced_accuracy();
        verdicts.push(Verdict::new(
            "min_balanced_accuracy",
            limit,
            found.unwrap_or(0.0),
            holds(found),
            || {
                too_low(
                    evaluation,
                    holds(float.balanced_accuracy()),
                    measured.classes,
                )
            },
        ));
    }
    for (name, limit) in &limits.min_recall {
        let gate = recall_gate(name);
        let index = measured.classes.iter().position(|class| class == name);
        let scores = index.and_then(|index| q15.classes.get(index));
        let Some((index, scores)) = index.zip(scores.filter(|scores| scores.support > 0)) else {
            let why = format!("no test row is of the class \"{name}\"");
            verdicts.push(Verdict::without_figure(&gate, *limit, false, why));
            continue;
        };
        let pass = scores.recall >= limit - LAST_BIT;
        verdicts.push(Verdict::new(&gate, *limit, scores.recall, pass, || {
            let n_right = q15.confusion[index][index];
            let taken = confusions(evaluation, measured.classes, |label| label == index);
            let taken = taken.map_or(String::new(), |taken| format!(": {taken}"));
            let conversion = if float.classes[index].recall >= *limit {
                "; float reaches the limit, so the conversion costs it"
            } else {
                ""
            };
            format!(
                "{n_right} of {} rows of \"{name}\" are found{taken}{conversion}",
                scores.support
            )
        }));
    }
    verdicts
}

fn recall_gate(class: &str) -> String {
    format!("min_recall.{class}")
}

/// A gate on labels where there are none has not been measured, and so has failed.
pub(crate) fn unlabelled(gate: &str, limit: f64) -> Verdict {
    let why = "the test rows have no labels: name their column in [dataset] label";
    Verdict::without_figure(gate, limit, false, why.to_owned())
}

fn no_better(class: &str, n_majority: usize, n_rows: usize) -> Advice {
    if n_majority == n_rows {
        return format!(
            "every test row is of the class \"{class}\", which no model can tell better than by \
             naming it: rows of other classes belong into the test, or \
             `better_than_majority = false` into [accuracy]"
        );
    }
    format!(
        "naming \"{class}\" every time is right in {n_majority} of {n_rows} rows, so the model is \
         worth nothing here: do the columns tell the classes apart, and are their order and units \
         those that the model was fitted on? `better_than_majority = false` in [accuracy] accepts it"
    )
}

/// Whether training or conversion is to be looked at, and the classes that are mixed up most.
fn too_low(evaluation: &Evaluation, float_holds: bool, classes: &[String]) -> Advice {
    if float_holds {
        return "float reaches the limit, so the conversion costs it; \
                `require_certificate = \"every-row\"` in [accuracy] names the splits at fault"
            .to_owned();
    }
    let most = confusions(evaluation, classes, |_| true);
    let most = most.map_or(String::new(), |most| format!("; most often {most}"));
    format!("float does not reach the limit either, so look at data and training{most}")
}

/// The labels that are most often taken for another class, at most three, in words.
fn confusions(
    evaluation: &Evaluation,
    classes: &[String],
    of: impl Fn(usize) -> bool,
) -> Option<String> {
    const SHOWN: usize = 3;
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (label, counts) in evaluation.q15.confusion.iter().enumerate() {
        for (predicted, n) in counts.iter().enumerate() {
            if label != predicted && *n > 0 && of(label) {
                pairs.push((*n, label, predicted));
            }
        }
    }
    pairs.sort_by_key(|(n, ..)| std::cmp::Reverse(*n));
    let name = |class: usize| classes.get(class).map_or("?", String::as_str);
    let shown: Vec<String> = pairs
        .iter()
        .take(SHOWN)
        .map(|&(n, label, predicted)| {
            format!(
                "\"{}\" was taken for \"{}\" ({n})",
                name(label),
                name(predicted)
            )
        })
        .collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}
