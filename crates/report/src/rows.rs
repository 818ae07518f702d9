//! `predictions.csv`: what float, Q15 and the device say of each test row.

use std::borrow::Cow;

/// One test row, with class names as the data set has them.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Its number in the file that it was read from, from 0.
    pub row: usize,
    /// The target among several, each of which has a line.
    pub target: Option<&'a str>,
    /// Its label; `None` for rows without.
    pub label: Option<Cow<'a, str>>,
    /// What the float model says.
    pub float: Cow<'a, str>,
    /// What the quantized model says on the host.
    pub q15: Cow<'a, str>,
    /// What it says on the device; `None` if there was no run.
    pub device: Option<Cow<'a, str>>,
}

/// The columns; one of several targets has its name in the second.
pub(crate) const HEADER: [&str; 6] = ["row", "target", "label", "float", "q15", "device"];

/// The columns of rows with one target, or of several.
pub(crate) fn header(several: bool) -> Vec<&'static str> {
    let columns = HEADER.into_iter();
    columns.filter(|it| several || *it != HEADER[1]).collect()
}

/// The file `predictions.csv`.
///
/// # Panics
/// Never; writing to memory does not fail.
pub fn predictions_csv<'a>(rows: impl Iterator<Item = Row<'a>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |record: &[&str]| {
        writer.write_record(record).expect("memory is writable");
    };
    let mut rows = rows.peekable();
    write(&header(rows.peek().is_some_and(|row| row.target.is_some())));
    for row in rows {
        let target = row.target.map(cell);
        let number = row.row.to_string();
        let mut record = vec![&*number];
        record.extend(target.as_deref());
        let fields = [
            row.label.as_deref().unwrap_or(""),
            &row.float,
            &row.q15,
            row.device.as_deref().unwrap_or(""),
        ];
        let fields = fields.map(cell);
        record.extend(fields.iter().map(|it| &**it));
        write(&record);
    }
    let bytes = writer.into_inner().expect("memory is writable");
    String::from_utf8(bytes).expect("fields are text")
}

/// A name as a spreadsheet shows it: one that it would compute, such as `=1+1`, gets a `'` in front.
/// Numbers stay as they are, negative ones too.
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
            target: None,
            label: Some("=HYPERLINK(\"x\")".into()),
            float: "-1".into(),
            q15: "a,b".into(),
            device: None,
        };
        assert_eq!(
            predictions_csv([row].into_iter()),
            "row,label,float,q15,device\n3,\"'=HYPERLINK(\"\"x\"\")\",-1,\"a,b\",\n"
        );
    }
}
