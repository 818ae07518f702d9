//! Why a model cannot be imported.

use spinney_dataset::DataError;
use spinney_model::ModelError;

/// Why a model cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Something that this crate does not read or fold, by its name.
    #[error("{what} cannot be imported: {instead}")]
    Refused {
        /// What was met.
        what: String,
        /// The nearest thing that works.
        instead: String,
    },
    /// A file that is damaged, or not what it says it is.
    #[error("{place}: found {found}, expected {expected}")]
    Broken {
        /// The place in the file, for example `RandomForestClassifier.estimators_[3].tree_`.
        place: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
}

impl ImportError {
    /// Something that this crate does not read or fold.
    pub(crate) fn refused(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            instead: instead.into(),
        }
    }

    /// A fault in a file.
    pub(crate) fn broken(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Broken {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// What serde says of JSON.
    pub(crate) fn json(error: &serde_json::Error, expected: &str) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        Self::broken(place, error.to_string(), expected)
    }

    /// The same fault, seen from further out.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        if let Self::Broken { place, .. } = &mut self {
            *place = format!("{outer}, {place}");
        }
        self
    }
}

/// A fault in a file: the place, and formats of what was found and what is expected.
macro_rules! broken {
    ($place:expr; $found:literal $(, $of_found:expr)*; $expected:literal $(, $of_expected:expr)*) => {
        $crate::ImportError::broken(
            $place,
            format!($found $(, $of_found)*),
            format!($expected $(, $of_expected)*),
        )
    };
}

/// Something that is not read or folded, and what works instead, as formats.
macro_rules! refused {
    ($what:literal $(, $of_what:expr)*; $instead:literal $(, $of_instead:expr)*) => {
        $crate::ImportError::refused(
            format!($what $(, $of_what)*),
            format!($instead $(, $of_instead)*),
        )
    };
}

impl From<ModelError> for ImportError {
    fn from(error: ModelError) -> Self {
        Self::broken(error.place, error.found, error.expected)
    }
}

impl From<DataError> for ImportError {
    fn from(error: DataError) -> Self {
        Self::broken(error.place, error.found, error.expected)
    }
}

/// Checks that lists of numbers are as long as they have to be; `each` says of what they are one each.
pub(crate) fn check_lengths(
    lists: &[(&str, usize)],
    wanted: usize,
    each: &str,
) -> Result<(), ImportError> {
    match lists.iter().find(|(_, found)| *found != wanted) {
        None => Ok(()),
        Some((what, found)) => Err(broken!(*what; "{found} numbers"; "{each}{wanted}")),
    }
}

/// Text of a file in quotes, short and on one line.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

/// Text of a file, short and on one line.
pub(crate) fn shown(text: &str) -> String {
    let text: String = text.chars().take(80).collect();
    text.escape_default().to_string()
}
