//! What is known when an instruction begins: registers, flags, and words of the stack.

use spinney_board::Operation;

use super::super::trace::Code;
use super::value::Value;

/// Where the frame of the function begins that is looked at: nothing else is there.
const STACK: u32 = 0x7fff_0000;
/// How much of it is looked at on either side.
const STACK_LEN: u32 = 0x8000;
/// Where it returns to.
pub const RETURN: u32 = 0xffff_fffe;
/// The longest stretch of addresses whose bytes are looked through.
const BYTES_MAX: u32 = 4096;

/// What conditions go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flags {
    Unknown,
    /// The first less the second.
    Difference(Value, Value),
    /// Of a number; carry and overflow are not known.
    Number(Value),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    registers: [Value; 32],
    flags: Flags,
    /// A condition of which is taken for granted whether it holds.
    assumed: Option<(u32, bool)>,
    /// What is left of an `IT`, as the processor keeps it.
    pub conditions: u32,
    /// Known words of memory, by ascending address.
    memory: Vec<(u32, Value)>,
    /// What was executed right before.
    pub before: Option<Operation>,
}

impl State {
    /// When a function is called of whose arguments nothing is known, by the numbers of the registers
    /// that hold the stack pointer and where it returns to.
    pub fn new(stack: u32, link: u32) -> Self {
        let mut state = Self {
            registers: [Value::ANY; 32],
            flags: Flags::Unknown,
            assumed: None,
            conditions: 0,
            memory: Vec::new(),
            before: None,
        };
        state.set(stack, Value::just(STACK));
        state.set(link, Value::just(RETURN));
        state
    }

    /// What holds in both.
    pub fn join(&mut self, other: &Self) {
        for (register, other) in self.registers.iter_mut().zip(other.registers) {
            *register = register.hull(other);
        }
        if self.flags != other.flags {
            self.flags = Flags::Unknown;
        }
        if self.assumed != other.assumed {
            self.assumed = None;
        }
        if self.before != other.before {
            self.before = None;
        }
        self.memory.retain_mut(|(address, value)| {
            let found = other.word(*address);
            found.is_some_and(|found| {
                *value = value.hull(found);
                true
            })
        });
    }

    /// A register by its number, which is below 32.
    pub fn register(&self, number: u32) -> Value {
        self.registers[number as usize & 31]
    }

    pub fn set(&mut self, number: u32, value: Value) {
        self.registers[number as usize & 31] = value;
    }

    pub fn set_flags(&mut self, flags: Flags) {
        self.flags = flags;
        self.assumed = None;
    }

    pub fn assume(&mut self, condition: u32, holds: bool) {
        self.assumed = Some((condition, holds));
    }

    /// Whether a condition holds, by its number in an instruction; `None` where that depends.
    pub fn holds(&self, condition: u32) -> Option<bool> {
        if condition >= 14 {
            return Some(true);
        }
        if let Some((known, holds)) = self.assumed
            && known >> 1 == condition >> 1
        {
            return Some(holds == (known == condition));
        }
        let is_negative = |value: Value| value.by_sign().map(|it| it.ends().0 >> 31 == 0);
        let even = match (condition >> 1, self.flags) {
            (0, Flags::Difference(a, b)) => a.is(b),
            (1, Flags::Difference(a, b)) => a.exceeds(b, false),
            (2, Flags::Difference(a, b)) => is_negative(a.minus(b)),
            (4, Flags::Difference(a, b)) => a.exceeds(b, true),
            (5 | 6, Flags::Difference(a, b)) => {
                let (a, b) = (a.by_sign()?, b.by_sign()?);
                a.exceeds(b, condition >> 1 == 6)
            }
            (0, Flags::Number(value)) => value.is(Value::just(0)),
            (2, Flags::Number(value)) => is_negative(value),
            _ => None,
        };
        even.map(|holds| holds == (condition & 1 == 0))
    }

    /// So many bytes from an address: of the image, where it has them, else of memory.
    pub fn load(&self, code: &Code, address: Value, n_bytes: u32, is_signed: bool) -> Value {
        let at = |address: u32| {
            let byte = |at: u32| code.byte(address.wrapping_add(at)).map(u32::from);
            let whole = (0..n_bytes).try_fold(0, |sum, at| Some(sum | byte(at)? << (8 * at)));
            whole.map_or_else(|| self.remembered(address, n_bytes), Value::just)
        };
        let loaded = match address.known() {
            Some(address) => at(address),
            None => {
                let (low, high) = address.ends();
                match n_bytes == 1 && high - low < BYTES_MAX {
                    true => (low..high).fold(at(high), |all, next| all.hull(at(next))),
                    false => Value::ANY,
                }
            }
        };
        match n_bytes {
            4 => loaded,
            _ => loaded.lowest(8 * n_bytes, is_signed),
        }
    }

    /// Where a word of memory stands among those that are known, or would.
    fn place(&self, address: u32) -> Result<usize, usize> {
        self.memory.binary_search_by_key(&address, |(at, _)| *at)
    }

    fn word(&self, address: u32) -> Option<Value> {
        self.place(address).ok().map(|place| self.memory[place].1)
    }

    fn remembered(&self, address: u32, n_bytes: u32) -> Value {
        let place = address & 3;
        let Some(word) = self.word(address - place) else {
            return Value::ANY;
        };
        match place + n_bytes <= 4 {
            true if place == 0 => word,
            true => word.shifted_right(Value::just(8 * place)),
            false => Value::ANY,
        }
    }

    /// Where the address is not known, nor is any of memory. `None` for a word that is its caller's, to
    /// which a loop leads that does not end by what is known.
    pub fn store(&mut self, address: Value, n_bytes: u32, value: Value) -> Option<()> {
        let (low, high) = address.ends();
        if low >= STACK && high < STACK + STACK_LEN {
            return None;
        }
        let place = low & 3;
        let word = low - place;
        if low == high && place + n_bytes <= 4 {
            let before = self.word(word);
            let after = match n_bytes {
                4 => Some(value),
                _ => {
                    let mask = (u32::MAX >> (32 - 8 * n_bytes)) << (8 * place);
                    let parts = before.and_then(Value::known).zip(value.known());
                    parts.map(|(word, part)| Value::just(word & !mask | part << (8 * place) & mask))
                }
            };
            match (self.place(word), after) {
                (Ok(place), Some(after)) => self.memory[place].1 = after,
                (Ok(place), None) => drop(self.memory.remove(place)),
                (Err(place), Some(after)) => self.memory.insert(place, (word, after)),
                (Err(_), None) => {}
            }
            return Some(());
        }
        let end = high.saturating_add(n_bytes - 1);
        self.memory.retain(|(at, _)| *at < word || *at > end);
        Some(())
    }
}
