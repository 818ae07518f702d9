//! How a pipeline's last run ended, from what it left behind.

use serde::Serialize;
use spinney_config::Config;

use super::last_run::{Doubt, check_reports, find};
use super::{Session, inputs, report};
use crate::failure::Failure;
use crate::invocation;
use crate::progress::Progress;

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
pub fn of(config: &Config, progress: &Progress) -> Standing {
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
