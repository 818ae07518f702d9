//! Decision trees, random forests and extra-trees as linfa estimators, of classes and of numbers:
//! deterministic, fast, with scikit-learn's parameters and quality.
//!
//! ```
//! use linfa::prelude::*;
//! use ndarray::array;
//! use spinney_forest::{MaxFeatures, RandomForest};
//!
//! let rows = array![[5.1, 0.2], [4.9, 0.1], [6.2, 1.3], [5.9, 1.5], [6.9, 2.3], [7.1, 2.1]];
//! let dataset = Dataset::new(rows, array![0_usize, 0, 1, 1, 2, 2]);
//!
//! let forest = RandomForest::params()
//!     .n_trees(50)
//!     .max_features(MaxFeatures::Sqrt)
//!     .seed(42)
//!     .fit(&dataset)?;
//!
//! assert_eq!(forest.predict(&dataset), *dataset.targets());
//! # Ok::<(), spinney_forest::ForestError>(())
//! ```
//!
//! # What is promised
//!
//! - **The same seed gives the same bytes**, on every machine and for any number of threads. Each
//!   tree has a random stream of its own, and no platform logarithm or root is used.
//! - **scikit-learn's semantics.** Rows are cast to float32, thresholds are float64 midpoints, a row
//!   goes left where `x <= t`, leaves hold class weights or means, forests average class proportions
//!   or values, ties go to the lowest class. The random numbers are others, so single trees differ.
//! - **A threshold separates** the two values that it was chosen to separate, even where they lie
//!   one ulp apart. (scikit-learn takes values closer than 1e-7 for equal.)
//! - **Bad input is an error**, never a panic: NaN, infinities, no rows, labels above 65535. One
//!   single class is allowed and gives a tree of one leaf.
//!
//! Trees grow in parallel on the current [rayon] pool; call `fit` within
//! `rayon::ThreadPool::install` to use another number of threads. A long fit can be watched and
//! stopped: see [`Watch`].
//!
//! This crate must not know the rest of Spinney: neither fixed point nor devices, files or clocks.

mod codes;
mod criterion;
mod error;
mod fit;
mod forest;
mod grow;
mod isolation;
mod item;
mod params;
mod prune;
mod random;
mod regression;
mod rows;
mod split;
mod sweep;
mod tree;
mod watch;

pub use error::ForestError;
pub use forest::{Bagged, Extra, ExtraTrees, Forest, Kind, RandomForest};
pub use isolation::{IsolationNode, isolation_trees};
pub use params::{
    ClassWeight, Criterion, DecisionTreeParams, DecisionTreeValidParams, ForestParams,
    ForestValidParams, MaxFeatures, MaxSamples,
};
pub use regression::{RegressionTree, Regressor};
pub use tree::{DecisionTree, Node};
pub use watch::Watch;

/// Runs the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
