//! What well-known microcontrollers draw, each figure with its source.

use crate::radio::source;
use crate::{Core, Source};

/// Clock, currents and voltage of a microcontroller, from its data sheet at 25 °C.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Preset {
    /// Its name in `pipeline.toml`.
    pub name: &'static str,
    /// How the names of its chips begin in the chip table.
    pub chips: &'static str,
    /// Its core.
    pub core: Core,
    /// Clock at which `active_ma` flows, in MHz.
    pub clock_mhz: f64,
    /// Milliamperes while code runs from flash, peripherals off.
    pub active_ma: f64,
    /// Microamperes asleep, RAM kept, a real-time counter running.
    pub sleep_ua: f64,
    /// Volts at which both were specified.
    pub voltage_v: f64,
    /// Where the figures come from.
    pub sources: &'static [Source],
}

/// The names of [`PRESETS`], in their order.
pub const PRESET_NAMES: &[&str] = &{
    let mut names = [""; PRESETS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = PRESETS[index].name;
        index += 1;
    }
    names
};

/// Every preset.
#[rustfmt::skip]
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "stm32l476", chips: "STM32L476", core: Core::CortexM4F,
        clock_mhz: 80.0, active_ma: 10.2, sleep_ua: 1.4, voltage_v: 3.0,
        sources: &[
            source("10.2 mA at 80 MHz, from flash with the ART accelerator",
                "ST DS10198, table of current consumption in Run mode, code from flash, range 1 \
                    (not re-read)"),
            source("1.4 µA in Stop 2 with RTC, RAM kept", "ST DS10198, features"),
        ],
    },
    Preset {
        name: "nrf52840", chips: "nRF52840", core: Core::CortexM4F,
        clock_mhz: 64.0, active_ma: 3.3, sleep_ua: 3.16, voltage_v: 3.0,
        sources: &[
            source("3.3 mA at 64 MHz, CoreMark from flash, cache and DC/DC on",
                "Nordic nRF52840 Product Specification v1.1, current consumption, CPU running"),
            source("3.16 µA in System ON, 256 kB of RAM kept, waking on RTC",
                "Nordic nRF52840 Product Specification v1.1, current consumption, sleep"),
        ],
    },
    Preset {
        name: "nrf51822", chips: "nRF51822", core: Core::CortexM0,
        clock_mhz: 16.0, active_ma: 4.4, sleep_ua: 3.1, voltage_v: 3.0,
        sources: &[
            source("4.4 mA at 16 MHz, code from flash",
                "Nordic nRF51822 Product Specification v3.3, section 8.4 (not re-read)"),
            source("3.1 µA in System ON: 2.6 with 16 kB of RAM, 0.4 for the 32 kHz crystal, 0.1 \
                for RTC",
                "Nordic nRF51822 Product Specification v3.3, section 8: ION,16k; ILFXO and IRTC \
                    (not re-read)"),
        ],
    },
    Preset {
        name: "esp32c3", chips: "ESP32-C3", core: Core::Rv32imc,
        clock_mhz: 160.0, active_ma: 23.0, sleep_ua: 130.0, voltage_v: 3.3,
        sources: &[
            source("23 mA at 160 MHz, the processor running, radio off, clocks of peripherals off",
                "Espressif ESP32-C3 Series Datasheet, current consumption in Modem-sleep mode (not \
                    re-read)"),
            source("130 µA in Light-sleep, RAM kept",
                "Espressif ESP32-C3 Series Datasheet, current consumption in low-power modes (not \
                    re-read)"),
        ],
    },
];

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The preset of the chip of this name, spelt as in the chip table; `None` for most.
pub fn preset_of(chip: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| chip.starts_with(preset.chips))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_those_of_chips_in_the_table() {
        for preset in PRESETS {
            let mut n_chips = 0;
            for chip in crate::chips() {
                if preset_of(&chip.name) == Some(preset) {
                    assert_eq!(chip.core, Some(preset.core), "{}", chip.name);
                    n_chips += 1;
                }
            }
            assert!(n_chips > 0, "{}", preset.name);
            assert_eq!(super::preset(preset.name), Some(preset));
        }
    }
}
