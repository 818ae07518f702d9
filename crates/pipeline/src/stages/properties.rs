//! Properties of the config: what must hold for every input, proven or refuted by the oracle.

use spinney_config::{Asks, Config, Property};
use spinney_model::Task;
use spinney_oracle::{
    ModelError, Property as Question, Radius, STEPS_PER_SECOND, Steps, Subject, Verdict, decide,
    radii,
};
use spinney_report::{Drift, Property as Found, Truth};

use super::quantized::Quantized;
use crate::failure::Failure;
use crate::progress::Progress;

/// What became of each property.
pub const PROPERTIES: &str = "properties.json";

pub(super) fn run(
    config: &Config,
    quantized: &Quantized,
    progress: &Progress,
) -> Result<Vec<Found>, Failure> {
    let properties = config.pipeline.properties.iter();
    (1..)
        .zip(properties)
        .map(|(at, property)| {
            let asked = Asked {
                config,
                quantized,
                property,
                place: format!("property.{at}"),
            };
            progress.doing(&format!("deciding {}: {}", asked.place, asked.says()));
            asked.decide()
        })
        .collect()
}

/// Whether float and fixed point were proven to agree for every input.
pub(super) fn prove_agreement(config: &Config, found: &[Found]) -> bool {
    let properties = config.pipeline.properties.iter().zip(found);
    properties
        .filter(|(property, _)| property.asks == Asks::Agrees && property.within.is_empty())
        .any(|(_, found)| found.verdict == Truth::Proven)
}

struct Asked<'a> {
    config: &'a Config,
    quantized: &'a Quantized,
    property: &'a Property,
    place: String,
}

