//! Tables in Parquet, as pandas and pyarrow write them: every field as in the CSV of the same rows.

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

#[test]
fn fields_are_those_of_the_csv() {
    for (name, n_rows) in [("table", 60), ("groups", 30)] {
        let found = records(&fixture(&format!("{name}.parquet")));
        let expected = records(&fixture(&format!("{name}.csv")));
        assert_eq!(expected.len(), n_rows + 1);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            let same = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) => found.to_bits() == expected.to_bits(),
                _ => found == expected,
            };
            assert!(same, "{found} where CSV has {expected}");
        }
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
