//! `[uplink]` and `[power]`: what they mean, and what is wrong beside what.

use expect_test::{Expect, expect};
use spinney_config::Pipeline;
use spinney_evaluate::{PowerPlan, Sends, Summary};

use crate::common::{MINIMAL, check, faults, parse};

fn pipeline(sections: &str) -> Pipeline {
    let text = format!("{MINIMAL}{sections}");
    parse(&text)
        .unwrap_or_else(|faults| panic!("{faults}"))
        .pipeline
}

fn on(chip: &str, sections: &str) -> String {
    format!("{MINIMAL}{sections}").replace("STM32F405RGTx", chip)
}

fn check_on(chip: &str, sections: &str, expect: &Expect) {
    check(&on(chip, sections), expect);
}

const OWN: &str = "[power]
decisions_per_hour = 60
clock_mhz = 168
active_ma = 40
sleep_ua = 280
voltage_v = 3.3
";

#[test]
fn without_the_sections_there_is_neither() {
    let pipeline = pipeline("");
    assert_eq!((pipeline.uplink, pipeline.power), (None, None));
}

#[test]
fn a_preset_comes_with_the_chip_and_typed_keys_go_before_it() {
    let text = on(
        "STM32L476RGTx",
        "[power]\ndecisions_per_hour = 60\nsleep_ua = 5\nbattery_mah = 220\n",
    );
    let power = parse(&text).unwrap().pipeline.power.unwrap();
    let preset = power.preset.unwrap();
    assert_eq!(preset.name, "stm32l476");
    assert_eq!(
        power,
        PowerPlan {
            decisions_per_hour: Some(60.0),
            preset: Some(preset),
            clock_mhz: 80.0,
            active_ma: 10.2,
            sleep_ua: 5.0,
            voltage_v: 3.0,
            battery_mah: Some(220.0),
            cycles_per_instruction: None,
        }
    );
}

#[test]
fn a_preset_that_gives_nothing_is_none() {
    let power = pipeline(OWN).power.unwrap();
    assert_eq!((power.preset, power.clock_mhz), (None, 168.0));
    let named = OWN.replace("[power]", "[power]\npreset = \"nrf52840\"");
    assert_eq!(pipeline(&named).power, Some(power));
}

#[test]
fn an_uplink() {
    let uplink = pipeline(&format!("{OWN}[uplink]\nradio = \"sigfox\"\n"))
        .uplink
        .unwrap();
    assert_eq!(uplink.radio.payload_bytes, 12);
    assert_eq!(
        (uplink.sends, uplink.summary),
        (Sends::Class, Summary::Each)
    );
    assert!(uplink.fair_use);
    let sampled = format!(
        "{OWN}[uplink]\nradio = \"ble\"\nsend = \"raw\"\nsummary = \"sampled\"\nevery = 7\nfair_use = false\n"
    );
    let uplink = pipeline(&sampled).uplink.unwrap();
    let sampled = Summary::Sampled(7);
    assert_eq!((uplink.sends, uplink.summary), (Sends::Raw, sampled));
    assert!(!uplink.fair_use);
}

