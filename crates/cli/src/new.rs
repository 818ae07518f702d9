//! `new`: a fresh user project around a pipeline, which builds as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_board::{Boot, Chip};
use spinney_codegen::{SourceTree, exact_memory_x};
use spinney_config::Config;
use spinney_quantize::ReadingType;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{image, invocation, lock_file, places, stages, store};

use crate::own_xtask::{self, Spinney};
use crate::start::{IRISES, OF_ROWS, sensor_rows};
use crate::terminal;

/// Files of a project; what stands in double braces is put in.
#[rustfmt::skip]
const TEMPLATE: [(&str, &str); 9] = [
    ("README.md", include_str!("../template/README.md")),
    (".gitignore", include_str!("../template/.gitignore")),
    ("pipeline.toml", include_str!("../template/pipeline.toml.in")),
    (WORKFLOW, include_str!("../template/.github/workflows/ci.yml")),
    ("firmware/Cargo.toml", include_str!("../template/firmware/package.toml")),
    ("firmware/build.rs", include_str!("../template/firmware/build.rs")),
    ("firmware/.cargo/config.toml", include_str!("../template/firmware/.cargo/config.toml")),
    ("firmware/src/main.rs", include_str!("../template/firmware/src/main.rs")),
    ("firmware/src/sensor.rs", include_str!("../template/firmware/src/sensor.rs")),
];

pub use crate::start::Start;

/// The sensor of a project whose model hears samples.
const OF_SAMPLES: &str = include_str!("../template/firmware/src/sensor-of-samples.rs");

const WORKFLOW: &str = ".github/workflows/ci.yml";
/// Its step for a project with firmware.
const FIRMWARE_STEP: &str = "      - name: The firmware builds
        working-directory: firmware
        run: cargo build --release --locked
";
const CONFIG: &str = "pipeline.toml";
/// Where the chip's memories are, in a project.
const MEMORY_MAP: &str = "firmware/memory.x";
/// What follows the chip's name in the first line of a memory map.
const BY: &str = ", by `cargo xtask new` */";

/// Where rows lie in a project, and the model's crate.
pub(crate) const ROWS: &str = "data/rows.csv";
pub(crate) const MODEL: &str = "model";
/// Rows that stand in for the user's.
pub(crate) const ROWS_BYTES: &[u8] = include_bytes!("../template/rows.csv");

/// `new`: writes the project at `path`, for the chip of this name.
pub(crate) fn run(
    path: &Path,
    chip: &Chip,
    spinney: Option<&Path>,
    start: &Start,
) -> Result<(), Failure> {
    let spinney = Spinney::new(spinney)?;
    places::refuse_sources(path)?;
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
    write(draft.path(), name, chip, start)?;
    let xtask = [
        (own_xtask::MANIFEST, spinney.manifest()),
        (own_xtask::MAIN, own_xtask::MAIN_TEXT.to_owned()),
        (own_xtask::SETTINGS, own_xtask::settings()),
    ];
    write_all(draft.path(), xtask)?;
    draft.finish().input()?;
    if let Some(reason) = chip.cannot_start() {
        println!("note: {reason}");
    }
    println!(
        "{0}: a pipeline for {3} on an {1}, and firmware around its model\n\
         next: cd {4} && {2} pipeline run --setup\n\
         then: {0}/README.md",
        path.display(),
        chip.name,
        invocation::name(),
        start.what,
        invocation::argument(path)
    );
    spinney.tell();
    Ok(())
}

/// Where a project goes, and what it starts from. Whoever names the place last has it read for one more
/// file.
pub(crate) fn place(
    path: Option<PathBuf>,
    mut from: Vec<PathBuf>,
) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    if let Some(path) = path {
        return Ok((path, from));
    }
    match from.pop() {
        Some(last) if !from.is_empty() && !last.is_file() => Ok((last, from)),
        _ => Err(Failure::Input(anyhow!(
            "found no place for the project, expected one: `{} new PATH --from FILE`",
            invocation::name()
        ))),
    }
}

