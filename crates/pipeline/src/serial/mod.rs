//! Predictions by a live device: links to one, the session over a link, and what came of it.

mod debugger;
mod emulated;
mod link;
mod noise;
mod session;
#[cfg(test)]
mod tests;
mod verify;

pub use debugger::{Debugger, Stop};
pub use emulated::{Served, halted};
pub use link::{Link, Tty};
pub use noise::Noisy;
pub use session::{Card, Patience, Tally};
pub use verify::{HostRows, verify};
