//! Images: the firmware's workspace with a generated model crate in it, built by cargo.

mod cargo;
mod key;
mod sources;
mod sums;
mod sweep;
mod workspace;

use std::path::Path;

use anyhow::{Context, anyhow};
use spinney_board::{Boot, Core, Region};
use spinney_codegen::SourceTree;
use spinney_evaluate::Label;

pub use self::cargo::{Job, compile};
pub use self::key::settings;
pub use self::sources::LOCK;
pub use self::workspace::{firmware_sources, lock, versioned};
use crate::environment::Toolchain;
use crate::failure::{ExitReason, Failure};
use crate::invocation;
use crate::progress::Progress;

/// The level at which nothing is logged.
pub const LOG_OFF: &str = "off";

/// Which of the images of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The image that ships.
    Product,
    /// The image that proves it.
    Verify,
    /// The image that answers a host, over this way.
    Serve(Way),
}

/// How a host reaches a device that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The UART of an emulated board, by the feature that drives it.
    Uart(&'static str),
    /// Two RTT channels called `spinney`, down 0 and up 1; the log is on up 0.
    Rtt,
}

impl Transport {
    /// The feature of the firmware that stands for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Verify => "verify",
            Self::Serve(_) => "serve",
        }
    }

    fn features(self) -> String {
        match self {
            Self::Product | Self::Verify => self.name().to_owned(),
            Self::Serve(Way::Uart(feature)) => format!("serve,{feature}"),
            Self::Serve(Way::Rtt) => "serve,rtt".to_owned(),
        }
    }
}

/// What an image is built from.
pub struct Image<'a> {
    /// The generated model crate.
    pub model: &'a SourceTree,
    /// The name of its package.
    pub model_package: String,
    /// Whether it gives probabilities.
    pub has_probabilities: bool,
    /// Where it is linked to.
    pub memory: (Region, Region),
    /// What the chip wants to find there besides.
    pub boot: Boot,
    /// The core it is compiled for.
    pub core: Core,
    /// `defmt`'s level; [`LOG_OFF`] for a product without a log and without its buffer.
    pub log: &'a str,
    /// Optimize the model for speed, not for size.
    pub for_speed: bool,
    /// How readings come in and answers go out.
    pub transport: Transport,
    /// Samples come in where the model has a front end; else readings do.
    pub takes_samples: bool,
    /// Verify and serve images deliver no scores, which the model does not compute in full.
    pub class_only: bool,
}

impl Image<'_> {
    fn has_signal(&self) -> bool {
        self.takes_samples && self.model.contains_key("src/signal.rs")
    }

    /// The features of the app that it is built with.
    fn features(&self) -> String {
        let mut features = self.transport.features();
        let has_log = self.transport == Transport::Product && self.log != LOG_OFF;
        for (is_on, feature) in [
            (has_log, ",log"),
            (self.has_probabilities, ",probabilities"),
            (self.has_signal(), ",signal"),
            (self.class_only, ",class-only"),
        ] {
            features.push_str(if is_on { feature } else { "" });
        }
        features
    }
}

/// Builds `image` in `folder` and returns its ELF file, which says that it is the one.
///
/// Images of one model that are built in one folder share what was compiled of it.
pub fn build(
    image: &Image<'_>,
    toolchain: &Toolchain,
    folder: &Path,
    progress: &Progress,
) -> Result<Vec<u8>, Failure> {
    let mut files = workspace::of(image)?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))
        .environment()?;
    let (features, target) = (image.features(), image.core.target());
    let mut inputs = key::Inputs {
        files: &files,
        features: &features,
        log: image.log,
        target,
        compiler: &toolchain.compiler_in(folder).environment()?,
        linker: &toolchain.linker_version,
        builds_core: toolchain.builds_core,
        rustflags: cargo::rustflags(toolchain),
        settings: &key::settings(folder, target).environment()?,
    };
    let digest = inputs.digest().environment()?;
    let libraries = workspace::without_app(&files);
    inputs.files = &libraries;
    inputs.features = "";
    let of_libraries = inputs.digest().environment()?;
    workspace::name_after(&mut files, &digest, &of_libraries)?;
    let elf = compile(&Job {
        folder,
        files: Some(&files),
        binary: "spinney-app",
        arguments: &["--features", &features],
        target,
        log: image.log,
        keeps_libraries: true,
        toolchain,
        progress,
    })?;
    let label = Label::of(&elf, workspace::MARK).environment()?;
    is_asked_for(&label, &digest, image.core, image.memory.0).environment()?;
    Ok(elf)
}

/// Holds what an ELF file says of itself against what was asked for: these inputs, this core, this
/// flash.
fn is_asked_for(label: &Label, digest: &str, core: Core, flash: Region) -> anyhow::Result<()> {
    let expected = Label {
        mark: Some(digest.to_owned()),
        is_riscv: core.is_riscv(),
        start: label.start,
    };
    let is_in_flash = label
        .start
        .checked_sub(flash.origin)
        .is_some_and(|at| at < flash.len);
    if *label == expected && is_in_flash {
        return Ok(());
    }
    Err(anyhow!(
        "cargo's target folder gave another image: found {label}, expected {expected} within the {} \
         bytes from {:#010x}; run the command again, and if it is so again, {} first",
        flash.len,
        flash.origin,
        invocation::verb("clean")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_the_one_that_was_asked_for() {
        let label = |mark: &str, is_riscv, start| Label {
            mark: Some(mark.to_owned()),
            is_riscv,
            start,
        };
        let flash = Region::new(0x0800_0000, 1024);
        let check = |label: &Label| is_asked_for(label, "abc", Core::CortexM4F, flash);
        check(&label("abc", false, 0x0800_0000)).unwrap();
        for other in [
            label("abd", false, 0x0800_0000),
            label("abc", true, 0x0800_0000),
            label("abc", false, 0x0800_0400),
            label("abc", false, 0),
        ] {
            let error = check(&other).unwrap_err().to_string();
            assert!(
                error.contains(&format!("found {other}, expected")),
                "{error}"
            );
        }
        let unmarked = Label {
            mark: None,
            ..label("", false, 0x0800_0000)
        };
        let error = check(&unmarked).unwrap_err().to_string();
        assert!(error.contains("unknown inputs"), "{error}");
    }
}
