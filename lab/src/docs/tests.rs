//! What documentation is held to without running anything: links, commands, configs and quotes.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use super::page::{Block, Mark, Page};
use super::{INDEX, commands, page, read_pages};
use crate::repository;

/// Pages beside README and `docs/` whose links must lead somewhere.
const OTHERS: [&str; 8] = [
    "SECURITY.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "STYLE.md",
    "data/README.md",
    "reports/docs.md",
    "reports/c99.md",
    "crates/cli/template/README.md",
];

fn documentation() -> Vec<(String, Page)> {
    read_pages(&repository()).expect("pages that read")
}

fn everything() -> Vec<(String, Page)> {
    let others = OTHERS.iter().map(|name| {
        let text = std::fs::read_to_string(repository().join(name)).expect("a page");
        ((*name).to_owned(), page::read(&text))
    });
    documentation().into_iter().chain(others).collect()
}

fn is_none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_page_is_in_the_index_and_leads_on() {
    let pages = documentation();
    let mut files: Vec<String> = std::fs::read_dir(repository().join("docs"))
        .expect("docs")
        .flatten()
        .map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    files.sort();
    let mut listed: Vec<String> = pages.iter().map(|(name, _)| name.clone()).skip(1).collect();
    let mut order = listed.split_off(1);
    let mut sorted = [listed, order.clone()].concat();
    sorted.sort();
    assert_eq!(sorted, files, "{INDEX} lists every page");
    // This one is written by scripts/pull-request.sh.
    order.retain(|name| name != "docs/pull-request.md");
    let mut faults = Vec::new();
    for (at, name) in order.iter().enumerate() {
        let text = std::fs::read_to_string(repository().join(name)).expect("a page");
        let last = text.trim_end().lines().last().unwrap_or_default();
        let links = page::read(last).links;
        let targets: Vec<&str> = links.iter().map(|(_, link)| link.as_str()).collect();
        let expected: Vec<&str> = order
            .get(at + 1)
            .and_then(|next| next.strip_prefix("docs/"))
            .into_iter()
            .chain(["README.md"])
            .collect();
        if targets != expected {
            faults.push(format!(
                "{name}: ends with links to {targets:?}, expected {expected:?}"
            ));
        }
    }
    is_none(&faults);
}

#[test]
fn every_link_leads_somewhere() {
    let mut faults = Vec::new();
    for (name, page) in everything() {
        for (line, link) in &page.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            // A new project's own files are not here.
            if name.starts_with("crates/cli/template") {
                continue;
            }
            let target = if file.is_empty() {
                repository().join(&name)
            } else {
                let folder = Path::new(&name).parent().expect("a page lies in a folder");
                repository().join(folder).join(file)
            };
            if !target.exists() {
                faults.push(format!("{name}:{line}: {link} leads nowhere"));
                continue;
            }
            if !anchor.is_empty() && !anchors(&target).iter().any(|it| it == anchor) {
                faults.push(format!("{name}:{line}: {file} has no heading #{anchor}"));
            }
        }
    }
    is_none(&faults);
}

fn anchors(path: &PathBuf) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a page that is linked to");
    page::read(&text).anchors
}

#[test]
fn every_command_is_one_that_this_program_takes() {
    let mut faults = Vec::new();
    let mut n_commands = 0;
    for (name, page) in everything() {
        let in_blocks = page
            .blocks
            .iter()
            .filter(|block| ["sh", "text", ""].contains(&block.language.as_str()))
            .flat_map(|block| commands(&block.text).map(|command| (block.line, command)));
        let in_sentences = page
            .spans
            .iter()
            .map(|(line, command)| (*line, command.as_str()));
        for (line, command) in in_blocks.chain(in_sentences) {
            let Some(arguments) = command.strip_prefix("cargo xtask ") else {
                continue;
            };
            n_commands += 1;
            if let Some(fault) = fault(arguments) {
                faults.push(format!("{name}:{line}: {command}: {fault}"));
            }
        }
    }
    assert!(n_commands > 50, "commands were found");
    is_none(&faults);
}

/// What is wrong with the arguments of a command; a sentence may leave out some.
fn fault(arguments: &str) -> Option<String> {
    let simple = arguments
        .split(['|', '>', '&', ';'])
        .next()
        .unwrap_or_default();
    let words = simple
        .split_whitespace()
        .filter(|word| *word != "…")
        .map(
            |word| match word.trim_matches(|c| matches!(c, '"' | '\'' | '[' | ']')) {
                "N" => "0",
                "STAGE" => "model",
                "SHELL" => "bash",
                "VERB" => "setup",
                word => word,
            },
        );
    let words: Vec<&str> = std::iter::once("xtask").chain(words).collect();
    let error = match crate::Cli::try_parse_from(&words) {
        Ok(_) => return None,
        Err(error) if error.kind() != ErrorKind::InvalidSubcommand => error,
        Err(_) => spinney_cli::parse_error(&words)?,
    };
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand => None,
        _ => error.to_string().lines().next().map(str::to_owned),
    }
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    for wrong in [
        "pipelin run",
        "pipeline run --conf x",
        "explain --row first",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    for right in [
        "explain --row N",
        "chips",
        "pipeline check --baseline FILE > comment.md",
    ] {
        assert_eq!(fault(right), None);
    }
}

