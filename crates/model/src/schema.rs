//! What goes into a model and what comes out: features and classes, with their names.

use crate::ModelError;

/// Most features a model may have.
pub const FEATURES_MAX: usize = 65_535;
/// Most classes a model may have.
pub const CLASSES_MAX: usize = 255;

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
    #[must_use]
    pub fn seen(self, raw: f64) -> f64 {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the cast is the rule")]
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
}

fn float32() -> Compare {
    Compare::Float32
}

/// Features and classes of a model: at least one feature, at least two classes, no name twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    features: Vec<Feature>,
    classes: Vec<String>,
}

impl Schema {
    /// Checks features (1 to 65,535) and classes (2 to 255).
    ///
    /// # Errors
    /// A count out of range, an empty name, or a name used twice.
    pub fn new(features: Vec<Feature>, classes: Vec<String>) -> Result<Self, ModelError> {
        check_count("features", features.len(), 1, FEATURES_MAX)?;
        check_count("classes", classes.len(), 2, CLASSES_MAX)?;
        check_unique("features", features.iter().map(|feature| &feature.name))?;
        check_unique("classes", classes.iter())?;
        Ok(Self { features, classes })
    }

    /// A schema whose features are called `x0`, `x1`, … as scikit-learn calls unnamed ones.
    ///
    /// # Errors
    /// As [`Schema::new`].
    pub fn unnamed(n_features: usize, classes: Vec<String>) -> Result<Self, ModelError> {
        check_count("features", n_features, 1, FEATURES_MAX)?;
        let features = (0..n_features)
            .map(|index| Feature {
                name: format!("x{index}"),
                compare: Compare::Float32,
            })
            .collect();
        Self::new(features, classes)
    }

    /// The features, in the order of a row.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The class names, in the order of scores.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of features, 1 to 65,535.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.features.len()
    }

    /// Number of classes, 2 to 255.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }
}

fn check_count(what: &str, found: usize, min: usize, max: usize) -> Result<(), ModelError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(ModelError::new(
        what,
        format!("{found} of them"),
        format!("{min} to {max}"),
    ))
}

fn check_unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), ModelError> {
    let mut seen = std::collections::HashMap::new();
    for (index, name) in names.enumerate() {
        if name.is_empty() {
            return Err(ModelError::new(
                format!("{what}[{index}]"),
                "an empty name",
                "a name",
            ));
        }
        if let Some(first) = seen.insert(name, index) {
            return Err(ModelError::new(
                format!("{what}[{index}]"),
                format!("the name \"{name}\", which {what}[{first}] has too"),
                "a name of its own",
            ));
        }
    }
    Ok(())
}
