//! What the report says of each feature: how it is coded, how much the model rests on it, and what the
//! model spends on it.

use spinney_evaluate::{
    Asked, OfModel, Predictions, RejectCost, Shuffled, comparisons, feature_costs,
    permutation_importance,
};
use spinney_quantize::Coding;
use spinney_report::FeatureCoding;

use super::candidates::Candidate;
use super::quantize::Summary;
use super::quantized::Quantized;
use super::run::RunResult;

impl Quantized {
    /// Every feature, by the test rows and what was predicted of them, and what its importance was found on.
    pub(super) fn features(
        &self,
        predictions: &Predictions,
        seed: u64,
    ) -> (Vec<FeatureCoding>, Option<Shuffled>) {
        let Self { quant, rows, .. } = self;
        let schema = quant.schema();
        let comparisons = comparisons(&self.model, quant, &rows.test);
        let all = comparisons.iter().flatten().sum::<u64>();
        let share = |index: usize| -> Option<f64> {
            let asked = comparisons.as_ref()?[index];
            (asked > 0).then(|| six_digits(asked as f64 / all as f64))
        };
        let shuffled = rows.validation.as_ref().unwrap_or(&rows.test);
        let importance = (rows.has_labels && rows.test.numbers().is_none())
            .then(|| permutation_importance(quant, shuffled, seed));
        let reading_type = quant.reading_type();
        let inputs = self.model.inputs();
        let features = self
            .calibrations
            .iter()
            .enumerate()
            .map(|(index, calibration)| {
                let is_used = inputs.binary_search(&index).is_ok();
                let input = quant.input_of(index).filter(|_| is_used);
                let coding = input.map(|input| &input.coding);
                FeatureCoding {
                    name: schema.features()[index].name.clone(),
                    sensor: calibration.sensor,
                    range: calibration.range,
                    coding: coding
                        .map_or(FeatureCoding::NOT_USED, Coding::name)
                        .to_owned(),
                    code_bits_per_unit: match coding {
                        Some(Coding::Affine { shift, .. }) => Some(*shift),
                        Some(Coding::Rank { .. } | Coding::Set { .. }) | None => None,
                    },
                    codes: coding.map(|coding| {
                        if let Coding::Set { .. } = coding {
                            return 2;
                        }
                        let code = |reading| coding.code(reading_type, reading);
                        let (low, high) = calibration.range;
                        u32::from(code(high).abs_diff(code(low))) + 1
                    }),
                    share_of_comparisons: share(index),
                    permutation_importance: importance
                        .as_ref()
                        .map(|it| six_digits(it.lost[index])),
                    table_bytes: coding.map_or(0, |_| quant.coding_bytes(index)),
                    cost: None,
                    saturation: predictions
                        .saturation
                        .iter()
                        .find(|saturation| saturation.feature == index)
                        .cloned(),
                }
            })
            .collect();
        (features, importance.map(|it| it.found_on))
    }
}

pub(super) fn six_digits(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

/// Features as the report has them, with the costs of those that the shipped form asks.
pub(super) fn with_costs(
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
    let instructions = result.ran().map(|run| {
        let from_codes = run.instructions_from_codes.mean;
        let of_reject = reject.and_then(|it| it.instructions).unwrap_or(0.0);
        let coding = (run.instructions.mean - from_codes).max(0.0);
        ((from_codes - of_reject).max(0.0), coding)
    });
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
