//! How a table is written: what separates columns and decimals, and what stands beside the rows. What is
//! not said is told from the content, by rules that `docs/data.md` has.

use std::collections::HashSet;

use crate::columns::{is_missing, number};
use crate::limits::{COLUMNS_MAX, check_columns};
use crate::{DataError, Note, foreign};

/// What separates columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tabulator.
    Tab,
    /// `|`
    Bar,
}

impl Delimiter {
    /// Each of them, in the order in which a file is tried for those that are no comma.
    pub const ALL: [Self; 4] = [Self::Tab, Self::Semicolon, Self::Bar, Self::Comma];

    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Bar => "bars",
        }
    }
}

/// What separates the integer of a number from its fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimal {
    /// `.`
    Point,
    /// `,`
    Comma,
}

/// What is known of how a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Whether the first line names the columns.
    pub has_header: bool,
    /// `None` where the content tells.
    pub delimiter: Option<Delimiter>,
    /// `None` where the content tells.
    pub decimal: Option<Decimal>,
}

/// A table of which it is known only whether the first line names the columns.
impl From<bool> for Dialect {
    fn from(has_header: bool) -> Self {
        Self {
            has_header,
            delimiter: None,
            decimal: None,
        }
    }
}

/// How a table is written, down to what is left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub(crate) delimiter: Delimiter,
    pub(crate) has_decimal_comma: bool,
    pub(crate) has_header: bool,
    /// Where the first record begins: behind the byte order mark, or behind the `#` before names.
    pub(crate) start: usize,
    /// Whether the first field of each row is its name, which is no column.
    pub(crate) has_row_names: bool,
    /// Whether a separator ends each row, too.
    pub(crate) ends_in_delimiter: bool,
    /// Whether the record after the names has the columns' units.
    pub(crate) has_units: bool,
    n_comments: usize,
    is_told: bool,
}

/// Records that tell how a table is written.
const HEAD: usize = 20;

impl Shape {
    /// Looks at a table.
    ///
    /// # Errors
    /// Another format, text that is not UTF-8, a quote that is never closed, a line of more than
    /// [`COLUMNS_MAX`] fields.
    pub fn of(bytes: &[u8], dialect: Dialect) -> Result<Self, DataError> {
        foreign::refuse(bytes)?;
        let start = bytes.len() - without_mark(bytes).len();
        check_utf8(bytes)?;
        let delimiter = dialect.delimiter.unwrap_or_else(|| told(&bytes[start..]));
        check_text(bytes, delimiter)?;
        let mut shape = Self {
            delimiter,
            has_decimal_comma: match dialect.decimal {
                Some(decimal) => decimal == Decimal::Comma,
                None => delimiter != Delimiter::Comma && has_decimal_commas(bytes, delimiter),
            },
            has_header: dialect.has_header,
            start,
            has_row_names: false,
            ends_in_delimiter: false,
            has_units: false,
            n_comments: lines(bytes).filter(|line| line.starts_with(b"#")).count(),
            is_told: dialect.delimiter.is_none(),
        };
        if let Some(names) = shape.commented_names(&bytes[start..]) {
            shape.start += names;
            shape.n_comments -= 1;
        }
        shape.look_at(&head(&bytes[shape.start..], delimiter));
        Ok(shape)
    }

