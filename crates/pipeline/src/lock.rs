//! Files that one run holds at a time, each saying who holds it.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use spinney_model::visible;

use crate::invocation;
use crate::progress::Progress;

/// A locked file; others may have it once this is dropped. The system takes the lock from a process
/// that dies, so that nobody waits for the dead; the file stays, for those who wait have it open.
#[derive(Debug)]
pub struct Held {
    file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file unlocks it in any case.
        let _ = self.file.set_len(0);
    }
}

/// Who holds a lock, as its file says.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    process: u32,
    command: String,
    /// Seconds since 1970.
    since: u64,
}

impl Holder {
    fn this() -> Self {
        let mut command = String::from(invocation::name());
        for argument in std::env::args_os().skip(1) {
            command.push(' ');
            command.push_str(&argument.to_string_lossy());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            process: std::process::id(),
            command,
            since: now.unwrap_or_default().as_secs(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (minutes, seconds) = (self.since / 60, self.since % 60);
        let (hours, minutes) = (minutes / 60 % 24, minutes % 60);
        let command = visible(&self.command);
        write!(
            out,
            "process {}, `{command}`, since {hours:02}:{minutes:02}:{seconds:02} UTC",
            self.process
        )
    }
}

/// Holds a file for this run alone, for as long as the value lives. Waits while another run holds
/// it, and says who does.
pub fn hold(path: &Path, progress: &Progress) -> Result<Held> {
    hold_and_tell(path, &|message| progress.note(message))
}

/// Holds a file that is there, unless another run does. It is left as it is: when it was changed last
/// is when a run last took it or let go of it.
pub fn try_hold(path: &Path) -> Result<Option<File>> {
    let context = || format!("cannot lock {}", path.display());
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

fn hold_and_tell(path: &Path, tell: &dyn Fn(&str)) -> Result<Held> {
    let context = || format!("cannot lock {}", path.display());
    if let Some(folder) = path.parent() {
        if let Some(file) = folder.ancestors().find(|it| it.is_file()) {
            anyhow::bail!(
                "found {}, which is a file, expected a folder, where runs keep what they make; move \
                 the file away",
                file.display()
            );
        }
        fs::create_dir_all(folder).with_context(context)?;
    }
    let file = loop {
        // Not emptied: what stands in it is its holder's.
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                tell(&waiting(&mut file, path));
                file.lock().with_context(context)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        // A file that somebody took away keeps nobody else out.
        let ours = file.metadata().with_context(context)?;
        let is_there = fs::metadata(path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
        if is_there {
            break file;
        }
    };
    let mut held = Held { file };
    // Only those who wait read it: where it cannot be written, they are told less.
    let text = serde_json::to_vec(&Holder::this())?;
    let _ = held.file.set_len(0);
    let _ = held.file.rewind();
    let _ = held.file.write_all(&text);
    Ok(held)
}

/// What is told of a lock that another run holds.
fn waiting(file: &mut File, path: &Path) -> String {
    // A run that has just got the lock has yet to say so.
    for _ in 0..10 {
        let mut text = Vec::new();
        let is_read = file.rewind().and_then(|()| file.read_to_end(&mut text));
        if let (Ok(_), Ok(holder)) = (is_read, serde_json::from_slice::<Holder>(&text)) {
            let path = path.display();
            return format!("waiting for another run ({holder}), which holds {path}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    format!("waiting for another run, which holds {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread::JoinHandle;

    /// A thread that waits for a lock, and what it is told.
    fn waiter(path: &Path) -> (JoinHandle<Held>, String) {
        let (sender, told) = channel();
        let path = path.to_owned();
        let waits = std::thread::spawn(move || {
            hold_and_tell(&path, &|message| sender.send(message.to_owned()).unwrap()).unwrap()
        });
        (waits, told.recv().unwrap())
    }

    #[test]
    fn a_wait_names_the_holder_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("there/lock");
        let held = hold(&path, &Progress::none()).unwrap();
        let (waits, message) = waiter(&path);
        let process = std::process::id();
        let start = format!(
            "waiting for another run (process {process}, `{}",
            invocation::name()
        );
        assert!(message.starts_with(&start), "{message}");
        let end = format!(" UTC), which holds {}", path.display());
        assert!(message.ends_with(&end), "{message}");
        drop(held);
        let held = waits.join().unwrap();
        drop(held);
        assert_eq!(fs::read(&path).unwrap(), b"", "nobody holds it");
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target");
        fs::write(&file, "mine").unwrap();
        for path in ["lock", "pipeline/lock"] {
            let error = hold(&file.join(path), &Progress::none());
            let said = error.expect_err("no place").to_string();
            let found = format!(
                "found {}, which is a file, expected a folder",
                file.display()
            );
            assert!(said.starts_with(&found), "{said}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn nobody_waits_for_the_dead() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut dead = Holder::this();
        dead.command = "a much longer command than that of this process".repeat(9);
        fs::write(&path, serde_json::to_vec(&dead).unwrap()).unwrap();
        let _held = hold_and_tell(&path, &|message| panic!("{message}")).unwrap();
        let holder: Holder = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(holder.command, Holder::this().command);
    }

    #[test]
    fn a_lock_that_was_taken_away_is_taken_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let old = hold(&path, &Progress::none()).unwrap();
        let (waits, _) = waiter(&path);
        fs::remove_file(&path).unwrap();
        drop(old);
        let _held = waits.join().unwrap();
        assert!(path.exists(), "the waiter holds a file that others find");
    }

    #[test]
    fn a_holder_who_says_nothing_readable_is_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, b"\xff{").unwrap();
        let message = waiting(&mut File::open(&path).unwrap(), &path);
        let expected = format!("waiting for another run, which holds {}", path.display());
        assert_eq!(message, expected);
    }
}
