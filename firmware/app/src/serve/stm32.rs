//! USART 1 of the STM32F2 and F4, as the emulated Netduino Plus 2 has it: clocks and pins are set.

use super::registers::Registers;

const BASE: usize = 0x4001_1000;
const STATUS: usize = 0x00;
const RECEIVED: u32 = 1 << 5;
const TRANSMIT_EMPTY: u32 = 1 << 7;
const DATA: usize = 0x04;
const CONTROL: usize = 0x0c;
const ENABLE_BOTH_WAYS: u32 = 1 << 13 | 1 << 3 | 1 << 2;

pub(crate) struct Port(Registers<u32>);

pub(crate) fn open() -> Port {
    // SAFETY: the chips have it there, and this is the only code of the image that uses it.
    let mut uart = unsafe { Registers::at(BASE) };
    uart.write(CONTROL, ENABLE_BOTH_WAYS);
    Port(uart)
}

impl super::Port for Port {
    fn receive(&mut self) -> u8 {
        while self.0.read(STATUS) & RECEIVED == 0 {}
        self.0.read(DATA) as u8
    }

    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while self.0.read(STATUS) & TRANSMIT_EMPTY == 0 {}
            self.0.write(DATA, u32::from(*byte));
        }
    }
}
