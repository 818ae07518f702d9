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
    let code = u32::from(first) | u32::from(second) << 16;
    match first & 3 {
        3 => wide(address, code),
        _ => narrow(address, u32::from(first)),
    }
}

const LOAD: Operation = Operation::Load { is_literal: false };

/// The bits of `code` from `from` on, `n` of them, at place `to` of a number.
fn bits(code: u32, from: u32, n: u32, to: u32) -> u32 {
    (code >> from & ((1 << n) - 1)) << to
}

fn wide(address: u32, code: u32) -> Option<Instruction> {
    let (kind, register, has) = (code & 0x7f, code >> 7 & 31, code >> 12 & 7);
    let next = |operation| Some(plain(operation, 4, Flow::Next));
    let target = |offset, n_bits| address.wrapping_add(signed(offset, n_bits));
    match kind {
        0x13 | 0x17 | 0x37 => next(Operation::Data),
        0x33 if code >> 25 == 1 => next(match has {
            0 => Operation::Multiply,
            1..=3 => Operation::LongMultiply,
            _ => Operation::Divide,
        }),
        0x33 => next(Operation::Data),
        0x03 => next(LOAD),
        0x23 => next(Operation::Store),
        0x0f => next(Operation::Barrier),
        0x73 if has != 0 => next(Operation::Special),
        0x63 => {
            let offset = bits(code, 31, 1, 12)
                | bits(code, 7, 1, 11)
                | bits(code, 25, 6, 5)
                | bits(code, 8, 4, 1);
            let flow = Flow::MayTo(target(offset, 13));
            Some(plain(Operation::Branch, 4, flow))
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
            Some(plain(operation, 4, Flow::To(target(offset, 21))))
        }
        0x67 => Some(plain(Operation::BranchRegister, 4, Flow::Anywhere)),
        _ => None,
    }
}

fn narrow(address: u32, code: u32) -> Option<Instruction> {
    let next = |operation| Some(plain(operation, 2, Flow::Next));
    let (register, other) = (code >> 7 & 31, code >> 2 & 31);
    match (code & 3, code >> 13) {
        // Zeros, which are no instruction.
        (0, 0) if code >> 5 == 0 => None,
        (0, 0) | (1, 0 | 2..=4) | (2, 0) => next(Operation::Data),
        (0 | 2, 2) => next(LOAD),
        (0 | 2, 6) => next(Operation::Store),
        (1, 1 | 5) => {
            let offset = bits(code, 12, 1, 11)
                | bits(code, 8, 1, 10)
                | bits(code, 9, 2, 8)
                | bits(code, 6, 1, 7)
                | bits(code, 7, 1, 6)
                | bits(code, 2, 1, 5)
                | bits(code, 11, 1, 4)
                | bits(code, 3, 3, 1);
            let operation = match code >> 13 {
                1 => Operation::BranchLink,
                _ => Operation::Jump,
            };
            let target = address.wrapping_add(signed(offset, 12));
            Some(plain(operation, 2, Flow::To(target)))
        }
        (1, 6 | 7) => {
            let offset = bits(code, 12, 1, 8)
                | bits(code, 5, 2, 6)
                | bits(code, 2, 1, 5)
                | bits(code, 10, 2, 3)
                | bits(code, 3, 2, 1);
            let target = address.wrapping_add(signed(offset, 9));
            Some(plain(Operation::Branch, 2, Flow::MayTo(target)))
        }
        (2, 4) if other != 0 => next(Operation::Data),
        (2, 4) if register != 0 => Some(plain(Operation::BranchRegister, 2, Flow::Anywhere)),
        _ => None,
    }
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
        check(0x0045c503, LOAD, Next);
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
            check(code, LOAD, Next);
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
        // An atomic access, a trap, zeros.
        for code in [0x00b6252f_u32, 0x0010_0073, 0x9002, 0] {
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
