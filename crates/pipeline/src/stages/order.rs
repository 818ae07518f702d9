//! The stages: what each reads and makes, and whether it has to run.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spinney_config::Pipeline;

use super::inputs::Inputs;
use super::{Session, build, model, quantize, run};
use crate::failure::{ExitReason, Failure};
use crate::store::{self, Finished, State};

/// A stage as it is told to users.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The stage's name.
    pub name: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
    /// The parts of a checked config that it depends on; those of training and quantizing are the
    /// ones of their keys.
    pub parts: fn(&Pipeline) -> Vec<&'static str>,
    /// Whether it reads the rows, recordings and models that the config names.
    pub reads_files: bool,
    /// The stages whose results it reads.
    pub after: &'static [&'static str],
    /// What it makes.
    pub makes: &'static str,
}

/// The stages, in the order of the flow.
#[rustfmt::skip]
pub const STAGES: [Spec; 5] = [
    Spec { name: "model", does: "trains or imports the float model", parts: model::parts,
        reads_files: true, after: &[], makes: "the float model as JSON" },
    Spec { name: "quantize",
        does: "calibrates, quantizes, proves, and writes every form of the model",
        parts: |_| [quantize::parts(), vec!["target"]].concat(), reads_files: true,
        after: &["model"], makes: "certificate, predictions, model crates" },
    Spec { name: "build", does: "builds the firmware of each form",
        parts: |_| vec!["target", "firmware", "codegen"], reads_files: false, after: &["quantize"],
        makes: "images and their sizes" },
    Spec { name: "run", does: "runs the test rows on the emulated board, and chooses a form",
        parts: |_| vec!["budget", "evaluate", "firmware", "target"], reads_files: false,
        after: &["quantize", "build"],
        makes: "the device's answers, the image and the crate that ship" },
    Spec { name: "report", does: "judges the gates and writes the reports",
        parts: |_| vec!["accuracy", "budget", "power", "uplink"], reads_files: false,
        after: &["model", "quantize", "build", "run"],
        makes: "report.json, report.md, report.html, predictions.csv" },
];

/// The stage that always runs.
pub const REPORT: &str = "report";

/// The names of the stages.
pub fn names() -> [&'static str; 5] {
    STAGES.map(|stage| stage.name)
}

/// Why a stage has to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It never ran.
    Never,
    /// Its last run did not come to its end.
    Unfinished,
    /// An artifact of its last run is gone or no longer what was written.
    Damaged(String),
    /// What it depends on is not what it was.
    Changed(Vec<Change>),
    /// What it ran failed the last time.
    Failed(String),
    /// `--force` asked for it.
    Forced,
    /// The stage runs each time.
    Always,
}

/// Something that a stage depends on, then and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// A file, a section of the config, a tool or the artifact of an earlier stage.
    pub what: String,
    /// Its digest, or its value where it is short; `None` where it was not there.
    pub before: Option<String>,
    /// The same, now.
    pub after: Option<String>,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Never => out.write_str("no earlier run"),
            Self::Unfinished => out.write_str("its last run was not finished"),
            Self::Damaged(artifact) => {
                write!(out, "{artifact} is not what its last run wrote")
            }
            Self::Failed(why) => write!(out, "its last run failed: {why}"),
            Self::Forced => out.write_str("--force asked for it"),
            Self::Always => out.write_str("it runs each time"),
            Self::Changed(changes) => {
                for (index, change) in changes.iter().enumerate() {
                    out.write_str(if index == 0 { "" } else { "; " })?;
                    change.fmt(out)?;
                }
                Ok(())
            }
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.what.as_str() {
            "program" => "Spinney's own program",
            what => what,
        };
        let is_digest = |value: &str| value.starts_with("sha256:");
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if !is_digest(before) && !is_digest(after) => {
                write!(out, "{what} was {before}, is {after}")
            }
            (Some(_), Some(_)) => write!(out, "{what} changed"),
            (None, _) => write!(out, "{what} is new"),
            (_, None) => write!(out, "{what} is gone"),
        }
    }
}

