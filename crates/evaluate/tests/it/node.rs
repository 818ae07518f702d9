//! What a node sends and lives on, against figures worked out by hand.

use expect_test::expect;
use spinney_board::{PRESETS, radio};
use spinney_evaluate::{
    Listening, Part, Plan, PowerPlan, Quantity, RowBytes, RunOutcome, Sends, Step, Summary,
    UplinkPlan, Verdict, Work, judge_node, node,
};

/// Thirteen floats, three classes, 1,600 instructions: 200 µs at 16 MHz and 2 cycles each.
const ROW: RowBytes = RowBytes {
    readings: 52,
    codes: 26,
    n_classes: 3,
};
const WORK: Work = Work {
    front: counted(0.0),
    coding: counted(600.0),
    inference: counted(1_000.0),
    quiet: None,
};

const fn counted(instructions: f64) -> Part {
    Part {
        instructions,
        cycles: None,
    }
}

#[test]
fn cycles_of_the_timing_table_take_the_place_of_the_factor() {
    let part = |instructions, cycles| Part {
        instructions,
        cycles: Some(cycles),
    };
    let work = Work {
        front: counted(0.0),
        coding: part(600.0, 1_000.0),
        inference: part(1_000.0, 1_400.0),
        quiet: None,
    };
    let by_table = Plan {
        work: Some(work),
        ..plan(6.0, None)
    };
    let power = node(&by_table).power;
    let decision = power.decision.unwrap();
    // 2,400 cycles at 16 MHz.
    assert_eq!((decision.cycles, decision.time_us), (Some(2_400.0), 150.0));
    assert_eq!(power.cycles_per_instruction, 1.5);
    assert!(decision.is_by_table);
    // A front end that was not traced takes the factor.
    let partly = Plan {
        work: Some(Work {
            front: counted(1_000.0),
            ..work
        }),
        ..by_table
    };
    let decision = node(&partly).power.decision.unwrap();
    assert_eq!(decision.cycles, Some(4_400.0));
    assert!(!decision.is_by_table);
}

fn plan(decisions_per_hour: f64, uplink: Option<UplinkPlan>) -> Plan<'static> {
    Plan {
        front: &[],
        sensor: None,
        slower_s: None,
        row: ROW,
        power: PowerPlan {
            decisions_per_hour: Some(decisions_per_hour),
            clock_mhz: 16.0,
            active_ma: 4.4,
            sleep_ua: 3.1,
            voltage_v: 3.0,
            battery_mah: Some(220.0),
            cycles_per_instruction: None,
            preset: None,
        },
        decisions_per_hour,
        listening: None,
        cycles_per_instruction: 2.0,
        work: Some(WORK),
        uplink,
    }
}

fn over(name: &str, sends: Sends, summary: Summary) -> UplinkPlan {
    UplinkPlan {
        radio: radio(name).expect("a radio"),
        sends,
        summary,
        fair_use: true,
    }
}

fn classes(name: &str) -> UplinkPlan {
    over(name, Sends::Class, Summary::Each)
}

fn verdict(plan: &Plan<'_>, gate: &str, days: Option<f64>) -> Verdict {
    judge_node(plan, days, RunOutcome::NotRequired)
        .into_iter()
        .find(|verdict| verdict.gate == gate)
        .expect("the gate is judged")
}

fn holds(decisions_per_hour: f64, uplink: UplinkPlan) -> bool {
    verdict(&plan(decisions_per_hour, Some(uplink)), "uplink", None).pass
}

fn close(found: f64, expected: f64) {
    // Figures are shown with six digits.
    assert!(
        (found - expected).abs() <= 6e-6 * expected.abs(),
        "{found} {expected}"
    );
}

#[test]
fn a_decision_by_hand() {
    let decision = node(&plan(60.0, None)).power.decision.expect("it ran");
    close(decision.instructions, 1_600.0);
    close(decision.time_us, 200.0);
    close(decision.energy_uj, 200.0 * 4.4 * 3.0 / 1e3);
    close(decision.duty, 200e-6 / 60.0);
    close(decision.most_per_hour, 3600.0 / 200e-6);
    // 4.4 mA for 3.33 millionths of the time, and 3.1 µA for the rest.
    close(decision.average_ua, 3.114_656);
    close(decision.energy_j_per_day, 3.114_656e-6 * 3.0 * 86_400.0);
    close(
        decision.battery_days.expect("a battery"),
        220e3 / 3.114_656 / 24.0,
    );
}

