//! ELF files, as the fuzz target `elf` reads them.

use spinney_evaluate::{Footprint, Label, loaded, symbol};

/// An image.
pub fn elf(bytes: &[u8]) {
    let _ = Footprint::from_elf(bytes);
    let _ = loaded(bytes);
    let _ = symbol(bytes, "main");
    let _ = Label::of(bytes, "SPINNEY");
}
