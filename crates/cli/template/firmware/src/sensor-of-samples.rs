//! The sensor. This is the file to fill in.

use model::signal::{Chain, N_CHANNELS, SAMPLES_PER_DECISION, sample};
use model::{N_FEATURES, Reading};

/// Where samples come from, and the front end that makes readings of them.
pub struct Sensor {
    chain: Chain,
    n_samples: usize,
}

impl Sensor {
    /// Your peripherals go in here.
    pub fn new() -> Self {
        Self {
            chain: Chain::new(),
            n_samples: 0,
        }
    }

    /// The next sample: a value per channel, at the rate of `[frontend]` and in the units of the
    /// recordings; `None` if there will be no more, which a real sensor never says. A sawtooth stands
    /// in.
    fn sample(&mut self) -> Option<[i16; N_CHANNELS]> {
        const N_SAMPLES: usize = 8 * SAMPLES_PER_DECISION;
        const STEP: i16 = 100;
        self.n_samples += 1;
        let phase = (self.n_samples % 32) as i16;
        (self.n_samples <= N_SAMPLES).then_some([STEP * phase; N_CHANNELS])
    }

    /// The readings of the next decision.
    pub fn read(&mut self) -> Option<[Reading; N_FEATURES]> {
        loop {
            let values = self.sample()?;
            if let Some(readings) = self.chain.push(sample(values)) {
                return Some(readings);
            }
        }
    }
}
