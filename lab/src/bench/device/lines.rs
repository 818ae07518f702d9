//! Measurements as comparisons: one line per case and metric, lower is better.

use serde::{Deserialize, Serialize};

use super::goals::{Goal, NONE, goal};
use super::model::Model;
use super::ours::{self, Mode, Variant, variants};
use super::{Measured, PLACES};

/// One comparison. Figures that a side does not have are null, and so is a goal where there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub case: String,
    pub metric: String,
    pub ours: Option<f64>,
    pub peer: Option<f64>,
    pub peer_name: Option<String>,
    pub ratio: Option<f64>,
    pub goal: Option<f64>,
    /// Whether the goal is for the ratio, not for our figure.
    pub goal_is_ratio: bool,
    pub met: Option<bool>,
    pub model: String,
    pub core: String,
    pub voting: String,
    /// Why there is no figure, where a form did not run.
    pub note: Option<String>,
}

/// A metric that both sides have.
struct Metric {
    name: &'static str,
    of: fn(&Measured) -> Option<f64>,
}

const INSTRUCTIONS: &str = "instructions";
const FLASH: &str = "flash_bytes";
const FROM_READINGS: &str = "instructions_from_readings";
const RAM: &str = "ram_bytes";
/// Of regressors alone.
const ERROR: &str = "error_max";

#[rustfmt::skip]
const METRICS: [Metric; 7] = [
    Metric { name: INSTRUCTIONS, of: |one| one.ran.as_ref().ok().map(|ran| ran.instructions) },
    Metric { name: "instructions_max",
        of: |one| one.ran.as_ref().ok().map(|ran| ran.instructions_max) },
    Metric { name: FLASH, of: |one| Some(one.flash_bytes as f64) },
    Metric { name: RAM, of: |one| Some(one.ram_bytes as f64) },
    Metric { name: "stack_bytes",
        of: |one| one.ran.as_ref().ok().map(|ran| ran.stack_bytes as f64) },
    Metric { name: "disagreements",
        of: |one| one.ran.as_ref().ok().map(|ran| ran.disagreements as f64) },
    Metric { name: ERROR, of: |one| one.ran.as_ref().ok().and_then(|ran| ran.error_max) },
];

/// Every line, model after model and core after core.
pub(super) fn lines(models: &[&Model], measured: &[Measured]) -> Vec<Line> {
    let mut lines = Vec::new();
    for model in models {
        for (index, place) in PLACES.iter().enumerate() {
            let here: Vec<&Measured> = measured
                .iter()
                .filter(|one| one.model == model.name && one.core == place.name)
                .collect();
            let site = Site {
                model,
                core: place.name,
                index,
                here: &here,
            };
            site.ours(&mut lines);
            site.soft_best(&mut lines);
            site.peers(&mut lines);
        }
    }
    lines
}

/// One model on one core, and what was measured of it there.
struct Site<'b> {
    model: &'b Model,
    core: &'static str,
    /// The core's place in arrays of goals.
    index: usize,
    here: &'b [&'b Measured],
}

