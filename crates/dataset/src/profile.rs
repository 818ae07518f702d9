//! What is seen in tables before anything is known of them: columns with what they hold, the one that is
//! likely the label, and those that look like no sensor's.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use crate::columns::{is_missing, number};
use crate::dialect::Dialect;
use crate::{Budget, DataError, Labels, Note, Shape, Table, csv, labels, notes, unpacked};

/// More different words than these are not counted further.
const WORDS_MAX: usize = 10_000;
/// More classes than these are no classes, where only numbers tell.
const CLASSES_MAX: usize = 20;
/// Fewer rows than these show nothing by their order, or by being different.
const ROWS_MIN: usize = 20;

/// Names that labels have, in the order in which they are looked for.
pub const LABELS: [&str; 14] = [
    "label",
    "class",
    "target",
    "activity",
    "category",
    "gesture",
    "species",
    "state",
    "y",
    "outcome",
    "diagnosis",
    "fault",
    "type",
    "quality",
];
/// Names of what rows are alike in.
const GROUPS: [&str; 10] = [
    "person",
    "subject",
    "participant",
    "user",
    "volunteer",
    "patient",
    "group",
    "session",
    "device",
    "who",
];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Whole numbers.
    Integers,
    /// Numbers.
    Numbers,
    /// `true` and `false`.
    Booleans,
    /// Words alone.
    Words,
    /// Numbers and words.
    Mixed,
    /// Nothing.
    Empty,
}

/// What makes a column suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remark {
    /// It says the same in each row.
    Constant,
    /// It only rises or only falls, as time does.
    OrdersRows,
    /// It says something else in each row.
    Identifies,
    /// Each of its few values is of one class alone, as a second label is.
    TellsLabel,
}

/// A column of tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnProfile {
    /// Its name, or its number where there are no names.
    pub name: String,
    /// How `ignore` names it; `None` of the label.
    pub feature: Option<String>,
    /// What it holds.
    pub kind: Kind,
    /// The lowest number.
    pub min: Option<f64>,
    /// The highest number.
    pub max: Option<f64>,
    /// How many different values it has, `WORDS_MAX` at most of words.
    pub n_distinct: usize,
    /// How many rows have nothing in it.
    pub n_missing: usize,
    /// Its first words.
    pub words: Vec<String>,
    /// What is suspicious.
    pub remarks: Vec<Remark>,
    /// What goes by the name of a thing that rows are alike in.
    pub is_group: bool,
}

/// A class, and how many rows it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub n_rows: usize,
}

/// Why a column is likely the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was named.
    Asked,
    /// Its name is one that labels have.
    Name,
    /// It is the last column of words that repeat.
    Words,
    /// It is the last column of few whole numbers.
    Integers,
}

/// The column that is likely the label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Likely {
    /// Its name or number.
    pub column: String,
    /// Why.
    pub why: Why,
    /// The classes, in their order; empty where labels are missing or too many.
    pub classes: Vec<ClassCount>,
}

/// What tables with the same columns hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Whether the first line names the columns.
    pub header: bool,
    /// How the tables are written, where that is worth a word.
    pub dialects: Vec<String>,
    /// Number of rows.
    pub n_rows: usize,
    /// Rows that say what an earlier one says.
    pub n_repeated: usize,
    /// The columns of the first table, in its order.
    pub columns: Vec<ColumnProfile>,
    /// `None` where no column looks like one.
    pub label: Option<Likely>,
}

/// What is read of a column.
#[derive(Default)]
struct Read {
    numbers: Vec<f64>,
    words: BTreeMap<String, usize>,
    n_words: usize,
    n_booleans: usize,
    n_missing: usize,
}

