//! The best model that meets every budget: drawn, grown, cut and scored on folds of the training
//! rows; sized by the encoders; and of the best few, built and run.

mod estimate;
mod finalist;
mod journal;
mod space;
#[cfg(test)]
mod tests;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rayon::prelude::*;
use serde::Serialize;
use spinney_config::{Config, Model, Trainer, Training};
use spinney_dataset::{Dataset, folds};

use crate::failure::{ExitReason, Failure};
use crate::lock::{self, Held};
use crate::progress::Progress;
use crate::stages::inputs::{self, Inputs, ROW_PARTS, at_fault, stand_ins};
use crate::stages::{self, Tools};
use crate::store::{self, sha256};
use crate::{disk, places};
use estimate::{Candidate, candidates};
use journal::{Journal, name};
pub use space::{Keys, shown};
pub use trial::{Point, Scored, Trial};

/// Growths that are built and run, each in its best form.
const FINALISTS: usize = 3;
/// Of so many growths one goes on to the next folds.
const KEEP_ONE_OF: usize = 3;

/// A search, opened.
pub struct Search {
    config: Config,
    inputs: Inputs,
    progress: Progress,
    /// What images are built and run with, once a search does.
    tools: Option<Tools>,
    /// The digest of these and of what else images are built, run and judged by.
    made_by: String,
    train: Dataset,
    /// What is scored on in place of training rows.
    validation: Option<Dataset>,
    /// Training rows that are run in place of test rows.
    stand_ins: Dataset,
    /// The fold of each row that is scored on.
    fold_of: Vec<usize>,
    /// Digest of config, seed and data.
    data: String,
    growths: Vec<Keys>,
    folder: PathBuf,
    journal: Journal,
    /// Processor seconds that some trial has told of.
    told_s: Mutex<f64>,
    /// Held while the journal is open.
    lock: Option<Held>,
}

/// A model, with what it scores and takes.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// Mean score over the folds: a share of 1 of classes, of numbers in the unit of the labels, or R².
    pub score: f64,
    /// Its standard deviation over the folds.
    pub score_sd: f64,
    /// Flash of the image.
    pub flash_bytes: u64,
    /// Mean instructions of an inference; `None` where nothing ran.
    pub instructions: Option<f64>,
    /// Whether it was built and run, rather than estimated.
    pub is_measured: bool,
    /// The keys that make it.
    pub keys: Keys,
}

/// The winner on the test rows.
#[derive(Debug, Clone, Serialize)]
pub struct OnTest {
    /// Test rows.
    pub rows: usize,
    /// Share of them that the image names the class of; `None` without labels, and of numbers.
    pub accuracy: Option<f64>,
    /// The objective of numbers on these rows; `None` of classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Gates of the config that do not hold.
    pub failed_gates: Vec<String>,
}

/// What a search found.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// The best that meets every budget; `None` where nothing does.
    pub best: Option<Place>,
    /// Where nothing does, what comes nearest, and the budgets that it misses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<(Place, Vec<String>)>,
    /// Models none of which is beaten in score, flash and instructions at once, by flash.
    pub front: Vec<Place>,
    /// Growths that were tried.
    pub trials: usize,
    /// Processor seconds of all trials; builds and the emulator are not among them.
    pub cpu_s: f64,
    /// Whether the time ran out before all trials were run.
    pub is_cut: bool,
    /// What the score is.
    pub objective: &'static str,
    /// Training rows.
    pub train_rows: usize,
    /// Rows for validation, which are scored on in place of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_rows: Option<usize>,
    /// Parts that they were divided into.
    pub folds: u32,
    /// Groups that were kept together, where rows have some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
    /// The winner on the test rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<OnTest>,
}

/// Processor seconds of this process so far.
fn cpu_s() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

