//! The image that answers: rows from a host in frames, outcomes back, over a UART or RTT.

#[cfg_attr(feature = "uart-lm3s6965evb", path = "pl011.rs")]
#[cfg_attr(feature = "uart-microbit", path = "nrf51.rs")]
#[cfg_attr(feature = "uart-mps2", path = "cmsdk.rs")]
#[cfg_attr(feature = "uart-mps2-an505", path = "cmsdk.rs")]
#[cfg_attr(feature = "uart-netduinoplus2", path = "stm32.rs")]
#[cfg_attr(feature = "uart-virt", path = "ns16550.rs")]
#[cfg_attr(feature = "rtt", path = "rtt.rs")]
mod port;
#[cfg(not(feature = "rtt"))]
mod registers;

use core::hint::black_box;

use model::{N_CLASSES, N_FEATURES};
use spinney_wire::frame::{self, Hello, Outcome, Receiver, Refused, Reply, Request};

use crate::arch::stopwatch::Stopwatch;
use crate::{Transport, arch};

/// A stream of bytes to and from a host.
pub(crate) trait Port {
    /// Waits for a byte.
    fn receive(&mut self) -> u8;
    /// Sends all bytes, waiting where it has to.
    fn send(&mut self, bytes: &[u8]);
}

const ROW_BYTES: usize = N_FEATURES * size_of::<model::Reading>();
const N_SCORES: usize = if cfg!(feature = "class-only") {
    0
} else {
    N_CLASSES
};
const N_PROBABILITIES: usize = if cfg!(feature = "probabilities") {
    N_CLASSES
} else {
    0
};

type Answer<'a> = Reply<'a, &'a [i64], &'a [u16]>;

/// Requests and replies take turns in one buffer, as host and device take turns to speak.
const FRAME_BYTES: usize = {
    let request = Request::frame_len_max(ROW_BYTES);
    let reply = Answer::frame_len_max(N_SCORES, N_PROBABILITIES);
    if request > reply { request } else { reply }
};

pub(crate) struct Serve<P> {
    port: P,
    receiver: Receiver<[u8; FRAME_BYTES]>,
    stopwatch: Stopwatch,
    overhead_ticks: u32,
    /// Of the row at work.
    seq: u32,
    ticks: Option<u32>,
}

pub(crate) fn open() -> Serve<port::Port> {
    let mut stopwatch = Stopwatch::new();
    stopwatch.start();
    black_box(());
    let overhead_ticks = stopwatch.stop().unwrap_or(0);
    Serve {
        port: port::open(),
        receiver: Receiver::new([0; FRAME_BYTES]),
        stopwatch,
        overhead_ticks,
        seq: 0,
        ticks: None,
    }
}

impl<P: Port> Serve<P> {
    #[inline(never)]
    fn answer(&mut self, answer: &Answer<'_>) {
        // The buffer holds every reply; one that it did not hold the host would ask for again.
        if let Ok(frame) = frame::write_frame(answer, self.receiver.buffer()) {
            self.port.send(frame);
        }
    }

    fn hello(&self) -> Answer<'static> {
        Reply::Hello(Hello {
            version: frame::VERSION,
            fingerprint: model::FINGERPRINT,
            n_features: N_FEATURES as u32,
            n_classes: N_CLASSES as u32,
            reading: <model::Reading as frame::Reading>::TYPE,
            n_scores: N_SCORES as u32,
            n_probabilities: N_PROBABILITIES as u32,
            clock: self.stopwatch.clock(),
        })
    }
}

/// What a byte asks of the main loop, once it completes a frame.
enum Asked {
    Hello,
    Row(u32),
    Nothing(Refused),
}

impl<P: Port> Transport for Serve<P> {
    #[inline(never)]
    fn next(&mut self, readings: &mut [model::Reading; N_FEATURES]) -> bool {
        loop {
            let byte = self.port.receive();
            let asked = match self.receiver.request(byte, ROW_BYTES) {
                None => continue,
                Some(Ok(Request::Hello)) => Asked::Hello,
                Some(Ok(Request::Row { seq, readings: row })) => {
                    for (reading, bytes) in readings.iter_mut().zip(row.as_chunks().0) {
                        *reading = model::Reading::from_le_bytes(*bytes);
                    }
                    Asked::Row(seq)
                }
                Some(Err(refused)) => Asked::Nothing(refused),
            };
            match asked {
                Asked::Row(seq) => {
                    self.seq = seq;
                    return true;
                }
                Asked::Hello => self.answer(&self.hello()),
                Asked::Nothing(refused) => self.answer(&Reply::Refused(refused)),
            }
        }
    }

    #[inline(always)]
    fn begin(&mut self) {
        self.stopwatch.start();
    }

    #[inline(always)]
    fn end(&mut self) {
        self.ticks = self.stopwatch.stop();
    }

    #[inline(never)]
    fn deliver(&mut self, readings: &[model::Reading; N_FEATURES], class: usize) {
        #[cfg(any(not(feature = "class-only"), feature = "probabilities"))]
        let codes = model::encode(readings);
        #[cfg(not(any(not(feature = "class-only"), feature = "probabilities")))]
        let _ = readings;
        #[cfg(not(feature = "class-only"))]
        let scores = model::scores(&codes).map(i64::from);
        #[cfg(feature = "class-only")]
        let scores = [];
        #[cfg(feature = "probabilities")]
        let probabilities = model::probabilities(&codes);
        #[cfg(not(feature = "probabilities"))]
        let probabilities = [];
        self.answer(&Reply::Outcome(Outcome {
            seq: self.seq,
            class: class as u32,
            ticks: self
                .ticks
                .map(|ticks| ticks.saturating_sub(self.overhead_ticks)),
            scores: &scores,
            probabilities: &probabilities,
        }));
    }

    fn finish(self) -> ! {
        halt()
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    halt()
}

fn halt() -> ! {
    loop {
        arch::idle();
    }
}
