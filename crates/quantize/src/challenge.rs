//! Attempts to refute a certificate: random and adversarial inputs, looking for one that float and
//! Q15 decide differently where the certificate says they do not.

use spinney_dataset::Dataset;
use spinney_model::{FloatModel, Node, Side, Task, Test, Tree, Voting, argmax};

use crate::calibrate::{Calibration, Sensor};
use crate::certificate::{Certificate, is_within_bound};
use crate::coding::{Coding, exp2, round_down};
use crate::flip::Flip;
use crate::forest::VoteWidth;
use crate::paths::Paths;
use crate::thresholds::thresholds;
use crate::{Leaves, QuantModel, Scorer};

/// What was tried, and what was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Challenge {
    /// Inputs tried.
    pub n_inputs: usize,
    /// Inputs that the two models decided differently, all of them where the certificate allows.
    pub n_differing: usize,
    /// The furthest that a raw value was off float's where no split decided otherwise; 0 of models
    /// that give no values.
    pub error_max: f64,
    /// What refutes the certificate, in words; the first few.
    pub counterexamples: Vec<String>,
}

/// Most counterexamples that are told.
const TOLD: usize = 5;
/// Parts that a challenge is cut into; each has a random stream of its own.
const PARTS: usize = 8;

/// A model, its quantization, and the certificate that is to be refuted.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The float model.
    pub model: &'a FloatModel,
    /// What was made from it.
    pub quant: &'a QuantModel,
    /// The calibrations that it was made with.
    pub calibrations: &'a [Calibration],
    /// The vote that both sides take.
    pub voting: Voting,
    /// What [`certify`](crate::certify) says of them.
    pub certificate: &'a Certificate,
}

/// Tries `n_inputs` inputs against a certificate.
///
/// Inputs start from a row of `rows` or from nothing. Their readings are then replaced: by each
/// threshold, by the reading and the code to either side of it, by the ends of ranges and codes,
/// by NaN, infinities and the largest singles where the sensor is one of singles and, for trees, no
/// threshold lies beyond its range, and by random readings. The same seed tries the same inputs.
///
/// # Panics
/// If the parts of `subject` do not belong together.
pub fn challenge(subject: Subject<'_>, rows: &Dataset, n_inputs: usize, seed: u64) -> Challenge {
    let Subject {
        model,
        quant,
        calibrations,
        voting,
        certificate,
    } = subject;
    let pools = pools(model, quant, calibrations);
    let attempt = |part: usize| {
        let n_inputs = n_inputs / PARTS + usize::from(part < n_inputs % PARTS);
        let random = Random(seed ^ (part as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Attempt::new(model, quant, voting, certificate).run(&pools, rows, n_inputs, random)
    };
    let parts: Vec<Challenge> = std::thread::scope(|scope| {
        let attempt = &attempt;
        let handles: Vec<_> = (0..PARTS)
            .map(|part| scope.spawn(move || attempt(part)))
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().expect("an attempt that does not panic"))
            .collect()
    });
    let mut all = Challenge::default();
    for part in parts {
        all.n_inputs += part.n_inputs;
        all.n_differing += part.n_differing;
        all.error_max = all.error_max.max(part.error_max);
        all.counterexamples.extend(part.counterexamples);
    }
    all.counterexamples.truncate(TOLD);
    all
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        // Casts: below n.
        (self.next() % n as u64) as usize
    }

    /// Uniform in `0.0..1.0`.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * exp2(-53)
    }
}

/// Readings to try for one feature.
struct Pool {
    sensor: Sensor,
    range: (f64, f64),
    /// Whether readings are held to the range, as thresholds lie beyond it.
    is_bounded: bool,
    adversarial: Vec<f64>,
    /// What stands for a missing reading, and is no reading.
    gap: Option<f64>,
}

impl Pool {
    /// Places of categories, and what is none.
    fn add_categories(&mut self, n_categories: u32) {
        if n_categories == 0 {
            return;
        }
        let places = (0..=n_categories).map(f64::from);
        self.adversarial.extend(places.chain([65_535.0, -1.0]));
        if let Some((low, high)) = self.sensor.integers() {
            self.adversarial
                .retain(|reading| (low..=high).contains(reading));
        } else {
            self.adversarial.extend([-0.5, 0.5, 1.5, 65_536.0, -0.0]);
        }
    }

