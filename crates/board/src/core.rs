//! Processor cores: their names, the Rust target each is compiled for, and who emulates them.

use crate::{Machine, machine};

/// A processor core, with the options that decide its instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Core {
    /// Armv6-M.
    #[serde(rename = "cortex-m0")]
    CortexM0,
    /// Armv6-M.
    #[serde(rename = "cortex-m0plus")]
    CortexM0Plus,
    /// Armv7-M.
    #[serde(rename = "cortex-m3")]
    CortexM3,
    /// Armv7E-M without floating point unit.
    #[serde(rename = "cortex-m4")]
    CortexM4,
    /// Armv7E-M with a floating point unit.
    #[serde(rename = "cortex-m4f")]
    CortexM4F,
    /// Armv7E-M without floating point unit.
    #[serde(rename = "cortex-m7")]
    CortexM7,
    /// Armv7E-M with a floating point unit.
    #[serde(rename = "cortex-m7f")]
    CortexM7F,
    /// Armv8-M baseline.
    #[serde(rename = "cortex-m23")]
    CortexM23,
    /// Armv8-M mainline without floating point unit.
    #[serde(rename = "cortex-m33")]
    CortexM33,
    /// Armv8-M mainline with a floating point unit.
    #[serde(rename = "cortex-m33f")]
    CortexM33F,
    /// 32-bit RISC-V with multiplication and compressed instructions.
    #[serde(rename = "riscv32imc")]
    Rv32imc,
    /// 32-bit RISC-V with multiplication, atomics and compressed instructions.
    #[serde(rename = "riscv32imac")]
    Rv32imac,
}

impl Core {
    /// Every core there is.
    #[rustfmt::skip]
    pub const ALL: [Self; 12] = [
        Self::CortexM0, Self::CortexM0Plus, Self::CortexM3, Self::CortexM4, Self::CortexM4F,
        Self::CortexM7, Self::CortexM7F, Self::CortexM23, Self::CortexM33, Self::CortexM33F,
        Self::Rv32imc, Self::Rv32imac,
    ];

    /// Their names in the chip table, in this order.
    #[rustfmt::skip]
    pub const NAMES: [&'static str; 12] = [
        "cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4f", "cortex-m7",
        "cortex-m7f", "cortex-m23", "cortex-m33", "cortex-m33f", "riscv32imc", "riscv32imac",
    ];

    /// Whether the core loads words from any address.
    pub fn reads_unaligned(self) -> bool {
        !matches!(
            self,
            Self::CortexM0 | Self::CortexM0Plus | Self::CortexM23 | Self::Rv32imc | Self::Rv32imac
        )
    }

    /// Bytes that one exception stacks at the most, beside what its handler takes.
    ///
    /// Arm: eight words (Armv6-M Architecture Reference Manual DDI 0419, B1.5.6), with a floating
    /// point unit eighteen more (Armv7-M, DDI 0403, B1.5.7; Armv8-M, DDI 0553, likewise), and a word
    /// that aligns the frame to eight bytes. RISC-V stacks nothing by itself; riscv-rt
    /// saves the sixteen registers that calls may change.
    pub fn exception_frame_bytes(self) -> u32 {
        const WORD: u32 = 4;
        match self {
            Self::CortexM4F | Self::CortexM7F | Self::CortexM33F => (8 + 18 + 1) * WORD,
            Self::Rv32imc | Self::Rv32imac => 16 * WORD,
            _ => (8 + 1) * WORD,
        }
    }

    /// RAM that is kept for interrupts below the stack of an image: two exception frames.
    ///
    /// The firmware around a model enables no interrupt. What is left are a fault and, on Arm, the
    /// non-maskable interrupt within it, and their handlers take no stack.
    pub fn interrupt_bytes(self) -> u32 {
        2 * self.exception_frame_bytes()
    }

