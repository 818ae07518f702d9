//! RTT as a probe reaches it, on an emulated board: by stopping the machine, reading and writing its
//! memory, and letting it go on.
//!
//! The control block's layout is SEGGER's: a name of 16 bytes, the numbers of up and down channels,
//! then 24 bytes per channel: addresses of name and buffer, size, write and read offset, flags.

use std::io;
use std::time::{Duration, Instant};

use spinney_board::Region;
use spinney_pipeline::serial::{Debugger, Link};

/// The channels called `spinney` of a stopped or running machine.
pub(crate) struct Rtt<L> {
    debugger: Debugger<L>,
    /// Address of the descriptor of up channel 1.
    up: u32,
    /// Address of the descriptor of down channel 0.
    down: u32,
}

const NAME: &[u8; 16] = b"SEGGER RTT\0\0\0\0\0\0";
const DESCRIPTOR: u32 = 24;
const SIZE: usize = 2;
const WRITTEN: usize = 3;
const READ: usize = 4;
/// How long the machine may run between two looks.
const SLICE: Duration = Duration::from_millis(2);
/// Bytes of RAM that are looked at in one go.
const CHUNK: u32 = 1024;
/// How long the firmware may take from reset on until its control block is there.
const START_MAX: Duration = Duration::from_secs(20);
/// A firmware that takes nothing for so long is gone.
const ANSWER_MAX: Duration = Duration::from_secs(10);

impl<L: Link> Rtt<L> {
    /// Finds the control block in `ram`.
    pub(crate) fn attach(debugger: Debugger<L>, ram: Region) -> io::Result<Self> {
        let mut rtt = Self {
            debugger,
            up: 0,
            down: 0,
        };
        let deadline = Instant::now() + START_MAX;
        loop {
            rtt.debugger.stop()?;
            if let Some(block) = rtt.find(ram)? {
                let n_up = rtt.debugger.words(block + 16, 1)?[0];
                rtt.up = block + 24 + DESCRIPTOR;
                rtt.down = block + 24 + DESCRIPTOR * n_up;
                rtt.debugger.go_on()?;
                return Ok(rtt);
            }
            rtt.debugger.go_on()?;
            if Instant::now() >= deadline {
                return Err(io::Error::other("no RTT control block in RAM"));
            }
            std::thread::sleep(SLICE);
        }
    }

    /// Where the control block is; static data stands at the start of RAM.
    fn find(&mut self, ram: Region) -> io::Result<Option<u32>> {
        const SEARCHED: u32 = 16 * CHUNK;
        let mut bytes = Vec::new();
        for at in (0..ram.len.min(SEARCHED)).step_by(CHUNK as usize) {
            bytes.extend(
                self.debugger
                    .peek(ram.origin + at, CHUNK.min(ram.len - at))?,
            );
        }
        let found = bytes.windows(NAME.len()).position(|name| name == NAME);
        Ok(found.and_then(|at| Some(ram.origin + u32::try_from(at).ok()?)))
    }

    /// Takes what the up channel holds, up to the end of its buffer; the machine is stopped.
    fn take(&mut self, n_bytes_max: usize) -> io::Result<Vec<u8>> {
        let channel = self.debugger.words(self.up, 5)?;
        let (buffer, size, written, read) =
            (channel[1], channel[SIZE], channel[WRITTEN], channel[READ]);
        let end = if written >= read { written } else { size };
        let n_bytes = (end - read).min(u32::try_from(n_bytes_max).unwrap_or(u32::MAX));
        if n_bytes == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.debugger.peek(buffer + read, n_bytes)?;
        let read = (read + n_bytes) % size.max(1);
        self.debugger
            .poke(self.up + 4 * READ as u32, &read.to_le_bytes())?;
        Ok(bytes)
    }

    /// Puts bytes into the down channel, as many as fit before the end of its buffer.
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let channel = self.debugger.words(self.down, 5)?;
        let (buffer, size, written, read) =
            (channel[1], channel[SIZE], channel[WRITTEN], channel[READ]);
        let free = match read {
            // One place stays free, which tells full from empty.
            0 => (size - written).saturating_sub(1),
            read if read > written => read - written - 1,
            _ => size - written,
        };
        let n_bytes = bytes.len().min(free as usize);
        if n_bytes > 0 {
            self.debugger.poke(buffer + written, &bytes[..n_bytes])?;
            let written = (written + n_bytes as u32) % size.max(1);
            self.debugger
                .poke(self.down + 4 * WRITTEN as u32, &written.to_le_bytes())?;
        }
        Ok(n_bytes)
    }
}

impl<L: Link> Link for Rtt<L> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        let deadline = Instant::now() + patience;
        loop {
            self.debugger.stop()?;
            let bytes = self.take(buffer.len());
            self.debugger.go_on()?;
            let bytes = bytes?;
            if !bytes.is_empty() || Instant::now() >= deadline {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                return Ok(bytes.len());
            }
            std::thread::sleep(SLICE);
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + ANSWER_MAX;
        while !bytes.is_empty() {
            self.debugger.stop()?;
            let n_bytes = self.put(bytes);
            self.debugger.go_on()?;
            bytes = &bytes[n_bytes?..];
            if Instant::now() >= deadline {
                let error = "the firmware does not empty its down channel";
                return Err(io::Error::other(error));
            }
            std::thread::sleep(SLICE);
        }
        Ok(())
    }
}
