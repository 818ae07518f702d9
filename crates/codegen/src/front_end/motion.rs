//! A front end for motion and slow sensors in a generated crate; its twin is the front end's
//! `motion.rs`.

use spinney_frontend::motion::Measures;
use spinney_signal::{AskedMotion, FilterTable, MotionFront};

use super::biquad::Filtering;
use super::constructor;
use super::filters::{checked, filters, segments};
use super::gate::Gated;

/// What computes the features of a window.
struct Motion {
    /// Imports and statics.
    statics: String,
    /// Its type, and how it begins.
    name: String,
    new: String,
}

/// All features of all channels.
fn whole(front: &MotionFront, table: Option<&FilterTable>) -> Motion {
    let m = front.n_samples / 2;
    let (imports, statics, tones, new) = match table {
        Some(table) => (
            "use spinney_frontend::motion::{Bands, Motion};\n\
             use spinney_frontend::window::Window;\n",
            format!(
                "{}\nstatic WINDOW: Window<{m}> = Window::{}();\n",
                filters(table, usize::from(front.n_samples)),
                constructor(front.window)
            ),
            format!("Bands<'static, {m}, N_BANDS>"),
            "Bands::new(&WINDOW, FILTERS)",
        ),
        None => (
            "use spinney_frontend::motion::{Motion, NoTones};\n",
            String::new(),
            "NoTones".to_owned(),
            "NoTones",
        ),
    };
    Motion {
        statics: format!(
            "{imports}{statics}\n\
             /// What is kept of a window, a bit each.\n\
             const MEASURES: u16 = {:#b};\n",
            front.measures.bits()
        ),
        name: format!(
            "Motion<{tones}, {}, {m}, MEASURES, {{ crate::N_FEATURES }}>",
            front.n_all_channels()
        ),
        new: format!("Motion::new({new}, HOP)"),
    }
}

/// The features alone that are asked for.
fn part(front: &MotionFront, table: Option<&FilterTable>, asked: &AskedMotion) -> Motion {
    let m = front.n_samples / 2;
    let has_bands = asked.channels.iter().any(|it| it.bands.contains(&true));
    let (mut tables, mut channels) = (String::new(), String::new());
    let mut any = Measures::NONE;
    for (at, channel) in asked.channels.iter().enumerate() {
        any = any.and(channel.measures);
        let bands = match table.filter(|_| channel.bands.contains(&true)) {
            Some(table) => {
                let (table, name) = (table.asked(&channel.bands, false), format!("SEGMENTS_{at}"));
                tables.push_str(&segments(&table, &name));
                format!("Some({})", checked(&table, &name))
            }
            None => "None".to_owned(),
        };
        channels.push_str(&format!(
            "    Channel {{ measures: Measures::from_bits({:#b}), bands: {bands} }},\n",
            channel.measures.bits()
        ));
    }
    let (imports, tones, new) = match has_bands {
        true => {
            tables.push_str(&format!(
                "\nstatic WINDOW: Window<{m}> = Window::{}();\n",
                constructor(front.window)
            ));
            let imports = "use spinney_frontend::asked::{Bands, Channel, Motion};\n\
                           use spinney_frontend::mel::{Filters, Segment};\n\
                           use spinney_frontend::window::Window;\n";
            (
                imports,
                format!("Bands<'static, {m}>"),
                "Bands::new(&WINDOW)",
            )
        }
        false => (
            "use spinney_frontend::asked::{Channel, Motion, NoTones};\n",
            "NoTones".to_owned(),
            "NoTones",
        ),
    };
    let n = asked.channels.len();
    Motion {
        statics: format!(
            "{imports}use spinney_frontend::motion::Measures;\n\n{tables}\n\
             /// What is computed of each channel that features are made of, a bit for each measure.\n\
             static CHANNELS: [Channel<'static, {m}>; {n}] = [\n{channels}];\n\n\
             /// Channels whose correlation is a feature.\n\
             static PAIRS: [[u8; 2]; {}] = {:?};\n",
            asked.pairs.len(),
            asked.pairs
        ),
        name: format!(
            "Motion<'static, {tones}, {n}, {m}, {:#b}, {}, {{ crate::N_FEATURES }}>",
            any.bits(),
            asked.pairs.len()
        ),
        new: format!("Motion::new(&CHANNELS, &PAIRS, {new}, HOP)"),
    }
}