    /// What the first address of an image is a multiple of.
    ///
    /// Arm: the length of its vector table, rounded up to a power of two (VTOR in the architecture
    /// reference manuals): 16 and 32 words on Armv6-M, 16 and 240 elsewhere. RISC-V: an instruction.
    pub fn image_alignment(self) -> u32 {
        match self {
            Self::CortexM0 | Self::CortexM0Plus => 0x100,
            Self::Rv32imc | Self::Rv32imac => 4,
            _ => 0x400,
        }
    }

    /// Whether it is a RISC-V; all others are Arm.
    pub fn is_riscv(self) -> bool {
        matches!(self, Self::Rv32imc | Self::Rv32imac)
    }

    /// The core's name in the chip table, a different one for each core.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The core's name in reports, which does not tell whether it has a floating point unit.
    pub fn report_name(self) -> &'static str {
        match self {
            Self::CortexM4F => Self::CortexM4.as_str(),
            Self::CortexM7F => Self::CortexM7.as_str(),
            Self::CortexM33F => Self::CortexM33.as_str(),
            other => other.as_str(),
        }
    }

    /// The core with this [`Self::as_str`] name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|core| core.as_str() == name)
    }

    /// The Rust target triple that code for this core is compiled for.
    pub fn target(self) -> &'static str {
        match self {
            Self::CortexM0 | Self::CortexM0Plus => "thumbv6m-none-eabi",
            Self::CortexM3 => "thumbv7m-none-eabi",
            Self::CortexM4 | Self::CortexM7 => "thumbv7em-none-eabi",
            Self::CortexM4F | Self::CortexM7F => "thumbv7em-none-eabihf",
            Self::CortexM23 => "thumbv8m.base-none-eabi",
            Self::CortexM33 => "thumbv8m.main-none-eabi",
            Self::CortexM33F => "thumbv8m.main-none-eabihf",
            Self::Rv32imc => "riscv32imc-unknown-none-elf",
            Self::Rv32imac => "riscv32imac-unknown-none-elf",
        }
    }

    /// The emulated machine on which this core's code is run unless another is asked for.
    ///
    /// A machine's own core may be a larger relative that executes the same instructions.
    ///
    /// # Panics
    /// Never; a test calls it for every core.
    pub fn machine(self) -> &'static Machine {
        let name = match self {
            Self::CortexM0 | Self::CortexM0Plus => "microbit",
            Self::CortexM3 => "lm3s6965evb",
            Self::CortexM4 | Self::CortexM4F => "netduinoplus2",
            Self::CortexM7 | Self::CortexM7F => "mps2-an500",
            Self::CortexM23 | Self::CortexM33 | Self::CortexM33F => "mps2-an505",
            Self::Rv32imc | Self::Rv32imac => "virt",
        };
        machine(name).expect("the table of machines has each of these")
    }
}

impl std::fmt::Display for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_what_serde_writes() {
        for core in Core::ALL {
            assert_eq!(Core::from_name(core.as_str()), Some(core));
            let text = format!("name,core\nx,{core}\n");
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let row: (String, Core) = reader.deserialize().next().unwrap().unwrap();
            assert_eq!(row.1, core);
        }
        assert_eq!(Core::from_name("cortex-m5"), None);
    }

    #[test]
    fn frames_are_those_of_the_manuals() {
        let frames = [
            (Core::CortexM0, 36),
            (Core::CortexM4, 36),
            (Core::CortexM4F, 108),
            (Core::CortexM33F, 108),
            (Core::Rv32imc, 64),
        ];
        for (core, bytes) in frames {
            assert_eq!(core.exception_frame_bytes(), bytes, "{core}");
            assert_eq!(core.interrupt_bytes(), 2 * bytes, "{core}");
        }
    }

    #[test]
    fn the_default_machine_runs_its_core() {
        for core in Core::ALL {
            let machine = core.machine();
            assert!(machine.runs(core), "{core} on {}", machine.name);
        }
    }
}
