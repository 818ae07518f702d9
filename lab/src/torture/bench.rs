//! What cases are played on: a clone, the states that it can be brought to, and what an undisturbed
//! run gives.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::preload::{Fault, What, trace};
use super::sandbox::{Ended, Sandbox, Snapshot, Tree};
use spinney_cli::terminal;
use spinney_pipeline::{lock, places, store};

/// The run that something happens to.
pub(super) const RUN: [&str; 4] = ["pipeline", "run", "--quiet", "--force"];
/// The run afterwards.
const NEXT: [&str; 3] = ["pipeline", "run", "--quiet"];
pub(super) const CHECK: [&str; 3] = ["pipeline", "check", "--json"];

/// States that a run starts from: the whole run of a config with another budget, whose reports
/// alone differ; that of another model; none.
pub(super) const BASES: [&str; 3] = ["budget", "older", "fresh"];

/// What a fault came to. Either way the next run gave the bytes of an undisturbed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The same bytes.
    Same,
    /// A clear refusal.
    Refused,
    /// Nothing: what was to go wrong was not used on this machine.
    Nothing,
}

impl std::fmt::Display for Effect {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Same => "the same bytes",
            Self::Refused => "a clear refusal, and the next run gave the same bytes",
            Self::Nothing => "nothing, as this machine does without the tool; not counted",
        })
    }
}

/// A verb that looks at what a run left.
pub(super) struct View {
    pub verb: Vec<String>,
    pub answer: String,
}

pub(super) struct Bench {
    pub sandbox: Sandbox,
    /// States by name; [`BASES`] with today's config, and the whole run.
    bases: BTreeMap<&'static str, Snapshot>,
    /// The operations of an undisturbed run, by the state that it starts from.
    traces: RefCell<BTreeMap<String, Vec<String>>>,
    pub reports: Tree,
    pub images: Tree,
    pub views: Vec<View>,
    pub folder: PathBuf,
    seed: Cell<u64>,
    /// One torture at a time.
    _turn: lock::Held,
}

/// The smallest pipeline, on a Cortex-M0.
fn config(depth: u32, flash: &str) -> String {
    format!(
        "[pipeline]\nname = \"tiny\"\nseed = 42\n\n[dataset]\npath = \"iris.csv\"\nlabel = \
         \"species\"\ntest_fraction = 0.25\n\n[model]\nkind = \"decision-tree\"\nmax_depth = \
         {depth}\n\n[codegen]\nencoding = \"table\"\n\n[target]\nchip = \"nRF51822_xxAA\"\n\n\
         [firmware]\ndeadline_s = 20\n\n[budget]\nflash = \"{flash}\"\n"
    )
}

impl Bench {
    pub(super) fn new(seed: u64) -> Result<Self> {
        let not_there = |_| anyhow::anyhow!("no cache folder");
        let shared = places::cache().map_err(not_there)?;
        let folder = shared.join("torture");
        let turn = lock::hold(&folder.join("lock"), &terminal::notes())?;
        let program =
            crate::program().map_err(|_| anyhow::anyhow!("the program does not build"))?;
        // The other clone of an earlier torture has that one's program.
        let other = folder.join("b");
        if other.exists() {
            std::fs::remove_dir_all(&other)?;
        }
        let sandbox = Sandbox::new(&folder.join("a"), &folder.join("cache"), &program)?;
        let has_probe = sandbox.borrow_probe(&shared)?;
        let mut bench = Self {
            sandbox,
            bases: BTreeMap::new(),
            traces: RefCell::default(),
            reports: Tree::new(),
            images: Tree::new(),
            views: Vec::new(),
            folder,
            seed: Cell::new(seed),
            _turn: turn,
        };
        bench.prepare(has_probe)?;
        Ok(bench)
    }

