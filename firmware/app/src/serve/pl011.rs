//! UART 0 of the LM3S6965: an Arm PL011.

use super::registers::Registers;

const BASE: usize = 0x4000_c000;
const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const RECEIVE_EMPTY: u32 = 1 << 4;
const TRANSMIT_FULL: u32 = 1 << 5;
const LINE: usize = 0x2c;
const EIGHT_BITS_AND_FIFO: u32 = 0b111 << 4;
const CONTROL: usize = 0x30;
const ENABLE_BOTH_WAYS: u32 = 1 << 9 | 1 << 8 | 1;

pub(crate) struct Port(Registers<u32>);

pub(crate) fn open() -> Port {
    // SAFETY: the LM3S6965 has it there, and this is the only code of the image that uses it.
    let mut uart = unsafe { Registers::at(BASE) };
    uart.write(LINE, EIGHT_BITS_AND_FIFO);
    uart.write(CONTROL, ENABLE_BOTH_WAYS);
    Port(uart)
}

impl super::Port for Port {
    fn receive(&mut self) -> u8 {
        while self.0.read(FLAGS) & RECEIVE_EMPTY != 0 {}
        self.0.read(DATA) as u8
    }

    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while self.0.read(FLAGS) & TRANSMIT_FULL != 0 {}
            self.0.write(DATA, u32::from(*byte));
        }
    }
}
