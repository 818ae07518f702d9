//! Noise on a link, on purpose: what a session must survive.

use std::io;
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
    cut_out: usize,
    cut_in: usize,
    /// Read, and not yet asked for.
    pending: Vec<u8>,
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
            cut_out: 0,
            cut_in: 0,
            pending: Vec::new(),
            n_faults: 0,
        }
    }

    /// Bytes that something was done to; a cut counts once.
    pub fn n_faults(&self) -> u64 {
        self.n_faults
    }
}

fn spoil(
    bytes: &[u8],
    random: &mut Xoshiro256PlusPlus,
    one_in: u32,
    cut: &mut usize,
    n_faults: &mut u64,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 4);
    for byte in bytes {
        if *cut > 0 {
            *cut -= 1;
            continue;
        }
        if !random.gen_ratio(1, one_in) {
            out.push(*byte);
            continue;
        }
        *n_faults += 1;
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
            self.pending = spoil(
                &buffer[..n_bytes],
                &mut self.random,
                self.one_in,
                &mut self.cut_in,
                &mut self.n_faults,
            );
        }
        let n_bytes = self.pending.len().min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&self.pending[..n_bytes]);
        self.pending.drain(..n_bytes);
        Ok(n_bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spoilt = spoil(
            bytes,
            &mut self.random,
            self.one_in,
            &mut self.cut_out,
            &mut self.n_faults,
        );
        self.link.write(&spoilt)
    }

    fn transfer(&self, n_bytes: usize) -> Duration {
        self.link.transfer(n_bytes)
    }
}
