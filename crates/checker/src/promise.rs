//! A smaller model held to what is promised of it beside its original, by the models themselves.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};
use spinney_model::{FloatModel, Task};

use crate::boxes::{Found, STEPS, compare};
use crate::claim::{Missing, Sensor};
use crate::{Findings, Kind};

/// What is promised of a smaller model, and what it was measured with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// What it keeps of the original.
    pub keeps: Keeps,
    /// How far a value may be from the original's, in the unit of the labels; absent of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<f64>,
    /// The columns of the rows; a label follows them, the number of a class or a value.
    pub columns: Vec<String>,
    /// Rows, and the models that they were given to, in the order of the rows.
    pub parts: Vec<Part>,
}

/// What a smaller model keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeps {
    /// Its score: accuracy, or the mean absolute error.
    Score {
        /// The most that accuracy may fall, or the error may rise, as a share of it.
        max_loss: f64,
        /// What is said of the originals and the smaller models that rows were kept apart from, and of the
        /// model that ships on the same rows.
        found: [f64; 3],
    },
    /// What the original gives the rows.
    EveryRow,
    /// What the original gives a further row, by rows that were kept apart and ever smaller models.
    InDistribution {
        /// The probability with which it does not.
        alpha: f64,
        /// Rows kept apart of which it is said that one of these models parts them from the original.
        parted: usize,
    },
    /// What the original gives all readings.
    EveryInput {
        /// What they are, a feature each.
        readings: Vec<Readings>,
    },
}

/// What readings a feature has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// The feature.
    pub name: String,
    /// What its sensor delivers.
    pub sensor: Sensor,
    /// The lowest and the highest.
    pub range: (f64, f64),
    /// What a missing one is; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// Rows, and the models that they were given to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// How many.
    pub n_rows: usize,
    /// The text of the original's like that never saw them; absent where it is the original.
    pub original: Option<String>,
    /// Ever smaller models; absent where it is the one that ships.
    pub smaller: Vec<Option<String>>,
}

/// What was found of a promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// How it was looked at.
    pub how: How,
    /// Rows that were given to both models, and what refutes the promise.
    pub found: Findings,
}

/// How a promise was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The original ships.
    Same,
    /// All rows were given to both models.
    Rows,
    /// Scores, before and after, and of the model that ships, were worked out anew.
    Scores([f64; 3]),
    /// Rows kept apart that part were counted, and how many may.
    Parted([usize; 2]),
    /// Every input, in so many boxes of readings.
    Boxes(u64),
    /// An input refutes it.
    Refuted,
    /// So many boxes of readings and so many single inputs; what holds elsewhere is not known.
    Unknown(u64, usize),
}

impl Kept {
    /// Whether what was promised is known to hold.
    pub fn is_whole(&self) -> bool {
        !matches!(self.how, How::Unknown(..))
    }
}

/// What was looked at, a sentence without its stop.
impl Display for Kept {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let n_rows = self.found.rows;
        match self.how {
            How::Same => write!(f, "the original ships"),
            How::Rows => write!(f, "{n_rows} rows were given to both models"),
            How::Scores([before, after, ships]) => write!(
                f,
                "{n_rows} rows kept apart were given to the models that did not train on them: {before:.4} before, \
                 {after:.4} after; and to the one that ships: {ships:.4}"
            ),
            How::Parted([parted, may]) => write!(
                f,
                "{n_rows} rows kept apart were given to the original and to all models up to the one that \
                 ships: {parted} part, where {may} may"
            ),
            How::Boxes(n_boxes) => write!(
                f,
                "every input was compared, in {n_boxes} boxes of readings"
            ),
            How::Refuted => write!(f, "an input refutes it"),
            How::Unknown(n_boxes, n_points) => write!(
                f,
                "unknown for every input: steps ended after {n_boxes} boxes of readings; {n_points} inputs at the \
                 ends of those of each leaf were compared"
            ),
        }
    }
}

