//! What a microcontroller takes for its decisions.

use serde::Serialize;
use spinney_board::{DAY_S, Preset};

use super::{Cited, Decision, Plan, Power, Sends, shown, uplink};

/// What a microcontroller draws, and how often it decides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PowerPlan {
    /// Above 0; `None` where a trigger makes decisions, as often as recordings say.
    pub decisions_per_hour: Option<f64>,
    /// What gave figures that were not typed; `None` where all were.
    pub preset: Option<&'static Preset>,
    /// MHz, above 0.
    pub clock_mhz: f64,
    /// mA while computing, above 0.
    pub active_ma: f64,
    /// µA asleep, at least 0.
    pub sleep_ua: f64,
    /// Volts, above 0.
    pub voltage_v: f64,
    /// mAh, above 0; `None` without a battery.
    pub battery_mah: Option<f64>,
    /// As measured, above 0; `None` where the core's timing table is to say.
    pub cycles_per_instruction: Option<f64>,
}

/// A part of what a decision takes, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Instructions.
    pub instructions: f64,
    /// Cycles, by the core's timing table; `None` where that is not known.
    pub cycles: Option<f64>,
}

/// What a decision takes, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// From what the sensor delivers to the model's readings; nothing without a front end.
    pub front: Part,
    /// From readings to codes.
    pub coding: Part,
    /// From codes to the class.
    pub inference: Part,
    /// Of a sample while nothing triggers a decision; `None` without a trigger.
    pub quiet: Option<Part>,
}

/// What a front end with a trigger listens to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Listening {
    /// Samples per hour, quiet or not.
    pub samples_per_hour: f64,
    /// Samples of a decision.
    pub samples_per_decision: f64,
}

impl Listening {
    /// Decisions that follow each other without a pause.
    pub(super) fn most_per_hour(self) -> f64 {
        self.samples_per_hour / self.samples_per_decision
    }
}

impl Part {
    /// Cycles, where they are not known at so many an instruction.
    fn cycles_at(self, per_instruction: f64) -> f64 {
        self.cycles.unwrap_or(self.instructions * per_instruction)
    }
}

impl Work {
    /// What is computed before this is sent.
    fn parts(self, sends: Sends) -> &'static [fn(&Self) -> Part] {
        match sends {
            Sends::Raw => &[],
            Sends::Features => &[|work| work.front, |work| work.coding],
            Sends::Class => &[|work| work.front, |work| work.coding, |work| work.inference],
        }
    }

    fn instructions(self, sends: Sends) -> f64 {
        let parts = self.parts(sends).iter();
        parts.map(|part| part(&self).instructions).sum()
    }

    /// By the table, or where that is not known at so many cycles an instruction.
    fn cycles(self, sends: Sends, per_instruction: f64) -> f64 {
        let parts = self.parts(sends).iter().map(|part| part(&self));
        parts.map(|part| part.cycles_at(per_instruction)).sum()
    }

    fn is_by_table(self) -> bool {
        let parts = self.parts(Sends::Class).iter().map(|part| part(&self));
        let mut taken = parts.filter(|part| part.instructions > 0.0);
        taken.all(|part| part.cycles.is_some())
    }
}

/// Seconds of what is computed before this is sent.
fn seconds(plan: &Plan<'_>, work: Work, sends: Sends) -> f64 {
    work.cycles(sends, plan.cycles_per_instruction) / (plan.power.clock_mhz * 1e6)
}

/// The most decisions that the core can make in an hour.
pub(super) fn most_per_hour(plan: &Plan<'_>, work: Work) -> f64 {
    let most = 3600.0 / seconds(plan, work, Sends::Class);
    plan.listening
        .map_or(most, |it| most.min(it.most_per_hour()))
}

/// Share of all time that samples take of which no decision is made, where something is computed before
/// this is sent.
fn quiet_duty(plan: &Plan<'_>, work: Work, sends: Sends) -> f64 {
    let (Some(listening), Some(quiet)) = (plan.listening, work.quiet) else {
        return 0.0;
    };
    if work.parts(sends).is_empty() {
        return 0.0;
    }
    let of_decisions = plan.decisions_per_hour * listening.samples_per_decision;
    let cycles = quiet.cycles_at(plan.cycles_per_instruction)
        * (listening.samples_per_hour - of_decisions).max(0.0);
    cycles / (plan.power.clock_mhz * 1e6) / 3600.0
}

