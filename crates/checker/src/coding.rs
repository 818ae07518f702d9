//! Readings in their order, the code of each, and what a split makes of them.

use spinney_model::{Compare, Node, Schema, Side, Test};

use crate::claim::{Claim, Coding, Input, Sensor};
use crate::{Fault, Kind};

const INFINITY: i64 = 0x7f80_0000;

/// All inputs, and which of them are made of a feature.
pub(crate) struct Inputs {
    pub cells: Vec<Cells>,
    pub of_feature: Vec<Vec<usize>>,
}

/// One input with its codes laid out: which readings have which code.
///
/// Readings are *keys*, integers in the readings' order: integers themselves, and of singles the
/// bits, negated below the sign for negative ones. NaN has no key, and codes of sets have no cells.
pub(crate) struct Cells {
    input: Input,
    received: Sensor,
    is_narrow: bool,
    /// The lowest and highest key that the certificate speaks of.
    pub range: (i64, i64),
    pub lowest: i32,
    /// Per code, from the lowest on, its first and last key; first > last if it has none.
    pub cells: Vec<(i64, i64)>,
}

impl Inputs {
    pub(crate) fn new(schema: &Schema, claim: &Claim) -> Result<Self, Fault> {
        let mut of_feature = vec![Vec::new(); schema.n_features()];
        if ![8, 16].contains(&claim.code_bits) {
            let what = format!(
                "{} bits, where there are codes of 8 and of 16",
                claim.code_bits
            );
            return Err(Fault::new(Kind::Coding, "the codes", what));
        }
        for (at, input) in claim.inputs.iter().enumerate() {
            let Some(known) = of_feature.get_mut(input.feature) else {
                let place = format!("feature {}", input.feature);
                return Err(Fault::new(
                    Kind::Coding,
                    place,
                    "the model has no such feature",
                ));
            };
            known.push(at);
        }
        let cells = claim.inputs.iter().map(|input| Cells::new(input, claim));
        let cells = cells.collect::<Result<_, _>>()?;
        Ok(Self { cells, of_feature })
    }

    /// The code that a node of a float tree asks, and its threshold among codes, as far as the claim
    /// has one that sends missing readings where the node wants them; `None` if no code is made of the
    /// feature.
    pub(crate) fn asked(&self, node: &Node, schema: &Schema) -> Option<(usize, i32)> {
        let Node::Split(split) = node else {
            return None;
        };
        let feature = split.feature as usize;
        let compare = schema.features()[feature].compare;
        let of_feature = self.of_feature[feature].iter();
        let mut all = of_feature.filter_map(|input| {
            let cells = &self.cells[*input];
            let code = match (&split.test, &cells.input.coding) {
                (Test::Among(asked), Coding::Set { categories, .. }) => {
                    (categories == asked).then_some(0)?
                }
                (Test::Among(_), _) | (_, Coding::Set { .. }) => return None,
                (Test::AtMost(threshold), _) => cells.threshold(*threshold, compare),
            };
            let Some(missing) = cells.missing_code() else {
                return Some((*input, code, true));
            };
            let wants_left = split.missing == Some(Side::Left);
            // Where no reading goes left, a missing one still may.
            let code = match wants_left {
                true if code < cells.lowest => missing,
                _ => code,
            };
            Some((*input, code, (missing <= code) == wants_left))
        });
        let first = all.next()?;
        let right = std::iter::once(first).chain(all).find(|it| it.2);
        let (input, code, _) = right.unwrap_or(first);
        Some((input, code))
    }

    /// The codes of a row of readings, as the device receives them.
    pub(crate) fn codes(&self, row: &[f64]) -> Vec<i32> {
        let code = |cells: &Cells| cells.code(row[cells.input.feature]);
        self.cells.iter().map(code).collect()
    }
}

impl Cells {
    fn new(input: &Input, claim: &Claim) -> Result<Self, Fault> {
        let mut this = Self {
            input: input.clone(),
            received: claim.reading,
            is_narrow: claim.code_bits == 8,
            range: (0, 0),
            lowest: if claim.code_bits == 8 { 0 } else { -32_768 },
            cells: Vec::new(),
        };
        let (low, high) = keys(input.sensor);
        let first =
            |holds: &dyn Fn(f64) -> bool| first_key((low, high), &|key| holds(this.value(key)));
        let (from, to) = input.range;
        this.range = (first(&|at| at >= from), first(&|at| at > to) - 1);
        // An order is proven by looking where there is an end to it, and by its formula elsewhere.
        let is_ordered = match &input.coding {
            Coding::Set { categories, .. } if categories.is_sorted() => return Ok(this),
            Coding::Set { .. } => false,
            Coding::Rank { cuts } => cuts.is_sorted(),
            Coding::Affine { .. } => {
                high - low > 65_535
                    || (low..=high).is_sorted_by_key(|key| this.number(this.value(key)))
            }
        };
        if !is_ordered {
            let place = format!("feature {}", input.feature);
            return Err(Fault::new(
                Kind::Coding,
                place,
                "codes fall where readings rise",
            ));
        }
        let mut start = low;
        for code in this.lowest..this.lowest + (1 << claim.code_bits) {
            let end = first_key((start, high), &|key| this.number(this.value(key)) > code);
            this.cells.push((start, end - 1));
            start = end;
        }
        Ok(this)
    }

