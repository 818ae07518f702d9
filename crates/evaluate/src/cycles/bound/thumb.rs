//! What Thumb instructions do to what is known. Encodings are those of the Armv7-M architecture
//! reference manual, Arm DDI 0403E, chapter A5; an instruction that is not here is an end of knowledge.

use super::effect::{Leap, Place};
use super::state::{Flags, State};
use super::value::Value;

/// The number of the stack pointer, of the link register and of the program counter.
pub const SP: u32 = 13;
pub const LR: u32 = 14;
const PC: u32 = 15;

pub fn execute(state: &mut State, place: Place<'_>) -> Option<Leap> {
    let mut on = On { state, place };
    match place.first >> 11 {
        0b11101.. => on.wide(),
        _ => on.narrow(),
    }
}

struct On<'a, 'b> {
    state: &'b mut State,
    place: Place<'a>,
}

fn bits(code: u32, from: u32, n: u32) -> u32 {
    code >> from & ((1 << n) - 1)
}

impl On<'_, '_> {
    fn get(&self, number: u32) -> Value {
        match number {
            PC => Value::just(self.place.at.wrapping_add(4)),
            _ => self.state.register(number),
        }
    }

    /// That of an address relative to the program counter.
    fn base(&self, number: u32) -> Value {
        match number {
            PC => Value::just(self.place.at.wrapping_add(4) & !3),
            _ => self.state.register(number),
        }
    }

    fn set(&mut self, number: u32, value: Value) -> Option<Leap> {
        (number != PC).then(|| self.state.set(number, value))?;
        Some(Leap::None)
    }

    /// Sets a register, and the flags by it.
    fn set_with(
        &mut self,
        number: u32,
        value: Value,
        flags: Flags,
        has_flags: bool,
    ) -> Option<Leap> {
        if has_flags {
            self.state.set_flags(flags);
        }
        self.set(number, value)
    }

    fn difference(&mut self, number: u32, (a, b): (Value, Value), has_flags: bool) -> Option<Leap> {
        self.set_with(number, a.minus(b), Flags::Difference(a, b), has_flags)
    }

    fn number(&mut self, number: u32, value: Value, has_flags: bool) -> Option<Leap> {
        self.set_with(number, value, Flags::Number(value), has_flags)
    }

    fn compare(&mut self, a: Value, b: Value) -> Option<Leap> {
        self.state.set_flags(Flags::Difference(a, b));
        Some(Leap::None)
    }

    fn test(&mut self, value: Value) -> Option<Leap> {
        self.state.set_flags(Flags::Number(value));
        Some(Leap::None)
    }

    fn load(&self, address: Value, n_bytes: u32, is_signed: bool) -> Value {
        self.state
            .load(self.place.code, address, n_bytes, is_signed)
    }

