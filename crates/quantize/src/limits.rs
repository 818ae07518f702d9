//! What fixed point adds to the limits of the float model: ranks, codes and leaves.

use spinney_model::Limit;
use spinney_model::limits as float;
use spinney_runtime::limits as runtime;

/// Cuts of a ranked feature: its distinct thresholds, as far as its readings can tell.
pub const CUTS: Limit = Limit {
    what: "distinct thresholds",
    min: 0,
    max: runtime::CUTS_MAX,
    reason: "a rank is a code of 16 bits, and one is left for what is above them all",
    way_out: "set `coding = \"auto\"` or `\"affine\"` for the feature, or fit with fewer splits",
};

/// Codes of a row: one or two per feature that thresholds are compared with, and one per distinct set
/// of categories.
pub const CODES: Limit = Limit {
    what: "codes of a row",
    min: 0,
    max: runtime::FEATURES_MAX,
    reason: "a split names its code in 16 bits",
    way_out: "fit fewer trees, or one column of 0 and 1 for each category",
};

/// Rows of the codebook of leaves.
pub const LEAVES: Limit = Limit {
    what: "distinct leaves",
    min: 1,
    max: runtime::LEAVES_MAX,
    reason: "a leaf has a number of 15 bits",
    way_out: "set `leaves = \"hard\"` or `votes = \"8-bit\"` in [quantize], or fit with fewer trees or a \
              smaller `max_depth`",
};

/// All of them.
pub const ALL: &[Limit] = &[CUTS, CODES, LEAVES];

// Both sides mean the same numbers.
const _: () = {
    assert!(float::FEATURES.max == runtime::FEATURES_MAX);
    assert!(float::CLASSES.max == runtime::CLASSES_MAX);
    assert!(float::TREES.max == runtime::TREES_MAX);
    assert!(float::TREE_SPLITS.max < spinney_runtime::forest::LEAF as usize);
    assert!(float::SPLITS.max as u64 * 8 <= u32::MAX as u64);
    assert!(float::CLASSES.max <= runtime::LEAVES_MAX);
};