    /// Runs everything undisturbed.
    fn prepare(&mut self, has_probe: bool) -> Result<()> {
        let sandbox = &self.sandbox;
        let project = sandbox.project();
        let data = crate::repository().join("data/iris.csv");
        std::fs::copy(&data, project.join("iris.csv"))
            .with_context(|| format!("cannot copy {}", data.display()))?;
        let today = config(2, "32K");
        for (base, text) in [
            ("fresh", None),
            ("older", Some(config(1, "64K"))),
            ("budget", Some(config(2, "64K"))),
            ("whole", Some(today.clone())),
        ] {
            if let Some(text) = text {
                std::fs::write(project.join("pipeline.toml"), text)?;
                sandbox.must(&NEXT)?;
            }
            let mut state = sandbox.snapshot()?;
            let config = today.clone().into_bytes();
            state.project.insert(PathBuf::from("pipeline.toml"), config);
            self.bases.insert(base, state);
        }
        self.reports = sandbox.reports()?;
        self.images = sandbox.images()?;
        ensure!(
            self.reports.len() >= 4 && self.images.len() >= 3,
            "a run gives reports and images"
        );
        let predictions = sandbox.reports()?[&PathBuf::from("predictions.csv")].clone();
        let predictions = String::from_utf8(predictions)?;
        let row = predictions
            .lines()
            .nth(1)
            .and_then(|line| line.split(',').next());
        let explain = ["explain", "--json", "--row", row.context("no predictions")?];
        let mut verbs = vec![
            CHECK.to_vec(),
            vec!["pipeline", "list", "--json"],
            explain.to_vec(),
            vec!["predict", "--json", "--input", "iris.csv"],
            vec!["certificate", "verify", "--json"],
        ];
        if has_probe {
            verbs.push(vec!["flash", "--dry-run"]);
        }
        for verb in verbs {
            let answer = sandbox.must(&verb)?.answer();
            let verb = verb.into_iter().map(str::to_owned).collect();
            self.views.push(View { verb, answer });
        }
        Ok(())
    }

    /// Brings the clone to a state.
    pub(super) fn restore(&self, base: &str) -> Result<()> {
        self.sandbox.restore(self.state(base)?)
    }

    pub(super) fn state(&self, base: &str) -> Result<&Snapshot> {
        self.bases
            .get(base)
            .with_context(|| format!("there is no state \"{base}\""))
    }

    /// How many operations of these kinds an undisturbed run from a state has.
    pub(super) fn n_operations(&self, base: &str, kinds: &str) -> Result<usize> {
        if !self.traces.borrow().contains_key(base) {
            self.restore(base)?;
            let fault = Fault {
                kinds: "owrsumcpqi",
                at: 0,
                what: What::Trace,
            };
            let ended = self.sandbox.run(&RUN, Some(&fault))?;
            ensure!(ended.code == Some(0), "undisturbed, from {base}: {ended}");
            ensure!(
                self.sandbox.reports()? == self.reports && self.sandbox.images()? == self.images,
                "undisturbed runs differ, from {base}"
            );
            let trace = trace(&self.sandbox)?;
            self.traces.borrow_mut().insert(base.to_owned(), trace);
        }
        let traces = self.traces.borrow();
        let counts = |line: &&String| kinds.contains(line.split(' ').next().unwrap_or("?"));
        Ok(traces[base].iter().filter(counts).count())
    }

    /// Runs the pipeline from a state with a fault; what it ended with, and at which operation.
    pub(super) fn disturbed(
        &self,
        base: &str,
        fault: &Fault,
        patience: std::time::Duration,
    ) -> Result<(Ended, String)> {
        self.restore(base)?;
        let mut command = self.sandbox.command(&RUN, Some(fault));
        let ended = self.sandbox.finish(&mut command, patience)?;
        let operations = trace(&self.sandbox).unwrap_or_default();
        let at = operations.into_iter().nth(fault.at.saturating_sub(1));
        let at = at.unwrap_or_else(|| "no such operation".to_owned());
        ended.is_sane().with_context(|| at.clone())?;
        Ok((ended, at))
    }

