//! Gates on what may have moved since a baseline.

use spinney_evaluate::{Quantity, Verdict};

use crate::Comparison;

impl Comparison<'_> {
    /// The gate on how much flash may have been added; `limit` in bytes.
    #[must_use]
    pub fn flash_growth(&self, limit: u64) -> Verdict {
        let verdict = |found: Option<Quantity>, pass: bool, note: Option<String>| Verdict {
            gate: "max_flash_growth".to_owned(),
            limit: Quantity::Count(limit),
            found,
            pass,
            note,
        };
        if !self.is_comparable() {
            let note = format!(
                "the baseline is of another toolchain ({}); `flash` alone gates the size until a \
                 baseline is made with this one",
                self.toolchains()
            );
            return verdict(None, true, Some(note));
        }
        let (before, after) = (
            self.before.footprint.flash_bytes,
            self.after.footprint.flash_bytes,
        );
        let grown = after.saturating_sub(before);
        let pass = grown <= limit;
        let note = (!pass).then(|| {
            format!(
                "from {before} to {after} bytes; fewer or shallower trees, or a new baseline if the \
                 growth is meant"
            )
        });
        verdict(Some(Quantity::Count(grown)), pass, note)
    }

    /// The gate on how much accuracy of Q15 may have been lost; `limit` is a share.
    #[must_use]
    pub fn accuracy_loss(&self, limit: f64) -> Verdict {
        let (before, after) = (self.before.accuracy.q15, self.after.accuracy.q15);
        let n_rows = [self.before, self.after].map(|report| report.dataset.test_rows);
        let (found, note) = match (before, after) {
            (Some(before), Some(after)) => {
                let loss = (before - after).max(0.0);
                // A loss of exactly the limit is no more than it, whatever the last bit says.
                let note = (loss > limit + 1e-12).then(|| {
                    format!(
                        "from {before:.4} on {} test rows to {after:.4} on {}; look at what data, \
                         training or quantization changed, or make a new baseline if the loss is \
                         meant",
                        n_rows[0], n_rows[1]
                    )
                });
                (Some(Quantity::Number(loss)), note)
            }
            (None, _) => (
                None,
                Some("the baseline has no accuracy, since its test rows had no labels".to_owned()),
            ),
            (_, None) => (None, Some("the test rows have no labels".to_owned())),
        };
        Verdict {
            gate: "max_accuracy_loss".to_owned(),
            limit: Quantity::Number(limit),
            pass: note.is_none(),
            found,
            note,
        }
    }
}
