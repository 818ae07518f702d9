//! Ensembles that add: leaves held to the values that they stand for, and their errors added up to
//! the bound that is claimed.

use spinney_model::{Additive, FloatModel, Task};

use crate::claim::{Body, Claim, Sums};
use crate::memory::Memory;
use crate::tables::numbers;

/// What a vote may be off by beyond half a unit, where it was rounded: a few ulps.
const ROUNDING: f64 = 1e-6;

/// A claim about sums, and what has been found of it so far.
pub(crate) struct Adding<'a> {
    pub model: &'a Additive,
    claim: &'a Sums,
    scale: f64,
    /// Per shipped tree and error that counts, the lowest and the highest of its leaves.
    ranges: Vec<Vec<(f64, f64)>>,
}

impl<'a> Adding<'a> {
    /// `None` for other models; a claim of other shapes than the model's is refused in words.
    pub(crate) fn new(
        model: &'a FloatModel,
        claim: &'a Claim,
    ) -> Result<Option<Self>, &'static str> {
        let (FloatModel::Additive(model), Body::Forest { sums, .. }) = (model, &claim.body) else {
            return Ok(None);
        };
        let Some(sums) = sums else {
            return Err("it says nothing of the scale of values");
        };
        let n_scores = model.schema().outputs().len();
        let n_lows = model.threshold().map_or(n_scores, |_| 1);
        let has_bases = model.schema().task() == Task::Regress || sums.is_single;
        let n_bases = if has_bases { n_scores } else { 0 };
        let has_outputs = model.trees().iter().all(|tree| tree.output().is_some());
        if sums.is_single && !has_outputs && model.sum().base.len() > 1 {
            return Err("a leaf is one vote, and the model's leaves have several values");
        }
        let n_trees = model.trees().len();
        let is_shaped = sums.lows.len() == n_trees
            && sums.extras.len() == n_trees
            && sums.lows.iter().all(|lows| lows.len() == n_lows)
            && sums.extras.iter().all(|extras| extras.len() == n_lows)
            && sums.bases.len() == n_bases
            && sums.bounds.len() == n_scores;
        if !is_shaped {
            return Err("its values are of other outputs or trees than the model's");
        }
        Ok(Some(Self {
            model,
            claim: sums,
            scale: 2.0_f64.powi(sums.shift.into()),
            ranges: vec![Vec::new(); n_trees],
        }))
    }

    /// What a tree's leaf should vote for each score, before it is rounded, and what is then added.
    fn exact(&self, tree: usize, values: &[f64]) -> Vec<(f64, u32)> {
        let output = self.model.trees()[tree].output();
        let scaled = |value: f64| value / self.model.sum().divisor * self.scale;
        let (lows, extras) = (&self.claim.lows[tree], &self.claim.extras[tree]);
        if let Some(side) = self.side() {
            let exact = side * scaled(values[0]) - lows[0] * self.scale;
            return vec![(0.0, 0), (exact, extras[0])];
        }
        let of_output = |(index, (low, extra)): (usize, (&f64, &u32))| match output {
            None => (scaled(values[index]) - low * self.scale, *extra),
            Some(output) if output == index => (scaled(values[0]) - low * self.scale, *extra),
            Some(_) => (0.0, *extra),
        };
        lows.iter().zip(extras).enumerate().map(of_output).collect()
    }

    /// Where both classes have one output, 1, or -1 for an alarm, which is below the threshold.
    fn side(&self) -> Option<f64> {
        let is_below = self.model.schema().task() == Task::Detect;
        let threshold = self.model.threshold();
        threshold.map(|_| if is_below { -1.0 } else { 1.0 })
    }

    /// Whether a leaf is one vote.
    pub(crate) fn is_single(&self) -> bool {
        self.claim.is_single
    }

    /// The score that a float tree adds to; `None` where leaves have a vote for each.
    pub(crate) fn score_of(&self, tree: usize) -> Option<usize> {
        let score = match self.side() {
            Some(_) => 1,
            None => self.model.trees()[tree].output().unwrap_or(0),
        };
        self.claim.is_single.then_some(score)
    }

    /// What scores begin with.
    pub(crate) fn begin(&self) -> Vec<i64> {
        let n_scores = self.model.schema().outputs().len();
        if self.claim.bases.is_empty() || self.model.schema().task() == Task::Regress {
            return vec![0; n_scores];
        }
        self.claim.bases.clone()
    }

    /// Holds what scores begin with in memory to the claim, where a table has it.
    pub(crate) fn bases(&self, memory: &Memory) -> Result<(), String> {
        let Some(table) = memory.table("BASES") else {
            return Ok(());
        };
        let claimed = self.claim.bases.iter().map(|base| *base as u32);
        if numbers(table, 4).into_iter().eq(claimed) {
            return Ok(());
        }
        Err("they are not those that are claimed".to_owned())
    }

    /// The votes of a leaf of a tree, as they should be.
    pub(crate) fn votes(&self, tree: usize, values: &[f64]) -> Vec<i64> {
        let exact = self.exact(tree, values).into_iter();
        let vote = |(exact, extra): (f64, u32)| exact.round() as i64 + i64::from(extra);
        exact.map(vote).collect()
    }

    /// The bits of all values in one word, as a device delivers them; `None` where there are classes.
    pub(crate) fn delivered(&self, scores: &[i64]) -> Option<usize> {
        let is_value = self.model.schema().task() == Task::Regress;
        let values = scores.iter().zip(&self.claim.bases);
        let bits = values.map(|(score, base)| (score + base) as u32);
        let word = bits.fold(0, |word: u32, bits| word.rotate_left(1) ^ bits);
        is_value.then_some(word as usize)
    }

    /// Holds a leaf's votes to its values: each to the nearest. Gives by how much one vote is above
    /// another.
    pub(crate) fn leaf(
        &mut self,
        (tree, shipped): (usize, usize),
        values: &[f64],
        votes: &[u32],
    ) -> Result<u32, String> {
        let spread = self.spread(tree, values, votes)?;
        let errors = self.errors(tree, values, votes);
        let ranges = &mut self.ranges[shipped];
        if ranges.is_empty() {
            *ranges = errors.iter().map(|error| (*error, *error)).collect();
        }
        for (range, error) in ranges.iter_mut().zip(errors) {
            *range = (range.0.min(error), range.1.max(error));
        }
        Ok(spread)
    }

    /// The same, and nothing is noted.
    pub(crate) fn spread(&self, tree: usize, values: &[f64], votes: &[u32]) -> Result<u32, String> {
        let exact = self.exact(tree, values);
        let most = votes.iter().max().copied().unwrap_or(0);
        let spread = most - votes.iter().min().copied().unwrap_or(0);
        let is_near =
            |vote: f64, exact: f64| (vote - exact).abs() <= 0.5 + ROUNDING * (1.0 + exact.abs());
        let mut pairs = votes.iter().zip(&exact);
        let holds = pairs
            .all(|(vote, (exact, extra))| is_near(f64::from(*vote) - f64::from(*extra), *exact));
        if holds {
            return Ok(spread);
        }
        Err(format!("the votes {votes:?} for the values {values:?}"))
    }

    /// What votes are above the values themselves, in units of a vote: of the difference of both
    /// sides, of each target, or of each class but the first as against the first. What was taken
    /// off leaves is part of it, and comes back in [`Self::constants`].
    fn errors(&self, tree: usize, values: &[f64], votes: &[u32]) -> Vec<f64> {
        let scaled = |value: f64| value / self.model.sum().divisor * self.scale;
        let vote = |score: usize| f64::from(votes[score]);
        if let Some(side) = self.side() {
            return vec![vote(1) - vote(0) - side * scaled(values[0])];
        }
        let output = self.model.trees()[tree].output();
        let of_score: Vec<f64> = (0..votes.len())
            .map(|score| match output {
                None => vote(score) - scaled(values[score]),
                Some(output) if output == score => vote(score) - scaled(values[0]),
                Some(_) => vote(score),
            })
            .collect();
        self.as_counted(&of_score)
    }

    fn as_counted(&self, of_score: &[f64]) -> Vec<f64> {
        match self.model.schema().task() {
            Task::Regress => of_score.to_vec(),
            Task::Classify | Task::Detect => of_score[1..]
                .iter()
                .map(|error| error - of_score[0])
                .collect(),
        }
    }

    /// What is added to the errors of all trees: constants that are claimed, less those of float.
    fn constants(&self) -> Vec<f64> {
        let sum = self.model.sum();
        let scaled = |value: f64| value / sum.divisor * self.scale;
        let base = |score: usize| self.claim.bases.get(score).map_or(0.0, |base| *base as f64);
        if let Some((side, threshold)) = self.side().zip(self.model.threshold()) {
            let beyond = side * (scaled(sum.base[0]) - threshold * self.scale);
            return vec![base(1) - base(0) - beyond];
        }
        let of_score: Vec<f64> = (0..sum.base.len())
            .map(|output| base(output) - scaled(sum.base[output]))
            .collect();
        self.as_counted(&of_score)
    }

    /// How far float's own sums may be from exact ones, in units of a vote.
    fn float_error(&self) -> f64 {
        let sum = self.model.sum();
        let half_ulp = sum.precision.epsilon() / 2.0;
        let n_roundings = self.model.trees().len() as f64 + 2.0;
        n_roundings * half_ulp * self.model.largest() / sum.divisor * self.scale
    }

    /// The bounds that are claimed of each error that counts, in units of a vote.
    fn allowed(&self) -> Vec<f64> {
        let bounds: Vec<f64> = self.claim.bounds.iter().map(|it| it * self.scale).collect();
        match (self.side(), self.model.schema().task()) {
            (Some(_), _) => vec![bounds[0]],
            (None, Task::Regress) => bounds,
            (None, _) => bounds[1..].iter().map(|bound| bound + bounds[0]).collect(),
        }
    }

    /// Adds up the errors of all trees, and holds them to the bounds that are claimed.
    pub(crate) fn bound(&self) -> Result<(), String> {
        let float = self.float_error();
        for (index, (constant, allowed)) in self.constants().iter().zip(self.allowed()).enumerate()
        {
            let (mut low, mut high) = (*constant, *constant);
            for ranges in &self.ranges {
                let (least, most) = ranges.get(index).copied().unwrap_or((0.0, 0.0));
                (low, high) = (low + least, high + most);
            }
            let found = high.max(-low) + float;
            if !(0.0..=allowed * (1.0 + ROUNDING) + ROUNDING).contains(&found) {
                return Err(format!(
                    "errors of up to {found} votes of 2^{}, where {allowed} are claimed",
                    -self.claim.shift
                ));
            }
        }
        Ok(())
    }

    /// What the sums of a row mean, against float: its class, or values within the bounds.
    pub(crate) fn row(&self, row: &[f64], sums: &[u64], is_listed: bool) -> Result<(), String> {
        let raw = self.model.raw(row);
        if self.model.schema().task() == Task::Regress {
            let scores = sums.iter().zip(&self.claim.bases);
            for ((value, (score, base)), bound) in raw.iter().zip(scores).zip(&self.claim.bounds) {
                let shipped = (*score as f64 + *base as f64) / self.scale;
                if !(0.0..=bound * (1.0 + ROUNDING)).contains(&(shipped - value).abs()) {
                    return Err(format!(
                        "{shipped} for float's {value}, beyond the bound {bound}"
                    ));
                }
            }
            return Ok(());
        }
        let winner = self.model.class(&raw);
        let best = (0..sums.len()).rev().max_by_key(|class| sums[*class]);
        if best == Some(winner) || is_listed {
            return Ok(());
        }
        Err(format!(
            "float's class {winner} does not win with {sums:?}; not listed"
        ))
    }
}
