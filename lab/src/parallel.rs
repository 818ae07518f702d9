//! Work on several items at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use spinney_pipeline::failure::Failure;

/// What `work` gives for each item, in their order, with a thread for each core of this machine; of
/// failures that of the first item. After one, no further item is begun.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, Failure> + Sync,
) -> Result<Vec<R>, Failure> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<R, Failure>>>> =
        items.iter().map(|_| Mutex::new(None)).collect();
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            if result.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            *results[index].lock().expect("nothing else holds it") = Some(result);
        }
    };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..n_threads.min(items.len()) {
            scope.spawn(worker);
        }
    });
    let done = results
        .into_iter()
        .map_while(|result| result.into_inner().expect("no worker panicked"));
    done.collect()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn results_stand_in_the_order_of_items() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = each(&items, |item| Ok(2 * item)).unwrap();
        assert!(doubled.into_iter().eq((0..100).map(|item| 2 * item)));
        assert!(each(&[0; 0], |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn a_failure_ends_it_and_the_first_is_told() {
        let items: Vec<u32> = (0..1000).collect();
        let n_begun = AtomicUsize::new(0);
        let result = each(&items, |item| {
            n_begun.fetch_add(1, Ordering::Relaxed);
            match item {
                0..3 => Ok(()),
                _ => Err(Failure::Input(anyhow!("item {item}"))),
            }
        });
        let Err(Failure::Input(error)) = result else {
            panic!("a failure");
        };
        assert_eq!(error.to_string(), "item 3");
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(n_begun.into_inner() <= 3 + n_threads);
    }
}