    /// Where names begin that stand behind a `#`, as in the last such line before rows of as many
    /// fields, of which some is a number.
    fn commented_names(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        let mut names: Option<(usize, &[u8])> = None;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            match line.trim_ascii_start() {
                [] => {}
                [b'#', ..] if line[0] == b'#' => {
                    let n = line.iter().take_while(|byte| **byte == b'#').count();
                    names = Some((at + n, &line[n..]));
                }
                _ => break,
            }
            at += line.len();
        }
        let (start, line) = names.filter(|_| self.has_header)?;
        let (names, rows) = (head(line, self.delimiter), head(text, self.delimiter));
        let (names, row) = (names.first()?, rows.first()?);
        let is_row = row.iter().any(|field| self.number(field).is_some());
        (names.len() > 1 && names.len() == row.len() && is_row).then_some(start)
    }

    fn look_at(&mut self, head: &[csv::StringRecord]) {
        let (header, rows) = match head {
            [header, rows @ ..] if self.has_header => (Some(header), rows),
            rows => (None, rows),
        };
        let Some(n) = rows.first().map(csv::StringRecord::len) else {
            return;
        };
        let is_even = n > 1 && rows.iter().all(|row| row.len() == n);
        let is_empty = |field: Option<&str>| field == Some("");
        let is_one_short = header.is_some_and(|names| names.len() + 1 == n);
        let has_last =
            header.is_some_and(|names| !is_one_short && !is_empty(names.iter().next_back()));
        self.ends_in_delimiter =
            is_even && !has_last && rows.iter().all(|row| is_empty(row.iter().next_back()));
        let firsts: HashSet<&str> = rows.iter().filter_map(|row| row.get(0)).collect();
        let is_row_name = |field: &&str| number(field).is_none() || field.parse::<u64>().is_ok();
        self.has_row_names = if is_one_short {
            is_even
                && !self.ends_in_delimiter
                && firsts.len() == rows.len()
                && firsts.iter().all(is_row_name)
        } else {
            header.is_some_and(|names| names.len() > 1 && is_empty(names.get(0)))
        };
        if let (Some(_), [units, row, ..]) = (header, rows) {
            let columns: Vec<(&str, &str)> = (units.iter().zip(row))
                .filter(|(_, field)| self.number(field).is_some())
                .collect();
            self.has_units = units.len() == row.len()
                && columns.iter().any(|(unit, _)| !is_missing(unit))
                && columns.iter().all(|(unit, _)| self.number(unit).is_none());
        }
    }

    /// The number that a field is, if it is one.
    pub(crate) fn number(&self, field: &str) -> Option<f64> {
        match self.has_decimal_comma.then(|| with_point(field)).flatten() {
            Some(field) => number(&field),
            None => number(field),
        }
    }

    /// Says how the table is written where that is not as commas, points and names are alone.
    pub fn note(&self) -> Option<Note> {
        let mut parts = Vec::new();
        if self.is_told && self.delimiter != Delimiter::Comma {
            let decimals = if self.has_decimal_comma {
                ", and decimals by commas"
            } else {
                ""
            };
            parts.push(format!(
                "columns are separated by {}{decimals}",
                self.delimiter.name()
            ));
        }
        if self.has_row_names {
            parts.push("the first column has no name and is left out, as rows' names are".into());
        }
        if self.has_units {
            parts.push("the line after the names has no number, so it is taken for units".into());
        }
        match self.n_comments {
            0 => {}
            1 => parts.push("a line that begins with `#` is left out".to_owned()),
            n => parts.push(format!("{n} lines that begin with `#` are left out")),
        }
        (!parts.is_empty()).then(|| Note::new("dialect", parts.join("; ")))
    }
}

/// Reads records of fields that are trimmed; lines that begin with `#` are comments.
pub(crate) fn reader(text: &[u8], delimiter: Delimiter) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.byte())
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text)
}

fn head(text: &[u8], delimiter: Delimiter) -> Vec<csv::StringRecord> {
    let records = reader(text, delimiter).into_records().take(HEAD);
    records.map_while(Result::ok).collect()
}

