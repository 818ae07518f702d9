//! A front end for sound, described: what the front end's `chain.rs` computes of samples.

use std::num::{NonZeroU16, NonZeroU32};

use spinney_frontend::shape::Shape;

use super::Window;
use crate::{BankError, FilterTable, MelBank, SampleFilter, Trigger};

/// A statistic over the frames of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The largest value.
    Maximum,
    /// The smallest value.
    Minimum,
    /// The mean.
    Mean,
    /// The variance of a population.
    Variance,
}

impl Statistic {
    /// Part of a feature's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maximum => "max",
            Self::Minimum => "min",
            Self::Mean => "mean",
            Self::Variance => "variance",
        }
    }
}

/// What is kept of the shape of a frame's spectrum, in the order of a row and of the bits of [`Shape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spectral {
    /// Where its weight lies.
    Centroid,
    /// Up to where 85 % of it are.
    RollOff,
    /// How alike bins are.
    Flatness,
}

impl Spectral {
    /// All, in the order of a row.
    pub const ALL: [Self; Shape::N_ALL as usize] = [Self::Centroid, Self::RollOff, Self::Flatness];

    /// Their words, which features are called by with `_` for `-`.
    pub const WORDS: [&'static str; Self::ALL.len()] = ["centroid", "roll-off", "flatness"];

    /// The set of the front end that has this one alone.
    #[must_use]
    pub const fn set(self) -> Shape {
        Shape::from_bits(1 << self as u8)
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// From samples of sound to a row of features per decision: of each statistic, one per band.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundFront {
    /// Frames and bands.
    pub bank: MelBank,
    /// What samples go through before frames.
    pub filter: Option<SampleFilter>,
    /// What a frame is multiplied by.
    pub window: Window,
    /// Samples from one frame's start to the next one's.
    pub hop: NonZeroU16,
    /// How many frames a decision has.
    pub n_frames_per_decision: NonZeroU32,
    /// Frames from one decision's start to the next one's where decisions overlap, which divide those of
    /// a decision; not with a trigger.
    pub n_frames_per_step: Option<NonZeroU32>,
    /// What is kept of them, each once.
    pub statistics: Vec<Statistic>,
    /// Whether statistics are of energies, with the logarithm after them, rather than of
    /// logarithms.
    pub of_energies: bool,
    /// Cepstral coefficients in place of the bands, at most as many; 0 for the bands. Not with
    /// `of_energies`.
    pub n_cepstra: usize,
    /// What is kept of the shape of a frame's spectrum, each once, in the order of the enum. Not with
    /// `of_energies`.
    pub spectral: Vec<Spectral>,
    /// Frames on either side that deltas are slopes over, at most 4; 0 for none. Not with
    /// `of_energies`.
    pub n_delta_frames: usize,
    /// What opens a decision; `None` where one follows the other.
    pub trigger: Option<Trigger>,
}

impl SoundFront {
    /// The filters.
    ///
    /// # Errors
    /// As [`MelBank::table`].
    pub fn table(&self) -> Result<FilterTable, BankError> {
        self.bank.table()
    }

    /// Samples that are a decision's own where none overlap: those of its frames' starts and up to
    /// the next one's.
    #[must_use]
    pub fn n_samples_per_decision(&self) -> usize {
        usize::from(self.hop.get()) * self.n_frames_per_decision.get() as usize
    }

    /// Samples from one decision's start to the next one's.
    #[must_use]
    pub fn n_samples_per_step(&self) -> usize {
        let n_frames = self.n_frames_per_step.unwrap_or(self.n_frames_per_decision);
        usize::from(self.hop.get()) * n_frames.get() as usize
    }

    /// Samples from the start of a whole decision to its class: those of its frames.
    #[must_use]
    pub fn n_samples_heard(&self) -> usize {
        self.n_samples_per_decision() - usize::from(self.hop.get()) + self.bank.n_points
    }

    /// How many whole decisions a stretch of samples gives, as a device makes them of a stream.
    #[must_use]
    pub fn n_whole_decisions(&self, n_samples: usize) -> usize {
        let rest = n_samples.checked_sub(self.n_samples_heard());
        rest.map_or(0, |rest| rest / self.n_samples_per_step() + 1)
    }

    /// How many decisions a stretch of samples gives: the whole ones or, where it ends before the
    /// first of them does, one of the frames that it has, if it has any.
    #[must_use]
    pub fn n_decisions(&self, n_samples: usize) -> usize {
        let has_frame = n_samples >= self.bank.n_points;
        self.n_whole_decisions(n_samples).max(has_frame.into())
    }

    /// Bands or cepstral coefficients.
    #[must_use]
    pub fn n_of_filters(&self) -> usize {
        match self.n_cepstra {
            0 => self.bank.n_bands,
            n => n,
        }
    }

    /// Values of a frame: those of filters, and of the spectrum's shape.
    #[must_use]
    pub fn n_values(&self) -> usize {
        self.n_of_filters() + self.spectral.len()
    }

    /// Names of the features, in the order of a row: `mel_0`, `mel_0_max` of several statistics, then
    /// of deltas `mel_0_delta`; `mfcc_0` of cepstra; `roll_off` behind these.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        let value = if self.n_cepstra == 0 { "mel" } else { "mfcc" };
        let kinds = if self.n_delta_frames == 0 {
            &[""][..]
        } else {
            &["", "_delta"]
        };
        let mut values: Vec<String> = (0..self.n_of_filters())
            .map(|at| format!("{value}_{at}"))
            .collect();
        let spectral = self.spectral.iter();
        values.extend(spectral.map(|it| it.word().replace('-', "_")));
        let mut names = Vec::new();
        for kind in kinds {
            for statistic in &self.statistics {
                let end = match self.statistics.len() {
                    1 => String::new(),
                    _ => format!("_{}", statistic.as_str()),
                };
                names.extend(values.iter().map(|value| format!("{value}{kind}{end}")));
            }
        }
        names
    }

    /// What each statistic gives of values, and of their deltas, where there are several of these.
    pub(super) fn parts(&self) -> Vec<(String, Vec<usize>)> {
        let n = self.n_values();
        let kinds = ["values", "deltas"].into_iter();
        let kinds = kinds.take(1 + usize::from(self.n_delta_frames > 0));
        let statistics = |kind| self.statistics.iter().map(move |it| (kind, it.as_str()));
        let named = kinds.flat_map(statistics).enumerate();
        let parts: Vec<(String, Vec<usize>)> = named
            .map(|(at, (kind, statistic))| {
                let features = (at * n..(at + 1) * n).collect();
                (format!("{statistic} of {kind}"), features)
            })
            .collect();
        match parts.len() {
            1 => Vec::new(),
            _ => parts,
        }
    }

    /// Whether features have 16 bits; variances have 32.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        !self.statistics.contains(&Statistic::Variance)
    }
}
