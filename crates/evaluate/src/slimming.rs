//! The ways out of a budget that a forest misses: what each single change would leave, estimated
//! from what was measured.

/// A forest as it shipped, for estimates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Number of trees, at least 1.
    pub n_trees: usize,
    /// Splits of all trees at each depth; the root is at depth 0.
    pub splits_by_depth: Vec<usize>,
    /// Flash of the image without the model.
    pub base_flash_bytes: u64,
    /// Flash of the votes of leaves; 0 where leaves are classes.
    pub votes_bytes: u64,
    /// Whether leaves hold votes of all classes.
    pub is_soft: bool,
    /// Bits of a code.
    pub code_bits: u8,
    /// Whether 8-bit codes would do, or nobody has tried.
    pub may_narrow: bool,
    /// Whether trees may be left out once the class is certain, and are not yet.
    pub may_exit: bool,
}

impl Shape {
    /// What to do about an image of `found` bytes of flash where `limit` are allowed.
    pub(crate) fn for_flash(&self, limit: u64, found: u64) -> String {
        let over = found.saturating_sub(limit);
        let model = found.saturating_sub(self.base_flash_bytes);
        let mut changes = Vec::new();
        let trees = model.saturating_sub(self.votes_bytes);
        if self.is_soft {
            changes.push((
                "`leaves = \"hard\"` in [quantize]".to_owned(),
                found - self.votes_bytes.min(found),
            ));
        }
        if self.code_bits > 8 && self.may_narrow {
            // A split of 16-bit thresholds takes four bytes or more, one of 8 bits three.
            changes.push((
                "`codes = \"8-bit\"` in [quantize]".to_owned(),
                found - trees / 4,
            ));
        }
        let n_splits: usize = self.splits_by_depth.iter().sum();
        let at = |n_splits_left: usize| {
            let left = trees as f64 * n_splits_left as f64 / n_splits.max(1) as f64;
            self.base_flash_bytes + self.votes_bytes + left.ceil() as u64
        };
        if let Some(depth) = (1..self.splits_by_depth.len())
            .rev()
            .find(|depth| at(self.splits_by_depth[..*depth].iter().sum()) <= limit)
        {
            let left = self.splits_by_depth[..depth].iter().sum();
            changes.push((
                format!("`max_depth = {depth}` ({left} of {n_splits} splits)"),
                at(left),
            ));
        }
        if let Some(n_trees) = (1..self.n_trees)
            .rev()
            .find(|n_trees| at(n_splits * n_trees / self.n_trees) <= limit)
        {
            changes.push((
                format!("`n_trees = {n_trees}` instead of {}", self.n_trees),
                at(n_splits * n_trees / self.n_trees),
            ));
        }
        let fitting: Vec<String> = changes
            .into_iter()
            .filter(|(_, bytes)| *bytes <= limit)
            .map(|(change, bytes)| format!("{change}, about {bytes} bytes"))
            .collect();
        let start = format!(
            "{over} bytes over, {} of the image without the model",
            self.base_flash_bytes
        );
        match fitting[..] {
            [] if self.base_flash_bytes > limit => {
                format!("{start}, which alone does not fit; a chip with more flash")
            }
            [] => format!("{start}; no single change is estimated to fit: combine them"),
            _ => format!("{start}; estimated to fit: {}", fitting.join("; ")),
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
                "`n_trees = {n_trees}` instead of {}, estimated at {:.0} instructions",
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
