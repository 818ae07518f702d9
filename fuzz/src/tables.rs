//! What the fuzz target of tables does with its bytes: build tables of any format, and walk those
//! that the runtime's check accepts.
//!
//! Tables come in two ways: bytes as they are, which meets every bit pattern, and fields that are
//! brought into range but for a byte here and there, which the check mostly accepts. Every table
//! is allocated to its exact length, so that a sanitizer sees the first read beyond it.

use spinney_runtime::coding::{Code, narrow};
use spinney_runtime::compact::{Enough, Forest, LEFT, Layout, Leaves, Nodes, RIGHT, Tables};
use spinney_runtime::levels::{Asked, Levels};
use spinney_runtime::packed::{PADDING, Packed};
use spinney_runtime::values::Values;
use spinney_runtime::{argmax, forest as canonical};

/// Builds tables from `bytes`; walks them if they are accepted, and says whether they were.
pub fn tables(bytes: &[u8]) -> bool {
    let mut source = Source(bytes);
    match source.next() % 8 {
        0 => compact::<1, 1>(&mut source),
        1 => compact::<2, 1>(&mut source),
        2 => compact::<3, 1>(&mut source),
        3 => compact::<4, 1>(&mut source),
        4 => compact::<10, 3>(&mut source),
        5 => compact::<17, 5>(&mut source),
        6 => compact::<255, 64>(&mut source),
        _ => widest(&mut source),
    }
}

/// Numbers out of bytes; zeros once there are none left.
struct Source<'b>(&'b [u8]);

impl Source<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.next(), self.next()])
    }

    fn long(&mut self) -> u32 {
        u32::from(self.word()) | u32::from(self.word()) << 16
    }

    /// A number below `end`, or one time in many any number.
    fn below(&mut self, end: usize) -> usize {
        match self.next() {
            255 => self.word().into(),
            small if end <= 255 => usize::from(small) % end.max(1),
            small => (usize::from(small) << 8 | usize::from(self.next())) % end,
        }
    }

    fn codes(&mut self, n: usize) -> Vec<i16> {
        (0..n)
            .map(|_| self.word().cast_signed() >> (self.0.len() % 9))
            .collect()
    }
}

/// A split's fields, in range or not.
struct Fields {
    feature: u32,
    threshold: i16,
    is_left_leaf: bool,
    is_right_leaf: bool,
    leaves: [u32; 2],
    n_ahead: u32,
}

impl Fields {
    /// A split with `n_after` splits of its tree after it.
    fn new(source: &mut Source<'_>, n_features: usize, n_leaves: usize, n_after: usize) -> Self {
        let marks = source.next();
        let mut fields = Self {
            feature: source.below(n_features) as u32,
            threshold: source.word().cast_signed(),
            is_left_leaf: marks & 1 != 0,
            is_right_leaf: marks & 2 != 0,
            leaves: [source.below(n_leaves) as u32, source.below(n_leaves) as u32],
            n_ahead: (source.below(n_after.saturating_sub(1)) + 2) as u32,
        };
        if marks < 250 {
            fields.is_left_leaf |= n_after == 0;
            fields.is_right_leaf |= n_after == 0 || (n_after == 1 && !fields.is_left_leaf);
        }
        fields
    }

    fn marks(&self) -> u16 {
        let left = if self.is_left_leaf { LEFT } else { 0 };
        let right = if self.is_right_leaf { RIGHT } else { 0 };
        left | right
    }

    fn argument(&self, leaf_bits: u32) -> u32 {
        if self.marks() == 0 {
            self.n_ahead.wrapping_sub(2)
        } else {
            self.leaves[0] | self.leaves[1] << leaf_bits
        }
    }
}

