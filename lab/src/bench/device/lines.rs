//! Measurements as comparisons: one line per case and metric, lower is better.

use serde::{Deserialize, Serialize};

use super::goals::{Goal, goal};
use super::model::Model;
use super::ours::{self, Mode, Variant, variants};
use super::{Measured, PLACES, Ran};

/// One comparison. Figures that a side does not have are null, and so is a goal where there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

/// A metric that both sides have, by its name.
type Metric = (&'static str, fn(&Measured) -> Option<f64>);

const INSTRUCTIONS: &str = "instructions";
const FLASH: &str = "flash_bytes";
const RAM: &str = "ram_bytes";
/// Of regressors alone.
const ERROR: &str = "error_max";

const METRICS: [Metric; 7] = [
    (INSTRUCTIONS, |one| Some(ran(one)?.instructions)),
    ("instructions_max", |one| Some(ran(one)?.instructions_max)),
    (FLASH, |one| Some(one.flash_bytes as f64)),
    (RAM, |one| Some(one.ram_bytes as f64)),
    ("stack_bytes", |one| Some(ran(one)?.stack_bytes as f64)),
    ("disagreements", |one| Some(ran(one)?.disagreements as f64)),
    (ERROR, |one| ran(one)?.error_max),
];

fn ran(one: &Measured) -> Option<&Ran> {
    one.ran.as_ref().ok()
}

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
        let is_asked = move |metric: &&Metric| has_values || metric.0 != ERROR;
        METRICS.iter().filter(is_asked)
    }

    /// Each of our variants against its rival.
    fn ours(&self, lines: &mut Vec<Line>) {
        for variant in variants(self.model) {
            let is_own = |one: &&&Measured| one.by == ours::BY && one.form == variant.name;
            let Some(own) = self.here.iter().find(is_own) else {
                continue;
            };
            let goal = match variant.mode {
                // Asked of the best form of each side, which has lines of its own.
                Mode::Soft => Goal::default(),
                mode if variant.is_judged => goal(mode, self.model),
                _ => Goal::default(),
            };
            let base = self.line(variant.name, &own.voting);
            for metric in self.metrics() {
                let (peer, peer_name) = self.rival(variant, metric);
                lines.push(judged(Line {
                    metric: metric.0.to_owned(),
                    ours: metric.1(own),
                    peer,
                    peer_name,
                    goal: self.limit(&goal, metric),
                    goal_is_ratio: [INSTRUCTIONS, FLASH].contains(&metric.0),
                    note: own.ran.as_ref().err().cloned(),
                    ..base.clone()
                }));
            }
            let figures = self.figures(own, &goal).into_iter();
            lines.extend(figures.map(|(metric, ours, goal)| {
                judged(Line {
                    metric: metric.to_owned(),
                    ours: Some(ours),
                    goal,
                    ..base.clone()
                })
            }));
        }
    }

    fn limit(&self, goal: &Goal, metric: &Metric) -> Option<f64> {
        match metric.0 {
            INSTRUCTIONS => self.here(goal.instructions),
            FLASH => goal.flash,
            RAM => goal.ram,
            _ => None,
        }
    }

    fn here(&self, goals: Option<[f64; 3]>) -> Option<f64> {
        goals.map(|goals| goals[self.index])
    }

    /// What we have alone: its name, the figure, and what is asked of it.
    fn figures(&self, own: &Measured, goal: &Goal) -> Vec<(&'static str, f64, Option<f64>)> {
        let mut figures = Vec::new();
        if let Some(raw) = &own.from_readings {
            let goal = self.here(goal.from_readings);
            figures.extend([
                ("instructions_from_readings", raw.instructions, goal),
                ("instructions_max_from_readings", raw.instructions_max, None),
                ("flash_bytes_from_readings", raw.flash_bytes as f64, None),
            ]);
        }
        if let (Some(levels), Some(n_splits)) = (self.model.levels, self.model.n_splits) {
            if let Some(ran) = ran(own) {
                let per_level = ran.instructions / levels;
                let goal = self.here(goal.per_level);
                figures.push(("instructions_per_level", per_level, goal));
            }
            let n_splits = n_splits as f64;
            let per_split = own.flash_bytes as f64 / n_splits;
            // What comes on top once is spread over the splits.
            let goal = goal.per_split.map(|(each, once)| each + once / n_splits);
            figures.push(("flash_bytes_per_split", per_split, goal));
        }
        figures
    }

    /// The best of our soft forms against the best of emlearn's, metric by metric.
    fn soft_best(&self, lines: &mut Vec<Line>) {
        let variants = variants(self.model).into_iter();
        let soft = variants.filter(|variant| variant.mode == Mode::Soft);
        let forms: Vec<&str> = soft.map(|variant| variant.name).collect();
        if forms.is_empty() {
            return;
        }
        let goal = goal(Mode::Soft, self.model);
        for metric in self.metrics() {
            let is_soft = |one: &Measured| one.by == ours::BY && forms.contains(&&*one.form);
            let (peer, peer_name) =
                self.best(metric, |one| one.by == "emlearn" && one.voting == "soft");
            lines.push(judged(Line {
                metric: metric.0.to_owned(),
                ours: self.best(metric, is_soft).0,
                peer,
                peer_name,
                goal: self.limit(&goal, metric),
                goal_is_ratio: true,
                ..self.line("best soft form", "soft")
            }));
        }
    }

    /// What the peers took, for reference.
    fn peers(&self, lines: &mut Vec<Line>) {
        for one in self.here.iter().filter(|one| one.by != ours::BY) {
            lines.extend(self.metrics().map(|metric| Line {
                metric: metric.0.to_owned(),
                peer: metric.1(one),
                peer_name: Some(one.form.clone()),
                note: one.ran.as_ref().err().cloned(),
                ..self.line(&one.form, &one.voting)
            }));
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
        let is_form = |one: &Measured| form.is_none_or(|form| one.form == form);
        self.best(metric, |one| {
            is_rival(one) && one.voting == voting && is_form(one)
        })
    }

    /// The least figure of those that are asked for, and the form it is of.
    fn best(
        &self,
        metric: &Metric,
        is_asked: impl Fn(&Measured) -> bool,
    ) -> (Option<f64>, Option<String>) {
        let asked = self.here.iter().filter(|one| is_asked(one));
        let figures = asked.filter_map(|one| Some((metric.1(one)?, one.form.clone())));
        figures
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .unzip()
    }

    fn line(&self, form: &str, voting: &str) -> Line {
        Line {
            case: format!("{} {} {form} {voting}", self.model.name, self.core),
            model: self.model.name.clone(),
            core: self.core.to_owned(),
            voting: voting.to_owned(),
            ..Line::default()
        }
    }
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
            ours,
            peer,
            goal: Some(0.5),
            goal_is_ratio,
            ..Line::default()
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
