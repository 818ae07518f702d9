//! What a node may spend: the sections `[budget]`, `[uplink]` and `[power]`.

use spinney_board::{PRESET_NAMES, RADIO_NAMES};

use super::keys::{COUNT_MAX, NO_GATE, key};
use super::{Default, Interval, Kind, Section};
use crate::choice::{Sends, Summary, Word};

/// `[budget]`.
pub(super) const BUDGET: Section = Section {
    name: "budget",
    doc: "Gates on what the device may spend.",
    required: false,
    keys: &[
        key(
            "flash",
            Kind::Size { min: 1 },
            Default::Words("the chip's flash"),
            "The most flash that the product image may take.",
        ),
        key(
            "ram",
            Kind::Size { min: 1 },
            Default::Words("the chip's RAM"),
            "The most RAM that the product image may take.",
        ),
        key(
            "stack",
            Kind::Size { min: 1 },
            NO_GATE,
            "The most stack that the run may use.",
        ),
        key(
            "instructions",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            NO_GATE,
            "The most instructions per inference, on average over the test rows.",
        ),
        key(
            "instructions_max",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            NO_GATE,
            "The most instructions that any one inference may take.",
        ),
        key(
            "instructions_bound",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            NO_GATE,
            "The most instructions that an inference may take along the longest path of every tree.",
        ),
        key(
            "reject_flash",
            Kind::Size { min: 0 },
            NO_GATE,
            "The most bytes of flash that `[reject]` may add.",
        ),
        key(
            "reject_instructions",
            Kind::Integer {
                min: 0,
                max: i64::MAX,
            },
            NO_GATE,
            "The most instructions that `[reject]` may add to an inference, on average over the test rows.",
        ),
        key(
            "max_flash_growth",
            Kind::Size { min: 0 },
            NO_GATE,
            "The most bytes of flash that may be added since a baseline report.",
        ),
        key(
            "latency_us_max",
            Kind::Number(Interval::AboveZero),
            NO_GATE,
            "The most microseconds that any inference may take, by the core's timing table.",
        ),
        key(
            "battery_life_min_days",
            Kind::Number(Interval::AboveZero),
            NO_GATE,
            "The least days that the battery of `[power]` must last.",
        ),
    ],
};

const OF_PRESET: Default = Default::Words("the preset's");

/// `[uplink]`.
pub(super) const UPLINK: Section = Section {
    name: "uplink",
    doc: "Says what leaves the node, and how; a gate checks that the radio can carry it.",
    required: false,
    keys: &[
        key(
            "radio",
            Kind::Choice(RADIO_NAMES),
            Default::Required,
            "The radio.",
        ),
        key(
            "send",
            Kind::Choice(Sends::WORDS),
            Default::Value("\"class\""),
            "What is sent of a decision.",
        ),
        key(
            "summary",
            Kind::Choice(Summary::WORDS),
            Default::Value("\"each\""),
            "How decisions are gathered before they are sent.",
        ),
        key(
            "every",
            Kind::Integer {
                min: 2,
                max: COUNT_MAX,
            },
            Default::Words("none"),
            "Of how many decisions one is sent, where `summary` is `\"sampled\"`.",
        ),
        key(
            "fair_use",
            Kind::Flag,
            Default::Value("true"),
            "Whether the network's policy of fair use binds, besides the law.",
        ),
    ],
};

/// `[power]`.
pub(super) const POWER: Section = Section {
    name: "power",
    doc: "Says what the node draws and how often it decides; the report estimates energy and battery life.",
    required: false,
    keys: &[
        key(
            "decisions_per_hour",
            Kind::Number(Interval::AboveZero),
            Default::Required,
            "How often the node decides.",
        ),
        key(
            "preset",
            Kind::Choice(PRESET_NAMES),
            Default::Words("that of the chip, where there is one"),
            "The microcontroller whose data sheet gives clock, currents and voltage.",
        ),
        key(
            "clock_mhz",
            Kind::Number(Interval::AboveZero),
            OF_PRESET,
            "The clock of the core while it computes, in MHz.",
        ),
        key(
            "active_ma",
            Kind::Number(Interval::AboveZero),
            OF_PRESET,
            "The current while it computes, in mA.",
        ),
        key(
            "sleep_ua",
            Kind::Number(Interval::AtLeastZero),
            OF_PRESET,
            "The current while it sleeps, in µA.",
        ),
        key(
            "voltage_v",
            Kind::Number(Interval::AboveZero),
            OF_PRESET,
            "The supply, in volts.",
        ),
        key(
            "battery_mah",
            Kind::Number(Interval::AboveZero),
            Default::Words("none"),
            "What the battery holds at that voltage, in mAh.",
        ),
        key(
            "cycles_per_instruction",
            Kind::Number(Interval::AboveZero),
            Default::Words("by the core's timing table, else 2"),
            "Clock cycles of an instruction, on average, as measured.",
        ),
    ],
};
