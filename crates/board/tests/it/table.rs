//! The chip table as it is checked in: every row, and names as users type them.

use expect_test::expect;
use spinney_board::{
    Core, FamilyCore, Listing, boards, chips, families, family, find, parse_table, search,
    write_table,
};

const TABLE: &str = include_str!("../../data/chips.csv");

#[test]
fn every_row_is_valid_in_order_and_says_what_its_family_says() {
    assert!(chips().len() > 4000);
    assert_eq!(write_table(chips()).unwrap(), TABLE);
    let mut wrong = Vec::new();
    for chip in chips() {
        let family = family(&chip.name).expect("each chip has a family");
        let core = match family.core {
            FamilyCore::Known(core) => Some(core),
            FamilyCore::Asked => None,
            FamilyCore::Unsupported => panic!("{} is not supported", chip.name),
        };
        let is_whole = chip.core == core
            && chip.boot == family.boot
            && chip.is_flash_external == family.is_flash_external
            && chip.core.is_none_or(|core| Core::ALL.contains(&core))
            && family
                .ram_origin
                .is_none_or(|origin| chip.ram.origin == origin)
            && family
                .flash_origin
                .is_none_or(|origin| chip.flash.origin == origin);
        // The smallest parts there are: an LPC810 and an LM3S101.
        let is_sane = chip.ram.len >= 1024
            && chip.ram.len <= 8 << 20
            && chip.flash.len >= 4096
            && (chip.is_flash_external || chip.flash.len <= 8 << 20)
            && chip.ram.origin % 8 == 0
            && chip.flash.origin % 1024 == 0;
        if !is_whole || !is_sane || find(&chip.name.to_uppercase()).as_ref() != Ok(chip) {
            wrong.push(format!("{chip:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_family_has_chips_or_says_why_not() {
    for rule in families() {
        let has_chips = chips()
            .iter()
            .any(|chip| family(&chip.name).is_some_and(|it| it.prefix == rule.prefix));
        assert_eq!(
            has_chips,
            rule.core != FamilyCore::Unsupported,
            "{}",
            rule.prefix
        );
    }
}

#[test]
fn every_package_leads_to_its_chip() {
    for chip in chips() {
        for suffix in &chip.packages {
            let name = format!("{}{suffix}", chip.name);
            let found = find(&name.to_lowercase()).unwrap();
            // The registry has some packages of the STM32L1 and L4 as chips of their own.
            let is_own = chips().iter().any(|own| own.name == name);
            assert_eq!((&found.name, found.core), (&name, chip.core));
            assert!(
                is_own || (found.flash, found.ram) == (chip.flash, chip.ram),
                "{name}"
            );
        }
    }
}

/// Name, core, flash and RAM by its data sheet, and what it boots by.
#[test]
fn names_as_users_type_them() {
    let name = |typed: &str| find(typed).map(|chip| chip.name);
    // Any case, a real package for the table's x, and a beginning that leaves no choice.
    assert_eq!(name("stm32f405rgtx").as_deref(), Ok("STM32F405RGTx"));
    assert_eq!(name("STM32F405RGT6").as_deref(), Ok("STM32F405RGTx"));
    assert_eq!(name("stm32f405rg").as_deref(), Ok("STM32F405RG"));
    assert_eq!(name("nRF52840").as_deref(), Ok("nRF52840_xxAA"));
    assert_eq!(name("nRF52840_QIAA").as_deref(), Ok("nRF52840_xxAA"));
    assert_eq!(name("RP2350").as_deref(), Ok("RP235x"));
    assert_eq!(name("rp2040").as_deref(), Ok("RP2040"));
    assert_eq!(name("esp32-c3").as_deref(), Ok("ESP32-C3"));
}

#[test]
fn part_numbers_of_vendors_and_boards() {
    for (typed, chip) in [
        // Package, temperature, packing.
        ("STM32F405RGT6TR", "STM32F405RG"),
        ("STM32L476RGT6TR", "STM32L476RG"),
        ("GD32F103C8T6", "GD32F103C8"),
        ("ATSAMD21G18A-AU", "ATSAMD21G18A"),
        ("ATSAMD21G18A-MUT", "ATSAMD21G18A"),
        ("nRF52840-QIAA", "nRF52840_xxAA"),
        ("nRF52832-QFAA-R7", "nRF52832_xxAA"),
        ("LPC1768FBD100", "LPC1768"),
        ("MK64FN1M0VLL12", "MK64FN1M0"),
        ("ESP32-C3FH4", "ESP32-C3"),
        ("ESP32-C3-MINI-1", "ESP32-C3"),
        // Boards.
        ("pico", "RP2040"),
        ("Pico 2", "RP235x"),
        ("bluepill", "STM32F103C8"),
        ("microbit", "nRF51822_xxAA"),
        ("BBC micro:bit V2", "nRF52833_xxAA"),
        ("nucleo-f401re", "STM32F401RE"),
        ("NUCLEO-L031K6", "STM32L031K6"),
        ("xiao-nrf52840", "nRF52840_xxAA"),
        ("feather-m0", "ATSAMD21G18A"),
        ("esp32-c3-devkit", "ESP32-C3"),
        ("esp32-c3-devkitm-1", "ESP32-C3"),
    ] {
        assert_eq!(
            find(typed).map(|it| it.name).as_deref(),
            Ok(chip),
            "{typed}"
        );
        let found: Vec<&str> = search(typed).iter().map(|it| it.name.as_str()).collect();
        assert!(found.contains(&chip), "{typed}: {found:?}");
    }
    // Other parts, and what no part is called.
    for typed in [
        "ESP32-C61",
        "STM32F405",
        "STM32F999RGT6",
        "RP20405",
        "STM32F405RG what?",
    ] {
        assert!(find(typed).is_err(), "{typed}: {:?}", find(typed));
    }
}

fn check(typed: &str, expect: &expect_test::Expect) {
    expect.assert_debug_eq(&find(typed).unwrap_err());
}

#[test]
fn an_unknown_or_ambiguous_chip_brings_its_neighbours() {
    check(
        "STM32F405",
        &expect![[r#"
            UnknownChip {
                name: "STM32F405",
                n_longer: 5,
                nearest: [
                    "STM32F405OE",
                    "STM32F405OG",
                    "STM32F405RG",
                ],
            }
        "#]],
    );
    check(
        "nRF52832",
        &expect![[r#"
        UnknownChip {
            name: "nRF52832",
            n_longer: 2,
            nearest: [
                "nRF52832_xxAA",
                "nRF52832_xxAB",
            ],
        }
    "#]],
    );
    check(
        "STM32F4O5RG",
        &expect![[r#"
        UnknownChip {
            name: "STM32F4O5RG",
            n_longer: 0,
            nearest: [
                "STM32F405RG",
                "STM32F415RG",
                "STM32F405OG",
            ],
        }
    "#]],
    );
    check(
        "",
        &expect![[r#"
        UnknownChip {
            name: "",
            n_longer: 0,
            nearest: [],
        }
    "#]],
    );
    assert!(find(&"S".repeat(100_000)).unwrap_err().nearest.is_empty());
    assert!(find("STM32Ω").is_err());
}

#[test]
fn search_finds_parts_of_names_and_packages() {
    let names =
        |part: &str| -> Vec<&str> { search(part).iter().map(|chip| chip.name.as_str()).collect() };
    assert_eq!(names("52840"), ["nRF52840_xxAA"]);
    assert_eq!(names("f405rgt"), ["STM32F405RG"]);
    assert!(names("z80").is_empty());
}

#[test]
fn search_takes_what_a_config_takes_and_names_of_boards() {
    for (typed, chip) in [
        ("STM32F103C8T6", "STM32F103C8"),
        ("stm32f411ceu6", "STM32F411CE"),
        ("RP2350", "RP235x"),
        ("esp32c3", "ESP32-C3"),
        ("Pico", "RP2040"),
        ("blue-pill", "STM32F103C8"),
    ] {
        let found: Vec<&str> = search(typed).iter().map(|it| it.name.as_str()).collect();
        assert!(found.contains(&chip), "{typed}: {found:?}");
    }
}

#[test]
fn every_board_has_a_chip_of_the_table_and_a_source() {
    assert!(boards().len() > 40);
    for board in boards() {
        assert_eq!(find(board.name).unwrap().name, board.chip, "{}", board.name);
        assert!(!board.source.is_empty(), "{}", board.name);
    }
}

#[test]
fn ram_is_what_is_there_without_option_bytes() {
    for (name, kib) in [
        ("AT32F403ACGT7", 96),
        ("AT32F407VGT7", 96),
        ("AT32F413CBT7", 32),
        ("AT32F435CDT7", 192),
        ("AT32F435CGT7", 384),
        ("AIR32F103CB", 32),
        ("AIR32F103RP", 96),
    ] {
        assert_eq!(find(name).unwrap().ram.len, kib << 10, "{name}");
    }
}

#[test]
fn a_core_that_the_table_does_not_know_is_asked_for() {
    let asked: Vec<&Listing> = chips().iter().filter(|chip| chip.core.is_none()).collect();
    assert!(!asked.is_empty() && asked.len() < 20);
    assert_eq!(asked[0].chip(None), None);
    let chip = asked[0].chip(Some(Core::Rv32imac)).unwrap();
    assert_eq!(chip.core, Core::Rv32imac);
}

const HEADER: &str =
    "name,packages,core,flash_origin,flash_bytes,ram_origin,ram_bytes,boot,external\n";

fn fault(row: &str, expect: &expect_test::Expect) {
    let error = parse_table(&format!("{HEADER}{row}\n")).unwrap_err();
    expect.assert_eq(&error.to_string());
}

#[test]
fn faulty_rows() {
    let other = parse_table("name,core\n").unwrap_err();
    expect!["chip table, line 1: found name,core, expected name,packages,core,flash_origin,flash_bytes,ram_origin,ram_bytes,boot,external"].assert_eq(&other.to_string());
    fault(
        "A,,cortex-m9,0x0,1,0x10,1,,",
        &expect!["chip table, line 2: found core cortex-m9, expected a core such as cortex-m4f"],
    );
    fault(
        "A,,cortex-m0,0,1,0x10,1,,",
        &expect!["chip table, line 2: found 0, expected an address such as 0x08000000"],
    );
    fault(
        "A,,cortex-m0,0x0,0,0x10,1,,",
        &expect![
            "chip table, line 2: found 0 bytes from 0x00000000, expected a region inside 32 bits, not empty"
        ],
    );
    fault(
        "A,,cortex-m0,0xffffffff,2,0x10,1,,",
        &expect![
            "chip table, line 2: found 2 bytes from 0xffffffff, expected a region inside 32 bits, not empty"
        ],
    );
    fault(
        "A,,cortex-m0,0x0,17,0x10,1,,",
        &expect![
            "chip table, line 2: found flash and RAM that overlap, expected two separate regions"
        ],
    );
    fault(
        "A,,cortex-m0,0x0,much,0x10,1,,",
        &expect!["chip table, line 2: found much, expected a number of bytes"],
    );
    fault(
        "A,,cortex-m0,0x0",
        &expect!["chip table, line 2: found 4 values, expected nine"],
    );
    fault(
        ",,cortex-m0,0x0,1,0x10,1,,",
        &expect![[r#"chip table, line 2: found the name "", expected a name in ASCII"#]],
    );
    fault(
        "A,,cortex-m0,0x0,1,0x10,1,uf2,",
        &expect!["chip table, line 2: found boot uf2, expected a requirement such as rp2040-boot2"],
    );
    fault(
        "A,,cortex-m0,0x0,1,0x10,1,,no",
        &expect!["chip table, line 2: found external no, expected yes or nothing"],
    );
    fault(
        "A,,cortex-m0,0x0,1,0x10,1,,\na,,cortex-m0,0x0,1,0x10,1,,",
        &expect![
            "chip table, line 3: found a after A, expected each chip once, in the order of their names in lower case"
        ],
    );
}
