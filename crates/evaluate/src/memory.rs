//! What an image takes of a chip's RAM while it runs: static data, stack and interrupts together.

use crate::{DeviceRun, Footprint};

/// A chip's RAM, and what is kept of it for interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChipRam {
    /// All of it.
    pub bytes: u64,
    /// What the core stacks for interrupts, beside the stack of predictions.
    pub interrupt_bytes: u32,
}

impl ChipRam {
    /// Static data of the product image, the deepest stack of the run, what the front end took of
    /// it included, and the margin for interrupts.
    pub fn taken(self, product: &Footprint, run: &DeviceRun) -> u64 {
        product.ram_bytes + u64::from(run.stack_bytes_max) + u64::from(self.interrupt_bytes)
    }
}