    /// The reading of a key.
    pub(crate) fn value(&self, key: i64) -> f64 {
        reading(self.input.sensor, key)
    }

    /// The code of a reading, once the device has received it. NaN is a missing one, where readings may
    /// be missing.
    pub(crate) fn code(&self, reading: f64) -> i32 {
        match &self.input.missing {
            Some(_) if self.is_missing(reading) => self.own_missing_code(),
            _ => self.number(reading),
        }
    }

    /// Whether a reading stands for a missing one.
    pub(crate) fn is_missing(&self, reading: f64) -> bool {
        let Some(missing) = &self.input.missing else {
            return false;
        };
        let mark = missing.number.map(|number| cast(number, self.received));
        reading.is_nan() || mark == Some(cast(reading, self.received))
    }

    /// The code of a missing reading; `None` where none is.
    pub(crate) fn missing_code(&self) -> Option<i32> {
        self.input.missing.map(|_| self.own_missing_code())
    }

    fn own_missing_code(&self) -> i32 {
        let missing = self.input.missing.as_ref();
        match (&self.input.coding, missing.and_then(|missing| missing.code)) {
            (Coding::Set { missing, .. }, _) => i32::from(!missing),
            (_, Some(code)) if self.is_narrow => i32::from(code).clamp(0, 255),
            (_, Some(code)) => code.into(),
            (_, None) => {
                let number = missing.and_then(|missing| missing.number);
                self.number(number.unwrap_or(f64::NAN))
            }
        }
    }

    /// What a missing reading is received as.
    pub(crate) fn missing_reading(&self) -> Option<f64> {
        self.input.missing.map(|it| it.number.unwrap_or(f64::NAN))
    }

    /// The code that the coding makes of a reading. That of NaN is the highest.
    fn number(&self, reading: f64) -> i32 {
        let code = self.unbounded(reading).clamp(-32_768, 32_767) as i32;
        if self.is_narrow {
            code.clamp(0, 255)
        } else {
            code
        }
    }

    /// The same before it is saturated.
    fn unbounded(&self, reading: f64) -> i128 {
        let received = cast(reading, self.received);
        let magnitude = i64::from((received.abs() as f32).to_bits());
        let key = match self.received {
            Sensor::F32 if received < 0.0 => -magnitude,
            Sensor::F32 => magnitude,
            _ => received as i64,
        };
        match &self.input.coding {
            Coding::Set { categories, .. } => {
                let place = received.floor();
                let is_member = categories.iter().any(|it| f64::from(*it) == place);
                i128::from(!is_member)
            }
            Coding::Rank { cuts } => {
                cuts.partition_point(|cut| received.is_nan() || i64::from(*cut) < key) as i128
            }
            Coding::Affine { .. } if received.is_nan() => 32_767,
            Coding::Affine { shift, offset } => {
                let (significand, exponent) = match magnitude >> 23 {
                    _ if self.received != Sensor::F32 => (key, 0),
                    255 => (key.signum(), 1_000),
                    0 => (key, -149),
                    biased => (
                        key.signum() * (magnitude & 0x7f_ffff | 0x80_0000),
                        biased as i32 - 150,
                    ),
                };
                scaled(significand.into(), exponent + i32::from(*shift)) - i128::from(*offset)
            }
        }
    }

    /// The last key that float sends left at a threshold; one below all if it sends none.
    pub(crate) fn last_left(&self, threshold: f64, compare: Compare) -> i64 {
        let goes_right = |key| compare.seen(self.value(key)) > threshold;
        first_key(keys(self.input.sensor), &goes_right) - 1
    }

