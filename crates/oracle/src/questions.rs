//! What is asked of a model: properties, and how far readings may drift.

use spinney_model::{Task, Voting};
use spinney_quantize::QuantModel;

use crate::ModelError;
use crate::cells::{Cells, Subject, Trees, forest};
use crate::float::Float;
use crate::search::{Answer, Problem, Steps, find};

/// What is to hold for all readings within ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Property {
    /// A class is never given.
    Never(usize),
    /// The value is at most this.
    AtMost(f64),
    /// The value is at least this.
    AtLeast(f64),
    /// As a feature's reading rises (or falls), all others staying, the value does not fall; or a
    /// class that is given stays.
    Monotone {
        /// Index of the feature.
        feature: usize,
        /// Whether its reading rises.
        rises: bool,
        /// The class; `None` of a value.
        class: Option<usize>,
    },
    /// Float and fixed point give the same class.
    Agrees(Voting),
}

/// What a property came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It holds for all readings.
    Proven,
    /// It does not for these rows: one, or two that differ in one feature. Features that do not
    /// matter have some reading of their range; NaN is a missing one.
    Refuted(Vec<Vec<f64>>),
    /// Nobody knows: the steps ended.
    Unknown,
}

/// How far readings may drift before a class changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Radius {
    /// Not within this share of each feature's range, the largest that was asked for.
    Beyond(f64),
    /// Within this share, and not within the one that is next smaller.
    Changes(f64),
    /// At least this share; the steps ended before more was known.
    AtLeast(f64),
}

/// A sum that has to reach a bound: the difference of two numbers of leaves, or one.
pub(crate) struct Sum {
    pub plus: Option<usize>,
    pub minus: Option<usize>,
    pub at_least: i64,
}

impl Sum {
    pub fn lead(winner: usize, other: usize, at_least: i64) -> Self {
        Self {
            plus: Some(winner),
            minus: Some(other),
            at_least,
        }
    }

    /// A number is at least this.
    pub fn above(score: usize, at_least: i64) -> Self {
        Self {
            plus: Some(score),
            minus: None,
            at_least,
        }
    }

    /// A number is at most this.
    pub fn below(score: usize, at_most: i64) -> Self {
        Self {
            plus: None,
            minus: Some(score),
            at_least: -at_most,
        }
    }
}

/// Pairs of different ones of so many classes.
pub(crate) fn pairs(n_classes: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = (0..n_classes).flat_map(move |one| (0..n_classes).map(move |other| (one, other)));
    all.filter(|(one, other)| one != other)
}

/// What cells, trees and a box leave open.
pub(crate) struct Search<'a> {
    pub n_cells: Vec<usize>,
    pub trees: &'a Trees,
    pub within: Vec<Vec<u64>>,
    pub ordered: Option<[usize; 2]>,
}

impl<'a> Search<'a> {
    /// Of all readings.
    pub fn new(cells: &Cells, trees: &'a Trees) -> Self {
        Self {
            n_cells: cells.n_cells(),
            trees,
            within: cells.everything(),
            ordered: None,
        }
    }

    pub fn find(
        &self,
        sums: &[Sum],
        steps: &mut Steps,
        is_wanted: impl Fn(&[usize]) -> bool,
    ) -> Answer {
        let number = |leaf: &[i64], at: Option<usize>| at.map_or(0, |at| leaf[at]);
        let leaves = self.trees.leaves.iter().map(|leaf| {
            let sums = sums.iter();
            sums.map(|sum| number(leaf, sum.plus) - number(leaf, sum.minus))
                .collect()
        });
        let problem = Problem {
            n_cells: self.n_cells.clone(),
            trees: &self.trees.trees,
            leaves: leaves.collect(),
            at_least: sums.iter().map(|sum| sum.at_least).collect(),
            ordered: self.ordered,
        };
        find(&problem, &self.within, steps, is_wanted)
    }
}

