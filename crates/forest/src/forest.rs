//! Forests: many trees that vote with their class proportions.

use std::fmt::Debug;
use std::marker::PhantomData;

use linfa::dataset::AsSingleTargets;
use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Data, Ix2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::fit::{Bootstrap, Training};
use crate::random::Stream;
use crate::tree::normalize;
use crate::{
    DecisionTree, DecisionTreeValidParams, ForestError, ForestParams, ForestValidParams, Watch,
    rows,
};

mod sealed {
    pub trait Sealed {}
}

/// A kind of forest: [`Bagged`] or [`Extra`].
pub trait Kind: sealed::Sealed + Debug + Clone + PartialEq + Send + Sync {
    /// Whether trees see rows drawn with replacement unless told otherwise.
    const BOOTSTRAP: bool;
    /// Whether thresholds are drawn, not searched.
    const RANDOM_THRESHOLDS: bool;
}

/// Marks a [`RandomForest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bagged;

/// Marks [`ExtraTrees`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extra;

impl sealed::Sealed for Bagged {}
impl sealed::Sealed for Extra {}

impl Kind for Bagged {
    const BOOTSTRAP: bool = true;
    const RANDOM_THRESHOLDS: bool = false;
}

impl Kind for Extra {
    const BOOTSTRAP: bool = false;
    const RANDOM_THRESHOLDS: bool = true;
}

/// A random forest: each tree sees rows drawn with replacement, and each split some of the features.
///
/// ```
/// use linfa::prelude::*;
/// use ndarray::array;
/// use spinney_forest::RandomForest;
///
/// let rows = array![[1.0, 0.2], [1.5, 0.1], [1.2, 0.4], [4.0, 0.3], [4.5, 0.2], [4.2, 0.1]];
/// let dataset = Dataset::new(rows, array![0_usize, 0, 0, 1, 1, 1]);
/// let forest = RandomForest::params().n_trees(20).oob_score(true).seed(42).fit(&dataset)?;
///
/// assert_eq!(forest.predict(&dataset), array![0, 0, 0, 1, 1, 1]);
/// assert_eq!(forest.predict_proba(dataset.records())?.dim(), (6, 2));
/// assert!(forest.oob_accuracy().is_some());
/// # Ok::<(), spinney_forest::ForestError>(())
/// ```
pub type RandomForest = Forest<Bagged>;

/// Extra-trees (extremely randomized trees): each split takes the best of a few features, each with
/// one threshold drawn between its smallest and largest value.
///
/// ```
/// use linfa::prelude::*;
/// use ndarray::array;
/// use spinney_forest::ExtraTrees;
///
/// let rows = array![[1.0, 0.2], [1.5, 0.1], [4.0, 0.3], [4.5, 0.2]];
/// let dataset = Dataset::new(rows, array![0_usize, 0, 1, 1]);
/// let forest = ExtraTrees::params().n_trees(10).seed(42).fit(&dataset)?;
/// assert_eq!(forest.predict(&dataset), array![0, 0, 1, 1]);
/// # Ok::<(), spinney_forest::ForestError>(())
/// ```
pub type ExtraTrees = Forest<Extra>;

/// A trained forest: a [`RandomForest`] or [`ExtraTrees`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawForest", bound = "K: Kind")]
pub struct Forest<K: Kind> {
    trees: Vec<DecisionTree>,
    oob_accuracy: Option<f64>,
    #[serde(skip)]
    kind: PhantomData<K>,
}

/// A forest as it was read, before any check; its trees are checked already.
#[derive(Deserialize)]
struct RawForest {
    trees: Vec<DecisionTree>,
    oob_accuracy: Option<f64>,
}

impl<K: Kind> Forest<K> {
    /// The parameters of a forest, with scikit-learn's defaults.
    #[must_use]
    pub fn params() -> ForestParams<K> {
        ForestParams::default()
    }

    /// The trees, at least one; all have the same features and classes.
    #[must_use]
    pub fn trees(&self) -> &[DecisionTree] {
        &self.trees
    }

    /// Number of columns of the training rows.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.trees[0].n_features()
    }

    /// Number of classes: the largest training label plus one.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.trees[0].n_classes()
    }

    /// Share of the training rows that the trees which did not see them classify rightly, over all
    /// rows that some tree did not see; `None` without `oob_score`, or where there is no such row.
    #[must_use]
    pub fn oob_accuracy(&self) -> Option<f64> {
        self.oob_accuracy
    }

    /// Class probabilities: the mean of the trees' leaf proportions, one row per row of `records`,
    /// one column per class.
    ///
    /// # Errors
    /// [`ForestError::Columns`] where `records` has another number of columns than the training
    /// rows.
    pub fn predict_proba<F: Float, D: Data<Elem = F>>(
        &self,
        records: &ArrayBase<D, Ix2>,
    ) -> Result<Array2<f64>, ForestError> {
        rows::check_columns(records, self.n_features())?;
        Ok(rows::proportions(
            records.view(),
            &self.trees,
            self.n_classes(),
        ))
    }

    /// How much each feature's splits lower the impurity: the mean over all trees that have splits,
    /// as shares that add up to 1; all zero where no tree has any.
    ///
    /// Features with many distinct values tend to get more than they deserve.
    #[must_use]
    pub fn feature_importances(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_features()];
        for tree in &self.trees {
            for (sum, share) in sums.iter_mut().zip(tree.feature_importances()) {
                *sum += share;
            }
        }
        normalize(&mut sums);
        sums
    }
}

impl<F: Float, D: Data<Elem = F>, K: Kind> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>>
    for Forest<K>
{
    /// Writes the most probable class of each row; the lowest index among equals.
    ///
    /// # Panics
    /// If `x` has another number of columns than the training rows, or `y` another length.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<usize>) {
        rows::classify(
            x.view(),
            &self.trees,
            self.n_features(),
            self.n_classes(),
            y,
        );
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(x.nrows())
    }
}

