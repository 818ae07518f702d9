//! A model of the bench as `scripts/peers/peers.py` leaves it: facts, rows and the peers' sources.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use spinney_dataset::{Columns, Dataset, LabelsAre, LabelsIn, Source as Rows};
use spinney_model::FloatModel;

use spinney_pipeline::failure::{ExitReason, Failure};

/// What `model.json` says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Facts {
    pub name: String,
    file: String,
    pub n_rows: usize,
    pub n_features: usize,
    pub n_classes: usize,
    /// Splits of all trees; `None` for naive Bayes.
    pub n_splits: Option<usize>,
    /// Mean number of splits on a test row's paths; `None` for naive Bayes.
    pub levels: Option<f64>,
    /// Of a regressor, the R².
    pub accuracy: f64,
    pub accuracy_hard: Option<f64>,
    /// How the peers' int16 features were made.
    pub scaling: String,
    /// scikit-learn's class per test row; none where there are values.
    #[serde(default)]
    soft: Vec<usize>,
    /// The class that most of scikit-learn's trees name.
    hard: Option<Vec<usize>>,
    /// The value per test row, of a regressor.
    values: Option<Vec<f64>>,
    pub sources: Vec<Source>,
}

/// A source that a peer wrote, or why it wrote none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Source {
    pub peer: String,
    pub form: String,
    pub voting: String,
    /// `int16` or `float`.
    pub reading: String,
    pub file: String,
    pub refused: Option<String>,
}

impl Source {
    /// What it is called in the report.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.peer, self.form)
    }
}

/// A model and what both sides need of it.
pub(super) struct Model {
    pub folder: PathBuf,
    facts: Facts,
    pub float: FloatModel,
    pub train: Dataset,
    pub test: Dataset,
}

impl Deref for Model {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Model {
    /// Reads the folder of one model.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let read = |name: &str| crate::read(folder.join(name)).environment();
        let facts: Facts = serde_json::from_slice(&read("model.json")?).environment()?;
        let dataset = |part: &str| -> Result<Dataset, Failure> {
            let rows = read(&format!("{part}.npy"))?;
            let labels = read(&format!("{part}-labels.npy"))?;
            let labels_are = match facts.values {
                Some(_) => LabelsAre::Numbers,
                None => LabelsAre::Classes,
            };
            let source = Rows::open(&rows, LabelsIn::File(&labels), true).environment()?;
            let source = source.with(labels_are, Columns::new());
            source.read(&|_| true).environment()
        };
        Ok(Self {
            float: spinney_import::import(&read(&facts.file)?)
                .environment()?
                .model,
            train: dataset("train")?,
            test: dataset("test")?,
            folder: folder.to_owned(),
            facts,
        })
    }

    /// Whether it is a regressor.
    pub(super) fn has_values(&self) -> bool {
        self.values.is_some()
    }

    /// How far values are off scikit-learn's at the most; `None` where there are classes.
    pub(super) fn error_max(&self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let expected = self.values.as_ref()?.iter();
        Some(
            values
                .zip(expected)
                .map(|(value, expected)| (value - expected).abs())
                .fold(0.0, f64::max),
        )
    }

    /// Rows on which `classes` are other than scikit-learn's under the same vote; none where there are
    /// values.
    pub(super) fn disagreements(&self, classes: &[usize], voting: &str) -> usize {
        if self.has_values() {
            return 0;
        }
        let expected = match (voting, &self.hard) {
            ("hard", Some(hard)) => hard,
            _ => &self.soft,
        };
        let same = classes
            .iter()
            .zip(expected)
            .filter(|(class, expected)| class == expected)
            .count();
        self.n_rows - same
    }
}
