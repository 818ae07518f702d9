//! UART 0 of the MPS2 boards: the one of Arm's Cortex-M System Design Kit.

use super::registers::Registers;

/// On the AN505, the alias that secure code uses.
const BASE: usize = if cfg!(feature = "uart-mps2-an505") {
    0x5020_0000
} else {
    0x4000_4000
};
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const TRANSMIT_FULL: u32 = 1;
const RECEIVE_FULL: u32 = 1 << 1;
const CONTROL: usize = 0x08;
const ENABLE_BOTH_WAYS: u32 = 0b11;
const DIVISOR: usize = 0x10;
/// The least that the UART takes.
const DIVISOR_MIN: u32 = 16;

pub(crate) struct Port(Registers<u32>);

pub(crate) fn open() -> Port {
    // SAFETY: the boards have it there, and this is the only code of the image that uses it.
    let mut uart = unsafe { Registers::at(BASE) };
    uart.write(DIVISOR, DIVISOR_MIN);
    uart.write(CONTROL, ENABLE_BOTH_WAYS);
    Port(uart)
}

impl super::Port for Port {
    fn receive(&mut self) -> u8 {
        while self.0.read(STATE) & RECEIVE_FULL == 0 {}
        self.0.read(DATA) as u8
    }

    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while self.0.read(STATE) & TRANSMIT_FULL != 0 {}
            self.0.write(DATA, u32::from(*byte));
        }
    }
}
