//! The ways out of a budget that a forest misses: what each single change would leave, estimated
//! from what was measured.

/// A forest as it shipped, for estimates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Number of trees, at least 1.
    pub n_trees: usize,
    /// Number of classes, at least 2.
    pub n_classes: usize,
    /// Splits of all trees at each depth; the root is at depth 0.
    pub splits_by_depth: Vec<usize>,
    /// Flash of the image without the model.
    pub base_flash_bytes: u64,
    /// Flash of the votes of leaves; 0 where leaves are classes.
    pub votes_bytes: u64,
    /// Flash of the votes of one leaf; 0 where leaves are classes.
    pub leaf_votes_bytes: u64,
    /// Flash of the ranks' thresholds; 0 where no feature has ranks that an affine code may replace.
    pub ranks_bytes: u64,
    /// Bits of the largest rank; 0 where there are none.
    pub rank_bits: u8,
    /// Bits of a code.
    pub code_bits: u8,
    /// Whether 8-bit codes would do, or nobody has tried.
    pub may_narrow: bool,
    /// Whether trees may be left out once the class is certain, and are not yet.
    pub may_exit: bool,
    /// Whether the trainer takes `max_leaf_nodes`.
    pub may_limit_leaves: bool,
    /// Whether the model was fitted elsewhere, so that this config cannot make it smaller.
    pub is_imported: bool,
}

/// A change of `[quantize]` that makes the same trees smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lever {
    HardVotes,
    AffineCodes,
    NarrowCodes,
}

impl Lever {
    const fn key(self) -> &'static str {
        match self {
            Self::HardVotes => "`leaves = \"hard\"`",
            Self::AffineCodes => "`coding = \"affine\"`",
            Self::NarrowCodes => "`codes = \"8-bit\"`",
        }
    }
}

/// A smaller forest, as a change of its training would leave it.
struct Cut {
    /// The change, as it would be typed, and what it leaves.
    change: String,
    n_splits: usize,
    /// Flash of the votes of its leaves.
    votes_bytes: u64,
}

impl Shape {
    /// What to do about an image of `found` bytes of flash where `limit` are allowed.
    pub(crate) fn for_flash(&self, limit: u64, found: u64) -> String {
        let start = format!(
            "{} bytes over, {} of the image without the model",
            found.saturating_sub(limit),
            self.base_flash_bytes
        );
        if self.base_flash_bytes > limit {
            return format!("{start}, which alone does not fit; a chip with more flash");
        }
        format!("{start}; {}", self.ways_out(limit, found))
    }

    /// The changes that would leave an image of `found` bytes of flash with at most `limit`.
    pub fn ways_out(&self, limit: u64, found: u64) -> String {
        let model = found.saturating_sub(self.base_flash_bytes);
        let subsets = self.levers();
        // Trees of another training share fewer leaves and nodes than an estimate can know.
        let fits = |bytes: u64| bytes + bytes.saturating_sub(self.base_flash_bytes) / 10 <= limit;
        let mut fitting = Vec::new();
        let whole = Cut {
            change: String::new(),
            n_splits: self.n_splits(),
            votes_bytes: self.votes_bytes,
        };
        for levers in subsets.iter().filter(|levers| !levers.is_empty()) {
            let bytes = self.estimate(model, &whole, levers);
            if bytes <= limit {
                fitting.push(format!(
                    "{} in [quantize], about {bytes} bytes",
                    keys(levers)
                ));
                break;
            }
        }
        // Where a key alone is enough, a smaller forest is worth naming only without it.
        let subsets = if fitting.is_empty() {
            subsets
        } else {
            vec![Vec::new()]
        };
        let mut cut_by_training = false;
        for cuts in [self.depths(), self.leaf_limits(), self.fewer_trees()] {
            let mut best: Option<(usize, String)> = None;
            for levers in &subsets {
                let largest = cuts
                    .iter()
                    .map(|cut| (cut, self.estimate(model, cut, levers)))
                    .find(|(_, bytes)| fits(*bytes));
                let Some((cut, bytes)) = largest else {
                    continue;
                };
                // A further key is worth naming where it leaves room for a tenth more splits.
                if best
                    .as_ref()
                    .is_none_or(|(n, _)| cut.n_splits * 10 > n * 11)
                {
                    let with = if levers.is_empty() {
                        String::new()
                    } else {
                        format!(" with {} in [quantize]", keys(levers))
                    };
                    best = Some((
                        cut.n_splits,
                        format!("{}{with}, about {bytes} bytes", cut.change),
                    ));
                }
            }
            if let Some((_, change)) = best {
                fitting.push(change);
                cut_by_training = true;
            }
        }
        if fitting.is_empty() {
            return "no change is estimated to fit: fewer and smaller trees together, or a chip with more \
                    flash"
                .to_owned();
        }
        let elsewhere = if cut_by_training && self.is_imported {
            "; the model is imported, so fit it anew with these"
        } else {
            ""
        };
        format!("estimated to fit: {}{elsewhere}", fitting.join("; "))
    }

