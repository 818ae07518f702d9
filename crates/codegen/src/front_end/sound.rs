//! A front end for sound in a generated crate; its twin is the front end's `chain.rs`.

use std::collections::BTreeSet;

use spinney_frontend::shape::Shape;
use spinney_signal::{FilterTable, SoundFront, Spectral, Statistic, cosines};

use super::{biquad::Filtering, constructor, filters::filters, gate::Gated};

/// What computes something: its type, and how it begins.
struct Part {
    name: String,
    new: String,
}

impl Part {
    /// One after the other.
    fn pairs(parts: &[Self]) -> Self {
        let of = |part: fn(&Self) -> &str| pairs(&parts.iter().map(part).collect::<Vec<_>>());
        Self {
            name: of(|it| &it.name),
            new: of(|it| &it.new),
        }
    }
}

/// The modules of the front end that are needed, and statics.
struct Needed {
    modules: Vec<&'static str>,
    statics: String,
}

impl Needed {
    /// A table of small numbers, by its name.
    fn places(&mut self, places: &[u8]) -> String {
        let name = format!("PLACES_{}", self.statics.matches("static PLACES_").count());
        self.statics.push_str(&format!(
            "\n/// Values by their places.\nstatic {name}: [u8; {}] = {places:?};\n",
            places.len()
        ));
        name
    }

    /// A summary of some of `n` values, or of all.
    fn among(&mut self, n: usize, places: &[u8], summary: Part) -> Part {
        // Each at most once, in ascending order.
        if places.len() == n {
            return summary;
        }
        self.modules.push("asked");
        let table = self.places(places);
        Part {
            name: format!("asked::Values<'static, {}, {}>", summary.name, places.len()),
            new: format!("asked::Values::new(&{table}, {})", summary.new),
        }
    }

    /// Statistics of `n` values: each of all of them, or of some; of deltas, each of a frame and so many
    /// before it.
    fn statistics(
        &mut self,
        front: &SoundFront,
        n: usize,
        of: &[(Statistic, Vec<u8>)],
        n_back: Option<usize>,
    ) -> Vec<Part> {
        let steps = n_steps_before(front);
        if steps.is_some() {
            self.modules.push("overlap");
        }
        let aggregate = |statistics: &[Statistic], n: usize| {
            let names: Vec<&str> = (statistics.iter())
                .map(|it| name(front.of_energies, *it))
                .collect();
            let name = format!("aggregate::Aggregate<{}, {n}>", pairs(&names));
            match (steps, n_back) {
                (None, _) => Part {
                    name,
                    new: "aggregate::Aggregate::new()".to_owned(),
                },
                (Some(before), None) => Part {
                    name: format!("overlap::Overlapping<{name}, {before}>"),
                    new: "overlap::Overlapping::new()".to_owned(),
                },
                (Some(before), Some(n_back)) => Part {
                    name: format!("overlap::Seamed<{name}, {before}>"),
                    new: format!("overlap::Seamed::new({n_back})"),
                },
            }
        };
        if of.iter().all(|(_, places)| places.len() == n) {
            let all: Vec<Statistic> = of.iter().map(|it| it.0).collect();
            return Vec::from_iter((!all.is_empty()).then(|| aggregate(&all, n)));
        }
        let parts = of.iter().map(|(statistic, places)| {
            self.among(n, places, aggregate(&[*statistic], places.len()))
        });
        parts.collect()
    }

    /// What is measured of a frame: these values of all that the front end has.
    fn measured(&mut self, front: &SoundFront, values: &[usize]) -> Part {
        let n_all = front.n_of_filters();
        let of_filters: Vec<u8> = (values.iter())
            .filter(|at| **at < n_all)
            .filter_map(|at| (*at).try_into().ok())
            .collect();
        let spectral: Vec<Spectral> = (front.spectral.iter().enumerate())
            .filter(|(at, _)| values.contains(&(n_all + at)))
            .map(|it| *it.1)
            .collect();
        let plain = |name: &str| Part {
            name: name.to_owned(),
            new: name.to_owned(),
        };
        let is_whole = of_filters.len() == n_all;
        let inner = match (front.of_energies, front.n_cepstra) {
            (true, _) if is_whole => plain("chain::Energies"),
            (false, 0) if is_whole => plain("chain::Logs"),
            (false, 1..) if !of_filters.is_empty() => self.cepstra(front, is_whole, &of_filters),
            (of_energies, _) => {
                self.modules.push("asked");
                plain(if of_energies {
                    "asked::Energies"
                } else {
                    "asked::Logs"
                })
            }
        };
        if spectral.is_empty() {
            return inner;
        }
        self.modules.push("shape");
        let none = Shape::from_bits(0);
        let shape = (spectral.iter()).fold(none, |all, it| all.and(it.set()));
        let (n, bits) = (of_filters.len(), shape.bits());
        Part {
            name: format!("shape::WithShape<{}, {n}, {bits:#b}>", inner.name),
            new: format!("shape::WithShape({})", inner.new),
        }
    }