#[test]
fn an_uplink_needs_power() {
    check_on(
        "STM32F405RGTx",
        "[uplink]\nradio = \"wifi\"\n",
        &expect![[r#"
            error: uplink: found no `[power]`, expected one beside it
              --> folder/pipeline.toml:13:1
               |
            13 | [uplink]
               | ^^^^^^^^
               |
               = help: its `decisions_per_hour` says how often there is something to send
        "#]],
    );
}

#[test]
fn a_chip_without_preset_needs_its_figures() {
    check_on(
        "STM32F405RGTx",
        "[power]\ndecisions_per_hour = 60\nclock_mhz = 168\nactive_ma = 40\n",
        &expect![[r#"
            error: power.sleep_ua: found nothing, expected a number of at least 0
              --> folder/pipeline.toml:13:1
               |
            13 | [power]
               | ^^^^^^^
               |
               = help: The current while it sleeps, in µA.

            error: power.voltage_v: found nothing, expected a number above 0
              --> folder/pipeline.toml:13:1
               |
            13 | [power]
               | ^^^^^^^
               |
               = help: The supply, in volts.
        "#]],
    );
}

#[test]
fn a_preset_of_another_core() {
    check_on(
        "nRF51822_xxAA",
        "[power]\ndecisions_per_hour = 60\npreset = \"stm32l476\"\n",
        &expect![[r#"
            error: power.preset: found `"stm32l476"`, a cortex-m4f, expected a chip with the target's core, cortex-m0, whose instructions are counted
              --> folder/pipeline.toml:15:10
               |
            12 | chip = "nRF51822_xxAA"
               |        --------------- because of this
            ...
            15 | preset = "stm32l476"
               |          ^^^^^^^^^^^
               |
               = help: write the chip's own `clock_mhz`, `active_ma`, `sleep_ua` and `voltage_v`
        "#]],
    );
}

#[test]
fn summaries_that_do_not_go_with_what_is_sent() {
    check_on(
        "STM32L476RGTx",
        "[power]\ndecisions_per_hour = 60\n[uplink]\nradio = \"lora\"\nsend = \"raw\"\nsummary = \"hourly-count\"\nevery = 3\n",
        &expect![[r#"
            error: uplink.radio: found `"lora"`, expected `"lorawan-sf12"`, `"lorawan-sf7"`, `"sigfox"`, `"nb-iot"`, `"gprs"`, `"wifi"` or `"ble"`
              --> folder/pipeline.toml:16:9
               |
            16 | radio = "lora"
               |         ^^^^^^
               |
               = help: did you mean `"lorawan-sf7"`?

            error: uplink.summary: found `"hourly-count"`, expected none, since only classes can be counted
              --> folder/pipeline.toml:18:11
               |
            17 | send = "raw"
               |        ----- because of this
            18 | summary = "hourly-count"
               |           ^^^^^^^^^^^^^^
               |
               = help: remove `summary`, or change `uplink.send`

            error: uplink.every: found `3`, expected none, since nothing is sampled
              --> folder/pipeline.toml:19:9
               |
            18 | summary = "hourly-count"
               |           -------------- because of this
            19 | every = 3
               |         ^
               |
               = help: remove `every`, or change `uplink.summary`
        "#]],
    );
    check_on(
        "STM32L476RGTx",
        "[power]\ndecisions_per_hour = 60\n[uplink]\nradio = \"ble\"\nsummary = \"sampled\"\n",
        &expect![[r#"
            error: uplink.every: found nothing, expected an integer of 2 to 4294967295
              --> folder/pipeline.toml:15:1
               |
            15 | [uplink]
               | ^^^^^^^^
               |
               = help: Of how many decisions one is sent, where `summary` is `"sampled"`.
        "#]],
    );
}

#[test]
fn a_battery_gate_needs_a_battery() {
    check_on(
        "STM32L476RGTx",
        "[power]\ndecisions_per_hour = 60\n[budget]\nbattery_life_min_days = 365\n",
        &expect![[r#"
            error: budget.battery_life_min_days: found no battery, expected `battery_mah` in `[power]`
              --> folder/pipeline.toml:16:25
               |
            13 | [power]
               | ------- it belongs here
            ...
            16 | battery_life_min_days = 365
               |                         ^^^
        "#]],
    );
    let with_battery = on(
        "STM32L476RGTx",
        "[power]\ndecisions_per_hour = 60\nbattery_mah = 220\n[budget]\nbattery_life_min_days = 365\n",
    );
    assert_eq!(faults(&with_battery), []);
    check(
        &with_battery.replace("chip =", "emulator = \"off\"\nchip ="),
        &expect![[r#"
            error: budget.battery_life_min_days: found `365`, expected none, since nothing is run that could be measured
              --> folder/pipeline.toml:18:25
               |
            12 | emulator = "off"
               |            ----- because of this
            ...
            18 | battery_life_min_days = 365
               |                         ^^^
               |
               = help: remove `battery_life_min_days`, or change `target.emulator`
        "#]],
    );
}

#[test]
fn figures_out_of_their_ranges() {
    check_on(
        "STM32L476RGTx",
        "[power]\ndecisions_per_hour = 0\nsleep_ua = -1\nbattery_mah = \"220\"\n[uplink]\nsend = \"klass\"\nfair_use = 1\n",
        &expect![[r#"
            error: power.decisions_per_hour: found `0`, expected a number above 0
              --> folder/pipeline.toml:14:22
               |
            14 | decisions_per_hour = 0
               |                      ^

            error: power.sleep_ua: found `-1`, expected a number of at least 0
              --> folder/pipeline.toml:15:12
               |
            15 | sleep_ua = -1
               |            ^^

            error: power.battery_mah: found a string, expected a number above 0
              --> folder/pipeline.toml:16:15
               |
            16 | battery_mah = "220"
               |               ^^^^^
               |
               = help: write it without quotes: `battery_mah = 220`

            error: uplink.radio: found nothing, expected `"lorawan-sf12"`, `"lorawan-sf7"`, `"sigfox"`, `"nb-iot"`, `"gprs"`, `"wifi"` or `"ble"`
              --> folder/pipeline.toml:17:1
               |
            17 | [uplink]
               | ^^^^^^^^
               |
               = help: The radio.

            error: uplink.send: found `"klass"`, expected `"raw"`, `"features"` or `"class"`
              --> folder/pipeline.toml:18:8
               |
            18 | send = "klass"
               |        ^^^^^^^
               |
               = help: did you mean `"class"`?

            error: uplink.fair_use: found an integer, expected `true` or `false`
              --> folder/pipeline.toml:19:12
               |
            19 | fair_use = 1
               |            ^
        "#]],
    );
}
