//! What the report says that a model spends on each feature.

use spinney_evaluate::{Asked, OfModel, RejectCost, feature_costs};
use spinney_report::FeatureCoding;

use super::candidates::Candidate;
use super::quantize::Summary;
use super::run::RunResult;

/// Features as the report has them, with the costs of those that the shipped form asks.
pub(super) fn features(
    summary: &Summary,
    shipped: &Candidate,
    model_flash_bytes: i64,
    reject: Option<RejectCost>,
    result: &RunResult,
) -> Vec<FeatureCoding> {
    let asks = &shipped.asks;
    let n_rows = summary.source_rows.len().max(1) as f64;
    let compared = summary
        .passed
        .as_ref()
        .map(|passed| match shipped.early_exit {
            true => &passed.early_of_features,
            false => &passed.all_of_features,
        });
    let per_inference = |feature: usize| match asks.are_levels {
        // All levels are compared, however a row goes; how many an exit spares, nobody counted.
        true => (!shipped.early_exit).then_some(asks.n[feature] as f64),
        false => compared.map(|compared| compared[feature] as f64 / n_rows),
    };
    let used: Vec<usize> = (0..summary.features.len())
        .filter(|feature| summary.features[*feature].is_used())
        .collect();
    let asked: Vec<Asked> = used
        .iter()
        .map(|&feature| Asked {
            n: asks.n[feature],
            per_inference: per_inference(feature),
            coding_bytes: asks.coding_bytes[feature],
            coding_steps: asks.coding_steps[feature],
        })
        .collect();
    // What `[reject]` adds, a detector's trees above all, is no feature's.
    let of_reject = reject.map_or(0, |it| it.flash_bytes);
    let instructions = match result {
        RunResult::Ran(run) => {
            let from_codes = run.instructions_from_codes.mean;
            let of_reject = reject.and_then(|it| it.instructions).unwrap_or(0.0);
            let coding = (run.instructions.mean - from_codes).max(0.0);
            Some(((from_codes - of_reject).max(0.0), coding))
        }
        _ => None,
    };
    let costs = feature_costs(
        &asked,
        OfModel {
            bits: asks.bits,
            flash_bytes: u64::try_from(model_flash_bytes - of_reject).unwrap_or(0),
            instructions,
        },
    );
    let mut features = summary.features.clone();
    for (feature, cost) in used.into_iter().zip(costs) {
        features[feature].cost = Some(cost);
    }
    features
}
