//! Zip archives from strangers: unpacked in memory, within limits that hold whatever they claim.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use crate::{Budget, DataError};

/// Most members an archive may have.
const MEMBERS_MAX: usize = 100_000;

/// Unpacks all members, by name. Nothing is written anywhere.
///
/// # Errors
/// No zip archive, more than 100,000 members, an encrypted or damaged member, a size that lies,
/// names that leave the archive (`../`), or more bytes in all than the budget has left.
pub fn unpack(bytes: &[u8], budget: &Budget) -> Result<BTreeMap<String, Vec<u8>>, DataError> {
    let damaged = |place: String, error: zip::result::ZipError| {
        DataError::new(place, error.to_string(), "a complete zip archive")
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| damaged("the archive".into(), error))?;
    if archive.len() > MEMBERS_MAX {
        return Err(broken!("the archive"; "{} members", archive.len(); "at most {MEMBERS_MAX}"));
    }
    let mut members = BTreeMap::new();
    for index in 0..archive.len() {
        let mut member = archive
            .by_index(index)
            .map_err(|error| damaged(format!("member {index} of the archive"), error))?;
        let name = match (
            std::str::from_utf8(member.name_raw()),
            member.enclosed_name(),
        ) {
            (Ok(name), Some(_)) => name.to_owned(),
            _ => {
                let name = String::from_utf8_lossy(member.name_raw()).into_owned();
                return Err(broken!(
                    format!("member {index} of the archive");
                    "the name \"{}\"", name.escape_default(); "a name inside the archive"
                ));
            }
        };
        let place = format!("member \"{}\" of the archive", name.escape_default());
        let size = member.size();
        budget.take_text(&place, &name)?;
        budget.take(&place, size)?;
        let mut content = Vec::new();
        (&mut member)
            .take(size + 1)
            .read_to_end(&mut content)
            .map_err(|error| {
                DataError::new(place.clone(), error.to_string(), "a complete member")
            })?;
        if content.len() as u64 != size {
            return Err(DataError::new(
                place,
                "another number of bytes than declared".to_owned(),
                format!("{size}"),
            ));
        }
        members.insert(name, content);
    }
    Ok(members)
}

/// Packs files into an archive, by name; the same files are the same bytes.
///
/// # Panics
/// If they are more than a zip archive holds, which files of a limited size are not.
pub fn pack(members: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::DEFAULT);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let packed = writer
            .start_file(name.as_str(), options)
            .and_then(|()| Ok(writer.write_all(content)?));
        packed.expect("names of their own, and a write to memory");
    }
    let packed = writer.finish().expect("a write to memory");
    packed.into_inner()
}

/// Whether the bytes are a zip archive with a member whose name begins so.
pub(crate) fn has_member(bytes: &[u8], start: &str) -> bool {
    bytes.starts_with(b"PK")
        && zip::ZipArchive::new(Cursor::new(bytes))
            .is_ok_and(|archive| archive.file_names().any(|name| name.starts_with(start)))
}
