//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn skops() {
    replay("skops", targets::skops, 9);
}

#[test]
fn onnx() {
    replay("onnx", targets::onnx, 12);
}

#[test]
fn xgboost() {
    replay("xgboost", targets::xgboost, 6);
}

#[test]
fn lightgbm() {
    replay("lightgbm", targets::lightgbm, 6);
}

#[test]
fn catboost() {
    replay("catboost", targets::catboost, 4);
}

#[test]
fn treelite() {
    replay("treelite", targets::treelite, 5);
}

#[test]
fn spark() {
    replay("spark", targets::spark, 5);
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

#[test]
fn idx() {
    replay("idx", targets::idx, 4);
}

#[test]
fn rows() {
    replay("rows", targets::rows, 6);
}
