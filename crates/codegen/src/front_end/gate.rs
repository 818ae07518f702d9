//! What says when decisions are made in a generated crate: a gate, or steps; their twins are the front
//! end's `gate.rs` and `overlap.rs`.

use spinney_signal::Trigger;

/// A gate around what makes decisions, or steps, piece by piece; nothing of any without one.
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

    /// Steps of so many frames, of which each decision has its own and `n_before` before it.
    pub(super) fn steps(n_frames: u32, n_before: u32) -> Self {
        Self {
            statics: format!(
                "\nuse spinney_frontend::overlap::Steps;\n\n\
                 const FRAMES_PER_STEP: NonZeroU32 = NonZeroU32::new({n_frames}).unwrap();\n"
            ),
            around_type: ("Steps<", ">".to_owned()),
            around_new: (format!("Steps::new(FRAMES_PER_STEP, {n_before}, "), ")"),
            is_open: "true",
            ..Self::default()
        }
    }
}