fn compact<const N: usize, const W: usize>(source: &mut Source<'_>) -> bool {
    let n_features = match source.next() {
        255 => source.word().into(),
        small => 1 + usize::from(small) % 70,
    };
    let n_trees = match source.next() {
        255 => 254 + usize::from(source.next()) % 6,
        small => 1 + usize::from(small) % 5,
    };
    let sizes: Vec<usize> = (0..n_trees)
        .map(|_| 1 + usize::from(source.next()) % 7)
        .collect();
    let n_nodes: usize = sizes.iter().sum();
    let (format, flaw) = (source.next(), source.next());
    let n_rows = 1 + source.below(20).min(600);
    let kind = match source.next() {
        192.. => 3,
        kind => kind % 3,
    };
    let n_leaves = if kind == 0 { N } else { n_rows };
    let fields: Vec<Fields> = sizes
        .iter()
        .flat_map(|size| (0..*size).rev())
        .map(|n_after| Fields::new(source, n_features, n_leaves, n_after))
        .collect();
    let is_raw = format >= 200;
    let unit = if format % 5 == 0 { 3 } else { 1 };
    let mut starts: Vec<u32> = sizes
        .iter()
        .scan(0, |start, size| {
            let first = *start;
            *start += if format % 5 == 4 { 1 } else { size * unit };
            Some(first as u32)
        })
        .collect();
    if flaw % 16 == 1 {
        let at = usize::from(flaw) % starts.len();
        starts[at] = source.long();
    }
    let lanes: Vec<u32> = (0..n_rows * W + usize::from(flaw % 16 == 2))
        .map(|at| {
            let unused = 8 * (4 * W - N) as u32;
            let is_last = at % W == W - 1 && flaw % 16 != 3;
            source.long()
                & if is_last {
                    u32::MAX >> unused
                } else {
                    u32::MAX
                }
        })
        .collect();
    let words: Vec<u16> = (0..n_rows * N + usize::from(flaw % 16 == 2))
        .map(|_| source.word())
        .collect();
    let numbers = match kind {
        3 => Numbers::new::<N>(source, n_rows, n_trees, flaw),
        _ => Numbers::default(),
    };
    let leaves = match kind {
        0 => Leaves::Classes,
        1 => Leaves::Lanes(&lanes),
        2 => Leaves::Words(&words),
        _ => Leaves::Values {
            values: match flaw / 16 % 3 {
                0 => Values::Bytes(&numbers.bytes),
                1 => Values::Halves(&numbers.halves),
                _ => Values::Words(&numbers.words),
            },
            bases: &numbers.bases,
            ends: &numbers.ends,
        },
    };
    // A word too many is a leaf more where a leaf is one word.
    let n_leaves_held = match kind {
        1 => lanes.len() / W,
        2 => words.len() / N,
        _ => n_leaves,
    };
    let levels = match format % 5 {
        4 => OwnedLevels::new(source, (n_features, n_trees, n_leaves), flaw),
        _ => OwnedLevels::default(),
    };
    let mut walk = |nodes: Nodes<'_>| {
        let unit = match &nodes {
            Nodes::Packed(packed) => packed.split_bits() as u32,
            _ => 1,
        };
        let starts: Vec<u32> = starts
            .iter()
            .map(|start| start.wrapping_mul(unit))
            .collect();
        let tables = Tables {
            n_features,
            n_classes: N,
            starts: &starts,
            nodes,
            leaves,
        };
        Forest::new(tables).is_ok_and(|forest| {
            walks::<N, W>(&forest, n_features, n_trees, n_leaves_held, source);
            true
        })
    };
    match format % 5 {
        4 => walk(levels.nodes(flaw)),
        0 => {
            let mut bytes = vec![flaw];
            for (at, fields) in fields.iter().enumerate() {
                if is_raw {
                    bytes.extend([
                        at as u8 ^ flaw,
                        fields.feature as u8,
                        fields.threshold as u8,
                    ]);
                } else {
                    bytes.push(fields.argument(4) as u8);
                    bytes.push((fields.feature << 2) as u8 | fields.marks() as u8);
                    bytes.push(fields.threshold as u8);
                }
            }
            bytes.truncate(bytes.len() - usize::from(flaw % 16 == 4));
            let bytes = bytes.into_boxed_slice();
            let unaligned = flaw & 0x80 != 0;
            walk(Nodes::Three {
                bytes: &bytes,
                unaligned,
            })
        }
        1 | 2 => {
            let threshold_bits = if flaw & 0x80 == 0 { 8 } else { 16 };
            let feature_bits = match flaw % 16 {
                5 => flaw >> 4,
                _ => u8::try_from(usize::BITS - n_features.leading_zeros()).unwrap_or(0),
            };
            let more_bits = [0, 8, 16][usize::from(flaw >> 4) % 3];
            let layout = Layout::new(threshold_bits, feature_bits, more_bits);
            let argument_bits = layout.argument_bits();
            let (words, more): (Vec<u32>, Vec<u32>) = fields
                .iter()
                .map(|fields| {
                    if is_raw {
                        let high = u32::from(fields.threshold.cast_unsigned()) << 16;
                        let argument = fields.argument(8);
                        return (high | fields.feature ^ argument, argument);
                    }
                    let threshold = match threshold_bits {
                        8 => fields.threshold & 0xff,
                        _ => fields.threshold,
                    };
                    let most = u32::MAX.checked_shr(32 - argument_bits).unwrap_or(0);
                    let argument = fields.argument(argument_bits / 2) & most;
                    layout.word(fields.feature, threshold, argument, fields.marks().into())
                })
                .unzip();
            let words = words.into_boxed_slice();
            let is_short = usize::from(flaw % 16 == 7).min(more.len());
            let more = &more[is_short..];
            let bytes: Box<[u8]> = more.iter().map(|more| *more as u8).collect();
            let halves: Box<[u16]> = more.iter().map(|more| *more as u16).collect();
            walk(Nodes::Words {
                words: &words,
                more: match more_bits {
                    0 => None,
                    8 => Some(Values::Bytes(&bytes)),
                    _ => Some(Values::Halves(&halves)),
                },
                threshold_bits: if flaw % 16 == 6 { flaw } else { threshold_bits },
                feature_bits,
            })
        }
        _ => {
            let pairs: Box<[[u16; 2]]> = fields
                .iter()
                .take(n_nodes.min(1 + usize::from(flaw)))
                .map(|fields| fields.leaves.map(|leaf| leaf as u16))
                .collect();
            let packed = Packed {
                len: n_nodes.wrapping_add(usize::from(flaw % 16 == 7)),
                bytes: &[],
                feature_bits: u8::try_from(
                    usize::BITS - n_features.saturating_sub(1).leading_zeros(),
                )
                .unwrap_or(0),
                threshold_bits: if is_raw { flaw % 18 } else { flaw % 17 },
                threshold_base: i16::from(flaw) - 128,
                argument_bits: match flaw % 16 {
                    8 => flaw >> 2,
                    _ => 14,
                },
                n_leaves: match flaw % 16 {
                    9 => u16::MAX,
                    _ => n_leaves.min(100) as u16,
                },
                pairs: &pairs,
            };
            let bytes = packed_bytes(&packed, &fields, flaw);
            walk(Nodes::Packed(Packed {
                bytes: &bytes,
                ..packed
            }))
        }
    }
}

