//! What a generated crate is asked to be: the form of its trees, the width of its codes, whether it
//! stops early.

use spinney_model::Task;
use spinney_quantize::{Coding, Input, QuantForest, QuantModel, ReadingType};

/// How trees are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// Three, four, five, six or eight bytes per split, the narrowest that fits.
    Table,
    /// As many bits per split as the model needs.
    Packed,
    /// Generated `if` and `else`.
    Branches,
}

impl Encoding {
    /// The name in `pipeline.toml` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Packed => "packed",
            Self::Branches => "branches",
        }
    }
}

/// The type of the codes that a generated crate takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeType {
    /// Bytes; for models with [`QuantModel::code_bits`] of 8.
    U8,
    /// Signed 16-bit integers.
    I16,
    /// The same without a sign, 32,768 more each, which branches compare with constants that take one
    /// instruction where negative ones take two. What is asked for as signed becomes this where some
    /// threshold is negative and codes are made anyway.
    U16,
    /// None: branches compare rows of `i32` and `f32` as they are, each split with the last reading
    /// that its threshold sends left. Not where a reading may be missing or is a category.
    Reading,
}

/// Everything that is left open by a quantized model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How trees are written; naive Bayes has one form.
    pub encoding: Encoding,
    /// The type of codes.
    pub code_type: CodeType,
    /// Thresholds of tables take 16 bits even where 8 would do.
    pub wide_thresholds: bool,
    /// Trees are asked until the rest cannot change the class.
    pub early_exit: bool,
    /// The share of the certain votes or lead at which an early exit stops, above 0 and at most 1.
    /// With 1 the class is that of all trees; with less it may differ, as [`crate::Exit`] tells.
    pub exit_margin: f64,
    /// Branches count votes in memory, which is cheaper than in registers where constants are
    /// (Armv6-M).
    pub counts_in_memory: bool,
    /// The core reads words from any address (Armv7-M and later mainline cores).
    pub unaligned: bool,
}

impl Options {
    /// The plainest form that fits every model: tables, codes as wide as they are, no exit.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            encoding: Encoding::Table,
            code_type: CodeType::I16,
            wide_thresholds: false,
            early_exit: false,
            exit_margin: 1.0,
            counts_in_memory: false,
            unaligned: false,
        }
    }

    /// The options as far as they mean something for `model`; whether an exit is ever taken depends
    /// on its trees.
    pub(crate) fn fitted(mut self, model: &QuantModel) -> Self {
        if self.code_type == CodeType::Reading && !self.compares_readings(model) {
            self.code_type = CodeType::U8;
        }
        if self.code_type == CodeType::U8 && model.code_bits() != 8 {
            self.code_type = CodeType::I16;
        }
        // A detector beside the classifier reads its codes.
        if self.code_type == CodeType::I16 && model.outliers().is_none() && self.shifts_codes(model)
        {
            self.code_type = CodeType::U16;
        }
        let takes_all_trees = model.task() == Task::Regress || model.margin().is_some();
        if model.forest().is_none() || takes_all_trees {
            self.early_exit = false;
        }
        self
    }

    fn shifts_codes(&self, model: &QuantModel) -> bool {
        let are_readings = model.is_identity() && model.reading_type() == ReadingType::I16;
        let is_negative = |forest: &QuantForest| forest.splits().iter().any(|it| it.threshold < 0);
        let is_code = self.encoding == Encoding::Branches;
        is_code && !are_readings && model.forest().is_some_and(is_negative)
    }

    /// Whether what is generated may compare readings instead of codes.
    fn compares_readings(&self, model: &QuantModel) -> bool {
        let is_number =
            |input: &Input| input.missing.is_none() && !matches!(input.coding, Coding::Set { .. });
        self.encoding == Encoding::Branches
            && model.outliers().is_none()
            && model.forest().is_some()
            && matches!(model.reading_type(), ReadingType::I32 | ReadingType::F32)
            && model.inputs().iter().all(is_number)
    }
}

/// The type of scores: sums of votes, or those of naive Bayes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ScoreType {
    U32,
    I64,
}

impl ScoreType {
    pub(crate) fn of(model: &QuantModel) -> Self {
        match model.forest() {
            Some(_) => Self::U32,
            None => Self::I64,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U32 => "u32",
            Self::I64 => "i64",
        }
    }

    pub(crate) fn name_in_c(self) -> &'static str {
        match self {
            Self::U32 => "uint32_t",
            Self::I64 => "int64_t",
        }
    }

    /// The type of what one score is above another.
    pub(crate) fn lead(self) -> &'static str {
        match self {
            Self::U32 => "u32",
            Self::I64 => "u64",
        }
    }

    /// The same in C, and what its constants end in.
    pub(crate) fn lead_in_c(self) -> (&'static str, &'static str) {
        match self {
            Self::U32 => ("uint32_t", "u"),
            Self::I64 => ("uint64_t", "ull"),
        }
    }
}
