//! What the report says of each feature: how it is coded, and how much the model rests on it.

use spinney_dataset::Dataset;
use spinney_evaluate::{Predictions, Shuffled, comparisons, permutation_importance};
use spinney_model::FloatModel;
use spinney_quantize::{Calibration, Coding, QuantModel};
use spinney_report::FeatureCoding;

/// A quantized model, and the test rows that it decided.
pub(super) struct Decided<'a> {
    pub model: &'a FloatModel,
    pub calibrations: &'a [Calibration],
    pub quant: &'a QuantModel,
    pub predictions: &'a Predictions,
    pub test: &'a Dataset,
    /// The rows whose readings are shuffled.
    pub shuffled: &'a Dataset,
    pub has_labels: bool,
    pub seed: u64,
}

impl Decided<'_> {
    /// Every feature, and what its importance was found on.
    pub(super) fn features(&self) -> (Vec<FeatureCoding>, Option<Shuffled>) {
        let schema = self.quant.schema();
        let comparisons = comparisons(self.model, self.quant, self.test);
        let all = comparisons.iter().flatten().sum::<u64>();
        let share = |index: usize| -> Option<f64> {
            let asked = comparisons.as_ref()?[index];
            (asked > 0).then(|| six_digits(asked as f64 / all as f64))
        };
        let importance = self
            .has_labels
            .then(|| permutation_importance(self.quant, self.shuffled, self.seed));
        let reading_type = self.quant.reading_type();
        let inputs = self.model.inputs();
        let features = self
            .calibrations
            .iter()
            .enumerate()
            .map(|(index, calibration)| {
                let is_used = inputs.binary_search(&index).is_ok();
                let input = self.quant.input_of(index).filter(|_| is_used);
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
                    table_bytes: coding.map_or(0, |_| self.quant.coding_bytes(index)),
                    cost: None,
                    saturation: self
                        .predictions
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

fn six_digits(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}