    /// The code of a threshold: that of the last reading that float sends left, as the device
    /// receives readings; NaN goes right.
    pub(crate) fn threshold(&self, threshold: f64, compare: Compare) -> i32 {
        let last = self.last_left(threshold, compare);
        let last = if self.received == Sensor::F32 && self.input.sensor != Sensor::F32 {
            // Singles do not hold every integer: the last of them on the left may be lower.
            let goes_right = |key| compare.seen(single(key)) > threshold;
            Some(single(first_key(keys(Sensor::F32), &goes_right) - 1))
        } else {
            (last >= self.cells[0].0).then(|| self.value(last))
        };
        // Below all codes none goes left, also of the readings that saturate there.
        let code = match last {
            Some(last) if self.unbounded(last) >= -32_768 => self.number(last),
            _ => self.lowest - 1,
        };
        // What lies above all readings goes right: NaN, and a missing reading that has the last code.
        let above = match self.missing_code() {
            Some(missing) => {
                (missing >= self.number(self.value(keys(self.input.sensor).1))).then_some(missing)
            }
            None => self.has_nan().then(|| self.number(f64::NAN)),
        };
        above.map_or(code, |above| code.min(above - 1))
    }

    /// Decides a split for every code: the readings, as runs of keys, that float sends one way and
    /// `code <= threshold` another.
    pub(crate) fn decide(&self, last_left: i64, threshold: i32) -> Vec<(i64, i64)> {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for (code, (first, last)) in (self.lowest..).zip(&self.cells) {
            let (from, to) = if code <= threshold {
                (last_left.max(*first - 1) + 1, *last)
            } else {
                (*first, last_left.min(*last))
            };
            match runs.last_mut() {
                _ if from > to => {}
                Some(run) if run.1 + 1 == from => run.1 = to,
                _ => runs.push((from, to)),
            }
        }
        runs
    }

    /// Whether the sensor delivers readings that are no numbers, and not missing either.
    pub(crate) fn has_nan(&self) -> bool {
        self.input.sensor == Sensor::F32 && self.input.missing.is_none()
    }

    /// Whether a code is that of a set of categories.
    pub(crate) fn is_set(&self) -> bool {
        matches!(self.input.coding, Coding::Set { .. })
    }

    /// All categories that a float split or the claim names, one above them, and what is none.
    pub(crate) fn categories(&self, of_split: &[u32]) -> Vec<f64> {
        let own: &[u32] = match &self.input.coding {
            Coding::Set { categories, .. } => categories,
            _ => &[],
        };
        let last = own.iter().chain(of_split).max().copied().unwrap_or(0);
        let (low, high) = keys(self.input.sensor);
        let mut all: Vec<f64> = (0..=last.saturating_add(1)).map(f64::from).collect();
        all.extend([-1.0, 65_535.0, 65_536.0, self.value(low), self.value(high)]);
        all.retain(|reading| (self.value(low)..=self.value(high)).contains(reading));
        all
    }
}

/// The reading of a key.
pub(crate) fn reading(sensor: Sensor, key: i64) -> f64 {
    match sensor {
        Sensor::F32 => single(key),
        _ => key as f64,
    }
}

/// The single of a key.
fn single(key: i64) -> f64 {
    let magnitude = f32::from_bits(key.unsigned_abs() as u32);
    f64::from(if key < 0 { -magnitude } else { magnitude })
}

/// The lowest and highest key that a sensor can deliver.
pub(crate) fn keys(sensor: Sensor) -> (i64, i64) {
    match sensor {
        Sensor::U8 => (0, 255),
        Sensor::I8 => (-128, 127),
        Sensor::U16 => (0, 65_535),
        Sensor::I16 => (-32_768, 32_767),
        Sensor::I32 => (i32::MIN.into(), i32::MAX.into()),
        Sensor::F32 => (-INFINITY, INFINITY),
    }
}

/// The first key for which `holds`, which then holds for all above; one beyond the last if none.
pub(crate) fn first_key((low, high): (i64, i64), holds: &dyn Fn(i64) -> bool) -> i64 {
    let (mut low, mut end) = (low, high + 1);
    while low < end {
        let middle = low + (end - low) / 2;
        if holds(middle) {
            end = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// A reading as a type of the device holds it.
pub(crate) fn cast(reading: f64, received: Sensor) -> f64 {
    match received {
        Sensor::U8 => f64::from(reading as u8),
        Sensor::I8 => f64::from(reading as i8),
        Sensor::U16 => f64::from(reading as u16),
        Sensor::I16 => f64::from(reading as i16),
        Sensor::I32 => f64::from(reading as i32),
        Sensor::F32 => f64::from(reading as f32),
    }
}

/// `⌊value · 2^exponent⌋`, beyond all codes and offsets where it is beyond 2^64.
fn scaled(value: i128, exponent: i32) -> i128 {
    match exponent {
        ..=0 => value >> exponent.unsigned_abs().min(127),
        1..=64 => value << exponent,
        _ => value.signum() << 64,
    }
}
