//! Child processes. Each leads a group of its own, which ends as a whole: with the child, with its
//! owner, at a deadline, when it prints without end, when a signal ends this program, and where
//! this program is killed.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use spinney_model::visible;

/// Within which a program says what it is, or does something as small.
pub const SHORT: Duration = Duration::from_secs(60);
/// Within which a build, a download or a benchmark is over.
pub const LONG: Duration = Duration::from_secs(2 * 3600);
/// Names another deadline for builds, in seconds.
const BUILD_DEADLINE: &str = "SPINNEY_BUILD_DEADLINE_S";
/// What a child may print to each of its pipes; what is more is cut, and ends it.
const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// For which a pipe is waited for that a process outside the group holds open.
const PIPE_GRACE: Duration = Duration::from_secs(2);

/// A child whose group is killed when this is dropped.
#[derive(Debug)]
pub struct Guarded {
    /// The child, the leader of its group.
    pub child: Child,
    status: Option<ExitStatus>,
}

impl Guarded {
    /// Starts a child, unless a signal is ending this program.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        Self::spawn_in_group(command.process_group(0))
    }

    #[expect(clippy::disallowed_methods, reason = "this is where children start")]
    fn spawn_in_group(command: &mut Command) -> io::Result<Self> {
        // Held meanwhile, so that a signal finds the new child as well.
        let mut groups = groups();
        groups.check()?;
        groups.watch();
        let child = command.spawn()?;
        groups.add(child.id());
        Ok(Self {
            child,
            status: None,
        })
    }

    /// Whether the child has ended by itself.
    pub fn has_ended(&self) -> io::Result<bool> {
        // Left as it is, so that its number, and the group's, remain its own.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(self.status.is_some() || waitid(WaitId::Pid(group_of(&self.child)), options)?.is_some())
    }

    /// Ends what is left of the group; how the child ended.
    pub fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let mut groups = groups();
        // Nobody may be left, which is no fault.
        let _ = kill_process_group(group_of(&self.child), Signal::KILL);
        let status = self.child.wait()?;
        groups.remove(self.child.id());
        self.status = Some(status);
        Ok(status)
    }

    /// How the child ended by itself, or that it had to be killed.
    fn wait(&mut self, deadline: Duration, is_full: impl Fn() -> bool) -> io::Result<Ended> {
        let started = Instant::now();
        let mut nap = Duration::from_millis(1);
        loop {
            let killed = if self.has_ended()? {
                return Ok(Ok(self.end()?));
            } else if is_full() {
                Killed::Output
            } else if started.elapsed() >= deadline {
                Killed::Deadline(deadline)
            } else {
                std::thread::sleep(nap);
                nap = (2 * nap).min(Duration::from_millis(10));
                continue;
            };
            self.end()?;
            return Ok(Err(killed));
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn group_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Why a child was killed; reads on after its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killed {
    /// It was not over in time.
    Deadline(Duration),
    /// It printed without end.
    Output,
}

impl std::fmt::Display for Killed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deadline(deadline) => {
                write!(
                    out,
                    "did not end within {} s and was killed",
                    deadline.as_secs()
                )
            }
            Self::Output => write!(
                out,
                "printed more than {} MiB and was killed; its output is cut there",
                OUTPUT_BYTES_MAX >> 20
            ),
        }
    }
}

/// How a child ended.
pub type Ended = Result<ExitStatus, Killed>;

