//! What a node sends, and whether its radio can carry it.

use serde::Serialize;
use spinney_board::{DAY_S, Radio, Traffic};

use super::{Alternative, Cited, Plan, Uplink, Use, Work, advice, bytes_of, in_unit, power, shown};
use crate::Verdict;

/// What is sent of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Sends {
    /// What the sensor delivers.
    Raw,
    /// The row of codes.
    Features,
    /// The class.
    Class,
}

/// How decisions are gathered before they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Summary {
    /// Not at all.
    Each,
    /// A counter per class, once an hour.
    HourlyCount,
    /// One of so many.
    Sampled(u32),
}

/// What a node sends, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UplinkPlan {
    /// The radio.
    pub radio: &'static Radio,
    /// What is sent of a decision.
    pub sends: Sends,
    /// How it is gathered.
    pub summary: Summary,
    /// Whether the network's policy of fair use binds.
    pub fair_use: bool,
}

impl Sends {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Features => "features",
            Self::Class => "class",
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Each => f.write_str("each"),
            Self::HourlyCount => f.write_str("hourly-count"),
            Self::Sampled(every) => write!(f, "sampled, every {every}"),
        }
    }
}

/// What is sent, for people.
pub(super) fn in_words(sends: Sends, summary: Summary) -> String {
    let what = sends.word();
    match summary {
        Summary::Each => what.to_owned(),
        Summary::HourlyCount => "counts per hour".to_owned(),
        Summary::Sampled(every) => format!("{what}, 1 of {every}"),
    }
}

/// Bytes that are sent at once, and how often in a day.
pub(super) fn amount(plan: &Plan<'_>, sends: Sends, summary: Summary) -> (u64, f64) {
    let decisions_per_day = plan.decisions_per_hour * 24.0;
    let row = &plan.row;
    let bytes = match sends {
        Sends::Raw => match plan.front.first() {
            // As many bytes as gather until the next decision.
            Some(sensor) => {
                (sensor.bytes_per_second * 3600.0 / plan.decisions_per_hour).ceil() as u64
            }
            None => row.readings,
        },
        Sends::Features => row.codes,
        Sends::Class => row.class_bytes(),
    };
    match summary {
        Summary::Each => (bytes, decisions_per_day),
        Summary::Sampled(every) => (bytes, decisions_per_day / f64::from(every)),
        Summary::HourlyCount => {
            let most = plan.decisions_per_hour.ceil() as u64;
            (row.n_classes * bytes_of(most), 24.0)
        }
    }
}

fn traffic(plan: &Plan<'_>, uplink: &UplinkPlan) -> Traffic {
    let (bytes, times_per_day) = amount(plan, uplink.sends, uplink.summary);
    uplink.radio.traffic(bytes, times_per_day)
}

/// What is used of each limit that the radio has.
pub(super) fn uses(plan: &Plan<'_>, uplink: &UplinkPlan) -> Vec<Use> {
    let traffic = traffic(plan, uplink);
    let limits = &uplink.radio.limits;
    let mut uses = Vec::new();
    let mut add = |of: String, limit: f64, found: f64| uses.push(Use { of, limit, found });
    if let Some(share) = limits.duty_cycle {
        add(
            format!("s of airtime an hour ({} % duty cycle)", share * 100.0),
            share * 3600.0,
            traffic.airtime_s_per_hour,
        );
    }
    if let Some(seconds) = limits.fair_airtime_s.filter(|_| uplink.fair_use) {
        add(
            "s of airtime a day (fair use)".to_owned(),
            seconds,
            traffic.airtime_s_per_day,
        );
    }
    if let Some(messages) = limits.messages_per_day {
        add(
            "messages a day".to_owned(),
            f64::from(messages),
            traffic.messages_per_day,
        );
    }
    add(
        "s of sending and listening a day".to_owned(),
        DAY_S,
        traffic.busy_s_per_day,
    );
    uses
}

/// Whether all limits are kept.
pub(super) fn fits(plan: &Plan<'_>, uplink: &UplinkPlan) -> bool {
    uses(plan, uplink).iter().all(Use::fits)
}

