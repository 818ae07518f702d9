//! `spinney`: the verbs, installed.

fn main() -> std::process::ExitCode {
    spinney_cli::main(spinney_cli::Door {
        name: "spinney",
        more: &[],
    })
}
