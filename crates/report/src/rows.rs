//! `predictions.csv`: what float, Q15 and the device say of each test row.

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
                row.label.unwrap_or(""),
                row.float,
                row.q15,
                row.device.unwrap_or(""),
            ],
        );
    }
    let bytes = writer.into_inner().expect("memory is writable");
    String::from_utf8(bytes).expect("fields are text")
}
