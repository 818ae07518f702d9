//! What was typed: the TOML tree with each known key read, and every fault that one key can have.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::choice::Word;
use crate::diagnostics::{Fault, Lines, SHOWN_MAX, Span};
use crate::foreign;
use crate::nearest::nearest;
use crate::schema::{Default, Key, SECTIONS, Section};
use crate::value::{Reader, Typed, Value, type_words};

/// All sections, the absent ones too.
#[derive(Debug)]
pub(crate) struct RawPipeline {
    sections: BTreeMap<&'static str, RawSection>,
    /// `[features.NAME]` by name.
    pub features: BTreeMap<String, RawSection>,
    /// `[[property]]`, in their order.
    pub properties: Vec<RawSection>,
    /// Whether the text is TOML. If not, what is missing may only have been misread.
    pub well_formed: bool,
}

/// One section's keys.
#[derive(Debug)]
pub(crate) struct RawSection {
    /// Its name in faults, such as `model` or `features.hue`.
    pub place: String,
    /// Its header; `None` where the section is absent.
    pub span: Option<Span>,
    entries: BTreeMap<&'static str, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Where it was typed; `None` for a default.
    span: Option<Span>,
    /// `None` where what was typed is at fault.
    value: Option<Value>,
}

impl RawPipeline {
    pub fn section(&self, name: &str) -> &RawSection {
        self.sections
            .get(name)
            .expect("the name of a section of the schema")
    }

    /// The sections that the schema knows under this name: one, or one per feature or property.
    pub fn sections_named(&self, name: &str) -> Vec<&RawSection> {
        match name {
            "features.NAME" => self.features.values().collect(),
            "property" => self.properties.iter().collect(),
            _ => self.sections.get(name).into_iter().collect(),
        }
    }
}

