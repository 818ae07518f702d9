//! Parameters under scikit-learn's names: what may be typed, and what has been checked.

use std::fmt::Display;
use std::marker::PhantomData;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::ForestError;
use crate::fit::{Plan, Training};
use crate::forest::Kind;
use crate::grow::Rules;
use crate::item::Target;

/// What a split should lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The chance that two rows of a node, drawn with replacement, differ in class.
    #[default]
    Gini,
    /// Shannon entropy of the classes, in bits; scikit-learn's `log_loss` is the same.
    Entropy,
    /// The variance of numbers; classes have none.
    SquaredError,
}

/// How many features are drawn for each split; never less than one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxFeatures {
    /// All of them.
    #[default]
    All,
    /// The square root of their number, rounded down.
    Sqrt,
    /// The binary logarithm of their number, rounded down.
    Log2,
    /// A share of them in `0.0..=1.0` (0 excluded), rounded down.
    Fraction(f64),
    /// So many; from 1 to the number of features.
    Count(usize),
}

/// How many rows a bootstrap draws.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxSamples {
    /// As many as there are.
    #[default]
    All,
    /// A share above 0 of the number of rows, or of the sum of their weights where they have any;
    /// rounded down, but at least one.
    Fraction(f64),
    /// So many, at least one.
    Count(usize),
}

/// How classes are weighted against one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// Each row has its own weight.
    #[default]
    Uniform,
    /// Rows are weighted so that all classes that occur weigh the same in total. As in
    /// scikit-learn 1.9 a bootstrap then draws rows by these weights.
    Balanced,
}

