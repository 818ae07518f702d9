//! Gaussian naive Bayes in fixed point: means in Q15 codes, 1 / σ as small floats, priors and log σ
//! folded into one offset per class.

use std::cmp::Ordering;

use spinney_model::{GaussianNb, argmax};
use spinney_runtime::bayes::{self as runtime, FACTOR_BITS, SHIFT_BITS, Term};

use crate::ModelError;
use crate::calibrate::{Calibration, CodingChoice, Sensor};
use crate::coding::{Coding, exp2};

/// A quantized naive Bayes model: the runtime's tables, owned.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantBayes {
    terms: Vec<Term>,
    offsets: Vec<i64>,
    score_bits: u8,
}

const FACTOR_MAX: f64 = ((1 << FACTOR_BITS) - 1) as f64;
const SHIFT_MAX: u8 = (1 << SHIFT_BITS) - 1;
/// Scores keep at least 2^−12 and at most 2^−40 of a nat.
const SCORE_BITS: std::ops::RangeInclusive<u8> = 12..=40;
/// Readings of integers are scaled up by 2^15 at the most.
const INTEGER_SHIFT_MAX: i8 = 15;
/// What a coding that all features share may take from the means of a class beyond twice what
/// they lose anyway, in σ added up over features.
const SHARED_LOSS: f64 = 0.125;
/// The largest sum of squares that codes may make, which leaves as much to the offsets.
const SQUARES_MAX: f64 = (1_u64 << 62) as f64;
/// An offset is less than 2^61, which leaves more than as much to the squares.
const OFFSET_BITS: i8 = 61;

/// The coding of each input, whose calibrations are given: one and the same for all where that costs no precision worth
/// having, since a device then needs no table of codings; else each as fine as 16 bits allow, for
/// integers too, whose means lie between them.
pub(crate) fn codings(
    bayes: &GaussianNb,
    calibrations: &[Calibration],
) -> Result<Vec<Coding>, ModelError> {
    let own: Vec<Coding> = bayes
        .inputs()
        .iter()
        .map(|input| &bayes.schema().features()[*input])
        .zip(calibrations)
        .map(|(feature, calibration)| match calibration.coding {
            CodingChoice::Identity => Ok(Coding::IDENTITY),
            CodingChoice::Rank => Err(ModelError::new(
                format!("feature \"{}\"", feature.name),
                "coding = \"rank\" in a naive Bayes model",
                "auto or affine; ranks keep no distances",
            )),
            CodingChoice::Auto | CodingChoice::Affine => {
                let max_shift = match calibration.sensor {
                    Sensor::F32 => 100,
                    _ => INTEGER_SHIFT_MAX,
                };
                Ok(Coding::affine_within(calibration.range, max_shift))
            }
        })
        .collect::<Result<_, _>>()?;
    let is_open = |calibration: &Calibration| {
        calibration.sensor != Sensor::F32 && calibration.coding == CodingChoice::Auto
    };
    if !calibrations.iter().all(is_open) {
        return Ok(own);
    }
    let shared = vec![shared(calibrations); own.len()];
    let bearable = 2.0 * mean_loss(bayes, &own) + SHARED_LOSS;
    Ok(if mean_loss(bayes, &shared) <= bearable {
        shared
    } else {
        own
    })
}

/// One coding for features of integers. It has no offset where that leaves it a digit coarser at
/// the most: scaling and saturating is then all there is to do.
fn shared(calibrations: &[Calibration]) -> Coding {
    let ranges = || calibrations.iter().map(|calibration| calibration.range);
    let low = ranges().map(|(low, _)| low).fold(f64::INFINITY, f64::min);
    let high = ranges()
        .map(|(_, high)| high)
        .fold(f64::NEG_INFINITY, f64::max);
    let finest = Coding::affine_within((low, high), INTEGER_SHIFT_MAX);
    let farthest = low.abs().max(high.abs());
    let centred = Coding::affine_within((-farthest, farthest), INTEGER_SHIFT_MAX);
    match (&finest, &centred) {
        (
            Coding::Affine { shift, .. },
            Coding::Affine {
                shift: coarser,
                offset: 0,
            },
        ) if coarser + 1 >= *shift => centred,
        _ => finest,
    }
}