/// What a child left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: Ended,
    /// What it printed on stdout, 64 MiB at most.
    pub stdout: Vec<u8>,
    /// What it printed on stderr, 64 MiB at most.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// Whether it ended by itself with success.
    pub fn succeeded(&self) -> bool {
        self.status.is_ok_and(|status| status.success())
    }

    /// How it ended; reads on after its name.
    pub fn how(&self) -> String {
        match self.status {
            Ok(status) => format!("ended with {status}"),
            Err(killed) => killed.to_string(),
        }
    }

    /// The same of a build, with what it said of it: of much, the beginning and the end.
    pub fn told_of_build(&self) -> String {
        const BYTES_MAX: usize = 1 << 15;
        let next = match self.status {
            Err(Killed::Deadline(_)) => {
                format!("; {BUILD_DEADLINE} sets another deadline for builds, in seconds")
            }
            _ => String::new(),
        };
        let said = self.stderr.trim_ascii_end();
        let text = String::from_utf8_lossy;
        let said = match said.len().checked_sub(2 * BYTES_MAX) {
            None | Some(0) => text(said).into_owned(),
            Some(left_out) => format!(
                "{}\n[{left_out} bytes left out]\n{}",
                text(&said[..BYTES_MAX]),
                text(&said[BYTES_MAX + left_out..])
            ),
        };
        format!("{}{next}:\n{said}", self.how())
    }

    /// The same, with the first line of what it said of it.
    pub fn told(&self) -> String {
        let ended = self.how();
        match String::from_utf8_lossy(&self.stderr).lines().next() {
            Some(line) => {
                const CHARS_MAX: usize = 300;
                let line: String = line.chars().take(CHARS_MAX).collect();
                format!("{ended}: {}", visible(&line))
            }
            None => format!("{ended} without a message"),
        }
    }
}

/// Within which the build of an image or a tool is over: [`LONG`], or what the caller's environment
/// says.
///
/// # Errors
/// It says something else.
pub fn build_deadline() -> Result<Duration> {
    std::env::var(BUILD_DEADLINE).map_or(Ok(LONG), |text| seconds(&text))
}

fn seconds(text: &str) -> Result<Duration> {
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(anyhow!(
            "{BUILD_DEADLINE}: found {text:?}, expected seconds, 1 or more"
        )),
    }
}

/// Runs `command` without input until it ends or `deadline` has passed.
pub fn run(command: &mut Command, deadline: Duration) -> io::Result<Finished> {
    run_on(Stdio::null(), command, deadline)
}

/// Runs `command` on this input until it ends or `deadline` has passed.
pub fn run_on(input: Stdio, command: &mut Command, deadline: Duration) -> io::Result<Finished> {
    finish(command.stdin(input).stderr(Stdio::piped()), deadline)
}

fn finish(command: &mut Command, deadline: Duration) -> io::Result<Finished> {
    command.stdout(Stdio::piped());
    let mut guarded = Guarded::spawn(command)?;
    let stdout = Drain::of(guarded.child.stdout.take());
    let stderr = Drain::of(guarded.child.stderr.take());
    let status = guarded.wait(deadline, || stdout.is_full() || stderr.is_full())?;
    // What a signal to this program ended says nothing of the child.
    groups().check()?;
    let (stdout, stderr) = (stdout.finish(), stderr.finish());
    let is_full = stdout.len().max(stderr.len()) > OUTPUT_BYTES_MAX;
    Ok(Finished {
        status: if is_full { Err(Killed::Output) } else { status },
        stdout,
        stderr,
    })
}

/// What a successful `command` prints; what it says besides goes to stderr.
pub fn read(mut command: Command, deadline: Duration) -> Result<String> {
    let name = command.get_program().display().to_string();
    let finished = finish(command.stdin(Stdio::null()), deadline)
        .with_context(|| format!("cannot run {name}"))?;
    if !finished.succeeded() {
        return Err(anyhow!("{name} {}", finished.how()));
    }
    String::from_utf8(finished.stdout)
        .with_context(|| format!("{name} printed something that is no UTF-8"))
}

/// Runs `command` on this program's own terminal, unless it names other files for what it prints;
/// how it ended.
pub fn ended(command: &mut Command, deadline: Duration) -> io::Result<Ended> {
    let mut guarded = Guarded::spawn(command.stdin(Stdio::null()))?;
    let ended = guarded.wait(deadline, || false)?;
    groups().check()?;
    Ok(ended)
}

