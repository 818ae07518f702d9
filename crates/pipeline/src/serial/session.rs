//! A session with a device: who are you, then row after row, until each is answered.
//!
//! Host and device take turns: a device with one buffer and a polled UART hears nothing while it
//! predicts or answers. A request that stays without a whole answer is sent again; the device keeps
//! no state, so an answer to an earlier copy is as good, and one to an earlier row is passed over.

use std::io;
use std::time::{Duration, Instant};

use spinney_model::Task;
use spinney_quantize::QuantModel;
use spinney_wire::frame::{
    self, Answer, Clock, DELIMITER, Hello, Outcome, Receiver, Refused, Reply, Request, Why,
};

use super::Link;
use crate::failure::Failure;

/// The model that the host expects at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Fingerprint of the model, 64 hexadecimal digits.
    pub fingerprint: String,
    /// Features of a row.
    pub n_features: usize,
    /// Classes of the model.
    pub n_classes: usize,
    /// The type of readings, as Rust calls it, and its size in bytes.
    pub reading: &'static str,
    /// Bytes of a reading.
    pub reading_bytes: usize,
    /// Whether its image was built to deliver no scores; `None` where either may be flashed.
    pub class_only: Option<bool>,
    /// Whether the model gives probabilities.
    pub has_probabilities: bool,
    /// Classes that may be delivered, the one beyond the last, unknown, among them; `None` of values.
    pub n_answers: Option<usize>,
}

impl Card {
    /// What a device of this model has to say of itself; `class_only` where it is known whether it
    /// delivers classes alone.
    pub fn new(quant: &QuantModel, fingerprint: &str, class_only: Option<bool>) -> Self {
        Self {
            fingerprint: fingerprint.to_owned(),
            n_features: quant.schema().n_features(),
            n_classes: quant.n_scores(),
            reading: quant.reading_type().rust_name(),
            reading_bytes: quant.reading_type().n_bytes(),
            class_only,
            has_probabilities: quant.probabilities().is_some(),
            n_answers: (quant.task() != Task::Regress)
                .then(|| quant.n_scores() + usize::from(quant.margin().is_some())),
        }
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.n_features * self.reading_bytes
    }
}

/// How long a host waits, and how often it asks.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the first answer, beyond what the bytes take on their way; doubles with each silence.
    pub answer: Duration,
    /// After damage: silence that means that nothing more will come.
    pub silence: Duration,
    /// How often one request is sent before the session gives up.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_millis(250),
            silence: Duration::from_millis(10),
            tries: 12,
        }
    }
}

/// Longest wait for one answer, beyond its way.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What happened on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Requests sent again.
    pub retries: u64,
    /// Of these, after no answer at all.
    pub silences: u64,
    /// Frames from the device that did not arrive whole.
    pub damaged: u64,
    /// Frames that did not arrive whole at the device, as it says.
    pub refused: u64,
    /// Answers to earlier copies of a request.
    pub stale: u64,
    /// Bytes that went to the device.
    pub bytes_sent: u64,
    /// Bytes that came from it.
    pub bytes_received: u64,
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Link(_) | SessionError::Silent { .. } | SessionError::Lost { .. } => {
                Self::Environment(error.into())
            }
            SessionError::OtherVersion { .. }
            | SessionError::OtherModel { .. }
            | SessionError::OtherShape { .. } => Self::Input(error.into()),
        }
    }
}

/// Why a session ends early.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("the link to the device broke")]
    Link(#[from] io::Error),
    #[error(
        "the device does not answer: found {}, expected a hello to one of {tries} requests; check \
         that it runs the serial image, that this is its port, and that the baud rate is the same \
         (docs/serial.md)", heard(*.n_bytes, *.n_frames)
    )]
    Silent {
        tries: u32,
        n_bytes: u64,
        n_frames: u64,
    },
    #[error(
        "the device speaks another version of the protocol: found {found}, expected {}; build and \
         flash its image anew from this version of Spinney",
        frame::VERSION
    )]
    OtherVersion { found: u8 },
    #[error(
        "the device holds another model: found the fingerprint {found}, expected {expected}; build \
         and flash the image of this pipeline, or name the pipeline that was flashed with --config"
    )]
    OtherModel { found: String, expected: String },
    #[error(
        "the device's model has another shape: found {found}, expected {expected}; build and flash \
         the image of this pipeline anew"
    )]
    OtherShape { found: String, expected: String },
    #[error(
        "row {row} has no answer after {tries} tries, the last {last}; {} came back before it. \
         Check the cable, or try a lower baud rate", rows(*.row)
    )]
    Lost {
        row: usize,
        tries: u32,
        last: String,
    },
}

fn heard(n_bytes: u64, n_frames: u64) -> String {
    match (n_bytes, n_frames) {
        (0, _) => "silence".to_owned(),
        (n_bytes, 0) => format!("{n_bytes} bytes and no whole frame among them"),
        (_, n_frames) => format!("{n_frames} frames that are no hello"),
    }
}

