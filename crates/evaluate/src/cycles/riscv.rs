//! 32-bit RISC-V instructions as far as time goes. Encodings are those of The RISC-V Instruction Set
//! Manual, volume I, chapters RV32I, M, Zicsr and C.

use spinney_board::Operation;

use super::instruction::{Flow, Instruction, plain, signed};

/// `csrr rd, mcycle`, but for the register that it writes.
pub fn reads_mcycle(first: u16, second: u16) -> bool {
    (first & 0xf07f, second) == (0x2073, 0xb000)
}

/// The instruction of these halfwords, the first at `address`; `None` for one that has no place in a
/// model's code, such as a trap, an atomic access or floating point.
pub fn decode(address: u32, first: u16, second: u16) -> Option<Instruction> {
    let code = whole(first, second)?;
    let len = if first & 3 == 3 { 4 } else { 2 };
    let (kind, register, has) = (code & 0x7f, code >> 7 & 31, code >> 12 & 7);
    let next = |operation| Some(plain(operation, len, Flow::Next));
    let target = |offset, n_bits| address.wrapping_add(signed(offset, n_bits));
    match kind {
        0x13 | 0x17 | 0x37 => next(Operation::Data),
        0x33 if code >> 25 == 1 => next(match has {
            0 => Operation::Multiply,
            1..=3 => Operation::LongMultiply,
            _ => Operation::Divide,
        }),
        0x33 => next(Operation::Data),
        0x03 => next(Operation::Load { is_literal: false }),
        0x23 => next(Operation::Store),
        0x0f => next(Operation::Barrier),
        0x73 if has != 0 => next(Operation::Special),
        0x63 => {
            let offset = bits(code, 31, 1, 12)
                | bits(code, 7, 1, 11)
                | bits(code, 25, 6, 5)
                | bits(code, 8, 4, 1);
            let flow = Flow::MayTo(target(offset, 13));
            Some(plain(Operation::Branch, len, flow))
        }
        0x6f => {
            let offset = bits(code, 31, 1, 20)
                | bits(code, 12, 8, 12)
                | bits(code, 20, 1, 11)
                | bits(code, 21, 10, 1);
            let operation = match register {
                0 => Operation::Jump,
                _ => Operation::BranchLink,
            };
            Some(plain(operation, len, Flow::To(target(offset, 21))))
        }
        0x67 => Some(plain(Operation::BranchRegister, len, Flow::Anywhere)),
        _ => None,
    }
}

/// An instruction of 32 bits: that of these halfwords, or the one that the first stands for by itself;
/// `None` where that is none of RV32C's for integers.
pub fn whole(first: u16, second: u16) -> Option<u32> {
    let code = u32::from(first);
    if code & 3 == 3 {
        return Some(code | u32::from(second) << 16);
    }
    let (register, other) = (code >> 7 & 31, code >> 2 & 31);
    let (short, short_other) = (8 + (code >> 7 & 7), 8 + (code >> 2 & 7));
    let number = signed(bits(code, 12, 1, 5) | other, 6);
    // The offset of an access by a short register.
    let offset = bits(code, 10, 3, 3) | bits(code, 6, 1, 2) | bits(code, 5, 1, 6);
    let whole = match (code & 3, code >> 13) {
        (0, 0) => {
            let number = bits(code, 11, 2, 4)
                | bits(code, 7, 4, 6)
                | bits(code, 6, 1, 2)
                | bits(code, 5, 1, 3);
            (number != 0).then(|| with_number(0x13, 0, short_other, SP, number))?
        }
        (0, 2) => with_number(0x03, 2, short_other, short, offset),
        (0, 6) => store(short, short_other, offset),
        (1, 0) => with_number(0x13, 0, register, register, number),
        (1, 1) => jump(code, LINK),
        (1, 2) => with_number(0x13, 0, register, 0, number),
        (1, 3) if register == SP => {
            let number = bits(code, 12, 1, 9)
                | bits(code, 3, 2, 7)
                | bits(code, 5, 1, 6)
                | bits(code, 2, 1, 5)
                | bits(code, 6, 1, 4);
            with_number(0x13, 0, SP, SP, signed(number, 10))
        }
        (1, 3) => number << 12 | register << 7 | 0x37,
        (1, 4) => match (code >> 10 & 3, code >> 12 & 1, code >> 5 & 3) {
            (0, 0, _) => with_number(0x13, 5, short, short, other),
            (1, 0, _) => with_number(0x13, 5, short, short, 0x400 | other),
            (2, ..) => with_number(0x13, 7, short, short, number),
            (3, 0, 0) => of_two(0x20, 0, short, short, short_other),
            (3, 0, 1) => of_two(0, 4, short, short, short_other),
            (3, 0, 2) => of_two(0, 6, short, short, short_other),
            (3, 0, 3) => of_two(0, 7, short, short, short_other),
            _ => return None,
        },
        (1, 5) => jump(code, 0),
        (1, has @ (6 | 7)) => {
            let offset = bits(code, 12, 1, 8)
                | bits(code, 5, 2, 6)
                | bits(code, 2, 1, 5)
                | bits(code, 10, 2, 3)
                | bits(code, 3, 2, 1);
            let offset = signed(offset, 9);
            let place = bits(offset, 12, 1, 31)
                | bits(offset, 5, 6, 25)
                | bits(offset, 1, 4, 8)
                | bits(offset, 11, 1, 7);
            place | short << 15 | (has & 1) << 12 | 0x63
        }
        (2, 0) if code >> 12 & 1 == 0 => with_number(0x13, 1, register, register, other),
        (2, 2) => {
            let offset = bits(code, 12, 1, 5) | bits(code, 4, 3, 2) | bits(code, 2, 2, 6);
            with_number(0x03, 2, register, SP, offset)
        }
        (2, 4) => match (code >> 12 & 1, register, other) {
            (_, 0, 0) => return None,
            (link, _, 0) => with_number(0x67, 0, link * LINK, register, 0),
            (0, ..) => of_two(0, 0, register, 0, other),
            _ => of_two(0, 0, register, register, other),
        },
        (2, 6) => store(SP, other, bits(code, 9, 4, 2) | bits(code, 7, 2, 6)),
        _ => return None,
    };
    Some(whole)
}