/// Runs `command` on this program's own terminal; fails unless it succeeds.
pub fn show(mut command: Command, deadline: Duration) -> Result<()> {
    let name = command.get_program().display().to_string();
    match ended(&mut command, deadline).with_context(|| format!("cannot run {name}"))? {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(anyhow!("{name} ended with {status}")),
        Err(killed) => Err(anyhow!("{name} {killed}")),
    }
}

/// Runs `command` as if it had been typed: it may ask for a password, has all the time it wants,
/// and shares this program's group.
pub fn ask(command: &mut Command) -> io::Result<ExitStatus> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a terminal asks its own group alone"
    )]
    let status = command.status()?;
    groups().check()?;
    Ok(status)
}

/// A pipe on its way into memory.
struct Drain {
    bytes: Arc<Mutex<Vec<u8>>>,
    done: Receiver<()>,
}

impl Drain {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, done) = channel();
        let into = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut pipe = pipe;
            let mut chunk = vec![0; 1 << 16];
            // What was read until an error is all there is.
            while let Some(Ok(n_bytes @ 1..)) = pipe.as_mut().map(|pipe| pipe.read(&mut chunk)) {
                let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
                // One more than allowed tells that it was too much.
                let room = (OUTPUT_BYTES_MAX + 1).saturating_sub(bytes.len());
                bytes.extend(&chunk[..n_bytes.min(room)]);
            }
            let _ = sender.send(());
        });
        Self { bytes, done }
    }

    fn is_full(&self) -> bool {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.len() > OUTPUT_BYTES_MAX
    }

    /// All that came; the group has ended, and who left it does not hold this up.
    fn finish(self) -> Vec<u8> {
        let _ = self.done.recv_timeout(PIPE_GRACE);
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The groups of children that are at work.
struct Groups {
    running: BTreeSet<u32>,
    /// Kills them if this program is killed and cannot.
    watchdog: Option<ChildStdin>,
    is_closed: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    running: BTreeSet::new(),
    watchdog: None,
    is_closed: false,
});

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads which groups come (`+ 12`) and go (`- 12`), and kills those left at the end of its input.
const WATCHDOG: &str = r#"
    while read -r sign group; do
        left=
        for one in $groups; do [ "$one" = "$group" ] || left="$left $one"; done
        case $sign in +) groups="$left $group";; *) groups=$left;; esac
    done
    for one in $groups; do kill -s KILL -- "-$one"; done"#;

impl Groups {
    /// An error where a signal is ending this program.
    fn check(&self) -> io::Result<()> {
        if self.is_closed {
            return Err(io::Error::other("interrupted"));
        }
        Ok(())
    }

    /// Starts the watchdog, unless there is one.
    fn watch(&mut self) {
        if self.watchdog.is_none() {
            let mut command = Command::new("sh");
            command
                .args(["-c", WATCHDOG])
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0);
            #[expect(clippy::disallowed_methods, reason = "it must outlive this program")]
            let started = command.spawn();
            // Without one, a program that is killed leaves its children to their own ends.
            self.watchdog = started.ok().and_then(|mut child| child.stdin.take());
        }
    }

    fn add(&mut self, group: u32) {
        self.running.insert(group);
        self.tell('+', group);
    }

    fn remove(&mut self, group: u32) {
        self.running.remove(&group);
        self.tell('-', group);
    }

    fn tell(&mut self, sign: char, group: u32) {
        if let Some(watchdog) = &mut self.watchdog {
            let _ = writeln!(watchdog, "{sign} {group}");
        }
    }
}

