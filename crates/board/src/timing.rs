//! How many cycles a core takes for an instruction, by its manufacturer's manual, or as others measured
//! it.

use crate::{Chip, Core};

/// What an instruction does, as far as its time depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Moves, sums, shifts, compares: anything on registers that is not named below.
    Data,
    /// That, of Thumb's long instructions, with an operand that is shifted or widened on its way.
    Shifted,
    /// A product of 32 bits.
    Multiply,
    /// That, added to or taken off a register.
    MultiplyAccumulate,
    /// A product of 64 bits.
    LongMultiply,
    /// That, added to two registers.
    LongMultiplyAccumulate,
    /// A division.
    Divide,
    /// A load of one register.
    Load {
        /// From an address that is relative to the program counter.
        is_literal: bool,
    },
    /// A store of one register.
    Store,
    /// A load of so many registers.
    LoadMany(u32),
    /// A store of so many registers.
    StoreMany(u32),
    /// A load of so many registers, the program counter among them.
    Return(u32),
    /// A load of the program counter alone.
    LoadPc,
    /// A branch to an address that stands in it; on RISC-V one with a condition.
    Branch,
    /// On RISC-V, a branch without one.
    Jump,
    /// That, with the return address kept.
    BranchLink,
    /// A branch to an address in a register.
    BranchRegister,
    /// A move or sum into the program counter.
    MovePc,
    /// A branch by a table.
    TableBranch,
    /// An `IT`, which makes what follows conditional.
    If,
    /// A barrier.
    Barrier,
    /// A move from or to a special register.
    Special,
    /// A change of the processor's state.
    ChangeState,
}

/// The fewest and the most cycles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// No fewer than these.
    pub low: u32,
    /// No more than these.
    pub high: u32,
}

const fn span(low: u32, high: u32) -> Span {
    Span { low, high }
}

const fn just(cycles: u32) -> Span {
    span(cycles, cycles)
}

/// What an instruction's time depends on besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// Whether a branch is taken.
    pub is_taken: bool,
    /// What was executed right before; `None` where that is not known.
    pub before: Option<Operation>,
}

/// The timing table of a core, at zero wait states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    model: Model,
    /// Cycles of a product on an Armv6-M core, which comes with one of two multipliers.
    multiply: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    M0,
    M0Plus,
    M3,
    M4,
    M33,
    Hazard3,
    Esp32C3,
    Esp32C6,
}

/// Parts that the manufacturer says have the multiplier of one cycle.
const FAST_MULTIPLIERS: [&str; 8] = [
    "ATSAMD", "ATSAML", "LPC8", "nRF51", "RP2040", "STM32F0", "STM32G0", "STM32L0",
];

/// Parts with a RISC-V core whose times are known.
const RISCV_PARTS: [(&str, Model); 4] = [
    ("ESP32-C2", Model::Esp32C3),
    ("ESP32-C3", Model::Esp32C3),
    ("ESP32-C6", Model::Esp32C6),
    ("RP235x", Model::Hazard3),
];

impl Timing {
    /// The table of a chip's core; `None` where no public one is known.
    pub fn of(chip: &Chip) -> Option<Self> {
        let model = match chip.core {
            Core::CortexM0 => Model::M0,
            Core::CortexM0Plus => Model::M0Plus,
            Core::CortexM3 => Model::M3,
            Core::CortexM4 | Core::CortexM4F => Model::M4,
            Core::CortexM33 | Core::CortexM33F => Model::M33,
            Core::CortexM7 | Core::CortexM7F | Core::CortexM23 => return None,
            // RISC-V is an instruction set; how long it takes is a matter of the part.
            Core::Rv32imc | Core::Rv32imac => {
                let begins = |(name, _): &&(&str, Model)| chip.name.starts_with(name);
                RISCV_PARTS.iter().find(begins)?.1
            }
        };
        let is_fast = FAST_MULTIPLIERS
            .iter()
            .any(|family| chip.name.starts_with(family));
        Some(Self {
            model,
            multiply: span(1, if is_fast { 1 } else { 32 }),
        })
    }