impl Site<'_> {
    /// What is measured of the model: how far it is off, if it gives values.
    fn metrics(&self) -> impl Iterator<Item = &'static Metric> {
        let has_values = self.model.has_values();
        METRICS
            .iter()
            .filter(move |metric| has_values || metric.name != ERROR)
    }

    /// Each of our variants against its rival.
    fn ours(&self, lines: &mut Vec<Line>) {
        for variant in variants(self.model) {
            let Some(own) = self
                .here
                .iter()
                .find(|one| one.by == ours::BY && one.form == variant.name)
            else {
                continue;
            };
            let goal = match variant.mode {
                // Asked of the best form of each side, which has lines of its own.
                Mode::Soft => NONE,
                mode if variant.is_judged => goal(mode, self.model),
                _ => NONE,
            };
            let base = self.line(variant.name, &own.voting);
            let note = own.ran.as_ref().err().cloned();
            for metric in self.metrics() {
                let (peer, peer_name) = self.rival(variant, metric);
                let ours = (metric.of)(own);
                let (limit, goal_is_ratio) = match metric.name {
                    INSTRUCTIONS => (goal.instructions.map(|goals| goals[self.index]), true),
                    FLASH => (goal.flash, true),
                    RAM => (goal.ram, false),
                    _ => (None, false),
                };
                lines.push(judged(Line {
                    metric: metric.name.to_owned(),
                    ours,
                    peer,
                    peer_name,
                    goal: limit,
                    goal_is_ratio,
                    note: note.clone(),
                    ..base.clone()
                }));
            }
            self.with_readings(own, &goal, &base, lines);
            self.per_level_and_split(own, &goal, &base, lines);
        }
    }

    fn with_readings(&self, own: &Measured, goal: &Goal, base: &Line, lines: &mut Vec<Line>) {
        let Some(figures) = &own.from_readings else {
            return;
        };
        for (metric, ours) in [
            (FROM_READINGS, figures.instructions),
            ("instructions_max_from_readings", figures.instructions_max),
            ("flash_bytes_from_readings", figures.flash_bytes as f64),
        ] {
            let goal = goal.from_readings.map(|goals| goals[self.index]);
            lines.push(judged(Line {
                metric: metric.to_owned(),
                ours: Some(ours),
                goal: goal.filter(|_| metric == FROM_READINGS),
                ..base.clone()
            }));
        }
    }

    fn per_level_and_split(&self, own: &Measured, goal: &Goal, base: &Line, lines: &mut Vec<Line>) {
        let (Some(levels), Some(n_splits)) = (self.model.levels, self.model.n_splits) else {
            return;
        };
        if let Ok(ran) = &own.ran {
            lines.push(judged(Line {
                metric: "instructions_per_level".to_owned(),
                ours: Some(ran.instructions / levels),
                goal: goal.per_level.map(|goals| goals[self.index]),
                ..base.clone()
            }));
        }
        let n_splits = n_splits as f64;
        lines.push(judged(Line {
            metric: "flash_bytes_per_split".to_owned(),
            ours: Some(own.flash_bytes as f64 / n_splits),
            // What comes on top once is spread over the splits.
            goal: goal.per_split.map(|(each, once)| each + once / n_splits),
            ..base.clone()
        }));
    }

    /// The best of our soft forms against the best of emlearn's, metric by metric.
    fn soft_best(&self, lines: &mut Vec<Line>) {
        let is_soft = |variant: &&Variant| variant.mode == Mode::Soft;
        let forms: Vec<&str> = variants(self.model)
            .into_iter()
            .filter(is_soft)
            .map(|variant| variant.name)
            .collect();
        if forms.is_empty() {
            return;
        }
        let goal = goal(Mode::Soft, self.model);
        for metric in self.metrics() {
            let best = |by: &str, is_of: &dyn Fn(&Measured) -> bool| {
                least(
                    self.here
                        .iter()
                        .filter(|one| one.by == by && is_of(one))
                        .filter_map(|one| Some(((metric.of)(one)?, one.form.as_str()))),
                )
            };
            let ours = best(ours::BY, &|one| forms.contains(&one.form.as_str()));
            let peer = best("emlearn", &|one| one.voting == "soft");
            lines.push(judged(Line {
                metric: metric.name.to_owned(),
                ours: ours.map(|(figure, _)| figure),
                peer: peer.map(|(figure, _)| figure),
                peer_name: peer.map(|(_, form)| form.to_owned()),
                goal: match metric.name {
                    INSTRUCTIONS => goal.instructions.map(|goals| goals[self.index]),
                    FLASH => goal.flash,
                    _ => None,
                },
                goal_is_ratio: true,
                ..self.line("best soft form", "soft")
            }));
        }
    }

    /// What the peers took, for reference.
    fn peers(&self, lines: &mut Vec<Line>) {
        for one in self.here.iter().filter(|one| one.by != ours::BY) {
            for metric in self.metrics() {
                lines.push(Line {
                    metric: metric.name.to_owned(),
                    peer: (metric.of)(one),
                    peer_name: Some(one.form.clone()),
                    note: one.ran.as_ref().err().cloned(),
                    ..self.line(&one.form, &one.voting)
                });
            }
        }
    }

    /// The peer's figure that a variant is compared with, and the form it is of.
    fn rival(&self, variant: &Variant, metric: &Metric) -> (Option<f64>, Option<String>) {
        let (form, voting) = match variant.mode {
            Mode::Branches16 | Mode::Branches8 | Mode::Branches8EarlyExit | Mode::Readings => {
                (Some("emlearn inline int16"), "hard")
            }
            Mode::Table16 | Mode::Table8 | Mode::Packed => (Some("emlearn loadable int16"), "hard"),
            Mode::Soft | Mode::Bayes => (None, "soft"),
            Mode::Sums => (None, "sum"),
        };
        // Of trees that add, all peers are rivals, as there is one way to count.
        let is_rival = |one: &Measured| match variant.mode {
            Mode::Sums => one.by != ours::BY,
            _ => one.by == "emlearn",
        };
        let best = least(
            self.here
                .iter()
                .filter(|one| is_rival(one) && one.voting == voting)
                .filter(|one| form.is_none_or(|form| one.form == form))
                .filter_map(|one| Some(((metric.of)(one)?, one.form.as_str()))),
        );
        (
            best.map(|(figure, _)| figure),
            best.map(|(_, form)| form.to_owned()),
        )
    }

    fn line(&self, form: &str, voting: &str) -> Line {
        Line {
            case: format!("{} {} {form} {voting}", self.model.name, self.core),
            metric: String::new(),
            ours: None,
            peer: None,
            peer_name: None,
            ratio: None,
            goal: None,
            goal_is_ratio: false,
            met: None,
            model: self.model.name.clone(),
            core: self.core.to_owned(),
            voting: voting.to_owned(),
            note: None,
        }
    }
}

