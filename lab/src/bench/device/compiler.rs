//! The C compiler of the peers: found, asked for its version, and run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_evaluate::Footprint;

use super::model::{Model, Source};
use super::{DEADLINE_S, Place};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{environment, process};

/// What the distribution calls it.
pub(in crate::bench) const PACKAGES: [&str; 2] = ["gcc-arm-none-eabi", "libnewlib-arm-none-eabi"];

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

impl Compiler {
    /// Finds the compiler and its C library.
    pub(in crate::bench) fn find() -> Result<Self, Failure> {
        let missing = || {
            anyhow!(
                "arm-none-eabi-gcc and newlib are needed for the peers; `apt-get install {}` or \
                 `--setup` brings them",
                PACKAGES.join(" ")
            )
        };
        let ask = |what: &str| {
            let mut command = Command::new("arm-none-eabi-gcc");
            environment::first_line(command.arg(what))
        };
        let version = ask("--version")?.with_context(missing).environment()?;
        // The compiler repeats the bare name where it knows no such file.
        ask("-print-file-name=libc.a")?
            .filter(|library| Path::new(library).is_file())
            .with_context(missing)
            .environment()?;
        Ok(Self {
            version,
            headers: PathBuf::new(),
        })
    }

    /// With the headers of the emlearn that is installed in an environment.
    pub(in crate::bench) fn with_headers(self, python: &Path) -> Result<Self, Failure> {
        let program = "from emlearn import common; print(common.get_include_dir())";
        let headers = environment::first_line(Command::new(python).args(["-c", program]))?
            .context("emlearn does not say where its headers are")
            .environment()?;
        Ok(Self {
            headers: headers.into(),
            ..self
        })
    }

    /// Builds the image of `source`, or of no model, in `folder`; returns its path and footprint.
    pub(super) fn build(
        &self,
        model: &Model,
        source: &Source,
        is_empty: bool,
        place: &Place,
        folder: &Path,
    ) -> Result<(PathBuf, Footprint), Failure> {
        let harness = crate::repository().join("scripts/peers/harness");
        let text = if is_empty {
            harness.join("empty.c")
        } else {
            model.folder.join(&source.file)
        };
        let (loop_object, object) = (folder.join("harness.o"), folder.join("predict.o"));
        let is_cpp = text.extension().is_some_and(|extension| extension == "cpp");
        let shape = [
            format!("-DN_FEATURES={}", model.n_features),
            format!("-DN_CLASSES={}", model.n_classes),
        ];
        let includes = [&harness, &harness.join("shim"), &self.headers]
            .map(|folder| format!("-I{}", folder.display()));
        let compile = |from: &Path, to: &Path, flags: &[&str]| {
            let program = if is_cpp && from == text {
                "arm-none-eabi-g++"
            } else {
                "arm-none-eabi-gcc"
            };
            let mut command = Command::new(program);
            command.args(FLAGS).args(place.gcc).args(&shape);
            if source.reading == "int16" {
                command.arg("-DREADING_INT16");
            }
            command.args(&includes).args(flags);
            run(command.arg("-c").arg(from).arg("-o").arg(to))
        };
        compile(&harness.join("harness.c"), &loop_object, &HARNESS_FLAGS)?;
        compile(&text, &object, if is_cpp { &CPP_FLAGS } else { &[] })?;
        let elf = folder.join("image.elf");
        let footprint = link(&[&loop_object, &object], place, &elf)?;
        Ok((elf, footprint))
    }

    /// Builds a program that brings its own loop, with the peer's headers and those of `includes`.
    pub(in crate::bench) fn build_program(
        &self,
        source: &Path,
        includes: &[&Path],
        flags: &[&str],
        place: &Place,
        elf: &Path,
    ) -> Result<Footprint, Failure> {
        let harness = crate::repository().join("scripts/peers/harness");
        let object = elf.with_extension("o");
        let mut command = Command::new("arm-none-eabi-gcc");
        command.args(FLAGS).args(place.gcc).args(flags);
        for folder in [&*harness, &*self.headers].iter().chain(includes) {
            command.arg(format!("-I{}", folder.display()));
        }
        run(command.arg("-c").arg(source).arg("-o").arg(&object))?;
        link(&[&object], place, elf)
    }
}

/// Links objects and the C library's maths to an image, whose footprint it returns.
fn link(objects: &[&Path], place: &Place, elf: &Path) -> Result<Footprint, Failure> {
    let harness = crate::repository().join("scripts/peers/harness");
    let mut link = Command::new("arm-none-eabi-gcc");
    link.args(["-mthumb", "-nostartfiles", "-Wl,--gc-sections"])
        .args(place.gcc)
        .arg("-T")
        .arg(harness.join("image.ld"))
        .arg(format!(
            "-Wl,--defsym=stack_top={:#x}",
            place.machine()?.ram.end() & !7
        ))
        .args(objects)
        .arg("-lm")
        .arg("-o")
        .arg(elf);
    run(&mut link)?;
    Footprint::from_elf(&std::fs::read(elf).environment()?).environment()
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let deadline = std::time::Duration::from_secs(u64::from(DEADLINE_S));
    let finished = process::run(command, deadline)
        .with_context(|| format!("cannot run {}", command.get_program().display()))
        .environment()?;
    if finished.succeeded() {
        return Ok(());
    }
    Err(Failure::Environment(anyhow!(
        "a peer's source does not build:\n{}",
        String::from_utf8_lossy(&finished.stderr).trim_end()
    )))
}
