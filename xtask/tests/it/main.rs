//! Tests of what the crate offers.

#![expect(clippy::disallowed_methods, reason = "tests end with what they start")]

mod folders;
mod gaps;
mod hints;
mod interrupt;
mod json;
mod motion;
#[cfg(target_os = "linux")]
mod output;
mod project;
mod properties;
mod report;
mod seen;
mod tables;
mod validation;
