//! What a trigger does to recordings: how many reach it, and for how long.

use std::ops::Range;

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use spinney_dataset::Note;
use spinney_signal::Trigger;

use crate::failure::Failure;

/// Recordings, and the decisions that a trigger opens in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triggered {
    pub n_recordings: usize,
    /// Of these, without a decision.
    pub n_quiet: usize,
    pub n_decisions: usize,
    /// Samples in all; of each channel one.
    pub n_samples: usize,
    /// Of these, in decisions.
    pub n_open: usize,
}

impl Triggered {
    /// Adds a recording of so many values.
    pub(super) fn add(&mut self, n_values: usize, decisions: &[Range<usize>]) {
        self.n_recordings += 1;
        self.n_quiet += usize::from(decisions.is_empty());
        self.n_decisions += decisions.len();
        self.n_samples += n_values;
        self.n_open += decisions.iter().map(Range::len).sum::<usize>();
    }

    /// The same of samples with a value of each channel.
    pub(super) fn per_channel(self, n_channels: usize) -> Self {
        Self {
            n_samples: self.n_samples / n_channels.max(1),
            ..self
        }
    }

    /// That there is a decision; with a note of recordings without.
    pub(super) fn check(
        &self,
        trigger: &Trigger,
        name: &str,
        loudest: Option<u16>,
        notes: &mut Vec<Note>,
    ) -> Result<(), Failure> {
        let (n, n_quiet, level) = (self.n_recordings, self.n_quiet, trigger.level);
        if n_quiet == 0 {
            return Ok(());
        }
        if n_quiet < n {
            let text = format!(
                "trigger: {n_quiet} of {n} {name} recordings never reach it, and give no row"
            );
            notes.push(Note::new("quiet-recording", text));
            return Ok(());
        }
        let most = loudest.unwrap_or(0);
        let way = match most {
            0 => "all samples of each block are alike".to_owned(),
            _ => format!(
                "`trigger = {}` in [frontend] would open some",
                most.div_ceil(2)
            ),
        };
        let block = trigger.n_block;
        Err(Failure::Input(anyhow!(
            "the {name} recordings never reach `trigger`: found a deviation of {most} at the most, over \
             blocks of {block} samples, expected {level}; {way}"
        )))
    }

    /// How often recordings at so many samples per second trigger a decision, and for how long.
    pub(super) fn note(&self, sample_rate_hz: f64) -> Note {
        let text = format!(
            "trigger: in the test recordings the gate is open {:.1} % of the time, {} decisions or {:.1} an hour",
            100.0 * self.n_open as f64 / self.n_samples.max(1) as f64,
            self.n_decisions,
            self.decisions_per_hour(sample_rate_hz),
        );
        Note::new("triggered", text)
    }

    /// Decisions in an hour of recordings at so many samples per second.
    pub fn decisions_per_hour(&self, sample_rate_hz: f64) -> f64 {
        3600.0 * sample_rate_hz * self.n_decisions as f64 / self.n_samples.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    #[test]
    fn quiet_recordings_are_told_of() {
        let trigger = Trigger {
            level: NonZeroU16::new(300).unwrap(),
            n_block: NonZeroU16::MIN,
            n_before: 0,
        };
        let mut triggered = Triggered::default();
        triggered.add(1000, &[0..100, 300..400]);
        let check = |it: &Triggered, loudest| {
            let mut notes = Vec::new();
            let checked = it.check(&trigger, "test", loudest, &mut notes);
            let notes = notes.into_iter().map(|it| it.text).collect::<Vec<_>>();
            let told = |failure| match failure {
                Failure::Input(error) => error.to_string(),
                other => panic!("{other:?}"),
            };
            (checked.map_err(told), notes.concat())
        };
        assert_eq!(check(&triggered, Some(301)), (Ok(()), String::new()));
        triggered.add(3000, &[]);
        let (checked, notes) = check(&triggered, Some(301));
        assert_eq!(checked, Ok(()));
        assert_eq!(
            notes,
            "trigger: 1 of 2 test recordings never reach it, and give no row"
        );
        // Of two channels: a tenth of 2,000 samples, two decisions in 20 s.
        let both = triggered.per_channel(2);
        let note = both.note(100.0).text;
        assert!(
            note.ends_with("open 10.0 % of the time, 2 decisions or 360.0 an hour"),
            "{note}"
        );
        let mut quiet = Triggered::default();
        quiet.add(10, &[]);
        let (told, notes) = check(&quiet, Some(123));
        assert!(notes.is_empty());
        assert_eq!(
            told.unwrap_err(),
            "the test recordings never reach `trigger`: found a deviation of 123 at the most, over \
             blocks of 1 samples, expected 300; `trigger = 62` in [frontend] would open some"
        );
        let (told, _) = check(&quiet, Some(0));
        assert!(told.unwrap_err().ends_with("of each block are alike"));
    }
}