    fn cepstra(&mut self, front: &SoundFront, is_whole: bool, coefficients: &[u8]) -> Part {
        self.modules.push("cepstra");
        let weights = cosines(front.bank.n_bands);
        let n = weights.len();
        self.statics.push_str(&format!(
            "\n/// A turn of cosines, for cepstra.\nstatic COSINES: [i16; {n}] = {weights:?};\n"
        ));
        let new = "cepstra::Cepstra::new(&COSINES)";
        if is_whole {
            return Part {
                name: "cepstra::Cepstra<'static, N_BANDS>".to_owned(),
                new: new.to_owned(),
            };
        }
        self.modules.push("asked");
        let (n, table) = (coefficients.len(), self.places(coefficients));
        Part {
            name: format!("asked::Cepstra<'static, N_BANDS, {n}>"),
            new: format!("asked::Cepstra {{ transform: {new}, coefficients: &{table} }}"),
        }
    }
}

const fn name(of_energies: bool, statistic: Statistic) -> &'static str {
    match (of_energies, statistic) {
        (false, Statistic::Maximum) => "aggregate::Maximum<i16>",
        (false, Statistic::Minimum) => "aggregate::Minimum<i16>",
        (false, Statistic::Mean) => "aggregate::Mean<i64>",
        (false, Statistic::Variance) => "aggregate::Variance<i64, u64>",
        (true, Statistic::Maximum) => "aggregate::Maximum<u64>",
        (true, Statistic::Minimum) => "aggregate::Minimum<u64>",
        (true, Statistic::Mean) => "aggregate::Mean<u128>",
        (true, Statistic::Variance) => "aggregate::Variance<u64, u128>",
    }
}

/// Where decisions overlap, of how many steps before its last one each has the frames.
fn n_steps_before(front: &SoundFront) -> Option<u32> {
    let per_step = front.n_frames_per_step?;
    Some(front.n_frames_per_decision.get() / per_step - 1)
}

/// Filters of the bands that are needed: all for cepstra.
fn table_of(front: &SoundFront, table: &FilterTable, values: &[usize]) -> FilterTable {
    let n = front.n_of_filters();
    let has_cepstra = front.n_cepstra > 0 && values.iter().any(|at| *at < n);
    let is_asked: Vec<bool> = (0..front.bank.n_bands)
        .map(|band| has_cepstra || (front.n_cepstra == 0 && values.contains(&band)))
        .collect();
    table.asked(&is_asked, values.iter().any(|at| *at >= n))
}

