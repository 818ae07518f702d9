//! All that the verbs print. A terminal obeys what is ours, and shows whatever else a text has in
//! it: names from models and data, what devices and compilers say.
//!
//! `print!`, `println!`, `eprint!` and `eprintln!` are this module's in the whole program, so that
//! no call can do without.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use anyhow::anyhow;
use serde::Serialize;
use spinney_model::{is_obeyed, visible};

use spinney_config::Style;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::invocation;
use spinney_pipeline::progress::{Event, Observer, Progress};

/// Takes away the line of progress; only at the start of a text.
pub const CLEAR: &str = "\r\x1b[2K";

/// As [`std::print!`], with what a terminal would obey made visible.
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => { $crate::terminal::out(&format!($($text)*)) };
}
/// As [`std::println!`], with what a terminal would obey made visible.
#[macro_export]
macro_rules! println {
    ($($text:tt)*) => { $crate::terminal::out(&(format!($($text)*) + "\n")) };
}
/// As [`std::eprint!`], with what a terminal would obey made visible.
#[macro_export]
macro_rules! eprint {
    ($($text:tt)*) => { $crate::terminal::err(&format!($($text)*)) };
}
/// As [`std::eprintln!`], with what a terminal would obey made visible.
#[macro_export]
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::terminal::err(&(format!($($text)*) + "\n")) };
}

/// Prints plain text on stdout.
pub fn out(text: &str) {
    written(io::stdout().write_all(shown(text, false).as_bytes()));
}

/// Prints plain text on stderr.
pub fn err(text: &str) {
    // Where stderr is gone, nobody can be told.
    let _ = io::stderr().write_all(shown(text, false).as_bytes());
}

/// Prints text with our colours on stdout, without them where they are not wanted.
pub fn styled(text: &str) {
    let mut stdout = io::stdout();
    let text = styled_for(text, stdout.is_terminal());
    written(stdout.write_all(text.as_bytes()));
}

/// Prints text with our colours on stderr, without them where they are not wanted.
pub fn styled_err(text: &str) {
    let mut stderr = io::stderr();
    let text = styled_for(text, stderr.is_terminal());
    let _ = stderr.write_all(text.as_bytes());
}

/// Our own text with its colours, or without them.
fn styled_for(text: &str, is_terminal: bool) -> String {
    let text = shown(text, true);
    match wants_colour(is_terminal) {
        true => text.into_owned(),
        false => without_styles(&text),
    }
}

/// Whether a stream gets colours, by <https://no-color.org> and <https://bixense.com/clicolors>.
fn wants_colour(is_terminal: bool) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is = |name, value: &str| std::env::var_os(name).is_some_and(|it| it == value);
    if is_set("NO_COLOR") {
        return false;
    }
    let is_forced = is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0");
    is_forced || is_terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb")
}

/// A text in which nothing is obeyed but our styles, without those.
fn without_styles(text: &str) -> String {
    let rest = text.strip_prefix(CLEAR).unwrap_or(text);
    let mut out = text[..text.len() - rest.len()].to_owned();
    let mut parts = rest.split('\x1b');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let length = style_len(&format!("\x1b{part}")).saturating_sub(1);
        out.push_str(&part[length..]);
    }
    out
}

/// Prints `value` as JSON on stdout; what a terminal would obey is escaped as JSON does it.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    json_text(&(serde_json::to_string_pretty(value).environment()? + "\n"));
    Ok(())
}

/// Prints `value`, as JSON or as its text.
pub fn answer<T: Serialize>(
    value: &T,
    as_json: bool,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    if as_json {
        return json(value);
    }
    out(&text(value));
    Ok(())
}

/// Prints JSON.
pub fn json_text(text: &str) {
    written(io::stdout().write_all(json_shown(text).as_bytes()));
}

/// Rows as lines without an end: cells two spaces apart, in columns as wide as their widest cell, of
/// which the first `n_left` are flush left and the others flush right.
pub fn columns<const N: usize>(rows: &[[String; N]], n_left: usize) -> Vec<String> {
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(at, (cell, width))| match at < n_left {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
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
pub fn finish() -> Result<(), Failure> {
    written(io::stdout().flush());
    match LOST.get() {
        None => Ok(()),
        Some(error) => Err(Failure::Environment(anyhow!(
            "cannot write to stdout: {error}"
        ))),
    }
}

/// Tells on stderr why a verb ends without success.
pub fn tell(failure: &Failure) {
    match failure {
        Failure::Gate => {}
        Failure::Config(diagnostics) => {
            let text = invocation::as_typed(&diagnostics.render(style()));
            styled_err(&format!("{}\n", text.trim_end()));
        }
        Failure::Image(error) | Failure::Input(error) | Failure::Environment(error) => {
            eprintln!("error: {error:#}");
        }
    }
}

/// Colour where stderr is a terminal and nobody asked for none.
fn style() -> Style {
    if wants_colour(io::stderr().is_terminal()) {
        Style::Colour
    } else {
        Style::Plain
    }
}

/// Says that a signal ends the program.
pub fn interrupted(signal: &str) {
    eprintln!(
        "{}error: interrupted by {signal}; stages that were finished are kept",
        start()
    );
}

/// What a line on stderr begins with: in place of one of progress, where there is a terminal.
fn start() -> &'static str {
    match io::stderr().is_terminal() {
        true => CLEAR,
        false => "",
    }
}

/// A line on stderr that is overwritten as work goes on, and notes.
struct Line {
    shows_progress: bool,
}

/// Progress on stderr, and none where stderr is no terminal; notes in any case.
pub fn progress() -> Progress {
    Progress::to(Line {
        shows_progress: io::stderr().is_terminal(),
    })
}

/// Notes on stderr, without progress.
pub fn notes() -> Progress {
    Progress::to(Line {
        shows_progress: false,
    })
}

const DIM: anstyle::Style = anstyle::Style::new().dimmed();

impl Observer for Line {
    fn notice(&self, event: Event<'_>) {
        match event {
            Event::Note(text) => eprintln!("{}note: {}", start(), visible(text)),
            Event::Installing(command) => eprintln!("setup: $ {command}"),
            _ if !self.shows_progress => {}
            Event::Doing(what) => {
                eprint!("{CLEAR}{what} …");
                let _ = io::stderr().flush();
            }
            Event::Idle => {
                eprint!("{CLEAR}");
                let _ = io::stderr().flush();
            }
            Event::Finished {
                stage,
                seconds,
                reason,
            } => styled_err(&format!(
                "{CLEAR}{stage:<9} {seconds:>6.1} s  {DIM}{reason}{DIM:#}\n"
            )),
            Event::Reused { stage } => {
                styled_err(&format!("{CLEAR}{stage:<9} {DIM}reused{DIM:#}\n"));
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.notice(Event::Idle);
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

    use super::{json_shown, shown, without_styles};

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
            let styled = without_styles(&shown(&text, true));
            prop_assert!(ours || is_plain(&styled));
            let json = serde_json::to_string(&text).unwrap();
            let escaped = json_shown(&json);
            prop_assert!(is_plain(&escaped));
            prop_assert!(!escaped.contains("##["));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }
}
