//! From a float model to Q15: codes of 16 bits, integer votes and scores, and a certificate of
//! where the two may differ.
//!
//! What a [`QuantModel`] computes, it computes by calling the runtime, as the device does.
//!
//! ```
//! use spinney_dataset::csv;
//! use spinney_quantize::{CodeWidth, Declared, Level, Options, QuantModel, Votes, calibrate, certify};
//! # use spinney_model::{FloatModel, Voting};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let float = FloatModel::from_json(br#"{"format":"spinney-model","version":1,
//! #     "kind":"decision-tree","features":[{"name":"a"}],"classes":["low","high"],"trees":[{"nodes":[
//! #     {"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#)?;
//! let rows = csv::read(b"a,class\n1,low\n2,high\n", "class")?;
//! let calibrations = calibrate(&float, Some(rows.values().view()), &[Declared::default()])?;
//! let options = Options {
//!     voting: Voting::Soft,
//!     votes: Votes::Q15,
//!     codes: CodeWidth::Auto,
//!     wants_scores: false,
//! };
//! let quant = QuantModel::new(&float, &calibrations, options, Some(&rows))?;
//! assert_eq!(quant.codes(&[2.0]), [2]);
//! assert_eq!(quant.scores(&[2]), [0, 1]);
//!
//! let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &rows);
//! assert_eq!(certificate.splits, Some(Level::EveryInput));
//! assert_eq!(certificate.votes, Level::EveryInput);
//! # Ok(()) }
//! ```

mod bayes;
mod calibrate;
mod certificate;
mod challenge;
mod codes;
mod coding;
mod flip;
mod forest;
mod inputs;
pub mod limits;
mod lower;
mod order;
mod paths;
mod probability;
mod rescore;
mod scorer;
mod sums;
mod thresholds;
mod values;

use inputs::Inputs;
use spinney_model::{Schema, Task, Voting};

pub use bayes::QuantBayes;
pub use calibrate::{
    Calibration, CodingChoice, Declared, Missing, Sensor, calibrate, needed_ranges,
};
pub use certificate::{Certificate, Level, Remedy, certify, is_within_bound};
pub use challenge::{Challenge, Subject, challenge};
pub use coding::{Coding, ReadingType, round_down};
pub use flip::{Flip, Interval, last_left};
pub use forest::{Leaves, QuantForest};
pub use inputs::{Input, MissingCode, Place};
pub use paths::{Paths, Step};
pub use probability::{Probabilities, probability_bound};
pub use rescore::Rescorer;
pub use scorer::Scorer;
pub use spinney_model::ModelError;
pub use spinney_runtime::{argmax, clear_winner};
pub use sums::Sums;
pub use values::{Numbers, Values};

/// What the config asks of quantization, apart from single features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How trees are combined.
    pub voting: Voting,
    /// The precision of soft votes, and of values that add.
    pub votes: Votes,
    /// The width of codes, for trees.
    pub codes: CodeWidth,
    /// Whether scores are delivered too, so that a single tree must keep its proportions.
    pub wants_scores: bool,
}

/// The precision of soft votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Votes {
    /// Q15, where one is 32,768.
    #[default]
    Q15,
    /// Units of 1/255.
    Byte,
    /// 32 bits, where each tree adds to one score.
    Word,
    /// 8 bits where no training row is decided within their error, else Q15.
    Auto,
}

/// The width of the codes that trees compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodeWidth {
    /// 8 bits where every feature has a coding for them that flips no training reading, and where
    /// they save flash; else 16.
    #[default]
    Auto,
    /// 8 bits, or an error.
    Byte,
    /// 16 bits.
    Word,
}

/// A model in fixed point.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantModel {
    schema: Schema,
    reading_type: ReadingType,
    inputs: Inputs,
    /// What is received where a reading of a feature is missing.
    missing: Vec<Option<Missing>>,
    body: Body,
    has_probabilities: bool,
    margin: Option<u64>,
    /// A detector over codes, of rows whose class is unknown.
    outliers: Option<Box<QuantModel>>,
}

