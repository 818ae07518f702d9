//! What `cargo xtask flash` and `spinney-probe` say to each other: a [`Job`] as one line of JSON on
//! the program's stdin, [`Request`]s after it, [`Event`]s as one line each on its stdout.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An image to program, and where its log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The chip, as probe-rs spells it.
    pub chip: String,
    /// The part numbers that the core of a Cortex-M may have in its CPUID register; none where that
    /// is not to be checked.
    pub cpuid_parts: Vec<u16>,
    /// The debug probe as `VID:PID` or `VID:PID:SERIAL`; `None` for the only one.
    pub probe: Option<String>,
    /// What to program.
    pub segments: Vec<Segment>,
    /// The address of the RTT control block; `None` for an image without a log.
    pub log_at: Option<u64>,
    /// The image's ELF file, which has the table of its log.
    pub elf: Option<PathBuf>,
    /// Whether the image answers requests, over RTT beside its log: what comes up channel 1 is told
    /// as [`Event::Data`], and the [`Request`]s that follow the job go down channel 0.
    pub answers: bool,
}

/// What follows a job whose image answers, one line of JSON each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Bytes for the image.
    pub bytes: Vec<u8>,
}

/// Bytes and where they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The address of the first.
    pub address: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How flash is erased and programmed, for the part of it that some address lies in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geometry {
    /// First address.
    pub origin: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// The smallest stretch that is programmed.
    pub page_bytes: u64,
    /// Sector sizes: from each address on, up to the next one.
    pub sectors: Vec<SectorSize>,
}

/// Sectors from an address on have this size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectorSize {
    /// The address of the first.
    pub from: u64,
    /// Length of each in bytes.
    pub bytes: u64,
}

/// What happens at the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The probe was opened and the chip answers.
    Attached {
        /// The probe's name and selector.
        probe: String,
    },
    /// So many bytes will go through a phase.
    Phase {
        /// Which.
        phase: Phase,
        /// How many, if that is known.
        bytes: Option<u64>,
    },
    /// So many more bytes went through it.
    Progress {
        /// Which.
        phase: Phase,
        /// How many.
        bytes: u64,
    },
    /// Everything is programmed, and reads back as it should.
    Programmed,
    /// The image runs, and its log was found.
    Running,
    /// The image runs, and has no log.
    RunningSilently,
    /// A line of the log.
    Log {
        /// Its level and message.
        line: String,
    },
    /// Bytes of an answer.
    Data {
        /// As they came.
        bytes: Vec<u8>,
    },
    /// It ends here.
    Failed(ProbeFault),
}

/// What is done to flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Sectors are erased.
    Erase,
    /// Pages are programmed.
    Program,
    /// What was programmed is read back.
    Verify,
}

/// Why it cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeFault {
    /// No probe is connected.
    NoProbe,
    /// More than one is, and none was named.
    SeveralProbes {
        /// Their names and selectors.
        probes: Vec<String>,
    },
    /// The named one is not among those that are.
    UnknownProbe {
        /// Their names and selectors.
        probes: Vec<String>,
    },
    /// A probe is connected that this user may not open.
    NoAccess {
        /// Its name and selector.
        probe: String,
    },
    /// The probe works, and no chip answers.
    NoTarget {
        /// What probe-rs says.
        message: String,
    },
    /// The chip is protected against the debugger.
    Locked {
        /// What probe-rs says.
        message: String,
    },
    /// Another core answers than the chip has.
    WrongCore {
        /// The part number in CPUID.
        found: u16,
    },
    /// The registry has no such chip, or no way to program this part of its flash.
    UnknownChip {
        /// What probe-rs says.
        message: String,
    },
    /// Flash does not read back as it was programmed.
    Mismatch,
    /// What comes up as its log is not that of this image.
    ForeignLog {
        /// What the decoder says.
        message: String,
    },
    /// The image runs, but its log does not show.
    NoLog {
        /// What probe-rs says.
        message: String,
    },
    /// The probe, or the chip, no longer answers.
    Lost {
        /// What probe-rs says.
        message: String,
    },
    /// Something else.
    Other {
        /// What probe-rs says.
        message: String,
    },
}
