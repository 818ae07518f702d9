//! The C compiler of the peers: found, asked for its version, and run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_cli::terminal;
use spinney_evaluate::Footprint;

use super::super::DEADLINE_S;
use super::Place;
use super::model::{Model, Source};
use crate::c99::CORTEX_M0;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{environment, process, setup};

/// For both the peers and the loop around them.
pub(in crate::bench) const FLAGS: [&str; 6] = [
    "-mthumb",
    "-O2",
    "-ffunction-sections",
    "-fdata-sections",
    "-fsingle-precision-constant",
    "-w",
];
/// So that the loop around the peers brings no library function, which they then would get for free.
const HARNESS_FLAGS: [&str; 2] = ["-fno-builtin", "-fno-tree-loop-distribute-patterns"];
const CPP_FLAGS: [&str; 3] = ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"];

/// The cross compiler and where the peers' headers lie.
pub(in crate::bench) struct Compiler {
    pub version: String,
    headers: PathBuf,
}

/// Holds that the compiler and its C library are here, and installs them first where that is asked for.
pub(in crate::bench) fn needed(wants_setup: bool) -> Result<(), Failure> {
    if wants_setup {
        spinney_cli::setup::run(false)?;
        setup::install_packages(&CORTEX_M0.lacks(), &terminal::notes())?;
    }
    match CORTEX_M0.lacks()[..] {
        [] => Ok(()),
        ref packages => Err(anyhow!(
            "the peers need arm-none-eabi-gcc and newlib; `apt-get install {}` or `--setup` brings them",
            packages.join(" ")
        ))
        .environment(),
    }
}

impl Compiler {
    /// With the headers of the emlearn that is installed in an environment.
    pub(in crate::bench) fn new(python: &Path) -> Result<Self, Failure> {
        let program = "from emlearn import common; print(common.get_include_dir())";
        let headers = environment::first_line(Command::new(python).args(["-c", program]))?
            .context("emlearn does not say where its headers are")
            .environment()?;
        Ok(Self {
            version: CORTEX_M0.version(),
            headers: headers.into(),
        })
    }

    /// Builds the image of `source`, or of no model, in `folder`.
    pub(super) fn build(
        &self,
        model: &Model,
        source: &Source,
        is_empty: bool,
        place: &Place,
        folder: &Path,
    ) -> Result<(Vec<u8>, Footprint), Failure> {
        let text = if is_empty {
            harness().join("empty.c")
        } else {
            model.folder.join(&source.file)
        };
        let (loop_object, object) = (folder.join("harness.o"), folder.join("predict.o"));
        let (n_features, n_classes) = (model.n_features, model.n_classes);
        let mut shape = vec![
            format!("-DN_FEATURES={n_features}"),
            format!("-DN_CLASSES={n_classes}"),
        ];
        if source.reading == "int16" {
            shape.push("-DREADING_INT16".to_owned());
        }
        let shape: Vec<&str> = shape.iter().map(String::as_str).collect();
        let shim = harness().join("shim");
        let compile = |from: &Path, to: &Path, flags: &[&str]| {
            let flags = [&shape, flags].concat();
            self.compile(from, &[&shim], &flags, place, to)
        };
        compile(&harness().join("harness.c"), &loop_object, &HARNESS_FLAGS)?;
        compile(&text, &object, &[])?;
        link(&[&loop_object, &object], place, &folder.join("image.elf"))
    }

    /// Builds a program that brings its own loop, with the peer's headers and those of `folder`, there.
    pub(in crate::bench) fn build_program(
        &self,
        source: &Path,
        folder: &Path,
        flags: &[&str],
        place: &Place,
    ) -> Result<(Vec<u8>, Footprint), Failure> {
        let object = folder.join("program.o");
        self.compile(source, &[folder], flags, place, &object)?;
        link(&[&object], place, &folder.join("program.elf"))
    }

    fn compile(
        &self,
        from: &Path,
        includes: &[&Path],
        flags: &[&str],
        place: &Place,
        to: &Path,
    ) -> Result<(), Failure> {
        let is_cpp = from.extension().is_some_and(|ending| ending == "cpp");
        let (program, of_language) = match is_cpp {
            true => ("arm-none-eabi-g++", &CPP_FLAGS[..]),
            false => ("arm-none-eabi-gcc", &[][..]),
        };
        let mut command = Command::new(program);
        let flags = [&FLAGS, place.gcc, of_language, flags].concat();
        command.args(flags);
        let (harness, headers) = (harness(), &*self.headers);
        for folder in [&*harness].iter().chain(includes).chain([&headers]) {
            command.arg("-I").arg(folder);
        }
        run(command.arg("-c").arg(from).arg("-o").arg(to))
    }
}

fn harness() -> PathBuf {
    crate::repository().join("scripts/peers/harness")
}

/// Links objects and the C library's maths to an image; its bytes and its footprint.
fn link(objects: &[&Path], place: &Place, elf: &Path) -> Result<(Vec<u8>, Footprint), Failure> {
    let mut link = Command::new("arm-none-eabi-gcc");
    link.args(["-mthumb", "-nostartfiles", "-Wl,--gc-sections"])
        .args(place.gcc)
        .arg("-T")
        .arg(harness().join("image.ld"))
        .arg(format!(
            "-Wl,--defsym=stack_top={:#x}",
            place.machine()?.ram.end() & !7
        ))
        .args(objects)
        .arg("-lm")
        .arg("-o")
        .arg(elf);
    run(&mut link)?;
    let bytes = crate::read(elf).environment()?;
    let footprint = Footprint::from_elf(&bytes).environment()?;
    Ok((bytes, footprint))
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let deadline = std::time::Duration::from_secs(u64::from(DEADLINE_S));
    let finished = process::run(command, deadline)
        .with_context(|| format!("cannot run {}", command.get_program().display()))
        .environment()?;
    if finished.succeeded() {
        return Ok(());
    }
    Err(anyhow!(
        "a peer's source does not build: it {}",
        finished.told_of_build()
    ))
    .environment()
}
