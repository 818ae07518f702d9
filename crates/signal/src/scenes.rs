//! Scenes: long recordings rendered from short ones, events at random onsets and stated
//! signal-to-noise ratios over backgrounds.
//!
//! All in integers and from one seed, so that every machine renders the same samples.
//!
//! A background runs throughout: recordings drawn at random, one after the other, each brought to a
//! root mean square of −54 to −48 dB of full scale, in whole dB, and faded into the next over
//! 100 ms. Then, decision by decision, an event is drawn or none; its class, its recording, its
//! ratio in whole dB and its onset are drawn evenly, so that it ends within the decision. The ratio
//! is that of the event's energy to the background's under it.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use spinney_dataset::DataError;

use crate::{Interval, Recording};

/// A recording of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// What is heard.
    pub class: String,
    /// The recording.
    pub recording: Recording,
}

/// What to render.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenes {
    /// Starts every random choice.
    pub seed: u64,
    /// How many decisions.
    pub n_decisions: usize,
    /// Samples from one decision's start to the next one's, at least 1.
    pub n_samples_per_decision: usize,
    /// Samples of the whole, at least those of all decisions.
    pub n_samples: usize,
    /// The class of backgrounds.
    pub background: String,
    /// Share of the decisions with an event, in units of 2^−32.
    pub event_share: u32,
    /// Most samples of an event, the last 20 ms faded out; at most those of a decision.
    pub event_samples_max: usize,
    /// Lowest and highest signal-to-noise ratio in dB, within ±60.
    pub snr_db: (i32, i32),
}

/// Levels of backgrounds in dB of full scale.
const BACKGROUND_DB: (i32, i32) = (-54, -48);

/// `⌊2^16 · 10^(i / 20)⌉`: the ratios of amplitudes of 0 to 19 dB.
const AMPLITUDES: [u64; 20] = [
    65_536, 73_533, 82_505, 92_572, 103_868, 116_541, 130_762, 146_717, 164_619, 184_706, 207_243,
    232_531, 260_904, 292_739, 328_458, 368_536, 413_504, 463_959, 520_571, 584_090,
];

