//! The firmware's sources, which travel in this crate.

/// Text by path within the folder of an image. `device/` links to where they are edited.
pub(super) const SOURCES: [(&str, &str); 33] = [
    (
        "Cargo.toml",
        include_str!("../../device/firmware/workspace.toml"),
    ),
    (
        "Cargo.lock",
        include_str!("../../device/firmware/workspace.lock"),
    ),
    (
        "app/Cargo.toml",
        include_str!("../../device/firmware/app.toml"),
    ),
    (
        "app/build.rs",
        include_str!("../../device/firmware/build.rs"),
    ),
    (
        "app/memory.x",
        include_str!("../../device/firmware/memory.x"),
    ),
    (
        "app/src/arm/counter.rs",
        include_str!("../../device/firmware/src/arm/counter.rs"),
    ),
    (
        "app/src/arm/mod.rs",
        include_str!("../../device/firmware/src/arm/mod.rs"),
    ),
    (
        "app/src/arm/stopwatch.rs",
        include_str!("../../device/firmware/src/arm/stopwatch.rs"),
    ),
    (
        "app/src/chain.rs",
        include_str!("../../device/firmware/src/chain.rs"),
    ),
    (
        "app/src/listen.rs",
        include_str!("../../device/firmware/src/listen.rs"),
    ),
    (
        "app/src/main.rs",
        include_str!("../../device/firmware/src/main.rs"),
    ),
    (
        "app/src/product.rs",
        include_str!("../../device/firmware/src/product.rs"),
    ),
    (
        "app/src/riscv/counter.rs",
        include_str!("../../device/firmware/src/riscv/counter.rs"),
    ),
    (
        "app/src/riscv/mod.rs",
        include_str!("../../device/firmware/src/riscv/mod.rs"),
    ),
    (
        "app/src/riscv/stopwatch.rs",
        include_str!("../../device/firmware/src/riscv/stopwatch.rs"),
    ),
    (
        "app/src/serve/cmsdk.rs",
        include_str!("../../device/firmware/src/serve/cmsdk.rs"),
    ),
    (
        "app/src/serve/mod.rs",
        include_str!("../../device/firmware/src/serve/mod.rs"),
    ),
    (
        "app/src/serve/nrf51.rs",
        include_str!("../../device/firmware/src/serve/nrf51.rs"),
    ),
    (
        "app/src/serve/ns16550.rs",
        include_str!("../../device/firmware/src/serve/ns16550.rs"),
    ),
    (
        "app/src/serve/pl011.rs",
        include_str!("../../device/firmware/src/serve/pl011.rs"),
    ),
    (
        "app/src/serve/registers.rs",
        include_str!("../../device/firmware/src/serve/registers.rs"),
    ),
    (
        "app/src/serve/rtt.rs",
        include_str!("../../device/firmware/src/serve/rtt.rs"),
    ),
    (
        "app/src/serve/stm32.rs",
        include_str!("../../device/firmware/src/serve/stm32.rs"),
    ),
    (
        "app/src/stack.rs",
        include_str!("../../device/firmware/src/stack.rs"),
    ),
    (
        "app/src/verify.rs",
        include_str!("../../device/firmware/src/verify.rs"),
    ),
    ("wire/Cargo.toml", include_str!("../../device/wire.toml")),
    (
        "wire/src/file.rs",
        include_str!("../../device/wire/file.rs"),
    ),
    (
        "wire/src/frame/codec.rs",
        include_str!("../../device/wire/frame/codec.rs"),
    ),
    (
        "wire/src/frame/message.rs",
        include_str!("../../device/wire/frame/message.rs"),
    ),
    (
        "wire/src/frame/mod.rs",
        include_str!("../../device/wire/frame/mod.rs"),
    ),
    (
        "wire/src/frame/tests.rs",
        include_str!("../../device/wire/frame/tests.rs"),
    ),
    (
        "wire/src/heard.rs",
        include_str!("../../device/wire/heard.rs"),
    ),
    ("wire/src/lib.rs", include_str!("../../device/wire/lib.rs")),
];

/// The versions that firmware is built with.
pub const LOCK: &str = include_str!("../../device/firmware/workspace.lock");

#[cfg(test)]
mod tests {
    use super::SOURCES;
    use crate::places;

    #[test]
    fn no_source_is_left_out() {
        let clone = places::clone().unwrap();
        for (from, to) in [("firmware/app", "app"), ("crates/wire/src", "wire/src")] {
            let found = places::files_below(&clone.join(from));
            assert!(found.len() > 5);
            for path in found {
                let text = std::fs::read_to_string(&path).unwrap();
                let below = path.strip_prefix(clone.join(from)).unwrap();
                let name = format!("{to}/{}", below.display());
                let own = SOURCES.iter().find(|(path, _)| *path == name);
                assert!(own.is_some_and(|(_, own)| *own == text), "{name}");
            }
        }
    }
}
