//! What RISC-V instructions do to what is known. Encodings are those of The RISC-V Instruction Set
//! Manual, volume I, chapters RV32I, M and Zicsr; an instruction that is not here is an end of knowledge.

use super::super::instruction::signed;
use super::super::riscv::whole;
use super::effect::{Leap, Place};
use super::state::State;
use super::value::Value;

/// Where functions keep the address that they return to, and the stack pointer.
pub const LINK: u32 = 1;
pub const SP: u32 = 2;

fn field(code: u32, from: u32, n: u32) -> u32 {
    code >> from & ((1 << n) - 1)
}

fn destination(code: u32) -> u32 {
    field(code, 7, 5)
}

/// The register at place `from` of an instruction; the first is always 0.
fn source(state: &State, code: u32, from: u32) -> Value {
    match field(code, from, 5) {
        0 => Value::just(0),
        number => state.register(number),
    }
}

/// Sets a register, unless it is the first.
fn set(state: &mut State, number: u32, value: Value) -> Leap {
    if number != 0 {
        state.set(number, value);
    }
    Leap::None
}

/// Whether `jalr` keeps where it is.
pub fn calls_register(first: u16, second: u16) -> bool {
    whole(first, second).is_some_and(|code| code & 0x7f == 0x67 && destination(code) != 0)
}

/// Whether a call keeps where it is in the register that functions return by.
pub fn is_linked(place: Place<'_>) -> bool {
    whole(place.first as u16, place.second as u16).is_some_and(|code| destination(code) == LINK)
}

pub fn execute(state: &mut State, place: Place<'_>) -> Option<Leap> {
    let code = whole(place.first as u16, place.second as u16)?;
    let (kind, to, has) = (code & 0x7f, destination(code), field(code, 12, 3));
    let (a, b) = (source(state, code, 15), source(state, code, 20));
    let number = Value::just(signed(code >> 20, 12));
    let upper = code & 0xffff_f000;
    let result = match kind {
        0x37 => Value::just(upper),
        0x17 => Value::just(place.at.wrapping_add(upper)),
        0x13 | 0x33 => {
            let is_number = kind == 0x13;
            let other = if is_number { number } else { b };
            let is_other = code >> 30 & 1 == 1;
            match (has, is_number) {
                (_, false) if code >> 25 == 1 => product(has, a, b),
                (0, false) if is_other => a.minus(b),
                (0, _) => a.plus(other),
                (1, _) => a.shifted_left(other.lowest(5, false)),
                (2 | 3, _) => match below(a, other, has == 2) {
                    Some(is_below) => Value::just(u32::from(is_below)),
                    None => return Some(Leap::Either(to)),
                },
                (4, _) if other.known() == Some(u32::MAX) => a.not(),
                (4, _) => a.exclusive_or(other),
                (5, _) if is_other => a.shifted_right_signed(other.lowest(5, false)),
                (5, _) => a.shifted_right(other.lowest(5, false)),
                (6, _) => a.or(other),
                _ => a.and(other),
            }
        }
        0x03 => {
            let n_bytes = *[1, 2, 4].get(has as usize & 3)?;
            state.load(place.code, a.plus(number), n_bytes, has & 4 == 0)
        }
        0x23 => {
            let offset = signed(field(code, 25, 7) << 5 | destination(code), 12);
            let n_bytes = *[1, 2, 4].get(has as usize)?;
            state.store(a.plus(Value::just(offset)), n_bytes, b)?;
            return Some(Leap::None);
        }
        0x0f => return Some(Leap::None),
        0x73 if has != 0 => Value::ANY,
        0x67 => {
            let target = a.plus(number);
            return Some(match to {
                0 => Leap::To(target),
                _ => Leap::Call(target),
            });
        }
        _ => return None,
    };
    Some(set(state, to, result))
}

/// Of two registers, by the code of the operation.
fn product(operation: u32, a: Value, b: Value) -> Value {
    match operation {
        0 => a.times(b),
        3 => a.times_upper(b),
        5 => match b.known() {
            Some(divisor @ 1..) => a.divided(divisor),
            _ => Value::ANY,
        },
        7 => match b.known() {
            Some(divisor @ 1..) => Value::up_to(divisor - 1),
            _ => Value::ANY,
        },
        _ => Value::ANY,
    }
}

/// Whether a number lies below another, both with a sign or without; `None` where that depends.
fn below(a: Value, b: Value, is_signed: bool) -> Option<bool> {
    match is_signed {
        true => b.by_sign()?.exceeds(a.by_sign()?, true),
        false => b.exceeds(a, true),
    }
}