#[test]
fn a_core_that_cannot_keep_up() {
    let most = 3600.0 / 200e-6;
    assert!(verdict(&plan(most * 0.999, None), "decisions_per_hour", None).pass);
    let over = verdict(&plan(most * 1.001, None), "decisions_per_hour", None);
    assert_eq!(
        (over.pass, over.found),
        (false, Some(Quantity::Number(1.8e7)))
    );
    let decision = node(&plan(most * 2.0, None)).power.decision.unwrap();
    close(decision.duty, 1.0);
    close(decision.average_ua, 4_400.0);
}

#[test]
fn limits_at_their_boundaries() {
    // 30 s of fair use are 647.4 messages of 46.336 ms.
    let most = 30.0 / 0.046_336 / 24.0;
    assert!(holds(most, classes("lorawan-sf7")));
    assert!(!holds(most * (1.0 + 1e-9), classes("lorawan-sf7")));
    // 140 messages a day.
    assert!(holds(140.0 / 24.0, classes("sigfox")));
    assert!(!holds(141.0 / 24.0, classes("sigfox")));
    // 36 s of an hour are 31.2 messages of 1.155 s, where only the law binds.
    let own = UplinkPlan {
        fair_use: false,
        ..classes("lorawan-sf12")
    };
    assert!(holds(31.0, own));
    assert!(!holds(32.0, own));
    assert!(!holds(31.0, classes("lorawan-sf12")));
    // A packet and its answer take 524 µs over BLE: 1,908 of them a second.
    let packet_s = 18.0 * 8e-6 + 380e-6;
    assert!(holds(3600.0 / packet_s, classes("ble")));
    assert!(!holds(3600.0 / packet_s * 1.001, classes("ble")));
}

#[test]
fn what_is_sent_by_hand() {
    let plan = plan(60.0, Some(classes("lorawan-sf7")));
    let uplink = node(&plan).uplink.expect("an uplink");
    let told: Vec<_> = uplink
        .alternatives
        .iter()
        .map(|it| (it.send.as_str(), it.summary.as_str(), it.is_chosen, it.fits))
        .collect();
    assert_eq!(
        told,
        [
            ("raw", "each", false, false),
            ("features", "each", false, false),
            ("class", "each", true, false),
            ("class", "hourly-count", false, true),
        ]
    );
    let [raw, _, class, counts] = &uplink.alternatives[..] else {
        panic!("four");
    };
    close(raw.bytes_per_day, 52.0 * 1_440.0);
    // 65 bytes at SF7: ⌈(520 − 28 + 44) / 28⌉ = 20 groups, 120.25 symbols of 1.024 ms.
    close(raw.airtime_s_per_day, 1_440.0 * 120.25 * 1.024e-3);
    close(class.airtime_s_per_day, 1_440.0 * 46.336e-3);
    // Three counters of a byte, once an hour: 16 bytes, 6 groups, 50.25 symbols.
    assert_eq!(counts.bytes_at_once, 3);
    close(counts.airtime_s_per_day, 24.0 * 50.25 * 1.024e-3);
    // Sleep costs 0.8035 J a day; sending raw computes nothing, classes add 3.8 mJ.
    let asleep = 3.1e-6 * 3.0 * 86_400.0;
    close(raw.node_j_per_day.unwrap(), asleep + raw.radio_j_per_day);
    let computing = 3.114_656e-6 * 3.0 * 86_400.0;
    close(
        class.node_j_per_day.unwrap(),
        computing + class.radio_j_per_day,
    );
    close(
        class.battery_days.unwrap(),
        0.22 * 3600.0 * 3.0 / class.node_j_per_day.unwrap(),
    );
}

