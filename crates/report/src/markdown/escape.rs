//! Text of others in Markdown: names and sentences that a renderer shows as they are.

use std::fmt::Write;

use spinney_model::visible;

/// A name, or any text, for a table's cell or a sentence: it comes out of a renderer of CommonMark
/// or of GitHub's Markdown as plain text, with line breaks and invisible characters spelled out.
pub fn escaped(text: &str) -> String {
    // Blanks at the ends show nowhere, and at the start of a line they would make it code.
    escape(text.trim_matches(' '))
}

fn escape(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    let characters: Vec<char> = text.chars().collect();
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| characters[before]);
        if is_active(before, *character, &characters[index + 1..]) {
            out.push('\\');
        }
        out.push(*character);
    }
    // Of a list, a heading or a rule, what makes it one stands at the start.
    let marker = out.trim_start_matches(|it: char| it.is_ascii_digit());
    let n_digits = out.len() - marker.len();
    let mut after = marker.chars();
    let is_mark = match after.next() {
        Some('.' | ')') => n_digits > 0 && !after.next().is_some_and(char::is_alphanumeric),
        Some('#' | '+' | '-' | '=') => {
            n_digits == 0 && !after.next().is_some_and(char::is_alphanumeric)
        }
        Some('>') => n_digits == 0,
        _ => false,
    };
    if is_mark {
        out.insert(n_digits, '\\');
    }
    out
}

/// A sentence of ours that may quote names: code marks stay, and everything else is [`escaped`].
pub fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut plain = String::new();
    while let Some(start) = rest.find('`') {
        let (before, marked) = rest.split_at(start);
        plain.push_str(before);
        match code_span(marked) {
            // An escaped mark in front would leave this one without its twin.
            Some(code) if !plain.ends_with('`') => {
                push_escaped(&mut out, &plain);
                plain.clear();
                let _ = write!(out, "`{code}`");
                rest = &marked[code.len() + 2..];
            }
            _ => {
                let run = marked.len() - marked.trim_start_matches('`').len();
                plain.push_str(&marked[..run]);
                rest = &marked[run..];
            }
        }
    }
    plain.push_str(rest);
    push_escaped(&mut out, &plain);
    out
}

/// Text as code where it can be: a path, a digest.
pub fn code(text: &str) -> String {
    let marked = format!("`{text}`");
    match code_span(&marked) {
        Some(code) if code == text => marked,
        _ => escaped(text),
    }
}

fn push_escaped(out: &mut String, text: &str) {
    // Within a line nothing opens a list, and spaces between parts must stay.
    if out.is_empty() {
        out.push_str(&escape(text.trim_start_matches(' ')));
    } else {
        let joined = escape(&format!("`{text}"));
        out.push_str(joined.strip_prefix("\\`").unwrap_or(&joined));
    }
}

/// What stands between single code marks at the start of `text`, if it needs no escape there.
fn code_span(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('`')?;
    let end = inside.find('`')?;
    let (code, after) = (&inside[..end], &inside[end + 1..]);
    let is_plain = !code.is_empty()
        && !after.starts_with('`')
        // A cell ends at a bar, even within code; ends of spaces alone are trimmed.
        && !code.contains('|')
        && code.trim() == code
        && visible(code) == code;
    is_plain.then_some(code)
}

