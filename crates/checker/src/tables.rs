//! Tables to trees: each format of a split, each layout of votes, and the codings' own tables.

use std::collections::{HashMap, HashSet};

use crate::claim::{Children, Claim, Coding, Field, Input, Layout, LeafTable, Sensor};
use crate::coding::cast;
use crate::memory::Memory;
use crate::{Findings, Kind};

/// Where a split leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    /// To a split, by its index in the table.
    Split(usize),
    /// To a leaf, by its number.
    Leaf(usize),
}

/// `codes[input] <= threshold` goes to the first child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub input: usize,
    pub threshold: i32,
    pub children: [Child; 2],
}

/// Decoded trees.
#[derive(Default)]
pub(crate) struct Trees {
    pub splits: Vec<Split>,
    pub roots: Vec<Child>,
    /// Splits below whose sides the same leaves stand, so that they decide nothing.
    pub idle: HashSet<usize>,
}

impl Trees {
    /// The leaf that codes lead to.
    pub(crate) fn leaf(&self, root: Child, codes: &[i32]) -> usize {
        let mut child = root;
        loop {
            match child {
                Child::Leaf(leaf) => return leaf,
                Child::Split(at) => {
                    let split = self.splits[at];
                    let code = codes.get(split.input).copied().unwrap_or(0);
                    child = split.children[usize::from(code > split.threshold)];
                }
            }
        }
    }
}

/// The little-endian number of bytes, at most four.
fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

pub(crate) fn numbers(bytes: &[u8], size: usize) -> Vec<u32> {
    bytes.chunks_exact(size).map(number).collect()
}

/// The trees in memory; `None` if they are code.
pub(crate) fn trees(
    layout: Option<Layout>,
    leaves: Option<LeafTable>,
    n_trees: usize,
    memory: &Memory,
    findings: &mut Findings,
) -> Result<Option<Trees>, String> {
    let Some((layout, nodes)) = layout.zip(memory.table("NODES").or(memory.table("SPLITS"))) else {
        return Ok(None);
    };
    if let Children::Levels {
        depth,
        number_bytes,
    } = layout.children
    {
        let leaves = match number_bytes {
            0 => memory.table("LEAVES").zip(leaves).map(|(table, leaves)| {
                // Leaves that are the same count as one.
                let mut seen = HashMap::new();
                let rows = table.chunks((leaves.stride * leaves.vote_bytes).max(1));
                let first = rows
                    .enumerate()
                    .map(|(at, row)| *seen.entry(row).or_insert(at));
                first.collect()
            }),
            _ => memory.table("NUMBERS").map(|table| {
                let numbers = numbers(table, number_bytes).into_iter();
                numbers.map(|leaf| leaf as usize).collect()
            }),
        };
        let Some(leaves): Option<Vec<usize>> = leaves else {
            return Ok(None);
        };
        let starts = numbers(memory.table("STARTS").unwrap_or_default(), 4);
        if starts.iter().zip(0..).any(|(start, tree)| *start != tree) {
            return Err("STARTS does not lead to where trees start".to_owned());
        }
        return by_levels(layout, nodes, (n_trees, depth), &leaves).map(Some);
    }
    let beside = match layout.children {
        Children::Marked {
            more_bytes: more_bytes @ 1..,
            ..
        } => numbers(memory.table("MORE").unwrap_or_default(), more_bytes),
        _ => numbers(memory.table("PAIRS").unwrap_or_default(), 2),
    };
    let heads = memory.table("TREES").map(|heads| numbers(heads, 4));
    let n_splits = match layout.children {
        Children::Counted { n_splits, .. } => n_splits,
        _ => (8 * nodes.len()).saturating_sub(layout.first_bit) / layout.split_bits.max(1),
    };
    let mut trees = Trees::default();
    // Where a tree ends is where no child is outstanding.
    let (mut start, mut end) = (0, 0);
    for at in 0..n_splits {
        if at == end {
            (start, end) = (at, at + 1);
            trees.roots.push(Child::Split(at));
        }
        let split = split(layout, nodes, &beside, (start, at))
            .ok_or_else(|| format!("the table ends within split {at}"))?;
        for child in split.children {
            match child {
                Child::Split(child) if child <= at => return Err(format!("split {at} leads back")),
                Child::Split(child) => end = end.max(child + 1),
                Child::Leaf(_) => {}
            }
        }
        trees.splits.push(split);
    }
    let starts = if let Some(heads) = heads {
        // A start and a root each; a tree that is one leaf has no splits.
        let mut found = std::mem::take(&mut trees.roots).into_iter().peekable();
        for head in heads.chunks_exact(2) {
            let root = (head[1] & 0xffff) as usize;
            let next = found
                .next_if_eq(&Child::Split(head[0] as usize))
                .filter(|_| root == 0);
            trees.roots.push(match root.checked_sub(0x8000) {
                Some(leaf) => Child::Leaf(leaf),
                None => next.ok_or("TREES does not lead to where trees start")?,
            });
        }
        None
    } else {
        memory.table("STARTS").map(|starts| numbers(starts, 4))
    };
    if end != n_splits || trees.roots.len() != n_trees {
        let n_found = trees.roots.len();
        return Err(format!(
            "found {n_found} trees of {n_splits} splits, the last of which ends at split {end}; \
             expected {n_trees}"
        ));
    }
    let expected = |root: &Child| match root {
        Child::Split(at) | Child::Leaf(at) => (at * layout.start_unit) as u32,
    };
    match starts {
        Some(starts) if !starts.iter().copied().eq(trees.roots.iter().map(expected)) => {
            return Err("STARTS does not lead to where trees start".to_owned());
        }
        None if memory.table("TREES").is_none() => {
            findings.note("STARTS is code; NODES itself says where trees start.")
        }
        _ => {}
    }
    Ok(Some(trees))
}

