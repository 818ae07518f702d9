//! `[frontend]` for sound and `[scenes]`: frames, bands and decisions that go together.

use std::num::{NonZeroU16, NonZeroU32};

use spinney_signal::{MelScale, Normalisation, Spectral, Statistic, Window};

use crate::choice::{AggregateOf, SignalKind, Word};
use crate::diagnostics::Fault;
use crate::pipeline::{AudioFrontend, Frontend, Scenes};
use crate::raw::{RawPipeline, RawSection};
use crate::value::{Reader, Value};

use super::filter::filter;
use super::motion;
use super::trigger::trigger;

/// Most dB that a signal-to-noise ratio may be above or below 0.
const SNR_DB_MAX: f64 = 60.0;

/// Most decisions that begin within one, itself included.
const STEPS_MAX: u32 = 64;

/// How far a number of steps may be from a whole one, as a share of it: typing 0.333 for a third is well.
const WHOLE: f64 = 0.01;

/// How much longer or shorter than `decision_s` a decision of whole steps may be, as a share of it.
const OFF_MOST: f64 = 0.05;

/// Keys that only sound has.
const OF_SOUND: [&str; 12] = [
    "microphone_rate",
    "scale",
    "normalisation",
    "aggregate",
    "aggregate_of",
    "cepstra",
    "spectral",
    "deltas",
    "decision_s",
    "decision_frames",
    "decision_hop_s",
    "ladder_s",
];

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) -> (Option<Frontend>, Option<Scenes>) {
    let section = raw.section("frontend");
    let kind = section.choice::<SignalKind>("kind");
    let frontend = match kind.filter(|_| section.span.is_some()) {
        Some(SignalKind::Audio) => audio(reader, raw, section).map(Frontend::Audio),
        Some(SignalKind::Motion) => {
            let cause = section.cause("kind");
            for key in OF_SOUND {
                reader.contradict(section, key, "it is for sound", &cause);
            }
            motion::check(reader, raw, section).map(Frontend::Motion)
        }
        None => None,
    };
    let scenes = raw.section("scenes");
    let Some(span) = scenes.span.clone() else {
        return (frontend, None);
    };
    let found = match kind {
        _ if section.span.is_none() => Some("no `[frontend]`"),
        Some(SignalKind::Motion) => Some("`kind = \"motion\"` in `[frontend]`"),
        _ => None,
    };
    if let Some(found) = found.filter(|_| raw.well_formed) {
        let message = format!(
            "scenes: found {found}, expected `[frontend]` for sound, since scenes are sound"
        );
        reader.fault(Fault::new(Some(span), message));
    }
    (frontend, self::scenes(reader, raw, scenes))
}