pub fn parted(state: State, place: Place<'_>) -> Vec<(State, bool)> {
    let Some(code) = whole(place.first as u16, place.second as u16) else {
        return Vec::new();
    };
    let (a, b) = (source(&state, code, 15), source(&state, code, 20));
    let has = field(code, 12, 3);
    let even = match has >> 1 {
        0 => a.is(b),
        2 => below(a, b, true),
        _ => below(a, b, false),
    };
    let is_even = has & 1 == 0;
    let ways = [true, false]
        .into_iter()
        .filter(|way| even.is_none_or(|even| (even == is_even) == *way));
    ways.map(|way| {
        let mut state = state.clone();
        // Equal registers have what is known of either.
        if has >> 1 == 0 && way == is_even {
            for (register, other) in [(15, b), (20, a)] {
                if other.known().is_some() {
                    set(&mut state, field(code, register, 5), other);
                }
            }
        }
        (state, way)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::trace::Code;
    use super::super::effect::called;
    use super::*;

    /// What a register holds behind instructions that begin at 0x100.
    fn after(words: &[u32], register: u32) -> Option<Value> {
        let halves: Vec<u16> = words
            .iter()
            .flat_map(|word| match word & 3 {
                3 => vec![*word as u16, (word >> 16) as u16],
                _ => vec![*word as u16],
            })
            .collect();
        let code = Code::of(&halves, true);
        let mut state = called(&code);
        let mut at = 0x100;
        for word in words {
            let place = Place {
                code: &code,
                at,
                first: word & 0xffff,
                second: word >> 16,
            };
            let leap = execute(&mut state, place)?;
            assert_eq!(leap, Leap::None, "{word:08x}");
            at += if word & 3 == 3 { 4 } else { 2 };
        }
        Some(state.register(register))
    }

    /// Encodings as llvm-mc has them for `riscv32` with `m` and `c`.
    #[test]
    fn instructions_compute_what_the_manual_says() {
        let a0 = |words: &[u32]| after(words, 10).and_then(Value::known);
        // lui a0, 0x12345; addi a0, a0, -1
        assert_eq!(a0(&[0x1234_5537, 0xfff5_0513]), Some(0x1234_4fff));
        // auipc a0, 1
        assert_eq!(a0(&[0x0000_1517]), Some(0x1100));
        // li a0, -5, and then: srai a0, a0, 1; srli a0, a0, 28; sltiu a0, a0, 3; slti a0, a0, 3; not a0, a0
        let with = |word| a0(&[0x556d, word]);
        assert_eq!(with(0x8505), Some(u32::MAX - 2));
        assert_eq!(with(0x8171), Some(15));
        assert_eq!(with(0x0035_3513), Some(0));
        assert_eq!(with(0x0035_2513), Some(1));
        assert_eq!(with(0xfff5_4513), Some(4));
        // li a1, 7; li a0, 40; then mul, mulhu, divu, remu, sub, sll, or a0, a0, a1
        let on_two = |word| after(&[0x459d, 0x0280_0513, word], 10).unwrap();
        assert_eq!(on_two(0x02b5_0533), Value::just(280));
        assert_eq!(on_two(0x02b5_3533), Value::just(0));
        assert_eq!(on_two(0x02b5_5533), Value::just(5));
        assert_eq!(on_two(0x02b5_7533), Value::up_to(6));
        assert_eq!(on_two(0x8d0d), Value::just(33));
        assert_eq!(on_two(0x00b5_1533), Value::just(40 << 7));
        assert_eq!(on_two(0x8d4d), Value::just(47));
        // addi sp, sp, -32; sw a0, 12(sp) of 40; lbu a0, 12(sp); lb of the same; lh beyond it
        let kept = |word| after(&[0x1101, 0x0280_0513, 0xc62a, word], 10).unwrap();
        assert_eq!(kept(0x00c1_4503), Value::just(40));
        assert_eq!(kept(0x00c1_0503), Value::just(40));
        assert_eq!(kept(0x0101_1503), Value::ANY);
        // lw a0, 0(a1) of the image itself: auipc a1, 0
        assert_eq!(a0(&[0x0000_0597, 0x4188]), Some(0x0000_0597));
        // li zero, 0 as addi: the first register stays 0, so mv a0, zero
        assert_eq!(a0(&[0x0050_0013, 0x0000_0533]), Some(0));
        // csrr a0, mcycle
        assert_eq!(after(&[0xb000_2573], 10), Some(Value::ANY));
        // An atomic access
        assert_eq!(after(&[0x00b6_252f], 10), None);
    }
}
