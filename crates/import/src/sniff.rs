//! Tells a file's format from its first bytes, and names the formats that are not read.

use crate::{ImportError, Imported};

/// A model format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `skops.io.dump`: a zip of `schema.json` and `.npy` files.
    Skops,
    /// ONNX.
    Onnx,
    /// Spinney's canonical JSON.
    Json,
    /// A quantized model as Spinney keeps it, with its float model.
    Conversion,
    /// XGBoost's JSON.
    XgboostJson,
    /// XGBoost's UBJSON.
    XgboostUbjson,
    /// LightGBM's text, `model.txt`.
    Lightgbm,
    /// The JSON of LightGBM's `dump_model`.
    LightgbmJson,
    /// CatBoost's JSON.
    Catboost,
    /// treelite's checkpoints.
    Treelite,
    /// A folder of Spark MLlib, zipped.
    Spark,
}

impl Format {
    /// The format's name as people write it.
    pub fn as_str(self) -> &'static str {
        let reader = READERS.iter().find(|reader| reader.format == self);
        reader.expect("every format has a reader").name
    }
}

/// A format that is read.
pub(crate) struct Reader {
    format: Format,
    /// The format's name as people write it.
    name: &'static str,
    /// How a file begins; one of these.
    starts: &'static [Start],
    /// Most bytes that a file may have.
    pub file_bytes_max: usize,
    /// Reads a file of the format.
    pub read: fn(&[u8]) -> Result<Imported, ImportError>,
}

/// Most bytes of a file that is no archive.
const FILE_BYTES_MAX: usize = 32 << 20;

/// All formats that are read; a file is of the first that fits.
#[rustfmt::skip]
const READERS: &[Reader] = &[
    Reader { format: Format::Spark, name: "Spark MLlib", starts: &[Like(crate::spark::is_folder)],
        file_bytes_max: usize::MAX, read: crate::spark::import },
    Reader { format: Format::Skops, name: "skops", starts: &[Bytes(b"PK")],
        file_bytes_max: usize::MAX, read: crate::skops::import },
    Reader { format: Format::XgboostJson, name: "XGBoost JSON",
        starts: &[Text("{\"learner\":"), Text("{\"version\":[")], file_bytes_max: FILE_BYTES_MAX,
        read: crate::xgboost::import_json },
    Reader { format: Format::XgboostUbjson, name: "XGBoost UBJSON",
        starts: &[Bytes(b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner"),
        Bytes(b"{L\x00\x00\x00\x00\x00\x00\x00\x07version"), Bytes(b"{i\x07learner"),
        Bytes(b"{U\x07learner")], file_bytes_max: FILE_BYTES_MAX,
        read: crate::xgboost::import_ubjson },
    Reader { format: Format::Lightgbm, name: "LightGBM text", starts: &[Text("treeversion=v")],
        file_bytes_max: FILE_BYTES_MAX, read: crate::lightgbm::import_text },
    Reader { format: Format::LightgbmJson, name: "LightGBM JSON",
        starts: &[Text("{\"name\":\"tree\",\"version\":\"v"), Text("{\"average_output\":")],
        file_bytes_max: FILE_BYTES_MAX,
        read: crate::lightgbm::import_json },
    Reader { format: Format::Catboost, name: "CatBoost JSON", starts: &[Text("{\"features_info\":"),
        Text("{\"ctr_data\":"), Text("{\"model_info\":"), Text("{\"oblivious_trees\":")],
        file_bytes_max: FILE_BYTES_MAX, read: crate::catboost::import },
    Reader { format: Format::Treelite, name: "treelite checkpoint",
        starts: &[Like(crate::treelite::is_checkpoint)], file_bytes_max: FILE_BYTES_MAX,
        read: crate::treelite::import },
    Reader {
        format: Format::Json,
        name: "canonical JSON",
        // The first that no other format claims.
        starts: &[Text("{\"format\":\"spinney-model\"")],
        file_bytes_max: FILE_BYTES_MAX,
        read: crate::import_json,
    },
    Reader { format: Format::Conversion, name: "quantized model",
        starts: &[Text("{\"format\":\"spinney-conversion\"")], file_bytes_max: FILE_BYTES_MAX,
        read: crate::import_conversion },
    Reader {
        format: Format::Onnx,
        name: "ONNX",
        // Field 1 of a model, its IR version, as a varint.
        starts: &[Bytes(&[0x08])],
        file_bytes_max: FILE_BYTES_MAX,
        read: crate::onnx::import,
    },
];

/// The line that turns a fitted model into a file that can be imported.
const SAVE_SKOPS: &str =
    "save a skops file where it was fitted: import skops.io; skops.io.dump(model, \"model.skops\")";
const SAVE_XGBOOST: &str = "load it with the XGBoost that wrote it, at least 1.6, and save it again: \
                            booster.save_model(\"model.json\")";
const SUPPORTED: &str = "skops, XGBoost's JSON and UBJSON, LightGBM's text and JSON, CatBoost's \
                         JSON, ONNX, treelite's checkpoints, Spark MLlib's folders and canonical \
                         JSON are read; from scikit-learn, skops is the lossless one";
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
    /// As this says.
    Like(fn(&[u8]) -> bool),
}

/// Bytes in which a [`Start::Within`] is looked for.
const FIRST_LINES: usize = 1024;

/// A format that is not read: how it begins, what it is, and what to do instead.
struct Foreign(Start, &'static str, &'static str);

