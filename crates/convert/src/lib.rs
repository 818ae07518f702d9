//! A float model in memory to fixed point, with its certificate, an explanation of any row, the sizes
//! of its forms without a compiler, its sources, and bytes to keep it by.
//!
//! This crate must not know of files, configs or where a model came from: pipeline, verbs and the
//! Python package stand on it.
//!
//! ```
//! use spinney_convert::{Conversion, Sources};
//! use spinney_quantize::{CodeWidth, Declared, Options, Votes};
//! use spinney_model::{FloatModel, Voting};
//!
//! let model = FloatModel::from_json(br#"{"format":"spinney-model","version":1,
//!     "kind":"decision-tree","features":[{"name":"a"}],"classes":["low","high"],"trees":[{"nodes":[
//!     {"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#)?;
//! let options = Options {
//!     voting: Voting::Soft,
//!     votes: Votes::Q15,
//!     codes: CodeWidth::Auto,
//!     wants_scores: false,
//! };
//! let converted = Conversion::new(model, &[Declared::default()], options, None)?;
//! let header = Sources::new("threshold", &converted).header();
//! assert!(header.text.contains("threshold_predict"));
//! assert_eq!(Conversion::from_bytes(&converted.to_bytes())?, converted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod explain;
mod forms;
mod patterns;
mod saved;
mod sources;

use spinney_dataset::Dataset;
use spinney_model::FloatModel;
use spinney_quantize::{
    Calibration, Certificate, Declared, ModelError, Options, QuantModel, calibrate, certify,
};

pub use explain::{Explained, Explanation, explain};
pub use forms::{Form, forms, forms_of, options_for};
pub use patterns::{declared_for, matches};
pub use sources::Sources;

/// A float model and its quantization: all that a certificate compares.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// The float model.
    pub model: FloatModel,
    /// What is known of each feature.
    pub calibrations: Vec<Calibration>,
    /// What was asked of quantization.
    pub options: Options,
    /// The model in fixed point.
    pub quant: QuantModel,
}

impl Conversion {
    /// Calibrates and quantizes `model`. `declared` has one entry per feature; `train` are training
    /// rows in the model's order of features, if there are any.
    ///
    /// # Errors
    /// As [`calibrate`] and [`QuantModel::new`].
    ///
    /// # Panics
    /// If `declared` or `train` have another number of features than the model.
    pub fn new(
        model: FloatModel,
        declared: &[Declared],
        options: Options,
        train: Option<&Dataset>,
    ) -> Result<Self, ModelError> {
        let rows = train.map(|rows| rows.values().view());
        let calibrations = calibrate(&model, rows, declared)?;
        Self::calibrated(model, calibrations, options, train)
    }

    /// As [`Conversion::new`], where the features are calibrated already.
    ///
    /// # Errors
    /// As [`QuantModel::new`].
    ///
    /// # Panics
    /// As [`QuantModel::new`].
    pub fn calibrated(
        model: FloatModel,
        calibrations: Vec<Calibration>,
        options: Options,
        train: Option<&Dataset>,
    ) -> Result<Self, ModelError> {
        let quant = QuantModel::new(&model, &calibrations, options, train)?;
        Ok(Self {
            model,
            calibrations,
            options,
            quant,
        })
    }

    /// The same with probabilities among the outputs.
    ///
    /// # Errors
    /// As [`QuantModel::with_probabilities`].
    pub fn with_probabilities(self) -> Result<Self, ModelError> {
        Ok(Self {
            quant: self.quant.with_probabilities()?,
            ..self
        })
    }

    /// What is proven of float and fixed point, on rows in the model's order of features.
    pub fn certify(&self, rows: &Dataset) -> Certificate {
        let voting = self.options.voting;
        certify(&self.model, &self.quant, &self.calibrations, voting, rows)
    }
}
