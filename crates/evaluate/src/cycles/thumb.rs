//! Thumb instructions as far as time goes: what one does, how long it is, and where it may lead.
//! Encodings are those of the Armv7-M architecture reference manual, Arm DDI 0403E, chapter A5.

use spinney_board::Operation;

use super::instruction::{Flow, Instruction, plain, signed};

/// The instruction of these halfwords, the first at `address`; `None` for one that has no place in a
/// model's code, such as a trap or floating-point arithmetic.
pub fn decode(address: u32, first: u16, second: u16) -> Option<Instruction> {
    if first >> 11 >= 0b11101 {
        return wide(address, u32::from(first), u32::from(second));
    }
    narrow(address, u32::from(first))
}

fn instruction(operation: Operation, len: u32, flow: Flow) -> Option<Instruction> {
    Some(plain(operation, len, flow))
}

const LOAD: Operation = Operation::Load { is_literal: false };

fn narrow(address: u32, code: u32) -> Option<Instruction> {
    let pc = address.wrapping_add(4);
    let plain = |operation| instruction(operation, 2, Flow::Next);
    let to = |operation, flow| instruction(operation, 2, flow);
    match code {
        0x0000..=0x3fff => plain(Operation::Data),
        0x4000..=0x43ff => plain(match code >> 6 & 0xf {
            0xd => Operation::Multiply,
            _ => Operation::Data,
        }),
        0x4400..=0x46ff => {
            let is_pc = code >> 4 & 8 | code & 7 == 15;
            match (code >> 8 & 3, is_pc) {
                (0 | 2, true) => to(Operation::MovePc, Flow::Anywhere),
                _ => plain(Operation::Data),
            }
        }
        0x4700..=0x47ff => to(Operation::BranchRegister, Flow::Anywhere),
        0x4800..=0x4fff => plain(Operation::Load { is_literal: true }),
        0x5000..=0x5fff => plain(if code >> 9 & 7 < 3 {
            Operation::Store
        } else {
            LOAD
        }),
        0x6000..=0x9fff => plain(if code & 0x800 == 0 {
            Operation::Store
        } else {
            LOAD
        }),
        0xa000..=0xafff => plain(Operation::Data),
        0xb000..=0xbfff => miscellaneous(pc, code),
        0xc000..=0xcfff => {
            let n = (code & 0xff).count_ones();
            plain(if code & 0x800 == 0 {
                Operation::StoreMany(n)
            } else {
                Operation::LoadMany(n)
            })
        }
        0xd000..=0xddff => {
            let target = pc.wrapping_add(signed(code & 0xff, 8) << 1);
            to(Operation::Branch, Flow::MayTo(target))
        }
        0xe000..=0xe7ff => {
            let target = pc.wrapping_add(signed(code & 0x7ff, 11) << 1);
            to(Operation::Branch, Flow::To(target))
        }
        _ => None,
    }
}

fn miscellaneous(pc: u32, code: u32) -> Option<Instruction> {
    let plain = |operation| instruction(operation, 2, Flow::Next);
    let n = (code & 0x1ff).count_ones();
    match code & 0xff00 {
        0xb000 | 0xb200 | 0xba00 => plain(Operation::Data),
        0xb100 | 0xb300 | 0xb900 | 0xbb00 => {
            let offset = code >> 3 & 0x40 | code >> 2 & 0x3e;
            instruction(Operation::Branch, 2, Flow::MayTo(pc.wrapping_add(offset)))
        }
        0xb400 | 0xb500 => plain(Operation::StoreMany(n)),
        0xb600 => plain(Operation::ChangeState),
        0xbc00 => plain(Operation::LoadMany(n)),
        0xbd00 => instruction(Operation::Return(n), 2, Flow::Anywhere),
        0xbf00 if code & 0xf != 0 => Some(Instruction {
            operation: Operation::If,
            len: 2,
            flow: Flow::Next,
            n_conditional: 4 - (code & 0xf).trailing_zeros(),
        }),
        0xbf00 if code == 0xbf00 => plain(Operation::Data),
        _ => None,
    }
}

