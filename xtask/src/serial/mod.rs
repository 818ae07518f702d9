//! Predictions by a live device: links to one, the session over a link, and what came of it.

mod check;
mod debugger;
mod emulated;
mod host;
mod link;
mod noise;
mod rtt;
mod session;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use check::check;
pub(crate) use debugger::{Debugger, Stop};
pub(crate) use emulated::{Served, halted};
pub(crate) use host::HostRows;
pub(crate) use link::{Link, Tty};
pub(crate) use noise::Noisy;
pub(crate) use session::{Card, Patience, Tally};
pub(crate) use verify::verify;