    /// What a disturbed run came to: reports are all of before or all of now.
    pub(super) fn effect(&self, base: &str, ended: &Ended) -> Result<Effect> {
        let now = self.sandbox.reports()?;
        if ended.code == Some(0) {
            self.same_reports(&now)?;
            return Ok(Effect::Same);
        }
        ensure!(ended.is_refusal(), "no clear refusal: {ended}");
        let mut before = self.state(base)?.project.clone();
        before.retain(|path, _| path.starts_with("reports"));
        let is_before = before.len() == now.len()
            && now.iter().all(|(name, bytes)| {
                before.get(&PathBuf::from("reports/tiny").join(name)) == Some(bytes)
            });
        ensure!(
            is_before || now == self.reports,
            "{ended}\nreports of two runs are mixed: {:?}",
            now.keys()
        );
        Ok(Effect::Refused)
    }

    fn same_reports(&self, now: &Tree) -> Result<()> {
        let differ: Vec<_> = self
            .reports
            .iter()
            .filter(|(name, bytes)| now.get(*name) != Some(bytes))
            .map(|(name, _)| name.display().to_string())
            .collect();
        ensure!(
            differ.is_empty() && now.len() == self.reports.len(),
            "not those of an undisturbed run: {} of {:?}",
            differ.join(", "),
            now.keys()
        );
        Ok(())
    }

    /// What `pipeline check` says: it refuses, or judges as after an undisturbed run.
    pub(super) fn checked(&self) -> Result<Effect> {
        let ended = self.sandbox.run(&CHECK, None)?;
        ended.is_sane()?;
        if ended.is_refusal() {
            return Ok(Effect::Refused);
        }
        ensure!(
            ended.code == Some(0) && ended.answer() == self.views[0].answer,
            "`pipeline check` judges something else than an undisturbed run: {ended}"
        );
        Ok(Effect::Same)
    }

    /// The next run gives the bytes of an undisturbed one, and leaves nothing besides.
    pub(super) fn heals(&self) -> Result<()> {
        let ended = self.sandbox.run(&NEXT, None)?;
        ended.is_sane().context("the next run")?;
        ensure!(ended.code == Some(0), "the next run: {ended}");
        self.same_reports(&self.sandbox.reports()?)
            .context("the next run's reports")?;
        ensure!(
            self.sandbox.images()? == self.images,
            "the next run's images are not those of an undisturbed run"
        );
        ensure!(
            self.checked().context("after the next run")? == Effect::Same,
            "`pipeline check` refuses after the next run"
        );
        self.nothing_left().context("after the next run")
    }

    /// What `effect` says of a run that was disturbed at the operation `at`, once the next run has healed it.
    pub(super) fn healed(
        &self,
        at: &str,
        effect: impl FnOnce() -> Result<Effect>,
    ) -> Result<Effect> {
        let effect = effect().and_then(|effect| self.heals().map(|()| effect));
        effect.with_context(|| format!("at `{at}`"))
    }

    pub(super) fn nothing_left(&self) -> Result<()> {
        let left = self.sandbox.leftovers()?;
        ensure!(left.is_empty(), "temporary files: {}", left.join(", "));
        Ok(())
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed.get()
    }

    pub(super) fn reseed(&self) {
        self.seed.set(self.seed.get() + 1);
    }

    pub(super) fn seed_of(&self, case: &str) -> u64 {
        let digest = store::sha256(format!("{}:{case}", self.seed()).as_bytes());
        u64::from_str_radix(&digest["sha256:".len()..][..16], 16).unwrap_or_default()
    }

    pub(super) fn dice(&self, name: &str) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.seed_of(name))
    }
}

impl Sandbox {
    /// Runs a verb that has to succeed.
    fn must(&self, verb: &[&str]) -> Result<Ended> {
        let ended = self.run(verb, None)?;
        ensure!(
            ended.code == Some(0),
            "undisturbed, `{}`: {ended}",
            verb.join(" ")
        );
        Ok(ended)
    }
}
