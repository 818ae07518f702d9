//! No text makes the reader panic, and what it refuses it refuses with a reason.

use crate::common::{MINIMAL, parse};
use proptest::prelude::*;
use spinney_config::Style;

fn survives(text: &str) {
    if let Err(faults) = parse(text) {
        let list = faults.to_list();
        assert!(!list.is_empty());
        assert!(list.is_sorted_by_key(|fault| (fault.line, fault.column)));
        assert!(faults.render(Style::Plain).contains("error"));
        assert!(faults.render(Style::Colour).contains("error"));
    }
}

/// Every key and section of the schema, and words that mean something to TOML or to a key.
fn words() -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for section in spinney_config::schema::SECTIONS {
        words.push(format!("\n[{}]\n", section.name));
        words.push(format!("\n[{}.x]\n", section.name));
        for key in section.keys {
            words.push(format!("\n{} = ", key.name));
        }
    }
    for word in [
        "0",
        "-1",
        "1.5",
        "1e999",
        "nan",
        "true",
        "\"\"",
        "\"import\"",
        "\"linfa\"",
        "\"extra-trees\"",
        "\"decision-tree\"",
        "\"gaussian-nb\"",
        "\"random-forest\"",
        "\"rank\"",
        "\"off\"",
        "\"16K\"",
        "\"4095M\"",
        "4294967295",
        "\"m.json\"",
        "\"RP2040\"",
        "\"microbit\"",
        "[\"class\"]",
        "[0, 9]",
        "{ a = 1 }",
        "{",
        "[",
        "\"",
        "'''",
        "#",
        "\n",
        "\r\n",
        "ü",
        "🌲",
        "\t",
        "\u{1b}",
        "1979-05-27",
    ] {
        words.push(word.to_owned());
    }
    words
}

/// Refusing takes time in proportion to the text.
#[test]
fn long_texts() {
    for line in [
        "a = 1\n",
        "[\n",
        "[a]\n",
        "= \"\n",
        "[features.\"\"]\nb.c.d = 1\n",
    ] {
        survives(&format!("[model]\n{}", line.repeat(20_000)));
    }
    let keys: String = (0..20_000).map(|key| format!("key_{key} = 1\n")).collect();
    survives(&format!("[model]\n{keys}"));
    survives(&format!("[model]\nclass_weight = {}", "[".repeat(100_000)));
    survives(&format!("[model]\nkind = \"{}\"\n", "x".repeat(1_000_000)));
    survives(&format!("[target]\nchip = \"{}\"\n", "x".repeat(1_000_000)));
}

proptest! {
    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn arbitrary_bytes_that_are_text(bytes in prop::collection::vec(any::<char>(), 0..200)) {
        survives(&bytes.into_iter().collect::<String>());
    }

    #[test]
    fn words_of_the_schema(words in prop::collection::vec(prop::sample::select(words()), 0..40)) {
        survives(&words.concat());
    }

    #[test]
    fn a_good_config_with_a_wound(
        at in 0..MINIMAL.len(),
        len in 0..20_usize,
        patch in prop::sample::select(words()),
    ) {
        let end = (at + len).min(MINIMAL.len());
        survives(&format!("{}{patch}{}", &MINIMAL[..at], &MINIMAL[end..]));
    }
}
