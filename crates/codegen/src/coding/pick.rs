//! How readings are picked from a row, where not all of them are coded.

use std::fmt::Write;

use spinney_quantize::{Input, QuantModel};

use super::plain;

/// Most readings that are picked one by one, each of which takes two instructions; more are picked
/// by a table.
const PICKED_MAX: usize = 32;

/// How the readings that are coded are picked from a row.
pub(super) enum Pick {
    /// All are, in their order.
    All,
    /// Each by an index in the code.
    Each,
    /// By a table of indices.
    Table,
}

impl Pick {
    pub(super) fn of(model: &QuantModel) -> Self {
        match plain(model).len() {
            n if n == model.schema().n_features() => Self::All,
            ..=PICKED_MAX => Self::Each,
            _ => Self::Table,
        }
    }

    /// Bytes that say of each code which reading it is made from.
    pub(super) fn place_bytes(&self, plain: &[Input]) -> usize {
        match self {
            Self::All | Self::Each => 0,
            Self::Table if plain.iter().all(|input| input.feature < 256) => 1,
            Self::Table => 2,
        }
    }

    /// What a code is made from, in words.
    pub(super) fn input(&self) -> &'static str {
        match self {
            Self::All => "feature",
            Self::Each | Self::Table => "feature that the model uses",
        }
    }

    /// The reading that a code is made from.
    pub(super) fn reading(&self) -> &'static str {
        match self {
            Self::All | Self::Each => "readings[i]",
            Self::Table => "reading",
        }
    }

    /// The coding of a code, where they differ.
    pub(super) fn coding(&self) -> &'static str {
        match self {
            Self::All | Self::Each => "tables::CODINGS[i]",
            Self::Table => "coding",
        }
    }

    /// All codes, by an expression for each of them.
    pub(super) fn all(&self, code: &str, has_codings: bool, is_all: bool) -> String {
        let n_codes = if is_all { "N_CODES" } else { "tables::N_PLAIN" };
        match self {
            Self::All => format!("core::array::from_fn(|i| {code})"),
            Self::Each => format!(
                "let readings = tables::used(readings);\n    \
                 core::array::from_fn(|i| {code})"
            ),
            Self::Table => {
                let (names, tables) = if has_codings {
                    ("((code, coding), input)", ".zip(&tables::CODINGS)")
                } else {
                    ("(code, input)", "")
                };
                format!(
                    "let mut codes = [0; {n_codes}];\n    \
                     for {names} in codes.iter_mut(){tables}.zip(&tables::INPUTS) {{\n        \
                         // There is such a reading; the compiler does not know, and must not panic.\n        \
                         let reading = readings\n            \
                             .get(usize::from(*input))\n            \
                             .copied()\n            \
                             .unwrap_or_default();\n        \
                         *code = {code};\n    \
                     }}\n    \
                     codes"
                )
            }
        }
    }

    /// What picks.
    pub(super) fn write(&self, model: &QuantModel, is_all: bool, out: &mut String) {
        let inputs: Vec<usize> = plain(model).iter().map(|input| input.feature).collect();
        let (imported, n_codes) = if is_all {
            ("N_CODES, ", "N_CODES")
        } else {
            ("", "N_PLAIN")
        };
        let _ = match self {
            Self::All => Ok(()),
            Self::Each => {
                let readings: Vec<String> = inputs
                    .iter()
                    .map(|input| format!("readings[{input}]"))
                    .collect();
                write!(
                    out,
                    "\nuse crate::{{{imported}N_FEATURES, Reading}};\n\n\
                     /// The readings that the model uses.\n\
                     #[inline(always)]\n\
                     pub(crate) fn used(readings: &[Reading; N_FEATURES]) -> [Reading; {n_codes}] \
                     {{\n    [{}]\n}}\n",
                    readings.join(", ")
                )
            }
            Self::Table => {
                let kind = match self.place_bytes(plain(model)) {
                    1 => "u8",
                    _ => "u16",
                };
                write!(
                    out,
                    "\n/// The features that the model uses.\n\
                     pub(crate) static INPUTS: [{kind}; {}] = {inputs:?};\n",
                    inputs.len()
                )
            }
        };
    }
}