/// Trees of so many levels each as splits, from the leaf at each place.
fn by_levels(
    layout: Layout,
    nodes: &[u8],
    (n_trees, depth): (usize, usize),
    leaves: &[usize],
) -> Result<Trees, String> {
    let n_levels = 8 * nodes.len() / layout.split_bits.max(1);
    let n_places = u32::try_from(depth)
        .ok()
        .filter(|_| (1..16).contains(&depth))
        .and_then(|depth| n_trees.checked_shl(depth));
    if n_levels != n_trees * depth || n_places != Some(leaves.len()) {
        let n_leaves = leaves.len();
        return Err(format!(
            "found {n_levels} levels and {n_leaves} places for leaves; expected {depth} levels and \
             2^{depth} places for each of {n_trees} trees"
        ));
    }
    let mut trees = Trees::default();
    for (tree, leaves) in leaves.chunks(1 << depth).enumerate() {
        let first = trees.splits.len();
        trees.roots.push(Child::Split(first));
        for at in 0..leaves.len() - 1 {
            let level = (at + 1).ilog2() as usize;
            let (input, threshold) = asked(layout, nodes, tree * depth + level)
                .ok_or_else(|| format!("the table ends within level {level} of tree {tree}"))?;
            let child = |child: usize| match child.checked_sub(leaves.len() - 1) {
                Some(place) => Child::Leaf(leaves[place]),
                None => Child::Split(first + child),
            };
            trees.splits.push(Split {
                input,
                threshold,
                children: [child(2 * at + 1), child(2 * at + 2)],
            });
            let width = leaves.len() >> level;
            let (left, right) =
                leaves[(at + 1 - (1 << level)) * width..][..width].split_at(width / 2);
            if left == right {
                trees.idle.insert(first + at);
            }
        }
    }
    Ok(trees)
}

/// A field of the split number `at`.
fn read(layout: Layout, nodes: &[u8], at: usize, field: Field) -> Option<usize> {
    let first = layout.first_bit + at * layout.split_bits;
    (0..field.bits).try_fold(0_usize, |value, bit| {
        let place = first + field.at + bit;
        Some(value | usize::from(nodes.get(place / 8)? >> (place % 8) & 1) << bit)
    })
}

/// The code and the threshold that the split number `at` compares.
fn asked(layout: Layout, nodes: &[u8], at: usize) -> Option<(usize, i32)> {
    let threshold = read(layout, nodes, at, layout.threshold)? as i64;
    let sign = if layout.is_signed {
        1 << (layout.threshold.bits - 1)
    } else {
        0
    };
    Some((
        read(layout, nodes, at, layout.input)?,
        ((threshold ^ sign) - sign) as i32 + i32::from(layout.threshold_base),
    ))
}

