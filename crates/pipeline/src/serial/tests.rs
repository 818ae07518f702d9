//! Sessions with a device in this process, over links that lose and damage bytes.

use std::collections::VecDeque;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use expect_test::{Expect, expect};
use spinney_wire::frame::{
    Clock, Hello, Outcome, ReadingType, Receiver, Reply, Request, VERSION, write_frame,
};

use super::link::{Link, Pipes, Tty};
use super::session::{Card, Patience, SessionError};
use super::verify::{DeviceRows, verify};
use super::{HostRows, Noisy};
use crate::process::Guarded;

const N_FEATURES: usize = 5;
const N_CLASSES: usize = 3;
const FINGERPRINT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn card() -> Card {
    Card {
        fingerprint: FINGERPRINT.to_owned(),
        n_features: N_FEATURES,
        n_classes: N_CLASSES,
        reading: "u8",
        reading_bytes: 1,
        class_only: Some(false),
        has_probabilities: true,
        n_answers: Some(N_CLASSES),
    }
}

fn hello() -> Hello<'static> {
    Hello {
        version: VERSION,
        fingerprint: FINGERPRINT,
        n_features: N_FEATURES as u32,
        n_classes: N_CLASSES as u32,
        reading: ReadingType::U8,
        n_scores: N_CLASSES as u32,
        n_probabilities: N_CLASSES as u32,
        clock: Clock::Cyccnt,
    }
}

/// What the model of these tests says: class, scores, probabilities.
fn model(readings: &[u8]) -> (usize, [i64; N_CLASSES], [u16; N_CLASSES]) {
    let mut scores = [0; N_CLASSES];
    for (index, reading) in readings.iter().enumerate() {
        scores[index % N_CLASSES] += i64::from(*reading) << 32;
    }
    let class = (0..N_CLASSES).max_by_key(|class| scores[*class]);
    let probabilities = scores.map(|score| (score >> 32) as u16);
    (class.unwrap_or(0), scores, probabilities)
}

fn rows(n: usize) -> HostRows {
    let mut host = HostRows {
        readings: Vec::new(),
        classes: Vec::new(),
        early: None,
        scores: Vec::new(),
        probabilities: Vec::new(),
    };
    for row in 0..n {
        // Zeros and large bytes among them, which frames treat apart.
        let readings: Vec<u8> = (0..N_FEATURES)
            .map(|feature| (row * 37 + feature * feature * 101) as u8 & 0xf7)
            .collect();
        let (class, scores, probabilities) = model(&readings);
        host.readings.extend(readings);
        host.classes.push(class);
        host.scores.push(scores.to_vec());
        host.probabilities.push(probabilities.to_vec());
    }
    host
}

/// A device at the other end; nothing takes time, and nothing to read is a time that ran out.
struct Device {
    hello: Hello<'static>,
    receiver: Receiver<[u8; 64]>,
    sent: VecDeque<u8>,
    /// How many rows it answers before it falls silent.
    n_rows: usize,
    /// How often it says everything.
    n_times: usize,
    /// The one row whose class it gets wrong.
    wrong: Option<u32>,
}

fn device() -> Device {
    Device {
        hello: hello(),
        receiver: Receiver::new([0; 64]),
        sent: VecDeque::new(),
        n_rows: usize::MAX,
        n_times: 1,
        wrong: None,
    }
}

impl Link for Device {
    fn read(&mut self, buffer: &mut [u8], _patience: Duration) -> io::Result<usize> {
        // In pieces, as a port delivers them.
        let n_bytes = self.sent.len().min(buffer.len()).min(7);
        for (to, from) in buffer.iter_mut().zip(self.sent.drain(..n_bytes)) {
            *to = from;
        }
        Ok(n_bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            let (class, scores, probabilities);
            let reply = match self.receiver.request(*byte, N_FEATURES) {
                None => continue,
                Some(Err(refused)) => Reply::Refused(refused),
                Some(Ok(Request::Hello)) => Reply::Hello(self.hello),
                Some(Ok(Request::Row { seq, readings })) => {
                    if self.n_rows == 0 {
                        continue;
                    }
                    self.n_rows -= 1;
                    (class, scores, probabilities) = model(readings);
                    let shift = usize::from(self.wrong == Some(seq));
                    Reply::Outcome(Outcome {
                        seq,
                        class: (class + shift) as u32,
                        ticks: Some(100 + seq),
                        scores: &scores[..],
                        probabilities: &probabilities[..],
                    })
                }
            };
            let mut frame = [0; 256];
            let frame = write_frame(&reply, &mut frame).map_err(|_| io::ErrorKind::OutOfMemory)?;
            for _ in 0..self.n_times {
                self.sent.extend(frame);
            }
        }
        Ok(())
    }
}