impl Search {
    /// Opens the search of the pipeline at `path`.
    ///
    /// # Errors
    /// A config or rows that nothing can be trained by.
    pub fn open(path: &Path, progress: Progress) -> Result<Self, Failure> {
        let config = spinney_config::load(path)?;
        let refuse = |place: &str, found: &str, help: &str| config.refuse(place, found, Some(help));
        match &config.pipeline.model {
            Model::Import { .. } => {
                let help = "write `source = \"train\"` and a `kind`, and remove `path`";
                return refuse("model.source", "a search trains, it imports nothing", help);
            }
            Model::Train(Training::Forest(forest)) if forest.trainer == Trainer::Linfa => {
                let found =
                    "linfa's trees differ from one training to the next, expected `\"spinney\"`";
                return refuse("model.trainer", found, "remove `trainer`");
            }
            Model::Train(_) => {}
        }
        if config.pipeline.shrink.is_some() {
            let found = "a search weighs forests as they are trained";
            let help = "remove `shrink`, and shrink what the search finds";
            return refuse("model.shrink", found, help);
        }
        let inputs = inputs::read(&config)?.blind();
        let task = config.pipeline.search.objective.task();
        let rows = inputs::rows(&config, &inputs, task, None)?;
        let train = rows.train.unwrap_or(rows.test);
        let (search, seed) = (&config.pipeline.search, config.pipeline.identity.seed);
        let of_folds = train.groups().filter(|_| rows.validation.is_none());
        let scored_on = rows.validation.as_ref().unwrap_or(&train);
        let fold_of = folds(scored_on, of_folds, search.folds as usize, seed)
            .map_err(|error| at_fault(config.path(), &error))?;
        let growths = space::growths(search, seed);
        let data = digest(&config, &inputs, &growths[0])?;
        let folder = places::artifacts(&config)?.join(format!("search-{data}"));
        Ok(Self {
            stand_ins: train.select(&stand_ins(&train, seed)),
            config,
            inputs,
            progress,
            tools: None,
            made_by: String::new(),
            train,
            validation: rows.validation,
            fold_of,
            data,
            growths,
            folder,
            journal: Journal::default(),
            told_s: Mutex::new(cpu_s()),
            lock: None,
        })
    }

    /// Takes what was found out before, and keeps what will be; waits while another search does.
    fn hold(&mut self) -> Result<(), Failure> {
        if self.lock.is_none() {
            disk::create_folder(&self.folder).environment()?;
            let lock = lock::hold(&self.folder.join("lock"), &self.progress).environment()?;
            self.journal = Journal::open(&self.folder.join("journal.jsonl"))?;
            self.lock = Some(lock);
        }
        Ok(())
    }

    /// Processor seconds since this was last asked: trials at work at once share them.
    fn spent(&self) -> f64 {
        let mut told = self.told_s.lock().expect("no thread panics in between");
        let now = cpu_s();
        now - std::mem::replace(&mut *told, now)
    }

    /// The first trials, as others may run them: each on all folds.
    pub fn ask(&self, n_trials: usize) -> Vec<Trial> {
        let folds = self.config.pipeline.search.folds as usize;
        let all = 0..self.growths.len().min(n_trials);
        all.map(|trial| self.trial(trial, (0..folds).collect(), None))
            .collect()
    }

    fn trial(&self, trial: usize, folds: Vec<usize>, n_trees_max: Option<usize>) -> Trial {
        Trial {
            trial,
            data: self.data.clone(),
            keys: self.growths[trial].clone(),
            folds,
            n_trees_max,
        }
    }

    /// Takes what others found of trials that were asked for.
    ///
    /// # Errors
    /// It is of another search.
    pub fn tell(&mut self, told: Vec<Scored>) -> Result<(), Failure> {
        self.hold()?;
        for scored in told {
            self.check_data(&scored.data)?;
            self.journal.note(&scored)?;
            self.journal.learn(scored);
        }
        Ok(())
    }

    /// Searches: `n_trials` growths, or those alone that were told of where it is `None`; no trial
    /// starts once `time` is over.
    ///
    /// # Errors
    /// Rows that cannot be trained on, or something that the environment lacks.
    pub fn run(
        &mut self,
        n_trials: Option<usize>,
        time: Option<Duration>,
    ) -> Result<Found, Failure> {
        let tools = stages::tools(&self.config)?;
        self.hold()?;
        self.made_by = finalist::made_by(&self.config, &tools, &self.folder)?;
        self.journal.keep_made_by(&self.made_by);
        self.tools = Some(tools);
        let started = Instant::now();
        let mut left: Vec<usize> = match n_trials {
            Some(n_trials) => (0..self.growths.len().min(n_trials)).collect(),
            None => (0..self.growths.len())
                .filter(|at| self.journal.grown(&self.growths[*at]).is_some())
                .collect(),
        };
        let tried = left.clone();
        let n_folds = self.config.pipeline.search.folds as usize;
        let mut is_cut = false;
        let rungs: [(Vec<usize>, f64); 3] = [
            (vec![0], 0.5),
            (vec![1], 0.75),
            ((2..n_folds).collect(), 1.0),
        ];
        for (rung, (folds, share)) in rungs.iter().enumerate() {
            let until = time.map(|time| started + time.mul_f64(*share));
            is_cut |= self.try_all(&left, folds, rung, until)?;
            if rung == 0 {
                self.probe(&left)?;
            }
            // Told trials are whole already.
            if n_trials.is_some() {
                left = self.best(&left, folds, rung);
            }
        }
        self.conclude(&tried, is_cut)
    }

