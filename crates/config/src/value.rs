//! Reads one TOML value as the kind of value that its key takes.

use std::collections::BTreeMap;
use std::path::Path;

use spinney_board::{Listing, MACHINES, Machine};
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use crate::choice::{ModelKind, Word};
use crate::diagnostics::{Fault, Span};
use crate::foreign;
use crate::nearest::did_you_mean;
use crate::outputs::is_device;
use crate::pipeline::LABEL;
use crate::schema::{CLASS_WEIGHTS, Interval, Kind, MAX_FEATURES, NAN};

/// A value of the kind that its key takes, within the bounds that the key has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Flag(bool),
    Integer(i64),
    Number(f64),
    Bytes(u32),
    Words(Vec<(String, Span)>),
    List(Vec<Value>),
    Pair(f64, f64),
    PerClass(BTreeMap<String, f64>),
    /// Two numbers by feature name.
    Ranges(BTreeMap<String, (f64, f64)>),
    /// Paths and patterns of files, each with its class, if it has one.
    Paths(Vec<(Option<String>, String)>),
    Chip(Box<Listing>),
    Board(&'static Machine),
}

/// What reading needs to know of the config around a value.
pub(crate) struct Reader<'a> {
    pub text: &'a str,
    pub folder: &'a Path,
    pub exists: &'a dyn Fn(&Path) -> bool,
    pub faults: Vec<Fault>,
    /// Places by name, such as `model.n_trees`, for faults that are found later.
    pub places: BTreeMap<String, Span>,
}

/// Forms of a size, said wherever one is wrong.
const SIZES: &str = "a size is a number of bytes (`16384` or `\"16384\"`), or has a unit: `\"16K\"`, `\"1M\"`; 1K is 1024 bytes";

/// Forms of a time, said wherever one is wrong.
const TIMES: &str = "a time is a number with `s`, `m` or `h`: `\"90s\"`, `\"10m\"`, `\"2h\"`";

