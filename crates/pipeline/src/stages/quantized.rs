//! The frozen model with its rows and its quantization, as the config asks for it.

use spinney_config::{Codegen, Config, Model, Output};
use spinney_convert::{Conversion, matches};
use spinney_dataset::{Dataset, Missing, csv};
use spinney_evaluate::{Reject, value_bound};
use spinney_import::{Format, sniff};
use spinney_model::{FloatModel, Naming, Voting};
use spinney_quantize::{
    Calibration, CodeWidth, CodingChoice, Declared, ModelError, Options, QuantModel, Sensor, Votes,
};
use spinney_signal::FrontEnd;

use super::inputs::{self, Inputs, PipelineRows, at_fault};
use super::opened::declared_of;
use super::outliers::{Outliers, with_outliers};
use super::{Session, model};
use crate::failure::Failure;
use crate::store::sha256;

/// A frozen model with its rows and its quantization.
pub struct Quantized {
    /// The float model.
    pub model: FloatModel,
    /// The rows.
    pub rows: PipelineRows,
    /// What is known of each feature.
    pub calibrations: Vec<Calibration>,
    /// The model in fixed point.
    pub quant: QuantModel,
    /// How trees vote.
    pub voting: Voting,
    /// What the config asks of generated code.
    pub codegen: Codegen,
    /// When a class is unknown, if it may be.
    pub reject: Option<Reject>,
    /// What flags rows that are unlike those of training, if anything does.
    pub outliers: Option<Outliers>,
}

impl Quantized {
    /// What images of this model tell: the digest of the frozen model.
    pub fn fingerprint(&self) -> String {
        sha256(self.model.to_json().as_bytes())["sha256:".len()..].to_owned()
    }
}

/// Calibrates and quantizes the frozen model.
pub fn prepare(session: &Session, inputs: &Inputs) -> Result<Quantized, Failure> {
    let model = model::load(session)?;
    let rows = inputs::rows(&session.config, inputs, model.task(), Some(&model))?;
    let kept = kept(&session.config, inputs, &model)?;
    quantized_from(&session.config, model, rows, kept)
}

/// The quantization that the imported file holds, if it is of a quantized model.
fn kept(
    config: &Config,
    inputs: &Inputs,
    model: &FloatModel,
) -> Result<Option<Conversion>, Failure> {
    let Model::Import { path, classes, .. } = &config.pipeline.model else {
        return Ok(None);
    };
    let bytes = inputs.bytes(path);
    if sniff(bytes) != Ok(Format::Conversion) {
        return Ok(None);
    }
    let kept = Conversion::from_bytes(bytes).map_err(|error| at_fault(&path.full, &error))?;
    let decided = &config.pipeline.quantize;
    let asked = [
        ("features", !config.pipeline.features.is_empty()),
        ("quantize.votes", decided.votes != Votes::Q15),
        ("quantize.codes", decided.codes != CodeWidth::Auto),
        ("quantize.coding", decided.coding != CodingChoice::Auto),
        ("model.classes", classes.is_some()),
        ("model.threshold", kept.model != *model),
        ("reject", config.pipeline.reject.is_some()),
    ];
    if let Some((key, _)) = asked.iter().find(|(_, is_asked)| *is_asked) {
        let message = format!(
            "found this beside {}, which is quantized already",
            path.typed
        );
        let help = "remove it, or name the float model, which is quantized anew";
        return config.refuse(key, message, Some(help));
    }
    if kept.options.voting != decided.leaves {
        let message = format!("found other leaves than {} was quantized with", path.typed);
        let help = match kept.options.voting {
            Voting::Soft => "remove `leaves`",
            Voting::Hard => "write `leaves = \"hard\"`",
        };
        return config.refuse("quantize.leaves", message, Some(help));
    }
    let wants_scores = wants_scores(config);
    if kept.options.wants_scores != wants_scores {
        let message = format!("found other outputs than {} was quantized for", path.typed);
        let help = match wants_scores {
            true => "remove `outputs`, or quantize the model for scores",
            false => "write `outputs = [\"class\", \"scores\"]`",
        };
        return config.refuse("codegen.outputs", message, Some(help));
    }
    Ok(Some(kept))
}

/// Whether the device delivers more than classes.
pub(super) fn wants_scores(config: &Config) -> bool {
    let outputs = &config.pipeline.codegen.outputs;
    outputs.iter().any(|output| *output != Output::Class)
}