    fn narrow(&mut self) -> Option<Leap> {
        let code = self.place.first;
        let has_flags = self.state.conditions == 0;
        let low = |from| bits(code, from, 3);
        match code {
            0x0000..=0x17ff => {
                let n = bits(code, 6, 5);
                let value = self.get(low(3));
                let right = Value::just(if n == 0 { 32 } else { n });
                let shifted = match code >> 11 {
                    0 => value.shifted_left(Value::just(n)),
                    1 => value.shifted_right(right),
                    _ => value.shifted_right_signed(right),
                };
                self.number(low(0), shifted, has_flags)
            }
            0x1800..=0x1fff => {
                let other = match code & 0x400 {
                    0 => self.get(low(6)),
                    _ => Value::just(low(6)),
                };
                let value = self.get(low(3));
                match code & 0x200 {
                    0 => self.number(low(0), value.plus(other), has_flags),
                    _ => self.difference(low(0), (value, other), has_flags),
                }
            }
            0x2000..=0x3fff => {
                let (register, number) = (low(8), Value::just(code & 0xff));
                let value = self.get(register);
                match code >> 11 & 3 {
                    0 => self.number(register, number, has_flags),
                    1 => self.compare(value, number),
                    2 => self.number(register, value.plus(number), has_flags),
                    _ => self.difference(register, (value, number), has_flags),
                }
            }
            0x4000..=0x43ff => self.on_two(bits(code, 6, 4), low(0), self.get(low(3)), has_flags),
            0x4400..=0x47ff => {
                let (to, from) = (code >> 4 & 8 | low(0), self.get(bits(code, 3, 4)));
                match code >> 8 & 3 {
                    0 if to == PC => Some(Leap::To(self.get(PC).plus(from))),
                    0 => self.set(to, self.get(to).plus(from)),
                    1 => self.compare(self.get(to), from),
                    2 if to == PC => Some(Leap::To(from)),
                    2 => self.set(to, from),
                    _ if code & 0x80 != 0 => Some(Leap::Call(from)),
                    _ => Some(Leap::To(from)),
                }
            }
            0x4800..=0x4fff => {
                let address = self.base(PC).plus(Value::just((code & 0xff) << 2));
                self.set(low(8), self.load(address, 4, false))
            }
            0x5000..=0x5fff => {
                let address = self.get(low(3)).plus(self.get(low(6)));
                let (n_bytes, is_signed, is_load) = [
                    (4, false, false),
                    (2, false, false),
                    (1, false, false),
                    (1, true, true),
                    (4, false, true),
                    (2, false, true),
                    (1, false, true),
                    (2, true, true),
                ][bits(code, 9, 3) as usize];
                self.access(is_load, low(0), address, n_bytes, is_signed)
            }
            0x6000..=0x8fff => {
                let n_bytes = [4, 1, 2][(code >> 12) as usize - 6];
                let address = self
                    .get(low(3))
                    .plus(Value::just(bits(code, 6, 5) * n_bytes));
                self.access(code & 0x800 != 0, low(0), address, n_bytes, false)
            }
            0x9000..=0x9fff => {
                let address = self.get(SP).plus(Value::just((code & 0xff) << 2));
                self.access(code & 0x800 != 0, low(8), address, 4, false)
            }
            0xa000..=0xafff => {
                let base = if code & 0x800 == 0 { PC } else { SP };
                let sum = self.base(base).plus(Value::just((code & 0xff) << 2));
                self.set(low(8), sum)
            }
            0xb000..=0xbfff => self.miscellaneous(code),
            0xc000..=0xcfff => {
                let (base, list) = (low(8), code & 0xff);
                let is_load = code & 0x800 != 0;
                let writes = !is_load || list >> base & 1 == 0;
                self.many(is_load, base, list, false, writes)
            }
            _ => None,
        }
    }

    /// The operations of two registers, of which the first takes the result.
    fn on_two(&mut self, operation: u32, to: u32, other: Value, has_flags: bool) -> Option<Leap> {
        let value = self.get(to);
        let by = other.lowest(8, false);
        let result = match operation {
            0 => value.and(other),
            1 => value.exclusive_or(other),
            2 => value.shifted_left(by),
            3 => value.shifted_right(by),
            4 => value.shifted_right_signed(by),
            5 | 6 => return self.set_with(to, Value::ANY, Flags::Unknown, has_flags),
            7 => value.rotated_right(by),
            8 => return self.test(value.and(other)),
            9 => return self.difference(to, (Value::just(0), other), has_flags),
            10 => return self.compare(value, other),
            11 => return self.test(value.plus(other)),
            12 => value.or(other),
            13 => value.times(other),
            14 => value.and(other.not()),
            _ => other.not(),
        };
        self.number(to, result, has_flags)
    }

    fn access(
        &mut self,
        is_load: bool,
        register: u32,
        address: Value,
        n_bytes: u32,
        is_signed: bool,
    ) -> Option<Leap> {
        match is_load {
            true if register == PC => Some(Leap::To(self.load(address, n_bytes, is_signed))),
            true => self.set(register, self.load(address, n_bytes, is_signed)),
            false => {
                let value = self.get(register);
                self.state.store(address, n_bytes, value)?;
                Some(Leap::None)
            }
        }
    }

