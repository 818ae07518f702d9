//! What a report has of the properties that a config states.

use serde::{Deserialize, Serialize};
use spinney_evaluate::{Quantity, Verdict};

/// A property, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// What must hold, in words.
    pub says: String,
    /// Whether it does.
    pub verdict: Truth,
    /// A row that breaks it, or two that differ in one feature: name and reading of each feature that
    /// the model asks, without a reading where it is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counterexample: Vec<Vec<(String, Option<f64>)>>,
    /// What drifting readings do to the test rows, where it is about these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

/// Whether a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// For every input that it is about.
    Proven,
    /// There is an input for which it does not.
    Refuted,
    /// The steps ended before either was known.
    Unknown,
}

/// How test rows fare while all their readings drift at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The largest drift, as a share of each feature's range.
    pub share: f64,
    /// The least share of rows that must keep their class.
    pub min_share: f64,
    /// Test rows.
    pub rows: usize,
    /// Rows that keep their class whatever the readings do.
    pub kept: usize,
    /// Rows of which nobody knows, as the steps ended.
    pub unknown: usize,
    /// The smallest drift that changes a row's class; `None` where none does.
    pub smallest: Option<f64>,
}

/// Readings of a counterexample that a sentence has room for.
const SHOWN: usize = 8;

impl Property {
    /// What became of it, in a sentence without its stop.
    pub fn line(&self) -> String {
        let verdict = match self.verdict {
            Truth::Proven => "proven for every input".to_owned(),
            Truth::Refuted => format!("refuted, by {}", self.rows_in_words()),
            Truth::Unknown => "unknown: the search took all its steps".to_owned(),
        };
        let verdict = match &self.drift {
            Some(drift) => drift.in_words(),
            None => verdict,
        };
        format!("{}: {verdict}", self.says)
    }

    /// The gate on it; `place` is that of the property in the config.
    pub fn gate(&self, place: &str) -> Verdict {
        let (limit, found, note) = match &self.drift {
            Some(drift) => (
                Quantity::Number(drift.min_share),
                Quantity::Number(drift.kept as f64 / drift.rows.max(1) as f64),
                drift.in_words(),
            ),
            None => {
                let word = |truth: Truth| match truth {
                    Truth::Proven => Quantity::Word("proven".to_owned()),
                    Truth::Refuted => Quantity::Word("refuted".to_owned()),
                    Truth::Unknown => Quantity::Word("unknown".to_owned()),
                };
                let note = match self.verdict {
                    Truth::Unknown => {
                        "a larger `seconds`, narrower ranges in `within`, or a smaller model"
                            .to_owned()
                    }
                    _ => self.rows_in_words(),
                };
                (word(Truth::Proven), word(self.verdict), note)
            }
        };
        let pass = self.verdict == Truth::Proven;
        Verdict::new(place, limit, found, pass, || note)
    }

    fn rows_in_words(&self) -> String {
        let reading = |(name, reading): &(String, Option<f64>)| match reading {
            Some(reading) => format!("{name} = {reading}"),
            None => format!("{name} missing"),
        };
        // Of two rows, what differs between them.
        if let [first, second] = &self.counterexample[..]
            && let Some((before, after)) = first.iter().zip(second).find(|(a, b)| a != b)
        {
            let others = first.iter().filter(|it| *it != before).map(reading);
            let (others, more) = shortened(others.collect());
            return format!(
                "{}, then {}, at {others}{more}",
                reading(before),
                reading(after)
            );
        }
        let rows = self.counterexample.first().into_iter().flatten();
        let (readings, more) = shortened(rows.map(reading).collect());
        format!("{readings}{more}")
    }
}

fn shortened(readings: Vec<String>) -> (String, String) {
    let more = match readings.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more, which report.json has"),
    };
    let shown: Vec<String> = readings.into_iter().take(SHOWN).collect();
    (shown.join(", "), more)
}

impl Drift {
    fn in_words(&self) -> String {
        let mut words = format!("{} of {} test rows keep their class", self.kept, self.rows);
        if let Some(smallest) = self.smallest {
            words += "; the smallest drift that changes one is ";
            words += &match (smallest * 1e5).round() / 1e3 {
                0.0 => "less than 0.001 %".to_owned(),
                percent => format!("{percent} %"),
            };
        }
        if self.unknown > 0 {
            words += &format!(
                "; of {} nobody knows, as the search took all its steps",
                self.unknown
            );
        }
        words
    }
}
