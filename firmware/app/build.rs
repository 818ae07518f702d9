//! Tells the linker where the memory map is and which scripts make an image of it.

fn main() {
    // A copy in cargo's own folder: target folders outlive the folder that this one lies in.
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::copy("memory.x", format!("{out}/memory.x")).expect("the memory map can be copied");
    // Where cortex-m-rt looks for the names of a chip's interrupts: there are none.
    std::fs::write(format!("{out}/device.x"), "").expect("an empty file can be written");
    println!("cargo:rustc-link-search={out}");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=build.rs");
    // Armv6-M and the baseline of Armv8-M have no cycle counter.
    println!("cargo:rustc-check-cfg=cfg(has_dwt)");
    if std::env::var("TARGET")
        .is_ok_and(|target| target.starts_with("thumbv7") || target.starts_with("thumbv8m.main"))
    {
        println!("cargo:rustc-cfg=has_dwt");
    }
    let is_riscv = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv32");
    // cortex-m-rt's script includes the memory map by itself.
    let memory = is_riscv.then_some("memory.x");
    for script in memory.into_iter().chain(["link.x", "defmt.x"]) {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
    // Without pages, an image may start at any address, as behind a bootloader.
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
