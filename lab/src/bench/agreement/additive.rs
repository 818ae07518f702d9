//! Trees that add, of the libraries that people fit them with: `scripts/agreement/models.py` made those of
//! `lab/models`, `scripts/fixtures/tasks.py` those of the examples.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use spinney_dataset::{Dataset, LabelsAre, LabelsIn, Source};
use spinney_model::{FloatModel, Task, Tree};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::columns;
use spinney_quantize::{CodingChoice, Declared, Level, Missing};

use super::Data;

/// A model and the rows that it is tried on.
pub(super) struct Fitted {
    pub data: &'static str,
    /// Its kind, as the table names it.
    pub name: &'static str,
    /// The column of labels, or one for each target.
    labels: &'static [&'static str],
    /// The class without an alarm, of a detector whose labels are others.
    normal: Option<&'static str>,
    file: &'static str,
    /// What the file has numbers for.
    classes: &'static [&'static str],
    /// What must be certified of splits at the least.
    splits_least: Level,
}

const LEVELS: &[&str] = &["good", "moderate", "unhealthy"];

/// Every model; a line each.
#[rustfmt::skip]
pub(super) const FITTED: [Fitted; 14] = [
    Fitted::of("air_regression", "gradient-boosting", &["pm"], "examples/models/air_regression.skops"),
    Fitted::of("air_regression", "random-forest-regressor", &["pm"], "lab/models/air-random-forest.skops"),
    Fitted::of("air_regression", "xgboost", &["pm"], "lab/models/air-xgboost.ubj"),
    Fitted::of("air_regression", "two-targets", &["pm", "temperature"], "examples/models/air_targets.skops"),
    // Some thresholds are doubles of the rows themselves, which no sensor of singles delivers.
    Fitted { splits_least: Level::Listed, ..Fitted::of("air_levels", "hist-gradient-boosting", &["level"], "examples/models/air_levels.skops") },
    Fitted { classes: LEVELS, ..Fitted::of("air_levels", "lightgbm", &["level"], "lab/models/levels-lightgbm.txt") },
    Fitted { classes: LEVELS, ..Fitted::of("air_levels", "xgboost", &["level"], "lab/models/levels-xgboost.ubj") },
    Fitted::detector("mote_anomaly", &["event"], "0", "examples/models/mote_anomaly.skops"),
    Fitted::of("mote_anomaly", "lightgbm", &["event"], "lab/models/motes-lightgbm.txt"),
    Fitted::of("breast_cancer", "gradient-boosting", &["diagnosis"], "lab/models/cells-gradient-boosting.skops"),
    Fitted { classes: &["malignant", "benign"], ..Fitted::of("breast_cancer", "xgboost", &["diagnosis"], "lab/models/cells-xgboost.ubj") },
    Fitted::detector("breast_cancer", &["diagnosis"], "benign", "lab/models/cells-isolation-forest.skops"),
    Fitted::of("digits", "lightgbm", &["digit"], "lab/models/digits-lightgbm.txt"),
    Fitted::of("digits", "extra-trees-regressor", &["digit"], "lab/models/digits-extra-trees.skops"),
];

impl Fitted {
    const fn of(
        data: &'static str,
        name: &'static str,
        labels: &'static [&'static str],
        file: &'static str,
    ) -> Self {
        Self {
            data,
            name,
            labels,
            normal: None,
            file,
            classes: &[],
            splits_least: Level::EveryInput,
        }
    }

    const fn detector(
        data: &'static str,
        labels: &'static [&'static str],
        normal: &'static str,
        file: &'static str,
    ) -> Self {
        Self {
            normal: Some(normal),
            ..Self::of(data, "isolation-forest", labels, file)
        }
    }

    /// The model, and all rows of its file with the labels of its task.
    pub(super) fn read(&self) -> Result<(FloatModel, Data), Failure> {
        let path = crate::repository().join(self.file);
        let mut model = spinney_import::import(&crate::read(&path).input()?)
            .with_context(|| path.display().to_string())
            .input()?
            .model;
        if !self.classes.is_empty() {
            let names = self.classes.iter().map(|name| (*name).to_owned());
            model = model.with_classes(names.collect()).input()?;
        }
        let path = crate::repository().join(format!("data/{}.csv", self.data));
        let data = Data {
            name: self.data,
            all: self.rows(&model, &crate::read(path).input()?)?,
            train: None,
            splits_least: self.splits_least,
        };
        Ok((model, data))
    }

    fn rows(&self, model: &FloatModel, file: &[u8]) -> Result<Dataset, Failure> {
        let source = Source::open(file, LabelsIn::Columns(self.labels.to_vec()), true).input()?;
        let columns = columns(&BTreeMap::new(), Some(model), false, &|_| false, &source).input()?;
        let labels_are = match model.task() {
            Task::Regress => LabelsAre::Numbers,
            Task::Classify | Task::Detect => LabelsAre::Classes,
        };
        let rows = source.with(labels_are, columns).read(&|_| true).input()?;
        match self.normal {
            Some(normal) => rows.as_alarms(normal).input(),
            None => rows.with_classes(model.schema().classes()).input(),
        }
    }
}

/// Ranks, so that no reading is told apart otherwise than by the model; and a reading of each feature may
/// be missing if the model knows what then.
pub(super) fn declared(model: &FloatModel) -> Vec<Declared> {
    let nodes = model.trees().iter().flat_map(Tree::nodes);
    let with_sides = nodes.filter(|node| node.missing().is_some());
    let with_sides: BTreeSet<usize> = with_sides
        .filter_map(|node| Some(node.split()?.0))
        .collect();
    let features = model.schema().features().iter().enumerate();
    features
        .map(|(index, feature)| Declared {
            coding: CodingChoice::Rank,
            missing: with_sides.contains(&index).then_some(Missing::Nan),
            n_categories: u32::try_from(feature.categories.len()).unwrap_or(u32::MAX),
            ..Declared::default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FITTED, declared};
    use crate::bench::agreement::{DATA, MODELS};

    #[test]
    fn every_committed_model_has_its_rows_and_its_name() {
        let mut gaps = 0;
        for fitted in FITTED {
            let (model, data) = fitted.read().expect(fitted.file);
            assert_eq!(model.schema().n_features(), data.all.features().len());
            assert!(DATA.contains(&fitted.data) && MODELS.contains(&fitted.name));
            let declared = declared(&model);
            gaps += declared.iter().filter(|it| it.missing.is_some()).count();
        }
        assert!(gaps > 0, "no model that is tried with gaps");
        let folder = crate::repository().join("lab/models");
        let used: BTreeSet<&str> = FITTED.iter().map(|it| it.file).collect();
        for file in folder.read_dir().expect("the folder of models") {
            let name = file.expect("a file").file_name();
            let path = format!("lab/models/{}", name.display());
            assert!(used.contains(&*path), "{path} is used by nobody");
        }
    }
}
