//! All that the verbs print. A terminal obeys what is ours, and shows whatever else a text has in
//! it: names from models and data, what devices and compilers say.
//!
//! `print!`, `println!`, `eprint!` and `eprintln!` are this module's in the whole program, so that
//! no call can do without.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use anyhow::anyhow;
use serde::Serialize;
use spinney_model::{is_obeyed, visible};

use crate::failure::Failure;

/// Takes away the line of progress; only at the start of a text.
pub(crate) const CLEAR: &str = "\r\x1b[2K";

macro_rules! print {
    ($($text:tt)*) => { $crate::terminal::out(&format!($($text)*)) };
}
macro_rules! println {
    ($($text:tt)*) => { $crate::terminal::out(&(format!($($text)*) + "\n")) };
}
macro_rules! eprint {
    ($($text:tt)*) => { $crate::terminal::err(&format!($($text)*)) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::terminal::err(&(format!($($text)*) + "\n")) };
}

/// Prints plain text on stdout.
pub(crate) fn out(text: &str) {
    written(io::stdout().write_all(shown(text, false).as_bytes()));
}

/// Prints plain text on stderr.
pub(crate) fn err(text: &str) {
    // Where stderr is gone, nobody can be told.
    let _ = io::stderr().write_all(shown(text, false).as_bytes());
}

/// Prints text with our colours on stdout, without them where they are not wanted.
pub(crate) fn styled(text: &str) {
    written(anstream::stdout().write_all(shown(text, true).as_bytes()));
}

/// Prints text with our colours on stderr, without them where they are not wanted.
pub(crate) fn styled_err(text: &str) {
    let _ = anstream::stderr().write_all(shown(text, true).as_bytes());
}

/// Prints `value` as JSON on stdout; what a terminal would obey is escaped as JSON does it.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<()> {
    json_text(&(serde_json::to_string_pretty(value)? + "\n"));
    Ok(())
}

/// Prints JSON.
pub(crate) fn json_text(text: &str) {
    written(io::stdout().write_all(json_shown(text).as_bytes()));
}

/// Why something that was printed got nowhere: the first reason.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Keeps in mind what could not be written; a reader who has had enough, as `head` has, is no fault.
fn written(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Whether all that was printed on stdout got there.
///
/// # Errors
/// It did not, as where stdout is a file on a full disk.
pub(crate) fn finish() -> Result<(), Failure> {
    written(io::stdout().flush());
    match LOST.get() {
        None => Ok(()),
        Some(error) => Err(Failure::Environment(anyhow!(
            "cannot write to stdout: {error}"
        ))),
    }
}

fn json_shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) && character != '\n' || character == '[' && out.ends_with("##") {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

fn shown(text: &str, has_styles: bool) -> Cow<'_, str> {
    match visible_but_ours(text, has_styles) {
        plain if !plain.contains("::") && !plain.contains("##[") => plain,
        plain => Cow::Owned(plain.split_inclusive('\n').map(no_command).collect()),
    }
}

/// A line that a job's log is not told to do anything by: GitHub obeys `::` at the start of a line
/// and `##[` in it.
fn no_command(line: &str) -> String {
    let line = line.replace("##[", "##\\u{5b}");
    match line.trim_start().starts_with("::") {
        true => line.replacen("::", "\\u{3a}:", 1),
        false => line,
    }
}

fn visible_but_ours(text: &str, has_styles: bool) -> Cow<'_, str> {
    if !text.chars().any(|it| is_obeyed(it) && it != '\n') {
        return Cow::Borrowed(text);
    }
    let mut rest = text.strip_prefix(CLEAR).unwrap_or(text);
    let mut out = text[..text.len() - rest.len()].to_owned();
    while let Some(first) = rest.chars().next() {
        let n_ours = match first {
            '\n' | '\t' => 1,
            '\x1b' if has_styles => style_len(rest),
            _ => 0,
        };
        let end = match n_ours {
            0 => {
                let tail = &rest[first.len_utf8()..];
                let end = tail.find(['\n', '\t', '\x1b']).unwrap_or(tail.len());
                first.len_utf8() + end
            }
            n => n,
        };
        let (part, tail) = rest.split_at(end);
        match n_ours {
            0 => out.push_str(&visible(part)),
            _ => out.push_str(part),
        }
        rest = tail;
    }
    Cow::Owned(out)
}

