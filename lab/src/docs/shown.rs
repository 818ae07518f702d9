//! Output that a page shows, against what a command printed.

/// What is shown and was not printed, if anything.
///
/// Lines must stand in the output one below the other, as they are shown. A line `…` stands for any
/// number of lines, and `…` within a line for any text. With `numbers_differ`, any number stands
/// for any other.
pub(crate) fn missing(shown: &str, printed: &str, numbers_differ: bool) -> Option<String> {
    let normal = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| match numbers_differ {
                true => without_numbers(line.trim_end()),
                false => line.trim_end().to_owned(),
            })
            .collect()
    };
    let shown = normal(shown);
    let printed = normal(printed);
    let mut from = 0;
    for group in shown.split(|line| line == "…") {
        if group.is_empty() {
            continue;
        }
        let is_group =
            |lines: &[String]| group.iter().zip(lines).all(|(line, it)| is_like(line, it));
        let mut stretches = printed[from..].windows(group.len());
        match stretches.position(is_group) {
            Some(start) => from += start + group.len(),
            None => {
                // The first line that stands nowhere says most; else it is the order.
                let line = group
                    .iter()
                    .find(|line| !printed.iter().any(|it| is_like(line, it)))
                    .unwrap_or(&group[0]);
                return Some(line.clone());
            }
        }
    }
    None
}

/// Whether `line` is `pattern`, in which `…` stands for any text.
fn is_like(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else {
        return pattern == line;
    };
    line.strip_prefix(start).is_some_and(|line| {
        let mut ends = (0..=line.len()).filter(|at| line.is_char_boundary(*at));
        ends.any(|at| is_like(rest, &line[at..]))
    })
}

/// Numbers as `#`, and runs of spaces, which their widths decide, as one.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    for letter in line.chars() {
        let is_number = letter.is_ascii_digit() || (letter == '.' && out.ends_with('#'));
        let next = if is_number { '#' } else { letter };
        if !((next == '#' || next == ' ') && out.ends_with(next)) {
            out.push(next);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shown: &str, printed: &str, expected: Option<&str>) {
        assert_eq!(
            missing(shown, printed, false).as_deref(),
            expected,
            "{shown}"
        );
    }

    #[test]
    fn lines_stand_one_below_the_other() {
        check("b\nc\n", "a\nb  \nc\nd\n", None);
        check("b\nd\n", "a\nb\nc\nd\n", Some("b"));
        check("b\n…\nd\n", "a\nb\nc\nd\n", None);
        check("d\n…\nb\n", "a\nb\nc\nd\n", Some("b"));
        check("a\nx\n", "a\nb\n", Some("x"));
        check("a\n", "", Some("a"));
        check("", "a\n", None);
    }

    #[test]
    fn an_ellipsis_stands_for_any_text() {
        check("took … s, … rows\n", "took 1.5 s, 12 rows\n", None);
        check("took … s\n", "took 1.5 s, 12 rows\n", Some("took … s"));
        check("…rows\n", "12 rows\n", None);
    }

    #[test]
    fn numbers_may_differ_where_they_cannot_be_compared() {
        let (shown, printed) = ("ram   8192  1152  pass", "ram  8192  980.5  pass");
        assert_eq!(missing(shown, printed, true), None);
        assert!(missing(shown, printed, false).is_some());
        assert!(missing(shown, "ram  8192  1152  fail", true).is_some());
    }
}
