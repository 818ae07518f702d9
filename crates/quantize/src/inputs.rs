//! The codes of a row: which there are, what each is made of, and which of them a split asks.
//!
//! A feature has one code, which all its splits compare. Where its readings may be missing, it has up
//! to two: one in which *missing* lies below every threshold, for the splits that send it left, and
//! one in which it lies above, for all others; none that no split asks. A set of categories has a code
//! of its own, 0 for its members and 1 for all others. So a split is always `code <= threshold`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spinney_model::{Compare, FloatModel, Node, Schema, Side, Test};
use spinney_runtime::coding as runtime;

use crate::calibrate::{Calibration, Missing};
use crate::coding::{Coding, ReadingType};
use crate::thresholds::{Threshold, code_threshold, seen_threshold};
use crate::{ModelError, limits};

/// One code of a row: the feature that it is made of, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Index of the feature.
    pub feature: usize,
    /// What readings become.
    pub coding: Coding,
    /// Where a missing reading lies; `None` where none is, and for sets of categories.
    pub place: Option<Place>,
    /// The code of a missing reading, where it is not what the coding makes of it.
    pub missing: Option<MissingCode>,
}

/// Where a missing reading lies among the thresholds of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Below all of them: it goes left.
    Below,
    /// Above all of them: it goes right.
    Above,
}

impl Place {
    fn code(self) -> i16 {
        match self {
            Self::Below => i16::MIN,
            Self::Above => i16::MAX,
        }
    }
}

/// A code that a missing reading has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingCode {
    /// What stands for a missing reading, as the runtime orders readings; NaN does, too.
    pub mark: i32,
    /// The code, saturated where codes have 8 bits.
    pub code: i16,
}

impl Input {
    /// A code that readings alone decide.
    pub(crate) fn plain(feature: usize, coding: Coding) -> Self {
        Self {
            feature,
            coding,
            place: None,
            missing: None,
        }
    }

    /// The code of a raw reading, computed by the runtime as the device computes it.
    pub fn code(&self, reading_type: ReadingType, reading: f64) -> i16 {
        let code = self.coding.code(reading_type, reading);
        let Some(MissingCode { mark, code: own }) = self.missing else {
            return code;
        };
        let gap = runtime::Gap {
            mark,
            code: own,
            feature: 0,
            from: 0,
            to: 0,
        };
        reading_type.with(reading, Fill(gap, code))
    }
}

/// Fills a gap of whatever type of reading.
struct Fill(runtime::Gap, i16);

impl crate::coding::Visit for Fill {
    fn visit<R: runtime::Reading>(self, reading: R) -> i16 {
        self.0.fill(reading, self.1)
    }
}

/// All codes of a model, and which of them its splits ask.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Inputs {
    pub list: Vec<Input>,
    /// Per feature, the codes that thresholds are compared with: of splits that send a missing reading
    /// left, and of all others.
    of_thresholds: Vec<[Option<usize>; 2]>,
    /// The codes of sets, by feature, members, and whether a missing reading goes left.
    of_sets: BTreeMap<(usize, Vec<u32>, bool), usize>,
}

impl Inputs {
    /// One code for each of some features.
    pub fn plain(n_features: usize, codings: impl Iterator<Item = (usize, Coding)>) -> Self {
        let list: Vec<Input> = codings
            .map(|(feature, coding)| Input::plain(feature, coding))
            .collect();
        let mut of_thresholds = vec![[None; 2]; n_features];
        for (index, input) in list.iter().enumerate() {
            of_thresholds[input.feature] = [Some(index); 2];
        }
        Self {
            list,
            of_thresholds,
            of_sets: BTreeMap::new(),
        }
    }

