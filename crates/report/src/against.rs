//! Gates on what may have moved since a baseline.

use spinney_evaluate::Verdict;

use crate::Comparison;

impl Comparison<'_> {
    /// The gate on how much flash may have been added; `limit` in bytes.
    pub fn flash_growth(&self, limit: u64) -> Verdict {
        let gate = "max_flash_growth";
        let Some((before, after)) = self.footprints() else {
            let why = "the baseline has no size of an image; take the report.json of a whole run";
            return Verdict::without_figure(gate, limit, false, why.to_owned());
        };
        if !self.is_comparable() {
            let note = format!(
                "the baseline is of another toolchain ({}); `flash` alone gates the size until a \
                 baseline is made with this one",
                self.toolchains()
            );
            return Verdict::without_figure(gate, limit, true, note);
        }
        let (before, after) = (before.flash_bytes, after.flash_bytes);
        let grown = after.saturating_sub(before);
        Verdict::new(gate, limit, grown, grown <= limit, || {
            format!(
                "from {before} to {after} bytes; fewer or shallower trees, or a new baseline if the \
                 growth is meant"
            )
        })
    }

    /// The gate on how much accuracy of Q15 may have been lost; `limit` is a share.
    pub fn accuracy_loss(&self, limit: f64) -> Verdict {
        let (before, after) = (self.before.accuracy.q15, self.after.accuracy.q15);
        let n_rows = [self.before, self.after].map(|report| report.dataset.test_rows);
        let gate = "max_accuracy_loss";
        let (Some(before), Some(after)) = (before, after) else {
            let why = match before {
                None => "the baseline has no accuracy, since its test rows had no labels",
                Some(_) => "the test rows have no labels",
            };
            return Verdict::without_figure(gate, limit, false, why.to_owned());
        };
        let loss = (before - after).max(0.0);
        // A loss of exactly the limit is no more than it, whatever the last bit says.
        Verdict::new(gate, limit, loss, loss <= limit + 1e-12, || {
            format!(
                "from {before:.4} on {} test rows to {after:.4} on {}; look at what data, training or \
                 quantization changed, or make a new baseline if the loss is meant",
                n_rows[0], n_rows[1]
            )
        })
    }
}
