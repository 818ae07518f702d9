//! Samples as Edge Impulse exports them: JSON with an interval, sensors and their readings.

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use spinney_dataset::{Budget, DataError};

use crate::Pace;

/// What a value of JSON takes until it is a reading.
const MARKS: &[spinney_dataset::limits::JsonMark] =
    &[(b'{', 640), (b':', 128), (b'[', 64), (b',', 16)];

#[derive(Deserialize)]
struct File {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    interval_ms: f64,
    sensors: Vec<Sensor>,
    values: Values,
}

#[derive(Deserialize)]
struct Sensor {
    name: String,
}

/// Readings in turn: lists of one per sensor, or numbers of the only one.
struct Values {
    readings: Vec<f64>,
    /// How many readings each list has; those of `n_lists` rows.
    n_rows: usize,
    row: usize,
}

/// A reading, or a row of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    One(f64),
    All(Vec<f64>),
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = Values;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of readings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Values, A::Error> {
                let mut values = Values {
                    readings: Vec::new(),
                    n_rows: 0,
                    row: 1,
                };
                while let Some(row) = rows.next_element()? {
                    let row: &[f64] = match &row {
                        Row::One(reading) => std::slice::from_ref(reading),
                        Row::All(row) => row,
                    };
                    if values.n_rows == 0 {
                        values.row = row.len();
                    } else if values.row != row.len() {
                        return Err(serde::de::Error::custom(format!(
                            "{} readings in row {}, and {} before",
                            row.len(),
                            values.n_rows + 1,
                            values.row
                        )));
                    }
                    values.readings.extend(row);
                    values.n_rows += 1;
                }
                Ok(values)
            }
        }
        deserializer.deserialize_seq(Rows)
    }
}

/// A sample of some sensors.
pub(crate) struct Sample {
    pub names: Vec<String>,
    /// Row by row, a reading per sensor.
    pub readings: Vec<f64>,
    pub pace: Pace,
}

/// Whether a file is such a sample, by how it begins.
pub(crate) fn is_sample(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// The sensors of a sample of Edge Impulse, and how often per second they were read.
///
/// # Errors
/// Anything but such a sample.
pub fn sensors(bytes: &[u8]) -> Result<(Vec<String>, f64), DataError> {
    if !is_sample(bytes) {
        return Err(DataError::new(
            "the file",
            "no sample",
            "one of Edge Impulse",
        ));
    }
    let sample = read(bytes, &Budget::of(bytes.len()))?;
    Ok((sample.names, sample.pace.rate_hz))
}

/// Reads a sample.
///
/// # Errors
/// JSON that is none, rows of other lengths than there are sensors, an interval that is none.
pub(crate) fn read(bytes: &[u8], budget: &Budget) -> Result<Sample, DataError> {
    const EXPECTED: &str =
        "a sample of Edge Impulse: `payload` with `interval_ms`, `sensors` and `values`";
    budget.take_json("the sample", bytes, MARKS)?;
    let file: File = serde_json::from_slice(bytes)
        .map_err(|error| DataError::new("the JSON", error.to_string(), EXPECTED))?;
    let Payload {
        interval_ms,
        sensors,
        values,
    } = file.payload;
    if values.row != sensors.len() || values.n_rows == 0 {
        return Err(DataError::new(
            "`payload.values`",
            format!("{} rows of {} readings", values.n_rows, values.row),
            format!("rows of {}, one for each of `sensors`", sensors.len()),
        ));
    }
    let rate_hz = 1000.0 / interval_ms;
    if !(rate_hz.is_finite() && rate_hz > 0.0) {
        return Err(DataError::new(
            "`payload.interval_ms`",
            interval_ms.to_string(),
            "milliseconds from one sample to the next, above 0",
        ));
    }
    Ok(Sample {
        names: sensors.into_iter().map(|it| it.name).collect(),
        readings: values.readings,
        pace: Pace {
            rate_hz,
            source: format!("its `interval_ms` of {interval_ms}"),
            is_stated: true,
        },
    })
}
