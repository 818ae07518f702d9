//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8]), n_min: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut n = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a corpus file");
        let result = std::panic::catch_unwind(|| run(&bytes));
        assert!(result.is_ok(), "{} panics", path.display());
        n += 1;
    }
    assert!(n >= n_min, "{n} files in {}", folder.display());
}

#[test]
fn skops() {
    replay("skops", targets::skops, 9);
}

#[test]
fn onnx() {
    replay("onnx", targets::onnx, 7);
}

#[test]
fn json() {
    replay("json", targets::json, 2);
}

#[test]
fn npy() {
    replay("npy", targets::npy, 7);
}

#[test]
fn npz() {
    replay("npz", targets::npz, 2);
}

#[test]
fn sniff() {
    replay("sniff", targets::sniffed, 12);
}
