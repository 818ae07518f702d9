//! Frames and messages: what is sent arrives, what is damaged is noticed, nothing panics.

use std::vec;
use std::vec::Vec;

use super::{
    Answer, Clock, DELIMITER, Damaged, Hello, Outcome, ReadingType, Receiver, Refused, Reply,
    Request, TooLong, VERSION, Why, frame_len, read_reply, write_frame,
};

type HostReply<'a> = Reply<'a, Vec<i64>, Vec<u16>>;
type DeviceReply<'a> = Reply<'a, &'a [i64], &'a [u16]>;

/// xorshift64*, so that firmware's copy of this crate needs no generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Bytes with many zeros and many of the largest, which COBS treats apart.
    fn bytes(&mut self, n: usize) -> Vec<u8> {
        let of = |pick: u64| match pick % 4 {
            0 => 0,
            1 => 0xff,
            _ => (pick >> 8) as u8,
        };
        (0..n).map(|_| of(self.next())).collect()
    }
}

const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn hello() -> Hello<'static> {
    Hello {
        version: VERSION,
        fingerprint: FINGERPRINT,
        n_features: 64,
        n_classes: 10,
        reading: ReadingType::I16,
        n_scores: 10,
        n_probabilities: 0,
        clock: Clock::Systick,
    }
}

fn frame<M: serde::Serialize>(message: &M) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    write_frame(message, &mut buffer).unwrap().to_vec()
}

/// Messages in `bytes`, and damaged frames as `None`.
fn received(bytes: &[u8], capacity: usize) -> Vec<Option<Vec<u8>>> {
    let mut receiver = Receiver::new(vec![0; capacity]);
    let mut found = Vec::new();
    for byte in bytes {
        if let Some(message) = receiver.push(*byte) {
            found.push(message.ok().map(<[u8]>::to_vec));
        }
    }
    found
}

#[test]
fn a_frame_byte_by_byte() {
    let row = Request::Row {
        seq: 1,
        readings: &[0, 0, 7, 0],
    };
    // Tag, sequence number, length, readings; zlib.crc32 of these is 0x4a86_3768.
    let message = [1, 1, 4, 0, 0, 7, 0];
    assert_eq!(postcard::to_slice(&row, &mut [0; 16]).unwrap(), message);
    assert_eq!(
        frame(&row),
        [4, 1, 1, 4, 1, 2, 7, 5, 0x68, 0x37, 0x86, 0x4a, 0]
    );
    let outcome: DeviceReply<'_> = Reply::Outcome(Outcome {
        seq: 1,
        class: 2,
        ticks: None,
        scores: &[5, -1],
        probabilities: &[],
    });
    assert_eq!(
        frame(&outcome),
        [4, 1, 1, 2, 4, 2, 10, 1, 5, 0x54, 9, 0xb2, 0xfc, 0]
    );
    assert_eq!(frame(&Request::Hello), [1, 5, 0x8d, 0xef, 0x02, 0xd2, 0]);
}

#[test]
fn what_is_sent_arrives() {
    let mut random = Random(1);
    for n in (0..600).chain([65_000]) {
        let readings = random.bytes(n);
        let seq = random.next() as u32;
        let row = Request::Row {
            seq,
            readings: &readings,
        };
        let bytes = frame(&row);
        assert!(bytes.len() <= Request::frame_len_max(n), "{n} readings");
        assert_eq!(
            bytes.iter().position(|byte| *byte == 0),
            Some(bytes.len() - 1)
        );
        let mut receiver = Receiver::new(vec![0; Request::frame_len_max(n)]);
        let mut arrived = 0;
        for byte in bytes {
            if let Some(request) = receiver.request(byte, n) {
                assert_eq!(request, Ok(row));
                arrived += 1;
            }
        }
        assert_eq!(arrived, 1);
    }
}

#[test]
fn replies_arrive_from_slices_in_vectors() {
    let mut random = Random(2);
    for n in [0, 1, 3, 100] {
        let scores: Vec<i64> = (0..n).map(|_| random.next() as i64 - (1 << 55)).collect();
        let probabilities: Vec<u16> = (0..n).map(|_| random.next() as u16).collect();
        for ticks in [None, Some(u32::MAX)] {
            let reply: DeviceReply<'_> = Reply::Outcome(Outcome {
                seq: u32::MAX,
                class: u32::MAX,
                ticks,
                scores: &scores,
                probabilities: &probabilities,
            });
            let bytes = frame(&reply);
            assert!(bytes.len() <= DeviceReply::frame_len_max(n, n));
            let messages = received(&bytes, bytes.len());
            let answer = read_reply(messages[0].as_deref().unwrap());
            let expected: HostReply<'_> = Reply::Outcome(Outcome {
                seq: u32::MAX,
                class: u32::MAX,
                ticks,
                scores: scores.clone(),
                probabilities: probabilities.clone(),
            });
            assert_eq!(answer, Some(Answer::Reply(expected)));
        }
    }
    let largest = Hello {
        n_features: u32::MAX,
        n_classes: u32::MAX,
        n_scores: u32::MAX,
        n_probabilities: u32::MAX,
        ..hello()
    };
    let bytes = frame(&DeviceReply::Hello(largest));
    assert!(bytes.len() <= DeviceReply::frame_len_max(0, 0));
    let messages = received(&bytes, bytes.len());
    let answer: Option<Answer<'_, Vec<i64>, Vec<u16>>> =
        read_reply(messages[0].as_deref().unwrap());
    assert_eq!(answer, Some(Answer::Reply(Reply::Hello(largest))));
}