    /// Runs what is not known yet of these growths on these folds; whether time ran out.
    fn try_all(
        &mut self,
        growths: &[usize],
        folds: &[usize],
        rung: usize,
        until: Option<Instant>,
    ) -> Result<bool, Failure> {
        let open: Vec<Trial> = growths
            .iter()
            .filter_map(|at| {
                let grown = self.journal.grown(&self.growths[*at]);
                let missing = |fold: &usize| grown.is_none_or(|grown| !grown.has(*fold));
                let folds: Vec<usize> = folds.iter().copied().filter(missing).collect();
                let most = grown.map(|grown| {
                    let sizes = grown.points.iter().map(|it| space::n_trees_of(&it.keys));
                    sizes.max().unwrap_or(1)
                });
                (!folds.is_empty()).then(|| self.trial(*at, folds, most))
            })
            .collect();
        // What was spent on images is no trial's.
        self.spent();
        let n_open = open.len();
        let done = AtomicUsize::new(0);
        let best = self.best_so_far(growths);
        let found: Vec<Result<Option<Scored>, Failure>> = open
            .par_iter()
            .map(|trial| {
                // One runs to the end, whatever the time.
                let is_late = until.is_some_and(|until| Instant::now() >= until);
                if is_late && trial.trial != open[0].trial {
                    return Ok(None);
                }
                let scored = self.run_trial(trial)?;
                self.journal.note(&scored)?;
                let done = 1 + done.fetch_add(1, Ordering::Relaxed);
                self.progress.doing(&format!(
                    "search, round {} of 3: {done} of {n_open} trials{best}",
                    rung + 1
                ));
                Ok(Some(scored))
            })
            .collect();
        let mut is_cut = false;
        for scored in found {
            match scored? {
                Some(scored) => self.journal.learn(scored),
                None => is_cut = true,
            }
        }
        self.progress.clear();
        Ok(is_cut)
    }

    fn best_so_far(&self, growths: &[usize]) -> String {
        let fitting = self
            .candidates(growths)
            .into_iter()
            .filter(|it| self.fits(it));
        match fitting.max_by(better) {
            Some(best) => format!(
                ", best so far {} in about {} bytes: {}",
                self.config.pipeline.search.objective.shown(best.score),
                best.flash_bytes,
                shown(&best.keys)
            ),
            None => String::new(),
        }
    }

    fn candidates(&self, growths: &[usize]) -> Vec<Candidate> {
        let of_growth = |at: &usize| self.of_growth(*at);
        growths.iter().flat_map(of_growth).collect()
    }

    fn of_growth(&self, at: usize) -> Vec<Candidate> {
        let objective = self.config.pipeline.search.objective;
        candidates(&self.journal, objective, at, &self.growths[at])
    }

    /// Whether a candidate meets the budgets, as far as is known.
    fn fits(&self, candidate: &Candidate) -> bool {
        self.misses(candidate).is_empty()
    }

    fn misses(&self, candidate: &Candidate) -> Vec<String> {
        if let Some(measured) = &candidate.measured {
            return measured.misses.clone();
        }
        let budget = &self.config.pipeline.budget;
        let mut misses = Vec::new();
        if candidate.flash_bytes > u64::from(budget.flash) {
            misses.push("flash".to_owned());
        }
        if let (Some(limit), Some(found)) = (budget.instructions, candidate.instructions)
            && found > limit as f64
        {
            misses.push("instructions".to_owned());
        }
        misses
    }