/// The model proper, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A tree ensemble.
    Forest(QuantForest),
    /// Gaussian naive Bayes.
    Bayes(QuantBayes),
}

impl QuantModel {
    /// The model with probabilities among its outputs.
    ///
    /// # Errors
    /// An ensemble that adds whose link gives none, or none that fixed point has.
    pub fn with_probabilities(self) -> Result<Self, ModelError> {
        if Probabilities::of(&self.body).is_none() {
            return Err(ModelError::new(
                "outputs in [codegen]",
                "\"probabilities\" of a model without a plain sigmoid or softmax",
                "\"class\" or \"scores\"",
            ));
        }
        Ok(Self {
            has_probabilities: true,
            ..self
        })
    }

    /// The model that gives a class only where its score is above every other one by more than
    /// `margin`, in units of scores, and else says that it does not know.
    ///
    /// # Panics
    /// If it is no classifier, or no forest's lead is as large.
    #[must_use]
    pub fn with_margin(self, margin: u64) -> Self {
        assert_eq!(self.task(), Task::Classify, "only classes are unknown");
        let is_forest = self.forest().is_some();
        assert!(
            !is_forest || u32::try_from(margin).is_ok(),
            "a lead of votes"
        );
        Self {
            margin: Some(margin),
            ..self
        }
    }

    /// The model, with a margin, that also does not know the class of rows whose codes `detector`
    /// raises an alarm at. Its features are this model's codes, of 16 bits, in their order; where those
    /// have 8, it must not tell apart what clamping makes equal.
    ///
    /// # Panics
    /// If there is no margin, or it is no such detector.
    #[must_use]
    pub fn with_outliers(self, detector: QuantModel) -> Self {
        assert!(self.margin.is_some() && detector.task() == Task::Detect);
        assert!(detector.is_identity() && detector.inputs().len() == self.inputs().len());
        assert!(self.code_bits() == 16 || detector.code_bits() == 8);
        Self {
            outliers: Some(Box::new(detector)),
            ..self
        }
    }

    /// The same model that always gives a class.
    #[must_use]
    pub fn without_margin(self) -> Self {
        Self {
            margin: None,
            outliers: None,
            ..self
        }
    }

    /// The detector of rows whose class is unknown however far it leads.
    pub fn outliers(&self) -> Option<&QuantModel> {
        self.outliers.as_deref()
    }

    /// Whether a row is unlike those of training, by its codes; never without [`Self::outliers`].
    ///
    /// # Panics
    /// If `codes` has another length than the model has inputs.
    pub fn is_outlier(&self, codes: &[i16]) -> bool {
        self.outliers()
            .is_some_and(|detector| argmax(&detector.scores(codes)) == 1)
    }

    /// How far a class must lead to be given; `None` where there always is one.
    pub fn margin(&self) -> Option<u64> {
        self.margin
    }

    /// How scores become probabilities, where those are asked for.
    pub fn probabilities(&self) -> Option<Probabilities> {
        Probabilities::of(&self.body).filter(|_| self.has_probabilities)
    }

    /// The probability of each class in Q15, where one is 32,768, from a row's scores, as the
    /// runtime computes them; empty unless asked for.
    ///
    /// # Panics
    /// If `scores` are not this model's.
    pub fn probabilities_of(&self, scores: &[i64]) -> Vec<u16> {
        self.probabilities()
            .map_or_else(Vec::new, |probabilities| probabilities.apply(scores))
    }

    /// The same model for a device whose readings are codes already: a feature per code.
    #[must_use]
    pub fn of_codes(&self) -> Self {
        let features: Vec<usize> = self.inputs().iter().map(|input| input.feature).collect();
        let n_codes = features.len();
        let codings = (0..n_codes).map(|code| (code, Coding::IDENTITY));
        Self {
            schema: self.schema.select(&features),
            inputs: Inputs::plain(n_codes, codings),
            missing: vec![None; n_codes],
            reading_type: if self.code_bits() == 8 {
                ReadingType::U8
            } else {
                ReadingType::I16
            },
            ..self.clone()
        }
    }

