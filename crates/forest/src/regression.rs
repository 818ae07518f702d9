//! Trained regressors: trees whose leaves hold the mean of their rows' numbers, and their mean.

use linfa::dataset::AsSingleTargets;
use linfa::traits::PredictInplace;
use linfa::{DatasetBase, Float};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use crate::fit::{Plan, Training};
use crate::forest::Kind;
use crate::item::Numbers;
use crate::{DecisionTreeValidParams, ForestError, ForestValidParams, Node, Watch, rows, tree};

/// A decision tree over numbers, alone or within a [`Regressor`].
#[derive(Debug, Clone, PartialEq)]
pub struct RegressionTree {
    n_features: usize,
    nodes: Vec<Node>,
    values: Vec<f64>,
}

impl RegressionTree {
    /// Takes over nodes in preorder, which the caller has built so.
    pub(crate) fn from_parts(n_features: usize, nodes: Vec<Node>, values: Vec<f64>) -> Self {
        Self {
            n_features,
            nodes,
            values,
        }
    }

    /// The nodes in preorder: the root first, a split's left child right behind it. A split's
    /// improvement is the fall in variance, times the node's share of the tree's weight.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The weighted mean of the numbers of each leaf's training rows.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of splits on the longest path.
    #[must_use]
    pub fn depth(&self) -> usize {
        tree::depth(&self.nodes)
    }

    /// The value of the leaf that a row of float32 values ends in.
    ///
    /// # Panics
    /// If the row is too short.
    #[must_use]
    pub fn value_of(&self, row: &[f32]) -> f64 {
        self.values[tree::leaf_of(&self.nodes, row) as usize]
    }

    /// How much each feature's splits lower the variance, as shares that add up to 1; all zero for
    /// a tree without splits.
    #[must_use]
    pub fn feature_importances(&self) -> Vec<f64> {
        tree::importances(&self.nodes, self.n_features)
    }
}

/// A tree, a random forest or extra-trees over numbers: the mean of what its trees say.
///
/// ```
/// use linfa::prelude::*;
/// use ndarray::array;
/// use spinney_forest::{Criterion, MaxFeatures, RandomForest, Watch};
///
/// let rows = array![[1.0], [1.5], [2.0], [4.0], [4.5], [5.0]];
/// let dataset = Dataset::new(rows, array![0.5, 0.5, 0.5, 3.0, 3.0, 3.0]);
/// let forest = RandomForest::params()
///     .criterion(Criterion::SquaredError)
///     .max_features(MaxFeatures::All)
///     .seed(42)
///     .check()?
///     .fit_numbers(&dataset, &Watch::new())?;
/// assert!((forest.predict(&dataset)[5] - 3.0).abs() < 0.1);
/// # Ok::<(), spinney_forest::ForestError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Regressor {
    trees: Vec<RegressionTree>,
}

impl Regressor {
    /// The trees, at least one.
    #[must_use]
    pub fn trees(&self) -> &[RegressionTree] {
        &self.trees
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<f64>> for Regressor {
    /// Writes the mean of the trees' values for each row, added in their order.
    ///
    /// # Panics
    /// If `x` has another number of columns than the training rows, or `y` another length.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<f64>) {
        assert_eq!(
            x.ncols(),
            self.trees[0].n_features,
            "as many as in training"
        );
        assert_eq!(x.nrows(), y.len(), "there is one target for each row");
        let mut row = Vec::with_capacity(x.ncols());
        for (value, record) in y.iter_mut().zip(x.rows()) {
            rows::cast(record, &mut row);
            let sum: f64 = self.trees.iter().map(|tree| tree.value_of(&row)).sum();
            *value = sum / self.trees.len() as f64;
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f64> {
        Array1::zeros(x.nrows())
    }
}

impl DecisionTreeValidParams {
    /// Grows a tree over numbers, which takes [`SquaredError`](crate::Criterion::SquaredError) for a
    /// criterion.
    ///
    /// # Errors
    /// Records, numbers or weights that cannot be trained on, parameters that only classes have, or
    /// [`ForestError::Cancelled`].
    pub fn fit_numbers<F, D, T>(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
        watch: &Watch<'_>,
    ) -> Result<Regressor, ForestError>
    where
        F: Float,
        D: Data<Elem = F>,
        T: AsSingleTargets<Elem = f64>,
    {
        self.check_numbers()?;
        grow(dataset, |training| self.plan(training), watch)
    }
}

impl<K: Kind> ForestValidParams<K> {
    /// Grows a forest over numbers, as [`DecisionTreeValidParams::fit_numbers`] grows a tree.
    ///
    /// # Errors
    /// As there, and `oob_score`, which is a share of classes.
    pub fn fit_numbers<F, D, T>(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
        watch: &Watch<'_>,
    ) -> Result<Regressor, ForestError>
    where
        F: Float,
        D: Data<Elem = F>,
        T: AsSingleTargets<Elem = f64>,
    {
        self.check_numbers()?;
        grow(dataset, |training| self.plan(training), watch)
    }
}

/// Grows what is planned for the rows.
fn grow<F, D, T>(
    dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    plan: impl FnOnce(&Training<Numbers>) -> Result<Plan, ForestError>,
    watch: &Watch<'_>,
) -> Result<Regressor, ForestError>
where
    F: Float,
    D: Data<Elem = F>,
    T: AsSingleTargets<Elem = f64>,
{
    let targets = dataset.targets.as_single_targets();
    let of_rows = || Numbers::new(targets);
    let (rows, weights) = (dataset.records.view(), &dataset.weights);
    let training = Training::new(rows, targets.len(), weights, of_rows)?;
    let trees = training.grow(&plan(&training)?, watch)?;
    Ok(Regressor { trees })
}
