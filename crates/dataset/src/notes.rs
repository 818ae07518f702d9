//! What is odd about rows though they can be used; `RULES` has each rule.

use std::collections::{BTreeSet, HashMap, HashSet};

use ndarray::ArrayView1;

use crate::{Dataset, Note, csv};

/// Fewer rows than these show nothing by their order.
const ROWS_MIN: usize = 20;
/// Fewer different readings than these may follow the classes by themselves.
const VALUES_MIN: usize = 5;
/// Columns that a note names one by one.
const SHOWN: usize = 3;

/// What is odd about the labels of one file.
pub fn of_labels(rows: &Dataset) -> Vec<Note> {
    rows.notes().to_vec()
}

/// What is odd about the rows of one file, in the order of the file, before they are divided.
pub fn of_file(rows: &Dataset) -> Vec<Note> {
    (of_labels(rows).into_iter())
        .chain(no_header(rows.features()))
        .chain(numeric_classes(rows))
        .chain(orders_rows(rows))
        .chain(beyond_float32(rows))
        .collect()
}

/// Whether classes look like numbers that were measured: all are numbers, and some have a fraction.
pub fn are_numbers(classes: &[String]) -> bool {
    let numbers = classes.iter().map(|name| name.parse::<f64>().ok());
    let numbers: Option<Vec<f64>> = numbers.collect();
    numbers.is_some_and(|all| all.iter().any(|it| it.fract() != 0.0))
}

/// More classes than a dozen that look like numbers.
fn numeric_classes(rows: &Dataset) -> Option<Note> {
    const CLASSES_MAX: usize = 12;
    let n_classes = rows.classes().len();
    (n_classes > CLASSES_MAX && are_numbers(rows.classes())).then(|| {
        Note::new(
            "numeric-classes",
            format!(
                "{n_classes} classes are numbers, some with a fraction ({}); `task = \"regress\"` in \
                 [model] predicts numbers",
                csv::preview(rows.classes())
            ),
        )
    })
}

/// What is odd about test rows beside the training rows, with columns in the same order.
pub fn of_sides(train: &Dataset, test: &Dataset) -> Option<Note> {
    let (n_twice, first) = twice(train, test)?;
    Some(Note::new(
        "test-rows-train",
        format!(
            "{n_twice} of {} test rows equal a training row in every reading (the first is row \
             {first}); they say nothing about rows that the model has not seen",
            test.n_rows(),
        ),
    ))
}

/// What is odd about rows for validation beside those of the other sides, with columns in the same
/// order.
pub fn of_validation(train: Option<&Dataset>, test: &Dataset, validation: &Dataset) -> Vec<Note> {
    let sides = [
        (
            train,
            "training",
            "they say nothing about rows that the model has not seen",
        ),
        (
            Some(test),
            "test",
            "what is chosen on them is chosen on the test",
        ),
    ];
    let note = |(side, name, then): (Option<&Dataset>, &str, &str)| {
        let (n_twice, first) = twice(side?, validation)?;
        Some(Note::new(
            "validation-rows",
            format!(
                "{n_twice} of {} rows for validation equal a {name} row in every reading (the first is \
                 row {first}); {then}",
                validation.n_rows(),
            ),
        ))
    };
    sides.into_iter().filter_map(note).collect()
}

/// How many of these rows equal a known one in every reading, and the number of the first; `None` where
/// none does.
fn twice(known: &Dataset, rows: &Dataset) -> Option<(usize, usize)> {
    let bits = |row: ArrayView1<'_, f64>| -> Vec<u64> {
        // Zeros of both signs are the same reading.
        row.iter()
            .map(|reading| (reading + 0.0).to_bits())
            .collect()
    };
    let known: HashSet<Vec<u64>> = known.values().rows().into_iter().map(bits).collect();
    let twice: Vec<usize> = (0..rows.n_rows())
        .filter(|row| known.contains(&bits(rows.values().row(*row))))
        .collect();
    Some((twice.len(), rows.source_rows()[*twice.first()?]))
}

/// A note on columns that nobody asks for.
pub fn unused_columns(columns: &[String]) -> Option<Note> {
    (!columns.is_empty()).then(|| {
        Note::new(
            "unused-columns",
            format!(
                "columns that are no features of the model are left out: {}",
                csv::preview(columns)
            ),
        )
    })
}

/// A note on rows that are left out for their gaps, of so many in a file.
pub fn dropped(file: &str, n_rows: usize, n_whole: usize) -> Option<Note> {
    (n_whole < n_rows).then(|| {
        Note::new(
            "dropped-rows",
            format!(
                "{file}: {} of {n_rows} rows miss readings and are left out; the device must be given \
                 none of that kind",
                n_rows - n_whole
            ),
        )
    })
}

/// A note on what takes the place of missing readings.
pub fn filled(features: &[String], fills: &[Option<f64>]) -> Option<Note> {
    let filled: Vec<String> = (features.iter().zip(fills))
        .filter_map(|(name, fill)| Some(format!("\"{name}\" {}", (*fill)?)))
        .collect();
    (!filled.is_empty()).then(|| {
        Note::new(
            "filled-gaps",
            format!(
                "missing readings count as the median of the training rows, on the device too: {}",
                csv::preview(&filled)
            ),
        )
    })
}

