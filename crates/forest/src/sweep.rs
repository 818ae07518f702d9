//! One feature of one node: collecting its codes, sorting them, and walking the cuts from the top.

use std::ops::RangeInclusive;

use crate::criterion::{Measure, Sum, Weight, square_purity, squares};
use crate::item::{Item, Totals};

/// Up to how many codes per row counting beats comparing.
const CODES_PER_ROW: usize = 8;

/// Below how many rows comparing beats counting.
const COUNTED_MIN: usize = 24;

/// Collects the keys of all items above code 0, and returns their number.
///
/// `keys` has room for all items.
pub(crate) fn gather_keys<I: Item, C: Copy + Into<u32>>(
    codes: &[C],
    items: &[I],
    keys: &mut [u64],
) -> usize {
    let mut n_keys = 0;
    for (item, index) in items.iter().zip(0_u64..) {
        let code: u32 = codes[item.row() as usize].into();
        // Without a branch, which could not be foreseen: a key at code 0 is overwritten by the next.
        keys[n_keys] = u64::from(code) << 32 | index;
        n_keys += usize::from(code != 0);
    }
    n_keys
}

/// The smallest and the largest code of some keys.
pub(crate) fn code_range(keys: &[u64]) -> (u32, u32) {
    let (mut min, mut max) = (u64::MAX, 0);
    for key in keys {
        min = min.min(*key);
        max = max.max(*key);
    }
    ((min >> 32) as u32, (max >> 32) as u32)
}

/// Copies the items' codes and returns the smallest and the largest.
pub(crate) fn gather_codes<I: Item, C: Copy + Into<u32>>(
    codes: &[C],
    items: &[I],
    copies: &mut Vec<u32>,
) -> (u32, u32) {
    let (mut min, mut max) = (u32::MAX, 0);
    copies.clear();
    copies.extend(items.iter().map(|item| {
        let code = codes[item.row() as usize].into();
        min = min.min(code);
        max = max.max(code);
        code
    }));
    (min, max)
}

/// Sorts keys whose codes lie in `min..=max`.
pub(crate) fn sort(
    keys: &[u64],
    (min, max): (u32, u32),
    counts: &mut Vec<u32>,
    sorted: &mut Vec<u64>,
) {
    let n_codes = (max - min) as usize + 1;
    if keys.len() < COUNTED_MIN || n_codes > CODES_PER_ROW * keys.len() {
        sorted.clear();
        sorted.extend_from_slice(keys);
        sorted.sort_unstable();
        return;
    }
    counts.clear();
    counts.resize(n_codes, 0);
    let slot = |key: u64| (key >> 32) as usize - min as usize;
    for key in keys {
        counts[slot(*key)] += 1;
    }
    let mut start = 0;
    for count in &mut *counts {
        start += std::mem::replace(count, start);
    }
    sorted.resize(keys.len(), 0);
    for key in keys {
        let place = &mut counts[slot(*key)];
        sorted[*place as usize] = *key;
        *place += 1;
    }
}

/// Offers every cut between two of the sorted keys, from the top; ends with all rows on `side`.
pub(crate) fn walk_rows<I: Item>(
    sorted: &[u64],
    items: &[I],
    allowed: &RangeInclusive<usize>,
    side: &mut Side<'_, <I::Weight as Weight>::Sum>,
    best: &mut Best,
) {
    let mut last = (sorted[sorted.len() - 1] >> 32) as u32;
    best.high = last;
    for (n_right, key) in sorted.iter().rev().enumerate() {
        let code = (key >> 32) as u32;
        if code != last {
            if allowed.contains(&n_right) {
                best.offer(side.purity(), code);
            }
            last = code;
            best.high = code;
        }
        let item = &items[*key as u32 as usize];
        side.add(item.slot(), item.amount().widen(), item.weight().widen());
    }
}

/// As [`walk_rows`], over unsorted keys, for leaves of any size, where rows add their weight.
pub(crate) fn walk_bins<I: Item>(
    keys: &[u64],
    items: &[I],
    bins: &mut [I::Weight],
    occupied: &mut [bool],
    side: &mut Side<'_, <I::Weight as Weight>::Sum>,
    best: &mut Best,
) {
    let n_sums = side.sums.len();
    for key in keys {
        let code = (key >> 32) as usize;
        let item = &items[*key as u32 as usize];
        occupied[code] = true;
        bins[code * n_sums + item.slot()] += item.weight();
    }
    let mut first = true;
    let bins = bins.chunks_exact_mut(n_sums);
    for (code, (occupied, bin)) in occupied.iter_mut().zip(bins).enumerate().rev() {
        if !std::mem::take(occupied) {
            continue;
        }
        let code = code as u32;
        if !first {
            best.offer(side.purity(), code);
        }
        first = false;
        best.high = code;
        for (slot, weight) in bin.iter().enumerate() {
            side.add(slot, weight.widen(), weight.widen());
        }
        bin.fill(I::Weight::default());
    }
}

/// The right side of a cut while it moves down through the values.
pub(crate) struct Side<'s, S> {
    sums: &'s mut [S],
    weight: S,
    squares: S,
    other_squares: S,
    totals: &'s Totals<S>,
    measure: &'s Measure,
    stepwise: bool,
}

impl<'s, S: Sum> Side<'s, S> {
    pub(crate) fn new(sums: &'s mut [S], totals: &'s Totals<S>, measure: &'s Measure) -> Self {
        sums.fill(S::default());
        Self {
            sums,
            weight: S::default(),
            squares: S::default(),
            other_squares: squares(&totals.sums),
            totals,
            measure,
            stepwise: S::EXACT && measure.criterion == crate::Criterion::Gini,
        }
    }

    /// Moves a part of one sum to this side: `(a + w)² = a² + w (2a + w)`, and on the other side
    /// `(b - w)² = b² - w (2b - w)`.
    #[inline]
    fn add(&mut self, slot: usize, amount: S, weight: S) {
        let here = self.sums[slot];
        if self.stepwise {
            let there = self.totals.sums[slot] - here;
            self.squares += amount * (here + here + amount);
            self.other_squares -= amount * (there + there - amount);
        }
        self.sums[slot] = here + amount;
        self.weight += weight;
    }

    #[inline]
    pub(crate) fn purity(&self) -> f64 {
        let totals = self.totals;
        if self.stepwise {
            let other = totals.weight - self.weight;
            square_purity(self.squares, self.weight, self.other_squares, other)
        } else {
            self.measure
                .purity(self.sums, self.weight, &totals.sums, totals.weight)
        }
    }
}

/// The purest cut so far, as the codes below and above it.
#[derive(Default)]
pub(crate) struct Best {
    pub(crate) purity: f64,
    pub(crate) cut: Option<(u32, u32)>,
    /// The lowest code that is on the right side now.
    high: u32,
}

impl Best {
    /// Offers the cut between `low` and `high`. Cuts are offered from the top, and among equals the
    /// lowest wins.
    #[inline]
    pub(crate) fn offer(&mut self, purity: f64, low: u32) {
        if self.cut.is_none() || purity >= self.purity {
            self.purity = purity;
            self.cut = Some((low, self.high));
        }
    }
}