#[test]
fn a_trigger_listens_all_the_time() {
    let quiet = |instructions| {
        let work = Work {
            quiet: Some(counted(instructions)),
            ..WORK
        };
        Plan {
            work: Some(work),
            listening: Some(Listening {
                samples_per_hour: 16_000.0 * 3600.0,
                samples_per_decision: 16_000.0,
            }),
            ..plan(100.0, Some(classes("wifi")))
        }
    };
    // 3,500 s of 16,000 samples, 30 instructions of two cycles each, at 16 MHz: 210 s of an hour.
    let node = node(&quiet(30.0));
    let decision = node.power.decision.unwrap();
    assert_eq!(decision.quiet_duty, Some(0.058_333_3));
    close(decision.duty, (210.0 + 100.0 * 200e-6) / 3600.0);
    // A decision is a second of sound: there is no time for more of them.
    assert_eq!(decision.most_per_hour, 3600.0);
    assert!(!node.is_of_recordings);
    // Raw samples need no gate; features and classes do.
    let asleep_j = 3.1e-6 * 3.0 * 86_400.0;
    let of = |send: &str| {
        let uplink = node.uplink.as_ref().unwrap();
        let it = uplink
            .alternatives
            .iter()
            .find(|it| it.send == send)
            .unwrap();
        it.node_j_per_day.unwrap() - it.radio_j_per_day
    };
    assert!(
        (of("raw") - asleep_j).abs() < 0.01 * asleep_j + 1e-3,
        "{}",
        of("raw")
    );
    assert!(of("features") > 50.0 * asleep_j, "{}", of("features"));
    // More than the time there is, is all of it; decisions that take all samples leave none quiet.
    let all = spinney_evaluate::node(&quiet(1e6)).power.decision.unwrap();
    assert_eq!(all.duty, 1.0);
    let busy = Plan {
        decisions_per_hour: 4000.0,
        ..quiet(30.0)
    };
    // It is not the core that is too slow then.
    let verdict = &judge_node(&busy, None, RunOutcome::NotRequired)[0];
    assert!(!verdict.pass);
    let note = format!("{:?}", verdict.note);
    assert!(note.contains("without a pause"), "{note}");
    let busy = spinney_evaluate::node(&busy).power.decision.unwrap();
    assert_eq!(busy.quiet_duty, Some(0.0));
    let mut unsaid = quiet(30.0);
    unsaid.power.decisions_per_hour = None;
    assert!(spinney_evaluate::node(&unsaid).is_of_recordings);
}

#[test]
fn counters_are_as_wide_as_an_hour_needs() {
    for (decisions_per_hour, bytes) in [(255.0, 3), (256.0, 6), (65_535.0, 6), (65_536.0, 9)] {
        let plan = plan(
            decisions_per_hour,
            Some(over("wifi", Sends::Class, Summary::HourlyCount)),
        );
        let chosen = node(&plan).uplink.unwrap().alternatives;
        let chosen = chosen.iter().find(|it| it.is_chosen).unwrap();
        assert_eq!(chosen.bytes_at_once, bytes, "{decisions_per_hour}");
    }
}

