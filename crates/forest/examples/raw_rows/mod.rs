//! Datasets as `scripts/quality/datasets.py` writes them: raw little-endian numbers and a JSON head.

use std::path::Path;

use ndarray::{Array1, Array2};
use serde::Deserialize;

/// A dataset with its splits.
pub struct RawRows {
    /// Rows of float32.
    pub rows: Array2<f32>,
    /// Class index per row.
    pub labels: Array1<usize>,
    /// How the rows are split, per seed.
    #[allow(dead_code)]
    pub splits: Vec<RowSplit>,
}

/// One split: the indices of its test rows, the others are training rows.
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct RowSplit {
    /// Seed of the split and of the models trained on it.
    pub seed: u64,
    /// Indices of the test rows.
    pub test: Vec<usize>,
}

#[derive(Deserialize)]
struct Head {
    n_rows: usize,
    n_features: usize,
    splits: Vec<RowSplit>,
}

/// Reads `NAME.json`, `NAME.rows` and `NAME.labels` from a folder.
pub fn read(folder: &Path, name: &str) -> Result<RawRows, Box<dyn std::error::Error>> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let head: Head = serde_json::from_slice(&std::fs::read(file("json"))?)?;
    let words = |ending: &str| -> std::io::Result<Vec<[u8; 4]>> {
        let bytes = std::fs::read(file(ending))?;
        let word = |bytes: &[u8]| [bytes[0], bytes[1], bytes[2], bytes[3]];
        Ok(bytes.chunks_exact(4).map(word).collect())
    };
    let rows = words("rows")?.into_iter().map(f32::from_le_bytes).collect();
    let labels = words("labels")?
        .into_iter()
        .map(|word| u32::from_le_bytes(word) as usize);
    Ok(RawRows {
        rows: Array2::from_shape_vec((head.n_rows, head.n_features), rows)?,
        labels: labels.collect(),
        splits: head.splits,
    })
}
