//! Decisions of a stretch of samples: how many there are, and what each should come to.

use crate::{Interval, SoundFront};

/// The samples that decisions are made of: those after the last whole decision are left out. What is
/// shorter than one decision is left as it is, and what is shorter than a frame is filled up to one
/// with silence.
#[must_use]
pub fn trimmed(front_end: &SoundFront, mut samples: Vec<i16>) -> Vec<i16> {
    let n_samples = match front_end.n_whole_decisions(samples.len()) {
        0 => samples.len().max(front_end.bank.n_points),
        n => (n - 1) * front_end.n_samples_per_decision() + front_end.n_samples_heard(),
    };
    samples.resize(n_samples, 0);
    samples
}

/// The label of each of `n_decisions`.
///
/// An interval belongs to a decision if it shares at least half of the shorter of the two; of
/// several the one that shares most, of equals the earlier. Where there is none the label is
/// `background`.
#[must_use]
pub fn labels_of(
    front_end: &SoundFront,
    intervals: &[Interval],
    n_decisions: usize,
    background: &str,
) -> Vec<String> {
    let length = front_end.n_samples_per_decision();
    let mut labels = vec![(0, background); n_decisions];
    for interval in intervals {
        let (first, last) = (interval.start / length, (interval.end - 1) / length);
        let shorter = length.min(interval.end - interval.start);
        for decision in first..=last.min(n_decisions.saturating_sub(1)) {
            let start = interval.start.max(decision * length);
            let end = interval.end.min((decision + 1) * length);
            let shared = end - start;
            if let Some((most, label)) = labels.get_mut(decision)
                && 2 * shared >= shorter
                && shared > *most
            {
                (*most, *label) = (shared, &interval.label);
            }
        }
    }
    labels
        .into_iter()
        .map(|(_, label)| label.to_owned())
        .collect()
}
