//! CSV as a table: names and records, with the lines in which they stand.

use std::cell::Cell;
use std::collections::HashMap;

use crate::DataError;
use crate::dialect::{Delimiter, Dialect, Shape, line_breaks, reader, with_point};

/// A CSV file that is read record by record. Fields are trimmed, and have decimal points.
pub struct Table<'a> {
    text: &'a [u8],
    shape: Shape,
    reader: csv::Reader<&'a [u8]>,
    names: Vec<String>,
    record: csv::StringRecord,
    /// Fields of the record that had points where commas mark decimals.
    pointed: Vec<usize>,
    /// Whether `record` holds a record that has not been handed out.
    is_pending: bool,
    /// An offset whose line was asked for, and that line: counting goes on from there.
    counted: Cell<(usize, usize)>,
}

impl<'a> Table<'a> {
    /// Opens a table whose first record names the columns, which without a header are called by
    /// their numbers from 0 on.
    ///
    /// # Errors
    /// As [`Shape::of`] and [`Table::of`].
    pub fn open(bytes: &'a [u8], dialect: impl Into<Dialect>) -> Result<Self, DataError> {
        Self::of(bytes, Shape::of(bytes, dialect.into())?)
    }

    /// As [`Table::open`], of a file that was looked at.
    ///
    /// # Errors
    /// An empty file, rows of one column with other separators in it.
    pub fn of(bytes: &'a [u8], shape: Shape) -> Result<Self, DataError> {
        let mut table = Self {
            text: bytes,
            reader: reader(&bytes[shape.start..], shape.delimiter),
            names: Vec::new(),
            record: csv::StringRecord::new(),
            pointed: Vec::new(),
            is_pending: !shape.has_header,
            counted: Cell::new((0, 1)),
            shape,
        };
        if !table.read()? {
            return Err(broken!("line 1"; "an empty file"; "a header row with column names"));
        }
        table.check_separators()?;
        let shape = &table.shape;
        let n = table.record.len();
        let has_extra = |at: usize| table.record.get(at) == Some("");
        table.names = if shape.has_header {
            let first = usize::from(shape.has_row_names && has_extra(0));
            let last = usize::from(shape.ends_in_delimiter && has_extra(n - 1));
            let names = table.record.iter().skip(first).take(n - first - last);
            names.map(str::to_owned).collect()
        } else {
            let n = n - usize::from(shape.ends_in_delimiter);
            (0..n).map(|at| at.to_string()).collect()
        };
        if table.shape.has_units {
            table.read()?;
        }
        Ok(table)
    }

    /// The columns' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Refuses names that tell no column apart.
    ///
    /// # Errors
    /// A name that is empty, stands there twice or spans several lines.
    pub fn check_names(&self) -> Result<(), DataError> {
        let mut index_of = HashMap::new();
        for (index, name) in self.names.iter().enumerate() {
            let place = || format!("line 1, column {}", index + 1);
            if name.is_empty() {
                return Err(DataError::new(place(), "an empty name", "a column name"));
            }
            if name.lines().count() > 1 {
                return Err(broken!(
                    place(); "a name over {} lines", name.lines().count();
                    "a name within its line; a quote may be missing"
                ));
            }
            if let Some(first) = index_of.insert(name.as_str(), index) {
                return Err(DataError::new(
                    place(),
                    format!("the name \"{name}\", which column {} has too", first + 1),
                    match name.parse::<f64>() {
                        Ok(_) => {
                            "a name of its own (`header = false` in [dataset] where this is a row)"
                        }
                        Err(_) => "a name of its own",
                    },
                ));
            }
        }
        Ok(())
    }

    /// Goes on to the next record; the flag says whether there is one.
    ///
    /// # Errors
    /// A record of more or fewer fields than there are columns.
    pub fn advance(&mut self) -> Result<bool, DataError> {
        if !self.is_pending && !self.read()? {
            return Ok(false);
        }
        self.is_pending = false;
        let n = self.record.len();
        let expected = self.names.len() + usize::from(self.shape.has_row_names);
        let has_end = self.shape.ends_in_delimiter && self.record.get(n - 1) == Some("");
        if n == expected + usize::from(has_end) {
            return Ok(true);
        }
        Err(broken!(
            format!("line {}", self.line()); "{n} fields";
            "{expected}, as the {} has", if self.shape.has_header {"header"} else {"first line"}
        ))
    }

