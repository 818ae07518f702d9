//! Times one fit, and measures its memory, for the comparison with scikit-learn.
//!
//! `bench_train FOLDER DATASET rf|et|tree N_TREES MAX_LEAF_NODES THREADS REPEATS f32|f64` prints one
//! line of JSON. `MAX_LEAF_NODES` 0 means no limit; the last word is the type of the rows handed to
//! the fit. The folder is written by `scripts/quality/datasets.py`.

mod raw_rows;

use std::path::Path;
use std::time::Instant;

use linfa::prelude::*;
use ndarray::Ix1;
use spinney_forest::{DecisionTree, ExtraTrees, RandomForest};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, name, fit @ .., rows_type] = args.as_slice() else {
        return Err(USAGE.into());
    };
    let raw = raw_rows::read(Path::new(folder), name)?;
    match rows_type.as_str() {
        "f32" => bench(&Dataset::new(raw.rows, raw.labels), fit),
        "f64" => bench(&Dataset::new(raw.rows.mapv(f64::from), raw.labels), fit),
        _ => Err(USAGE.into()),
    }
}

const USAGE: &str =
    "expected FOLDER DATASET rf|et|tree N_TREES MAX_LEAF_NODES THREADS REPEATS f32|f64";

fn bench<F: linfa::Float>(
    dataset: &Dataset<F, usize, Ix1>,
    args: &[String],
) -> Result<(), Box<dyn std::error::Error>> {
    let [estimator, n_trees, leaves, threads, repeats] = args else {
        return Err(USAGE.into());
    };
    let n_trees: usize = n_trees.parse()?;
    let leaves = Some(leaves.parse()?).filter(|leaves: &usize| *leaves > 0);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build()?;

    let fit = |seed: u64| -> Result<usize, spinney_forest::ForestError> {
        Ok(match estimator.as_str() {
            "tree" => {
                let params = DecisionTree::params().max_leaf_nodes(leaves).seed(seed);
                params.fit(dataset)?.n_leaves()
            }
            "et" => {
                let params = ExtraTrees::params().n_trees(n_trees);
                let forest = params.max_leaf_nodes(leaves).seed(seed).fit(dataset)?;
                forest.trees().iter().map(DecisionTree::n_leaves).sum()
            }
            _ => {
                let params = RandomForest::params().n_trees(n_trees);
                let forest = params.max_leaf_nodes(leaves).seed(seed).fit(dataset)?;
                forest.trees().iter().map(DecisionTree::n_leaves).sum()
            }
        })
    };

    // Writing 5 resets the peak to what is resident now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status_kib("VmRSS:");
    let mut seconds = Vec::new();
    let mut growth = None;
    let mut n_leaves = 0;
    for seed in 0..repeats.parse()? {
        let start = Instant::now();
        n_leaves = pool.install(|| fit(seed))?;
        seconds.push(start.elapsed().as_secs_f64());
        if seed == 0 {
            growth = status_kib("VmHWM:")
                .zip(before)
                .map(|(peak, before)| peak - before);
        }
    }
    let line = serde_json::json!({
        "seconds": seconds,
        "seconds_min": seconds.iter().copied().fold(f64::INFINITY, f64::min),
        "growth_kib": growth,
        "peak_kib": status_kib("VmHWM:"),
        "n_leaves": n_leaves,
    });
    println!("{line}");
    Ok(())
}

/// A line of Linux' process status, in KiB.
fn status_kib(name: &str) -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
