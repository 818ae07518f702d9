//! Watching a long fit: a callback per finished tree, and a flag that stops it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::ForestError;

/// Watches a fit: hears of each finished tree, and may stop it.
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use spinney_forest::Watch;
///
/// let stop = AtomicBool::new(false);
/// let tell = |done: usize, total: usize| eprintln!("{done} of {total} trees");
/// let watch = Watch::new().on_tree(&tell).cancel(&stop);
/// # let _ = watch;
/// ```
#[derive(Default, Clone, Copy)]
pub struct Watch<'a> {
    on_tree: Option<&'a (dyn Fn(usize, usize) + Sync)>,
    cancel: Option<&'a AtomicBool>,
}

impl<'a> Watch<'a> {
    /// A watch that hears nothing and stops nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `on_tree(done, total)` after each finished tree, from the thread that grew it.
    ///
    /// `done` counts from 1 to `total`, each value once; two calls may overlap or overtake one
    /// another where trees grow in parallel.
    #[must_use]
    pub fn on_tree(mut self, on_tree: &'a (dyn Fn(usize, usize) + Sync)) -> Self {
        self.on_tree = Some(on_tree);
        self
    }

    /// Stops the fit soon after `flag` becomes true; it then returns [`ForestError::Cancelled`].
    ///
    /// The flag is read before each node that is split.
    #[must_use]
    pub fn cancel(mut self, flag: &'a AtomicBool) -> Self {
        self.cancel = Some(flag);
        self
    }

    /// The flag's state, as a result.
    pub(crate) fn check(&self) -> Result<(), ForestError> {
        match self.cancel {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(ForestError::Cancelled),
            _ => Ok(()),
        }
    }

    /// Counts one more finished tree and tells of it.
    pub(crate) fn tree_done(&self, done: &AtomicUsize, total: usize) {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(on_tree) = self.on_tree {
            on_tree(done, total);
        }
    }
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("on_tree", &self.on_tree.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}
