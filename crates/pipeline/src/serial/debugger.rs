//! QEMU's debugger interface, GDB's remote protocol: stops a machine, reads and writes its memory and
//! registers, and lets it run until a place or a read.

use std::io;
use std::time::{Duration, Instant};

use super::Link;

/// A machine whose debugger interface is at the other end of a link.
pub struct Debugger<L> {
    link: L,
    /// Read from the link and not yet used.
    pending: Vec<u8>,
    /// Whether the machine stands where it is to stop.
    is_at_place: bool,
}

/// A debugger that says nothing for so long is gone.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Bytes that one packet carries.
const CHUNK: u32 = 1024;

fn broken(what: &str) -> io::Error {
    io::Error::other(format!("the emulator's debugger interface: {what}"))
}

/// What a machine stops at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Before the instruction at this address.
    At(u32),
    /// At a read of two bytes from this address.
    Read(u32),
}

impl Stop {
    fn words(self) -> String {
        match self {
            Self::At(address) => format!("0,{address:x},2"),
            Self::Read(address) => format!("3,{address:x},2"),
        }
    }
}

impl<L: Link> Debugger<L> {
    /// A debugger on the other side of `link`.
    pub fn new(link: L) -> Self {
        Self {
            link,
            pending: Vec::new(),
            is_at_place: false,
        }
    }

    /// Lets the machine stop there from now on.
    pub fn set(&mut self, stop: Stop) -> io::Result<()> {
        self.send(&format!("Z{}", stop.words()))?;
        self.acknowledged()
    }

    /// No longer does.
    pub fn clear(&mut self, stop: Stop) -> io::Result<()> {
        self.send(&format!("z{}", stop.words()))?;
        self.acknowledged()
    }

    fn acknowledged(&mut self) -> io::Result<()> {
        match &*self.packet(ANSWER_MAX)? {
            "OK" => Ok(()),
            other => Err(broken(other)),
        }
    }

    /// Lets a stopped machine run until it stops, for at most `patience`; gives the address whose read
    /// stopped it, if one did. That read is done then.
    pub fn run(&mut self, patience: Duration) -> io::Result<Option<u32>> {
        let mut read = None;
        if std::mem::take(&mut self.is_at_place) {
            // That instruction by itself, or the machine would stop there again.
            read = self.step()?;
        }
        if read.is_none() {
            self.send("c")?;
            read = stopped(&self.packet(patience)?)?;
        }
        self.is_at_place = read.is_none();
        if let Some(address) = read {
            // Machines stop before the read.
            self.clear(Stop::Read(address))?;
            self.step()?;
            self.set(Stop::Read(address))?;
        }
        Ok(read)
    }

    fn step(&mut self) -> io::Result<Option<u32>> {
        self.send("s")?;
        stopped(&self.packet(ANSWER_MAX)?)
    }

    /// The first `n` registers, of 32 bits each.
    pub fn registers(&mut self, n: usize) -> io::Result<Vec<u32>> {
        self.send("g")?;
        let hex = self.packet(ANSWER_MAX)?;
        let bytes = hex.get(..8 * n).and_then(bytes_of);
        let bytes = bytes.ok_or_else(|| broken(&format!("{hex} instead of registers")))?;
        Ok(words_of(&bytes))
    }

    /// Stops the core.
    pub fn stop(&mut self) -> io::Result<()> {
        self.link.write(&[3])?;
        self.packet(ANSWER_MAX).map(drop)
    }

    /// Lets the core run on.
    pub fn go_on(&mut self) -> io::Result<()> {
        self.send("c")
    }

    /// Reads memory of the stopped core.
    pub fn peek(&mut self, at: u32, n_bytes: u32) -> io::Result<Vec<u8>> {
        self.send(&format!("m{at:x},{n_bytes:x}"))?;
        let hex = self.packet(ANSWER_MAX)?;
        bytes_of(&hex)
            .filter(|bytes| bytes.len() == n_bytes as usize)
            .ok_or_else(|| broken(&format!("{hex} instead of {n_bytes} bytes from {at:#x}")))
    }

    /// Writes memory of the stopped core.
    pub fn poke(&mut self, at: u32, bytes: &[u8]) -> io::Result<()> {
        for (at, bytes) in (at..)
            .step_by(CHUNK as usize)
            .zip(bytes.chunks(CHUNK as usize))
        {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            self.send(&format!("M{at:x},{:x}:{hex}", bytes.len()))?;
            self.acknowledged()?;
        }
        Ok(())
    }

