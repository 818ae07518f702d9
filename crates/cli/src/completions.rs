//! `completions`: what shells need to complete the verbs.

use clap_complete::Shell;

/// The name that completions are for: shells complete by a command's first word, and that of
/// `cargo xtask` belongs to cargo.
const NAME: &str = "spinney";

/// A function `spinney` that stands for `cargo xtask`, and its completions.
///
/// A program of that name needs no function.
pub(crate) fn script(mut command: clap::Command, shell: Shell) -> String {
    let called = command.get_name().to_owned();
    let mut completions = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut completions);
    let completions = String::from_utf8_lossy(&completions);
    if called == NAME {
        return completions.into_owned();
    }
    let function = match shell {
        Shell::Fish => format!("function {NAME}; {called} $argv; end"),
        Shell::PowerShell => format!("function {NAME} {{ {called} @args }}"),
        Shell::Elvish => format!("fn {NAME} {{|@args| {called} $@args }}"),
        _ => format!("{NAME}() {{ {called} \"$@\"; }}"),
    };
    match shell {
        // The first line of a script for zsh names what it completes.
        Shell::Zsh => format!("{completions}\n{function}\n"),
        _ => format!("{function}\n\n{completions}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_a_function_and_completions() {
        let command = clap::Command::new("cargo xtask")
            .subcommand(clap::Command::new("pipeline").about("Train and prove"));
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Elvish,
        ] {
            let script = script(command.clone(), shell);
            assert!(script.contains("cargo xtask"), "{shell}");
            assert!(script.contains("pipeline"), "{shell}");
        }
    }
}
