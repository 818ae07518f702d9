//! Gaussian naive Bayes in fixed point: means in Q15 codes, weights as small floats, priors and
//! log σ folded into one constant per class.

use fixed::types::I1F15;
use spinney_model::{GaussianNb, Schema};
use spinney_runtime::bayes::{self as runtime, EXPONENT_BITS, Term};

use crate::QuantizeError;
use crate::calibrate::{Calibration, CodingChoice, Sensor};
use crate::coding::{Coding, exp2};

/// A quantized naive Bayes model: the runtime's tables, owned.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantBayes {
    terms: Vec<Term>,
    constants: Vec<i64>,
    score_bits: u8,
    biases: Vec<f64>,
}

const MANTISSA_BITS: u32 = 16 - EXPONENT_BITS;
const MANTISSA_MAX: f64 = ((1 << MANTISSA_BITS) - 1) as f64;
const EXPONENT_MAX: i32 = (1 << EXPONENT_BITS) - 1;
/// Scores keep at least 1/16 and at most 2^−40 of a nat.
const SCORE_BITS: std::ops::RangeInclusive<u8> = 4..=40;

/// The coding of each feature: as fine as 16 bits allow, for integers too, whose means lie
/// between them.
pub(crate) fn codings(
    bayes: &GaussianNb,
    calibrations: &[Calibration],
) -> Result<Vec<Coding>, QuantizeError> {
    bayes
        .schema()
        .features()
        .iter()
        .zip(calibrations)
        .map(|(feature, calibration)| match calibration.coding {
            CodingChoice::Identity => Ok(Coding::IDENTITY),
            CodingChoice::Rank => Err(QuantizeError {
                place: format!("feature \"{}\"", feature.name),
                found: "coding = \"rank\" in a naive Bayes model".to_owned(),
                expected: "auto or affine; ranks keep no distances".to_owned(),
            }),
            CodingChoice::Auto | CodingChoice::Affine => {
                let max_shift = match calibration.sensor {
                    Sensor::F32 => 100,
                    _ => 15,
                };
                Ok(Coding::affine_within(calibration.range, max_shift))
            }
        })
        .collect()
}

impl QuantBayes {
    pub(crate) fn new(
        bayes: &GaussianNb,
        codings: &[Coding],
        calibrations: &[Calibration],
    ) -> Self {
        let scales: Vec<Scale> = codings.iter().map(Scale::of).collect();
        let biases: Vec<f64> = scales
            .iter()
            .zip(calibrations)
            .map(|(scale, calibration)| scale.bias(calibration))
            .collect();
        let weight = |class: usize, feature: usize| {
            let sigma = bayes.variances()[class][feature].sqrt() * scales[feature].factor;
            0.5 / (sigma * sigma)
        };
        let n_classes = bayes.schema().n_classes();
        let n_features = bayes.schema().n_features();
        let heaviest = (0..n_classes)
            .flat_map(|class| (0..n_features).map(move |feature| (class, feature)))
            .map(|(class, feature)| weight(class, feature))
            .fold(0.0, f64::max);
        // As fine a score as leaves the heaviest weight representable.
        let score_bits = SCORE_BITS
            .rev()
            .find(|bits| heaviest * unit(*bits) <= MANTISSA_MAX)
            .unwrap_or(*SCORE_BITS.start());
        let mut terms = Vec::with_capacity(n_classes * n_features);
        for class in 0..n_classes {
            for feature in 0..n_features {
                let mean = scales[feature].code(bayes.means()[class][feature]) - biases[feature];
                terms.push(Term {
                    mean: I1F15::saturating_from_num(mean / 32_768.0).to_bits(),
                    weight: encode_weight(weight(class, feature) * unit(score_bits)),
                });
            }
        }
        let constants = (0..n_classes)
            .map(|class| {
                // Each term is floored; half a unit per term takes the mean of that out again.
                let floors = 0.5 * n_features as f64;
                #[expect(clippy::cast_possible_truncation, reason = "clamped to 61 bits")]
                let constant = (bayes.constant(class) * unit(score_bits) + floors)
                    .round()
                    .clamp(-exp2(61), exp2(61)) as i64;
                constant
            })
            .collect();
        Self {
            terms,
            constants,
            score_bits,
            biases,
        }
    }

    /// Terms, class after class, one per feature.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// One constant per class, in score units.
    #[must_use]
    pub fn constants(&self) -> &[i64] {
        &self.constants
    }

    /// A score unit is `2^−score_bits` nats.
    #[must_use]
    pub fn score_bits(&self) -> u8 {
        self.score_bits
    }

