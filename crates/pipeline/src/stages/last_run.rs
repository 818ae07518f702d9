//! The last finished run: what it was made from, which results it consists of, what it reported, and how
//! it ended.
//!
//! One file, written whole behind all others, names the result of each stage by the digest of its
//! stamp, which names its artifacts by theirs. So stages that were made since for another config,
//! that were damaged, or that an older run left, are not taken for those that the gates judged:
//! [`open`] is the only way to the results of a finished run.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use spinney_config::Config;
use spinney_report::Toolchain;

use super::inputs::{self, Inputs, typed};
use super::order::{REPORT, named_artifact, names};
use super::{Session, model, quantize, report, run};
use crate::failure::{ExitReason, Failure};
use crate::invocation;
use crate::progress::Progress;
use crate::store::{self, Finished, Kept, State};

/// What a run was made from and with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// Digests of config and files.
    pub inputs: store::Inputs,
    /// What images were built and run by.
    pub toolchain: Toolchain,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LastRun {
    /// The config's file: pipelines of one name share their artifacts.
    config: String,
    made_from: MadeFrom,
    /// Digest of each stage's stamp.
    stages: BTreeMap<String, String>,
    /// Digest of each file of the reports.
    reports: BTreeMap<String, String>,
}

const FILE: &str = "last-run.json";
/// Sections whose change makes the last run stale; gates are judged anew on the same run.
const SECTIONS: [&str; 9] = [
    "dataset", "model", "quantize", "features", "frontend", "scenes", "codegen", "target",
    "firmware",
];

/// The stages that a run consists of, in their order.
fn stages() -> impl Iterator<Item = &'static str> {
    names().into_iter().filter(|name| *name != REPORT)
}

impl MadeFrom {
    /// What a run is made from now.
    pub(crate) fn now(session: &Session, inputs: &Inputs) -> Result<Self, Failure> {
        let (config, tools) = (&session.config, session.tools()?);
        Ok(Self {
            inputs: inputs.of_config(config, &SECTIONS)?,
            toolchain: Toolchain {
                spinney: env!("CARGO_PKG_VERSION").to_owned(),
                rustc: tools.toolchain.version.clone(),
                target: config.pipeline.target.chip.core.target().to_owned(),
                linker: tools.toolchain.linker_version.clone(),
                emulator: tools.emulator.as_ref().map(|it| it.version.clone()),
            },
        })
    }
}

/// Why the results of the last run cannot be believed.
#[derive(Debug)]
pub enum Doubt {
    /// There is no finished run.
    Never,
    /// Its record is not what was written.
    Damaged(PathBuf),
    /// It was the run of a config of the same name.
    OtherConfig(String),
    /// These are not what they were.
    Stale(Vec<String>),
    /// These stages are not those of the run, each with what is the matter.
    Mixed(Vec<String>),
    /// This file of the reports is another one.
    Report(PathBuf),
    /// Nobody can tell.
    Failure(Failure),
}

impl From<Failure> for Doubt {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Doubt {
    /// Whether something happened to a run that would be as good else.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Mixed(_) | Self::Report(_))
    }

    /// What is the matter, without what helps.
    pub fn in_words(&self, config: &Config) -> String {
        let name = &config.pipeline.identity.name;
        match self {
            Self::Never => format!("the pipeline \"{name}\" has no finished run"),
            Self::Damaged(path) => format!(
                "the record of the last run, {}, is not what was written",
                path.display()
            ),
            Self::OtherConfig(other) => {
                format!("the last run of a pipeline \"{name}\" was that of {other}")
            }
            Self::Stale(changed) => {
                format!(
                    "the last run is stale: {} changed since",
                    changed.join(", ")
                )
            }
            Self::Mixed(stages) => format!("the last run is not whole: {}", stages.join(", ")),
            Self::Report(path) => {
                format!("{} is not what the last run wrote", path.display())
            }
            Self::Failure(Failure::Input(error) | Failure::Environment(error)) => {
                format!("{error:#}")
            }
            Self::Failure(_) => "the config has faults".to_owned(),
        }
    }