#[test]
fn a_failed_uplink_says_what_would_fit() {
    let failed = verdict(&plan(60.0, Some(classes("lorawan-sf7"))), "uplink", None);
    expect![[r#"
        66.72 s of airtime a day / 30 s of airtime a day (fair use): what would fit: `summary = "hourly-count"` of classes; or `summary = "sampled"` with `every = 3`; or `radio` as one of "nb-iot", "gprs", "wifi", "ble"
    "#]].assert_eq(&format!(
        "{} / {}: {}\n",
        failed.found.as_ref().unwrap(),
        failed.limit,
        failed.note.as_deref().unwrap()
    ));
    // What it says holds: 1 of 3 fits, 1 of 2 does not.
    for (every, fits) in [(2, false), (3, true)] {
        let sampled = over("lorawan-sf7", Sends::Class, Summary::Sampled(every));
        assert_eq!(holds(60.0, sampled), fits, "1 of {every}");
    }
    let failed = verdict(
        &plan(60.0, Some(over("sigfox", Sends::Raw, Summary::Each))),
        "uplink",
        None,
    );
    expect![[r#"
        what would fit: `summary = "hourly-count"` of classes; or `summary = "sampled"` with `every = 52`; or `radio` as one of "nb-iot", "gprs", "wifi", "ble"
    "#]].assert_eq(&format!("{}\n", failed.note.unwrap()));
}

#[test]
fn a_front_end_stands_before_the_row() {
    let front = [("microphone", 88_200.0), ("mel spectrogram", 11_025.0)].map(
        |(name, bytes_per_second)| Step {
            name: name.to_owned(),
            bytes_per_second,
        },
    );
    let plan = Plan {
        front: &front,
        ..plan(360.0, Some(over("ble", Sends::Raw, Summary::Sampled(2))))
    };
    let node = node(&plan);
    let ladder: Vec<String> = node
        .ladder
        .iter()
        .map(|step| format!("{}: {}\n", step.name, step.bytes_per_second))
        .collect();
    expect![[r#"
        microphone: 88200
        mel spectrogram: 11025
        readings: 5.2
        codes: 2.6
        class: 0.1
        raw, 1 of 2: 44100
    "#]]
    .assert_eq(&ladder.concat());
    // Ten seconds of the microphone at once.
    let raw = &node.uplink.unwrap().alternatives[0];
    assert_eq!(raw.bytes_at_once, 882_000);
    close(raw.messages_per_day, 8_640.0 * 3_615.0);
}

/// 44.1 kHz, frames of 1,024 samples that touch, 64 bands, the largest value over ten seconds.
#[test]
fn the_reference_pipeline_at_two_rates() {
    let step = |name: &str, bytes_per_second: f64| Step {
        name: name.to_owned(),
        bytes_per_second,
    };
    let front = [
        step("samples", 2.0 * 44_100.0),
        step("bands of frames", 44_100.0 / 1024.0 * 64.0 * 2.0),
    ];
    let sensor = step("microphone", 96_000.0);
    let plan = Plan {
        front: &front,
        sensor: Some(&sensor),
        slower_s: Some(10.0),
        row: RowBytes {
            readings: 128,
            codes: 64,
            n_classes: 6,
        },
        ..plan(3_600.0, Some(over("ble", Sends::Raw, Summary::Each)))
    };
    let node = node(&plan);
    let lines = |ladder: &[Step]| -> String {
        let steps = ladder.iter();
        steps
            .map(|step| format!("{}: {}\n", step.name, step.bytes_per_second))
            .collect()
    };
    expect![[r#"
        microphone: 96000
        samples: 88200
        bands of frames: 5512.5
        readings: 128
        codes: 64
        class: 1
    "#]]
    .assert_eq(&lines(&node.ladder));
    let slower = node.slower.expect("a second ladder");
    assert_eq!(slower.decision_s.to_bits(), 10.0_f64.to_bits());
    expect![[r#"
        microphone: 96000
        samples: 88200
        bands of frames: 5512.5
        readings: 12.8
        codes: 6.4
        class: 0.1
    "#]]
    .assert_eq(&lines(&slower.ladder));
    // Raw data are what the front end takes in.
    assert_eq!(node.uplink.unwrap().alternatives[0].bytes_at_once, 88_200);
}

#[test]
fn the_battery_gate_names_what_drains() {
    let counts = over("lorawan-sf7", Sends::Class, Summary::HourlyCount);
    let plan_of = |sleep_ua: f64| {
        let mut plan = plan(60.0, Some(counts));
        plan.power.sleep_ua = sleep_ua;
        plan
    };
    let judged = verdict(&plan_of(3.1), "battery_life_min_days", Some(365.0));
    assert!(judged.pass && judged.note.is_none());
    let failed = verdict(&plan_of(300.0), "battery_life_min_days", Some(365.0));
    expect![[r#"
        30.4175 / 365: estimated; 100 % of it goes into sleeping: a lower `sleep_ua`
    "#]]
    .assert_eq(&format!(
        "{} / {}: {}\n",
        failed.found.unwrap(),
        failed.limit,
        failed.note.unwrap()
    ));
}

#[test]
fn what_was_not_run_has_no_energy_and_fails_its_gates() {
    let not_run = Plan {
        work: None,
        ..plan(60.0, Some(classes("wifi")))
    };
    let worked_out = node(&not_run);
    assert_eq!(worked_out.power.decision, None);
    assert_eq!(
        worked_out.uplink.unwrap().alternatives[0].battery_days,
        None
    );
    for (outcome, pass) in [
        (RunOutcome::Failed("it hung"), false),
        (RunOutcome::NotRequired, true),
    ] {
        let judged = judge_node(&not_run, Some(1.0), outcome);
        let told: Vec<_> = judged
            .iter()
            .map(|verdict| (verdict.gate.as_str(), verdict.pass))
            .collect();
        assert_eq!(
            told,
            [
                ("decisions_per_hour", pass),
                ("uplink", true),
                ("battery_life_min_days", pass)
            ]
        );
    }
}

#[test]
fn presets_work_out() {
    for preset in PRESETS {
        let mut plan = plan(60.0, None);
        plan.power = PowerPlan {
            clock_mhz: preset.clock_mhz,
            active_ma: preset.active_ma,
            sleep_ua: preset.sleep_ua,
            voltage_v: preset.voltage_v,
            preset: Some(preset),
            ..plan.power
        };
        let power = node(&plan).power;
        assert_eq!(power.preset.as_deref(), Some(preset.name));
        assert_eq!(power.sources.len(), preset.sources.len());
        // Decisions of microseconds take little off what a battery of 220 mAh lasts asleep.
        let asleep_days = 220.0e3 / preset.sleep_ua / 24.0;
        let share = power.decision.unwrap().battery_days.unwrap() / asleep_days;
        assert!((0.98..1.0).contains(&share), "{}: {share}", preset.name);
    }
}
