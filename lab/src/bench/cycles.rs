//! `bench cycles`: what a core's timing table says of an image that measures itself, run and traced as
//! a model's is.
//!
//! The image looks at its timer before and after each stretch, first around nothing, and then calls a
//! function whose name contains `counter7elapsed`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use spinney_board::{Chip, find};
use spinney_evaluate::{Cost, Trace};
use spinney_pipeline::emulator::Emulation;
use spinney_pipeline::environment;
use spinney_pipeline::failure::{ExitReason, Failure};

use super::DEADLINE_S;

/// What is weighed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The chip whose core's table counts.
    #[arg(long)]
    chip: String,
    /// An image for the emulated machine of that core.
    elf: PathBuf,
}

/// `bench cycles`: prints what the image's first stretch takes.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let chip = find(&arguments.chip).input()?.chip(None);
    let chip = chip
        .with_context(|| format!("the core of {} is not known", arguments.chip))
        .input()?;
    let elf = crate::read(&arguments.elf).input()?;
    let cost = weighed(&chip, &elf, 1)?
        .pop()
        .flatten()
        .with_context(|| format!("{}: its stretch could not be followed", chip.name))
        .input()?;
    println!(
        "{} instructions, {} to {} cycles, middle {}",
        cost.instructions,
        cost.low,
        cost.high,
        cost.mean()
    );
    Ok(())
}

/// The cost of `n` stretches of an image, each less what measuring nothing takes; `None` for one that
/// could not be followed.
fn weighed(chip: &Chip, elf: &[u8], n: usize) -> Result<Vec<Option<Cost>>, Failure> {
    let machine = chip.core.machine();
    let (qemu, _) = environment::needed_emulator(machine)?;
    let emulation = Emulation {
        qemu: Path::new(&qemu),
        machine,
        deadline_s: DEADLINE_S,
        within: &std::env::temp_dir(),
    };
    let trace = Trace::new(chip, elf).input()?;
    let mut trace = trace
        .with_context(|| format!("nothing is known of the time of a {}", chip.core))
        .input()?;
    let filter = trace.filter();
    emulation.trace(elf, &[], &filter, |line| {
        trace.line(line);
        trace.n_measured() <= n
    })?;
    Ok(trace.of_each())
}

#[cfg(test)]
mod tests {
    use spinney_board::Machine;

    use super::*;

    const TIMES: u64 = 10;
    /// `subs r0, #1`, and the look at SysTick in r7: `ldr r6, [r7, #8]`.
    const DECREMENT: u16 = 0x3801;
    const LOOK: u16 = 0x68be;
    const RETURN: u16 = 0x4770;

    /// An image for a Cortex-M's machine that runs loops around `bodies`, each [`TIMES`] times, and
    /// measures each; in a body, `CALL` becomes a call of a function that returns.
    fn thumb(machine: &Machine, bodies: &[Vec<u32>]) -> Vec<u8> {
        let (origin, ram) = (machine.flash.origin, machine.ram.origin);
        let mut code = vec![0_u16; 32];
        let (elapsed, leaf) = (code.len(), code.len() + 1);
        code.extend([RETURN, RETURN]);
        let start = code.len();
        // r7 = 0xe000e010, SysTick, which counts down from its largest value; r5 is in RAM.
        code.extend([0x27e0, 0x063f, 0x26e0, 0x0236, 0x19bf, 0x3710]);
        code.extend([0x2500 | (ram >> 24) as u16, 0x062d, 0x35ff, 0x3501]);
        code.extend([0x2600, 0x43f6, 0x0a36, 0x607e, 0x60be, 0x2605, 0x603e]);
        code.extend([LOOK, LOOK]);
        call(&mut code, elapsed);
        for body in bodies {
            code.extend([0x2000 | TIMES as u16, LOOK]);
            let top = code.len();
            for half in body {
                match *half {
                    CALL => call(&mut code, leaf),
                    half => code.push(half as u16),
                }
            }
            let back = code.len() + 1 + 2 - top;
            code.extend([DECREMENT, 0xd100 | (0x100 - back as u16), LOOK]);
            call(&mut code, elapsed);
        }
        code.push(0xe7fe);
        let vectors = [ram + 0x1000, origin + 2 * start as u32 + 1];
        for (index, vector) in vectors.into_iter().enumerate() {
            code[2 * index] = vector as u16;
            code[2 * index + 1] = (vector >> 16) as u16;
        }
        let bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
        elf(40, 0x0500_0000, origin, &bytes, origin + 2 * elapsed as u32)
    }

    /// No instruction, in place of a call.
    const CALL: u32 = u32::MAX;

