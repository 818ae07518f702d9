//! A float model lowered to fixed point: codings, then trees or terms over codes.

use spinney_dataset::Dataset;
use spinney_model::{FloatModel, GaussianNb, Schema};

use crate::forest::QuantForest;
use crate::inputs::Inputs;
use crate::{
    Body, Calibration, CodeWidth, Coding, CodingChoice, Input, Missing, ModelError, Options,
    QuantBayes, QuantModel, ReadingType, Sensor, bayes, codes, thresholds,
};

impl QuantModel {
    /// Quantizes `model`.
    ///
    /// `calibrations` has one entry per feature, from [`crate::calibrate`]. `rows` are the training rows,
    /// if there are any; where codings or the precision of leaves are left open, they are chosen
    /// so that none of these rows is decided differently.
    ///
    /// # Errors
    /// A coding that the feature's readings or the kind of model do not allow; a tree or a leaf
    /// codebook beyond the table format.
    ///
    /// # Panics
    /// If `calibrations` or `rows` have another number of features than the model.
    pub fn new(
        model: &FloatModel,
        calibrations: &[Calibration],
        options: Options,
        rows: Option<&Dataset>,
    ) -> Result<Self, ModelError> {
        Self::of(model, calibrations, options, rows, None)
    }

    /// As [`QuantModel::new`] without rows, of a model with trees whose codings are decided: those of
    /// an earlier quantization, one per feature, the identity where no split asks.
    ///
    /// # Errors
    /// Another number of codings than features, codings that a reading of their feature does not
    /// allow, and as [`QuantModel::new`].
    ///
    /// # Panics
    /// As [`QuantModel::new`].
    pub fn with_codings(
        model: &FloatModel,
        calibrations: &[Calibration],
        options: Options,
        codings: &[Coding],
    ) -> Result<Self, ModelError> {
        if codings.len() != model.schema().n_features() {
            return Err(ModelError::new(
                "codings",
                format!("{} of them", codings.len()),
                "one per feature",
            ));
        }
        for (feature, coding) in model.schema().features().iter().zip(codings) {
            coding.check(&feature.name)?;
        }
        Self::of(model, calibrations, options, None, Some(codings))
    }

    /// The model in the codings that are given, or else chosen.
    fn of(
        model: &FloatModel,
        calibrations: &[Calibration],
        options: Options,
        rows: Option<&Dataset>,
        codings: Option<&[Coding]>,
    ) -> Result<Self, ModelError> {
        let schema = model.schema().clone();
        assert_eq!(calibrations.len(), schema.n_features());
        let reading_type =
            ReadingType::for_sensors(calibrations.iter().map(|calibration| calibration.sensor));
        for input in model.inputs() {
            let (feature, calibration) = (&schema.features()[input], &calibrations[input]);
            let fits = matches!(calibration.sensor, Sensor::U8 | Sensor::I8 | Sensor::I16);
            if calibration.coding == CodingChoice::Identity && !fits {
                return Err(ModelError::new(
                    format!("feature \"{}\"", feature.name),
                    "coding = \"identity\" for readings that are no 16-bit integers",
                    "a type of u8, i8 or i16, or another coding",
                ));
            }
        }
        check_marks(&schema, calibrations, reading_type)?;
        let of_trees = || {
            let codings = match codings {
                Some(codings) => codings.to_vec(),
                None => codes::choose(model, calibrations, reading_type, rows, options.codes)?,
            };
            inputs_of(model, codings, calibrations, reading_type)
        };
        let (inputs, body) = match model {
            FloatModel::Forest(forest) => {
                let inputs = of_trees()?;
                let body = QuantForest::new(model, forest, &inputs, reading_type, options, rows)?;
                (inputs, Body::Forest(body))
            }
            FloatModel::Additive(sum) => {
                let inputs = of_trees()?;
                let body = QuantForest::of_sums(model, sum, &inputs, reading_type, options, rows)?;
                (inputs, Body::Forest(body))
            }
            FloatModel::GaussianNb(bayes) => of_bayes(bayes, calibrations, options)?,
        };
        let missing = calibrations.iter().map(|it| it.missing);
        Ok(Self {
            schema,
            reading_type,
            inputs,
            missing: missing.collect(),
            body,
            has_probabilities: false,
            margin: None,
            outliers: None,
        })
    }
}