fn audio(reader: &mut Reader, raw: &RawPipeline, section: &RawSection) -> Option<AudioFrontend> {
    let cause = section.cause("kind");
    for key in ["channels", "magnitude", "statistics"] {
        let why = "it is for `kind = \"motion\"`";
        reader.contradict(section, key, why, &cause);
    }
    let sample_rate_hz = whole_rate(reader, section);
    let n_points = match section.given("frame") {
        Some(_) => section.integer_u32("frame"),
        None => Some(1024),
    };
    if let Some(n_points) = n_points
        && !can_be_transformed(n_points)
    {
        refuse_frame(reader, section, n_points);
    }
    let n_bands = match section.given("bands") {
        Some(_) => section.integer_u32("bands"),
        None => Some(64),
    };
    if n_bands == Some(0) {
        let message = "frontend.bands: found `0`, expected 1 to 128: sound has no other features";
        reader.fault(Fault::new(section.given("bands"), message));
    }
    let (f_min_hz, f_max_hz) = edges(reader, section, sample_rate_hz.map(f64::from), Some(0.0));
    let hop = match section.given("hop") {
        Some(_) => section.integer_u32("hop"),
        None => n_points,
    };
    let microphone_rate_hz = section.integer_u32("microphone_rate");
    if let (Some(microphone), Some(rate)) = (microphone_rate_hz, sample_rate_hz)
        && microphone < rate
    {
        let message = format!(
            "frontend.microphone_rate: found `{microphone}`, expected at least {rate}, the \
             `sample_rate`"
        );
        let cause = section.cause("sample_rate");
        reader.refuse_pair(section, "microphone_rate", message, &cause);
    }
    let filter = filter(reader, section, sample_rate_hz.map(f64::from));
    let n_frames = frames(reader, raw, section, sample_rate_hz, hop);
    let per_frame = sample_rate_hz
        .zip(hop)
        .map(|(rate, hop)| f64::from(hop) / f64::from(rate));
    let steps = steps(reader, section, per_frame, n_frames);
    let (n_frames, n_frames_per_step) = (steps.map(|it| it.0), steps.map(|it| it.1));
    let mut spectral: Vec<Spectral> = (section.choices("spectral", Spectral::from_word))
        .map_or_else(Vec::new, |words| {
            words.into_iter().map(|(word, _)| word).collect()
        });
    spectral.sort_unstable();
    let (n_cepstra, n_delta_frames) =
        of_logarithms(reader, section, n_bands, n_frames, n_frames_per_step);
    let trigger = trigger(reader, section, n_points);
    if trigger.is_some() {
        let why = "sound says when there is a decision";
        reader.contradict(section, "ladder_s", why, &section.cause("trigger"));
        let why = "a decision begins where the sound says so";
        reader.contradict(section, "decision_hop_s", why, &section.cause("trigger"));
    }
    Some(AudioFrontend {
        sample_rate_hz: sample_rate_hz?,
        n_points: u16::try_from(n_points?).ok()?,
        hop: NonZeroU16::new(u16::try_from(hop?).ok()?)?,
        filter,
        window: section.choice::<Window>("window")?,
        n_bands: n_bands?,
        scale: section.choice::<MelScale>("scale")?,
        normalisation: section.choice::<Normalisation>("normalisation")?,
        f_min_hz: f_min_hz?,
        f_max_hz: f_max_hz?,
        aggregates: section
            .choices("aggregate", Statistic::from_word)?
            .into_iter()
            .map(|(statistic, _)| statistic)
            .collect(),
        aggregate_of: section.choice::<AggregateOf>("aggregate_of")?,
        n_cepstra: n_cepstra?,
        spectral,
        n_delta_frames: n_delta_frames?,
        n_frames_per_decision: n_frames?,
        n_frames_per_step: n_frames_per_step?,
        trigger,
        microphone_rate_hz,
        ladder_s: section.number("ladder_s"),
        background: section.text("background")?,
    })
}

/// Cepstral coefficients, and frames on either side of a delta.
fn of_logarithms(
    reader: &mut Reader,
    section: &RawSection,
    n_bands: Option<u32>,
    n_frames: Option<NonZeroU32>,
    n_per_step: Option<Option<NonZeroU32>>,
) -> (Option<u32>, Option<u32>) {
    if section.choice("aggregate_of") == Some(AggregateOf::Energies) {
        let cause = section.cause("aggregate_of");
        for key in ["cepstra", "deltas"] {
            reader.contradict(section, key, "they are made of logarithms", &cause);
        }
        let why = "it is aggregated as logarithms are";
        reader.contradict(section, "spectral", why, &cause);
    }
    let n_cepstra = section.integer_u32("cepstra");
    if let (Some(cepstra), Some(bands)) = (n_cepstra, n_bands)
        && cepstra > bands
    {
        let message = format!(
            "frontend.cepstra: found `{cepstra}`, expected at most {bands}, as many as there are \
             `bands`"
        );
        let cause = section.cause("bands");
        reader.refuse_pair(section, "cepstra", message, &cause);
    }
    let n_delta_frames = section.integer_u32("deltas");
    if let (Some(deltas), Some(frames)) = (n_delta_frames, n_frames)
        && 2 * deltas >= frames.get()
    {
        let message = format!(
            "frontend.deltas: found `{deltas}`, which takes {} frames, expected at most the \
             {frames} of a decision",
            2 * deltas + 1
        );
        reader.fault(Fault::new(section.given("deltas"), message));
    }
    if let (Some(deltas), Some(Some(step))) = (n_delta_frames, n_per_step)
        && 2 * deltas > step.get()
    {
        let message = format!(
            "frontend.decision_hop_s: found {step} frames, expected at least {}, twice the frames on \
             either side of `deltas`",
            2 * deltas
        );
        let cause = section.cause("deltas");
        reader.refuse_pair(section, "decision_hop_s", message, &cause);
    }
    (n_cepstra, n_delta_frames)
}

