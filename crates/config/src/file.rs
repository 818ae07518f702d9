//! Reading what a user names: regular files alone, up to a size.

use std::collections::BTreeMap;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

use spinney_dataset::archive;

/// Most files of a model that is a folder, and folders one in the other.
const FILES_MAX: usize = 10_000;
const LEVELS_MAX: usize = 6;

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

/// Reads a model: a file, or as an archive the folder that Spark saved one in, without hidden files.
///
/// # Errors
/// As [`read`]; another folder, or one of more bytes, files or levels than a model has.
pub fn read_model(path: &Path, n_bytes_max: u64) -> Result<Vec<u8>> {
    if !path.join("metadata").is_dir() {
        if path.join("data_spec.pb").is_file() {
            return Err(fault(
                "found a folder of YDF (data_spec.pb), which has no file of a model that is read; fit \
                 the trees with scikit-learn, XGBoost or LightGBM, and save them as docs/models.md says"
                    .to_owned(),
            ));
        }
        return read(path, n_bytes_max);
    }
    let mut members = BTreeMap::new();
    let mut bytes_left = n_bytes_max;
    collect(path, "", LEVELS_MAX, &mut bytes_left, &mut members)?;
    Ok(archive::pack(&members))
}

fn collect(
    folder: &Path,
    inside: &str,
    levels_left: usize,
    bytes_left: &mut u64,
    members: &mut BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| fault("found a name that is not in UTF-8".to_owned()))?;
        if name.starts_with('.') {
            continue;
        }
        let inside = format!("{inside}{name}");
        if entry.path().is_dir() {
            if levels_left == 0 {
                return Err(fault(
                    "found more folders in folders than a model has".to_owned(),
                ));
            }
            let inside = format!("{inside}/");
            collect(&entry.path(), &inside, levels_left - 1, bytes_left, members)?;
            continue;
        }
        let bytes = read(&entry.path(), *bytes_left)?;
        *bytes_left -= bytes.len() as u64;
        members.insert(inside, bytes);
        if members.len() > FILES_MAX {
            return Err(fault(format!("found more than {FILES_MAX} files")));
        }
    }
    Ok(())
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

    #[test]
    fn a_folder_of_a_model_is_an_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, name).expect("a file");
        };
        write("data/part-0");
        let refused = read_model(folder.path(), 100).expect_err("no model");
        assert_eq!(refused.to_string(), "found a folder, expected a file");
        let ydf = tempfile::tempdir().expect("a folder");
        std::fs::write(ydf.path().join("data_spec.pb"), "").expect("a file");
        let refused = read_model(ydf.path(), 100)
            .expect_err("no model")
            .to_string();
        assert!(refused.starts_with("found a folder of YDF"), "{refused}");
        write("metadata/part-0");
        write("metadata/.part-0.crc");
        let bytes = read_model(folder.path(), 100).expect("a model");
        let budget = spinney_dataset::Budget::of(bytes.len());
        let members = archive::unpack(&bytes, &budget).expect("an archive");
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        assert_eq!(names, ["data/part-0", "metadata/part-0"]);
        assert!(read_model(folder.path(), 20).is_err());
        for level in 1..9 {
            write(&format!("metadata/{}x", "a/".repeat(level)));
        }
        assert!(read_model(folder.path(), 1 << 20).is_err());
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
