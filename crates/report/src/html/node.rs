//! What leaves the node, from the sensor on, and the energy that it takes.

use maud::{Markup, html};
use spinney_evaluate::{Alternative, Cited, Node, Power, Uplink};

use super::parts::{bar, grouped_text, head, name, scrolling};
use crate::markdown::node::{estimated_from, figure, per_hour, tightest};

pub(super) fn section(node: &Node) -> Markup {
    html! {
        section {
            h2 #node { "What leaves the node" }
            p { "Decisions per hour: " (per_hour(node)) "." }
            (ladder(node))
            @if let Some(uplink) = &node.uplink { (radio(uplink)) }
        }
        section {
            h2 #energy { "Energy" }
            (power(&node.power))
            @if let Some(uplink) = &node.uplink { (comparison(uplink)) }
            (sources("The microcontroller’s figures", &node.power.sources))
        }
    }
}

fn ladder(node: &Node) -> Markup {
    let steps = &node.ladder;
    let slower = |at: usize| {
        node.slower
            .as_ref()
            .and_then(|slower| slower.ladder.get(at))
    };
    let (least, most) = steps
        .iter()
        .map(|step| step.bytes_per_second)
        .filter(|rate| *rate > 0.0)
        .fold((f64::MAX, 0.0_f64), |(low, high), rate| {
            (low.min(rate), high.max(rate))
        });
    // One more power of ten than there is, so that the last step has a bar too.
    let powers = (most / least).log10() + 1.0;
    let share = |rate: f64| ((rate / least).log10() + 1.0) / powers;
    let at_slower = (node.slower.as_ref()).map_or(String::new(), |slower| {
        format!(" | at a decision every {} s:", slower.decision_s)
    });
    let table = html! {
        table.ladder {
            caption { "Data rate after each step; bars are logarithmic" }
            (head(&format!("what | bytes per second:{at_slower} | (as a bar)")))
            tbody { @for (at, step) in steps.iter().enumerate() {
                tr {
                    th scope="row" { (name(&step.name)) } td.n { (rounded(step.bytes_per_second)) }
                    @if let Some(slower) = slower(at) { td.n { (rounded(slower.bytes_per_second)) } }
                    td.bar { @if step.bytes_per_second > 0.0 { (bar(share(step.bytes_per_second), "")) } }
                }
            } }
        }
    };
    scrolling("Data rate after each step", &table)
}

fn radio(uplink: &Uplink) -> Markup {
    let table = html! {
        table {
            (head("sent | summary | bytes a day: | messages a day: | airtime a day, s: | \
                radio, J a day: | tightest limit | fits"))
            tbody { @for it in &uplink.alternatives {
                tr.chosen[it.is_chosen] {
                    (sent(it))
                    td.n { (rounded(it.bytes_per_day)) } td.n { (rounded(it.messages_per_day)) }
                    td.n { (rounded(it.airtime_s_per_day)) } td.n { (rounded(it.radio_j_per_day)) }
                    td.long { (tightest(it)) }
                    td.nowrap { @if it.fits { "✓ yes" } @else { strong { "✗ no" } } }
                }
            } }
        }
    };
    html! {
        h3 { (uplink.title) }
        p { (uplink.payload_bytes) " bytes a message, " (uplink.bit_rate_bps) " bit/s, range " (uplink.range) "."
            @if !uplink.fair_use { " The config says that no policy of fair use binds." } }
        (scrolling("What may be sent", &table))
        p { "▸ is what the config asks for. Energies are airtime times the power of the " (uplink.transceiver)
            ": estimates." }
        @if !uplink.assumptions.is_empty() {
            details {
                summary { "Assumed or left out" }
                ul.small { @for it in &uplink.assumptions { li { (it) } } }
            }
        }
        (sources("The radio’s figures", &uplink.sources))
    }
}

fn sent(it: &Alternative) -> Markup {
    html! {
        th.nowrap scope="row" { @if it.is_chosen { "▸ " } (it.send) }
        td { (it.summary) }
    }
}

fn power(power: &Power) -> Markup {
    html! {
        p {
            (power.clock_mhz) " MHz, " (power.active_ma) " mA computing, " (power.sleep_ua) " µA asleep, "
            (power.voltage_v) " V"
            @if let Some(mah) = power.battery_mah { ", a battery of " (mah) " mAh" }
            @if let Some(preset) = &power.preset { " (preset " (preset) ")" }
            ". " (power.cycles_per_instruction) " cycles per instruction."
        }
        @if let Some(decision) = &power.decision {
            dl.facts.wide {
                @for (what, value, unit) in [
                    ("instructions of a decision, on average", decision.instructions, ""),
                    ("time of a decision", decision.time_us, "µs"),
                    ("energy of a decision", decision.energy_uj, "µJ"),
                    ("share of time computing", decision.duty * 100.0, "%"),
                    ("decisions that the core could make in an hour", decision.most_per_hour, ""),
                    ("current on average, without a radio", decision.average_ua, "µA"),
                    ("energy in a day, without a radio", decision.energy_j_per_day, "J"),
                ] {
                    div { dt { (what) } dd { (rounded(value)) " " (unit) } }
                }
                @if let Some(duty) = decision.quiet_duty {
                    div { dt { "share of time with samples between decisions" } dd { (rounded(duty * 100.0)) " %" } }
                }
                @if let Some(days) = decision.battery_days {
                    div { dt { "battery, without a radio" } dd { (rounded(days)) " days" } }
                }
            }
            p.note { "Estimates from " (estimated_from(decision)) "." }
        } @else { p { "Nothing was run, so time and energy of a decision are not known." } }
    }
}

fn comparison(uplink: &Uplink) -> Markup {
    if uplink
        .alternatives
        .iter()
        .all(|it| it.node_j_per_day.is_none())
    {
        return html! {};
    }
    let or_dash = |value: Option<f64>| value.map_or("–".to_owned(), rounded);
    let table = html! {
        table {
            caption { "With " (uplink.title) }
            (head("sent | summary | radio, J a day: | node, J a day: | battery, days:"))
            tbody { @for it in &uplink.alternatives {
                tr.chosen[it.is_chosen] {
                    (sent(it)) td.n { (rounded(it.radio_j_per_day)) }
                    td.n { (or_dash(it.node_j_per_day)) } td.n { (or_dash(it.battery_days)) }
                }
            } }
        }
    };
    html! {
        (scrolling("Energy of what may be sent", &table))
        p.note { "A node that sends raw data computes nothing, one that sends features makes codes only. The sensor \
            and the radio’s sleep are not in it, unless " code { "sleep_ua" } " has them; nor is the battery’s \
            self-discharge, which decides beyond some years." }
    }
}

/// A figure as elsewhere, with its thousands apart.
fn rounded(value: f64) -> String {
    grouped_text(&figure(value))
}

fn sources(what: &str, sources: &[Cited]) -> Markup {
    html! {
        @if !sources.is_empty() {
            details {
                summary { (what) }
                ul.small { @for source in sources { li { (source.figure) ": " (source.from) } } }
            }
        }
    }
}
