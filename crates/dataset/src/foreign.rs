//! Formats of data that are not read, told by their content, each with the way out of it.

use crate::DataError;

/// How a format is recognised.
enum Signature {
    /// These bytes at this offset.
    At(usize, &'static [u8]),
    /// A text that begins so, in any case, after white space.
    Text(&'static str),
    /// A zip archive with a member whose name begins so.
    Member(&'static str),
    /// Whatever this says yes to.
    Like(fn(&[u8]) -> bool),
}

use Signature::{At, Like, Member, Text};

/// A format that is not read.
struct Foreign {
    signature: Signature,
    name: &'static str,
    way_out: &'static str,
}

const fn foreign(signature: Signature, name: &'static str, way_out: &'static str) -> Foreign {
    Foreign {
        signature,
        name,
        way_out,
    }
}

const FEATHER: &str =
    "version 2, as pandas writes it: `pandas.read_feather(FILE).to_feather(\"rows.feather\")`";
const EXCEL: &str = "CSV or .npy: `pandas.read_excel(FILE).to_csv(\"rows.csv\", index=False)`";
const JSON: &str = "CSV or .npy: `pandas.read_json(FILE).to_csv(\"rows.csv\", index=False)`";
const PICKLE: &str = "CSV or .npy, since reading a pickle runs code: where it was made, \
                      `frame.to_csv(\"rows.csv\", index=False)` or `numpy.save(\"rows.npy\", array)`";
const ARFF: &str = "CSV with a header line: `scipy.io.arff.loadarff` reads it, pandas writes CSV";
const HDF5: &str = "CSV or .npy: `numpy.save(\"rows.npy\", h5py.File(FILE)[\"NAME\"][:])`";
const MATLAB: &str = "CSV or .npy: `numpy.save(\"rows.npy\", scipy.io.loadmat(FILE)[\"NAME\"])`";
const UNPACK: &str = "the file unpacked, or packed with gzip";
const UTF16: &str = "UTF-8 text: `iconv -f UTF-16 -t UTF-8 FILE`, or `encoding=\"utf-16\"` in \
                     pandas' `read_csv`";
const LFS: &str = "the file itself: `git lfs pull` fetches it";
const SVM: &str = "CSV or .npy: `sklearn.datasets.load_svmlight_file(FILE)`, then `X.toarray()`";
const SOUND: &str = "rows of numbers; recordings need `[frontend]`, as WAV, FLAC, MP3 or Ogg Vorbis; \
                     `ffmpeg -i FILE OUT.wav` makes WAV of others";
const MOTION: &str = "rows of numbers; such samples are recordings, which need `[frontend]`";
const SAMPLE: &str = "the same sample in JSON: `json.dump(cbor2.load(open(FILE, \"rb\")), \
                      open(\"FILE.json\", \"w\"))` in Python";
const ROWS: &str = "rows of numbers as CSV, .npy, .npz or IDX";

/// Every format that is recognised; the first that matches names the file.
#[rustfmt::skip]
const FOREIGN: &[Foreign] = &[
    foreign(At(0, b"PAR1"), "a Parquet file within a gzip stream",
        "the Parquet file itself, which is packed already"),
    foreign(At(0, b"ARROW1"), "an Arrow file within a gzip stream",
        "the Arrow file itself, which may be packed"),
    foreign(At(0, b"FEA1"), "a Feather file of version 1", FEATHER),
    foreign(Member("xl/"), "an Excel workbook (xlsx)", EXCEL),
    foreign(Member("content.xml"), "an OpenDocument spreadsheet", EXCEL),
    foreign(Member("schema.json"), "a skops model", ROWS),
    foreign(At(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an Excel workbook (xls)", EXCEL),
    foreign(At(0, b"\x89HDF\r\n\x1a\n"), "an HDF5 file", HDF5),
    foreign(At(0, b"MATLAB 5.0 MAT-file"), "a MATLAB file", MATLAB),
    // Who reads a file has unpacked it once.
    foreign(At(0, b"\x1f\x8b"), "a gzip stream within", UNPACK),
    foreign(At(0, b"\x28\xb5\x2f\xfd"), "a zstd stream", UNPACK),
    foreign(At(0, b"BZh"), "a bzip2 stream", UNPACK),
    foreign(At(0, b"\xfd7zXZ\0"), "an xz stream", UNPACK),
    foreign(At(0, b"\x04\x22\x4d\x18"), "an lz4 stream", UNPACK),
    foreign(At(0, b"7z\xbc\xaf\x27\x1c"), "a 7z archive", UNPACK),
    foreign(At(0, b"Rar!\x1a\x07"), "a RAR archive", UNPACK),
    foreign(At(257, b"ustar"), "a tar archive", UNPACK),
    foreign(Like(is_pickle), "a pickle", PICKLE),
    foreign(Like(is_utf16), "text in UTF-16", UTF16),
    foreign(At(0, b"SQLite format 3\0"), "an SQLite database", ROWS),
    foreign(At(0, b"ORC"), "an ORC file", ROWS),
    foreign(At(0, b"Obj\x01"), "an Avro file", ROWS),
    foreign(At(0, b"%PDF"), "a PDF", ROWS),
    foreign(At(0, b"\x89PNG\r\n\x1a\n"), "a PNG image", ROWS),
    foreign(At(0, b"\xff\xd8\xff"), "a JPEG image", ROWS),
    foreign(At(0, b"RIFF"), "a WAV file", SOUND),
    foreign(At(1, b"iprotected"), "a sample in CBOR", SAMPLE),
    foreign(Text("{\"protected\""), "a sample of Edge Impulse", MOTION),
    foreign(At(0, b"fLaC"), "a FLAC file", SOUND),
    foreign(At(0, b"OggS"), "an Ogg file", SOUND),
    foreign(At(0, b"ID3"), "an MP3 file", SOUND),
    foreign(At(0, b"\xff\xfb"), "an MP3 file", SOUND),
    foreign(At(4, b"ftyp"), "an MP4 file", SOUND),
    foreign(Text("version https://git-lfs"), "a Git LFS pointer", LFS),
    foreign(Text("@relation"), "an ARFF file", ARFF),
    foreign(Text("<!doctype html"), "an HTML page", ROWS),
    foreign(Text("<html"), "an HTML page", ROWS),
    foreign(Text("<?xml"), "an XML file", ROWS),
    foreign(Like(is_arff), "an ARFF file", ARFF),
    foreign(Like(is_json), "JSON", JSON),
    foreign(Like(is_svmlight), "svmlight (LIBSVM) text", SVM),
];

/// Refuses what is known not to be rows, by name and with the way out.
///
/// # Errors
/// A format that is recognised and not read.
pub(crate) fn refuse(bytes: &[u8]) -> Result<(), DataError> {
    match FOREIGN.iter().find(|it| it.signature.matches(bytes)) {
        Some(foreign) => Err(DataError::new("the file", foreign.name, foreign.way_out)),
        None => Ok(()),
    }
}

impl Signature {
    fn matches(&self, bytes: &[u8]) -> bool {
        match self {
            At(offset, magic) => bytes.get(*offset..).is_some_and(|it| it.starts_with(magic)),
            Text(start) => (text(bytes).get(..start.len()))
                .is_some_and(|it| it.eq_ignore_ascii_case(start.as_bytes())),
            Member(name) => crate::archive::has_member(bytes, name),
            Like(is_like) => is_like(bytes),
        }
    }
}

/// What stands behind a byte order mark and white space.
fn text(bytes: &[u8]) -> &[u8] {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start()
}

/// The first line that says something, as far as it is text.
fn first_line(bytes: &[u8]) -> &str {
    let line = text(bytes).split(|byte| b"\r\n".contains(byte)).next();
    line.and_then(|line| std::str::from_utf8(line).ok())
        .unwrap_or_default()
        .trim()
}

/// From protocol 2 on, a pickle begins with its number.
fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}

/// With a byte order mark, or with every other byte zero as Latin letters have it.
fn is_utf16(bytes: &[u8]) -> bool {
    let of_letters = |zero: usize| {
        let head = &bytes[..bytes.len().min(64)];
        head.len() >= 4
            && head
                .chunks_exact(2)
                .all(|pair| pair[zero] == 0 && pair[1 - zero] != 0)
    };
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || of_letters(0)
        || of_letters(1)
}

/// Comments come first in many ARFF files.
fn is_arff(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1 << 16)];
    first_line(bytes).starts_with('%')
        && head
            .split(|byte| *byte == b'\n')
            .any(|line| Text("@relation").matches(line))
}

/// An object, or an array of objects or arrays.
fn is_json(bytes: &[u8]) -> bool {
    let mut tokens = text(bytes)
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace());
    match (tokens.next(), tokens.next()) {
        (Some(b'{'), Some(next)) => *next == b'"',
        (Some(b'['), Some(next)) => b"{[".contains(next),
        _ => false,
    }
}

/// A label, and then pairs of a feature's number and a reading.
fn is_svmlight(bytes: &[u8]) -> bool {
    let mut fields = first_line(bytes).split_ascii_whitespace();
    let is_pair = |field: &str| {
        field.split_once(':').is_some_and(|(number, reading)| {
            number.parse::<u32>().is_ok() && reading.parse::<f64>().is_ok()
        })
    };
    let has_label = fields
        .next()
        .is_some_and(|label| label.parse::<f64>().is_ok());
    let pairs: Vec<&str> = fields.collect();
    has_label && !pairs.is_empty() && pairs.into_iter().all(is_pair)
}
