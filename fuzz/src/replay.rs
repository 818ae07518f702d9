//! Replays a kept corpus through the function that its fuzz target calls.

use std::path::Path;

/// Calls `run` on each file of the corpus of `target`, of which there are at least `n_min`.
///
/// # Panics
/// If one of them makes it panic, or if there are fewer.
pub fn replay<T>(target: &str, run: fn(&[u8]) -> T, n_min: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut n = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a corpus file");
        let result = std::panic::catch_unwind(|| {
            run(&bytes);
        });
        assert!(result.is_ok(), "{} panics", path.display());
        n += 1;
    }
    assert!(n >= n_min, "{n} files in {}", folder.display());
}