/// Decides a property for all rows whose readings lie within their features' ranges, those that are
/// named within theirs: feature, lowest and highest reading. Named features are not missing.
///
/// # Errors
/// A model without trees, or a property that its kind does not have.
pub fn decide(
    subject: &Subject<'_>,
    property: Property,
    ranges: &[(usize, [f64; 2])],
    steps: &mut Steps,
) -> Result<Verdict, ModelError> {
    let quant = subject.quant;
    check(quant, property)?;
    let cells = Cells::new(subject, ranges)?;
    let mut within = cells.everything();
    for (feature, [low, high]) in ranges {
        let own = &cells.of[*feature];
        let bits = own.bits(|cell| {
            own.ends(cell)
                .is_some_and(|ends| *low <= ends[0] && ends[1] <= *high)
        });
        for (word, bits) in within[*feature].iter_mut().zip(bits) {
            *word &= bits;
        }
    }
    let lead = Lead::of(quant)?;
    let own = cells.quant_trees(quant)?;
    // What may differ within float's own rounding does so once float has said it.
    let is_wanted = |point: &[usize]| {
        let Property::Agrees(voting) = property else {
            return true;
        };
        let row = cells.row(point);
        subject.model.predict_by(voting, &row) != quant.predict(&row)
    };
    let of = |trees: &Trees, sums: &[Vec<Sum>], steps: &mut Steps| {
        let search = Search {
            within: within.clone(),
            ..Search::new(&cells, trees)
        };
        first(sums.iter().map(|sums| search.find(sums, steps, is_wanted)))
    };
    let answer = match property {
        Property::Never(class) => of(&own, &[lead.given(class, 0)], steps),
        Property::AtMost(most) => {
            let last = score_at_most(quant, most) - lead.bases[0];
            of(&own, &[vec![Sum::above(0, last + 1)]], steps)
        }
        Property::AtLeast(least) => {
            let last = score_at_most(quant, least.next_down()) - lead.bases[0];
            of(&own, &[vec![Sum::below(0, last)]], steps)
        }
        Property::Monotone {
            feature,
            rises,
            class,
        } => {
            let n_features = cells.of.len();
            let mut n_cells = cells.n_cells();
            n_cells.push(n_cells[feature]);
            let ordered = cells.of[feature].bits(|cell| cells.of[feature].ends(cell).is_some());
            for (word, bits) in within[feature].iter_mut().zip(ordered) {
                *word &= bits;
            }
            within.push(within[feature].clone());
            let n_scores = quant.n_scores();
            let trees = own.clone().beside(own.renamed(feature, n_features));
            let search = Search {
                n_cells,
                trees: &trees,
                within,
                ordered: Some(if rises {
                    [feature, n_features]
                } else {
                    [n_features, feature]
                }),
            };
            let questions: Vec<Vec<Sum>> = match class {
                None => vec![vec![Sum::lead(0, n_scores, 1)]],
                Some(class) => (0..n_scores)
                    .filter(|other| *other != class)
                    .map(|other| {
                        let mut sums = lead.given(class, 0);
                        sums.push(lead.overtaken(class, other, n_scores));
                        sums
                    })
                    .collect(),
            };
            let answer = first(
                questions
                    .iter()
                    .map(|sums| search.find(sums, steps, |_| true)),
            );
            return Ok(match answer {
                Answer::Found(point) => {
                    let row = cells.row(&point[..n_features]);
                    let mut moved = point[..n_features].to_vec();
                    moved[feature] = point[n_features];
                    Verdict::Refuted(vec![row, cells.row(&moved)])
                }
                Answer::None => Verdict::Proven,
                Answer::Unknown => Verdict::Unknown,
            });
        }
        Property::Agrees(voting) => {
            let n_scores = quant.n_scores();
            let float = Float::new(subject.model, voting);
            let trees = own.beside(float.trees(&cells));
            // Fixed point gives one class, float another one.
            let plain = Lead {
                margin: None,
                ..lead
            };
            let questions: Vec<Vec<Sum>> = pairs(n_scores)
                .map(|(own, of_float)| {
                    let mut sums = plain.given(own, 0);
                    let others = (0..n_scores).filter(|other| *other != of_float);
                    let lead = |other| float.rule.leads(n_scores, of_float, other, float.slack);
                    sums.extend(others.map(lead));
                    sums
                })
                .collect();
            of(&trees, &questions, steps)
        }
    };
    Ok(match answer {
        Answer::None => Verdict::Proven,
        Answer::Unknown => Verdict::Unknown,
        Answer::Found(point) => Verdict::Refuted(vec![cells.row(&point)]),
    })
}

/// How far, as a share of each feature's range, all readings of a row may drift at once before the
/// model gives another class; at most `most`. A reading that is missing stays so.
///
/// # Errors
/// As of [`decide`].
///
/// # Panics
/// If `row` has another length than the model has features.
pub fn radii(
    subject: &Subject<'_>,
    rows: &[Vec<f64>],
    most: f64,
    mut steps: impl FnMut() -> Steps,
) -> Result<Vec<Radius>, ModelError> {
    let quant = subject.quant;
    check(quant, Property::Never(0))?;
    refuse_outliers(quant)?;
    let cells = Cells::new(subject, &[])?;
    let trees = cells.quant_trees(quant)?;
    let lead = Lead::of(quant)?;
    let radius = |row: &Vec<f64>| {
        let steps = &mut steps();
        let codes = quant.codes(row);
        let class = quant.delivered(&codes, &quant.scores(&codes));
        let distances: Vec<Vec<f64>> = (0..cells.of.len())
            .map(|feature| distances(subject, &cells, feature, row[feature]))
            .collect();
        if class == quant.n_scores() {
            // Nobody knows the class; what it is has no neighbourhood.
            return Radius::AtLeast(0.0);
        }
        let mut radii: Vec<f64> = distances.iter().flatten().copied().collect();
        radii.retain(|radius| *radius <= most);
        radii.sort_by(f64::total_cmp);
        radii.dedup();
        let search = |radius: f64, steps: &mut Steps| {
            let within = distances.iter().zip(&cells.of);
            let within =
                within.map(|(distances, cells)| cells.bits(|cell| distances[cell] <= radius));
            let search = Search {
                within: within.collect(),
                ..Search::new(&cells, &trees)
            };
            let others = (0..quant.n_scores()).filter(|other| *other != class);
            first(
                others
                    .map(|other| search.find(&[lead.overtaken(class, other, 0)], steps, |_| true)),
            )
        };
        // Radii below `held` change nothing; the one at `changes` does.
        let (mut held, mut changes) = (0, radii.len());
        let mut at = radii.len() - 1;
        while held < changes {
            match search(radii[at], steps) {
                Answer::None => held = at + 1,
                Answer::Found(point) => {
                    let points = distances.iter().zip(&point);
                    let radius = points.map(|(own, cell)| own[*cell]).fold(0.0, f64::max);
                    changes = radii.partition_point(|it| *it < radius);
                }
                Answer::Unknown => {
                    return Radius::AtLeast(if held == 0 { 0.0 } else { radii[held - 1] });
                }
            }
            at = usize::midpoint(held, changes.saturating_sub(1).max(held));
        }
        match radii.get(changes) {
            Some(radius) => Radius::Changes(*radius),
            None => Radius::Beyond(most),
        }
    };
    Ok(rows.iter().map(radius).collect())
}

