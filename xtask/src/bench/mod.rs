//! `bench`: figures that are committed, each with the verb that makes it.

pub(crate) mod agreement;
mod parity;
pub(crate) mod train;
