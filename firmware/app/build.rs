//! Tells the linker where the memory map is and which scripts make an image of it.

fn main() {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo:rustc-link-search={manifest}");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=build.rs");
    let is_riscv = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv32");
    // cortex-m-rt's script includes the memory map by itself.
    let memory = is_riscv.then_some("memory.x");
    for script in memory.into_iter().chain(["link.x", "defmt.x"]) {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
}
