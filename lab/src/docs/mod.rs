//! `docs`: runs the commands that README and `docs/` show, and compares the output they show.

mod page;
mod scratch;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use spinney_report::Table;

use crate::bench::python;
use page::{Block, Mark, Page};
pub(crate) use scratch::copy;
use scratch::{Outcome, Scratch};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{environment, places, store};

/// The index, whose order is the order of the pages.
const INDEX: &str = "docs/README.md";
/// What `--all` writes.
const REPORT: &str = "reports/docs.md";
/// A block of these must run within this; CI has no time for more.
const DEADLINE: Duration = Duration::from_secs(300);
const DEADLINE_ALL: Duration = Duration::from_secs(3600);

/// Runs every block that needs neither Python nor hardware nor more than a minute; with `all`, also
/// those that need Python, the network and time, and writes `reports/docs.md`.
pub(crate) fn run(all: bool) -> Result<(), Failure> {
    let repository = crate::repository();
    let pages = read_pages(&repository)?;
    // Of a Python whose packages the pages install.
    let python = match all {
        true => Some(python::environment(&places::cache()?.join("docs-python"))?),
        false => None,
    };
    let scratch = Scratch::new(python.as_deref().and_then(Path::parent))?;
    let numbers_differ = !has_the_reports_toolchain(&repository)?;
    if numbers_differ {
        eprintln!(
            "docs: another toolchain made the reports; numbers that pages show are not compared"
        );
    }
    let mut log = Log {
        rows: Table::new("page | commands | mark | exit | output"),
        n_ran: 0,
        n_compared: 0,
        n_failed: 0,
        left_out: BTreeMap::new(),
    };
    for (name, page) in &pages {
        scratch.reset()?;
        for (index, block) in page.blocks.iter().enumerate() {
            if let Some(file) = &block.file {
                scratch.save(file, &block.text)?;
            }
            let Some(runs) = work(block, all) else {
                continue;
            };
            if !runs {
                log.pass_over(name, block);
                continue;
            }
            let place = format!("{name}:{}", block.line);
            eprintln!(
                "docs: {place}: {}",
                commands(&block.text).next().unwrap_or_default()
            );
            let started = Instant::now();
            let deadline = if all { DEADLINE_ALL } else { DEADLINE };
            let outcome = scratch.run(block, deadline)?;
            let shown = shown(page, index);
            let fault = fault(block, shown, &outcome, numbers_differ);
            eprintln!("docs: {place} took {} s", started.elapsed().as_secs());
            if let Some(fault) = &fault {
                eprintln!("docs: {name}:{fault}");
            }
            log.ran(name, block, &outcome, shown.is_some(), fault.is_some());
        }
    }
    println!("{}", log.summary());
    if all {
        let path = repository.join(REPORT);
        store::write_whole(&path, log.markdown().as_bytes()).environment()?;
        println!("report: {REPORT}");
    }
    if log.n_failed > 0 {
        let n_failed = log.n_failed;
        return Err(anyhow!(
            "{n_failed} of the blocks that ran do not do what their pages say"
        ))
        .input();
    }
    Ok(())
}

/// Every page, README first and the others in the order of the index.
fn read_pages(repository: &Path) -> Result<Vec<(String, Page)>, Failure> {
    let read = |name: &str| {
        let path = repository.join(name);
        crate::read_text(&path)
            .input()
            .map(|text| page::read(&text))
    };
    let index = read(INDEX)?;
    let mut names = vec!["README.md".to_owned(), INDEX.to_owned()];
    for (_, link) in &index.links {
        let file = link.split('#').next().unwrap_or_default();
        let name = format!("docs/{file}");
        if file.ends_with(".md") && !file.contains('/') && !names.contains(&name) {
            names.push(name);
        }
    }
    let mut pages = Vec::new();
    for name in names {
        let page = read(&name)?;
        if let Some((line, fault)) = page.faults.first() {
            return Err(Failure::Input(anyhow!("{name}:{line}: {fault}")));
        }
        pages.push((name, page));
    }
    Ok(pages)
}

/// Whether a block runs today; `None` where it is nothing to run.
fn work(block: &Block, all: bool) -> Option<bool> {
    let is_python = match block.language.as_str() {
        "sh" => false,
        // Python that is saved as a file runs from there.
        "python" if block.file.is_none() => true,
        _ => return None,
    };
    let is_left_out = block.marks.iter().any(|mark| match mark {
        Mark::Hardware | Mark::Example | Mark::From(_) => true,
        Mark::Python | Mark::Slow | Mark::Network => !all,
    });
    Some(!is_left_out && (!is_python || all))
}