fn rows(n: usize) -> String {
    match n {
        1 => "1 row".to_owned(),
        n => format!("{n} rows"),
    }
}

/// How one try ended without an answer.
enum Nothing {
    Silence,
    Damaged,
    Refused(Refused),
}

impl Nothing {
    fn in_words(&self) -> String {
        match self {
            Self::Silence => "in silence".to_owned(),
            Self::Damaged => "with a damaged frame from the device".to_owned(),
            Self::Refused(refused) => match refused.why {
                Why::Damaged => "with a frame that reached the device damaged".to_owned(),
                Why::Unknown => "refused as no request that the device knows".to_owned(),
                Why::RowLength { found, expected } => {
                    format!("refused as {found} bytes, where the device expects {expected}")
                }
            },
        }
    }
}

/// What a device predicts for a row.
pub type RowOutcome = Outcome<Vec<i64>, Vec<u16>>;

/// What a device tells of itself, as far as the host does not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Whether it delivers scores.
    pub has_scores: bool,
    /// Whether it delivers probabilities.
    pub has_probabilities: bool,
    /// What its ticks are.
    pub clock: Clock,
}

/// A session with a device whose model is the expected one.
pub struct Session<'a> {
    talk: Talk<'a>,
    card: &'a Card,
    device: Device,
    n_rows: usize,
}

impl<'a> Session<'a> {
    /// Finds out that the device is there and holds the expected model.
    pub fn open(
        link: &'a mut dyn Link,
        card: &'a Card,
        patience: Patience,
    ) -> Result<Self, SessionError> {
        type DeviceReply<'r> = Reply<'r, Vec<i64>, Vec<u16>>;
        let reply_bytes_max = DeviceReply::frame_len_max(card.n_classes, card.n_classes);
        let mut talk = Talk {
            link,
            patience,
            receiver: Receiver::new(vec![0; reply_bytes_max]),
            reply_bytes_max,
            frame: vec![0; 1 + Request::frame_len_max(card.row_bytes())],
            unread: Vec::new(),
            n_frames: 0,
            tally: Tally::default(),
        };
        let greeted = talk.ask(&Request::Hello, |answer| match answer {
            Answer::OtherVersion(found) => Some(Err(SessionError::OtherVersion { found })),
            Answer::Reply(Reply::Hello(hello)) => Some(compare(&hello, card)),
            Answer::Reply(_) => None,
        })?;
        let device = match greeted {
            Ok(device) => device?,
            Err(_) => {
                return Err(SessionError::Silent {
                    tries: patience.tries,
                    n_bytes: talk.tally.bytes_received,
                    n_frames: talk.n_frames,
                });
            }
        };
        Ok(Self {
            talk,
            card,
            device,
            n_rows: 0,
        })
    }

    pub fn device(&self) -> Device {
        self.device
    }

    pub fn tally(&self) -> Tally {
        self.talk.tally
    }

    /// The device's outcome for a row of little-endian readings.
    pub fn predict(&mut self, readings: &[u8]) -> Result<RowOutcome, SessionError> {
        let row = self.n_rows;
        // Rows beyond 2^32 reuse numbers, which none in flight has.
        let seq = row as u32;
        let outcome = self
            .talk
            .ask(&Request::Row { seq, readings }, |answer| match answer {
                Answer::Reply(Reply::Outcome(outcome)) if outcome.seq == seq => Some(outcome),
                _ => None,
            })?;
        let outcome = outcome.map_err(|last| SessionError::Lost {
            row,
            tries: self.talk.patience.tries,
            last: last.in_words(),
        })?;
        self.n_rows += 1;
        let n_classes = self.card.n_classes;
        let expected = |has: bool| if has { n_classes } else { 0 };
        let n_answers = self.card.n_answers.unwrap_or(usize::MAX);
        let is_whole = (outcome.class as usize) < n_answers
            && outcome.scores.len() == expected(self.device.has_scores)
            && outcome.probabilities.len() == expected(self.device.has_probabilities);
        if is_whole {
            return Ok(outcome);
        }
        Err(SessionError::OtherShape {
            found: format!(
                "class {}, {} scores and {} probabilities for row {row}",
                outcome.class,
                outcome.scores.len(),
                outcome.probabilities.len()
            ),
            expected: format!(
                "a class below {n_answers}, {} scores and {} probabilities",
                expected(self.device.has_scores),
                expected(self.device.has_probabilities)
            ),
        })
    }
}

