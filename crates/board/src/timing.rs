//! How many cycles a core takes for an instruction, by its manufacturer's manual; and for how long its
//! flash keeps it waiting.

use crate::{Chip, Core};

/// What an instruction does, as far as its time depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Moves, sums, shifts, compares: anything on registers that is not named below.
    Data,
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
    /// A branch to an address that stands in it.
    Branch,
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
}

/// Parts that the manufacturer says have the multiplier of one cycle.
const FAST_MULTIPLIERS: [&str; 8] = [
    "ATSAMD", "ATSAML", "LPC8", "nRF51", "RP2040", "STM32F0", "STM32G0", "STM32L0",
];

impl Timing {
    /// The table of a chip's core; `None` where no public one is known.
    #[must_use]
    pub fn of(chip: &Chip) -> Option<Self> {
        let model = match chip.core {
            Core::CortexM0 => Model::M0,
            Core::CortexM0Plus => Model::M0Plus,
            Core::CortexM3 => Model::M3,
            Core::CortexM4 | Core::CortexM4F => Model::M4,
            _ => return None,
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
    #[must_use]
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
        }
    }

    /// Cycles of an instruction; `None` for one that the core has not.
    #[must_use]
    pub fn cycles(self, operation: Operation, around: Around) -> Option<Span> {
        match self.model {
            Model::M0 => self.armv6m(operation, around, 3),
            Model::M0Plus => self.armv6m(operation, around, 2),
            Model::M3 | Model::M4 => Some(self.armv7m(operation, around)),
        }
    }

    /// The pipeline of an M0 has three stages and that of an M0+ two, which is `taken`, the cycles of a
    /// branch.
    fn armv6m(self, operation: Operation, around: Around, taken: u32) -> Option<Span> {
        Some(match operation {
            Operation::Data | Operation::ChangeState => just(1),
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
            Operation::Data | Operation::Multiply => just(1),
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
            | Operation::BranchLink
            | Operation::BranchRegister
            | Operation::MovePc => refilled(1),
            Operation::If => span(0, 1),
            Operation::Barrier => span(1, 4),
            Operation::Special | Operation::ChangeState => span(1, 2),
        }
    }
}

/// How long flash keeps the core waiting at a clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flash {
    /// How the names of its chips begin.
    chips: &'static str,
    /// Wait states up to a clock in MHz, the lowest first.
    steps: &'static [(f64, u32)],
    /// What hides them, in words.
    pub hidden_by: &'static str,
    /// Where this is written.
    pub source: &'static str,
}

/// Every family whose wait states are known, at its usual supply of 3 V.
pub const FLASHES: [Flash; 8] = [
    Flash {
        chips: "ATSAMD21",
        steps: &[(24.0, 0), (48.0, 1)],
        hidden_by: "a cache of eight lines",
        source: "Microchip SAM D21 data sheet, NVM characteristics above 2.7 V",
    },
    Flash {
        chips: "STM32F0",
        steps: &[(24.0, 0), (48.0, 1)],
        hidden_by: "a prefetch buffer",
        source: "ST RM0091, flash access control register",
    },
    Flash {
        chips: "STM32F1",
        steps: &[(24.0, 0), (48.0, 1), (72.0, 2)],
        hidden_by: "a prefetch buffer",
        source: "ST RM0008, flash access control register",
    },
    Flash {
        chips: "STM32F4",
        steps: &[
            (30.0, 0),
            (60.0, 1),
            (90.0, 2),
            (120.0, 3),
            (150.0, 4),
            (180.0, 5),
        ],
        hidden_by: "the ART accelerator",
        source: "ST RM0090, number of wait states by CPU clock, 2.7 to 3.6 V",
    },
    Flash {
        chips: "STM32G0",
        steps: &[(24.0, 0), (48.0, 1), (64.0, 2)],
        hidden_by: "a prefetch buffer and a cache",
        source: "ST RM0444, number of wait states by HCLK, range 1",
    },
    Flash {
        chips: "STM32L0",
        steps: &[(16.0, 0), (32.0, 1)],
        hidden_by: "a prefetch buffer",
        source: "ST RM0367, link between master clock and range, range 1",
    },
    Flash {
        chips: "STM32L4",
        steps: &[(16.0, 0), (32.0, 1), (48.0, 2), (64.0, 3), (80.0, 4)],
        hidden_by: "the ART accelerator",
        source: "ST RM0351, number of wait states by HCLK, range 1",
    },
    Flash {
        chips: "nRF52840",
        steps: &[(64.0, 3)],
        hidden_by: "a cache, if it is switched on",
        source: "Nordic nRF52840 Product Specification v1.1, CPU wait states from flash",
    },
];

impl Flash {
    /// The flash of a chip; `None` where its wait states are not known.
    #[must_use]
    pub fn of(chip: &str) -> Option<&'static Self> {
        FLASHES.iter().find(|flash| chip.starts_with(flash.chips))
    }

    /// Wait states at a clock in MHz; `None` beyond the highest.
    #[must_use]
    pub fn wait_states(&self, clock_mhz: f64) -> Option<u32> {
        let mut steps = self.steps.iter();
        let step = steps.find(|(most_mhz, _)| clock_mhz <= *most_mhz)?;
        Some(step.1)
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
        assert_eq!(timing("ESP32-C3"), None);
        assert_eq!(timing("STM32H743ZI"), None);
    }

    #[test]
    fn wait_states_by_clock() {
        let states = |chip, mhz| Flash::of(chip).and_then(|flash| flash.wait_states(mhz));
        assert_eq!(states("STM32F405RGTx", 168.0), Some(5));
        assert_eq!(states("STM32F405RGTx", 30.0), Some(0));
        assert_eq!(states("STM32F030F4", 48.0), Some(1));
        assert_eq!(states("STM32F030F4", 49.0), None);
        assert_eq!(states("RP2040", 125.0), None);
        for flash in FLASHES {
            assert!(flash.steps.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
            assert!(
                crate::chips()
                    .iter()
                    .any(|it| it.name.starts_with(flash.chips))
            );
        }
    }
}
