//! What an instruction does to what is known, by the core's instruction set.

use super::super::trace::Code;
use super::state::State;
use super::value::Value;
use super::{riscv, thumb};

/// Where an instruction leads by a register or by memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leap {
    /// Nowhere: to what follows, or where its address says.
    None,
    To(Value),
    /// With the return address kept.
    Call(Value),
    /// To what follows, with 0 or 1 in this register.
    Either(u32),
}

/// An instruction where it stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub code: &'a Code,
    pub at: u32,
    pub first: u32,
    pub second: u32,
}

/// Executes an instruction that is no branch to an address of its own; `None` for one that is not known.
pub fn execute(state: &mut State, place: Place<'_>) -> Option<Leap> {
    match place.code.is_riscv {
        true => riscv::execute(state, place),
        false => thumb::execute(state, place),
    }
}

/// The ways behind a branch with a condition: a state, and whether it is taken.
pub fn parted(state: State, place: Place<'_>) -> Vec<(State, bool)> {
    match place.code.is_riscv {
        true => riscv::parted(state, place),
        false => thumb::parted(state, place),
    }
}

/// What is known when a function is called of whose arguments nothing is.
pub fn called(code: &Code) -> State {
    match code.is_riscv {
        true => State::new(riscv::SP, riscv::LINK),
        false => State::new(thumb::SP, thumb::LR),
    }
}

/// Keeps where the call at `place` returns to; `None` where that is not in the register that functions
/// return by.
pub fn link(state: &mut State, place: Place<'_>, returns_to: u32) -> Option<()> {
    if place.code.is_riscv {
        riscv::is_linked(place).then(|| state.set(riscv::LINK, Value::just(returns_to)))
    } else {
        state.set(thumb::LR, Value::just(returns_to | 1));
        Some(())
    }
}

/// Whether this calls a function by a register.
pub fn calls_register(code: &Code, at: u32) -> bool {
    match (code.is_riscv, code.halfword(at)) {
        (_, None) => false,
        (true, Some(first)) => {
            let second = code.halfword(at.wrapping_add(2)).unwrap_or(0);
            riscv::calls_register(first, second)
        }
        (false, Some(first)) => first & 0xff80 == 0x4780,
    }
}