/// The split number `at` of a tree that starts at split `start`; `beside` are pairs of leaves, or
/// the high bits of arguments.
fn split(
    layout: Layout,
    nodes: &[u8],
    beside: &[u32],
    (start, at): (usize, usize),
) -> Option<Split> {
    let field = |field: Field| read(layout, nodes, at, field);
    let next = Child::Split(at + 1);
    let children = match layout.children {
        Children::Marked {
            marks,
            argument,
            more_bytes,
        } => {
            let above = match more_bytes {
                0 => 0,
                _ => *beside.get(at)? as usize,
            };
            let half = ((argument.bits + 8 * more_bytes) / 2).min(16);
            let argument = field(argument)? | above << argument.bits;
            let (low, high) = (
                Child::Leaf(argument & ((1 << half) - 1)),
                Child::Leaf(argument >> half),
            );
            match field(marks)? {
                0 => [next, Child::Split(at + 1 + argument)],
                1 => [low, next],
                2 => [next, high],
                _ => [low, high],
            }
        }
        Children::Counted {
            argument, n_leaves, ..
        } => {
            let (argument, pairs) = (field(argument)?, beside);
            let (lefts, n_pairs) = (pairs.len() / 2 + n_leaves, pairs.len() / 2);
            match argument {
                pair if pair < n_pairs => {
                    [0, 1].map(|side| Child::Leaf(pairs[2 * pair + side] as usize))
                }
                left if left < lefts => [Child::Leaf(left - n_pairs), next],
                right if right < lefts + n_leaves => [next, Child::Leaf(right - lefts)],
                ahead => [next, Child::Split(at + 2 + ahead - lefts - n_leaves)],
            }
        }
        Children::Numbered { sides } => {
            let child = |number: usize| {
                number
                    .checked_sub(0x8000)
                    .map_or(Child::Split(start + number), Child::Leaf)
            };
            [child(field(sides[0])?), child(field(sides[1])?)]
        }
        // Of these, `by_levels` makes splits.
        Children::Levels { .. } => return None,
    };
    let (input, threshold) = asked(layout, nodes, at)?;
    Some(Split {
        input,
        threshold,
        children,
    })
}

/// The score that each of so many trees adds to, where they add to one each; `None` if the compiler
/// left no table of them.
pub(crate) fn scores(n_trees: usize, memory: &Memory) -> Option<Vec<usize>> {
    if let Some(scores) = memory.table("SCORES") {
        return Some(
            numbers(scores, 1)
                .into_iter()
                .map(|it| it as usize)
                .collect(),
        );
    }
    let ends = numbers(memory.table("ENDS")?, 2);
    let score = |tree: usize| ends.iter().filter(|end| **end as usize <= tree).count();
    Some((0..n_trees).map(score).collect())
}

/// The votes of each distinct leaf, for as many classes, or the one of its tree; where leaves are
/// classes, a vote for each class. `None` if the compiler left no table of them.
pub(crate) fn leaves(
    table: Option<LeafTable>,
    n_classes: usize,
    memory: &Memory,
) -> Result<Option<Vec<Vec<u32>>>, String> {
    let Some(LeafTable {
        vote_bytes, stride, ..
    }) = table
    else {
        let one = |leaf: usize| {
            (0..n_classes)
                .map(|class| u32::from(class == leaf))
                .collect()
        };
        return Ok(Some((0..n_classes).map(one).collect()));
    };
    let Some(bytes) = memory.table("LEAVES") else {
        return Ok(None);
    };
    if stride < n_classes || bytes.len() % (stride * vote_bytes) != 0 {
        return Err(format!(
            "LEAVES takes {} bytes, which is no whole number of leaves",
            bytes.len()
        ));
    }
    let mut leaves: Vec<Vec<u32>> = bytes
        .chunks(stride * vote_bytes)
        .map(|row| numbers(row, vote_bytes))
        .collect();
    for (number, leaf) in leaves.iter_mut().enumerate() {
        if leaf.split_off(n_classes).iter().any(|vote| *vote != 0) {
            return Err(format!(
                "leaf {number} votes for a class that does not exist"
            ));
        }
    }
    Ok(Some(leaves))
}

