//! Reading what a user names: regular files alone, up to a size.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Most bytes of a config.
pub const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// Reads a file of at most `n_bytes_max` bytes. Whatever is no regular file, such as a pipe or a
/// device, has no end to wait for, and is refused by what it is.
///
/// # Errors
/// What the system says, no regular file, or more bytes.
pub fn read(path: &Path, n_bytes_max: u64) -> Result<Vec<u8>> {
    check(&std::fs::metadata(path)?, n_bytes_max)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // What was a file a moment ago may be a pipe by now: opening it must not wait for a writer.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    check(&file.metadata()?, n_bytes_max)?;
    up_to(file, n_bytes_max)
}

/// The bytes of a file whose size may be more than it says, as of those in `/proc`.
fn up_to(file: File, n_bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(n_bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, n_bytes_max)?;
    Ok(bytes)
}

fn check(metadata: &Metadata, n_bytes_max: u64) -> Result<()> {
    if !metadata.is_file() {
        let found = kind(metadata.file_type());
        return Err(fault(format!("found {found}, expected a file")));
    }
    check_size(metadata.len(), n_bytes_max)
}

fn check_size(n_bytes: u64, n_bytes_max: u64) -> Result<()> {
    if n_bytes <= n_bytes_max {
        return Ok(());
    }
    Err(fault(format!(
        "found more than {n_bytes_max} bytes, expected a file of at most that many"
    )))
}

fn fault(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// What stands where a file should.
fn kind(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a named pipe";
        } else if file_type.is_socket() {
            return "a socket";
        } else if file_type.is_char_device() || file_type.is_block_device() {
            return "a device";
        }
    }
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_where_its_limit_does() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let bytes = std::fs::read(&path).expect("a file");
        let n_bytes = bytes.len() as u64;
        assert_eq!(read(&path, n_bytes).expect("a file of that size"), bytes);
        let refused = read(&path, n_bytes - 1).expect_err("a byte more");
        assert!(refused.to_string().contains("more than"), "{refused}");
        // The file said less than it was.
        let file = File::open(&path).expect("a file");
        assert!(up_to(file, n_bytes - 1).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_refused_by_name() {
        let refused = |path: &Path| read(path, 10).expect_err("no file").to_string();
        let device = refused(Path::new("/dev/zero"));
        assert_eq!(device, "found a device, expected a file");
        let folder = refused(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(folder, "found a folder, expected a file");
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        assert_eq!(refused(&pipe), "found a named pipe, expected a file");
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket"));
        let socket = refused(&folder.path().join("socket"));
        assert_eq!(socket, "found a socket, expected a file");
    }
}
