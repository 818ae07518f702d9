//! How much of each thing there may be: every bound once, with its name and the words of its
//! refusal.
//!
//! The numbers are those of a device's tables, but this crate knows them as numbers alone; what
//! holds tables (`spinney-quantize`) proves at compile time that both sides mean the same.

use crate::ModelError;

/// A bound on a count, from `min` to `max`, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is counted, in the plural.
    pub what: &'static str,
    /// The fewest.
    pub min: usize,
    /// The most.
    pub max: usize,
    /// Why there may be no more.
    pub reason: &'static str,
    /// What a user can do who has more.
    pub way_out: &'static str,
}

/// Features of a model.
pub const FEATURES: Limit = Limit {
    what: "features",
    min: 1,
    max: 65_535,
    reason: "a split names its feature in 16 bits",
    way_out: "leave columns out (`ignore` in [dataset]), or select features and fit anew",
};

/// Classes of a model.
pub const CLASSES: Limit = Limit {
    what: "classes",
    min: 2,
    max: 255,
    reason: "a class is a byte",
    way_out: "group classes; if the labels are numbers on a scale, train a regressor (`task = \"regress\"` in [model])",
};

/// Targets of a model that delivers values.
pub const TARGETS: Limit = Limit {
    what: "targets",
    min: 1,
    max: 255,
    reason: "an output is a byte",
    way_out: "fit a model per group of targets",
};

/// Trees of an ensemble.
pub const TREES: Limit = Limit {
    what: "trees",
    min: 1,
    max: 65_535,
    reason: "votes of that many are sure to fit 32 bits",
    way_out: "fit fewer (`n_estimators` in scikit-learn, `n_trees` in [model])",
};

/// Splits of one tree.
pub const TREE_SPLITS: Limit = Limit {
    what: "splits of one tree",
    min: 0,
    max: 32_767,
    reason: "the nodes of a tree are numbered in 16 bits",
    way_out: "fit with a smaller `max_depth` or `max_leaf_nodes`",
};

/// Splits of all trees together.
pub const SPLITS: Limit = Limit {
    what: "splits of all trees",
    min: 0,
    max: 536_870_911,
    reason: "tables of 8 bytes per split are addressed in 32 bits",
    way_out: "fit fewer trees, or with a smaller `max_depth` or `max_leaf_nodes`",
};

/// Categories of a feature that splits tell apart.
pub const CATEGORIES: Limit = Limit {
    what: "categories of one feature",
    min: 1,
    max: 65_535,
    reason: "a category's place is a number of 16 bits",
    way_out: "group rare categories into one",
};

/// All of them.
pub const ALL: &[Limit] = &[
    FEATURES,
    CLASSES,
    TARGETS,
    TREES,
    TREE_SPLITS,
    SPLITS,
    CATEGORIES,
];

impl Limit {
    /// Holds a count against the bound.
    ///
    /// # Errors
    /// A count beyond it: at `place`, with reason and way out.
    pub fn check(&self, place: impl Into<String>, found: usize) -> Result<(), ModelError> {
        if (self.min..=self.max).contains(&found) {
            return Ok(());
        }
        let bounds = match self.min {
            0 => format!("at most {}", grouped(self.max)),
            min => format!("{} to {}", grouped(min), grouped(self.max)),
        };
        let expected = if found > self.max {
            format!("{bounds} ({}); {}", self.reason, self.way_out)
        } else {
            bounds
        };
        Err(ModelError::new(
            place,
            format!("{} {}", grouped(found), self.what),
            expected,
        ))
    }
}

/// A number with a comma between thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