/// Holds the codings in memory to those claimed.
pub(crate) fn codings(claim: &Claim, n_features: usize, memory: &Memory, findings: &mut Findings) {
    rest(claim, memory, findings);
    let n_plain = n_plain(claim);
    let plain = &claim.inputs[..n_plain];
    let features = plain.iter().map(|input| input.feature);
    match memory.table("INPUTS") {
        None if features.len() == n_features => {}
        None => findings.note("Which readings codes are made of is code; the claim was believed."),
        Some(table)
            if features
                .clone()
                .eq(numbers(table, (table.len() / features.len()).max(1))
                    .into_iter()
                    .map(|input| input as usize)) => {}
        Some(_) => findings.fault(Kind::Coding, "INPUTS", "other features than those claimed"),
    }
    let Some(table) = memory.table("CODINGS").filter(|_| claim.codings_are_table) else {
        findings.note("Codings are constants in code; they were taken from the claim.");
        return;
    };
    let is_rank = |coding: &Coding| matches!(coding, Coding::Rank { .. });
    let n_ranks = plain.iter().filter(|input| is_rank(&input.coding)).count();
    // Of one kind, two words each; else a word in front says which: 0 for affine, 1 for ranks.
    let is_mixed = n_ranks != 0 && n_ranks != n_plain;
    let size = if is_mixed { 12 } else { 8 };
    if table.len() != size * n_plain {
        let what = format!("{} bytes, expected {size} for each code", table.len());
        return findings.fault(Kind::Layout, "CODINGS", what);
    }
    for (input, words) in plain.iter().zip(numbers(table, 4).chunks(size / 4)) {
        let [a, b] = [words[size / 4 - 2], words[size / 4 - 1]];
        let found = match if is_mixed {
            words[0] & 0xff
        } else {
            u32::from(n_ranks > 0)
        } {
            0 => Some(Coding::Affine {
                shift: b as i8,
                offset: a as i32,
            }),
            _ if b == 0 => Some(Coding::Rank { cuts: Vec::new() }),
            _ => memory
                .at(a.into(), 4 * b as usize)
                .map(|cuts| Coding::Rank {
                    cuts: numbers(cuts, 4).into_iter().map(|cut| cut as i32).collect(),
                }),
        };
        if found.as_ref() != Some(&input.coding) {
            let what = "the coding in the image is not the one claimed";
            findings.fault(Kind::Coding, format!("feature {}", input.feature), what);
        }
    }
}

/// How many codes at the front are made of a reading each, by ascending feature.
fn n_plain(claim: &Claim) -> usize {
    let inputs = &claim.inputs;
    let is_plain = |at: &usize| {
        !matches!(inputs[*at].coding, Coding::Set { .. })
            && (*at == 0 || inputs[at - 1].feature < inputs[*at].feature)
    };
    (0..inputs.len()).take_while(is_plain).count()
}

