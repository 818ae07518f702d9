//! CSV as a table: names and records, with the lines in which they stand.

use std::cell::Cell;
use std::collections::HashMap;

use crate::limits::{COLUMNS_MAX, check_columns};
use crate::{DataError, foreign};

/// A CSV file that is read record by record. Fields are separated by commas and trimmed.
pub struct Table<'a> {
    text: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    names: Vec<String>,
    has_header: bool,
    record: csv::StringRecord,
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
    /// An empty file, another format, text that is not UTF-8, a quote that is never closed, other
    /// separators than commas, a line of more than [`COLUMNS_MAX`] fields.
    pub fn open(bytes: &'a [u8], has_header: bool) -> Result<Self, DataError> {
        foreign::refuse(bytes)?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        check_utf8(text)?;
        if let Some(quote) = unclosed_quote(text) {
            return Err(DataError::new(
                format!("line {}", line_at(text, quote)),
                "a quote that is never closed",
                "a second quote at the end of the field",
            ));
        }
        let line_of_most = text
            .split(|byte| b"\r\n".contains(byte))
            .map(|line| line.iter().filter(|byte| **byte == b',').count());
        if let Some((line, most)) = (1..).zip(line_of_most).find(|(_, n)| *n >= COLUMNS_MAX) {
            check_columns(&format!("line {line}"), most + 1)?;
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text);
        let mut record = csv::StringRecord::new();
        if !read(&mut reader, &mut record)? {
            return Err(DataError::new(
                "line 1",
                "an empty file",
                "a header row with column names",
            ));
        }
        let mut table = Self {
            text,
            reader,
            names: Vec::new(),
            has_header,
            record,
            is_pending: !has_header,
            counted: Cell::new((0, 1)),
        };
        table.check_separators()?;
        table.names = if has_header {
            (table.record.iter().map(str::to_owned)).collect()
        } else {
            (0..table.record.len()).map(|at| at.to_string()).collect()
        };
        Ok(table)
    }

    /// The columns' names.
    #[must_use]
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
                return Err(DataError::new(
                    place(),
                    "an empty name",
                    if index == 0 {
                        "a column name (where pandas wrote the file: `to_csv(…, index=False)`)"
                    } else {
                        "a column name"
                    },
                ));
            }
            if name.lines().count() > 1 {
                return Err(DataError::new(
                    place(),
                    format!("a name over {} lines", name.lines().count()),
                    "a name within its line; a quote may be missing",
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
        if !self.is_pending && !read(&mut self.reader, &mut self.record)? {
            return Ok(false);
        }
        self.is_pending = false;
        if self.record.len() == self.names.len() {
            return Ok(true);
        }
        Err(DataError::new(
            format!("line {}", self.line()),
            format!("{} fields", self.record.len()),
            format!(
                "{}, as the {} has",
                self.names.len(),
                if self.has_header {
                    "header"
                } else {
                    "first line"
                }
            ),
        ))
    }

    /// A field of the current record.
    ///
    /// # Errors
    /// A quoted field over several lines, which is what a lost quote looks like.
    pub fn field(&self, column: usize) -> Result<&str, DataError> {
        let field = self.record.get(column).unwrap_or_default();
        match field.lines().count() {
            0 | 1 => Ok(field),
            n_lines => Err(DataError::new(
                self.place(column),
                format!("a quoted field over {n_lines} lines"),
                "a field within its line; a quote may be missing",
            )),
        }
    }

    /// Line and column of a field of the current record.
    #[must_use]
    pub fn place(&self, column: usize) -> String {
        format!("line {}, column \"{}\"", self.line(), self.names[column])
    }

    /// The line that the current record begins in, from 1 on. A record may begin before the line
    /// break of the line above, as the reader counts.
    #[must_use]
    pub fn line(&self) -> usize {
        let start = self.record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start)
            .unwrap_or(usize::MAX)
            .min(self.text.len());
        let breaks = self.text[start..]
            .iter()
            .take_while(|byte| b"\r\n".contains(byte))
            .count();
        let end = start + breaks;
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
        let Some(other) = only.chars().find(|c| [';', '\t', '|'].contains(c)) else {
            return Ok(());
        };
        Err(DataError::new(
            "line 1",
            format!("one column, \"{only}\""),
            format!(
                "commas between columns, not {other:?}, and decimal points: \
                 `pandas.read_csv(FILE, sep={other:?}, decimal=\",\").to_csv(\"rows.csv\", \
                 index=False)`"
            ),
        ))
    }
}

/// Text that was checked to be UTF-8 in memory gives no other error.
fn read(
    reader: &mut csv::Reader<&[u8]>,
    record: &mut csv::StringRecord,
) -> Result<bool, DataError> {
    reader.read_record(record).map_err(|error| {
        let line = error.position().map_or(1, csv::Position::line);
        DataError::new(format!("line {line}"), error.to_string(), "CSV")
    })
}

fn line_at(text: &[u8], offset: usize) -> usize {
    1 + line_breaks(&text[..offset])
}

fn line_breaks(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn check_utf8(text: &[u8]) -> Result<(), DataError> {
    let Err(error) = std::str::from_utf8(text) else {
        return Ok(());
    };
    let at = error.valid_up_to();
    let byte = text[at];
    Err(DataError::new(
        format!("line {}", line_at(text, at)),
        format!(
            "the byte 0x{byte:02x}, which is {:?} in Latin-1",
            char::from(byte)
        ),
        "UTF-8 text: `iconv -f LATIN1 -t UTF-8 FILE`, or `encoding=\"latin1\"` in pandas' \
         `read_csv`",
    ))
}

/// Where a quote stands that opens a field which the end of the file cuts off. A field is quoted if
/// it begins with a quote; within, two quotes stand for one.
fn unclosed_quote(text: &[u8]) -> Option<usize> {
    if !text.contains(&b'"') {
        return None;
    }
    let mut opened = None;
    let mut begins = true;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (opened, byte) {
            (Some(_), b'"') if text.get(at + 1) == Some(&b'"') => at += 1,
            (Some(_), b'"') => opened = None,
            (None, b'"') if begins => opened = Some(at),
            _ => {}
        }
        begins = b",\r\n".contains(byte);
        at += 1;
    }
    opened
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::unclosed_quote;

    proptest! {
        /// What follows an open quote belongs to its field, so a last line of its own does not
        /// come out as one.
        #[test]
        fn quotes_are_those_of_the_reader(text in "[a,\"\n\r]{0,24}") {
            let longer = format!("{text}\nend");
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(longer.as_bytes());
            let last = reader.records().last().expect("a record").expect("text");
            prop_assert_eq!(unclosed_quote(text.as_bytes()).is_none(), last == *["end"].as_slice());
        }
    }
}
