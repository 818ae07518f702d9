//! Filter tables for a sample rate: mel filters and plain bands; their twin is the front end's
//! `mel.rs`.
//!
//! All floating-point maths is done here, by `libm`, and reaches a table only rounded: the same
//! configuration gives the same table on every platform.

use spinney_frontend::TableError;
use spinney_frontend::mel::{Filters, ONE, Segment};
use spinney_frontend::{cepstra, log2, spectrum};
use thiserror::Error;

/// How pitch follows from frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelScale {
    /// `2595 log10(1 + f / 700)`, of the Hidden Markov Model Toolkit; librosa's `htk=True`.
    Htk,
    /// Linear below 1 kHz, at 200/3 Hz per mel, and logarithmic above, 27 mels for a factor of 6.4;
    /// M. Slaney's Auditory Toolbox and librosa's default.
    Slaney,
}

/// What a filter's weights are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalisation {
    /// Nothing: the peak is one.
    None,
    /// `2 / (upper − lower)` in Hz, which gives all filters one area; librosa's `norm="slaney"`.
    Area,
}

/// A bank of triangular filters between edges that are evenly spaced on a mel scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MelBank {
    /// Samples per second.
    pub sample_rate_hz: f64,
    /// Samples per frame: 64 to 2,048, a power of two.
    pub n_points: usize,
    /// Number of filters.
    pub n_bands: usize,
    /// Where the edges lie.
    pub scale: MelScale,
    /// What weights are multiplied by.
    pub normalisation: Normalisation,
    /// The lowest edge.
    pub f_min_hz: f64,
    /// The highest edge, at most half the sample rate.
    pub f_max_hz: f64,
}

/// Why there are no filters for a configuration.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BankError {
    /// A frame of a length that there is no transform for.
    #[error("frames of {found} samples; 64, 128, 256, 512, 1024 and 2048 can be transformed")]
    Points {
        /// What was asked for.
        found: usize,
    },
    /// No band at all, or more bands than bins.
    #[error("{found} bands of {n_bins} bins; 1 to {n_bins} bands are possible")]
    Bands {
        /// What was asked for.
        found: usize,
        /// How many bins there are.
        n_bins: usize,
    },
    /// Edges out of order or out of the spectrum.
    #[error(
        "bands from {from} to {to} Hz; edges must rise from 0 or more to at most {highest} Hz, half \
         the sample rate"
    )]
    Edges {
        /// The edge below.
        from: f64,
        /// The edge above.
        to: f64,
        /// Half the sample rate.
        highest: f64,
    },
    /// A band that no bin lies in.
    #[error(
        "band {band}, from {from:.1} to {to:.1} Hz, has no bin, which are {spacing:.1} Hz apart; take \
         fewer bands, longer frames or a higher f_min"
    )]
    Empty {
        /// The band, from 0.
        band: usize,
        /// Its lower edge.
        from: f64,
        /// Its upper edge.
        to: f64,
        /// Distance of bins.
        spacing: f64,
    },
}

/// Tables of [`Filters`], checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterTable {
    first_bin: u16,
    segments: Vec<Segment>,
}

impl MelBank {
    /// The edges of the filters in Hz: `n_bands + 2` of them, filter `m` from edge `m` to `m + 2`.
    pub fn edges_hz(&self) -> Vec<f64> {
        let (low, high) = (self.mel(self.f_min_hz), self.mel(self.f_max_hz));
        let steps = (self.n_bands + 1) as f64;
        (0..self.n_bands + 2)
            .map(|at| self.hz(low + (high - low) * (at as f64 / steps)))
            .collect()
    }

