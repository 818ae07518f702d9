//! An instruction of any core as far as time goes: what it does, how long it is, and where it may lead.

use spinney_board::Operation;

/// An instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub operation: Operation,
    /// Its length in bytes.
    pub len: u32,
    /// Where it may lead besides what follows it.
    pub flow: Flow,
    /// How many instructions it makes conditional.
    pub n_conditional: u32,
}

impl Instruction {
    /// How many words it loads.
    pub fn n_loads(&self) -> u64 {
        match self.operation {
            Operation::Load { .. } | Operation::LoadPc => 1,
            Operation::LoadMany(n) | Operation::Return(n) => u64::from(n),
            _ => 0,
        }
    }
}

/// Where an instruction leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// To what follows.
    Next,
    /// To this address.
    To(u32),
    /// To this address, or to what follows.
    MayTo(u32),
    /// To an address that is not in it.
    Anywhere,
}

/// An instruction that makes none conditional.
pub fn plain(operation: Operation, len: u32, flow: Flow) -> Instruction {
    Instruction {
        operation,
        len,
        flow,
        n_conditional: 0,
    }
}

/// A number of so many bits, with its sign.
pub fn signed(number: u32, n_bits: u32) -> u32 {
    let sign = 1 << (n_bits - 1);
    (number ^ sign).wrapping_sub(sign)
}
