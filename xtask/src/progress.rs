//! Progress on stderr, and none where stderr is no terminal.

use std::io::{IsTerminal, Write};

use crate::terminal::{CLEAR, styled_err};

const DIM: anstyle::Style = anstyle::Style::new().dimmed();

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

    /// Progress that nobody is shown.
    pub(crate) fn none() -> Self {
        Self { is_terminal: false }
    }

    /// Says that a stage has finished, how long it took, and why it ran.
    pub(crate) fn done(&self, stage: &str, seconds: f64, reason: &str) {
        if self.is_terminal {
            self.clear();
            styled_err(&format!(
                "{stage:<9} {seconds:>6.1} s  {DIM}{reason}{DIM:#}\n"
            ));
        }
    }

    /// Says that a stage did not have to run.
    pub(crate) fn reused(&self, stage: &str) {
        if self.is_terminal {
            self.clear();
            styled_err(&format!("{stage:<9} {DIM}reused{DIM:#}\n"));
        }
    }

    /// Says what is being done.
    pub(crate) fn doing(&self, what: &str) {
        if self.is_terminal {
            eprint!("{CLEAR}{what} …");
            let _ = std::io::stderr().flush();
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.is_terminal {
            eprint!("{CLEAR}");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