impl Asked<'_> {
    fn decide(&self) -> Result<Found, Failure> {
        let subject = Subject {
            model: &self.quantized.model,
            quant: &self.quantized.quant,
            calibrations: &self.quantized.calibrations,
        };
        let at_fault = |error: ModelError| {
            let message = format!(
                "{}: found {}, expected {}",
                error.place, error.found, error.expected
            );
            Failure::from(self.config.fault(&self.place, message, None))
        };
        let steps = self.property.seconds * STEPS_PER_SECOND as f64;
        // Casts: a number above 0.
        let steps = Steps(steps as u64);
        let (verdict, counterexample, drift) = match &self.property.asks {
            Asks::Drift { share, min_share } => {
                let drift = self
                    .drift(&subject, (*share, *min_share), steps)
                    .map_err(at_fault)?;
                let kept = drift.kept as f64 >= min_share * drift.rows as f64;
                let may_keep = (drift.kept + drift.unknown) as f64 >= min_share * drift.rows as f64;
                let verdict = match (kept, may_keep) {
                    (true, _) => Truth::Proven,
                    (false, true) => Truth::Unknown,
                    (false, false) => Truth::Refuted,
                };
                (verdict, Vec::new(), Some(drift))
            }
            asks => {
                let question = self.question(asks)?;
                let within = self.within()?;
                match decide(&subject, question, &within, &mut { steps }).map_err(at_fault)? {
                    Verdict::Proven => (Truth::Proven, Vec::new(), None),
                    Verdict::Refuted(rows) => (Truth::Refuted, self.named(&rows), None),
                    Verdict::Unknown => (Truth::Unknown, Vec::new(), None),
                }
            }
        };
        Ok(Found {
            says: self.says(),
            verdict,
            counterexample,
            drift,
        })
    }

    /// The test rows, each with an equal part of the steps.
    fn drift(
        &self,
        subject: &Subject<'_>,
        (share, min_share): (f64, f64),
        steps: Steps,
    ) -> Result<Drift, ModelError> {
        let test = self.quantized.rows.test.values();
        let rows: Vec<Vec<f64>> = test.rows().into_iter().map(|row| row.to_vec()).collect();
        let each = Steps(steps.0 / rows.len().max(1) as u64);
        let radii = radii(subject, &rows, share, || each)?;
        let changes = radii.iter().filter_map(|radius| match radius {
            Radius::Changes(share) => Some(*share),
            Radius::Beyond(_) | Radius::AtLeast(_) => None,
        });
        let count = |is: fn(&Radius) -> bool| radii.iter().filter(|it| is(it)).count();
        Ok(Drift {
            share,
            min_share,
            rows: rows.len(),
            kept: count(|it| matches!(it, Radius::Beyond(_))),
            unknown: count(|it| matches!(it, Radius::AtLeast(_))),
            smallest: changes.reduce(f64::min),
        })
    }

    /// A row's readings by the names of the features that the model asks.
    fn named(&self, rows: &[Vec<f64>]) -> Vec<Vec<(String, Option<f64>)>> {
        let features = self.quantized.model.schema().features();
        let inputs = self.quantized.model.inputs();
        let named = |row: &Vec<f64>| {
            let reading = |input: &usize| {
                let reading = Some(row[*input]).filter(|it| !it.is_nan());
                (features[*input].name.clone(), reading)
            };
            inputs.iter().map(reading).collect()
        };
        rows.iter().map(named).collect()
    }

    fn question(&self, asks: &Asks) -> Result<Question, Failure> {
        Ok(match asks {
            Asks::Never(class) => Question::Never(self.class("never", class)?),
            Asks::AtMost(most) => Question::AtMost(*most),
            Asks::AtLeast(least) => Question::AtLeast(*least),
            Asks::Monotone {
                feature,
                rises,
                class,
            } => {
                let key = if *rises { "increasing" } else { "decreasing" };
                let is_value = self.quantized.model.task() == Task::Regress;
                if class.is_none() && !is_value {
                    let message = "found no `class`, expected the class that stays, since the model gives \
                                   classes";
                    return self
                        .config
                        .refuse(&format!("{}.{key}", self.place), message, None);
                }
                // A class that stays away as a reading rises is one that stays as it falls.
                let of_class = class.as_ref().map(|class| self.class("class", class));
                Question::Monotone {
                    feature: self.feature(key, feature)?,
                    rises: *rises,
                    class: of_class.transpose()?,
                }
            }
            Asks::Agrees => Question::Agrees(self.quantized.voting),
            Asks::Drift { .. } => unreachable!("it is about rows"),
        })
    }

    fn within(&self) -> Result<Vec<(usize, [f64; 2])>, Failure> {
        let ranges = self.property.within.iter();
        ranges
            .map(|(name, (low, high))| {
                let feature = self.feature(&format!("within.{}", name.escape_debug()), name)?;
                Ok((feature, [*low, *high]))
            })
            .collect()
    }

    fn feature(&self, key: &str, name: &str) -> Result<usize, Failure> {
        let names = self.quantized.model.schema().feature_names();
        self.position(key, name, &names, "a feature of the model")
    }

    fn class(&self, key: &str, name: &str) -> Result<usize, Failure> {
        let classes = self.quantized.model.schema().classes();
        let expected = format!("a class of the model: {}", classes.join(", "));
        self.position(key, name, classes, &expected)
    }

    fn position(
        &self,
        key: &str,
        name: &str,
        names: &[String],
        expected: &str,
    ) -> Result<usize, Failure> {
        match names.iter().position(|it| it == name) {
            Some(at) => Ok(at),
            None => {
                let message = format!("found `\"{}\"`, expected {expected}", name.escape_debug());
                let place = format!("{}.{key}", self.place);
                self.config.refuse(&place, message, None)
            }
        }
    }

    /// Which value a bound is of, where a model's values go through a function.
    fn before(&self) -> String {
        let sum = self.quantized.model.additive();
        sum.and_then(|sum| sum.link().words("value"))
            .map_or_else(String::new, |link| format!(" before {}", link.function))
    }

    fn says(&self) -> String {
        let property = self.property;
        let says = match &property.asks {
            Asks::Never(class) => format!("never {class}"),
            Asks::AtMost(most) => format!("at most {most}{}", self.before()),
            Asks::AtLeast(least) => format!("at least {least}{}", self.before()),
            Asks::Monotone {
                feature,
                rises,
                class,
            } => {
                let what = class
                    .as_ref()
                    .map_or("the value".to_owned(), |it| format!("class {it}"));
                let how = match (class, rises) {
                    (None, true) => "never falls",
                    (None, false) => "never rises",
                    (Some(_), true) => "stays once it is given",
                    (Some(_), false) => "stays away once it is",
                };
                format!("as {feature} rises, {what} {how}")
            }
            Asks::Agrees => "float and fixed point give the same class".to_owned(),
            Asks::Drift { share, min_share } => format!(
                "while all readings drift by up to {} % of their ranges, at least {} % of the test rows \
                 keep their class",
                (share * 1e5).round() / 1e3,
                (min_share * 1e5).round() / 1e3
            ),
        };
        if property.within.is_empty() {
            return says;
        }
        let ranges = property.within.iter();
        let ranges = ranges.map(|(name, (low, high))| format!("{name} from {low} to {high}"));
        format!("{says}, with {}", ranges.collect::<Vec<_>>().join(" and "))
    }
}
