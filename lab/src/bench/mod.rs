//! `bench`: figures that are committed, each with the verb that makes it.

pub(crate) mod agreement;
pub(crate) mod build;
pub(crate) mod cycles;
pub(crate) mod device;
pub(crate) mod frontend;
pub(crate) mod host;
mod python;
pub(crate) mod shrink;
pub(crate) mod train;
pub(crate) mod wheel;