/// A note on groups that are on one side each, by the group of each row.
pub fn groups(train: &[String], test: &[String]) -> Note {
    let [train, test] = [train, test].map(|rows| rows.iter().collect::<BTreeSet<&String>>());
    let names: Vec<String> = test.iter().map(|it| (*it).clone()).collect();
    Note::new(
        "groups",
        format!(
            "{} groups train, {} test: {}",
            train.len(),
            test.len(),
            csv::preview(&names)
        ),
    )
}

/// Names that are all numbers, but not those that count columns, as pandas names them.
fn no_header(features: &[String]) -> Option<Note> {
    let numbers: Option<Vec<f64>> = features.iter().map(|name| name.parse().ok()).collect();
    let numbers = numbers?;
    if numbers.len() > 1 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0) {
        return None;
    }
    Some(Note::new(
        "no-header",
        format!(
            "the first line reads as a row, not as names ({}); `header = false` in [dataset] takes \
             it for one, and `label` is then a column's number, from 0 on",
            csv::preview(features)
        ),
    ))
}

fn orders_rows(rows: &Dataset) -> Vec<Note> {
    if rows.n_rows() < ROWS_MIN {
        return Vec::new();
    }
    let blocks = class_blocks(&rows.strata());
    (rows.features().iter())
        .zip(rows.values().columns())
        .filter_map(|(name, column)| {
            let how = order_of(&column, &blocks, rows.classes().len())?;
            Some(Note::new(
                "orders-rows",
                format!(
                    "\"{name}\" {how}, as a row's number or its time does; `ignore = [{name:?}]` in \
                     [dataset] leaves it out"
                ),
            ))
        })
        .collect()
}

/// Stretches of rows of one class, as first rows and rows after the last.
pub(crate) fn class_blocks(labels: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut blocks: Vec<std::ops::Range<usize>> = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        match blocks.last_mut() {
            Some(last) if labels[last.start] == *label => last.end = row + 1,
            _ => blocks.push(row..row + 1),
        }
    }
    blocks
}

/// In which order a column puts the rows, if it does.
///
/// Among `n` readings in random order, one in `n!/2` rises or falls throughout. What has few values
/// may follow the classes of a sorted file by itself, and so may be no more than a good feature.
pub(crate) fn order_of(
    column: &ArrayView1<'_, f64>,
    blocks: &[std::ops::Range<usize>],
    n_classes: usize,
) -> Option<&'static str> {
    let rises = |range: &std::ops::Range<usize>| {
        range
            .clone()
            .skip(1)
            .all(|row| column[row - 1] <= column[row])
    };
    let falls = |range: &std::ops::Range<usize>| {
        range
            .clone()
            .skip(1)
            .all(|row| column[row - 1] >= column[row])
    };
    // Where rows are ordered, equal readings follow each other.
    let n_values = |range: &std::ops::Range<usize>| {
        let changes = range
            .clone()
            .skip(1)
            .filter(|row| column[row - 1] != column[*row]);
        1 + changes.count()
    };
    let all = 0..column.len();
    if rises(&all) || falls(&all) {
        let is_many = n_values(&all) >= VALUES_MIN.max(n_classes + 1);
        return is_many.then_some(if rises(&all) {
            "rises from row to row"
        } else {
            "falls from row to row"
        });
    }
    let is_sorted_by_class = column.len() >= blocks.len() * VALUES_MIN * 2;
    if !is_sorted_by_class || blocks.iter().any(|block| n_values(block) < VALUES_MIN) {
        return None;
    }
    if blocks.iter().all(rises) {
        Some("rises from row to row of each class")
    } else if blocks.iter().all(falls) {
        Some("falls from row to row of each class")
    } else {
        None
    }
}

/// Readings that float32 makes one though rows of different classes have them.
///
/// What differs only in the last bits of a float64 is taken for the same: it comes from arithmetic.
fn beyond_float32(rows: &Dataset) -> Option<Note> {
    if rows.numbers().is_some() {
        return None;
    }
    // Casts: that is what is looked for.
    let single = |reading: f64| reading as f32;
    let is_other = |a: f64, b: f64| (a - b).abs() > a.abs().max(b.abs()) * 2_f64.powi(-44);
    let columns: Vec<String> = (rows.features().iter())
        .zip(rows.values().columns())
        .filter_map(|(name, column)| {
            // Integers and short decimals are quick to tell.
            if column
                .iter()
                .all(|reading| f64::from(single(*reading)) == *reading)
            {
                return None;
            }
            let mut groups: HashMap<u32, Vec<usize>> = HashMap::new();
            for (row, reading) in column.iter().enumerate() {
                groups
                    .entry(single(*reading).to_bits())
                    .or_default()
                    .push(row);
            }
            let mut n_rows = 0;
            let mut example: Option<(usize, f64, f64)> = None;
            for group in groups.values() {
                let first = group[0];
                let other = group.iter().find(|row| {
                    rows.labels()[**row] != rows.labels()[first]
                        && is_other(column[**row], column[first])
                });
                if let Some(other) = other {
                    n_rows += group.len();
                    if example.is_none_or(|(row, ..)| first < row) {
                        example = Some((first, column[first], column[*other]));
                    }
                }
            }
            let (_, one, other) = example?;
            Some(format!(
                "\"{name}\" in {n_rows} rows ({one} and {other} are both {})",
                single(one)
            ))
        })
        .collect();
    if columns.is_empty() {
        return None;
    }
    let more = match columns.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    Some(Note::new(
        "float32",
        format!(
            "readings of different classes are the same in float32, in which models compare them: \
             {}{more}; take an offset off, or split the column in two",
            columns[..columns.len().min(SHOWN)].join(", ")
        ),
    ))
}
