//! `setup`: finds what this machine lacks, says so, and installs it.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_board::MACHINES;

use crate::failure::{Blame, Failure};
use crate::{environment, process};

/// Rust targets of the cores that shipped pipelines and tests build for.
pub(crate) const TARGETS: [&str; 9] = [
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
struct Lack {
    what: String,
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

/// Installs what is missing; with `check` only tells, and fails if anything is.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    let lacks = lacks();
    if lacks.is_empty() {
        eprintln!("setup: everything is here");
        return Ok(());
    }
    for lack in &lacks {
        match &lack.remedy {
            Remedy::RustupTarget(target) => {
                eprintln!("setup: missing {}: rustup target add {target}", lack.what);
            }
            Remedy::Package(package) => {
                eprintln!("setup: missing {}: apt-get install {package}", lack.what);
            }
            Remedy::Advice(advice) => eprintln!("setup: missing {}: {advice}", lack.what),
        }
    }
    let missing = lacks
        .iter()
        .map(|lack| lack.what.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if check {
        return Err(Failure::Environment(anyhow!(
            "missing: {missing}; `cargo xtask setup` installs it"
        )));
    }
    install(&lacks)?;
    let left: Vec<String> = self::lacks().into_iter().map(|lack| lack.what).collect();
    if left.is_empty() {
        eprintln!("setup: everything is here now");
        Ok(())
    } else {
        Err(Failure::Environment(anyhow!(
            "still missing after installation: {}",
            left.join(", ")
        )))
    }
}

fn lacks() -> Vec<Lack> {
    let mut lacks = Vec::new();
    let may_download = environment::find_program("rustup").is_some()
        && std::env::var("RUSTUP_AUTO_INSTALL").as_deref() != Ok("0");
    let missing: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| environment::toolchain(target).is_none())
        .collect();
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
    lacks
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

fn install(lacks: &[Lack]) -> Result<(), Failure> {
    let mut packages = Vec::new();
    for lack in lacks {
        match &lack.remedy {
            Remedy::RustupTarget(target) => {
                execute(&["rustup", "target", "add", target])?;
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
    install_packages(&packages)
}

/// Installs packages of the distribution, as root or through sudo.
pub(crate) fn install_packages(packages: &[&str]) -> Result<(), Failure> {
    if packages.is_empty() {
        return Ok(());
    }
    let is_root = environment::first_line(Command::new("id").arg("-u")).as_deref() == Some("0");
    let sudo: &[&str] = if is_root { &[] } else { &["sudo"] };
    execute(&[sudo, &["apt-get", "update", "--quiet"]].concat())?;
    let install = [
        "apt-get",
        "install",
        "--yes",
        "--quiet",
        "--no-install-recommends",
    ];
    execute(&[sudo, &install, packages].concat())
}

fn execute(words: &[&str]) -> Result<(), Failure> {
    eprintln!("setup: $ {}", words.join(" "));
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
