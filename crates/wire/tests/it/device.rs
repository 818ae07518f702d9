//! The loop of `docs/serial.md`, which answers a host over any UART, and what it answers.

use std::collections::VecDeque;

use spinney_wire::frame::{
    Clock, Hello, Outcome, Reading, Receiver, Reply, Request, VERSION, write_frame,
};

use model::{N_CLASSES, N_FEATURES};

/// What a generated crate offers, with a rule for a model: the larger reading is the class.
mod model {
    pub type Reading = i16;
    pub const N_FEATURES: usize = 2;
    pub const N_CLASSES: usize = 2;
    pub const FINGERPRINT: &str = "sha256:of-the-model";

    pub fn encode(readings: &[Reading; N_FEATURES]) -> [i16; N_FEATURES] {
        *readings
    }

    pub fn scores(codes: &[i16; N_FEATURES]) -> [i32; N_CLASSES] {
        codes.map(i32::from)
    }

    pub fn predict(readings: &[Reading; N_FEATURES]) -> usize {
        usize::from(readings[1] > readings[0])
    }
}

/// A serial line whose other end has said all it will say.
struct Uart {
    comes: VecDeque<u8>,
    goes: Vec<u8>,
}

impl Uart {
    fn read_byte(&mut self) -> u8 {
        self.comes.pop_front().unwrap_or(0)
    }

    fn write_all(&mut self, bytes: &[u8]) {
        self.goes.extend_from_slice(bytes);
    }
}

const ROW_BYTES: usize = N_FEATURES * size_of::<model::Reading>();

#[expect(clippy::cast_possible_truncation, reason = "counts of a small model")]
fn serve(uart: &mut Uart) {
    let mut receiver = Receiver::new([0; 256]); // Request::frame_len_max(ROW_BYTES) is enough
    let mut frame = [0; 256]; // Reply::frame_len_max(N_CLASSES, 0) is enough
    loop {
        if uart.comes.is_empty() {
            return;
        }
        let scores;
        let reply: Reply<'_, &[i64], &[u16]> = match receiver.request(uart.read_byte(), ROW_BYTES) {
            None => continue,
            Some(Err(refused)) => Reply::Refused(refused),
            Some(Ok(Request::Hello)) => Reply::Hello(Hello {
                version: VERSION,
                fingerprint: model::FINGERPRINT,
                n_features: N_FEATURES as u32,
                n_classes: N_CLASSES as u32,
                reading: <model::Reading as Reading>::TYPE,
                n_scores: N_CLASSES as u32,
                n_probabilities: 0,
                clock: Clock::None,
            }),
            Some(Ok(Request::Row {
                seq,
                readings: bytes,
            })) => {
                let mut readings = [model::Reading::default(); N_FEATURES];
                for (reading, bytes) in readings.iter_mut().zip(bytes.as_chunks().0) {
                    *reading = model::Reading::from_le_bytes(*bytes);
                }
                scores = model::scores(&model::encode(&readings)).map(i64::from);
                Reply::Outcome(Outcome {
                    seq,
                    class: model::predict(&readings) as u32,
                    ticks: None,
                    scores: &scores,
                    probabilities: &[],
                })
            }
        };
        if let Ok(frame) = write_frame(&reply, &mut frame) {
            uart.write_all(frame);
        }
    }
}

#[test]
fn a_row_is_answered_with_its_class_and_scores() {
    let mut frame = [0; 64];
    let row = Request::Row {
        seq: 7,
        readings: &[3, 0, 0xff, 0xff],
    };
    let request = write_frame(&row, &mut frame).expect("room for a row");
    let mut uart = Uart {
        comes: request.iter().copied().collect(),
        goes: Vec::new(),
    };
    serve(&mut uart);

    let expected: Reply<'_, &[i64], &[u16]> = Reply::Outcome(Outcome {
        seq: 7,
        class: 0,
        ticks: None,
        scores: &[3, -1],
        probabilities: &[],
    });
    let mut frame = [0; 64];
    let expected = write_frame(&expected, &mut frame).expect("room for an answer");
    assert_eq!(uart.goes, expected);
}