/// Holds `smaller` to a promise beside `original`; `rows` are those of the promise's parts, each with its
/// label.
pub fn keeps(original: &FloatModel, smaller: &FloatModel, promise: &Promise, rows: &[f64]) -> Kept {
    keeps_within(original, smaller, promise, rows, STEPS)
}

/// As [`keeps`], which visits at most 300 million nodes of trees where every input is compared; this one
/// visits at most `steps`.
pub fn keeps_within(
    original: &FloatModel,
    smaller: &FloatModel,
    promise: &Promise,
    rows: &[f64],
    steps: u64,
) -> Kept {
    let mut found = Findings::default();
    let how = match (&promise.keeps, promise.within.unwrap_or(0.0)) {
        _ if original == smaller => Ok(How::Same),
        (Keeps::EveryInput { readings }, within) => {
            every_input([original, smaller], readings, within, steps, &mut found)
        }
        (_, within) => measured([original, smaller], promise, rows, within)
            .and_then(|measured| measured.judge(promise, &mut found)),
    };
    let how = how.unwrap_or_else(|what| {
        found.fault(Kind::Promise, "the promise", what);
        How::Rows
    });
    Kept { how, found }
}

fn every_input(
    models: [&FloatModel; 2],
    readings: &[Readings],
    within: f64,
    steps: u64,
    found: &mut Findings,
) -> Result<How, String> {
    Ok(match compare(models, readings, within, steps)? {
        Found::Same(n_boxes) => How::Boxes(n_boxes),
        Found::Unknown(n_boxes, n_points) => How::Unknown(n_boxes, n_points),
        Found::Parts(row) => {
            let [own, small] = models.map(|model| given(model, &row));
            let what = format!("it gives the readings {row:?} {small}, and the original {own}");
            found.fault(Kind::Promise, "the smaller model", what);
            How::Refuted
        }
    })
}

/// Whether two models give a row another class, or values further than `within` from each other.
pub(crate) fn parts_at(models: [&FloatModel; 2], row: &[f64], within: f64) -> bool {
    let [own, small] = models.map(|model| given(model, row));
    are_apart(own, small, within)
}

fn are_apart(own: f64, small: f64, within: f64) -> bool {
    (own - small).abs() > within
}

/// The number of a row's class, or its value.
fn given(model: &FloatModel, row: &[f64]) -> f64 {
    match model.additive().filter(|_| model.task() == Task::Regress) {
        Some(sum) => sum.raw(row)[0],
        None => model.predict(row) as f64,
    }
}

/// What models gave rows.
struct Measured {
    is_value: bool,
    n_rows: usize,
    /// Rows that a smaller model gives something else than its original, and the first of them.
    n_parted: usize,
    first_parted: Option<usize>,
    /// Losses of all rows, of the originals, of the smallest models and of the one that ships.
    losses: [f64; 3],
}

fn measured(
    [original, smaller]: [&FloatModel; 2],
    promise: &Promise,
    rows: &[f64],
    within: f64,
) -> Result<Measured, String> {
    let Promise { columns, parts, .. } = promise;
    let mut measured = Measured {
        is_value: original.task() == Task::Regress,
        n_rows: 0,
        n_parted: 0,
        first_parted: None,
        losses: [0.0; 3],
    };
    let mut rows = rows.chunks_exact(columns.len() + 1);
    let is_score = matches!(promise.keeps, Keeps::Score { .. });
    let shipped = Asking::new(None, smaller, columns)?;
    for part in parts {
        let ships = part.original.is_none() && matches!(part.smaller[..], [.., None]);
        if !(ships || is_score) {
            return Err("its rows were given to other models than those that ship".to_owned());
        }
        let original = Asking::new(part.original.as_deref(), original, columns)?;
        let asking = |text: &Option<String>| Asking::new(text.as_deref(), smaller, columns);
        let smaller = part.smaller.iter().map(asking);
        let smaller = smaller.collect::<Result<Vec<_>, _>>()?;
        for row in rows.by_ref().take(part.n_rows) {
            let (row, label) = row.split_at(columns.len());
            let own = original.given(row);
            let smaller: Vec<f64> = smaller.iter().map(|it| it.given(row)).collect();
            if smaller.iter().any(|it| are_apart(own, *it, within)) {
                measured.first_parted.get_or_insert(measured.n_rows);
                measured.n_parted += 1;
            }
            let last = smaller.last().copied().unwrap_or(own);
            let given = [own, last, shipped.given(row)];
            for (loss, given) in measured.losses.iter_mut().zip(given) {
                *loss += match measured.is_value {
                    true => (given - label[0]).abs(),
                    false => f64::from(u8::from(given != label[0])),
                };
            }
            measured.n_rows += 1;
        }
    }
    let n_rows: usize = parts.iter().map(|part| part.n_rows).sum();
    if n_rows == 0 || measured.n_rows != n_rows || rows.next().is_some() {
        return Err(format!("{} rows, where it names {n_rows}", measured.n_rows));
    }
    Ok(measured)
}