pub(super) fn source(front: &SoundFront, table: &FilterTable, is_asked: &[bool]) -> String {
    let m = front.bank.n_points / 2;
    let asked = front.asked(is_asked);
    let n_values = asked.values.len();
    let mut needed = Needed {
        modules: vec!["aggregate", "chain"],
        statics: String::new(),
    };
    let measured = needed.measured(front, &asked.values);
    let mut kept = needed.statistics(front, n_values, &asked.statistics, None);
    if !asked.of_deltas.is_empty() {
        needed.modules.push("deltas");
        let values: BTreeSet<u8> = (asked.of_deltas.iter())
            .flat_map(|(_, places)| places.iter().copied())
            .collect();
        let values: Vec<u8> = values.into_iter().collect();
        let of_values: Vec<(Statistic, Vec<u8>)> = (asked.of_deltas.iter())
            .map(|(statistic, places)| (*statistic, places_in(&values, places)))
            .collect();
        let n = values.len();
        let side = front.n_delta_frames;
        let summary = Part::pairs(&needed.statistics(front, n, &of_values, Some(2 * side)));
        let deltas = Part {
            name: format!("deltas::Deltas<{}, {n}, {}>", summary.name, 2 * side + 1),
            new: format!("deltas::Deltas::new({side}, {})", summary.new),
        };
        kept.push(needed.among(n_values, &values, deltas));
    }
    let kept = Part::pairs(&kept);
    let Needed {
        mut modules,
        statics,
    } = needed;
    let table = table_of(front, table, &asked.values);
    modules.sort_unstable();
    modules.dedup();
    let window = constructor(front.window);
    let filtering = Filtering::new(front.filter.as_ref(), front.bank.sample_rate_hz, 1);
    let filter_push = match front.filter {
        Some(_) => "let [sample] = self.1.push([sample]);\n        ",
        None => "",
    };
    let steps = front.n_frames_per_step.zip(n_steps_before(front));
    let (gated, push) = match (front.trigger, steps) {
        (Some(trigger), _) => (
            Gated::new(Some(&trigger), 1),
            "self.0.push([sample], sample)",
        ),
        (None, Some((n, n_before))) => (Gated::steps(n.get(), n_before), "self.0.push(sample)"),
        (None, None) => (
            Gated::new(None, 1),
            "if self.0.push(sample) { self.0.decide() } else { None }",
        ),
    };
    // Steps count the frames themselves.
    let (per_chain, chain_frames) = match steps {
        Some(_) => ("NonZeroU32::MIN", String::new()),
        None => (
            "FRAMES_PER_DECISION",
            format!(
                "const FRAMES_PER_DECISION: NonZeroU32 = NonZeroU32::new({}).unwrap();\n",
                front.n_frames_per_decision
            ),
        ),
    };
    format!(
        "//! From samples to the class: {rate} samples per second, frames of {points} every \
         {hop}, {frames} frames to a decision. Generated by Spinney.\n\n\
         use core::num::{{NonZeroU16, NonZeroU32}};\n\n\
         use spinney_frontend::{{{modules}}};\n\
         use spinney_frontend::window::Window;\n\
         {filters}\
         {statics}{filter}{gate}\n\
         /// Values of a frame, of which statistics are taken.\n\
         pub const N_VALUES: usize = {n_values};\n\n\
         /// Values of a sample.\n\
         pub const N_CHANNELS: usize = 1;\n\n\
         /// What the microphone delivers.\n\
         pub type Sample = i16;\n\n\
         /// A sample of its values.\n\
         #[must_use]\n\
         pub const fn sample([value]: [i16; N_CHANNELS]) -> Sample {{\n    \
         value\n\
         }}\n\n\
         /// Samples from one decision's start to the next one's{at_least}.\n\
         pub const SAMPLES_PER_DECISION: usize = {per_decision};\n\n\
         /// Whether a trigger opens decisions; else one follows the other.\n\
         pub const IS_TRIGGERED: bool = {is_triggered};\n\n\
         const HOP: NonZeroU16 = NonZeroU16::new({hop}).unwrap();\n\
         {chain_frames}\
         static WINDOW: Window<{m}> = Window::{window}();\n\n\
         /// What is measured of a frame.\n\
         type Measured = {measured};\n\n\
         /// What is taken of values over the frames of a decision.\n\
         type Kept = {kept};\n\n\
         /// Samples in, a row of readings out for each decision.\n\
         #[derive(Debug, Clone)]\n\
         pub struct Chain({gate_type}chain::Chain<'static, Measured, Kept, crate::Reading, {m}, N_VALUES, {{ crate::N_FEATURES }}>{gate_type_end}{field});\n\n\
         impl Chain {{\n    \
         /// Before the first sample.\n    \
         #[must_use]\n    \
         #[inline]\n    \
         pub fn new() -> Self {{\n        \
         Self({gate_new}chain::Chain::new(\n            \
         &WINDOW, FILTERS, {measured_new}, {kept_new}, HOP, {per_chain},\n        \
         ){gate_new_end}{filter_new})\n    \
         }}\n\n    \
         /// Takes the next sample; the last one of a decision gives its readings.\n    \
         #[inline]\n    \
         pub fn push(&mut self, sample: Sample) -> Option<[crate::Reading; crate::N_FEATURES]> {{\n        \
         {filter_push}{push}\n    \
         }}\n\n    \
         /// The readings of the frames since the last decision, if there are any, as where a recording\n    \
         /// ends before its decision does; the next sample begins a decision.\n    \
         pub fn finish(&mut self) -> Option<[crate::Reading; crate::N_FEATURES]> {{\n        \
         {filter_restart}self.0.finish()\n    \
         }}\n\n\
         {methods}",
        rate = front.bank.sample_rate_hz,
        points = front.bank.n_points,
        hop = front.hop,
        frames = front.n_frames_per_decision,
        filters = filters(&table, front.bank.n_points),
        per_decision = match front.trigger {
            Some(_) => front.n_samples_heard(),
            None => front.n_samples_per_step(),
        },
        measured = measured.name,
        measured_new = measured.new,
        kept = kept.name,
        kept_new = kept.new,
        modules = modules.join(", "),
        filter = filtering.statics,
        field = filtering.field,
        filter_new = filtering.new,
        filter_restart = filtering.restart,
        methods = filtering.methods(gated.is_open),
        at_least = gated.at_least,
        is_triggered = front.trigger.is_some(),
        gate = gated.statics,
        gate_type = gated.around_type.0,
        gate_type_end = gated.around_type.1,
        gate_new = gated.around_new.0,
        gate_new_end = gated.around_new.1,
    )
}

/// Where values stand among others, which have all of them.
fn places_in(all: &[u8], values: &[u8]) -> Vec<u8> {
    let places = values.iter().filter_map(|it| all.binary_search(it).ok());
    places.filter_map(|place| place.try_into().ok()).collect()
}

/// Several types or values as one, in their order.
fn pairs(parts: &[&str]) -> String {
    match parts {
        [] => "()".to_owned(),
        [last] => (*last).to_owned(),
        [first, rest @ ..] => format!("({first}, {})", pairs(rest)),
    }
}