/// The chip of this name, whose core the table knows.
pub(crate) fn known_chip(name: &str) -> anyhow::Result<Chip> {
    let listing = spinney_board::find(name).map_err(|error| {
        let nearest = match error.nearest.join(", ") {
            nearest if nearest.is_empty() => nearest,
            nearest => format!(" (nearest: {nearest})"),
        };
        let search = invocation::verb("chips search");
        anyhow!("{error}, expected one that {search} lists{nearest}")
    })?;
    let name = &listing.name;
    listing.chip(None).with_context(|| {
        format!("found {name}, whose core the table does not know, expected one that it knows")
    })
}

/// The chip of this name, if an image may be written for it, from `origin` on where one is given.
pub(crate) fn chip_named(name: &str, origin: Option<u32>) -> Result<Chip, Failure> {
    let chip = known_chip(name).context("--chip").input()?;
    let own_end = chip.flash.end();
    let chip = match origin {
        Some(origin)
            if !(u64::from(chip.flash.origin)..own_end).contains(&u64::from(origin))
                || !origin.is_multiple_of(chip.core.image_alignment()) =>
        {
            return Err(Failure::Input(anyhow!(
                "--origin: found {origin:#x}, expected a multiple of {:#x} from {:#x} to {own_end:#x}, \
                 in the flash of {}",
                chip.core.image_alignment(),
                chip.flash.origin,
                chip.name
            )));
        }
        Some(origin) => chip.behind(origin),
        None => chip,
    };
    if chip.boot.locks() {
        return Err(Failure::Input(anyhow!(
            "--chip: found {}, whose image could lock it: {}",
            chip.name,
            chip.boot.missing().unwrap_or_default()
        )));
    }
    Ok(chip)
}

/// The last part of the path, which names pipeline and packages.
fn project_name(path: &Path) -> Result<&str, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.filter(|name| is_package_name(name)).ok_or_else(|| {
        Failure::Input(anyhow!(
            "{}: found a last part that names no package, expected lower-case letters, digits and \
             hyphens, a letter first",
            path.display()
        ))
    })
}

/// Whether pipeline and packages can be called so.
pub(crate) fn is_package_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Writes all files of the project but its `xtask`, the model's crate among them.
pub fn write(folder: &Path, name: &str, chip: &Chip, start: &Start) -> Result<(), Failure> {
    let mut files = files(name, chip);
    let mut words = words(name, chip);
    words.insert("dataset", start.dataset.clone());
    let [flash, ram] = start.budget.map(str::to_owned);
    words.extend([("flash", flash), ("ram", ram)]);
    files.insert(CONFIG, template(CONFIG, &words));
    let (model, sensor) = model(&start.rows, &files[CONFIG])?;
    files.insert("firmware/src/sensor.rs", sensor);
    write_all(folder, &files)?;
    write_all(folder, start.rows.iter().map(|(file, bytes)| (file, bytes)))?;
    write_all(&folder.join(MODEL), &model)?;
    write_lock(folder, &model)
}

fn write_all<P: AsRef<Path>, B: AsRef<[u8]>>(
    folder: &Path,
    files: impl IntoIterator<Item = (P, B)>,
) -> Result<(), Failure> {
    let mut files = files.into_iter();
    files.try_for_each(|(file, bytes)| {
        store::write_whole(&folder.join(file), bytes.as_ref()).input()
    })
}

/// The model of a pipeline for rows, as a crate, and what stands in for a sensor. It is made in a folder
/// of its own, so that nothing else comes of it.
pub(crate) fn model(
    rows: &[(String, Vec<u8>)],
    config: &str,
) -> Result<(SourceTree, String), Failure> {
    let folder = tempfile::tempdir().environment()?;
    let path = folder.path().join(CONFIG);
    store::write_whole(&path, config.as_bytes()).environment()?;
    for (file, bytes) in rows {
        store::write_whole(&folder.path().join(file), bytes).environment()?;
    }
    // What is at fault lies where the project has it, not in a folder that is gone by then.
    let root = format!("{}/", folder.path().display());
    let in_project = |failure| match failure {
        Failure::Input(error) => {
            Failure::Input(anyhow!("{}", format!("{error:#}").replace(&root, "")))
        }
        other => other,
    };
    let model = stages::crate_of(&path, terminal::progress()).map_err(in_project)?;
    let quantized = stages::quantized(&path, terminal::progress()).map_err(in_project)?;
    let train = quantized
        .rows
        .train
        .as_ref()
        .unwrap_or(&quantized.rows.test);
    if !quantized.rows.test_samples.is_empty() {
        return Ok((model, OF_SAMPLES.to_owned()));
    }
    let shown = sensor_rows(train, quantized.quant.reading_type() == ReadingType::F32);
    let words = [
        ("n_rows", shown.len().to_string()),
        ("sensor_rows", shown.concat()),
    ];
    Ok((model, template("firmware/src/sensor.rs", &words.into())))
}

