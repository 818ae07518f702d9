//! Pieces of the page that several sections use.

use maud::{Markup, html};

use crate::markdown::percent;

/// Longest text of a name; no sensor or class needs more.
const NAME_MAX: usize = 200;

/// A name that someone else chose: set apart from the direction of the text around it, and shown
/// even where nothing would be seen.
pub(super) fn name(text: &str) -> Markup {
    if text.trim().is_empty() {
        return html! { em.none { "(no name)" } };
    }
    let mut shown: String = text.chars().take(NAME_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    html! { bdi.name { (shown) } }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number that is text already, with its thousands apart; other text as it is.
pub(super) fn grouped_text(number: &str) -> String {
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    match (whole.parse(), rest) {
        (Err(_), _) => number.to_owned(),
        (Ok(whole), "") => grouped(whole),
        (Ok(whole), rest) => format!("{}.{rest}", grouped(whole)),
    }
}

/// As [`grouped`], with a sign where there is one.
pub(super) fn grouped_signed(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// A share in percent, never broken before its sign.
pub(super) fn share(share: f64) -> String {
    percent(share).replace(' ', "\u{a0}")
}

/// A tick or a cross, which a screen reader is told in words elsewhere.
pub(super) fn mark(pass: bool) -> Markup {
    html! { span aria-hidden="true" { @if pass { "✓" } @else { "✗" } } }
}

/// A bar of `share` of its track; what is beyond it is cut.
pub(super) fn bar(share: f64, class: &str) -> Markup {
    let percent = format!("width:{:.2}%", share.clamp(0.0, 1.0) * 100.0);
    html! {
        span.track aria-hidden="true" {
            @if share > 0.0 { span class={ "fill " (class) } style=(percent) {} }
        }
    }
}

/// The headings of a table, which bars part: columns whose heading ends in a colon are of numbers, and a
/// heading in brackets is for who does not see the column.
pub(super) fn head(headings: &str) -> Markup {
    let unseen = |heading: &str| Some(heading.strip_prefix('(')?.strip_suffix(')')?.to_owned());
    html! {
        thead { tr { @for heading in headings.split(" | ") {
            @match (heading.strip_suffix(':'), unseen(heading)) {
                (Some(of_numbers), _) => { th.n scope="col" { (of_numbers) } }
                (_, Some(unseen)) => { th scope="col" { span.aside { (unseen) } } }
                _ => { th scope="col" { (heading) } }
            }
        } } }
    }
}

/// A table that may be wider than the screen, so that it scrolls by itself.
pub(super) fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

#[cfg(test)]
mod tests {
    use super::{grouped, grouped_signed, grouped_text, name};

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (65_536, "65,536")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped_signed(-1_234), "−1,234");
        assert_eq!(grouped_text("2229.35"), "2,229.35");
        assert_eq!(grouped_text("-0.5"), "-0.5");
        assert_eq!(grouped_text("every-row"), "every-row");
    }

    #[test]
    fn names_are_cut_and_never_invisible() {
        assert_eq!(name(" ").into_string(), "<em class=\"none\">(no name)</em>");
        assert_eq!(
            name("a<b").into_string(),
            "<bdi class=\"name\">a&lt;b</bdi>"
        );
        assert!(name(&"é".repeat(300)).into_string().contains("é…"));
    }
}
