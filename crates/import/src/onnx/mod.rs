//! ONNX files as skl2onnx writes them: scalers and selections, then one classifier.
//!
//! A graph is not run but recognized: the classifier first, then what stands before it, back to
//! the graph's inputs, then what stands after it. Any other operator is refused by name.

mod bayes;
mod feed;
mod fraction;
mod graph;
mod inputs;
mod proto;
mod trees;

use spinney_dataset::Budget;
use spinney_model::{Compare, FloatModel};

use crate::{Format, ImportError, Imported, Origin};
use graph::{Graph, Node, shown};

/// What works instead of an operator that is not known.
const INSTEAD: &str = "TreeEnsembleClassifier and skl2onnx's GaussianNB are, behind Scaler, Sub, \
                       Div, Mul, Add, Clip, Cast, Concat and selections; or save a skops file";

/// Reads an ONNX file.
///
/// # Errors
/// As [`crate::import`].
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
    let classifiers: Vec<&Node> = graph
        .nodes
        .iter()
        .filter(|node| node.op_type == "TreeEnsembleClassifier")
        .collect();
    let mut notes = Vec::new();
    let (model, estimator, steps) = match classifiers[..] {
        [] => {
            let found = bayes::find(&graph)?;
            let feed = feed::trace(
                &graph,
                &found.input,
                Some(found.bayes.schema().n_features()),
                budget,
            )?;
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
        [node] => {
            check_after(&graph, node)?;
            let feed = feed::trace(&graph, node.input(0), None, budget)?;
            // scikit-learn casts to float32, whatever the type of the graph's input.
            let cast = if feed.is_double && !is_sklearn {
                Compare::Float64
            } else {
                Compare::Float32
            };
            let forest = trees::read(&graph, node, feed.feed.inputs.len(), cast, budget)?;
            notes.push(
                "Thresholds and leaves went through float32; ONNX does not tell forests from \
                 extra-trees."
                    .to_owned(),
            );
            let selects =
                |step: &String| matches!(step.as_str(), "ArrayFeatureExtractor" | "Gather");
            if !feed.is_double && !feed.steps.iter().all(selects) {
                notes.push(
                    "The scaler is float32, as ONNX Runtime computes it: rows next to a threshold \
                     may be decided otherwise than in scikit-learn. A skops file keeps float64."
                        .to_owned(),
                );
            }
            let model = FloatModel::Forest(feed.feed.fold_forest(forest, cast, budget)?);
            (model, node.shown(), feed.steps)
        }
        _ => {
            return Err(ImportError::refused(
                format!("a graph of {} TreeEnsembleClassifiers", classifiers.len()),
                "one classifier per file",
            ));
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

/// Checks that nothing after the classifier changes its results.
fn check_after(graph: &Graph, classifier: &Node) -> Result<(), ImportError> {
    let mut values: Vec<&str> = classifier.outputs.iter().map(String::as_str).collect();
    let mut seen = std::collections::HashSet::new();
    while let Some(value) = values.pop() {
        if !seen.insert(value) {
            continue;
        }
        for user in graph.users(value) {
            if !matches!(
                user.op_type.as_str(),
                "ZipMap" | "Cast" | "Identity" | "Reshape" | "Squeeze"
            ) {
                return Err(ImportError::refused(
                    format!("the operator {} after the classifier", user.shown()),
                    INSTEAD,
                ));
            }
            values.extend(user.outputs.iter().map(String::as_str));
        }
    }
    Ok(())
}
