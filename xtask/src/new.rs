//! `new`: a fresh user project around a pipeline, which builds as it is.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;
use spinney_board::{Chip, Core};
use spinney_codegen::exact_memory_x;

use crate::failure::{Blame, Failure};
use crate::{pipeline, places, store};

/// Files of a project; what stands in double braces is put in.
const TEMPLATE: [(&str, &str); 10] = [
    ("README.md", include_str!("../template/README.md")),
    (".gitignore", include_str!("../template/.gitignore")),
    (
        "pipeline.toml",
        include_str!("../template/pipeline.toml.in"),
    ),
    (
        ".github/workflows/ci.yml",
        include_str!("../template/.github/workflows/ci.yml"),
    ),
    (
        "firmware/Cargo.toml",
        include_str!("../template/firmware/Cargo.toml"),
    ),
    (
        "firmware/build.rs",
        include_str!("../template/firmware/build.rs"),
    ),
    (
        "firmware/.cargo/config.toml",
        include_str!("../template/firmware/.cargo/config.toml"),
    ),
    (
        "firmware/src/main.rs",
        include_str!("../template/firmware/src/main.rs"),
    ),
    (
        "firmware/src/sensor.rs",
        include_str!("../template/firmware/src/sensor.rs"),
    ),
    // The versions that this repository's own firmware is built with.
    (
        "firmware/Cargo.lock",
        include_str!("../../firmware/Cargo.lock"),
    ),
];

/// Rows that stand in for the user's.
const ROWS: &str = "data/iris.csv";

/// `new`: writes the project at `path`, for the chip of this name.
pub(crate) fn run(path: &Path, chip: &str) -> Result<(), Failure> {
    let listing = spinney_board::find(chip)
        .map_err(|error| {
            let nearest = match error.nearest.join(", ") {
                nearest if nearest.is_empty() => nearest,
                nearest => format!(" (nearest: {nearest})"),
            };
            anyhow!("--chip: {error}, expected one that `cargo xtask chips search` lists{nearest}")
        })
        .input()?;
    let chip = &listing.chip(None).ok_or_else(|| {
        Failure::Input(anyhow!(
            "--chip: found {}, whose core the table does not know, expected one that it knows",
            listing.name
        ))
    })?;
    let full = std::path::absolute(path).input()?;
    let name = project_name(&full)?;
    let is_taken = full
        .read_dir()
        .map_or(full.exists(), |mut entries| entries.next().is_some());
    if is_taken {
        return Err(Failure::Input(anyhow!(
            "{}: found something there already, expected a folder that is empty or does not exist",
            path.display()
        )));
    }
    let draft = store::Draft::of(&full).input()?;
    write(draft.path(), name, chip)?;
    draft.finish().input()?;
    println!(
        "{0}: a pipeline for irises on an {1}, and firmware around its model\n\
         next: cargo xtask pipeline run --config {0}/pipeline.toml\n\
         then: {0}/README.md",
        path.display(),
        chip.name
    );
    Ok(())
}

/// The last part of the path, which names pipeline and packages.
fn project_name(path: &Path) -> Result<&str, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_fit = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.filter(|name| is_fit(name)).ok_or_else(|| {
        Failure::Input(anyhow!(
            "{}: found a last part that names no package, expected lower-case letters, digits and \
             hyphens, a letter first",
            path.display()
        ))
    })
}

/// Writes all files of the project, the model's crate among them.
pub(crate) fn write(folder: &Path, name: &str, chip: &Chip) -> Result<(), Failure> {
    let words = words(name, chip);
    for (file, text) in TEMPLATE {
        let text = words.iter().fold(text.to_owned(), |text, (word, meaning)| {
            text.replace(&format!("{{{{{word}}}}}"), meaning)
        });
        store::write_whole(&folder.join(file), text.as_bytes()).input()?;
    }
    let map = exact_memory_x(chip.core, chip.boot, chip.flash, chip.ram);
    store::write_whole(&folder.join("firmware/memory.x"), map.as_bytes()).input()?;
    let rows = std::fs::read(places::repository().join(ROWS)).environment()?;
    store::write_whole(&folder.join("data/rows.csv"), &rows).input()?;
    let model = pipeline::crate_of(&folder.join("pipeline.toml"))?;
    for (file, text) in &model {
        store::write_whole(&folder.join("model").join(file), text.as_bytes()).input()?;
    }
    Ok(())
}

