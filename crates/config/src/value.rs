//! Reads one TOML value as the kind of value that its key takes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
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

/// A value as it was typed.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    /// What it is called in faults, such as `model.n_trees`.
    pub place: &'a str,
    /// What its key takes.
    pub kind: &'a Kind,
    pub value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Typed<'a> {
    /// The same, where values of another kind are taken.
    fn taken_as(self, kind: &'a Kind) -> Self {
        Self { kind, ..self }
    }

    /// A part of it, of the same kind.
    fn part(self, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { value, ..self }
    }

    fn found(self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }
}

impl Reader<'_> {
    /// Notes a fault.
    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Reads a value; `None` after a fault.
    pub fn read(&mut self, it: Typed) -> Option<Value> {
        match it.kind {
            Kind::Text | Kind::Folder => self.string(it).map(Value::Text),
            Kind::Texts => {
                let texts = match it.found() {
                    DeValue::Array(texts) if !texts.is_empty() => texts.iter().collect(),
                    DeValue::String(_) => vec![it.value],
                    _ => return self.wrong_type(it),
                };
                let it = it.taken_as(&Kind::Text);
                let text = |text| Some((self.string(it.part(text))?, text.span()));
                let texts: Option<Vec<_>> = texts.into_iter().map(text).collect();
                texts.map(Value::Words)
            }
            Kind::Column => match it.found() {
                DeValue::Integer(_) => {
                    let number = self.integer(it)?;
                    self.held(it, number >= 0, Value::Text(number.to_string()))
                }
                _ => self.string(it).map(Value::Text),
            },
            Kind::Header => {
                let path = self.string(it)?;
                let is_header = Path::new(&path).extension() == Some("h".as_ref());
                self.held(it, is_header, Value::Text(path))
            }
            Kind::Name => {
                let name = self.string(it)?;
                // Crates and C functions are named after it.
                let fits = name.len() <= 64
                    && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if fits && is_device(&name) {
                    return self.refuse(it, Some("Windows takes it for a device".into()));
                }
                self.held(it, fits, Value::Text(name))
            }
            Kind::Paths => self.paths(it),
            Kind::File | Kind::LabelFile => {
                let name = self.string(it)?;
                let is_pattern = matches!(it.kind, Kind::LabelFile) && name.contains('*');
                if is_pattern || (self.exists)(&self.folder.join(&name)) {
                    return Some(Value::Text(name));
                }
                self.not_there(it, "file", &name)
            }
            Kind::Flag => match it.found() {
                DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
                _ => self.wrong_type(it),
            },
            Kind::Integer { min, max } => {
                let number = self.integer(it)?;
                self.held(it, (*min..=*max).contains(&number), Value::Integer(number))
            }
            Kind::Number(interval) => {
                let number = self.number(it)?;
                self.held(it, interval.contains(number), Value::Number(number))
            }
            Kind::Choice(words) => {
                let word = self.string(it)?;
                self.word(it, words, &word)
            }
            Kind::Choices(words) => self.names(it, &Kind::Choice(words), 0..=usize::MAX),
            Kind::OneOrMore(words) => match it.found() {
                DeValue::String(word) => {
                    self.word(it, words, word)?;
                    Some(Value::Words(vec![(word.to_string(), it.value.span())]))
                }
                _ => self.names(it, &Kind::Choice(words), 1..=usize::MAX),
            },
            Kind::Names { max } => self.names(it, &Kind::Text, 1..=*max),
            Kind::Columns => match it.found() {
                DeValue::Array(_) => self.names(it, &Kind::Column, 1..=usize::MAX),
                DeValue::String(_) | DeValue::Integer(_) => {
                    let Value::Text(name) = self.read(it.taken_as(&Kind::Column))? else {
                        unreachable!("a column is a name")
                    };
                    Some(Value::Words(vec![(name, it.value.span())]))
                }
                _ => self.wrong_type(it),
            },
            Kind::Size { min } => self.size(it, *min),
            Kind::Duration => {
                let text = self.string(it)?;
                let seconds = seconds(&text).map(Value::Integer);
                seconds.or_else(|| self.refuse(it, Some(TIMES.into())))
            }
            Kind::List(item) => self.list(it, item),
            Kind::Address => {
                let address = match it.found() {
                    DeValue::String(text) => text
                        .strip_prefix("0x")
                        .and_then(|digits| u32::from_str_radix(digits, 16).ok()),
                    _ => u32::try_from(self.integer(it)?).ok(),
                };
                let address = address.map(Value::Bytes);
                address.or_else(|| self.refuse(it, None))
            }
            // Of the table, or the name of one that the section has to describe.
            Kind::Chip => {
                let name = self.string(it)?;
                let found = spinney_board::find(&name);
                Some(found.map_or(Value::Text(name), |chip| Value::Chip(Box::new(chip))))
            }
            Kind::Board => {
                let name = self.string(it)?;
                let names: Vec<&str> = MACHINES.iter().map(|machine| machine.name).collect();
                let machine = spinney_board::machine(&name);
                machine.map(Value::Board).or_else(|| {
                    let help = did_you_mean(&name, &names)
                        .unwrap_or_else(|| format!("machines: {}", names.join(", ")));
                    self.refuse(it, Some(help))
                })
            }
            Kind::Count { min } => self.count(it, *min),
            Kind::MaxFeatures => match it.found() {
                DeValue::String(word) => self.word(it, MAX_FEATURES, word),
                _ => self.count(it, 1),
            },
            Kind::Select => match it.found() {
                DeValue::String(word) => self.word(it, &["auto"], word),
                DeValue::Integer(_) => {
                    let count = self.integer(it)?;
                    self.held(it, (1..=65_535).contains(&count), Value::Integer(count))
                }
                _ => self.wrong_type(it),
            },
            Kind::ClassWeight => match it.found() {
                DeValue::String(word) => self.word(it, CLASS_WEIGHTS, word),
                _ => self.per_class(it, Interval::AboveZero),
            },
            Kind::PerClass(interval) => self.per_class(it, *interval),
            Kind::Scale => match it.found() {
                DeValue::Table(_) => self.per_class(it, Interval::AboveZero),
                _ => self.read(it.taken_as(&Kind::Number(Interval::AboveZero))),
            },
            Kind::Range => self.range(it),
            Kind::Ranges => {
                let pair = |value| match value {
                    Value::Pair(low, high) => Some((low, high)),
                    _ => None,
                };
                self.by_name(it, &Kind::Range, pair).map(Value::Ranges)
            }
            Kind::Missing => match it.found() {
                DeValue::String(word) => self.word(it, &[NAN], word),
                DeValue::Float(float) if float.as_str().ends_with("nan") => {
                    Some(Value::Text(NAN.to_owned()))
                }
                _ => self.number(it).map(Value::Number),
            },
        }
    }

    fn literal(&self, value: &Spanned<DeValue>) -> String {
        literal(self.text, &value.span())
    }

    /// What was found in place of what was expected.
    fn mistaken(it: Typed, found: &str) -> Fault {
        let expected = it.kind.expected();
        let message = format!("{}: found {found}, expected {expected}", it.place);
        Fault::new(Some(it.value.span()), message)
    }

    /// A value of the right type that may not stand here.
    fn refuse<T>(&mut self, it: Typed, help: Option<String>) -> Option<T> {
        let fault = Self::mistaken(it, &self.literal(it.value));
        self.fault(Fault { help, ..fault });
        None
    }

    /// The value where it may stand here.
    fn held(&mut self, it: Typed, may_stand: bool, value: Value) -> Option<Value> {
        if may_stand {
            return Some(value);
        }
        self.refuse(it, None)
    }

    fn wrong_type<T>(&mut self, it: Typed) -> Option<T> {
        let mut fault = Self::mistaken(it, type_words(it.value));
        let key = it.place.rsplit('.').next().unwrap_or(it.place);
        if let DeValue::String(text) = it.found() {
            let bare = text.trim();
            if bare.parse::<f64>().is_ok() || bare == "true" || bare == "false" {
                fault.help = Some(format!("write it without quotes: `{key} = {bare}`"));
            } else if let Kind::Choices(_) | Kind::Names { .. } | Kind::List(_) = it.kind {
                fault.help = Some(format!("write it in brackets: `{key} = [{text:?}]`"));
            }
        }
        self.fault(fault);
        None
    }

    fn string(&mut self, it: Typed) -> Option<String> {
        match it.found() {
            DeValue::String(text) if text.is_empty() => self.refuse(it, None),
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong_type(it),
        }
    }

    fn integer(&mut self, it: Typed) -> Option<i64> {
        match it.found() {
            DeValue::Integer(integer) => to_i64(integer).or_else(|| self.refuse(it, None)),
            _ => self.wrong_type(it),
        }
    }

    /// A finite number; integers are numbers too.
    fn number(&mut self, it: Typed) -> Option<f64> {
        let number: Option<f64> = match it.found() {
            DeValue::Integer(integer) => to_i64(integer).map(|number| number as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return self.wrong_type(it),
        };
        let finite = number.filter(|number| number.is_finite());
        finite.or_else(|| self.refuse(it, None))
    }

    fn word(&mut self, it: Typed, words: &[&str], found: &str) -> Option<Value> {
        if words.contains(&found) {
            return Some(Value::Text(found.to_owned()));
        }
        let is_model = words == ModelKind::WORDS;
        let help = is_model.then(|| foreign::kind(found)).flatten();
        let help = help.or_else(|| did_you_mean(found, words));
        self.refuse(it, help)
    }

    /// So many names or words, each once.
    fn names(&mut self, it: Typed, of: &Kind, n: RangeInclusive<usize>) -> Option<Value> {
        let DeValue::Array(array) = it.found() else {
            return self.wrong_type(it);
        };
        if !n.contains(&array.len()) {
            return self.refuse(it, None);
        }
        let n_faults = self.faults.len();
        let mut found: Vec<(String, Span)> = Vec::new();
        for item in array.iter() {
            let part = it.taken_as(of).part(item);
            let Some(Value::Text(name)) = self.read(part) else {
                continue;
            };
            if name.contains(char::is_control) {
                let help = "a name has one line".into();
                self.refuse::<()>(part.taken_as(&Kind::Text), Some(help));
            } else if let Some((_, first)) = found.iter().find(|(other, _)| *other == name) {
                let message = format!("{}: found `\"{name}\"` twice, expected it once", it.place);
                let fault = Fault::new(Some(item.span()), message);
                self.fault(fault.context(Some(first.clone()), "the first"));
            } else {
                found.push((name, item.span()));
            }
        }
        (self.faults.len() == n_faults).then_some(Value::Words(found))
    }

    fn list(&mut self, it: Typed, of: &Kind) -> Option<Value> {
        let DeValue::Array(array) = it.found() else {
            return self.wrong_type(it);
        };
        if array.is_empty() {
            return self.refuse(it, None);
        }
        let n_faults = self.faults.len();
        let mut found: Vec<Value> = Vec::new();
        for item in array.iter() {
            match self.read(it.taken_as(of).part(item)) {
                Some(read) if found.contains(&read) => {
                    let literal = self.literal(item);
                    let message = format!("{}: found {literal} twice, expected it once", it.place);
                    self.fault(Fault::new(Some(item.span()), message));
                }
                read => found.extend(read),
            }
        }
        (self.faults.len() == n_faults).then_some(Value::List(found))
    }

    /// One path as text; several, or such with `*`, as paths.
    fn paths(&mut self, it: Typed) -> Option<Value> {
        let n_faults = self.faults.len();
        let mut found = Vec::new();
        match it.found() {
            DeValue::Table(classes) if !classes.is_empty() => {
                for (class, value) in classes {
                    let class = class.get_ref().to_string();
                    let place = &format!("{}.{}", it.place, class.escape_debug());
                    for path in self.listed_paths(Typed { place, value, ..it }) {
                        found.push((Some(class.clone()), path));
                    }
                }
            }
            DeValue::Table(_) => return self.refuse(it, None),
            DeValue::String(_) => {
                let path = self.path_or_pattern(it)?;
                let is_there = || (self.exists)(&self.folder.join(&path));
                if !path.contains(LABEL) && (!path.contains('*') || is_there()) {
                    return Some(Value::Text(path));
                }
                found.push((None, path));
            }
            _ => {
                let paths = self.listed_paths(it);
                found.extend(paths.into_iter().map(|path| (None, path)));
            }
        }
        (self.faults.len() == n_faults).then_some(Value::Paths(found))
    }

    /// A path, or those of a list.
    fn listed_paths(&mut self, it: Typed) -> Vec<String> {
        let DeValue::Array(array) = it.found() else {
            return Vec::from_iter(self.path_or_pattern(it));
        };
        if array.is_empty() {
            self.refuse::<()>(it, None);
        }
        let paths = array.iter();
        paths
            .filter_map(|path| self.path_or_pattern(it.part(path)))
            .collect()
    }

    /// A path that leads somewhere, or a pattern of such.
    fn path_or_pattern(&mut self, it: Typed) -> Option<String> {
        let path = self.string(it)?;
        if is_pattern(&path) || (self.exists)(&self.folder.join(&path)) {
            return Some(path);
        }
        self.not_there(it, "file or folder", &path)
    }

    fn not_there<T>(&mut self, it: Typed, what: &str, name: &str) -> Option<T> {
        let found = self.literal(it.value);
        let message = format!("{}: found {found}, expected a {what} that exists", it.place);
        let help = format!(
            "there is no {what} {}; paths are relative to the config's folder",
            self.folder.join(name).display()
        );
        self.fault(Fault::new(Some(it.value.span()), message).help(help));
        None
    }

    fn size(&mut self, it: Typed, min: u32) -> Option<Value> {
        let bytes = match it.found() {
            DeValue::Integer(integer) => {
                to_i64(integer).and_then(|bytes| u64::try_from(bytes).ok())
            }
            DeValue::String(text) => size_bytes(text),
            _ => return self.wrong_type(it),
        };
        let help = match bytes.map(u32::try_from) {
            Some(Ok(bytes)) if bytes >= min => return Some(Value::Bytes(bytes)),
            Some(Ok(_)) => "zero bytes hold nothing",
            Some(Err(_)) => "addresses have 32 bits: below 4096M",
            None => SIZES,
        };
        self.refuse(it, Some(help.into()))
    }

    fn count(&mut self, it: Typed, min: u32) -> Option<Value> {
        match it.found() {
            DeValue::Integer(_) => {
                let count = self.integer(it)?;
                let counts = i64::from(min)..=i64::from(u32::MAX);
                self.held(it, counts.contains(&count), Value::Integer(count))
            }
            DeValue::Float(_) => {
                let share = self.number(it)?;
                self.held(it, Interval::UpToOne.contains(share), Value::Number(share))
            }
            _ => self.wrong_type(it),
        }
    }

    fn per_class(&mut self, it: Typed, interval: Interval) -> Option<Value> {
        let number = |value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        };
        self.by_name(it, &Kind::Number(interval), number)
            .map(Value::PerClass)
    }

    /// What a table has by name, each of the same kind: numbers, or two of them.
    fn by_name<T>(
        &mut self,
        it: Typed,
        kind: &Kind,
        held: impl Fn(Value) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let table = match it.found() {
            DeValue::Table(table) if !table.is_empty() => table,
            DeValue::Table(_) => return self.refuse(it, None),
            _ => return self.wrong_type(it),
        };
        let n_faults = self.faults.len();
        let mut found = BTreeMap::new();
        for (name, value) in table.iter() {
            let place = &format!("{}.{}", it.place, name.get_ref().escape_debug());
            self.places.insert(place.clone(), name.span());
            let item = self.read(Typed { place, kind, value }).and_then(&held);
            found.extend(item.map(|item| (name.get_ref().to_string(), item)));
        }
        (self.faults.len() == n_faults).then_some(found)
    }

    fn range(&mut self, it: Typed) -> Option<Value> {
        let DeValue::Array(array) = it.found() else {
            return self.wrong_type(it);
        };
        let mut ends = Vec::new();
        for item in array.iter() {
            ends.push(self.number(it.part(item))?);
        }
        match ends[..] {
            [low, high] if low < high => Some(Value::Pair(low, high)),
            _ => self.refuse(it, None),
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
