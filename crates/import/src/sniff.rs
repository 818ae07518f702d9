//! Tells a file's format from its first bytes, and names the formats that are not read.

use crate::ImportError;

/// A model format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `skops.io.dump`: a zip of `schema.json` and `.npy` files.
    Skops,
    /// ONNX, as skl2onnx writes it.
    Onnx,
    /// Spinney's canonical JSON.
    Json,
}

impl Format {
    /// The format's name as people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skops => "skops",
            Self::Onnx => "ONNX",
            Self::Json => "canonical JSON",
        }
    }
}

/// The line that turns a fitted model into a file that can be imported.
const SAVE_SKOPS: &str =
    "save a skops file where it was fitted: import skops.io; skops.io.dump(model, \"model.skops\")";

/// First bytes of compressed streams, each of which `joblib.dump(…, compress=…)` can write.
const COMPRESSED: [(&[u8], &str); 11] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x78\x01", "zlib"),
    (b"\x78\x5e", "zlib"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\xda", "zlib"),
    (b"ZF", "joblib's old zlib"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
];

/// First bytes of files that people also try.
const FOREIGN: [(&[u8], &str); 6] = [
    (b"\x93NUMPY", "an .npy array"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"<", "an XML file (PMML?)"),
    (b"tree\n", "a LightGBM text model"),
    (b"{L\x00", "an XGBoost UBJSON model"),
    (b"binf", "an XGBoost binary model"),
];

/// Tells the format of a model file from its content.
///
/// # Errors
/// An empty file, a pickle (joblib's included, compressed or not), which would have to run code
/// to be read, or another format that is not read; each says what to do instead.
pub fn sniff(bytes: &[u8]) -> Result<Format, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::broken("the file", "nothing", "a model"));
    }
    if bytes.starts_with(b"PK") {
        return Ok(Format::Skops);
    }
    if is_pickle(bytes) {
        return Err(ImportError::refused(
            "a pickle or joblib file, which runs code when read,",
            SAVE_SKOPS,
        ));
    }
    if let Some((_, name)) = COMPRESSED
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
    {
        return Err(ImportError::refused(
            format!("a {name} stream, such as a compressed joblib file,"),
            SAVE_SKOPS,
        ));
    }
    if bytes.get(4..8) == Some(b"TFL3") {
        return Err(ImportError::refused("a TensorFlow Lite model", SUPPORTED));
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ImportError::refused(*name, SUPPORTED));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"{") {
        return Ok(Format::Json);
    }
    // Field 1 of an ONNX model, its IR version, as a varint.
    if bytes.starts_with(&[0x08]) {
        return Ok(Format::Onnx);
    }
    Err(ImportError::refused("a file of unknown format", SUPPORTED))
}

const SUPPORTED: &str = "skops, ONNX and canonical JSON are read; from scikit-learn, skops is \
                         the lossless one";

/// Whether the bytes begin as a pickle of some protocol does.
///
/// From protocol 2 on, a pickle begins with its number. Before, it is a list of opcodes, of which
/// an estimator's first is `c`, a global's module and name in a line each.
fn is_pickle(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 0..=9, ..] => true,
        [b'(' | b']' | b'}', ..] => bytes.ends_with(b"."),
        [b'c', rest @ ..] => {
            let mut lines = rest[..rest.len().min(400)].split(|byte| *byte == b'\n');
            let name = |line: Option<&[u8]>| {
                line.is_some_and(|line| {
                    !line.is_empty()
                        && line
                            .iter()
                            .all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
                })
            };
            name(lines.next()) && name(lines.next())
        }
        _ => false,
    }
}