/// The limit of which most is used.
pub(super) fn tightest(uses: &[Use]) -> Option<&Use> {
    let share = |it: &Use| it.found / it.limit;
    uses.iter().max_by(|a, b| share(a).total_cmp(&share(b)))
}

pub(super) fn radio_j_per_day(plan: &Plan<'_>, uplink: &UplinkPlan) -> f64 {
    traffic(plan, uplink).energy_j_per_day
}

/// Days that the battery lasts, radio included where there is one.
pub(super) fn battery_days(
    plan: &Plan<'_>,
    uplink: Option<&UplinkPlan>,
    work: Work,
) -> Option<f64> {
    let sends = uplink.map_or(Sends::Class, |uplink| uplink.sends);
    let radio = uplink.map_or(0.0, |uplink| radio_j_per_day(plan, uplink));
    power::battery_days(plan, power::core_j_per_day(plan, work, sends) + radio)
}

pub(super) fn uplink(plan: &Plan<'_>, uplink: &UplinkPlan) -> Uplink {
    let radio = uplink.radio;
    let mut ways = vec![
        (Sends::Raw, Summary::Each),
        (Sends::Features, Summary::Each),
        (Sends::Class, Summary::Each),
        (Sends::Class, Summary::HourlyCount),
    ];
    let chosen = (uplink.sends, uplink.summary);
    if !ways.contains(&chosen) {
        ways.push(chosen);
    }
    Uplink {
        radio: radio.name.to_owned(),
        title: radio.title.to_owned(),
        payload_bytes: radio.payload_bytes,
        bit_rate_bps: radio.bit_rate_bps,
        range: radio.range.to_owned(),
        transceiver: radio.draw.transceiver.to_owned(),
        fair_use: uplink.fair_use,
        alternatives: ways
            .into_iter()
            .map(|(sends, summary)| {
                let way = UplinkPlan {
                    sends,
                    summary,
                    ..*uplink
                };
                alternative(plan, &way, (sends, summary) == chosen)
            })
            .collect(),
        sources: radio.sources.iter().map(Cited::from).collect(),
        assumptions: radio.assumptions.iter().map(ToString::to_string).collect(),
    }
}

fn alternative(plan: &Plan<'_>, way: &UplinkPlan, is_chosen: bool) -> Alternative {
    let (bytes, times_per_day) = amount(plan, way.sends, way.summary);
    let traffic = traffic(plan, way);
    let core = |work| power::core_j_per_day(plan, work, way.sends);
    Alternative {
        send: way.sends.word().to_owned(),
        summary: way.summary.to_string(),
        is_chosen,
        bytes_at_once: bytes,
        bytes_per_day: shown(bytes as f64 * times_per_day),
        messages_per_day: shown(traffic.messages_per_day),
        airtime_s_per_day: shown(traffic.airtime_s_per_day),
        radio_j_per_day: shown(traffic.energy_j_per_day),
        node_j_per_day: plan
            .work
            .map(|work| shown(core(work) + traffic.energy_j_per_day)),
        battery_days: plan
            .work
            .and_then(|work| battery_days(plan, Some(way), work))
            .map(shown),
        uses: uses(plan, way)
            .into_iter()
            .map(|it| Use {
                limit: shown(it.limit),
                found: shown(it.found),
                ..it
            })
            .collect(),
        fits: fits(plan, way),
    }
}

/// Whether the radio carries what is sent, judged on the limit of which most is used.
pub(super) fn verdict(plan: &Plan<'_>, uplink: &UplinkPlan) -> Verdict {
    let uses = uses(plan, uplink);
    let pass = uses.iter().all(Use::fits);
    let it = tightest(&uses).expect("a radio has a limit: the day");
    let unit = it.of.split(" (").next().unwrap_or(&it.of);
    let (limit, found) = (in_unit(it.limit, &it.of), in_unit(it.found, unit));
    Verdict::new("uplink", limit, found, pass, || {
        advice::what_fits(plan, uplink)
    })
}