pub(super) fn source(
    front: &MotionFront,
    table: Option<&FilterTable>,
    is_asked: &[bool],
) -> String {
    let asked = front.asked(is_asked);
    let motion = match is_asked.contains(&false) {
        true => part(front, table, &asked),
        false => whole(front, table),
    };
    let readings = if front.is_narrow() {
        // What is kept fits 16 bits.
        "features.map(|feature| feature as i16)"
    } else {
        "features"
    };
    let n_channels = front.channels.len();
    let held: Vec<usize> = asked.delivered(front).into_iter().collect();
    // A gate looks at all channels.
    let delivered = match front.trigger {
        Some(_) => (0..n_channels).collect(),
        None => held.clone(),
    };
    let filter = front.filter.as_ref();
    let filtering = Filtering::new(filter, front.sample_rate_hz, delivered.len());
    let pick = if delivered.len() == n_channels {
        String::new()
    } else {
        let values = delivered.iter().map(|channel| format!("sample[{channel}]"));
        format!(
            "let sample = [{}];\n        ",
            values.collect::<Vec<_>>().join(", ")
        )
    };
    let is_magnitude = |channel: usize| channel >= n_channels;
    let has_magnitudes = asked.channels.iter().any(|it| is_magnitude(it.channel));
    let (import, held) = if has_magnitudes || held != delivered {
        let values = asked.channels.iter().map(|it| {
            let axes = front.made_of(it.channel);
            let places = axes.filter_map(|axis| delivered.binary_search(&axis).ok());
            let values = places.map(|place| format!("sample[{place}]"));
            let values = values.collect::<Vec<_>>().join(", ");
            match is_magnitude(it.channel) {
                true => format!("magnitude(&[{values}])"),
                false => values,
            }
        });
        (
            match has_magnitudes {
                true => "use spinney_frontend::motion::magnitude;\n",
                false => "",
            },
            format!("[{}]", values.collect::<Vec<_>>().join(", ")),
        )
    } else {
        ("", "sample".to_owned())
    };
    let gated = Gated::new(front.trigger.as_ref(), n_channels);
    let pushed = match front.trigger {
        Some(_) => format!("sample, {held}"),
        None => held,
    };
    format!(
        "//! From samples to the class: {channels}; {rate} samples per second, windows of \
         {window}{every}. Generated by Spinney.\n\n\
         use core::num::NonZeroU16;\n\n\
         {import}\
         {statics}{filter}{gate}\n\
         /// Values of a sample: {channels}.\n\
         pub const N_CHANNELS: usize = {n_channels};\n\n\
         /// A value of each channel.\n\
         pub type Sample = [i16; N_CHANNELS];\n\n\
         /// A sample of its values.\n\
         #[must_use]\n\
         pub const fn sample(values: [i16; N_CHANNELS]) -> Sample {{\n    \
         values\n\
         }}\n\n\
         /// Samples from one decision's start to the next one's{at_least}.\n\
         pub const SAMPLES_PER_DECISION: usize = {hop};\n\n\
         /// Whether a trigger opens decisions; else one follows the other.\n\
         pub const IS_TRIGGERED: bool = {is_triggered};\n\n\
         const HOP: NonZeroU16 = NonZeroU16::new({hop}).unwrap();\n\n\
         /// Samples in, a row of readings out for each window.\n\
         #[derive(Debug, Clone)]\n\
         pub struct Chain({gate_type}{motion}{gate_type_end}{field});\n\n\
         impl Chain {{\n    \
         /// Before the first sample.\n    \
         #[must_use]\n    \
         #[inline]\n    \
         pub fn new() -> Self {{\n        \
         Self({gate_new}{new}{gate_new_end}{filter_new})\n    \
         }}\n\n    \
         /// Takes the next sample; the last one of a window gives its readings.\n    \
         #[inline]\n    \
         pub fn push(&mut self, sample: Sample) -> Option<[crate::Reading; crate::N_FEATURES]> {{\n        \
         {pick}{filter_push}let features = self.0.push({pushed})?;\n        \
         Some({readings})\n    \
         }}\n\n    \
         /// Nothing, since a decision has a whole window; the next sample begins one.\n    \
         pub fn finish(&mut self) -> Option<[crate::Reading; crate::N_FEATURES]> {{\n        \
         self.restart();\n        \
         None\n    \
         }}\n\n\
         {methods}",
        channels = front.channels.join(", "),
        rate = front.sample_rate_hz,
        window = front.n_samples,
        hop = front.hop,
        statics = motion.statics,
        motion = motion.name,
        new = motion.new,
        filter = filtering.statics,
        field = filtering.field,
        filter_new = filtering.new,
        filter_push = filtering.push,
        methods = filtering.methods(gated.is_open),
        every = match front.trigger {
            Some(_) => " from where a gate opens".to_owned(),
            None => format!(" every {}", front.hop),
        },
        at_least = gated.at_least,
        is_triggered = front.trigger.is_some(),
        gate = gated.statics,
        gate_type = gated.around_type.0,
        gate_type_end = gated.around_type.1,
        gate_new = gated.around_new.0,
        gate_new_end = gated.around_new.1,
    )
}
