//! `features`: rows of a front end as `.npy` files, to train on with other tools; the device
//! computes the same.

use std::path::Path;

use spinney_dataset::Dataset;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{stages, store};

use crate::npy::header;
use crate::terminal;

/// Writes features and labels of training and test rows into `output`.
pub(crate) fn run(config: &Path, output: &Path) -> Result<(), Failure> {
    let rows = stages::features_of(config, terminal::progress())?;
    for note in &rows.notes {
        eprintln!("note: {}", spinney_model::visible(&note.text));
    }
    let sides = [("train", rows.train.as_ref()), ("test", Some(&rows.test))];
    for (side, dataset) in sides {
        let Some(dataset) = dataset else {
            continue;
        };
        for (name, bytes) in [
            (format!("{side}_X.npy"), values(dataset)),
            (format!("{side}_y.npy"), labels(dataset)),
        ] {
            store::write_whole(&output.join(&name), &bytes).input()?;
        }
        println!(
            "{side}: {} rows of {} features in {}",
            dataset.n_rows(),
            dataset.features().len(),
            output.join(format!("{side}_X.npy")).display()
        );
    }
    Ok(())
}

/// Integers of 32 bits, rows by features.
fn values(dataset: &Dataset) -> Vec<u8> {
    let shape = format!("({}, {})", dataset.n_rows(), dataset.features().len());
    let mut bytes = header("<i4", &shape);
    for value in dataset.values() {
        // Casts: features are such integers.
        bytes.extend((*value as i32).to_le_bytes());
    }
    bytes
}

/// Class names, each filled up with zeros to the longest.
fn labels(dataset: &Dataset) -> Vec<u8> {
    let classes: Vec<Vec<char>> = dataset
        .classes()
        .iter()
        .map(|class| class.chars().collect())
        .collect();
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut bytes = header(&format!("<U{longest}"), &format!("({},)", dataset.n_rows()));
    for label in dataset.labels() {
        for at in 0..longest {
            let character = classes[*label].get(at).map_or(0, |c| u32::from(*c));
            bytes.extend(character.to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use spinney_dataset::{Dataset, Rows, npy};

    use super::{labels, values};

    #[test]
    fn what_is_written_reads_back() {
        let rows = Rows {
            features: vec!["x0".to_owned(), "x1".to_owned()],
            is_named: false,
            values: array![[1.0, -70_000.0], [3.0, 32_767.0]],
        };
        let dataset =
            Dataset::new(rows, &["tabla".to_owned(), "früh".to_owned()]).expect("rows of numbers");
        let read = npy::read(&values(&dataset), &labels(&dataset)).expect("two arrays");
        assert_eq!(read, dataset);
    }
}