/// The separator of which every line of the head has as many, and more than none. One that is no comma
/// must leave no comma but in numbers, unless commas are no separator.
fn told(text: &[u8]) -> Delimiter {
    let is_even = |head: &[csv::StringRecord]| {
        let rows = if head.len() > 1 { &head[1..] } else { head };
        let n = rows.first().map_or(0, csv::StringRecord::len);
        let n_names = head.first().map_or(0, csv::StringRecord::len);
        n > 1 && (n_names..=n_names + 1).contains(&n) && rows.iter().all(|row| row.len() == n)
    };
    let has_numbers = |head: &[csv::StringRecord]| {
        let rows = if head.len() > 1 { &head[1..] } else { head };
        let fields = rows.iter().flat_map(csv::StringRecord::iter);
        fields
            .filter(|field| field.contains(','))
            .all(|field| with_point(field).is_some() || has_thousands(field))
    };
    let heads = Delimiter::ALL.map(|delimiter| (delimiter, head(text, delimiter)));
    let even = || heads.iter().filter(|(_, head)| is_even(head));
    even()
        .find(|(_, head)| has_numbers(head))
        .or_else(|| even().find(|(delimiter, _)| *delimiter == Delimiter::Comma))
        .or_else(|| even().next())
        .map_or(Delimiter::Comma, |(delimiter, _)| *delimiter)
}

/// Whether some number has a decimal comma, and none a decimal point.
fn has_decimal_commas(bytes: &[u8], delimiter: Delimiter) -> bool {
    let mut reader = reader(without_mark(bytes), delimiter);
    let mut record = csv::StringRecord::new();
    let mut has_comma = false;
    while let Ok(true) = reader.read_record(&mut record) {
        for field in &record {
            if field.contains('.') && field.parse::<f64>().is_ok() {
                return false;
            }
            has_comma = has_comma || with_point(field).is_some();
        }
    }
    has_comma
}

/// A number with a decimal comma, with a point in its place.
pub(crate) fn with_point(field: &str) -> Option<String> {
    let (integer, fraction) = field.split_once(',')?;
    let pointed = format!("{integer}.{fraction}");
    pointed.parse::<f64>().is_ok().then_some(pointed)
}

/// Whether a field is a number whose thousands are apart, such as `1.500,5`, `1,500.5` or `1'500.5`.
pub(crate) fn has_thousands(field: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let has = |mark: char, decimal: char| {
        let (integer, fraction) = field.split_once(decimal).unwrap_or((field, "0"));
        let mut groups = integer.trim_start_matches(['+', '-']).split(mark);
        let is_first = |first: &str| are_digits(first) && first.len() <= 3;
        are_digits(fraction)
            && integer.contains(mark)
            && groups.next().is_some_and(is_first)
            && groups.all(|group| are_digits(group) && group.len() == 3)
    };
    has('.', ',') || has(',', '.') || has('\'', '.')
}

pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| b"\r\n".contains(byte))
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

fn check_text(text: &[u8], delimiter: Delimiter) -> Result<(), DataError> {
    if let Some(quote) = unclosed_quote(text, delimiter.byte()) {
        return Err(broken!(
            format!("line {}", line_at(text, quote)); "a quote that is never closed";
            "a second quote at the end of the field"
        ));
    }
    let separator = delimiter.byte();
    let n_of_line = lines(text).map(|line| line.iter().filter(|byte| **byte == separator).count());
    match (1..).zip(n_of_line).find(|(_, n)| *n >= COLUMNS_MAX) {
        Some((line, most)) => check_columns(&format!("line {line}"), most + 1),
        None => Ok(()),
    }
}

fn line_at(text: &[u8], offset: usize) -> usize {
    1 + line_breaks(&text[..offset])
}

pub(crate) fn line_breaks(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Where a quote stands that opens a field which the end of the file cuts off. A field is quoted if
/// it begins with a quote; within, two quotes stand for one. Comments have no fields.
pub fn unclosed_quote(text: &[u8], delimiter: u8) -> Option<usize> {
    if !text.contains(&b'"') {
        return None;
    }
    let mut opened = None;
    let mut before = b'\n';
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let begins_line = b"\r\n".contains(&before);
        match (opened, byte) {
            (None, b'#') if begins_line => {
                let comment = text[at..].iter();
                at += comment.take_while(|byte| **byte != b'\n').count();
                continue;
            }
            (Some(_), b'"') if text.get(at + 1) == Some(&b'"') => at += 1,
            (Some(_), b'"') => opened = None,
            (None, b'"') if begins_line || before == delimiter => opened = Some(at),
            _ => {}
        }
        before = *byte;
        at += 1;
    }
    opened
}