fn run(link: &mut dyn Link, n_rows: usize, tries: u32) -> Result<DeviceRows, SessionError> {
    let patience = Patience {
        tries,
        ..Patience::default()
    };
    verify(link, &card(), patience, &rows(n_rows), &mut |_, _| {})
}

#[test]
fn a_clean_line_repeats_nothing() {
    let done = run(&mut device(), 300, 1).unwrap();
    assert_eq!(done.mismatches, [0; 0]);
    assert_eq!(done.classes(), rows(300).classes);
    assert_eq!(done.tally.retries, 0);
    assert_eq!(done.ticks(), Some((249.5, 399)));
}

#[test]
fn every_row_is_right_in_the_end_whatever_the_noise() {
    let mut n_retries = Vec::new();
    for one_in in [2000, 500, 100, 40] {
        let mut of_noise = 0;
        for seed in 0..20 {
            let mut link = Noisy::new(device(), one_in, seed);
            let done = run(&mut link, 200, 1000).unwrap();
            assert_eq!(done.mismatches, [0; 0], "1 in {one_in}, seed {seed}");
            assert_eq!(done.outcomes.len(), 200);
            of_noise += done.tally.retries;
        }
        n_retries.push(of_noise);
    }
    // The noise was there, and there was more and more of it.
    assert!(n_retries[0] > 20, "{n_retries:?}");
    assert!(n_retries.is_sorted(), "{n_retries:?}");
}

#[test]
fn answers_that_come_twice_do_no_harm() {
    let mut twice = Device {
        n_times: 2,
        ..device()
    };
    let done = run(&mut twice, 100, 2).unwrap();
    assert_eq!(done.mismatches, [0; 0]);
    assert_eq!(done.tally.retries, 0);
    assert!(done.tally.stale > 50, "{:?}", done.tally);
}

#[test]
fn a_row_that_differs_is_found() {
    let mut wrong = Device {
        wrong: Some(17),
        ..device()
    };
    // Row 17 has class 0 or 1, so that one more is still a class.
    assert_eq!(run(&mut wrong, 100, 1).unwrap().mismatches, [17]);
}

fn check(link: &mut dyn Link, expect: &Expect) {
    expect.assert_eq(&run(link, 10, 3).unwrap_err().to_string());
}

/// A link on whose other end nobody hears.
struct Deaf<F>(F);