/// Holds the codes of missing readings and of sets in memory to those claimed, where they are tables.
fn rest(claim: &Claim, memory: &Memory, findings: &mut Findings) {
    let n_plain = n_plain(claim);
    let order = |number: Option<f64>| match (number, claim.reading) {
        (None, Sensor::F32) => i32::MAX,
        (None, _) => i32::MIN,
        (Some(number), Sensor::F32) => {
            let magnitude = (number.abs() as f32).to_bits().cast_signed();
            if number < 0.0 { -magnitude } else { magnitude }
        }
        (Some(number), reading) => cast(number, reading) as i32,
    };
    let (mut gaps, mut of_header) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    let second = n_plain..claim.inputs.len();
    for to in second.chain(0..n_plain) {
        let input = &claim.inputs[to];
        let plain = claim.inputs[..n_plain].iter();
        let from = plain.clone().position(|it| it.feature == input.feature);
        let missing = input.missing.and_then(|it| Some((it, it.code?)));
        let Some((missing, code)) = missing.filter(|_| !matches!(input.coding, Coding::Set { .. }))
        else {
            continue;
        };
        let numbers = [input.feature, from.unwrap_or(usize::MAX), to].map(|it| it as u16);
        let places = || numbers.into_iter().flat_map(u16::to_le_bytes);
        let mark = order(missing.number).to_le_bytes();
        gaps.extend(mark.into_iter().chain(code.to_le_bytes()).chain(places()));
        of_header[0].extend(mark);
        match claim.code_bits {
            8 => of_header[1].push(code.clamp(0, 255) as u8),
            _ => of_header[1].extend(code.to_le_bytes()),
        }
        of_header[2].extend(places());
    }
    // A header has a table for each field.
    let fields = ["GAP_MARKS", "GAP_CODES", "GAP_PLACES"].map(|name| memory.table(name));
    let is_same = match (memory.table("GAPS"), fields) {
        _ if gaps.is_empty() => Some(true),
        (Some(table), _) => Some(table == gaps),
        (None, [None, None, None]) => None,
        (None, fields) => Some(
            of_header
                .iter()
                .zip(fields)
                .all(|(one, it)| Some(&**one) == it),
        ),
    };
    match is_same {
        Some(true) => {}
        None => findings.note("Codes of missing readings are code; the claim was believed."),
        Some(false) => findings.fault(
            Kind::Coding,
            "GAPS",
            "other codes of missing readings than those claimed",
        ),
    }
    let is_set = |input: &Input| matches!(input.coding, Coding::Set { .. });
    if !claim.inputs.iter().any(is_set) {
        return;
    }
    let Some(found) = sets(memory) else {
        return findings.note("Sets of categories are code; the claim was believed.");
    };
    let mut at = claim.inputs.iter().position(is_set).unwrap_or(0);
    for it in found {
        let of_feature = claim.inputs.get(at..at + it.n_sets).unwrap_or_default();
        let row_bytes = it.n_sets.div_ceil(8);
        let is_same = !of_feature.is_empty()
            && (it.feature, it.first) == (of_feature[0].feature, at)
            && of_feature.iter().enumerate().all(|(set, input)| {
                let Coding::Set {
                    categories,
                    missing,
                } = &input.coding
                else {
                    return false;
                };
                let has_mark = match input.missing {
                    Some(missing) => it.mark == order(missing.number),
                    // No reading has an order as low or as high.
                    None => matches!(it.mark, i32::MIN | i32::MAX),
                };
                let mut members =
                    it.rows
                        .chunks(row_bytes)
                        .enumerate()
                        .filter_map(|(row, bits)| {
                            (bits.get(set / 8)? >> (set % 8) & 1 == 1).then_some(row)
                        });
                let claimed = (categories.iter()).map(|category| *category as usize + 1);
                let claimed = missing.then_some(0).into_iter().chain(claimed);
                has_mark && input.feature == of_feature[0].feature && members.by_ref().eq(claimed)
            });
        if !is_same {
            return findings.fault(
                Kind::Coding,
                format!("the sets of code {at}"),
                "other sets of categories than those claimed",
            );
        }
        at += it.n_sets;
    }
    if at != claim.inputs.len() {
        findings.fault(
            Kind::Coding,
            "SETS",
            "other sets of categories than those claimed",
        );
    }
}

/// The sets of a feature in memory.
struct Sets<'m> {
    mark: i32,
    feature: usize,
    /// The code of the first.
    first: usize,
    n_sets: usize,
    /// Rows of bits; none where they lead out of memory.
    rows: &'m [u8],
}

/// The sets of each feature that has some, from an image or from a header; `None` where they are code.
fn sets(memory: &Memory) -> Option<Vec<Sets<'_>>> {
    if let Some(table) = memory.table("SETS") {
        // Mark, feature and first code, number of sets, and where rows of bits lie.
        let heads = table.chunks(20).map(|head| {
            let words = numbers(head, 4);
            let word = |at: usize| words.get(at).copied().unwrap_or_default();
            Sets {
                mark: word(0).cast_signed(),
                feature: (word(1) & 0xffff) as usize,
                first: (word(1) >> 16) as usize,
                n_sets: (word(2) & 0xffff) as usize,
                rows: memory
                    .at(word(3).into(), word(4) as usize)
                    .unwrap_or_default(),
            }
        });
        return Some(heads.collect());
    }
    let members = memory.table("MEMBERS")?;
    let marks = numbers(memory.table("SET_MARKS")?, 4);
    let places = numbers(memory.table("SET_PLACES")?, 2);
    let starts = numbers(memory.table("MEMBER_STARTS")?, 4);
    let heads = marks.iter().zip(places.chunks(3)).enumerate();
    let heads = heads.map(|(index, (mark, place))| {
        let place = |at: usize| place.get(at).copied().unwrap_or_default() as usize;
        let ends = starts.get(index).zip(starts.get(index + 1));
        let rows = ends.and_then(|(from, to)| members.get(*from as usize..*to as usize));
        Sets {
            mark: mark.cast_signed(),
            feature: place(0),
            first: place(1),
            n_sets: place(2),
            rows: rows.unwrap_or_default(),
        }
    });
    Some(heads.collect())
}
