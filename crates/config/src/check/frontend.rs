//! `[frontend]` and `[scenes]`: frames, bands and decisions that go together.

use std::num::{NonZeroU16, NonZeroU32};

use crate::choice::{AggregateOf, MelScale, Normalisation, SignalKind, Statistic, Window};
use crate::diagnostics::Fault;
use crate::pipeline::{Frontend, Scenes};
use crate::raw::{RawPipeline, RawSection};
use crate::value::{Reader, Value};

use super::Cause;

/// Most dB that a signal-to-noise ratio may be above or below 0.
const SNR_DB_MAX: f64 = 60.0;

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) -> (Option<Frontend>, Option<Scenes>) {
    let section = raw.section("frontend");
    let frontend = section
        .span
        .is_some()
        .then(|| frontend(reader, raw, section))
        .flatten();
    let scenes = raw.section("scenes");
    let Some(span) = scenes.span.clone() else {
        return (frontend, None);
    };
    if section.span.is_none() && raw.well_formed {
        let message = "scenes: found no `[frontend]`, expected one, since scenes are sound";
        reader.faults.push(Fault::new(Some(span), message));
    }
    (frontend, self::scenes(reader, raw, scenes))
}

fn frontend(reader: &mut Reader, raw: &RawPipeline, section: &RawSection) -> Option<Frontend> {
    let sample_rate_hz = section.integer_u32("sample_rate");
    let n_points = section.integer_u32("frame");
    if let Some(n_points) = n_points
        && !n_points.is_power_of_two()
    {
        let message = format!(
            "frontend.frame: found `{n_points}`, expected a power of two: 64, 128, 256, 512, 1024 \
             or 2048"
        );
        reader
            .faults
            .push(Fault::new(section.given("frame"), message));
    }
    let f_min_hz = section.number("f_min");
    let f_max_hz = section.number("f_max").or_else(|| {
        Some(f64::from(sample_rate_hz?) / 2.0).filter(|_| section.given("f_max").is_none())
    });
    if let (Some(rate), Some(low), Some(high)) = (sample_rate_hz, f_min_hz, f_max_hz) {
        let half = f64::from(rate) / 2.0;
        if high > half {
            let message = format!(
                "frontend.f_max: found `{high}`, expected at most {half}, half of `sample_rate`"
            );
            let cause = Cause {
                section,
                key: "sample_rate",
            };
            reader.refuse_pair(section, "f_max", message, &cause);
        } else if low >= high {
            let message = format!("frontend.f_min: found `{low}`, expected less than {high}");
            let cause = Cause {
                section,
                key: "f_max",
            };
            reader.refuse_pair(section, "f_min", message, &cause);
        }
    }
    let hop = match section.given("hop") {
        Some(_) => section.integer_u32("hop"),
        None => n_points,
    };
    let n_frames = frames(reader, raw, section, sample_rate_hz, hop);
    Some(Frontend {
        kind: section.choice("kind", SignalKind::from_word)?,
        sample_rate_hz: sample_rate_hz?,
        n_points: u16::try_from(n_points?).ok()?,
        hop: NonZeroU16::new(u16::try_from(hop?).ok()?)?,
        window: section.choice("window", Window::from_word)?,
        n_bands: section.integer_u32("bands")?,
        scale: section.choice("scale", MelScale::from_word)?,
        normalisation: section.choice("normalisation", Normalisation::from_word)?,
        f_min_hz: f_min_hz?,
        f_max_hz: f_max_hz?,
        statistic: section.choice("aggregate", Statistic::from_word)?,
        aggregate_of: section.choice("aggregate_of", AggregateOf::from_word)?,
        n_frames_per_decision: n_frames?,
        background: section.text("background")?,
    })
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
        let cause = Cause {
            section,
            key: "decision_frames",
        };
        reader.contradict(section, "decision_s", "a decision has one length", &cause);
        return NonZeroU32::new(section.integer_u32("decision_frames")?);
    }
    if section.given("decision_s").is_none() {
        if raw.well_formed {
            let message = "frontend: found no length of a decision, expected `decision_s` or \
                           `decision_frames`";
            reader
                .faults
                .push(Fault::new(section.span.clone(), message));
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
        reader
            .faults
            .push(Fault::new(section.given("decision_s"), message));
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "1 to a million"
    )]
    NonZeroU32::new(frames as u32)
}

fn scenes(reader: &mut Reader, raw: &RawPipeline, section: &RawSection) -> Option<Scenes> {
    let dataset = raw.section("dataset");
    let cause = Cause {
        section,
        key: "train_decisions",
    };
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
        reader
            .faults
            .push(Fault::new(section.given("snr_db"), message));
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "−60 to 60")]
    let snr_db = (*low as i32, *high as i32);
    Some(Scenes {
        train_decisions: section.integer_u32("train_decisions")?,
        test_decisions: section.integer_u32("test_decisions")?,
        snr_db,
        event_share: section.number("event_share")?,
        event_s: section.number("event_s")?,
    })
}
