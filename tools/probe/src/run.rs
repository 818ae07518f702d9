//! `run`: opens the probe, programs a job, reads it back, resets, and relays the log.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::words::{Event, Job, Phase, ProbeFault, Request};
use probe_rs::flashing::{DownloadOptions, FlashProgress, ProgressEvent, ProgressOperation};
use probe_rs::probe::list::{Accessibility, Lister, ProbeListItem};
use probe_rs::probe::{DebugProbeInfo, DebugProbeSelector};
use probe_rs::rtt::{Rtt, ScanRegion};
use probe_rs::{Core, MemoryInterface, Permissions, Session};
use spinney_log::Log;

use crate::fault::{fault_of, other};

/// Which core of a chip boots.
const BOOTS: usize = 0;

/// The job on the first line of `input`.
pub(crate) fn read(input: &mut dyn BufRead) -> Result<Job, ProbeFault> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|error| fault_of(&error))?;
    serde_json::from_str(&line).map_err(|error| fault_of(&error))
}

/// The requests on the following lines of stdin, read by a thread as they come.
pub(crate) fn requests() -> Receiver<Request> {
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            // A line that is no request is as good as the end.
            let request = line.ok().and_then(|line| serde_json::from_str(&line).ok());
            if request.is_none_or(|request| sender.send(request).is_err()) {
                return;
            }
        }
    });
    requests
}

/// Programs the job and relays its log, requests and answers, which ends with an error or with the
/// process.
pub(crate) fn run(
    job: &Job,
    requests: &Receiver<Request>,
    tell: &mut dyn FnMut(Event),
) -> Result<(), ProbeFault> {
    let lister = Lister::new();
    let found = choose(lister.list_all_with_access(), job.probe.as_deref())?;
    let probe = lister.open(&found).map_err(|error| fault_of(&error))?;
    let mut session = probe
        .attach(job.chip.as_str(), Permissions::new())
        .map_err(|error| fault_of(&error))?;
    if !job.cpuid_parts.is_empty() {
        check_core(&mut session, &job.cpuid_parts)?;
    }
    tell(Event::Attached {
        probe: named(&found),
    });
    program(&mut session, job, tell)?;
    tell(Event::Programmed);
    let mut core = session.core(BOOTS).map_err(|error| fault_of(&error))?;
    start(&mut core, job.log_at).map_err(|error| fault_of(&error))?;
    match job.log_at {
        Some(address) => {
            let requests = job.answers.then_some(requests);
            let mut log = log_of(job)?;
            relay(&mut core, address, log.as_mut(), requests, tell)
        }
        None => {
            tell(Event::RunningSilently);
            Ok(())
        }
    }
}

/// The probe that was named, or the only one.
fn choose(probes: Vec<ProbeListItem>, name: Option<&str>) -> Result<DebugProbeInfo, ProbeFault> {
    let all = || probes.iter().map(|probe| named(&probe.info)).collect();
    let fits = |probe: &&ProbeListItem| match name {
        None => true,
        Some(name) => selector(&probe.info)
            .to_lowercase()
            .starts_with(&name.to_lowercase()),
    };
    let fitting: Vec<&ProbeListItem> = probes.iter().filter(fits).collect();
    match fitting[..] {
        [] if probes.is_empty() => Err(ProbeFault::NoProbe),
        [] => Err(ProbeFault::UnknownProbe { probes: all() }),
        [only] if only.accessibility == Accessibility::PermissionDenied => {
            Err(ProbeFault::NoAccess {
                probe: named(&only.info),
            })
        }
        [only] => Ok(only.info.clone()),
        _ => Err(ProbeFault::SeveralProbes { probes: all() }),
    }
}

fn selector(probe: &DebugProbeInfo) -> String {
    DebugProbeSelector::from(probe).to_string()
}

fn named(probe: &DebugProbeInfo) -> String {
    format!("{} ({})", probe.identifier, selector(probe))
}

/// Compares the part number in CPUID: Armv6-M to Armv8-M architecture reference manuals.
fn check_core(session: &mut Session, parts: &[u16]) -> Result<(), ProbeFault> {
    const CPUID: u64 = 0xe000_ed00;
    let cpuid = session
        .core(BOOTS)
        .and_then(|mut core| core.read_word_32(CPUID))
        .map_err(|error| fault_of(&error))?;
    let found = u16::try_from(cpuid >> 4 & 0xfff).unwrap_or(0);
    if parts.contains(&found) {
        Ok(())
    } else {
        Err(ProbeFault::WrongCore { found })
    }
}

fn program(
    session: &mut Session,
    job: &Job,
    tell: &mut dyn FnMut(Event),
) -> Result<(), ProbeFault> {
    let mut loader = session.target().flash_loader();
    for segment in &job.segments {
        loader
            .add_data(segment.address, &segment.bytes)
            .map_err(|error| fault_of(&error))?;
    }
    let mut options = DownloadOptions::default();
    options.verify = true;
    options.progress = FlashProgress::new(|event| {
        if let Some(event) = progress(&event) {
            tell(event);
        }
    });
    loader
        .commit(session, options)
        .map_err(|error| fault_of(&error))
}

