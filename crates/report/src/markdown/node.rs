//! What leaves the node, and its energy, as Markdown.

use std::fmt::Write;

use spinney_evaluate::{Alternative, Cited, Decision, Node, Power, Uplink};

use super::{Table, escaped, sentence};

/// Both sections.
pub(super) fn write(node: &Node, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n## What leaves the node\n\nDecisions per hour: {}.\n",
        per_hour(node)
    )?;
    let slower = node.slower.as_ref();
    let heading = slower.map(|it| format!("| at a decision every {} s:", it.decision_s));
    let heading = heading.unwrap_or_default();
    let mut table = Table::new(&format!("what | bytes per second:{heading}"));
    for (at, step) in node.ladder.iter().enumerate() {
        let (name, rate) = (escaped(&step.name), figure(step.bytes_per_second));
        match slower.and_then(|it| it.ladder.get(at)) {
            Some(slower) => table.row(&[&name, &rate, &figure(slower.bytes_per_second)]),
            None => table.row(&[&name, &rate]),
        }
    }
    write!(out, "{table}")?;
    if let Some(uplink) = &node.uplink {
        write_uplink(uplink, out)?;
    }
    writeln!(out, "\n## Energy\n")?;
    write_power(&node.power, out)?;
    if let Some(uplink) = &node.uplink {
        write_comparison(uplink, out)?;
    }
    write_sources("The microcontroller's figures:", &node.power.sources, out)
}

/// How often it decides, and who says so where a trigger makes decisions.
pub(crate) fn per_hour(node: &Node) -> String {
    let from = match node.is_of_recordings {
        true => ", as often as the test recordings trigger one",
        false => "",
    };
    format!("{}{from}", node.decisions_per_hour)
}

/// What samples take between decisions that a trigger makes.
fn between_decisions(decision: &Decision) -> String {
    decision.quiet_duty.map_or(String::new(), |duty| {
        let percent = figure(duty * 100.0);
        format!(", of which {percent} % goes into samples between decisions")
    })
}

fn write_uplink(uplink: &Uplink, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n{}: {} bytes a message, {} bit/s, range {}.{}\n",
        escaped(&uplink.title),
        uplink.payload_bytes,
        uplink.bit_rate_bps,
        escaped(&uplink.range),
        if uplink.fair_use {
            ""
        } else {
            " The config says that no policy of fair use binds."
        }
    )?;
    let mut table = Table::new(
        "sent | summary | bytes a day: | messages a day: | airtime a day, s: | radio, J a day: | \
         tightest limit | fits",
    );
    for it in &uplink.alternatives {
        table.row(&[
            &marked(it, &it.send),
            &marked(it, &it.summary),
            &figure(it.bytes_per_day),
            &figure(it.messages_per_day),
            &figure(it.airtime_s_per_day),
            &figure(it.radio_j_per_day),
            &escaped(&tightest(it)),
            if it.fits { &"yes" } else { &"**no**" },
        ]);
    }
    writeln!(
        out,
        "{table}\nThe config asks for the row in bold. Energies are airtime times the power of the {}: \
         estimates. Assumed or left out:\n",
        escaped(&uplink.transceiver)
    )?;
    for assumption in &uplink.assumptions {
        writeln!(out, "- {}", sentence(assumption))?;
    }
    write_sources("The radio's figures:", &uplink.sources, out)
}

/// The limit of which most is used, and how much.
pub(crate) fn tightest(it: &Alternative) -> String {
    let share = |used: &&spinney_evaluate::Use| used.found / used.limit;
    it.uses
        .iter()
        .max_by(|a, b| share(a).total_cmp(&share(b)))
        .map_or(String::new(), |used| {
            format!(
                "{} of {} {}",
                figure(used.found),
                figure(used.limit),
                used.of
            )
        })
}

