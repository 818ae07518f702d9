//! ONNX files: scalers and selections, then one ensemble of trees, or Gaussian naive Bayes as skl2onnx
//! writes it.
//!
//! A graph is not run but recognized: the ensemble first, then what stands before it, back to
//! the graph's inputs, then what stands after it. Any other operator is refused by name.

mod bayes;
mod encode;
mod ensemble;
mod feed;
mod fraction;
mod graph;
mod inputs;
mod join;
mod proto;
mod sums;
mod tail;
mod trees;
mod vote;

use spinney_dataset::Budget;
use spinney_model::{Compare, FloatModel};

use crate::{Format, ImportError, Imported, Origin, shown};
use feed::Trace;
use graph::{Graph, Node};
use join::Joint;
use tail::Tail;

/// What works instead of an operator that is not known.
const INSTEAD: &str = "tree ensembles and skl2onnx's GaussianNB are, behind Scaler, Imputer, \
                       OneHotEncoder, LabelEncoder, Binarizer, Sub, Div, Mul, Add, Clip, Cast, Concat and \
                       selections; or save a skops file";

pub(crate) fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = &Budget::of(bytes.len());
    let model: proto::Model = proto::decode("the ONNX file", bytes, &[], budget)?;
    let raw = model
        .graph
        .as_ref()
        .ok_or_else(|| ImportError::broken("the ONNX file", "no graph", "an ONNX model"))?;
    let raw = proto::decode("the graph", raw, &[], budget)?;
    let graph = Graph::decode(&raw, budget)?;
    graph.check_domains(&model.opset_imports, budget)?;
    let library = (!model.producer_name.is_empty()).then(|| {
        let version = shown(&model.producer_version);
        format!("{} {version}", shown(&model.producer_name))
            .trim_end()
            .to_owned()
    });
    let is_sklearn = model.producer_name == "skl2onnx";
    let mut notes = Vec::new();
    let (model, estimator, steps) = match ensemble::find(&graph)[..] {
        [] => {
            let found = bayes::find(&graph)?;
            let n_features = found.bayes.schema().n_features();
            let feed = feed::trace(&graph, &[&found.input], Some(n_features), budget)?;
            if !found.is_double {
                notes.push(
                    "The parameters are float32: probabilities follow scikit-learn's to 1e-4. A \
                     skops file keeps them all."
                        .to_owned(),
                );
            }
            let model = FloatModel::GaussianNb(feed.feed.fold_bayes(&found.bayes)?);
            (model, "GaussianNB".to_owned(), feed.steps)
        }
        ref ensembles => {
            let joint = join::find(&graph, ensembles, budget)?;
            let mut inputs: Vec<&str> = Vec::new();
            for (node, _) in &joint.members {
                if !inputs.contains(&node.input(0)) {
                    inputs.push(node.input(0));
                }
            }
            let feed = feed::trace(&graph, &inputs, None, budget)?;
            let model = trees(
                &graph, &joint, &inputs, &feed, is_sklearn, budget, &mut notes,
            )?;
            (model, ensembles[0].shown(), feed.steps)
        }
    };
    Ok(Imported {
        model,
        origin: Origin {
            format: Format::Onnx,
            estimator,
            library,
            steps,
            notes,
        },
    })
}

/// Reads the ensembles behind `feed`, which is of `inputs`: as a forest that votes, if their leaves hold
/// proportions.
fn trees(
    graph: &Graph,
    joint: &Joint,
    inputs: &[&str],
    feed: &Trace,
    is_sklearn: bool,
    budget: &Budget,
    notes: &mut Vec<String>,
) -> Result<FloatModel, ImportError> {
    let is_classifier = |node: &Node| node.op_type == "TreeEnsembleClassifier";
    let tail = match joint.members[..] {
        [(node, _)] if is_classifier(node) && joint.value == node.output(1) => {
            Tail::of_classifier(graph, node)?
        }
        _ => Tail::of_scores(graph, joint.value)?,
    };
    let read = |cast: Compare| {
        let members = joint.members.iter().map(|(node, term)| {
            let at = inputs.iter().position(|it| *it == node.input(0));
            let ensemble = ensemble::read(graph, node, cast, budget)?;
            Ok((ensemble, *term, feed.starts[at.unwrap_or(0)]))
        });
        let mut ensemble = join::merge(members.collect::<Result<_, ImportError>>()?)?;
        if let Some(classes) = &ensemble.classes {
            ensemble.classes = Some(tail.named(classes)?);
        }
        Ok::<_, ImportError>(ensemble)
    };
    let of_rows = match feed.is_double {
        true => Compare::Float64,
        false => Compare::Float32,
    };
    let n_features = feed.feed.inputs.len();
    if joint.members.iter().all(|(node, _)| is_classifier(node)) && !tail.is_softmax {
        // scikit-learn's forests cast to float32, whatever the type of the graph's input.
        let cast = match is_sklearn {
            true => Compare::Float32,
            false => of_rows,
        };
        if let Some(forest) = trees::read(&read(cast)?, n_features, budget)? {
            notes.push(
                "Thresholds and leaves went through float32; ONNX does not tell forests from \
                 extra-trees."
                    .to_owned(),
            );
            note_scaler(feed, notes);
            return feed.feed.fold(forest, cast, budget);
        }
    }
    let draft = sums::read(&read(of_rows)?, &tail, n_features, of_rows, budget, notes)?;
    note_scaler(feed, notes);
    let model = feed.feed.fold(draft, of_rows, budget)?;
    model.additive().map_or(Ok(()), sums::check_probit)?;
    Ok(model)
}

fn note_scaler(feed: &Trace, notes: &mut Vec<String>) {
    let selects = |step: &String| {
        matches!(
            step.as_str(),
            "ArrayFeatureExtractor" | "Gather" | "Imputer" | "Concat"
        )
    };
    if !feed.is_double && !feed.steps.iter().all(selects) {
        notes.push(
            "The scaler is float32, as ONNX Runtime computes it: rows next to a threshold may be \
             decided otherwise than in scikit-learn. A skops file keeps float64."
                .to_owned(),
        );
    }
}
