//! `[frontend]` for motion: channels, windows and what is kept of them.

use std::num::NonZeroU16;

use spinney_signal::{MAGNITUDE, Measure, Window};

use crate::choice::Word;
use crate::diagnostics::Fault;
use crate::pipeline::MotionFrontend;
use crate::raw::{RawPipeline, RawSection};
use crate::value::Reader;

use super::filter::filter;
use super::frontend::{can_be_transformed, edges, refuse_frame};
use super::trigger::trigger;

/// What is kept where `statistics` is left out.
const STATISTICS: [Measure; 7] = [
    Measure::Mean,
    Measure::Variance,
    Measure::Minimum,
    Measure::Maximum,
    Measure::Range,
    Measure::Rms,
    Measure::MeanCrossings,
];

pub(super) fn check(
    reader: &mut Reader,
    raw: &RawPipeline,
    section: &RawSection,
) -> Option<MotionFrontend> {
    if section.given("channels").is_none() {
        reader.missing(raw, section, "channels");
    }
    let or = |key, default| match section.given(key) {
        Some(_) => section.integer_u32(key),
        None => Some(default),
    };
    let (n_samples, n_bands) = (or("frame", 128), or("bands", 8));
    if let (Some(n_samples), Some(n_bands)) = (n_samples, n_bands) {
        if n_bands > 0 && !can_be_transformed(n_samples) {
            refuse_frame(reader, section, n_samples);
            if let Some(fault) = reader.faults.last_mut() {
                fault.help = Some("any even number will do with `bands = 0`".to_owned());
            }
        } else if n_samples % 2 != 0 {
            let message = format!("frontend.frame: found `{n_samples}`, expected an even number");
            reader.fault(Fault::new(section.given("frame"), message));
        }
    }
    let statistics = match section.given("statistics") {
        Some(_) => section
            .choices("statistics", Measure::from_word)
            .map(|words| words.into_iter().map(|(word, _)| word).collect()),
        None => Some(STATISTICS.to_vec()),
    }
    .map(|mut statistics: Vec<Measure>| {
        statistics.sort_unstable();
        statistics
    });
    if statistics.as_ref().is_some_and(Vec::is_empty) && n_bands == Some(0) {
        let message = "frontend.statistics: found none, expected some, since there are no bands";
        reader.fault(Fault::new(section.given("statistics"), message));
    }
    let channels = section.names("channels");
    let n_axes = or("magnitude", 0);
    if let (Some(channels), Some(n_axes)) = (&channels, n_axes) {
        check_channels(reader, section, channels, n_axes, statistics.as_deref());
    }
    let window = section.choice::<Window>("window");
    let sample_rate_hz = section.number("sample_rate");
    let filter = filter(reader, section, sample_rate_hz);
    // A constant reaches bin 0 and, under a Hann window, bin 1; halfway to the next one.
    let lowest = |rate: f64| match (window?, n_samples?) {
        (Window::Hann, n) => Some(1.5 * rate / f64::from(n)),
        (Window::Rectangular, n) => Some(0.5 * rate / f64::from(n)),
    };
    let lowest_hz = sample_rate_hz.and_then(lowest);
    let (f_min_hz, f_max_hz) = match n_bands {
        Some(0) => (Some(0.0), Some(0.0)),
        _ => edges(reader, section, sample_rate_hz, lowest_hz),
    };
    let hop = match section.given("hop") {
        Some(_) => section.integer_u32("hop"),
        None => n_samples,
    };
    let trigger = trigger(reader, section, n_samples);
    if trigger.is_some() {
        let why = "a window begins where the gate opens";
        reader.contradict(section, "hop", why, &section.cause("trigger"));
    }
    Some(MotionFrontend {
        sample_rate_hz: sample_rate_hz?,
        channels: channels?,
        n_axes: n_axes?,
        filter,
        n_samples: u16::try_from(n_samples?).ok()?,
        hop: NonZeroU16::new(u16::try_from(hop?).ok()?)?,
        trigger,
        statistics: statistics?,
        n_bands: n_bands?,
        window: window?,
        f_min_hz: f_min_hz?,
        f_max_hz: f_max_hz?,
        background: section.text("background")?,
    })
}

/// Channels that are whole vectors, of names that no other has, and two where they are compared.
fn check_channels(
    reader: &mut Reader,
    section: &RawSection,
    channels: &[String],
    n_axes: u32,
    statistics: Option<&[Measure]>,
) {
    let n = channels.len();
    let cause = section.cause("channels");
    if n_axes > 0 && !n.is_multiple_of(n_axes as usize) {
        let message = format!(
            "frontend.magnitude: found `{n_axes}`, expected a divisor of {n}, the number of \
             `channels`"
        );
        reader.refuse_pair(section, "magnitude", message, &cause);
    }
    let is_taken = |name: &String| name.starts_with(MAGNITUDE);
    if let Some(name) = channels.iter().find(|it| n_axes > 0 && is_taken(it)) {
        let message = format!(
            "frontend.magnitude: found `{n_axes}` and the channel `{name}`, expected channels \
             whose names do not begin with `{MAGNITUDE}`"
        );
        reader.refuse_pair(section, "magnitude", message, &cause);
    }
    if n == 1 && n_axes == 0 && statistics.is_some_and(|it| it.contains(&Measure::Correlation)) {
        let message = "frontend.statistics: found `\"correlation\"` and one channel, expected two \
                       or more, since it is of two";
        reader.refuse_pair(section, "statistics", message.to_owned(), &cause);
    }
}