    /// Loads or stores of several registers, upwards from the base, or down to below it.
    fn many(
        &mut self,
        is_load: bool,
        base: u32,
        list: u32,
        is_down: bool,
        writes: bool,
    ) -> Option<Leap> {
        let length = Value::just(4 * list.count_ones());
        let begin = self.get(base);
        let (mut at, end) = match is_down {
            true => (begin.minus(length), begin.minus(length)),
            false => (begin, begin.plus(length)),
        };
        let mut leap = Leap::None;
        for register in (0..=PC).filter(|register| list >> register & 1 != 0) {
            match self.access(is_load, register, at, 4, false)? {
                Leap::None => {}
                to => leap = to,
            }
            at = at.plus(Value::just(4));
        }
        if writes {
            self.set(base, end)?;
        }
        Some(leap)
    }

    fn miscellaneous(&mut self, code: u32) -> Option<Leap> {
        let (to, value) = (bits(code, 0, 3), self.get(bits(code, 3, 3)));
        match code & 0xff00 {
            0xb000 => {
                let offset = Value::just((code & 0x7f) << 2);
                let sp = self.get(SP);
                let moved = match code & 0x80 {
                    0 => sp.plus(offset),
                    _ => sp.minus(offset),
                };
                self.set(SP, moved)
            }
            0xb200 => {
                let n = if code & 0x40 == 0 { 16 } else { 8 };
                self.set(to, value.lowest(n, code & 0x80 == 0))
            }
            0xb400 | 0xb500 => {
                self.many(false, SP, code & 0xff | bits(code, 8, 1) << LR, true, true)
            }
            0xbc00 | 0xbd00 => {
                self.many(true, SP, code & 0xff | bits(code, 8, 1) << PC, false, true)
            }
            0xba00 => self.set(to, Value::ANY),
            0xbf00 if code & 0xf != 0 => {
                self.state.conditions = code & 0xff;
                Some(Leap::None)
            }
            0xbf00 if code == 0xbf00 => Some(Leap::None),
            _ => None,
        }
    }

