//! What a pipeline claims of each form of its model, for the checker to refute.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spinney_checker::{Body, Certificate, Claim, Sensor};
use spinney_codegen as codegen;
use spinney_quantize as quantize;

use super::candidates::{Candidate, Shape};
use super::quantized::Quantized;

/// The claims of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Of its image.
    pub image: Claim,
    /// Of its C header, where there is one.
    pub header: Option<Claim>,
}

pub(super) fn claims<'a>(
    quantized: &Quantized,
    certificate: &quantize::Certificate,
    model_digest: &str,
    candidates: impl Iterator<Item = &'a Candidate>,
) -> anyhow::Result<Vec<Claims>> {
    let detector = match &quantized.outliers {
        Some(outliers) => Some(outliers.claim(&quantized.quant, &quantized.rows.test)?),
        None => None,
    };
    let (quant, calibrations) = (&quantized.quant, &quantized.calibrations);
    let (voting, certificate) = (quantized.voting, same(certificate)?);
    let mut whole = codegen::claim(model_digest, quant, calibrations, voting, certificate);
    if let Body::Forest {
        order, exit_margin, ..
    } = &mut whole.body
    {
        *order = quantized.order();
        if quantized.is_approximate() {
            *exit_margin = quantized.codegen.exit_margin;
        }
    }
    let claim = |shape: &Shape| {
        let detector = detector.as_ref().map(|detector| {
            let shape = Shape {
                layout: shape.outliers.and_then(|it| it.0),
                leaves: shape.outliers.and_then(|it| it.1),
                codings_are_table: false,
                ..*shape
            };
            Box::new(shaped(detector, &shape))
        });
        Claim {
            outliers: detector,
            ..shaped(&whole, shape)
        }
    };
    Ok(candidates
        .map(|candidate| Claims {
            image: claim(&candidate.shape),
            header: candidate.header.as_ref().map(|header| claim(&header.shape)),
        })
        .collect())
}

/// The claim of tables that look so.
fn shaped(claim: &Claim, shape: &Shape) -> Claim {
    let mut claim = claim.clone();
    claim.code_bits = shape.code_bits;
    claim.codings_are_table = shape.codings_are_table;
    if let Body::Forest { layout, leaves, .. } = &mut claim.body {
        (*layout, *leaves) = (shape.layout, shape.leaves);
    }
    claim
}

/// A certificate in the checker's own types, which have the same names.
pub(super) fn same(certificate: &quantize::Certificate) -> anyhow::Result<Certificate> {
    serde_json::from_value(serde_json::to_value(certificate)?).context("a certificate")
}

/// Readings as they reach the device, little-endian, as numbers.
pub(super) fn readings(claim: &Claim, bytes: &[u8]) -> Vec<f64> {
    let from = |bytes: &[u8]| match (claim.reading, bytes) {
        (Sensor::F32, [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        (_, [a, b, c, d]) => f64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        (_, [a, b]) => f64::from(i16::from_le_bytes([*a, *b])),
        (_, bytes) => f64::from(bytes[0]),
    };
    bytes.chunks_exact(reading_bytes(claim)).map(from).collect()
}

/// A row of readings as it reaches the device.
pub(super) fn row_bytes(claim: &Claim, row: &[f64]) -> Vec<u8> {
    // Casts: readings are what the device receives already.
    let put = |reading: &f64| match claim.reading {
        Sensor::F32 => (*reading as f32).to_le_bytes().to_vec(),
        Sensor::U8 => vec![*reading as u8],
        _ => (*reading as i32).to_le_bytes()[..reading_bytes(claim)].to_vec(),
    };
    row.iter().flat_map(put).collect()
}

fn reading_bytes(claim: &Claim) -> usize {
    match claim.reading {
        Sensor::U8 | Sensor::I8 => 1,
        Sensor::U16 | Sensor::I16 => 2,
        Sensor::I32 | Sensor::F32 => 4,
    }
}

/// Whether early exits, if there are any, give the class of all trees.
pub(super) fn stops_for_certain(claim: &Claim) -> bool {
    !matches!(claim.body, Body::Forest { exit_margin, .. } if exit_margin < 1.0)
}