use Start::{At, Bytes, Like, Text, Within};

/// Formats that people also try; the first that fits names a file.
#[rustfmt::skip]
const FOREIGN: &[Foreign] = &[
    // Compressed streams, each of which `joblib.dump(…, compress=…)` can write.
    Foreign(Bytes(b"\x1f\x8b"), "a gzip stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"\x78\x01"), "a zlib stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"\x78\x5e"), "a zlib stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"\x78\x9c"), "a zlib stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"\x78\xda"), "a zlib stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"ZF"), "a zlib stream as joblib wrote it long ago", SAVE_SKOPS),
    Foreign(Bytes(b"BZh"), "a bzip2 stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"\xfd7zXZ\x00"), "an xz stream, such as a compressed joblib file,", SAVE_SKOPS),
    Foreign(Bytes(b"\x5d\x00\x00"), "an lzma stream, such as a compressed joblib file,",
        SAVE_SKOPS),
    Foreign(Bytes(b"\x04\x22\x4d\x18"), "an lz4 stream, such as a compressed joblib file,",
        SAVE_SKOPS),
    Foreign(Bytes(b"\x28\xb5\x2f\xfd"), "a zstd stream, such as a compressed joblib file,",
        SAVE_SKOPS),
    // Trees of other libraries.
    Foreign(Text("{\"Config\":"), "an XGBoost booster with its training state (JSON)",
        SAVE_XGBOOST),
    Foreign(Bytes(b"{L\x00\x00\x00\x00\x00\x00\x00\x06Config"),
        "an XGBoost booster with its training state (UBJSON)", SAVE_XGBOOST),
    Foreign(Text("[{\"nodeid\":"), "a dump of XGBoost trees (JSON)", SAVE_XGBOOST),
    Foreign(Bytes(b"booster[0]:"), "a dump of XGBoost trees (text)", SAVE_XGBOOST),
    Foreign(Bytes(b"binf"), "an XGBoost model (binary)", SAVE_XGBOOST),
    Foreign(Bytes(b"bs64\t"), "an XGBoost model (base64)", SAVE_XGBOOST),
    Foreign(Bytes(b"CBM1"), "a CatBoost model (cbm)",
        "save it as JSON: model.save_model(\"model.json\", format=\"json\", pool=pool)"),
    // Models of any kind.
    Foreign(Within("<PMML"), "a PMML file", SAVE_SKOPS),
    Foreign(Bytes(b"\x89HDF"), "an HDF5 file, such as a Keras model,", NETWORK),
    Foreign(At(4, b"TFL3"), "a TensorFlow Lite model", NETWORK),
    Foreign(Bytes(b"GGUF"), "a GGUF file", NETWORK),
    // Rows.
    Foreign(Bytes(b"\x93NUMPY"), "an .npy array", ROWS),
    Foreign(Bytes(b"PAR1"), "a Parquet file", ROWS),
    Foreign(Bytes(b"ARROW1"), "an Arrow file (Feather)", ROWS),
    // What a download leaves in place of a file.
    Foreign(Within("<html"), "a web page", DOWNLOAD),
    Foreign(Bytes(b"version https://git-lfs"), "a pointer of Git LFS",
        "`git lfs pull` fetches the file"),
    Foreign(Bytes(b"<"), "an XML file", SUPPORTED),
];

impl Start {
    fn fits(&self, bytes: &[u8]) -> bool {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let first_lines = &text[..text.len().min(FIRST_LINES)];
        match self {
            Bytes(magic) => bytes.starts_with(magic),
            Like(begins) => begins(bytes),
            At(offset, magic) => bytes.get(*offset..).is_some_and(|it| it.starts_with(magic)),
            Text(magic) => first_lines
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .take(magic.len())
                .eq(magic.as_bytes()),
            Within(magic) => first_lines
                .windows(magic.len())
                .any(|it| it.eq_ignore_ascii_case(magic.as_bytes())),
        }
    }
}

/// Tells the format of a model file from its content.
///
/// # Errors
/// An empty file, a pickle (joblib's included, compressed or not), which would have to run code
/// to be read, or another format that is not read; each says what to do instead.
pub fn sniff(bytes: &[u8]) -> Result<Format, ImportError> {
    reader(bytes).map(|reader| reader.format)
}

/// The reader of a model file, by its content.
///
/// # Errors
/// As [`sniff`].
pub(crate) fn reader(bytes: &[u8]) -> Result<&'static Reader, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::broken("the file", "nothing", "a model"));
    }
    if is_pickle(bytes) && !bytes.starts_with(b"PK") {
        return Err(ImportError::refused(
            "a pickle or joblib file, which runs code when read,",
            SAVE_SKOPS,
        ));
    }
    let begins = |reader: &&Reader| reader.starts.iter().any(|start| start.fits(bytes));
    if let Some(reader) = READERS.iter().find(begins) {
        return Ok(reader);
    }
    if let Some(Foreign(_, name, instead)) = FOREIGN.iter().find(|it| it.0.fits(bytes)) {
        return Err(ImportError::refused(*name, *instead));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"{") {
        let json = READERS.iter().find(|it| it.format == Format::Json);
        return Ok(json.expect("canonical JSON has a reader"));
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
            let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
            let mut is_name = || {
                let line = lines.next();
                line.is_some_and(|line| !line.is_empty() && line.iter().all(is_of_name))
            };
            is_name() && is_name()
        }
        _ => false,
    }
}