    /// The document that the table is from.
    pub fn source(self) -> &'static str {
        match self.model {
            Model::M0 => "Arm DDI 0432C, Cortex-M0 technical reference manual, table 3-1",
            Model::M0Plus => "Arm DDI 0484C, Cortex-M0+ technical reference manual, table 3-1",
            Model::M3 => {
                "Arm DDI 0337I, Cortex-M3 technical reference manual, table 3-1 and section 3.3.3"
            }
            Model::M4 => {
                "Arm DDI 0439D, Cortex-M4 technical reference manual, table 3-1 and section 3.3.3"
            }
            Model::M33 => "no manual: an RP2350 as measured in jnk0le/random",
            Model::Hazard3 => "Raspberry Pi RP2350 data sheet, 3.8.7, instruction cycle counts",
            Model::Esp32C3 => "no manual: an ESP32-C3 as measured in timonvo/niccle",
            Model::Esp32C6 => {
                "no manual: an ESP32-C6 as measured in timonvo/niccle and nilhoel1/LLTA-Bench"
            }
        }
    }

    /// Cycles of an instruction; `None` for one that the core has not.
    pub fn cycles(self, operation: Operation, around: Around) -> Option<Span> {
        match self.model {
            Model::M0 => self.armv6m(operation, around, 3),
            Model::M0Plus => self.armv6m(operation, around, 2),
            Model::M3 | Model::M4 => Some(self.armv7m(operation, around)),
            Model::M33 => Some(m33(operation, around)),
            Model::Hazard3 | Model::Esp32C3 | Model::Esp32C6 => self.riscv(operation, around),
        }
    }

    /// The pipeline of an M0 has three stages and that of an M0+ two, which is `taken`, the cycles of a
    /// branch.
    fn armv6m(self, operation: Operation, around: Around, taken: u32) -> Option<Span> {
        Some(match operation {
            Operation::Data | Operation::Shifted | Operation::ChangeState => just(1),
            Operation::Multiply => self.multiply,
            Operation::Load { .. } | Operation::Store => just(2),
            Operation::LoadMany(n) | Operation::StoreMany(n) => just(1 + n),
            Operation::Return(n) => just(1 + taken + n),
            Operation::Branch => just(if around.is_taken { taken } else { 1 }),
            Operation::BranchRegister | Operation::MovePc => just(taken),
            Operation::BranchLink | Operation::Barrier | Operation::Special => just(1 + taken),
            _ => return None,
        })
    }

    /// With the stalls of section 3.3.3: a load after a load takes one cycle less, an address that the
    /// instruction before has worked out one more, and a literal may.
    fn armv7m(self, operation: Operation, around: Around) -> Span {
        const REFILL: Span = span(1, 3);
        let refilled = |cycles: u32| span(cycles + REFILL.low, cycles + REFILL.high);
        let before = around.before;
        let stall = match before {
            Some(Operation::Load { .. } | Operation::Store | Operation::Branch) => 0,
            _ => 1,
        };
        let is_m3 = self.model == Model::M3;
        match operation {
            Operation::Data | Operation::Shifted | Operation::Multiply => just(1),
            Operation::MultiplyAccumulate => just(if is_m3 { 2 } else { 1 }),
            Operation::LongMultiply => {
                if is_m3 {
                    span(3, 5)
                } else {
                    just(1)
                }
            }
            Operation::LongMultiplyAccumulate => {
                if is_m3 {
                    span(4, 7)
                } else {
                    just(1)
                }
            }
            Operation::Divide => span(2, 12),
            Operation::Load { is_literal } => {
                let low = match before {
                    Some(Operation::Load { .. }) | None => 1,
                    Some(_) => 2,
                };
                span(low, 2 + stall + u32::from(is_literal))
            }
            Operation::Store => span(1, 2 + stall),
            Operation::LoadMany(n) | Operation::StoreMany(n) => span(1 + n, 1 + n + stall),
            Operation::Return(n) => refilled(1 + n),
            Operation::LoadPc | Operation::TableBranch => refilled(2),
            Operation::Branch if !around.is_taken => just(1),
            Operation::Branch
            | Operation::Jump
            | Operation::BranchLink
            | Operation::BranchRegister
            | Operation::MovePc => refilled(1),
            Operation::If => span(0, 1),
            Operation::Barrier => span(1, 4),
            Operation::Special | Operation::ChangeState => span(1, 2),
        }
    }

    /// With the bubble behind a load whose value is used at once, and the cycle that a jump to an
    /// unaligned long instruction may take; a branch is 1 where it was predicted.
    fn riscv(self, operation: Operation, around: Around) -> Option<Span> {
        let of = |hazard3, c3, c6| match self.model {
            Model::Hazard3 => hazard3,
            Model::Esp32C3 => c3,
            _ => c6,
        };
        Some(match operation {
            Operation::Data | Operation::Multiply | Operation::Store => just(1),
            Operation::LongMultiply => of(just(1), span(1, 3), just(2)),
            Operation::Divide => of(span(18, 19), span(2, 36), span(2, 36)),
            Operation::Load { .. } => of(span(1, 2), span(1, 2), span(1, 3)),
            Operation::Jump | Operation::BranchLink => of(span(2, 3), just(2), span(1, 3)),
            Operation::Branch if around.is_taken => of(span(1, 3), just(3), span(1, 4)),
            Operation::Branch => of(span(1, 2), just(1), span(1, 4)),
            Operation::BranchRegister => of(span(2, 3), span(2, 4), span(2, 4)),
            Operation::Special => of(just(1), just(1), span(1, 2)),
            Operation::Barrier => span(1, 4),
            _ => return None,
        })
    }
}

