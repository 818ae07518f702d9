//! What quantization knows about each feature: type, range and grid, from the training rows, the
//! model and what the config declares. Test rows never calibrate.

use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use spinney_model::{FloatModel, Node, Side, Test};

use crate::ModelError;
use crate::coding::ReadingType;

/// What a sensor delivers for one feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensor {
    /// Integers, 0 to 255.
    U8,
    /// Integers, −128 to 127.
    I8,
    /// Integers, 0 to 65,535.
    U16,
    /// Integers, −32,768 to 32,767.
    I16,
    /// Integers of 32 bits.
    I32,
    /// IEEE 754 singles.
    F32,
}

impl Sensor {
    /// The type's name in `pipeline.toml` and reports: `u8`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
        }
    }

    /// Bytes of a reading.
    pub fn n_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
        }
    }

    /// The range of integers that the sensor can deliver; `None` for singles.
    pub fn integers(self) -> Option<(f64, f64)> {
        match self {
            Self::U8 => Some((0.0, 255.0)),
            Self::I8 => Some((-128.0, 127.0)),
            Self::U16 => Some((0.0, 65_535.0)),
            Self::I16 => Some((-32_768.0, 32_767.0)),
            Self::I32 => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            Self::F32 => None,
        }
    }

    /// Whether the sensor can deliver `value`; singles are held to their range alone.
    fn delivers(self, value: f64) -> bool {
        match self.integers() {
            Some((low, high)) => value == value.floor() && (low..=high).contains(&value),
            None => value.abs() <= f64::from(f32::MAX),
        }
    }
}

/// How codes of a feature are to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodingChoice {
    /// Identity where the sensor's integers fit 16 bits, else affine.
    #[default]
    Auto,
    /// The reading itself; for integers that fit 16 bits.
    Identity,
    /// Scaled by a power of two and shifted into 16 bits.
    Affine,
    /// The number of the model's thresholds below the reading; trees only.
    Rank,
}

/// What a device receives for a missing reading. In float rows it is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// NaN, in rows of singles.
    Nan,
    /// This number, which is then no reading; in rows of singles NaN, too.
    Number(f64),
}

impl Missing {
    /// What is received, as a number.
    pub fn reading(self) -> f64 {
        match self {
            Self::Nan => f64::NAN,
            Self::Number(number) => number,
        }
    }

    fn is_delivered_by(self, sensor: Sensor) -> bool {
        match self {
            Self::Nan => sensor == Sensor::F32,
            Self::Number(number) => sensor.delivers(number),
        }
    }

    /// Its place among readings.
    pub(crate) fn mark(self, reading_type: ReadingType) -> i32 {
        reading_type.order(self.reading())
    }
}

/// What the config declares about one feature.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Declared {
    /// The sensor's type, if it is not to be told from the training rows.
    pub sensor: Option<Sensor>,
    /// Lowest and highest reading to be coded without saturation.
    pub range: Option<(f64, f64)>,
    /// The coding.
    pub coding: CodingChoice,
    /// How a missing reading is received; without it NaN where the sensor delivers singles and the
    /// model sends missing readings left somewhere, and none elsewhere.
    pub missing: Option<Missing>,
    /// The number of categories that readings are the places of; 0 for numbers.
    pub n_categories: u32,
}

/// What is known of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What the sensor delivers.
    pub sensor: Sensor,
    /// Readings within it are coded without saturation, inclusive.
    pub range: (f64, f64),
    /// The lowest and the highest reading there is, where that was declared, by a range or by
    /// categories; without it, readings are all that the sensor can deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
    /// Every reading seen is a multiple of `2^−grid_bits`; `None` if no such grid of at most 16
    /// bits was seen, or no rows were.
    pub grid_bits: Option<u8>,
    /// The coding asked for.
    pub coding: CodingChoice,
    /// What a missing reading is received as; `None` where none is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

impl Calibration {
    /// The lowest and the highest reading that what holds for every input is about.
    #[must_use]
    pub fn inputs(&self) -> (f64, f64) {
        let (first, last) = self.sensor.places();
        self.bounds
            .unwrap_or((self.sensor.reading_at(first), self.sensor.reading_at(last)))
    }

    /// Whether readings may be missing.
    pub fn is_missing(&self) -> bool {
        self.missing.is_some()
    }
}

/// Standard deviations around each class's mean that naive Bayes codes without saturation.
const SIGMAS: f64 = 8.0;
/// Share of the span of training readings that naive Bayes codes beyond either end of it.
const MARGIN: f64 = 0.25;
const GRID_BITS_MAX: u8 = 16;