impl Measured {
    fn judge(&self, promise: &Promise, found: &mut Findings) -> Result<How, String> {
        found.rows = self.n_rows;
        let n_rows = self.n_rows as f64;
        let mut refuse = |what: String| found.fault(Kind::Promise, "the smaller model", what);
        Ok(match promise.keeps {
            Keeps::EveryInput { .. } => return Err("rows say nothing of every input".to_owned()),
            Keeps::EveryRow => {
                if let Some(row) = self.first_parted {
                    refuse(format!(
                        "it parts from the original at {} of {n_rows} rows, row {row} the first of them",
                        self.n_parted
                    ));
                }
                How::Rows
            }
            Keeps::InDistribution { alpha, parted } => {
                // Casts: a share of a number of rows.
                let may = ((alpha * (n_rows + 1.0)) as usize).saturating_sub(1);
                if self.n_parted > may || self.n_parted != parted {
                    refuse(format!(
                        "{} of {n_rows} rows part, where {may} may and {parted} are said to",
                        self.n_parted
                    ));
                }
                How::Parted([self.n_parted, may])
            }
            Keeps::Score { max_loss, found } => {
                let [before, after, ships] = self.losses.map(|loss| loss / n_rows);
                let unit = if self.is_value { before } else { 1.0 };
                let told = |loss: f64| if self.is_value { loss } else { 1.0 - loss };
                let scores = [before, after, ships].map(told);
                let is_told =
                    |(one, other): (&f64, &f64)| (one - other).abs() <= 1e-9 * (1.0 + one.abs());
                if after - before > max_loss * unit + 1e-9
                    || !scores.iter().zip(&found).all(is_told)
                {
                    refuse(format!(
                        "scores are {scores:?}, before, after and of the model that ships, where {found:?} are \
                         said and {max_loss} may be lost"
                    ));
                }
                How::Scores(scores)
            }
        })
    }
}

/// A model, and the column of each of its features.
struct Asking<'m> {
    model: Cow<'m, FloatModel>,
    columns: Vec<usize>,
}

impl<'m> Asking<'m> {
    fn new(text: Option<&str>, own: &'m FloatModel, columns: &[String]) -> Result<Self, String> {
        let model = match text {
            None => Cow::Borrowed(own),
            Some(text) => {
                let model = FloatModel::from_json(text.as_bytes());
                Cow::Owned(model.map_err(|error| error.to_string())?)
            }
        };
        if (model.task(), model.schema().outputs()) != (own.task(), own.schema().outputs()) {
            return Err("a model gives other outputs than the one that ships".to_owned());
        }
        let features = model.schema().feature_names();
        let column = |name: &String| {
            let column = columns.iter().position(|column| column == name);
            column.ok_or_else(|| format!("its rows have no column {name}"))
        };
        Ok(Self {
            columns: features.iter().map(column).collect::<Result<_, _>>()?,
            model,
        })
    }

    fn given(&self, row: &[f64]) -> f64 {
        let row: Vec<f64> = self.columns.iter().map(|column| row[*column]).collect();
        given(&self.model, &row)
    }
}