    /// Of the growths that the last folds were run for, those that go on.
    fn best(&self, growths: &[usize], folds: &[usize], rung: usize) -> Vec<usize> {
        let is_run = |at: &usize| {
            let grown = self.journal.grown(&self.growths[*at]);
            grown.is_some_and(|grown| folds.iter().all(|fold| grown.has(*fold)))
        };
        let mut ranked: Vec<Candidate> = growths
            .iter()
            .filter(|at| is_run(at))
            .filter_map(|at| {
                let all = self.of_growth(*at).into_iter();
                let fitting = all.filter(|it| self.fits(it));
                fitting.max_by(better)
            })
            .collect();
        ranked.sort_by(|one, other| better(other, one));
        let kept = match rung {
            2 => ranked.len(),
            _ => ranked.len().div_ceil(KEEP_ONE_OF).max(FINALISTS),
        };
        ranked.iter().take(kept).map(|it| it.trial).collect()
    }

    /// Builds one image, where there is none yet, to learn what code takes besides tables.
    fn probe(&mut self, growths: &[usize]) -> Result<(), Failure> {
        if !self.journal.measured.is_empty() {
            return Ok(());
        }
        let room = u64::from(self.config.pipeline.budget.flash) / 2;
        let all = self.candidates(growths);
        let small = all.iter().filter(|it| it.table_bytes <= room);
        let probe = small.max_by(|one, other| better(one, other));
        let smallest = || all.iter().min_by_key(|it| it.table_bytes);
        match probe.or_else(smallest) {
            Some(probe) => self.measure(probe),
            None => Ok(()),
        }
    }

    /// Builds and runs the best until those that lead were, and tells what was found.
    fn conclude(&mut self, tried: &[usize], is_cut: bool) -> Result<Found, Failure> {
        let n_folds = self.config.pipeline.search.folds as usize;
        let whole = |search: &Self| -> Vec<Candidate> {
            let mut all = search.candidates(tried);
            let most = all.iter().map(|it| it.n_folds).max().unwrap_or(0);
            // Where time ran out before any growth saw all folds, what saw the most of them.
            all.retain(|it| it.n_folds == most.min(n_folds) && it.n_folds > 0);
            all.sort_by(|one, other| better(other, one));
            all
        };
        let leader = loop {
            let all = whole(self);
            let mut leaders: Vec<&Candidate> = Vec::new();
            for candidate in all.iter().filter(|it| self.fits(it)) {
                if leaders.len() < FINALISTS && leaders.iter().all(|it| it.trial != candidate.trial)
                {
                    leaders.push(candidate);
                }
            }
            match leaders.iter().find(|it| it.measured.is_none()) {
                Some(open) => {
                    let open = (*open).clone();
                    self.measure(&open)?;
                }
                None => break leaders.first().map(|it| (*it).clone()),
            }
        };
        let search = self.config.pipeline.search.clone();
        let test = match &leader {
            Some(leader) => {
                let report = self.judged(&leader.keys)?;
                let failed = report.verdicts.iter().filter(|it| !it.pass);
                Some(OnTest {
                    rows: report.dataset.test_rows,
                    accuracy: report.accuracy.q15,
                    score: finalist::value_score(&report, search.objective),
                    failed_gates: failed.map(|it| it.gate.clone()).collect(),
                })
            }
            None => None,
        };
        self.progress.clear();
        let all = whole(self);
        let nearest = match leader {
            Some(_) => None,
            None => self.nearest(&self.candidates(tried)),
        };
        Ok(Found {
            best: leader.as_ref().map(place),
            nearest,
            front: front(&all).into_iter().map(place).collect(),
            // All but where time ran out.
            trials: (tried.iter())
                .filter(|at| self.journal.grown(&self.growths[**at]).is_some())
                .count(),
            cpu_s: (self.journal.cpu_s * 10.0).round() / 10.0,
            is_cut,
            objective: spinney_config::Word::word(search.objective),
            train_rows: self.train.n_rows(),
            validation_rows: self.validation.as_ref().map(Dataset::n_rows),
            folds: search.folds,
            groups: (self.train.n_groups()).filter(|_| self.validation.is_none()),
            test,
        })
    }

    /// What misses the budgets by least.
    fn nearest(&self, all: &[Candidate]) -> Option<(Place, Vec<String>)> {
        let budget = &self.config.pipeline.budget;
        let excess = |it: &Candidate| {
            let flash = it.flash_bytes as f64 / f64::from(budget.flash);
            let instructions = budget.instructions.zip(it.instructions);
            instructions.map_or(flash, |(limit, found)| flash.max(found / limit as f64))
        };
        let nearest = all
            .iter()
            .min_by(|one, other| excess(one).total_cmp(&excess(other)))?;
        Some((place(nearest), self.misses(nearest)))
    }

