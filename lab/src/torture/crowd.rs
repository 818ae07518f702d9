//! Many at once: runs and other verbs in one clone, and two clones that share the firmware cache.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::Rng;

use super::Case;
use super::bench::{Bench, Effect, RUN};
use super::lies::{real, write_tool};
use super::sandbox::{Ended, Sandbox};

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let mut dice = case.dice();
    bench.restore(["whole", "budget", "fresh"][dice.gen_range(0..3)])?;
    let n_others = dice.gen_range(1..4);
    let mut verbs: Vec<&[&str]> = vec![&RUN];
    for _ in 0..n_others {
        verbs.push(match dice.gen_range(0..4) {
            0 => &RUN,
            1 => &["pipeline", "run", "--quiet"],
            2 => &["pipeline", "check", "--json"],
            _ => &["certificate", "verify", "--json"],
        });
    }
    let delays: Vec<u64> = verbs.iter().map(|_| dice.gen_range(0..300)).collect();
    let ended = at_once(
        verbs
            .iter()
            .zip(&delays)
            .map(|(verb, delay)| (&bench.sandbox, *verb, *delay)),
    )?;
    let mut effect = Effect::Same;
    for (verb, ended) in verbs.iter().zip(&ended) {
        let name = verb.join(" ");
        if verb[1] == "run" {
            ensure!(ended.code == Some(0), "`{name}`: {ended}");
        } else if ended.is_refusal() {
            effect = Effect::Refused;
        } else {
            let view = bench.views.iter().find(|view| view.verb[..] == **verb);
            let expected = &view.context("no such view")?.answer;
            ensure!(
                ended.code == Some(0) && ended.answer() == *expected,
                "`{name}` says something else: {ended}"
            );
        }
    }
    bench.heals()?;
    Ok(effect)
}

/// Two clones of the same pipeline, whose cargo takes a while before the caller goes on.
pub(super) fn play_clones(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let mut dice = case.dice();
    let program = bench.sandbox.program();
    let folder = bench.folder.join("b");
    let other = if folder.join("target/debug/xtask").exists() {
        Sandbox::again(&folder, bench.sandbox.cache())?
    } else {
        Sandbox::new(&folder, bench.sandbox.cache(), &program)?
    };
    let clones = [&bench.sandbox, &other];
    for clone in clones {
        clone.restore(bench.state("budget")?)?;
        let delay = dice.gen_range(0..4);
        let cargo = real("cargo")?;
        let text = format!(
            "{} \"$@\"; rc=$?; sleep 0.{delay}; exit $rc",
            cargo.display()
        );
        write_tool(clone, "cargo", &text)?;
    }
    let delays = [dice.gen_range(0..300), dice.gen_range(0..300)];
    let ended = at_once(
        clones
            .into_iter()
            .zip(delays)
            .map(|(clone, delay)| (clone, &RUN[..], delay)),
    )?;
    for (clone, ended) in clones.iter().zip(&ended) {
        ensure!(ended.code == Some(0), "{ended}");
        ensure!(clone.images()? == bench.images, "images were swapped");
        ensure!(clone.reports()? == bench.reports, "reports differ");
    }
    bench.heals()?;
    Ok(Effect::Same)
}

/// Verbs in clones, each with a delay in milliseconds.
fn at_once<'a>(
    started: impl Iterator<Item = (&'a Sandbox, &'a [&'a str], u64)>,
) -> Result<Vec<Ended>> {
    let ended: Vec<Result<Ended>> = thread::scope(|scope| {
        let running: Vec<_> = started
            .map(|(clone, verb, delay)| {
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(delay));
                    let mut command = clone.command(verb, None);
                    clone.use_tools(&mut command);
                    clone.only(&mut command)
                })
            })
            .collect();
        let joined = running.into_iter().map(|it| it.join());
        joined
            .map(|ended| ended.unwrap_or_else(|_| anyhow::bail!("a thread panicked")))
            .collect()
    });
    let ended = ended.into_iter().collect::<Result<Vec<Ended>>>()?;
    for ended in &ended {
        ended.is_sane()?;
    }
    Ok(ended)
}
