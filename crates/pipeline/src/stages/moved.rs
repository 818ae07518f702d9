//! What moved between two reports of one pipeline.

use serde::Serialize;
use serde_json::Value;
use spinney_report::Report;

/// What differs, a phrase each.
///
/// Model, accuracy and certificate must match always. Sizes and instructions are compared only if
/// both reports were made by the same toolchain.
pub fn moved(before: &Report, after: &Report) -> Vec<String> {
    let with_sizes = before.toolchain == after.toolchain;
    parts(before, with_sizes)
        .into_iter()
        .zip(parts(after, with_sizes))
        .filter(|(before, after)| before != after)
        .map(
            |((what, before), (_, after))| match (before.as_f64(), after.as_f64()) {
                (Some(before), Some(after)) => format!("{what} from {before} to {after}"),
                _ => format!("{what} changed"),
            },
        )
        .collect()
}

/// What must match of a report.
fn parts(report: &Report, with_sizes: bool) -> Vec<(&'static str, Value)> {
    let mut parts = vec![
        ("the model", json(&report.model)),
        ("accuracy in float", json(&report.accuracy.float)),
        ("accuracy in Q15", json(&report.accuracy.q15)),
        ("agreement", json(&report.accuracy.agreement)),
        ("the certificate", json(&report.certificate)),
    ];
    if with_sizes && let Some(footprint) = &report.footprint {
        parts.extend([
            ("flash", json(&footprint.flash_bytes)),
            ("RAM", json(&footprint.ram_bytes)),
            ("the image", json(&footprint.image)),
            ("the device run", json(&report.device)),
        ]);
    }
    parts
}

fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}
