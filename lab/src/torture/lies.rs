//! Tools that crash, hang, flood, say nothing, or say what is not so.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Case;
use super::bench::{Bench, CHECK, Effect, RUN};
use super::sandbox::Sandbox;
use spinney_pipeline::environment;

const TOOLS: [&str; 4] = ["qemu-system-arm", "cargo", "rustc", "ld.lld"];

/// What a tool does, in the shell's words. `REAL` is the tool itself.
const MANNERS: [(&str, &str); 12] = [
    ("crashes", "kill -SEGV $$"),
    ("fails", "echo 'something is wrong' >&2; exit 1"),
    ("hangs", "exec sleep 1000"),
    ("garbles", "head -c 100000 /dev/urandom; exit 0"),
    ("says-nothing", "exit 0"),
    ("leaves-a-child", "sleep 1000 & exit 0"),
    ("floods", "head -c 3000000000 /dev/zero; exit 0"),
    ("floods-stderr", "head -c 3000000000 /dev/zero >&2; exit 1"),
    // As itself, but killed or damaged on the way.
    (
        "dies",
        "REAL \"$@\" & sleep 0.02; kill -9 $!; wait $!; exit $?",
    ),
    ("succeeds-always", "REAL \"$@\" > /dev/null 2>&1; exit 0"),
    (
        "damages",
        "REAL \"$@\"; rc=$?; for file in outcomes.bin OUTCOMES; do [ -f $file ] && printf '\\377\\377' | \
         dd of=$file bs=1 seek=40 conv=notrunc 2> /dev/null; done; exit $rc",
    ),
    ("repeats", "REAL \"$@\"; rc=$?; REAL \"$@\"; exit $rc"),
];

/// Made below the clone by a tool that was asked for what it does not do.
const ASKED: &str = "tools/asked";

pub(super) fn cases(bench: &Bench, class: &str, n: usize) -> Vec<String> {
    use rand::seq::SliceRandom;
    let mut all = Vec::new();
    for tool in TOOLS {
        for (manner, _) in MANNERS {
            // It tells its version as ever, or does not do that either.
            all.push(format!("{tool}:{manner}:at-work"));
            // A compiler or linker without a version is passed over for another one, if there is,
            // which the report names.
            if !["rustc", "ld.lld"].contains(&tool) {
                all.push(format!("{tool}:{manner}:always"));
            }
        }
    }
    all.shuffle(&mut bench.dice(class));
    // Machines differ in whether they need these: of few cases, none is for nothing.
    all.sort_by_key(|case| case.starts_with("rustc:") || case.starts_with("ld.lld:"));
    all.truncate(n);
    all
}

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let [tool, manner, when] = case.parts[..] else {
        anyhow::bail!("expected lie:TOOL:MANNER:WHEN");
    };
    let (_, does) = MANNERS
        .into_iter()
        .find(|(name, _)| *name == manner)
        .with_context(|| format!("there is no manner \"{manner}\""))?;
    let real = real(tool)?.display().to_string();
    let honest = match when {
        "always" => String::new(),
        _ => format!(
            "case \" $* \" in *' --version '*|*' -vV '*|*' --print '*) exec {real} \"$@\";; esac\n"
        ),
    };
    bench.restore("budget")?;
    bench.sandbox.forget_images()?;
    write_tool(
        &bench.sandbox,
        tool,
        &format!(
            "{honest}touch {}\n{}",
            bench.sandbox.path(ASKED).display(),
            does.replace("REAL", &real)
        ),
    )?;
    // What floods is to be refused before memory ends: 2 GB of address space are enough for a run.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""]);
    let verb = bench.sandbox.command(&RUN, None);
    command.arg(verb.get_program()).args(verb.get_args());
    for (name, value) in verb.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.current_dir(bench.sandbox.project());
    command.env("SPINNEY_BUILD_DEADLINE_S", "120");
    bench.sandbox.use_tools(&mut command);
    let ended = bench.sandbox.finish(&mut command, Duration::from_secs(1))?;
    ended.is_sane()?;
    let was_asked = bench.sandbox.path(ASKED).exists();
    let effect = if ended.code == Some(1) {
        // What a tool says of an image may fail a gate; it must not pass all, then or later.
        ensure!(!ended.stdout.is_empty(), "no gate is named: {ended}");
        let checked = bench.sandbox.run(&CHECK, None)?;
        checked
            .is_sane()
            .context("`pipeline check` after the tool")?;
        ensure!(
            checked.code == Some(1) || checked.is_refusal(),
            "`pipeline check` passes what failed: {checked}"
        );
        Effect::Refused
    } else {
        // It judges the run before, if that is whole still, and nothing that the tool left.
        let effect = bench.effect("budget", &ended)?;
        bench.checked().context("after the tool")?;
        effect
    };
    std::fs::remove_file(bench.sandbox.tools().join(tool))?;
    bench.heals().context("with the real tool again")?;
    Ok(if was_asked { effect } else { Effect::Nothing })
}

/// Where a tool is.
pub(super) fn real(tool: &str) -> Result<PathBuf> {
    environment::find_program(tool).with_context(|| format!("{tool} is not here"))
}

/// Puts a script in a tool's place.
pub(super) fn write_tool(sandbox: &Sandbox, tool: &str, does: &str) -> Result<()> {
    let path = sandbox.tools().join(tool);
    std::fs::create_dir_all(sandbox.tools())?;
    std::fs::write(&path, format!("#!/bin/bash\n{does}\n"))?;
    Ok(std::fs::set_permissions(
        path,
        std::fs::Permissions::from_mode(0o755),
    )?)
}

impl Sandbox {
    /// Has a command find this clone's tools before all others.
    pub(super) fn use_tools(&self, command: &mut std::process::Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.tools().display()));
        if self.tools().join("cargo").exists() {
            command.env("CARGO", self.tools().join("cargo"));
        }
    }
}
