//! Files from strangers: whatever they say, a clear error in bounded time, never a panic.

mod boosted;
mod formats;
mod onnx;
mod skops;

use std::io::{Cursor, Write};
use std::path::Path;

use expect_test::Expect;
use spinney_import::import;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(path).expect("a fixture")
}

/// A member of an archive of fixtures.
fn member(archive: &str, name: &str) -> Vec<u8> {
    let bytes = fixture(archive);
    let budget = spinney_dataset::Budget::of(bytes.len());
    let mut members = spinney_dataset::archive::unpack(&bytes, &budget).expect("an archive");
    members.remove(name).expect("a member")
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in members {
        writer.start_file(*name, options).expect("a member");
        writer.write_all(content).expect("a write to memory");
    }
    writer.finish().expect("a zip").into_inner()
}

fn refused(bytes: &[u8], expected: &Expect) {
    let error = import(bytes).expect_err("must be refused").to_string();
    assert!(!error.contains('\n') && error.len() < 600, "{error}");
    expected.assert_eq(&error);
}

const SMALL: [&str; 4] = [
    "1.9.1/dt_one_leaf_bool.skops",
    "1.1.3/pipe_variance.skops",
    "1.9.1/dt_one_leaf_bool.f32.onnx",
    "1.9.1/nb_min_max_k_best.f32.onnx",
];
