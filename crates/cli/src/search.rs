//! `search`: the best model that meets every budget, and the front behind it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use spinney_config::Objective;
use spinney_model::Task;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::invocation;
use spinney_pipeline::search::{Found, Place, Scored, Search, Trial, lines, shown};
use spinney_pipeline::store;
use spinney_report::{FrontPoint, front_page, is_report};

use crate::{convert, terminal};

/// Models of the front that a terminal shows; `--json` has all.
const SHOWN: usize = 20;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask search                        the pipeline.toml that lies here
  cargo xtask search --trials 20 --time 2m  a short one
  cargo xtask search --write                put the winner's keys into pipeline.toml
  cargo xtask search --json | jq .best.keys
  cargo xtask search --html front.html      the front as a page, with plots and each model's keys

Trials on several machines, each with this repository and the data:
  cargo xtask search --ask 60 > trials.jsonl
  cargo xtask search --trial trials.jsonl > results.jsonl
  cargo xtask search --tell results.jsonl

What was found is kept in the target folder, so that a search that was ended goes on where it was.

Exit codes: 0 found, 1 nothing meets the budgets, 2 the config or an input is at fault, 3 the environment
lacks something.")]
pub(crate) struct Arguments {
    /// The pipeline whose model, chip and budgets these are.
    #[arg(long, default_value = "pipeline.toml")]
    config: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Write the front as a page of HTML, too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ask", "trial"])]
    html: Option<PathBuf>,
    /// Put the winner's keys into the config; comments stay.
    #[arg(long)]
    write: bool,
    /// How many models are drawn, in place of the config's `trials`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    trials: Option<u32>,
    /// When the last trial may start, such as 10m, in place of the config's `time`.
    #[arg(long, value_parser = time)]
    time: Option<Duration>,
    /// Print this many trials, a line of JSON each, and run none.
    #[arg(long, value_name = "N", conflicts_with_all = ["trial", "tell", "write", "trials", "time", "json"])]
    ask: Option<usize>,
    /// Run the trials of a file, or of stdin where it is `-`, and print what each found.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tell", "write", "trials", "time", "json"])]
    trial: Option<PathBuf>,
    /// Run no trials but take what those of a file found; build and run the best of them.
    #[arg(long, value_name = "FILE", conflicts_with = "trials")]
    tell: Option<PathBuf>,
}

fn time(text: &str) -> Result<Duration, String> {
    let fault = || format!("found `{text}`, expected a number and s, m or h, such as 10m");
    spinney_config::seconds(text)
        .map(Duration::from_secs)
        .ok_or_else(fault)
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let progress = match arguments.json {
        true => terminal::notes(),
        false => terminal::progress(),
    };
    if let Some(file) = arguments.html.as_deref().filter(|it| it.exists()) {
        let text = convert::read(file)?;
        if !is_report("search.html", &String::from_utf8_lossy(&text)) {
            return Err(convert::not_ours("html", file));
        }
    }
    let mut search = Search::open(&arguments.config, progress)?;
    if let Some(n_trials) = arguments.ask {
        return (search.ask(n_trials).iter()).try_for_each(|trial| line(&trial));
    }
    if let Some(file) = &arguments.trial {
        let trials: Vec<Trial> = lines(&file.display().to_string(), &text_of(file)?)?;
        return (trials.iter()).try_for_each(|trial| line(&search.run_trial(trial)?));
    }
    let configured = &search.config().pipeline.search;
    let time = arguments
        .time
        .or(configured.time_s.map(Duration::from_secs));
    let mut n_trials = Some(arguments.trials.unwrap_or(configured.trials) as usize);
    if let Some(file) = &arguments.tell {
        let told: Vec<Scored> = lines(&file.display().to_string(), &text_of(file)?)?;
        search.tell(told)?;
        n_trials = None;
    }
    let found = search.run(n_trials, time)?;
    if arguments.json {
        terminal::json(&found)?;
    } else {
        tell(&search, &found);
    }
    if let Some(file) = &arguments.html {
        store::write_whole(file, page(&search, &found).as_bytes()).input()?;
    }
    let Some(best) = &found.best else {
        return Err(Failure::Gate);
    };
    if arguments.write {
        search.write(&best.keys)?;
    }
    if !arguments.json {
        let next = invocation::verb_for(search.config(), "pipeline run", "");
        match arguments.write {
            true => println!("written: {}; next: {next}", arguments.config.display()),
            false => println!(
                "next: --write puts its keys into {}",
                arguments.config.display()
            ),
        }
    }
    Ok(())
}

fn line(value: &impl serde::Serialize) -> Result<(), Failure> {
    terminal::json_text(&(serde_json::to_string(value).environment()? + "\n"));
    Ok(())
}

