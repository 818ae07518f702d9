//! Signals to the whole program while a tool hangs: the exit code, and nobody left behind.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register;

/// Says who it is and whom it started, and hangs.
const HANGS: &str = "#!/bin/sh
sleep 600 &
sleep 0.3
echo $$ $! > \"$TMPDIR/new\" && mv \"$TMPDIR/new\" \"$TMPDIR/processes\"
wait
";

/// `setup --check`, which asks a compiler that hangs for its version.
struct Case {
    folder: tempfile::TempDir,
    program: Child,
    /// The compiler and what it started.
    processes: Vec<u32>,
}

impl Case {
    /// Started by `sh` after these commands.
    fn new(before: &str) -> Self {
        catch_what_is_ignored();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (bin, tmp) = (folder.path().join("bin"), folder.path().join("tmp"));
        for path in [&bin, &tmp] {
            std::fs::create_dir(path).expect("a folder");
        }
        write_program(&bin.join("rustc"), HANGS);
        let program = Command::new("sh")
            .args(["-c", &format!("{before} exec \"$0\" setup --check")])
            .arg(env!("CARGO_BIN_EXE_xtask"))
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("TMPDIR", &tmp)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let processes = loop {
            if let Ok(text) = std::fs::read_to_string(tmp.join("processes")) {
                let numbers = text
                    .split_whitespace()
                    .map(|it| it.parse().expect("a number"));
                break numbers.collect();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Self {
            folder,
            program,
            processes,
        }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program), signal).expect("it runs");
    }

    /// How the program ended, once all are gone that it started.
    fn end(self) -> Output {
        let output = self.program.wait_with_output().expect("it ends");
        for process in self.processes {
            while is_there(process) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let tmp = std::fs::read_dir(self.folder.path().join("tmp"));
        let left: Vec<_> = tmp
            .expect("a folder")
            .flatten()
            .map(|it| it.file_name())
            .collect();
        assert_eq!(left, ["processes"]);
        output
    }
}

/// Programs ignore the signals that whoever started them ignores, as `nohup` and a shell's `&` do, but
/// not those that it catches.
fn catch_what_is_ignored() {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let ignored = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.expect("signals").trim(), 16).expect("a number");
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        if ignored >> (signal - 1) & 1 == 1 {
            register(signal, Arc::default()).expect("a signal that can be caught");
        }
    }
}

/// Written by another process: where this one has the file open while a test beside it starts a
/// child, that child has it open as well, and nobody can run it.
fn write_program(path: &std::path::Path, text: &str) {
    let write = "printf %s \"$1\" > \"$0\" && chmod +x \"$0\"";
    let status = Command::new("sh")
        .args(["-c", write])
        .arg(path)
        .arg(text)
        .status();
    assert!(status.expect("a shell").success());
}

/// Whether a process runs; one that nobody took note of yet does not.
fn is_there(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[test]
fn signals_end_the_program_and_all_that_it_started() {
    for (signal, name, code) in [
        (Signal::HUP, "SIGHUP", 129),
        (Signal::INT, "SIGINT", 130),
        (Signal::TERM, "SIGTERM", 143),
    ] {
        let case = Case::new("");
        case.send(signal);
        let output = case.end();
        assert_eq!(output.status.code(), Some(code));
        let said = String::from_utf8_lossy(&output.stderr);
        let expected =
            format!("error: interrupted by {name}; stages that were finished are kept\n");
        assert_eq!(said, expected);
    }
}

#[test]
fn a_program_that_is_killed_leaves_nobody_behind() {
    let case = Case::new("");
    case.send(Signal::KILL);
    assert_eq!(case.end().status.signal(), Some(9));
}

#[test]
fn what_the_caller_ignores_is_ignored() {
    let case = Case::new("trap '' HUP;");
    case.send(Signal::HUP);
    // Were it not ignored, it would be the first to be told of.
    case.send(Signal::TERM);
    let output = case.end();
    assert_eq!(output.status.code(), Some(143));
}
