//! Which files are reports, or the page of a search: only those are replaced by the next run.

/// The files of a report, in the order in which they are written.
pub const FILES: [&str; 4] = ["predictions.csv", "report.md", "report.html", "report.json"];

/// Whether `text`, the start of a file of this name or all of it, is that of a report by Spinney; of
/// `search.html`, a search's.
pub fn is_report(name: &str, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    match name {
        "predictions.csv" => [false, true]
            .into_iter()
            .any(|it| first == crate::rows::header(it).join(",")),
        "report.md" => {
            let endings = [": all gates hold", ": a gate fails", ": not built"];
            first.starts_with("# ") && endings.iter().any(|ending| first.ends_with(ending))
        }
        "report.html" => text.contains("<p class=\"over\">Spinney report</p>"),
        "search.html" => text.contains("<p class=\"over\">Spinney search</p>"),
        "report.json" => {
            let tight: String = text
                .chars()
                .filter(|it| !it.is_whitespace())
                .take(400)
                .collect();
            tight.starts_with("{\"schema\":") && tight.contains("\"fingerprint\":\"sha256:")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{FILES, is_report};

    #[test]
    fn committed_reports_are_reports_and_nothing_else_is() {
        let reports = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports");
        let mut n_found = 0;
        for folder in std::fs::read_dir(reports).unwrap().flatten() {
            for name in FILES {
                let Ok(text) = std::fs::read_to_string(folder.path().join(name)) else {
                    continue;
                };
                n_found += 1;
                assert!(is_report(name, &text), "{name} of {folder:?}");
                for other in FILES.iter().filter(|other| **other != name) {
                    assert!(!is_report(other, &text), "{name} as {other}");
                }
            }
        }
        assert!(n_found > 30, "{n_found}");
        for (name, text) in [
            ("report.json", "{\"schema\": 1, \"data\": [1, 2]}"),
            ("report.json", ""),
            ("report.md", "# My report\n\nall gates hold\n"),
            ("report.html", "<!DOCTYPE html><html><p>Spinney report</p>"),
            ("predictions.csv", "row,label\n0,1\n"),
            ("pipeline.toml", "row,label,float,q15,device\n"),
        ] {
            assert!(!is_report(name, text), "{name}: {text}");
        }
    }
}
