//! `[uplink]` and `[power]`: what the node sends, draws and lives on.

use spinney_board::{Preset, preset, preset_of, radio};
use spinney_evaluate::{PowerPlan, Sends, Summary, UplinkPlan};

use crate::diagnostics::Fault;
use crate::pipeline::Target;
use crate::raw::RawPipeline;
use crate::value::Reader;

/// The figures of a microcontroller that a preset has too.
const OF_PRESET: [&str; 4] = ["clock_mhz", "active_ma", "sleep_ua", "voltage_v"];

/// `None` where the section is absent, or after a fault.
pub(super) fn uplink(reader: &mut Reader, raw: &RawPipeline) -> Option<UplinkPlan> {
    let section = raw.section("uplink");
    let header = section.span.clone()?;
    if raw.section("power").span.is_none() && raw.well_formed {
        let message = "uplink: found no `[power]`, expected one beside it";
        reader.fault(
            Fault::new(Some(header), message)
                .help("its `decisions_per_hour` says how often there is something to send"),
        );
    }
    let send = section.choice::<Sends>("send");
    let every = section.integer_u32("every").unwrap_or(1);
    let summary = match section.text("summary").as_deref() {
        Some("each") => Some(Summary::Each),
        Some("hourly-count") => Some(Summary::HourlyCount),
        Some("sampled") => Some(Summary::Sampled(every)),
        _ => None,
    };
    let cause = |key| section.cause(key);
    if summary == Some(Summary::HourlyCount) && send.is_some_and(|send| send != Sends::Class) {
        let why = "only classes can be counted";
        reader.contradict(section, "summary", why, &cause("send"));
    }
    match summary {
        Some(Summary::Sampled(_)) if section.given("every").is_none() => {
            reader.missing(raw, section, "every");
        }
        Some(Summary::Each | Summary::HourlyCount) => {
            let why = "nothing is sampled";
            reader.contradict(section, "every", why, &cause("summary"));
        }
        _ => {}
    }
    Some(UplinkPlan {
        radio: radio(&section.text("radio")?)?,
        sends: send?,
        summary: summary?,
        fair_use: section.flag("fair_use")?,
    })
}

/// `None` where the section is absent, or after a fault.
pub(super) fn power(
    reader: &mut Reader,
    raw: &RawPipeline,
    target: Option<&Target>,
) -> Option<PowerPlan> {
    let section = raw.section("power");
    section.span.as_ref()?;
    let typed = section.text("preset").and_then(|name| preset(&name));
    let preset = match typed {
        Some(typed) => Some(typed).filter(|preset| runs(reader, raw, preset, target)),
        None if section.given("preset").is_some() => return None,
        None => target.and_then(|target| preset_of(&target.chip.name)),
    };
    let of_target = target.and_then(|target| target.clock_mhz);
    if preset.is_none() && typed.is_none() && target.is_some() {
        for key in OF_PRESET {
            let is_said = key == "clock_mhz" && of_target.is_some();
            if section.given(key).is_none() && !is_said {
                reader.missing(raw, section, key);
            }
        }
    }
    let figure = |key: &str, of_preset: fn(&Preset) -> f64| match section.given(key) {
        Some(_) => section.number(key),
        None => preset.map(of_preset),
    };
    let clock_mhz = match section.given("clock_mhz") {
        Some(_) => None,
        None => of_target,
    };
    let is_triggered = raw.section("frontend").given("trigger").is_some();
    let decisions_per_hour = match section.given("decisions_per_hour") {
        Some(_) => Some(section.number("decisions_per_hour")?),
        None if is_triggered => None,
        None => {
            reader.missing(raw, section, "decisions_per_hour");
            return None;
        }
    };
    let is_used = OF_PRESET.iter().any(|key| section.given(key).is_none());
    Some(PowerPlan {
        decisions_per_hour,
        clock_mhz: clock_mhz.or_else(|| figure("clock_mhz", |preset| preset.clock_mhz))?,
        active_ma: figure("active_ma", |preset| preset.active_ma)?,
        sleep_ua: figure("sleep_ua", |preset| preset.sleep_ua)?,
        voltage_v: figure("voltage_v", |preset| preset.voltage_v)?,
        preset: preset.filter(|_| is_used),
        battery_mah: section.number("battery_mah"),
        cycles_per_instruction: section.number("cycles_per_instruction"),
    })
}

/// Whether a preset's chip executes what was counted on the target's core.
fn runs(reader: &mut Reader, raw: &RawPipeline, preset: &Preset, target: Option<&Target>) -> bool {
    let Some(target) = target else {
        return true;
    };
    let core = target.chip.core;
    if preset.core.report_name() == core.report_name() {
        return true;
    }
    let section = raw.section("power");
    let message = format!(
        "power.preset: found `\"{}\"`, a {}, expected a chip with the target's core, {core}, whose instructions are counted",
        preset.name, preset.core
    );
    reader.fault(
        Fault::new(section.given("preset"), message)
            .because(raw.section("target").given("chip"))
            .help("write the chip's own `clock_mhz`, `active_ma`, `sleep_ua` and `voltage_v`"),
    );
    false
}

/// `[budget]`'s largest latency, which needs a clock.
pub(super) fn latency(reader: &mut Reader, raw: &RawPipeline, target: &Target) -> Option<f64> {
    let budget = raw.section("budget");
    let limit = budget.number("latency_us_max")?;
    let power = raw.section("power");
    let has_clock = target.clock_mhz.is_some() || power.span.is_some();
    if !has_clock && raw.well_formed {
        let message = "budget.latency_us_max: found no clock, expected `clock_mhz` in `[target]` or \
                       `[power]`";
        reader.fault(
            Fault::new(budget.given("latency_us_max"), message)
                .context(raw.section("target").span.clone(), "it belongs here"),
        );
    }
    Some(limit)
}

/// `[budget]`'s least battery life, which needs a battery.
pub(super) fn battery_life(reader: &mut Reader, raw: &RawPipeline) -> Option<f64> {
    let budget = raw.section("budget");
    let power = raw.section("power");
    let days = budget.number("battery_life_min_days")?;
    if power.given("battery_mah").is_none() && raw.well_formed {
        let message =
            "budget.battery_life_min_days: found no battery, expected `battery_mah` in `[power]`";
        reader.fault(
            Fault::new(budget.given("battery_life_min_days"), message)
                .context(power.span.clone(), "it belongs here"),
        );
    }
    Some(days)
}
