//! Gates on a classifier that may say that it does not know.

use crate::accuracy_gates::{LAST_BIT, unlabelled};
use crate::gates::not_measured;
use crate::{Limits, Measured, RunOutcome, Verdict};

/// Judges what the config limits of answers and of *unknown*; nothing where a class is always given.
pub(crate) fn reject(limits: &Limits, measured: Measured<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let worth = &limits.accuracy;
    let Some((n_unknown, n_rows, found)) = measured.reject else {
        return verdicts;
    };
    let mut gate =
        |name: &str, limit: Option<f64>, found: Option<f64>, holds: bool, way_out: &str| {
            let Some(limit) = limit else { return };
            let way_out = || way_out.to_owned();
            verdicts.push(match found {
                Some(found) => Verdict::new(name, limit, found, holds, way_out),
                None => Verdict::without_figure(name, limit, holds, way_out()),
            });
        };
    if let Some(found) = found {
        let at_least =
            |limit: Option<f64>, found: f64| limit.is_none_or(|limit| found >= limit - LAST_BIT);
        gate(
            "min_coverage",
            worth.min_coverage,
            Some(found.coverage),
            at_least(worth.min_coverage, found.coverage),
            "the promise is about rows like those that calibrate: are the test rows others? else a \
             higher `coverage` in [reject], or more rows to calibrate on",
        );
        // Nobody is wrong where nobody answers, but nothing was measured either.
        let accuracy = found.accuracy_accepted;
        gate(
            "min_accuracy_accepted",
            worth.min_accuracy_accepted,
            accuracy,
            accuracy.is_some_and(|it| at_least(worth.min_accuracy_accepted, it)),
            if accuracy.is_some() {
                "a higher `coverage` in [reject] answers fewer rows, and those better; or a better model"
            } else {
                "every answer is unknown: a lower `coverage` in [reject], or a better model"
            },
        );
        let share = crate::metrics::ratio(found.false_alarms, n_rows);
        gate(
            "max_false_alarms",
            worth.max_false_alarms,
            Some(share),
            worth
                .max_false_alarms
                .is_none_or(|limit| share <= limit + LAST_BIT),
            "a smaller `outliers` in [reject]; or are the test rows unlike those of training?",
        );
    } else {
        let typed = [
            ("min_coverage", worth.min_coverage),
            ("min_accuracy_accepted", worth.min_accuracy_accepted),
            ("max_false_alarms", worth.max_false_alarms),
        ];
        for (name, limit) in typed {
            verdicts.extend(limit.map(|limit| unlabelled(name, limit)));
        }
    }
    if let Some(limit) = worth.max_unknown {
        let share = crate::metrics::ratio(n_unknown, n_rows);
        let holds = share <= limit + LAST_BIT;
        verdicts.push(Verdict::new("max_unknown", limit, share, holds, || {
            "a lower `coverage` in [reject] answers more rows, and some of them wrongly; or a better model"
                .to_owned()
        }));
    }
    verdicts.extend(cost(limits, measured));
    verdicts
}

/// Judges what the answer *unknown* adds to the image and to an inference.
fn cost(limits: &Limits, measured: Measured<'_>) -> impl Iterator<Item = Verdict> {
    let cost = measured.reject_cost;
    let judged = |gate: &str, limit: Option<u64>, found: Option<f64>, device: RunOutcome<'_>| {
        let limit = limit?;
        let Some(found) = found else {
            return Some(not_measured(gate, limit, device));
        };
        let pass = found <= limit as f64;
        Some(Verdict::new(gate, limit, found, pass, || {
            "a margin alone takes little: leave out `outliers` in [reject], whose isolation forest \
             takes the most"
                .to_owned()
        }))
    };
    let unbuilt = "the same form without [reject] was not built, as the image was not";
    let flash = cost.map(|it| it.flash_bytes as f64);
    let flash = judged(
        "reject_flash",
        limits.reject_flash,
        flash,
        RunOutcome::Failed(unbuilt),
    );
    let device = match measured.device {
        RunOutcome::Ran(_) => RunOutcome::Failed(
            "the same form without [reject] does not run, or gives another class than the host",
        ),
        other => other,
    };
    let slower = cost.and_then(|it| it.instructions);
    let slower = judged(
        "reject_instructions",
        limits.reject_instructions,
        slower,
        device,
    );
    [flash, slower].into_iter().flatten()
}
