//! The disk as the store uses it: each operation by itself, so that a test can let any of them
//! fail.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::interrupt;

/// An operation on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reading a file.
    Read,
    /// Making a folder.
    CreateFolder,
    /// Making a file.
    CreateFile,
    /// Writing into a file.
    Write,
    /// Making sure that a file or folder is on the disk.
    Sync,
    /// Giving a file or folder another name.
    Rename,
    /// Removing a file or folder.
    Remove,
}

/// How an operation fails.
#[derive(Debug)]
pub struct Fault {
    /// What the system said.
    pub error: io::Error,
    /// How much of a file is written before it does.
    pub bytes_written: usize,
}

/// What is asked before each operation of this thread on a path.
type Faults = Box<dyn FnMut(Operation, &Path) -> Option<Fault>>;

thread_local! {
    static FAULTS: RefCell<Option<Faults>> = const { RefCell::new(None) };
}

/// What `work` gives on a disk with these faults.
pub fn with_faults<T>(
    faults: impl FnMut(Operation, &Path) -> Option<Fault> + 'static,
    work: impl FnOnce() -> T,
) -> T {
    /// Takes the faults away, even from a thread that panics.
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            FAULTS.set(None);
        }
    }
    FAULTS.set(Some(Box::new(faults)));
    let _reset = Reset;
    work()
}

fn fault(operation: Operation, path: &Path) -> Option<Fault> {
    FAULTS.with_borrow_mut(|faults| faults.as_mut()?(operation, path))
}

fn before(operation: Operation, path: &Path) -> io::Result<()> {
    fault(operation, path).map_or(Ok(()), |fault| Err(fault.error))
}

/// All bytes of a file; what is no file, such as a pipe that nobody writes to, is an error.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    before(Operation::Read, path)?;
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no file"));
    }
    fs::read(path)
}

/// Creates a folder and those above it, as far as they are not there.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    before(Operation::CreateFolder, path)?;
    fs::create_dir_all(path)
}

/// Writes a file through a temporary one beside it, so that nobody ever sees half of it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Temporary::beside(path, bytes, false)?.put()
}

/// As [`write_whole`], and once this is done, the file outlives a power cut.
pub fn write_lasting(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_together(&[(path.to_owned(), bytes)])
}

/// As [`write_lasting`], with several files, none of which is put in its place before all of them
/// are on the disk: one that is full leaves all as they were, and one that fails at the last moment
/// gets back what was there, as far as it takes that.
pub fn write_together(files: &[(PathBuf, &[u8])]) -> io::Result<()> {
    let written = files
        .iter()
        .map(|(path, bytes)| Temporary::beside(path, bytes, true));
    let written = written.collect::<io::Result<Vec<_>>>()?;
    let mut replaced: Vec<(&Path, Option<Vec<u8>>)> = Vec::new();
    for file in written {
        let place = file.place;
        let before = (files.len() > 1).then(|| fs::read(place).ok());
        if let Err(error) = file.put() {
            for (place, before) in replaced.into_iter().rev() {
                let _ = match before {
                    Some(bytes) => write_whole(place, &bytes),
                    None => remove(place),
                };
            }
            return Err(error);
        }
        replaced.extend(before.map(|before| (place, before)));
    }
    let folders: BTreeSet<&Path> = files.iter().filter_map(|(path, _)| path.parent()).collect();
    folders.into_iter().try_for_each(sync_folder)
}

/// A file on its way to its place.
struct Temporary<'a> {
    file: Option<NamedTempFile>,
    place: &'a Path,
    // Dropped after the file.
    _busy: interrupt::Busy,
}

impl<'a> Temporary<'a> {
    fn beside(place: &'a Path, bytes: &[u8], lasts: bool) -> io::Result<Self> {
        let folder = place.parent().unwrap_or(place);
        create_folder(folder)?;
        before(Operation::CreateFile, place)?;
        let mut builder = temporary();
        // Temporary files are private; artifacts are as readable as other files.
        builder.permissions(fs::Permissions::from_mode(0o644));
        let temporary = Self {
            _busy: interrupt::busy(),
            file: Some(builder.tempfile_in(folder)?),
            place,
        };
        let mut file = temporary.file.iter().map(NamedTempFile::as_file);
        file.try_for_each(|mut file| {
            if let Some(fault) = fault(Operation::Write, place) {
                file.write_all(&bytes[..fault.bytes_written.min(bytes.len())])?;
                return Err(fault.error);
            }
            file.write_all(bytes)?;
            if lasts {
                before(Operation::Sync, place)?;
                file.sync_all()?;
            }
            Ok(())
        })?;
        Ok(temporary)
    }

    /// Gives it its name, whatever file has that by now.
    fn put(mut self) -> io::Result<()> {
        before(Operation::Rename, self.place)?;
        if let Some(file) = self.file.take() {
            // By the standard library, so that a test can let it fail from below the program.
            fs::rename(file.path(), self.place)?;
            let _ = file.into_temp_path().keep();
        }
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // Whoever cannot remove it leaves it, as a program that was killed does.
        if let Some(file) = self.file.take()
            && before(Operation::Remove, file.path()).is_err()
        {
            let _ = file.keep();
        }
    }
}

/// How the names of files and folders in the making begin.
pub const TEMPORARY: &str = ".spinney-";

/// What makes such files and folders.
pub fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    builder
}

/// Removes what programs that were killed left in the making right in a folder, in which nobody else
/// may be at work; what cannot be removed stays.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let _ = remove(&entry.path());
        }
    }
}

