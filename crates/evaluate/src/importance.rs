//! How often the trees ask each feature, over rows that stand for what the device will see.

use spinney_dataset::Dataset;
use spinney_model::FloatModel;
use spinney_quantize::{Paths, QuantModel};

/// The comparisons with each feature that the float trees make over all of `rows`, one count per
/// feature; `None` for models without splits.
///
/// A split counts once for each row that passes it, so a feature that is asked near the root
/// counts for more than one that is asked near the leaves.
///
/// # Panics
/// If model, quantization and rows differ in their number of features.
#[must_use]
pub fn comparisons(model: &FloatModel, quant: &QuantModel, rows: &Dataset) -> Option<Vec<u64>> {
    let FloatModel::Forest(forest) = model else {
        return None;
    };
    let paths = Paths::new(forest, quant);
    let mut counts = vec![0_u64; forest.schema().n_features()];
    for row in rows.values().rows() {
        let row = row.to_vec();
        for tree in 0..forest.trees().len() {
            for step in paths.float(tree, &row).0 {
                counts[step.feature] += 1;
            }
        }
    }
    Some(counts)
}
