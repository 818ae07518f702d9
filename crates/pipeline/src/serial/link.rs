//! Links to a device: a serial port, or the pipes of a child process that has one.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::Context;
use serial2::SerialPort;

use crate::failure::{ExitReason, Failure};

/// A stream of bytes in both directions, which may lose or damage some.
pub trait Link {
    /// Waits for bytes, at the most for `patience`, and says how many came: 0 if none did.
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize>;

    /// Sends all bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// How long so many bytes take on their way.
    fn transfer(&self, _n_bytes: usize) -> Duration {
        Duration::ZERO
    }
}

/// Bits of a byte on a line: one to start, eight, one to stop.
const BITS_PER_BYTE: u32 = 10;

/// A serial port or a pseudo-terminal.
pub struct Tty {
    port: SerialPort,
    baud: u32,
}

impl Tty {
    /// Opens the port at `path`: eight bits, no parity, one stop bit, no flow control.
    pub fn open(path: &Path, baud: u32) -> Result<Self, Failure> {
        let port = SerialPort::open(path, baud).with_context(|| {
            let others: Vec<String> = SerialPort::available_ports()
                .unwrap_or_default()
                .iter()
                .map(|port| port.display().to_string())
                .collect();
            let others = if others.is_empty() {
                "this machine shows no serial port; is the board plugged in?".to_owned()
            } else {
                format!("the ports here are {}", others.join(", "))
            };
            format!(
                "cannot open {} as a serial port at {baud} baud ({others})",
                path.display()
            )
        });
        let port = port.environment()?;
        // What a device said before is no answer.
        port.discard_buffers().environment()?;
        Ok(Self { port, baud })
    }
}

impl Link for Tty {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        // The port counts milliseconds, and 0 would be none.
        self.port
            .set_read_timeout(patience.max(Duration::from_millis(1)))?;
        match self.port.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(0),
            other => other,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.port.write_all(bytes)
    }

    fn transfer(&self, n_bytes: usize) -> Duration {
        let n_bits = u32::try_from(n_bytes).map_or(u32::MAX, |n| n.saturating_mul(BITS_PER_BYTE));
        Duration::from_secs(1) * n_bits / self.baud.max(1)
    }
}

/// The standard input and output of a child process that passes bytes on to a device.
pub struct Pipes {
    stdin: ChildStdin,
    chunks: Receiver<io::Result<Vec<u8>>>,
    /// Read from the child and not yet asked for.
    pending: VecDeque<u8>,
}

impl Pipes {
    pub fn new(stdin: ChildStdin, mut stdout: ChildStdout) -> Self {
        // Bounded, so that a child that prints without end waits.
        let (sender, chunks) = sync_channel(64);
        // A pipe has no timeout; the thread ends with the child's output or with this link.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let chunk = match stdout.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(n_bytes) => Ok(buffer[..n_bytes].to_vec()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let is_last = chunk.is_err();
                if sender.send(chunk).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            stdin,
            chunks,
            pending: VecDeque::new(),
        }
    }
}

impl Link for Pipes {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        if self.pending.is_empty() {
            match self.chunks.recv_timeout(patience) {
                Ok(chunk) => self.pending = chunk?.into(),
                Err(RecvTimeoutError::Timeout) => return Ok(0),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the process that holds the device has ended",
                    ));
                }
            }
        }
        self.pending.read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdin.write_all(bytes)?;
        self.stdin.flush()
    }
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        (**self).read(buffer, patience)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).write(bytes)
    }

    fn transfer(&self, n_bytes: usize) -> Duration {
        (**self).transfer(n_bytes)
    }
}
