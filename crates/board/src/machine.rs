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

/// A machine with an Arm core; of flash and RAM, where they start and how long they are.
const fn arm(
    name: &'static str,
    core: Core,
    systick_hz: u32,
    uart: &'static str,
    flash: (u32, u32),
    ram: (u32, u32),
) -> Machine {
    let (flash, ram) = (Region::new(flash.0, flash.1), Region::new(ram.0, ram.1));
    let (qemu, timer) = ("qemu-system-arm", Timer::SystickHz(systick_hz));
    Machine {
        name,
        qemu,
        core,
        timer,
        uart,
        flash,
        ram,
    }
}

/// Every machine there is.
#[rustfmt::skip]
pub static MACHINES: [Machine; 8] = [
    arm("microbit", Core::CortexM0, 16_000_000, "uart-microbit",
        (0, 256 * KIB), (0x2000_0000, 16 * KIB)),
    arm("lm3s6965evb", Core::CortexM3, 12_500_000, "uart-lm3s6965evb",
        (0, 256 * KIB), (0x2000_0000, 64 * KIB)),
    arm("mps2-an385", Core::CortexM3, 25_000_000, "uart-mps2",
        (0, 4 * MIB), (0x2000_0000, 4 * MIB)),
    arm("netduinoplus2", Core::CortexM4F, 168_000_000, "uart-netduinoplus2",
        (0x0800_0000, MIB), (0x2000_0000, 128 * KIB)),
    arm("mps2-an386", Core::CortexM4F, 25_000_000, "uart-mps2",
        (0, 4 * MIB), (0x2000_0000, 4 * MIB)),
    arm("mps2-an500", Core::CortexM7F, 25_000_000, "uart-mps2",
        (0, 4 * MIB), (0x2000_0000, 4 * MIB)),
    // The secure aliases of SSRAM 1, and of SSRAM 2 and 3, in which the core starts.
    arm("mps2-an505", Core::CortexM33F, 20_000_000, "uart-mps2-an505",
        (0x1000_0000, 4 * MIB), (0x3800_0000, 4 * MIB)),
    // One RAM, of which the first part stands in for flash.
    Machine {
        qemu: "qemu-system-riscv32",
        timer: Timer::McycleNs,
        ..arm("virt", Core::Rv32imac, 0, "uart-virt",
            (0x8000_0000, 16 * MIB), (0x8100_0000, 16 * MIB))
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