#[test]
fn every_config_reads() {
    let mut faults = Vec::new();
    let mut n_configs = 0;
    for (name, page) in everything() {
        // The examples of pipeline.md are held to their keys by the tests of the config's crate.
        for block in page.blocks.iter().filter(|block| block.language == "toml") {
            let is_manifest = block.text.contains("[dependencies]");
            let is_whole =
                block.text.contains("[pipeline]") || block.text.starts_with("pipeline =");
            if is_manifest || (name == "docs/pipeline.md" && !is_whole) {
                continue;
            }
            n_configs += 1;
            let config = repository().join("pipeline.toml");
            let found = spinney_config::parse(&block.text, &config, &|_| true);
            for fault in found.err().map(|it| it.to_list()).unwrap_or_default() {
                // A part of a config lacks the other sections, and that alone.
                if is_whole || !fault.message.contains("found no such section, expected") {
                    let line = block.line + fault.line.saturating_sub(1);
                    faults.push(format!("{name}:{line}: {}", fault.message));
                }
            }
        }
    }
    assert!(n_configs > 5, "configs were found");
    is_none(&faults);
}

#[test]
fn quotes_stand_in_the_files_that_they_are_from() {
    let mut faults = Vec::new();
    for (name, page) in everything() {
        for block in &page.blocks {
            for mark in &block.marks {
                if let Mark::From(file) = mark
                    && let Some(line) = strange_line(block, file)
                {
                    faults.push(format!("{name}:{}: `{line}` is not in {file}", block.line));
                }
            }
        }
    }
    is_none(&faults);
}

/// The first line of a quote that does not follow the one before it in the file; an empty line or a
/// comment of its own stands for what is left out.
fn strange_line<'a>(block: &'a Block, file: &str) -> Option<&'a str> {
    let path = repository().join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Some("(all of it)");
    };
    let mut rest = text.lines().map(plain);
    block.text.lines().find(|line| {
        let line = plain(line);
        !line.is_empty() && !rest.any(|it| it == line)
    })
}

/// A line without its indentation and the comment at its end.
fn plain(line: &str) -> &str {
    line.split("//").next().unwrap_or_default().trim()
}

#[test]
fn every_block_says_what_it_is() {
    const LANGUAGES: [&str; 9] = [
        "", "text", "sh", "toml", "rust", "c", "python", "json", "yaml",
    ];
    let mut faults = Vec::new();
    for (name, page) in documentation() {
        for block in &page.blocks {
            let language = block.language.as_str();
            let place = format!("{name}:{}", block.line);
            if !LANGUAGES.contains(&language) {
                faults.push(format!(
                    "{place}: found {language}, expected one of {LANGUAGES:?}"
                ));
            }
            let says = !block.marks.is_empty() || block.file.is_some();
            match language {
                "python" if !says => {
                    faults.push(format!("{place}: Python, and not marked as such"));
                }
                "rust" if !says => faults.push(format!(
                    "{place}: Rust, and not marked: `from FILE` where it is compiled, or example"
                )),
                "" | "text" if commands(&block.text).any(|line| line.starts_with("$ ")) => {
                    faults.push(format!("{place}: commands in a block that is not run"));
                }
                _ => {}
            }
        }
    }
    is_none(&faults);
}

#[test]
fn promises_are_tested_where_security_md_says() {
    let text = std::fs::read_to_string(repository().join("SECURITY.md")).expect("SECURITY.md");
    let (_, table) = text.split_once("| promise | tests |").expect("the table");
    let mut faults = Vec::new();
    let (mut n_files, mut n_tests) = (0, 0);
    for part in table.split("](").skip(1) {
        let (path, names) = part.split_once(')').expect("a link ends");
        n_files += 1;
        let Ok(source) = std::fs::read_to_string(repository().join(path)) else {
            faults.push(format!("{path} is not there"));
            continue;
        };
        // Between a link and the next, what is code names a test.
        let names = names.split(" |").next().unwrap_or(names);
        for name in names.split('`').skip(1).step_by(2) {
            n_tests += 1;
            let is_there = source.lines().any(|line| {
                let line = line.trim_start();
                line.starts_with(&format!("fn {name}("))
            });
            if !is_there {
                faults.push(format!("{path} has no test {name}"));
            }
        }
    }
    for target in std::fs::read_dir(repository().join("fuzz/fuzz_targets")).expect("targets") {
        let name = target.expect("a target").file_name();
        let path = format!("(fuzz/fuzz_targets/{})", name.to_string_lossy());
        if !table.contains(&path) {
            faults.push(format!("{path} is not named"));
        }
    }
    is_none(&faults);
    assert!(n_files > 30 && n_tests > 40, "{n_files}, {n_tests}");
}