fn write_power(power: &Power, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "{} MHz, {} mA computing, {} µA asleep, {} V{}{}. {} cycles per instruction.\n",
        power.clock_mhz,
        power.active_ma,
        power.sleep_ua,
        power.voltage_v,
        power
            .battery_mah
            .map_or(String::new(), |mah| format!(", a battery of {mah} mAh")),
        power
            .preset
            .as_ref()
            .map_or(String::new(), |preset| format!(
                " (preset {})",
                escaped(preset)
            )),
        power.cycles_per_instruction
    )?;
    let Some(decision) = &power.decision else {
        return writeln!(
            out,
            "Nothing was run, so time and energy of a decision are not known."
        );
    };
    writeln!(
        out,
        "A decision takes {} instructions on average, {} µs and {} µJ, and computing takes {} % of \
         the time{}; the core could decide {} times an hour. Without a radio the node draws {} µA on \
         average, {} J a day{}. These are estimates from {}.",
        figure(decision.instructions),
        figure(decision.time_us),
        figure(decision.energy_uj),
        figure(decision.duty * 100.0),
        between_decisions(decision),
        figure(decision.most_per_hour),
        figure(decision.average_ua),
        figure(decision.energy_j_per_day),
        decision.battery_days.map_or(String::new(), |days| format!(
            ", which the battery gives for {} days",
            figure(days)
        )),
        estimated_from(decision)
    )
}

/// What sending costs the node as a whole.
fn write_comparison(uplink: &Uplink, out: &mut String) -> std::fmt::Result {
    if uplink
        .alternatives
        .iter()
        .all(|it| it.node_j_per_day.is_none())
    {
        return Ok(());
    }
    let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), figure);
    let mut table =
        Table::new("sent | summary | radio, J a day: | node, J a day: | battery, days:");
    for it in &uplink.alternatives {
        table.row(&[
            &marked(it, &it.send),
            &marked(it, &it.summary),
            &figure(it.radio_j_per_day),
            &or_dash(it.node_j_per_day),
            &or_dash(it.battery_days),
        ]);
    }
    writeln!(
        out,
        "\nWith {}:\n\n{table}\nA node that sends raw data computes nothing, one that sends features makes codes only. \
         The sensor and the radio's sleep are not in it, unless `sleep_ua` has them; nor is the \
         battery's self-discharge, which decides beyond some years.",
        escaped(&uplink.title)
    )
}

fn write_sources(what: &str, sources: &[Cited], out: &mut String) -> std::fmt::Result {
    if sources.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{what}\n")?;
    for source in sources {
        let (figure, from) = (escaped(&source.figure), sentence(&source.from));
        writeln!(out, "- {figure}: {from}")?;
    }
    Ok(())
}

fn marked(it: &Alternative, text: &str) -> String {
    let text = escaped(text);
    if it.is_chosen {
        format!("**{text}**")
    } else {
        text
    }
}

/// A figure with four digits, or all of those before the point.
pub(crate) fn figure(value: f64) -> String {
    let short: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    if value.abs() >= 1e4 {
        format!("{value:.0}")
    } else {
        format!("{short}")
    }
}

