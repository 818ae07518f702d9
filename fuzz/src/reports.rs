//! Baselines, as the fuzz target `report` reads them.

use spinney_report::{Comparison, Report};

/// A `report.json`; one that is read is written and read as the same, and compared.
///
/// # Panics
/// If it comes back as another.
pub fn report(bytes: &[u8]) {
    let Ok(before) = Report::from_json(bytes) else {
        return;
    };
    let text = before.to_json();
    let after = Report::from_json(text.as_bytes()).expect("a report that was written");
    assert_eq!(after.to_json(), text);
    let comparison = Comparison {
        before: &before,
        after: &after,
    };
    let gates = [comparison.flash_growth(0), comparison.accuracy_loss(0.0)];
    assert!(comparison.to_markdown(&gates).contains("Nothing moved"));
    let _ = (before.to_markdown(), before.passes());
}
