//! What a node may spend: the sections `[budget]`, `[uplink]` and `[power]`.

use spinney_board::{PRESET_NAMES, RADIO_NAMES};
use spinney_evaluate::Sends;

use super::keys::{COUNT_MAX, NO_GATE, NONE};
use super::{Default, Interval, Key, Kind, SUMMARIES, Section, told};
use crate::choice::Word;

/// `[budget]`.
pub(super) const BUDGET: Section = section! {
    /// Gates on what the device may spend.
    "budget", optional:
    /// The most flash that the product image may take.
    "flash": Kind::Size { min: 1 }, Default::Words("the chip's flash");
    /// The most RAM that the product image may take.
    "ram": Kind::Size { min: 1 }, Default::Words("the chip's RAM");
    /// The most stack that the run may use.
    "stack": Kind::Size { min: 1 }, NO_GATE;
    /// The most instructions per inference, on average over the test rows.
    "instructions": Kind::Integer { min: 1, max: i64::MAX }, NO_GATE;
    /// The most instructions that any one inference may take.
    "instructions_max": Kind::Integer { min: 1, max: i64::MAX }, NO_GATE;
    /// The most instructions that an inference may take, whatever the row.
    "instructions_bound": Kind::Integer { min: 1, max: i64::MAX }, NO_GATE;
    /// The most bytes of flash that `[reject]` may add.
    "reject_flash": Kind::Size { min: 0 }, NO_GATE;
    /// The most instructions that `[reject]` may add to an inference, on average over the test
    /// rows.
    "reject_instructions": Kind::Integer { min: 0, max: i64::MAX }, NO_GATE;
    /// The most bytes of flash that may be added since a baseline report.
    "max_flash_growth": Kind::Size { min: 0 }, NO_GATE;
    /// The most microseconds that any inference may take, by the core's timing table.
    "latency_us_max": Kind::Number(Interval::AboveZero), NO_GATE;
    /// The least days that the battery of `[power]` must last.
    "battery_life_min_days": Kind::Number(Interval::AboveZero), NO_GATE;
};

const OF_PRESET: Default = Default::Words("the preset's");

/// `[uplink]`.
pub(super) const UPLINK: Section = section! {
    /// Says what leaves the node, and how; a gate checks that the radio can carry it.
    "uplink", optional:
    /// The radio.
    "radio": Kind::Choice(RADIO_NAMES), Default::Required;
    /// What is sent of a decision.
    "send": Kind::Choice(Sends::WORDS), Default::Value("\"class\"");
    /// How decisions are gathered before they are sent.
    "summary": Kind::Choice(SUMMARIES), Default::Value("\"each\"");
    /// Of how many decisions one is sent, where `summary` is `"sampled"`.
    "every": Kind::Integer { min: 2, max: COUNT_MAX }, NONE;
    /// Whether the network's policy of fair use binds, besides the law.
    "fair_use": Kind::Flag, Default::Value("true");
};

/// `[power]`.
pub(super) const POWER: Section = section! {
    /// Says what the node draws and how often it decides; the report estimates energy and battery
    /// life.
    "power", optional:
    /// How often the node decides, or is expected to with a `trigger`.
    "decisions_per_hour": Kind::Number(Interval::AboveZero),
        Default::Words("none; required without a `trigger`");
    /// The microcontroller whose data sheet gives clock, currents and voltage.
    "preset": Kind::Choice(PRESET_NAMES), Default::Words("that of the chip, where there is one");
    /// The clock of the core while it computes, in MHz.
    "clock_mhz": Kind::Number(Interval::AboveZero), OF_PRESET;
    /// The current while it computes, in mA.
    "active_ma": Kind::Number(Interval::AboveZero), OF_PRESET;
    /// The current while it sleeps, in µA.
    "sleep_ua": Kind::Number(Interval::AtLeastZero), OF_PRESET;
    /// The supply, in volts.
    "voltage_v": Kind::Number(Interval::AboveZero), OF_PRESET;
    /// What the battery holds at that voltage, in mAh.
    "battery_mah": Kind::Number(Interval::AboveZero), NONE;
    /// Clock cycles of an instruction, on average, as measured.
    "cycles_per_instruction": Kind::Number(Interval::AboveZero),
        Default::Words("by the core's timing table, else 2");
};
