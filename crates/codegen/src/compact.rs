//! Trees in three to six bytes per split, or level by level; the twin of the runtime's `compact.rs`.

use spinney_quantize::{Leaves, Numbers, QuantForest};
use spinney_runtime::compact::{self as runtime, LEFT, Layout, RIGHT};
use spinney_runtime::limits::LANE_TREES_MAX;

use crate::levels::{Asked, Levels};
use crate::options::{Encoding, Options};
use crate::packed::Packed;
use crate::trees::{Child, Split, Tree};

/// The runtime's compact tables, owned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compact {
    pub n_codes: usize,
    pub n_classes: usize,
    pub starts: Vec<u32>,
    pub nodes: Nodes,
    pub rows: Rows,
}

/// Splits in one of the formats.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Nodes {
    Three {
        bytes: Vec<u8>,
        unaligned: bool,
    },
    Words {
        words: Vec<u32>,
        more: Option<Numbers>,
        threshold_bits: u8,
        feature_bits: u8,
    },
    Packed(Packed),
    Levels(Levels),
}

/// What leaves hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    Classes,
    Lanes(Vec<u32>),
    Words(Vec<u16>),
    Values {
        numbers: Numbers,
        bases: Vec<u32>,
        ends: Vec<u16>,
    },
}

impl Rows {
    /// The votes of leaves in the form that is added fastest.
    pub(crate) fn new(leaves: &Leaves, n_classes: usize, n_trees: usize) -> Self {
        match leaves {
            Leaves::Classes => Self::Classes,
            Leaves::Bytes(votes) if n_trees <= LANE_TREES_MAX && n_classes > 1 => Self::Lanes(
                votes
                    .chunks(n_classes)
                    .flat_map(|row| row.chunks(4))
                    .map(|four| {
                        let mut bytes = [0; 4];
                        bytes[..four.len()].copy_from_slice(four);
                        u32::from_le_bytes(bytes)
                    })
                    .collect(),
            ),
            Leaves::Bytes(votes) => Self::Words(votes.iter().map(|vote| (*vote).into()).collect()),
            Leaves::Words(votes) => Self::Words(votes.clone()),
            Leaves::Values(values) => Self::Values {
                numbers: values.numbers.clone(),
                bases: values.bases.clone(),
                ends: values.ends(),
            },
        }
    }

    pub(crate) fn table_bytes(&self) -> usize {
        match self {
            Self::Classes => 0,
            Self::Lanes(words) => size_of_val(words.as_slice()),
            Self::Words(words) => size_of_val(words.as_slice()),
            Self::Values {
                numbers,
                bases,
                ends,
            } => {
                numbers.n_bytes() * numbers.len()
                    + size_of_val(bases.as_slice())
                    + size_of_val(ends.as_slice())
            }
        }
    }
}

impl Compact {
    /// The smallest tables that hold these trees; `None` if none does, or if only larger ones do
    /// than the widest form.
    pub(crate) fn new(
        forest: &QuantForest,
        trees: &[Tree],
        n_codes: usize,
        n_classes: usize,
        options: &Options,
    ) -> Option<Self> {
        let trees: Vec<Tree> = trees.iter().map(with_a_split).collect();
        let by_splits = Self::by_splits(forest, &trees, n_codes, n_classes, options);
        if options.encoding == Encoding::Packed {
            return by_splits;
        }
        let bytes = by_splits
            .as_ref()
            .map_or(wide_bytes(forest), Self::table_bytes);
        let by_levels = || {
            let wide_thresholds = options.wide_thresholds;
            let levels = Levels::new(&trees, forest.leaves(), n_classes, wide_thresholds)?;
            let leaves = levels.leaves().unwrap_or(forest.leaves());
            Some(Self {
                n_codes,
                n_classes,
                starts: (0..number(trees.len())).collect(),
                rows: Rows::new(leaves, n_classes, trees.len()),
                nodes: Nodes::Levels(levels),
            })
            .filter(|it| it.table_bytes() < bytes)
        };
        by_levels().or(by_splits)
    }

