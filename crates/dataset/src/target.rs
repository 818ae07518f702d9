//! What is known of rows: a class each, or numbers.

use std::collections::HashSet;

use ndarray::{Array2, Axis};

use crate::{DataError, Labels, Note, labels};

/// What labels are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelsAre {
    /// Classes, of any text.
    #[default]
    Classes,
    /// Classes of which two of one value, such as `1` and `1.0`, are not the same.
    Texts,
    /// Finite numbers.
    Numbers,
}

impl LabelsAre {
    /// How labels are read that a model with these classes is to find: by their text, where it tells
    /// classes of one value apart.
    pub fn of_classes(classes: &[String]) -> Self {
        let mut values = HashSet::new();
        let is_new = |class: &String| values.insert(labels::canonical(class));
        if classes.iter().all(is_new) {
            Self::Classes
        } else {
            Self::Texts
        }
    }
}

/// What is known of each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Its class.
    Classes {
        /// The names, in scikit-learn's order.
        names: Vec<String>,
        /// Per row an index into them.
        of_row: Vec<usize>,
    },
    /// Finite numbers, `n_rows` × `n_targets`.
    Numbers(Array2<f64>),
}

impl Target {
    /// Makes of labels what they are read as, and notes what is odd about them; where they are numbers,
    /// `n_targets` of them are a row's.
    ///
    /// # Errors
    /// A label that is no finite number where numbers are wanted.
    pub(crate) fn of(
        labels: &Labels,
        are: LabelsAre,
        n_targets: usize,
    ) -> Result<(Self, Vec<Note>), DataError> {
        match are {
            LabelsAre::Classes | LabelsAre::Texts => {
                let by_value = are == LabelsAre::Classes;
                let (names, of_row, spellings) = labels::classes(labels, by_value);
                let notes = spellings.into_iter().chain(labels::alike(&names));
                let notes = notes.collect();
                Ok((Self::Classes { names, of_row }, notes))
            }
            LabelsAre::Numbers => {
                let numbers = labels.iter().enumerate().map(|(index, label)| {
                    labels::number(label, || format!("labels, row {}", index / n_targets))
                });
                let numbers = numbers.collect::<Result<Vec<f64>, _>>()?;
                let shape = (numbers.len() / n_targets, n_targets);
                let numbers = Array2::from_shape_vec(shape, numbers);
                let numbers = numbers.expect("each row has a label for each target");
                Ok((Self::Numbers(numbers), Vec::new()))
            }
        }
    }

    /// The target of rows that nothing is known of: one class without a name, or 0.
    pub(crate) fn none(n_rows: usize, are: LabelsAre) -> Self {
        match are {
            LabelsAre::Classes | LabelsAre::Texts => Self::Classes {
                names: vec![String::new()],
                of_row: vec![0; n_rows],
            },
            LabelsAre::Numbers => Self::Numbers(Array2::zeros((n_rows, 1))),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Classes { of_row, .. } => of_row.len(),
            Self::Numbers(numbers) => numbers.nrows(),
        }
    }

    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes { names, of_row } => Self::Classes {
                names: names.clone(),
                of_row: rows.iter().map(|row| of_row[*row]).collect(),
            },
            Self::Numbers(numbers) => Self::Numbers(numbers.select(Axis(0), rows)),
        }
    }
}