    /// The next record, its numbers with points; the flag says whether there is one.
    fn read(&mut self) -> Result<bool, DataError> {
        // Text that was checked to be UTF-8 in memory gives no other error.
        let is_there = self.reader.read_record(&mut self.record).map_err(|error| {
            let line = error.position().map_or(1, csv::Position::line);
            DataError::new(format!("line {line}"), error.to_string(), "CSV")
        })?;
        if self.shape.has_decimal_comma {
            let is_pointed = |field: &str| field.contains('.') && field.parse::<f64>().is_ok();
            let fields = self.record.iter().enumerate();
            self.pointed = fields
                .filter(|(_, field)| is_pointed(field))
                .map(|(at, _)| at)
                .collect();
            if self.record.iter().any(|field| field.contains(',')) {
                let position = self.record.position().cloned();
                let fields = self.record.iter();
                self.record = fields
                    .map(|field| with_point(field).unwrap_or_else(|| field.to_owned()))
                    .collect();
                self.record.set_position(position);
            }
        }
        Ok(is_there)
    }

    /// A field of the current record.
    ///
    /// # Errors
    /// A quoted field over several lines, which is what a lost quote looks like; a number with a point
    /// where commas mark decimals.
    pub fn field(&self, column: usize) -> Result<&str, DataError> {
        let at = column + usize::from(self.shape.has_row_names);
        let field = self.record.get(at).unwrap_or_default();
        if self.pointed.contains(&at) {
            return Err(broken!(
                self.place(column); "\"{field}\"";
                "a number with a decimal comma (`decimal` in [dataset] says what marks decimals)"
            ));
        }
        match field.lines().count() {
            0 | 1 => Ok(field),
            n_lines => Err(broken!(
                self.place(column); "a quoted field over {n_lines} lines";
                "a field within its line; a quote may be missing"
            )),
        }
    }

    /// Line and column of a field of the current record.
    pub fn place(&self, column: usize) -> String {
        let line = self.line();
        match self.names.get(column) {
            Some(name) => format!("line {line}, column \"{name}\""),
            // A last column without a name and without a field is none.
            None => format!("line {line}, column {}", column + 1),
        }
    }

    /// Where the current record begins. As the reader counts, it may do so before the line break of the
    /// line above, and before comments.
    fn start(&self) -> usize {
        let start = self.record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let mut end = self.text.len().min(self.shape.start.saturating_add(start));
        while let Some(byte) = self.text.get(end) {
            let rest = self.text[end..].iter();
            end += match byte {
                b'\r' | b'\n' => 1,
                b'#' => rest.take_while(|byte| **byte != b'\n').count(),
                _ => break,
            };
        }
        end
    }

    /// Whether an empty line stands before the current record, comments aside.
    pub fn follows_gap(&self) -> bool {
        let lines = self.text[..self.start()].rsplit(|byte| *byte == b'\n');
        let mut others = lines.skip(1).skip_while(|line| line.starts_with(b"#"));
        others
            .next()
            .is_some_and(|line| line.trim_ascii().is_empty())
    }

    /// The line that the current record begins in, from 1 on.
    pub fn line(&self) -> usize {
        let end = self.start();
        let (from, line) = match self.counted.get() {
            (from, line) if from <= end => (from, line),
            _ => (0, 1),
        };
        let line = line + line_breaks(&self.text[from..end]);
        self.counted.set((end, line));
        line
    }

    fn check_separators(&self) -> Result<(), DataError> {
        if self.record.len() > 1 {
            return Ok(());
        }
        let only = self.record.get(0).unwrap_or_default();
        let others = Delimiter::ALL.into_iter();
        let mut others = others.filter(|it| only.contains(char::from(it.byte())));
        let (found, expected) = match others.next() {
            Some(other) => (
                format!("one column, \"{only}\""),
                format!(
                    "as many {} in each of the first lines (`delimiter` in [dataset] says what \
                     separates columns)",
                    other.name()
                ),
            ),
            None if only.split_whitespace().nth(2).is_some() => (
                format!("one column, \"{only}\""),
                "commas, semicolons, tabs or bars between columns, not spaces: \
                 `pandas.read_csv(FILE, sep=r\"\\s+\").to_csv(\"rows.csv\", index=False)`"
                    .to_owned(),
            ),
            None => return Ok(()),
        };
        Err(DataError::new("line 1", found, expected))
    }
}