    fn wide(&mut self) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        let (from, to) = (first & 15, bits(second, 8, 4));
        let has_flags = first & 0x10 != 0;
        match first & 0xfe00 {
            0xe800 if first & 0x40 == 0 => {
                let (is_load, is_down) = (has_flags, first & 0x100 != 0);
                self.many(is_load, from, second, is_down, first & 0x20 != 0)
            }
            0xe800 if first & 0x120 != 0 => self.pair(),
            0xea00 => {
                let n = bits(second, 12, 3) << 2 | bits(second, 6, 2);
                let other = self.get(second & 15);
                let right = Value::just(if n == 0 { 32 } else { n });
                let other = match bits(second, 4, 2) {
                    0 => other.shifted_left(Value::just(n)),
                    1 => other.shifted_right(right),
                    2 => other.shifted_right_signed(right),
                    _ if n == 0 => Value::ANY,
                    _ => other.rotated_right(Value::just(n)),
                };
                self.process(bits(first, 5, 4), from, to, other, has_flags)
            }
            0xf000 | 0xf400 if second & 0x8000 == 0 => {
                let number =
                    expanded(bits(first, 10, 1) << 11 | bits(second, 12, 3) << 8 | second & 0xff);
                self.process(bits(first, 5, 4), from, to, Value::just(number), has_flags)
            }
            0xf200 | 0xf600 if second & 0x8000 == 0 => self.with_number(from, to),
            0xec00 => self.floats(),
            0xee00 => self.float(),
            0xf800 => self.single(),
            0xfa00 => self.products(from, to),
            _ => None,
        }
    }

    fn pair(&mut self) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        let (base, offset) = (first & 15, Value::just((second & 0xff) << 2));
        let begin = self.base(base);
        let moved = match first & 0x80 {
            0 => begin.minus(offset),
            _ => begin.plus(offset),
        };
        let address = if first & 0x100 == 0 { begin } else { moved };
        for (register, address) in [
            (bits(second, 12, 4), address),
            (bits(second, 8, 4), address.plus(Value::just(4))),
        ] {
            self.access(first & 0x10 != 0, register, address, 4, false)?;
        }
        match first & 0x20 {
            0 => Some(Leap::None),
            _ => self.set(base, moved),
        }
    }

    /// Loads, stores and moves of floats, of which nothing is known.
    fn floats(&mut self) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        let (base, is_load, is_down) = (first & 15, first & 0x10 != 0, first & 0x80 == 0);
        if first & 0x1a0 == 0 {
            if is_load {
                self.set(bits(second, 12, 4), Value::ANY)?;
                self.set(base, Value::ANY)?;
            }
            return Some(Leap::None);
        }
        let offset = Value::just((second & 0xff) << 2);
        let begin = self.base(base);
        let moved = match is_down {
            true => begin.minus(offset),
            false => begin.plus(offset),
        };
        let is_one = first & 0x120 == 0x100;
        let (mut at, n_words) = match (is_one, is_down) {
            (true, _) => (moved, 1 + bits(second, 8, 1)),
            (_, true) => (moved, second & 0xff),
            _ => (begin, second & 0xff),
        };
        for _ in 0..if is_load { 0 } else { n_words } {
            self.state.store(at, 4, Value::ANY)?;
            at = at.plus(Value::just(4));
        }
        if first & 0x20 != 0 {
            self.set(base, moved)?;
        }
        Some(Leap::None)
    }

    /// A float moved, compared or told.
    fn float(&mut self) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        if second & 0x10 == 0 || first & 0x10 == 0 {
            return Some(Leap::None);
        }
        match bits(second, 12, 4) {
            PC => {
                self.state.set_flags(Flags::Unknown);
                Some(Leap::None)
            }
            to => self.set(to, Value::ANY),
        }
    }

    /// Data processing with an operand from a shifted register or a number.
    fn process(
        &mut self,
        operation: u32,
        from: u32,
        to: u32,
        other: Value,
        has_flags: bool,
    ) -> Option<Leap> {
        let value = self.get(from);
        let only_flags = to == PC && has_flags;
        let result = match operation {
            0 => value.and(other),
            1 => value.and(other.not()),
            2 if from == PC => other,
            2 => value.or(other),
            3 if from == PC => other.not(),
            3 => value.or(other.not()),
            4 => value.exclusive_or(other),
            8 => value.plus(other),
            10 | 11 => return self.set_with(to, Value::ANY, Flags::Unknown, has_flags),
            13 if only_flags => return self.compare(value, other),
            13 => return self.difference(to, (value, other), has_flags),
            14 => return self.difference(to, (other, value), has_flags),
            _ => return None,
        };
        match only_flags {
            true => self.test(result),
            false => self.number(to, result, has_flags),
        }
    }

    /// Data processing with a plain number of 12 or 16 bits, or on some bits.
    fn with_number(&mut self, from: u32, to: u32) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        let low = bits(first, 10, 1) << 11 | bits(second, 12, 3) << 8 | second & 0xff;
        let begin = bits(second, 12, 3) << 2 | bits(second, 6, 2);
        let more = second & 31;
        let value = self.base(from);
        let result = match bits(first, 4, 5) {
            0 => value.plus(Value::just(low)),
            10 => value.minus(Value::just(low)),
            4 => Value::just((first & 15) << 12 | low),
            12 => {
                let upper = Value::just(((first & 15) << 12 | low) << 16);
                let lower = self.get(to).lowest(16, false);
                lower.plus(upper)
            }
            20 | 28 => value
                .shifted_right(Value::just(begin))
                .lowest(more + 1, bits(first, 4, 5) == 20),
            22 => {
                let mask = (u32::MAX << begin) & (u32::MAX >> (31 - more));
                let kept = self.get(to).and(Value::just(!mask));
                match from {
                    PC => kept,
                    _ => kept.or(value
                        .shifted_left(Value::just(begin))
                        .and(Value::just(mask))),
                }
            }
            // Saturated.
            16 | 18 => Value::ANY,
            24 | 26 => Value::up_to(u32::MAX >> (32 - more.max(1))),
            _ => return None,
        };
        self.set(to, result)
    }

    fn single(&mut self) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        let (base, register) = (first & 15, bits(second, 12, 4));
        let n_bytes = 1 << bits(first, 5, 2);
        let (is_load, is_signed) = (first & 0x10 != 0, first & 0x100 != 0);
        if is_load && register == PC && n_bytes != 4 {
            // A hint that something will be loaded.
            return Some(Leap::None);
        }
        let begin = self.base(base);
        let (near, far) = (Value::just(second & 0xff), Value::just(second & 0xfff));
        let moved = match second & 0x200 {
            0 => begin.minus(near),
            _ => begin.plus(near),
        };
        let (address, writes) = match () {
            () if base == PC && first & 0x80 == 0 => (begin.minus(far), false),
            () if base == PC || first & 0x80 != 0 => (begin.plus(far), false),
            () if second & 0x800 == 0 => {
                let by = self
                    .get(second & 15)
                    .shifted_left(Value::just(bits(second, 4, 2)));
                (begin.plus(by), false)
            }
            () if second & 0x400 == 0 => (begin, true),
            () => (moved, second & 0x100 != 0),
        };
        let leap = self.access(is_load, register, address, n_bytes, is_signed)?;
        if writes {
            self.set(base, moved)?;
        }
        Some(leap)
    }

    /// Shifts by a register, numbers widened, products and divisions.
    fn products(&mut self, from: u32, to: u32) -> Option<Leap> {
        let Place { first, second, .. } = self.place;
        let (value, other) = (self.get(from), self.get(second & 15));
        let has_flags = first & 0x10 != 0;
        if first & 0x180 == 0 && second & 0xf0 == 0 {
            let by = other.lowest(8, false);
            let shifted = match bits(first, 5, 2) {
                0 => value.shifted_left(by),
                1 => value.shifted_right(by),
                2 => value.shifted_right_signed(by),
                _ => value.rotated_right(by),
            };
            return self.number(to, shifted, has_flags);
        }
        if first & 0x180 == 0 {
            let turned = other.rotated_right(Value::just(bits(second, 4, 2) << 3));
            let widened = match bits(first, 4, 3) {
                0 => turned.lowest(16, true),
                1 => turned.lowest(16, false),
                4 => turned.lowest(8, true),
                5 => turned.lowest(8, false),
                _ => Value::ANY,
            };
            let sum = if from == PC {
                widened
            } else {
                value.plus(widened)
            };
            return self.set(to, sum);
        }
        if first & 0x180 == 0x180 {
            // Two registers of 32 bits, or a quotient.
            if second >> 12 != PC {
                self.set(second >> 12, Value::ANY)?;
            }
            return self.set(to, Value::ANY);
        }
        let product = match (first >> 4 & 0x1f, second >> 4 & 15) {
            (0x10, 0) if second >> 12 == 15 => value.times(other),
            (0x10, 0) => self.get(second >> 12).plus(value.times(other)),
            (0x10, 1) => self.get(second >> 12).minus(value.times(other)),
            (0x11, 0) => {
                let halves = value.lowest(16, true).times(other.lowest(16, true));
                match second >> 12 {
                    PC => halves,
                    more => self.get(more).plus(halves),
                }
            }
            // Leading zeros.
            (0xb, 8) => Value::up_to(32),
            _ => Value::ANY,
        };
        self.set(to, product)
    }
}