fn wide(address: u32, first: u32, second: u32) -> Option<Instruction> {
    let plain = |operation| instruction(operation, 4, Flow::Next);
    let to = |operation, flow| instruction(operation, 4, flow);
    let is_load = first & 0x10 != 0;
    match first & 0xfe00 {
        0xe800 if first & 0x40 == 0 => {
            let n = second.count_ones();
            match (is_load, second >> 15) {
                (true, 1) => to(Operation::Return(n), Flow::Anywhere),
                (true, _) => plain(Operation::LoadMany(n)),
                (false, _) => plain(Operation::StoreMany(n)),
            }
        }
        0xe800 if first & 0xfff0 == 0xe8d0 && second & 0xffe0 == 0xf000 => {
            to(Operation::TableBranch, Flow::Anywhere)
        }
        0xe800 if first & 0x120 != 0 => plain(if is_load {
            Operation::LoadMany(2)
        } else {
            Operation::StoreMany(2)
        }),
        0xe800 => plain(if is_load { LOAD } else { Operation::Store }),
        0xea00 if second & 0x70c0 != 0 => plain(Operation::Shifted),
        0xea00 => plain(Operation::Data),
        0xec00 => floats_moved(first, second),
        0xee00 => floats_told(first, second).then(|| plain(Operation::Shifted))?,
        0xf000..=0xf7ff if second & 0x8000 == 0 => {
            let is_rotated = first & 0x400 != 0 || second & 0x4000 != 0;
            plain(match first & 0x200 {
                0 if is_rotated => Operation::Shifted,
                _ => Operation::Data,
            })
        }
        0xf000..=0xf7ff => branches(address, first, second),
        0xf800 => {
            let is_word = first & 0x60 == 0x40;
            match (is_load, second >> 12) {
                (false, _) => plain(Operation::Store),
                (true, 15) if is_word => to(Operation::LoadPc, Flow::Anywhere),
                // A hint that something will be loaded.
                (true, 15) => plain(Operation::Data),
                (true, _) => plain(Operation::Load {
                    is_literal: first & 0xf == 15,
                }),
            }
        }
        0xfa00 if first & 0x100 == 0 => plain(Operation::Shifted),
        0xfa00 => plain(products(first, second)),
        _ => None,
    }
}

/// Whether an instruction is one of the floating-point unit.
fn is_of_floats(second: u32) -> bool {
    second & 0xe00 == 0xa00
}

/// Loads and stores of floats, and moves of two from or to other registers.
fn floats_moved(first: u32, second: u32) -> Option<Instruction> {
    let plain = |operation| instruction(operation, 4, Flow::Next);
    let is_load = first & 0x10 != 0;
    // One number of 32 or 64 bits, or so many words.
    let n = match first & 0x120 {
        _ if !is_of_floats(second) => return None,
        0x100 => 1 + (second >> 8 & 1),
        _ if first & 0x1a0 == 0 => return plain(Operation::Shifted),
        _ => second & 0xff,
    };
    plain(match is_load {
        true => Operation::LoadMany(n),
        false => Operation::StoreMany(n),
    })
}

/// Whether an instruction moves, compares or negates a float, which takes no arithmetic.
fn floats_told(first: u32, second: u32) -> bool {
    let is_move = second & 0x10 != 0;
    let has = (first & 0xf, second >> 6 & 3);
    is_of_floats(second)
        && (is_move || first & 0xb0 == 0xb0 && matches!(has, (0 | 4 | 5, _) | (_, 0 | 2) | (1, 1)))
}

fn products(first: u32, second: u32) -> Operation {
    let (operation, more) = (first >> 4 & 7, second >> 4 & 0xf);
    if first & 0x80 == 0 {
        return match (operation, second >> 12) {
            (0, 15) => Operation::Multiply,
            _ => Operation::MultiplyAccumulate,
        };
    }
    match (operation, more) {
        (0 | 2, _) => Operation::LongMultiply,
        (1 | 3, _) => Operation::Divide,
        _ => Operation::LongMultiplyAccumulate,
    }
}