/// The results of a stage in this state, if they are as good as those of a run on these inputs; else
/// why it has to run.
pub fn reuse(state: State, inputs: &store::Inputs) -> Result<Finished, Reason> {
    let finished = match state {
        State::Missing => return Err(Reason::Never),
        State::Unfinished => return Err(Reason::Unfinished),
        State::Damaged(artifact) => return Err(Reason::Damaged(artifact)),
        State::Whole(finished) => finished,
    };
    let before = finished.inputs();
    let names = before.keys().chain(inputs.keys());
    let changes: BTreeMap<&String, Change> = names
        .filter(|name| before.get(*name) != inputs.get(*name))
        .map(|name| {
            let change = Change {
                what: name.clone(),
                before: before.get(name).cloned(),
                after: inputs.get(name).cloned(),
            };
            (name, change)
        })
        .collect();
    match changes.is_empty() {
        true => match finished.failed() {
            Some(why) => Err(Reason::Failed(why.to_owned())),
            None => Ok(finished),
        },
        false => Err(Reason::Changed(changes.into_values().collect())),
    }
}

/// How an artifact of an earlier stage, or a folder of them, is named among what a stage depends on.
pub(super) fn artifact_of(
    session: &Session,
    stage: &str,
    artifact: &str,
) -> Result<(String, String), Failure> {
    let digest = session.made(stage)?.digest_of(artifact);
    let digest = digest
        .with_context(|| format!("stage {stage} made no {artifact}"))
        .environment()?;
    Ok((format!("{artifact}{OF}{stage}"), digest))
}

/// Between an artifact and its stage.
pub(super) const OF: &str = " of ";

/// The artifact of an earlier stage that a name among what a stage depends on stands for, with that
/// stage; `None` where it stands for something else.
pub(super) fn named_artifact(name: &str) -> Option<(&str, &str)> {
    let (artifact, stage) = name.rsplit_once(OF)?;
    let is_file = artifact.starts_with("./");
    (!is_file && names().contains(&stage)).then_some((artifact, stage))
}

/// What a stage depends on, as far as the stages before it have run.
pub fn inputs_of(name: &str, session: &Session, inputs: &Inputs) -> Result<store::Inputs, Failure> {
    match name {
        "model" => model::inputs(session, inputs),
        "quantize" => quantize::inputs(session, inputs),
        "build" => build::inputs(session),
        "run" => run::inputs(session),
        _ => Ok(store::Inputs::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Stage;

    fn inputs(pairs: &[(&str, &str)]) -> store::Inputs {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_reason_names_all_that_changed() {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::new(folder.path().join("train"));
        let before = inputs(&[
            ("data.csv", "sha256:1"),
            ("old.csv", "sha256:1"),
            ("seed", "42"),
            ("same", "sha256:1"),
        ]);
        let finished = stage.begin().unwrap().finish(before.clone()).unwrap();
        let whole = State::Whole(finished.clone());
        let now = inputs(&[
            ("data.csv", "sha256:2"),
            ("program", "sha256:3"),
            ("seed", "43"),
            ("same", "sha256:1"),
        ]);
        let found = reuse(whole.clone(), &now).map_err(|reason| reason.to_string());
        expect_test::expect![[r#"
            Err(
                "data.csv changed; old.csv is gone; Spinney's own program is new; seed was 42, is 43",
            )
        "#]]
        .assert_debug_eq(&found);
        assert_eq!(reuse(whole, &before), Ok(finished));
        assert_eq!(reuse(State::Missing, &now), Err(Reason::Never));
        assert_eq!(reuse(State::Unfinished, &now), Err(Reason::Unfinished));
        let mut writer = stage.begin().unwrap();
        writer.fail("the image panicked");
        let failed = writer.finish(before.clone()).unwrap();
        let why = Reason::Failed("the image panicked".to_owned());
        assert_eq!(reuse(State::Whole(failed), &before), Err(why));
    }

    #[test]
    fn a_file_is_no_artifact() {
        assert_eq!(named_artifact("rows of model"), Some(("rows", "model")));
        assert_eq!(named_artifact("./rows of model"), None);
        assert_eq!(named_artifact("rows of mine"), None);
    }

    #[test]
    fn stages_read_only_earlier_ones() {
        for (index, stage) in STAGES.iter().enumerate() {
            for before in stage.after {
                let position = names().iter().position(|name| name == before);
                assert!(position.is_some_and(|it| it < index), "{}", stage.name);
            }
        }
    }
}
