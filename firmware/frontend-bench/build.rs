//! Tells the linker where the memory map is and which script makes an image of it.

fn main() {
    // A copy in cargo's own folder: target folders outlive the folder that this one lies in.
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::copy("memory.x", format!("{out}/memory.x")).expect("the memory map can be copied");
    println!("cargo:rustc-link-search={out}");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
