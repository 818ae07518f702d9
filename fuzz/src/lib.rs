//! What each fuzz target does with its bytes: read them, and use whatever was read.

use std::io::Write;

use spinney_dataset::{Budget, LabelsIn, Source, idx, npy};
use spinney_import::{Imported, describe, import, sniff};
use spinney_model::Output;

/// What parts an archive's members in the bytes of [`skops`] and [`npz`].
pub const SEPARATOR: &[u8] = b"\n--\n";

/// A skops file: the bytes of a zip, or its members one after another, `schema.json` first and
/// then `0.npy`, `1.npy`, … In the second form no checksum stops a change from being read.
pub fn skops(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        return model(bytes);
    }
    model(&archive(bytes, |index| match index {
        0 => "schema.json".to_owned(),
        _ => format!("{}.npy", index - 1),
    }));
}

/// An ONNX file.
pub fn onnx(bytes: &[u8]) {
    model(bytes);
}

/// An XGBoost model, as JSON or UBJSON.
pub fn xgboost(bytes: &[u8]) {
    model(bytes);
}

/// A LightGBM model, as text or JSON.
pub fn lightgbm(bytes: &[u8]) {
    model(bytes);
}

/// A CatBoost model, as JSON.
pub fn catboost(bytes: &[u8]) {
    model(bytes);
}

/// A treelite checkpoint.
pub fn treelite(bytes: &[u8]) {
    model(bytes);
}

/// A folder of Spark: the bytes of a zip, or its metadata, nodes and weights of trees one after another.
pub fn spark(bytes: &[u8]) {
    if bytes.starts_with(b"PK") {
        return model(bytes);
    }
    let names = ["metadata/part-0", "data/part-0", "treesMetadata/part-0"];
    model(&archive(bytes, |index| {
        names[index.min(names.len() - 1)].to_owned()
    }));
}

/// Canonical JSON.
pub fn json(bytes: &[u8]) {
    model(bytes);
}

/// An `.npy` file, as rows, labels and records.
pub fn npy(bytes: &[u8]) {
    let _ = npy::rows(bytes);
    let _ = npy::labels(bytes);
    let _ = npy::read(bytes, bytes);
    if let Ok(array) = npy::Array::parse(bytes) {
        let names: Vec<String> = array.field_names().map(str::to_owned).collect();
        for name in &names {
            let field = array.field(name).expect("a field by its own name");
            let _ = (field.numbers(), field.integers(), field.texts());
        }
        if let Ok(scalars) = array.scalars()
            && let Ok(numbers) = scalars.numbers()
        {
            assert_eq!(numbers.len(), array.n_items());
        }
    }
}

/// An `.npz` file: the bytes of a zip, or its members `X` and `y` one after the other.
pub fn npz(bytes: &[u8]) {
    let built;
    let bytes = if bytes.starts_with(b"PK") {
        bytes
    } else {
        built = archive(bytes, |index| {
            if index == 0 { "X.npy" } else { "y.npy" }.to_owned()
        });
        &built
    };
    let _ = npy::read_npz(bytes, "y");
    let _ = npy::read_npz_rows(bytes, "y", &Budget::of(bytes.len()));
}

/// An IDX file, as images, as labels and as both.
pub fn idx(bytes: &[u8]) {
    let _ = idx::labels(bytes);
    let _ = idx::read(bytes, bytes);
    if let Ok(rows) = idx::rows(bytes) {
        assert!(rows.values.len() <= bytes.len() || bytes.starts_with(&[0x1f, 0x8b]));
    }
}

/// A file of rows in any format, gzipped or not, by what its first byte says; and behind a
/// [`SEPARATOR`] its labels. What is read has rows, and a label and readings for each.
pub fn rows(bytes: &[u8]) {
    let Some((marks, bytes)) = bytes.split_first() else {
        return;
    };
    let parts = bytes
        .windows(SEPARATOR.len())
        .position(|it| it == SEPARATOR);
    let (rows, labels) = match parts {
        Some(at) => (&bytes[..at], &bytes[at + SEPARATOR.len()..]),
        None => (bytes, &[][..]),
    };
    let labels = match marks % 3 {
        0 => LabelsIn::None,
        1 => LabelsIn::Columns(vec!["y"]),
        _ => LabelsIn::File(labels),
    };
    let Ok(source) = Source::open(rows, labels, marks & 4 == 0) else {
        return;
    };
    let _ = (source.columns(), source.features());
    if let Ok(data) = source.read(&|name| marks & 8 == 0 || name != "a") {
        assert!(data.n_rows() > 0 && data.values().nrows() == data.n_rows());
        assert_eq!(data.values().ncols(), data.features().len());
    }
}

/// The first bytes of any file.
pub fn sniffed(bytes: &[u8]) {
    let _ = sniff(bytes);
    model(bytes);
}

/// Imports a model; one that is read must also describe itself, predict and survive as JSON.
fn model(bytes: &[u8]) {
    let Ok(imported) = import(bytes) else {
        return;
    };
    assert!(!describe(&imported).to_string().is_empty());
    let Imported { model, .. } = imported;
    for reading in [0.5, f64::NAN] {
        let row = vec![reading; model.schema().n_features()];
        match model.output(&row) {
            Output::Class(class) => assert!(class < model.schema().n_classes()),
            Output::Values(values) => assert_eq!(values.len(), model.schema().targets().len()),
            Output::Score { score, .. } => assert!(!score.is_nan()),
        }
    }
    let again = import(model.to_json().as_bytes()).expect("canonical JSON of a model");
    assert_eq!(again.model, model);
}

/// A zip of the parts of `bytes`.
fn archive(bytes: &[u8], name: impl Fn(usize) -> String) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut rest = Some(bytes);
    let mut index = 0;
    while let Some(part) = rest {
        let end = part
            .windows(SEPARATOR.len())
            .position(|window| window == SEPARATOR);
        let (member, next) = match end {
            Some(end) => (&part[..end], Some(&part[end + SEPARATOR.len()..])),
            None => (part, None),
        };
        // A name that is used twice is the archive's fault, not the reader's.
        if writer.start_file(name(index), options).is_ok() {
            writer.write_all(member).expect("a write to memory");
        }
        rest = next;
        index += 1;
    }
    writer.finish().expect("a zip in memory").into_inner()
}
