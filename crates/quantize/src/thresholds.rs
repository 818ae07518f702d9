//! Thresholds of splits: which there are, how features are coded for them, and what a code of one
//! decides.

use std::collections::BTreeSet;

use spinney_dataset::Dataset;
use spinney_model::{Compare, Feature, FloatModel, Node, Test, Tree};

use crate::calibrate::{Calibration, CodingChoice, is_among_readings};
use crate::coding::{Coding, ReadingType, round_down};
use crate::inputs::Place;
use crate::{ModelError, limits};

/// Distinct thresholds of each feature, ascending, as far as float32 readings can tell.
pub(crate) fn thresholds(model: &FloatModel) -> Vec<Vec<f64>> {
    let schema = model.schema();
    let mut sets: Vec<BTreeSet<OrderedThreshold>> = vec![BTreeSet::new(); schema.n_features()];
    for node in model.trees().iter().flat_map(Tree::nodes) {
        if let Node::Split(split) = node
            && let Test::AtMost(threshold) = split.test
        {
            let feature = split.feature as usize;
            let compare = schema.features()[feature].compare;
            sets[feature].insert(OrderedThreshold(seen_threshold(threshold, compare)));
        }
    }
    sets.into_iter()
        .map(|set| set.into_iter().map(|threshold| threshold.0).collect())
        .collect()
}

/// The threshold as readings meet it: for float32 readings the float32 at or below it.
pub(crate) fn seen_threshold(threshold: f64, compare: Compare) -> f64 {
    match compare {
        Compare::Float32 => f64::from(round_down(threshold)),
        Compare::Float64 => threshold,
    }
}

#[derive(Debug, Clone, Copy)]
struct OrderedThreshold(f64);

