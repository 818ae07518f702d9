//! Stage `model`: train or import, and freeze the float model as canonical JSON.

use std::collections::BTreeSet;

use spinney_config::{
    ClassWeight, Config, Count, Criterion, ForestTraining, Labels, MaxFeatures, Model, Pipeline,
    Trainer, Training, did_you_mean,
};
use spinney_dataset::{Dataset, Fills};
use spinney_model::{Additive, FloatModel, ForestKind, Link, ModelError, Schema};
use spinney_report::{Origin, UNKNOWN};
use spinney_train::{self as train, ForestParams, LinfaEnsemble, LinfaForest, TrainError};

use super::Session;
use super::inputs::{self, Inputs, ROW_PARTS, at_fault};
use super::opened;
use super::order::artifact_of;
use super::select::{self, SELECTION};
use super::shrink;
use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;
use crate::store::{self, Stage, Writer};

/// The frozen model's file within the stage.
pub const MODEL: &str = "model.json";
/// What an imported file said of itself, within the stage.
pub const ORIGIN: &str = "origin.json";

/// What the stage depends on.
pub fn inputs(session: &Session, inputs: &Inputs) -> Result<store::Inputs, Failure> {
    let mut key = inputs.base(&session.config)?;
    let parts = parts(&session.config.pipeline);
    key.extend(inputs.of_config(&session.config, &parts)?);
    Ok(key)
}

/// The parts of a config that the float model depends on.
pub(super) fn parts(pipeline: &Pipeline) -> Vec<&'static str> {
    let mut parts = [&ROW_PARTS[..], &["model", "select"]].concat();
    if pipeline.shrink.is_some() {
        // What readings there are decides what is the same for all of them, and whether scores are asked
        // for how few trees there may be.
        parts.extend(["shrink", "features", "quantize", "codegen"]);
    } else if takes_all_sides(pipeline) {
        parts.push("features");
    }
    parts
}

/// Whether readings that are said to be missing go where an imported file sends them, even if no row
/// taught it to.
fn takes_all_sides(pipeline: &Pipeline) -> bool {
    let mut declared = pipeline.features.values();
    matches!(pipeline.model, Model::Import { .. }) && declared.any(|it| it.missing.is_some())
}

/// Trains or imports, unless nothing that this depends on has changed.
pub fn run(session: &Session, files: &Inputs) -> Result<(), Failure> {
    session.pass("model", inputs(session, files)?, |stage| {
        make(session, files, stage)
    })?;
    // What is named may have changed where the model has not.
    let pipeline = &session.config.pipeline;
    if pipeline.accuracy.min_recall.is_empty() && pipeline.reject.is_none() {
        return Ok(());
    }
    check_classes(&session.config, load(session)?.schema().classes())
}

/// Refuses a class that the config names and that there is not, and one that is called as what is
/// no class.
pub fn check_classes(config: &Config, classes: &[String]) -> Result<(), Failure> {
    if config.pipeline.reject.is_some() && classes.iter().any(|it| it == UNKNOWN) {
        let message = format!("found a class that is called \"{UNKNOWN}\", too, expected none");
        let help =
            "name the class otherwise in the data; predictions.csv could not tell them apart";
        return config.refuse("reject", message, Some(help));
    }
    let weights = match &config.pipeline.model {
        Model::Train(Training::Forest(ForestTraining {
            class_weight: ClassWeight::Given(weights),
            ..
        })) => Some(weights),
        _ => None,
    };
    let recalls = &config.pipeline.accuracy.min_recall;
    let named = weights
        .into_iter()
        .flat_map(|weights| weights.keys().map(|class| ("model.class_weight", class)))
        .chain(recalls.keys().map(|class| ("accuracy.min_recall", class)));
    for (key, class) in named {
        if classes.contains(class) {
            continue;
        }
        let known: Vec<&str> = classes.iter().map(String::as_str).collect();
        let help = did_you_mean(class, &known)
            .unwrap_or_else(|| format!("classes: {}", listed_names(&known)));
        let message = "found no such class, expected one of the data's";
        let place = format!("{key}.{}", class.escape_debug());
        return config.refuse(&place, message, Some(&help));
    }
    Ok(())
}

/// Names in quotes; of many, the first.
fn listed_names(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|it| format!("{it:?}"))
        .collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