/// Whatever happens to one frame, the next one behind a delimiter arrives, and nothing else does.
#[test]
fn damage_is_noticed_and_ends_at_the_next_delimiter() {
    let mut random = Random(3);
    let mut n_noticed = 0;
    for _ in 0..20_000 {
        let n = random.below(300);
        let (first, second) = (random.bytes(n), random.bytes(4));
        let row = |readings| frame(&Request::Row { seq: 7, readings });
        let mut bytes = row(&first);
        let sent = received(&bytes, 1000);
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            3 => bytes.insert(at, random.next() as u8),
            _ => bytes.truncate(at),
        }
        bytes.push(DELIMITER);
        bytes.extend(row(&second));
        let mut found = received(&bytes, 1000);
        let last = found.pop();
        assert_eq!(last, received(&row(&second), 1000).pop());
        // A byte may have been doubled or put in where it does no harm.
        for message in found {
            n_noticed += usize::from(message.is_none());
            assert!(message.is_none() || message == sent[0]);
        }
    }
    assert!(n_noticed > 10_000, "{n_noticed}");
}

#[test]
fn arbitrary_bytes_are_no_messages() {
    let mut random = Random(4);
    for capacity in [0, 1, 3, 4, 5, 40, 300] {
        let bytes = random.bytes(200_000);
        let found = received(&bytes, capacity);
        assert!(found.iter().all(Option::is_none));
        // A receiver of any size recovers.
        let mut receiver = Receiver::new([0; 40]);
        for byte in bytes {
            let _ = receiver.request(byte, 4);
        }
        let _ = receiver.push(DELIMITER);
        let mut arrived = None;
        for byte in frame(&Request::Hello) {
            arrived = receiver
                .request(byte, 4)
                .map(|request| request == Ok(Request::Hello));
        }
        assert_eq!(arrived, Some(true));
    }
}

/// A checksum says only that bytes arrived; what they mean is another matter.
#[test]
fn arbitrary_messages_are_refused() {
    let mut random = Random(5);
    for _ in 0..50_000 {
        let n = random.below(60);
        let message = random.bytes(n);
        let _ = read_reply::<Vec<i64>, Vec<u16>>(&message);
        let mut receiver = Receiver::new([0; 100]);
        for byte in frame(&Raw(&message)) {
            match receiver.request(byte, 4) {
                Some(Ok(Request::Row { readings, .. })) => assert_eq!(readings.len(), 4),
                Some(Err(refused)) => assert_ne!(refused.why, Why::Damaged),
                _ => {}
            }
        }
    }
}

/// Bytes as they are, without a length.
struct Raw<'a>(&'a [u8]);

impl serde::Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let mut bytes = serializer.serialize_tuple(self.0.len())?;
        for byte in self.0 {
            bytes.serialize_element(byte)?;
        }
        bytes.end()
    }
}

fn refused(message: &[u8]) -> Refused {
    let mut receiver = Receiver::new([0; 64]);
    let mut answer = None;
    for byte in frame(&Raw(message)) {
        answer = receiver
            .request(byte, 4)
            .map(|request| request.unwrap_err());
    }
    answer.unwrap()
}

#[test]
fn refusals_say_why() {
    let of = |seq, why| Refused { seq, why };
    // Two readings short, one message of no version, a row with a byte too many behind it.
    assert_eq!(
        refused(&[1, 9, 2, 5, 5]),
        of(
            Some(9),
            Why::RowLength {
                found: 2,
                expected: 4
            }
        )
    );
    assert_eq!(refused(&[2]), of(None, Why::Unknown));
    assert_eq!(refused(&[1, 9, 4, 5, 5, 5, 5, 5]), of(None, Why::Unknown));
    assert_eq!(refused(&[]), of(None, Why::Unknown));
}

#[test]
fn another_version_is_told_by_its_second_byte() {
    let answer = read_reply::<Vec<i64>, Vec<u16>>(&[0, 2, 99, 99]);
    assert_eq!(answer, Some(Answer::OtherVersion(2)));
    assert_eq!(read_reply::<Vec<i64>, Vec<u16>>(&[0, VERSION, 99]), None);
    let bytes = frame(&DeviceReply::Hello(hello()));
    assert_eq!(
        &received(&bytes, 200)[0].as_ref().unwrap()[..2],
        [0, VERSION]
    );
}

#[test]
fn a_frame_that_does_not_fit_is_an_error() {
    let row = Request::Row {
        seq: 3,
        readings: &[1; 20],
    };
    let whole = frame(&row).len();
    for len in 0..whole {
        assert_eq!(write_frame(&row, &mut vec![0; len]), Err(TooLong), "{len}");
    }
    assert!(whole <= frame_len(23));
    let mut receiver = Receiver::new([0; 10]);
    let mut answers = Vec::new();
    for byte in frame(&row) {
        answers.extend(receiver.push(byte).map(|message| message == Err(Damaged)));
    }
    assert_eq!(answers, [true], "{receiver:?}");
}
