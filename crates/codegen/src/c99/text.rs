//! Pieces of C text: the model's prefix, arrays in read-only memory, and strings.

use std::fmt::{Display, Write};

const WIDTH: usize = 100;
const INDENT: &str = "    ";

/// The model's name as C spells it, in front of every name of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix {
    lower: String,
    upper: String,
}

impl Prefix {
    /// The prefix for a pipeline: what no C name may hold becomes `_`.
    pub(crate) fn new(pipeline: &str) -> Self {
        let mut lower: String = pipeline
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect();
        // Names that begin with a digit are none, and those with `_` belong to the compiler.
        if !lower.starts_with(|c: char| c.is_ascii_lowercase()) {
            lower.insert_str(0, "model_");
        }
        let upper = lower.to_ascii_uppercase();
        Self { lower, upper }
    }

    /// The prefix of a part of the model.
    pub(crate) fn with(&self, part: &str) -> Self {
        Self {
            lower: format!("{}_{part}", self.lower),
            upper: format!("{}_{}", self.upper, part.to_ascii_uppercase()),
        }
    }

    /// The prefix of functions, types and tables.
    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    /// `template` with `@` for the prefix of functions, types and tables, and `$` for that of
    /// macros.
    pub(crate) fn apply(&self, template: &str) -> String {
        template.replace('@', &self.lower).replace('$', &self.upper)
    }
}

/// A type that C tables are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
}

impl Item {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::I8 => "int8_t",
            Self::U8 => "uint8_t",
            Self::I16 => "int16_t",
            Self::U16 => "uint16_t",
            Self::I32 => "int32_t",
            Self::U32 => "uint32_t",
        }
    }

    pub(crate) fn n_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 => 4,
        }
    }

    /// The narrower of two unsigned types that holds `max`.
    pub(crate) fn u16_or_u32(max: u32) -> Self {
        if u16::try_from(max).is_ok() {
            Self::U16
        } else {
            Self::U32
        }
    }

    /// The expression that reads the item at `address` from a table, as this type.
    pub(crate) fn read(self, address: &str) -> String {
        let bits = 8 * self.n_bytes();
        match self {
            Self::U8 | Self::U16 | Self::U32 => format!("$_READ{bits}({address})"),
            Self::I8 | Self::I16 | Self::I32 => {
                format!("({})$_READ{bits}({address})", self.name())
            }
        }
    }
}

/// Tables, each with its comment, and what they come to.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub text: String,
    /// Bytes of each table.
    pub sizes: Vec<usize>,
}

impl Tables {
    /// Adds a table whose items come in `groups`, none of which is torn by a line's end.
    pub(crate) fn add<D: Display>(
        &mut self,
        doc: &str,
        item: Item,
        name: &str,
        groups: impl IntoIterator<Item = Vec<D>>,
    ) {
        let mut body = String::new();
        let mut line = String::new();
        let mut n_items = 0;
        for group in groups {
            n_items += group.len();
            let text: Vec<String> = group.iter().map(|item| format!("{item},")).collect();
            let text = text.join(" ");
            if !line.is_empty() && INDENT.len() + line.len() + 1 + text.len() > WIDTH {
                let _ = writeln!(body, "{INDENT}{line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&text);
        }
        let _ = writeln!(body, "{INDENT}{line}");
        let _ = writeln!(
            self.text,
            "{}static const {} @_{name}[{n_items}] $_ROM = {{\n{body}}};\n",
            comment(doc),
            item.name()
        );
        self.sizes.push(n_items * item.n_bytes());
    }

    /// Adds a table of single items.
    pub(crate) fn add_items<D: Display>(
        &mut self,
        doc: &str,
        item: Item,
        name: &str,
        items: impl IntoIterator<Item = D>,
    ) {
        self.add(doc, item, name, items.into_iter().map(|item| vec![item]));
    }
}

/// A comment, broken into lines. Marks of comments in the text, as a feature's name may have, are taken
/// apart.
pub(crate) fn comment(text: &str) -> String {
    let text = text.replace("*/", "* /").replace("/*", "/ *");
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        // Room for the marks on both sides.
        } else if line.len() + 1 + word.len() + 6 > WIDTH {
            lines.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    format!("/* {} */\n", lines.join("\n * "))
}

/// A C string literal of any text.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    let mut last = 0;
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte.into());
            }
            // Two in a row may begin a trigraph.
            b'?' if last == b'?' => out.push_str("\\?"),
            b' '..=b'~' => out.push(byte.into()),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
        last = byte;
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{Prefix, comment, string};

    #[test]
    fn a_prefix_is_a_c_name() {
        for (pipeline, lower) in [
            ("digits", "digits"),
            ("digits-skops", "digits_skops"),
            ("2nd-Try", "model_2nd_try"),
            ("_x", "model__x"),
        ] {
            assert_eq!(Prefix::new(pipeline).lower(), lower);
        }
        assert_eq!(Prefix::new("a-b").apply("@_f($_N)"), "a_b_f(A_B_N)");
    }

    #[test]
    fn strings_hold_any_text() {
        assert_eq!(string("plain"), "\"plain\"");
        assert_eq!(string("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
        assert_eq!(string("what??="), "\"what?\\?=\"");
        assert_eq!(string("µ1\n"), "\"\\302\\2651\\012\"");
    }

    #[test]
    fn comments_break_between_words() {
        let lines = comment(&"word ".repeat(30));
        assert!(lines.lines().all(|line| line.len() <= 100));
        assert_eq!(lines.matches("word").count(), 30);
    }

    #[test]
    fn no_name_ends_a_comment() {
        assert_eq!(
            comment("flow (m*/s), a/*b, */* \n*/"),
            "/* flow (m* /s), a/ *b, * / * * / */\n"
        );
    }
}
