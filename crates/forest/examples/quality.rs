//! Trains the three estimators on every split of a dataset, for the comparison with scikit-learn.
//!
//! `quality FOLDER N_TREES DATASET…` prints one line of JSON per dataset, seed and estimator. The
//! folder is written by `scripts/quality/datasets.py`.

mod raw_rows;

use std::path::Path;

use linfa::prelude::*;
use ndarray::{Array1, Axis};
use spinney_forest::{DecisionTree, ExtraTrees, RandomForest};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, n_trees, names @ ..] = args.as_slice() else {
        return Err("expected FOLDER N_TREES DATASET…".into());
    };
    let n_trees: usize = n_trees.parse()?;
    for name in names {
        let raw = raw_rows::read(Path::new(folder), name)?;
        let all = Dataset::new(raw.rows, raw.labels);
        for split in &raw.splits {
            let mut is_test = vec![false; all.targets.len()];
            for row in &split.test {
                is_test[*row] = true;
            }
            let (test, train): (Vec<usize>, Vec<usize>) =
                (0..is_test.len()).partition(|row| is_test[*row]);
            let part = |rows: &[usize]| {
                let records = all.records.select(Axis(0), rows);
                Dataset::new(records, all.targets.select(Axis(0), rows))
            };
            let (train, test) = (part(&train), part(&test));
            let seed = split.seed;
            let tree = DecisionTree::params().seed(seed).fit(&train)?;
            let forest = RandomForest::params()
                .n_trees(n_trees)
                .seed(seed)
                .fit(&train)?;
            let extra = ExtraTrees::params()
                .n_trees(n_trees)
                .seed(seed)
                .fit(&train)?;
            let found: [(&str, Array1<usize>); 3] = [
                ("tree", tree.predict(&test)),
                ("forest", forest.predict(&test)),
                ("extra", extra.predict(&test)),
            ];
            for (estimator, classes) in found {
                let pairs = classes.iter().zip(&test.targets);
                let right = pairs.filter(|(found, label)| found == label).count();
                let accuracy = right as f64 / classes.len() as f64;
                let line = serde_json::json!({
                    "dataset": name, "estimator": estimator, "seed": seed, "accuracy": accuracy,
                });
                println!("{line}");
            }
        }
    }
    Ok(())
}