/// What the device is, if it is what the host expects.
fn compare(hello: &Hello<'_>, card: &Card) -> Result<Device, SessionError> {
    if hello.fingerprint != card.fingerprint {
        return Err(SessionError::OtherModel {
            found: hello.fingerprint.to_owned(),
            expected: card.fingerprint.clone(),
        });
    }
    let shape = |n_features: usize, n_classes: usize, reading: &str| {
        format!("{n_features} features in {reading}, {n_classes} classes")
    };
    let found = shape(
        hello.n_features as usize,
        hello.n_classes as usize,
        hello.reading.name(),
    );
    let expected = shape(card.n_features, card.n_classes, card.reading);
    if found != expected {
        return Err(SessionError::OtherShape { found, expected });
    }
    let has_scores = card.class_only.map(|class_only| !class_only);
    for (found, has, what) in [
        (hello.n_scores, has_scores, "scores"),
        (
            hello.n_probabilities,
            Some(card.has_probabilities),
            "probabilities",
        ),
    ] {
        let n_classes = card.n_classes;
        let (is_right, expected) = match has {
            None => (
                [0, n_classes].contains(&(found as usize)),
                format!("none or {n_classes}"),
            ),
            Some(true) => (found as usize == n_classes, n_classes.to_string()),
            Some(false) => (found == 0, "none".to_owned()),
        };
        if !is_right {
            return Err(SessionError::OtherShape {
                found: format!("{found} {what} per row"),
                expected,
            });
        }
    }
    Ok(Device {
        has_scores: hello.n_scores > 0,
        has_probabilities: hello.n_probabilities > 0,
        clock: hello.clock,
    })
}

/// Requests and answers over a link.
struct Talk<'a> {
    link: &'a mut dyn Link,
    patience: Patience,
    receiver: Receiver<Vec<u8>>,
    reply_bytes_max: usize,
    frame: Vec<u8>,
    /// Read behind an answer.
    unread: Vec<u8>,
    n_frames: u64,
    tally: Tally,
}

impl Talk<'_> {
    /// Sends `request` until `accept` takes an answer, or until there were enough tries.
    fn ask<T>(
        &mut self,
        request: &Request<'_>,
        accept: impl Fn(Answer<'_, Vec<i64>, Vec<u16>>) -> Option<T>,
    ) -> Result<Result<T, Nothing>, SessionError> {
        // The delimiter in front ends whatever noise has begun.
        self.frame[0] = DELIMITER;
        let n_bytes = 1 + frame::write_frame(request, &mut self.frame[1..])
            .map_err(|_| io::Error::other("a row of another length than the model's"))?
            .len();
        let mut wait = self.patience.answer;
        let mut last = Nothing::Silence;
        for n_tries in 0..self.patience.tries {
            if n_tries > 0 {
                self.tally.retries += 1;
            }
            self.link.write(&self.frame[..n_bytes])?;
            self.tally.bytes_sent += n_bytes as u64;
            let way = self.link.transfer(n_bytes + self.reply_bytes_max);
            last = match self.listen(wait + way, &accept)? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(nothing) => nothing,
            };
            if matches!(last, Nothing::Silence) {
                self.tally.silences += 1;
                wait = (wait * 2).min(ANSWER_MAX);
            }
        }
        Ok(Err(last))
    }

    /// Waits for an answer; once something else came, no longer than until the device is silent.
    fn listen<T>(
        &mut self,
        wait: Duration,
        accept: impl Fn(Answer<'_, Vec<i64>, Vec<u16>>) -> Option<T>,
    ) -> Result<Result<T, Nothing>, SessionError> {
        let deadline = Instant::now() + wait;
        let silence = self.patience.silence + self.link.transfer(4);
        let mut nothing = Nothing::Silence;
        let mut buffer = [0; 512];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = match nothing {
                Nothing::Silence => left,
                _ => left.min(silence),
            };
            // What came behind the last answer comes first.
            let mut bytes = std::mem::take(&mut self.unread);
            if bytes.is_empty() {
                let n_bytes = self.link.read(&mut buffer, patience)?;
                self.tally.bytes_received += n_bytes as u64;
                bytes.extend(&buffer[..n_bytes]);
            }
            if bytes.is_empty() {
                if matches!(nothing, Nothing::Silence) && self.receiver.is_within() {
                    // A frame whose end got lost.
                    nothing = Nothing::Damaged;
                    self.tally.damaged += 1;
                    self.receiver.buffer();
                }
                return Ok(Err(nothing));
            }
            for (index, byte) in bytes.iter().enumerate() {
                let answer = match self.receiver.push(*byte) {
                    None => continue,
                    Some(Ok(message)) => frame::read_reply(message),
                    Some(Err(_)) => None,
                };
                let Some(answer) = answer else {
                    self.tally.damaged += 1;
                    nothing = Nothing::Damaged;
                    continue;
                };
                self.n_frames += 1;
                if let Answer::Reply(Reply::Refused(refused)) = answer {
                    self.tally.refused += 1;
                    nothing = Nothing::Refused(refused);
                } else if let Some(answer) = accept(answer) {
                    self.unread = bytes.split_off(index + 1);
                    return Ok(Ok(answer));
                } else {
                    self.tally.stale += 1;
                }
            }
            if Instant::now() >= deadline {
                return Ok(Err(nothing));
            }
        }
    }
}
