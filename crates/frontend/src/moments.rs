//! Motion and slow sensors: what a window of samples of one channel comes to in the time domain.
//!
//! Windows of several channels, with energies in bands of frequencies, are
//! [`motion`](crate::motion)'s.

/// Running sums of a window of at most 65,535 samples; what comes beyond is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// `Σ x`, within ±2^31.
    sum: i32,
    /// `Σ x²`, at most 2^46.
    squares: u64,
    least: i16,
    most: i16,
    n_samples: u16,
    n_crossings: u16,
    level: i16,
    is_above: bool,
}

/// What a window comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary(Moments);

impl Moments {
    /// No samples yet. Crossings are counted of `level`: 0, or what the sensor says at rest.
    #[must_use]
    pub const fn new(level: i16) -> Self {
        Self {
            sum: 0,
            squares: 0,
            least: i16::MAX,
            most: i16::MIN,
            n_samples: 0,
            n_crossings: 0,
            level,
            is_above: false,
        }
    }

    /// Takes the next sample.
    #[inline]
    pub fn push(&mut self, sample: i16) {
        let Some(n_samples) = self.n_samples.checked_add(1) else {
            return;
        };
        let wide = i32::from(sample);
        self.sum = self.sum.wrapping_add(wide);
        let square = wide.wrapping_mul(wide).cast_unsigned();
        self.squares = self.squares.wrapping_add(u64::from(square));
        self.least = self.least.min(sample);
        self.most = self.most.max(sample);
        let is_above = sample >= self.level;
        let crosses = n_samples > 1 && is_above != self.is_above;
        // At most one per sample.
        self.n_crossings = self.n_crossings.wrapping_add(u16::from(crosses));
        self.is_above = is_above;
        self.n_samples = n_samples;
    }

    /// Number of samples since the window began.
    #[must_use]
    pub const fn n_samples(&self) -> u16 {
        self.n_samples
    }

    /// What the window comes to, unless it is empty; the next one begins.
    pub fn finish(&mut self) -> Option<Summary> {
        let done = core::mem::replace(self, Self::new(self.level));
        (done.n_samples > 0).then_some(Summary(done))
    }

    /// `n Σ x²`, at most 2^62.
    fn scaled(&self) -> u64 {
        u64::from(self.n_samples).wrapping_mul(self.squares)
    }

    /// `n Σ x² − (Σ x)²`, of which the second is no larger.
    fn spread(&self) -> u64 {
        let sum = u64::from(self.sum.unsigned_abs());
        self.scaled().wrapping_sub(sum.wrapping_mul(sum))
    }
}

impl Summary {
    /// The mean in units of 2^−8, floored.
    #[must_use]
    pub fn mean(&self) -> i32 {
        let raised = i64::from(self.0.sum) << 8;
        let mean = raised.checked_div_euclid(self.0.n_samples.into());
        mean.unwrap_or(0) as i32
    }

    /// The smallest integer that is not below the mean: between two samples, or one itself.
    #[must_use]
    pub fn ceiling(&self) -> i16 {
        // Of at most 65,535 samples, whose negative sum fits.
        let below = (self.0.sum.wrapping_neg()).checked_div_euclid(self.0.n_samples.into());
        below.unwrap_or(0).wrapping_neg() as i16
    }

    /// The population's variance in squared units of a sample, floored: at most 2^30.
    #[must_use]
    pub fn variance(&self) -> u32 {
        let n = u64::from(self.0.n_samples);
        let variance = self.0.spread().checked_div(n.wrapping_mul(n));
        variance.unwrap_or(0) as u32
    }

    /// The square root of the variance in units of 2^−8; too small by less than one unit for a
    /// standard deviation up to 181, by 2^−16 of itself or a unit beyond.
    #[must_use]
    pub fn deviation(&self) -> u32 {
        root_per(self.0.spread(), self.0.n_samples.into()).unwrap_or(0)
    }

    /// The square root of the mean square in units of 2^−8, with the error of `deviation`.
    #[must_use]
    pub fn rms(&self) -> u32 {
        root_per(self.0.scaled(), self.0.n_samples.into()).unwrap_or(0)
    }

    /// The smallest sample.
    #[must_use]
    pub const fn least(&self) -> i16 {
        self.0.least
    }

    /// The largest sample.
    #[must_use]
    pub const fn most(&self) -> i16 {
        self.0.most
    }

    /// Largest less smallest.
    #[must_use]
    pub const fn range(&self) -> u16 {
        self.0.most.abs_diff(self.0.least)
    }

    /// How often two samples in turn were on different sides of the level, the level itself
    /// counting as above.
    #[must_use]
    pub const fn n_crossings(&self) -> u16 {
        self.0.n_crossings
    }
}

/// `√square / n` in units of 2^−8: with as many bits of the square as 64 have room for.
fn root_per(square: u64, n: u64) -> Option<u32> {
    let shift = (square.leading_zeros() / 2 * 2).min(16);
    let root = (square << shift).isqrt() << (8 - shift / 2);
    Some(root.checked_div(n)? as u32)
}