/// The paths of all files below a folder, from there and in their order; links are not followed.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(within) = folders.pop() {
        for entry in fs::read_dir(folder.join(&within))? {
            let entry = entry?;
            let path = within.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Waits until a file that was written is on the disk.
pub fn sync(path: &Path) -> io::Result<()> {
    before(Operation::Sync, path)?;
    File::open(path)?.sync_all()
}

/// Waits until the names in a folder are on the disk.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    before(Operation::Sync, path)?;
    // Relative to nowhere is here.
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    File::open(path)?.sync_all()
}

/// Gives a file or folder another name on the same disk.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    before(Operation::Rename, to)?;
    fs::rename(from, to)
}

/// Removes a file, or a folder with all that is in it, or a link alone; nothing if none is there.
pub fn remove(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?.file_type(),
    };
    before(Operation::Remove, path)?;
    if kind.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// The old file is there until the new one is, whichever operation fails, and unless removing
    /// does too, nothing is left beside it.
    #[test]
    fn a_file_is_the_old_one_or_the_new_one() {
        for (lasts, n_operations) in [(false, 3), (true, 5)] {
            for fails in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("file");
                write_whole(&path, b"old").unwrap();
                let mut n = 0;
                let faults = move |operation, _: &Path| {
                    n += 1;
                    (n > fails && operation != Operation::Remove).then(|| Fault {
                        error: io::ErrorKind::StorageFull.into(),
                        bytes_written: 1,
                    })
                };
                let put = if lasts { write_lasting } else { write_whole };
                let outcome = with_faults(faults, || put(&path, b"new one"));
                assert_eq!(names(folder.path()), ["file"]);
                let found = fs::read(&path).unwrap();
                // Whether its name lasts is all that can fail behind the renaming.
                let is_new = outcome.is_ok() || (lasts && fails == n_operations - 1);
                assert_eq!(found, if is_new { &b"new one"[..] } else { b"old" });
                assert_eq!(outcome.is_ok(), fails == n_operations, "{fails}");
                if outcome.is_ok() {
                    break;
                }
            }
        }
    }

    /// A disk that is full leaves files that belong together as they were.
    #[test]
    fn files_are_all_old_or_all_new_on_a_full_disk() {
        for room in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let files = ["a", "b/c", "d"].map(|name| (folder.path().join(name), name.as_bytes()));
            for (path, _) in &files {
                write_whole(path, b"old").unwrap();
            }
            let mut n = 0;
            let faults = move |operation, _: &Path| {
                let takes_room = matches!(
                    operation,
                    Operation::CreateFile | Operation::Write | Operation::Sync
                );
                n += usize::from(takes_room);
                (takes_room && n > room).then(|| Fault {
                    error: io::ErrorKind::StorageFull.into(),
                    bytes_written: 0,
                })
            };
            let outcome = with_faults(faults, || write_together(&files));
            // What is behind the last file is whether its name lasts.
            let is_new = room >= 3 * files.len();
            for (path, new) in &files {
                let expected: &[u8] = if is_new { new } else { b"old" };
                assert_eq!(fs::read(path).unwrap(), expected, "{room}");
            }
            assert_eq!(
                names(folder.path()).len(),
                files.len(),
                "nothing is left beside"
            );
            if outcome.is_ok() {
                assert!(is_new);
                break;
            }
        }
    }

    /// Names are given one after the other; one that is refused gets all others their files back.
    #[test]
    fn files_are_all_old_where_a_name_is_refused() {
        for refused in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let [one, two, new] = ["one", "two", "new"].map(|name| folder.path().join(name));
            for path in [&one, &two] {
                write_whole(path, b"old").unwrap();
            }
            let files = [(one, &b"later"[..]), (new, b"later"), (two, b"later")];
            let mut n = 0;
            let faults = move |operation, _: &Path| {
                n += usize::from(operation == Operation::Rename);
                let is_refused = operation == Operation::Rename && n == refused + 1;
                is_refused.then(|| Fault {
                    error: io::Error::other("refused"),
                    bytes_written: 0,
                })
            };
            with_faults(faults, || write_together(&files)).unwrap_err();
            assert_eq!(names(folder.path()).len(), 2, "{refused}");
            for (path, _) in files.iter().filter(|(path, _)| !path.ends_with("new")) {
                assert_eq!(fs::read(path).unwrap(), b"old", "{refused}");
            }
        }
    }

    #[test]
    fn a_dead_disk_keeps_what_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let faults = |operation, _: &Path| {
            let is_left = !matches!(operation, Operation::CreateFolder | Operation::CreateFile);
            is_left.then(|| Fault {
                error: io::Error::other("gone"),
                bytes_written: 2,
            })
        };
        with_faults(faults, || write_whole(&folder.path().join("file"), b"new")).unwrap_err();
        let [left] = &names(folder.path())[..] else {
            panic!("one file")
        };
        assert!(left.starts_with(TEMPORARY), "{left}");
        assert_eq!(fs::read(folder.path().join(left)).unwrap(), b"ne");
    }

    #[test]
    fn a_link_is_removed_and_not_what_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let [inside, link] = ["inside", "link"].map(|name| folder.path().join(name));
        write_whole(&inside.join("kept"), b"").unwrap();
        std::os::unix::fs::symlink(&inside, &link).unwrap();
        remove(&link).unwrap();
        assert_eq!(names(&inside), ["kept"]);
        assert_eq!(names(folder.path()), ["inside"]);
        remove(&link).unwrap();
        assert!(read(&inside).is_err(), "a folder");
    }

    /// What a killed program left goes, and nothing else does.
    #[test]
    fn files_in_the_making_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["file", ".spinney-a", ".other"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(".spinney-b")).unwrap();
        sweep(folder.path());
        sweep(&folder.path().join("missing"));
        let mut found = names(folder.path());
        found.sort();
        assert_eq!(found, [".other", "file"]);
    }
}
