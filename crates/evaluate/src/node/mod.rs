//! The node around the model: how the data rate falls from sensor to class, what the radio makes
//! of it, and what the battery does.
//!
//! Times and energies of decisions are estimates: cycles by the core's timing table, or where there is
//! none instructions as the emulator counts them, times cycles per instruction, over the clock.

mod advice;
mod power;
mod uplink;

pub use power::{Listening, Part, PowerPlan, Work};
pub use uplink::{Sends, Summary, UplinkPlan};

use serde::{Deserialize, Serialize};

use crate::gates::at_least;
use crate::{Quantity, RunOutcome, Verdict};

/// A stretch of the way from sensor to class, and the bytes that come out of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What comes out.
    pub name: String,
    /// How much of it.
    pub bytes_per_second: f64,
}

/// What one decision is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowBytes {
    /// The readings that the model is fed with, in the sensor's types.
    pub readings: u64,
    /// Their codes.
    pub codes: u64,
    /// Number of classes.
    pub n_classes: u64,
}

/// Data rates with another time between decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowerLadder {
    /// Seconds from one decision to the next.
    pub decision_s: f64,
    /// The data rate after each step, as in the node's own ladder.
    pub ladder: Vec<Step>,
}

/// What a node does all day.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// What comes before the readings of a row, from the sensor on: the steps of a front end. Empty
    /// where the readings are what the sensor delivers.
    pub front: &'a [Step],
    /// What the sensor delivers where something brings that down to the first step of `front`, which
    /// is what sending raw data means.
    pub sensor: Option<&'a Step>,
    /// Seconds between decisions, above 0, whose data rates are shown as well.
    pub slower_s: Option<f64>,
    /// The row.
    pub row: RowBytes,
    /// What it draws, and how often it is said to decide.
    pub power: PowerPlan,
    /// How often it decides, above 0: as is said, or as recordings say.
    pub decisions_per_hour: f64,
    /// What it listens to all the time, where a trigger makes decisions.
    pub listening: Option<Listening>,
    /// Above 0; of what the core's timing table does not say.
    pub cycles_per_instruction: f64,
    /// What a decision takes; `None` where nothing was run.
    pub work: Option<Work>,
    /// What it sends.
    pub uplink: Option<UplinkPlan>,
}

/// What a node does all day, worked out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// How often it decides.
    pub decisions_per_hour: f64,
    /// Whether a trigger makes decisions, and it is the test recordings that say how often.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_recordings: bool,
    /// The data rate after each step, from the sensor to what leaves the node.
    pub ladder: Vec<Step>,
    /// The same with another time between decisions, if one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower: Option<SlowerLadder>,
    /// What leaves it; absent where nothing is said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink: Option<Uplink>,
    /// What it takes, sending apart.
    pub power: Power,
}

/// What leaves a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uplink {
    /// The radio's name in `pipeline.toml`.
    pub radio: String,
    /// Its name for people.
    pub title: String,
    /// Most bytes of a message.
    pub payload_bytes: u32,
    /// Bits per second on the air.
    pub bit_rate_bps: u32,
    /// How far it reaches, in words.
    pub range: String,
    /// The transceiver whose currents are taken.
    pub transceiver: String,
    /// Whether the network's policy of fair use binds.
    pub fair_use: bool,
    /// What may be sent, one of them chosen.
    pub alternatives: Vec<Alternative>,
    /// Where the radio's figures come from.
    pub sources: Vec<Cited>,
    /// What is assumed of it, or left out.
    pub assumptions: Vec<String>,
}

/// A figure and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cited {
    /// What it says.
    pub figure: String,
    /// Who says so, and where.
    pub from: String,
}

impl From<&spinney_board::Source> for Cited {
    fn from(source: &spinney_board::Source) -> Self {
        Self {
            figure: source.figure.to_owned(),
            from: source.from.to_owned(),
        }
    }
}

/// One way to tell the world of decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// What is sent, as `pipeline.toml` names it.
    pub send: String,
    /// How it is gathered, as `pipeline.toml` names it; with the number of decisions that one is
    /// sent of.
    pub summary: String,
    /// Whether the config asks for it.
    pub is_chosen: bool,
    /// Bytes that are sent at once.
    pub bytes_at_once: u64,
    /// Bytes in a day, the radio's own not counted.
    pub bytes_per_day: f64,
    /// Messages in a day.
    pub messages_per_day: f64,
    /// Seconds on the air in a day.
    pub airtime_s_per_day: f64,
    /// Joules of the radio in a day: an estimate.
    pub radio_j_per_day: f64,
    /// Joules of radio and microcontroller in a day: an estimate; `None` where nothing was run.
    pub node_j_per_day: Option<f64>,
    /// Days that the battery lasts: an estimate; `None` without battery or run.
    pub battery_days: Option<f64>,
    /// What is used of each of the radio's limits.
    pub uses: Vec<Use>,
    /// Whether it keeps them all.
    pub fits: bool,
}

/// What is used of a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// Of which limit, with its unit.
    pub of: String,
    /// The most that is allowed.
    pub limit: f64,
    /// What is used.
    pub found: f64,
}

impl Use {
    /// Whether no more is used than allowed; a rounding error is not more.
    fn fits(&self) -> bool {
        self.found <= self.limit * (1.0 + 1e-12)
    }
}

