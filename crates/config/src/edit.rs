//! Keys of a config that a program sets or takes out: all else, comments too, stays as it was typed.

use std::path::Path;

use crate::{Config, Diagnostics, parse};

impl Config {
    /// The text with each of `keys` set to a value, in TOML, or taken out with its line. Places are
    /// those of keys, such as `model.n_trees`. A key that is not there yet comes after the last one
    /// of its section, and a section that is not there to the end.
    pub fn text_with(&self, keys: &[(&str, Option<String>)]) -> String {
        let text = &self.text;
        let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |it| at + it + 1);
        let mut edits = Vec::new();
        let mut absent: Vec<(&str, String)> = Vec::new();
        for (place, value) in keys {
            let (section, key) = place.rsplit_once('.').unwrap_or(("", place));
            match (self.places.get(*place), value) {
                (Some(span), Some(value)) => edits.push((span.clone(), value.clone())),
                (Some(span), None) if self.is_inline(section) => {
                    let before = &text[..span.start];
                    let start = before.rfind([',', '{']).unwrap_or(0);
                    let is_first = before[start..].starts_with('{');
                    let next = text[span.end..].find([',', '}']).unwrap_or(0);
                    let comma = text[span.end + next..].starts_with(',');
                    edits.push(match is_first {
                        true => (
                            start + 1..span.end + next + usize::from(comma),
                            String::new(),
                        ),
                        false => (start..span.end, String::new()),
                    });
                }
                (Some(span), None) => {
                    let start = text[..span.start].rfind('\n').map_or(0, |it| it + 1);
                    edits.push((start..line_end(span.end), String::new()));
                }
                (None, None) => {}
                (None, Some(value)) => {
                    let line = format!("{key} = {value}\n");
                    let keys = self.places.iter().filter(|(place, _)| {
                        let owner = place.rsplit_once('.');
                        owner.is_some_and(|(owner, _)| owner == section)
                    });
                    let last = keys.map(|(_, span)| span.end).max();
                    let header = self.places.get(section).map(|span| span.end);
                    match last.or(header) {
                        Some(at) if self.is_inline(section) => {
                            edits.push((at..at, format!(", {key} = {value}")));
                        }
                        Some(at) => {
                            let at = line_end(at);
                            let is_cut = at == text.len() && !text.ends_with('\n');
                            let start = if is_cut { "\n" } else { "" };
                            edits.push((at..at, format!("{start}{line}")));
                        }
                        None => match absent.iter_mut().find(|(name, _)| *name == section) {
                            Some((_, lines)) => lines.push_str(&line),
                            None => absent.push((section, line)),
                        },
                    }
                }
            }
        }
        // Of edits at one place the first stands first; those behind it do not move it.
        edits.sort_by_key(|(span, _)| span.start);
        let mut out = String::new();
        let mut at = 0;
        for (span, value) in edits {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(&value);
            at = at.max(span.end);
        }
        out.push_str(&text[at..]);
        for (section, lines) in absent {
            let gap = if out.ends_with('\n') { "" } else { "\n" };
            out.push_str(&format!("{gap}\n[{section}]\n{lines}"));
        }
        out
    }

    /// Whether a section is written in a line, in braces.
    fn is_inline(&self, section: &str) -> bool {
        let span = self.places.get(section);
        span.is_some_and(|span| self.text[span.start..].starts_with('{'))
    }

    /// The config with keys set and taken out, as [`Config::text_with`] does.
    ///
    /// # Errors
    /// It is at fault then.
    pub fn with(&self, keys: &[(&str, Option<String>)]) -> Result<Self, Diagnostics> {
        parse(&self.text_with(keys), &self.path, &Path::exists)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::parse;

    const TEXT: &str = "# mine\n[pipeline]\nname = \"a\"\n\n[dataset]\npath = \"r.csv\"\nlabel = \"c\"\n\n\
        [model]  # trees\nkind = \"random-forest\"  # bagged\nmax_depth = 8\n\n\
        [target]\nchip = \"nRF51822_xxAA\"";

    #[test]
    fn comments_stay() {
        let config = parse(TEXT, Path::new("p.toml"), &|_| true).unwrap();
        let text = config.text_with(&[
            ("model.kind", Some("\"extra-trees\"".to_owned())),
            ("model.max_depth", None),
            ("model.n_trees", Some("20".to_owned())),
            ("model.max_features", Some("0.3".to_owned())),
            ("target.flash", Some("\"16K\"".to_owned())),
            ("quantize.leaves", Some("\"hard\"".to_owned())),
            ("model.criterion", None),
        ]);
        expect_test::expect![[r#"
            # mine
            [pipeline]
            name = "a"

            [dataset]
            path = "r.csv"
            label = "c"

            [model]  # trees
            kind = "extra-trees"  # bagged
            n_trees = 20
            max_features = 0.3

            [target]
            chip = "nRF51822_xxAA"
            flash = "16K"

            [quantize]
            leaves = "hard"
        "#]]
        .assert_eq(&text);
        assert!(parse(&text, Path::new("p.toml"), &|_| true).is_ok());
    }

    #[test]
    fn braces_stay_in_a_line() {
        let text = "pipeline = { name = \"a\" }\ndataset = { path = \"r.csv\", label = \"c\" }\n\
            model = { max_depth = 8, kind = \"random-forest\", n_trees = 3 }  # mine\n\
            target = { chip = \"nRF51822_xxAA\" }\n";
        let config = parse(text, Path::new("p.toml"), &|_| true).unwrap();
        let text = config.text_with(&[
            ("model.max_depth", None),
            ("model.n_trees", None),
            ("model.kind", Some("\"decision-tree\"".to_owned())),
            ("target.flash", Some("\"16K\"".to_owned())),
        ]);
        expect_test::expect![[r#"
            pipeline = { name = "a" }
            dataset = { path = "r.csv", label = "c" }
            model = { kind = "decision-tree" }  # mine
            target = { chip = "nRF51822_xxAA", flash = "16K" }
        "#]]
        .assert_eq(&text);
    }
}