/// Whether a character between `before` and `after` could mean something to a renderer.
fn is_active(before: Option<char>, character: char, after: &[char]) -> bool {
    let next = after.first();
    match character {
        '\\' | '`' | '*' | '[' | ']' | '<' | '|' | '~' | '$' | '&' | '@' => true,
        // Between letters it is a part of a name, as everywhere in data.
        '_' => {
            let is_word = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
            !(is_word(before) && is_word(next.copied()))
        }
        // GitHub makes links of bare addresses.
        ':' => after.starts_with(&['/', '/']),
        '.' => before.is_some_and(|it| it.eq_ignore_ascii_case(&'w')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::{code, escaped, sentence};

    /// What GitHub knows beyond CommonMark.
    fn options() -> Options {
        Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_MATH
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_GFM
    }

    /// The text and code that a renderer shows of `page`; anything else but the frame is an error.
    fn rendered(page: &str) -> Result<Vec<String>, String> {
        let mut parts = vec![String::new()];
        for event in Parser::new_ext(page, options()) {
            match event {
                Event::Text(text) | Event::Code(text) => {
                    if let Some(last) = parts.last_mut() {
                        last.push_str(&text);
                    }
                }
                Event::Start(Tag::TableCell) => parts.push(String::new()),
                Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow)
                | Event::End(_) => {}
                other => return Err(format!("{other:?} of {page:?}")),
            }
        }
        Ok(parts)
    }

    /// What `text` is shown as in a paragraph, at its start and behind a word, and in a cell.
    fn shown(text: &str) -> Result<[String; 3], String> {
        let first = rendered(text)?.concat();
        let behind = rendered(&format!("**Note:** {text}").replace("**", ""))?.concat();
        let cells = rendered(&format!("| a | b |\n| --- | --- |\n| {text} | end |\n"))?;
        if cells.len() != 5 || cells[4] != "end" {
            return Err(format!("{text:?} leaves its cell: {cells:?}"));
        }
        Ok([first, behind, cells[3].clone()])
    }

    fn names() -> impl Strategy<Value = String> {
        let active =
            "[-_*`\\[\\]<>|~$&@:.#+=!()\\\\\"'/ \t\r\na1wé\u{202e}\u{200b}\u{1b}\u{a0}]{0,12}";
        let known = prop::sample::select(vec![
            "<silence>",
            "*up*",
            "<script>alert(1)</script>",
            "a|b",
            "`x`",
            "``x`",
            "a\nb",
            "# x",
            "1. x",
            "- x",
            "---",
            "===",
            "> x",
            "&lt;",
            "[x](http://x)",
            "![x](y)",
            "https://x.y",
            "www.x.y",
            "a@b.c",
            "sepal_length_cm",
            "_x_",
            "__x__",
            "~~x~~",
            "$x$",
            "<!--",
            "[^1]",
            "[ ] x",
            "\\",
            "\\`",
            "a\\",
            "    x",
            "\tx",
            "+",
            "10) x",
            ": x",
            "<a@b.c>",
            "^x^",
        ]);
        prop_oneof![active, known.prop_map(str::to_owned), ".{0,20}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn names_come_out_as_they_went_in(name in names()) {
            let seen = spinney_model::visible(&name).trim_matches(' ').to_owned();
            let [first, behind, cell] = shown(&escaped(&name)).map_err(TestCaseError::fail)?;
            let blank = |text: &str| text.trim_matches(' ').to_owned();
            let behind = behind.strip_prefix("Note:").map(blank);
            // Blanks at the ends of a line or a cell show nowhere.
            prop_assert_eq!(
                (blank(&first), behind, blank(&cell)),
                (seen.clone(), Some(seen.clone()), seen)
            );
        }

        #[test]
        fn sentences_hold_nothing_active(name in names(), other in names()) {
            let text = format!("feature {name:?} is {name}: `range = [0, 1]` in [{other}]; `{other}`");
            let [_, _, cell] = shown(&sentence(&text)).map_err(TestCaseError::fail)?;
            prop_assert!(cell.starts_with("feature \""), "{}", cell);
        }

        #[test]
        fn code_holds_nothing_active(name in names()) {
            shown(&code(&name)).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn names_of_every_day_stay_as_they_are() {
        for name in [
            "sepal_length_cm",
            "0",
            "-1",
            "3.5",
            "C#",
            "left > right",
            "a: b",
            "größe (mm)",
            "2^14",
        ] {
            assert_eq!(escaped(name), name);
        }
        assert_eq!(escaped("<silence>"), "\\<silence>");
        assert_eq!(escaped("*up*"), "\\*up\\*");
        assert_eq!(escaped("a|b\nc"), "a\\|b\\\\nc");
        assert_eq!(
            sentence("`coding = \"rank\"` in [features.a_b] of *x*"),
            "`coding = \"rank\"` in \\[features.a_b\\] of \\*x\\*"
        );
    }
}
