//! UART 0 of the nRF51, on the pins that the micro:bit has its USB bridge on.

use super::registers::Registers;

const BASE: usize = 0x4000_2000;
const START_RECEIVING: usize = 0x000;
const START_SENDING: usize = 0x008;
const RECEIVED: usize = 0x108;
const SENT: usize = 0x11c;
const ENABLE: usize = 0x500;
const ENABLED: u32 = 4;
const SENDING_PIN: usize = 0x50c;
const RECEIVING_PIN: usize = 0x514;
const RECEIVE: usize = 0x518;
const SEND: usize = 0x51c;
const BAUD_RATE: usize = 0x524;
/// 115,200 per second, as the manual encodes it.
const BAUD_115_200: u32 = 0x01d7_e000;

pub(crate) struct Port(Registers<u32>);

pub(crate) fn open() -> Port {
    // SAFETY: the nRF51 has it there, and this is the only code of the image that uses it.
    let mut uart = unsafe { Registers::at(BASE) };
    uart.write(SENDING_PIN, 24);
    uart.write(RECEIVING_PIN, 25);
    uart.write(BAUD_RATE, BAUD_115_200);
    uart.write(ENABLE, ENABLED);
    uart.write(START_RECEIVING, 1);
    uart.write(START_SENDING, 1);
    Port(uart)
}

impl super::Port for Port {
    fn receive(&mut self) -> u8 {
        while self.0.read(RECEIVED) == 0 {}
        // Cleared first: a byte that comes in between sets it again.
        self.0.write(RECEIVED, 0);
        self.0.read(RECEIVE) as u8
    }

    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0.write(SENT, 0);
            self.0.write(SEND, u32::from(*byte));
            while self.0.read(SENT) == 0 {}
        }
    }
}
