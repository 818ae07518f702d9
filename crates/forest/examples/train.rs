//! The example of `docs/training.md`: a forest is fitted, and judged by the rows it did not see.

use linfa::prelude::*;
use ndarray::array;
use spinney_forest::{ForestError, MaxFeatures, RandomForest};

fn main() -> Result<(), ForestError> {
    let rows = array![
        [5.1, 0.2],
        [4.9, 0.1],
        [6.2, 1.3],
        [5.9, 1.5],
        [6.9, 2.3],
        [7.1, 2.1]
    ];
    let dataset = Dataset::new(rows, array![0_usize, 0, 1, 1, 2, 2]);
    let forest = RandomForest::params()
        .n_trees(100)
        .max_depth(Some(12))
        .max_features(MaxFeatures::Sqrt)
        .oob_score(true)
        .seed(42)
        .fit(&dataset)?;
    println!("{:?}", forest.oob_accuracy());
    Ok(())
}
