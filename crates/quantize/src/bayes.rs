//! Gaussian naive Bayes in fixed point: means in Q15 codes, weights as small floats, priors and
//! log σ folded into one constant per class.

use std::cmp::Ordering;

use fixed::types::I1F15;
use spinney_model::{GaussianNb, Schema, argmax};
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
                let exact = bayes.means()[class][feature];
                let sigma = bayes.variances()[class][feature].sqrt() * scales[feature].factor;
                let mean = if sigma < 1.0 {
                    // Within a code, what counts is that readings at the mean have its code.
                    scales[feature].code(exact).floor()
                } else {
                    scales[feature].code(exact) - biases[feature]
                };
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

    pub(crate) fn arithmetic(&self, n_features: usize) -> Vec<String> {
        let bits = |value: u64| u64::BITS - value.leading_zeros();
        let farthest = |term: &Term| {
            let ends = [i16::MIN, i16::MAX].map(|code| runtime::weighted_square(*term, code, 0));
            ends[0].max(ends[1])
        };
        let largest = self.terms.iter().map(farthest).max().unwrap_or(0);
        let classes = self.terms.chunks(n_features.max(1));
        let penalties = classes.map(|terms| terms.iter().map(farthest).sum::<u64>());
        let penalty = penalties.max().unwrap_or(0);
        let constants = self
            .constants
            .iter()
            .map(|constant| constant.unsigned_abs());
        let constant = constants.max().unwrap_or(0);
        let sum = penalty.saturating_add(constant);
        vec![
            "Terms: a difference of two codes is at most 65,535 (16 bits and a sign), its square \
             4,294,836,225 (32 bits), times a mantissa of 11 bits less than 2^43 (43 bits)."
                .to_owned(),
            format!(
                "Sums: the largest term that codes can make of these tables is {largest} ({} \
                 bits), the largest sum of a class's {n_features} terms {penalty} ({} bits), the \
                 largest constant {constant} ({} bits); together at most {sum}, {} bits of 63.",
                bits(largest),
                bits(penalty),
                bits(constant),
                bits(sum)
            ),
            format!(
                "Scores: in units of 2^-{} nats. Flooring is off by at most half a unit per term, \
                 {n_features} units in a margin between two classes; a weight is rounded by at \
                 most half of its mantissa's last bit, or cut where it is beyond the table; what \
                 that and the codes of reading and mean come to is added up row by row.",
                self.score_bits,
            ),
        ]
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

    /// Whether some class may overtake the winner of one row, as far as the proven bound tells.
    pub(crate) fn is_at_risk(
        &self,
        bayes: &GaussianNb,
        codings: &[Coding],
        codes: &[i16],
        row: &[f64],
    ) -> bool {
        let scores = bayes.joint_log_likelihood(row);
        let winner = argmax(&scores);
        (0..self.constants.len()).any(|class| {
            let margin = scores[winner] - scores[class];
            let bound = || self.margin_bound(bayes, codings, codes, row, [winner, class]);
            // A margin that is no number decides nothing.
            class != winner && !matches!(margin.partial_cmp(&bound()), Some(Ordering::Greater))
        })
    }

    /// How far float and Q15 may differ in the margin between two classes on one row, in nats: a
    /// proven bound.
    ///
    /// It adds up, over features, how far the two terms `weight · distance²` are off for rounded
    /// weights, means and readings; what the two terms share cancels. Flooring adds at most half a unit per
    /// term and class either way, since half a unit is taken out beforehand.
    ///
    /// # Panics
    /// If the arguments do not belong to the model that this was made from.
    #[must_use]
    pub fn margin_bound(
        &self,
        bayes: &GaussianNb,
        codings: &[Coding],
        codes: &[i16],
        row: &[f64],
        classes: [usize; 2],
    ) -> f64 {
        let scales: Vec<Scale> = codings.iter().map(Scale::of).collect();
        let [one, other] = classes.map(|class| self.term_errors(bayes, &scales, class, codes, row));
        let pairs = one.off.iter().zip(&other.off);
        let apart: f64 = pairs.map(|(one, other)| (one - other).abs()).sum();
        let units = apart + one.constant + other.constant + row.len() as f64;
        units / unit(self.score_bits) + one.float + other.float
    }

    fn term_errors(
        &self,
        bayes: &GaussianNb,
        scales: &[Scale],
        class: usize,
        codes: &[i16],
        row: &[f64],
    ) -> TermErrors {
        let unit = unit(self.score_bits);
        let n_features = row.len();
        let variances = &bayes.variances()[class];
        let means = &bayes.means()[class];
        let mut magnitude = bayes.log_priors()[class].abs();
        let off = (0..n_features)
            .map(|feature| {
                let scale = &scales[feature];
                let term = self.terms[class * n_features + feature];
                let exact = 0.5 / (variances[feature] * scale.factor * scale.factor) * unit;
                let coded = decode_weight(term.weight);
                let code = f64::from(codes[feature]);
                let distance = code - f64::from(term.mean);
                let apart = (row[feature] - means[feature]) * scale.factor;
                let penalties = (exact * apart * apart, coded * distance * distance);
                magnitude += (penalties.0 + penalties.1) / unit
                    + libm::log(std::f64::consts::TAU * variances[feature]).abs();
                penalties.0 - penalties.1
            })
            .collect();
        let floors = 0.5 * n_features as f64;
        let constant = bayes.constant(class) * unit + floors - self.constants[class] as f64;
        TermErrors {
            off,
            constant: constant.abs(),
            // The float sum itself is rounded at every step, and so is this one.
            float: magnitude * (n_features as f64 + 8.0) * 4.0 * f64::EPSILON,
        }
    }
}

/// How far one class's score of one row is off.
struct TermErrors {
    /// Per feature, with sign, in score units, flooring aside.
    off: Vec<f64>,
    /// Of the constant, in score units.
    constant: f64,
    /// Of the float computations, in nats.
    float: f64,
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
