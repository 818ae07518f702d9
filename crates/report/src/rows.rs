//! `predictions.csv`: what float, Q15 and the device say of each test row.

use std::borrow::Cow;

/// One test row, with class names as the data set has them.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its number in the file that it was read from, from 0.
    pub row: usize,
    /// Its label; `None` for rows without.
    pub label: Option<&'a str>,
    /// What the float model says.
    pub float: &'a str,
    /// What the quantized model says on the host.
    pub q15: &'a str,
    /// What it says on the device; `None` if there was no run.
    pub device: Option<&'a str>,
}

/// The columns.
pub(crate) const HEADER: [&str; 5] = ["row", "label", "float", "q15", "device"];

/// The file `predictions.csv`.
///
/// # Panics
/// Never; writing to memory does not fail.
#[must_use]
pub fn predictions_csv<'a>(rows: impl Iterator<Item = Row<'a>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |writer: &mut csv::Writer<Vec<u8>>, record: [&str; 5]| {
        writer.write_record(record).expect("memory is writable");
    };
    write(&mut writer, HEADER);
    for row in rows {
        write(
            &mut writer,
            [
                &row.row.to_string(),
                &cell(row.label.unwrap_or("")),
                &cell(row.float),
                &cell(row.q15),
                &cell(row.device.unwrap_or("")),
            ],
        );
    }
    let bytes = writer.into_inner().expect("memory is writable");
    String::from_utf8(bytes).expect("fields are text")
}

/// A name as a spreadsheet shows it: one that it would compute, such as `=1+1`, gets a `'` in front.
/// Numbers stay as they are, negative ones too.
#[must_use]
pub fn cell(name: &str) -> Cow<'_, str> {
    const ACTIVE: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    // Some look for a formula behind blanks.
    if name.trim_start_matches(' ').starts_with(ACTIVE) && name.trim().parse::<f64>().is_err() {
        return Cow::Owned(format!("'{name}"));
    }
    Cow::Borrowed(name)
}

#[cfg(test)]
mod tests {
    use super::{Row, cell, predictions_csv};

    #[test]
    fn names_are_no_formulas() {
        for (name, shown) in [
            ("setosa", "setosa"),
            ("-1", "-1"),
            ("+1.5e3", "+1.5e3"),
            ("a=b", "a=b"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(cell(name), shown);
        }
        let row = Row {
            row: 3,
            label: Some("=HYPERLINK(\"x\")"),
            float: "-1",
            q15: "a,b",
            device: None,
        };
        assert_eq!(
            predictions_csv([row].into_iter()),
            "row,label,float,q15,device\n3,\"'=HYPERLINK(\"\"x\"\")\",-1,\"a,b\",\n"
        );
    }
}
