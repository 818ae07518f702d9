//! Class probabilities in Q15: what the device gives, what float gives, and how far they may be
//! apart.

use spinney_model::{FloatModel, Voting, argmax};
use spinney_runtime::probability::{ONE, Softmax, VoteShares};

use crate::forest::VoteWidth;
use crate::paths::Paths;
use crate::{Body, Leaves, QuantBayes, QuantForest, QuantModel};

/// Half a unit for rounding, 2^−17 for the reciprocal, and one where the winner is lifted.
const VOTE_SHARE_ERROR: f64 = 1.5 + 1.0 / 131_072.0;
/// As the runtime's `Softmax` works it out.
const SOFTMAX_ERROR: f64 = 1.625;

/// How scores become probabilities on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probabilities {
    /// Shares of this many votes.
    Votes {
        /// The votes that all trees have together.
        total: u32,
    },
    /// The softmax of scores in units of `2^−score_bits` nats.
    Softmax {
        /// Fractional bits of a score.
        score_bits: u8,
    },
}

impl Probabilities {
    /// `None` for an ensemble that adds by another link than these two shapes.
    pub(crate) fn of(body: &Body) -> Option<Self> {
        Some(match body {
            Body::Forest(forest) => match forest.sums() {
                Some(sums) => Self::Softmax {
                    score_bits: sums.softmax_bits()?,
                },
                None => Self::Votes {
                    total: total_votes(forest),
                },
            },
            Body::Bayes(bayes) => Self::Softmax {
                score_bits: bayes.score_bits(),
            },
        })
    }

    /// The probabilities of one row's scores, as the runtime computes them.
    pub(crate) fn apply(self, scores: &[i64]) -> Vec<u16> {
        const FITS: &str = "a model that was checked, and as many probabilities as scores";
        let mut probabilities = vec![0; scores.len()];
        match self {
            Self::Votes { total } => {
                let votes: Vec<u32> = scores
                    .iter()
                    .map(|score| u32::try_from(*score).expect("votes of a forest"))
                    .collect();
                VoteShares::new(total)
                    .expect(FITS)
                    .probabilities(&votes, &mut probabilities)
            }
            .expect(FITS),
            Self::Softmax { score_bits } => Softmax::new(score_bits)
                .expect(FITS)
                .probabilities(scores, &mut probabilities)
                .expect(FITS),
        }
        probabilities
    }

    pub(crate) fn arithmetic(self) -> String {
        match self {
            Self::Votes { total } => format!(
                "Probabilities: votes times 32768/{total} as a reciprocal of 32 bits, a product of \
                 at most 64; off from the share of votes by at most 1.5 + 2^-17 units of 2^-15, one \
                 of which only where the winner is lifted above a lower class."
            ),
            Self::Softmax { score_bits } => format!(
                "Probabilities: the softmax of scores in units of 2^-{score_bits} nats, from a \
                 table of 32 exponentials of 31 bits and a polynomial of second degree, products \
                 of at most 64 bits; off from the softmax of the same scores by at most 1.625 units \
                 of 2^-15, one of which only where the winner is lifted above a lower class."
            ),
        }
    }
}

fn total_votes(forest: &QuantForest) -> u32 {
    let n_trees = u32::try_from(forest.trees().len()).expect("at most `limits::TREES`");
    n_trees * forest.leaves().unit()
}

/// How far the device's probabilities of one row may be from [`FloatModel::probabilities_by`], as a
/// difference of probabilities (0 to 1): a proven bound. `None` where the row's paths through the
/// trees part, which the certificate lists.
///
/// For trees it adds the rounding of the votes in the leaves that the row reaches to that of the
/// shares. For naive Bayes it adds `tanh(ε / 4)` to the error of the softmax, where ε nats bound
/// how far the margin between any two classes is off: odds are then off by a factor of at most
/// `e^ε`, and no probability moves further by that than one of a half does, from
/// `1 / (1 + e^(ε/2))` to `1 / (1 + e^(−ε/2))`.
///
/// # Panics
/// If `quant` was made from a model of another kind or shape.
pub fn probability_bound(
    model: &FloatModel,
    quant: &QuantModel,
    voting: Voting,
    row: &[f64],
    codes: &[i16],
) -> Option<f64> {
    let unit = f64::from(ONE);
    match (model, quant.body()) {
        (FloatModel::Forest(forest), Body::Forest(body)) => {
            let paths = Paths::new(model, quant);
            let n_trees = forest.trees().len();
            if (0..n_trees).any(|tree| paths.parting(tree, row, codes).is_err()) {
                return None;
            }
            let width = match body.leaves() {
                _ if voting == Voting::Hard => None,
                Leaves::Bytes(_) => Some(VoteWidth::Bytes),
                Leaves::Words(_) => Some(VoteWidth::Words),
                Leaves::Classes | Leaves::Values(_) => None,
            };
            let n_classes = forest.schema().n_classes();
            let mut errors = vec![0.0; n_classes];
            for leaf in forest.leaves(row) {
                let votes = width.map(|width| (width.votes(leaf), width.unit()));
                for (class, error) in errors.iter_mut().enumerate() {
                    let vote = match &votes {
                        Some((votes, unit)) => f64::from(votes[class]) / unit,
                        None => f64::from(u8::from(argmax(leaf) == class)),
                    };
                    let wanted = match voting {
                        Voting::Soft => leaf[class],
                        Voting::Hard => vote,
                    };
                    *error += vote - wanted;
                }
            }
            let votes = errors
                .iter()
                .fold(0.0, |most: f64, error| most.max(error.abs()));
            let float_error = n_trees as f64 * f64::EPSILON * 2.0;
            Some(votes / n_trees as f64 + VOTE_SHARE_ERROR / unit + float_error)
        }
        (FloatModel::Additive(sum), Body::Forest(body)) => {
            let paths = Paths::new(model, quant);
            if (0..sum.trees().len()).any(|tree| paths.parting(tree, row, codes).is_err()) {
                return None;
            }
            let mut bounds = body.sums()?.bounds_of(sum, row);
            bounds.sort_by(|one, other| other.total_cmp(one));
            let margin = match sum.threshold() {
                // Sides are told apart at the threshold, and the sigmoid is at 0.
                Some(threshold) => bounds[0] + threshold.abs(),
                // Of two classes, each is off by its own bound at the most.
                None => bounds.iter().take(2).sum(),
            };
            Some(softmax_bound(margin))
        }
        (FloatModel::GaussianNb(bayes), Body::Bayes(body)) => {
            Some(bayes_bound(bayes, body, quant, row, codes))
        }
        _ => panic!("a bound compares a model with its own quantization"),
    }
}

fn bayes_bound(
    bayes: &spinney_model::GaussianNb,
    body: &QuantBayes,
    quant: &QuantModel,
    row: &[f64],
    codes: &[i16],
) -> f64 {
    let winner = argmax(&bayes.joint_log_likelihood(row));
    let mut margins: Vec<f64> = (0..quant.schema().n_classes())
        .filter(|class| *class != winner)
        .map(|class| body.margin_bound(bayes, codes, row, [winner, class]))
        .collect();
    // Two classes are as far off as both are from the winner, at the most.
    margins.sort_by(|one, other| other.total_cmp(one));
    let margin = margins.iter().take(2).sum::<f64>();
    softmax_bound(margin)
}

/// How far probabilities are off whose margins between any two classes are off by so many nats.
fn softmax_bound(margin: f64) -> f64 {
    let moved = libm::tanh(margin / 4.0);
    // The float softmax is off by a few ulps.
    moved + SOFTMAX_ERROR / f64::from(ONE) + 1e-9
}
