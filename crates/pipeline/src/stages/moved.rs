//! What moved between two reports of one pipeline.

use serde::Serialize;
use serde_json::Value;
use spinney_report::Report;

/// What differs, a phrase each.
///
/// Model, accuracy and certificate must match always. Sizes and instructions are compared only if
/// both reports were made by the same toolchain.
pub fn moved(before: &Report, after: &Report) -> Vec<String> {
    let mut pairs = vec![
        ("the model", json(&before.model), json(&after.model)),
        (
            "accuracy in float",
            json(&before.accuracy.float),
            json(&after.accuracy.float),
        ),
        (
            "accuracy in Q15",
            json(&before.accuracy.q15),
            json(&after.accuracy.q15),
        ),
        (
            "agreement",
            json(&before.accuracy.agreement),
            json(&after.accuracy.agreement),
        ),
        (
            "the certificate",
            json(&before.certificate),
            json(&after.certificate),
        ),
    ];
    if before.toolchain == after.toolchain {
        pairs.extend([
            (
                "flash",
                json(&before.footprint.flash_bytes),
                json(&after.footprint.flash_bytes),
            ),
            (
                "RAM",
                json(&before.footprint.ram_bytes),
                json(&after.footprint.ram_bytes),
            ),
            (
                "the image",
                json(&before.footprint.image),
                json(&after.footprint.image),
            ),
            ("the device run", json(&before.device), json(&after.device)),
        ]);
    }
    pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(
            |(what, before, after)| match (before.as_f64(), after.as_f64()) {
                (Some(before), Some(after)) => format!("{what} from {before} to {after}"),
                _ => format!("{what} changed"),
            },
        )
        .collect()
}

fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}