/// Kills all children and what they started; no others start from here on.
pub fn end_all() {
    let mut groups = groups();
    groups.is_closed = true;
    for group in &groups.running {
        let group = i32::try_from(*group).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Duration) -> Finished {
        run(Command::new("sh").args(["-c", script]), deadline).unwrap()
    }

    const AMPLE: Duration = Duration::from_secs(600);
    const TINY: Duration = Duration::from_millis(200);

    #[test]
    fn output_and_status_come_back() {
        let finished = sh("echo out; echo err >&2; exit 3", AMPLE);
        assert_eq!(finished.status.unwrap().code(), Some(3));
        assert_eq!(finished.stdout, b"out\n");
        assert_eq!(finished.stderr, b"err\n");
        assert_eq!(finished.told(), "ended with exit status: 3: err");
        let crashed = sh("kill -SEGV $$", AMPLE);
        assert!(!crashed.succeeded());
        let told = crashed.told();
        assert!(told.starts_with("ended with signal: 11"), "{told}");
    }

    #[test]
    fn a_child_that_hangs_ends_at_its_deadline_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
        let finished = sh(&script, TINY);
        assert_eq!(finished.status, Err(Killed::Deadline(TINY)));
        // Had it not been killed, its pipes would still be open, and this would take long.
        let pid = std::fs::read_to_string(pid).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse() {
            gone(pid);
        }
    }

    #[test]
    fn what_a_child_leaves_behind_ends_with_it() {
        let finished = sh("sleep 600 & echo $!", AMPLE);
        assert!(finished.succeeded());
        gone(
            String::from_utf8(finished.stdout)
                .unwrap()
                .trim()
                .parse()
                .unwrap(),
        );
    }

    #[test]
    fn a_pipe_that_somebody_outside_the_group_holds_is_not_waited_for() {
        let finished = sh("setsid sleep 20 & echo here", AMPLE);
        assert_eq!(finished.stdout, b"here\n");
    }

    #[test]
    fn output_without_end_is_cut() {
        for script in ["yes", "yes >&2", "head -c 99999999 /dev/zero"] {
            let finished = sh(script, AMPLE);
            assert_eq!(finished.status, Err(Killed::Output), "{script}");
            let longest = finished.stdout.len().max(finished.stderr.len());
            assert_eq!(longest, OUTPUT_BYTES_MAX + 1, "{script}");
        }
    }

    #[test]
    fn of_a_build_that_prints_much_the_ends_are_told() {
        let told = sh("echo first >&2; yes >&2", AMPLE).told_of_build();
        assert!(told.starts_with("printed more than 64 MiB"), "{told}");
        assert!(told.contains(":\nfirst\ny\n"), "{told}");
        assert!(told.contains("\n[67043329 bytes left out]\n"), "{told}");
        assert!(told.len() < 70_000, "{} bytes", told.len());
        let told = sh("echo all of it >&2; exit 1", AMPLE).told_of_build();
        assert_eq!(told, "ended with exit status: 1:\nall of it");
        let told = sh("sleep 600", TINY).told_of_build();
        assert!(told.contains("SPINNEY_BUILD_DEADLINE_S"), "{told}");
    }

    #[test]
    fn a_deadline_for_builds_is_in_seconds() {
        assert_eq!(seconds("90").unwrap(), Duration::from_secs(90));
        for text in ["", "0", "-1", "1.5", "1h"] {
            let told = seconds(text).unwrap_err().to_string();
            assert!(told.contains("expected seconds"), "{told}");
        }
    }

    #[test]
    fn the_watchdog_kills_the_groups_that_are_left() {
        let mut left = Command::new("sleep");
        let mut left = Guarded::spawn(left.arg("600")).unwrap();
        let mut done = Command::new("sleep");
        let done = Guarded::spawn(done.arg("600")).unwrap();
        let (one, other) = (left.child.id(), done.child.id());
        let input = format!("+ {one}\n+ {other}\n- {other}\n");
        let finished = sh(&format!("printf '{input}' | sh -c '{WATCHDOG}'"), AMPLE);
        assert!(finished.succeeded(), "{}", finished.told());
        let status = left.child.wait().unwrap();
        assert_eq!(status.to_string(), "signal: 9 (SIGKILL)");
        assert!(!done.has_ended().unwrap());
    }

    /// Waits until there is no such process, or only what its parent has yet to take note of.
    fn gone(pid: u32) {
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let state = stat.rsplit_once(") ").map_or("Z", |(_, state)| state);
            if state.starts_with('Z') {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
