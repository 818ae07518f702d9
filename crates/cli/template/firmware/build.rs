//! Tells the linker where the memory map is and which scripts make an image of it.

fn main() {
    // A copy in cargo's own folder, so that this project can be moved.
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::copy("memory.x", format!("{out}/memory.x")).expect("the memory map can be copied");
    println!("cargo:rustc-link-search={out}");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=build.rs");
    for script in [{{link_scripts}}] {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
    // Without pages, an image may start at any address, as behind a bootloader.
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
