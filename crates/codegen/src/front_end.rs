//! A front end in a generated crate: its tables, and a chain from samples to the class; its twin is
//! the front end's `chain.rs`.

use std::num::{NonZeroU16, NonZeroU32};

use crate::SourceTree;
use crate::mel::{BankError, FilterTable, MelBank};

/// What a frame is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The periodic Hann window.
    Hann,
    /// One.
    Rectangular,
}

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

/// A front end from samples to a row of features per decision: one per band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrontEnd {
    /// Frames and bands.
    pub bank: MelBank,
    /// What a frame is multiplied by.
    pub window: Window,
    /// Samples from one frame's start to the next one's.
    pub hop: NonZeroU16,
    /// How many frames a decision has.
    pub n_frames_per_decision: NonZeroU32,
    /// What is kept of them.
    pub statistic: Statistic,
    /// Whether the statistic is one of energies, with the logarithm after it, rather than of
    /// logarithms.
    pub of_energies: bool,
}

/// The front end as it was when this code was compiled.
const FRONT_END: [(&str, &str); 12] = [
    ("lib.rs", include_str!("../../frontend/src/lib.rs")),
    (
        "aggregate.rs",
        include_str!("../../frontend/src/aggregate.rs"),
    ),
    ("chain.rs", include_str!("../../frontend/src/chain.rs")),
    ("fft.rs", include_str!("../../frontend/src/fft.rs")),
    ("frames.rs", include_str!("../../frontend/src/frames.rs")),
    ("log2.rs", include_str!("../../frontend/src/log2.rs")),
    ("mel.rs", include_str!("../../frontend/src/mel.rs")),
    ("moments.rs", include_str!("../../frontend/src/moments.rs")),
    (
        "spectrum.rs",
        include_str!("../../frontend/src/spectrum.rs"),
    ),
    (
        "trigonometry.rs",
        include_str!("../../frontend/src/trigonometry.rs"),
    ),
    ("twiddle.rs", include_str!("../../frontend/src/twiddle.rs")),
    ("window.rs", include_str!("../../frontend/src/window.rs")),
];

impl FrontEnd {
    /// The filters.
    ///
    /// # Errors
    /// As [`MelBank::table`].
    pub fn table(&self) -> Result<FilterTable, BankError> {
        self.bank.table()
    }

    /// Samples from one decision's start to the next one's.
    #[must_use]
    pub fn n_samples_per_decision(&self) -> usize {
        usize::from(self.hop.get()) * self.n_frames_per_decision.get() as usize
    }

    /// Samples from the start of a decision to its class: those of its frames.
    #[must_use]
    pub fn n_samples_heard(&self) -> usize {
        self.n_samples_per_decision() - usize::from(self.hop.get()) + self.bank.n_points
    }

    /// How many decisions a stretch of samples gives.
    #[must_use]
    pub fn n_decisions(&self, n_samples: usize) -> usize {
        let rest = n_samples.checked_sub(self.n_samples_heard());
        rest.map_or(0, |rest| rest / self.n_samples_per_decision() + 1)
    }

