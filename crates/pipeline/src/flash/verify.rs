//! `flash --verify`: the test rows through the board, every bit held against the host's.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::anyhow;
use spinney_board::{Event, Request};
use spinney_config::{Config, Measured};
use spinney_wire::frame::Clock;

use super::follow::told;
use crate::environment;
use crate::failure::{ExitReason, Failure};
use crate::image::{self, Image, Transport, Way};
use crate::invocation;
use crate::progress::Progress;
use crate::serial::{Card, HostRows, Link, Patience, verify};
use crate::stages::{self, Product};
use crate::store;

/// The image that answers rows over RTT, with the model that the last run chose.
pub(super) fn image(product: &Product, progress: &Progress) -> Result<Vec<u8>, Failure> {
    let image = Image {
        log: "info",
        transport: Transport::Serve(Way::Rtt),
        takes_samples: false,
        ..stages::product_image(&product.config.pipeline, &product.form)
    };
    let folder = product.scratch.join("serve-rtt");
    let toolchain = environment::needed_toolchain(image.core.target(), &folder)?;
    image::build(&image, &toolchain, &folder, progress)
}

/// The link to a board through spinney-probe, which relays what goes up and down.
pub(super) struct ProbeLink<W> {
    /// What happens at the probe, as a thread reads it.
    pub events: Receiver<io::Result<Option<Event>>>,
    /// Where requests go, a line of JSON each.
    pub requests: W,
    /// Answers that came and were not asked for yet.
    pending: VecDeque<u8>,
}

impl<W: Write> ProbeLink<W> {
    pub(super) fn new(events: Receiver<io::Result<Option<Event>>>, requests: W) -> Self {
        Self {
            events,
            requests,
            pending: VecDeque::new(),
        }
    }
}

impl<W: Write> Link for ProbeLink<W> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        while self.pending.is_empty() {
            let event = match self.events.recv_timeout(patience) {
                Ok(event) => event?,
                Err(RecvTimeoutError::Timeout) => return Ok(0),
                Err(RecvTimeoutError::Disconnected) => None,
            };
            match event {
                Some(Event::Data { bytes }) => self.pending = bytes.into(),
                Some(Event::Failed(fault)) => return Err(io::Error::other(told(&fault))),
                // The log is that of a session, not of the product.
                Some(_) => {}
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "spinney-probe ended in the middle of its work; run the command again",
                    ));
                }
            }
        }
        self.pending.read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let request = Request {
            bytes: bytes.to_vec(),
        };
        writeln!(self.requests, "{}", serde_json::to_string(&request)?)?;
        self.requests.flush()
    }
}

/// What came of sending all test rows to a board.
#[derive(Debug)]
pub struct Verified {
    /// How many rows were sent.
    pub n_rows: usize,
    /// What was compared: "classes", "classes and scores", …
    pub compared: &'static str,
    /// How the device measures time.
    pub clock: Clock,
    /// Ticks per prediction from readings, mean and largest, where they were measured.
    pub ticks: Option<(f64, u32)>,
    /// The rows that differ, by their numbers in the source file.
    pub mismatches: Vec<usize>,
    /// The file that has its cycles, for `measured` in `[target]`.
    pub kept: Option<PathBuf>,
}

/// Sends all test rows of the pipeline through `link` and judges every bit.
///
/// `class_only` says whether the image was built to deliver no scores.
pub(super) fn judge(
    config: &Path,
    class_only: bool,
    link: &mut dyn Link,
    progress: &Progress,
) -> Result<Verified, Failure> {
    let quantized = stages::quantized(config, progress.clone())?;
    let test = &quantized.rows.test;
    let host = HostRows {
        early: quantized.stopped_early(test.values().view()),
        ..HostRows::new(&quantized.quant, test.values().rows())
    };
    let fingerprint = quantized.fingerprint();
    let card = Card::new(&quantized.quant, &fingerprint, Some(class_only));
    let n_rows = host.classes.len();
    let mut watch = |row: usize, _| progress.doing(&format!("{row} of {n_rows} rows"));
    let run = verify(link, &card, Patience::default(), &host, &mut watch)?;
    progress.clear();
    let mismatches = run.mismatches.iter();
    Ok(Verified {
        n_rows,
        compared: match (run.device.has_scores, host.probabilities.is_empty()) {
            (false, _) => "classes",
            (true, true) => "classes and scores",
            (true, false) => "classes, scores and probabilities",
        },
        clock: run.device.clock,
        ticks: run.ticks(),
        mismatches: mismatches.map(|row| test.source_rows()[*row]).collect(),
        kept: None,
    })
}

