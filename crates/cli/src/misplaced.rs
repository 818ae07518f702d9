//! A verb that was typed without the one that it belongs to: `cargo xtask run`.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use spinney_pipeline::invocation;

/// Verbs whose own verbs are typed by themselves most often, in this order.
const PARENTS: [&str; 2] = ["pipeline", "chips"];

/// What to type instead of `arguments`, whose first is the program; `None` where `error` has
/// another cause.
pub(crate) fn correction(
    command: &Command,
    error: &clap::Error,
    arguments: impl Iterator<Item = OsString>,
) -> Option<String> {
    let Some(ContextValue::String(verb)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let typed: Vec<String> = arguments
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    // Below another verb, the word stands where it was meant to.
    if typed.first() != Some(verb) {
        return None;
    }
    let parent = PARENTS.iter().find(|parent| {
        command
            .find_subcommand(parent)
            .is_some_and(|parent| parent.find_subcommand(verb).is_some())
    })?;
    Some(format!(
        "found the verb `{verb}`, which is one of `{parent}`\n  = help: type {}",
        invocation::verb(&format!("{parent} {}", typed.join(" ")))
    ))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use expect_test::expect;

    use super::correction;
    use crate::Cli;

    fn told(line: &str) -> String {
        let words = || line.split(' ').map(std::ffi::OsString::from);
        let Err(error) = Cli::try_parse_from(words()) else {
            panic!("{line} is a verb")
        };
        correction(&Cli::command(), &error, words()).unwrap_or_default()
    }

    #[test]
    fn verbs_of_a_verb() {
        let lines = ["run --config my/model.toml", "check", "list", "why build"];
        let told = lines.map(|line| told(&format!("xtask {line}")) + "\n");
        expect![[r#"
            found the verb `run`, which is one of `pipeline`
              = help: type `spinney pipeline run --config my/model.toml`
            found the verb `check`, which is one of `pipeline`
              = help: type `spinney pipeline check`
            found the verb `list`, which is one of `pipeline`
              = help: type `spinney pipeline list`
            found the verb `why`, which is one of `pipeline`
              = help: type `spinney pipeline why build`
        "#]]
        .assert_eq(&told.concat());
    }

    #[test]
    fn what_is_no_verb_anywhere() {
        for line in ["xtask fly", "xtask pipeline fly", "xtask setup --chek"] {
            assert_eq!(told(line), "", "{line}");
        }
    }
}
