//! `[[property]]`: what must hold for every input.

use crate::diagnostics::Fault;
use crate::pipeline::{Asks, Property};
use crate::raw::RawSection;
use crate::value::Reader;

/// The keys that say what must hold, of which a property has one.
const ASKS: [&str; 7] = [
    "never",
    "at_most",
    "at_least",
    "increasing",
    "decreasing",
    "agrees",
    "drift",
];

pub(super) fn check(reader: &mut Reader, section: &RawSection) -> Option<Property> {
    let given: Vec<&'static str> = ASKS
        .into_iter()
        .filter(|key| section.given(key).is_some())
        .collect();
    let [asked] = given[..] else {
        let found = match &given[..] {
            [] => "none".to_owned(),
            several => format!("{} of them", several.len()),
        };
        let message = format!(
            "{}: found {found}, expected one of {}",
            section.place,
            ASKS.join(", ")
        );
        let help = "write a `[[property]]` for each thing that must hold";
        reader.fault(Fault::new(section.span.clone(), message).help(help));
        return None;
    };
    let cause = section.cause(asked);
    let is_monotone = ["increasing", "decreasing"].contains(&asked);
    if !is_monotone {
        let why = "only `increasing` and `decreasing` are about a class";
        reader.contradict(section, "class", why, &cause);
    }
    if asked != "drift" {
        reader.contradict(section, "min_share", "it is about rows that drift", &cause);
    }
    if asked == "drift" {
        let why = "test rows say where readings begin";
        reader.contradict(section, "within", why, &cause);
    }
    let asks = match asked {
        "never" => Asks::Never(section.text(asked)?),
        "at_most" => Asks::AtMost(section.number(asked)?),
        "at_least" => Asks::AtLeast(section.number(asked)?),
        "drift" => Asks::Drift {
            share: section.number(asked)?,
            min_share: section.number("min_share").unwrap_or(1.0),
        },
        "agrees" if section.flag(asked) == Some(false) => {
            let message = format!(
                "{}.agrees: found `false`, expected `true`, or no such property",
                section.place
            );
            reader.fault(Fault::new(section.given(asked), message));
            return None;
        }
        "agrees" => Asks::Agrees,
        _ => Asks::Monotone {
            feature: section.text(asked)?,
            rises: asked == "increasing",
            class: section.text("class"),
        },
    };
    Some(Property {
        asks,
        within: section.ranges("within"),
        seconds: section.number("seconds")?,
    })
}