/// Calibrates and quantizes a model as the config says.
pub(super) fn quantized_from(
    config: &Config,
    model: FloatModel,
    rows: PipelineRows,
    kept: Option<Conversion>,
) -> Result<Quantized, Failure> {
    let rows = fit_to_model(rows, &model, config)?;
    let declared = declared(config, &model)?;
    let in_model = |error| at_fault(model::file_of(config), &error);
    let mut converted = match kept {
        Some(kept) => kept,
        None => converted(config, model, rows.train.as_ref(), &declared)?,
    };
    let others = rows.calibration.iter().chain(&rows.validation);
    for of_rows in [&rows.test].into_iter().chain(others) {
        check_readings(&converted, of_rows, &declared)?;
    }
    let outputs = &config.pipeline.codegen.outputs;
    if outputs.contains(&Output::Probabilities) {
        converted = converted.with_probabilities().map_err(in_model)?;
    }
    let Conversion {
        model,
        calibrations,
        mut quant,
        options,
    } = converted;
    let reject = (config.pipeline.reject.as_ref())
        .zip(rows.calibration.as_ref())
        .map(|(reject, calibration)| calibrated(&quant, calibration, reject.coverage));
    if let Some(reject) = &reject {
        quant = quant.with_margin(reject.margin);
    }
    let mut outliers = None;
    if let (Some(share), Some(train), Some(calibration)) = (
        config.pipeline.reject.as_ref().and_then(|it| it.outliers),
        &rows.train,
        &rows.calibration,
    ) {
        let seed = config.pipeline.identity.seed;
        let Some((with, detector)) = with_outliers(quant, (train, calibration), share, seed)?
        else {
            let message = format!(
                "found {share} with {} rows to calibrate on, expected at least {:.0}, so that one of \
                 them may be odd",
                calibration.n_rows(),
                (1.0 / share - 1.0).ceil()
            );
            let help =
                "flag a larger share, or keep more rows apart: `share`, or more of them in `rows`";
            return config.refuse("reject.outliers", message, Some(help));
        };
        (quant, outliers) = (with, Some(detector));
    }
    Ok(Quantized {
        reject,
        outliers,
        model,
        rows,
        calibrations,
        quant,
        voting: options.voting,
        codegen: config.pipeline.codegen.clone(),
    })
}

/// Calibrates and quantizes a model as the config says, by training rows in its order of features.
pub(crate) fn converted(
    config: &Config,
    model: FloatModel,
    train: Option<&Dataset>,
    declared: &[Declared],
) -> Result<Conversion, Failure> {
    let voting = config.pipeline.quantize.leaves;
    if voting == Voting::Hard && model.additive().is_some() {
        let message = format!(
            "found `\"hard\"` for {}, expected `\"soft\"`: its trees add values, they do not vote",
            model.kind()
        );
        let help = "remove `leaves`";
        return config.refuse("quantize.leaves", message, Some(help));
    }
    let in_model = |error| at_fault(model::file_of(config), &error);
    let values = train.map(|rows| rows.values().view());
    let calibrations = spinney_quantize::calibrate(&model, values, declared)
        .map_err(|error| at_fault(config.path(), &error))?;
    let mut options = Options {
        voting,
        votes: config.pipeline.quantize.votes,
        codes: config.pipeline.quantize.codes,
        wants_scores: wants_scores(config),
    };
    if let (Votes::Auto, Some(limit)) = (options.votes, config.pipeline.accuracy.max_error) {
        options.votes = narrowest(limit, &model, &calibrations, options).map_err(in_model)?;
    }
    Conversion::calibrated(model, calibrations, options, train).map_err(in_model)
}

/// The margin that promises a coverage, from rows that neither trained nor test; their number was
/// found to be enough for it when they were read.
fn calibrated(quant: &QuantModel, rows: &Dataset, coverage: f64) -> Reject {
    let scorer = quant.scorer();
    let scores: Vec<Vec<i64>> = (rows.values().rows().into_iter())
        .map(|row| scorer.scores(&quant.codes(&row.to_vec())))
        .collect();
    Reject::calibrate(&scores, rows.labels(), coverage).expect("enough rows")
}

/// The fewest bits of values whose proven error is within a limit, or the most that they may have.
fn narrowest(
    limit: f64,
    model: &FloatModel,
    calibrations: &[Calibration],
    options: Options,
) -> Result<Votes, ModelError> {
    let is_within = |votes: Votes| -> Result<bool, ModelError> {
        let quant = QuantModel::new(model, calibrations, Options { votes, ..options }, None)?;
        Ok(value_bound(model, &quant).is_none_or(|bound| bound <= limit))
    };
    for votes in [Votes::Byte, Votes::Q15] {
        if is_within(votes)? {
            return Ok(votes);
        }
    }
    // Leaves with several values have no more than 16 bits.
    Ok(is_within(Votes::Word).map_or(Votes::Q15, |_| Votes::Word))
}

