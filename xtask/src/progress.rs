//! Progress on stderr, and none where stderr is no terminal.

use std::io::{IsTerminal, Write};

/// A line on stderr that is overwritten as work goes on.
pub(crate) struct Progress {
    is_terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Says what is being done.
    pub(crate) fn doing(&self, what: &str) {
        if self.is_terminal {
            eprint!("\r\x1b[2K{what} …");
            let _ = std::io::stderr().flush();
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[2K");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
