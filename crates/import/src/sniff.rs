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
const SUPPORTED: &str = "skops, ONNX and canonical JSON are read; from scikit-learn, skops is \
                         the lossless one";
const BOOSTED: &str = "boosted trees are not averaged; fit scikit-learn's RandomForestClassifier \
                       or ExtraTreesClassifier and save it with skops.io.dump";
const NETWORK: &str = "neural networks are not read; fit scikit-learn's RandomForestClassifier, \
                       ExtraTreesClassifier or GaussianNB and save it with skops.io.dump";
const ROWS: &str = "it holds rows, not a model: rows are named in [dataset], a model in [model]";
const DOWNLOAD: &str = "it stands where a model should be: download the file itself";

/// How a format begins.
enum Start {
    /// With these bytes.
    Bytes(&'static [u8]),
    /// With these, some bytes in.
    At(usize, &'static [u8]),
    /// With this text, white space not counted.
    Text(&'static str),
    /// With this text somewhere in its first lines.
    Within(&'static str),
}

/// Bytes in which a [`Start::Within`] is looked for.
const FIRST_LINES: usize = 1024;

/// A format that is not read: how it begins, what it is, and what to do instead.
struct Foreign(Start, &'static str, &'static str);

use Start::{At, Bytes, Text, Within};

/// Formats that people also try; the first that fits names a file.
const FOREIGN: &[Foreign] = &[
    // Compressed streams, each of which `joblib.dump(…, compress=…)` can write.
    Foreign(
        Bytes(b"\x1f\x8b"),
        "a gzip stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x78\x01"),
        "a zlib stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x78\x5e"),
        "a zlib stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x78\x9c"),
        "a zlib stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x78\xda"),
        "a zlib stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"ZF"),
        "a zlib stream as joblib wrote it long ago",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"BZh"),
        "a bzip2 stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\xfd7zXZ\x00"),
        "an xz stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x5d\x00\x00"),
        "an lzma stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x04\x22\x4d\x18"),
        "an lz4 stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    Foreign(
        Bytes(b"\x28\xb5\x2f\xfd"),
        "a zstd stream, such as a compressed joblib file,",
        SAVE_SKOPS,
    ),
    // Trees of other libraries.
    Foreign(
        Bytes(b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner"),
        "an XGBoost model (UBJSON)",
        BOOSTED,
    ),
    Foreign(
        Bytes(b"{i\x07learner"),
        "an XGBoost model (UBJSON)",
        BOOSTED,
    ),
    Foreign(
        Bytes(b"{U\x07learner"),
        "an XGBoost model (UBJSON)",
        BOOSTED,
    ),
    Foreign(Text("{\"learner\":"), "an XGBoost model (JSON)", BOOSTED),
    Foreign(Text("{\"version\":["), "an XGBoost model (JSON)", BOOSTED),
    Foreign(
        Text("[{\"nodeid\":"),
        "a dump of XGBoost trees (JSON)",
        BOOSTED,
    ),
    Foreign(
        Bytes(b"booster[0]:"),
        "a dump of XGBoost trees (text)",
        BOOSTED,
    ),
    Foreign(
        Bytes(b"binf"),
        "an XGBoost model (binary, before 1.0)",
        BOOSTED,
    ),
    Foreign(
        Bytes(b"bs64\t"),
        "an XGBoost model (base64, before 1.0)",
        BOOSTED,
    ),
    Foreign(Text("treeversion=v"), "a LightGBM model (text)", BOOSTED),
    Foreign(
        Text("{\"name\":\"tree\",\"version\":\"v"),
        "a LightGBM model (JSON)",
        BOOSTED,
    ),
    Foreign(Bytes(b"CBM1"), "a CatBoost model (cbm)", BOOSTED),
    Foreign(
        Within("\"oblivious_trees\""),
        "a CatBoost model (JSON)",
        BOOSTED,
    ),
    Foreign(
        Within("\"features_info\""),
        "a CatBoost model (JSON)",
        BOOSTED,
    ),
    // Models of any kind.
    Foreign(Within("<PMML"), "a PMML file", SAVE_SKOPS),
    Foreign(
        Bytes(b"\x89HDF"),
        "an HDF5 file, such as a Keras model,",
        NETWORK,
    ),
    Foreign(At(4, b"TFL3"), "a TensorFlow Lite model", NETWORK),
    Foreign(Bytes(b"GGUF"), "a GGUF file", NETWORK),
    // Rows.
    Foreign(Bytes(b"\x93NUMPY"), "an .npy array", ROWS),
    Foreign(Bytes(b"PAR1"), "a Parquet file", ROWS),
    Foreign(Bytes(b"ARROW1"), "an Arrow file (Feather)", ROWS),
    // What a download leaves in place of a file.
    Foreign(Within("<html"), "a web page", DOWNLOAD),
    Foreign(
        Bytes(b"version https://git-lfs"),
        "a pointer of Git LFS",
        "`git lfs pull` fetches the file",
    ),
    Foreign(Bytes(b"<"), "an XML file", SUPPORTED),
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
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first_lines = &text[..text.len().min(FIRST_LINES)];
    for Foreign(start, name, instead) in FOREIGN {
        let fits = match start {
            Bytes(magic) => bytes.starts_with(magic),
            At(offset, magic) => bytes.get(*offset..).is_some_and(|it| it.starts_with(magic)),
            Text(magic) => first_lines
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .take(magic.len())
                .eq(magic.as_bytes()),
            Within(magic) => first_lines
                .windows(magic.len())
                .any(|it| it.eq_ignore_ascii_case(magic.as_bytes())),
        };
        if fits {
            return Err(ImportError::refused(*name, *instead));
        }
    }
    if is_treelite(bytes) {
        return Err(ImportError::refused(
            "a treelite checkpoint",
            "it does not keep what the model was: save the model that it was made of with \
             skops.io.dump",
        ));
    }
    if text.trim_ascii_start().starts_with(b"{") {
        return Ok(Format::Json);
    }
    // Field 1 of an ONNX model, its IR version, as a varint.
    if bytes.starts_with(&[0x08]) {
        return Ok(Format::Onnx);
    }
    Err(ImportError::refused("a file of unknown format", SUPPORTED))
}

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

/// Whether the bytes begin as treelite's serialization does: a version of three numbers, then the
/// types of thresholds and of leaves, of which there are three.
fn is_treelite(bytes: &[u8]) -> bool {
    match bytes {
        [
            3 | 4,
            0,
            0,
            0,
            0..=99,
            0,
            0,
            0,
            0..=99,
            0,
            0,
            0,
            thresholds,
            leaves,
            ..,
        ] => (1..=3).contains(thresholds) && (1..=3).contains(leaves),
        _ => false,
    }
}
