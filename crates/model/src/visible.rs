//! Names as a reader sees them: characters that would hide or move text are spelled out.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` on one line, with each character that a terminal or a page would obey, rather than show,
/// as Rust writes it: line breaks and other control characters (`\n`, `\u{1b}`), marks that turn
/// the direction of writing (`\u{202e}`), and those without a width (`\u{200b}`). Joiners, which
/// some scripts and emoji are written with, stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_obeyed(character) {
            let _ = match character {
                '\n' | '\r' | '\t' => write!(out, "{}", character.escape_default()),
                _ => write!(out, "{}", character.escape_unicode()),
            };
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// `text` with what hides in its lines made [`visible`], and the lines kept.
pub fn visible_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(visible).collect();
    lines.join("\n")
}

/// Whether a terminal or a page would obey this character rather than show it.
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Marks of direction, embeddings, overrides and isolates: Unicode's Bidi_Control.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators; zero-width space, word joiner, byte order mark; tags.
            | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
        )
}