/// The files of a project around its rows, its model and its `xtask`, by path.
fn files(name: &str, chip: &Chip) -> BTreeMap<&'static str, String> {
    let words = words(name, chip);
    let filled = TEMPLATE.map(|(file, _)| (file, template(file, &words)));
    let map = exact_memory_x(chip.core, chip.boot, chip.flash, chip.ram);
    let map = format!("/* {}{BY}\n{map}", chip.name);
    filled.into_iter().chain([(MEMORY_MAP, map)]).collect()
}

/// The config of a pipeline alone, whose rows and crate lie at these places.
pub(crate) fn config(name: &str, chip: &Chip, rows: &str, model: &str) -> String {
    let mut words = words(name, chip);
    words.extend([("rows", rows.to_owned()), ("crate", model.to_owned())]);
    template(CONFIG, &words)
}

/// The workflow of a pipeline alone, which may hand a crate over.
pub(crate) fn workflow(name: &str, chip: &Chip, model: Option<&str>) -> String {
    let mut words = words(name, chip);
    words.insert("last_steps", model.map_or_else(String::new, model_step));
    template(WORKFLOW, &words)
}

/// A file of the template with what stands in double braces put in.
fn template(file: &str, words: &BTreeMap<&'static str, String>) -> String {
    let text = TEMPLATE.iter().find(|(path, _)| *path == file);
    let text = text.map_or("", |(_, text)| text).to_owned();
    words.iter().fold(text, |text, (word, meaning)| {
        text.replace(&format!("{{{{{word}}}}}"), meaning)
    })
}

/// The step of a workflow that holds the committed crate to the pipeline.
fn model_step(model: &str) -> String {
    format!(
        "      - name: The committed model is what the pipeline gives\n        \
         run: git diff --exit-code -- {model}\n"
    )
}

/// The lock file of the firmware, whole, so that `--locked` holds from the first build on.
fn write_lock(folder: &Path, model: &SourceTree) -> Result<(), Failure> {
    let path = folder.join("firmware/Cargo.toml");
    let firmware = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))
        .input()?;
    let of_model = model
        .iter()
        .filter(|(path, _)| path.ends_with("Cargo.toml"));
    let manifests = of_model
        .map(|(_, text)| text.as_str())
        .chain([firmware.as_str()]);
    let lock = lock_file::complete(image::LOCK, manifests).environment()?;
    store::write_whole(&folder.join("firmware/Cargo.lock"), lock.as_bytes()).input()
}

/// The chip that the firmware beside a config was written for, where it is another than the
/// config's, and how to bring it over.
pub fn other_chip(config: &Config) -> Option<String> {
    let folder = config.path().parent()?;
    let before = written_for(folder)?;
    let chip = &config.pipeline.target.chip.name;
    let shown = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    (before != *chip).then(|| {
        format!(
            "{MEMORY_MAP} is for {before}, and the model now for {chip}: `{} new {} --update` brings the \
             firmware over",
            invocation::name(),
            invocation::argument(shown)
        )
    })
}

/// The chip in the first line of a project's memory map.
fn written_for(folder: &Path) -> Option<String> {
    let map = std::fs::read_to_string(folder.join(MEMORY_MAP)).ok()?;
    let (name, _) = map.lines().next()?.strip_prefix("/* ")?.split_once(BY)?;
    Some(name.to_owned())
}

