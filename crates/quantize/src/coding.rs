//! The coding of one feature: chosen from its calibration, applied by the runtime itself.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use spinney_runtime::coding::{self as runtime, Reading, SingleBits};

use crate::calibrate::{Calibration, CodingChoice, Sensor};
use crate::{ModelError, flip, limits};

/// The type in which a whole row of readings reaches the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadingType {
    /// Bytes.
    U8,
    /// 16-bit integers.
    I16,
    /// 32-bit integers.
    I32,
    /// IEEE 754 singles.
    F32,
}

impl ReadingType {
    /// A reading as the device receives it: rounded to a type of fewer digits, or cut to a range.
    pub fn received(self, reading: f64) -> f64 {
        match self {
            Self::U8 => f64::from(to_u8(reading)),
            Self::I16 => f64::from(to_i16(reading)),
            Self::I32 => f64::from(to_i32(reading)),
            Self::F32 => f64::from(to_f32(reading)),
        }
    }

    /// The narrowest type that holds what all sensors deliver.
    pub(crate) fn for_sensors(sensors: impl Iterator<Item = Sensor>) -> Self {
        sensors.fold(Self::U8, |widest, sensor| match (widest, sensor) {
            (Self::F32, _) | (_, Sensor::F32) => Self::F32,
            (Self::I32, _) | (_, Sensor::I32 | Sensor::U16) => Self::I32,
            (Self::U8, Sensor::U8) => Self::U8,
            _ => Self::I16,
        })
    }

    /// The type's name in Rust.
    pub fn rust_name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
        }
    }

    /// Size of one reading in bytes.
    pub fn n_bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
        }
    }

    /// Hands a reading over as the device receives it.
    pub(crate) fn with(self, reading: f64, visit: impl Visit) -> i16 {
        match self {
            Self::U8 => visit.visit(to_u8(reading)),
            Self::I16 => visit.visit(to_i16(reading)),
            Self::I32 => visit.visit(to_i32(reading)),
            Self::F32 => visit.visit(SingleBits(to_f32(reading).to_bits())),
        }
    }

    /// The place of a reading among all of its type.
    pub(crate) fn order(self, reading: f64) -> i32 {
        match self {
            Self::U8 => to_u8(reading).order(),
            Self::I16 => to_i16(reading).order(),
            Self::I32 => to_i32(reading).order(),
            Self::F32 => SingleBits(to_f32(reading).to_bits()).order(),
        }
    }

    /// The lowest number of the type.
    pub(crate) fn lowest(self) -> f64 {
        match self {
            Self::U8 => 0.0,
            Self::I16 => f64::from(i16::MIN),
            Self::I32 => f64::from(i32::MIN),
            Self::F32 => f64::NEG_INFINITY,
        }
    }

    /// A reading as the device receives it, little-endian; integers saturate.
    pub(crate) fn put(self, reading: f64, bytes: &mut Vec<u8>) {
        match self {
            Self::U8 => bytes.push(to_u8(reading)),
            Self::I16 => bytes.extend(to_i16(reading).to_le_bytes()),
            Self::I32 => bytes.extend(to_i32(reading).to_le_bytes()),
            Self::F32 => bytes.extend(to_f32(reading).to_le_bytes()),
        }
    }
}

/// What is made of a reading of whatever type.
pub(crate) trait Visit {
    /// Makes a code.
    fn visit<R: Reading>(self, reading: R) -> i16;
}

impl Visit for runtime::Coding<'_> {
    fn visit<R: Reading>(self, reading: R) -> i16 {
        self.code(reading)
    }
}

impl Visit for runtime::Sets<'_> {
    fn visit<R: Reading>(self, reading: R) -> i16 {
        let mut codes = [0];
        self.write(reading, &mut codes);
        codes[0]
    }
}

// Casts: `as` saturates, which is meant.
fn to_u8(reading: f64) -> u8 {
    reading as u8
}

// Casts: `as` saturates, which is meant.
fn to_i16(reading: f64) -> i16 {
    reading as i16
}

// Casts: `as` saturates, which is meant.
fn to_i32(reading: f64) -> i32 {
    reading as i32
}

// Casts: singles are what the device receives.
fn to_f32(reading: f64) -> f32 {
    reading as f32
}