    /// Reads `n` little-endian words of the stopped core.
    pub fn words(&mut self, at: u32, n: u32) -> io::Result<Vec<u32>> {
        Ok(words_of(&self.peek(at, 4 * n)?))
    }

    /// Sends a packet: its text between `$` and `#`, then the sum of its bytes.
    fn send(&mut self, text: &str) -> io::Result<()> {
        let sum = text.bytes().fold(0_u8, u8::wrapping_add);
        self.link.write(format!("${text}#{sum:02x}").as_bytes())
    }

    /// The text of the next packet, which is acknowledged.
    fn packet(&mut self, patience: Duration) -> io::Result<String> {
        let deadline = Instant::now() + patience;
        loop {
            let start = self.pending.iter().position(|byte| *byte == b'$');
            let end = self.pending.iter().position(|byte| *byte == b'#');
            if let (Some(start), Some(end)) = (start, end)
                && self.pending.len() > end + 2
            {
                let text = String::from_utf8_lossy(&self.pending[start + 1..end]).into_owned();
                self.pending.drain(..end + 3);
                self.link.write(b"+")?;
                return Ok(text);
            }
            let mut buffer = [0; 4096];
            let left = deadline.saturating_duration_since(Instant::now());
            match self.link.read(&mut buffer, left)? {
                0 => return Err(broken("no answer")),
                n_bytes => self.pending.extend(&buffer[..n_bytes]),
            }
        }
    }
}

/// What a reply to `s` or `c` says: the address whose read stopped the machine, if one did.
fn stopped(reply: &str) -> io::Result<Option<u32>> {
    if !reply.starts_with("T05") && !reply.starts_with("S05") {
        return Err(broken(&format!("{reply} instead of a stop")));
    }
    let Some((_, rest)) = reply.split_once("rwatch:") else {
        return Ok(None);
    };
    let hex = rest.split(';').next().unwrap_or_default();
    let address = u32::from_str_radix(hex, 16).map_err(|_| broken(reply))?;
    Ok(Some(address))
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn words_of(bytes: &[u8]) -> Vec<u32> {
    let words = bytes.as_chunks::<4>().0.iter();
    words.map(|word| u32::from_le_bytes(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A debugger that says these packets in turn.
    struct Scripted {
        heard: String,
        answers: Vec<&'static str>,
    }

    impl Link for Scripted {
        fn read(&mut self, buffer: &mut [u8], _patience: Duration) -> io::Result<usize> {
            if self.answers.is_empty() {
                return Ok(0);
            }
            let packet = format!("+${}#00", self.answers.remove(0));
            buffer[..packet.len()].copy_from_slice(packet.as_bytes());
            Ok(packet.len())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.heard.push_str(&String::from_utf8_lossy(bytes));
            Ok(())
        }
    }

    fn debugger(answers: &[&'static str]) -> Debugger<Scripted> {
        Debugger::new(Scripted {
            heard: String::new(),
            answers: answers.to_vec(),
        })
    }

    #[test]
    fn a_place_is_left_by_a_step_and_a_read_is_let_through() {
        let mut debugger = debugger(&[
            "OK",
            "T05thread:01;",
            "T05thread:01;",
            "T05thread:01;rwatch:20000038;",
            "OK",
            "T05thread:01;",
            "OK",
        ]);
        debugger.set(Stop::At(0x150)).unwrap();
        assert_eq!(debugger.run(ANSWER_MAX).unwrap(), None);
        assert_eq!(debugger.run(ANSWER_MAX).unwrap(), Some(0x2000_0038));
        let heard = debugger.link.heard.replace('+', "");
        assert_eq!(
            heard,
            "$Z0,150,2#aa$c#63$s#73$c#63$z3,20000038,2#c4$s#73$Z3,20000038,2#a4"
        );
    }

    #[test]
    fn what_is_no_answer_is_said() {
        let found = |answers: &[&'static str],
                     ask: fn(&mut Debugger<Scripted>) -> io::Result<()>| {
            ask(&mut debugger(answers)).unwrap_err().to_string()
        };
        let run: fn(&mut Debugger<Scripted>) -> io::Result<()> = |it| it.run(ANSWER_MAX).map(drop);
        assert!(found(&["W00"], run).ends_with("W00 instead of a stop"));
        assert!(found(&[], run).ends_with("no answer"));
        assert!(found(&["00"], |it| it.registers(1).map(drop)).contains("instead of registers"));
        assert!(found(&["E22"], |it| it.poke(0, &[1])).ends_with("E22"));
    }
}
