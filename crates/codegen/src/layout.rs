//! What tables look like, told to the checker: widths and places of every field.

use spinney_checker::{Children, Field, Layout, LeafTable};
use spinney_quantize::{Leaves, Numbers, QuantForest};

use crate::compact::{Compact, Nodes, Rows, n_bytes};
use crate::levels::{Asked, Levels};

const fn field(at: usize, bits: usize) -> Field {
    Field { at, bits }
}

/// The layout of compact splits; of a C header, if `in_c`.
pub(crate) fn compact(compact: &Compact, in_c: bool) -> Layout {
    match &compact.nodes {
        Nodes::Three { .. } => Layout {
            // The runtime reads words that begin a byte early; C does not.
            first_bit: if in_c { 0 } else { 8 },
            split_bits: 24,
            start_unit: 3,
            input: field(10, 6),
            threshold: field(16, 8),
            is_signed: false,
            threshold_base: 0,
            children: marked(8, field(0, 8), 0),
        },
        Nodes::Words {
            more,
            threshold_bits,
            feature_bits,
            ..
        } => {
            let (above, feature) = (usize::from(*threshold_bits), usize::from(*feature_bits));
            Layout {
                first_bit: 0,
                split_bits: 32,
                start_unit: 1,
                input: field(0, feature),
                threshold: field(32 - above, above),
                is_signed: above == 16,
                threshold_base: 0,
                children: marked(
                    30 - above,
                    field(feature, 30 - above - feature),
                    n_bytes(more),
                ),
            }
        }
        Nodes::Packed(packed) => {
            let [feature, threshold, argument] = [
                packed.feature_bits,
                packed.threshold_bits,
                packed.argument_bits,
            ]
            .map(usize::from);
            Layout {
                first_bit: 0,
                split_bits: feature + threshold + argument,
                start_unit: feature + threshold + argument,
                input: field(0, feature),
                threshold: field(feature, threshold),
                is_signed: false,
                threshold_base: packed.threshold_base,
                children: Children::Counted {
                    argument: field(feature + threshold, argument),
                    n_leaves: packed.n_leaves.into(),
                    n_splits: packed.len,
                },
            }
        }
        Nodes::Levels(levels) => self::levels(levels),
    }
}

fn levels(levels: &Levels) -> Layout {
    let bits = match levels.asked {
        Asked::Bytes(_) => 8,
        Asked::Halves(_) => 16,
    };
    Layout {
        first_bit: 0,
        split_bits: 2 * bits,
        start_unit: 1,
        input: field(0, bits),
        threshold: field(bits, bits),
        is_signed: bits == 16,
        threshold_base: 0,
        children: Children::Levels {
            depth: levels.depth.into(),
            number_bytes: levels.numbers().map_or(0, Numbers::n_bytes),
        },
    }
}

const fn marked(marks: usize, argument: Field, more_bytes: usize) -> Children {
    Children::Marked {
        marks: field(marks, 2),
        argument,
        more_bytes,
    }
}

/// The layout of the widest form; of a C header, if `in_c`.
pub(crate) fn wide(in_c: bool) -> Layout {
    Layout {
        first_bit: 0,
        split_bits: 64,
        start_unit: if in_c { 4 } else { 1 },
        input: field(0, 16),
        threshold: field(16, 16),
        is_signed: true,
        threshold_base: 0,
        children: Children::Numbered {
            sides: [field(32, 16), field(48, 16)],
        },
    }
}

/// The layout of votes as words or lanes of a generated crate.
pub(crate) fn rows(rows: &Rows, forest: &QuantForest, n_classes: usize) -> Option<LeafTable> {
    let (vote_bytes, stride) = match rows {
        Rows::Classes => return None,
        Rows::Lanes(_) => (1, n_classes.next_multiple_of(4)),
        Rows::Words(_) => (2, n_classes),
        Rows::Values { .. } => return leaves(forest, n_classes),
    };
    Some(LeafTable {
        vote_bytes,
        stride,
        unit: forest.leaves().unit(),
    })
}

/// The layout of votes as they are.
pub(crate) fn leaves(forest: &QuantForest, n_classes: usize) -> Option<LeafTable> {
    let (vote_bytes, stride) = match forest.leaves() {
        Leaves::Classes => return None,
        Leaves::Bytes(_) => (1, n_classes),
        Leaves::Words(_) => (2, n_classes),
        Leaves::Values(values) => (values.numbers.n_bytes(), 1),
    };
    Some(LeafTable {
        vote_bytes,
        stride,
        unit: forest.leaves().unit(),
    })
}