    /// The filters of this bank.
    ///
    /// # Errors
    /// A size that cannot be transformed, edges out of order or beyond half the sample rate, a
    /// filter without a bin.
    pub fn table(&self) -> Result<FilterTable, BankError> {
        let spacing = checked_spacing(self.sample_rate_hz, self.n_points, self.n_bands)?;
        let edges = self.edges_hz();
        check_edges(&[self.f_min_hz, self.f_max_hz], self.sample_rate_hz)?;
        check_edges(&edges[1..=self.n_bands], self.sample_rate_hz)?;
        let mut first = above(edges[0], spacing, self.n_points);
        let first_bin = first;
        let mut segments = Vec::with_capacity(self.n_bands + 1);
        for (at, pair) in edges.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            // A bin on the highest edge has no weight, and may be the last of the spectrum.
            let is_last = at == self.n_bands;
            let end = if is_last {
                from_on(to, spacing, self.n_points)
            } else {
                above(to, spacing, self.n_points)
            }
            .max(first);
            let n_bins = end - first;
            let weight = |hz: f64| fraction((hz / (to - from)).clamp(0.0, 1.0));
            let mut segment = Segment {
                n_bins: narrow(n_bins),
                offset: 0,
                first: 0,
                last: 0,
                slope: 0,
            };
            if n_bins > 0 {
                segment.first = weight(first as f64 * spacing - from);
                segment.last = weight(to - (end - 1) as f64 * spacing);
            }
            if n_bins > 1 {
                segment.slope = weight(spacing);
            }
            if at > 0 {
                let (lower, upper) = (edges[at - 1], to);
                let area = match self.normalisation {
                    Normalisation::None => 1.0,
                    Normalisation::Area => 2.0 / (upper - lower),
                };
                segment.offset = offset(area, self.n_points);
                let before: &Segment = &segments[at - 1];
                if before.n_bins == 0 && (n_bins == 0 || segment.last == 0) {
                    return Err(BankError::Empty {
                        band: at - 1,
                        from: lower,
                        to: upper,
                        spacing,
                    });
                }
            }
            segments.push(segment);
            first = end;
        }
        Ok(FilterTable {
            first_bin: narrow(first_bin),
            segments,
        })
    }

    fn mel(&self, hz: f64) -> f64 {
        match self.scale {
            MelScale::Htk => 2595.0 * libm::log10(1.0 + hz / 700.0),
            MelScale::Slaney if hz < 1000.0 => hz * 3.0 / 200.0,
            MelScale::Slaney => 15.0 + 27.0 * libm::log(hz / 1000.0) / libm::log(6.4),
        }
    }

    fn hz(&self, mel: f64) -> f64 {
        match self.scale {
            MelScale::Htk => 700.0 * (libm::pow(10.0, mel / 2595.0) - 1.0),
            MelScale::Slaney if mel < 15.0 => mel * 200.0 / 3.0,
            MelScale::Slaney => 1000.0 * libm::exp(libm::log(6.4) * (mel - 15.0) / 27.0),
        }
    }
}

/// A turn of cosines for cepstra of so many bands, at least two: weights of the front end's
/// `cepstra.rs`.
pub fn cosines(n_bands: usize) -> Vec<i16> {
    let turn = 4 * n_bands;
    let most = f64::from(1_u32 << cepstra::shift(n_bands)) * 2.0 / n_bands as f64;
    (0..turn)
        .map(|at| {
            let angle = 2.0 * std::f64::consts::PI * at as f64 / turn as f64;
            // At most 2^15 − 1, as the shift is chosen.
            (most * libm::cos(angle)).round() as i16
        })
        .collect()
}

impl FilterTable {
    /// Bands of equal weights between `edges_hz`, one fewer than edges: band `m` has the bins from
    /// edge `m`, included, to edge `m + 1`, excluded.
    ///
    /// # Errors
    /// A size that cannot be transformed, edges out of order or beyond half the sample rate, a band
    /// without a bin.
    pub fn bands(
        sample_rate_hz: f64,
        n_points: usize,
        edges_hz: &[f64],
    ) -> Result<Self, BankError> {
        let n_bands = edges_hz.len().saturating_sub(1);
        let spacing = checked_spacing(sample_rate_hz, n_points, n_bands)?;
        check_edges(edges_hz, sample_rate_hz)?;
        // Neither bin 0, the mean, nor the last one belongs to a band.
        let start_of = |edge: f64| from_on(edge, spacing, n_points);
        let first_bin = start_of(edges_hz[0]);
        let none = Segment {
            n_bins: 0,
            offset: offset(1.0, n_points),
            first: ONE,
            last: 0,
            slope: 0,
        };
        let mut segments = Vec::with_capacity(n_bands + 1);
        for (band, pair) in edges_hz.windows(2).enumerate() {
            let n_bins = start_of(pair[1]) - start_of(pair[0]);
            if n_bins == 0 {
                return Err(BankError::Empty {
                    band,
                    from: pair[0],
                    to: pair[1],
                    spacing,
                });
            }
            segments.push(Segment {
                n_bins: narrow(n_bins),
                ..none
            });
        }
        segments.push(none);
        Ok(Self {
            first_bin: narrow(first_bin),
            segments,
        })
    }

