//! Where output goes: a reader who has had enough is no fault, what gets lost is one of the machine.

use std::process::{Command, Output};

/// `chips search` with its stdout as `sh` is told.
fn search(redirection: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_xtask");
    let line = format!("(\"$0\" chips search stm32; echo $? >&2) {redirection}");
    let command = &mut Command::new("sh");
    let output = command.args(["-c", &line]).arg(program).output();
    output.expect("sh runs")
}

#[test]
fn a_reader_may_leave() {
    // More than a pipe holds, to one who reads none of it.
    let output = search("| :");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n");
}

#[test]
fn a_full_disk_is_told() {
    let output = search("> /dev/full");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = "error: cannot write to stdout: No space left on device (os error 28)\n3\n";
    assert_eq!(stderr, expected);
}

/// No file may grow: what the verb began is gone, and the config is not blamed.
#[test]
fn a_project_that_finds_no_room_is_not_begun() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = env!("CARGO_BIN_EXE_xtask");
    let line = "trap '' XFSZ; ulimit -f 0; exec \"$0\" new \"$1\"";
    let output = Command::new("sh")
        .args(["-c", line, program])
        .arg(folder.path().join("fresh"))
        .output()
        .expect("sh runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("File too large"), "{stderr}");
    let left = std::fs::read_dir(folder.path()).expect("the folder");
    assert_eq!(left.count(), 0);
}