    /// The config that it is a search of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Puts keys into the config's file; comments stay, as do its permissions and a link to it.
    ///
    /// # Errors
    /// The file was edited since the search read it, it cannot be written, or what it says cannot be
    /// edited key by key.
    pub fn write(&self, keys: &Keys) -> Result<(), Failure> {
        let edits = space::edits(keys);
        self.config.with(&edits)?;
        let path = self.config.path();
        let context = || format!("cannot write {}", path.display());
        let place = path.canonicalize().with_context(context).input()?;
        if disk::read(&place).with_context(context).input()?
            != self.config.text_with(&[]).as_bytes()
        {
            return Err(Failure::Input(anyhow!(
                "{}: found another text than the search began with, expected no edit since, so nothing \
                 is written; search again, which takes what was found so far where the edit leaves it \
                 valid",
                path.display()
            )));
        }
        let permissions = std::fs::metadata(&place).with_context(context).input()?;
        store::write_whole(&place, self.config.text_with(&edits).as_bytes()).input()?;
        std::fs::set_permissions(&place, permissions.permissions())
            .with_context(context)
            .input()
    }
}

/// The worse first: by score, then by flash, then by instructions, then by the keys.
fn better(one: &Candidate, other: &Candidate) -> std::cmp::Ordering {
    let instructions = |it: &Candidate| it.instructions.unwrap_or(0.0);
    one.rank
        .total_cmp(&other.rank)
        .then(other.flash_bytes.cmp(&one.flash_bytes))
        .then(instructions(other).total_cmp(&instructions(one)))
        .then_with(|| name(&other.keys).cmp(&name(&one.keys)))
}

fn place(candidate: &Candidate) -> Place {
    let round = |score: f64| (score * 1e6).round() / 1e6;
    Place {
        score: round(candidate.score),
        score_sd: round(candidate.score_sd),
        flash_bytes: candidate.flash_bytes,
        instructions: candidate.instructions,
        is_measured: candidate.measured.is_some(),
        keys: candidate.keys.clone(),
    }
}

/// Those that no other beats in score, flash and instructions at once, by flash.
fn front(all: &[Candidate]) -> Vec<&Candidate> {
    let figures = |it: &Candidate| {
        let instructions = it.instructions.unwrap_or(0.0);
        [-it.rank, it.flash_bytes as f64, instructions]
    };
    let beats = |one: &Candidate, other: &Candidate| {
        let (one, other) = (figures(one), figures(other));
        (0..3).all(|at| one[at] <= other[at]) && one != other
    };
    let is_on = |it: &&Candidate| !all.iter().any(|other| beats(other, it));
    let mut front: Vec<&Candidate> = all.iter().filter(is_on).collect();
    front.sort_by(|one, other| {
        one.flash_bytes
            .cmp(&other.flash_bytes)
            .then(better(one, other))
    });
    front
}

/// The digest of all that a trial's result depends on.
fn digest(config: &Config, inputs: &Inputs, first: &Keys) -> Result<String, Failure> {
    // Whatever the keys say that a search decides on.
    let canonical = space::config_with(config, first)?;
    let sections = [
        &ROW_PARTS[..],
        &["model", "quantize", "select", "shrink", "features"],
    ];
    let mut key = inputs.of_config(&canonical, &sections.concat())?;
    let pipeline = &canonical.pipeline;
    let search = serde_json::to_string(&pipeline.search).environment()?;
    let outputs = serde_json::to_string(&pipeline.codegen.outputs).environment()?;
    for (name, value) in [
        ("[search]", search),
        ("outputs", outputs),
        ("core", pipeline.target.chip.core.as_str().to_owned()),
        ("flash", pipeline.budget.flash.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ] {
        key.insert(name.to_owned(), value);
    }
    let key = serde_json::to_string(&key).environment()?;
    let digest = sha256(key.as_bytes());
    let hex = digest.strip_prefix("sha256:").unwrap_or(&digest);
    Ok(hex.chars().take(16).collect())
}

/// Reads lines of JSON; `source` names them in faults.
///
/// # Errors
/// A line that is none.
pub fn lines<T: serde::de::DeserializeOwned>(source: &str, text: &str) -> Result<Vec<T>, Failure> {
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(number, line)| {
        serde_json::from_str(line)
            .map_err(|error| Failure::Input(anyhow!("{source}, line {number}: {error}")))
    });
    read.collect()
}