impl Profile {
    /// Looks at tables with the same columns, each a name and its bytes, gzipped or not. `label` is the
    /// label's column, if that is known.
    ///
    /// # Errors
    /// What [`Table`] refuses, columns that another table has not; each names the table.
    ///
    /// # Panics
    /// If there are no tables.
    pub fn of(files: &[(&str, &[u8])], label: Option<&str>) -> Result<Self, DataError> {
        let [first, ..] = files else {
            panic!("at least one table")
        };
        let mut profile = Self {
            header: true,
            dialects: Vec::new(),
            n_rows: 0,
            n_repeated: 0,
            columns: Vec::new(),
            label: None,
        };
        let mut names: Vec<String> = Vec::new();
        let mut reads: Vec<Read> = Vec::new();
        let mut seen: HashSet<u64> = HashSet::new();
        let mut fields: Vec<Labels> = Vec::new();
        for (index, (name, bytes)) in files.iter().enumerate() {
            let at_fault = |error: DataError| match files.len() {
                1 => error,
                _ => DataError {
                    place: format!("{name}: {}", error.place),
                    ..error
                },
            };
            let budget = &Budget::of(bytes.len());
            let bytes = &unpacked(bytes, budget).map_err(at_fault)?;
            let shape = Shape::of(bytes, true.into()).map_err(at_fault)?;
            let mut table = Table::of(bytes, shape.clone()).map_err(at_fault)?;
            if index == 0 {
                profile.header = !is_row(table.names());
            }
            let mut shape = shape;
            if !profile.header {
                shape = Shape::of(bytes, Dialect::from(false)).map_err(at_fault)?;
                table = Table::of(bytes, shape.clone()).map_err(at_fault)?;
            }
            table.check_names().map_err(at_fault)?;
            if index == 0 {
                names = table.names().to_vec();
                reads = names.iter().map(|_| Read::default()).collect();
                fields = names.iter().map(|_| Labels::default()).collect();
            }
            profile
                .dialects
                .extend(shape.note().map(|note| match files.len() {
                    1 => note.text,
                    _ => Note::of(note, name).text,
                }));
            let places = places(&names, table.names()).map_err(|missing| {
                DataError::new(
                    format!("{name} beside {}", first.0),
                    format!("columns that are not the same: {missing}"),
                    "the same columns in each of several files",
                )
            })?;
            while table.advance().map_err(at_fault)? {
                let mut hasher = DefaultHasher::new();
                for ((read, labels), place) in reads.iter_mut().zip(&mut fields).zip(&places) {
                    let field = table.field(*place).map_err(at_fault)?;
                    field.hash(&mut hasher);
                    budget.take("the rows", 8).map_err(at_fault)?;
                    read.take(field);
                    if labels.len() == profile.n_rows && labels.n_texts() <= WORDS_MAX {
                        labels.push(field, budget).map_err(at_fault)?;
                    }
                }
                profile.n_rows += 1;
                profile.n_repeated += usize::from(!seen.insert(hasher.finish()));
            }
        }
        if profile.n_rows == 0 {
            return Err(DataError::new("the file", "no rows", "at least one"));
        }
        let columns = names
            .iter()
            .zip(&reads)
            .map(|(name, read)| read.profile(name));
        profile.columns = columns.collect();
        profile.find_label(label, &fields);
        profile.remark(&reads, &fields);
        Ok(profile)
    }

    fn find_label(&mut self, known: Option<&str>, fields: &[Labels]) {
        let n_rows = self.n_rows;
        let may_be = |it: &&ColumnProfile| {
            let repeats = it.n_distinct >= 2 && it.n_distinct * 2 <= n_rows.max(4);
            it.n_missing == 0 && repeats
        };
        let named = |wanted: &str| {
            let is = |it: &&ColumnProfile| it.name.eq_ignore_ascii_case(wanted);
            self.columns.iter().filter(may_be).find(is)
        };
        let last = |kinds: &[Kind]| {
            let mut all = self.columns.iter().rev().filter(may_be);
            all.find(|it| kinds.contains(&it.kind) && it.n_distinct <= CLASSES_MAX)
        };
        let known = known.and_then(|wanted| self.columns.iter().find(|it| it.name == wanted));
        let found = known
            .map(|it| (it, Why::Asked))
            .or_else(|| LABELS.into_iter().find_map(named).map(|it| (it, Why::Name)))
            .or_else(|| last(&[Kind::Words]).map(|it| (it, Why::Words)))
            .or_else(|| {
                let kinds = [Kind::Integers, Kind::Booleans];
                last(&kinds).map(|it| (it, Why::Integers))
            });
        let Some((column, why)) = found else { return };
        let at = self.columns.iter().position(|it| it.name == column.name);
        let of_rows = at.map(|at| &fields[at]).filter(|it| it.len() == n_rows);
        let mut classes = Vec::new();
        if let Some(of_rows) =
            of_rows.filter(|it| it.iter().all(|label| !labels::is_missing(label)))
        {
            let (names, of_row, _) = labels::classes(of_rows, true);
            classes = names
                .into_iter()
                .map(|name| ClassCount { name, n_rows: 0 })
                .collect();
            for class in of_row {
                classes[class].n_rows += 1;
            }
        }
        self.label = Some(Likely {
            column: column.name.clone(),
            why,
            classes,
        });
    }

