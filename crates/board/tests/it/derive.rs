//! Rows from descriptions: which memory becomes flash and which becomes RAM.

use spinney_board::{
    Architecture, Core, DescribedCore, Description, LeftOut, Memory, MemoryKind, Region, derive,
};

fn memory(kind: MemoryKind, origin: u64, kib: u64) -> Memory {
    Memory {
        kind,
        origin,
        bytes: kib * 1024,
        cores: vec!["main".to_owned()],
        boots: false,
        is_alias: false,
        executes: true,
    }
}

fn flash(origin: u64, kib: u64) -> Memory {
    Memory {
        boots: true,
        ..memory(MemoryKind::Nonvolatile, origin, kib)
    }
}

fn ram(origin: u64, kib: u64) -> Memory {
    memory(MemoryKind::Ram, origin, kib)
}

fn chip(name: &str, architecture: Architecture, memories: Vec<Memory>) -> Description {
    Description {
        name: name.to_owned(),
        packages: Vec::new(),
        cores: vec![DescribedCore {
            name: "main".to_owned(),
            architecture,
        }],
        memories,
    }
}

/// Flash and RAM in KiB from their origins.
fn regions(chip: &Description) -> ((u32, u32), (u32, u32)) {
    let row = derive(chip).unwrap();
    let told = |region: Region| (region.origin, region.len / 1024);
    (told(row.flash), told(row.ram))
}

#[test]
fn banks_without_a_gap_are_one_and_tightly_coupled_memory_is_none() {
    let f4 = chip(
        "STM32F429ZI",
        Architecture::Armv7em,
        vec![
            flash(0x0810_0000, 1024),
            flash(0x0800_0000, 1024),
            Memory {
                executes: false,
                ..ram(0x1000_0000, 64)
            },
            ram(0x2000_0000, 112),
            ram(0x2001_c000, 16),
        ],
    );
    assert_eq!(regions(&f4), ((0x0800_0000, 2048), (0x2000_0000, 128)));
}

#[test]
fn the_longest_stretch_of_data_ram() {
    let h7 = chip(
        "STM32H743ZI",
        Architecture::Armv7em,
        vec![
            ram(0, 64),
            flash(0x0800_0000, 2048),
            ram(0x2000_0000, 128),
            ram(0x2400_0000, 512),
            ram(0x3000_0000, 128),
            ram(0x3002_0000, 128),
        ],
    );
    assert_eq!(regions(&h7).1, (0x2400_0000, 512));
    // What straddles 0x2000_0000 is two memories; the upper one is the one for data.
    let xmc = chip(
        "XMC4500-F144x1024",
        Architecture::Armv7em,
        vec![flash(0x0800_0000, 1024), ram(0x1fff_e000, 20)],
    );
    assert_eq!(regions(&xmc).1, (0x2000_0000, 12));
    // Not joined to a memory of another kind.
    let lpc = chip(
        "LPC55S16JBD100",
        Architecture::Armv8m,
        vec![
            flash(0, 244),
            ram(0x2000_0000, 64),
            Memory {
                executes: false,
                ..ram(0x2001_0000, 16)
            },
        ],
    );
    assert_eq!(regions(&lpc).1, (0x2000_0000, 64));
}

#[test]
fn an_alias_only_where_there_is_nothing_else() {
    let alias = Memory {
        is_alias: true,
        ..ram(0x2000_0000, 64)
    };
    let nrf52 = chip(
        "nRF52832_xxAA",
        Architecture::Armv7em,
        vec![
            flash(0, 512),
            ram(0x0080_0000, 64),
            memory(MemoryKind::Nonvolatile, 0x1000_1000, 4),
            alias.clone(),
        ],
    );
    assert_eq!(regions(&nrf52), ((0, 512), (0x2000_0000, 64)));
    let other = chip(
        "ATSAML22N18A",
        Architecture::Armv6m,
        vec![flash(0, 256), alias, ram(0x2100_0000, 8)],
    );
    assert_eq!(regions(&other).1, (0x2100_0000, 8));
    // Outside the addresses for data only after them.
    let lpc = chip(
        "LPC802M001JDH16",
        Architecture::Armv6m,
        vec![flash(0, 16), ram(0x1000_0000, 2)],
    );
    assert_eq!(regions(&lpc).1, (0x1000_0000, 2));
}