impl<F: FnMut(&mut [u8]) -> io::Result<usize> + Send> Link for Deaf<F> {
    fn read(&mut self, buffer: &mut [u8], _patience: Duration) -> io::Result<usize> {
        self.0(buffer)
    }
    fn write(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_device_that_never_answers() {
    check(
        &mut Deaf(|_: &mut [u8]| Ok(0)),
        &expect![
            "the device does not answer: found silence, expected a hello to one of 3 requests; check that it runs the serial image, that this is its port, and that the baud rate is the same (docs/serial.md)"
        ],
    );
}

#[test]
fn something_else_on_the_port() {
    const SAYS: &[u8] = b"OK\r\n";
    let mut n_reads = 0_usize;
    let modem = |buffer: &mut [u8]| {
        n_reads += 1;
        if n_reads.is_multiple_of(2) {
            return Ok(0);
        }
        buffer[..SAYS.len()].copy_from_slice(SAYS);
        Ok(SAYS.len())
    };
    check(
        &mut Deaf(modem),
        &expect![
            "the device does not answer: found 12 bytes and no whole frame among them, expected a hello to one of 3 requests; check that it runs the serial image, that this is its port, and that the baud rate is the same (docs/serial.md)"
        ],
    );
}

#[test]
fn another_model_version_or_shape() {
    let with = |hello| Device { hello, ..device() };
    let other = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let of = hello();
    let mut told = String::new();
    for hello in [
        Hello {
            fingerprint: other,
            ..of
        },
        Hello {
            version: VERSION + 1,
            ..of
        },
        Hello {
            reading: ReadingType::I16,
            n_classes: 4,
            ..of
        },
        Hello { n_scores: 2, ..of },
        Hello { n_scores: 0, ..of },
    ] {
        told += &(run(&mut with(hello), 10, 3).unwrap_err().to_string() + "\n");
    }
    expect![[r#"
        the device holds another model: found the fingerprint ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff, expected 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff; build and flash the image of this pipeline, or name the pipeline that was flashed with --config
        the device speaks another version of the protocol: found 2, expected 1; build and flash its image anew from this version of Spinney
        the device's model has another shape: found 5 features in i16, 4 classes, expected 5 features in u8, 3 classes; build and flash the image of this pipeline anew
        the device's model has another shape: found 2 scores per row, expected 3; build and flash the image of this pipeline anew
        the device's model has another shape: found 0 scores per row, expected 3; build and flash the image of this pipeline anew
    "#]]
    .assert_eq(&told);
    for n_probabilities in [0, 2, 4] {
        let hello = Hello {
            n_probabilities,
            ..of
        };
        let error = run(&mut with(hello), 1, 1).unwrap_err().to_string();
        let found = format!("found {n_probabilities} probabilities per row, expected 3");
        assert!(error.contains(&found), "{error}");
    }
}

#[test]
fn a_device_delivers_what_was_built() {
    let patience = Patience::default();
    let ask = |class_only, n_scores| {
        let card = Card {
            class_only,
            ..card()
        };
        let hello = Hello {
            n_scores,
            ..hello()
        };
        let mut device = Device { hello, ..device() };
        verify(&mut device, &card, patience, &rows(3), &mut |_, _| {})
            .map(|done| done.mismatches)
            .map_err(|error| error.to_string())
    };
    assert_eq!(ask(None, 3), Ok(vec![]));
    for (class_only, n_scores, expected) in [
        (Some(true), 3, "found 3 scores per row, expected none"),
        (None, 2, "found 2 scores per row, expected none or 3"),
        // It promises no scores, as it may, and sends some.
        (
            None,
            0,
            "found class 1, 3 scores and 3 probabilities for row 0, expected",
        ),
        (
            Some(true),
            0,
            "found class 1, 3 scores and 3 probabilities for row 0, expected",
        ),
    ] {
        let error = ask(class_only, n_scores).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_device_that_falls_silent() {
    let mut mortal = Device {
        n_rows: 3,
        ..device()
    };
    check(
        &mut mortal,
        &expect![
            "row 3 has no answer after 3 tries, the last in silence; 3 rows came back before it. Check the cable, or try a lower baud rate"
        ],
    );
}

#[test]
fn a_link_that_breaks() {
    let mut broken = Deaf(|_: &mut [u8]| Err(io::Error::other("unplugged")));
    let error = anyhow::Error::from(run(&mut broken, 1, 3).unwrap_err());
    expect!["the link to the device broke: unplugged"].assert_eq(&format!("{error:#}"));
}

#[test]
fn pipes_carry_bytes_and_tell_of_their_end() {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut guarded = Guarded::spawn(&mut command).unwrap();
    let child = &mut guarded.child;
    let mut pipes = Pipes::new(child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut buffer = [0; 3];
    assert_eq!(
        pipes.read(&mut buffer, Duration::from_millis(20)).unwrap(),
        0
    );
    pipes.write(&[1, 2, 3, 0, 5]).unwrap();
    let mut came: Vec<u8> = Vec::new();
    while came.len() < 5 {
        let n_bytes = pipes.read(&mut buffer, Duration::from_secs(60)).unwrap();
        assert_ne!(n_bytes, 0);
        came.extend(&buffer[..n_bytes]);
    }
    assert_eq!(came, [1, 2, 3, 0, 5]);
    guarded.end().unwrap();
    let error = pipes
        .read(&mut buffer, Duration::from_secs(60))
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_port_that_is_not_there() {
    let Err(failure) = Tty::open(std::path::Path::new("/dev/no-such-port"), 9600) else {
        panic!("there is one");
    };
    assert_eq!(failure.exit_code(), 3);
    let text = format!("{failure:?}");
    assert!(text.contains("/dev/no-such-port"), "{text}");
}