impl RawSection {
    /// The key's value, typed or default; `None` where there is neither, or after a fault.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)?.value.as_ref()
    }

    /// Where the key's value was typed.
    pub fn given(&self, key: &str) -> Option<Span> {
        self.entries.get(key)?.span.clone()
    }

    pub fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Several paths and patterns, each with its class, if it has one; `None` for one path.
    pub fn paths(&self, key: &str) -> Option<&[(Option<String>, String)]> {
        match self.value(key)? {
            Value::Paths(paths) => Some(paths),
            _ => None,
        }
    }

    /// What a word means.
    pub fn choice<W: Word>(&self, key: &str) -> Option<W> {
        W::from_word(&self.text(key)?)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.value(key)? {
            Value::Integer(integer) => u64::try_from(*integer).ok(),
            _ => None,
        }
    }

    pub fn integer_u32(&self, key: &str) -> Option<u32> {
        u32::try_from(self.integer(key)?).ok()
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        match self.value(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number by class name; empty where there is none.
    pub fn per_class(&self, key: &str) -> BTreeMap<String, f64> {
        match self.value(key) {
            Some(Value::PerClass(numbers)) => numbers.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// Two numbers by feature name; empty where there are none.
    pub fn ranges(&self, key: &str) -> BTreeMap<String, (f64, f64)> {
        match self.value(key) {
            Some(Value::Ranges(ranges)) => ranges.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// A size or an address.
    pub fn bytes(&self, key: &str) -> Option<u32> {
        match self.value(key)? {
            Value::Bytes(bytes) => Some(*bytes),
            _ => None,
        }
    }

    /// Several names.
    pub fn names(&self, key: &str) -> Option<Vec<String>> {
        self.choices(key, |word| Some(word.to_owned()))
            .map(|words| words.into_iter().map(|(word, _)| word).collect())
    }

    /// Several words' meanings, each with its place.
    pub fn choices<T>(&self, key: &str, meaning: fn(&str) -> Option<T>) -> Option<Vec<(T, Span)>> {
        match self.value(key)? {
            Value::Words(words) => words
                .iter()
                .map(|(word, span)| Some((meaning(word)?, span.clone())))
                .collect(),
            _ => None,
        }
    }
}

/// Reads the whole text; faults and places are left in `reader`.
pub(crate) fn read(reader: &mut Reader) -> RawPipeline {
    let text = reader.text;
    let (root, errors) = DeTable::parse_recoverable(text);
    let root = root.get_ref();
    for (index, error) in errors.iter().enumerate() {
        // Looking for the first of two keys takes time that only shown faults are worth.
        let root = (index < SHOWN_MAX).then_some(root);
        reader.fault(syntax_fault(text, root, error));
    }
    let n_syntax = reader.faults.len();
    let well_formed = errors.iter().all(|error| error.message() == DUPLICATE);

    let mut raw = RawPipeline {
        sections: BTreeMap::new(),
        features: BTreeMap::new(),
        properties: Vec::new(),
        well_formed,
    };
    for section in SECTIONS {
        let found = root.get(section.name);
        if section.name == "features" {
            let read = read_of_all(reader, section, found);
            raw.sections.insert(section.name, read);
            continue;
        }
        if section.name == "features.NAME" {
            raw.features = read_features(reader, section, root.get("features"));
            continue;
        }
        if section.name == "property" {
            raw.properties = read_properties(reader, section, found);
            continue;
        }
        let read = read_section(reader, section, section.name.to_owned(), found, well_formed);
        raw.sections.insert(section.name, read);
    }
    for (key, value) in root {
        unknown_section(reader, key, value);
    }
    forget_echoes(reader, n_syntax);
    raw
}

const DUPLICATE: &str = "duplicate key";
const NOT_TOML: &str = "not TOML: ";

fn syntax_fault(text: &str, root: Option<&DeTable>, error: &toml::de::Error) -> Fault {
    if error.message() != DUPLICATE {
        let message = format!("{NOT_TOML}{}", error.message());
        // Where the parser knows no place, the text ended too early.
        return Fault::new(
            Some(error.span().unwrap_or(text.len()..text.len())),
            message,
        );
    }
    let span = error.span().unwrap_or_default();
    let name = text.get(span.clone()).unwrap_or_default();
    let mut tables: Vec<(usize, &DeTable)> = root.map(|root| (0, root)).into_iter().collect();
    let mut owner: Option<(usize, Span)> = None;
    // The table that the second key stands in is the last one to begin before it.
    while let Some((start, table)) = tables.pop() {
        for (key, value) in table {
            if let DeValue::Table(inner) = value.get_ref() {
                tables.push((value.span().start, inner));
            }
            let first = key.span();
            let nearer = owner.as_ref().is_none_or(|(other, _)| start >= *other);
            if text.get(first.clone()) == Some(name)
                && first.end <= span.start
                && start <= span.start
                && nearer
            {
                owner = Some((start, first));
            }
        }
    }
    Fault::new(
        Some(span.clone()),
        format!("found `{name}` twice, expected it once"),
    )
    .context(owner.map(|(_, first)| first), "the first")
    .help("remove one of the two")
}

/// Drops faults on lines that are not TOML: they only repeat that. Under a broken header no key
/// is where it was meant to be.
fn forget_echoes(reader: &mut Reader, n_syntax: usize) {
    let text = reader.text;
    let lines = Lines::new(text);
    let line_of = |fault: &Fault| Some(lines.index(fault.span.as_ref()?.start));
    let not_toml: BTreeSet<usize> = reader.faults[..n_syntax]
        .iter()
        .filter(|fault| fault.message.starts_with(NOT_TOML))
        .filter_map(line_of)
        .collect();
    let mut broken = BTreeSet::new();
    let mut under_broken_header = false;
    for (index, line) in text.split('\n').enumerate() {
        let is_broken = not_toml.contains(&index);
        if line.trim_start().starts_with('[') {
            under_broken_header = is_broken;
        }
        if is_broken || under_broken_header {
            broken.insert(index);
        }
    }
    let mut index = 0;
    let mut told = BTreeSet::new();
    reader.faults.retain(|fault| {
        index += 1;
        match line_of(fault) {
            Some(line) if fault.message.starts_with(NOT_TOML) => told.insert(line),
            Some(line) if index > n_syntax => !broken.contains(&line),
            _ => true,
        }
    });
}

/// What `[features]` says of all features, beside the tables that say something of one.
fn read_of_all(
    reader: &mut Reader,
    section: &Section,
    found: Option<&Spanned<DeValue>>,
) -> RawSection {
    let table = found.and_then(|found| found.get_ref().as_table());
    let entries = section.keys.iter().filter_map(|key| {
        let value = table.and_then(|table| table.get(key.name));
        let value = value.filter(|value| !value.get_ref().is_table());
        Some((key.name, read_key(reader, section.name, key, value)?))
    });
    RawSection {
        place: section.name.to_owned(),
        entries: entries.collect(),
        span: found.map(Spanned::span),
    }
}

fn read_features(
    reader: &mut Reader,
    section: &Section,
    found: Option<&Spanned<DeValue>>,
) -> BTreeMap<String, RawSection> {
    let mut features = BTreeMap::new();
    let Some(found) = found else {
        return features;
    };
    let DeValue::Table(table) = found.get_ref() else {
        not_a_table(reader, "features", found);
        return features;
    };
    let of_all = crate::schema::section("features").map_or(&[][..], |section| section.keys);
    for (name, value) in table {
        if !value.get_ref().is_table() && of_all.iter().any(|key| key.name == name.get_ref()) {
            continue;
        }
        let place = format!("features.{}", name.get_ref().escape_debug());
        let read = read_section(reader, section, place, Some(value), true);
        features.insert(name.get_ref().to_string(), read);
    }
    features
}

fn read_properties(
    reader: &mut Reader,
    section: &Section,
    found: Option<&Spanned<DeValue>>,
) -> Vec<RawSection> {
    let Some(found) = found else {
        return Vec::new();
    };
    let DeValue::Array(tables) = found.get_ref() else {
        let message = "property: found something else than a list, expected `[[property]]`, with two \
                       brackets, for each property";
        reader.fault(Fault::new(Some(found.span()), message).help(section.doc));
        return Vec::new();
    };
    let place = |at: usize| format!("property.{at}");
    (1..)
        .zip(tables.iter())
        .map(|(at, table)| read_section(reader, section, place(at), Some(table), true))
        .collect()
}

fn read_section(
    reader: &mut Reader,
    section: &Section,
    place: String,
    found: Option<&Spanned<DeValue>>,
    well_formed: bool,
) -> RawSection {
    let empty = DeTable::new();
    let mut complete = well_formed;
    let table = match found.map(|value| (value, value.get_ref())) {
        Some((_, DeValue::Table(table))) => table,
        Some((value, _)) => {
            not_a_table(reader, &place, value);
            complete = false;
            &empty
        }
        None => {
            if section.required && well_formed {
                reader.fault(
                    Fault::new(
                        None,
                        format!("{place}: found no such section, expected `[{place}]`"),
                    )
                    .help(section.doc),
                );
            }
            complete = false;
            &empty
        }
    };
    let span = found
        .filter(|value| value.get_ref().is_table())
        .map(Spanned::span);
    if let Some(span) = &span {
        reader.places.insert(place.clone(), span.clone());
    }
    let mut entries = BTreeMap::new();
    for key in section.keys {
        let entry = read_key(reader, &place, key, table.get(key.name));
        if entry.is_none() && key.default == Default::Required && complete {
            let message = format!(
                "{place}.{}: found nothing, expected {}",
                key.name,
                key.kind.expected()
            );
            reader.fault(Fault::new(span.clone(), message).help(key.doc));
        }
        entries.extend(entry.map(|entry| (key.name, entry)));
    }
    for (key, _) in table {
        if !section.keys.iter().any(|known| known.name == key.get_ref()) {
            unknown_key(reader, section, &place, key);
        }
    }
    RawSection {
        place,
        span,
        entries,
    }
}

fn read_key(
    reader: &mut Reader,
    place: &str,
    key: &Key,
    found: Option<&Spanned<DeValue>>,
) -> Option<Entry> {
    let (place, kind) = (&format!("{place}.{}", key.name), &key.kind);
    if let Some(value) = found {
        reader.places.insert(place.clone(), value.span());
        return Some(Entry {
            span: Some(value.span()),
            value: reader.read(Typed { place, kind, value }),
        });
    }
    let Default::Value(default) = key.default else {
        return None;
    };
    let value = &DeValue::parse(default).expect("the schema's defaults are TOML");
    let value = reader.read(Typed { place, kind, value });
    debug_assert!(
        value.is_some(),
        "the default of {place} is a value it may have"
    );
    Some(Entry { span: None, value })
}

fn not_a_table(reader: &mut Reader, place: &str, value: &Spanned<DeValue>) {
    let message = format!("{place}: found {}, expected a table", type_words(value));
    reader.fault(Fault::new(Some(value.span()), message).help(format!("write `[{place}]`")));
}

fn unknown_key(
    reader: &mut Reader,
    section: &Section,
    place: &str,
    key: &Spanned<std::borrow::Cow<str>>,
) {
    let found: &str = key.get_ref();
    let names: Vec<&str> = section.keys.iter().map(|known| known.name).collect();
    let elsewhere: Vec<String> = SECTIONS
        .iter()
        .filter(|other| other.keys.iter().any(|known| known.name == found))
        .map(|other| format!("`[{}]`", other.name))
        .collect();
    let help = if !elsewhere.is_empty() {
        format!("`{found}` is a key of {}", elsewhere.join(" and "))
    } else if let Some(help) = foreign::key(found) {
        help
    } else if let Some(known) = nearest(found, &names) {
        format!("did you mean `{known}`?")
    } else {
        format!("keys of `[{place}]`: {}", names.join(", "))
    };
    let message = format!("{place}: found the unknown key `{}`", shortened(found));
    reader.fault(Fault::new(Some(key.span()), message).help(help));
}

fn unknown_section(
    reader: &mut Reader,
    key: &Spanned<std::borrow::Cow<str>>,
    value: &Spanned<DeValue>,
) {
    let found: &str = key.get_ref();
    if SECTIONS.iter().any(|section| section.name == found) {
        return;
    }
    let names: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
    let owner = SECTIONS
        .iter()
        .find(|section| section.keys.iter().any(|known| known.name == found));
    let is_table = value.get_ref().is_table();
    let what = if is_table { "section" } else { "key" };
    let meant = foreign::section(found).or_else(|| nearest(found, &names));
    let help = match (is_table, meant, owner) {
        (true, Some(known), _) => format!("did you mean `[{known}]`?"),
        (true, None, _) => format!("sections: {}", names.join(", ")),
        (false, _, Some(owner)) => format!("`{found}` is a key of `[{}]`", owner.name),
        (false, _, None) => foreign::key(found)
            .unwrap_or_else(|| format!("every key has a section: {}", names.join(", "))),
    };
    let message = format!("found the unknown {what} `{}`", shortened(found));
    reader.fault(Fault::new(Some(key.span()), message).help(help));
}

/// A typed name, fit for a message of one line.
fn shortened(name: &str) -> String {
    const CHARS_MAX: usize = 40;
    let name = name.escape_debug().to_string();
    if name.chars().count() <= CHARS_MAX {
        return name;
    }
    name.chars().take(CHARS_MAX).chain(['…']).collect()
}