    /// The filters, for a spectrum of `2 M` points.
    ///
    /// # Errors
    /// Another number of points than the table was made for.
    pub fn filters<const M: usize>(&self) -> Result<Filters<'_, M>, TableError> {
        Filters::new(self.first_bin, &self.segments)
    }

    /// The filters of some of the bands alone: what lies between them is a gap, and so is what lies
    /// beyond them where `keeps_bins` wants the bins that all filters reach; else it is gone.
    #[must_use]
    pub fn asked(&self, is_asked: &[bool], keeps_bins: bool) -> Self {
        let is_band = |band: Option<usize>| {
            band.and_then(|band| is_asked.get(band))
                .is_some_and(|it| *it)
        };
        let gap = |n_bins| Segment {
            n_bins,
            offset: Segment::UNASKED,
            first: 0,
            last: 0,
            slope: 0,
        };
        let mut first_bin = self.first_bin;
        let mut segments: Vec<Segment> = Vec::new();
        let mut in_gap = false;
        for (at, segment) in self.segments.iter().enumerate() {
            let (ends, begins) = (is_band(at.checked_sub(1)), is_band(Some(at)));
            let was_in_gap = std::mem::replace(&mut in_gap, !ends && !begins);
            match segments.last_mut() {
                _ if !in_gap => segments.push(Segment {
                    offset: if ends {
                        segment.offset
                    } else {
                        Segment::UNASKED
                    },
                    ..*segment
                }),
                None if !keeps_bins => first_bin += segment.n_bins,
                Some(last) if was_in_gap => last.n_bins += segment.n_bins,
                _ => segments.push(gap(segment.n_bins)),
            }
        }
        if in_gap && !keeps_bins {
            segments.pop();
        }
        // Filters have two segments at least.
        while segments.len() < 2 {
            segments.push(gap(0));
        }
        Self {
            first_bin,
            segments,
        }
    }

    /// Number of bands that are asked for.
    pub fn n_bands(&self) -> usize {
        let bands = self.segments.iter().skip(1);
        bands.filter(|segment| segment.is_asked()).count()
    }

    /// The first bin that belongs to a band.
    pub fn first_bin(&self) -> u16 {
        self.first_bin
    }

    /// From edge to edge, one more than there are bands.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// Distance of bins in Hz.
fn checked_spacing(sample_rate_hz: f64, n_points: usize, n_bands: usize) -> Result<f64, BankError> {
    if !n_points.is_power_of_two() || !(64..=2048).contains(&n_points) {
        return Err(BankError::Points { found: n_points });
    }
    let n_bins = n_points / 2 - 1;
    if n_bands == 0 || n_bands > n_bins {
        return Err(BankError::Bands {
            found: n_bands,
            n_bins,
        });
    }
    Ok(sample_rate_hz / n_points as f64)
}

fn check_edges(edges_hz: &[f64], sample_rate_hz: f64) -> Result<(), BankError> {
    let highest = sample_rate_hz / 2.0;
    for pair in edges_hz.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let is_sound = from >= 0.0 && to > from && to <= highest && highest.is_finite();
        if !is_sound {
            return Err(BankError::Edges { from, to, highest });
        }
    }
    Ok(())
}

/// The first bin above `hz`, of those with a complex value of their own: 1 to half the points less
/// one; half the points if there is none.
fn above(hz: f64, spacing: f64, n_points: usize) -> usize {
    (1..n_points / 2)
        .find(|bin| *bin as f64 * spacing > hz)
        .unwrap_or(n_points / 2)
}

/// The first bin at or above `hz`.
fn from_on(hz: f64, spacing: f64, n_points: usize) -> usize {
    (1..n_points / 2)
        .find(|bin| *bin as f64 * spacing >= hz)
        .unwrap_or(n_points / 2)
}

/// A weight of 0 to 1 in units of 2^−31.
fn fraction(weight: f64) -> u32 {
    (weight * f64::from(ONE)).round() as u32
}

/// At most half of 2,048.
fn narrow(n_bins: usize) -> u16 {
    u16::try_from(n_bins).unwrap_or(u16::MAX)
}

/// What takes a logarithm of spectral units to one of squared samples times `factor`.
fn offset(factor: f64, n_points: usize) -> i16 {
    let scale_bits = spectrum::scale_bits(n_points / 2);
    let log = libm::log2(factor) - 2.0 * f64::from(scale_bits);
    // A saturating cast; weights are worth 1e-9 to 1e4, 30 bits.
    (log * f64::from(1_u32 << log2::FRACTION)).round() as i16
}