    /// A reading of a row as the sensor would have delivered it.
    fn delivered(&self, reading: f64) -> f64 {
        if reading.is_nan() {
            return reading;
        }
        let reading = match self.sensor {
            Sensor::F32 => single(reading),
            _ => reading,
        };
        let reading = if self.is_bounded {
            reading.clamp(self.range.0, self.range.1)
        } else {
            reading
        };
        self.unless_missing(reading)
    }

    fn any(&self, random: &mut Random) -> f64 {
        if !self.adversarial.is_empty() && random.below(4) != 0 {
            return self.adversarial[random.below(self.adversarial.len())];
        }
        let (low, high) = self.range;
        let reading = low + (high - low) * random.unit();
        match self.sensor {
            Sensor::F32 => single(reading).clamp(low, high),
            _ => reading.floor(),
        }
    }

    /// A reading to try, and never what stands for a missing one.
    fn draw(&self, random: &mut Random) -> f64 {
        self.unless_missing(self.any(random))
    }

    fn unless_missing(&self, reading: f64) -> f64 {
        if self.gap == Some(reading) {
            f64::NAN
        } else {
            reading
        }
    }
}

fn single(reading: f64) -> f64 {
    f64::from(round_down(reading))
}

fn pools(model: &FloatModel, quant: &QuantModel, calibrations: &[Calibration]) -> Vec<Pool> {
    let thresholds = match model {
        FloatModel::Forest(_) | FloatModel::Additive(_) => thresholds(model),
        FloatModel::GaussianNb(bayes) => {
            let mut means_of = vec![Vec::new(); calibrations.len()];
            for (index, input) in bayes.inputs().iter().enumerate() {
                means_of[*input].extend(bayes.means().iter().map(|means| means[index]));
            }
            means_of
        }
    };
    let mut sends_missing_left = vec![false; calibrations.len()];
    let mut n_categories = vec![0_u32; calibrations.len()];
    for node in model.trees().iter().flat_map(Tree::nodes) {
        let Node::Split(split) = node else { continue };
        let feature = split.feature as usize;
        sends_missing_left[feature] |= split.missing == Some(Side::Left);
        if let Test::Among(categories) = &split.test {
            let known = &mut n_categories[feature];
            *known = (*known).max(categories.last().map_or(0, |last| last + 1));
        }
    }
    let is_forest = !model.trees().is_empty();
    calibrations
        .iter()
        .enumerate()
        .zip(thresholds)
        .map(|((feature, calibration), thresholds)| {
            // Readings of features that are not used are tried as any, and must change nothing.
            let coding = quant
                .input_of(feature)
                .map_or(&Coding::IDENTITY, |input| &input.coding);
            let mut pool = pool(calibration, coding, &thresholds, is_forest);
            // Where none is missing by what is declared, nothing is said of NaN on the left.
            if is_forest && sends_missing_left[feature] && !calibration.is_missing() {
                pool.adversarial.retain(|reading| !reading.is_nan());
            }
            pool.add_categories(n_categories[feature]);
            if let Some(missing) = calibration.missing {
                pool.gap = Some(missing.reading());
                pool.adversarial
                    .retain(|reading| *reading != missing.reading());
                pool.adversarial.push(f64::NAN);
            }
            pool
        })
        .collect()
}