/// Calibrates each feature of `model`.
///
/// `rows` are the training rows in float64, `n_rows` × `n_features`, if there are any, with NaN for
/// readings that are missing, which only singles can be; `declared`
/// has one entry per feature. A sensor that is not declared is `i16` (or `i32`) where every
/// training reading is such an integer, else `f32`. A range that is not declared spans the
/// readings and the thresholds, but for those that only part missing readings from all others; for naive Bayes the readings and a quarter of their span to either
/// side, or θ ± 8σ of each class where there are no rows.
///
/// Of a feature that the model does not use, nothing is asked: its readings may be any, and where
/// its type is neither declared nor to be told from rows, it is the narrowest, so that it makes no
/// row wider.
///
/// # Errors
/// For a feature that the model uses, a training reading that the declared sensor cannot deliver,
/// or a declared range that the sensor does not reach or no training reading lies in; for any, a
/// declared range that is empty.
///
/// # Panics
/// If `declared` or `rows` have another number of features than the model.
pub fn calibrate(
    model: &FloatModel,
    rows: Option<ArrayView2<'_, f64>>,
    declared: &[Declared],
) -> Result<Vec<Calibration>, ModelError> {
    let n_features = model.schema().n_features();
    assert_eq!(declared.len(), n_features, "one declaration per feature");
    let needed = needed_ranges(model);
    let inputs = model.inputs();
    let mut takes_missing_left = vec![false; n_features];
    for node in model.trees().iter().flat_map(spinney_model::Tree::nodes) {
        if let (Some((feature, _)), Some(Side::Left)) = (node.split(), node.missing()) {
            takes_missing_left[feature] = true;
        }
    }
    (0..n_features)
        .map(|feature| {
            let column = rows.as_ref().map(|rows| {
                let column = rows.index_axis(Axis(1), feature);
                let present = column.iter().copied().filter(|it| !it.is_nan());
                Column {
                    present: present.collect(),
                    has_gaps: column.iter().any(|it| it.is_nan()),
                }
            });
            let seen = column
                .as_ref()
                .and_then(|column| span(column.present.iter().copied()));
            let needed = match (model, seen) {
                // Rows seen tell more than θ ± 8σ, which a wide class would stretch for all.
                (FloatModel::GaussianNb(_), Some((low, high))) if low < high => {
                    let margin = (high - low) * MARGIN;
                    Some((low - margin, high + margin))
                }
                _ => needed[feature],
            };
            calibrate_feature(
                &model.schema().features()[feature].name,
                column,
                Needs {
                    is_used: inputs.binary_search(&feature).is_ok(),
                    takes_missing_left: takes_missing_left[feature],
                    seen,
                    needed,
                },
                declared[feature],
            )
        })
        .collect()
}

/// The training readings of a feature.
struct Column {
    /// Those that are there.
    present: Vec<f64>,
    has_gaps: bool,
}

/// What the model makes of a feature, and what its range has to hold.
struct Needs {
    is_used: bool,
    takes_missing_left: bool,
    seen: Option<(f64, f64)>,
    needed: Option<(f64, f64)>,
}

fn calibrate_feature(
    name: &str,
    column: Option<Column>,
    Needs {
        is_used,
        takes_missing_left,
        seen,
        needed,
    }: Needs,
    declared: Declared,
) -> Result<Calibration, ModelError> {
    let error = |found: String, expected: String| {
        ModelError::new(format!("feature \"{name}\""), found, expected)
    };
    let sensor = declared
        .sensor
        .unwrap_or_else(|| told_sensor(declared, column.as_ref(), is_used));
    let missing = match declared.missing {
        Some(missing) if !missing.is_delivered_by(sensor) => {
            return Err(error(
                format!("missing readings as {}", missing.reading()),
                match sensor.integers() {
                    Some((low, high)) => {
                        format!("an integer from {low} to {high}, as its type declares")
                    }
                    None => "NaN, or a number within the range of float32".to_owned(),
                },
            ));
        }
        None if sensor == Sensor::F32 && takes_missing_left => Some(Missing::Nan),
        declared => declared,
    };
    let has_gaps = column.as_ref().is_some_and(|column| column.has_gaps);
    if has_gaps && is_used && missing.is_none() && sensor != Sensor::F32 {
        return Err(error(
            "a training reading that is missing".to_owned(),
            "readings, or `missing` in [features] with what stands for none".to_owned(),
        ));
    }
    let column = column.map(|column| column.present);
    if let Some(reading) = column
        .iter()
        .flatten()
        .find(|reading| is_used && !sensor.delivers(**reading))
    {
        return Err(error(
            // Beyond what float32 holds, all digits of one would fill the screen.
            match reading.abs() > f64::from(f32::MAX) {
                true => format!("the training reading {reading:e}"),
                false => format!("the training reading {reading}"),
            },
            match sensor.integers() {
                Some((low, high)) => {
                    format!("integers from {low} to {high}, as its type declares")
                }
                None => "numbers within the range of float32".to_owned(),
            },
        ));
    }
    if let (Some((low, high)), Some(seen)) = (declared.range, seen)
        && is_used
        && low <= high
        && !(column.iter().flatten()).any(|reading| (low..=high).contains(reading))
    {
        return Err(error(
            format!("the range {low} to {high}, in which no training reading lies"),
            format!("one for readings of {} to {}", seen.0, seen.1),
        ));
    }
    let places = (declared.n_categories > 0).then(|| (0.0, f64::from(declared.n_categories - 1)));
    let bounds = declared.range.or(places);
    let mut range = match bounds {
        Some((low, high)) if low <= high => (low, high),
        Some((low, high)) => {
            return Err(error(
                format!("the range {low} to {high}"),
                "its lower end first".to_owned(),
            ));
        }
        None => match (seen, needed) {
            (Some(seen), Some(needed)) => (seen.0.min(needed.0), seen.1.max(needed.1)),
            (one, other) => one.or(other).unwrap_or((0.0, 1.0)),
        },
    };
    if let Some((low, high)) = sensor.integers() {
        range = (range.0.floor().max(low), range.1.ceil().min(high));
        // An integer has no negative zero, which a ceiling gives.
        range = (range.0 + 0.0, range.1 + 0.0);
        if range.0 > range.1 && !is_used {
            range = (low, high);
        }
        if range.0 > range.1 {
            let what = match declared.range {
                Some((low, high)) => format!("the range {low} to {high}"),
                None => match needed {
                    Some((low, high)) => format!("a model that needs {low} to {high}"),
                    None => "no reading".to_owned(),
                },
            };
            return Err(error(
                what,
                format!(
                    "{low} to {high}, as its type declares: is the type, or the unit, another?"
                ),
            ));
        }
    } else {
        let max = f64::from(f32::MAX);
        range = (range.0.clamp(-max, max), range.1.clamp(-max, max));
    }
    Ok(Calibration {
        sensor,
        range,
        bounds: bounds.map(|_| range),
        grid_bits: column.as_deref().and_then(grid_of),
        coding: declared.coding,
        missing,
    })
}

