//! Whether a forest's codes fit 8 bits, and the coding of each feature that makes them fit.
//!
//! A split asks whether `code <= T`. Where every `T` of a feature lies in 0..=254, a code below 0
//! decides like 0 and one above 255 like 255: the first is at most any `T`, the second above all
//! of them. So codes may be clamped into 0..=255, and 8 bits hold any reading, NaN included,
//! whose code is the highest of all. What has to fit is thus the span of the thresholds, not that
//! of the readings.

use spinney_dataset::Dataset;
use spinney_model::FloatModel;

use crate::calibrate::{Calibration, CodingChoice, Sensor};
use crate::coding::{Coding, ReadingType};
use crate::inputs::Place;
use crate::thresholds::{
    Threshold, code_threshold, codings, cuts, decimals_above, readings, shares_code, thresholds,
};
use crate::{CodeWidth, ModelError, QuantForest};

/// Thresholds in codes of 8 bits; 255 is above all of them.
pub(crate) const NARROW_THRESHOLDS: std::ops::RangeInclusive<i16> = 0..=254;
/// Whether 8 bits hold all codes that a forest tells apart.
pub(crate) fn are_narrow(forest: &QuantForest) -> bool {
    let mut splits = forest.splits().iter();
    splits.all(|split| NARROW_THRESHOLDS.contains(&split.threshold))
}

/// Most cuts of a rank of 8 bits.
const CUTS_MAX: usize = 255;
/// What a split of 8-bit codes is smaller than one of 16-bit codes.
const BYTES_SAVED_PER_SPLIT: usize = 1;
/// About what code takes that converts readings, where they are not taken as they are.
const CONVERSION_BYTES: usize = 64;

/// The coding of each feature of a forest; the identity, which costs nothing, for features that no
/// split asks.
///
/// With [`CodeWidth::Auto`] codes are of 8 bits if every feature that the model splits on has a
/// coding of 8 bits that sends no training reading another way than float, nor the decimals next
/// to a threshold; and if what these codings take more in flash than those of 16 bits is made up
/// for by the splits, each of which is a byte smaller.
///
/// # Errors
/// With [`CodeWidth::Byte`], a feature without such a coding; ranks beyond their limit.
pub(crate) fn choose(
    model: &FloatModel,
    calibrations: &[Calibration],
    reading_type: ReadingType,
    rows: Option<&Dataset>,
    width: CodeWidth,
) -> Result<Vec<Coding>, ModelError> {
    let wide = codings(model, calibrations, reading_type, rows)?;
    if width == CodeWidth::Word {
        return Ok(wide);
    }
    let narrow: Result<Vec<Coding>, ModelError> = thresholds(model)
        .iter()
        .zip(calibrations)
        .enumerate()
        .map(|(index, (thresholds, calibration))| {
            if thresholds.is_empty() {
                return Ok(wide[index].clone());
            }
            let feature = Feature {
                model,
                index,
                thresholds,
                calibration,
                reading_type,
            };
            feature.narrow(rows)
        })
        .collect();
    match narrow {
        Err(error) if width == CodeWidth::Byte => Err(error),
        Ok(narrow) if width == CodeWidth::Byte || pays(model, &narrow, &wide) => Ok(narrow),
        _ => Ok(wide),
    }
}

/// Whether narrow codings with their splits are no larger than wide ones with theirs.
fn pays(model: &FloatModel, narrow: &[Coding], wide: &[Coding]) -> bool {
    let bytes = |codings: &[Coding]| {
        let tables: usize = codings.iter().map(Coding::table_bytes).sum();
        let converts = codings.iter().any(|coding| *coding != Coding::IDENTITY);
        tables + if converts { CONVERSION_BYTES } else { 0 }
    };
    bytes(narrow) <= bytes(wide) + model.n_splits() * BYTES_SAVED_PER_SPLIT
}

/// A feature that the model splits on.
struct Feature<'a> {
    model: &'a FloatModel,
    index: usize,
    thresholds: &'a [f64],
    calibration: &'a Calibration,
    reading_type: ReadingType,
}

impl Feature<'_> {
    /// The first coding of 8 bits that holds, in the order of what converting costs.
    fn narrow(&self, rows: Option<&Dataset>) -> Result<Coding, ModelError> {
        let choice = self.calibration.coding;
        let allows = |coding: CodingChoice| choice == CodingChoice::Auto || choice == coding;
        let sensor = self.calibration.sensor;
        let has_identity = matches!(sensor, Sensor::U8 | Sensor::I8 | Sensor::I16);
        if has_identity && allows(CodingChoice::Identity) && self.fits(&Coding::IDENTITY) {
            return Ok(Coding::IDENTITY);
        }
        let compare = self.model.schema().features()[self.index].compare;
        let cuts = cuts(self.thresholds, compare, self.reading_type);
        let affine = allows(CodingChoice::Affine)
            .then(|| Coding::affine_narrow(&cuts, sensor))
            .flatten()
            .filter(|affine| self.fits(affine) && self.holds(affine, &cuts, rows));
        if let Some(affine) = affine {
            return Ok(affine);
        }
        if allows(CodingChoice::Rank) && cuts.len() <= CUTS_MAX {
            let is_missing = self.calibration.is_missing();
            return Ok(Coding::rank_for(self.reading_type, &cuts, is_missing));
        }
        let name = &self.model.schema().features()[self.index].name;
        Err(ModelError::new(
            format!("feature \"{name}\""),
            format!(
                "{} thresholds, for which no coding that it allows has 8 bits",
                cuts.len()
            ),
            "`codes = \"auto\"` or `codes = \"16-bit\"` in [quantize], or `coding = \
                       \"rank\"` for the feature if its thresholds are at most 255",
        ))
    }

    /// Whether all thresholds have codes of 8 bits with one above them, wherever missing readings lie.
    fn fits(&self, coding: &Coding) -> bool {
        let compare = self.model.schema().features()[self.index].compare;
        let places = match self.calibration.missing {
            None => &[None][..],
            Some(_) => &[Some(Place::Below), Some(Place::Above)],
        };
        let mut all = (self.thresholds.iter())
            .flat_map(|threshold| places.iter().map(move |place| (*threshold, *place)));
        all.all(|(threshold, place)| {
            match code_threshold(threshold, compare, coding, self.reading_type, place) {
                Threshold::NeverLeft => true,
                Threshold::Code(code) => NARROW_THRESHOLDS.contains(&code),
            }
        })
    }

    /// Whether an affine coding decides like float: for all integers where it keeps them apart,
    /// else for every training reading and the decimals next to each cut. Readings that are no
    /// decimals tell nothing of those to come.
    fn holds(&self, affine: &Coding, cuts: &[f64], rows: Option<&Dataset>) -> bool {
        let Coding::Affine { shift, .. } = affine else {
            return false;
        };
        if self.calibration.sensor.integers().is_some() && *shift >= 0 {
            return true;
        }
        let Some(rows) = rows else {
            return false;
        };
        let column = readings(rows, self.index);
        let decimals = decimals_above(&column, cuts);
        let compare = self.model.schema().features()[self.index].compare;
        !decimals.is_empty()
            && !column
                .into_iter()
                .chain(decimals)
                .any(|reading| shares_code(compare.seen(reading), cuts, affine, self.reading_type))
    }
}
