//! `docs/pipeline.md` and the parser are held to each other, key by key.

use std::fmt::Write as _;

use spinney_config::schema::{Default, Key, SECTIONS, Section};

use crate::common::faults;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipeline.md");

fn document() -> String {
    std::fs::read_to_string(DOCUMENT).expect("docs/pipeline.md is there")
}

fn heading(section: &Section) -> String {
    match section.name {
        "property" => "[[property]]".to_owned(),
        name => format!("[{name}]"),
    }
}

/// What the document must say of a key, to the letter. Prose may follow.
fn entry(key: &Key) -> String {
    let default = match key.default {
        Default::Required => "required".to_owned(),
        Default::Value(value) => format!("default: `{value}`"),
        Default::Words(words) => format!("default: {words}"),
    };
    format!(
        "### `{}`\n\n*{}; {default}*\n\n{}",
        key.name,
        key.kind.expected(),
        key.doc
    )
}

/// The part of the document from a heading to the next of the same level or above.
fn part<'a>(text: &'a str, heading: &str, level: &str) -> Option<&'a str> {
    let start = text.find(&format!("\n{level} {heading}\n"))? + 1;
    let rest = &text[start + level.len()..];
    let end = (1..=level.len())
        .filter_map(|depth| rest.find(&format!("\n{} ", "#".repeat(depth))))
        .min()
        .unwrap_or(rest.len());
    Some(&rest[..end])
}

fn headings<'a>(text: &'a str, level: &str) -> Vec<&'a str> {
    let prefix = format!("{level} `");
    text.lines()
        .filter_map(|line| line.strip_prefix(&prefix)?.strip_suffix('`'))
        .collect()
}

#[test]
fn each_section_and_key_is_documented_as_it_is_read() {
    let text = document();
    let mut missing = String::new();
    for section in SECTIONS {
        let heading = heading(section);
        let section_text = part(&text, &format!("`{heading}`"), "##").unwrap_or_default();
        if !section_text.contains(section.doc) {
            writeln!(missing, "## `{heading}`\n\n{}\n", section.doc).unwrap();
        }
        for key in section.keys {
            let entry = entry(key);
            if !section_text.contains(&entry) {
                writeln!(missing, "{entry}\n").unwrap();
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/pipeline.md must say:\n\n{missing}"
    );
}

#[test]
fn each_documented_section_and_key_is_read() {
    let text = document();
    let sections: Vec<String> = SECTIONS.iter().map(heading).collect();
    assert_eq!(headings(&text, "##"), sections);
    for section in SECTIONS {
        let heading = format!("`{}`", heading(section));
        let section_text = part(&text, &heading, "##").unwrap();
        let keys: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(headings(section_text, "###"), keys, "{heading}");
    }
}

#[test]
fn each_key_has_an_example_that_reads() {
    let text = document();
    for section in SECTIONS {
        let heading = format!("`{}`", heading(section));
        let section_text = part(&text, &heading, "##").unwrap();
        for key in section.keys {
            let key_text = part(section_text, &format!("`{}`", key.name), "###").unwrap();
            let example = key_text
                .split_once("```toml\n")
                .and_then(|(_, rest)| rest.split_once("\n```"))
                .map(|(example, _)| example)
                .unwrap_or_else(|| panic!("{heading} {}: no example", key.name));
            assert!(
                example.contains(&format!("{} = ", key.name)),
                "{heading} {}",
                key.name
            );
            assert_eq!(at_keys(section, example), [], "{heading} {}", key.name);
        }
    }
}

#[test]
fn defaults_are_values_that_their_keys_take() {
    for section in SECTIONS {
        for key in section.keys {
            if let Default::Value(value) = key.default {
                let text = format!("{} = {value}", key.name);
                assert_eq!(
                    at_keys(section, &text),
                    [],
                    "[{}] {}",
                    section.name,
                    key.name
                );
            }
        }
    }
}

/// Faults of keys in a section. What is missing beside them is told of in line 1, the header, and
/// what is not supported yet is documented all the same.
fn at_keys(section: &Section, keys: &str) -> Vec<spinney_config::Diagnostic> {
    let header = match section.name {
        "features.NAME" => "[features.hue]".to_owned(),
        "property" => "[[property]]".to_owned(),
        name => format!("[{name}]"),
    };
    // Some gates are on what another section has.
    let others = match section.name {
        "accuracy" | "budget" => "[reject]\ncoverage = 0.9\noutliers = 0.1\n",
        _ => "",
    };
    faults(&format!("{header}\n{keys}\n{others}"))
        .into_iter()
        .filter(|fault| fault.line > 1 && !fault.message.contains("not supported"))
        .collect()
}
