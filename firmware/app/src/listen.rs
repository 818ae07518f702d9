//! Samples through semihosting to the front end, slice by slice, each measured; features back.

use core::hint::black_box;

use model::signal::{Chain, IS_TRIGGERED, N_CHANNELS, sample as sample_of};
use model::{N_FEATURES, Reading};
use semihosting::fs::File;
use semihosting::io::{Read, Write};
use spinney_wire::heard::{FEATURES_FILE, SignalFeatures, Triggered};

use crate::arch::counter;
use crate::stack;
use crate::verify::{EXIT_IO, written};

/// Samples read at once: 256 values, or as many as are whole samples.
const SLICE: usize = if N_CHANNELS < 256 {
    256 / N_CHANNELS
} else {
    1
};

pub(crate) struct Listen {
    chain: &'static mut Chain,
    features: File,
    slice: [[i16; N_CHANNELS]; SLICE],
    /// Samples of the slice that are still to be heard.
    pending: core::ops::Range<usize>,
    /// Values of the stretch that are still to be read.
    n_left: usize,
    /// What is told besides, with a trigger; without one it takes no stack, which is measured.
    triggered: [Triggered; IS_TRIGGERED as usize],
}

pub(crate) fn open() -> Listen {
    let Ok(features) = File::create(FEATURES_FILE) else {
        defmt::error!("features.bin cannot be opened");
        semihosting::process::exit(EXIT_IO);
    };
    Listen {
        chain: crate::chain::open(),
        features,
        slice: [[0; N_CHANNELS]; SLICE],
        pending: 0..0,
        n_left: 0,
        triggered: [Triggered::default(); IS_TRIGGERED as usize],
    }
}

impl Listen {
    /// Listens until the next decision; `false` when there are no more samples.
    #[inline(never)]
    pub(crate) fn next(
        &mut self,
        samples: &mut File,
        readings: &mut [Reading; N_FEATURES],
    ) -> bool {
        let mut heard = SignalFeatures {
            ticks: 0,
            n_measured: 0,
            stack_bytes: 0,
        };
        loop {
            if self.pending.is_empty() && !self.refill(samples) {
                return false;
            }
            if !self.hear(&mut heard, readings) {
                continue;
            }
            written(self.features.write_all(&heard.to_bytes()));
            for told in &mut self.triggered {
                let n_samples = told.n_samples;
                let n_pending = self.pending.len() as u32;
                told.n_samples = n_samples.wrapping_sub(n_pending);
                written(self.features.write_all(&told.to_bytes()));
                *told = Triggered {
                    n_samples,
                    ..Triggered::default()
                };
            }
            for reading in readings.iter() {
                written(self.features.write_all(&reading.to_le_bytes()));
            }
            return true;
        }
    }

    /// Hears samples, measured.
    #[inline(never)]
    fn hear(&mut self, heard: &mut SignalFeatures, readings: &mut [Reading; N_FEATURES]) -> bool {
        if IS_TRIGGERED && !self.chain.is_open() {
            return self.hear_quiet(heard, readings);
        }
        stack::paint();
        let started = counter::now();
        let is_decided = self.decide::<false>(readings);
        heard.ticks = heard.ticks.saturating_add(counter::since(started));
        heard.n_measured += 1;
        heard.stack_bytes = heard.stack_bytes.max(stack::deepest());
        is_decided
    }

    /// Hears samples until the gate opens, measured for themselves.
    #[inline(never)]
    fn hear_quiet(
        &mut self,
        heard: &mut SignalFeatures,
        readings: &mut [Reading; N_FEATURES],
    ) -> bool {
        let first = self.pending.start;
        stack::paint();
        let started = counter::now();
        let is_decided = self.decide::<true>(readings);
        let ticks = counter::since(started);
        heard.stack_bytes = heard.stack_bytes.max(stack::deepest());
        if is_decided {
            heard.ticks = heard.ticks.saturating_add(ticks);
            heard.n_measured += 1;
            return true;
        }
        for told in &mut self.triggered {
            told.add_quiet(ticks, (self.pending.start - first) as u32);
        }
        false
    }

    /// Gives the chain samples of the slice until it has a decision or has heard all, or, while it is
    /// quiet, until its gate opens; where the stretch ends with it, a decision may be of fewer frames.
    #[inline(always)]
    fn decide<const IS_QUIET: bool>(&mut self, readings: &mut [Reading; N_FEATURES]) -> bool {
        for sample in self.slice.get(self.pending.clone()).unwrap_or_default() {
            self.pending.start += 1;
            if let Some(found) = self.chain.push(black_box(sample_of(*sample))) {
                *readings = found;
                return true;
            }
            if IS_QUIET && self.chain.is_open() && !self.pending.is_empty() {
                return false;
            }
        }
        if self.n_left == 0
            && let Some(found) = self.chain.finish()
        {
            *readings = found;
            return true;
        }
        false
    }

    #[inline(never)]
    fn refill(&mut self, samples: &mut File) -> bool {
        let mut bytes = [0; 2 * N_CHANNELS * SLICE];
        while self.n_left == 0 {
            let mut count = [0; 4];
            if !filled(samples, &mut count) {
                return false;
            }
            self.n_left = u32::from_le_bytes(count) as usize;
            self.chain.restart();
        }
        let n_values = self.n_left.min(N_CHANNELS * SLICE);
        let full = bytes.get_mut(..2 * n_values).unwrap_or_default();
        if !filled(samples, full) {
            defmt::error!("rows.bin ends within a stretch of samples");
            semihosting::process::exit(EXIT_IO);
        }
        let values = self.slice.as_flattened_mut().iter_mut();
        for (value, bytes) in values.zip(full.as_chunks().0) {
            *value = i16::from_le_bytes(*bytes);
        }
        for told in &mut self.triggered {
            told.n_samples = told.n_samples.wrapping_add((n_values / N_CHANNELS) as u32);
        }
        self.n_left -= n_values;
        self.pending = 0..n_values / N_CHANNELS;
        true
    }
}

/// Fills `bytes`; `false` at the end of the file.
fn filled(file: &mut File, bytes: &mut [u8]) -> bool {
    let mut n_read = 0;
    while let Some(rest) = bytes.get_mut(n_read..)
        && !rest.is_empty()
    {
        match file.read(rest) {
            Ok(n) if n > 0 => n_read += n,
            _ => return false,
        }
    }
    true
}
