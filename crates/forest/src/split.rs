//! The search for one node's split: drawing features, and judging the cuts of each.
//!
//! The best cut of a feature is searched from the largest value down, so that the rows with the
//! feature's smallest value of all (code 0; the background of an image, say) are never looked at:
//! they are what is left. The others are walked in one of three ways, which agree on the result:
//!
//! - *bins*: class weights are added up per code, then the codes are walked. It costs a pass over
//!   the rows and `n_classes` steps per code, so it suits many rows over few codes.
//! - *counting sort*: rows are ordered by code and walked one by one, each row at a constant cost.
//! - *comparison sort*: the same for few rows over many codes.

use std::rc::Rc;

use crate::codes::{Codes, Column, Table};
use crate::criterion::{Measure, Weight};
use crate::grow::Rules;
use crate::item::{Item, Totals};
use crate::random::Stream;
use crate::sweep::{Best, Side, code_range, gather_codes, gather_keys, sort, walk_bins, walk_rows};

/// A cut of one feature: codes up to `code_max` go left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) feature: u32,
    pub(crate) code_max: u32,
    pub(crate) threshold: f64,
}

/// Features known to be constant within a node, one bit each; its descendants inherit them.
pub(crate) type Constants = Rc<[u64]>;

/// What the search of one feature found.
enum Found {
    /// All rows have the same value.
    Constant,
    /// The feature varies, but no cut leaves enough rows on both sides.
    Nothing,
    /// The purest cut.
    Cut {
        purity: f64,
        code_max: u32,
        threshold: f64,
    },
}

/// Finds splits; owns the memory that the search needs, which is reused from node to node.
pub(crate) struct Searcher<'a, I: Item> {
    table: &'a Table,
    rules: &'a Rules,
    measure: &'a Measure,
    n_sums: usize,
    pub(crate) stream: Stream,
    order: Vec<u32>,
    scratch: Scratch<I::Weight>,
}

/// Buffers of the search within one feature.
struct Scratch<W: Weight> {
    /// The sums of one side of a cut.
    side: Vec<W::Sum>,
    /// Codes of all items.
    codes: Vec<u32>,
    /// Code (high half) and item index (low half) of the items above code 0.
    keys: Vec<u64>,
    /// The keys in ascending order.
    sorted: Vec<u64>,
    counts: Vec<u32>,
    /// Class weights per code; all zero between searches.
    bins: Vec<W>,
    /// Which bins have rows; all false between searches.
    occupied: Vec<bool>,
}

/// The type of a sum of rows' weights.
type SumOf<I> = <<I as Item>::Weight as Weight>::Sum;

impl<'a, I: Item> Searcher<'a, I> {
    pub(crate) fn new(
        table: &'a Table,
        rules: &'a Rules,
        measure: &'a Measure,
        n_sums: usize,
        stream: Stream,
    ) -> Self {
        Self {
            table,
            rules,
            measure,
            n_sums,
            stream,
            order: (0_u32..).take(table.columns.len()).collect(),
            scratch: Scratch {
                side: vec![SumOf::<I>::default(); n_sums],
                codes: Vec::new(),
                keys: Vec::new(),
                sorted: Vec::new(),
                counts: Vec::new(),
                bins: Vec::new(),
                occupied: Vec::new(),
            },
        }
    }

    /// Starts over for another tree: nothing of the last one may reach the next.
    pub(crate) fn restart(&mut self, stream: Stream) {
        self.stream = stream;
        for (feature, slot) in (0_u32..).zip(&mut self.order) {
            *slot = feature;
        }
    }

    /// The features that are constant over all training rows.
    pub(crate) fn root_constants(&self) -> Constants {
        let mut bits = vec![0_u64; self.table.columns.len().div_ceil(64)];
        for (feature, column) in self.table.columns.iter().enumerate() {
            if column.values.len() == 1 {
                bits[feature / 64] |= 1 << (feature % 64);
            }
        }
        bits.into()
    }

    /// Finds the purest cut among `max_features` drawn features.
    ///
    /// Features are drawn without replacement. As in scikit-learn a constant feature counts as
    /// drawn, but drawing goes on until one feature varied. Equally pure cuts: the feature drawn
    /// first wins, then the lower threshold. Newly found constants are added to `constants`.
    pub(crate) fn find(
        &mut self,
        items: &[I],
        totals: &Totals<SumOf<I>>,
        constants: &mut Constants,
    ) -> Option<Cut> {
        let n_features = self.order.len();
        let n_constants: u32 = constants.iter().map(|word| word.count_ones()).sum();
        let mut n_left = n_features - n_constants as usize;
        let mut found_constants: Vec<u32> = Vec::new();
        let mut varied = false;
        let mut best: Option<(f64, Cut)> = None;
        let mut n_drawn = 0;
        while n_left > 0 && (n_drawn < self.rules.max_features || !varied) {
            let pick = n_drawn + self.stream.below(n_features - n_drawn);
            self.order.swap(n_drawn, pick);
            let feature = self.order[n_drawn];
            n_drawn += 1;
            if constants[feature as usize / 64] >> (feature % 64) & 1 == 1 {
                continue;
            }
            n_left -= 1;
            match self.search(feature, items, totals) {
                Found::Constant => found_constants.push(feature),
                Found::Nothing => varied = true,
                Found::Cut {
                    purity,
                    code_max,
                    threshold,
                } => {
                    varied = true;
                    if best.is_none_or(|(purest, _)| purity > purest) {
                        let cut = Cut {
                            feature,
                            code_max,
                            threshold,
                        };
                        best = Some((purity, cut));
                    }
                }
            }
        }
        if !found_constants.is_empty() {
            let mut bits = constants.to_vec();
            for feature in found_constants {
                bits[feature as usize / 64] |= 1 << (feature % 64);
            }
            *constants = bits.into();
        }
        best.map(|(_, cut)| cut)
    }