fn text_of(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        return std::io::read_to_string(std::io::stdin())
            .context("stdin")
            .input();
    }
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .input()
}

/// What was tried, in a line.
fn tried(found: &Found) -> String {
    let groups = found
        .groups
        .map_or(String::new(), |n| format!(" in {n} groups"));
    let rows = match found.validation_rows {
        Some(n) => format!("{n} rows for validation"),
        None => format!("{} training rows", found.train_rows),
    };
    format!(
        "{} trials, {} over {} folds of {rows}{groups}; {:.1} s of processor time",
        found.trials, found.objective, found.folds, found.cpu_s
    )
}

fn page(search: &Search, found: &Found) -> String {
    let pipeline = &search.config().pipeline;
    let objective = pipeline.search.objective;
    let point = |place: &Place| FrontPoint {
        score: place.score,
        score_words: score_words(objective, place),
        flash_bytes: place.flash_bytes,
        instructions: place.instructions,
        is_measured: place.is_measured,
        is_best: found
            .best
            .as_ref()
            .is_some_and(|best| best.keys == place.keys),
        keys: (place.keys.iter())
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect(),
    };
    let front: Vec<FrontPoint> = found.front.iter().map(point).collect();
    let lines = [tried(found) + "."];
    front_page(&pipeline.identity.name, found.objective, &lines, &front)
}

fn tell(search: &Search, found: &Found) {
    println!("{}", tried(found));
    if found.is_cut {
        println!(
            "note: the time ran out before all trials were run, so another search may find another"
        );
    }
    println!("\n   score ± sd     flash  instructions  keys");
    // Of many, the best scores.
    let mut places: Vec<&Place> = found.front.iter().collect();
    let objective = search.config().pipeline.search.objective;
    places.sort_by(|one, other| {
        let rank = |it: &Place| objective.rank(it.score);
        rank(other).total_cmp(&rank(one))
    });
    let n_more = places.len().saturating_sub(SHOWN);
    places.truncate(SHOWN);
    places.sort_by_key(|place| place.flash_bytes);
    for place in places {
        println!("{}", row(objective, place));
    }
    if n_more > 0 {
        println!("… and {n_more} of worse scores, which --json shows");
    }
    println!("(~ estimated; all others were built and run)\n");
    if let Some(best) = &found.best {
        println!("best: {}", row(objective, best).trim_start());
    }
    if let Some(test) = &found.test {
        let score = match (test.score, test.accuracy) {
            (Some(score), _) => format!("{} {}, ", found.objective, objective.shown(score)),
            (None, Some(accuracy)) => format!("accuracy {:.2} %, ", accuracy * 100.0),
            (None, None) => String::new(),
        };
        let gates = match &test.failed_gates[..] {
            [] => "all gates hold".to_owned(),
            failed => format!("gates that fail: {}", failed.join(", ")),
        };
        println!(
            "on the {} test rows, which were looked at once, for this model alone: {score}{gates}",
            test.rows
        );
    }
    if let Some((nearest, misses)) = &found.nearest {
        let budget = &search.config().pipeline.budget;
        let missed: Vec<String> = misses
            .iter()
            .map(|gate| match (gate.as_str(), budget.instructions) {
                ("flash", _) => format!("flash {} of {}", nearest.flash_bytes, budget.flash),
                ("instructions", Some(limit)) => format!(
                    "instructions {:.0} of {limit}",
                    nearest.instructions.unwrap_or_default()
                ),
                _ => gate.clone(),
            })
            .collect();
        println!(
            "nothing that was tried meets the budgets; the nearest misses {}: {}\n\
             raise that budget, take another chip, or let [search] try smaller models: fewer `n_trees`, \
             smaller `max_leaf_nodes`",
            missed.join(", "),
            row(objective, nearest).trim_start()
        );
    }
}

fn row(objective: Objective, place: &Place) -> String {
    let mark = if place.is_measured { ' ' } else { '~' };
    let instructions = place
        .instructions
        .map_or("–".to_owned(), |it| format!("{it:.0}"));
    let score = score_words(objective, place);
    format!(
        "{score:>15}  {mark}{:7}  {mark}{instructions:>11}  {}",
        place.flash_bytes,
        shown(&place.keys)
    )
}

fn score_words(objective: Objective, place: &Place) -> String {
    match objective.task() {
        Task::Classify => format!(
            "{:6.2} ± {:4.2} %",
            place.score * 100.0,
            place.score_sd * 100.0
        ),
        _ => {
            let [score, sd] = [place.score, place.score_sd].map(|it| objective.shown(it));
            format!("{score} ± {sd}")
        }
    }
}
