//! `docs/power.md` lists the radios and presets as the code has them.

use std::fmt::Write;

use spinney_board::{PRESETS, RADIOS, Radio, Source};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/power.md");

fn limits(radio: &Radio) -> String {
    let limits = &radio.limits;
    let mut words = Vec::new();
    if let Some(share) = limits.duty_cycle {
        words.push(format!("{} % duty cycle", share * 100.0));
    }
    if let Some(seconds) = limits.fair_airtime_s {
        words.push(format!("{seconds} s a day (fair use)"));
    }
    if let Some(messages) = limits.messages_per_day {
        words.push(format!("{messages} messages a day"));
    }
    if words.is_empty() {
        return "none".to_owned();
    }
    words.join(", ")
}

fn radios() -> String {
    let mut out = String::from(
        "| `radio` | | payload, bytes | bit/s | range | one byte: airtime, ms | energy, mJ | a full message: airtime, ms | energy, mJ | limits |\n\
         | --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- |\n",
    );
    for radio in RADIOS {
        let cost = |bytes: u32| {
            let once = radio.traffic(u64::from(bytes), 1.0);
            (once.airtime_s_per_day * 1e3, once.energy_j_per_day * 1e3)
        };
        let (byte_ms, byte_mj) = cost(1);
        let (full_ms, full_mj) = cost(radio.payload_bytes);
        writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {byte_ms:.2} | {byte_mj:.3} | {full_ms:.2} | {full_mj:.3} | {} |",
            radio.name,
            radio.title,
            radio.payload_bytes,
            radio.bit_rate_bps,
            radio.range,
            limits(radio)
        )
        .unwrap();
    }
    out
}

fn presets() -> String {
    let mut out = String::from(
        "| `preset` | core | MHz | mA computing | µA asleep | V |\n\
         | --- | --- | ---: | ---: | ---: | ---: |\n",
    );
    for preset in PRESETS {
        writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} |",
            preset.name,
            preset.core,
            preset.clock_mhz,
            preset.active_ma,
            preset.sleep_ua,
            preset.voltage_v
        )
        .unwrap();
    }
    out
}

fn listed(name: &str, sources: &[Source], assumptions: &[&str]) -> String {
    let mut out = format!("`{name}`:\n\n");
    for source in sources {
        writeln!(out, "- {}: {}", source.figure, source.from).unwrap();
    }
    for assumption in assumptions {
        writeln!(out, "- *assumed:* {assumption}").unwrap();
    }
    out
}

#[test]
fn the_document_has_every_figure_and_its_source() {
    let text = std::fs::read_to_string(DOCUMENT).expect("docs/power.md is there");
    let mut parts = vec![radios()];
    parts.extend(
        RADIOS
            .iter()
            .map(|radio| listed(radio.name, radio.sources, radio.assumptions)),
    );
    parts.push(presets());
    parts.extend(
        PRESETS
            .iter()
            .map(|preset| listed(preset.name, preset.sources, &[])),
    );
    let missing: Vec<String> = parts
        .into_iter()
        .filter(|part| !text.contains(part))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/power.md must say:\n\n{}",
        missing.join("\n")
    );
}
