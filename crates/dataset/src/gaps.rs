//! Rows with missing readings: left out, or filled with medians.

use crate::{DataError, Dataset};

/// What stands for missing readings of a feature; `None` where none is missing.
pub type Fills = Vec<Option<f64>>;

impl Dataset {
    /// The rows that have all readings of the features that `matters` names.
    ///
    /// # Errors
    /// No such row.
    pub fn without_gaps(&self, matters: &dyn Fn(&str) -> bool) -> Result<Self, DataError> {
        let matters: Vec<bool> = self.features().iter().map(|name| matters(name)).collect();
        let rows = self.values().rows().into_iter().enumerate();
        let whole: Vec<usize> = rows
            .filter(|(_, row)| {
                !(row.iter().zip(&matters)).any(|(it, matters)| *matters && it.is_nan())
            })
            .map(|(row, _)| row)
            .collect();
        if whole.is_empty() {
            return Err(broken!(
                "the data"; "{} rows, each with a missing reading", self.n_rows();
                "rows with all readings (`ignore` in [dataset] leaves out a column that has few)"
            ));
        }
        Ok(self.select(&whole))
    }

    /// The median of each feature that has gaps, in these rows or in `others`; the mean of the two in
    /// the middle where there is no one.
    ///
    /// # Errors
    /// A feature with gaps and no reading in these rows.
    pub fn medians(&self, others: &[&Self]) -> Result<Fills, DataError> {
        let has_gaps = |rows: &Self, feature: usize| {
            rows.values().column(feature).iter().any(|it| it.is_nan())
        };
        (0..self.features().len())
            .map(|feature| {
                let all = others.iter().copied().chain([self]);
                if !all.into_iter().any(|rows| has_gaps(rows, feature)) {
                    return Ok(None);
                }
                let readings = self.values().column(feature);
                let mut readings: Vec<f64> =
                    readings.iter().copied().filter(|it| !it.is_nan()).collect();
                readings.sort_by(f64::total_cmp);
                let n = readings.len();
                match readings.get(n / 2) {
                    Some(upper) if n % 2 == 1 => Ok(Some(*upper)),
                    // Halves first: their sum stays finite.
                    Some(upper) => Ok(Some(readings[n / 2 - 1] / 2.0 + upper / 2.0)),
                    None => Err(DataError::new(
                        format!("the training rows, feature {:?}", self.features()[feature]),
                        "no reading",
                        "some, to take the median of (`ignore` in [dataset] leaves the column out)",
                    )),
                }
            })
            .collect()
    }

    /// The same rows with these readings in place of missing ones.
    #[must_use]
    pub fn filled(&self, fills: &[Option<f64>]) -> Self {
        let mut filled = self.clone();
        for (feature, fill) in fills.iter().enumerate() {
            let Some(fill) = fill else { continue };
            let mut column = filled.rows.values.column_mut(feature);
            column.map_inplace(|it| *it = if it.is_nan() { *fill } else { *it });
        }
        filled
    }
}
