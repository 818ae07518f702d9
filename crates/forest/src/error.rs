//! What can be wrong with parameters, training data or a stored model.

/// Why a forest cannot be trained, read or used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ForestError {
    /// A parameter is out of its range, or contradicts another.
    #[error("{name}: found {found}, expected {expected}")]
    Parameter {
        /// The parameter's name, as its setter is called.
        name: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        expected: &'static str,
    },
    /// The records have no row or no column, or more than 2^31 of either.
    #[error(
        "the records have {rows} rows and {columns} columns, expected 1 to {} of each",
        crate::fit::ROWS_MAX
    )]
    Shape {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// Labels or weights and rows differ in number.
    #[error("found {found} {what}, expected one for each of the {rows} rows")]
    Count {
        /// `labels` or `weights`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// A value is NaN or infinite once cast to float32.
    #[error(
        "row {row}, column {column}: found {found}, expected a number that is finite in float32"
    )]
    NotFinite {
        /// Row index, from 0.
        row: usize,
        /// Column index, from 0.
        column: usize,
        /// The value.
        found: f64,
    },
    /// A label is too large to be a class index.
    #[error("row {row}: found label {found}, expected a class index of at most {max}")]
    Label {
        /// Row index, from 0.
        row: usize,
        /// The label.
        found: usize,
        /// The largest class index.
        max: usize,
    },
    /// A row's number is not finite, or too large for squares of sums.
    #[error("row {row}: found {found}, expected a number of at most 1e100 in size")]
    Number {
        /// Row index, from 0.
        row: usize,
        /// The number.
        found: f64,
    },
    /// A row's weight is negative or not finite.
    #[error("row {row}: found weight {found}, expected a finite number of at least 0")]
    Weight {
        /// Row index, from 0.
        row: usize,
        /// The weight.
        found: f32,
    },
    /// All weights are zero.
    #[error("found no row with a weight above 0, expected at least one")]
    NoWeight,
    /// Rows to predict have another number of columns than the training rows had.
    #[error("the rows have {found} columns, expected the {expected} that the model was trained on")]
    Columns {
        /// Number of columns given.
        found: usize,
        /// Number of columns of the training rows.
        expected: usize,
    },
    /// A model that was read is not a tree, or its parts do not fit together.
    #[error("{place}: found {found}, expected {expected}")]
    Model {
        /// The part of the model, for example `nodes[17].left`.
        place: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// The watch's cancellation flag was set.
    #[error("training was cancelled")]
    Cancelled,
    /// An error of linfa itself.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