    /// The codes of trees whose features have `codings`: first one for each feature that thresholds
    /// are compared with, ascending, then second ones, then sets.
    ///
    /// # Errors
    /// More codes than tables number.
    pub fn of_trees(
        model: &FloatModel,
        codings: &[Coding],
        calibrations: &[Calibration],
        reading_type: ReadingType,
    ) -> Result<Self, ModelError> {
        let schema = model.schema();
        let mut asked = vec![[(); 2].map(|()| Vec::new()); schema.n_features()];
        let mut sets = BTreeMap::new();
        for node in model.trees().iter().flat_map(spinney_model::Tree::nodes) {
            let Node::Split(split) = node else { continue };
            let feature = split.feature as usize;
            let is_declared = calibrations[feature].missing.is_some();
            let is_left = is_declared && split.missing == Some(Side::Left);
            match &split.test {
                Test::AtMost(threshold) => {
                    asked[feature][usize::from(!is_left)].push(*threshold);
                }
                Test::Among(categories) => {
                    sets.insert((feature, categories.clone(), is_left), 0);
                }
            }
        }
        let mut this = Self {
            list: Vec::new(),
            of_thresholds: vec![[None; 2]; schema.n_features()],
            of_sets: sets,
        };
        let mut second = Vec::new();
        for (feature, of_places) in asked.iter().enumerate() {
            let places = [Place::Below, Place::Above].into_iter().zip(of_places);
            let mut inputs: Vec<Input> = places
                .filter(|(_, thresholds)| !thresholds.is_empty())
                .map(|(place, thresholds)| {
                    let Some(missing) = calibrations[feature].missing else {
                        return Input::plain(feature, codings[feature].clone());
                    };
                    let compare = schema.features()[feature].compare;
                    let coding = codings[feature].clone();
                    let of_missing = Missed {
                        missing,
                        reading_type,
                        compare,
                    };
                    of_missing.input(feature, coding, place, thresholds)
                })
                .collect();
            // What the coding does anyway costs nothing, and comes first.
            inputs.sort_by_key(|input| input.missing.is_some());
            if let [_, other] = &mut inputs[..]
                && other.missing.is_none()
            {
                // Two codes, even where what stands for a missing reading lies where both want it.
                let missing = calibrations[feature].missing;
                other.missing = missing
                    .zip(other.place)
                    .map(|(missing, place)| MissingCode {
                        mark: missing.mark(reading_type),
                        code: place.code(),
                    });
            }
            let mut inputs = inputs.into_iter();
            this.list.extend(inputs.next());
            second.extend(inputs);
        }
        this.list.extend(second);
        for (index, input) in this.list.iter().enumerate() {
            let places = &mut this.of_thresholds[input.feature];
            match input.place {
                None => *places = [Some(index); 2],
                Some(Place::Below) => places[0] = Some(index),
                Some(Place::Above) => places[1] = Some(index),
            }
        }
        for ((feature, members, is_left), index) in &mut this.of_sets {
            *index = this.list.len();
            let mark = calibrations[*feature]
                .missing
                .map_or(i32::MIN, |missing| missing.mark(reading_type));
            let coding = Coding::set(mark, members, *is_left);
            this.list.push(Input::plain(*feature, coding));
        }
        limits::CODES.check("the features", this.list.len())?;
        Ok(this)
    }

    /// Index of the code that a node asks; `None` for a leaf.
    pub fn of(&self, node: &Node) -> Option<usize> {
        let Node::Split(split) = node else {
            return None;
        };
        let feature = split.feature as usize;
        let is_left = split.missing == Some(Side::Left);
        match &split.test {
            Test::AtMost(_) => self.of_thresholds[feature][usize::from(!is_left)],
            Test::Among(categories) => {
                let of = |is_left| (feature, categories.clone(), is_left);
                // Where no reading is missing, all are of one kind.
                let own = self.of_sets.get(&of(is_left));
                own.or_else(|| self.of_sets.get(&of(false))).copied()
            }
        }
    }

    /// What a node's threshold is among the codes that it asks.
    pub fn threshold(&self, node: &Node, schema: &Schema, reading_type: ReadingType) -> Threshold {
        let Node::Split(split) = node else {
            return Threshold::NeverLeft;
        };
        match split.test {
            Test::AtMost(threshold) => {
                let input = &self.list[self.of(node).expect("a split's code")];
                let compare = schema.features()[split.feature as usize].compare;
                code_threshold(threshold, compare, &input.coding, reading_type, input.place)
            }
            Test::Among(_) => Threshold::Code(0),
        }
    }
}

/// How the readings of a feature that may be missing are compared.
struct Missed {
    missing: Missing,
    reading_type: ReadingType,
    compare: Compare,
}

impl Missed {
    /// The code of a feature in which missing readings lie at `place` of these thresholds.
    fn input(&self, feature: usize, coding: Coding, place: Place, thresholds: &[f64]) -> Input {
        let mut marks = vec![self.missing.reading()];
        if self.reading_type == ReadingType::F32 {
            marks.push(f64::NAN);
        }
        let lies_there = thresholds.iter().all(|threshold| {
            let seen = seen_threshold(*threshold, self.compare);
            let code = code_threshold(seen, self.compare, &coding, self.reading_type, Some(place));
            marks.iter().all(|mark| {
                let is_left = code.sends_left(coding.code(self.reading_type, *mark));
                is_left == (place == Place::Below)
            })
        });
        Input {
            feature,
            coding,
            place: Some(place),
            missing: (!lies_there).then(|| MissingCode {
                mark: self.missing.mark(self.reading_type),
                code: place.code(),
            }),
        }
    }
}