/// How far each cell of a feature is from a reading, as a share of the feature's range.
fn distances(subject: &Subject<'_>, cells: &Cells, feature: usize, reading: f64) -> Vec<f64> {
    let own = &cells.of[feature];
    let calibration = &subject.calibrations[feature];
    let (low, high) = calibration.range;
    let is_missing = subject.quant.is_missing(feature, reading);
    let span = if high > low { high - low } else { 1.0 };
    let reading = subject.quant.reading_type().received(reading);
    let (first, last) = calibration.inputs();
    let reading = reading.clamp(first, last.max(first));
    let distance = |cell: usize| match own.ends(cell) {
        None if is_missing => 0.0,
        Some([first, last]) if !is_missing => (first - reading).max(reading - last).max(0.0) / span,
        _ => f64::INFINITY,
    };
    (0..own.len()).map(distance).collect()
}

/// What one class has to lead by.
struct Lead {
    bases: Vec<i64>,
    margin: Option<u64>,
}

impl Lead {
    fn of(quant: &QuantModel) -> Result<Self, ModelError> {
        Ok(Self {
            bases: forest(quant)?.leaves().bases(quant.n_scores()),
            margin: quant.margin(),
        })
    }

    /// The least lead over another class by which a class is given, less what scores begin with.
    fn least(&self, class: usize, other: usize) -> i64 {
        let lead = match self.margin {
            Some(margin) => i64::try_from(margin).unwrap_or(i64::MAX / 4) + 1,
            // Ties go to the lowest class.
            None => i64::from(other < class),
        };
        lead - self.bases[class] + self.bases[other]
    }

    /// A class is given; its score is number `from + class` of leaves.
    fn given(&self, class: usize, from: usize) -> Vec<Sum> {
        (0..self.bases.len())
            .filter(|other| *other != class)
            .map(|other| Sum::lead(from + class, from + other, self.least(class, other)))
            .collect()
    }

    /// A class is not given, because of another one.
    fn overtaken(&self, class: usize, other: usize, from: usize) -> Sum {
        Sum::lead(from + other, from + class, 1 - self.least(class, other))
    }
}

/// The first answer that is a point, else an unknown one.
pub(crate) fn first(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut all = Answer::None;
    for answer in answers {
        match answer {
            Answer::Found(_) => return answer,
            Answer::Unknown => all = Answer::Unknown,
            Answer::None => {}
        }
    }
    all
}

/// The highest score whose value is at most this.
fn score_at_most(quant: &QuantModel, value: f64) -> i64 {
    const SCORES: (i64, i64) = (-(1 << 33), 1 << 33);
    spinney_quantize::last_left(SCORES, |score| quant.values(&[score])[0] <= value)
}

/// Whether a model has what a property is about.
fn check(quant: &QuantModel, property: Property) -> Result<(), ModelError> {
    let is_value = quant.task() == Task::Regress;
    let is_of_values = match property {
        Property::AtMost(_) | Property::AtLeast(_) => true,
        Property::Monotone { class, .. } => class.is_none(),
        Property::Never(_) | Property::Agrees(_) => false,
    };
    let wrong = |found: &str, expected: &str| Err(ModelError::new("the property", found, expected));
    match (is_value, is_of_values) {
        (true, false) => wrong(
            "a class, of a model that gives values",
            "a bound of the value",
        ),
        (false, true) => wrong("a value, of a model that gives classes", "a class"),
        (true, true) if quant.n_scores() > 1 => wrong("several targets", "one"),
        _ if matches!(property, Property::Monotone { class: Some(_), .. }) => {
            refuse_outliers(quant)
        }
        _ => Ok(()),
    }
}

/// Refuses a model beside which a detector may take away the class that is asked to stay.
fn refuse_outliers(quant: &QuantModel) -> Result<(), ModelError> {
    match quant.outliers() {
        None => Ok(()),
        Some(_) => Err(ModelError::new(
            "the property",
            "a class that is to stay, of a model whose outliers have none",
            "`never`, or [reject] without `outliers`",
        )),
    }
}