    /// Names of features and classes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The type in which rows reach the device.
    pub fn reading_type(&self) -> ReadingType {
        self.reading_type
    }

    /// What each code is made of: what the device codes of a row, in this order. The splits and terms of
    /// the body, and rows of codes, go by the index of a code, which is a position in here.
    ///
    /// First comes a code for each feature that the float model uses (its `inputs`) or, where it uses
    /// none, of the first one, ascending; of trees that compare readings as they are, for every feature,
    /// as those are then handed on without a copy. Second codes of features that may be missing follow,
    /// and sets of categories, which stand for their features where no threshold does.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs.list
    }

    /// How thresholds of a feature are coded; `None` where it has none.
    pub fn coding_of(&self, feature: usize) -> Option<&Coding> {
        let mut inputs = self.inputs().iter();
        let is_its = |input: &&Input| {
            input.feature == feature && !matches!(input.coding, Coding::Set { .. })
        };
        inputs.find(is_its).map(|input| &input.coding)
    }

    /// Index of the code that a node of the float model asks; `None` of a leaf.
    ///
    /// # Panics
    /// If the node is of another model.
    pub fn code_of(&self, node: &spinney_model::Node) -> Option<usize> {
        self.inputs.of(node)
    }

    /// The code that codes up to go left at a node of the float model; `None` of a leaf, and if all go
    /// right.
    ///
    /// # Panics
    /// If the node is of another model.
    pub fn code_threshold(&self, node: &spinney_model::Node) -> Option<i16> {
        match self.inputs.threshold(node, &self.schema, self.reading_type) {
            thresholds::Threshold::NeverLeft => None,
            thresholds::Threshold::Code(code) => Some(code),
        }
    }

    /// The first code of a feature; `None` where its readings are not coded.
    pub fn input_of(&self, feature: usize) -> Option<&Input> {
        self.inputs().iter().find(|input| input.feature == feature)
    }

    /// The model proper.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The trees; `None` of naive Bayes.
    pub fn forest(&self) -> Option<&QuantForest> {
        match &self.body {
            Body::Forest(forest) => Some(forest),
            Body::Bayes(_) => None,
        }
    }

    /// Bits of the codes that the model has to tell apart: 8 or 16.
    ///
    /// With 8, codes may be clamped into 0..=255 and held as bytes, and no decision changes: every
    /// threshold lies in 0..=254, so a code below 0 is at most any threshold, as 0 is, and one
    /// above 255 is above all of them, as 255 is. [`Self::codes`] does not clamp.
    pub fn code_bits(&self) -> u8 {
        match self.forest().is_some_and(codes::are_narrow) {
            true => 8,
            false => 16,
        }
    }

    /// Whether codes are the readings themselves, as numbers, all of them in their order.
    pub fn is_identity(&self) -> bool {
        matches!(self.reading_type, ReadingType::U8 | ReadingType::I16)
            && self.inputs().len() == self.schema.n_features()
            && (self.inputs().iter().enumerate()).all(|(index, input)| {
                input.feature == index
                    && input.coding == Coding::IDENTITY
                    && input.missing.is_none()
            })
    }

    /// A row as the device receives it: readings little-endian, one after the other.
    pub fn reading_bytes(&self, row: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(row.len() * self.reading_type.n_bytes());
        for (feature, reading) in row.iter().enumerate() {
            let received = self.received(feature, *reading);
            self.reading_type.put(received, &mut bytes);
        }
        bytes
    }

    /// What the device receives for a reading of a float row: what stands for a missing one in place of
    /// NaN. A type of fewer digits may still round it.
    pub fn received(&self, feature: usize, reading: f64) -> f64 {
        match self.missing[feature] {
            Some(missing) if reading.is_nan() => missing.reading(),
            _ => reading,
        }
    }

    /// Flash that the numbers of a feature's codes take: of the first, of what changes for missing
    /// readings, and the bits of sets.
    pub fn coding_bytes(&self, feature: usize) -> usize {
        let of_feature = || {
            self.inputs()
                .iter()
                .filter(|input| input.feature == feature)
        };
        let is_set = |input: &&Input| matches!(input.coding, Coding::Set { .. });
        let plain = of_feature().find(|input| !is_set(input));
        let n_gaps = of_feature().filter(|input| input.missing.is_some()).count();
        let sets = of_feature().filter(is_set);
        plain.map_or(0, |input| input.coding.table_bytes())
            + n_gaps * size_of::<spinney_runtime::coding::Gap>()
            + sets.map(|input| input.coding.table_bytes()).sum::<usize>()
    }

    /// Whether the device takes a reading of a float row for a missing one.
    pub fn is_missing(&self, feature: usize, reading: f64) -> bool {
        self.missing[feature].is_some_and(|missing| {
            let mark = missing.mark(self.reading_type);
            reading.is_nan() || self.reading_type.order(reading) == mark
        })
    }

    /// What the device receives where a reading of a feature is missing; `None` where none is.
    pub fn missing(&self, feature: usize) -> Option<Missing> {
        self.missing[feature]
    }

    /// The codes of a row of raw readings, one per input.
    ///
    /// # Panics
    /// If `row` has fewer readings than the model features.
    pub fn codes(&self, row: &[f64]) -> Vec<i16> {
        self.inputs()
            .iter()
            .map(|input| {
                let received = self.received(input.feature, row[input.feature]);
                input.code(self.reading_type, received)
            })
            .collect()
    }

    /// Scores of a row of codes, one per class, as the runtime computes them. The tables are checked
    /// each time; [`Self::scorer`] checks them once for many rows.
    ///
    /// # Panics
    /// If `codes` has another length than the model has inputs.
    pub fn scores(&self, codes: &[i16]) -> Vec<i64> {
        self.scorer().scores(codes)
    }

    /// What the model is for.
    pub fn task(&self) -> Task {
        self.schema.task()
    }

    /// What a device's `predict` returns for a row's codes and scores: a class index, or the number of
    /// classes where no class leads by [`Self::margin`], or the row [is an outlier](Self::is_outlier);
    /// or the bits of a target's value, those of several folded into one word.
    ///
    /// # Panics
    /// If `codes` or `scores` are not this model's.
    pub fn delivered(&self, codes: &[i16], scores: &[i64]) -> usize {
        match self.sums() {
            Some(sums) if self.task() == Task::Regress => {
                let values = scores
                    .iter()
                    .zip(sums.bases())
                    .map(|(score, base)| score + base);
                let bits = values.map(|value| i32::try_from(value).expect("values of 32 bits"));
                let word = |word: u32, bits: i32| word.rotate_left(1) ^ bits.cast_unsigned();
                bits.fold(0, word) as usize
            }
            _ => match self.margin {
                Some(margin) => clear_winner(scores, margin)
                    .filter(|_| !self.is_outlier(codes))
                    .unwrap_or(scores.len()),
                None => argmax(scores),
            },
        }
    }

    /// Number of scores of a row: one per class, or per target.
    pub fn n_scores(&self) -> usize {
        self.schema.outputs().len()
    }

    /// How values were made scores, in an ensemble that adds.
    pub fn sums(&self) -> Option<&Sums> {
        self.forest()?.sums()
    }

    /// The raw values of a row's scores, one per target; none where there are classes.
    pub fn values(&self, scores: &[i64]) -> Vec<f64> {
        self.sums()
            .filter(|_| self.task() == Task::Regress)
            .map_or_else(Vec::new, |sums| sums.values(scores))
    }

    /// Widths of all sums and roundings of votes, worked out for this model, a sentence each.
    pub fn arithmetic(&self) -> Vec<String> {
        let mut lines = match &self.body {
            Body::Forest(forest) => forest.arithmetic(),
            Body::Bayes(bayes) => bayes.arithmetic(self.inputs().len()),
        };
        lines.extend(self.probabilities().map(Probabilities::arithmetic));
        lines
    }

    /// The class index of a row of raw readings.
    ///
    /// # Panics
    /// If `row` has another length than the model has features.
    pub fn predict(&self, row: &[f64]) -> usize {
        argmax(&self.scores(&self.codes(row)))
    }
}