/// The sample rate of sound.
fn whole_rate(reader: &mut Reader, section: &RawSection) -> Option<u32> {
    let rate = section.number("sample_rate")?;
    if rate.fract() != 0.0 || !(1e3..=192e3).contains(&rate) {
        let message = format!(
            "frontend.sample_rate: found `{rate}`, expected an integer of 1000 to 192000 for sound"
        );
        reader.fault(Fault::new(section.given("sample_rate"), message));
        return None;
    }
    // Casts: an integer of 1,000 to 192,000.
    Some(rate as u32)
}

/// Whether a frame of so many samples has a spectrum.
pub(super) fn can_be_transformed(n_points: u32) -> bool {
    n_points.is_power_of_two() && (64..=2048).contains(&n_points)
}

pub(super) fn refuse_frame(reader: &mut Reader, section: &RawSection, n_points: u32) {
    let message = format!(
        "frontend.frame: found `{n_points}`, expected a power of two: 64, 128, 256, 512, 1024 or \
         2048"
    );
    reader.fault(Fault::new(section.given("frame"), message));
}

/// The lowest and the highest edge of the bands, which hold each other and half of the rate.
pub(super) fn edges(
    reader: &mut Reader,
    section: &RawSection,
    sample_rate_hz: Option<f64>,
    lowest_hz: Option<f64>,
) -> (Option<f64>, Option<f64>) {
    let given = |key, default: Option<f64>| match section.given(key) {
        Some(_) => section.number(key),
        None => default,
    };
    let f_min_hz = given("f_min", lowest_hz);
    let f_max_hz = given("f_max", sample_rate_hz.map(|rate| rate / 2.0));
    if let (Some(rate), Some(low), Some(high)) = (sample_rate_hz, f_min_hz, f_max_hz) {
        let half = rate / 2.0;
        if high > half {
            let message = format!(
                "frontend.f_max: found `{high}`, expected at most {half}, half of `sample_rate`"
            );
            let cause = section.cause("sample_rate");
            reader.refuse_pair(section, "f_max", message, &cause);
        } else if low >= high {
            let message = format!("frontend.f_min: found `{low}`, expected less than {high}");
            let cause = section.cause("f_max");
            reader.refuse_pair(section, "f_min", message, &cause);
        }
    }
    (f_min_hz, f_max_hz)
}

/// Frames per decision, by either key.
fn frames(
    reader: &mut Reader,
    raw: &RawPipeline,
    section: &RawSection,
    sample_rate_hz: Option<u32>,
    hop: Option<u32>,
) -> Option<NonZeroU32> {
    if section.given("decision_frames").is_some() {
        let cause = section.cause("decision_frames");
        reader.contradict(section, "decision_s", "a decision has one length", &cause);
        return NonZeroU32::new(section.integer_u32("decision_frames")?);
    }
    if section.given("decision_s").is_none() {
        if raw.well_formed {
            let message = "frontend: found no length of a decision, expected `decision_s` or \
                           `decision_frames`";
            reader.fault(Fault::new(section.span.clone(), message));
        }
        return None;
    }
    let seconds = section.number("decision_s")?;
    let frames = (seconds * f64::from(sample_rate_hz?) / f64::from(hop?)).round();
    if !(1.0..=1e6).contains(&frames) {
        let message = format!(
            "frontend.decision_s: found `{seconds}`, which is {frames} frames, expected 1 to \
             1000000 frames"
        );
        reader.fault(Fault::new(section.given("decision_s"), message));
        return None;
    }
    // Casts: 1 to a million.
    NonZeroU32::new(frames as u32)
}

