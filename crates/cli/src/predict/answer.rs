//! What `predict --json` prints.

use serde::Serialize;

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub rows: usize,
    /// Share of the rows that are right; `null` without labels.
    pub accuracy: Option<f64>,
    pub rows_right: Option<usize>,
    /// Mean distance of values from labels; absent without labels, and of classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_absolute_error: Option<OneOrAll>,
    pub seconds: f64,
    /// The class of each row; absent where there are values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<&'a str>>,
    /// The value of each row, of a regressor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<OneOrAll>>,
    /// The classes that scores are of, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_classes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<&'a [Vec<i64>]>,
    /// What a device said; absent on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<&'a DeviceAnswer>,
}

/// The number of one target, or a list of several.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum OneOrAll {
    One(f64),
    All(Vec<f64>),
}

impl OneOrAll {
    /// `None` of none.
    pub(super) fn of(numbers: Vec<f64>) -> Option<Self> {
        match numbers[..] {
            [] => None,
            [one] => Some(Self::One(one)),
            _ => Some(Self::All(numbers)),
        }
    }
}

/// How a device's answers compare with the host's, and what it told of them.
#[derive(Debug, Serialize)]
pub(super) struct DeviceAnswer {
    /// Whether scores were compared, besides classes.
    pub has_scores: bool,
    /// Rows, from 0, whose bits are not the host's.
    pub mismatches: Vec<usize>,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// Ticks per prediction, by this clock of the device; `null` where it has none.
    pub ticks: Option<Ticks>,
}

/// What a device's clock counted.
#[derive(Debug, Serialize)]
pub(super) struct Ticks {
    /// `systick`, `cyccnt` (cycles) or `mcycle`.
    pub clock: String,
    pub mean: f64,
    pub max: u32,
}

impl DeviceAnswer {
    pub(super) fn in_words(&self, n_rows: usize) -> String {
        let compared = if self.has_scores {
            "classes and scores"
        } else {
            "classes"
        };
        match self.mismatches.first() {
            None => format!("{n_rows} rows, all {compared} equal the host's"),
            Some(first) => format!(
                "{} of {n_rows} rows differ from the host's in {compared}, the first is row \
                 {first}; the image may be of another quantization: build and flash it anew",
                self.mismatches.len()
            ),
        }
    }
}
