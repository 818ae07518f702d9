//! Gaussian naive Bayes in integers: a constant per class less a weighted square per feature.
//!
//! `score(c) = constant(c) − Σᵢ weight(c,i) · (code(i) − mean(c,i))²`, which is the joint log
//! likelihood `log P(c) − ½ Σ log(2π σ²) − ½ Σ (x − θ)² / σ²` in units of `2^−score_bits`, with
//! priors and log σ folded into the constant. A weight is a small float: 11 bits of mantissa, 5 of
//! exponent, since variances of one model may differ by a factor of 10⁹.

use crate::{ShapeError, TableError, argmax};

/// The term of one class and feature, four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Term {
    /// The mean, as a code of the feature.
    pub mean: i16,
    /// Mantissa in the upper 11 bits, exponent in the lower 5: the weight is
    /// `mantissa · 2^−(exponent + shift)` with the model's `shift`.
    pub weight: u16,
}

/// Bits of a weight that hold its exponent.
pub const EXPONENT_BITS: u32 = 5;

/// Tables of a naive Bayes model, not yet checked.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'t> {
    /// Number of features, 1 to 65,535.
    pub n_features: usize,
    /// Number of classes, 1 to 255.
    pub n_classes: usize,
    /// Row after row: the terms of class 0 for each feature, then those of class 1, …
    pub terms: &'t [Term],
    /// One constant per class, in score units, within ±2^61.
    pub constants: &'t [i64],
    /// Added to every exponent, 0 to 31.
    pub shift: u8,
}

/// A checked naive Bayes model. No sum overflows: a difference of codes has 17 bits, its square 32
/// (unsigned), a term at most 43, and 65,535 terms less than 60.
#[derive(Debug, Clone, Copy)]
pub struct GaussianNb<'t> {
    tables: Tables<'t>,
}

const CONSTANT_MAX: i64 = 1 << 61;

impl<'t> GaussianNb<'t> {
    /// Checks tables, at compile time in a generated crate.
    ///
    /// # Errors
    /// Counts out of range, tables of another length, a constant or shift out of range.
    pub const fn new(tables: Tables<'t>) -> Result<Self, TableError> {
        if tables.n_features == 0
            || tables.n_features > 65_535
            || tables.n_classes == 0
            || tables.n_classes > 255
        {
            return Err(TableError::Count);
        }
        if tables.terms.len() != tables.n_features * tables.n_classes
            || tables.constants.len() != tables.n_classes
            || tables.shift > 31
        {
            return Err(TableError::Shape);
        }
        let mut class = 0;
        while class < tables.n_classes {
            let constant = tables.constants[class];
            if constant > CONSTANT_MAX || constant < -CONSTANT_MAX {
                return Err(TableError::Shape);
            }
            class += 1;
        }
        Ok(Self { tables })
    }

    /// Number of features of a row.
    #[must_use]
    pub const fn n_features(&self) -> usize {
        self.tables.n_features
    }

    /// Number of classes.
    #[must_use]
    pub const fn n_classes(&self) -> usize {
        self.tables.n_classes
    }

    /// Scores of one row: `scores[class]`, `n_classes` of them, in units of `2^−score_bits`.
    ///
    /// # Errors
    /// A row or a buffer of another length than the model's.
    #[inline]
    pub fn scores(&self, codes: &[i16], scores: &mut [i64]) -> Result<(), ShapeError> {
        if codes.len() != self.tables.n_features || scores.len() != self.tables.n_classes {
            return Err(ShapeError);
        }
        let rows = self
            .tables
            .terms
            .chunks_exact(self.tables.n_features.max(1));
        for ((score, constant), terms) in scores.iter_mut().zip(self.tables.constants).zip(rows) {
            let mut penalty = 0_u64;
            for (term, code) in terms.iter().zip(codes) {
                penalty = penalty.wrapping_add(weighted_square(*term, *code, self.tables.shift));
            }
            *score = constant.wrapping_sub(penalty.cast_signed());
        }
        Ok(())
    }

    /// The class with the highest score, the lowest among equals; `buffer` holds `n_classes`.
    ///
    /// # Errors
    /// A row or a buffer of another length than the model's.
    #[inline]
    pub fn classify(&self, codes: &[i16], buffer: &mut [i64]) -> Result<usize, ShapeError> {
        self.scores(codes, buffer)?;
        Ok(argmax(buffer))
    }
}

/// `⌊mantissa · (code − mean)² · 2^−(exponent + shift)⌋`, below 2^43.
#[inline]
#[must_use]
pub fn weighted_square(term: Term, code: i16, shift: u8) -> u64 {
    let distance = (i32::from(code) - i32::from(term.mean)).unsigned_abs();
    // At most 65,535², which fits 32 bits.
    let square = distance.wrapping_mul(distance);
    let mantissa = term.weight >> EXPONENT_BITS;
    let exponent = u32::from(term.weight & 31) + u32::from(shift & 31);
    (u64::from(square) * u64::from(mantissa)) >> exponent
}