    /// The runtime's view of the tables.
    ///
    /// # Panics
    /// Never; the tables were built to pass the runtime's check.
    #[must_use]
    pub fn runtime(&self, schema: &Schema) -> runtime::GaussianNb<'_> {
        runtime::GaussianNb::new(runtime::Tables {
            n_features: schema.n_features(),
            n_classes: schema.n_classes(),
            terms: &self.terms,
            constants: &self.constants,
            shift: 0,
        })
        .expect("tables made from a checked model are valid")
    }

    pub(crate) fn scores(&self, codes: &[i16], schema: &Schema) -> Vec<i64> {
        let mut scores = vec![0; schema.n_classes()];
        self.runtime(schema)
            .scores(codes, &mut scores)
            .expect("one code per feature, one score per class");
        scores
    }

    /// How far each class's score of one row may be from the float score, in nats: a proven bound.
    ///
    /// Per term it adds up the flooring (one unit), the rounding of the weight (relative), and the
    /// distance between true and coded positions of reading and mean, `w · (2|d|δ + δ²)`.
    pub(crate) fn score_errors(
        &self,
        bayes: &GaussianNb,
        codings: &[Coding],
        codes: &[i16],
        row: &[f64],
    ) -> Vec<f64> {
        let n_features = row.len();
        let unit = unit(self.score_bits);
        (0..self.constants.len())
            .map(|class| {
                let mut error = 1.0 + 0.5 * n_features as f64;
                for feature in 0..n_features {
                    let scale = Scale::of(&codings[feature]);
                    let term = self.terms[class * n_features + feature];
                    let sigma = bayes.variances()[class][feature].sqrt() * scale.factor;
                    let exact = 0.5 / (sigma * sigma) * unit;
                    let coded = decode_weight(term.weight);
                    let bias = self.biases[feature];
                    let distance = f64::from(codes[feature]) - f64::from(term.mean);
                    let reading_off = scale.code(row[feature]) - bias - f64::from(codes[feature]);
                    let mean_off =
                        scale.code(bayes.means()[class][feature]) - bias - f64::from(term.mean);
                    let off = (reading_off - mean_off).abs();
                    error += (exact - coded).abs() * distance * distance
                        + exact * (2.0 * distance.abs() * off + off * off)
                        + 0.5;
                }
                // The float sum itself is rounded at every step.
                let magnitude = bayes.joint_log_likelihood(row)[class].abs();
                error / unit + magnitude * 1e-12
            })
            .collect()
    }
}

/// How a feature's readings map onto real-valued codes.
struct Scale {
    factor: f64,
    offset: f64,
}

impl Scale {
    fn of(coding: &Coding) -> Self {
        match coding {
            Coding::Affine { shift, offset } => Self {
                factor: exp2(*shift),
                offset: f64::from(*offset),
            },
            Coding::Rank { .. } => unreachable!("`codings` gives naive Bayes affine codings"),
        }
    }

    /// The code of a reading before it is floored.
    fn code(&self, reading: f64) -> f64 {
        reading * self.factor - self.offset
    }

    /// What flooring takes from a code on average: nothing where readings lie on the grid of
    /// codes, else half a code.
    fn bias(&self, calibration: &Calibration) -> f64 {
        let is_integer = calibration.sensor != Sensor::F32;
        let grid = calibration
            .grid_bits
            .map(|bits| exp2(i8::try_from(bits).unwrap_or(i8::MAX)))
            .or(is_integer.then_some(1.0));
        if grid.is_some_and(|grid| self.factor >= grid) {
            0.0
        } else {
            0.5
        }
    }
}

/// `2^bits`: score units per nat.
fn unit(bits: u8) -> f64 {
    exp2(i8::try_from(bits).expect("at most 40"))
}

/// The nearest representable weight: `mantissa · 2^−exponent`.
fn encode_weight(weight: f64) -> u16 {
    let mut exponent = 0;
    let mut mantissa = weight;
    while exponent < EXPONENT_MAX && mantissa * 2.0 <= MANTISSA_MAX {
        mantissa *= 2.0;
        exponent += 1;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the bits of a mantissa"
    )]
    let mantissa = mantissa.round().clamp(0.0, MANTISSA_MAX) as u16;
    mantissa << EXPONENT_BITS | u16::try_from(exponent).expect("five bits")
}

fn decode_weight(weight: u16) -> f64 {
    let exponent = i8::try_from(weight & 31).expect("five bits");
    f64::from(weight >> EXPONENT_BITS) * exp2(-exponent)
}
