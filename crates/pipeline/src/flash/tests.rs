//! The verb on a wire that is a list: what is said of what happens at the probe.

use expect_test::expect;
use spinney_board::{Core, Event, Phase, ProbeFault, find};
use spinney_evaluate::Loaded;

use spinney_wire::frame::Clock;

use super::follow::{Screen, Until, cpuid_parts, follow};
use super::verify::{Verified, keep};
use super::{job, read_event};
use crate::failure::Failure;

#[derive(Default)]
struct Paper(String);

impl Screen for Paper {
    fn progress(&mut self, phase: Phase, done: u64, total: Option<u64>) {
        self.0.push_str(&format!("{phase:?} {done} of {total:?}\n"));
    }

    fn note(&mut self, text: &str) {
        self.0.push_str(&format!("{text}\n"));
    }

    fn log(&mut self, line: &str) {
        self.0.push_str(&format!("log: {line}\n"));
    }
}

/// What the user reads, with the failure and its exit code at the end.
fn told(events: Vec<Event>) -> String {
    let mut paper = Paper::default();
    let mut events = events.into_iter();
    let end = match follow(|| Ok(events.next()), &mut paper, Until::Interrupted) {
        Ok(()) => "exit 0".to_owned(),
        Err(Failure::Gate) => "exit 1".to_owned(),
        Err(Failure::Environment(error)) => format!("error: {error:#}\nexit 3"),
        Err(other) => format!("{other:?}"),
    };
    format!("{}{end}\n", paper.0)
}

fn programming() -> Vec<Event> {
    let phase = |phase, bytes| Event::Phase { phase, bytes };
    let progress = |phase, bytes| Event::Progress { phase, bytes };
    vec![
        Event::Attached {
            probe: "ST-Link V2-1 (0483:374b:066D)".to_owned(),
        },
        phase(Phase::Erase, Some(16384)),
        phase(Phase::Program, None),
        progress(Phase::Erase, 16384),
        progress(Phase::Program, 1024),
        progress(Phase::Program, 1024),
    ]
}