/// A branch, or an `IT`, is issued with a short instruction before it; a value that a load, a product or
/// a shifted operand gives is late by a cycle.
fn m33(operation: Operation, around: Around) -> Span {
    match operation {
        Operation::Data => just(1),
        Operation::Shifted
        | Operation::Load { .. }
        | Operation::Multiply
        | Operation::MultiplyAccumulate
        | Operation::LongMultiply
        | Operation::LongMultiplyAccumulate
        | Operation::Store => span(1, 2),
        Operation::Divide => span(2, 12),
        Operation::LoadMany(n) | Operation::StoreMany(n) => span(n, n + 1),
        Operation::Return(n) => span(n + 2, n + 5),
        Operation::LoadPc | Operation::TableBranch => span(2, 6),
        Operation::Branch if !around.is_taken => span(0, 1),
        Operation::Branch
        | Operation::Jump
        | Operation::BranchLink
        | Operation::BranchRegister
        | Operation::MovePc => span(1, 3),
        Operation::If => span(0, 1),
        Operation::Barrier => span(1, 4),
        Operation::Special | Operation::ChangeState => span(1, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

    fn timing(chip: &str) -> Option<Timing> {
        Timing::of(&find(chip).unwrap().chip(None).unwrap())
    }

    #[test]
    fn figures_are_those_of_the_tables() {
        let load = Operation::Load { is_literal: false };
        let cycles = |chip: &str, operation, is_taken| {
            let around = Around {
                is_taken,
                before: Some(Operation::Data),
            };
            let span = timing(chip).unwrap().cycles(operation, around)?;
            Some((span.low, span.high))
        };
        for (operation, is_taken, m0, m0plus, m3, m4) in [
            (Operation::Data, false, 1, 1, (1, 1), (1, 1)),
            (Operation::Multiply, false, 1, 1, (1, 1), (1, 1)),
            (load, false, 2, 2, (2, 3), (2, 3)),
            (Operation::StoreMany(3), false, 4, 4, (4, 5), (4, 5)),
            (Operation::Return(2), true, 6, 5, (4, 6), (4, 6)),
            (Operation::Branch, true, 3, 2, (2, 4), (2, 4)),
            (Operation::Branch, false, 1, 1, (1, 1), (1, 1)),
            (Operation::BranchLink, true, 4, 3, (2, 4), (2, 4)),
            (Operation::BranchRegister, true, 3, 2, (2, 4), (2, 4)),
            (Operation::Special, false, 4, 3, (1, 2), (1, 2)),
        ] {
            let of = |chip| cycles(chip, operation, is_taken).unwrap();
            assert_eq!(of("nRF51822_xxAA"), (m0, m0), "{operation:?}");
            assert_eq!(of("RP2040"), (m0plus, m0plus), "{operation:?}");
            assert_eq!(of("STM32F103C8"), m3, "{operation:?}");
            assert_eq!(of("STM32F405RG"), m4, "{operation:?}");
        }
        assert_eq!(cycles("nRF51822_xxAA", Operation::Divide, false), None);
        let slow = timing("MKL25Z128").unwrap().cycles(
            Operation::Multiply,
            Around {
                is_taken: false,
                before: None,
            },
        );
        assert_eq!(slow, Some(span(1, 32)));
        assert_eq!(timing("GD32VF103CB"), None);
    }
}