    fn call(code: &mut Vec<u16>, to: usize) {
        let offset = 2 * (to as i32 - code.len() as i32) - 4;
        code.push(0xf000 | (offset >> 12 & 0x7ff) as u16);
        code.push(0xf800 | (offset >> 1 & 0x7ff) as u16);
    }

    /// An executable of one segment, whose only symbol is the function that ends measurements.
    fn elf(machine: u16, flags: u32, origin: u32, code: &[u8], elapsed: u32) -> Vec<u8> {
        const NAMES: &[u8] = b"\0counter7elapsed\0\0\0\0";
        let (code_at, names_at) = (84, 84 + code.len() as u32);
        let symbols_at = names_at + NAMES.len() as u32;
        let sections_at = symbols_at + 32;
        let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        file.extend(machine.to_le_bytes());
        let words = |file: &mut Vec<u8>, words: &[u32]| {
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        words(&mut file, &[1, origin, 52, sections_at, flags]);
        for half in [52_u16, 32, 1, 40, 3, 1] {
            file.extend(half.to_le_bytes());
        }
        let len = code.len() as u32;
        words(&mut file, &[1, code_at, origin, origin, len, len, 7, 4]);
        file.extend(code);
        file.extend(NAMES);
        words(&mut file, &[0, 0, 0, 0, 1, elapsed, 2, 0x0001_0012]);
        words(&mut file, &[0; 10]);
        let n_names = NAMES.len() as u32;
        words(&mut file, &[0, 3, 0, 0, names_at, n_names, 0, 0, 1, 0]);
        words(&mut file, &[0, 2, 0, 0, symbols_at, 32, 1, 1, 4, 16]);
        file
    }

    /// The same for a RISC-V; `addi a0, a0, -1` counts down.
    fn riscv(machine: &Machine, bodies: &[Vec<u32>]) -> Vec<u8> {
        const READ: u32 = 0xb000_22f3;
        let to = |code: &Vec<u32>, word: usize| (word as u32).wrapping_sub(code.len() as u32) << 2;
        let link = |offset: u32| {
            let bits = |from: u32, n: u32, at: u32| (offset >> from & ((1 << n) - 1)) << at;
            0xef | bits(12, 8, 12) | bits(11, 1, 20) | bits(1, 10, 21) | bits(20, 1, 31)
        };
        // To the start, behind the two functions; sp = 0x81001000.
        let (elapsed, leaf) = (1, 2);
        let mut code = vec![0x00c0_006f, 0x8067, 0x8067, 0x8100_1137, READ, READ];
        code.push(link(to(&code, elapsed)));
        for body in bodies {
            code.extend([0x513 | (TIMES as u32) << 20, READ]);
            let top = code.len();
            for word in body {
                code.push(match *word {
                    CALL => link(to(&code, leaf)),
                    word => word,
                });
            }
            code.push(0xfff5_0513);
            let offset = to(&code, top);
            let bits = |from: u32, n: u32, at: u32| (offset >> from & ((1 << n) - 1)) << at;
            code.push(
                0x0005_1063 | bits(11, 1, 7) | bits(1, 4, 8) | bits(5, 6, 25) | bits(12, 1, 31),
            );
            code.push(READ);
            code.push(link(to(&code, elapsed)));
        }
        code.push(0x6f);
        let bytes: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
        let origin = machine.flash.origin;
        elf(243, 0, origin, &bytes, origin + 4 * elapsed as u32)
    }

    type Interval = (u64, u64);

    /// Holds tables of chips to what loops take: by a line for each loop, its name, the words of its body,
    /// and for each chip the fewest and the most cycles of it, a dot where the chip has no such
    /// instruction. A decrement takes one cycle; with each chip stands what a branch takes when taken and
    /// at the end.
    fn check(
        loops: &str,
        chips: &[(&str, [Interval; 2])],
        image: fn(&Machine, &[Vec<u32>]) -> Vec<u8>,
    ) {
        let interval = |cycles: &str| -> Option<Interval> {
            let (low, high) = cycles.split_once('-').unwrap_or((cycles, cycles));
            Some((low.parse().ok()?, high.parse().ok()?))
        };
        let word = |word| match word {
            "call" => CALL,
            word => u32::from_str_radix(word, 16).unwrap(),
        };
        for (index, (name, [taken, last])) in chips.iter().enumerate() {
            let (mut bodies, mut expected) = (Vec::new(), Vec::new());
            for line in loops.lines().filter(|line| line.contains('|')) {
                let [what, body, cycles] = line.split('|').collect::<Vec<_>>()[..] else {
                    panic!("{line}");
                };
                let cycles = cycles.split_whitespace().nth(index).unwrap();
                if let Some(cycles) = interval(cycles) {
                    bodies.push(body.split_whitespace().map(word).collect());
                    expected.push((what.trim(), cycles));
                }
            }
            let chip = find(name).unwrap().chip(None).unwrap();
            let image = image(chip.core.machine(), &bodies);
            let found = weighed(&chip, &image, expected.len()).unwrap();
            assert_eq!(found.len(), expected.len(), "{name}");
            let of =
                |body: u64, taken: u64, last: u64| TIMES * (body + 1) + (TIMES - 1) * taken + last;
            for ((what, (low, high)), cost) in expected.into_iter().zip(found) {
                let cost = cost.unwrap_or_else(|| panic!("{name}: {what} was not followed"));
                let of_loop = (of(low, taken.0, last.0), of(high, taken.1, last.1));
                assert_eq!(
                    (cost.low, cost.high),
                    (of_loop.0 as f64, of_loop.1 as f64),
                    "{name}: {what}, {} instructions",
                    cost.instructions
                );
            }
        }
    }

    /// Cycles of loops, emulated, traced and weighed: the fewest and the most of a body, by hand from the
    /// manuals' tables (Arm DDI 0432C and 0484C table 3-1; DDI 0337I and 0439D table 3-1 with section
    /// 3.3.3), and from what was measured of an RP2350's M33 (jnk0le/random), for M0, M0+, M3, M4, M33.
    #[test]
    fn loops_take_what_the_manuals_say() {
        let loops = "
            One cycle each.
            nop            | bf00                |  1  1    1     1    1
            adds           | 3401 3401 3401 3401 |  4  4    4     4    4
            The single-cycle multiplier of nRF51 and RP2040; on an M33 one more, for it sets flags.
            muls           | 4351                |  1  1    1     1    1-2
            2 cycles; on an M3 and M4 also 2, and 1 more where its address was worked out just before; on
            an M33 1, and 1 more where it is used at once.
            ldr            | bf00 682c           |  3  3   3-4   3-4   2-3
            Three in a row are pipelined on an M3 and M4: 2 + 1 + 1, or as if each stood alone.
            3 ldr          | bf00 682c 682c 682c |  7  7   5-8   5-8   4-7
            2 cycles; on an M3 and M4 into the write buffer.
            str            | bf00 602c           |  3  3   2-4   2-4   2-3
            1 + N; on an M33 N.
            stm, ldm       | c51e 3d10 cd1e 3d10 | 12 12  12-14 12-14 10-12
            push, pop      | b41e bc1e           | 10 10  10-12 10-12  8-10
            A branch that is not taken takes 1, with a comparison before and what it would pass after; on
            an M33 it may be issued with what is before it.
            bne, not taken | 4280 d100 bf00      |  3  3    3     3    2-3
            b              | e7ff                |  3  2   2-4   2-4   1-3
            A call takes 4, 3, 1 + P; the return 3, 2, 1 + P.
            bl, bx lr      | call                |  7  5   4-8   4-8   2-6
            mla            | fb01 3202           |  .  .    2     1    1-2
            smull          | fb82 1302           |  .  .   3-5    1    1-2
            sdiv           | fb92 f1f3           |  .  .   2-12  2-12  2-12
            it, add        | 4280 bf08 3401      |  .  .   2-3   2-3   2-3";
        let chips = [
            ("nRF51822_xxAA", [(3, 3), (1, 1)]),
            ("RP2040", [(2, 2), (1, 1)]),
            ("STM32F103C8", [(2, 4), (1, 1)]),
            ("STM32F405RG", [(2, 4), (1, 1)]),
            ("RP235x", [(1, 3), (0, 1)]),
        ];
        check(loops, &chips, thumb);
    }

    /// The same for an ESP32-C3 as measured in timonvo/niccle, and an RP2350's Hazard3 by its data sheet,
    /// 3.8.7. A jump to an unaligned long instruction, which Hazard3 takes a cycle more for, counts as
    /// possible.
    #[test]
    fn riscv_loops_take_what_is_known() {
        let loops = "
            nop            | 00000013                            |  1      1
            add            | 00c585b3 00c585b3 00c585b3 00c585b3 |  4      4
            mul            | 02c585b3                            |  1      1
            mulhu          | 02c5b6b3                            | 1-3     1
            divu           | 02c5d6b3                            | 2-36  18-19
            One more where it is used at once.
            lw             | 00012683                            | 1-2    1-2
            sw             | 00d12023                            |  1      1
            Over the `nop` that follows, or on to it.
            bne, not taken | 00001463 00000013                   |  2     2-3
            j              | 0040006f                            |  2     2-3
            jal, ret       | call                                | 4-6    4-6";
        let chips = [
            ("ESP32-C3", [(3, 3), (1, 1)]),
            ("RP235x_riscv", [(1, 3), (1, 2)]),
        ];
        check(loops, &chips, riscv);
    }
}
