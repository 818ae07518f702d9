//! `[target]` and `[budget]`: the chip's memories, its emulated machine, and gates that can bind.

use spinney_board::{Chip, Core, Listing, MACHINES, Machine, Region};

use crate::choice::Emulator;
use crate::diagnostics::Fault;
use crate::measured;
use crate::pipeline::{Budget, Target};
use crate::raw::{RawPipeline, RawSection};
use crate::schema::listed;
use crate::value::{Reader, Value, literal};

/// Gates that only a run can measure.
const OF_A_RUN: [&str; 7] = [
    "stack",
    "instructions",
    "instructions_max",
    "instructions_bound",
    "reject_instructions",
    "latency_us_max",
    "battery_life_min_days",
];

pub(super) fn check(reader: &mut Reader, section: &RawSection) -> Option<Target> {
    let emulator = section.choice::<Emulator>("emulator");
    let chip = match section.value("chip") {
        Some(Value::Chip(listing)) => {
            core(reader, section, listing).map(|chip| memories(reader, section, chip))
        }
        Some(Value::Text(name)) => described(reader, section, name)
            .and_then(|listing| core(reader, section, &listing))
            .map(|chip| memories(reader, section, chip)),
        _ => None,
    };
    let board = match section.value("board") {
        Some(Value::Board(board)) => Some(*board),
        _ => None,
    };
    if emulator == Some(Emulator::Off) {
        let why = "the emulator is off";
        reader.contradict(section, "board", why, &section.cause("emulator"));
    }
    let (chip, emulator) = (chip?, emulator?);
    let measured = measured::read(reader, section, &chip.name);
    Some(Target {
        board: match emulator {
            Emulator::Off => None,
            _ => machine(reader, section, &chip, board),
        },
        chip,
        clock_mhz: section.number("clock_mhz"),
        measured,
        emulator,
    })
}

/// What describes a chip that the table does not have.
const DESCRIBING: [&str; 4] = ["core", "flash", "origin", "ram"];

/// The chip that the table does not have, as the config describes it.
fn described(reader: &mut Reader, section: &RawSection, name: &str) -> Option<Listing> {
    /// Where Arm's cores have their RAM, unless stated.
    const ARM_RAM: u32 = 0x2000_0000;
    let missing: Vec<&str> = DESCRIBING
        .into_iter()
        .filter(|key| section.given(key).is_none())
        .collect();
    // It stands in reports and file names.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !missing.is_empty() || name.is_empty() || !name.chars().all(is_name) {
        let message = format!("target.chip: found `\"{name}\"`, expected the name of a chip");
        let mut help = unknown(name);
        if !missing.is_empty() && missing.len() < DESCRIBING.len() {
            help += "; a chip that the table does not have is described by `core`, `flash`, `origin` \
                     and `ram`, of which [target] lacks ";
            help += &missing.join(", ");
        }
        reader.fault(Fault::new(section.given("chip"), message).help(help));
        return None;
    }
    let core = section
        .text("core")
        .and_then(|name| Core::from_name(&name))?;
    let ram_origin = section.bytes("ram_origin");
    if core.is_riscv() && section.given("ram_origin").is_none() {
        let message = format!(
            "target.ram_origin: found nothing, expected where the RAM of {name} starts, which no \
             architecture says of a {core}"
        );
        reader.fault(Fault::new(section.given("chip"), message));
        return None;
    }
    Some(Listing::described(
        name,
        core,
        Region::new(section.bytes("origin")?, section.bytes("flash")?),
        Region::new(ram_origin.unwrap_or(ARM_RAM), section.bytes("ram")?),
    ))
}

/// What to do about a name that the table does not have.
fn unknown(name: &str) -> String {
    let Err(unknown) = spinney_board::find(name) else {
        return String::new();
    };
    if let Some(reason) = spinney_board::no_images_for(name) {
        return format!(
            "Spinney builds no images for it ({reason}); `export = [\"c99\"]` with a chip that stands in \
             for it, such as `\"nRF51822_xxAA\"`, gives a C header for its own compiler"
        );
    }
    let names: Vec<&str> = unknown.nearest.iter().map(String::as_str).collect();
    match unknown.n_longer {
        0 if names.is_empty() => {
            "`cargo xtask chips search` with a part of its name lists chips; `core`, `flash`, `origin` and \
             `ram` describe one that is not there; for a C header alone, as on AVR or ESP32, name one \
             that stands in for yours, such as `\"nRF51822_xxAA\"`"
                .to_owned()
        }
        0 => format!("did you mean {}?", listed(&names)),
        n => format!(
            "{n} chips that differ have names that start so, {} for example; `cargo xtask chips search {name}` lists them",
            listed(&names)
        ),
    }
}

/// The chip with the core that the config gives it, which is of the chip's instruction set.
fn core(reader: &mut Reader, section: &RawSection, listing: &Listing) -> Option<Chip> {
    let core = section.text("core").and_then(|name| Core::from_name(&name));
    let Some(chip) = listing.chip(core) else {
        if section.given("core").is_none() {
            let message = format!(
                "target.core: found nothing, expected the core of {}, which the chip table does not know",
                listing.name
            );
            reader.fault(
                Fault::new(section.given("chip"), message)
                    .help("its data sheet names it: write `core = \"cortex-m4f\"`, for example"),
            );
        }
        return None;
    };
    let is_arm = |core: Core| core.target().starts_with("thumb");
    match listing.core {
        Some(own) if is_arm(own) != is_arm(chip.core) => {
            let message = format!(
                "target.core: found `\"{}\"`, expected a core that runs the instructions of {}, a {own}",
                chip.core, listing.name
            );
            reader.fault(Fault::new(section.given("core"), message).because(section.given("chip")));
            None
        }
        _ => Some(chip),
    }
}

