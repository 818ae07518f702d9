//! What pipelines of recordings have in common: sides of recordings, and the rows behind them.

use spinney_config::{Config, DataFile, Dataset as RowsConfig};
use spinney_dataset::{Dataset, Rows, Split, split};

use super::inputs::{PipelineRows, at_fault};
use crate::failure::{Blame, Failure};

/// Recordings for training, and those for the test.
pub(super) type Divided<R> = (Vec<R>, Vec<R>);

/// A kind of recordings, as a config's front end hears them.
pub(super) trait Recordings {
    /// Samples in one piece, with what they are.
    type Recording;

    /// The recordings of one file or folder, divided into training and test.
    fn divided(
        &self,
        file: &DataFile,
        test_fraction: f64,
    ) -> Result<Divided<Self::Recording>, Failure>;

    /// The recordings of a side that is given for itself, `train` or `test`.
    fn side(&self, file: &DataFile, side: &str) -> Result<Vec<Self::Recording>, Failure>;

    /// A row of features per decision, with its class.
    fn rows(&self, recordings: &[Self::Recording]) -> Result<Dataset, Failure>;

    /// The samples that a device would hear.
    fn samples(recording: Self::Recording) -> Vec<i16>;
}

/// Rows of features for training and test, and the samples behind the test rows.
pub(super) fn rows<R: Recordings>(dataset: &RowsConfig, kind: &R) -> Result<PipelineRows, Failure> {
    let (train, test) = match dataset {
        RowsConfig::Split {
            rows,
            test_fraction,
        } => {
            let (train, test) = kind.divided(rows, *test_fraction)?;
            (Some(train), test)
        }
        RowsConfig::Given { train, test } => (
            train
                .as_ref()
                .map(|train| kind.side(train, "train"))
                .transpose()?,
            kind.side(test, "test")?,
        ),
    };
    let train = train.map(|train| kind.rows(&train)).transpose()?;
    let mut test_rows = kind.rows(&test)?;
    if let Some(train) = &train {
        test_rows = test_rows.with_classes(train.classes()).input()?;
    }
    Ok(PipelineRows {
        train,
        test: test_rows,
        has_labels: true,
        test_samples: test.into_iter().map(R::samples).collect(),
    })
}

/// Recordings with these labels, one row each, divided into sides.
pub(super) fn division(
    config: &Config,
    file: &DataFile,
    labels: &[String],
    test_fraction: f64,
) -> Result<Split, Failure> {
    let rows = Rows {
        features: vec!["recording".to_owned()],
        is_named: true,
        values: ndarray::Array2::zeros((labels.len(), 1)),
    };
    let seed = config.pipeline.identity.seed;
    Dataset::new(rows, labels)
        .and_then(|rows| split(&rows, test_fraction, seed))
        .map_err(|error| at_fault(&file.path.full, &error))
}
