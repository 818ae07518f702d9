//! Fixed-point inference for microcontrollers: tree ensembles and Gaussian naive Bayes in Q15.
//!
//! Host and device run this one crate, which makes their results equal bit for bit. It needs no
//! `std`, allocates nothing, computes no float, divides nowhere and cannot panic: tables are
//! proven when they are built, in a generated crate by the compiler itself, and inference then has
//! nothing left to fail at.
//!
//! A *reading* is what the sensor delivers, a *code* is its 16-bit form: [`coding`] leads from the
//! one to the other. Models compare and multiply codes alone.
#![no_std]

pub mod bayes;
pub mod coding;
pub mod compact;
pub mod forest;
mod nodes;
pub mod packed;
pub mod probability;
pub mod votes;
mod walk;

/// Why tables were refused; in a generated crate the text of a compiler error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableError {
    /// No tree, no feature, no class, or more than the formats hold.
    Count,
    /// A tree's splits do not lie within the table of splits.
    TreeRange,
    /// A child that is neither a later split of its tree nor a leaf.
    Child,
    /// A split on a feature that the model does not have.
    Feature,
    /// A leaf codebook that is not a whole number of rows, or a class that does not exist.
    Leaf,
    /// Bayes tables whose length is not features times classes, or whose exponents overflow.
    Shape,
}

impl TableError {
    /// Stops compilation of a generated crate with the reason; never called at run time.
    ///
    /// # Panics
    /// Always; that is how a constant refuses to compile.
    #[track_caller]
    pub const fn refuse(self) -> ! {
        match self {
            Self::Count => panic!("a count is zero or beyond the format"),
            Self::TreeRange => panic!("a tree lies outside the table of splits"),
            Self::Child => panic!("a child is neither a later split nor a leaf"),
            Self::Feature => panic!("a split names a feature that does not exist"),
            Self::Leaf => panic!("a leaf names a class or codebook row that does not exist"),
            Self::Shape => panic!("Bayes tables do not fit features and classes"),
        }
    }
}

/// A row whose length is not the model's number of features, or a score buffer of another length
/// than its number of classes. Arrays of a generated crate's own types always fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShapeError;

/// Index of the largest score, the lowest index among equals; 0 if there are none.
#[must_use]
#[inline]
pub fn argmax<S: Copy + PartialOrd>(scores: &[S]) -> usize {
    let mut scores = scores.iter().copied();
    let Some(mut highest) = scores.next() else {
        return 0;
    };
    let mut best = 0;
    for (index, score) in (1..).zip(scores) {
        if score > highest {
            highest = score;
            best = index;
        }
    }
    best
}