    /// Sets of levers that make a difference to this model, the smallest sets first.
    fn levers(&self) -> Vec<Vec<Lever>> {
        let mut all = Vec::new();
        if self.leaf_votes_bytes > 0 {
            all.push(Lever::HardVotes);
        }
        if self.ranks_bytes > 0 {
            all.push(Lever::AffineCodes);
        }
        if self.code_bits > 8 && self.may_narrow {
            all.push(Lever::NarrowCodes);
        }
        let mut sets: Vec<Vec<Lever>> = (0_u32..1 << all.len())
            .map(|set| {
                let chosen = |index: &usize| set & (1 << index) != 0;
                (0..all.len()).filter(chosen).map(|it| all[it]).collect()
            })
            // Ranks are what makes codes of 8 bits of many thresholds; affine ones of 8 bits differ.
            .filter(|set: &Vec<Lever>| {
                !(set.contains(&Lever::AffineCodes) && set.contains(&Lever::NarrowCodes))
            })
            .collect();
        sets.sort_by_key(Vec::len);
        sets
    }

    fn n_splits(&self) -> usize {
        self.splits_by_depth.iter().sum()
    }

    /// Bytes of the image once a model of `model` bytes is cut and the levers are pulled.
    fn estimate(&self, model: u64, cut: &Cut, levers: &[Lever]) -> u64 {
        let n_splits = cut.n_splits as u64;
        let trees = model.saturating_sub(self.votes_bytes + self.ranks_bytes);
        let left = trees as f64 * n_splits as f64 / self.n_splits().max(1) as f64;
        // Bits of a split, whose leaves are numbers among all rows of votes, or among classes.
        let mut bits = left * 8.0 / n_splits.max(1) as f64;
        let is_hard = levers.contains(&Lever::HardVotes);
        let votes = if is_hard { 0 } else { cut.votes_bytes };
        if self.leaf_votes_bytes > 0 {
            let rows = |votes: u64| (votes / self.leaf_votes_bytes).max(self.n_classes as u64);
            bits += 2.0 * (width(rows(votes)) - width(rows(self.votes_bytes)));
        }
        // Four bytes a threshold, and no more thresholds than splits.
        let mut ranks = self.ranks_bytes.min(4 * n_splits);
        if levers.contains(&Lever::AffineCodes) {
            // A twentieth stands for the scales and offsets that come in their place.
            ranks /= 20;
            bits += f64::from(16_u8.saturating_sub(self.rank_bits));
        }
        if levers.contains(&Lever::NarrowCodes) {
            // A split of 16-bit thresholds takes four bytes or more, one of 8 bits three.
            bits *= 0.75;
        }
        let trees = bits.max(8.0) * n_splits as f64 / 8.0;
        self.base_flash_bytes + trees.ceil() as u64 + ranks + votes
    }

    /// Limits of the depth, the loosest first.
    fn depths(&self) -> Vec<Cut> {
        let n_splits = self.n_splits();
        (1..self.splits_by_depth.len())
            .rev()
            .map(|depth| {
                let left = self.splits_by_depth[..depth].iter().sum();
                // A split that is cut off becomes a leaf of several classes, with votes of its own.
                let mixed = self.splits_by_depth[depth] as u64;
                Cut {
                    change: format!("`max_depth = {depth}` ({left} of {n_splits} splits)"),
                    n_splits: left,
                    votes_bytes: self.votes_bytes + mixed * self.leaf_votes_bytes,
                }
            })
            .collect()
    }

    /// Limits of the leaves of each tree, the loosest first; none leaves a tree without a leaf for
    /// each class.
    fn leaf_limits(&self) -> Vec<Cut> {
        let most = if self.may_limit_leaves {
            self.n_splits() / self.n_trees
        } else {
            0
        };
        (self.n_classes.max(2)..=most)
            .rev()
            .map(|n_leaves| {
                let left = self.n_trees * (n_leaves - 1);
                Cut {
                    change: format!(
                        "`max_leaf_nodes = {n_leaves}` ({left} of {} splits)",
                        self.n_splits()
                    ),
                    n_splits: left,
                    votes_bytes: (self.n_trees * n_leaves) as u64 * self.leaf_votes_bytes,
                }
            })
            .collect()
    }

    /// Fewer trees, the most first.
    fn fewer_trees(&self) -> Vec<Cut> {
        (1..self.n_trees)
            .rev()
            .map(|n_trees| {
                let left = self.n_splits() * n_trees / self.n_trees;
                let all_votes = (left + n_trees) as u64 * self.leaf_votes_bytes;
                Cut {
                    change: format!(
                        "`{} = {n_trees}` instead of {}",
                        self.trees_key(),
                        self.n_trees
                    ),
                    n_splits: left,
                    votes_bytes: self.votes_bytes.min(all_votes),
                }
            })
            .collect()
    }