/// Renders a scene, and says where its events are.
///
/// # Errors
/// No recording of the background, or none of any event; recordings of another sample rate.
pub fn render(
    sounds: &[Sound],
    sample_rate_hz: u32,
    scenes: &Scenes,
) -> Result<(Recording, Vec<Interval>), DataError> {
    if let Some(sound) = sounds
        .iter()
        .find(|sound| sound.recording.sample_rate_hz != sample_rate_hz)
    {
        return Err(DataError::new(
            format!("a recording of \"{}\"", sound.class),
            format!("{} samples per second", sound.recording.sample_rate_hz),
            sample_rate_hz.to_string(),
        ));
    }
    let heard = |sound: &&Sound| sound.recording.samples.iter().any(|sample| *sample != 0);
    let (backgrounds, events): (Vec<&Sound>, Vec<&Sound>) = sounds
        .iter()
        .filter(heard)
        .partition(|sound| sound.class == scenes.background);
    let mut classes: Vec<&str> = events.iter().map(|sound| sound.class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    if backgrounds.is_empty() || classes.is_empty() {
        return Err(DataError::new(
            "the scenes",
            format!(
                "{} recordings of \"{}\" and {} of events",
                backgrounds.len(),
                scenes.background,
                events.len()
            ),
            "at least one that is not silent of each",
        ));
    }
    let mut draw = Draw(Xoshiro256PlusPlus::seed_from_u64(scenes.seed));
    let fade = (sample_rate_hz as usize / 10).max(1);
    let mut samples = background(&backgrounds, scenes.n_samples, fade, &mut draw);
    let mut intervals = Vec::new();
    for decision in 0..scenes.n_decisions {
        if draw.bits() >= scenes.event_share {
            continue;
        }
        let class = classes[draw.below(classes.len())];
        let members: Vec<&&Sound> = events.iter().filter(|sound| sound.class == class).collect();
        let event = &members[draw.below(members.len())].recording.samples;
        let snr_db = draw.between(scenes.snr_db);
        let most = scenes.event_samples_max.min(scenes.n_samples_per_decision);
        let event = faded(event, most, sample_rate_hz as usize / 50);
        let room = scenes.n_samples_per_decision - event.len();
        let start = decision * scenes.n_samples_per_decision + draw.below(room + 1);
        let end = start + event.len();
        let Some(under) = samples.get_mut(start..end) else {
            continue;
        };
        mix(under, &event, snr_db);
        intervals.push(Interval {
            start,
            end,
            label: class.to_owned(),
        });
    }
    let recording = Recording {
        sample_rate_hz,
        samples,
    };
    Ok((recording, intervals))
}

fn background(sounds: &[&Sound], n_samples: usize, fade: usize, draw: &mut Draw) -> Vec<i16> {
    let mut out: Vec<i16> = Vec::with_capacity(n_samples);
    while out.len() < n_samples {
        let samples = &sounds[draw.below(sounds.len())].recording.samples;
        let gain = gain_to(samples, draw.between(BACKGROUND_DB));
        let fade = fade.min(out.len()).min(samples.len() / 2);
        let start = out.len() - fade;
        for (at, sample) in samples.iter().enumerate() {
            let sample = scaled(*sample, gain);
            if at < fade {
                let (rise, fall) = (at as i64, (fade - at) as i64);
                let mixed = i64::from(out[start + at]) * fall + sample * rise;
                out[start + at] = narrow(mixed / fade as i64);
            } else {
                out.push(narrow(sample));
            }
        }
    }
    out.truncate(n_samples);
    out
}

/// The first `most` samples, the last `fade` of them fading to nothing.
fn faded(samples: &[i16], most: usize, fade: usize) -> Vec<i16> {
    let mut samples = samples[..samples.len().min(most)].to_vec();
    let fade = fade.min(samples.len());
    let start = samples.len() - fade;
    for (at, sample) in samples[start..].iter_mut().enumerate() {
        let left = (fade - 1 - at) as i64;
        *sample = narrow(i64::from(*sample) * left / fade as i64);
    }
    samples
}

/// Adds an event whose energy is so many dB above that of what it is added to.
fn mix(under: &mut [i16], event: &[i16], snr_db: i32) {
    // At least a last bit of noise, so that silence has a ratio too.
    let noise = energy(under).max(under.len() as u128);
    let ratio = (noise << 32) / energy(event).max(1);
    let gain = times_db(ratio.isqrt(), snr_db);
    for (under, event) in under.iter_mut().zip(event) {
        *under = narrow(i64::from(*under) + scaled(*event, gain));
    }
}

fn energy(samples: &[i16]) -> u128 {
    samples
        .iter()
        .map(|sample| u128::from(u32::from(sample.unsigned_abs()).pow(2)))
        .sum()
}

/// The factor in units of 2^−16 that takes samples to a root mean square of so many dB of full
/// scale.
fn gain_to(samples: &[i16], level_db: i32) -> u128 {
    let mean = (energy(samples) << 32) / (samples.len() as u128).max(1);
    let rms = mean.isqrt().max(1);
    // 2^15 is full scale; both in units of 2^−16.
    times_db((1_u128 << 47) / rms, level_db)
}

/// `gain · 10^(db / 20)`, for −200 to 200 dB.
fn times_db(gain: u128, db: i32) -> u128 {
    let (tens, rest) = (db.div_euclid(20), db.rem_euclid(20));
    let rest = usize::try_from(rest).unwrap_or(0);
    let scaled = gain * u128::from(AMPLITUDES[rest]);
    let power = 10_u128.pow(tens.unsigned_abs().min(10));
    if tens < 0 {
        (scaled / power) >> 16
    } else {
        (scaled * power) >> 16
    }
}

fn scaled(sample: i16, gain: u128) -> i64 {
    let gain = i64::try_from(gain).unwrap_or(i64::MAX).min(1 << 40);
    (i64::from(sample) * gain) >> 16
}

fn narrow(sample: i64) -> i16 {
    i16::try_from(sample.clamp(i16::MIN.into(), i16::MAX.into())).unwrap_or(0)
}

struct Draw(Xoshiro256PlusPlus);

impl Draw {
    fn bits(&mut self) -> u32 {
        (self.0.next_u64() >> 32) as u32
    }

    /// An integer below `bound`, evenly to within 2^−32 of a share.
    fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.0.next_u64()) * bound as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// An integer from the first to the second, both included.
    fn between(&mut self, (low, high): (i32, i32)) -> i32 {
        let span = usize::try_from(high - low).unwrap_or(0);
        low + i32::try_from(self.below(span + 1)).unwrap_or(0)
    }
}