/// Levels of so many features, trees and leaves, in range or not.
#[derive(Default)]
struct OwnedLevels {
    depth: u8,
    halves: Box<[[u16; 2]]>,
    bytes: Box<[[u8; 2]]>,
    numbers: Box<[u16]>,
}

impl OwnedLevels {
    fn new(source: &mut Source<'_>, shape: (usize, usize, usize), flaw: u8) -> Self {
        let (n_features, n_trees, n_leaves) = shape;
        let depth = match flaw % 16 {
            5 => flaw,
            _ => 1 + source.next() % 4,
        };
        let n_levels = n_trees * usize::from(depth) - usize::from(flaw % 16 == 4);
        let halves: Box<[[u16; 2]]> = (0..n_levels)
            .map(|_| [source.below(n_features) as u16, source.word()])
            .collect();
        let n_places = (n_trees << (depth % 16)) - usize::from(flaw % 16 == 6);
        let n_leaves = n_leaves + usize::from(flaw % 16 == 7);
        Self {
            depth,
            bytes: halves
                .iter()
                .map(|level| level.map(|it| it as u8))
                .collect(),
            halves,
            numbers: (0..n_places)
                .map(|_| source.below(n_leaves) as u16)
                .collect(),
        }
    }

    fn nodes(&self, flaw: u8) -> Nodes<'_> {
        Nodes::Levels(Levels {
            depth: self.depth,
            asked: if flaw & 0x40 == 0 {
                Asked::Bytes(&self.bytes)
            } else {
                Asked::Halves(&self.halves)
            },
            numbers: (flaw & 0x80 == 0).then_some(Values::Halves(&self.numbers)),
        })
    }
}