/// Defines the parameters of a kind of estimator once: the fields with their defaults, their setters on
/// the unchecked type, their getters on the checked one, and the form in which both are read by serde.
macro_rules! parameters {
    (
        $params:ident, $valid:ident $(<$kind:ident: $bound:ident>)?, $raw:ident = $from:literal,
        $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr,)+
    ) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $raw {
            $($name: $type,)+
        }

        impl $(<$kind: $bound>)? From<$raw> for $params $(<$kind>)? {
            fn from(raw: $raw) -> Self {
                Self($valid {
                    $($name: raw.$name,)+
                    $(kind: PhantomData::<$kind>,)?
                })
            }
        }

        impl $(<$kind: $bound>)? Default for $params $(<$kind>)? {
            fn default() -> Self {
                $raw { $($name: $default,)+ }.into()
            }
        }

        impl $(<$kind: $bound>)? TryFrom<$raw> for $valid $(<$kind>)? {
            type Error = ForestError;

            fn try_from(raw: $raw) -> Result<Self, ForestError> {
                $params::from(raw).check()
            }
        }

        #[doc = concat!("Checked parameters; made by [`", stringify!($params), "`]'s `check`.")]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = $from, bound = "")]
        pub struct $valid $(<$kind: $bound>)? {
            $($name: $type,)+
            $(#[serde(skip)] kind: PhantomData<$kind>,)?
        }

        impl $(<$kind: $bound>)? $valid $(<$kind>)? {
            $($(#[doc = $doc])+ #[must_use] pub fn $name(&self) -> $type { self.$name })+
        }

        impl $(<$kind: $bound>)? $params $(<$kind>)? {
            $($(#[doc = $doc])+
            #[must_use]
            pub fn $name(mut self, $name: $type) -> Self {
                self.0.$name = $name;
                self
            })+
        }

        impl $(<$kind: $bound>)? ParamGuard for $params $(<$kind>)? {
            type Checked = $valid $(<$kind>)?;
            type Error = ForestError;

            fn check_ref(&self) -> Result<&Self::Checked, ForestError> {
                self.0.check()?;
                Ok(&self.0)
            }

            fn check(self) -> Result<Self::Checked, ForestError> {
                self.check_ref()?;
                Ok(self.0)
            }
        }
    };
}

/// Parameters of a [`DecisionTree`](crate::DecisionTree), not checked yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "RawTreeParams")]
pub struct DecisionTreeParams(DecisionTreeValidParams);

parameters! {
    DecisionTreeParams, DecisionTreeValidParams, RawTreeParams = "RawTreeParams",
    /// Most splits on a path; `None` for no limit, which is the default. At least 1.
    max_depth: Option<usize> = None,
    /// Least rows of a node that is split. At least 2, which is the default.
    min_samples_split: usize = 2,
    /// Least rows of a leaf, each counted once whatever its weight. At least 1, which is the default.
    min_samples_leaf: usize = 1,
    /// Most leaves; `None` for no limit, which is the default. At least 2. With a limit the tree
    /// grows best first: the split that lowers the impurity most is made next.
    max_leaf_nodes: Option<usize> = None,
    /// How many features are drawn for each split. All by default.
    max_features: MaxFeatures = MaxFeatures::All,
    /// What a split should lower. Gini impurity by default.
    criterion: Criterion = Criterion::Gini,
    /// How classes are weighted. Uniformly by default.
    class_weight: ClassWeight = ClassWeight::Uniform,
    /// Least fall in impurity, times the node's share of the weight, for which a split is made.
    /// At least 0, which is the default.
    min_impurity_decrease: f64 = 0.0,
    /// Splits worth no more than this are cut back (minimal cost-complexity pruning). At least 0,
    /// which is the default and prunes nothing.
    ccp_alpha: f64 = 0.0,
    /// Where the random numbers start. 0 by default.
    seed: u64 = 0,
}

/// Parameters of a [`RandomForest`](crate::RandomForest) or of [`ExtraTrees`](crate::ExtraTrees),
/// not checked yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "RawForestParams", bound = "")]
pub struct ForestParams<K: Kind>(ForestValidParams<K>);

parameters! {
    ForestParams, ForestValidParams<K: Kind>, RawForestParams = "RawForestParams",
    /// Number of trees. At least 1; 100 by default.
    n_trees: usize = 100,
    /// Most splits on a path; `None` for no limit, which is the default. At least 1.
    max_depth: Option<usize> = None,
    /// Least rows of a node that is split. At least 2, which is the default.
    min_samples_split: usize = 2,
    /// Least rows of a leaf, each counted once however often it was drawn. At least 1, which is the
    /// default.
    min_samples_leaf: usize = 1,
    /// Most leaves of each tree; `None` for no limit, which is the default. At least 2. With a limit
    /// trees grow best first: the split that lowers the impurity most is made next.
    max_leaf_nodes: Option<usize> = None,
    /// How many features are drawn for each split. The square root of their number by default.
    max_features: MaxFeatures = MaxFeatures::Sqrt,
    /// What a split should lower. Gini impurity by default.
    criterion: Criterion = Criterion::Gini,
    /// Whether each tree sees rows drawn with replacement. By default a random forest does, and
    /// extra-trees do not.
    bootstrap: bool = K::BOOTSTRAP,
    /// How many rows each bootstrap draws. As many as there are by default; may only be set
    /// together with `bootstrap`.
    max_samples: MaxSamples = MaxSamples::All,
    /// Whether the accuracy on the rows that a tree did not see is computed. Off by default; needs
    /// `bootstrap`.
    oob_score: bool = false,
    /// How classes are weighted. Uniformly by default.
    class_weight: ClassWeight = ClassWeight::Uniform,
    /// Least fall in impurity, times the node's share of the weight, for which a split is made.
    /// At least 0, which is the default.
    min_impurity_decrease: f64 = 0.0,
    /// Splits worth no more than this are cut back (minimal cost-complexity pruning). At least 0,
    /// which is the default and prunes nothing.
    ccp_alpha: f64 = 0.0,
    /// Where the random numbers start. 0 by default.
    seed: u64 = 0,
}

impl DecisionTreeValidParams {
    fn check(&self) -> Result<(), ForestError> {
        check_tree(self)
    }

    /// Refuses what only numbers have.
    pub(crate) fn check_classes(&self) -> Result<(), ForestError> {
        let fits = self.criterion != Criterion::SquaredError;
        require(
            fits,
            "criterion",
            "SquaredError",
            "Gini or Entropy for classes",
        )
    }

    /// Refuses what only classes have.
    pub(crate) fn check_numbers(&self) -> Result<(), ForestError> {
        let found = format!("{:?}", self.criterion);
        let fits = self.criterion == Criterion::SquaredError;
        require(fits, "criterion", found, "SquaredError for numbers")?;
        let fits = self.class_weight == ClassWeight::Uniform;
        require(fits, "class_weight", "Balanced", "Uniform for numbers")
    }

    /// How the tree is grown.
    pub(crate) fn plan<T: Target>(&self, training: &Training<T>) -> Result<Plan, ForestError> {
        Ok(Plan {
            rules: self.rules(training.n_features())?,
            criterion: self.criterion,
            ccp_alpha: self.ccp_alpha,
            seed: self.seed,
            n_trees: 1,
            bootstrap: None,
        })
    }

    /// The parameters for rows of `n_features` values.
    fn rules(&self, n_features: usize) -> Result<Rules, ForestError> {
        Ok(Rules {
            max_depth: self.max_depth.unwrap_or(usize::MAX),
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            max_leaf_nodes: self.max_leaf_nodes,
            max_features: resolve(self.max_features, n_features)?,
            min_impurity_decrease: self.min_impurity_decrease,
            random_thresholds: false,
        })
    }
}

impl<K: Kind> ForestValidParams<K> {
    fn check(&self) -> Result<(), ForestError> {
        at_least("n_trees", self.n_trees, 1, "at least 1")?;
        check_tree(&self.tree())?;
        match self.max_samples {
            MaxSamples::All => {}
            found if !self.bootstrap => {
                let expected = "MaxSamples::All where bootstrap is off";
                return Err(fault("max_samples", format!("{found:?}"), expected));
            }
            MaxSamples::Count(count) => {
                let expected = "a count from 1 to 4294967295";
                let fits = (1..=u32::MAX as usize).contains(&count);
                require(fits, "max_samples", count, expected)?;
            }
            MaxSamples::Fraction(share) => {
                let fits = share.is_finite() && share > 0.0;
                require(fits, "max_samples", share, "a finite share above 0")?;
            }
        }
        let fits = self.bootstrap || !self.oob_score;
        require(fits, "oob_score", true, "false where bootstrap is off")
    }

    /// Refuses what only classes have.
    pub(crate) fn check_numbers(&self) -> Result<(), ForestError> {
        require(!self.oob_score, "oob_score", true, "false for numbers")?;
        self.tree().check_numbers()
    }

    /// How the trees are grown.
    pub(crate) fn plan<T: Target>(&self, training: &Training<T>) -> Result<Plan, ForestError> {
        let mut plan = self.tree().plan(training)?;
        plan.rules.random_thresholds = K::RANDOM_THRESHOLDS;
        plan.n_trees = self.n_trees;
        if self.bootstrap {
            plan.bootstrap = Some(training.bootstrap(self.max_samples)?);
        }
        Ok(plan)
    }

    /// What the parameters say of each tree.
    pub(crate) fn tree(&self) -> DecisionTreeValidParams {
        DecisionTreeValidParams {
            max_depth: self.max_depth,
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            max_leaf_nodes: self.max_leaf_nodes,
            max_features: self.max_features,
            criterion: self.criterion,
            class_weight: self.class_weight,
            min_impurity_decrease: self.min_impurity_decrease,
            ccp_alpha: self.ccp_alpha,
            seed: self.seed,
        }
    }
}

fn check_tree(params: &DecisionTreeValidParams) -> Result<(), ForestError> {
    let depth = params.max_depth.unwrap_or(usize::MAX);
    let leaves = params.max_leaf_nodes.unwrap_or(usize::MAX);
    at_least("max_depth", depth, 1, "at least 1, or None")?;
    at_least(
        "min_samples_split",
        params.min_samples_split,
        2,
        "at least 2",
    )?;
    at_least("min_samples_leaf", params.min_samples_leaf, 1, "at least 1")?;
    at_least("max_leaf_nodes", leaves, 2, "at least 2, or None")?;
    match params.max_features {
        MaxFeatures::Count(count) => at_least("max_features", count, 1, "at least 1")?,
        MaxFeatures::Fraction(share) => {
            let fits = share > 0.0 && share <= 1.0;
            require(fits, "max_features", share, "a share above 0, at most 1")?;
        }
        MaxFeatures::All | MaxFeatures::Sqrt | MaxFeatures::Log2 => {}
    }
    for (name, value) in [
        ("min_impurity_decrease", params.min_impurity_decrease),
        ("ccp_alpha", params.ccp_alpha),
    ] {
        let fits = value.is_finite() && value >= 0.0;
        require(fits, name, value, "a finite number of at least 0")?;
    }
    Ok(())
}

/// How many of `n_features` are drawn for each split.
fn resolve(max_features: MaxFeatures, n_features: usize) -> Result<usize, ForestError> {
    let drawn = match max_features {
        MaxFeatures::All => n_features,
        MaxFeatures::Sqrt => n_features.isqrt(),
        MaxFeatures::Log2 => n_features.ilog2() as usize,
        MaxFeatures::Fraction(share) => (share * n_features as f64) as usize,
        MaxFeatures::Count(count) => {
            let expected = "no more than there are features";
            require(count <= n_features, "max_features", count, expected)?;
            count
        }
    };
    Ok(drawn.max(1))
}

fn at_least(
    name: &'static str,
    found: usize,
    least: usize,
    expected: &'static str,
) -> Result<(), ForestError> {
    require(found >= least, name, found, expected)
}

fn require(
    holds: bool,
    name: &'static str,
    found: impl Display,
    expected: &'static str,
) -> Result<(), ForestError> {
    if holds {
        Ok(())
    } else {
        Err(fault(name, found, expected))
    }
}

fn fault(name: &'static str, found: impl Display, expected: &'static str) -> ForestError {
    ForestError::Parameter {
        name,
        found: found.to_string(),
        expected,
    }
}
