//! Every section and key of `pipeline.toml`, declared once: name, type, bounds, default, meaning.
//!
//! The reader, the "did you mean" lists and the test that holds `docs/pipeline.md` to this file
//! all draw from these tables.

/// A section: its meaning, its name, and its keys, each with its meaning before it and, behind its name,
/// what it takes and what holds where it is left out.
macro_rules! section {
    (
        $(#[doc = $about:literal])+ $section:literal, $required:ident:
        $($(#[doc = $doc:literal])+ $key:literal: $kind:expr, $default:expr;)+
    ) => {
        Section {
            name: $section,
            doc: told(concat!($($about),+)),
            required: section!(@ $required),
            keys: &[$(Key {
                name: $key,
                kind: $kind,
                default: $default,
                doc: told(concat!($($doc),+)),
            }),+],
        }
    };
    (@ required) => { true };
    (@ optional) => { false };
}

mod keys;
mod search;
mod signal;
mod spending;

pub use keys::SECTIONS;

/// A table of `pipeline.toml`.
#[derive(Debug)]
pub struct Section {
    /// Its name, without brackets. `features.NAME` stands for each feature's, `property` for each
    /// `[[property]]`.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub doc: &'static str,
    /// Whether a config without it is at fault.
    pub required: bool,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// What holds where it is left out.
    pub default: Default,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

/// What holds where a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// It must not be left out.
    Required,
    /// This value, in TOML.
    Value(&'static str),
    /// Something that no one value expresses, or that depends on other keys.
    Words(&'static str),
}

/// The values a key takes.
#[derive(Debug)]
pub enum Kind {
    /// Any string but the empty one.
    Text,
    /// One such string, or several.
    Texts,
    /// A column, by its name or its number.
    Column,
    /// One, or several, each once.
    Columns,
    /// A string that can name a folder.
    Name,
    /// The path of a file that exists.
    File,
    /// As [`Kind::File`], or with a `*` for the name of each recording.
    LabelFile,
    /// The path of a file or a folder that exists; several paths or patterns of files, or these by class.
    Paths,
    /// The path of a folder, which need not exist.
    Folder,
    /// The path of a C header, which need not exist.
    Header,
    /// `true` or `false`.
    Flag,
    /// An integer, both ends included.
    Integer {
        /// Lowest value.
        min: i64,
        /// Highest value.
        max: i64,
    },
    /// A finite number.
    Number(Interval),
    /// One word.
    Choice(&'static [&'static str]),
    /// Several words, each at most once.
    Choices(&'static [&'static str]),
    /// One word, or a list of at least one, each at most once.
    OneOrMore(&'static [&'static str]),
    /// Names of columns, each once.
    Names {
        /// Most of them.
        max: usize,
    },
    /// Bytes.
    Size {
        /// Lowest value.
        min: u32,
    },
    /// How long, in minutes or hours.
    Duration,
    /// Values of another kind, each once.
    List(&'static Kind),
    /// An address of 32 bits.
    Address,
    /// A chip of the table.
    Chip,
    /// An emulated machine.
    Board,
    /// So many, or a fraction of all.
    Count {
        /// Lowest integer.
        min: u32,
    },
    /// How many features a split may choose from.
    MaxFeatures,
    /// How many features are kept, or the word that finds out.
    Select,
    /// A rule, or a weight per class.
    ClassWeight,
    /// A number per class, by its name.
    PerClass(Interval),
    /// A number above 0, or one per channel, by its name.
    Scale,
    /// Two numbers, the lower first.
    Range,
    /// Two numbers per feature, by its name.
    Ranges,
    /// The word [`NAN`], or a number.
    Missing,
}

/// An interval of numbers.
#[derive(Debug, Clone, Copy)]
pub enum Interval {
    /// At least 0 and at most 1.
    Share,
    /// Above 0 and below 1.
    Fraction,
    /// Above 0 and at most 1.
    UpToOne,
    /// At least 0.
    AtLeastZero,
    /// Above 0.
    AboveZero,
    /// At most 1, and of either sign.
    AtMostOne,
    /// Any.
    Finite,
}

/// The word of `missing` that is no number.
pub const NAN: &str = "nan";
/// The words of `class_weight`.
pub const CLASS_WEIGHTS: &[&str] = &["none", "balanced", "balanced_subsample"];
/// The words of `summary`.
pub const SUMMARIES: &[&str] = &["each", "hourly-count", "sampled"];
/// The words of `max_features`.
pub const MAX_FEATURES: &[&str] = &["sqrt", "log2", "all"];

/// A comment without the space that it begins with.
const fn told(comment: &'static str) -> &'static str {
    comment.split_at(1).1
}

/// The section of this name.
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

impl Kind {
    /// The values it takes, in words that follow "expected".
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Texts => "a string, or a list of them".to_owned(),
            Self::Column => "a string, or an integer of at least 0".to_owned(),
            Self::Columns => {
                "a string, an integer of at least 0, or a list of them, each once".to_owned()
            }
            Self::Name => {
                "a name of 1 to 64 letters, digits, `-` and `_`, a letter or `_` first".to_owned()
            }
            Self::File => "the path of a file".to_owned(),
            Self::LabelFile => {
                "the path of a file; `*` stands for the name of each recording".to_owned()
            }
            Self::Header => "the path of a file that ends in `.h`".to_owned(),
            Self::Paths => {
                "the path of a file or a folder, a list of paths, or a table of them by class; \
                            `*` stands for any text in a name, `{label}` for the class"
                    .to_owned()
            }
            Self::Folder => "the path of a folder".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Integer { min, max: i64::MAX } => format!("an integer of at least {min}"),
            Self::Integer { min, max } => format!("an integer of {min} to {max}"),
            Self::Number(interval) => interval.expected().to_owned(),
            Self::Choice(words) => listed(words),
            Self::Choices(words) => format!("a list of {}", listed(words)),
            Self::OneOrMore(words) => format!("{}, or a list of some of them", listed(words)),
            Self::Names { max } => format!("a list of 1 to {max} names, each once"),
            Self::Size { .. } => "a size, such as `\"16K\"`".to_owned(),
            Self::Duration => "a time, such as `\"10m\"`".to_owned(),
            Self::List(item) => format!("a list of values, each {}", item.expected()),
            Self::Address => "an address of 32 bits, such as `0x08000000`".to_owned(),
            Self::Chip => "the name of a chip".to_owned(),
            Self::Board => "the name of an emulated machine".to_owned(),
            Self::Count { min } => {
                format!("an integer of at least {min}, or a fraction above 0 and at most 1")
            }
            Self::MaxFeatures => format!(
                "{}, an integer of at least 1, or a fraction above 0 and at most 1",
                listed(MAX_FEATURES)
            ),
            Self::Select => "`\"auto\"`, or an integer from 1 to 65535".to_owned(),
            Self::ClassWeight => format!(
                "{}, or a table of numbers above 0 by class name",
                listed(CLASS_WEIGHTS)
            ),
            Self::PerClass(interval) => {
                format!("a table by class name, each {}", interval.expected())
            }
            Self::Scale => "a number above 0, or a table of them by channel".to_owned(),
            Self::Range => "a list of two numbers, the lower first".to_owned(),
            Self::Ranges => {
                "a table by feature name, each a list of two numbers, the lower first".to_owned()
            }
            Self::Missing => format!("`\"{NAN}\"` or a number"),
        }
    }
}

impl Interval {
    fn expected(self) -> &'static str {
        match self {
            Self::Share => "a number of 0 to 1",
            Self::Fraction => "a number above 0 and below 1",
            Self::UpToOne => "a number above 0 and at most 1",
            Self::AtLeastZero => "a number of at least 0",
            Self::AboveZero => "a number above 0",
            Self::AtMostOne => "a number of at most 1",
            Self::Finite => "a number",
        }
    }

    /// Whether a number lies inside.
    pub fn contains(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Self::Share => (0.0..=1.0).contains(&number),
                Self::Fraction => number > 0.0 && number < 1.0,
                Self::UpToOne => number > 0.0 && number <= 1.0,
                Self::AtLeastZero => number >= 0.0,
                Self::AboveZero => number > 0.0,
                Self::AtMostOne => number <= 1.0,
                Self::Finite => true,
            }
    }
}

/// `"a", "b" or "c"`, in code marks.
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}
