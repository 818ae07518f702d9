//! What happens at the probe, told to the user: progress, log, and each fault with its next step.

use std::io;

use anyhow::anyhow;
use spinney_board::{Core, Event, Phase, ProbeFault};

use crate::failure::Failure;

/// Where the user is told.
pub trait Screen {
    /// How far a phase is, in bytes and out of how many.
    fn progress(&mut self, phase: Phase, done: u64, total: Option<u64>);
    /// A sentence about where things are.
    fn note(&mut self, text: &str);
    /// A line of the firmware's log.
    fn log(&mut self, line: &str);
}

/// How far to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The image runs and its log was found.
    Running,
    /// Somebody ends it.
    Interrupted,
}

/// Tells of everything that happens at the probe until that, or until the image runs silently, or
/// something ends it; `next` gives what happens next, and `None` when nothing will any more.
///
/// # Errors
/// [`Failure::Environment`] for what is wrong at the desk, [`Failure::Gate`], told to `screen`,
/// for flash that does not read back.
pub fn follow(
    mut next: impl FnMut() -> io::Result<Option<Event>>,
    screen: &mut dyn Screen,
    until: Until,
) -> Result<(), Failure> {
    // Bytes done, and to be done, per phase.
    let mut phases: [(u64, Option<u64>); 3] = Default::default();
    loop {
        let event = next().map_err(|error| {
            Failure::Environment(anyhow!("spinney-probe cannot be understood: {error}"))
        })?;
        match event {
            Some(Event::Attached { probe }) => screen.note(&format!("attached through {probe}")),
            Some(Event::Phase { phase, bytes }) => {
                phases[phase as usize] = (0, bytes);
                screen.progress(phase, 0, bytes);
            }
            Some(Event::Progress { phase, bytes }) => {
                let (done, total) = &mut phases[phase as usize];
                *done = done.saturating_add(bytes);
                screen.progress(phase, *done, *total);
            }
            Some(Event::Programmed) => screen.note("programmed and verified"),
            Some(Event::Running) if until == Until::Running => {
                screen.note("running");
                return Ok(());
            }
            Some(Event::Running) => screen.note("running; its log follows, Ctrl-C ends it"),
            Some(Event::RunningSilently) => {
                screen.note("running; the image has no log");
                return Ok(());
            }
            Some(Event::Log { line }) => screen.log(&line),
            // Nothing was asked yet.
            Some(Event::Data { .. }) => {}
            Some(Event::Failed(ProbeFault::Mismatch)) => {
                screen.note(
                    "flash does not read back as it was programmed: a protected or worn sector, or \
                     another chip than the config names",
                );
                return Err(Failure::Gate);
            }
            Some(Event::Failed(fault)) => return Err(Failure::Environment(told(&fault))),
            None => {
                return Err(Failure::Environment(anyhow!(
                    "spinney-probe ended in the middle of its work; run the command again"
                )));
            }
        }
    }
}

/// A fault in words: what was found, what was expected, what to do next.
pub fn told(fault: &ProbeFault) -> anyhow::Error {
    let listed = |probes: &[String]| {
        probes
            .iter()
            .map(|probe| format!("\n  {probe}"))
            .collect::<String>()
    };
    match fault {
        ProbeFault::NoProbe => anyhow!(
            "no debug probe is connected; connect one (ST-Link, J-Link, CMSIS-DAP, …) by USB. In a \
             virtual machine or container, pass the USB device through"
        ),
        ProbeFault::SeveralProbes { probes } => anyhow!(
            "several debug probes are connected; name one by `--probe VID:PID:SERIAL`:{}",
            listed(probes)
        ),
        ProbeFault::UnknownProbe { probes } => anyhow!(
            "the probe that `--probe` names is not connected; these are:{}",
            listed(probes)
        ),
        ProbeFault::NoAccess { probe } => anyhow!(
            "the probe {probe} may not be opened by this user; install the udev rules as \
             docs/hardware.md says, then connect it anew"
        ),
        ProbeFault::NoTarget { message } => anyhow!(
            "the probe works, but no chip answers: power the board, check SWDIO, SWCLK and GND, and \
             release its reset ({message})"
        ),
        ProbeFault::Locked { message } => anyhow!(
            "the chip is protected against the debugger. Taking the protection off erases all of its \
             flash, so this is left to you: `probe-rs erase --chip NAME --allow-erase-all`, or the \
             manufacturer's tool ({message})"
        ),
        ProbeFault::WrongCore { found } => anyhow!(
            "the chip at the probe has {}, which the chip in the config has not; check `chip` in \
             [target] and which board is connected",
            core_named(*found)
        ),
        ProbeFault::UnknownChip { message } => anyhow!(
            "probe-rs cannot program this chip: {message}; use the manufacturer's tool with the ELF file"
        ),
        ProbeFault::Mismatch => anyhow!("flash does not read back as it was programmed"),
        ProbeFault::NoLog { message } => anyhow!(
            "the image was programmed and started, but its log does not show within 3 s: it may have \
             stopped before its first message, or the chip started something else ({message})"
        ),
        ProbeFault::ForeignLog { message } => anyhow!("{message}"),
        ProbeFault::Lost { message } => anyhow!(
            "the probe no longer answers; check the USB cable and the board's power, then run the \
             command again ({message})"
        ),
        ProbeFault::Other { message } => {
            anyhow!("{message}; docs/hardware.md says what to look at")
        }
    }
}

/// Part numbers in CPUID: the technical reference manuals of Arm's cores.
const PARTS: [(u16, &str); 10] = [
    (0xc20, "a Cortex-M0"),
    (0xc60, "a Cortex-M0+"),
    (0xc21, "a Cortex-M1"),
    (0xc23, "a Cortex-M3"),
    (0xc24, "a Cortex-M4"),
    (0xc27, "a Cortex-M7"),
    (0xd20, "a Cortex-M23"),
    (0xd21, "a Cortex-M33"),
    (0xd22, "a Cortex-M55"),
    (0xd23, "a Cortex-M85"),
];

fn core_named(part: u16) -> String {
    PARTS.iter().find(|(known, _)| *known == part).map_or_else(
        || format!("core {part:#05x}"),
        |(_, name)| (*name).to_owned(),
    )
}

/// The part numbers that a chip with this core has; Cortex-M0 and M0+ are one to an image, and
/// RISC-V has none.
pub fn cpuid_parts(core: Core) -> &'static [u16] {
    match core {
        Core::CortexM0 | Core::CortexM0Plus => &[0xc20, 0xc60],
        Core::CortexM3 => &[0xc23],
        Core::CortexM4 | Core::CortexM4F => &[0xc24],
        Core::CortexM7 | Core::CortexM7F => &[0xc27],
        Core::CortexM23 => &[0xd20],
        Core::CortexM33 | Core::CortexM33F => &[0xd21],
        Core::Rv32imc | Core::Rv32imac => &[],
    }
}
