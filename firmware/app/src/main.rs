//! The firmware around a model: wait for a row of readings, predict, deliver the class.
//!
//! All images share this loop and the model; they differ in their [`Transport`].
#![no_std]
#![no_main]

#[cfg(target_arch = "arm")]
#[path = "arm/mod.rs"]
mod arch;
#[cfg(target_arch = "riscv32")]
#[path = "riscv/mod.rs"]
mod arch;
#[cfg(feature = "signal")]
mod chain;
#[cfg(all(feature = "signal", feature = "verify"))]
mod listen;
#[cfg(feature = "product")]
mod product;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "verify")]
mod stack;
#[cfg(feature = "verify")]
mod verify;

#[cfg(not(feature = "product"))]
use core::hint::black_box as shown;
#[cfg(feature = "product")]
use product::{open, shown};
#[cfg(feature = "serve")]
use serve::open;
#[cfg(feature = "verify")]
use verify::open;

use model::{N_FEATURES, Reading};

/// Where rows come from and classes go to.
trait Transport {
    /// Waits for a row; `false` when there will be no more.
    fn next(&mut self, readings: &mut [Reading; N_FEATURES]) -> bool;
    /// Called right before a prediction.
    fn begin(&mut self) {}
    /// Called right after a prediction.
    fn end(&mut self) {}
    /// Takes the class predicted for `readings`.
    fn deliver(&mut self, readings: &[Reading; N_FEATURES], class: usize);
    /// Called after the last row.
    fn finish(self) -> !;
}

#[arch::entry]
fn main() -> ! {
    let mut transport = open();
    let mut readings = [Reading::default(); N_FEATURES];
    while transport.next(&mut readings) {
        transport.begin();
        let class = shown(model::predict(core::hint::black_box(&readings)));
        transport.end();
        transport.deliver(&readings, class);
    }
    transport.finish()
}
