//! Tells the linker where the memory map is and which scripts make an image of it.

fn main() {
    println!("cargo:rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=build.rs");
    for script in [{{link_scripts}}] {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
}
