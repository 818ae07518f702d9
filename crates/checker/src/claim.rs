//! The claim: what a pipeline says of the model that it ships, as JSON. docs/certificate.md has
//! each key.

use serde::{Deserialize, Serialize};
use spinney_model::Voting;

/// The name of the format.
pub const FORMAT: &str = "spinney-claim";
/// Its version.
pub const VERSION: u32 = 1;

/// What is said of a model in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Digest of the float model's file.
    pub model: String,
    /// How trees are combined; of no meaning for naive Bayes.
    pub voting: Voting,
    /// The type in which a row reaches the device.
    pub reading: Sensor,
    /// 8 or 16; codes of 8 bits saturate to 0 to 255.
    pub code_bits: u8,
    /// What each code is made of: first codes of readings by ascending feature, one for each, then
    /// second ones of features that may be missing, then sets of categories, feature by feature.
    pub inputs: Vec<Input>,
    /// Whether codings are a table; else they are constants in code.
    pub codings_are_table: bool,
    /// The model proper.
    pub body: Body,
    /// How far a class must lead every other one to be given, in units of scores; absent where the
    /// highest score decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<u64>,
    /// What is said of a detector beside the classifier, whose features are these codes: no class is
    /// given at its alarm, class 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Box<Claim>>,
    /// What is certified.
    pub certificate: Certificate,
}

/// What a sensor delivers, and the types of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensor {
    /// 0 to 255.
    U8,
    /// −128 to 127.
    I8,
    /// 0 to 65,535.
    U16,
    /// −32,768 to 32,767.
    I16,
    /// Integers of 32 bits.
    I32,
    /// IEEE 754 singles.
    F32,
}

/// One code of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The feature that it is made of.
    pub feature: usize,
    /// What its sensor delivers.
    pub sensor: Sensor,
    /// The lowest and highest reading that the certificate speaks of.
    pub range: (f64, f64),
    /// How a reading becomes a code.
    pub coding: Coding,
    /// What a reading is that is missing; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// A reading that is missing, which float rows have as NaN.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// The number that is received for it, beside NaN; absent for NaN alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<f64>,
    /// Its code, saturated where codes have 8 bits; absent where the coding makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i16>,
}

/// How a reading becomes a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// `⌊reading · 2^shift⌋ − offset`, saturated.
    Affine {
        /// Binary digits that the reading is scaled up by.
        shift: i8,
        /// Subtracted after scaling.
        offset: i32,
    },
    /// How many cuts are below the reading. Cuts are integers; of singles, their bits, negated
    /// below the sign for negative ones.
    Rank {
        /// Ascending.
        cuts: Vec<i32>,
    },
    /// 0 for some categories, 1 for every other reading.
    Set {
        /// The categories, ascending; a reading between two places is the lower one.
        categories: Vec<u32>,
        /// Whether a missing reading has 0.
        missing: bool,
    },
}

/// The model proper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Trees.
    Forest {
        /// The float model's tree that each shipped tree is made from, in their order.
        order: Vec<usize>,
        /// How splits are laid out; absent where they are code.
        layout: Option<Layout>,
        /// How votes are; absent where leaves are classes.
        leaves: Option<LeafTable>,
        /// Of what is certain, the share at which an early exit stops; 1 where there is none.
        exit_margin: f64,
        /// How values were made votes, in an ensemble that adds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sums: Option<Box<Sums>>,
    },
    /// Gaussian naive Bayes.
    GaussianNb {
        /// Scores are in units of `2^−score_bits` nats.
        score_bits: u8,
    },
}