fn pool(calibration: &Calibration, coding: &Coding, thresholds: &[f64], is_forest: bool) -> Pool {
    let is_single = calibration.sensor == Sensor::F32;
    let (mut low, mut high) = calibration.range;
    if is_single {
        // The ends that the sensor can deliver.
        let at_most = round_down(low);
        let is_below = f64::from(at_most) < low;
        high = single(high);
        low = f64::from(if is_below { at_most.next_up() } else { at_most }).min(high);
    }
    let mut readings = vec![low, high];
    for threshold in thresholds {
        let at = if is_single {
            single(*threshold)
        } else {
            threshold.floor()
        };
        readings.extend(neighbours(at, is_single));
        if let Coding::Affine { shift, .. } = coding {
            let step = exp2(-*shift);
            let code = (at * exp2(*shift)).floor();
            for edge in [code - 1.0, code, code + 1.0, code + 2.0] {
                let edge = edge * step;
                readings.extend(neighbours(
                    if is_single {
                        single(edge)
                    } else {
                        edge.floor()
                    },
                    is_single,
                ));
            }
        }
    }
    let (least, most) = calibration.range;
    let lies_within = thresholds.iter().all(|at| (least..=most).contains(at));
    if let Some((least, most)) = calibration.sensor.integers() {
        readings.extend([least, most]);
        let (least, most) = if lies_within {
            (least, most)
        } else {
            (low, high)
        };
        readings.retain(|reading| (least..=most).contains(reading));
    } else if lies_within && is_forest {
        let max = f64::from(f32::MAX);
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        readings.extend([0.0, -0.0, nan, infinity, -infinity, max, -max, 1e-45]);
        let tiny = f64::from(f32::MIN_POSITIVE);
        readings.extend([tiny, -tiny]);
    } else {
        readings.retain(|reading| (low..=high).contains(reading));
        if !is_forest {
            // Naive Bayes has no proof for them but must give some class.
            let max = f64::from(f32::MAX);
            readings.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, max, -max]);
        }
    }
    readings.sort_by(f64::total_cmp);
    readings.dedup_by(|one, other| one.to_bits() == other.to_bits());
    Pool {
        sensor: calibration.sensor,
        range: (low, high),
        is_bounded: !lies_within,
        adversarial: readings,
        gap: None,
    }
}

fn neighbours(at: f64, is_single: bool) -> [f64; 3] {
    if is_single {
        let at = round_down(at);
        [at.next_down(), at, at.next_up()].map(f64::from)
    } else {
        [at - 1.0, at, at + 1.0]
    }
}

/// One stream of inputs.
struct Attempt<'a> {
    model: &'a FloatModel,
    quant: &'a QuantModel,
    voting: Voting,
    scorer: Scorer<'a>,
    paths: Option<Paths<'a>>,
    flips: std::collections::BTreeMap<(usize, usize), &'a Flip>,
}

impl<'a> Attempt<'a> {
    fn new(
        model: &'a FloatModel,
        quant: &'a QuantModel,
        voting: Voting,
        certificate: &'a Certificate,
    ) -> Self {
        Self {
            model,
            quant,
            voting,
            scorer: quant.scorer(),
            paths: (!model.trees().is_empty()).then(|| Paths::new(model, quant)),
            flips: certificate
                .flips
                .iter()
                .map(|flip| ((flip.tree, flip.node), flip))
                .collect(),
        }
    }

    fn run(
        &self,
        pools: &[Pool],
        rows: &Dataset,
        n_inputs: usize,
        mut random: Random,
    ) -> Challenge {
        let mut challenge = Challenge {
            n_inputs,
            ..Challenge::default()
        };
        for _ in 0..n_inputs {
            let row = input(pools, rows, &mut random);
            match self.judge(&row, &mut challenge.error_max) {
                Ok(differs) => challenge.n_differing += usize::from(differs),
                Err(reason) if challenge.counterexamples.len() < TOLD => {
                    challenge.counterexamples.push(format!("{reason}: {row:?}"));
                }
                Err(_) => {}
            }
        }
        challenge
    }

