//! The terminal: a progress bar on stderr where that is one, notes on stderr, the log on stdout.

use spinney_board::Phase;
use spinney_model::visible;

use super::follow::Screen;
use crate::progress::Progress;

pub(crate) struct Terminal {
    progress: Progress,
}

impl Default for Terminal {
    fn default() -> Self {
        Self {
            progress: Progress::new(),
        }
    }
}

impl Screen for Terminal {
    fn progress(&mut self, phase: Phase, done: u64, total: Option<u64>) {
        self.progress.doing(&bar(phase, done, total));
    }

    fn note(&mut self, text: &str) {
        self.progress.clear();
        eprintln!("{text}");
    }

    fn log(&mut self, line: &str) {
        // A line of a device is one line.
        println!("{}", visible(line));
    }
}

/// `programming [#####.....] 50 %`, or bytes where the total is not known.
fn bar(phase: Phase, done: u64, total: Option<u64>) -> String {
    const WIDTH: u64 = 30;
    let name = match phase {
        Phase::Erase => "erasing",
        Phase::Program => "programming",
        Phase::Verify => "verifying",
    };
    match total {
        Some(total) if total > 0 => {
            let done = done.min(total);
            let filled = usize::try_from(u128::from(done) * u128::from(WIDTH) / u128::from(total))
                .unwrap_or(0);
            let percent = u128::from(done) * 100 / u128::from(total);
            format!(
                "{name:<11} [{}{}] {percent:>3} %",
                "#".repeat(filled),
                ".".repeat(30 - filled)
            )
        }
        _ => format!("{name:<11} {done} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let check = |done, total, expect: &str| {
            assert_eq!(bar(Phase::Program, done, total), expect);
        };
        check(
            0,
            Some(9),
            "programming [..............................]   0 %",
        );
        check(
            5,
            Some(10),
            "programming [###############...............]  50 %",
        );
        check(
            11,
            Some(10),
            "programming [##############################] 100 %",
        );
        check(
            u64::MAX,
            Some(u64::MAX),
            "programming [##############################] 100 %",
        );
        check(12, None, "programming 12 bytes");
        check(0, Some(0), "programming 0 bytes");
    }
}
