//! What would fit a radio that what is sent does not.

use spinney_board::{RADIOS, Radio};

use super::uplink::fits;
use super::{Plan, Sends, Summary, UplinkPlan};

/// Changes that would each make it fit: a summary, sampling, another radio.
pub(super) fn what_fits(plan: &Plan<'_>, uplink: &UplinkPlan) -> String {
    let mut ways = Vec::new();
    let asked = (uplink.sends, uplink.summary);
    for (sends, summary, words) in [
        (Sends::Class, Summary::Each, "`send = \"class\"`"),
        (
            Sends::Class,
            Summary::HourlyCount,
            "`summary = \"hourly-count\"` of classes",
        ),
    ] {
        let way = UplinkPlan {
            sends,
            summary,
            ..*uplink
        };
        if (sends, summary) != asked && fits(plan, &way) {
            ways.push(words.to_owned());
        }
    }
    if let Some(every) = sampling(plan, uplink) {
        ways.push(format!("`summary = \"sampled\"` with `every = {every}`"));
    }
    let others: Vec<String> = RADIOS
        .iter()
        .filter(|radio| carries(plan, uplink, radio))
        .map(|radio| format!("\"{}\"", radio.name))
        .collect();
    if !others.is_empty() {
        ways.push(format!("`radio` as one of {}", others.join(", ")));
    }
    if ways.is_empty() {
        return "no summary and no other radio fits: fewer decisions per hour".to_owned();
    }
    format!("what would fit: {}", ways.join("; or "))
}

fn carries(plan: &Plan<'_>, uplink: &UplinkPlan, radio: &'static Radio) -> bool {
    fits(plan, &UplinkPlan { radio, ..*uplink })
}

/// The fewest decisions of which one can be sent; `None` where even one a day is too much.
fn sampling(plan: &Plan<'_>, uplink: &UplinkPlan) -> Option<u32> {
    let one_of = |every: u32| UplinkPlan {
        summary: Summary::Sampled(every),
        ..*uplink
    };
    let most = (plan.decisions_per_hour * 24.0).clamp(1.0, f64::from(u32::MAX)) as u32;
    let (mut too_few, mut enough) = (1, most);
    if !fits(plan, &one_of(enough)) {
        return None;
    }
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if fits(plan, &one_of(middle)) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough).filter(|every| *every > 1)
}
