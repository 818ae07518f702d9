//! Files of other formats, and of none.

use expect_test::expect;
use proptest::prelude::*;
use spinney_dataset::npy;
use spinney_import::import;

use super::{refused, zip_of};

#[test]
fn archives_without_a_model_are_named() {
    refused(
        &zip_of(&[("X.npy", b"")]),
        &expect![[
            r#"a zip of arrays (.npz) cannot be imported: skops.io.dump(model, "model.skops") writes a skops file"#
        ]],
    );
    refused(&[], &expect!["the file: found nothing, expected a model"]);
}

#[test]
fn foreign_formats_are_named_by_their_content() {
    let named = |bytes: &[u8], name: &str, instead: &str| {
        let error = import(bytes).expect_err("must be refused").to_string();
        assert!(error.starts_with(name), "{name}: {error}");
        assert!(error.contains(instead), "{name}: {error}");
        assert!(!error.contains('\n') && error.len() < 400, "{error}");
    };
    let boosted = "RandomForestClassifier";
    named(
        b"{L\x00\x00\x00\x00\x00\x00\x00\x06Config{",
        "an XGBoost booster with its training state (UBJSON)",
        "save_model",
    );
    named(
        b"{\"Config\": {\"learner\"",
        "an XGBoost booster with its training state (JSON)",
        "save_model",
    );
    named(
        b"[\n  { \"nodeid\": 0,",
        "a dump of XGBoost trees (JSON)",
        "save_model",
    );
    named(
        b"booster[0]:\n0:[f2<3]",
        "a dump of XGBoost trees (text)",
        "save_model",
    );
    named(b"CBM1\x00\x01", "a CatBoost model (cbm)", "format=\"json\"");
    let pmml = b"<?xml version=\"1.0\"?>\n<PMML version=\"4.4\">";
    named(pmml, "a PMML file", "skops.io.dump");
    named(b"<?xml version=\"1.0\"?><a/>", "an XML file", "skops");
    named(
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file, such as a Keras model,",
        boosted,
    );
    named(b"\x1c\x00\x00\x00TFL3", "a TensorFlow Lite model", boosted);
    let treelite = b"\x03\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x03\x03\x02\x00";
    named(
        treelite,
        "a treelite checkpoint of version 3.8",
        "treelite 4",
    );
    named(b"PAR1\x15\x04", "a Parquet file", "[dataset]");
    named(b"\x93NUMPY\x01\x00", "an .npy array", "[dataset]");
    named(b"<!DOCTYPE html>\n<HTML>", "a web page", "download");
    named(
        b"version https://git-lfs.github.com/spec/v1",
        "a pointer of Git LFS",
        "git lfs pull",
    );
    let zip = |member: &str| zip_of(&[(member, b"")]);
    named(&zip("archive/data.pkl"), "a PyTorch model", "skops.io.dump");
    named(&zip("model.weights.h5"), "a Keras model", "skops.io.dump");
    named(
        &zip("[Content_Types].xml"),
        "an Office document",
        "skops.io.dump",
    );
    named(
        &zip("notes.txt"),
        "a zip archive without schema.json",
        "skops.io.dump",
    );
}

const MAGIC: [&[u8]; 12] = [
    b"",
    b"PK\x03\x04",
    b"\x08\x0a",
    b"{",
    b"\x80\x04",
    b"\x93NUMPY\x01\x00",
    b"{\"learner\":",
    b"tree\n",
    b"CBM1",
    b"\x04\x00\x00\x00",
    b"<?xml",
    b"PAR1",
];

proptest! {
    #[test]
    fn any_bytes_are_an_error(prefix in 0..MAGIC.len(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [MAGIC[prefix], &bytes].concat();
        prop_assert!(import(&bytes).is_err());
        let _ = npy::rows(&bytes);
    }
}