fn least<'m>(figures: impl Iterator<Item = (f64, &'m str)>) -> Option<(f64, &'m str)> {
    figures.min_by(|one, other| one.0.total_cmp(&other.0))
}

/// A line with its ratio and its verdict; a goal that cannot be judged for want of a peer is none,
/// one for want of our own figure is missed.
fn judged(line: Line) -> Line {
    let ratio = match (line.ours, line.peer) {
        (Some(ours), Some(peer)) if peer > 0.0 => Some(ours / peer),
        _ => None,
    };
    let goal = line
        .goal
        .filter(|_| !line.goal_is_ratio || line.peer.is_some());
    let judged = if line.goal_is_ratio { ratio } else { line.ours };
    Line {
        ours: line.ours.map(to_thousandths),
        peer: line.peer.map(to_thousandths),
        ratio: ratio.map(to_thousandths),
        met: goal.map(|goal| judged.is_some_and(|figure| figure <= goal)),
        goal,
        ..line
    }
}

fn to_thousandths(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ours: Option<f64>, peer: Option<f64>, goal_is_ratio: bool) -> Option<bool> {
        judged(Line {
            case: String::new(),
            metric: String::new(),
            ours,
            peer,
            peer_name: None,
            ratio: None,
            goal: Some(0.5),
            goal_is_ratio,
            met: None,
            model: String::new(),
            core: String::new(),
            voting: String::new(),
            note: None,
        })
        .met
    }

    #[test]
    fn a_ratio_is_held_to_its_goal() {
        assert_eq!(verdict(Some(4.0), Some(8.0), true), Some(true));
        assert_eq!(verdict(Some(4.1), Some(8.0), true), Some(false));
    }

    #[test]
    fn without_a_peer_there_is_nothing_to_judge_a_ratio_by() {
        assert_eq!(verdict(Some(4.0), None, true), None);
    }

    #[test]
    fn a_form_that_did_not_run_has_missed_its_goal() {
        assert_eq!(verdict(None, Some(8.0), true), Some(false));
        assert_eq!(verdict(None, None, false), Some(false));
    }

    #[test]
    fn a_figure_is_held_to_its_goal_without_a_peer() {
        assert_eq!(verdict(Some(0.4), None, false), Some(true));
        assert_eq!(verdict(Some(4.0), None, false), Some(false));
    }
}