    /// What the number of trees is called where the model is fitted.
    const fn trees_key(&self) -> &'static str {
        if self.is_imported {
            "n_estimators"
        } else {
            "n_trees"
        }
    }

    /// What to do about `found` instructions where `limit` are allowed.
    pub(crate) fn for_instructions(&self, limit: u64, found: f64) -> String {
        let per_tree = found / self.n_trees as f64;
        let mut changes = Vec::new();
        if self.may_exit {
            changes.push("`early_exit = true` in [codegen], if only the mean counts".to_owned());
        }
        changes.push("`prefer = \"speed\"` in [codegen]".to_owned());
        let n_trees = (limit as f64 / per_tree).floor();
        if n_trees >= 1.0 && n_trees < self.n_trees as f64 {
            changes.push(format!(
                "`{} = {n_trees}` instead of {}, estimated at {:.0} instructions",
                self.trees_key(),
                self.n_trees,
                n_trees * per_tree
            ));
        }
        changes.push("less `max_depth`".to_owned());
        format!(
            "{:.0} instructions over; {}",
            found - limit as f64,
            changes.join("; ")
        )
    }
}

/// Bits of a number below `count`.
fn width(count: u64) -> f64 {
    f64::from(u64::BITS - count.saturating_sub(1).leading_zeros())
}

fn keys(levers: &[Lever]) -> String {
    let keys: Vec<&str> = levers.iter().map(|lever| lever.key()).collect();
    keys.join(" and ")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::Shape;

    /// Fifty trees of some 23,000 splits on 20 float features, six classes, pure leaves.
    fn fifty_trees() -> Shape {
        Shape {
            n_trees: 50,
            n_classes: 6,
            splits_by_depth: vec![
                50, 100, 199, 383, 726, 1448, 2500, 3500, 4000, 4000, 3500, 2000, 800, 400,
            ],
            base_flash_bytes: 1912,
            votes_bytes: 72,
            leaf_votes_bytes: 12,
            ranks_bytes: 0,
            rank_bits: 0,
            code_bits: 16,
            may_narrow: false,
            may_exit: true,
            may_limit_leaves: true,
            is_imported: false,
        }
    }

    #[test]
    fn a_cut_that_mixes_leaves_counts_their_votes() {
        // Measured after training anew with `max_depth = 6`: 45,580 bytes with soft votes, 12,544
        // with hard ones.
        expect![[r#"75288 bytes over, 1912 of the image without the model; estimated to fit: `max_depth = 6` (2906 of 23606 splits) with `leaves = "hard"` in [quantize], about 12953 bytes; `max_leaf_nodes = 70` (3450 of 23606 splits) with `leaves = "hard"` in [quantize], about 15020 bytes; `n_trees = 7` instead of 50, about 14538 bytes"#]]
        .assert_eq(&fifty_trees().for_flash(16_384, 91_672));
    }

    #[test]
    fn hard_votes_alone_are_enough_where_votes_are_most_of_it() {
        // The forest above, trained with `max_depth = 6`; measured with hard votes: 12,544 bytes.
        let cut = Shape {
            splits_by_depth: vec![50, 100, 199, 383, 726, 1458],
            votes_bytes: 25_296,
            ..fifty_trees()
        };
        expect![[r#"29196 bytes over, 1912 of the image without the model; estimated to fit: `leaves = "hard"` in [quantize], about 13723 bytes; `max_leaf_nodes = 15` (700 of 2916 splits), about 14973 bytes; `n_trees = 12` instead of 50, about 14499 bytes"#]].assert_eq(&cut.for_flash(16_384, 45_580));
    }

    #[test]
    fn an_imported_model_is_fitted_anew() {
        let imported = Shape {
            is_imported: true,
            ..fifty_trees()
        };
        let note = imported.for_flash(16_384, 91_672);
        assert!(note.contains("`n_estimators = 7` instead of 50"), "{note}");
        assert!(note.ends_with("; the model is imported, so fit it anew with these"));
        let note = imported.for_instructions(1000, 31_720.6);
        assert!(note.contains("`n_estimators = 1` instead of 50"), "{note}");
    }

    #[test]
    fn ranks_that_outweigh_the_trees_are_named() {
        let ranked = Shape {
            ranks_bytes: 89_152,
            rank_bits: 11,
            ..fifty_trees()
        };
        // Measured with affine codes: 91,328 bytes.
        let note = ranked.for_flash(100_000, 165_592);
        assert!(
            note.contains(
                "estimated to fit: `coding = \"affine\"` in [quantize], about 95651 bytes;"
            ),
            "{note}"
        );
    }

    #[test]
    fn what_nothing_mends_is_said() {
        let note = fifty_trees().for_flash(1900, 91_672);
        assert!(note.ends_with("which alone does not fit; a chip with more flash"));
        let note = fifty_trees().for_flash(1920, 91_672);
        assert!(note.contains("no change is estimated to fit"), "{note}");
    }
}