impl PartialEq for OrderedThreshold {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for OrderedThreshold {}
impl PartialOrd for OrderedThreshold {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for OrderedThreshold {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // −0 and +0 are one threshold.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

/// The coding of each feature of a forest; the identity, which costs nothing, for features that no
/// split asks.
///
/// # Errors
/// Ranks asked for where there are more thresholds than they tell apart; where they are not asked
/// for, an affine coding takes their place.
pub(crate) fn codings(
    model: &FloatModel,
    calibrations: &[Calibration],
    reading_type: ReadingType,
    rows: Option<&Dataset>,
) -> Result<Vec<Coding>, ModelError> {
    let is_sum = model.additive().is_some();
    thresholds(model)
        .iter()
        .zip(calibrations)
        .enumerate()
        .map(|(feature, (thresholds, calibration))| {
            if thresholds.is_empty() {
                return Ok(Coding::IDENTITY);
            }
            let Feature { name, compare, .. } = &model.schema().features()[feature];
            let cuts = || cuts(thresholds, *compare, reading_type);
            if calibration.coding == CodingChoice::Rank {
                let cuts = cuts();
                limits::CUTS.check(
                    format!("coding = \"rank\" of feature \"{name}\""),
                    cuts.len(),
                )?;
                return Ok(Coding::rank_for(
                    reading_type,
                    &cuts,
                    calibration.is_missing(),
                ));
            }
            let affine = Coding::affine_for(calibration);
            if calibration.coding != CodingChoice::Auto {
                return Ok(affine);
            }
            let cuts = cuts();
            let cuts_off = thresholds.iter().any(|threshold| {
                !is_among_readings(*threshold)
                    && cuts_off(*threshold, *compare, &affine, reading_type, calibration)
            });
            let shares =
                |reading: f64| shares_code(compare.seen(reading), &cuts, &affine, reading_type);
            let flips = match rows {
                Some(rows) => {
                    let column = readings(rows, feature);
                    let near = decimals_above(&column, &cuts);
                    column.into_iter().chain(near).any(shares)
                }
                // Without rows nobody knows which readings come. A vote may bear a flip that never
                // comes; a sum is off by what the leaves on both sides differ by.
                None => {
                    is_sum
                        && cuts
                            .iter()
                            .any(|cut| shares(next_above(*cut, reading_type)))
                }
            };
            Ok(if (cuts_off || flips) && cuts.len() <= limits::CUTS.max {
                Coding::rank_for(reading_type, &cuts, calibration.is_missing())
            } else {
                affine
            })
        })
        .collect()
}

/// Whether codes that end before a threshold send the lowest or the highest reading there is another way
/// than it does.
fn cuts_off(
    threshold: f64,
    compare: Compare,
    coding: &Coding,
    reading_type: ReadingType,
    calibration: &Calibration,
) -> bool {
    let places = match calibration.is_missing() {
        false => &[None][..],
        true => &[Some(Place::Below), Some(Place::Above)],
    };
    let (low, high) = calibration.inputs();
    places.iter().any(|place| {
        let code = code_threshold(threshold, compare, coding, reading_type, *place);
        [low, high].iter().any(|reading| {
            let is_left = compare.seen(*reading) <= threshold;
            code.sends_left(coding.code(reading_type, *reading)) != is_left
        })
    })
}

/// The next reading that a sensor of this type may deliver.
fn next_above(reading: f64, reading_type: ReadingType) -> f64 {
    match reading_type {
        // Casts: cuts are on the grid of float32.
        ReadingType::F32 => f64::from((reading as f32).next_up()),
        ReadingType::U8 | ReadingType::I16 | ReadingType::I32 => reading + 1.0,
    }
}

/// The readings of a feature that are there.
pub(crate) fn readings(rows: &Dataset, feature: usize) -> Vec<f64> {
    let column = rows.values().column(feature);
    column.iter().copied().filter(|it| !it.is_nan()).collect()
}

/// The largest reading on the left of each of a feature's thresholds, ascending.
pub(crate) fn cuts(thresholds: &[f64], compare: Compare, reading_type: ReadingType) -> Vec<f64> {
    let mut cuts: Vec<f64> = thresholds
        .iter()
        .map(|threshold| on_grid(*threshold, compare, reading_type))
        .collect();
    cuts.dedup();
    cuts
}

/// Whether a reading has the code of a cut that it is above.
pub(crate) fn shares_code(
    reading: f64,
    cuts: &[f64],
    coding: &Coding,
    reading_type: ReadingType,
) -> bool {
    let below = cuts.partition_point(|cut| *cut < reading);
    below > 0 && coding.code(reading_type, cuts[below - 1]) == coding.code(reading_type, reading)
}

/// Where the readings of `column` are decimals, those next to each cut: readings not seen yet that
/// are as likely as those seen.
pub(crate) fn decimals_above(column: &[f64], cuts: &[f64]) -> Vec<f64> {
    const DIGITS_MAX: i32 = 6;
    let Some(scale) = (0..=DIGITS_MAX)
        .map(|digits| 10.0_f64.powi(digits))
        .find(|scale| {
            column
                .iter()
                .all(|reading| (reading * scale).round() / scale == *reading)
        })
    else {
        return Vec::new();
    };
    cuts.iter()
        .flat_map(|cut| {
            let at = (cut * scale).round();
            [at - 1.0, at, at + 1.0].map(|decimal| decimal / scale)
        })
        .collect()
}

/// The largest reading that float sends left at a threshold.
pub(crate) fn on_grid(threshold: f64, compare: Compare, reading_type: ReadingType) -> f64 {
    match (reading_type, compare) {
        (ReadingType::F32, _) => f64::from(round_down(threshold)),
        // On integers x <= t is x <= floor(t).
        (_, Compare::Float64) => threshold.floor(),
        // Integers beyond 2^24 are rounded before they are compared, some of them down to t.
        (_, Compare::Float32) => {
            let single = round_down(threshold);
            let (below, above) = (f64::from(single), f64::from(single.next_up()));
            let halfway = f64::midpoint(below, above).floor();
            if !halfway.is_finite() || compare.seen(halfway) <= threshold {
                halfway
            } else {
                halfway - 1.0
            }
        }
    }
}

/// A threshold as a code: `code <= T` goes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threshold {
    /// No code goes left: the threshold is below everything that can be coded.
    NeverLeft,
    /// Codes up to this one go left.
    Code(i16),
}

impl Threshold {
    /// Whether a split with this threshold sends a code left.
    pub(crate) fn sends_left(self, code: i16) -> bool {
        match self {
            Self::NeverLeft => false,
            Self::Code(threshold) => code <= threshold,
        }
    }
}

/// `T` of a split: the code of the threshold itself, floored onto the grid of codes. `place` says where
/// a missing reading lies, if one may be missing.
pub(crate) fn code_threshold(
    threshold: f64,
    compare: Compare,
    coding: &Coding,
    reading_type: ReadingType,
    place: Option<Place>,
) -> Threshold {
    let grid = on_grid(threshold, compare, reading_type);
    let is_below = place == Some(Place::Below);
    let is_beyond = grid < reading_type.lowest();
    match coding {
        Coding::Affine { shift, offset } => {
            let code = (grid * crate::coding::exp2(*shift)).floor() - f64::from(*offset);
            if is_beyond || code < f64::from(i16::MIN) {
                // Nothing but a missing reading may be on the left.
                return match is_below {
                    true => Threshold::Code(i16::MIN),
                    false => Threshold::NeverLeft,
                };
            }
            let code = coding.code(reading_type, grid);
            let has_nan = reading_type == ReadingType::F32 && *coding != Coding::IDENTITY;
            if has_nan && !is_below || place == Some(Place::Above) {
                // NaN, and what lies above, has the highest code and goes right, past any threshold.
                return Threshold::Code(code.min(i16::MAX - 1));
            }
            Threshold::Code(code)
        }
        Coding::Rank { .. } if is_beyond && !is_below => Threshold::NeverLeft,
        // x <= cut k is "fewer than k + 1 cuts are below x": the rank of the cut itself. Nothing has
        // fewer than none.
        Coding::Rank { .. } if is_beyond => Threshold::Code(0),
        Coding::Rank { .. } => Threshold::Code(coding.code(reading_type, grid)),
        Coding::Set { .. } => Threshold::Code(0),
    }
}
