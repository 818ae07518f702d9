//! What the schema declares of a key, and so what `docs/pipeline.md` says of it, is what the parser
//! does: defaults, words, bounds and what is required.

use std::collections::BTreeMap;

use spinney_config::Pipeline;
use spinney_config::schema::{Default, Key, Kind, SECTIONS};

use crate::common::{faults, parse};

/// Sections and their lines; a key that does not go with one of these goes with another.
const BASES: [Base; 8] = [
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "path = \"rows.csv\"\nlabel = \"class\""),
        ("model", "kind = \"random-forest\""),
        ("quantize", ""),
        ("features", ""),
        ("features.hue", ""),
        ("codegen", ""),
        ("reject", "coverage = 0.9"),
        ("[property]", "never = \"red\""),
        ("accuracy", ""),
        ("target", "chip = \"nRF51822_xxAA\""),
        ("budget", ""),
        ("evaluate", ""),
        ("firmware", ""),
        ("power", "decisions_per_hour = 60\nbattery_mah = 2000"),
        ("uplink", "radio = \"lorawan-sf7\""),
        ("search", ""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "path = \"rows.csv\"\nlabel = \"class\""),
        ("model", "kind = \"decision-tree\""),
        ("target", "chip = \"STM32F405RGTx\""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "path = \"rows.csv\"\nlabel = \"class\""),
        ("model", "kind = \"gaussian-nb\""),
        ("target", "chip = \"ESP32-C3\""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        (
            "dataset",
            "train = \"rows.csv\"\ntest = \"rows.csv\"\nlabel = \"class\"",
        ),
        ("model", "kind = \"random-forest\""),
        ("codegen", "early_exit = true"),
        ("target", "chip = \"STM32F405RGTx\""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "test = \"rows.csv\"\nlabel = \"class\""),
        ("model", "source = \"import\"\npath = \"model.skops\""),
        ("target", "chip = \"STM32F405RGTx\""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "path = \"recordings\""),
        ("model", "kind = \"random-forest\""),
        ("frontend", "sample_rate = 16000\ndecision_s = 1"),
        ("scenes", ""),
        ("target", "chip = \"STM32F405RGTx\""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "path = \"recordings\""),
        ("model", "kind = \"random-forest\""),
        ("frontend", "sample_rate = 16000\ndecision_frames = 16"),
        ("target", "chip = \"STM32F405RGTx\""),
    ],
    &[
        ("pipeline", "name = \"a\""),
        ("dataset", "path = \"rows.csv\"\nlabel = \"class\""),
        ("model", "kind = \"random-forest\"\ntrainer = \"linfa\""),
        ("target", "chip = \"STM32F405RGTx\""),
    ],
];

type Base = &'static [(&'static str, &'static str)];

/// A base with a line in one of its sections, in place of the one that has its key.
fn with(base: Base, section: &str, line: &str) -> String {
    let key = line.split(" =").next().unwrap_or_default();
    base.iter()
        .map(|(name, lines)| {
            if *name != section {
                return format!("[{name}]\n{lines}\n");
            }
            let others: String = lines
                .lines()
                .filter(|line| line.split(" =").next() != Some(key))
                .map(|line| format!("{line}\n"))
                .collect();
            format!("[{name}]\n{others}{line}\n")
        })
        .collect()
}

/// The bases that have a section.
fn bases(section: &str) -> impl Iterator<Item = Base> {
    BASES
        .into_iter()
        .filter(move |base| base.iter().any(|(name, _)| *name == section))
}

/// Whether a base says something of a key.
fn has(base: Base, section: &str, key: &str) -> bool {
    base.iter()
        .filter(|(name, _)| *name == section)
        .flat_map(|(_, lines)| lines.lines())
        .any(|line| line.split(" =").next() == Some(key))
}

fn name_of(section: &str) -> &str {
    match section {
        "features.NAME" => "features.hue",
        "property" => "[property]",
        section => section,
    }
}

fn pipeline(text: &str) -> Option<Pipeline> {
    parse(text).ok().map(|config| config.pipeline)
}

#[test]
fn bases_have_no_fault_and_every_section() {
    for base in BASES {
        assert_eq!(faults(&with(base, "", "")), [], "{base:?}");
    }
    for section in SECTIONS {
        assert!(
            bases(name_of(section.name)).next().is_some(),
            "{}",
            section.name
        );
    }
}