/// Bytes of the colour or weight that `text` begins with; 0 if it is none of those we use, which
/// leave every text readable.
fn style_len(text: &str) -> usize {
    let Some((codes, _)) = text
        .strip_prefix("\x1b[")
        .and_then(|rest| rest.split_once('m'))
    else {
        return 0;
    };
    let is_ours = |code: &str| {
        let number = code.parse::<u8>();
        number.is_ok_and(|it| matches!(it, 0..=2 | 31..=36 | 91..=96))
    };
    match codes.split(';').all(is_ours) {
        true => "\x1b[".len() + codes.len() + "m".len(),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{json_shown, shown};

    #[test]
    fn what_a_terminal_obeys_is_ours() {
        for (text, plain, styled) in [
            ("a\n\tb\n", "a\n\tb\n", "a\n\tb\n"),
            (
                "\x1b[1m\x1b[32mx\x1b[0m",
                "\\u{1b}[1m\\u{1b}[32mx\\u{1b}[0m",
                "\x1b[1m\x1b[32mx\x1b[0m",
            ),
            (
                "\x1b[2J\x1b[8mx",
                "\\u{1b}[2J\\u{1b}[8mx",
                "\\u{1b}[2J\\u{1b}[8mx",
            ),
            (
                "\x1b]0;title\x07",
                "\\u{1b}]0;title\\u{7}",
                "\\u{1b}]0;title\\u{7}",
            ),
            (
                "\x1b[m\x1b[1;40mx",
                "\\u{1b}[m\\u{1b}[1;40mx",
                "\\u{1b}[m\\u{1b}[1;40mx",
            ),
            ("a\rb\u{9b}2J", "a\\rb\\u{9b}2J", "a\\rb\\u{9b}2J"),
            (
                "a::b\n  ::error::c\n",
                "a::b\n  \\u{3a}:error::c\n",
                "a::b\n  \\u{3a}:error::c\n",
            ),
            ("a ##[error]b", "a ##\\u{5b}error]b", "a ##\\u{5b}error]b"),
            ("pass\u{202e}liaf", "pass\\u{202e}liaf", "pass\\u{202e}liaf"),
            (
                "\r\x1b[2Kx\r\x1b[2K",
                "\r\x1b[2Kx\\r\\u{1b}[2K",
                "\r\x1b[2Kx\\r\\u{1b}[2K",
            ),
        ] {
            assert_eq!(shown(text, false), plain);
            assert_eq!(shown(text, true), styled);
        }
    }

    #[test]
    fn colours_of_a_config_s_faults_are_ours() {
        let path = std::path::Path::new("pipeline.toml");
        let faults = spinney_config::parse("[pipelin]\n\"\u{1b}[31m\" = 1\n", path, &|_| true);
        let text = faults.unwrap_err().render(spinney_config::Style::Colour);
        assert!(text.contains("\x1b["), "{text:?}");
        assert_eq!(shown(&text, true), text);
    }

    proptest! {
        #[test]
        fn nothing_else_is_obeyed(text in "[#:\\[0-9;mJKa\n\r\t\u{7}\u{8}\u{1b}\u{7f}\u{9b}\u{202e}\u{200b}é]{0,20}") {
            let is_plain = |text: &str| !text.contains(|it: char| {
                (it.is_control() && !"\n\t".contains(it)) || "\u{202e}\u{200b}".contains(it)
            });
            let ours = text.starts_with(super::CLEAR);
            prop_assert!(ours || is_plain(&shown(&text, false)));
            let styled = anstream::adapter::strip_str(&shown(&text, true)).to_string();
            prop_assert!(ours || is_plain(&styled));
            let json = serde_json::to_string(&text).unwrap();
            let escaped = json_shown(&json);
            prop_assert!(is_plain(&escaped));
            prop_assert!(!escaped.contains("##["));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }

    #[test]
    fn no_other_place_prints() {
        let sources = crate::places::repository().join("xtask/src");
        let mut folders = vec![sources];
        let mut n_files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                n_files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                for way in ["anstream", "std::print", "std::eprint", "io::stdout()."] {
                    let is_here = path.ends_with("xtask/src/terminal.rs");
                    assert!(
                        is_here || !text.contains(way),
                        "{way} in {}",
                        path.display()
                    );
                }
            }
        }
        assert!(n_files > 80, "{n_files}");
    }
}
