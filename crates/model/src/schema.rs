//! What goes into a model and what comes out: features and outputs, with their names.

use crate::{ModelError, limits};

/// The type in which a raw reading is compared with a threshold.
///
/// scikit-learn casts rows to float32 before a tree sees them, so `Float32` is the rule.
/// `Float64` is for features whose scaler was folded into the thresholds: there the cast came
/// after the scaling, and the raw reading itself is compared as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// The reading is rounded to float32 first.
    Float32,
    /// The reading is compared as float64.
    Float64,
}

impl Compare {
    /// The reading as a split sees it.
    pub fn seen(self, raw: f64) -> f64 {
        match self {
            // Casts: the cast is the rule.
            Self::Float32 => f64::from(raw as f32),
            Self::Float64 => raw,
        }
    }
}

/// One input of a model.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Column name; unique within a schema.
    pub name: String,
    /// How its readings are compared with thresholds.
    #[serde(default = "float32")]
    pub compare: Compare,
    /// The words that rows hold, of a column of words: a reading is the place of one in this list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
}

fn float32() -> Compare {
    Compare::Float32
}

/// What a schema's feature names are good for.
///
/// It is never guessed from the names: a data set may well call its columns `x0`, `x1`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// They are those of the rows that the model was fitted on: columns are found by them.
    #[default]
    Given,
    /// The model was fitted on rows without names. Names are for messages and reports only, and
    /// columns are taken in their order.
    Positional,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of several classes.
    Classify,
    /// Numbers, one per target.
    Regress,
    /// An alarm, or none.
    Detect,
}

/// What a model delivers for a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The index of a class.
    Class(usize),
    /// One number per target.
    Values(Vec<f64>),
    /// How a detector sees the row.
    Score {
        /// The library's own score; the lower, the more abnormal.
        score: f64,
        /// Whether it raises an alarm.
        is_alarm: bool,
    },
}

/// Features and outputs of a model: at least one feature, at least two classes or one target, no
/// name twice, and no whitespace around any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    features: Vec<Feature>,
    naming: Naming,
    task: Task,
    outputs: Vec<String>,
}

/// What a row is called whose class is unknown.
pub const UNKNOWN: &str = "unknown";

/// The classes of a detector.
const ALARMS: [&str; 2] = ["normal", "alarm"];

impl Schema {
    /// Checks the features and classes of a classifier. Whitespace around names is dropped, as the
    /// readers of rows drop it: loggers write `ax, ay`, and pandas keeps the blank.
    ///
    /// # Errors
    /// A count beyond [`limits`], an empty name, or a name used twice.
    pub fn new(
        features: Vec<Feature>,
        naming: Naming,
        mut classes: Vec<String>,
    ) -> Result<Self, ModelError> {
        let features = checked(features)?;
        limits::CLASSES.check("classes", classes.len())?;
        trim("classes", classes.iter_mut())?;
        Ok(Self {
            features,
            naming,
            task: Task::Classify,
            outputs: classes,
        })
    }

    /// Checks the features and the names of targets of a model that delivers values.
    ///
    /// # Errors
    /// As [`Schema::new`].
    pub fn of_targets(
        features: Vec<Feature>,
        naming: Naming,
        mut targets: Vec<String>,
    ) -> Result<Self, ModelError> {
        let features = checked(features)?;
        limits::TARGETS.check("targets", targets.len())?;
        trim("targets", targets.iter_mut())?;
        Ok(Self {
            features,
            naming,
            task: Task::Regress,
            outputs: targets,
        })
    }

    /// Checks the features of a detector; its classes are "normal" and "alarm".
    ///
    /// # Errors
    /// As [`Schema::new`].
    pub fn of_detector(features: Vec<Feature>, naming: Naming) -> Result<Self, ModelError> {
        Ok(Self {
            features: checked(features)?,
            naming,
            task: Task::Detect,
            outputs: ALARMS.map(str::to_owned).to_vec(),
        })
    }

    /// A schema with positional names `x0`, `x1`, … and float32 comparisons.
    ///
    /// # Errors
    /// As [`Schema::new`].
    pub fn unnamed(n_features: usize, classes: Vec<String>) -> Result<Self, ModelError> {
        limits::FEATURES.check("features", n_features)?;
        let features = (0..n_features)
            .map(|index| Feature {
                name: format!("x{index}"),
                compare: Compare::Float32,
                categories: Vec::new(),
            })
            .collect();
        Self::new(features, Naming::Positional, classes)
    }

    /// The same schema with these features alone, by index.
    ///
    /// # Panics
    /// If there is no such feature.
    #[must_use]
    pub fn select(&self, features: &[usize]) -> Self {
        let features = features.iter().map(|index| self.features[*index].clone());
        Self {
            features: features.collect(),
            ..self.clone()
        }
    }

    /// Refuses what is not to classify, in the words of a model file.
    pub(crate) fn must_classify(&self) -> Result<(), ModelError> {
        if self.task == Task::Classify {
            return Ok(());
        }
        let found = format!("{} named \"{}\", …", self.outputs.len(), self.outputs[0]);
        Err(ModelError::new("outputs", found, "classes"))
    }

    /// Whether columns are found by the features' names, or taken in order.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// The names of the features, in the order of a row.
    pub fn feature_names(&self) -> Vec<String> {
        self.features.iter().map(|it| it.name.clone()).collect()
    }

    /// The features, in the order of a row.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What a model of this schema is for.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The names of classes or targets.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// The class names, in the order of scores; of a detector "normal" and "alarm"; none where values
    /// are delivered.
    pub fn classes(&self) -> &[String] {
        match self.task {
            Task::Classify | Task::Detect => &self.outputs,
            Task::Regress => &[],
        }
    }

    /// The names of the targets; none but where values are delivered.
    pub fn targets(&self) -> &[String] {
        match self.task {
            Task::Regress => &self.outputs,
            Task::Classify | Task::Detect => &[],
        }
    }

    /// Number of features, 1 to 65,535.
    pub fn n_features(&self) -> usize {
        self.features.len()
    }

    /// Number of classes, 2 to 255; 0 where values are delivered.
    pub fn n_classes(&self) -> usize {
        self.classes().len()
    }
}

fn checked(mut features: Vec<Feature>) -> Result<Vec<Feature>, ModelError> {
    limits::FEATURES.check("features", features.len())?;
    trim("features", features.iter_mut().map(|it| &mut it.name))?;
    for (index, feature) in features.iter_mut().enumerate() {
        let place = format!("features[{index}].categories");
        if !feature.categories.is_empty() {
            limits::CATEGORIES.check(&place, feature.categories.len())?;
        }
        trim(&place, feature.categories.iter_mut())?;
    }
    Ok(features)
}

/// Drops whitespace around names, then checks that each is there and is its own.
fn trim<'a>(what: &str, names: impl Iterator<Item = &'a mut String>) -> Result<(), ModelError> {
    let mut seen = std::collections::HashMap::new();
    for (index, name) in names.enumerate() {
        let trimmed = name.trim();
        if trimmed.len() < name.len() {
            *name = trimmed.to_owned();
        }
        if name.is_empty() {
            return Err(broken!(format!("{what}[{index}]"); "an empty name"; "a name"));
        }
        if let Some(first) = seen.insert(&*name, index) {
            return Err(broken!(
                format!("{what}[{index}]"); "the name \"{name}\", which {what}[{first}] has too";
                "a name of its own, not counting whitespace around it"
            ));
        }
    }
    Ok(())
}
