//! Spinney's verbs in this repository: `cargo xtask …`.

fn main() -> std::process::ExitCode {
    spinney_cli::main(spinney_cli::Door::XTASK)
}