/// What the microcontroller takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// MHz.
    pub clock_mhz: f64,
    /// mA while computing.
    pub active_ma: f64,
    /// µA asleep.
    pub sleep_ua: f64,
    /// Volts.
    pub voltage_v: f64,
    /// mAh; absent without a battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_mah: Option<f64>,
    /// Cycles that an instruction is taken to need.
    pub cycles_per_instruction: f64,
    /// The preset that gave figures which the config does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Where its figures come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Cited>,
    /// What a decision takes; `None` where nothing was run.
    pub decision: Option<Decision>,
}

/// What a decision takes: an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Instructions from what the sensor delivers to the class, on average; not cycles.
    pub instructions: f64,
    /// Cycles of these, an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycles: Option<f64>,
    /// Whether they are those of the core's timing table; else instructions times a factor.
    #[serde(default)]
    pub is_by_table: bool,
    /// Microseconds.
    pub time_us: f64,
    /// Microjoules while computing.
    pub energy_uj: f64,
    /// Share of all time spent computing, at most 1.
    pub duty: f64,
    /// Of that, what samples take of which no decision is made; absent without a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_duty: Option<f64>,
    /// The most decisions that the core can make in an hour.
    pub most_per_hour: f64,
    /// µA on average, the radio not included.
    pub average_ua: f64,
    /// Joules in a day, the radio not included.
    pub energy_j_per_day: f64,
    /// Days that the battery lasts, the radio not included; `None` without a battery.
    pub battery_days: Option<f64>,
}

/// Works out what a node does all day.
#[must_use]
pub fn node(plan: &Plan<'_>) -> Node {
    Node {
        decisions_per_hour: (plan.power.decisions_per_hour)
            .unwrap_or_else(|| shown(plan.decisions_per_hour)),
        is_of_recordings: plan.power.decisions_per_hour.is_none(),
        ladder: ladder(plan),
        slower: plan.slower_s.map(|decision_s| SlowerLadder {
            decision_s,
            ladder: ladder(&Plan {
                decisions_per_hour: 3600.0 / decision_s,
                ..*plan
            }),
        }),
        uplink: plan
            .uplink
            .as_ref()
            .map(|uplink| uplink::uplink(plan, uplink)),
        power: power::power(plan),
    }
}

/// The data rate after each step: the front end's, the row's, and that of what is sent.
fn ladder(plan: &Plan<'_>) -> Vec<Step> {
    let per_second = |bytes: u64| bytes as f64 * plan.decisions_per_hour / 3600.0;
    let step = |name: &str, bytes_per_second: f64| Step {
        name: name.to_owned(),
        bytes_per_second: shown(bytes_per_second),
    };
    let mut steps: Vec<Step> = plan
        .sensor
        .into_iter()
        .chain(plan.front)
        .map(|before| step(&before.name, before.bytes_per_second))
        .collect();
    steps.extend([
        step("readings", per_second(plan.row.readings)),
        step("codes", per_second(plan.row.codes)),
        step("class", per_second(plan.row.class_bytes())),
    ]);
    if let Some(uplink) = &plan.uplink
        && uplink.summary != Summary::Each
    {
        let (bytes, times_per_day) = uplink::amount(plan, uplink.sends, uplink.summary);
        steps.push(step(
            &uplink::in_words(uplink.sends, uplink.summary),
            bytes as f64 * times_per_day / spinney_board::DAY_S,
        ));
    }
    steps
}

/// The gates of a node: whether the core keeps up, the radio carries what is sent, and the battery
/// lasts.
#[must_use]
pub fn judge_node(
    plan: &Plan<'_>,
    battery_life_min_days: Option<f64>,
    device: RunOutcome<'_>,
) -> Vec<Verdict> {
    let mut verdicts = vec![at_least(
        "decisions_per_hour",
        plan.decisions_per_hour,
        plan.work.map(|work| power::most_per_hour(plan, work)),
        device,
        || {
            let of_samples = plan.listening.map(|it| it.most_per_hour());
            match plan.work.map(|work| power::most_per_hour(plan, work)) {
                most if most.is_some() && most == of_samples => {
                    "that many follow each other without a pause, as each takes samples of its own; write \
                     fewer in [power]"
                }
                _ => {
                    "that is the most at this clock and these `cycles_per_instruction`; a faster clock, \
                     `prefer = \"speed\"` in [codegen], or fewer decisions"
                }
            }
            .to_owned()
        },
    )];
    if let Some(uplink) = &plan.uplink {
        verdicts.push(uplink::verdict(plan, uplink));
    }
    if let Some(days) = battery_life_min_days {
        let found = plan
            .work
            .and_then(|work| uplink::battery_days(plan, plan.uplink.as_ref(), work));
        verdicts.push(at_least(
            "battery_life_min_days",
            days,
            found,
            device,
            || power::what_drains(plan),
        ));
    }
    verdicts
}

impl RowBytes {
    /// Bytes of a class index.
    fn class_bytes(&self) -> u64 {
        bytes_of(self.n_classes.saturating_sub(1))
    }
}

/// Bytes that hold an integer up to `most`.
fn bytes_of(most: u64) -> u64 {
    u64::from((64 - most.leading_zeros()).div_ceil(8).max(1))
}

/// A figure with six digits, which is more than any source has; the same on every machine.
fn shown(figure: f64) -> f64 {
    format!("{figure:.5e}").parse().unwrap_or(figure)
}

/// A limit or finding of a verdict.
fn in_unit(figure: f64, unit: &str) -> Quantity {
    Quantity::Word(format!("{} {unit}", (figure * 100.0).round() / 100.0))
}