/// How one feature becomes a code; the owned twin of the runtime's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// `⌊reading · 2^shift⌋ − offset`, saturated to 16 bits.
    Affine {
        /// Binary digits that the reading is scaled up by.
        shift: i8,
        /// Subtracted after scaling.
        offset: i32,
    },
    /// Number of cuts below the reading.
    Rank {
        /// Cuts as the runtime orders readings, ascending.
        cuts: Vec<i32>,
    },
    /// 0 for the members of a set of categories, 1 for all other readings.
    Set {
        /// What stands for a missing reading, as the runtime orders readings.
        mark: i32,
        /// 1 for members: first of a missing reading, then of each category, as far as there are
        /// members.
        members: Vec<u8>,
    },
}

/// Binary digits that readings are scaled by.
const SHIFTS: std::ops::RangeInclusive<i8> = -120..=SHIFT_MAX;
const SHIFT_MAX: i8 = 100;
/// Scaled readings stay within it, so that offsets are `i32`.
const SCALED_MAX: f64 = 2_147_000_000.0;

impl Coding {
    /// The code of a reading is the reading.
    pub const IDENTITY: Self = Self::Affine {
        shift: 0,
        offset: 0,
    };

    /// The name of the coding in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Affine {
                shift: 0,
                offset: 0,
            } => "identity",
            Self::Affine { .. } => "affine",
            Self::Rank { .. } => "rank",
            Self::Set { .. } => "set",
        }
    }

    /// Flash that the coding's own numbers take: scale and offset, or the cuts; nothing for the
    /// identity.
    pub fn table_bytes(&self) -> usize {
        match self {
            &Self::IDENTITY => 0,
            Self::Affine { .. } => size_of::<runtime::Affine>(),
            Self::Rank { cuts } => size_of_val(cuts.as_slice()),
            // A bit each.
            Self::Set { members, .. } => members.len().div_ceil(8),
        }
    }

    /// Refuses a coding that none of the choices below could have made, of the feature of this name.
    pub(crate) fn check(&self, feature: &str) -> Result<(), ModelError> {
        let (is_one, found, expected) = match self {
            Self::Affine { shift, .. } if !SHIFTS.contains(shift) => (
                false,
                format!("a shift of {shift}"),
                format!("{} to {}", SHIFTS.start(), SHIFTS.end()),
            ),
            Self::Affine { offset, .. } => (
                f64::from(*offset).abs() <= SCALED_MAX,
                format!("an offset of {offset}"),
                format!("{SCALED_MAX} at most, of either sign"),
            ),
            Self::Rank { cuts } => {
                limits::CUTS.check(format!("feature \"{feature}\""), cuts.len())?;
                (
                    cuts.windows(2).all(|pair| pair[0] < pair[1]),
                    "cuts in another order".to_owned(),
                    "ascending ones, none twice".to_owned(),
                )
            }
            Self::Set { .. } => (
                false,
                "a set of categories".to_owned(),
                "a coding of numbers".to_owned(),
            ),
        };
        if is_one {
            return Ok(());
        }
        Err(ModelError::new(
            format!("the coding of feature \"{feature}\""),
            found,
            expected,
        ))
    }

    /// The code of a set of categories, places in ascending order, and of a missing reading if it goes
    /// with them.
    pub(crate) fn set(mark: i32, categories: &[u32], has_missing: bool) -> Self {
        let n_rows = categories.last().map_or(0, |last| *last as usize + 1) + 1;
        let mut members = vec![0; n_rows];
        members[0] = u8::from(has_missing);
        for category in categories {
            members[*category as usize + 1] = 1;
        }
        Self::Set { mark, members }
    }

    /// The categories of a set; none of another coding.
    pub fn categories(&self) -> Vec<u32> {
        let Self::Set { members, .. } = self else {
            return Vec::new();
        };
        let categories = (0..).zip(&members[1..]);
        categories
            .filter(|(_, is_member)| **is_member != 0)
            .map(|(category, _)| category)
            .collect()
    }

    /// Whether a missing reading goes with the members of a set.
    pub fn has_missing(&self) -> bool {
        matches!(self, Self::Set { members, .. } if members[0] != 0)
    }

    /// The code of a raw reading, computed by the runtime as the device computes it.
    pub fn code(&self, reading_type: ReadingType, reading: f64) -> i16 {
        match self {
            Self::Affine { shift, offset } => {
                let (shift, offset) = (*shift, *offset);
                let affine = runtime::Affine { shift, offset };
                reading_type.with(reading, runtime::Coding::Affine(affine))
            }
            Self::Rank { cuts } => {
                reading_type.with(reading, runtime::Coding::Rank(runtime::Rank { cuts }))
            }
            Self::Set { mark, members } => {
                let set = runtime::Sets {
                    mark: *mark,
                    feature: 0,
                    first: 0,
                    n_sets: 1,
                    members,
                };
                reading_type.with(reading, set)
            }
        }
    }

    /// The last of `places`, whose readings `at` gives in ascending order, that has a code of at most
    /// `threshold`: what a split sends left are the readings up to it. `None` if there is none.
    pub fn last_left(
        &self,
        reading_type: ReadingType,
        threshold: i16,
        places: RangeInclusive<i64>,
        at: impl Fn(i64) -> f64,
    ) -> Option<i64> {
        let is_left = |place: i64| self.code(reading_type, at(place)) <= threshold;
        let (first, last) = places.into_inner();
        let left = flip::last_left((first, last), is_left);
        (left >= first).then_some(left)
    }

    /// Chooses an affine coding or the identity.
    pub(crate) fn affine_for(calibration: &Calibration) -> Self {
        let identity_fits = matches!(calibration.sensor, Sensor::U8 | Sensor::I8 | Sensor::I16);
        if identity_fits && calibration.coding != CodingChoice::Affine {
            return Self::IDENTITY;
        }
        let max_shift = match calibration.sensor {
            Sensor::F32 => SHIFT_MAX,
            // An integer has no digits below the point to be kept.
            _ => 0,
        };
        match Self::affine_within(calibration.range, max_shift) {
            // Of singles the highest code is NaN's, which the identity keeps for no one.
            Self::IDENTITY if calibration.sensor == Sensor::F32 => Self::Affine {
                shift: 0,
                offset: 1,
            },
            coding => coding,
        }
    }

    /// The finest power-of-two grid on which `range` fits 16 bits, with a code to spare at either
    /// end, so that neither a threshold nor NaN meets a saturated code.
    pub(crate) fn affine_within(range: (f64, f64), max_shift: i8) -> Self {
        const CODES: f64 = 65_536.0 - 3.0;
        let (low, high) = range;
        let shift = (-120..=max_shift)
            .rev()
            .find(|shift| {
                let scale = exp2(*shift);
                let (low, high) = ((low * scale).floor(), (high * scale).floor());
                high - low <= CODES && low.abs().max(high.abs()) <= SCALED_MAX
            })
            .unwrap_or(-120);
        let scale = exp2(shift);
        let middle = f64::midpoint((low * scale).floor(), (high * scale).floor()).floor();
        // Casts: bounded by SCALED_MAX.
        let offset = middle as i32;
        Self::Affine { shift, offset }
    }

    /// The finest power-of-two grid on which the span of `cuts`, ascending, takes codes 0 to 254;
    /// readings beyond get codes that decide like 0 and 255. `None` if scaled cuts leave 32 bits.
    pub(crate) fn affine_narrow(cuts: &[f64], sensor: Sensor) -> Option<Self> {
        const SPAN: f64 = 254.0;
        let max_shift = if sensor == Sensor::F32 { SHIFT_MAX } else { 0 };
        let (low, high) = (*cuts.first()?, *cuts.last()?);
        let shift = (-120..=max_shift).rev().find(|shift| {
            let scale = exp2(*shift);
            let (low, high) = ((low * scale).floor(), (high * scale).floor());
            high - low <= SPAN && low.abs().max(high.abs()) <= SCALED_MAX
        })?;
        // Casts: bounded by SCALED_MAX.
        let offset = (low * exp2(shift)).floor() as i32;
        Some(Self::Affine { shift, offset })
    }

    /// The rank coding of the given cuts, ascending, each the largest reading on its left. With
    /// `below` a missing reading may lie below all readings, and so may a cut.
    pub fn rank_for(reading_type: ReadingType, cuts: &[f64], below: bool) -> Self {
        let mut cuts: Vec<i32> = cuts
            .iter()
            .map(|cut| match below && *cut < reading_type.lowest() {
                true => i32::MIN,
                false => reading_type.order(*cut),
            })
            .collect();
        cuts.dedup();
        Self::Rank { cuts }
    }
}

/// `2^exponent`, exact.
pub(crate) fn exp2(exponent: i8) -> f64 {
    2.0_f64.powi(i32::from(exponent))
}

/// The largest float32 that is not above `value`.
pub fn round_down(value: f64) -> f32 {
    let near = to_f32(value);
    if f64::from(near) > value {
        near.next_down()
    } else {
        near
    }
}