/// Share of all time spent computing; all of it where the core does not keep up.
fn duty(plan: &Plan<'_>, work: Work, sends: Sends) -> f64 {
    let busy_s = seconds(plan, work, sends) * plan.decisions_per_hour;
    (busy_s / 3600.0 + quiet_duty(plan, work, sends)).min(1.0)
}

/// Joules of the microcontroller in a day.
pub(super) fn core_j_per_day(plan: &Plan<'_>, work: Work, sends: Sends) -> f64 {
    average_a(plan, work, sends) * plan.power.voltage_v * DAY_S
}

fn average_a(plan: &Plan<'_>, work: Work, sends: Sends) -> f64 {
    let duty = duty(plan, work, sends);
    plan.power.active_ma * 1e-3 * duty + plan.power.sleep_ua * 1e-6 * (1.0 - duty)
}

/// Days that the battery lasts at so many joules a day; `None` without a battery.
pub(super) fn battery_days(plan: &Plan<'_>, j_per_day: f64) -> Option<f64> {
    // 1 mAh is 3.6 C.
    let joules = plan.power.battery_mah? * 3.6 * plan.power.voltage_v;
    Some(joules / j_per_day)
}

pub(super) fn power(plan: &Plan<'_>) -> Power {
    let given = &plan.power;
    Power {
        clock_mhz: given.clock_mhz,
        active_ma: given.active_ma,
        sleep_ua: given.sleep_ua,
        voltage_v: given.voltage_v,
        battery_mah: given.battery_mah,
        cycles_per_instruction: plan.work.map_or(plan.cycles_per_instruction, |work| {
            let cycles = work.cycles(Sends::Class, plan.cycles_per_instruction);
            shown(cycles / work.instructions(Sends::Class))
        }),
        preset: given.preset.map(|preset| preset.name.to_owned()),
        sources: given
            .preset
            .iter()
            .flat_map(|preset| preset.sources)
            .map(Cited::from)
            .collect(),
        decision: plan.work.map(|work| decision(plan, work)),
    }
}

fn decision(plan: &Plan<'_>, work: Work) -> Decision {
    let instructions = work.instructions(Sends::Class);
    let cycles = work.cycles(Sends::Class, plan.cycles_per_instruction);
    let time_s = seconds(plan, work, Sends::Class);
    let power_w = plan.power.active_ma * 1e-3 * plan.power.voltage_v;
    let j_per_day = core_j_per_day(plan, work, Sends::Class);
    Decision {
        instructions: shown(instructions),
        cycles: Some(shown(cycles)),
        is_by_table: work.is_by_table(),
        time_us: shown(time_s * 1e6),
        energy_uj: shown(time_s * power_w * 1e6),
        duty: shown(duty(plan, work, Sends::Class)),
        quiet_duty: (plan.listening).map(|_| shown(quiet_duty(plan, work, Sends::Class))),
        most_per_hour: shown(most_per_hour(plan, work)),
        average_ua: shown(average_a(plan, work, Sends::Class) * 1e6),
        energy_j_per_day: shown(j_per_day),
        battery_days: battery_days(plan, j_per_day).map(shown),
    }
}

/// What takes most of the battery, for a gate that it fails.
pub(super) fn what_drains(plan: &Plan<'_>) -> String {
    let Some(work) = plan.work else {
        return String::new();
    };
    let sends = plan.uplink.map_or(Sends::Class, |uplink| uplink.sends);
    let asleep_a = plan.power.sleep_ua * 1e-6 * (1.0 - duty(plan, work, sends));
    let asleep = asleep_a * plan.power.voltage_v * DAY_S;
    let computing = core_j_per_day(plan, work, sends) - asleep;
    let sending = plan
        .uplink
        .as_ref()
        .map_or(0.0, |uplink| uplink::radio_j_per_day(plan, uplink));
    let parts = [
        (
            sending,
            "sending",
            "a summary, fewer decisions or another radio",
        ),
        (
            computing,
            "computing",
            "fewer decisions, or a model of fewer instructions",
        ),
        (asleep, "sleeping", "a lower `sleep_ua`"),
    ];
    let all: f64 = parts.iter().map(|(joules, ..)| joules).sum();
    let most = parts
        .iter()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or(&parts[0]);
    format!(
        "estimated; {:.0} % of it goes into {}: {}",
        100.0 * most.0 / all,
        most.1,
        most.2
    )
}
