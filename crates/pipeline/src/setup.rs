//! `setup`: finds what this machine lacks, says so, and installs it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_board::MACHINES;

use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;
use crate::{environment, process};

/// Rust targets of the cores that shipped pipelines and tests build for.
pub const TARGETS: [&str; 9] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.base-none-eabi",
    "thumbv8m.main-none-eabi",
    "thumbv8m.main-none-eabihf",
    "riscv32imc-unknown-none-elf",
    "riscv32imac-unknown-none-elf",
];

/// One thing that is missing, and the command that brings it.
#[derive(Debug)]
pub struct Lack {
    /// What it is, as a noun.
    pub what: String,
    remedy: Remedy,
}

#[derive(Debug)]
enum Remedy {
    /// A Rust target through rustup.
    RustupTarget(String),
    /// A package of the distribution.
    Package(&'static str),
    /// Nothing that this program can do.
    Advice(String),
}

impl std::fmt::Display for Lack {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = &self.what;
        match &self.remedy {
            Remedy::RustupTarget(target) => write!(out, "{what}: rustup target add {target}"),
            Remedy::Package(package) => write!(out, "{what}: apt-get install {package}"),
            Remedy::Advice(advice) => write!(out, "{what}: {advice}"),
        }
    }
}

/// What is missing for the cores that shipped pipelines and tests build for.
///
/// # Errors
/// A compiler or linker is there and does not say what it is.
pub fn lacks() -> Result<Vec<Lack>, Failure> {
    let mut lacks = Vec::new();
    let may_download = environment::find_program("rustup").is_some()
        && std::env::var("RUSTUP_AUTO_INSTALL").as_deref() != Ok("0");
    let mut missing = Vec::new();
    for target in TARGETS {
        if environment::toolchain(target, Path::new("."))?.is_none() {
            missing.push(target);
        }
    }
    if may_download {
        lacks.extend(missing.iter().map(|target| Lack {
            what: format!("the Rust target {target}"),
            remedy: Remedy::RustupTarget((*target).to_owned()),
        }));
    } else if !missing.is_empty() {
        for (what, package) in [
            ("a compiler whose core can be built", "rustc-web"),
            ("the sources of core", "rust-web-src"),
            ("a linker", "lld"),
        ] {
            lacks.push(Lack {
                what: what.to_owned(),
                remedy: package_or_advice(package),
            });
        }
    }
    let emulators: BTreeSet<&str> = MACHINES.iter().map(|machine| machine.qemu).collect();
    for emulator in emulators {
        if environment::find_program(emulator).is_none() {
            let package = match emulator {
                "qemu-system-arm" => "qemu-system-arm",
                _ => "qemu-system-misc",
            };
            lacks.push(Lack {
                what: format!("the emulator {emulator}"),
                remedy: package_or_advice(package),
            });
        }
    }
    Ok(lacks)
}

fn package_or_advice(package: &'static str) -> Remedy {
    if environment::find_program("apt-get").is_some() {
        Remedy::Package(package)
    } else {
        Remedy::Advice(match package {
            "rustc-web" | "rust-web-src" => {
                "install Rust through rustup (https://rustup.rs), then run this again".to_owned()
            }
            "lld" => "install LLVM's linker, ld.lld".to_owned(),
            _ => "install QEMU 7.2 or later with its Arm and RISC-V system emulators".to_owned(),
        })
    }
}

/// Installs what is missing.
///
/// # Errors
/// An installer fails, or this program knows none.
pub fn install(lacks: &[Lack], progress: &Progress) -> Result<(), Failure> {
    let mut packages = Vec::new();
    for lack in lacks {
        match &lack.remedy {
            Remedy::RustupTarget(target) => {
                execute(&["rustup", "target", "add", target], progress)?;
            }
            Remedy::Package(package) => packages.push(*package),
            Remedy::Advice(advice) => {
                return Err(Failure::Environment(anyhow!(
                    "missing {}: {advice}",
                    lack.what
                )));
            }
        }
    }
    install_packages(&packages, progress)
}

/// Installs packages of the distribution, as root or through sudo.
pub fn install_packages(packages: &[&str], progress: &Progress) -> Result<(), Failure> {
    if packages.is_empty() {
        return Ok(());
    }
    let user = environment::first_line(Command::new("id").arg("-u"))?;
    let is_root = user.as_deref() == Some("0");
    let sudo: &[&str] = if is_root { &[] } else { &["sudo"] };
    let apt_get = |words: &[&str]| execute(&[sudo, &["apt-get"], words].concat(), progress);
    apt_get(&["update", "--quiet"])?;
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt_get(&[&install[..], packages].concat())
}

fn execute(words: &[&str], progress: &Progress) -> Result<(), Failure> {
    progress.installing(&words.join(" "));
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        // What installers say belongs with the progress, not with results.
        .stdout(std::io::stderr());
    let status = process::ask(&mut command)
        .with_context(|| format!("cannot run {}", words[0]))
        .environment()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Environment(anyhow!(
            "`{}` ended with {status}; run it by hand to see why",
            words.join(" ")
        )))
    }
}
