//! Chips that everybody knows, against their data sheets.

use spinney_board::{Boot, Core, Region, find};

type Known = (&'static str, Core, Region, Region, Boot);

const K: u32 = 1024;

const fn known(
    name: &'static str,
    core: Core,
    flash: (u32, u32),
    ram: (u32, u32),
    boot: Boot,
) -> Known {
    (
        name,
        core,
        Region::new(flash.0, flash.1 * K),
        Region::new(ram.0, ram.1 * K),
        boot,
    )
}

const FLASH: u32 = 0x0800_0000;
const RAM: u32 = 0x2000_0000;

const KNOWN: [Known; 32] = [
    known(
        "STM32F030C8",
        Core::CortexM0,
        (FLASH, 64),
        (RAM, 8),
        Boot::Direct,
    ),
    known(
        "STM32F103C8",
        Core::CortexM3,
        (FLASH, 64),
        (RAM, 20),
        Boot::Direct,
    ),
    // 128 KiB from 0x2000_0000; the CCM at 0x1000_0000 is not it.
    known(
        "STM32F405RGTx",
        Core::CortexM4F,
        (FLASH, 1024),
        (RAM, 128),
        Boot::Direct,
    ),
    known(
        "STM32F303CC",
        Core::CortexM4F,
        (FLASH, 256),
        (RAM, 40),
        Boot::Direct,
    ),
    known(
        "STM32F746ZG",
        Core::CortexM7F,
        (FLASH, 1024),
        (RAM, 320),
        Boot::Direct,
    ),
    known(
        "STM32G071RB",
        Core::CortexM0Plus,
        (FLASH, 128),
        (RAM, 36),
        Boot::Direct,
    ),
    known(
        "STM32G474RE",
        Core::CortexM4F,
        (FLASH, 512),
        (RAM, 128),
        Boot::Direct,
    ),
    // SRAM1; SRAM2 at 0x1000_0000 is another 32 KiB.
    known(
        "STM32L476RG",
        Core::CortexM4F,
        (FLASH, 1024),
        (RAM, 96),
        Boot::Direct,
    ),
    known(
        "STM32L072CZ",
        Core::CortexM0Plus,
        (FLASH, 192),
        (RAM, 20),
        Boot::Direct,
    ),
    known(
        "STM32L152RE",
        Core::CortexM3,
        (FLASH, 512),
        (RAM, 80),
        Boot::Direct,
    ),
    known(
        "STM32L552ZE",
        Core::CortexM33F,
        (FLASH, 512),
        (RAM, 256),
        Boot::Direct,
    ),
    known(
        "STM32U575ZI",
        Core::CortexM33F,
        (FLASH, 2048),
        (RAM, 768),
        Boot::Direct,
    ),
    // The AXI SRAM, both banks of flash.
    known(
        "STM32H743ZI",
        Core::CortexM7F,
        (FLASH, 2048),
        (0x2400_0000, 512),
        Boot::Direct,
    ),
    known(
        "STM32H747XI",
        Core::CortexM7F,
        (FLASH, 2048),
        (0x2400_0000, 512),
        Boot::Direct,
    ),
    known(
        "STM32WB55RG",
        Core::CortexM4F,
        (FLASH, 1024),
        (RAM, 192),
        Boot::Direct,
    ),
    known(
        "STM32WLE5JC",
        Core::CortexM4,
        (FLASH, 256),
        (RAM, 64),
        Boot::Direct,
    ),
    known(
        "nRF51822_xxAA",
        Core::CortexM0,
        (0, 256),
        (RAM, 16),
        Boot::Direct,
    ),
    known(
        "nRF52810_xxAA",
        Core::CortexM4,
        (0, 192),
        (RAM, 24),
        Boot::Direct,
    ),
    known(
        "nRF52832_xxAA",
        Core::CortexM4F,
        (0, 512),
        (RAM, 64),
        Boot::Direct,
    ),
    known(
        "nRF52832_xxAB",
        Core::CortexM4F,
        (0, 256),
        (RAM, 32),
        Boot::Direct,
    ),
    known(
        "nRF52840_xxAA",
        Core::CortexM4F,
        (0, 1024),
        (RAM, 256),
        Boot::Direct,
    ),
    known(
        "nRF5340_xxAA",
        Core::CortexM33F,
        (0, 1024),
        (RAM, 512),
        Boot::Direct,
    ),
    known(
        "nRF9160_xxAA",
        Core::CortexM33F,
        (0, 1024),
        (RAM, 256),
        Boot::Direct,
    ),
    known(
        "RP2040",
        Core::CortexM0Plus,
        (0x1000_0000, 16384),
        (RAM, 264),
        Boot::Rp2040Boot2,
    ),
    known(
        "RP235x",
        Core::CortexM33F,
        (0x1000_0000, 16384),
        (RAM, 520),
        Boot::Rp235xBlock,
    ),
    known(
        "RP235x_riscv",
        Core::Rv32imac,
        (0x1000_0000, 16384),
        (RAM, 520),
        Boot::Header,
    ),
    known(
        "ATSAMD21G18A",
        Core::CortexM0Plus,
        (0, 256),
        (RAM, 32),
        Boot::Direct,
    ),
    known(
        "ATSAMD51J20A",
        Core::CortexM4F,
        (0, 1024),
        (RAM, 256),
        Boot::Direct,
    ),
    known(
        "GD32VF103CBT6",
        Core::Rv32imac,
        (FLASH, 128),
        (RAM, 32),
        Boot::Direct,
    ),
    known(
        "LPC845M301JBD48",
        Core::CortexM0Plus,
        (0, 64),
        (0x1000_0000, 16),
        Boot::LpcChecksum,
    ),
    known(
        "ESP32-C3",
        Core::Rv32imc,
        (0x4200_0000, 8192),
        (0x3fc8_0000, 384),
        Boot::EspIdf,
    ),
    known(
        "ESP32-C6",
        Core::Rv32imac,
        (0x4200_0000, 16384),
        (0x4080_0000, 512),
        Boot::EspIdf,
    ),
];

#[test]
fn well_known_chips_are_as_their_data_sheets_say() {
    for (name, core, flash, ram, boot) in KNOWN {
        let chip = find(name).unwrap();
        assert_eq!(
            (chip.core, chip.flash, chip.ram, chip.boot),
            (Some(core), flash, ram, boot),
            "{name}"
        );
    }
}