fn progress(event: &ProgressEvent) -> Option<Event> {
    match event {
        ProgressEvent::AddProgressBar { operation, total } => Some(Event::Phase {
            phase: phase(*operation)?,
            bytes: *total,
        }),
        ProgressEvent::Progress {
            operation, size, ..
        } => Some(Event::Progress {
            phase: phase(*operation)?,
            bytes: *size,
        }),
        _ => None,
    }
}

fn phase(operation: ProgressOperation) -> Option<Phase> {
    match operation {
        ProgressOperation::Erase => Some(Phase::Erase),
        ProgressOperation::Program => Some(Phase::Program),
        ProgressOperation::Verify => Some(Phase::Verify),
        ProgressOperation::Fill => None,
    }
}

/// Starts the image; a control block that an earlier one left in RAM is not mistaken for its own.
fn start(core: &mut Core<'_>, log_at: Option<u64>) -> Result<(), probe_rs::Error> {
    core.reset_and_halt(Duration::from_millis(500))?;
    if let Some(address) = log_at {
        core.write_8(address, &[0; 16])?;
    }
    core.run()
}

/// What decodes the job's log, where its image has one.
fn log_of(job: &Job) -> Result<Option<Log>, ProbeFault> {
    let Some(path) = &job.elf else {
        return Ok(None);
    };
    let elf = std::fs::read(path).map_err(|error| fault_of(&error))?;
    Log::of(&elf).map_err(|error| other(&format!("the log cannot be decoded: {error:#}")))
}

fn relay(
    core: &mut Core<'_>,
    address: u64,
    mut lines: Option<&mut Log>,
    requests: Option<&Receiver<Request>>,
    tell: &mut dyn FnMut(Event),
) -> Result<(), ProbeFault> {
    const APPEARS_WITHIN: Duration = Duration::from_secs(3);
    const POLL: Duration = Duration::from_millis(10);
    let started = Instant::now();
    let mut rtt = loop {
        match Rtt::attach_region(core, &ScanRegion::Exact(address)) {
            Ok(rtt) => break rtt,
            Err(error) if started.elapsed() > APPEARS_WITHIN => {
                return Err(match fault_of(&error) {
                    ProbeFault::Other { message } => ProbeFault::NoLog { message },
                    fault => fault,
                });
            }
            Err(_) => std::thread::sleep(POLL),
        }
    };
    tell(Event::Running);
    let mut unsent: Vec<u8> = Vec::new();
    loop {
        let log = up(&mut rtt, core, LOG, "the image has no channel for a log")?;
        let mut is_idle = log.is_empty();
        if let (false, Some(lines)) = (log.is_empty(), &mut lines) {
            lines
                .decode(&log, &mut |line| {
                    tell(Event::Log {
                        line: line.to_owned(),
                    });
                })
                .map_err(|error| ProbeFault::ForeignLog {
                    message: format!("{error:#}"),
                })?;
        }
        if let Some(requests) = requests {
            let answer = up(
                &mut rtt,
                core,
                ANSWERS,
                "the image has no channel for answers",
            )?;
            is_idle &= answer.is_empty();
            if !answer.is_empty() {
                tell(Event::Data { bytes: answer });
            }
            unsent.extend(requests.try_iter().flat_map(|request| request.bytes));
            let channel = rtt
                .down_channel(REQUESTS)
                .ok_or_else(|| other("the image has no channel for requests"))?;
            let n_sent = channel
                .write(core, &unsent)
                .map_err(|error| fault_of(&error))?;
            is_idle &= n_sent == 0;
            unsent.drain(..n_sent);
        }
        if is_idle {
            // An answer is waited for; a log is not.
            std::thread::sleep(if requests.is_some() { POLL / 10 } else { POLL });
        }
    }
}

/// Up channels of an image, and its down channel.
const LOG: usize = 0;
const ANSWERS: usize = 1;
const REQUESTS: usize = 0;

/// What waits in an up channel.
fn up(
    rtt: &mut Rtt,
    core: &mut Core<'_>,
    number: usize,
    missing: &str,
) -> Result<Vec<u8>, ProbeFault> {
    let mut buffer = [0; 1024];
    let channel = rtt.up_channel(number).ok_or_else(|| other(missing))?;
    let n = channel
        .read(core, &mut buffer)
        .map_err(|error| fault_of(&error))?;
    Ok(buffer[..n].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_probe_nothing_is_chosen() {
        assert_eq!(choose(Vec::new(), None), Err(ProbeFault::NoProbe));
        assert_eq!(
            choose(Vec::new(), Some("0483:374b")),
            Err(ProbeFault::NoProbe)
        );
    }

    #[test]
    fn a_job_that_is_none() {
        let fault = read(&mut "{}\n".as_bytes());
        assert!(matches!(fault, Err(ProbeFault::Other { message }) if message.contains("chip")));
    }
}