#[test]
fn a_default_is_what_holds_where_the_key_is_left_out() {
    let mut strange = BTreeMap::new();
    for section in SECTIONS {
        let name = name_of(section.name);
        for key in section.keys {
            let Default::Value(value) = key.default else {
                continue;
            };
            let line = format!("{} = {value}", key.name);
            let compared: Vec<bool> = bases(name)
                .filter(|base| !has(base, name, key.name))
                .filter_map(|base| {
                    let without = pipeline(&with(base, "", ""))?;
                    Some(pipeline(&with(base, name, &line))? == without)
                })
                .collect();
            if compared.is_empty() || compared.contains(&false) {
                strange.insert(format!("[{name}] {line}"), compared);
            }
        }
    }
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn each_word_is_taken_and_no_other() {
    for section in SECTIONS {
        let name = name_of(section.name);
        for key in section.keys {
            let (words, quote): (_, fn(&str) -> String) = match key.kind {
                Kind::Choice(words) | Kind::OneOrMore(words) => {
                    (words, |word| format!("\"{word}\""))
                }
                Kind::Choices(words) => (words, |word| format!("[\"{word}\"]")),
                _ => continue,
            };
            for word in words {
                let line = format!("{} = {}", key.name, quote(word));
                assert!(
                    !has_wrong_value(name, key, &line),
                    "[{name}] {line} is not taken"
                );
            }
            let line = format!("{} = {}", key.name, quote("no-such-word"));
            assert!(
                has_wrong_value(name, key, &line),
                "[{name}] {line} is taken"
            );
        }
    }
}

/// Whether the parser says in every base that it expected another word.
fn has_wrong_value(section: &str, key: &Key, line: &str) -> bool {
    let found = format!("{}: found", key.name);
    let expected = key.kind.expected();
    // Of a list, the word itself is pointed at.
    let expected = expected.trim_start_matches("a list of ");
    bases(section).all(|base| {
        faults(&with(base, section, line))
            .iter()
            .any(|fault| fault.message.contains(&found) && fault.message.contains(expected))
    })
}

#[test]
fn integers_and_shares_end_where_they_are_said_to() {
    for section in SECTIONS {
        let name = name_of(section.name);
        for key in section.keys {
            let (inside, outside): (Vec<String>, Vec<String>) = match key.kind {
                Kind::Integer { min, max } => (
                    vec![min.to_string(), max.to_string()],
                    [min.checked_sub(1), max.checked_add(1)]
                        .iter()
                        .flatten()
                        .map(i64::to_string)
                        .collect(),
                ),
                Kind::Number(interval) => {
                    let ends = ["-1.0", "0.0", "0.5", "1.0", "1.5"];
                    ends.iter()
                        .map(|end| (*end).to_owned())
                        .partition(|end| interval.contains(end.parse().expect("a number")))
                }
                _ => continue,
            };
            let is_refused =
                |value: &String| has_wrong_value(name, key, &format!("{} = {value}", key.name));
            for value in &inside {
                assert!(!is_refused(value), "[{name}] {} = {value}", key.name);
            }
            for value in &outside {
                assert!(is_refused(value), "[{name}] {} = {value}", key.name);
            }
        }
    }
}

#[test]
fn what_is_required_is_missed() {
    for section in SECTIONS {
        let name = name_of(section.name);
        for key in section.keys {
            let is_required = key.default == Default::Required;
            // The section with no key at all.
            let text: String = BASES
                .iter()
                .find(|base| base.iter().any(|(section, _)| *section == name))
                .into_iter()
                .flat_map(|base| base.iter())
                .map(|(section, lines)| {
                    format!(
                        "[{section}]\n{}\n",
                        if *section == name { "" } else { lines }
                    )
                })
                .collect();
            let is_missed = faults(&text).iter().any(|fault| {
                fault
                    .message
                    .contains(&format!("{}: found nothing", key.name))
            });
            if is_required {
                assert!(is_missed, "[{name}] {} is not missed", key.name);
            }
        }
        let without: String = BASES[0]
            .iter()
            .filter(|(section, _)| *section != name)
            .map(|(section, lines)| format!("[{section}]\n{lines}\n"))
            .collect();
        let is_missed = faults(&without).iter().any(|fault| {
            fault
                .message
                .contains(&format!("{}: found no such section", section.name))
        });
        assert_eq!(is_missed, section.required, "[{name}]");
    }
}
