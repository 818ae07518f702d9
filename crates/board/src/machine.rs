//! The emulated machines: QEMU boards with exact instruction counts, and their memories.

use crate::{Core, Region};

/// How an emulated machine counts time, from which executed instructions follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timer {
    /// The 24-bit SysTick counter at this many ticks per second.
    SystickHz(u32),
    /// The `mcycle` register, which counts nanoseconds of the machine's time.
    McycleNs,
}

/// A machine of QEMU 7.2.
///
/// Flash and RAM are the two regions that an image may be linked into. They are at most what QEMU
/// maps: where the hardware has less than the emulator, the hardware's figure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Machine {
    /// QEMU's name for the board, as `-M` takes it.
    pub name: &'static str,
    /// The emulator's program.
    pub qemu: &'static str,
    /// The core it has.
    pub core: Core,
    /// What is counted on it.
    pub timer: Timer,
    /// The firmware's feature that drives its first UART.
    pub uart: &'static str,
    /// Where code goes; the reset vector is at its start.
    pub flash: Region,
    /// Where data and stack go.
    pub ram: Region,
}

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// Every machine there is.
pub static MACHINES: [Machine; 8] = [
    Machine {
        name: "microbit",
        qemu: "qemu-system-arm",
        core: Core::CortexM0,
        timer: Timer::SystickHz(16_000_000),
        uart: "uart-microbit",
        flash: Region::new(0, 256 * KIB),
        ram: Region::new(0x2000_0000, 16 * KIB),
    },
    Machine {
        name: "lm3s6965evb",
        qemu: "qemu-system-arm",
        core: Core::CortexM3,
        timer: Timer::SystickHz(12_500_000),
        uart: "uart-lm3s6965evb",
        flash: Region::new(0, 256 * KIB),
        ram: Region::new(0x2000_0000, 64 * KIB),
    },
    Machine {
        name: "mps2-an385",
        qemu: "qemu-system-arm",
        core: Core::CortexM3,
        timer: Timer::SystickHz(25_000_000),
        uart: "uart-mps2",
        flash: Region::new(0, 4 * MIB),
        ram: Region::new(0x2000_0000, 4 * MIB),
    },
    Machine {
        name: "netduinoplus2",
        qemu: "qemu-system-arm",
        core: Core::CortexM4F,
        timer: Timer::SystickHz(168_000_000),
        uart: "uart-netduinoplus2",
        flash: Region::new(0x0800_0000, MIB),
        ram: Region::new(0x2000_0000, 128 * KIB),
    },
    Machine {
        name: "mps2-an386",
        qemu: "qemu-system-arm",
        core: Core::CortexM4F,
        timer: Timer::SystickHz(25_000_000),
        uart: "uart-mps2",
        flash: Region::new(0, 4 * MIB),
        ram: Region::new(0x2000_0000, 4 * MIB),
    },
    Machine {
        name: "mps2-an500",
        qemu: "qemu-system-arm",
        core: Core::CortexM7F,
        timer: Timer::SystickHz(25_000_000),
        uart: "uart-mps2",
        flash: Region::new(0, 4 * MIB),
        ram: Region::new(0x2000_0000, 4 * MIB),
    },
    // The secure aliases of SSRAM 1, and of SSRAM 2 and 3, in which the core starts.
    Machine {
        name: "mps2-an505",
        qemu: "qemu-system-arm",
        core: Core::CortexM33F,
        timer: Timer::SystickHz(20_000_000),
        uart: "uart-mps2-an505",
        flash: Region::new(0x1000_0000, 4 * MIB),
        ram: Region::new(0x3800_0000, 4 * MIB),
    },
    // One RAM, of which the first part stands in for flash.
    Machine {
        name: "virt",
        qemu: "qemu-system-riscv32",
        core: Core::Rv32imac,
        timer: Timer::McycleNs,
        uart: "uart-virt",
        flash: Region::new(0x8000_0000, 16 * MIB),
        ram: Region::new(0x8100_0000, 16 * MIB),
    },
];

/// The machine with this QEMU name.
pub fn machine(name: &str) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.name == name)
}

impl Machine {
    /// Whether code compiled for `core` means the same on this machine.
    ///
    /// Cores of one instruction set stand in for each other, and a core with a floating point unit
    /// for the same one without. The Cortex-M33 stands in for the Cortex-M23, which QEMU does not
    /// emulate: Armv8-M mainline has all of the baseline. An earlier architecture has no such
    /// stand-in, since its exception model differs.
    pub fn runs(&self, core: Core) -> bool {
        match self.core {
            Core::CortexM0 | Core::CortexM0Plus => {
                matches!(core, Core::CortexM0 | Core::CortexM0Plus)
            }
            Core::CortexM4F => matches!(core, Core::CortexM4 | Core::CortexM4F),
            Core::CortexM7F => matches!(core, Core::CortexM7 | Core::CortexM7F),
            Core::CortexM33F => {
                matches!(core, Core::CortexM23 | Core::CortexM33 | Core::CortexM33F)
            }
            Core::Rv32imac => matches!(core, Core::Rv32imc | Core::Rv32imac),
            own => own == core,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_consistent() {
        for (index, machine) in MACHINES.iter().enumerate() {
            assert!(machine.runs(machine.core), "{}", machine.name);
            assert!(machine.flash.end() <= 1 << 32);
            assert!(machine.ram.end() <= 1 << 32);
            assert!(!machine.flash.overlaps(machine.ram), "{}", machine.name);
            assert!(
                MACHINES[..index]
                    .iter()
                    .all(|other| other.name != machine.name)
            );
        }
    }

    #[test]
    fn the_two_machines_of_the_shipped_pipelines() {
        let m4 = machine("netduinoplus2").unwrap();
        assert_eq!(m4.timer, Timer::SystickHz(168_000_000));
        assert_eq!((m4.flash.origin, m4.flash.len), (0x0800_0000, 1_048_576));
        assert_eq!((m4.ram.origin, m4.ram.len), (0x2000_0000, 131_072));
        let m0 = machine("microbit").unwrap();
        assert_eq!(m0.timer, Timer::SystickHz(16_000_000));
        assert_eq!((m0.flash.origin, m0.flash.len), (0, 262_144));
        assert_eq!((m0.ram.origin, m0.ram.len), (0x2000_0000, 16_384));
    }
}
