//! Gaussian naive Bayes with scikit-learn's parameters and order of operations.

use crate::{ModelError, Schema};

/// Gaussian naive Bayes: per class a prior, per class and input a mean and a variance.
///
/// Inputs are the features that the model uses; one that a selection dropped has no say at all.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianNb {
    schema: Schema,
    inputs: Vec<usize>,
    log_priors: Vec<f64>,
    means: Vec<Vec<f64>>,
    variances: Vec<Vec<f64>>,
}

impl GaussianNb {
    /// A model that uses every feature; as [`Self::of_inputs`].
    ///
    /// # Errors
    /// As [`Self::of_inputs`].
    pub fn new(
        schema: Schema,
        log_priors: Vec<f64>,
        means: Vec<Vec<f64>>,
        variances: Vec<Vec<f64>>,
    ) -> Result<Self, ModelError> {
        let inputs = (0..schema.n_features()).collect();
        Self::of_inputs(schema, inputs, log_priors, means, variances)
    }

    /// Checks the parameters.
    ///
    /// `inputs` are indices of features, ascending, at least one; `log_priors` has one natural
    /// logarithm per class; `means` and `variances` are `n_classes` × `n_inputs`, in raw units and
    /// their squares; variances include `var_smoothing`, as fitted.
    ///
    /// # Errors
    /// Wrong shapes, numbers that are not finite, a variance that is not positive, or a prior
    /// above 1. A prior of zero (logarithm −∞) is refused too: such a class is never predicted
    /// and should be dropped.
    pub fn of_inputs(
        schema: Schema,
        inputs: Vec<usize>,
        log_priors: Vec<f64>,
        means: Vec<Vec<f64>>,
        variances: Vec<Vec<f64>>,
    ) -> Result<Self, ModelError> {
        schema.must_classify()?;
        let n_classes = schema.n_classes();
        let is_ascending = inputs.is_sorted_by(|one, other| one < other);
        if !is_ascending
            || inputs
                .last()
                .is_none_or(|last| *last >= schema.n_features())
        {
            return Err(broken!(
                "inputs"; "{inputs:?}";
                "at least one feature index, ascending, below {}", schema.n_features()
            ));
        }
        check_length("log_priors", log_priors.len(), n_classes)?;
        for (class, prior) in log_priors.iter().enumerate() {
            // A sum of rounded priors may exceed 1 by an ulp.
            if !prior.is_finite() || *prior > 1e-9 {
                return Err(broken!(
                    format!("log_priors[{class}]"); "{prior}";
                    "the logarithm of a prior above 0 and at most 1"
                ));
            }
        }
        let positive: fn(f64) -> bool = |value| value.is_finite() && value > 0.0;
        for (what, matrix, valid, expected) in [
            (
                "means",
                &means,
                f64::is_finite as fn(f64) -> bool,
                "a finite number",
            ),
            ("variances", &variances, positive, "a finite number above 0"),
        ] {
            check_length(what, matrix.len(), n_classes)?;
            for (class, values) in matrix.iter().enumerate() {
                check_length(&format!("{what}[{class}]"), values.len(), inputs.len())?;
                if let Some(feature) = values.iter().position(|value| !valid(*value)) {
                    return Err(ModelError::new(
                        format!("{what}[{class}][{feature}]"),
                        values[feature].to_string(),
                        expected,
                    ));
                }
            }
        }
        Ok(Self {
            schema,
            inputs,
            log_priors,
            means,
            variances,
        })
    }

    /// Names of features and classes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Indices of the features that the model uses, ascending.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Natural logarithm of each class's prior.
    pub fn log_priors(&self) -> &[f64] {
        &self.log_priors
    }

    /// Means, `n_classes` × `n_inputs`, in raw units.
    pub fn means(&self) -> &[Vec<f64>] {
        &self.means
    }

    /// Variances, `n_classes` × `n_inputs`, in squared raw units, all positive.
    pub fn variances(&self) -> &[Vec<f64>] {
        &self.variances
    }

    /// Natural logarithm of `P(class) · p(row | class)` per class.
    ///
    /// `log P(c) − ½ Σ log(2π σ²) − ½ Σ (x − θ)² / σ²`, as scikit-learn's
    /// `GaussianNB._joint_log_likelihood`. Readings stay float64.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn joint_log_likelihood(&self, row: &[f64]) -> Vec<f64> {
        assert_eq!(row.len(), self.schema.n_features(), "length of the row");
        (0..self.schema.n_classes())
            .map(|class| {
                let variances = &self.variances[class];
                let penalty: f64 = self
                    .inputs
                    .iter()
                    .zip(&self.means[class])
                    .zip(variances)
                    .map(|((input, mean), variance)| {
                        let distance = row[*input] - mean;
                        distance * distance / variance
                    })
                    .sum();
                self.constant(class) - 0.5 * penalty
            })
            .collect()
    }

    /// The part of a class's score that does not depend on the row:
    /// `log P(c) − ½ Σ log(2π σ²)`.
    ///
    /// # Panics
    /// If `class` is no class index.
    pub fn constant(&self, class: usize) -> f64 {
        let log_sigmas: f64 = self.variances[class]
            .iter()
            .map(|variance| libm::log(std::f64::consts::TAU * variance))
            .sum();
        self.log_priors[class] - 0.5 * log_sigmas
    }

    /// Class probabilities of one row: the softmax of [`Self::joint_log_likelihood`].
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn probabilities(&self, row: &[f64]) -> Vec<f64> {
        let scores = self.joint_log_likelihood(row);
        let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = max + libm::log(scores.iter().map(|score| libm::exp(score - max)).sum());
        scores
            .iter()
            .map(|score| libm::exp(score - log_sum))
            .collect()
    }
}

fn check_length(what: &str, found: usize, expected: usize) -> Result<(), ModelError> {
    if found == expected {
        return Ok(());
    }
    Err(broken!(what; "{found} entries"; "{expected}"))
}