#[test]
fn flash_that_nothing_is_booted_from_and_flash_that_is_no_alias() {
    let mapped = Memory {
        boots: false,
        is_alias: true,
        ..flash(0, 64)
    };
    let own = Memory {
        boots: false,
        ..flash(0x0800_0000, 64)
    };
    let data = Memory {
        executes: false,
        ..memory(MemoryKind::Nonvolatile, 0x0700_0000, 4)
    };
    let ch32 = chip(
        "CH32V103C8T6",
        Architecture::Riscv32,
        vec![mapped, data, own, ram(0x2000_0000, 20)],
    );
    assert_eq!(regions(&ch32).0, (0x0800_0000, 64));
}

#[test]
fn what_the_family_corrects() {
    let rp2040 = chip(
        "RP2040",
        Architecture::Armv6m,
        vec![flash(0x1000_0000, 128 * 1024), ram(0x2000_0000, 264)],
    );
    assert_eq!(regions(&rp2040).0, (0x1000_0000, 16 * 1024));
    assert!(derive(&rp2040).unwrap().is_flash_external);
    let mcxn = chip(
        "MCXN947",
        Architecture::Armv8m,
        vec![flash(0, 2048), ram(0x2000_0000, 384), ram(0x3000_0000, 416)],
    );
    assert_eq!(regions(&mcxn).1, (0x2000_0000, 384));
}

#[test]
fn the_first_core_boots_and_its_memories_count() {
    let mut dual = chip(
        "nRF5340_xxAA",
        Architecture::Armv8m,
        vec![flash(0, 1024), ram(0x2000_0000, 512)],
    );
    dual.cores.push(DescribedCore {
        name: "network".to_owned(),
        architecture: Architecture::Armv8m,
    });
    dual.memories.push(Memory {
        cores: vec!["network".to_owned()],
        ..ram(0x2100_0000, 1024)
    });
    assert_eq!(regions(&dual), ((0, 1024), (0x2000_0000, 512)));
    assert_eq!(derive(&dual).unwrap().core, Some(Core::CortexM33F));
}

#[test]
fn packages_become_what_follows_the_name() {
    let mut f103 = chip(
        "STM32F103C8",
        Architecture::Armv7m,
        vec![flash(0x0800_0000, 64), ram(0x2000_0000, 20)],
    );
    f103.packages = ["STM32F103C8Ux", "STM32F103C8", "STM32F103C8Tx"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(derive(&f103).unwrap().packages, ["Tx", "Ux"]);
}

#[test]
fn what_has_no_place_in_the_table() {
    let fails = |name: &str, architecture, memories: Vec<Memory>| {
        derive(&chip(name, architecture, memories)).unwrap_err()
    };
    let both = || vec![flash(0, 16), ram(0x2000_0000, 2)];
    assert_eq!(
        fails("Z80", Architecture::Armv6m, both()),
        LeftOut::NoFamily
    );
    assert_eq!(
        fails("STM32N657", Architecture::Armv8m, both()),
        LeftOut::Unsupported
    );
    assert_eq!(
        fails("STM32F030C8", Architecture::Armv7m, both()),
        LeftOut::OtherArchitecture
    );
    assert_eq!(
        fails("STM32F030C8", Architecture::Armv6m, both()[1..].to_vec()),
        LeftOut::NoFlash
    );
    assert_eq!(
        fails("STM32F030C8", Architecture::Armv6m, both()[..1].to_vec()),
        LeftOut::NoRam
    );
    // Beyond 32 bits there is nothing.
    let far = vec![flash(0, 16), ram(1 << 32, 2)];
    assert_eq!(
        fails("STM32F030C8", Architecture::Armv6m, far),
        LeftOut::NoRam
    );
    let nobody = Description {
        cores: Vec::new(),
        ..chip("STM32F030C8", Architecture::Armv6m, both())
    };
    assert_eq!(derive(&nobody), Err(LeftOut::Unsupported));
}