impl Reader<'_> {
    /// Reads `value`; `place` names it in faults. `None` after a fault.
    pub fn read(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<Value> {
        match kind {
            Kind::Text => self.string(place, kind, value).map(Value::Text),
            Kind::Texts => {
                let texts = match value.get_ref() {
                    DeValue::Array(texts) if !texts.is_empty() => texts.iter().collect(),
                    DeValue::String(_) => vec![value],
                    _ => return self.wrong_type(place, kind, value),
                };
                let text = |text| Some((self.string(place, &Kind::Text, text)?, text.span()));
                let texts: Option<Vec<_>> = texts.into_iter().map(text).collect();
                texts.map(Value::Words)
            }
            Kind::Column => match value.get_ref() {
                DeValue::Integer(_) => {
                    let number = self.integer(place, kind, value)?;
                    (number >= 0)
                        .then(|| Value::Text(number.to_string()))
                        .or_else(|| self.refuse(place, kind, value, None))
                }
                _ => self.string(place, kind, value).map(Value::Text),
            },
            Kind::Folder => self.string(place, kind, value).map(Value::Text),
            Kind::Header => {
                let path = self.string(place, kind, value)?;
                let is_header = Path::new(&path).extension() == Some("h".as_ref());
                is_header
                    .then_some(Value::Text(path))
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            Kind::Name => {
                let name = self.string(place, kind, value)?;
                // Crates and C functions are named after it.
                let fits = name.len() <= 64
                    && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if fits && is_device(&name) {
                    let help = "Windows takes it for a device";
                    return self.refuse(place, kind, value, Some(help.into()));
                }
                fits.then_some(Value::Text(name))
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            Kind::Paths => self.paths(place, kind, value),
            Kind::File => {
                let name = self.string(place, kind, value)?;
                if (self.exists)(&self.folder.join(&name)) {
                    return Some(Value::Text(name));
                }
                self.not_there(place, value, "file", &name)
            }
            Kind::Flag => match value.get_ref() {
                DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
                _ => self.wrong_type(place, kind, value),
            },
            Kind::Integer { min, max } => {
                let number = self.integer(place, kind, value)?;
                (*min..=*max)
                    .contains(&number)
                    .then_some(Value::Integer(number))
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            Kind::Number(interval) => {
                let number = self.number(place, kind, value)?;
                interval
                    .contains(number)
                    .then_some(Value::Number(number))
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            Kind::Choice(words) => {
                let word = self.string(place, kind, value)?;
                self.word(place, kind, value, words, &word)
                    .then_some(Value::Text(word))
            }
            Kind::Choices(words) => self.words(place, kind, value, words),
            Kind::OneOrMore(words) => match value.get_ref() {
                DeValue::String(word) => self
                    .word(place, kind, value, words, word)
                    .then(|| Value::Words(vec![(word.to_string(), value.span())])),
                DeValue::Array(array) if array.is_empty() => self.refuse(place, kind, value, None),
                _ => self.words(place, kind, value, words),
            },
            Kind::Names { max } => self.names(place, kind, &Kind::Text, value, *max),
            Kind::Columns => match value.get_ref() {
                DeValue::Array(_) => self.names(place, kind, &Kind::Column, value, usize::MAX),
                DeValue::String(_) | DeValue::Integer(_) => {
                    let column = self.read(place, &Kind::Column, value)?;
                    let Value::Text(name) = column else {
                        unreachable!("a column is a name")
                    };
                    Some(Value::Words(vec![(name, value.span())]))
                }
                _ => self.wrong_type(place, kind, value),
            },
            Kind::Size { min } => self.size(place, kind, value, *min),
            Kind::Duration => {
                let text = self.string(place, kind, value)?;
                let seconds = seconds(&text).map(Value::Integer);
                seconds.or_else(|| self.refuse(place, kind, value, Some(TIMES.into())))
            }
            Kind::List(item) => self.list(place, kind, value, item),
            Kind::Address => {
                let address = match value.get_ref() {
                    DeValue::String(text) => text
                        .strip_prefix("0x")
                        .and_then(|digits| u32::from_str_radix(digits, 16).ok()),
                    _ => u32::try_from(self.integer(place, kind, value)?).ok(),
                };
                address
                    .map(Value::Bytes)
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            Kind::Chip => self.chip(place, kind, value),
            Kind::Board => {
                let name = self.string(place, kind, value)?;
                let names: Vec<&str> = MACHINES.iter().map(|machine| machine.name).collect();
                let machine = spinney_board::machine(&name);
                machine.map(Value::Board).or_else(|| {
                    let help = did_you_mean(&name, &names)
                        .unwrap_or_else(|| format!("machines: {}", names.join(", ")));
                    self.refuse(place, kind, value, Some(help))
                })
            }
            Kind::Count { min } => self.count(place, kind, value, *min),
            Kind::MaxFeatures => match value.get_ref() {
                DeValue::String(word) => self
                    .word(place, kind, value, MAX_FEATURES, word)
                    .then(|| Value::Text(word.to_string())),
                _ => self.count(place, kind, value, 1),
            },
            Kind::ClassWeight => self.class_weight(place, kind, value),
            Kind::PerClass(interval) => self.per_class(place, kind, value, *interval),
            Kind::Scale => match value.get_ref() {
                DeValue::Table(_) => self.per_class(place, kind, value, Interval::AboveZero),
                _ => self.read(place, &Kind::Number(Interval::AboveZero), value),
            },
            Kind::Range => self.range(place, kind, value),
            Kind::Ranges => {
                let pair = |value| match value {
                    Value::Pair(low, high) => Some((low, high)),
                    _ => None,
                };
                self.by_name(place, kind, value, &Kind::Range, pair)
                    .map(Value::Ranges)
            }
            Kind::Missing => match value.get_ref() {
                DeValue::String(word) => self
                    .word(place, kind, value, &[NAN], word)
                    .then(|| Value::Text(word.to_string())),
                DeValue::Float(float) if float.as_str().ends_with("nan") => {
                    Some(Value::Text(NAN.to_owned()))
                }
                _ => self.number(place, kind, value).map(Value::Number),
            },
        }
    }

    fn literal(&self, value: &Spanned<DeValue>) -> String {
        literal(self.text, &value.span())
    }

    /// A value of the right type that may not stand here.
    fn refuse<T>(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        help: Option<String>,
    ) -> Option<T> {
        let mut fault = Fault::new(
            Some(value.span()),
            format!(
                "{place}: found {}, expected {}",
                self.literal(value),
                kind.expected()
            ),
        );
        fault.help = help;
        self.faults.push(fault);
        None
    }

    fn wrong_type<T>(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<T> {
        let mut fault = Fault::new(
            Some(value.span()),
            format!(
                "{place}: found {}, expected {}",
                type_words(value),
                kind.expected()
            ),
        );
        let key = place.rsplit('.').next().unwrap_or(place);
        if let DeValue::String(text) = value.get_ref() {
            let bare = text.trim();
            if bare.parse::<f64>().is_ok() || bare == "true" || bare == "false" {
                fault.help = Some(format!("write it without quotes: `{key} = {bare}`"));
            } else if matches!(kind, Kind::Choices(_) | Kind::Names { .. } | Kind::List(_)) {
                fault.help = Some(format!("write it in brackets: `{key} = [{text:?}]`"));
            }
        }
        self.faults.push(fault);
        None
    }

    fn string(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => self.refuse(place, kind, value, None),
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong_type(place, kind, value),
        }
    }

    fn integer(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<i64> {
        match value.get_ref() {
            DeValue::Integer(integer) => {
                to_i64(integer).or_else(|| self.refuse(place, kind, value, None))
            }
            _ => self.wrong_type(place, kind, value),
        }
    }

    /// A finite number; integers are numbers too.
    fn number(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(integer) => integer.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return self.wrong_type(place, kind, value),
        };
        number
            .filter(|number: &f64| number.is_finite())
            .or_else(|| self.refuse(place, kind, value, None))
    }

    fn word(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        words: &[&str],
        found: &str,
    ) -> bool {
        if words.contains(&found) {
            return true;
        }
        let is_model = words == ModelKind::WORDS;
        let help = is_model.then(|| foreign::kind(found)).flatten();
        let help = help.or_else(|| did_you_mean(found, words));
        self.refuse::<()>(place, kind, value, help);
        false
    }

    fn words(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        words: &'static [&'static str],
    ) -> Option<Value> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.wrong_type(place, kind, value);
        };
        let item_kind = Kind::Choice(words);
        let n_faults = self.faults.len();
        let mut found: Vec<(String, Span)> = Vec::new();
        for item in array.iter() {
            let Some(word) = item.get_ref().as_str() else {
                self.wrong_type::<()>(place, &item_kind, item);
                continue;
            };
            if let Some((_, first)) = found.iter().find(|(other, _)| other == word) {
                let message = format!("{place}: found `\"{word}\"` twice, expected it once");
                self.faults.push(
                    Fault::new(Some(item.span()), message)
                        .context(Some(first.clone()), "the first"),
                );
            } else if self.word(place, &item_kind, item, words, word) {
                found.push((word.to_owned(), item.span()));
            }
        }
        (self.faults.len() == n_faults).then_some(Value::Words(found))
    }

    fn names(
        &mut self,
        place: &str,
        kind: &Kind,
        item_kind: &Kind,
        value: &Spanned<DeValue>,
        max: usize,
    ) -> Option<Value> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.wrong_type(place, kind, value);
        };
        if !(1..=max).contains(&array.len()) {
            return self.refuse(place, kind, value, None);
        }
        let n_faults = self.faults.len();
        let mut found: Vec<(String, Span)> = Vec::new();
        for item in array.iter() {
            let Some(Value::Text(name)) = self.read(place, item_kind, item) else {
                continue;
            };
            if name.contains(char::is_control) {
                self.refuse::<()>(place, &Kind::Text, item, Some("a name has one line".into()));
            } else if let Some((_, first)) = found.iter().find(|(other, _)| *other == name) {
                let message = format!("{place}: found `\"{name}\"` twice, expected it once");
                self.faults.push(
                    Fault::new(Some(item.span()), message)
                        .context(Some(first.clone()), "the first"),
                );
            } else {
                found.push((name, item.span()));
            }
        }
        (self.faults.len() == n_faults).then_some(Value::Words(found))
    }

    fn list(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        item: &Kind,
    ) -> Option<Value> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.wrong_type(place, kind, value);
        };
        if array.is_empty() {
            return self.refuse(place, kind, value, None);
        }
        let n_faults = self.faults.len();
        let mut found: Vec<Value> = Vec::new();
        for value in array.iter() {
            match self.read(place, item, value) {
                Some(read) if found.contains(&read) => {
                    let literal = self.literal(value);
                    let message = format!("{place}: found {literal} twice, expected it once");
                    self.faults.push(Fault::new(Some(value.span()), message));
                }
                read => found.extend(read),
            }
        }
        (self.faults.len() == n_faults).then_some(Value::List(found))
    }

    /// One path as text; several, or such with `*`, as paths.
    fn paths(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<Value> {
        let n_faults = self.faults.len();
        let mut found = Vec::new();
        match value.get_ref() {
            DeValue::Table(classes) if !classes.is_empty() => {
                for (class, paths) in classes {
                    let class = class.get_ref().to_string();
                    let place = format!("{place}.{}", class.escape_debug());
                    for path in self.listed_paths(&place, kind, paths) {
                        found.push((Some(class.clone()), path));
                    }
                }
            }
            DeValue::Table(_) => return self.refuse(place, kind, value, None),
            DeValue::String(_) => {
                let path = self.path_or_pattern(place, kind, value)?;
                let is_there = || (self.exists)(&self.folder.join(&path));
                if !path.contains(LABEL) && (!path.contains('*') || is_there()) {
                    return Some(Value::Text(path));
                }
                found.push((None, path));
            }
            _ => {
                let paths = self.listed_paths(place, kind, value);
                found.extend(paths.into_iter().map(|path| (None, path)));
            }
        }
        (self.faults.len() == n_faults).then_some(Value::Paths(found))
    }

    /// A path, or those of a list.
    fn listed_paths(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Vec<String> {
        let DeValue::Array(array) = value.get_ref() else {
            return Vec::from_iter(self.path_or_pattern(place, kind, value));
        };
        if array.is_empty() {
            self.refuse::<()>(place, kind, value, None);
        }
        let paths = array.iter();
        paths
            .filter_map(|path| self.path_or_pattern(place, kind, path))
            .collect()
    }

    /// A path that leads somewhere, or a pattern of such.
    fn path_or_pattern(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
    ) -> Option<String> {
        let path = match value.get_ref() {
            DeValue::String(_) => self.string(place, kind, value)?,
            _ => return self.wrong_type(place, kind, value),
        };
        if is_pattern(&path) || (self.exists)(&self.folder.join(&path)) {
            return Some(path);
        }
        self.not_there(place, value, "file or folder", &path)
    }

    fn not_there<T>(
        &mut self,
        place: &str,
        value: &Spanned<DeValue>,
        what: &str,
        name: &str,
    ) -> Option<T> {
        let message = format!(
            "{place}: found {}, expected a {what} that exists",
            self.literal(value)
        );
        let help = format!(
            "there is no {what} {}; paths are relative to the config's folder",
            self.folder.join(name).display()
        );
        self.faults
            .push(Fault::new(Some(value.span()), message).help(help));
        None
    }

    fn size(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        min: u32,
    ) -> Option<Value> {
        let bytes = match value.get_ref() {
            DeValue::Integer(integer) => {
                to_i64(integer).and_then(|bytes| u64::try_from(bytes).ok())
            }
            DeValue::String(text) => size_bytes(text),
            _ => return self.wrong_type(place, kind, value),
        };
        match bytes.map(u32::try_from) {
            Some(Ok(bytes)) if bytes >= min => Some(Value::Bytes(bytes)),
            Some(Ok(_)) => self.refuse(place, kind, value, Some("zero bytes hold nothing".into())),
            Some(Err(_)) => self.refuse(
                place,
                kind,
                value,
                Some("addresses have 32 bits: below 4096M".into()),
            ),
            None => self.refuse(place, kind, value, Some(SIZES.into())),
        }
    }

    /// A chip of the table, or the name of one that the section has to describe.
    fn chip(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<Value> {
        let name = self.string(place, kind, value)?;
        let found = spinney_board::find(&name);
        Some(found.map_or(Value::Text(name), |chip| Value::Chip(Box::new(chip))))
    }

    fn count(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        min: u32,
    ) -> Option<Value> {
        match value.get_ref() {
            DeValue::Integer(_) => {
                let count = self.integer(place, kind, value)?;
                (i64::from(min)..=i64::from(u32::MAX))
                    .contains(&count)
                    .then_some(Value::Integer(count))
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            DeValue::Float(_) => {
                let share = self.number(place, kind, value)?;
                (share > 0.0 && share <= 1.0)
                    .then_some(Value::Number(share))
                    .or_else(|| self.refuse(place, kind, value, None))
            }
            _ => self.wrong_type(place, kind, value),
        }
    }

    fn class_weight(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
    ) -> Option<Value> {
        match value.get_ref() {
            DeValue::String(word) => self
                .word(place, kind, value, CLASS_WEIGHTS, word)
                .then(|| Value::Text(word.to_string())),
            _ => self.per_class(place, kind, value, Interval::AboveZero),
        }
    }

    fn per_class(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        interval: Interval,
    ) -> Option<Value> {
        let number = |value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        };
        self.by_name(place, kind, value, &Kind::Number(interval), number)
            .map(Value::PerClass)
    }

    /// What a table has by name, each of the same kind: numbers, or two of them.
    fn by_name<T>(
        &mut self,
        place: &str,
        kind: &Kind,
        value: &Spanned<DeValue>,
        of: &Kind,
        held: impl Fn(Value) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let table = match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => table,
            DeValue::Table(_) => return self.refuse(place, kind, value, None),
            _ => return self.wrong_type(place, kind, value),
        };
        let n_faults = self.faults.len();
        let mut found = BTreeMap::new();
        for (name, item) in table.iter() {
            let place = format!("{place}.{}", name.get_ref().escape_debug());
            self.places.insert(place.clone(), name.span());
            let item = self.read(&place, of, item).and_then(&held);
            found.extend(item.map(|item| (name.get_ref().to_string(), item)));
        }
        (self.faults.len() == n_faults).then_some(found)
    }

    fn range(&mut self, place: &str, kind: &Kind, value: &Spanned<DeValue>) -> Option<Value> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.wrong_type(place, kind, value);
        };
        let mut ends = Vec::new();
        for item in array.iter() {
            ends.push(self.number(place, kind, item)?);
        }
        match ends[..] {
            [low, high] if low < high => Some(Value::Pair(low, high)),
            _ => self.refuse(place, kind, value, None),
        }
    }
}