/// Writes the cycles that a board took beside the config, or where `[target] measured` says; `None`
/// where it counts none, differs from the host, or nothing else counted its instructions.
///
/// # Errors
/// Something else lies there, or it cannot be written.
pub(super) fn keep(
    config: &Config,
    found: &Verified,
    instructions: Option<f64>,
) -> Result<Option<PathBuf>, Failure> {
    let target = &config.pipeline.target;
    let counts_cycles = matches!(found.clock, Clock::Cyccnt | Clock::Mcycle);
    let (Some((mean, max)), Some(instructions)) = (found.ticks, instructions) else {
        return Ok(None);
    };
    if !counts_cycles || !found.mismatches.is_empty() {
        return Ok(None);
    }
    let file = match &target.measured {
        Some(measured) => measured.file.clone(),
        None => format!("{}-measured.toml", config.pipeline.identity.name),
    };
    let path = config.folder().join(file);
    let is_ours = |text: String| Measured::parse(&text).is_ok();
    if path.exists() && !std::fs::read_to_string(&path).is_ok_and(is_ours) {
        return Err(Failure::Input(anyhow!(
            "{} is there and not what `flash --verify` writes; move it away, or name another file as \
             `measured` in [target]",
            path.display()
        )));
    }
    let text = format!(
        "# What a board took for predictions, by `flash --verify`.\nchip = \"{}\"\nrows = {}\n\
         cycles = {mean:.1}\ncycles_max = {max}\ninstructions = {instructions:.1}\n",
        target.chip.name, found.n_rows
    );
    store::write_whole(&path, text.as_bytes()).environment()?;
    Ok(Some(path))
}

/// A thread's reading of what happens at the probe.
pub(super) fn events(
    mut next: impl FnMut() -> io::Result<Option<Event>> + Send + 'static,
) -> Receiver<io::Result<Option<Event>>> {
    let (sender, events) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        loop {
            let event = next();
            let is_last = !matches!(event, Ok(Some(_)));
            if sender.send(event).is_err() || is_last {
                return;
            }
        }
    });
    events
}

/// Why the image that answers is not on the board for good.
pub(super) fn left_behind() -> String {
    format!(
        "the board now holds the image that answers rows; {} brings the product back",
        invocation::verb("flash")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use spinney_board::ProbeFault;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[test]
    fn answers_come_whole_and_logs_go_aside() {
        let (sender, events) = channel();
        let mut requests = Vec::new();
        let mut link = ProbeLink::new(events, &mut requests);
        link.write(&[1, 2]).expect("a vector takes all");
        for event in [
            Event::Log {
                line: "INFO".to_owned(),
            },
            Event::Data {
                bytes: vec![3, 4, 5],
            },
        ] {
            sender.send(Ok(Some(event))).expect("a link that listens");
        }
        let mut buffer = [0; 2];
        assert_eq!(link.read(&mut buffer, SOON).expect("bytes"), 2);
        assert_eq!(buffer, [3, 4]);
        assert_eq!(link.read(&mut buffer, SOON).expect("a byte"), 1);
        assert_eq!(link.read(&mut buffer, SOON).expect("none yet"), 0);
        sender
            .send(Ok(Some(Event::Failed(ProbeFault::Lost {
                message: "cable".to_owned(),
            }))))
            .expect("a link that listens");
        let error = link.read(&mut buffer, SOON).expect_err("a lost probe");
        assert!(error.to_string().contains("USB cable"), "{error}");
        drop(sender);
        let error = link.read(&mut buffer, SOON).expect_err("nobody there");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        drop(link);
        assert_eq!(requests, b"{\"bytes\":[1,2]}\n");
    }

    #[test]
    fn a_thread_reads_to_the_end() {
        let mut left = vec![Event::Running, Event::Programmed];
        let events = events(move || Ok(left.pop()));
        let all: Vec<Option<Event>> = events
            .iter()
            .map(|event| event.expect("no error"))
            .collect();
        assert_eq!(all, [Some(Event::Programmed), Some(Event::Running), None]);
    }
}