fn branches(address: u32, first: u32, second: u32) -> Option<Instruction> {
    let pc = address.wrapping_add(4);
    let sign = first >> 10 & 1;
    match second & 0xd000 {
        0x9000 | 0xd000 => {
            let bit = |at: u32| 1 ^ (second >> at & 1) ^ sign;
            let offset = sign << 24
                | bit(13) << 23
                | bit(11) << 22
                | (first & 0x3ff) << 12
                | (second & 0x7ff) << 1;
            let operation = match second & 0x4000 {
                0 => Operation::Branch,
                _ => Operation::BranchLink,
            };
            let target = pc.wrapping_add(signed(offset, 25));
            instruction(operation, 4, Flow::To(target))
        }
        0x8000 if first >> 7 & 7 != 7 => {
            let offset = sign << 20
                | (second >> 11 & 1) << 19
                | (second >> 13 & 1) << 18
                | (first & 0x3f) << 12
                | (second & 0x7ff) << 1;
            let target = pc.wrapping_add(signed(offset, 21));
            instruction(Operation::Branch, 4, Flow::MayTo(target))
        }
        0x8000 => {
            let operation = match first & 0xfff0 {
                0xf380 | 0xf390 | 0xf3e0 => Operation::Special,
                0xf3b0 => Operation::Barrier,
                0xf3a0 if second & 0xff == 0 => Operation::Data,
                _ => return None,
            };
            instruction(operation, 4, Flow::Next)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings as llvm-mc has them for `thumbv7em`, at 0x1000.
    #[test]
    fn instructions_are_told_apart() {
        let check = |code: [u16; 2], len, operation, flow| {
            let found = decode(0x1000, code[0], code[1]).unwrap();
            assert_eq!(
                (found.len, found.operation, found.flow),
                (len, operation, flow),
                "{code:04x?}"
            );
        };
        use Flow::{Anywhere, MayTo, Next, To};
        let literal = Operation::Load { is_literal: true };
        // movs r0, #1; muls r1, r2, r1; ldr r0, [r1]; str r0, [r1]; ldr r0, [pc, #4]
        check([0x2001, 0], 2, Operation::Data, Next);
        check([0x4351, 0], 2, Operation::Multiply, Next);
        check([0x6808, 0], 2, LOAD, Next);
        check([0x6008, 0], 2, Operation::Store, Next);
        check([0x4801, 0], 2, literal, Next);
        // ldrsb r0, [r1, r2]; strh r0, [r1, r2]
        check([0x5688, 0], 2, LOAD, Next);
        check([0x5288, 0], 2, Operation::Store, Next);
        // push {r4, lr}; pop {r4, pc}; ldm r0!, {r1, r2}; bx lr; blx r3; mov pc, r0
        check([0xb510, 0], 2, Operation::StoreMany(2), Next);
        check([0xbd10, 0], 2, Operation::Return(2), Anywhere);
        check([0xc806, 0], 2, Operation::LoadMany(2), Next);
        check([0x4770, 0], 2, Operation::BranchRegister, Anywhere);
        check([0x4798, 0], 2, Operation::BranchRegister, Anywhere);
        check([0x4687, 0], 2, Operation::MovePc, Anywhere);
        // beq 0xffc; b 0x1008; cbz r0, 0x1008; cbnz r1, 0x1046
        check([0xd0fc, 0], 2, Operation::Branch, MayTo(0xffc));
        check([0xe002, 0], 2, Operation::Branch, To(0x1008));
        check([0xb110, 0], 2, Operation::Branch, MayTo(0x1008));
        check([0xbb09, 0], 2, Operation::Branch, MayTo(0x1046));
        // bl 0x1004; bl 0xffc; b.w 0x2000; beq.w 0xe00
        check([0xf000, 0xf800], 4, Operation::BranchLink, To(0x1004));
        check([0xf7ff, 0xfffc], 4, Operation::BranchLink, To(0xffc));
        check([0xf000, 0xbffe], 4, Operation::Branch, To(0x2000));
        check([0xf43f, 0xaefe], 4, Operation::Branch, MayTo(0xe00));
        // ldr.w r0, [r1, #4]; ldrd r0, r1, [r2]; strd; tbb [pc, r0]; pop.w {r4-r8, pc}
        check([0xf8d1, 0x0004], 4, LOAD, Next);
        check([0xe9d2, 0x0100], 4, Operation::LoadMany(2), Next);
        check([0xe9c2, 0x0100], 4, Operation::StoreMany(2), Next);
        check([0xe8df, 0xf000], 4, Operation::TableBranch, Anywhere);
        check([0xe8bd, 0x81f0], 4, Operation::Return(6), Anywhere);
        // movw r0, #1; add.w r0, r1, r2; sxth.w r0, r1; clz r0, r1
        check([0xf240, 0x0001], 4, Operation::Data, Next);
        check([0xeb01, 0x0002], 4, Operation::Data, Next);
        check([0xfab1, 0xf081], 4, Operation::Shifted, Next);
        // add.w r0, r1, r2, lsl #3; eor r0, r1, #0x1fc0; add.w r0, r1, #255; and r0, r1, #0xff00ff
        check([0xeb01, 0x00c2], 4, Operation::Shifted, Next);
        check([0xf481, 0x50fe], 4, Operation::Shifted, Next);
        check([0xf101, 0x00ff], 4, Operation::Data, Next);
        check([0xf001, 0x10ff], 4, Operation::Data, Next);
        // mul r0, r1, r2; mla; mls; smull; umlal; udiv
        check([0xfb01, 0xf002], 4, Operation::Multiply, Next);
        check([0xfb01, 0x3002], 4, Operation::MultiplyAccumulate, Next);
        check([0xfb01, 0x3012], 4, Operation::MultiplyAccumulate, Next);
        check([0xfb82, 0x0103], 4, Operation::LongMultiply, Next);
        check([0xfbe2, 0x0103], 4, Operation::LongMultiplyAccumulate, Next);
        check([0xfbb1, 0xf0f2], 4, Operation::Divide, Next);
        // dsb sy; mrs r0, primask; nop
        check([0xf3bf, 0x8f4f], 4, Operation::Barrier, Next);
        check([0xf3ef, 0x8010], 4, Operation::Special, Next);
        check([0xbf00, 0], 2, Operation::Data, Next);
        // vldr s0, [r1, #8]; vldr d1; vstr s3; vldmia r1!, {s0-s3}; vpush {d8, d9}
        check([0xed91, 0x0a02], 4, Operation::LoadMany(1), Next);
        check([0xed91, 0x1b02], 4, Operation::LoadMany(2), Next);
        check([0xedcd, 0x1a01], 4, Operation::StoreMany(1), Next);
        check([0xecb1, 0x0a04], 4, Operation::LoadMany(4), Next);
        check([0xed2d, 0x8b04], 4, Operation::StoreMany(4), Next);
        // vmov r0, s1; vmov s1, r0; vmov r0, r1, s2, s3; vmov s0, s1; vmov s0, #1; vneg; vabs; vcmp; vmrs
        for code in [
            [0xee10, 0x0a90],
            [0xee00, 0x0a90],
            [0xec51, 0x0a11],
            [0xeeb0, 0x0a60],
            [0xeeb7, 0x0a00],
            [0xeeb1, 0x0a60],
            [0xeeb0, 0x0ae0],
            [0xeeb4, 0x0a60],
            [0xeef1, 0xfa10],
        ] {
            check(code, 4, Operation::Shifted, Next);
        }
        // ite eq
        let block = decode(0, 0xbf0c, 0).unwrap();
        assert_eq!((block.operation, block.n_conditional), (Operation::If, 2));
        // bkpt #0xab; udf #0; wfi; vadd.f32 s0, s1, s2; vdiv; vmla; vsqrt; vcvt both ways
        for trap in [
            [0xbeab, 0],
            [0xde00, 0],
            [0xbf30, 0],
            [0xee30, 0x0a81],
            [0xee80, 0x0a81],
            [0xee00, 0x0a81],
            [0xeeb1, 0x0ae0],
            [0xeebd, 0x0ae0],
            [0xeeb8, 0x0ae0],
        ] {
            assert_eq!(decode(0, trap[0], trap[1]), None, "{trap:04x?}");
        }
    }
}