fn words(name: &str, chip: &Chip) -> BTreeMap<&'static str, String> {
    let target = chip.core.target();
    let [runtime, critical_section, dependencies, scripts] = if chip.core.is_riscv() {
        [
            "riscv_rt",
            "riscv",
            "riscv = { version = \"0.16.1\", features = [\"critical-section-single-hart\"] }\n\
             riscv-rt = { version = \"0.18.0\", features = [\"single-hart\"] }",
            "\"memory.x\", \"link.x\", \"defmt.x\"",
        ]
    } else {
        [
            "cortex_m_rt",
            "cortex_m",
            "cortex-m = { version = \"0.7.10\", features = [\"critical-section-single-core\"] }\n\
             cortex-m-rt = \"0.7.7\"",
            "\"link.x\", \"defmt.x\"",
        ]
    };
    [
        ("name", name.to_owned()),
        ("chip", chip.name.clone()),
        ("target", target.to_owned()),
        ("path", format!("path/to/{name}")),
        ("runtime", runtime.to_owned()),
        ("critical_section", critical_section.to_owned()),
        ("runtime_dependencies", dependencies.to_owned()),
        ("link_scripts", scripts.to_owned()),
        ("emulated", emulated(name, chip)),
    ]
    .into()
}

/// How the firmware runs without a board, where an emulated machine has the chip's memories.
fn emulated(name: &str, chip: &Chip) -> String {
    let machine = chip.core.machine();
    let is_alike = (machine.flash.origin, machine.ram.origin)
        == (chip.flash.origin, chip.ram.origin)
        && machine.flash.len >= chip.flash.len.min(machine.flash.len)
        && machine.ram.len >= chip.ram.len;
    if !is_alike {
        return String::new();
    }
    let elf = format!("target/{}/release/{name}-firmware", chip.core.target());
    let bios = if chip.core.is_riscv() {
        " -bios none"
    } else {
        ""
    };
    format!(
        "\nWithout a board, an emulator runs the same code (`cargo install defmt-print` decodes the \
         log):\n\n```sh\n\
         cd firmware && cargo build --release --no-default-features --features semihosting\n\
         {} -M {}{bios} -nographic -semihosting-config enable=on,target=native \\\n    \
         -kernel {elf} | defmt-print -e {elf}\n```\n",
        machine.qemu, machine.name
    )
}

/// What CI runs: a fresh project builds, and its firmware classifies on an emulated board.
pub(crate) fn check() -> Result<(), Failure> {
    let core = Core::CortexM4F;
    let chip = spinney_board::find("STM32F405RGTx")
        .map_err(|error| anyhow!(error))
        .environment()?
        .chip(None)
        .ok_or_else(|| Failure::Environment(anyhow!("the table has this chip's core")))?;
    let folder = tempfile::tempdir().environment()?;
    write(folder.path(), "fresh-project", &chip)?;
    let log = crate::image::emulated_log(
        &folder.path().join("firmware"),
        "fresh-project-firmware",
        &["--no-default-features", "--features", "semihosting"],
        core,
    )?;
    let expected = "INFO class setosa\nINFO class versicolor\nINFO class virginica\n";
    if log.eq_ignore_ascii_case(expected) {
        eprintln!("new: a fresh project builds, and its firmware tells the three flowers apart");
        return Ok(());
    }
    Err(Failure::Input(anyhow!(
        "a fresh project's firmware logs\n{log}expected\n{expected}"
    )))
}