pub fn parted(state: State, there: Place<'_>) -> Vec<(State, bool)> {
    let first = there.first;
    // Compare and branch on zero; else the condition of a short or a long branch.
    let is_zero = first & 0xf500 == 0xb100;
    let (condition, when) = match first {
        _ if is_zero => (0, first & 0x800 == 0),
        0xf000.. => (first >> 6 & 15, true),
        _ => (first >> 8 & 15, true),
    };
    let register = first & 7;
    let holds = match is_zero {
        true => state.register(register).is(Value::just(0)),
        false => state.holds(condition),
    };
    let ways = [true, false]
        .into_iter()
        .filter(|it| holds.is_none_or(|holds| holds == *it));
    ways.map(|way| {
        let mut state = state.clone();
        match (holds, is_zero, way) {
            (None, false, _) => state.assume(condition, way),
            (None, true, true) => {
                state.set(register, Value::just(0));
            }
            _ => {}
        }
        (state, way == when)
    })
    .collect()
}

/// A number of 12 bits that stands for one of 32.
fn expanded(code: u32) -> u32 {
    let low = code & 0xff;
    match code >> 8 {
        0 => low,
        1 => low << 16 | low,
        2 => low << 24 | low << 8,
        3 => low << 24 | low << 16 | low << 8 | low,
        _ => (0x80 | low & 0x7f).rotate_right(code >> 7),
    }
}
