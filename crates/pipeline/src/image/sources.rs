//! The firmware's sources, which travel in this crate.

use spinney_codegen::texts;

/// Manifests and the lock file by path within the folder of an image; `device/` links to where they
/// are edited, as it does to all sources.
const OF_PACKAGES: [(&str, &str); 4] = [
    (
        "Cargo.toml",
        include_str!("../../device/firmware/workspace.toml"),
    ),
    ("Cargo.lock", LOCK),
    (
        "app/Cargo.toml",
        include_str!("../../device/firmware/app.toml"),
    ),
    ("wire/Cargo.toml", include_str!("../../device/wire.toml")),
];
const APP: [(&str, &str); 22] = texts!(
    "app/",
    "../../device/firmware/",
    [
        "build.rs",
        "memory.x",
        "src/arm/counter.rs",
        "src/arm/mod.rs",
        "src/arm/stopwatch.rs",
        "src/chain.rs",
        "src/listen.rs",
        "src/main.rs",
        "src/product.rs",
        "src/riscv/counter.rs",
        "src/riscv/mod.rs",
        "src/riscv/stopwatch.rs",
        "src/serve/cmsdk.rs",
        "src/serve/mod.rs",
        "src/serve/nrf51.rs",
        "src/serve/ns16550.rs",
        "src/serve/pl011.rs",
        "src/serve/registers.rs",
        "src/serve/rtt.rs",
        "src/serve/stm32.rs",
        "src/stack.rs",
        "src/verify.rs"
    ]
);
const WIRE: [(&str, &str); 7] = texts!(
    "wire/src/",
    "../../device/wire/",
    [
        "file.rs",
        "frame/codec.rs",
        "frame/message.rs",
        "frame/mod.rs",
        "frame/tests.rs",
        "heard.rs",
        "lib.rs"
    ]
);

/// Text by path within the folder of an image.
pub(super) fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    OF_PACKAGES.into_iter().chain(APP).chain(WIRE)
}

/// The versions that firmware is built with.
pub const LOCK: &str = include_str!("../../device/firmware/workspace.lock");

#[cfg(test)]
mod tests {
    use super::sources;
    use crate::{disk, places};

    #[test]
    fn no_source_is_left_out() {
        let clone = places::clone().unwrap();
        for (from, to) in [("firmware/app", "app"), ("crates/wire/src", "wire/src")] {
            let found = disk::files_below(&clone.join(from)).unwrap();
            assert!(found.len() > 5);
            for path in found {
                let text = std::fs::read_to_string(clone.join(from).join(&path)).unwrap();
                let name = format!("{to}/{}", path.display());
                let own = sources().find(|(path, _)| *path == name);
                assert!(own.is_some_and(|(_, own)| own == text), "{name}");
            }
        }
    }
}