/// The narrowest sensor that delivers the places of categories, or the readings seen, and what stands
/// for a missing one.
fn told_sensor(declared: Declared, column: Option<&Column>, is_used: bool) -> Sensor {
    let has_nan = match declared.missing {
        Some(missing) => missing == Missing::Nan,
        None => column.is_some_and(|column| column.has_gaps),
    };
    if has_nan {
        return Sensor::F32;
    }
    let last = f64::from(declared.n_categories.saturating_sub(1));
    let needed: Vec<f64> = match (declared.n_categories, column) {
        (1.., _) => vec![0.0, last],
        (0, Some(column)) => column.present.clone(),
        (0, None) if is_used => return Sensor::F32,
        (0, None) => Vec::new(),
    };
    let sensors = match needed[..] {
        [] => &[Sensor::U8, Sensor::I16, Sensor::I32][..],
        _ if declared.n_categories == 0 => &[Sensor::I16, Sensor::I32],
        _ => &[Sensor::U8, Sensor::I16, Sensor::I32],
    };
    let delivers = |sensor: &Sensor| {
        let missing = declared.missing.map(Missing::reading);
        needed
            .iter()
            .chain(&missing)
            .all(|reading| sensor.delivers(*reading))
    };
    sensors
        .iter()
        .copied()
        .find(delivers)
        .unwrap_or(Sensor::F32)
}

/// The coarsest grid `2^−bits` that holds every reading.
fn grid_of(column: &[f64]) -> Option<u8> {
    (0..=GRID_BITS_MAX).find(|bits| {
        let scale = f64::from(1_u32 << bits);
        column.iter().all(|reading| {
            let scaled = reading * scale;
            scaled == scaled.floor() || reading.is_nan()
        })
    })
}

fn span(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |span, value| {
        let (low, high) = span.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// Whether a threshold lies among readings. One beyond the largest power of two that singles hold parts
/// missing readings from all others, or says that there is no limit; of the readings it tells nothing.
pub(crate) fn is_among_readings(threshold: f64) -> bool {
    threshold.abs() < 2.0_f64.powi(127)
}

/// Per feature the range that the model's own numbers need, from its lowest threshold among readings to
/// its highest, or as far as its classes reach; `None` for a feature that it does not ask for any.
pub fn needed_ranges(model: &FloatModel) -> Vec<Option<(f64, f64)>> {
    let n_features = model.schema().n_features();
    let mut ranges: Vec<Option<(f64, f64)>> = vec![None; n_features];
    let mut widen = |feature: usize, low: f64, high: f64| {
        let known = ranges[feature].unwrap_or((low, high));
        ranges[feature] = Some((known.0.min(low), known.1.max(high)));
    };
    match model {
        FloatModel::Forest(_) | FloatModel::Additive(_) => {
            for node in model.trees().iter().flat_map(spinney_model::Tree::nodes) {
                let Node::Split(split) = node else { continue };
                let feature = split.feature as usize;
                match &split.test {
                    Test::AtMost(threshold) => {
                        if is_among_readings(*threshold) {
                            widen(feature, *threshold, *threshold);
                        }
                    }
                    Test::Among(categories) => {
                        let last = categories.last().map_or(0.0, |last| f64::from(*last));
                        widen(feature, 0.0, last);
                    }
                }
            }
        }
        FloatModel::GaussianNb(bayes) => {
            for (means, variances) in bayes.means().iter().zip(bayes.variances()) {
                let numbers = means.iter().zip(variances);
                for (feature, (mean, variance)) in bayes.inputs().iter().zip(numbers) {
                    let reach = SIGMAS * variance.sqrt();
                    widen(*feature, mean - reach, mean + reach);
                }
            }
        }
    }
    ranges
}
