//! Files that claim, or unpack to, more than they are: refused within their share of memory.

use std::io::Write;

use expect_test::{Expect, expect};
use spinney_dataset::limits::{BYTES_FREE, BYTES_PER_BYTE, COLUMNS_MAX};
use spinney_dataset::{Budget, DataError, Dataset, LabelsIn, Source, csv, gunzip, idx, npy};

fn npy_of(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).expect("a short header");
    [
        b"\x93NUMPY\x01\x00".as_slice(),
        &length.to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

fn idx_of(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let magic = 0x800 + u32::try_from(shape.len()).expect("few");
    let words = [magic].into_iter().chain(shape.iter().copied());
    let head: Vec<u8> = words.flat_map(u32::to_be_bytes).collect();
    [&head, data].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("a write to memory");
    packer.finish().expect("a gzip stream")
}

fn npz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in members {
        writer.start_file(*name, options).expect("a member");
        writer.write_all(content).expect("a write to memory");
    }
    writer.finish().expect("a zip").into_inner()
}

fn read(rows: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
    Source::open(rows, LabelsIn::File(labels), true)?.read(&|_| true)
}

fn refused<T: std::fmt::Debug>(result: Result<T, DataError>, expected: &Expect) {
    expected.assert_eq(&result.expect_err("must be refused").to_string());
}

#[test]
fn arrays_without_rows_or_features_are_refused_whatever_they_claim() {
    let labels = npy_of("<i8", "(0,)", b"");
    for shape in [
        "(0, 4611686018427387904)",
        "(0, 300000000)",
        "(9000000000, 0)",
        "(0, 0)",
    ] {
        let error = read(&npy_of("<f8", shape, b""), &labels).expect_err(shape);
        assert!(error.expected == "at least one of each", "{error}");
    }
    for shape in [[0, u32::MAX, u32::MAX], [0, 20_000, 20_000], [5, 0, 9]] {
        let error = read(&idx_of(&shape, b""), &labels).expect_err("nothing");
        assert!(error.expected == "at least one of each", "{error}");
    }
    refused(
        read(
            &npy_of("<f8", "(1, 1)", &[0; 8]),
            &npy_of("|S0", "(1000000000000000,)", b""),
        ),
        &expect![[
            r#"labels, the .npy header: found type "|S0", expected b1, i1 to i8, u1 to u8, f4, f8, U or S"#
        ]],
    );
}

#[test]
fn columns_have_an_end_in_every_format() {
    let one = npy_of("<i8", "(1,)", &[0; 8]);
    for (n, is_read) in [(COLUMNS_MAX, true), (COLUMNS_MAX + 1, false)] {
        let data = vec![0; n];
        let rows = npy_of("|u1", &format!("(1, {n})"), &data);
        assert_eq!(read(&rows, &one).is_ok(), is_read);
        let width = u32::try_from(n).expect("a size");
        assert_eq!(read(&idx_of(&[1, 1, width], &data), &one).is_ok(), is_read);
        let names: Vec<String> = (1..n).map(|at| format!("c{at}")).collect();
        let text = format!("y,{}\n0{}\n", names.join(","), ",1".repeat(n - 1));
        assert_eq!(csv::read(text.as_bytes(), "y").is_ok(), is_read);
    }
    // Beyond the first line, too.
    refused(
        csv::read(
            format!("a,y\n1,p\n1{}\n", ",".repeat(COLUMNS_MAX)).as_bytes(),
            "y",
        ),
        &expect![
            "line 3: found 131073 columns, expected at most 131072; a model has at most 65,535 features"
        ],
    );
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let zeros = vec![0; 40_000_000];
    let packed = gzip(&zeros);
    let bytes_max = BYTES_FREE + BYTES_PER_BYTE * packed.len() as u64;
    let error = gunzip(&packed).expect_err("more than half of it");
    assert!(error.expected.contains(&bytes_max.to_string()), "{error}");
    let half = usize::try_from(bytes_max / 2).expect("a size");
    assert_eq!(
        gunzip(&gzip(&zeros[..half - 5_000_000]))
            .expect("less")
            .len(),
        half - 5_000_000
    );
    // Nine bytes of memory for each that is unpacked.
    let n_rows = 8_000;
    let pixels = idx_of(&[n_rows, 10, 100], &zeros[..8_000_000]);
    let labels = idx_of(&[n_rows], &zeros[..8_000]);
    refused(
        read(&gzip(&pixels), &labels).map(|rows| rows.n_rows()),
        &expect![
            "images, the pixels: found more than a file of 44619 bytes may take, expected at most 64713904 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
    let rows = npy_of("|u1", "(8000, 1000)", &zeros[..8_000_000]);
    let of_rows = npy_of("|u1", "(8000,)", &zeros[..8_000]);
    refused(
        npy::read_npz(&npz(&[("X.npy", &rows), ("y.npy", &of_rows)]), "y")
            .map(|rows| rows.n_rows()),
        &expect![
            "the .npy data: found more than a file of 8161 bytes may take, expected at most 64130576 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
    // The same rows pass where they are packed less, and unpacked.
    assert_eq!(idx::read(&pixels, &labels).map(|it| it.n_rows()), Ok(8_000));
    assert_eq!(npy::read(&rows, &of_rows).map(|it| it.n_rows()), Ok(8_000));
    let noise = noise(8_000_000);
    let images = gzip(&idx_of(&[n_rows, 10, 100], &noise));
    assert_eq!(read(&images, &labels).map(|it| it.n_rows()), Ok(8_000));
}

/// Bytes that take a quarter of their space when packed, as those of images do.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_le_bytes()[7]
    };
    (0..n).map(|_| next() & 3).collect()
}

#[test]
fn texts_of_labels_are_kept_once_and_counted() {
    let budget = Budget::of(0);
    let labels = npy_of("|u1", "(100000,)", &[7; 100_000]);
    let rows = npy_of("|u1", "(100000, 1)", &[1; 100_000]);
    let bytes = npz(&[("X.npy", &rows), ("y.npy", &labels)]);
    let (_, labels) = npy::read_npz_rows(&bytes, "y", &budget).expect("rows");
    assert_eq!(labels.map(|it| it.len()), Some(100_000));
    let taken = BYTES_FREE - budget.bytes_left();
    assert!((3_000_000..3_100_000).contains(&taken), "{taken}");
}

#[test]
fn faults_of_every_column_are_found_in_one_pass() {
    // A column of text each, on lines of their own: the lines are counted once.
    let n = 20_000;
    let names: Vec<String> = (0..n).map(|at| format!("c{at}")).collect();
    let text = format!("{},y\n{}p\n", names.join(","), "x,".repeat(n));
    let error = csv::read(text.as_bytes(), "y")
        .expect_err("texts")
        .to_string();
    assert!(
        error.starts_with("20000 columns: found \"x\" in \"c0\" (line 2)"),
        "{error}"
    );
}