    /// Names of the features, in the order of the bands.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        (0..self.bank.n_bands)
            .map(|band| format!("mel_{band}"))
            .collect()
    }

    /// Whether features have 16 bits; variances have 32.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.statistic != Statistic::Variance
    }

    /// Adds the front end to a generated crate: `Chain`, from samples to features, and `Listener`,
    /// to the class.
    ///
    /// # Errors
    /// As [`MelBank::table`].
    pub fn add_to(&self, files: &mut SourceTree) -> Result<(), BankError> {
        let table = self.table()?;
        for (name, text) in FRONT_END {
            files.insert(format!("frontend/src/{name}"), text.to_owned());
        }
        let manifest = include_str!("../../frontend/Cargo.toml");
        // What its tests depend on is declared in this project's workspace.
        let head = manifest.split("[dev-dependencies]").next();
        let lints = manifest.find("[lints").map_or("", |at| &manifest[at..]);
        files.insert(
            "frontend/Cargo.toml".to_owned(),
            format!("{}{lints}", head.unwrap_or_default()),
        );
        if let Some(manifest) = files.get_mut("Cargo.toml") {
            manifest.push_str("spinney-frontend = { path = \"frontend\" }\n");
        }
        if let Some(lib) = files.get_mut("src/lib.rs") {
            lib.push_str("\n#[rustfmt::skip]\npub mod signal;\n");
        }
        files.insert("src/signal.rs".to_owned(), self.source(&table));
        Ok(())
    }

    fn source(&self, table: &FilterTable) -> String {
        let m = self.bank.n_points / 2;
        let wrapper = match (self.of_energies, self.statistic) {
            (false, _) => "OfLogs",
            (true, Statistic::Variance) => "OfEnergies",
            (true, _) => "LogsOf",
        };
        let (name, statistic) = match (self.of_energies, self.statistic) {
            (false, Statistic::Maximum) => ("Maximum", "Maximum<i16>"),
            (false, Statistic::Minimum) => ("Minimum", "Minimum<i16>"),
            (false, Statistic::Mean) => ("Mean", "Mean<i64>"),
            (false, Statistic::Variance) => ("Variance", "Variance<i64, u64>"),
            (true, Statistic::Maximum) => ("Maximum", "Maximum<u64>"),
            (true, Statistic::Minimum) => ("Minimum", "Minimum<u64>"),
            (true, Statistic::Mean) => ("Mean", "Mean<u128>"),
            (true, Statistic::Variance) => ("Variance", "Variance<u64, u128>"),
        };
        let window = match self.window {
            Window::Hann => "hann",
            Window::Rectangular => "rectangular",
        };
        // A variance of logarithms is unsigned and at most 2^30.
        let readings = match (self.of_energies, self.statistic) {
            (false, Statistic::Variance) => "features.map(u32::cast_signed)",
            _ => "features",
        };
        format!(
            "//! From samples to the class: {rate} samples per second, frames of {points} every \
             {hop}, {frames} frames to a decision. Generated by Spinney.\n\n\
             use core::num::{{NonZeroU16, NonZeroU32}};\n\n\
             use spinney_frontend::aggregate::{name};\n\
             use spinney_frontend::chain::{{self, {wrapper}}};\n\
             use spinney_frontend::window::Window;\n\
             {filters}\n\
             /// Samples from one decision's start to the next one's.\n\
             pub const SAMPLES_PER_DECISION: usize = {per_decision};\n\n\
             const HOP: NonZeroU16 = NonZeroU16::new({hop}).unwrap();\n\
             const FRAMES_PER_DECISION: NonZeroU32 = NonZeroU32::new({frames}).unwrap();\n\
             static WINDOW: Window<{m}> = Window::{window}();\n\n\
             /// Samples in, a row of readings out for each decision.\n\
             #[derive(Debug, Clone)]\n\
             pub struct Chain(chain::Chain<'static, {wrapper}<{statistic}, N_BANDS>, {m}>);\n\n\
             impl Chain {{\n    \
             /// Before the first sample.\n    \
             #[must_use]\n    \
             #[inline]\n    \
             pub fn new() -> Self {{\n        \
             Self(chain::Chain::new(&WINDOW, FILTERS, HOP, FRAMES_PER_DECISION))\n    \
             }}\n\n    \
             /// Takes the next sample; the last one of a decision gives its readings.\n    \
             #[inline]\n    \
             pub fn push(&mut self, sample: i16) -> Option<[crate::Reading; crate::N_FEATURES]> {{\n        \
             let features = self.0.push(sample)?;\n        \
             Some({readings})\n    \
             }}\n\n    \
             /// Takes the next sample; the last one of a decision gives its class.\n    \
             #[inline]\n    \
             pub fn class(&mut self, sample: i16) -> Option<usize> {{\n        \
             self.push(sample).map(|readings| crate::predict(&readings))\n    \
             }}\n\n    \
             /// Forgets what was heard: the next sample begins a decision.\n    \
             pub fn restart(&mut self) {{\n        \
             self.0.restart();\n    \
             }}\n\
             }}\n\n\
             impl Default for Chain {{\n    \
             fn default() -> Self {{\n        \
             Self::new()\n    \
             }}\n\
             }}\n",
            rate = self.bank.sample_rate_hz,
            points = self.bank.n_points,
            hop = self.hop,
            frames = self.n_frames_per_decision,
            filters = table.source(self.bank.n_points),
            per_decision = self.n_samples_per_decision(),
        )
    }
}