#[test]
fn an_image_that_runs() {
    let mut events = programming();
    events.extend([Event::Programmed, Event::RunningSilently]);
    expect![[r#"
        attached through ST-Link V2-1 (0483:374b:066D)
        Erase 0 of Some(16384)
        Program 0 of None
        Erase 16384 of Some(16384)
        Program 1024 of None
        Program 2048 of None
        programmed and verified
        running; the image has no log
        exit 0
    "#]]
    .assert_eq(&told(events));
}

#[test]
fn a_cable_that_is_pulled_while_programming() {
    let mut events = programming();
    events.push(Event::Failed(ProbeFault::Lost {
        message: "USB Communication Error: device disconnected".to_owned(),
    }));
    expect![[r#"
        attached through ST-Link V2-1 (0483:374b:066D)
        Erase 0 of Some(16384)
        Program 0 of None
        Erase 16384 of Some(16384)
        Program 1024 of None
        Program 2048 of None
        error: the probe no longer answers; check the USB cable and the board's power, then run the command again (USB Communication Error: device disconnected)
        exit 3
    "#]]
    .assert_eq(&told(events));
    // And while the log comes in, without a word.
    let silent = vec![
        Event::Programmed,
        Event::Running,
        Event::Log {
            line: "INFO 3 classes".to_owned(),
        },
    ];
    expect![[r#"
        programmed and verified
        running; its log follows, Ctrl-C ends it
        log: INFO 3 classes
        error: spinney-probe ended in the middle of its work; run the command again
        exit 3
    "#]]
    .assert_eq(&told(silent));
}

#[test]
fn what_is_wrong_at_the_desk() {
    let message = || "what probe-rs says".to_owned();
    let names = ["J-Link (1366:0101:1)", "ST-Link (0483:374b:2)"].map(str::to_owned);
    let [probe, _] = names.clone();
    let probes = || names.to_vec();
    let faults = [
        ProbeFault::NoProbe,
        ProbeFault::SeveralProbes { probes: probes() },
        ProbeFault::UnknownProbe { probes: probes() },
        ProbeFault::NoAccess { probe },
        ProbeFault::NoTarget { message: message() },
        ProbeFault::Locked { message: message() },
        ProbeFault::WrongCore { found: 0xc23 },
        ProbeFault::WrongCore { found: 0x132 },
        ProbeFault::UnknownChip { message: message() },
        ProbeFault::Mismatch,
        ProbeFault::NoLog { message: message() },
        ProbeFault::Other { message: message() },
    ];
    let told = faults.map(|fault| told(vec![Event::Failed(fault)]));
    expect![[r#"
        error: no debug probe is connected; connect one (ST-Link, J-Link, CMSIS-DAP, …) by USB. In a virtual machine or container, pass the USB device through
        exit 3
        error: several debug probes are connected; name one by `--probe VID:PID:SERIAL`:
          J-Link (1366:0101:1)
          ST-Link (0483:374b:2)
        exit 3
        error: the probe that `--probe` names is not connected; these are:
          J-Link (1366:0101:1)
          ST-Link (0483:374b:2)
        exit 3
        error: the probe J-Link (1366:0101:1) may not be opened by this user; install the udev rules as docs/hardware.md says, then connect it anew
        exit 3
        error: the probe works, but no chip answers: power the board, check SWDIO, SWCLK and GND, and release its reset (what probe-rs says)
        exit 3
        error: the chip is protected against the debugger. Taking the protection off erases all of its flash, so this is left to you: `probe-rs erase --chip NAME --allow-erase-all`, or the manufacturer's tool (what probe-rs says)
        exit 3
        error: the chip at the probe has a Cortex-M3, which the chip in the config has not; check `chip` in [target] and which board is connected
        exit 3
        error: the chip at the probe has core 0x132, which the chip in the config has not; check `chip` in [target] and which board is connected
        exit 3
        error: probe-rs cannot program this chip: what probe-rs says; use the manufacturer's tool with the ELF file
        exit 3
        flash does not read back as it was programmed: a protected or worn sector, or another chip than the config names
        exit 1
        error: the image was programmed and started, but its log does not show within 3 s: it may have stopped before its first message, or the chip started something else (what probe-rs says)
        exit 3
        error: what probe-rs says; docs/hardware.md says what to look at
        exit 3
    "#]]
    .assert_eq(&told.concat());
}

#[test]
fn lines_of_the_program() {
    let events = [
        Event::Running,
        Event::Log {
            line: "INFO \u{1b}".to_owned(),
        },
        Event::Failed(ProbeFault::Mismatch),
        Event::Failed(ProbeFault::WrongCore { found: 1 }),
    ];
    let text: String = events
        .iter()
        .map(|event| format!("{}\n", serde_json::to_string(event).unwrap()))
        .collect();
    let mut lines = text.as_bytes();
    for event in events {
        assert_eq!(read_event(&mut lines).unwrap(), Some(event));
    }
    assert_eq!(read_event(&mut lines).unwrap(), None);
    assert!(read_event(&mut "thread panicked\n".as_bytes()).is_err());
}

#[test]
fn a_job_checks_the_core_that_the_chip_has_by_the_table() {
    let chip = |core| find("STM32F405RG").unwrap().chip(core).unwrap();
    let image = || {
        vec![Loaded {
            address: 0x0800_0000,
            bytes: vec![1, 2],
        }]
    };
    let own = job(&chip(None), image(), None, Some(0x2000_0000));
    assert_eq!(own.cpuid_parts, cpuid_parts(Core::CortexM4));
    assert_eq!(own.segments[0].bytes, [1, 2]);
    let named = job(&chip(Some(Core::CortexM4)), image(), None, None);
    assert!(named.cpuid_parts.is_empty());
}

/// Cycles from a board become a file that the config names, and nothing else does.
#[test]
fn measured_cycles_are_kept_for_the_next_report() {
    let folder = tempfile::tempdir().unwrap();
    let load = |more: &str| {
        let path = folder.path().join("pipeline.toml");
        let text = format!(
            "[pipeline]\nname = \"flowers\"\n[dataset]\npath = \"pipeline.toml\"\nlabel = \"y\"\n\
             test_fraction = 0.25\n[model]\nkind = \"decision-tree\"\n[target]\nchip = \"RP2040\"\n{more}"
        );
        std::fs::write(&path, text).unwrap();
        spinney_config::load(&path)
    };
    let measured = |clock, mismatches: &[usize]| Verified {
        n_rows: 45,
        compared: "classes",
        clock,
        ticks: Some((3000.04, 3100)),
        mismatches: mismatches.to_vec(),
        kept: None,
    };
    let config = load("").unwrap();
    for (found, instructions) in [
        (measured(Clock::Systick, &[]), Some(2000.0)),
        (measured(Clock::Cyccnt, &[7]), Some(2000.0)),
        (measured(Clock::Cyccnt, &[]), None),
    ] {
        assert_eq!(keep(&config, &found, instructions).unwrap(), None);
    }
    let found = measured(Clock::Cyccnt, &[]);
    let path = keep(&config, &found, Some(2000.0)).unwrap().unwrap();
    assert_eq!(path, folder.path().join("flowers-measured.toml"));
    // Anew, over its own file.
    keep(&config, &found, Some(2000.0)).unwrap().unwrap();
    let with = load("measured = \"flowers-measured.toml\"\n").unwrap();
    let measured = with.pipeline.target.measured.unwrap();
    assert_eq!((measured.rows, measured.cycles_max), (45, 3100));
    assert_eq!(measured.cycles_per_instruction(), 1.5);
    let of_another = std::fs::read_to_string(&path)
        .unwrap()
        .replace("RP2040", "RP2350");
    std::fs::write(&path, of_another).unwrap();
    let refused = load("measured = \"flowers-measured.toml\"\n").unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("found RP2350, expected RP2040"),
        "{refused}"
    );
    std::fs::write(&path, "of the user").unwrap();
    assert!(matches!(
        keep(&config, &found, Some(2000.0)),
        Err(Failure::Input(_))
    ));
}
