//! The threads that rows are shared out to, one pool per process: a child that was forked has none of
//! its parent's threads, and makes its own.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// This process's threads, as many as it may use; `None` where there is one alone, or the system
/// starts none, so that the caller's own does the work.
pub fn pool() -> Option<Arc<ThreadPool>> {
    let n_threads = available_parallelism().map_or(1, NonZeroUsize::get);
    if n_threads == 1 {
        return None;
    }
    let mut kept = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, pool)) = &*kept
        && *owner == process
    {
        return Some(pool.clone());
    }
    let made = ThreadPoolBuilder::new().num_threads(n_threads).build();
    let made = Arc::new(made.ok()?);
    // What was the parent's is left alone: none of its threads is here to be waited for.
    std::mem::forget(kept.replace((process, made.clone())));
    Some(made)
}