/// The source of a value, in code marks, shortened.
pub(crate) fn literal(text: &str, span: &Span) -> String {
    const CHARS_MAX: usize = 40;
    let source = text.get(span.clone()).unwrap_or_default();
    let line = source.lines().next().unwrap_or_default();
    if line.chars().count() > CHARS_MAX || line.len() < source.len() {
        let start: String = line.chars().take(CHARS_MAX).collect();
        return format!("`{start}…`");
    }
    format!("`{line}`")
}

/// A value's type, with its article.
pub(crate) fn type_words(value: &Spanned<DeValue>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Whether a path stands for several.
fn is_pattern(path: &str) -> bool {
    path.contains('*') || path.contains(LABEL)
}

fn to_i64(integer: &DeInteger) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Seconds of a time in words: digits, then `s`, `m` or `h`; at least one.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let number: u32 = digits.parse().ok().filter(|number| *number > 0)?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    is_plain.then_some(i64::from(number) * unit)
}

/// Bytes of a size in words: digits, then nothing, `K` (1024) or `M` (1024²).
fn size_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1024),
        b'M' => (&text[..text.len() - 1], 1024 * 1024),
        _ => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // More digits than 64 bits hold are a size all the same, only too large a one.
    let count = digits.parse::<u64>().unwrap_or(u64::MAX);
    Some(count.saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::{seconds, size_bytes};

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("512", 512),
            ("16K", 16_384),
            ("1M", 1_048_576),
            ("0", 0),
            ("99999999999999999999M", u64::MAX),
        ] {
            assert_eq!(size_bytes(text), Some(bytes), "{text}");
        }
        for text in [
            "", "K", "16k", "16 K", "16KiB", "1.5K", "-1", "+1", "1G", "٣K", "1_000",
        ] {
            assert_eq!(size_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [("90s", 90), ("10m", 600), ("2h", 7200)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "m",
            "0m",
            "10",
            "1d",
            "1.5h",
            "+1m",
            "-1m",
            "99999999999h",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
