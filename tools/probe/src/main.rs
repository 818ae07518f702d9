//! What Spinney asks of probe-rs, as a program of its own: lines of JSON on stdout.

mod chips;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for chip in chips::descriptions() {
        let line = serde_json::to_string(&chip).expect("a description is plain data");
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
