//! Recordings that were taken at another rate than the one that the device has.

use anyhow::anyhow;
use spinney_config::Rates;
use spinney_dataset::Note;
use spinney_signal::Pace;

use crate::failure::Failure;

/// What becomes of other rates, and of how many recordings it did.
pub(super) struct Resampled {
    to_hz: f64,
    /// The share by which a rate may differ.
    slack: f64,
    rates: Option<Rates>,
    n: usize,
    lowest: f64,
    highest: f64,
    source: String,
}

impl Resampled {
    pub(super) fn to(to_hz: f64, slack: f64, rates: Option<Rates>) -> Self {
        Self {
            to_hz,
            slack,
            rates,
            n: 0,
            lowest: f64::MAX,
            highest: 0.0,
            source: String::new(),
        }
    }

    /// The rates from and to which a recording is to be resampled, if it is.
    pub(super) fn change(
        &mut self,
        path: &str,
        pace: &Pace,
    ) -> Result<Option<(f64, f64)>, Failure> {
        let (rate, to_hz) = (pace.rate_hz, self.to_hz);
        if (rate / to_hz - 1.0).abs() <= self.slack {
            return Ok(None);
        }
        match self.rates {
            Some(Rates::Ignore) => return Ok(None),
            Some(Rates::Resample) => {}
            None if pace.is_stated => {}
            Some(Rates::Refuse) | None => {
                let (rate, by) = (in_short(rate), &pace.source);
                let ignore = if pace.is_stated {
                    ""
                } else {
                    ", `rates = \"ignore\"` where they are no times"
                };
                return Err(Failure::Input(anyhow!(
                    "{path}: found {rate} samples per second by {by}, expected {to_hz}, the \
                     `sample_rate` of [frontend]; `sample_rate = {rate}` takes them as they are, `rates = \"resample\"` in \
                     [dataset] resamples{ignore}"
                )));
            }
        }
        self.n += 1;
        self.lowest = self.lowest.min(rate);
        self.highest = self.highest.max(rate);
        if self.n == 1 {
            self.source.clone_from(&pace.source);
        }
        Ok(Some((rate, to_hz)))
    }

    /// What there is to say of recordings that were resampled.
    pub(super) fn note(&self) -> Option<Note> {
        let (low, high) = (in_short(self.lowest), in_short(self.highest));
        let from = match low == high {
            true => low,
            false => format!("{low} to {high}"),
        };
        (self.n > 0).then(|| {
            let text = format!(
                "{} recordings of {from} samples per second by {} are resampled to {}, the \
                 `sample_rate` of [frontend]",
                self.n, self.source, self.to_hz
            );
            Note::new("resampled", text)
        })
    }
}

/// A number of four digits.
fn in_short(rate: f64) -> String {
    let rate: f64 = format!("{rate:.3e}").parse().unwrap_or(rate);
    rate.to_string()
}