/// What leaves add where each tree adds to one score, in each width.
#[derive(Default)]
struct Numbers {
    bytes: Box<[u8]>,
    halves: Box<[u16]>,
    words: Box<[u32]>,
    bases: Box<[u32]>,
    ends: Box<[u16]>,
}

impl Numbers {
    fn new<const N: usize>(
        source: &mut Source<'_>,
        n_rows: usize,
        n_trees: usize,
        flaw: u8,
    ) -> Self {
        let n_rows = n_rows + usize::from(flaw % 16 == 2);
        // Small enough for a sum of 32 bits, but for a flaw.
        let shift = if flaw % 16 == 11 { 0 } else { 10 };
        let words: Box<[u32]> = (0..n_rows).map(|_| source.long() >> shift).collect();
        let n_scores = N - usize::from(flaw % 16 == 12).min(N - 1);
        let mut ends: Vec<u16> = (0..n_scores)
            .map(|_| source.below(n_trees + 1) as u16)
            .collect();
        if flaw % 16 != 13 {
            ends.sort_unstable();
        }
        if let Some(last) = ends.last_mut().filter(|_| flaw % 16 != 14) {
            *last = n_trees as u16;
        }
        Self {
            bytes: words.iter().map(|word| *word as u8).collect(),
            halves: words.iter().map(|word| *word as u16).collect(),
            words,
            bases: (0..n_scores).map(|_| source.long() >> shift).collect(),
            ends: ends.into(),
        }
    }
}

/// The fields bit by bit, and the padding; one byte less for some flaws.
fn packed_bytes(packed: &Packed<'_>, fields: &[Fields], flaw: u8) -> Box<[u8]> {
    let width = packed.split_bits();
    let n_bytes = (fields.len() * width).div_ceil(8) + PADDING;
    let mut bytes = vec![flaw; n_bytes - usize::from(flaw % 16 == 10)];
    let (first_left, n_leaves) = (packed.pairs.len() as u64, u64::from(packed.n_leaves));
    for (at, fields) in fields.iter().enumerate() {
        let argument = match (fields.is_left_leaf, fields.is_right_leaf) {
            (true, true) => u64::from(fields.leaves[0]) % first_left,
            (true, false) => first_left + u64::from(fields.leaves[0]),
            (false, true) => first_left + n_leaves + u64::from(fields.leaves[1]),
            (false, false) => first_left + 2 * n_leaves + u64::from(fields.n_ahead.max(2) - 2),
        };
        let threshold = u64::from(fields.threshold.cast_unsigned());
        let parts = [
            (u64::from(fields.feature), packed.feature_bits),
            (threshold, packed.threshold_bits),
            (argument, packed.argument_bits),
        ];
        let mut bit = at * width;
        for (value, n_bits) in parts {
            for place in 0..n_bits {
                let is_set = value >> place & 1 != 0;
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte = *byte & !(1 << (bit % 8)) | u8::from(is_set) << (bit % 8);
                }
                bit += 1;
            }
        }
    }
    bytes.into_boxed_slice()
}

