//! Decisions of a stretch of samples: how many there are, and what each should come to.

use std::ops::Range;

use crate::trigger::Length;
use crate::{FrontEnd, Interval, MotionFront, SoundFront};

/// The samples that decisions are made of: those after the last whole decision are left out, unless a
/// trigger opens decisions anywhere. What is shorter than one decision is left as it is, and what is
/// shorter than a frame is filled up to one with silence.
#[must_use]
pub fn trimmed(front_end: &SoundFront, mut samples: Vec<i16>) -> Vec<i16> {
    let n_whole = match front_end.trigger {
        Some(_) => 0,
        None => front_end.n_whole_decisions(samples.len()),
    };
    let n_samples = match n_whole {
        0 => samples.len().max(front_end.bank.n_points),
        n => (n - 1) * front_end.n_samples_per_step() + front_end.n_samples_heard(),
    };
    samples.resize(n_samples, 0);
    samples
}

impl SoundFront {
    /// The decisions of a recording, as a device makes them: for each its samples, of which its label
    /// tells. The frames of one reach beyond these where they overlap, unless a trigger opens it.
    #[must_use]
    pub fn decisions(&self, samples: &[i16]) -> Vec<Range<usize>> {
        match self.trigger {
            Some(_) => self.opened(&self.filtered(samples)),
            None => {
                let (length, step) = (self.n_samples_per_decision(), self.n_samples_per_step());
                let decisions = 0..self.n_decisions(samples.len());
                let starts = decisions.map(|at| at * step);
                starts.map(|start| start..start + length).collect()
            }
        }
    }

    /// The samples as frames have them.
    pub(crate) fn filtered<'s>(&self, samples: &'s [i16]) -> std::borrow::Cow<'s, [i16]> {
        match &self.filter {
            Some(filter) => {
                let biquads = filter.biquads(self.bank.sample_rate_hz);
                biquads.filtered(samples, 1).into()
            }
            None => samples.into(),
        }
    }

    /// The decisions that a trigger opens; none without one.
    pub(crate) fn opened(&self, filtered: &[i16]) -> Vec<Range<usize>> {
        let length = Length {
            n_whole: self.n_samples_heard(),
            n_least: self.bank.n_points,
        };
        (self.trigger).map_or_else(Vec::new, |it| it.decisions(filtered, 1, length))
    }
}

impl MotionFront {
    /// The windows of a recording, as a device takes them: for each its samples.
    #[must_use]
    pub fn decisions(&self, values: &[i16]) -> Vec<Range<usize>> {
        self.windows(&self.filtered(values))
    }

    /// The samples as windows have them.
    pub(crate) fn filtered<'s>(&self, values: &'s [i16]) -> std::borrow::Cow<'s, [i16]> {
        match &self.filter {
            Some(filter) => {
                let biquads = filter.biquads(self.sample_rate_hz);
                biquads.filtered(values, self.channels.len()).into()
            }
            None => values.into(),
        }
    }

    /// The windows of filtered samples.
    pub(crate) fn windows(&self, filtered: &[i16]) -> Vec<Range<usize>> {
        let (n_channels, n) = (self.channels.len().max(1), usize::from(self.n_samples));
        let length = Length {
            n_whole: n,
            n_least: n,
        };
        match self.trigger {
            Some(it) => it.decisions(filtered, n_channels, length),
            None => {
                let windows = 0..self.n_windows(filtered.len() / n_channels);
                let starts = windows.map(|at| at * usize::from(self.hop.get()));
                starts.map(|start| start..start + n).collect()
            }
        }
    }
}

impl FrontEnd {
    /// The decisions of a recording: for each its samples.
    #[must_use]
    pub fn decisions(&self, values: &[i16]) -> Vec<Range<usize>> {
        match self {
            Self::Sound(sound) => sound.decisions(values),
            Self::Motion(motion) => motion.decisions(values),
        }
    }

    /// How many decisions a recording gives, and how many of them a stream would, which come first.
    #[must_use]
    pub fn n_decisions(&self, values: &[i16]) -> (usize, usize) {
        let decisions = self.decisions(values);
        let n_whole = match self {
            Self::Sound(sound) if sound.trigger.is_some() => {
                let n_heard = sound.n_samples_heard();
                decisions.iter().filter(|it| it.len() == n_heard).count()
            }
            Self::Sound(sound) => sound.n_whole_decisions(values.len()),
            Self::Motion(_) => decisions.len(),
        };
        (decisions.len(), n_whole)
    }

    /// The highest level that would have opened the gate on these samples, which did not: `None` without a
    /// trigger.
    #[must_use]
    pub fn loudest(&self, values: &[i16]) -> Option<u16> {
        Some(match self {
            Self::Sound(sound) => (sound.trigger?).most(&sound.filtered(values), 1),
            Self::Motion(motion) => {
                (motion.trigger?).most(&motion.filtered(values), motion.channels.len())
            }
        })
    }
}

/// The label of each of `decisions`, which begin and end in turn.
///
/// An interval belongs to a decision if it shares at least half of the shorter of the two; of several
/// intervals the one that shares most, of equals the earlier. Where there is none the label is
/// `background`.
#[must_use]
pub fn labels_of(
    decisions: &[Range<usize>],
    intervals: &[Interval],
    background: &str,
) -> Vec<String> {
    let mut labels = vec![(0, background); decisions.len()];
    for interval in intervals {
        let first = decisions.partition_point(|it| it.end <= interval.start);
        for (decision, label) in decisions.iter().zip(&mut labels).skip(first) {
            if decision.start >= interval.end {
                break;
            }
            let start = interval.start.max(decision.start);
            let shared = interval.end.min(decision.end) - start;
            let shorter = decision.len().min(interval.end - interval.start);
            if 2 * shared >= shorter && shared > label.0 {
                *label = (shared, &interval.label);
            }
        }
    }
    labels
        .into_iter()
        .map(|(_, label)| label.to_owned())
        .collect()
}