fn make<'a>(session: &Session, inputs: &Inputs, stage: &'a Stage) -> Result<Writer<'a>, Failure> {
    let (mut origin, mut selection) = (None, None);
    let model = match &session.config.pipeline.model {
        Model::Train(training) => {
            session.progress.doing("training");
            let rows = inputs::rows(&session.config, inputs, training.task(), None)?;
            // A split or a pair of files always has training rows where a model is trained.
            let train = rows.train.as_ref().unwrap_or(&rows.test);
            check_classes(&session.config, train.classes())?;
            let fills = inputs::fills(&session.config, &rows)?;
            let made = select::train(&session.config, training, train, &fills, &session.progress);
            let (model, selected) = made.inspect_err(|_| {
                // No stage after this one will say them.
                session.progress.clear();
                for note in &rows.notes {
                    session.progress.note(&note.text);
                }
            })?;
            selection = selected;
            model
        }
        Model::Import {
            path,
            threshold,
            classes,
            ..
        } => {
            session.progress.doing("importing");
            let import = match takes_all_sides(&session.config.pipeline) {
                true => spinney_import::import_with_sides,
                false => spinney_import::import,
            };
            let imported =
                import(inputs.bytes(path)).map_err(|error| at_fault(&path.full, &error))?;
            origin = Some(Origin {
                file: path.typed.clone(),
                estimator: imported.origin.estimator,
                library: imported.origin.library,
                steps: imported.origin.steps,
                notes: imported.origin.notes,
            });
            let mut model = imported.model;
            session.config.check_task(model.task())?;
            if let Some(classes) = classes {
                let named = model.with_classes(classes.clone());
                model = named.map_err(|error| {
                    let message = format!("found {}, expected {}", error.found, error.expected);
                    session.config.fault("model.classes", message, None)
                })?;
            }
            let file = session.config.pipeline.dataset.test();
            let n_targets = model.schema().targets().len();
            if file.unit.len() > 1 && file.unit.len() != n_targets {
                let message = format!("found {} units for {n_targets} targets", file.unit.len());
                let help = "name the unit of each target in its order, or one for all";
                return session.config.refuse("dataset.unit", message, Some(help));
            }
            if let (Labels::Columns(labels), 2..) = (&file.labels, n_targets) {
                opened::check_targets(&session.config, model.task(), labels, Some(&model))?;
                let named = model.with_targets(labels.clone());
                model = named.map_err(|error| at_fault(&path.full, &error))?;
            }
            check_classes(&session.config, model.schema().classes())?;
            with_threshold(&session.config, model, *threshold)?
        }
    };
    let mut model = model;
    let mut smaller = shrink::run(session, inputs, &model)?;
    if session.config.pipeline.frontend.is_some() && origin.is_none() {
        let mut models = vec![&mut model];
        models.extend(
            smaller
                .iter_mut()
                .flat_map(|it| [&mut it.original, &mut it.model]),
        );
        without_unasked(models).input()?;
    }
    let mut writer = stage.begin().environment()?;
    writer.write_json(ORIGIN, &origin)?;
    writer.write_json(SELECTION, &selection)?;
    shrink::write(&mut writer, smaller.as_ref())?;
    let model = smaller.map_or(model, |it| it.model);
    writer.write(MODEL, model.to_json().as_bytes())?;
    Ok(writer)
}

