//! What Spinney asks of probe-rs, as a program of its own: JSON in, a line of JSON per answer out.
//!
//! `chips` describes every chip of the registry. `geometry CHIP ADDRESS` says how the flash at an
//! address is erased. `run` takes a job from stdin, programs it, and relays its log,
//! requests and answers until stopped.

mod chips;
mod fault;
mod geometry;
mod run;
mod words;

use std::io::Write;
use std::process::ExitCode;

use crate::words::Event;
use serde::Serialize;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["chips"] => {
            for chip in chips::descriptions() {
                tell(&chip);
            }
            Ok(())
        }
        ["geometry", chip, address] => address
            .parse()
            .map_err(|_| fault::other("the address is no number"))
            .and_then(|address| geometry::of(chip, address))
            .map(|geometry| tell(&geometry)),
        ["run"] => run::read(&mut std::io::stdin().lock())
            .and_then(|job| run::run(&job, &run::requests(), &mut |event| tell(&event))),
        _ => Err(fault::other(
            "expected `chips`, `geometry CHIP ADDRESS` or `run`",
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tell(&Event::Failed(fault));
            ExitCode::FAILURE
        }
    }
}

/// A line for the caller; without one there is nothing left to do.
fn tell(answer: &impl Serialize) {
    let line = serde_json::to_string(answer).expect("answers are plain data");
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
