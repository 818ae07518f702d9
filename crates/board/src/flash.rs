//! For how long the flash of a family keeps its core waiting.

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
#[rustfmt::skip]
pub const FLASHES: [Flash; 8] = [
    Flash { chips: "ATSAMD21", steps: &[(24.0, 0), (48.0, 1)], hidden_by: "a cache of eight lines",
        source: "Microchip SAM D21 data sheet, NVM characteristics above 2.7 V" },
    Flash { chips: "STM32F0", steps: &[(24.0, 0), (48.0, 1)], hidden_by: "a prefetch buffer",
        source: "ST RM0091, flash access control register" },
    Flash { chips: "STM32F1", steps: &[(24.0, 0), (48.0, 1), (72.0, 2)],
        hidden_by: "a prefetch buffer", source: "ST RM0008, flash access control register" },
    Flash { chips: "STM32F4",
        steps: &[(30.0, 0), (60.0, 1), (90.0, 2), (120.0, 3), (150.0, 4), (180.0, 5)],
        hidden_by: "the ART accelerator",
        source: "ST RM0090, number of wait states by CPU clock, 2.7 to 3.6 V" },
    Flash { chips: "STM32G0", steps: &[(24.0, 0), (48.0, 1), (64.0, 2)],
        hidden_by: "a prefetch buffer and a cache",
        source: "ST RM0444, number of wait states by HCLK, range 1" },
    Flash { chips: "STM32L0", steps: &[(16.0, 0), (32.0, 1)], hidden_by: "a prefetch buffer",
        source: "ST RM0367, link between master clock and range, range 1" },
    Flash { chips: "STM32L4", steps: &[(16.0, 0), (32.0, 1), (48.0, 2), (64.0, 3), (80.0, 4)],
        hidden_by: "the ART accelerator",
        source: "ST RM0351, number of wait states by HCLK, range 1" },
    Flash { chips: "nRF52840", steps: &[(64.0, 3)], hidden_by: "a cache, if it is switched on",
        source: "Nordic nRF52840 Product Specification v1.1, CPU wait states from flash" },
];

impl Flash {
    /// The flash of a chip; `None` where its wait states are not known.
    pub fn of(chip: &str) -> Option<&'static Self> {
        FLASHES.iter().find(|flash| chip.starts_with(flash.chips))
    }

    /// Wait states at a clock in MHz; `None` beyond the highest.
    pub fn wait_states(&self, clock_mhz: f64) -> Option<u32> {
        let mut steps = self.steps.iter();
        let step = steps.find(|(most_mhz, _)| clock_mhz <= *most_mhz)?;
        Some(step.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
