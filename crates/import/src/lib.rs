//! Finished models from files, all to one float model: scikit-learn's from skops, XGBoost's from JSON and
//! UBJSON, LightGBM's from text and JSON, CatBoost's from JSON, ensembles from ONNX, treelite's
//! checkpoints, Spark's from zipped folders, and Spinney's own from canonical JSON.
//!
//! A format is a row of the table in `sniff.rs`, which tells it from a file's first bytes and names its
//! reader; a reader of trees makes a draft (`draft.rs`), which is checked and folded in one place
//! (`fold/`), from scalers to encoders. Questions that are neither a threshold nor a set of categories
//! become thresholds in `lower.rs`.
//!
//! No code in a file is ever run, no name says what a file is, and no size that a file claims is
//! believed. This crate must not know anything of fixed point, devices or `pipeline.toml`.
//!
//! ```
//! let file = std::fs::read("../../examples/models/digits_rf.skops")?;
//! let imported = spinney_import::import(&file)?;
//! assert_eq!(imported.origin.estimator, "RandomForestClassifier");
//! assert_eq!(imported.model.schema().n_features(), 64);
//! assert_eq!(imported.model.predict(&[0.0; 64]), 1);
//!
//! let error = spinney_import::import(b"\x80\x04\x95 a pickle").unwrap_err();
//! assert!(error.to_string().contains("pickle"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[macro_use]
mod error;

mod catboost;
mod classes;
mod describe;
mod draft;
mod fold;
mod lightgbm;
mod lower;
mod onnx;
mod skops;
mod sniff;
mod spark;
mod treelite;
mod ubjson;
mod xgboost;

use spinney_dataset::Budget;
use spinney_dataset::limits::JsonMark;
use spinney_model::FloatModel;

pub use describe::{Description, FeatureDescription, LeafDescription, describe};
pub use error::ImportError;
use error::shown;
pub use sniff::{Format, sniff};

/// A field that a file may have and that nothing is read of.
type Unread = Option<serde::de::IgnoredAny>;

/// What canonical JSON takes: nodes and features, lists, and the items of lists.
const JSON_MARKS: &[JsonMark] = &[(b'{', 160), (b'[', 48), (b',', 16)];

/// A model, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The model, which takes raw features: every scaler and selection is folded into it.
    pub model: FloatModel,
    /// What the file said of itself; no later stage needs it.
    pub origin: Origin,
}

/// What a model file said of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The file format.
    pub format: Format,
    /// The estimator, for example `RandomForestClassifier`; for ONNX the operator.
    pub estimator: String,
    /// The library that fitted or wrote the model, with its version, if the file says so.
    pub library: Option<String>,
    /// Names of the pipeline's steps that were folded into the model, in order.
    pub steps: Vec<String>,
    /// What a user should know, one sentence each.
    pub notes: Vec<String>,
}

impl Origin {
    /// Whether the model knows some categories by the places alone that it was fitted on, with neither
    /// words nor numbers of them.
    pub fn has_places_alone(&self) -> bool {
        self.notes.iter().any(|note| note == xgboost::PLACES_ALONE)
    }
}

/// Reads a model; its format is told from the content.
///
/// # Errors
/// A format, estimator, pipeline step or operator that cannot be imported (with the nearest thing
/// that can), or a file that is damaged or hostile (with the place). Takes no more memory and time
/// than the file's [`Budget`] has.
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let reader = sniff::reader(bytes)?;
    if bytes.len() > reader.file_bytes_max {
        return Err(broken!(
            "the file"; "{} bytes", bytes.len();
            "at most {}, far beyond what fits a microcontroller", reader.file_bytes_max
        ));
    }
    (reader.read)(bytes)
}

/// As [`import`], with the sides that a file has for missing readings where its model was fitted on rows
/// without any: trees of values of scikit-learn, which have such sides since 1.3.
///
/// # Errors
/// As [`import`].
pub fn import_with_sides(bytes: &[u8]) -> Result<Imported, ImportError> {
    match sniff(bytes)? {
        Format::Skops => skops::import_with_sides(bytes),
        _ => import(bytes),
    }
}

/// Reads the float model of a quantized one that was kept.
fn import_conversion(bytes: &[u8]) -> Result<Imported, ImportError> {
    #[derive(serde::Deserialize)]
    struct Kept<'a> {
        #[serde(borrow)]
        model: std::borrow::Cow<'a, str>,
    }
    Budget::of(bytes.len()).take_json("the file", bytes, JSON_MARKS)?;
    let kept: Kept<'_> = serde_json::from_slice(bytes).map_err(|error| {
        let expected = "a quantized model as Spinney keeps it";
        ImportError::broken("the file", error.to_string(), expected)
    })?;
    let mut imported = import_json(kept.model.as_bytes())?;
    imported.origin.format = Format::Conversion;
    Ok(imported)
}

/// Reads canonical JSON.
fn import_json(bytes: &[u8]) -> Result<Imported, ImportError> {
    Budget::of(bytes.len()).take_json("the file", bytes, JSON_MARKS)?;
    let model = FloatModel::from_json(bytes)?;
    Ok(Imported {
        origin: Origin {
            format: Format::Json,
            estimator: model.kind().to_owned(),
            library: None,
            steps: Vec::new(),
            notes: Vec::new(),
        },
        model,
    })
}