/// The registers that short instructions take for granted.
const LINK: u32 = 1;
const SP: u32 = 2;

/// The bits of `code` from `from` on, `n` of them, at place `to` of a number.
fn bits(code: u32, from: u32, n: u32, to: u32) -> u32 {
    (code >> from & ((1 << n) - 1)) << to
}

/// An instruction of a register and a number of 12 bits.
fn with_number(kind: u32, has: u32, to: u32, from: u32, number: u32) -> u32 {
    number << 20 | from << 15 | has << 12 | to << 7 | kind
}

/// An instruction of two registers.
fn of_two(variant: u32, has: u32, to: u32, a: u32, b: u32) -> u32 {
    variant << 25 | b << 20 | a << 15 | has << 12 | to << 7 | 0x33
}

/// A store of a word.
fn store(base: u32, value: u32, offset: u32) -> u32 {
    bits(offset, 5, 7, 25) | value << 20 | base << 15 | 2 << 12 | bits(offset, 0, 5, 7) | 0x23
}

/// A jump as a short one says it.
fn jump(code: u32, link: u32) -> u32 {
    let offset = bits(code, 12, 1, 11)
        | bits(code, 8, 1, 10)
        | bits(code, 9, 2, 8)
        | bits(code, 6, 1, 7)
        | bits(code, 7, 1, 6)
        | bits(code, 2, 1, 5)
        | bits(code, 11, 1, 4)
        | bits(code, 3, 3, 1);
    let offset = signed(offset, 12);
    let place = bits(offset, 20, 1, 31)
        | bits(offset, 1, 10, 21)
        | bits(offset, 11, 1, 20)
        | bits(offset, 12, 8, 12);
    place | link << 7 | 0x6f
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings as llvm-mc has them for `riscv32` with `m` and `c`, at 0x1000.
    #[test]
    fn instructions_are_told_apart() {
        let check = |code: u32, operation, flow| {
            let found = decode(0x1000, code as u16, (code >> 16) as u16).unwrap();
            let len = if code & 3 == 3 { 4 } else { 2 };
            assert_eq!(
                (found.len, found.operation, found.flow),
                (len, operation, flow),
                "{code:08x}"
            );
        };
        let load = Operation::Load { is_literal: false };
        use Flow::{Anywhere, MayTo, Next, To};
        // addi a0, a1, 1365; lui a0, 0x12345; auipc a0, 1; add a0, a1, a2
        for code in [0x55558513, 0x12345537, 0x00001517, 0x00c58533] {
            check(code, Operation::Data, Next);
        }
        // mul, mulhu, divu, remu a0, a1, a2
        check(0x02c58533, Operation::Multiply, Next);
        check(0x02c5b533, Operation::LongMultiply, Next);
        for code in [0x02c5d533, 0x02c5f533] {
            check(code, Operation::Divide, Next);
        }
        // lbu a0, 4(a1); sw a0, 1000(a1); fence; csrr a0, mcycle
        check(0x0045c503, load, Next);
        check(0x3ea5a423, Operation::Store, Next);
        check(0x0ff0000f, Operation::Barrier, Next);
        check(0xb0002573, Operation::Special, Next);
        // beq a0, a1, .-16; bltu a0, a1, .+4092
        check(0xfeb508e3, Operation::Branch, MayTo(0xff0));
        check(0x7eb56ee3, Operation::Branch, MayTo(0x1ffc));
        // jal .+65536; j .+65536; jalr 16(a0)
        check(0x000100ef, Operation::BranchLink, To(0x1_1000));
        check(0x0001006f, Operation::Jump, To(0x1_1000));
        check(0x010500e7, Operation::BranchRegister, Anywhere);
        // Short: addi4spn, addi, li, lui, and, slli, mv, add
        for code in [
            0x0808, 0x0505, 0x450d, 0x650d, 0x8d6d, 0x050e, 0x852e, 0x952e,
        ] {
            check(code, Operation::Data, Next);
        }
        // lw, lwsp, sw, swsp
        for code in [0x41c8, 0x4512] {
            check(code, load, Next);
        }
        for code in [0xc1c8, 0xc22a] {
            check(code, Operation::Store, Next);
        }
        // jal .-16; j .+100; j .-2048; beqz a0, .-8; bnez a0, .+64; jr ra; jalr a0
        check(0x3fc5, Operation::BranchLink, To(0xff0));
        check(0xa095, Operation::Jump, To(0x1064));
        check(0xb001, Operation::Jump, To(0x800));
        check(0xdd65, Operation::Branch, MayTo(0xff8));
        check(0xe121, Operation::Branch, MayTo(0x1040));
        for code in [0x8082, 0x9502] {
            check(code, Operation::BranchRegister, Anywhere);
        }
        // An atomic access, a trap, zeros, and what only 64 bits have: subw, slli by 32.
        for code in [0x00b6252f_u32, 0x0010_0073, 0x9002, 0, 0x9c01, 0x1002] {
            assert_eq!(
                decode(0x1000, code as u16, (code >> 16) as u16),
                None,
                "{code:08x}"
            );
        }
        assert!(reads_mcycle(0x2573, 0xb000));
        assert!(!reads_mcycle(0x2573, 0xb800));
    }
}