/// The chip with the memories that the config gives it.
fn memories(reader: &mut Reader, section: &RawSection, mut chip: Chip) -> Chip {
    let origin = section.bytes("origin");
    match origin.filter(|origin| *origin != chip.flash.origin) {
        Some(origin) => {
            // What stands before the image starts it, and has what the chip wants to find.
            let field = chip
                .boot
                .field()
                .map(|field| chip.flash.origin + field.end());
            if let Some(end) = field.filter(|end| (chip.flash.origin..*end).contains(&origin)) {
                let message = format!(
                    "target.origin: found {origin:#x}, expected {end:#x} or more: the words before \
                     it configure {}, or lock it",
                    chip.name
                );
                let fault = Fault::new(section.given("origin"), message);
                reader.fault(fault.because(section.given("chip")));
            }
            let alignment = chip.core.image_alignment();
            if !origin.is_multiple_of(alignment) {
                let message = format!(
                    "target.origin: found {origin:#x}, expected a multiple of {alignment:#x}, as the \
                     vectors of a {} start there",
                    chip.core
                );
                reader.fault(Fault::new(section.given("origin"), message));
            }
            chip = chip.behind(origin);
        }
        None if chip.boot.locks() => {
            let message = format!(
                "target.chip: found {}, whose image could lock it: {}",
                chip.name,
                chip.boot.missing().unwrap_or_default()
            );
            let help =
                "`origin` in [target] puts an image behind a bootloader that has these words";
            reader.fault(Fault::new(section.given("chip"), message).help(help));
        }
        None => {}
    }
    for (name, region, origin, len) in [
        ("flash", &mut chip.flash, "origin", "flash"),
        ("RAM", &mut chip.ram, "ram_origin", "ram"),
    ] {
        *region = Region {
            origin: section.bytes(origin).unwrap_or(region.origin),
            len: section.bytes(len).unwrap_or(region.len),
        };
        if region.end() > 1 << 32 {
            let message = format!(
                "target.{len}: found {} bytes of {name} from {:#010x}, expected them to end within 32 bits",
                region.len, region.origin
            );
            reader.refuse_pair(section, len, message, &section.cause(origin));
        }
    }
    if chip.flash.overlaps(chip.ram) {
        let message = format!(
            "target: found flash ({} bytes from {:#010x}) and RAM ({} bytes from {:#010x}) that overlap, expected two regions",
            chip.flash.len, chip.flash.origin, chip.ram.len, chip.ram.origin
        );
        let at = ["origin", "flash", "ram_origin", "ram"];
        let span = at.iter().find_map(|key| section.given(key));
        reader.fault(Fault::new(span.or_else(|| section.span.clone()), message));
    }
    chip
}

fn machine(
    reader: &mut Reader,
    section: &RawSection,
    chip: &Chip,
    board: Option<&'static Machine>,
) -> Option<&'static Machine> {
    match board {
        Some(board) if !board.runs(chip.core) => {
            let fitting: Vec<&str> = MACHINES
                .iter()
                .filter(|machine| machine.runs(chip.core))
                .map(|machine| machine.name)
                .collect();
            let message = format!(
                "target.board: found `\"{}\"`, whose core is a {}, expected one that runs {} code",
                board.name, board.core, chip.core
            );
            let fault = Fault::new(section.given("board"), message).because(section.given("chip"));
            reader.fault(fault.help(format!("machines for this chip: {}", fitting.join(", "))));
            None
        }
        Some(board) => Some(board),
        None if section.given("board").is_some() => None,
        None => Some(chip.core.machine()),
    }
}

pub(super) fn budget(
    reader: &mut Reader,
    raw: &RawPipeline,
    target: Option<&Target>,
) -> Option<Budget> {
    let section = raw.section("budget");
    let target_section = raw.section("target");
    if target_section.choice::<Emulator>("emulator") == Some(Emulator::Off) {
        let cause = target_section.cause("emulator");
        let why = "nothing is run that could be measured";
        for key in OF_A_RUN {
            reader.contradict(section, key, why, &cause);
        }
    }
    let target = target?;
    let memories = [
        ("flash", target.chip.flash, "flash"),
        ("ram", target.chip.ram, "RAM"),
        ("stack", target.chip.ram, "RAM"),
    ];
    for (key, region, name) in memories {
        let Some(limit) = section.bytes(key).filter(|limit| *limit > region.len) else {
            continue;
        };
        let span = section.given(key);
        let found = span
            .as_ref()
            .map(|span| literal(reader.text, span))
            .unwrap_or_default();
        let message = format!(
            "budget.{key}: found {found} ({limit} bytes), expected no more than the {} bytes of {name} that {} has",
            region.len, target.chip.name
        );
        reader.fault(Fault::new(span, message).because(target_section.given("chip")));
    }
    Some(Budget {
        flash: section.bytes("flash").unwrap_or(target.chip.flash.len),
        ram: section.bytes("ram").unwrap_or(target.chip.ram.len),
        stack: section.bytes("stack"),
        instructions: section.integer("instructions"),
        instructions_max: section.integer("instructions_max"),
        instructions_bound: section.integer("instructions_bound"),
        reject_flash: section.bytes("reject_flash"),
        reject_instructions: section.integer("reject_instructions"),
        max_flash_growth: section.bytes("max_flash_growth"),
        latency_us_max: super::node::latency(reader, raw, target),
        battery_life_min_days: super::node::battery_life(reader, raw),
    })
}