impl<F, D, T> Fit<ArrayBase<D, Ix2>, T, ForestError> for DecisionTreeValidParams
where
    F: Float,
    D: Data<Elem = F>,
    T: AsSingleTargets<Elem = usize>,
{
    type Object = DecisionTree;

    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<DecisionTree, ForestError> {
        self.fit_watched(dataset, &Watch::new())
    }
}

impl<F, D, T, K> Fit<ArrayBase<D, Ix2>, T, ForestError> for ForestValidParams<K>
where
    F: Float,
    D: Data<Elem = F>,
    T: AsSingleTargets<Elem = usize>,
    K: Kind,
{
    type Object = Forest<K>;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Forest<K>, ForestError> {
        self.fit_watched(dataset, &Watch::new())
    }
}

impl DecisionTreeValidParams {
    /// Grows the tree as `fit` does, while `watch` may stop it.
    ///
    /// # Errors
    /// Records, labels or weights that cannot be trained on, or [`ForestError::Cancelled`].
    pub fn fit_watched<F, D, T>(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
        watch: &Watch<'_>,
    ) -> Result<DecisionTree, ForestError>
    where
        F: Float,
        D: Data<Elem = F>,
        T: AsSingleTargets<Elem = usize>,
    {
        self.check_classes()?;
        let training = Training::classes(
            dataset.records.view(),
            dataset.targets.as_single_targets(),
            &dataset.weights,
            self.class_weight(),
        )?;
        let mut trees = training.grow(&self.plan(&training)?, watch)?;
        Ok(trees.pop().expect("one tree was asked for"))
    }
}

impl<K: Kind> ForestValidParams<K> {
    /// Grows the forest as `fit` does, while `watch` hears of each tree and may stop it.
    ///
    /// # Errors
    /// Records, labels or weights that cannot be trained on, or [`ForestError::Cancelled`].
    pub fn fit_watched<F, D, T>(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
        watch: &Watch<'_>,
    ) -> Result<Forest<K>, ForestError>
    where
        F: Float,
        D: Data<Elem = F>,
        T: AsSingleTargets<Elem = usize>,
    {
        let records = dataset.records.view();
        let labels = dataset.targets.as_single_targets();
        self.tree().check_classes()?;
        let training = Training::classes(records, labels, &dataset.weights, self.class_weight())?;
        let plan = self.plan(&training)?;
        let trees = training.grow(&plan, watch)?;
        let oob_accuracy = match &plan.bootstrap {
            Some(bootstrap) if self.oob_score() => {
                let unseen = Unseen::new(bootstrap, plan.seed, plan.n_trees);
                unseen.accuracy(records, labels, &trees, training.n_classes())
            }
            _ => None,
        };
        Ok(Forest {
            trees,
            oob_accuracy,
            kind: PhantomData,
        })
    }
}

/// Which rows each tree did not see: the bootstraps, drawn once more.
struct Unseen {
    /// Per tree one bit per row.
    bits: Vec<Vec<u64>>,
}

impl Unseen {
    fn new(bootstrap: &Bootstrap, seed: u64, n_trees: usize) -> Self {
        let of_tree = |tree_idx| {
            let counts = bootstrap.draw(&mut Stream::new(seed, tree_idx));
            let word = |counts: &[u32]| {
                let bits = counts.iter().map(|count| u64::from(*count == 0));
                bits.zip(0..).fold(0, |word, (bit, at)| word | bit << at)
            };
            counts.chunks(64).map(word).collect()
        };
        Self {
            bits: (0..n_trees).into_par_iter().map(of_tree).collect(),
        }
    }

    fn accuracy<F: Float>(
        &self,
        records: ArrayView2<'_, F>,
        labels: ArrayView1<'_, usize>,
        trees: &[DecisionTree],
        n_classes: usize,
    ) -> Option<f64> {
        let judge = |row_idx: usize| -> (usize, usize) {
            let mut row = Vec::with_capacity(records.ncols());
            rows::cast(records.row(row_idx), &mut row);
            let mut sums = vec![0.0; n_classes];
            let mut judged = false;
            for (tree, bits) in trees.iter().zip(&self.bits) {
                if bits[row_idx / 64] >> (row_idx % 64) & 1 == 1 {
                    tree.add_proportions(&row, &mut sums);
                    judged = true;
                }
            }
            let right = judged && rows::argmax(&sums) == labels[row_idx];
            (usize::from(judged), usize::from(right))
        };
        let (n_judged, n_right) = (0..records.nrows())
            .into_par_iter()
            .map(judge)
            .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        (n_judged > 0).then(|| n_right as f64 / n_judged as f64)
    }
}

impl<K: Kind> TryFrom<RawForest> for Forest<K> {
    type Error = ForestError;

    fn try_from(raw: RawForest) -> Result<Self, ForestError> {
        let shape = |tree: &DecisionTree| (tree.n_features(), tree.n_classes());
        let fault = |place: String, found: String, expected: &str| ForestError::Model {
            place,
            found,
            expected: expected.into(),
        };
        let Some(first) = raw.trees.first().map(shape) else {
            return Err(fault("trees".into(), "none".into(), "at least one"));
        };
        for (index, tree) in raw.trees.iter().enumerate() {
            if shape(tree) != first {
                return Err(fault(
                    format!("trees[{index}]"),
                    format!(
                        "{} features, {} classes",
                        tree.n_features(),
                        tree.n_classes()
                    ),
                    "as many as the first tree has",
                ));
            }
        }
        Ok(Self {
            trees: raw.trees,
            oob_accuracy: raw.oob_accuracy,
            kind: PhantomData,
        })
    }
}