/// Rows with columns and labels in the model's order.
pub(super) fn fit_to_model(
    rows: PipelineRows,
    model: &FloatModel,
    config: &Config,
) -> Result<PipelineRows, Failure> {
    let schema = model.schema();
    let names = schema.feature_names();
    let are_named = schema.naming() == Naming::Given;
    let fit = |dataset: Dataset, has_labels: bool| -> Result<Dataset, Failure> {
        let dataset = dataset.with_features(&names, are_named).map_err(|error| {
            Failure::Input(anyhow::anyhow!(
                "the rows do not fit the model of {} features: {error}",
                names.len()
            ))
        })?;
        if !has_labels {
            return Ok(dataset);
        }
        dataset.with_classes(schema.classes()).map_err(|error| {
            let help = "labels are compared as text; write the classes in the file as the model names \
                        them";
            Failure::Config(config.fault("dataset.label", error.to_string(), Some(help)))
        })
    };
    Ok(PipelineRows {
        train: rows.train.map(|train| fit(train, true)).transpose()?,
        calibration: (rows.calibration.map(|rows| fit(rows, true))).transpose()?,
        validation: (rows.validation.map(|rows| fit(rows, true))).transpose()?,
        test: fit(rows.test, rows.has_labels)?,
        ..rows
    })
}

/// What the config declares of each feature of the model.
pub(crate) fn declared(config: &Config, model: &FloatModel) -> Result<Vec<Declared>, Failure> {
    let features = model.schema().features();
    let front_end = super::signals::front_end(config)?;
    // What a selection dropped may be declared all the same.
    let heard = front_end.as_ref().map(FrontEnd::feature_names);
    for pattern in config.pipeline.features.keys() {
        let names = features.iter().map(|feature| &feature.name);
        let mut names = names.chain(heard.iter().flatten());
        if !names.any(|name| matches(pattern, name)) {
            let names = csv::preview(&model.schema().feature_names());
            let message = format!("the model has no feature \"{pattern}\"");
            let help = format!("its features are {names}");
            return config.refuse(&format!("features.{pattern}"), message, Some(&help));
        }
    }
    for feature in features.iter().filter(|it| !it.categories.is_empty()) {
        let words = declared_of(&config.pipeline.features, &feature.name);
        let words = words.and_then(|declared| declared.categories.as_ref());
        if words.is_some_and(|words| *words != feature.categories) {
            let name = &feature.name;
            let message = format!(
                "`categories` of \"{name}\" are others than those that the model was fitted with"
            );
            let known = csv::preview(&feature.categories);
            let help = format!("it knows {known} itself: leave the key out");
            return config.refuse(&format!("features.{name}"), message, Some(&help));
        }
    }
    // What the front end delivers, whatever the training rows happen to span.
    let heard = front_end.map(|front_end| match front_end.is_narrow() {
        true => Sensor::I16,
        false => Sensor::I32,
    });
    Ok(features
        .iter()
        .map(|feature| {
            let given = declared_of(&config.pipeline.features, &feature.name);
            let given = given.cloned().unwrap_or_default();
            let categories = given.categories.as_ref().unwrap_or(&feature.categories);
            Declared {
                sensor: heard.or(given.type_),
                range: given.range.map(|range| (range.low, range.high)),
                coding: given.coding.unwrap_or(config.pipeline.quantize.coding),
                missing: given.missing.map(|it| match it {
                    Missing::Nan => spinney_quantize::Missing::Nan,
                    Missing::Number(number) => spinney_quantize::Missing::Number(number),
                }),
                n_categories: categories.len().try_into().unwrap_or(u32::MAX),
            }
        })
        .collect())
}

/// A test reading that an integer sensor cannot deliver means that its type is wrong, and one that is
/// missing needs a side in the model.
fn check_readings(
    converted: &Conversion,
    test: &Dataset,
    declared: &[Declared],
) -> Result<(), Failure> {
    let (model, calibrations) = (&converted.model, &converted.calibrations);
    let mut has_side = vec![false; test.features().len()];
    for node in model.trees().iter().flat_map(spinney_model::Tree::nodes) {
        if let (Some((feature, _)), Some(_)) = (node.split(), node.missing()) {
            has_side[feature] = true;
        }
    }
    for feature in model.inputs() {
        let column = test.values().column(feature);
        let gap = column.iter().position(|reading| reading.is_nan());
        if let Some(row) = gap.filter(|_| !has_side[feature]) {
            return Err(Failure::Input(anyhow::anyhow!(
                "feature \"{}\": found no reading in row {}, expected one, since the model was fitted \
                 without missing readings of it; fit it on rows with such gaps, or leave rows with \
                 gaps out",
                test.features()[feature],
                test.source_rows()[row]
            )));
        }
        if calibrations[feature].sensor.integers().is_none() {
            continue;
        }
        if let Some(row) = column
            .iter()
            .position(|reading| !reading.is_nan() && *reading != reading.floor())
        {
            let name = &test.features()[feature];
            return Err(Failure::Input(anyhow::anyhow!(
                "feature \"{name}\": found the reading {} in row {}, expected integers, {}; \
                 declare `type = \"f32\"` in [features.{name}]",
                column[row],
                test.source_rows()[row],
                if declared[feature].sensor.is_some() {
                    "as its type declares"
                } else {
                    "as in the training rows"
                }
            )));
        }
    }
    Ok(())
}