/// How far rounding to codes moves the means of a class, in σ, added up over features; of the
/// class that loses most.
fn mean_loss(bayes: &GaussianNb, codings: &[Coding]) -> f64 {
    let scales: Vec<Scale> = codings.iter().map(Scale::of).collect();
    let classes = bayes.means().iter().zip(bayes.variances());
    classes
        .map(|(means, variances)| {
            let features = means.iter().zip(variances).zip(&scales);
            features
                .map(|((mean, variance), scale)| {
                    let exact = scale.code(*mean);
                    (exact - exact.round()).abs() / (variance.sqrt() * scale.factor)
                })
                .sum()
        })
        .fold(0.0, f64::max)
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
        let n_classes = bayes.schema().n_classes();
        let n_features = bayes.inputs().len();
        // σ in codes.
        let sigma = |class: usize, feature: usize| {
            bayes.variances()[class][feature].sqrt() * scales[feature].factor
        };
        let term = |class: usize, feature: usize, score_bits: u8, most: f64| {
            let exact = scales[feature].code(bayes.means()[class][feature]);
            let sigma = sigma(class, feature);
            let (factor, shift) = encode_scale((unit(score_bits) / 2.0).sqrt() / sigma, most);
            let mean = if sigma < 1.0 {
                // Within a code, what counts is that readings at the mean have its code.
                exact.floor()
            } else {
                // Flooring a deviation takes half a unit from it on average; the mean gives it back.
                let floor = 0.5 * exp2_u8(shift) / f64::from(factor.max(1));
                (exact - biases[feature] - floor).round()
            };
            Term::new(saturate(mean), factor, shift)
        };
        let terms = |score_bits: u8, most: f64| -> Vec<Term> {
            (0..n_classes)
                .flat_map(|class| (0..n_features).map(move |feature| (class, feature)))
                .map(|(class, feature)| term(class, feature, score_bits, most))
                .collect()
        };
        let constants: Vec<f64> = (0..n_classes).map(|class| bayes.constant(class)).collect();
        let fits = |score_bits: &u8| {
            let offset = |constant: &f64| (constant * unit(*score_bits)).abs();
            if !constants.iter().all(|it| offset(it) <= exp2(OFFSET_BITS)) {
                return false;
            }
            let finest = (unit(*score_bits) / 2.0).sqrt();
            let is_held = (0..n_classes).all(|class| {
                (0..n_features).all(|feature| finest <= FACTOR_MAX * sigma(class, feature))
            });
            is_held && {
                let terms = terms(*score_bits, FACTOR_MAX);
                terms
                    .chunks(n_features)
                    .all(|terms| squares(terms) <= SQUARES_MAX)
            }
        };
        // As fine a score as keeps all scales and leaves 64 bits to no codes; else scales are cut.
        let fine = SCORE_BITS.rev().find(|bits| fits(bits));
        let score_bits = fine.unwrap_or(*SCORE_BITS.start());
        let most = if fine.is_some() {
            FACTOR_MAX
        } else {
            ((SQUARES_MAX / n_features as f64).sqrt() / 65_536.0).clamp(1.0, FACTOR_MAX)
        };
        let terms = terms(score_bits, most);
        let offsets = constants
            .iter()
            // Casts: clamped to 61 bits.
            .map(|constant| {
                let offset = (-constant * unit(score_bits)).round();
                offset.clamp(-exp2(OFFSET_BITS), exp2(OFFSET_BITS)) as i64
            })
            .collect();
        Self {
            terms,
            offsets,
            score_bits,
        }
    }

    /// Terms, class after class, one per code.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// One per class, in score units: the score of a row that lies on all means, negated.
    pub fn offsets(&self) -> &[i64] {
        &self.offsets
    }

    /// A score unit is `2^−score_bits` nats.
    pub fn score_bits(&self) -> u8 {
        self.score_bits
    }

    pub(crate) fn arithmetic(&self, n_features: usize) -> Vec<String> {
        let bits = |value: u64| u64::BITS - value.leading_zeros();
        let deviation = |term: &Term| term.farthest().isqrt();
        let largest = self.terms.iter().map(deviation).max().unwrap_or(0);
        let classes = self.terms.chunks(n_features.max(1));
        let sums = classes.map(|terms| terms.iter().map(|term| term.farthest()).sum::<u64>());
        let sum = sums.max().unwrap_or(0);
        let offsets = self.offsets.iter().map(|offset| offset.unsigned_abs());
        let offset = offsets.max().unwrap_or(0);
        let score = sum.saturating_add(offset);
        vec![
            "Deviations: a difference of two codes is at most 65,535 (16 bits and a sign), times a \
             factor of 12 bits less than 2^28 (28 bits and a sign of 32)."
                .to_owned(),
            format!(
                "Sums: the largest deviation that codes can make of these tables is {largest} ({} \
                 bits), the largest sum of a class's {n_features} squares {sum} ({} bits), the \
                 largest offset {offset} ({} bits); together at most {score}, {} bits of 63.",
                bits(largest),
                bits(sum),
                bits(offset),
                bits(score)
            ),
            format!(
                "Scores: in units of 2^-{} nats, deviations in units of 2^-{} σ. A deviation is \
                 floored, half a unit of which its mean makes up for; a factor is rounded by at \
                 most half of its last of 12 bits, or cut where it is beyond the table; what that \
                 and the codes of reading and mean come to is added up row by row.",
                self.score_bits,
                deviation_bits(self.score_bits),
            ),
        ]
    }

    /// The runtime's view of the tables, for rows of `n_codes` codes.
    ///
    /// # Panics
    /// Never with the counts of the model that it belongs to, whose tables were built to pass the
    /// runtime's check.
    pub fn runtime(&self, n_codes: usize, n_classes: usize) -> runtime::GaussianNb<'_> {
        runtime::GaussianNb::new(runtime::Tables {
            n_features: n_codes,
            n_classes,
            terms: &self.terms,
            offsets: &self.offsets,
        })
        .expect("tables made from a checked model are valid")
    }

    /// Whether some class may overtake the winner of one row, as far as the proven bound tells.
    pub(crate) fn is_at_risk(&self, bayes: &GaussianNb, codes: &[i16], row: &[f64]) -> bool {
        let scores = bayes.joint_log_likelihood(row);
        let winner = argmax(&scores);
        (0..self.offsets.len()).any(|class| {
            let margin = scores[winner] - scores[class];
            let bound = || self.margin_bound(bayes, codes, row, [winner, class]);
            // A margin that is no number decides nothing.
            class != winner && !matches!(margin.partial_cmp(&bound()), Some(Ordering::Greater))
        })
    }

    /// How far float and Q15 may differ in the margin between two classes on one row, in nats: a
    /// proven bound.
    ///
    /// It adds up, over features, how far the two classes' squares are off for rounded factors,
    /// means, readings and deviations; what the two share cancels.
    ///
    /// # Panics
    /// If the arguments do not belong to the model that this was made from.
    #[must_use]
    pub fn margin_bound(
        &self,
        bayes: &GaussianNb,
        codes: &[i16],
        row: &[f64],
        classes: [usize; 2],
    ) -> f64 {
        let [one, other] = classes.map(|class| self.term_errors(bayes, class, codes, row));
        let pairs = one.off.iter().zip(&other.off);
        let apart: f64 = pairs.map(|(one, other)| (one - other).abs()).sum();
        let units = apart + one.offset + other.offset;
        units / unit(self.score_bits) + one.float + other.float
    }

    fn term_errors(
        &self,
        bayes: &GaussianNb,
        class: usize,
        codes: &[i16],
        row: &[f64],
    ) -> TermErrors {
        let unit = unit(self.score_bits);
        let inputs = bayes.inputs();
        let n_features = inputs.len();
        let variances = &bayes.variances()[class];
        let means = &bayes.means()[class];
        let mut magnitude = bayes.log_priors()[class].abs();
        let off = (0..n_features)
            .map(|feature| {
                let term = self.terms[class * n_features + feature];
                let apart = row[inputs[feature]] - means[feature];
                let exact = 0.5 * apart * apart / variances[feature] * unit;
                let coded = runtime::square_wide(term.deviation(codes[feature])) as f64;
                magnitude += (exact + coded) / unit
                    + libm::log(std::f64::consts::TAU * variances[feature]).abs();
                exact - coded
            })
            .collect();
        let offset = -bayes.constant(class) * unit - self.offsets[class] as f64;
        TermErrors {
            off,
            offset: offset.abs(),
            // The float sum itself is rounded at every step, and so is this one.
            float: magnitude * (n_features as f64 + 8.0) * 4.0 * f64::EPSILON,
        }
    }
}