/// `new --update`: brings the firmware of the project at `path` to the chip that its config names.
pub fn update(path: &Path) -> Result<(), Failure> {
    let config = spinney_config::load(&path.join("pipeline.toml"))?;
    let (chip, name) = (&config.pipeline.target.chip, &config.pipeline.identity.name);
    let before = written_for(path)
        .and_then(|name| spinney_board::find(&name).ok()?.chip(None))
        .with_context(|| {
            format!(
                "{}: found no memory map of {}, expected one that names its chip",
                path.join(MEMORY_MAP).display(),
                invocation::verb("new")
            )
        })
        .input()?;
    if before.core.is_riscv() != chip.core.is_riscv() {
        return Err(Failure::Input(anyhow!(
            "found firmware for {}, a {}, expected one for {}, a {}; make a new project, and take \
             src/sensor.rs along",
            before.name,
            before.core,
            chip.name,
            chip.core
        )));
    }
    let root = spinney_config::resolve(path).input()?;
    let mut kept = Vec::new();
    let mut n_written = 0;
    let (old, new) = (files(name, &before), files(name, chip));
    for (file, text) in new
        .iter()
        .filter(|(file, text)| old.get(*file) != Some(*text))
    {
        // The config names the chip already.
        if *file == "pipeline.toml" {
            continue;
        }
        let full = path.join(file);
        // A link would lead out of the project.
        let is_below = spinney_config::resolve(&full).is_ok_and(|it| it == root.join(file));
        let is_as_written = is_below
            && std::fs::read_to_string(&full)
                .is_ok_and(|now| *file == MEMORY_MAP || old.get(file) == Some(&now));
        if is_as_written {
            store::write_whole(&full, text.as_bytes()).input()?;
            n_written += 1;
        } else {
            kept.push(*file);
        }
    }
    println!("{n_written} files now for {}", chip.name);
    for file in kept {
        println!("note: {file} was changed since it was written, and left as it is");
    }
    if let Some(reason) = chip.cannot_start() {
        println!("note: {reason}");
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
        ("origin", origin(chip)),
        ("target", target.to_owned()),
        ("rows", ROWS.to_owned()),
        ("dataset", IRISES.to_owned()),
        ("flash", OF_ROWS[0].to_owned()),
        ("ram", OF_ROWS[1].to_owned()),
        ("crate", MODEL.to_owned()),
        ("last_steps", model_step(MODEL) + FIRMWARE_STEP),
        ("runtime", runtime.to_owned()),
        ("critical_section", critical_section.to_owned()),
        ("runtime_dependencies", dependencies.to_owned()),
        ("link_scripts", scripts.to_owned()),
        ("emulated", emulated(name, chip)),
        ("programming", programming(chip)),
        ("runner", runner(chip)),
    ]
    .into()
}

/// Where images start, where that is not the start of the chip's flash.
fn origin(chip: &Chip) -> String {
    let own = spinney_board::find(&chip.name).map(|listing| listing.flash.origin);
    match own {
        Ok(own) if own != chip.flash.origin => {
            format!(
                "origin = {:#x}              # behind a bootloader\n",
                chip.flash.origin
            )
        }
        _ => String::new(),
    }
}

/// How the firmware gets onto the chip, or why it does not.
fn programming(chip: &Chip) -> String {
    let how = "`cargo run --release` programs the chip through [probe-rs](https://probe.rs) and \
               shows the log.";
    match (chip.cannot_start(), chip.boot) {
        (Some(reason), _) => format!("**{reason}.** So `cargo run` programs nothing."),
        (None, Boot::LpcChecksum) => format!(
            "{how} The chip only starts an image whose first eight vectors add up to zero; `cargo \
             xtask flash` sees to that for the pipeline's image, and not every programmer does."
        ),
        (None, _) => how.to_owned(),
    }
}

