//! Tests of what the crate offers.

#[cfg(feature = "host")]
mod arbitrary_bytes;
#[cfg(feature = "frame")]
mod device;
