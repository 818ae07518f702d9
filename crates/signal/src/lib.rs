//! Recordings to rows of features: WAV and packed sound, CSV and label files, decisions, windows and what
//! triggers them, and scenes
//! rendered from short recordings.
//!
//! Features are computed by `spinney-frontend`, the code that the device runs, so that what is
//! trained on is what the board computes. Nothing here knows files, configs or models.
//!
//! ```
//! use std::num::{NonZeroU16, NonZeroU32};
//!
//! use spinney_signal::{
//!     MelBank, MelScale, Normalisation, SoundFront, Statistic, Window, hear,
//! };
//!
//! let front_end = SoundFront {
//!     bank: MelBank {
//!         sample_rate_hz: 8000.0,
//!         n_points: 256,
//!         n_bands: 8,
//!         scale: MelScale::Htk,
//!         normalisation: Normalisation::None,
//!         f_min_hz: 100.0,
//!         f_max_hz: 4000.0,
//!     },
//!     filter: None,
//!     window: Window::Hann,
//!     hop: NonZeroU16::new(128).ok_or("0")?,
//!     n_frames_per_decision: NonZeroU32::new(10).ok_or("0")?,
//!     n_frames_per_step: None,
//!     statistics: vec![Statistic::Maximum],
//!     of_energies: false,
//!     n_cepstra: 0,
//!     spectral: Vec::new(),
//!     n_delta_frames: 0,
//!     trigger: None,
//! };
//! // A second of a square wave: 61 frames, six decisions, eight features each.
//! let samples: Vec<i16> = (0..8000).map(|n| if n % 16 < 8 { 8000 } else { -8000 }).collect();
//! let rows = hear(&front_end, &samples)?;
//! assert_eq!((rows.len(), rows[0].len()), (6, 8));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod biquads;
mod compressed;
mod decisions;
mod filters;
mod front_end;
mod hear;
mod intervals;
mod motion;
mod rate;
mod recording;
mod sample;
mod scale;
mod scenes;
mod trigger;
mod windows;

pub use biquads::{Biquads, PERIOD_SAMPLES, Pass, SampleFilter};
pub use compressed::ENDINGS as COMPRESSED_ENDINGS;
pub use decisions::{labels_of, trimmed};
pub use filters::{BankError, FilterTable, MelBank, MelScale, Normalisation, cosines};
pub use front_end::{
    AskedChannel, AskedMotion, AskedSound, FrontEnd, MAGNITUDE, Measure, MotionFront, SoundFront,
    Spectral, Statistic, Window,
};
pub use hear::{BANDS_MAX, hear};
pub use intervals::{
    Interval, Listed, Timed, check_within, fitting_rate_hz, intervals_csv, most, read_intervals,
    read_list, read_times,
};
pub use motion::{CHANNELS_MAX, Columns, MotionRecording, read_motion};
pub use rate::{Pace, is_time, resampled};
pub use recording::{Recording, read_sound, read_wav, wav_bytes};
pub use sample::sensors;
pub use scale::scales;
pub use scenes::{Scenes, Sound, render};
pub use trigger::Trigger;
pub use windows::{hear_motion, labels_of_windows};