/// What time and energy of a decision are worked out from.
pub(crate) fn estimated_from(decision: &Decision) -> &'static str {
    match decision.is_by_table {
        true => "cycles by the core's timing table, at zero wait states",
        false => "instructions, not from cycles",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spinney_board::radio;
    use spinney_evaluate::{Part, Plan, PowerPlan, RowBytes, Sends, Summary, UplinkPlan, Work};

    use super::*;

    /// Both sections, without the list of the radio's sources.
    fn written(plan: &Plan<'_>) -> String {
        let mut node = spinney_evaluate::node(plan);
        if let Some(uplink) = &mut node.uplink {
            uplink.sources.clear();
        }
        let mut out = String::new();
        write(&node, &mut out).unwrap();
        out
    }

    const fn counted(instructions: f64) -> Part {
        Part {
            instructions,
            cycles: None,
        }
    }

    const PLAN: Plan<'_> = Plan {
        front: &[],
        sensor: None,
        slower_s: None,
        row: RowBytes {
            readings: 52,
            codes: 26,
            n_classes: 3,
        },
        power: PowerPlan {
            decisions_per_hour: Some(6.0),
            clock_mhz: 16.0,
            active_ma: 4.4,
            sleep_ua: 3.1,
            voltage_v: 3.0,
            battery_mah: Some(220.0),
            cycles_per_instruction: None,
            preset: None,
        },
        decisions_per_hour: 6.0,
        listening: None,
        cycles_per_instruction: 2.0,
        work: Some(Work {
            front: counted(0.0),
            coding: counted(600.0),
            inference: counted(1_000.0),
            quiet: None,
        }),
        uplink: None,
    };

    #[test]
    fn a_node_with_a_radio() {
        let plan = Plan {
            uplink: Some(UplinkPlan {
                radio: radio("sigfox").unwrap(),
                sends: Sends::Class,
                summary: Summary::Sampled(2),
                fair_use: true,
            }),
            ..PLAN
        };
        expect![[r#"

            ## What leaves the node

            Decisions per hour: 6.

            | what | bytes per second |
            | --- | ---: |
            | readings | 0.08667 |
            | codes | 0.04333 |
            | class | 0.001667 |
            | class, 1 of 2 | 0.0008333 |

            Sigfox RC1 (Europe): 12 bytes a message, 100 bit/s, range 10 km in a city, 40 km in the country.

            | sent | summary | bytes a day | messages a day | airtime a day, s | radio, J a day | tightest limit | fits |
            | --- | --- | ---: | ---: | ---: | ---: | --- | --- |
            | raw | each | 7488 | 720 | 4493 | 660.4 | 720 of 140 messages a day | **no** |
            | features | each | 3744 | 432 | 2696 | 396.3 | 432 of 140 messages a day | **no** |
            | class | each | 144 | 144 | 898.6 | 132.1 | 144 of 140 messages a day | **no** |
            | class | hourly-count | 72 | 24 | 149.8 | 22.01 | 24 of 140 messages a day | yes |
            | **class** | **sampled, every 2** | 72 | 72 | 449.3 | 66.04 | 72 of 140 messages a day | yes |

            The config asks for the row in bold. Energies are airtime times the power of the onsemi AX-SFEU at +14 dBm: estimates. Assumed or left out:

            - every message is taken to have the longest frame, 26 bytes
            - no downlink is asked for

            ## Energy

            16 MHz, 4.4 mA computing, 3.1 µA asleep, 3 V, a battery of 220 mAh. 2 cycles per instruction.

            A decision takes 1600 instructions on average, 200 µs and 2.64 µJ, and computing takes 0.00003333 % of the time; the core could decide 18000000 times an hour. Without a radio the node draws 3.101 µA on average, 0.8039 J a day, which the battery gives for 2956 days. These are estimates from instructions, not from cycles.

            With Sigfox RC1 (Europe):

            | sent | summary | radio, J a day | node, J a day | battery, days |
            | --- | --- | ---: | ---: | ---: |
            | raw | each | 660.4 | 661.2 | 3.593 |
            | features | each | 396.3 | 397.1 | 5.984 |
            | class | each | 132.1 | 132.9 | 17.88 |
            | class | hourly-count | 22.01 | 22.82 | 104.1 |
            | **class** | **sampled, every 2** | 66.04 | 66.85 | 35.54 |

            A node that sends raw data computes nothing, one that sends features makes codes only. The sensor and the radio's sleep are not in it, unless `sleep_ua` has them; nor is the battery's self-discharge, which decides beyond some years.
        "#]].assert_eq(&written(&plan));
    }

    #[test]
    fn a_node_that_was_not_run() {
        let plan = Plan { work: None, ..PLAN };
        expect![[r#"

            ## What leaves the node

            Decisions per hour: 6.

            | what | bytes per second |
            | --- | ---: |
            | readings | 0.08667 |
            | codes | 0.04333 |
            | class | 0.001667 |

            ## Energy

            16 MHz, 4.4 mA computing, 3.1 µA asleep, 3 V, a battery of 220 mAh. 2 cycles per instruction.

            Nothing was run, so time and energy of a decision are not known.
        "#]].assert_eq(&written(&plan));
    }

    #[test]
    fn figures() {
        for (value, text) in [
            (0.0, "0"),
            (72.0, "72"),
            (1_234.56, "1235"),
            (18_634.4, "18634"),
            (0.000_833_333, "0.0008333"),
            (10_970_200.0, "10970200"),
        ] {
            assert_eq!(figure(value), text);
        }
    }
}
