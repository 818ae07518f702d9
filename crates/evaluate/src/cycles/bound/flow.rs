//! A function's instructions in an order in which ways meet, and its loops.

use std::collections::{BTreeMap, BTreeSet};

use spinney_board::Operation;

use super::super::instruction::Flow;
use super::super::trace::Code;
use super::effect::calls_register;

/// The most instructions of a function.
const INSTRUCTIONS_MAX: usize = 1 << 17;

pub struct Function {
    pub entry: u32,
    /// Each instruction after all those before it, loops aside.
    addresses: Vec<u32>,
    order: BTreeMap<u32, usize>,
    /// All instructions of a loop, by its first.
    loops: BTreeMap<u32, BTreeSet<u32>>,
}

impl Function {
    /// `None` where its code cannot be followed, or it has loops with several beginnings.
    pub fn new(code: &Code, entry: u32) -> Option<Self> {
        let mut ways: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut conditional = BTreeSet::new();
        let mut done = Vec::new();
        // Each with how many of its ways were followed.
        let mut path = vec![(entry, 0)];
        while let Some((at, n_followed)) = path.last_mut() {
            if !ways.contains_key(at) {
                let next = followers(code, *at, &mut conditional).unwrap_or_default();
                ways.insert(*at, next);
            }
            let Some(next) = ways.get(at).and_then(|ways| ways.get(*n_followed)) else {
                done.push(*at);
                path.pop();
                continue;
            };
            *n_followed += 1;
            if !ways.contains_key(next) {
                let next = *next;
                path.push((next, 0));
            }
            if ways.len() > INSTRUCTIONS_MAX {
                return None;
            }
        }
        done.reverse();
        let order: BTreeMap<u32, usize> = done.iter().copied().zip(0..).collect();
        let loops = loops(&ways, &order)?;
        Some(Self {
            entry,
            addresses: done,
            order,
            loops,
        })
    }

    pub fn order(&self, at: u32) -> Option<usize> {
        self.order.get(&at).copied()
    }

    pub fn address(&self, index: usize) -> Option<u32> {
        self.addresses.get(index).copied()
    }

    pub fn is_loop(&self, at: u32) -> bool {
        self.loops.contains_key(&at)
    }

    /// Whether an instruction is part of a loop, or of the function.
    pub fn is_within(&self, within: Option<u32>, at: u32) -> bool {
        let body = within.and_then(|within| self.loops.get(&within));
        body.is_none_or(|body| body.contains(&at))
    }
}

/// Where an instruction may lead within its function; `None` for one that is not known, with which
/// knowledge ends if ever it is executed.
fn followers(code: &Code, at: u32, conditional: &mut BTreeSet<u32>) -> Option<Vec<u32>> {
    let found = code.instruction_at(at)?;
    let next = at.wrapping_add(found.len);
    let mut behind = next;
    for _ in 0..found.n_conditional {
        conditional.insert(behind);
        behind = behind.wrapping_add(code.instruction_at(behind)?.len);
    }
    let is_call = found.operation == Operation::BranchLink || calls_register(code, at);
    let mut ways = match found.flow {
        _ if is_call => vec![next],
        Flow::Next => vec![next],
        Flow::To(target) => vec![target],
        Flow::MayTo(target) => vec![target, next],
        Flow::Anywhere => Vec::new(),
    };
    if conditional.contains(&at) && !ways.contains(&next) {
        ways.push(next);
    }
    Some(ways)
}

/// The loops by their first instructions; `None` where one has several.
fn loops(
    ways: &BTreeMap<u32, Vec<u32>>,
    order: &BTreeMap<u32, usize>,
) -> Option<BTreeMap<u32, BTreeSet<u32>>> {
    let mut comes_from: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (from, targets) in ways {
        for to in targets {
            comes_from.entry(*to).or_default().push(*from);
        }
    }
    let mut loops: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (to, sources) in &comes_from {
        let first = order.get(to)?;
        let back = sources.iter().filter(|from| order.get(from) >= Some(first));
        let mut open: Vec<u32> = back.copied().collect();
        if open.is_empty() {
            continue;
        }
        let body = loops.entry(*to).or_insert_with(|| BTreeSet::from([*to]));
        while let Some(at) = open.pop() {
            if body.insert(at) {
                open.extend(comes_from.get(&at).into_iter().flatten());
            }
        }
        if body.iter().any(|at| order.get(at) < Some(first)) {
            return None;
        }
    }
    Some(loops)
}
