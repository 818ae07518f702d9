//! Tables in Parquet and Arrow, as pandas, pyarrow and polars write them: every field as in the CSV of the same
//! rows.

use spinney_dataset::{Table, gunzip};

fn fixture(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).expect("a fixture")
}

/// Names and fields.
fn records(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = gunzip(bytes).expect("a table");
    let mut table = Table::open(&text, true).expect("a table");
    let mut records = vec![table.names().to_vec()];
    while table.advance().expect("a record") {
        let fields = (0..records[0].len()).map(|at| table.field(at).expect("a field").to_owned());
        records.push(fields.collect());
    }
    records
}

fn assert_same(found: &[Vec<String>], expected: &[Vec<String>]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        let same = match (found.parse::<f64>(), expected.parse::<f64>()) {
            (Ok(found), Ok(expected)) => found.to_bits() == expected.to_bits(),
            _ => found == expected,
        };
        assert!(same, "{found} where CSV has {expected}");
    }
}

#[test]
fn fields_are_those_of_the_csv() {
    for (name, csv, n_rows) in [
        ("table.parquet", "table", 60),
        ("groups.parquet", "groups", 30),
        ("plain.feather", "table", 60),
        ("views.arrow", "table", 60),
        ("groups.arrows", "groups", 30),
    ] {
        let found = records(&fixture(name));
        assert_eq!(found.len(), n_rows + 1, "{name}");
        assert_same(&found, &records(&fixture(&format!("{csv}.csv"))));
    }
}

#[test]
fn pages_of_zstd_take_the_feature() {
    let packed = fixture("zstd.parquet");
    #[cfg(feature = "zstd")]
    {
        let (found, expected) = (records(&packed), records(&fixture("table.parquet")));
        let place = expected[0].iter().position(|it| *it == found[0][0]);
        let place = place.expect("a column of the table");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found[0], expected[place]);
        }
        assert!(found.len() > 1);
    }
    #[cfg(not(feature = "zstd"))]
    {
        let error = gunzip(&packed).expect_err("no decoder").to_string();
        assert!(error.contains("--features zstd"), "{error}");
    }
}

#[test]
fn what_is_not_read_says_so() {
    let said = |name: &str| {
        gunzip(&fixture(&format!("{name}.parquet")))
            .expect_err(name)
            .to_string()
    };
    let by_default = "expected what pandas, pyarrow and Spark write by default: Snappy, and plain values or \
                      those of a dictionary in pages of version 1";
    assert_eq!(
        said("pages"),
        format!("column \"length\", a Parquet file: found pages of version 2, {by_default}")
    );
    assert_eq!(
        said("lists"),
        "a Parquet file, the schema: found the column \"lists.list.element\", expected columns of single \
         values, no lists or groups"
    );
    // It claims a page of 2 GB.
    let claim = said("claim");
    assert!(
        claim.starts_with("column \"a\", a page: found more than a file of 105 bytes may take"),
        "{claim}"
    );
}

#[test]
fn times_are_words() {
    let records = records(&fixture("times.parquet"));
    assert_eq!(records[0][2], "at");
    assert!(records[1][2].starts_with("time "), "{:?}", records[1]);
}

#[test]
fn integers_without_a_sign_have_none() {
    let records = records(&fixture("unsigned.parquet"));
    assert_eq!(records[1], ["3000000000", "1.8446744073709552e19", "200"]);
    assert_eq!(records[2], ["4294967295", "7", "255"]);
}

#[test]
fn a_dictionary_claims_no_more_than_its_page() {
    let claim = fixture("claim.parquet");
    let (body, _) = claim.split_at(claim.len() - 8);
    let length = u32::from_le_bytes(claim[body.len()..][..4].try_into().expect("four bytes"));
    let end = &claim[body.len() - length as usize..];
    // A dictionary page of no bytes, packed into one, with 2^61 values in it.
    let head = [0x15, 4, 0x15, 0, 0x15, 2, 0x4c, 0x15];
    let n_values = [[0x80; 8].as_slice(), &[0x40]].concat();
    let file = [b"PAR1", &head[..], &n_values, &[0, 0], &[0], end].concat();
    let error = gunzip(&file).expect_err("no such page").to_string();
    assert!(
        error.contains("fewer bytes than its values take"),
        "{error}"
    );
}

#[test]
fn damaged_files_do_not_panic() {
    let file = fixture("groups.parquet");
    let mut n_refused = 0;
    for end in (0..file.len()).step_by(17) {
        n_refused += usize::from(gunzip(&file[..end]).is_err());
    }
    // Without its end it is none; without its start it is another kind of file.
    assert!(n_refused + 2 > file.len() / 17, "{n_refused}");
    for at in (0..file.len()).step_by(3) {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        let _ = gunzip(&flipped);
    }
}

#[test]
fn packed_buffers_take_their_features() {
    let (of_lz4, of_zstd) = (fixture("table.feather"), fixture("zstd.feather"));
    if cfg!(feature = "lz4") {
        assert_same(&records(&of_lz4), &records(&fixture("table.csv")));
    } else {
        let error = gunzip(&of_lz4).expect_err("no decoder").to_string();
        assert!(error.contains("--features lz4"), "{error}");
        assert!(error.contains("to_parquet"), "{error}");
    }
    if cfg!(feature = "zstd") {
        let expected = records(&fixture("zstd.parquet"));
        assert_same(&records(&of_zstd), &expected);
    } else {
        let error = gunzip(&of_zstd).expect_err("no decoder").to_string();
        assert!(error.contains("--features zstd"), "{error}");
    }
}

#[test]
fn what_is_not_read_of_arrow_says_so() {
    let lists = gunzip(&fixture("lists.feather"))
        .expect_err("lists")
        .to_string();
    assert!(
        lists.starts_with("an Arrow file, the schema: found the column \"lists\" of lists"),
        "{lists}"
    );
    let times = records(&fixture("times.feather"));
    assert_eq!(times[1][2], "time 1767225600000000");
}

/// Whatever a byte is exchanged for, and wherever a file ends: rows or words.
#[test]
fn damaged_files_are_rows_or_refused() {
    for name in ["groups.arrows", "views.arrow", "table.feather"] {
        let whole = fixture(name);
        for end in (0..whole.len()).step_by(7) {
            let _ = gunzip(&whole[..end]);
        }
        if name != "groups.arrows" {
            gunzip(&whole[..whole.len() - 1]).expect_err("a file without its end");
        }
        for at in (0..whole.len()).step_by(2) {
            for byte in [0, 0x80, 0xff] {
                let mut other = whole.clone();
                other[at] = byte;
                let _ = gunzip(&other);
            }
        }
    }
}
