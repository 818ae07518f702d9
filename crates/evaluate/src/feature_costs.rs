//! What a model spends on each feature: bytes of the form that ships, comparisons, and the measured
//! instructions of an inference, shared out.

use serde::{Deserialize, Serialize};

/// What the form that ships does with a feature's readings.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Asked {
    /// Splits that ask it, or levels; terms of naive Bayes.
    pub n: usize,
    /// Comparisons, or terms, of an inference: the mean over rows; `None` where nobody counted.
    pub per_inference: Option<f64>,
    /// Bytes of tables that its codes are made with.
    pub coding_bytes: usize,
    /// What making its codes takes, in steps of a search among cuts.
    pub coding_steps: u32,
}

/// What the form that ships takes in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OfModel {
    /// Bits of a split, a level or a term in a table; `None` where splits are code.
    pub bits: Option<usize>,
    /// Flash of all that is the model's, codings included.
    pub flash_bytes: u64,
    /// Mean instructions of an inference from codes to the class, and of making the codes; `None`
    /// without a run.
    pub instructions: Option<(f64, f64)>,
}

/// What a model spends on a feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FeatureCost {
    /// Splits that ask it, in the form that ships; levels where trees are levels, terms of naive Bayes.
    pub asked_by: usize,
    /// How often an inference compares it: the mean over all test rows, with what an early exit saves;
    /// absent for models without splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparisons: Option<f64>,
    /// Flash of these splits and of the tables that its codes are made with; where splits are code, its
    /// share of the model's flash by their number.
    pub flash_bytes: u64,
    /// Its share of the measured instructions of an inference: by comparisons, and those of coding by
    /// steps; absent without a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<f64>,
}

/// The costs of features that a model asks, in their order. What no feature has a share in by name, as
/// leaves in tables and the code that walks, is in none.
#[must_use]
pub fn feature_costs(asked: &[Asked], model: OfModel) -> Vec<FeatureCost> {
    let n_splits: usize = asked.iter().map(|it| it.n).sum();
    let coding_bytes: usize = asked.iter().map(|it| it.coding_bytes).sum();
    let code_bytes = model.flash_bytes.saturating_sub(coding_bytes as u64);
    let steps: u32 = asked.iter().map(|it| it.coding_steps).sum();
    // Where nobody counted comparisons, splits stand for them.
    let times = |it: &Asked| it.per_inference.unwrap_or(it.n as f64);
    let all_times: f64 = asked.iter().map(times).sum();
    let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
    let cost = |it: &Asked| {
        let of_splits = match model.bits {
            Some(bits) => (it.n * bits).div_ceil(8) as u64,
            None => whole(code_bytes as f64 * share(it.n as f64, n_splits as f64)),
        };
        FeatureCost {
            asked_by: it.n,
            comparisons: it.per_inference.map(|n| (n * 100.0).round() / 100.0),
            flash_bytes: of_splits + it.coding_bytes as u64,
            instructions: model.instructions.map(|(from_codes, coding)| {
                let compared = from_codes * share(times(it), all_times);
                let coded = coding * share(it.coding_steps.into(), steps.into());
                ((compared + coded) * 10.0).round() / 10.0
            }),
        }
    };
    asked.iter().map(cost).collect()
}

fn whole(bytes: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of bytes, not negative"
    )]
    let bytes = bytes.round() as u64;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: [Asked; 3] = [
        Asked {
            n: 30,
            per_inference: Some(6.0),
            coding_bytes: 8,
            coding_steps: 3,
        },
        Asked {
            n: 9,
            per_inference: Some(2.0),
            coding_bytes: 40,
            coding_steps: 5,
        },
        Asked {
            n: 1,
            per_inference: Some(0.0),
            coding_bytes: 12,
            coding_steps: 0,
        },
    ];

    fn of(bits: Option<usize>, instructions: Option<(f64, f64)>) -> Vec<FeatureCost> {
        let model = OfModel {
            bits,
            flash_bytes: 1_060,
            instructions,
        };
        feature_costs(&ASKED, model)
    }

    #[test]
    fn in_tables_splits_and_codings_are_counted_to_the_bit() {
        let bytes = |bits| -> Vec<u64> {
            of(Some(bits), None)
                .iter()
                .map(|it| it.flash_bytes)
                .collect()
        };
        assert_eq!(bytes(32), [120 + 8, 36 + 40, 4 + 12]);
        // 90, 27 and 3 bits.
        assert_eq!(bytes(3), [12 + 8, 4 + 40, 1 + 12]);
    }

    #[test]
    fn code_and_instructions_are_shared_out_whole() {
        let costs = of(None, Some((800.0, 160.0)));
        let bytes: Vec<u64> = costs.iter().map(|it| it.flash_bytes).collect();
        assert_eq!(bytes, [750 + 8, 225 + 40, 25 + 12]);
        assert_eq!(bytes.iter().sum::<u64>(), 1_060);
        let instructions: Vec<f64> = costs.iter().filter_map(|it| it.instructions).collect();
        assert_eq!(instructions, [600.0 + 60.0, 200.0 + 100.0, 0.0]);
    }

    #[test]
    fn terms_that_every_row_takes_share_alike() {
        let asked = [Asked {
            per_inference: None,
            n: 4,
            ..ASKED[0]
        }; 2];
        let model = OfModel {
            bits: Some(32),
            flash_bytes: 100,
            instructions: Some((100.0, 40.0)),
        };
        let costs = feature_costs(&asked, model);
        assert_eq!(costs[0], costs[1]);
        assert_eq!(
            (costs[0].flash_bytes, costs[0].instructions),
            (24, Some(70.0))
        );
        assert_eq!(costs[0].comparisons, None);
    }

    #[test]
    fn a_model_that_asks_nothing_costs_nothing() {
        let model = OfModel {
            bits: None,
            flash_bytes: 7,
            instructions: Some((10.0, 0.0)),
        };
        assert_eq!(feature_costs(&[], model), []);
        let none = feature_costs(&[Asked::default()], model);
        assert_eq!((none[0].flash_bytes, none[0].instructions), (0, Some(0.0)));
    }
}
