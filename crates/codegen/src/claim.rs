//! What is claimed of a model in fixed point, told to the checker in its own types.

use spinney_checker::{
    Body, Certificate, Claim, Coding, FORMAT, Input, Missing, Readings, Sensor, Sums, VERSION,
};
use spinney_model::{Schema, Voting};
use spinney_quantize as quantize;

/// The claim of `quant`, made from the float model of this digest, but for how tables look: trees in the
/// order in which they are shipped, early exits that stop for certain, no detector beside it.
///
/// # Panics
/// If `calibrations` are not the model's.
pub fn claim(
    model_digest: &str,
    quant: &quantize::QuantModel,
    calibrations: &[quantize::Calibration],
    voting: Voting,
    certificate: Certificate,
) -> Claim {
    Claim {
        format: FORMAT.to_owned(),
        version: VERSION,
        model: model_digest.to_owned(),
        voting,
        reading: reading(quant.reading_type()),
        code_bits: quant.code_bits(),
        inputs: inputs(quant, calibrations),
        codings_are_table: false,
        margin: quant.margin(),
        outliers: None,
        body: match quant.body() {
            quantize::Body::Forest(forest) => Body::Forest {
                order: forest.order(),
                layout: None,
                leaves: None,
                exit_margin: 1.0,
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
                range: calibration.inputs(),
                coding: coding(&input.coding),
                missing: missing(calibration, input.missing.map(|missing| missing.code)),
            }
        })
        .collect()
}

/// What readings the features of a model have, one calibration each.
pub fn readings(schema: &Schema, calibrations: &[quantize::Calibration]) -> Vec<Readings> {
    let features = schema.feature_names().into_iter().zip(calibrations);
    let readings = features.map(|(name, calibration)| Readings {
        name,
        sensor: sensor(calibration.sensor),
        range: calibration.inputs(),
        missing: missing(calibration, None),
    });
    readings.collect()
}

fn missing(calibration: &quantize::Calibration, code: Option<i16>) -> Option<Missing> {
    calibration.missing.map(|missing| Missing {
        number: match missing {
            quantize::Missing::Nan => None,
            quantize::Missing::Number(number) => Some(number),
        },
        code,
    })
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