/// Naive Bayes over codes.
fn of_bayes(
    model: &GaussianNb,
    calibrations: &[Calibration],
    options: Options,
) -> Result<(Inputs, Body), ModelError> {
    if options.codes == CodeWidth::Byte {
        return Err(ModelError::new(
            "[quantize] codes",
            "8-bit codes for naive Bayes",
            "`codes = \"auto\"` or `codes = \"16-bit\"`; it needs distances, not comparisons",
        ));
    }
    let features = model.inputs();
    let calibrations = features.iter().map(|input| calibrations[*input].clone());
    let calibrations: Vec<Calibration> = calibrations.collect();
    if let Some(input) = calibrations.iter().position(Calibration::is_missing) {
        let schema = model.schema();
        return Err(ModelError::new(
            format!("feature \"{}\"", schema.features()[features[input]].name),
            "readings that may be missing",
            "readings, since naive Bayes has no side for a missing one; trees do",
        ));
    }
    let codings = bayes::codings(model, &calibrations)?;
    let body = QuantBayes::new(model, &codings, &calibrations);
    let inputs = features.iter().copied().zip(codings);
    let inputs = Inputs::plain(model.schema().n_features(), inputs);
    Ok((inputs, Body::Bayes(body)))
}

/// Refuses a number for missing readings that other readings become in rows of fewer digits.
fn check_marks(
    schema: &Schema,
    calibrations: &[Calibration],
    reading_type: ReadingType,
) -> Result<(), ModelError> {
    const EXACT: f64 = 16_777_216.0;
    for (feature, calibration) in schema.features().iter().zip(calibrations) {
        let is_rounded = reading_type == ReadingType::F32 && calibration.sensor == Sensor::I32;
        match calibration.missing {
            Some(Missing::Number(number)) if is_rounded && number.abs() >= EXACT => {
                return Err(ModelError::new(
                    format!("feature \"{}\"", feature.name),
                    format!("missing readings as {number}, in rows of float32"),
                    format!(
                        "a number between -{EXACT} and {EXACT}, beyond which float32 gives other \
                         readings the same"
                    ),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The codes of trees.
fn inputs_of(
    model: &FloatModel,
    codings: Vec<Coding>,
    calibrations: &[Calibration],
    reading_type: ReadingType,
) -> Result<Inputs, ModelError> {
    let n_features = codings.len();
    let inputs = Inputs::of_trees(model, &codings, calibrations, reading_type)?;
    let schema = model.schema();
    let mut nodes = model.trees().iter().flat_map(spinney_model::Tree::nodes);
    let is_same_type = match reading_type {
        ReadingType::U8 => nodes.all(|node| match inputs.threshold(node, schema, reading_type) {
            thresholds::Threshold::NeverLeft => true,
            thresholds::Threshold::Code(code) => codes::NARROW_THRESHOLDS.contains(&code),
        }),
        ReadingType::I16 => true,
        ReadingType::I32 | ReadingType::F32 => false,
    };
    let is_plain = |input: &Input| input.coding == Coding::IDENTITY && input.missing.is_none();
    let mut features = inputs.list.iter().map(|input| input.feature);
    let is_identity = is_same_type
        && inputs.list.iter().all(is_plain)
        && features.clone().is_sorted_by(|one, other| one < other);
    if !is_identity && features.next().is_some() {
        return Ok(inputs);
    }
    // Handing all on costs nothing; and tables are for one code at least.
    let n_codes = if is_same_type { n_features } else { 1 };
    let all = (0..n_codes).map(|feature| (feature, Coding::IDENTITY));
    let mut all = Inputs::plain(n_features, all);
    for input in inputs.list {
        let feature = input.feature;
        all.list[feature] = input;
    }
    Ok(all)
}
