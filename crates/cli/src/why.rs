//! `pipeline why`: why a stage last ran, and whether it would run again now.

use std::path::Path;

use serde::Serialize;

use spinney_pipeline::stages::inputs::{self, Inputs};
use spinney_pipeline::stages::order::{REPORT, Reason, inputs_of, names};
use spinney_pipeline::stages::{Session, last_run};

use crate::terminal;
use spinney_pipeline::failure::Failure;

/// What would happen to a stage if the pipeline ran now.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Now {
    /// Its last results would be taken.
    Reused,
    Runs(Reason),
    /// An earlier stage would run, so it cannot be told.
    After {
        stage: &'static str,
        because: Reason,
    },
}

#[derive(Serialize)]
struct Answer<'a> {
    stage: &'a str,
    last: Option<Reason>,
    now: Now,
    /// What is the matter with the last finished run, where it is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

pub(super) fn run(path: &Path, stage: &str, as_json: bool) -> Result<(), Failure> {
    let session = Session::open(path, terminal::progress())?;
    let files = inputs::read(&session.config)?;
    let last = match stage {
        REPORT => Some(Reason::Always),
        stage => session.remembered(stage),
    };
    let answer = Answer {
        stage,
        last,
        damage: last_run::damage(&session, &files),
        now: now(&session, &files, stage)?,
    };
    terminal::answer(&answer, as_json, text)
}

fn now(session: &Session, files: &Inputs, stage: &str) -> Result<Now, Failure> {
    for name in names() {
        if name == REPORT {
            return Ok(Now::Runs(Reason::Always));
        }
        let inputs = inputs_of(name, session, files)?;
        match session.reuse(name, &inputs)? {
            Some(because) if name == stage => return Ok(Now::Runs(because)),
            Some(because) => {
                return Ok(Now::After {
                    stage: name,
                    because,
                });
            }
            None if name == stage => break,
            None => {}
        }
    }
    Ok(Now::Reused)
}

fn text(answer: &Answer<'_>) -> String {
    let stage = answer.stage;
    let now = match &answer.now {
        Now::Reused => {
            "its last results would be reused: nothing that it depends on changed".into()
        }
        Now::Runs(Reason::Always) => "it would run, as it does each time".to_owned(),
        Now::Runs(reason) => format!("it would run: {reason}"),
        Now::After { stage, because } => format!(
            "{stage} would run before it ({because}), so it runs if that gives another result"
        ),
    };
    let last = answer.last.as_ref();
    let last = last.map_or("no run of it is on record".into(), Reason::to_string);
    let damage = answer.damage.as_ref();
    let damage = damage.map_or_else(String::new, |damage| format!("{damage}\n"));
    format!("{stage}, last run: {last}\n{stage}, now: {now}\n{damage}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_as_a_sentence() {
        let answer = Answer {
            stage: "build",
            last: Some(Reason::Forced),
            now: Now::After {
                stage: "model",
                because: Reason::Never,
            },
            damage: Some("the last run is not whole: stage build is of another run".to_owned()),
        };
        expect_test::expect![[r#"
            build, last run: --force asked for it
            build, now: model would run before it (no earlier run), so it runs if that gives another result
            the last run is not whole: stage build is of another run
        "#]]
        .assert_eq(&text(&answer));
    }
}
