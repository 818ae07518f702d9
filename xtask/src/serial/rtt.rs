//! RTT as a probe reaches it, on an emulated board: QEMU's debugger interface stops the machine,
//! reads and writes its memory, and lets it go on.
//!
//! The control block's layout is SEGGER's: a name of 16 bytes, the numbers of up and down channels,
//! then 24 bytes per channel: addresses of name and buffer, size, write and read offset, flags.

use std::io;
use std::time::{Duration, Instant};

use spinney_board::Region;

use super::Link;

/// The channels called `spinney` of a stopped or running machine.
pub(crate) struct Rtt<L> {
    debugger: L,
    /// Address of the descriptor of up channel 1.
    up: u32,
    /// Address of the descriptor of down channel 0.
    down: u32,
    /// Read from the debugger and not yet used.
    pending: Vec<u8>,
}

const NAME: &[u8; 16] = b"SEGGER RTT\0\0\0\0\0\0";
const DESCRIPTOR: u32 = 24;
const SIZE: usize = 2;
const WRITTEN: usize = 3;
const READ: usize = 4;
/// How long the machine may run between two looks.
const SLICE: Duration = Duration::from_millis(2);
/// A debugger that says nothing for so long is gone.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Bytes that one packet carries.
const CHUNK: u32 = 1024;

fn broken(what: &str) -> io::Error {
    io::Error::other(format!("the emulator's debugger interface: {what}"))
}

impl<L: Link> Rtt<L> {
    /// Finds the control block in `ram`, for which the firmware has up to `patience` from reset on.
    pub(crate) fn attach(debugger: L, ram: Region, patience: Duration) -> io::Result<Self> {
        let mut rtt = Self {
            debugger,
            up: 0,
            down: 0,
            pending: Vec::new(),
        };
        let deadline = Instant::now() + patience;
        loop {
            rtt.stop()?;
            if let Some(block) = rtt.find(ram)? {
                let n_up = rtt.words(block + 16, 1)?[0];
                rtt.up = block + 24 + DESCRIPTOR;
                rtt.down = block + 24 + DESCRIPTOR * n_up;
                rtt.go_on()?;
                return Ok(rtt);
            }
            rtt.go_on()?;
            if Instant::now() >= deadline {
                return Err(broken("no RTT control block in RAM"));
            }
            std::thread::sleep(SLICE);
        }
    }

    /// Where the control block is; static data stands at the start of RAM.
    fn find(&mut self, ram: Region) -> io::Result<Option<u32>> {
        const SEARCHED: u32 = 16 * CHUNK;
        let mut bytes = Vec::new();
        for at in (0..ram.len.min(SEARCHED)).step_by(CHUNK as usize) {
            bytes.extend(self.peek(ram.origin + at, CHUNK.min(ram.len - at))?);
        }
        let found = bytes.windows(NAME.len()).position(|name| name == NAME);
        Ok(found.and_then(|at| Some(ram.origin + u32::try_from(at).ok()?)))
    }

    fn stop(&mut self) -> io::Result<()> {
        self.debugger.write(&[3])?;
        self.packet().map(drop)
    }

    fn go_on(&mut self) -> io::Result<()> {
        self.send("c")
    }

    fn peek(&mut self, at: u32, n_bytes: u32) -> io::Result<Vec<u8>> {
        self.send(&format!("m{at:x},{n_bytes:x}"))?;
        let hex = self.packet()?;
        let bytes: Option<Vec<u8>> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        bytes
            .filter(|bytes| bytes.len() == n_bytes as usize)
            .ok_or_else(|| broken(&format!("{hex} instead of {n_bytes} bytes from {at:#x}")))
    }

    fn poke(&mut self, at: u32, bytes: &[u8]) -> io::Result<()> {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.send(&format!("M{at:x},{:x}:{hex}", bytes.len()))?;
        match &*self.packet()? {
            "OK" => Ok(()),
            other => Err(broken(other)),
        }
    }

    fn words(&mut self, at: u32, n: u32) -> io::Result<Vec<u32>> {
        let bytes = self.peek(at, 4 * n)?;
        let words = bytes.as_chunks::<4>().0.iter();
        Ok(words.map(|word| u32::from_le_bytes(*word)).collect())
    }

    /// Sends a packet: its text between `$` and `#`, then the sum of its bytes.
    fn send(&mut self, text: &str) -> io::Result<()> {
        let sum = text.bytes().fold(0_u8, u8::wrapping_add);
        self.debugger.write(format!("${text}#{sum:02x}").as_bytes())
    }

    /// The text of the next packet, which is acknowledged.
    fn packet(&mut self) -> io::Result<String> {
        let deadline = Instant::now() + ANSWER_MAX;
        loop {
            let start = self.pending.iter().position(|byte| *byte == b'$');
            let end = self.pending.iter().position(|byte| *byte == b'#');
            if let (Some(start), Some(end)) = (start, end)
                && self.pending.len() > end + 2
            {
                let text = String::from_utf8_lossy(&self.pending[start + 1..end]).into_owned();
                self.pending.drain(..end + 3);
                self.debugger.write(b"+")?;
                return Ok(text);
            }
            let mut buffer = [0; 4096];
            let left = deadline.saturating_duration_since(Instant::now());
            match self.debugger.read(&mut buffer, left)? {
                0 => return Err(broken("no answer")),
                n_bytes => self.pending.extend(&buffer[..n_bytes]),
            }
        }
    }

    /// Takes what the up channel holds, up to the end of its buffer; the machine is stopped.
    fn take(&mut self, n_bytes_max: usize) -> io::Result<Vec<u8>> {
        let channel = self.words(self.up, 5)?;
        let (buffer, size, written, read) =
            (channel[1], channel[SIZE], channel[WRITTEN], channel[READ]);
        let end = if written >= read { written } else { size };
        let n_bytes = (end - read).min(u32::try_from(n_bytes_max).unwrap_or(u32::MAX));
        if n_bytes == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.peek(buffer + read, n_bytes)?;
        let read = (read + n_bytes) % size.max(1);
        self.poke(self.up + 4 * READ as u32, &read.to_le_bytes())?;
        Ok(bytes)
    }

    /// Puts bytes into the down channel, as many as fit before the end of its buffer.
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let channel = self.words(self.down, 5)?;
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
            self.poke(buffer + written, &bytes[..n_bytes])?;
            let written = (written + n_bytes as u32) % size.max(1);
            self.poke(self.down + 4 * WRITTEN as u32, &written.to_le_bytes())?;
        }
        Ok(n_bytes)
    }
}

impl<L: Link> Link for Rtt<L> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        let deadline = Instant::now() + patience;
        loop {
            self.stop()?;
            let bytes = self.take(buffer.len());
            self.go_on()?;
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
            self.stop()?;
            let n_bytes = self.put(bytes);
            self.go_on()?;
            bytes = &bytes[n_bytes?..];
            if Instant::now() >= deadline {
                return Err(broken("the firmware does not empty its down channel"));
            }
            std::thread::sleep(SLICE);
        }
        Ok(())
    }
}
