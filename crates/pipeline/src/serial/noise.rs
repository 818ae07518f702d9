//! Noise on a link, on purpose: what a session must survive.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Link;

/// A link on which one byte in so many, in either direction, is flipped, lost, doubled, preceded by
/// one that nobody sent, or the last before a cut.
pub struct Noisy<L> {
    link: L,
    one_in: u32,
    random: Xoshiro256PlusPlus,
    /// Bytes that a cut still takes, of those that go out and of those that come in.
    cuts: [usize; 2],
    /// Read, and not yet asked for.
    pending: VecDeque<u8>,
    n_faults: u64,
}

/// The most bytes that a cut takes.
const CUT_BYTES_MAX: usize = 100;

impl<L: Link> Noisy<L> {
    /// The same `seed` does the same to the same bytes.
    ///
    /// # Panics
    /// If `one_in` is 0.
    pub fn new(link: L, one_in: u32, seed: u64) -> Self {
        assert!(one_in > 0);
        Self {
            link,
            one_in,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            cuts: [0; 2],
            pending: VecDeque::new(),
            n_faults: 0,
        }
    }

    /// Bytes that something was done to; a cut counts once.
    pub fn n_faults(&self) -> u64 {
        self.n_faults
    }

    /// What becomes of bytes that go out (0) or come in (1).
    fn spoilt(&mut self, bytes: &[u8], way: usize) -> Vec<u8> {
        let (random, cut) = (&mut self.random, &mut self.cuts[way]);
        let mut out = Vec::with_capacity(bytes.len() + 4);
        for byte in bytes {
            if *cut > 0 {
                *cut -= 1;
                continue;
            }
            if !random.gen_ratio(1, self.one_in) {
                out.push(*byte);
                continue;
            }
            self.n_faults += 1;
            match random.gen_range(0..5) {
                0 => out.push(byte ^ 1 << random.gen_range(0..8)),
                1 => {}
                2 => out.extend([*byte; 2]),
                3 => out.extend([random.r#gen(), *byte]),
                _ => *cut = random.gen_range(1..=CUT_BYTES_MAX),
            }
        }
        out
    }
}

impl<L: Link> Link for Noisy<L> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        let deadline = Instant::now() + patience;
        // What is lost on the way is no silence yet.
        while self.pending.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let n_bytes = self.link.read(buffer, left)?;
            if n_bytes == 0 {
                return Ok(0);
            }
            self.pending = self.spoilt(&buffer[..n_bytes], 1).into();
        }
        self.pending.read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spoilt = self.spoilt(bytes, 0);
        self.link.write(&spoilt)
    }

    fn transfer(&self, n_bytes: usize) -> Duration {
        self.link.transfer(n_bytes)
    }
}
