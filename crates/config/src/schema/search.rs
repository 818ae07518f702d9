//! Where the verb `search` looks: the section `[search]`.

use spinney_model::Voting;
use spinney_quantize::CodingChoice;

use super::keys::{COUNT_MAX, DEPTH_MAX, TREES_MAX};
use super::{Default, Key, Kind, Section, told};
use crate::choice::{ModelKind, Objective, Tabled, Word};

/// `[search]`.
pub(super) const SEARCH: Section = section! {
    /// Says where the verb `search` looks for the best model that fits, and for how long.
    "search", optional:
    /// What is to be best on rows that were held out of the training.
    "objective": Kind::Choice(Objective::WORDS),
        Default::Words("`\"accuracy\"`, or `\"mae\"` with `task = \"regress\"`");
    /// How many models are drawn and trained; each is cut to every number of trees.
    "trials": Kind::Integer { min: 1, max: 100_000 }, Default::Value("60");
    /// When the last trial may start.
    "time": Kind::Duration, Default::Words("no limit");
    /// Into how many parts the training rows are divided, each held out once.
    "folds": Kind::Integer { min: 2, max: 20 }, Default::Value("5");
    /// The kinds of model.
    "kind": Kind::Choices(ModelKind::WORDS),
        Default::Words("all of them, but naive Bayes with `task = \"regress\"`");
    /// The numbers of trees that a forest is cut to.
    "n_trees": Kind::List(&Kind::Integer { min: 1, max: TREES_MAX }),
        Default::Value("[3, 5, 7, 10, 14, 20, 28, 40, 56, 80]");
    /// The most leaves of a tree.
    "max_leaf_nodes": Kind::List(&Kind::Integer { min: 2, max: COUNT_MAX }),
        Default::Words("`[8, 16, 32, 64, 96, 128, 192, 256, 512]`, or no limit beside `max_depth`");
    /// The most splits from root to leaf.
    "max_depth": Kind::List(&Kind::Integer { min: 1, max: DEPTH_MAX }), Default::Words("no limit");
    /// How many features a split of a forest chooses from.
    "max_features": Kind::List(&Kind::MaxFeatures),
        Default::Words("`[\"sqrt\", 0.2, 0.3, 0.5]`, or `[\"all\", 0.5, 0.3]` with `task = \"regress\"`");
    /// How trees are combined.
    "leaves": Kind::Choices(Voting::WORDS),
        Default::Words("`[\"soft\", \"hard\"]`, or what `[quantize]` says where scores are delivered");
    /// How readings become codes.
    "coding": Kind::Choices(CodingChoice::WORDS), Default::Words("what `[quantize]` says");
    /// The form of the model in flash.
    "encoding": Kind::Choices(Tabled::WORDS),
        Default::Words("`[\"table\", \"packed\"]`, or what `[codegen]` says");
};