    /// Says what is suspicious, and how columns are called as features.
    fn remark(&mut self, reads: &[Read], fields: &[Labels]) {
        let names: Vec<String> = self.columns.iter().map(|it| it.name.clone()).collect();
        let label = self.label.as_ref().map(|it| &it.column);
        let at = label.and_then(|label| names.iter().position(|name| name == label));
        for (column, feature) in csv::feature_names(&names, self.header, at.as_slice()) {
            self.columns[column].feature = Some(feature);
        }
        let label = at
            .map(|at| &fields[at])
            .filter(|it| it.len() == self.n_rows);
        let n_classes = self.label.as_ref().map_or(0, |it| it.classes.len());
        let of_row = label.map(|label| labels::classes(label, true).1);
        let one_block = vec![0; self.n_rows];
        let blocks = notes::class_blocks(of_row.as_ref().unwrap_or(&one_block));
        for (index, column) in self.columns.iter_mut().enumerate() {
            if column.feature.is_none() {
                continue;
            }
            let read = &reads[index];
            let is_full = column.n_missing == 0 && self.n_rows >= ROWS_MIN;
            let readings = ndarray::ArrayView1::from(&read.numbers);
            let is_numbers = matches!(column.kind, Kind::Integers | Kind::Numbers);
            let is_order =
                is_full && is_numbers && notes::order_of(&readings, &blocks, n_classes).is_some();
            let is_other = is_full && column.n_distinct == self.n_rows.min(WORDS_MAX);
            let tells = || {
                let few = column.n_distinct * 5 <= self.n_rows && column.n_distinct >= 2;
                let own = &fields[index];
                few && n_classes > 1
                    && own.len() == self.n_rows
                    && of_row.as_ref().is_some_and(|of_row| tells(own, of_row))
            };
            let remark = if column.n_distinct <= 1 {
                Some(Remark::Constant)
            } else if is_order {
                Some(Remark::OrdersRows)
            } else if is_other && matches!(column.kind, Kind::Integers | Kind::Words | Kind::Mixed)
            {
                Some(Remark::Identifies)
            } else if tells() {
                Some(Remark::TellsLabel)
            } else {
                None
            };
            column.remarks.extend(remark);
            let is_named = GROUPS
                .iter()
                .any(|name| column.name.eq_ignore_ascii_case(name));
            column.is_group = is_named && column.n_missing == 0 && column.n_distinct >= 2;
        }
    }
}

impl Read {
    fn take(&mut self, field: &str) {
        if is_missing(field) {
            self.n_missing += 1;
            return self.numbers.push(f64::NAN);
        }
        let reading = number(field).filter(|it| it.is_finite());
        self.numbers.push(reading.unwrap_or(f64::NAN));
        if reading.is_some() {
            self.n_booleans += usize::from(field.parse::<f64>().is_err());
            return;
        }
        self.n_words += 1;
        if self.words.len() < WORDS_MAX || self.words.contains_key(field) {
            *self.words.entry(field.to_owned()).or_default() += 1;
        }
    }

    fn profile(&self, name: &str) -> ColumnProfile {
        const SHOWN: usize = 4;
        let mut numbers: Vec<f64> = self
            .numbers
            .iter()
            .copied()
            .filter(|it| !it.is_nan())
            .collect();
        numbers.sort_by(f64::total_cmp);
        let is_whole = numbers.iter().all(|it| it.fract() == 0.0);
        let kind = match (numbers.len(), self.n_words) {
            (0, 0) => Kind::Empty,
            (0, _) => Kind::Words,
            (n, 0) if n == self.n_booleans => Kind::Booleans,
            (_, 0) if is_whole => Kind::Integers,
            (_, 0) => Kind::Numbers,
            _ => Kind::Mixed,
        };
        // Zero has no sign here.
        let end = |it: Option<&f64>| it.map(|it| it + 0.0);
        let (min, max) = (end(numbers.first()), end(numbers.last()));
        numbers.dedup();
        ColumnProfile {
            name: name.to_owned(),
            feature: None,
            kind,
            min,
            max,
            n_distinct: numbers.len() + self.words.len(),
            n_missing: self.n_missing,
            words: self.words.keys().take(SHOWN).cloned().collect(),
            remarks: Vec::new(),
            is_group: false,
        }
    }
}

/// Whether names read as a row: half of them are numbers, and they do not count columns.
fn is_row(names: &[String]) -> bool {
    let numbers: Vec<f64> = names.iter().filter_map(|name| number(name)).collect();
    let counts = numbers.len() > 1 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
    !numbers.is_empty() && numbers.len() * 2 >= names.len() && !counts
}

/// The place of each of `names` among those of another table, or what one has that the other has not.
fn places(names: &[String], others: &[String]) -> Result<Vec<usize>, String> {
    let index_of: BTreeMap<&String, usize> = others.iter().zip(0..).collect();
    let own: BTreeSet<&String> = names.iter().collect();
    let missing = names.iter().filter(|it| !index_of.contains_key(it));
    let extra = others.iter().filter(|it| !own.contains(it));
    let apart: Vec<String> = missing.chain(extra).map(|it| format!("{it:?}")).collect();
    if !apart.is_empty() {
        return Err(csv::preview(&apart));
    }
    Ok(names.iter().map(|name| index_of[name]).collect())
}

/// Whether each value stands in rows of one class alone.
fn tells(values: &Labels, of_row: &[usize]) -> bool {
    let mut class_of: BTreeMap<&str, usize> = BTreeMap::new();
    let rows = values.iter().zip(of_row);
    rows.fold(true, |is_one, (value, class)| {
        is_one && class_of.entry(value).or_insert(*class) == class
    })
}