/// Three rows through every function, with codes of both widths.
fn walks<const N: usize, const W: usize>(
    forest: &Forest<'_>,
    n_features: usize,
    n_trees: usize,
    n_leaves: usize,
    source: &mut Source<'_>,
) {
    for row in 0..3 {
        let codes = match row {
            0 => vec![i16::MIN; n_features],
            1 => vec![i16::MAX; n_features],
            _ => source.codes(n_features),
        };
        let codes = codes.into_boxed_slice();
        let bytes: Box<[u8]> = codes.iter().map(|code| narrow(*code)).collect();
        let leads: Vec<u32> = (0..source.below(n_trees))
            .map(|_| source.word().into())
            .collect();
        let shape = (n_trees, n_leaves);
        agree::<N, W, i16>(forest, &codes, shape, &leads);
        agree::<N, W, u8>(forest, &bytes, shape, &leads);
    }
}

fn agree<const N: usize, const W: usize, C: Code>(
    forest: &Forest<'_>,
    codes: &[C],
    (n_trees, n_leaves): (usize, usize),
    leads: &[u32],
) {
    const FITS: &str = "the shape of the tables";
    let mut n_visits = 0;
    let visit = |leaf| {
        assert!(leaf < n_leaves);
        n_visits += 1;
        true
    };
    forest.each_leaf(codes, visit).expect(FITS);
    assert_eq!(n_visits, n_trees);
    let scores = forest.scores::<N, C>(codes).expect(FITS);
    let class = forest.classify::<N, W, C>(codes).expect(FITS);
    assert_eq!(class, argmax(&scores));
    let majority = Enough::Votes(n_trees as u32 / 2 + 1);
    let early = forest.classify_early::<N, W, C>(codes, majority);
    assert_eq!(early, Ok(class));
    let early = forest.classify_early::<N, W, C>(codes, Enough::Leads(leads));
    assert!(early.expect(FITS) < N);
    assert!(forest.each_leaf(&codes[1..], |_| true).is_err());
}

/// The canonical tables, of eight bytes per split.
fn widest(source: &mut Source<'_>) -> bool {
    let n_features = 1 + source.below(9);
    let n_classes = 1 + source.below(9).min(300);
    let n_rows = 1 + source.below(9).min(300);
    let kind = source.next() % 3;
    let n_leaves = if kind == 0 { n_classes } else { n_rows };
    let mut trees = Vec::new();
    let mut splits = Vec::new();
    for _ in 0..source.below(5) {
        let first_split = splits.len() as u32;
        let n_splits = source.below(6);
        for at in 0..n_splits.min(40) {
            let mut child = |is_leaf: bool| {
                let leaf = source.below(n_leaves) as u16 | canonical::LEAF;
                let n_after = n_splits - at - 1;
                if is_leaf || n_after == 0 {
                    return leaf;
                }
                (at + 1 + source.below(n_after)) as u16
            };
            let children = [child(false), child(true)];
            let marks = source.next();
            splits.push(canonical::Split {
                feature: source.below(n_features) as u16,
                threshold: source.word().cast_signed(),
                children: if marks.is_multiple_of(2) {
                    children
                } else {
                    [children[1], children[0]]
                },
            });
        }
        trees.push(canonical::Tree {
            first_split,
            root: match n_splits {
                0 => source.below(n_leaves) as u16 | canonical::LEAF,
                _ => source.below(1) as u16,
            },
        });
    }
    let splits = splits.into_boxed_slice();
    let bytes: Box<[u8]> = (0..n_rows * n_classes).map(|_| source.next()).collect();
    let words: Box<[u16]> = (0..n_rows * n_classes).map(|_| source.word()).collect();
    let tables = canonical::Tables {
        n_features,
        n_classes,
        trees: &trees,
        splits: &splits,
        leaves: match kind {
            0 => canonical::Leaves::Classes,
            1 => canonical::Leaves::Bytes(&bytes),
            _ => canonical::Leaves::Words(&words),
        },
    };
    let Ok(forest) = canonical::Forest::new(tables) else {
        return false;
    };
    let codes = source.codes(n_features).into_boxed_slice();
    let mut scores = vec![0; n_classes];
    let class = forest.classify(&codes, &mut scores).expect("its shape");
    assert!(class < n_classes);
    true
}
