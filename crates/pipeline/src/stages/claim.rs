//! What a pipeline claims of each form of its model, for the checker to refute.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spinney_checker::{
    Body, Certificate, Claim, Coding, FORMAT, Input, Missing, Sensor, Sums, VERSION,
};
use spinney_model::Voting;
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

/// The claims of all candidates.
pub(super) fn claims<'a>(
    quantized: &Quantized,
    certificate: &quantize::Certificate,
    model_digest: &str,
    candidates: impl Iterator<Item = &'a Candidate>,
) -> anyhow::Result<Vec<Claims>> {
    let whole = Parts {
        quant: &quantized.quant,
        calibrations: &quantized.calibrations,
        certificate,
        digest: model_digest,
        order: quantized.order(),
        exit_margin: if quantized.is_approximate() {
            quantized.codegen.exit_margin
        } else {
            1.0
        },
        voting: quantized.voting,
    };
    let detector = match &quantized.outliers {
        Some(outliers) => Some(outliers.claim(&quantized.quant, &quantized.rows.test)?),
        None => None,
    };
    let whole = whole.claim()?;
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

/// What a claim is made of, whatever its tables look like.
pub(super) struct Parts<'a> {
    pub quant: &'a quantize::QuantModel,
    pub calibrations: &'a [quantize::Calibration],
    pub certificate: &'a quantize::Certificate,
    pub digest: &'a str,
    /// The model's tree that each shipped tree is.
    pub order: Vec<usize>,
    pub exit_margin: f64,
    pub voting: Voting,
}

impl Parts<'_> {
    /// The claim, but for how tables look.
    pub(super) fn claim(self) -> anyhow::Result<Claim> {
        // The checker has its own types, under the same names.
        let certificate: Certificate =
            serde_json::from_value(serde_json::to_value(self.certificate)?)
                .context("a certificate")?;
        Ok(Claim {
            format: FORMAT.to_owned(),
            version: VERSION,
            model: self.digest.to_owned(),
            voting: self.voting,
            reading: reading(self.quant.reading_type()),
            code_bits: self.quant.code_bits(),
            inputs: inputs(self.quant, self.calibrations),
            codings_are_table: false,
            margin: self.quant.margin(),
            outliers: None,
            body: match self.quant.body() {
                quantize::Body::Forest(forest) => Body::Forest {
                    order: self.order,
                    layout: None,
                    leaves: None,
                    exit_margin: self.exit_margin,
                    sums: forest.sums().map(|sums| {
                        Box::new(Sums {
                            is_single: sums.is_single(),
                            shift: sums.shift(),
                            lows: sums.lows(),
                            extras: sums.extras(),
                            bases: sums.bases().to_vec(),
                            bounds: sums.bounds(),
                        })
                    }),
                },
                quantize::Body::Bayes(bayes) => Body::GaussianNb {
                    score_bits: bayes.score_bits(),
                },
            },
            certificate,
        })
    }
}

fn inputs(quant: &quantize::QuantModel, calibrations: &[quantize::Calibration]) -> Vec<Input> {
    let inputs = quant.inputs().iter();
    inputs
        .map(|input| {
            let calibration = &calibrations[input.feature];
            Input {
                feature: input.feature,
                sensor: sensor(calibration.sensor),
                range: calibration.range,
                coding: coding(&input.coding),
                missing: calibration.missing.map(|missing| Missing {
                    number: match missing {
                        quantize::Missing::Nan => None,
                        quantize::Missing::Number(number) => Some(number),
                    },
                    code: input.missing.map(|missing| missing.code),
                }),
            }
        })
        .collect()
}

fn coding(coding: &quantize::Coding) -> Coding {
    match coding {
        quantize::Coding::Affine { shift, offset } => Coding::Affine {
            shift: *shift,
            offset: *offset,
        },
        quantize::Coding::Rank { cuts } => Coding::Rank { cuts: cuts.clone() },
        quantize::Coding::Set { .. } => Coding::Set {
            categories: coding.categories(),
            missing: coding.has_missing(),
        },
    }
}

fn reading(reading_type: quantize::ReadingType) -> Sensor {
    match reading_type {
        quantize::ReadingType::U8 => Sensor::U8,
        quantize::ReadingType::I16 => Sensor::I16,
        quantize::ReadingType::I32 => Sensor::I32,
        quantize::ReadingType::F32 => Sensor::F32,
    }
}

fn sensor(sensor: quantize::Sensor) -> Sensor {
    match sensor {
        quantize::Sensor::U8 => Sensor::U8,
        quantize::Sensor::I8 => Sensor::I8,
        quantize::Sensor::U16 => Sensor::U16,
        quantize::Sensor::I16 => Sensor::I16,
        quantize::Sensor::I32 => Sensor::I32,
        quantize::Sensor::F32 => Sensor::F32,
    }
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
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "readings are what the device receives already"
    )]
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
