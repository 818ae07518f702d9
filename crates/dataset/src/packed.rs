//! Files that are packed as a whole, by gzip or, where the feature `zstd` brings its decoder, by zstd.

use std::borrow::Cow;
use std::io::Read;

use crate::{Budget, DataError, arrow, parquet};

/// The bytes of a file that may be packed, and of a table in Parquet as CSV.
///
/// # Errors
/// A stream that is damaged, or that unpacks to more than half of the file's [`Budget`].
pub fn gunzip(bytes: &[u8]) -> Result<Cow<'_, [u8]>, DataError> {
    unpacked(bytes, &Budget::of(bytes.len()))
}

/// As [`gunzip`], from a budget that other readers of the file draw from. Who reads the bytes takes
/// at least as much memory again, so they may have half of what is left.
///
/// # Errors
/// As [`gunzip`].
pub fn unpacked<'b>(bytes: &'b [u8], budget: &Budget) -> Result<Cow<'b, [u8]>, DataError> {
    let most = budget.bytes_left() / 2;
    Ok(match bytes {
        _ if parquet::is_parquet(bytes) => parquet::csv(bytes, budget)?.into(),
        _ if arrow::is_arrow(bytes) => arrow::csv(bytes, budget)?.into(),
        [0x1f, 0x8b, ..] => {
            let mut unpacked = Vec::new();
            let stream = flate2::read::MultiGzDecoder::new(bytes);
            take_all(stream, "the gzip stream", most, &mut unpacked)?;
            take(budget, "the gzip stream", most, &unpacked)?;
            unpacked.into()
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd(bytes, "the zstd stream", most, budget)?.into(),
        _ => bytes.into(),
    })
}

/// Reads a stream behind what is there, up to one byte more than `most` in all.
fn take_all(
    stream: impl Read,
    place: &str,
    most: u64,
    unpacked: &mut Vec<u8>,
) -> Result<(), DataError> {
    let left = (most + 1).saturating_sub(unpacked.len() as u64);
    let read = stream.take(left).read_to_end(unpacked);
    read.map_err(|error| DataError::new(place, error.to_string(), "a complete stream"))?;
    Ok(())
}

fn take(budget: &Budget, place: &str, most: u64, unpacked: &[u8]) -> Result<(), DataError> {
    let n_bytes = unpacked.len() as u64;
    budget.take(place, if n_bytes > most { u64::MAX } else { n_bytes })
}

/// Unpacks zstd's frames, one after the other, to at most `most` bytes. Each may look back as far as an eighth
/// of what is left of the budget, as the decoder keeps that, and as much again while it grows.
///
/// # Errors
/// A stream that is damaged, or has another checksum than it says; more bytes than `most`.
#[cfg(feature = "zstd")]
pub(crate) fn zstd(
    mut bytes: &[u8],
    place: &str,
    most: u64,
    budget: &Budget,
) -> Result<Vec<u8>, DataError> {
    use ruzstd::decoding::StreamingDecoder;

    let damaged = |found: String| DataError::new(place, found, "a complete stream");
    let window_bytes_max = budget.bytes_left() / 8;
    let mut unpacked = Vec::new();
    while !bytes.is_empty() && unpacked.len() as u64 <= most {
        let mut frame = StreamingDecoder::new_with_max_window_size(&mut bytes, window_bytes_max)
            .map_err(|error| damaged(error.to_string()))?;
        take_all(&mut frame, place, most, &mut unpacked)?;
        let frame = &frame.decoder;
        let is_other = frame
            .get_checksum_from_data()
            .is_some_and(|it| Some(it) != frame.get_calculated_checksum());
        if frame.is_finished() && is_other {
            return Err(damaged("another checksum than it says".to_owned()));
        }
    }
    take(budget, place, most, &unpacked)?;
    Ok(unpacked)
}

/// Unpacks a frame of LZ4 to at most `most` bytes.
///
/// # Errors
/// A frame that is damaged, or has another checksum than it says; more bytes than `most`.
#[cfg(feature = "lz4")]
pub(crate) fn lz4(
    bytes: &[u8],
    place: &str,
    most: u64,
    budget: &Budget,
) -> Result<Vec<u8>, DataError> {
    budget.take(place, most)?;
    let mut unpacked = Vec::new();
    let frame = lz4_flex::frame::FrameDecoder::new(bytes);
    take_all(frame, place, most, &mut unpacked)?;
    Ok(unpacked)
}

/// Says what would read the stream.
///
/// # Errors
/// Always.
#[cfg(not(feature = "zstd"))]
pub(crate) fn zstd(_: &[u8], place: &str, _: u64, _: &Budget) -> Result<Vec<u8>, DataError> {
    Err(no_decoder(
        place,
        "zstd",
        "the file unpacked, by `zstd -d FILE`, or packed with gzip",
    ))
}

/// Says what would read the frame.
///
/// # Errors
/// Always.
#[cfg(not(feature = "lz4"))]
pub(crate) fn lz4(_: &[u8], place: &str, _: u64, _: &Budget) -> Result<Vec<u8>, DataError> {
    Err(no_decoder(
        place,
        "lz4",
        "Parquet, `pandas.read_feather(FILE).to_parquet(\"rows.parquet\")`, which needs no feature",
    ))
}

#[cfg(not(all(feature = "zstd", feature = "lz4")))]
fn no_decoder(place: &str, feature: &str, otherwise: &str) -> DataError {
    DataError::new(
        place,
        "no decoder in this build of Spinney",
        format!(
            "the feature `{feature}`: `cargo install spinney --features {feature}`, in a project `features = \
             [\"{feature}\"]` of spinney-cli in xtask/Cargo.toml; or {otherwise}"
        ),
    )
}