    /// Says so, with the command that helps.
    pub(super) fn told(self, config: &Config) -> Failure {
        let words = self.in_words(config);
        let run = invocation::verb_for(config, "pipeline run", "");
        let help = match self {
            Self::Failure(failure) => return failure,
            Self::Never => format!("{run} makes one"),
            Self::OtherConfig(_) => format!(
                "{run} makes one of this config, and another `name` in [pipeline] keeps both"
            ),
            Self::Report(_) => format!("{run} writes it anew"),
            Self::Damaged(_) | Self::Stale(_) | Self::Mixed(_) => format!("{run} makes a new one"),
        };
        Failure::Input(anyhow!("{words}; {help}"))
    }
}

/// What is damaged in the last run or not of it, if there is one of this config.
pub fn damage(session: &Session, inputs: &Inputs) -> Option<String> {
    let doubt = find(session, inputs).err().filter(Doubt::is_damage)?;
    Some(doubt.in_words(&session.config))
}

/// Opens the last run, if it was made from today's config and inputs and all of it is there: the
/// session vouches for its stages from then on.
pub fn open(session: &Session, inputs: &Inputs) -> Result<MadeFrom, Failure> {
    find(session, inputs).map_err(|doubt| doubt.told(&session.config))
}

/// As [`open`], where a run of today's config and inputs is on record; `false` where none is.
pub(super) fn is_there(session: &Session, inputs: &Inputs) -> Result<bool, Failure> {
    match find(session, inputs) {
        Ok(_) => Ok(true),
        Err(Doubt::Never | Doubt::OtherConfig(_) | Doubt::Stale(_)) => Ok(false),
        Err(doubt) => Err(doubt.told(&session.config)),
    }
}

/// As [`open`]; gives the doubt as it is.
pub fn find(session: &Session, inputs: &Inputs) -> Result<MadeFrom, Doubt> {
    let last = read(session)?;
    let now = inputs.of_config(&session.config, &SECTIONS)?;
    let changed = differing(&last.made_from.inputs, &now);
    if !changed.is_empty() {
        return Err(Doubt::Stale(changed));
    }
    let mut found = BTreeMap::new();
    let mut faults = Vec::new();
    for name in stages() {
        let expected = last.stages.get(name);
        let fault = match session.state(name)? {
            State::Whole(finished) if Some(finished.digest()) == expected.map(String::as_str) => {
                found.insert(name, finished);
                continue;
            }
            State::Whole(_) => "is of another run".to_owned(),
            State::Missing => "is gone".to_owned(),
            State::Unfinished => "was begun anew and is not finished".to_owned(),
            State::Damaged(artifact) => format!("has a damaged {artifact}"),
        };
        faults.push(format!("stage {name} {fault}"));
    }
    faults.extend(broken_links(&last.made_from, &found));
    if !faults.is_empty() {
        return Err(Doubt::Mixed(faults));
    }
    let changed = changed_parts(session, inputs, &now, &found)?;
    if !changed.is_empty() {
        return Err(Doubt::Stale(changed));
    }
    for (name, finished) in found {
        session.vouch(name, finished);
    }
    Ok(last.made_from)
}

/// The parts of the config that rows, model, forms or the device's run were made from and that are
/// others now, such as `[features] select`; not all of them are in a report's fingerprint. What is the
/// `same` as for the run may be among the parts of a stage for the first time, as other keys decide on that.
fn changed_parts(
    session: &Session,
    inputs: &Inputs,
    same: &store::Inputs,
    stages: &BTreeMap<&str, Finished>,
) -> Result<Vec<String>, Failure> {
    let of_model = model::parts(&session.config.pipeline);
    let mut changed = BTreeSet::new();
    for (name, parts) in [
        ("model", of_model),
        ("quantize", quantize::parts()),
        ("run", run::DEVICE_PARTS.to_vec()),
    ] {
        let gates = typed("budget");
        let is_part = |(name, _): &(&String, &String)| name.starts_with('[') && **name != gates;
        let only_parts = |all: &store::Inputs| -> store::Inputs {
            let parts = all.iter().filter(is_part);
            parts
                .map(|(name, digest)| (name.clone(), digest.clone()))
                .collect()
        };
        let before = only_parts(stages[name].inputs());
        let now = only_parts(&inputs.of_config(&session.config, &parts)?);
        let differing = differing(&before, &now).into_iter();
        changed.extend(differing.filter(|name| !same.contains_key(name)));
    }
    Ok(changed.into_iter().collect())
}

