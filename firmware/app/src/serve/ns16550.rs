//! The 16550 of QEMU's RISC-V board `virt`.

use super::registers::Registers;

const BASE: usize = 0x1000_0000;
const DATA: usize = 0;
const FIFO: usize = 2;
const FIFO_ON: u8 = 1;
const LINE: usize = 3;
const EIGHT_BITS: u8 = 0b11;
const STATUS: usize = 5;
const RECEIVED: u8 = 1;
const TRANSMIT_EMPTY: u8 = 1 << 5;

pub(crate) struct Port(Registers<u8>);

pub(crate) fn open() -> Port {
    // SAFETY: the board has it there, and this is the only code of the image that uses it.
    let mut uart = unsafe { Registers::at(BASE) };
    uart.write(LINE, EIGHT_BITS);
    uart.write(FIFO, FIFO_ON);
    Port(uart)
}

impl super::Port for Port {
    fn receive(&mut self) -> u8 {
        while self.0.read(STATUS) & RECEIVED == 0 {}
        self.0.read(DATA)
    }

    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while self.0.read(STATUS) & TRANSMIT_EMPTY == 0 {}
            self.0.write(DATA, *byte);
        }
    }
}
