//! Where the verb `search` looks: the section `[search]`.

use spinney_model::Voting;
use spinney_quantize::CodingChoice;

use super::keys::{COUNT_MAX, DEPTH_MAX, TREES_MAX, key};
use super::{Default, Kind, Section};
use crate::choice::{ModelKind, Objective, Tabled, Word};

/// `[search]`.
pub(super) const SEARCH: Section = Section {
    name: "search",
    doc: "Says where the verb `search` looks for the best model that fits, and for how long.",
    required: false,
    keys: &[
        key(
            "objective",
            Kind::Choice(Objective::WORDS),
            Default::Value("\"accuracy\""),
            "What is to be high on rows that were held out of the training.",
        ),
        key(
            "trials",
            Kind::Integer {
                min: 1,
                max: 100_000,
            },
            Default::Value("60"),
            "How many models are drawn and trained; each is cut to every number of trees.",
        ),
        key(
            "time",
            Kind::Duration,
            Default::Words("no limit"),
            "When the last trial may start.",
        ),
        key(
            "folds",
            Kind::Integer { min: 2, max: 20 },
            Default::Value("5"),
            "Into how many parts the training rows are divided, each held out once.",
        ),
        key(
            "kind",
            Kind::Choices(ModelKind::WORDS),
            Default::Value(
                "[\"decision-tree\", \"random-forest\", \"extra-trees\", \"gaussian-nb\"]",
            ),
            "The kinds of model.",
        ),
        key(
            "n_trees",
            Kind::List(&Kind::Integer {
                min: 1,
                max: TREES_MAX,
            }),
            Default::Value("[3, 5, 7, 10, 14, 20, 28, 40, 56, 80]"),
            "The numbers of trees that a forest is cut to.",
        ),
        key(
            "max_leaf_nodes",
            Kind::List(&Kind::Integer {
                min: 2,
                max: COUNT_MAX,
            }),
            Default::Words(
                "`[8, 16, 32, 64, 96, 128, 192, 256, 512]`, or no limit beside `max_depth`",
            ),
            "The most leaves of a tree.",
        ),
        key(
            "max_depth",
            Kind::List(&Kind::Integer {
                min: 1,
                max: DEPTH_MAX,
            }),
            Default::Words("no limit"),
            "The most splits from root to leaf.",
        ),
        key(
            "max_features",
            Kind::List(&Kind::MaxFeatures),
            Default::Value("[\"sqrt\", 0.2, 0.3, 0.5]"),
            "How many features a split of a forest chooses from.",
        ),
        key(
            "leaves",
            Kind::Choices(Voting::WORDS),
            Default::Words(
                "`[\"soft\", \"hard\"]`, or what `[quantize]` says where scores are delivered",
            ),
            "How trees are combined.",
        ),
        key(
            "coding",
            Kind::Choices(CodingChoice::WORDS),
            Default::Words("what `[quantize]` says"),
            "How readings become codes.",
        ),
        key(
            "encoding",
            Kind::Choices(Tabled::WORDS),
            Default::Words("`[\"table\", \"packed\"]`, or what `[codegen]` says"),
            "The form of the model in flash.",
        ),
    ],
};