fn read(session: &Session) -> Result<LastRun, Doubt> {
    let path = session.scratch(FILE);
    let last: LastRun = match store::read_sealed(&path).environment()? {
        Kept::Whole(last) => last,
        Kept::Missing => return Err(Doubt::Never),
        Kept::Damaged => return Err(Doubt::Damaged(path)),
    };
    match last.config == file_of(session) {
        true => Ok(last),
        false => Err(Doubt::OtherConfig(last.config)),
    }
}

/// The names of what is in one and not in the other, or not the same.
fn differing(before: &store::Inputs, now: &store::Inputs) -> Vec<String> {
    let gone = before
        .iter()
        .filter(|(name, digest)| now.get(*name) != Some(digest));
    let new = now.iter().filter(|(name, _)| !before.contains_key(*name));
    gone.chain(new).map(|(name, _)| name.clone()).collect()
}

/// Stages that were made from something else than the run and its earlier stages have.
fn broken_links(from: &MadeFrom, stages: &BTreeMap<&str, Finished>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, finished) in stages {
        for (input, digest) in finished.inputs() {
            let made_by = named_artifact(input).and_then(|(artifact, stage)| {
                stages.get(stage).map(|stage| stage.digest_of(artifact))
            });
            let expected =
                made_by.unwrap_or_else(|| from.inputs.get(input).or(Some(digest)).cloned());
            if expected.as_ref() != Some(digest) {
                faults.push(format!("stage {name} was made from another {input}"));
            }
        }
    }
    faults
}

/// The config's file, whatever way it was named: within the folder that the target folder lies in,
/// which both may be moved with, or from the root.
fn file_of(session: &Session) -> String {
    let full = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = full(session.config.path());
    let artifacts = full(&session.scratch(""));
    // target/pipeline/<name>
    let project = artifacts.ancestors().nth(3);
    let below = project.and_then(|project| path.strip_prefix(project).ok());
    below.unwrap_or(&path).to_string_lossy().into_owned()
}

/// Remembers the run that the session has made, with the digests of its reports, as the last.
pub(super) fn remember(
    session: &Session,
    made_from: MadeFrom,
    reports: BTreeMap<String, String>,
) -> Result<(), Failure> {
    let mut digests = BTreeMap::new();
    for name in stages() {
        digests.insert(name.to_owned(), session.made(name)?.digest().to_owned());
    }
    let last = LastRun {
        config: file_of(session),
        made_from,
        stages: digests,
        reports,
    };
    store::write_sealed(&session.scratch(FILE), &last).environment()
}

/// Doubts the last run if a file of its reports is there and is another one by now.
pub fn check_reports(session: &Session, folder: &Path) -> Result<(), Doubt> {
    for (name, digest) in read(session)?.reports {
        let path = folder.join(name);
        let found = store::digest_of(&path).environment()?;
        if found.is_some_and(|found| found != digest) {
            return Err(Doubt::Report(path));
        }
    }
    Ok(())
}

/// How the last run ended.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "why")]
pub enum Standing {
    /// All gates hold.
    Passes,
    /// A gate failed.
    Fails,
    /// There is none, or it is not of today's config and inputs.
    NotOfToday(String),
    /// Something of it is not what it was.
    Damaged(String),
    /// The config cannot be read.
    Faulty,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passes => out.write_str("all gates hold"),
            Self::Fails => out.write_str("a gate failed"),
            Self::NotOfToday(why) | Self::Damaged(why) => out.write_str(why),
            Self::Faulty => {
                let run = invocation::verb("pipeline run");
                write!(out, "the config has faults: {run} shows them")
            }
        }
    }
}

/// How the last run ended, from what it left behind.
pub fn standing(config: &Config, progress: &Progress) -> Standing {
    let judged = || -> Result<bool, Doubt> {
        let session = Session::of(config.clone(), progress.clone())?;
        let inputs = inputs::read(config)?;
        let from = find(&session, &inputs)?;
        check_reports(&session, &report::folder(config))?;
        Ok(report::of(&session, &from)?.passes())
    };
    match judged() {
        Ok(true) => Standing::Passes,
        Ok(false) => Standing::Fails,
        Err(Doubt::Failure(Failure::Gate | Failure::Config(_))) => Standing::Faulty,
        Err(doubt) => {
            let words = doubt.in_words(config);
            match doubt.is_damage() {
                true => Standing::Damaged(words),
                false => Standing::NotOfToday(words),
            }
        }
    }
}
