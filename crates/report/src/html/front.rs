//! The front of a search: models none of which another beats in score, flash and instructions at once.

use maud::{Markup, html};

use super::{page, parts, plots};

/// A model on the front.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontPoint {
    /// Mean score over the folds.
    pub score: f64,
    /// The score and its deviation in words.
    pub score_words: String,
    /// Flash of the image.
    pub flash_bytes: u64,
    /// Mean instructions of an inference; `None` where nothing ran.
    pub instructions: Option<f64>,
    /// Whether it was built and run, rather than estimated.
    pub is_measured: bool,
    /// Whether it is the best that meets every budget.
    pub is_best: bool,
    /// The keys that make it, with their sections.
    pub keys: Vec<(String, String)>,
}

/// The front as a page of HTML that needs nothing else: plots of scores over flash and over
/// instructions, and a table. `lines` tell what was tried and found.
pub fn front_page(
    pipeline: &str,
    objective: &str,
    lines: &[String],
    front: &[FrontPoint],
) -> String {
    let body = html! {
        body {
            header {
                p.over { "Spinney search" }
                h1 { (parts::name(pipeline)) }
                @for line in lines { p.lead { (line) } }
            }
            main {
                section {
                    h2 #front { "Front" }
                    p {
                        "No other model that was tried is better in " (objective) ", flash and instructions at \
                         once. Filled dots were built and run, the others are estimates; the marked one is the \
                         best that meets every budget."
                    }
                    (plots::front(front, objective, "flash of the image, bytes", |it| Some(it.flash_bytes as f64)))
                    @if front.iter().any(|it| it.instructions.is_some()) {
                        (plots::front(front, objective, "instructions, mean", |it| it.instructions))
                    }
                    (parts::scrolling("Models of the front", &table(objective, front)))
                }
            }
        }
    };
    page(&format!("{pipeline}: search"), &body)
}

fn table(objective: &str, front: &[FrontPoint]) -> Markup {
    let about = |it: &FrontPoint| if it.is_measured { "" } else { "~\u{a0}" };
    html! {
        table {
            thead { tr {
                th scope="col" { (objective) }
                th.num scope="col" { "Flash, B" }
                th.num scope="col" { "Instructions" }
                th scope="col" { "Keys" }
            } }
            tbody {
                @for it in front {
                    tr {
                        td { @if it.is_best { strong { (it.score_words) ", best" } } @else { (it.score_words) } }
                        td.num { (about(it)) (parts::grouped(it.flash_bytes)) }
                        td.num {
                            @match it.instructions {
                                Some(found) => { (about(it)) (parts::grouped(found.round() as u64)) }
                                None => { "–" }
                            }
                        }
                        td {
                            @for (at, (key, value)) in it.keys.iter().enumerate() {
                                @if at > 0 { ", " }
                                code { (key) " = " (value) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FrontPoint, front_page};
    use crate::is_report;

    fn point(score: f64, flash_bytes: u64, is_measured: bool, is_best: bool) -> FrontPoint {
        FrontPoint {
            score,
            score_words: format!("{:.1} ± 0.5 %", score * 100.0),
            flash_bytes,
            instructions: is_measured.then_some(1_234.5),
            is_measured,
            is_best,
            keys: vec![("model.kind".to_owned(), "\"extra-<trees>\"".to_owned())],
        }
    }

    #[test]
    fn each_point_has_its_keys() {
        let front = [
            point(0.91, 4_000, false, false),
            point(0.97, 12_345, true, true),
        ];
        let lines = ["60 trials, accuracy".to_owned()];
        let page = front_page("a & b", "accuracy", &lines, &front);
        assert_eq!(
            page.matches("model.kind = &quot;extra-&lt;trees&gt;&quot;")
                .count(),
            2
        );
        assert_eq!(page.matches("<svg").count(), 2);
        assert_eq!(
            page.matches("<circle").count(),
            2 + 1 + 2,
            "two by flash, one by instructions, a mark in each"
        );
        for words in [
            "a &amp; b: search",
            "12,345",
            "97.0 ± 0.5 %, best",
            "~\u{a0}4,000",
            "1,235",
        ] {
            assert!(page.contains(words), "{words}");
        }
        let empty = front_page("a", "mae", &[], &[]);
        assert!(empty.contains("</html>"));
        assert!(is_report("search.html", &empty) && !is_report("report.html", &empty));
    }
}