    fn by_splits(
        forest: &QuantForest,
        trees: &[Tree],
        n_codes: usize,
        n_classes: usize,
        options: &Options,
    ) -> Option<Self> {
        let mut starts = Vec::new();
        let mut n_nodes = 0_usize;
        for tree in trees {
            starts.push(u32::try_from(n_nodes).ok()?);
            n_nodes += tree.splits.len();
        }
        let needs = Needs::new(trees, n_codes, options.wide_thresholds);
        let nodes = match options.encoding {
            Encoding::Packed => Nodes::Packed(Packed::new(trees, n_codes)?),
            _ => needs.narrowest(trees, options.unaligned)?,
        };
        let unit = match &nodes {
            Nodes::Three { .. } => 3,
            Nodes::Packed(packed) => number(packed.runtime().split_bits()),
            _ => 1,
        };
        for start in &mut starts {
            *start = start.checked_mul(unit)?;
        }
        Some(Self {
            n_codes,
            n_classes,
            starts,
            nodes,
            rows: Rows::new(forest.leaves(), n_classes, trees.len()),
        })
    }

    /// Leaves that stand in another order than the forest's.
    pub(crate) fn leaves(&self) -> Option<&Leaves> {
        self.levels()?.leaves()
    }

    /// Trees as levels, where they are.
    pub(crate) fn levels(&self) -> Option<&Levels> {
        match &self.nodes {
            Nodes::Levels(levels) => Some(levels),
            _ => None,
        }
    }

    /// The width of a split in words.
    pub(crate) fn form(&self) -> String {
        match &self.nodes {
            Nodes::Three { .. } => "3 bytes per split".to_owned(),
            Nodes::Words { more, .. } => format!("{} bytes per split", 4 + n_bytes(more)),
            Nodes::Packed(packed) => format!(
                "{} bits per split",
                u32::from(packed.feature_bits)
                    + u32::from(packed.threshold_bits)
                    + u32::from(packed.argument_bits)
            ),
            Nodes::Levels(Levels {
                asked: Asked::Bytes(_),
                ..
            }) => "2 bytes per level".to_owned(),
            Nodes::Levels(_) => "4 bytes per level".to_owned(),
        }
    }

    /// Bytes of splits and starts, and of leaves.
    pub(crate) fn table_bytes(&self) -> usize {
        let nodes = match &self.nodes {
            Nodes::Three { bytes, .. } => size_of_val(bytes.as_slice()),
            Nodes::Words { words, more, .. } => (4 + n_bytes(more)) * words.len(),
            Nodes::Packed(packed) => packed.table_bytes(),
            Nodes::Levels(levels) => levels.table_bytes(),
        };
        nodes + size_of_val(self.starts.as_slice()) + self.rows.table_bytes()
    }

    /// The runtime's view of the tables.
    pub(crate) fn runtime(&self) -> runtime::Forest<'_> {
        runtime::Forest::new(runtime::Tables {
            n_features: self.n_codes,
            n_classes: self.n_classes,
            starts: &self.starts,
            nodes: match &self.nodes {
                Nodes::Three { bytes, unaligned } => runtime::Nodes::Three {
                    bytes,
                    unaligned: *unaligned,
                },
                Nodes::Words {
                    words,
                    more,
                    threshold_bits,
                    feature_bits,
                } => runtime::Nodes::Words {
                    words,
                    more: more.as_ref().map(Numbers::runtime),
                    threshold_bits: *threshold_bits,
                    feature_bits: *feature_bits,
                },
                Nodes::Packed(packed) => runtime::Nodes::Packed(packed.runtime()),
                Nodes::Levels(levels) => runtime::Nodes::Levels(levels.runtime()),
            },
            leaves: match &self.rows {
                Rows::Classes => runtime::Leaves::Classes,
                Rows::Lanes(words) => runtime::Leaves::Lanes(words),
                Rows::Words(words) => runtime::Leaves::Words(words),
                Rows::Values {
                    numbers,
                    bases,
                    ends,
                } => runtime::Leaves::Values {
                    values: numbers.runtime(),
                    bases,
                    ends,
                },
            },
        })
        .expect("encoded trees pass the runtime's check")
    }
}

/// Bytes per split beside its word.
pub(crate) fn n_bytes(more: &Option<Numbers>) -> usize {
    more.as_ref().map_or(0, Numbers::n_bytes)
}

/// Bytes of the widest tables.
pub(crate) fn wide_bytes(forest: &QuantForest) -> usize {
    size_of_val(forest.splits()) + size_of_val(forest.trees()) + forest.leaves().table_bytes()
}