/// The output that a page shows behind a block of commands.
fn shown(page: &Page, index: usize) -> Option<&Block> {
    let next = page.blocks.get(index + 1)?;
    let is_output = next.language == "text" || next.language.is_empty();
    (is_output && !next.opens && next.marks.is_empty()).then_some(next)
}

/// What is wrong with what a block did: its line, the command, and what it printed.
fn fault(
    block: &Block,
    shown: Option<&Block>,
    outcome: &Outcome,
    numbers_differ: bool,
) -> Option<String> {
    let line = block.line + outcome.line;
    let command = block.text.lines().nth(outcome.line).unwrap_or_default();
    let printed = &outcome.printed;
    match outcome.exit {
        None => return Some(format!("{line}: `{command}` does not end\n{printed}")),
        Some(0) => {}
        Some(code) => {
            return Some(format!(
                "{line}: `{command}` ended with exit code {code}\n{printed}"
            ));
        }
    }
    let shown = shown?;
    let line = shown::missing(&shown.text, printed, numbers_differ)?;
    Some(format!(
        "{}: the page shows\n{line}\nwhich is not where it stands in what `{command}` printed:\n\
         {printed}",
        shown.line
    ))
}

/// The lines of a block that begin a command, without the comments behind them.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let mut continues = false;
    text.lines().filter_map(move |line| {
        let is_first = !continues && !line.trim().is_empty() && !line.starts_with('#');
        continues = line.ends_with('\\');
        let line = line.split("  #").next().unwrap_or(line);
        is_first.then(|| line.trim_end_matches('\\').trim())
    })
}

/// Whether today's compiler, linker and emulator are those of the reference reports, so that sizes
/// and instructions are the same.
fn has_the_reports_toolchain(repository: &Path) -> Result<bool, Failure> {
    let made_with = crate::report(&repository.join("reports/digits/report.json"))?.toolchain;
    let Some(toolchain) = environment::toolchain(&made_with.target, repository)? else {
        return Ok(false);
    };
    let emulator = spinney_board::Core::CortexM4F.machine();
    let emulator = environment::emulator(emulator)?.map(|(_, version)| version);
    Ok(toolchain.version == made_with.rustc
        && toolchain.linker_version == made_with.linker
        && emulator == made_with.emulator)
}

/// What became of the blocks.
struct Log {
    rows: Table,
    n_ran: usize,
    n_compared: usize,
    n_failed: usize,
    left_out: BTreeMap<&'static str, usize>,
}

impl Log {
    fn ran(&mut self, page: &str, block: &Block, outcome: &Outcome, shows: bool, failed: bool) {
        self.n_ran += 1;
        self.n_compared += usize::from(shows);
        self.n_failed += usize::from(failed);
        let exit = outcome
            .exit
            .map_or_else(|| "none".to_owned(), |exit| exit.to_string());
        let output = match (shows, failed) {
            (false, _) => "",
            (true, true) => "**not as shown**",
            (true, false) => "as shown",
        };
        self.row(page, block, &exit, output);
    }

    fn pass_over(&mut self, page: &str, block: &Block) {
        for mark in &block.marks {
            *self.left_out.entry(mark.name()).or_default() += 1;
        }
        self.row(page, block, "not run", "");
    }

    fn row(&mut self, page: &str, block: &Block, exit: &str, output: &str) {
        let marks: Vec<&str> = block.marks.iter().map(Mark::name).collect();
        let shown: Vec<String> = match block.language.as_str() {
            "python" => vec!["Python".to_owned()],
            _ => commands(&block.text)
                .map(|command| format!("`{}`", command.replace('|', "\\|")))
                .collect(),
        };
        let (shown, marks) = (shown.join("<br>"), marks.join(", "));
        self.rows.row(&[&page, &shown, &marks, &exit, &output]);
    }

    fn summary(&self) -> String {
        let left_out = self.left_out.iter();
        let left_out: Vec<String> = left_out.map(|(mark, n)| format!("{n} {mark}")).collect();
        let left_out = match left_out.join(", ") {
            none if none.is_empty() => "none".to_owned(),
            some => some,
        };
        format!(
            "docs: {} blocks ran, {} of them with output to compare, {} failed; marked and not run: \
             {left_out}",
            self.n_ran, self.n_compared, self.n_failed
        )
    }

    fn markdown(&self) -> String {
        format!(
            "# The commands of the documentation\n\n\
             Made by `cargo xtask docs --all`, which runs each block of commands in README and \
             `docs/` in a copy of the working tree. CI runs those without a mark, by `cargo xtask \
             docs`. *Hardware* needs a board, *example* is shown only; the comment in front of the \
             block says why.\n\n\
             {} blocks ran, {} failed; {} show output, which was compared.\n\n{}",
            self.n_ran, self.n_failed, self.n_compared, self.rows
        )
    }
}
