//! How labels are read: numbers by their value, text as it stands without the spaces around it.

use std::collections::{BTreeMap, HashMap};

use crate::limits::Budget;
use crate::npy::float_repr;
use crate::{DataError, Note};

/// The labels of rows as they stand in a file, each text kept once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    texts: Vec<String>,
    index_of: HashMap<String, u32>,
    of_row: Vec<u32>,
}

impl Labels {
    /// Bytes that a row takes, here and in a data set.
    pub(crate) const ROW_BYTES: u64 = 20;
    /// Bytes that a text takes beside its letters, which are kept twice.
    const TEXT_BYTES: u64 = 160;

    /// Appends the label of a row.
    ///
    /// # Errors
    /// More texts than memory is left for.
    pub(crate) fn push(&mut self, text: &str, budget: &Budget) -> Result<(), DataError> {
        budget.take("the labels", Self::ROW_BYTES)?;
        let index = match self.index_of.get(text) {
            Some(index) => *index,
            None => {
                budget.take("the labels", Self::TEXT_BYTES + 2 * text.len() as u64)?;
                self.add(text)
            }
        };
        self.of_row.push(index);
        Ok(())
    }

    /// Appends the labels of other rows.
    pub(crate) fn extend(&mut self, others: &Self) {
        let index_of: Vec<u32> = (others.texts.iter())
            .map(|text| {
                self.index_of
                    .get(text)
                    .copied()
                    .unwrap_or_else(|| self.add(text))
            })
            .collect();
        let of_row = others.of_row.iter().map(|index| index_of[*index as usize]);
        self.of_row.extend(of_row);
    }

    fn add(&mut self, text: &str) -> u32 {
        let index = u32::try_from(self.texts.len()).expect("memory ends before");
        self.texts.push(text.to_owned());
        self.index_of.insert(text.to_owned(), index);
        index
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.of_row.len()
    }

    /// Number of different texts.
    pub(crate) fn n_texts(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.of_row.is_empty()
    }

    /// The label of each row.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.of_row
            .iter()
            .map(|index| self.texts[*index as usize].as_str())
    }

    /// Refuses the first label that [`is_missing`].
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let Some(text) = self.texts.iter().position(|text| is_missing(text)) else {
            return Ok(());
        };
        let row = self.of_row.iter().position(|it| *it as usize == text);
        check(&self.texts[text], || {
            format!("labels, row {}", row.unwrap_or_default())
        })
    }
}

impl<T: AsRef<str>> FromIterator<T> for Labels {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut labels = Self::default();
        for text in texts {
            let text = text.as_ref();
            let known = labels.index_of.get(text).copied();
            let index = known.unwrap_or_else(|| labels.add(text));
            labels.of_row.push(index);
        }
        labels
    }
}

/// What a label's class is called: a number in its shortest form, so that `1`, `01`, `1.0` and `1e0`
/// are one class; anything else as it stands, without the spaces around it.
pub fn canonical(label: &str) -> String {
    const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
    let label = label.trim();
    if let Ok(integer) = label.parse::<i64>() {
        return integer.to_string();
    }
    match label.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() <= INTEGER_MAX => {
            // Adding zero makes it positive.
            format!("{}", number + 0.0)
        }
        Ok(number) if number.is_finite() && number.fract() != 0.0 => float_repr(number),
        _ => label.to_owned(),
    }
}

/// Whether a label stands for one that is not there, as tools write it.
pub fn is_missing(label: &str) -> bool {
    const WORDS: [&str; 8] = ["", "?", "na", "n/a", "nan", "null", "#n/a", "<na>"];
    WORDS.contains(&label.trim().to_lowercase().as_str())
}