fn runner(chip: &Chip) -> String {
    match chip.cannot_start() {
        Some(_) => "# No runner: README.md says why.".to_owned(),
        None => format!("runner = \"probe-rs run --chip {}\"", chip.name),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chip(name: &str) -> Chip {
        spinney_board::find(name).unwrap().chip(None).unwrap()
    }

    /// Writes a project's files, and rows.
    fn lay(folder: &Path, files: &BTreeMap<&'static str, String>) {
        for (file, text) in files {
            store::write_whole(&folder.join(file), text.as_bytes()).unwrap();
        }
        store::write_whole(&folder.join("data/rows.csv"), b"a,species\n1,x\n").unwrap();
    }

    #[test]
    fn a_chip_that_does_not_start_gets_no_runner_and_a_word() {
        let of = |name| files("demo", &chip(name));
        let plain = of("STM32F405RG");
        assert!(plain["README.md"].contains("`cargo run --release` programs the chip"));
        assert!(plain["firmware/.cargo/config.toml"].contains("probe-rs run --chip STM32F405RG"));
        for name in ["S32K144HAxxxLLx", "ESP32-C3", "CC1312R"] {
            let files = of(name);
            let reason = chip(name).cannot_start().unwrap();
            assert!(files["README.md"].contains(&reason), "{name}");
            assert!(
                !files["firmware/.cargo/config.toml"].contains("probe-rs"),
                "{name}"
            );
        }
        // FSEC 0xfe: not secured.
        assert!(of("S32K144HAxxxLLx")[MEMORY_MAP].contains("LONG(0xffff7ffe)"));
        assert!(of("LPC845M301JBD48")["README.md"].contains("add up to zero"));
    }

    #[test]
    fn behind_a_bootloader_map_and_config_say_so() {
        let files = |chip: &str, origin| files("demo", &chip_named(chip, origin).unwrap());
        let behind = files("nRF52840_xxAA", Some(0x27000));
        assert!(behind["pipeline.toml"].contains("\norigin = 0x27000 "));
        let map = &behind[MEMORY_MAP];
        assert!(
            map.contains("FLASH : ORIGIN = 0x00027000, LENGTH = 0xd9000"),
            "{map}"
        );
        let plain = files("nRF52840_xxAA", None);
        assert!(!plain["pipeline.toml"].contains("origin"));
        for origin in [0x27010, 0x10_0000] {
            let error = chip_named("nRF52840_xxAA", Some(origin)).unwrap_err();
            assert!(
                format!("{error:?}").contains("0x400 from 0x0 to 0x100000"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_chip_that_an_image_could_lock_gets_no_project() {
        let error = chip_named("ADuCM3029", None).unwrap_err();
        assert!(matches!(error, Failure::Input(_)));
    }

    #[test]
    fn nothing_is_placed_among_the_sources() {
        for place in ["crates/demo", "docs/../xtask/demo", "firmware"] {
            let place = places::clone().unwrap().join(place);
            let error = run(&place, &chip("nRF52840_xxAA"), None, &Start::default()).unwrap_err();
            assert!(matches!(error, Failure::Input(_)), "{error:?}");
            assert!(
                format!("{error:?}").contains("which is Spinney's own"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_link_in_a_project_is_left_as_it_is() {
        let (folder, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = files("demo", &chip("nRF52840_xxAA"));
        lay(folder.path(), &files);
        let config = files["pipeline.toml"].replace("nRF52840_xxAA", "STM32G071RB");
        std::fs::write(folder.path().join("pipeline.toml"), config).unwrap();
        let theirs = victim.path().join("memory.x");
        std::fs::write(&theirs, &files[MEMORY_MAP]).unwrap();
        std::fs::remove_file(folder.path().join(MEMORY_MAP)).unwrap();
        std::os::unix::fs::symlink(&theirs, folder.path().join(MEMORY_MAP)).unwrap();
        update(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), files[MEMORY_MAP]);
        let map = folder.path().join(MEMORY_MAP);
        assert!(map.symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn firmware_follows_the_chip_of_its_config() {
        let folder = tempfile::tempdir().unwrap();
        let config = |chip: &str| {
            let text = &files("demo", &self::chip(chip))["pipeline.toml"];
            store::write_whole(&folder.path().join("pipeline.toml"), text.as_bytes()).unwrap();
            spinney_config::load(&folder.path().join("pipeline.toml")).unwrap()
        };
        lay(folder.path(), &files("demo", &chip("nRF52840_xxAA")));
        assert_eq!(other_chip(&config("nRF52840_xxAA")), None);
        let note = other_chip(&config("STM32G071RB")).unwrap();
        assert!(
            note.starts_with("firmware/memory.x is for nRF52840_xxAA"),
            "{note}"
        );
        let readme = folder.path().join("README.md");
        std::fs::write(&readme, "mine").unwrap();
        update(folder.path()).unwrap();
        assert_eq!(other_chip(&config("STM32G071RB")), None);
        let cargo = std::fs::read_to_string(folder.path().join("firmware/.cargo/config.toml"));
        assert!(cargo.unwrap().contains("thumbv6m-none-eabi"));
        assert_eq!(std::fs::read_to_string(&readme).unwrap(), "mine");
        config("CH32V103C8T6");
        let error = update(folder.path()).unwrap_err();
        assert!(matches!(error, Failure::Input(_)));
    }
}
