//! `[frontend] trigger`: a gate that opens decisions, of sound and of motion.

use std::num::NonZeroU16;

use spinney_signal::Trigger;

use crate::diagnostics::Fault;
use crate::raw::RawSection;
use crate::value::Reader;

/// The gate, whose block and what lies before it are within a frame of `n_points`.
pub(super) fn trigger(
    reader: &mut Reader,
    section: &RawSection,
    n_points: Option<u32>,
) -> Option<Trigger> {
    let or = |key, default: Option<u32>| match section.given(key) {
        Some(_) => section.integer_u32(key),
        None => default,
    };
    let Some(level) = section.integer_u32("trigger") else {
        for key in ["trigger_block", "trigger_before"] {
            if section.given(key).is_some() && section.given("trigger").is_none() {
                let message = format!("frontend.{key}: found no gate, expected `trigger`");
                reader.fault(Fault::new(section.given(key), message));
            }
        }
        return None;
    };
    let n_before = or("trigger_before", Some(0))?;
    let n_points = n_points?;
    let room = n_points.saturating_sub(n_before);
    let n_block = or("trigger_block", Some((n_points / 4).max(2)))?;
    if n_block > room {
        let (key, cause) = match section.given("trigger_before") {
            Some(_) => ("trigger_before", section.cause("trigger_block")),
            None => ("trigger_block", section.cause("frame")),
        };
        let message = format!(
            "frontend.{key}: found a block of {n_block} samples and {n_before} before it, expected at \
             most {n_points} together, those of a `frame`"
        );
        reader.refuse_pair(section, key, message, &cause);
    }
    Some(Trigger {
        level: NonZeroU16::new(u16::try_from(level).ok()?)?,
        n_block: NonZeroU16::new(u16::try_from(n_block).ok()?)?,
        n_before: u16::try_from(n_before).ok()?,
    })
}
