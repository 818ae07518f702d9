//! Chips, cores, boards, and what is said of those that do not fit.

use expect_test::expect;
use spinney_board::Region;

use crate::common::{MINIMAL, check, parse};

#[test]
fn cores() {
    // A core that the table does not know is asked for; then it is taken.
    let unknown = MINIMAL.replace("STM32F405RGTx", "swm341");
    check(
        &unknown,
        &expect![[r#"
        error: target.core: found nothing, expected the core of swm341, which the chip table does not know
          --> folder/pipeline.toml:12:8
           |
        12 | chip = "swm341"
           |        ^^^^^^^^
           |
           = help: its data sheet names it: write `core = "cortex-m4f"`, for example
    "#]],
    );
    let named = format!("{unknown}core = \"cortex-m0\"\n");
    let target = parse(&named).unwrap().pipeline.target;
    assert_eq!(target.chip.core, spinney_board::Core::CortexM0);
    // A config knows better than the table, within an instruction set.
    let soft = format!("{MINIMAL}core = \"cortex-m4\"\n");
    let target = parse(&soft).unwrap().pipeline.target;
    assert_eq!(target.chip.core, spinney_board::Core::CortexM4);
    check(
        &format!("{MINIMAL}core = \"riscv32imc\"\n"),
        &expect![[r#"
            error: target.core: found `"riscv32imc"`, expected a core that runs the instructions of STM32F405RGTx, a cortex-m4f
              --> folder/pipeline.toml:13:8
               |
            12 | chip = "STM32F405RGTx"
               |        --------------- because of this
            13 | core = "riscv32imc"
               |        ^^^^^^^^^^^^
        "#]],
    );
    check(
        &format!("{MINIMAL}core = \"cortex-m5\"\n"),
        &expect![[r#"
            error: target.core: found `"cortex-m5"`, expected `"cortex-m0"`, `"cortex-m0plus"`, `"cortex-m3"`, `"cortex-m4"`, `"cortex-m4f"`, `"cortex-m7"`, `"cortex-m7f"`, `"cortex-m23"`, `"cortex-m33"`, `"cortex-m33f"`, `"riscv32imc"` or `"riscv32imac"`
              --> folder/pipeline.toml:13:8
               |
            13 | core = "cortex-m5"
               |        ^^^^^^^^^^^
               |
               = help: did you mean `"cortex-m7"`?
        "#]],
    );
}

#[test]
fn behind_a_bootloader_the_chip_wants_nothing() {
    let own = MINIMAL.replace("STM32F405RGTx", "RP2040");
    let boot = |text: &str| parse(text).unwrap().pipeline.target.chip.boot;
    assert_eq!(boot(&own), spinney_board::Boot::Rp2040Boot2);
    assert_eq!(
        boot(&format!("{own}origin = 0x10004000\nflash = \"1M\"\n")),
        spinney_board::Boot::Direct
    );
}

#[test]
fn what_a_bootloader_takes_is_not_the_images() {
    let flash = |more: &str| {
        let text = MINIMAL.replace("STM32F405RGTx", "nRF52840_xxAA");
        let chip = parse(&format!("{text}{more}\n")).unwrap().pipeline.target;
        (chip.chip.flash.origin, chip.chip.flash.len)
    };
    assert_eq!(flash(""), (0, 0x10_0000));
    assert_eq!(flash("origin = \"0x27000\""), (0x2_7000, 0xd_9000));
    assert_eq!(
        flash("origin = 0x26000\nflash = \"64K\""),
        (0x2_6000, 0x1_0000)
    );
    check(
        &format!("{MINIMAL}origin = 0x08004100\n"),
        &expect![[r#"
            error: target.origin: found 0x8004100, expected a multiple of 0x400, as the vectors of a cortex-m4f start there
              --> folder/pipeline.toml:13:10
               |
            13 | origin = 0x08004100
               |          ^^^^^^^^^^
        "#]],
    );
    check(
        &format!("{MINIMAL}origin = \"0x8 004000\"\n"),
        &expect![[r#"
            error: target.origin: found `"0x8 004000"`, expected an address of 32 bits, such as `0x08000000`
              --> folder/pipeline.toml:13:10
               |
            13 | origin = "0x8 004000"
               |          ^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn a_chip_that_the_table_lacks_is_described_in_full() {
    let text = |more: &str| MINIMAL.replace("STM32F405RGTx", "MY-M33") + more;
    let full = "core = \"cortex-m33f\"\nflash = \"512K\"\norigin = 0x10000000\nram = \"96K\"\n";
    let chip = parse(&text(full)).unwrap().pipeline.target.chip;
    assert_eq!(
        (chip.name.as_str(), chip.core.as_str()),
        ("MY-M33", "cortex-m33f")
    );
    assert_eq!(chip.flash, Region::new(0x1000_0000, 512 << 10));
    assert_eq!(chip.ram, Region::new(0x2000_0000, 96 << 10));
    check(
        &text("core = \"cortex-m33f\"\nflash = \"512K\"\n"),
        &expect![[r#"
            error: target.chip: found `"MY-M33"`, expected the name of a chip
              --> folder/pipeline.toml:12:8
               |
            12 | chip = "MY-M33"
               |        ^^^^^^^^
               |
               = help: `cargo xtask chips search` with a part of its name lists chips; `core`, `flash`, `origin` and `ram` describe one that is not there; for a C header alone, as on AVR or ESP32, name one that stands in for yours, such as `"nRF51822_xxAA"`; a chip that the table does not have is described by `core`, `flash`, `origin` and `ram`, of which [target] lacks origin, ram
        "#]],
    );
    check(
        &text(&full.replace("cortex-m33f", "riscv32imc")),
        &expect![[r#"
            error: target.ram_origin: found nothing, expected where the RAM of MY-M33 starts, which no architecture says of a riscv32imc
              --> folder/pipeline.toml:12:8
               |
            12 | chip = "MY-M33"
               |        ^^^^^^^^
        "#]],
    );
    check(
        &text(full).replace("MY-M33", "MY CHIP"),
        &expect![[r#"
            error: target.chip: found `"MY CHIP"`, expected the name of a chip
              --> folder/pipeline.toml:12:8
               |
            12 | chip = "MY CHIP"
               |        ^^^^^^^^^
               |
               = help: `cargo xtask chips search` with a part of its name lists chips; `core`, `flash`, `origin` and `ram` describe one that is not there; for a C header alone, as on AVR or ESP32, name one that stands in for yours, such as `"nRF51822_xxAA"`
        "#]],
    );
}

#[test]
fn chips_and_boards() {
    check(
        &MINIMAL.replace("STM32F405RGTx", "STM32F405"),
        &expect![[r#"
            error: target.chip: found `"STM32F405"`, expected the name of a chip
              --> folder/pipeline.toml:12:8
               |
            12 | chip = "STM32F405"
               |        ^^^^^^^^^^^
               |
               = help: 5 chips that differ have names that start so, `"STM32F405OE"`, `"STM32F405OG"` or `"STM32F405RG"` for example; `cargo xtask chips search STM32F405` lists them
        "#]],
    );
    check(
        &MINIMAL.replace("STM32F405RGTx", "Z80"),
        &expect![[r#"
            error: target.chip: found `"Z80"`, expected the name of a chip
              --> folder/pipeline.toml:12:8
               |
            12 | chip = "Z80"
               |        ^^^^^
               |
               = help: `cargo xtask chips search` with a part of its name lists chips; `core`, `flash`, `origin` and `ram` describe one that is not there; for a C header alone, as on AVR or ESP32, name one that stands in for yours, such as `"nRF51822_xxAA"`
        "#]],
    );
    check(
        &format!("{MINIMAL}board = \"micro-bit\"\n"),
        &expect![[r#"
        error: target.board: found `"micro-bit"`, expected the name of an emulated machine
          --> folder/pipeline.toml:13:9
           |
        13 | board = "micro-bit"
           |         ^^^^^^^^^^^
           |
           = help: did you mean `"microbit"`?
    "#]],
    );
    check(
        &format!("{MINIMAL}board = \"microbit\"\n"),
        &expect![[r#"
        error: target.board: found `"microbit"`, whose core is a cortex-m0, expected one that runs cortex-m4f code
          --> folder/pipeline.toml:13:9
           |
        12 | chip = "STM32F405RGTx"
           |        --------------- because of this
        13 | board = "microbit"
           |         ^^^^^^^^^^
           |
           = help: machines for this chip: netduinoplus2, mps2-an386
    "#]],
    );
    check(
        &format!("{MINIMAL}ram = \"4095M\"\n"),
        &expect![[r#"
        error: target.ram: found 4293918720 bytes of RAM from 0x20000000, expected them to end within 32 bits
          --> folder/pipeline.toml:13:7
           |
        13 | ram = "4095M"
           |       ^^^^^^^
    "#]],
    );
    check(
        &format!("{MINIMAL}origin = 0x20000000\n"),
        &expect![[r#"
        error: target: found flash (1048576 bytes from 0x20000000) and RAM (131072 bytes from 0x20000000) that overlap, expected two regions
          --> folder/pipeline.toml:13:10
           |
        13 | origin = 0x20000000
           |          ^^^^^^^^^^
    "#]],
    );
    check(
        &format!("{MINIMAL}origin = -1\n"),
        &expect![[r#"
        error: target.origin: found `-1`, expected an address of 32 bits, such as `0x08000000`
          --> folder/pipeline.toml:13:10
           |
        13 | origin = -1
           |          ^^
    "#]],
    );
}
