//! A gate of decisions in a generated crate; its twin is the front end's `gate.rs`.

use spinney_signal::Trigger;

/// A gate around what makes decisions, piece by piece; nothing of any without one.
#[derive(Default)]
pub(super) struct Gated {
    /// Imports and the gate.
    pub(super) statics: String,
    /// What stands before and behind the type of what makes decisions.
    pub(super) around_type: (&'static str, String),
    /// The same of what makes it.
    pub(super) around_new: (String, &'static str),
    /// What is said of the time between decisions.
    pub(super) at_least: &'static str,
    /// Whether a decision is being heard, as an expression of the chain.
    pub(super) is_open: &'static str,
}

impl Gated {
    /// Of so many channels.
    pub(super) fn new(trigger: Option<&Trigger>, n_channels: usize) -> Self {
        let Some(trigger) = trigger else {
            return Self {
                is_open: "true",
                ..Self::default()
            };
        };
        Self {
            statics: format!(
                "\nuse spinney_frontend::gate::{{Gate, Triggered}};\n\n\
                 /// What opens a decision: {trigger}.\n\
                 const GATE: Gate<{n_channels}> = match Gate::new({level}, NonZeroU16::new({block}).unwrap()) {{\n    \
                 Ok(gate) => gate,\n    Err(error) => error.refuse(),\n}};\n",
                level = trigger.level,
                block = trigger.n_block,
            ),
            around_type: ("Triggered<", format!(", {n_channels}>")),
            around_new: (format!("Triggered::new(GATE, {}, ", trigger.n_before), ")"),
            at_least: ", at the least",
            is_open: "self.0.is_open()",
        }
    }
}