/// How far one class's score of one row is off.
struct TermErrors {
    /// Per feature, with sign, in score units.
    off: Vec<f64>,
    /// Of the offset, in score units.
    offset: f64,
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
            _ => unreachable!("`codings` gives naive Bayes affine codings"),
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
    exp2_u8(bits)
}

/// The largest sum of squares that codes can make of a class's terms.
fn squares(terms: &[Term]) -> f64 {
    terms.iter().map(|term| term.farthest() as f64).sum()
}

/// The nearest scale that a table holds, `factor · 2^−shift`, at most `most`.
fn encode_scale(scale: f64, most: f64) -> (u16, u8) {
    let scale = scale.min(most);
    let shift = (0..=SHIFT_MAX)
        .rev()
        .find(|shift| (scale * exp2_u8(*shift)).round() <= FACTOR_MAX)
        .unwrap_or(0);
    // Casts: at most the largest factor.
    let factor = (scale * exp2_u8(shift)).round() as u16;
    (factor, shift)
}

/// Bits of a σ that deviations keep below the point: a deviation of z σ is ½ z² nats.
fn deviation_bits(score_bits: u8) -> String {
    format!("{:.1}", f64::from(score_bits - 1) / 2.0)
}

fn exp2_u8(exponent: u8) -> f64 {
    exp2(i8::try_from(exponent).expect("at most 40"))
}

// Casts: `as` saturates, which is meant.
fn saturate(mean: f64) -> i16 {
    mean as i16
}