/// How the values of an ensemble that adds were made votes: `v / divisor · 2^shift` less what is
/// taken off, to the nearest, and an integer more.
///
/// Where both classes have one output, trees vote for class 1; of a detector that is the alarm, below
/// the threshold, and values are negated. The difference of both scores is then how far the sum lies
/// beyond the threshold; the differences between classes, or scores with `bases` added to them, are
/// the raw values in units of `2^-shift`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Whether a leaf is one vote, for the one score that its tree adds to.
    pub is_single: bool,
    /// Fractional bits of a vote.
    pub shift: i8,
    /// Per tree of the float model and output, what is taken off leaves, in raw units.
    pub lows: Vec<Vec<f64>>,
    /// Per tree and output, what is added to leaves.
    pub extras: Vec<Vec<u32>>,
    /// Per score, what comes to the sum of votes: scores of classes begin with it, and the device
    /// adds it to those of targets. None where leaves hold it.
    pub bases: Vec<i64>,
    /// Per score, how far a raw value (where both classes have one output, the margin) may be from
    /// float's on any path, in raw units.
    pub bounds: Vec<f64>,
}

/// How splits are laid out: bit by bit from the first on, the lowest bit of a byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Bits in front of the first split.
    pub first_bit: usize,
    /// Bits from one split to the next.
    pub split_bits: usize,
    /// How much a tree's start counts on from one split to the next.
    pub start_unit: usize,
    /// The number of the code that is compared.
    pub input: Field,
    /// The threshold.
    pub threshold: Field,
    /// Whether the threshold's highest bit is a sign.
    pub is_signed: bool,
    /// Added to the threshold.
    pub threshold_base: i16,
    /// Where a split leads to.
    pub children: Children,
}

/// Some bits of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The lowest.
    pub at: usize,
    /// How many; at most 32.
    pub bits: usize,
}

/// Where a split leads to. A child that is a split and has no number of its own is the next split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Children {
    /// Two marks say which children are leaves, the left one's mark being the lower. A left leaf's
    /// number is the lower half of the argument, rounded down, a right one's what is above. Of two
    /// splits, the right one lies one farther ahead than the argument.
    Marked {
        /// The marks.
        marks: Field,
        /// The argument.
        argument: Field,
        /// Bytes per split of `MORE`, which holds what of the argument is above the field: none, one
        /// or two. A leaf's number has at most 16 bits.
        #[serde(default)]
        more_bytes: usize,
    },
    /// The argument counts through the pairs of leaves in `PAIRS`, then leaves on the left, then
    /// leaves on the right, then how far ahead the right one of two splits lies, from two on.
    Counted {
        /// The argument.
        argument: Field,
        /// Distinct leaves.
        n_leaves: usize,
        /// Splits of all trees.
        n_splits: usize,
    },
    /// Each child has a number: a leaf's, where the highest bit is set, or a split's, counted from
    /// its tree's first. Trees are a table of where they start and of their root.
    Numbered {
        /// To the left and to the right.
        sides: [Field; 2],
    },
    /// A split is asked by all of a level. The bits of a tree's levels, the first one's the highest,
    /// say where among its leaves a row ends.
    Levels {
        /// Levels of each tree.
        depth: usize,
        /// Bytes of a leaf's number in `NUMBERS`; 0 where leaves stand in the order of places.
        number_bytes: usize,
    },
}

/// How votes are laid out: a row per distinct leaf, little-endian; a single one each where a tree adds
/// to one score, and scores have the ends of their trees in `ENDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafTable {
    /// Bytes of a vote, 1, 2 or 4.
    pub vote_bytes: usize,
    /// Votes from one row to the next; those beyond the last class are 0.
    pub stride: usize,
    /// The vote that stands for a proportion of one.
    pub unit: u32,
}

/// How far a certificate reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Exceptions are listed.
    Listed,
    /// No test row is concerned by one.
    EveryRow,
    /// There is none.
    EveryInput,
}

/// What is certified; rows are indices into the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// For splits; absent for naive Bayes.
    pub splits: Option<Level>,
    /// For votes or scores.
    pub votes: Level,
    /// Splits that some readings pass differently.
    pub flips: Vec<Flip>,
    /// Rows decided within the error bound.
    pub rows_at_risk: Vec<usize>,
}

/// A split that the readings between two ends pass differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Index of the float model's tree.
    pub tree: usize,
    /// Index of the node in its preorder.
    pub node: usize,
    /// Readings above it …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// … and below it; absent for no such end.
    #[serde(default)]
    pub below: Option<f64>,
    /// Whether a missing reading passes differently.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Rows whose paths part there.
    pub rows: Vec<usize>,
}
