//! A device without hardware: the serial image of a model on an emulated board, whose UART is a
//! pseudo-terminal.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, anyhow};
use spinney_board::{Boot, Core, Machine};
use spinney_codegen::{Encoding, Identity, Origin};
use spinney_config::Config;
use spinney_evaluate::Footprint;
use tempfile::TempDir;

use super::debugger::Debugger;
use super::link::{Pipes, Tty};
use crate::environment;
use crate::failure::{ExitReason, Failure};
use crate::image::{self, Image, Transport, Way};
use crate::process::Guarded;
use crate::progress::Progress;
use crate::stages::Quantized;
use crate::{emulator, places, store};

/// An image that serves a model on an emulated machine.
pub struct Served {
    /// The emulated machine.
    pub machine: &'static Machine,
    /// What the image takes.
    pub footprint: Footprint,
    elf: PathBuf,
    /// Where that lies, for as long as anybody reads it.
    own: Rc<TempDir>,
    program: PathBuf,
}

impl Served {
    /// Builds the image of a pipeline's model for `core` and `machine`.
    pub fn build(
        config: &Config,
        quantized: &Quantized,
        core: Core,
        machine: &'static Machine,
        way: Way,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let artifacts = places::artifacts(config)?;
        let toolchain = environment::needed_toolchain(core.target(), &artifacts)?;
        let (program, _) = environment::needed_emulator(machine)?;
        let identity = Identity {
            pipeline: &config.pipeline.identity.name,
            kind: quantized.model.kind(),
            fingerprint: &quantized.fingerprint(),
            origin: Origin::Config,
        };
        let quant = &quantized.quant;
        // All forms give the same bits; the first that holds the model will do.
        let generated = [Encoding::Table, Encoding::Packed]
            .into_iter()
            .map(|encoding| {
                let options = spinney_convert::options_for(core, quant, encoding, false);
                spinney_codegen::drop_in(identity, quant, &options)
            })
            .reduce(Result::or)
            .context("no form of the model")
            .environment()?
            .input()?;
        let kind = match way {
            Way::Uart(_) => "serial",
            Way::Rtt => "rtt",
        };
        let folder = artifacts.join(format!("firmware/{kind}-{}-{core}", machine.name));
        let image = Image {
            model: &generated.files,
            model_package: identity.package(),
            has_probabilities: quant.probabilities().is_some(),
            memory: (machine.flash, machine.ram),
            boot: Boot::Direct,
            core,
            log: "info",
            for_speed: false,
            transport: Transport::Serve(way),
            takes_samples: false,
            class_only: false,
        };
        let bytes = image::build(&image, &toolchain, &folder, progress)?;
        // Nobody else has this copy: what runs is what was built.
        let own = Rc::new(tempfile::tempdir().environment()?);
        let elf = own.path().join("serial.elf");
        store::write_whole(&elf, &bytes).environment()?;
        let footprint = Footprint::from_elf(&bytes).environment()?;
        if let Some(reason) = emulator::does_not_fit(machine, &footprint) {
            return Err(Failure::Input(anyhow!("{reason}")));
        }
        Ok(Self {
            machine,
            footprint,
            elf,
            own,
            program,
        })
    }

    /// Starts the machine, with its UART on a pseudo-terminal.
    pub fn start(&self) -> Result<Emulated, Failure> {
        let own = Rc::clone(&self.own);
        Emulated::start(self.command(&["-serial", "pty"]), self.machine, own)
    }

    /// Starts the machine, and reaches it through the emulator's debugger interface.
    pub fn attach(&self) -> Result<(Debugger<Pipes>, Guarded), Failure> {
        debugged(self.command(&["-serial", "null", "-gdb", "stdio"]))
    }

    fn command(&self, devices: &[&str]) -> Command {
        emulator::command(&self.program, self.machine, &self.elf, devices)
    }
}

/// Starts an emulator whose pipes are its debugger interface.
fn debugged(mut command: Command) -> Result<(Debugger<Pipes>, Guarded), Failure> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut guarded = spawn(&mut command)?;
    match (guarded.child.stdin.take(), guarded.child.stdout.take()) {
        (Some(stdin), Some(stdout)) => Ok((Debugger::new(Pipes::new(stdin, stdout)), guarded)),
        _ => Err(Failure::Environment(anyhow!("no pipes"))),
    }
}

/// A machine with this image that has not run an instruction yet.
pub fn halted(
    program: &Path,
    machine: &Machine,
    elf: &Path,
) -> Result<(Debugger<Pipes>, Guarded), Failure> {
    let devices = ["-serial", "null", "-S", "-gdb", "stdio"];
    debugged(emulator::command(program, machine, elf, &devices))
}

/// A running machine; it ends when this is dropped.
pub struct Emulated {
    /// The pseudo-terminal that its UART is.
    pub path: PathBuf,
    _child: Guarded,
    /// The emulator tells of its UART before it has read all of the image.
    _image: Rc<TempDir>,
}

/// What is read of what an emulator says.
const SAID_BYTES_MAX: u64 = 1 << 20;

/// How long an emulator may take until it has a pseudo-terminal.
const START_MAX: Duration = Duration::from_secs(20);

/// A pseudo-terminal transfers at once, whatever it says.
const BAUD: u32 = 115_200;

impl Emulated {
    fn start(mut command: Command, machine: &Machine, image: Rc<TempDir>) -> Result<Self, Failure> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut guarded = spawn(&mut command)?;
        let child = &mut guarded.child;
        let stdout = child.stdout.take().context("no pipe").environment()?;
        let (sender, paths) = channel();
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let said = stdout.by_ref().take(SAID_BYTES_MAX);
            for line in said.lines().map_while(Result::ok) {
                if let Some(path) = pty(&line) {
                    let _ = sender.send(path);
                }
            }
            // Goes on reading, so that the emulator never waits for its pipe.
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        });
        let Ok(path) = paths.recv_timeout(START_MAX) else {
            let stderr = child.stderr.take();
            guarded.end().environment()?;
            let mut errors = String::new();
            if let Some(stderr) = stderr {
                let _ = stderr.take(SAID_BYTES_MAX).read_to_string(&mut errors);
            }
            return Err(Failure::Environment(anyhow!(
                "{} has given the UART of {} no pseudo-terminal: {}",
                machine.qemu,
                machine.name,
                errors.lines().next().unwrap_or("no message")
            )));
        };
        Ok(Self {
            path,
            _child: guarded,
            _image: image,
        })
    }

    /// The machine's UART.
    pub fn tty(&self) -> Result<Tty, Failure> {
        Tty::open(&self.path, BAUD)
    }
}

fn spawn(command: &mut Command) -> Result<Guarded, Failure> {
    Guarded::spawn(command)
        .with_context(|| format!("cannot run {}", command.get_program().display()))
        .environment()
}

/// The path in a line such as `char device redirected to /dev/pts/3 (label serial0)`.
fn pty(line: &str) -> Option<PathBuf> {
    let rest = line.strip_prefix("char device redirected to ")?;
    let (path, _) = rest.rsplit_once(" (label serial0)")?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_path_of_a_pseudo_terminal() {
        let path = super::pty("char device redirected to /dev/pts/3 (label serial0)");
        assert_eq!(path.unwrap().to_str(), Some("/dev/pts/3"));
        assert_eq!(
            super::pty("char device redirected to /dev/pts/3 (label parallel0)"),
            None
        );
        assert_eq!(super::pty("qemu: bye"), None);
    }
}
