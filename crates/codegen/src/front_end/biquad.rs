//! A filter of samples in a generated crate; its twin is the front end's `biquad.rs`.

use spinney_signal::SampleFilter;

use super::METHODS;

/// A filter of samples in a chain, piece by piece; nothing of any without one.
#[derive(Default)]
pub(super) struct Filtering {
    /// Its coefficients.
    pub(super) statics: String,
    /// What the chain has besides, its type and how it begins.
    pub(super) field: String,
    pub(super) new: &'static str,
    /// A line of `push`, of a sample that is an array.
    pub(super) push: &'static str,
    /// A line where a recording ends.
    pub(super) restart: &'static str,
}

impl Filtering {
    /// Of so many channels.
    pub(super) fn new(
        filter: Option<&SampleFilter>,
        sample_rate_hz: f64,
        n_channels: usize,
    ) -> Self {
        let Some(filter) = filter else {
            return Self::default();
        };
        let biquads = filter.biquads(sample_rate_hz);
        let n = biquads.sections.len();
        let sections: String = (biquads.sections.iter())
            .map(|it| format!("    Section {{ b: {:?}, a: {:?} }},\n", it.b, it.a))
            .collect();
        Self {
            statics: format!(
                "\nuse spinney_frontend::biquad::{{Filter, Filtered, Section}};\n\n\
                 /// What samples go through: {filter}, in units of 2^−30.\n\
                 static FILTER: Filter<{n}> = match Filter::new([\n{sections}], {shift}) {{\n    \
                 Ok(filter) => filter,\n    Err(error) => error.refuse(),\n}};\n",
                shift = biquads.shift,
            ),
            field: format!(", Filtered<'static, {n_channels}, {n}>"),
            new: ", Filtered::new(&FILTER)",
            push: "let sample = self.1.push(sample);\n        ",
            restart: "self.1.restart();\n        ",
        }
    }

    /// The last lines of the chain's `impl`.
    pub(super) fn methods(&self, is_open: &str) -> String {
        let restart = format!("{}self.0.restart();", self.restart);
        (METHODS.replacen("self.0.restart();", &restart, 1)).replacen("IS_OPEN", is_open, 1)
    }
}