/// Refuses a label that [`is_missing`]; `place` is where it stands.
///
/// # Errors
/// A missing label.
pub fn check(label: &str, place: impl FnOnce() -> String) -> Result<(), DataError> {
    if !is_missing(label) {
        return Ok(());
    }
    Err(match label.trim() {
        "" => DataError::new(place(), "an empty field", "a class"),
        label => broken!(
            place(); "\"{label}\", which stands for a missing value";
            "a class (drop the row, or give the class another name)"
        ),
    })
}

/// The number that a label is; `place` is where it stands.
///
/// # Errors
/// A word, a number that is not finite, a missing label.
pub(crate) fn number(label: &str, place: impl FnOnce() -> String) -> Result<f64, DataError> {
    let number = label.trim().parse::<f64>().ok();
    number.filter(|it| it.is_finite()).ok_or_else(|| {
        let found = match label.trim() {
            "" => "an empty field".to_owned(),
            label => format!("\"{label}\""),
        };
        let expected = if is_missing(label) {
            "a number (drop the row)"
        } else if number.is_some() {
            "a finite number"
        } else {
            "a number, which is what a regressor is asked for (a column of words is for a \
             classifier: `task = \"classify\"`)"
        };
        DataError::new(place(), found, expected)
    })
}

/// The classes of labels, in scikit-learn's order, the class of each row, and a note for classes
/// that are spelt in several ways. Without `by_value`, numbers count by their text, too.
pub(crate) fn classes(labels: &Labels, by_value: bool) -> (Vec<String>, Vec<usize>, Option<Note>) {
    let mut counts = vec![0_usize; labels.texts.len()];
    for index in &labels.of_row {
        counts[*index as usize] += 1;
    }
    let class_of = |text: &String| match by_value {
        true => canonical(text),
        false => text.trim().to_owned(),
    };
    let named: Vec<String> = labels.texts.iter().map(class_of).collect();
    let mut spellings: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for ((class, text), count) in named.iter().zip(&labels.texts).zip(counts) {
        spellings.entry(class).or_default().insert(text, count);
    }
    let merged: Vec<String> = spellings
        .iter()
        .filter(|(_, spellings)| spellings.len() > 1)
        .map(|(class, spellings)| {
            let spellings: Vec<String> = (spellings.iter())
                .map(|(spelling, n_rows)| format!("{spelling:?} ({n_rows} rows)"))
                .collect();
            format!("{} are the class \"{class}\"", spellings.join(" and "))
        })
        .collect();
    let note = (!merged.is_empty()).then(|| Note::new("label-spellings", merged.join("; ")));
    let classes = in_order(spellings.keys().map(|class| (*class).to_owned()).collect());
    let index_of: HashMap<&str, usize> = (classes.iter().enumerate())
        .map(|(index, class)| (class.as_str(), index))
        .collect();
    let of_text: Vec<usize> = named.iter().map(|class| index_of[class.as_str()]).collect();
    let of_row = labels.of_row.iter();
    let of_row = of_row.map(|index| of_text[*index as usize]).collect();
    (classes, of_row, note)
}

/// Distinct classes, sorted by their bytes, in scikit-learn's order.
fn in_order(mut classes: Vec<String>) -> Vec<String> {
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| class.parse().ok()).collect();
    if numbers.is_some_and(|numbers| numbers.iter().all(|number| number.is_finite())) {
        let value = |class: &String| class.parse::<f64>().unwrap_or(f64::NAN);
        classes.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    classes
}

/// A note for classes that differ only in case.
pub(crate) fn alike(classes: &[String]) -> Option<Note> {
    let mut by_word: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for class in classes {
        by_word.entry(class.to_lowercase()).or_default().push(class);
    }
    let alike: Vec<String> = (by_word.values())
        .filter(|classes| classes.len() > 1)
        .map(|classes| format!("\"{}\"", classes.join("\" and \"")))
        .collect();
    (!alike.is_empty()).then(|| {
        let text = format!(
            "classes differ only in case, and stay apart: {}",
            alike.join("; ")
        );
        Note::new("classes-alike", text)
    })
}