/// A tree that is one leaf as a split with that leaf on both sides.
pub(crate) fn with_a_split(tree: &Tree) -> Tree {
    match tree.root {
        Child::Split(_) => tree.clone(),
        leaf @ Child::Leaf(_) => Tree {
            score: tree.score,
            root: Child::Split(0),
            splits: vec![Split {
                feature: 0,
                threshold: 0,
                children: [leaf; 2],
            }],
        },
    }
}

/// The largest values that a format must hold.
struct Needs {
    feature_max: u32,
    threshold_bits: u8,
    leaf_max: u32,
    ahead_max: u32,
}

impl Needs {
    fn new(trees: &[Tree], n_codes: usize, wide_thresholds: bool) -> Self {
        let mut needs = Self {
            feature_max: number(n_codes - 1),
            threshold_bits: if wide_thresholds { 16 } else { 8 },
            leaf_max: 0,
            ahead_max: 1,
        };
        for (at, split) in trees.iter().flat_map(|tree| tree.splits.iter().enumerate()) {
            if u8::try_from(split.threshold).is_err() {
                needs.threshold_bits = 16;
            }
            for child in split.children {
                if let Child::Leaf(leaf) = child {
                    needs.leaf_max = needs.leaf_max.max(number(leaf));
                }
            }
            if let [Child::Split(_), Child::Split(right)] = split.children {
                needs.ahead_max = needs.ahead_max.max(number(right - at) - 1);
            }
        }
        needs
    }

    fn narrowest(&self, trees: &[Tree], unaligned: bool) -> Option<Nodes> {
        let splits = || trees.iter().flat_map(|tree| tree.splits.iter().enumerate());
        if self.threshold_bits == 8
            && self.feature_max < 64
            && self.leaf_max < 16
            && self.ahead_max < 256
        {
            let mut bytes = vec![0];
            for (at, split) in splits() {
                let (argument, marks) = argument(at, split, 4);
                let feature = u32::from(split.feature) << 2 | u32::from(marks);
                bytes.extend([argument, feature].map(byte));
                bytes.push(byte(split.threshold.cast_unsigned().into()));
            }
            return Some(Nodes::Three { bytes, unaligned });
        }
        let feature_bits = bits(self.feature_max).max(1);
        if u32::from(feature_bits) > 30 - u32::from(self.threshold_bits) {
            return None;
        }
        [0, 8, 16].into_iter().find_map(|more_bits| {
            let layout = Layout::new(self.threshold_bits, feature_bits, more_bits);
            let argument_bits = layout.argument_bits();
            let fits = |value: u32, bits: u32| u64::from(value) < 1 << bits;
            if !fits(self.leaf_max, argument_bits / 2) || !fits(self.ahead_max, argument_bits) {
                return None;
            }
            let (words, more): (Vec<u32>, Vec<u32>) = splits()
                .map(|(at, split)| {
                    let (argument, marks) = argument(at, split, argument_bits / 2);
                    layout.word(
                        split.feature.into(),
                        split.threshold,
                        argument,
                        marks.into(),
                    )
                })
                .unzip();
            let half = |it| u16::try_from(it).expect("at most 16 bits of an argument");
            Some(Nodes::Words {
                words,
                more: match more_bits {
                    0 => None,
                    8 => Some(Numbers::Bytes(more.into_iter().map(byte).collect())),
                    _ => Some(Numbers::Halves(more.into_iter().map(half).collect())),
                },
                threshold_bits: self.threshold_bits,
                feature_bits,
            })
        })
    }
}

/// The argument of a split, and its leaf marks.
fn argument(at: usize, split: &Split, leaf_bits: u32) -> (u32, u16) {
    match split.children {
        [Child::Leaf(left), Child::Leaf(right)] => {
            (number(left) | number(right) << leaf_bits, LEFT | RIGHT)
        }
        [Child::Leaf(left), Child::Split(_)] => (number(left), LEFT),
        [Child::Split(_), Child::Leaf(right)] => (number(right) << leaf_bits, RIGHT),
        [Child::Split(_), Child::Split(right)] => (number(right - at) - 1, 0),
    }
}

/// Bits that a value needs.
pub(crate) fn bits(value: u32) -> u8 {
    u8::try_from(u32::BITS - value.leading_zeros()).expect("at most 32")
}

/// An index or a length of a table, which the limits of models keep within 32 bits: at most
/// `limits::SPLITS` of eight bytes, and `limits::FEATURES` times `limits::CUTS` cuts.
pub(crate) fn number(value: usize) -> u32 {
    u32::try_from(value).expect("within the limits of models")
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).expect("8 bits")
}