    fn search(&mut self, feature: u32, items: &[I], totals: &Totals<SumOf<I>>) -> Found {
        let column = &self.table.columns[feature as usize];
        if self.rules.random_thresholds {
            let unit = self.stream.unit();
            self.search_random(column, items, totals, unit)
        } else {
            self.search_best(column, items, totals)
        }
    }

    fn search_best(&mut self, column: &Column, items: &[I], totals: &Totals<SumOf<I>>) -> Found {
        let n_codes = column.values.len();
        let n_cells = n_codes * self.n_sums;
        let scratch = &mut self.scratch;
        let n_keys = scratch.gather_keys(&column.codes, items);
        let keys = &scratch.keys[..n_keys];
        let n_zero = items.len() - n_keys;
        let (min, max) = code_range(keys);
        if n_keys == 0 || (n_zero == 0 && min == max) {
            return Found::Constant;
        }
        let mut side = Side::new(&mut scratch.side, totals, self.measure);
        let mut best = Best::default();
        let fit_bins = I::ADDS_WEIGHT && n_cells <= CELLS_PER_ROW * n_keys;
        if self.rules.min_samples_leaf == 1 && fit_bins {
            scratch
                .bins
                .resize(scratch.bins.len().max(n_cells), I::Weight::default());
            scratch
                .occupied
                .resize(scratch.occupied.len().max(n_codes), false);
            let bins = &mut scratch.bins[..n_cells];
            let occupied = &mut scratch.occupied[..n_codes];
            walk_bins(keys, items, bins, occupied, &mut side, &mut best);
            if n_zero > 0 {
                best.offer(side.purity(), 0);
            }
        } else {
            sort(keys, (min, max), &mut scratch.counts, &mut scratch.sorted);
            let leaf_min = self.rules.min_samples_leaf;
            let allowed = leaf_min..=items.len().saturating_sub(leaf_min);
            walk_rows(&scratch.sorted, items, &allowed, &mut side, &mut best);
            if n_zero > 0 && allowed.contains(&n_keys) {
                best.offer(side.purity(), 0);
            }
        }
        match best.cut {
            Some((low, high)) => Found::Cut {
                purity: best.purity,
                code_max: low,
                threshold: column.midpoint(low, high),
            },
            None => Found::Nothing,
        }
    }

    /// One threshold, uniform between the smallest and the largest value, as extra-trees do.
    fn search_random(
        &mut self,
        column: &Column,
        items: &[I],
        totals: &Totals<SumOf<I>>,
        unit: f64,
    ) -> Found {
        let scratch = &mut self.scratch;
        let (min, max) = scratch.gather_codes(&column.codes, items);
        if min == max {
            return Found::Constant;
        }
        let low = f64::from(column.values[min as usize]);
        let high = f64::from(column.values[max as usize]);
        let drawn = low + unit * (high - low);
        let threshold = if drawn < high { drawn } else { low };
        let between = &column.values[min as usize..max as usize];
        let n_below = between.partition_point(|value| f64::from(*value) <= threshold);
        let code_max = min + u32::try_from(n_below).expect("codes have 32 bits") - 1;

        let mut n_left = 0;
        let mut weight = SumOf::<I>::default();
        let left = &mut scratch.side;
        left.fill(SumOf::<I>::default());
        for (item, code) in items.iter().zip(&scratch.codes) {
            let goes_left = *code <= code_max;
            n_left += usize::from(goes_left);
            let counted = if goes_left { *item } else { I::default() };
            left[item.slot()] += counted.amount().widen();
            weight += counted.weight().widen();
        }
        let n_right = items.len() - n_left;
        if n_left.min(n_right) < self.rules.min_samples_leaf {
            return Found::Nothing;
        }
        Found::Cut {
            purity: self
                .measure
                .purity(left, weight, &totals.sums, totals.weight),
            code_max,
            threshold,
        }
    }
}

/// Up to how many bins times classes per row the bins beat sorting.
const CELLS_PER_ROW: usize = 8;

impl<W: Weight> Scratch<W> {
    /// Collects the keys of all items above code 0, at the front of `keys`, and returns how many they are.
    fn gather_keys<I: Item>(&mut self, codes: &Codes, items: &[I]) -> usize {
        self.keys.resize(self.keys.len().max(items.len()), 0);
        match codes {
            Codes::U8(codes) => gather_keys(codes, items, &mut self.keys[..items.len()]),
            Codes::U16(codes) => gather_keys(codes, items, &mut self.keys[..items.len()]),
            Codes::U32(codes) => gather_keys(codes, items, &mut self.keys[..items.len()]),
        }
    }

    /// Copies the items' codes and returns the smallest and the largest.
    fn gather_codes<I: Item>(&mut self, codes: &Codes, items: &[I]) -> (u32, u32) {
        match codes {
            Codes::U8(codes) => gather_codes(codes, items, &mut self.codes),
            Codes::U16(codes) => gather_codes(codes, items, &mut self.codes),
            Codes::U32(codes) => gather_codes(codes, items, &mut self.codes),
        }
    }
}