/// Drops the features that none of these models asks, all of the same rows: a front end need not compute
/// them.
fn without_unasked(models: Vec<&mut FloatModel>) -> Result<(), ModelError> {
    let mut asked: BTreeSet<usize> = models.iter().flat_map(|it| it.inputs()).collect();
    // A row has a feature, and sums of trees keep all.
    if asked.is_empty() {
        asked.insert(0);
    }
    for model in models {
        let schema = model.schema();
        let n_features = schema.n_features();
        if asked.len() == n_features || model.additive().is_some() {
            continue;
        }
        let features = asked.iter().map(|it| schema.features()[*it].clone());
        let (naming, classes) = (schema.naming(), schema.classes().to_vec());
        let schema = Schema::new(features.collect(), naming, classes)?;
        let places = (0..n_features).map(|feature| asked.range(..feature).count());
        *model = model.clone().among(schema, &places.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// A detector with the threshold that the config names, if it names one; other models have none.
fn with_threshold(
    config: &Config,
    model: FloatModel,
    threshold: Option<f64>,
) -> Result<FloatModel, Failure> {
    let (Some(sum), Some(threshold)) = (model.additive(), threshold) else {
        return Ok(model);
    };
    let (link, threshold) = match sum.link() {
        Link::Isolation { .. } => (Link::Isolation { offset: threshold }, None),
        link => (link, Some(threshold)),
    };
    let moved = Additive::new(
        sum.kind(),
        sum.schema().clone(),
        sum.trees().to_vec(),
        sum.sum().clone(),
        link,
        threshold,
    );
    moved.map(FloatModel::Additive).map_err(|error| {
        config
            .fault("model.threshold", error.to_string(), None)
            .into()
    })
}

/// Digest of the frozen model.
pub fn digest(session: &Session) -> Result<String, Failure> {
    Ok(artifact_of(session, "model", MODEL)?.1)
}

/// The frozen model, which today's config suits.
pub fn load(session: &Session) -> Result<FloatModel, Failure> {
    let made = session.made("model")?;
    let model = FloatModel::from_json(&made.read(MODEL)?)
        .map_err(|error| at_fault(&made.path(MODEL), &error))?;
    session.config.check_task(model.task())?;
    Ok(model)
}

/// Whether linfa's trees are trained, which know fewer keys, and differ from one training to the next.
pub fn trains_with_linfa(config: &Config) -> bool {
    matches!(
        &config.pipeline.model,
        Model::Train(Training::Forest(forest)) if forest.trainer == Trainer::Linfa
    )
}

/// Trains on rows whose gaps are filled, and fills them in the model's splits, too.
pub(crate) fn train_model(
    config: &Config,
    training: &Training,
    rows: &Dataset,
    fills: &Fills,
    progress: &Progress,
) -> Result<FloatModel, Failure> {
    let rows = &rows.filled(fills);
    let result = match training {
        Training::GaussianNb { var_smoothing } => spinney_train::gaussian_nb(rows, *var_smoothing),
        Training::Forest(forest) => {
            let seed = config.pipeline.identity.seed;
            match forest.trainer {
                Trainer::Spinney => {
                    let params = forest_params(forest, rows, seed);
                    spinney_train::forest(rows, &params, &|done, total| {
                        progress.doing(&format!("training: {done} of {total} trees"));
                    })
                }
                Trainer::Linfa => {
                    spinney_train::linfa_forest(rows, &linfa_params(forest, rows, seed))
                }
            }
        }
    };
    let filled = result.map(|model| model.filled(fills));
    filled.map_err(|error| match error {
        TrainError::Rows { found, expected } => {
            let dataset = &config.pipeline.dataset;
            let file = dataset.train().unwrap_or(dataset.test());
            let rows = format!("the training rows: found {found}, expected {expected}");
            at_fault(&file.path.full, &rows)
        }
        TrainError::Model(error) => at_fault(
            config.path(),
            &format!("[model]: the trained model: {error}"),
        ),
        TrainError::Parameter {
            name,
            found,
            expected,
        } => {
            let message = format!("found {found}, expected {expected}");
            config.fault(&format!("model.{name}"), message, None).into()
        }
        TrainError::Library(_) => Failure::Input(error.into()),
    })
}

/// The file that a fault of the model is a fault of: the imported one, or the config.
pub fn file_of(config: &Config) -> &std::path::Path {
    match &config.pipeline.model {
        Model::Import { path, .. } => &path.full,
        Model::Train(_) => config.path(),
    }
}

fn forest_params(forest: &ForestTraining, rows: &Dataset, seed: u64) -> ForestParams {
    let n_rows = rows.n_rows();
    let class_weights = match &forest.class_weight {
        ClassWeight::Given(given) => {
            // Casts: row weights are float32.
            let weight = |name: &String| given.get(name).map_or(1.0, |weight| *weight as f32);
            Some(rows.classes().iter().map(weight).collect())
        }
        _ => None,
    };
    ForestParams {
        kind: forest.kind,
        n_trees: forest.n_trees as usize,
        max_depth: forest.max_depth.map(|depth| depth as usize),
        min_samples_split: rows_of(forest.min_samples_split, n_rows).max(2),
        min_samples_leaf: rows_of(forest.min_samples_leaf, n_rows).max(1),
        max_leaf_nodes: forest.max_leaf_nodes.map(|leaves| leaves as usize),
        max_features: match forest.max_features {
            MaxFeatures::All => train::MaxFeatures::All,
            MaxFeatures::Sqrt => train::MaxFeatures::Sqrt,
            MaxFeatures::Log2 => train::MaxFeatures::Log2,
            MaxFeatures::Features(count) => train::MaxFeatures::Count(count as usize),
            MaxFeatures::Fraction(fraction) => train::MaxFeatures::Fraction(fraction),
        },
        criterion: match forest.criterion {
            Criterion::Gini => train::Criterion::Gini,
            Criterion::Entropy | Criterion::LogLoss => train::Criterion::Entropy,
            Criterion::SquaredError => train::Criterion::SquaredError,
        },
        bootstrap: forest.bootstrap,
        max_samples: match forest.max_samples {
            None => train::MaxSamples::All,
            Some(Count::Rows(rows)) => train::MaxSamples::Count(rows as usize),
            Some(Count::Fraction(fraction)) => train::MaxSamples::Fraction(fraction),
        },
        class_weight: match forest.class_weight {
            ClassWeight::Balanced | ClassWeight::BalancedSubsample => train::ClassWeight::Balanced,
            ClassWeight::None | ClassWeight::Given(_) => train::ClassWeight::Uniform,
        },
        class_weights,
        min_impurity_decrease: forest.min_impurity_decrease,
        ccp_alpha: forest.ccp_alpha,
        seed,
    }
}

/// A number of rows, or a share of them rounded up, as scikit-learn does.
// Casts: a share of a row count.
fn rows_of(count: Count, n_rows: usize) -> usize {
    match count {
        Count::Rows(rows) => rows as usize,
        Count::Fraction(fraction) => (fraction * n_rows as f64).ceil() as usize,
    }
}

fn linfa_params(forest: &ForestTraining, rows: &Dataset, seed: u64) -> LinfaForest {
    let n_features = rows.features().len() as f64;
    let n_rows = rows.n_rows();
    let feature_fraction = match forest.max_features {
        MaxFeatures::All => 1.0,
        MaxFeatures::Sqrt => n_features.sqrt() / n_features,
        MaxFeatures::Log2 => n_features.log2().max(1.0) / n_features,
        MaxFeatures::Features(count) => (f64::from(count) / n_features).min(1.0),
        MaxFeatures::Fraction(fraction) => fraction,
    };
    LinfaForest {
        ensemble: (forest.kind != ForestKind::DecisionTree).then(|| LinfaEnsemble {
            n_trees: forest.n_trees as usize,
            feature_fraction,
            row_fraction: match forest.max_samples {
                None => 1.0,
                Some(Count::Fraction(fraction)) => fraction,
                Some(Count::Rows(rows)) => (f64::from(rows) / n_rows as f64).min(1.0),
            },
            seed,
        }),
        max_depth: forest.max_depth.map(|depth| depth as usize),
        // Casts: linfa takes row counts as float32.
        min_samples_split: rows_of(forest.min_samples_split, n_rows) as f32,
        min_samples_leaf: rows_of(forest.min_samples_leaf, n_rows) as f32,
        min_impurity_decrease: forest.min_impurity_decrease,
        entropy: forest.criterion != Criterion::Gini,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_that_no_model_asks_are_dropped_and_nothing_is_decided_otherwise() {
        let forest = |feature: usize| {
            let text = format!(
                r#"{{"format":"spinney-model","version":1,"kind":"decision-tree","features":[{{"name":"a"}},
                {{"name":"b"}},{{"name":"c"}},{{"name":"d"}}],"classes":["x","y"],"trees":[{{"nodes":[
                {{"feature":{feature},"threshold":2.5,"left":1,"right":2}},{{"value":[1,0]}},{{"value":[0,1]}}]}}]}}"#
            );
            FloatModel::from_json(text.as_bytes()).expect("a model")
        };
        let (mut one, mut other) = (forest(3), forest(1));
        without_unasked(vec![&mut one, &mut other]).expect("models");
        for (model, input) in [(&one, 1), (&other, 0)] {
            assert_eq!(model.schema().feature_names(), ["b", "d"]);
            assert_eq!(model.inputs(), [input]);
            for class in [0, 1] {
                let mut row = [9.0, 9.0];
                row[input] = [2.5, 2.6][class];
                assert_eq!(model.predict(&row), class);
            }
        }
        let leaf = r#"{"format":"spinney-model","version":1,"kind":"decision-tree","features":[{"name":"a"},
            {"name":"b"}],"classes":["x","y"],"trees":[{"nodes":[{"value":[1,0]}]}]}"#;
        let mut leaf = FloatModel::from_json(leaf.as_bytes()).expect("a model");
        without_unasked(vec![&mut leaf]).expect("a model");
        assert_eq!(leaf.schema().feature_names(), ["a"]);
    }
}