/// Frames of a decision of so many, or nearly, and from one's start to the next one's where they overlap.
fn steps(
    reader: &mut Reader,
    section: &RawSection,
    seconds_per_frame: Option<f64>,
    n_frames: Option<NonZeroU32>,
) -> Option<(NonZeroU32, Option<NonZeroU32>)> {
    let all = n_frames?;
    if section.given("decision_hop_s").is_none() {
        return Some((all, None));
    }
    let (seconds, per_frame) = (section.number("decision_hop_s")?, seconds_per_frame?);
    let of_frames = f64::from(all.get()) * per_frame;
    // Of seconds a decision is so many steps of whole frames; frames that are given are kept.
    let whole = match section.given("decision_s") {
        Some(_) => section.number("decision_s")?,
        None => of_frames,
    };
    let step = |n_steps: u32| match section.given("decision_s") {
        Some(_) => {
            let exact = whole / f64::from(n_steps) / per_frame;
            let is_near = (exact - exact.round()).abs() <= OFF_MOST * exact;
            // Casts: at most as many as a decision has.
            NonZeroU32::new(exact.round() as u32).filter(|_| is_near)
        }
        None => NonZeroU32::new(all.get() / n_steps).filter(|it| it.get() * n_steps == all.get()),
    };
    let n_steps = whole / seconds;
    // Casts: 0 to one more than the most.
    let near = n_steps.round().min(f64::from(STEPS_MAX + 1)) as u32;
    let is_whole = (n_steps - f64::from(near)).abs() <= WHOLE * n_steps;
    let found = step(near.max(1)).filter(|_| is_whole && (1..=STEPS_MAX).contains(&near));
    if let Some(found) = found {
        let n_frames = found.get().checked_mul(near)?;
        return Some((NonZeroU32::new(n_frames)?, Some(found).filter(|_| near > 1)));
    }
    let mut near: Vec<String> = Vec::new();
    let more = (1..=STEPS_MAX).filter(|n| f64::from(*n) > n_steps && step(*n).is_some());
    let fewer = (1..=STEPS_MAX)
        .rev()
        .filter(|n| f64::from(*n) <= n_steps && step(*n).is_some());
    near.extend(
        more.take(1)
            .chain(fewer.take(1))
            .map(|n| ((whole / f64::from(n) * 1e4).round() / 1e4).to_string()),
    );
    let message = format!(
        "frontend.decision_hop_s: found `{seconds}`, of which a decision of {whole} s has {n_steps:.2}, \
         expected 1 to {STEPS_MAX} to a decision, each of as many whole frames, such as {}",
        near.join(" or ")
    );
    reader.fault(Fault::new(section.given("decision_hop_s"), message));
    None
}

fn scenes(reader: &mut Reader, raw: &RawPipeline, section: &RawSection) -> Option<Scenes> {
    let dataset = raw.section("dataset");
    let cause = section.cause("train_decisions");
    for labels in ["path_labels", "train_labels", "test_labels"] {
        let why = "scenes are rendered from folders of recordings by class";
        reader.contradict(dataset, labels, why, &cause);
    }
    let Some(Value::Pair(low, high)) = section.value("snr_db") else {
        return None;
    };
    if low.fract() != 0.0 || high.fract() != 0.0 || low.abs().max(high.abs()) > SNR_DB_MAX {
        let message =
            format!("scenes.snr_db: found [{low}, {high}], expected whole numbers of −60 to 60");
        reader.fault(Fault::new(section.given("snr_db"), message));
        return None;
    }
    // Casts: −60 to 60.
    let snr_db = (*low as i32, *high as i32);
    Some(Scenes {
        train_decisions: section.integer_u32("train_decisions")?,
        test_decisions: section.integer_u32("test_decisions")?,
        snr_db,
        event_share: section.number("event_share")?,
        event_s: section.number("event_s")?,
    })
}