    /// Whether the models decide differently, which the certificate allows; else what is wrong.
    fn judge(&self, row: &[f64], error_max: &mut f64) -> Result<bool, String> {
        let codes = self.quant.codes(row);
        let scores = self.scorer.scores(&codes);
        let (float, q15) = match self.model.task() {
            // Values have a bound, and no decision.
            Task::Regress => (0, 0),
            Task::Classify | Task::Detect => (
                self.model.predict_by(self.voting, row),
                spinney_runtime::argmax(&scores),
            ),
        };
        if let Some(paths) = &self.paths {
            let forest = self.quant.forest().expect("what has paths has trees");
            let mut votes = forest.leaves().bases(scores.len());
            let mut parts = false;
            for tree in 0..self.model.trees().len() {
                match paths.parting(tree, row, &codes) {
                    Ok(leaf) => add_votes(&mut votes, self.model, tree, leaf, self.quant),
                    Err(node) => {
                        parts = true;
                        self.check_flip(tree, node, row)?;
                    }
                }
            }
            if parts {
                return Ok(float != q15);
            }
            if votes != scores {
                return Err(format!(
                    "the tables give the scores {scores:?}, the leaves {votes:?}"
                ));
            }
            let error = self.check_values(row, &scores)?;
            *error_max = error_max.max(error);
        }
        let may_differ = || is_within_bound(self.model, self.quant, self.voting, row, &codes);
        if float != q15 && !may_differ() {
            return Err(format!(
                "float says class {float}, Q15 class {q15}, outside the error bound"
            ));
        }
        Ok(float != q15)
    }

    /// Holds values to their bounds, that of the row and that of every input; how far the furthest is
    /// off float's.
    fn check_values(&self, row: &[f64], scores: &[i64]) -> Result<f64, String> {
        let mut error_max = 0.0;
        let (Some(model), Some(sums)) = (self.model.additive(), self.quant.sums()) else {
            return Ok(error_max);
        };
        let bounds = sums.bounds_of(model, row).into_iter().zip(sums.bounds());
        let values = self.quant.values(scores).into_iter().zip(model.raw(row));
        for ((q15, float), (of_row, of_all)) in values.zip(bounds) {
            let apart = (q15 - float).abs();
            if !(0.0..=of_row.min(of_all)).contains(&apart) {
                return Err(format!(
                    "float says {float}, Q15 {q15}, {apart:e} apart; the bounds are {of_row:e} for the row \
                     and {of_all:e} for all"
                ));
            }
            error_max = f64::max(error_max, apart);
        }
        Ok(error_max)
    }

    fn check_flip(&self, tree: usize, node: usize, row: &[f64]) -> Result<(), String> {
        let Some(flip) = self.flips.get(&(tree, node)) else {
            return Err(format!(
                "tree {tree} node {node} is certified, yet paths part there"
            ));
        };
        let reading = row[flip.feature];
        if flip.holds(reading) {
            return Ok(());
        }
        Err(format!(
            "paths part in tree {tree} node {node} at the reading {reading}, outside its flip interval"
        ))
    }
}

/// The votes of a float leaf, as integers.
fn add_votes(votes: &mut [i64], model: &FloatModel, tree: usize, leaf: usize, quant: &QuantModel) {
    let float = &model.trees()[tree];
    let (Node::Leaf(values), Some(body)) = (&float.nodes()[leaf], quant.forest()) else {
        return;
    };
    let votes_of = |width: VoteWidth| width.votes(values).into_iter().map(u32::from).collect();
    let row: Vec<u32> = match (body.sums(), body.leaves()) {
        (Some(sums), _) => sums.votes(tree, float.output(), values),
        (None, Leaves::Bytes(_)) => votes_of(VoteWidth::Bytes),
        (None, Leaves::Words(_)) => votes_of(VoteWidth::Words),
        (None, Leaves::Classes | Leaves::Values(_)) => {
            votes[argmax(values)] += 1;
            return;
        }
    };
    for (sum, vote) in votes.iter_mut().zip(row) {
        *sum += i64::from(vote);
    }
}

fn input(pools: &[Pool], rows: &Dataset, random: &mut Random) -> Vec<f64> {
    let n_features = pools.len();
    let mut row: Vec<f64> = if random.below(4) == 0 {
        pools.iter().map(|pool| pool.draw(random)).collect()
    } else {
        let row = rows.values().row(random.below(rows.n_rows())).to_vec();
        row.into_iter()
            .zip(pools)
            .map(|(reading, pool)| pool.delivered(reading))
            .collect()
    };
    let n_replaced = match random.below(4) {
        0 => 1,
        1 => 2,
        2 => n_features / 4 + 1,
        _ => n_features,
    };
    for _ in 0..n_replaced {
        let feature = random.below(n_features);
        row[feature] = pools[feature].draw(random);
    }
    row
}
