//! `pipeline graph`: how the stages of a pipeline hang together.

use std::fmt::Write;
use std::path::Path;

use clap::ValueEnum;
use spinney_config::Config;
use spinney_model::visible;

use spinney_pipeline::stages::inputs::{self, Inputs};
use spinney_pipeline::stages::order::{STAGES, Spec};
use spinney_pipeline::stages::{Session, last_run};

use crate::terminal;
use spinney_pipeline::failure::Failure;

/// How a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Lines for a terminal.
    #[default]
    Text,
    /// A Mermaid flow chart, which GitHub draws.
    Mermaid,
}

/// A stage with what it reads in this pipeline.
struct Node {
    name: &'static str,
    does: &'static str,
    files: Vec<String>,
    parts: Vec<String>,
    after: &'static [&'static str],
    makes: &'static str,
}

pub(super) fn run(path: &Path, format: Format) -> Result<(), Failure> {
    let session = Session::open(path, terminal::progress())?;
    let inputs = inputs::read(&session.config)?;
    let nodes = nodes(&session.config, &inputs);
    print!("{}", draw(&nodes, format));
    if let (Format::Text, Some(damage)) = (format, last_run::damage(&session, &inputs)) {
        println!("\n{damage}");
    }
    Ok(())
}

fn nodes(config: &Config, inputs: &Inputs) -> Vec<Node> {
    let files = summarised(inputs.paths());
    let node = |stage: &Spec| {
        let parts = inputs::present(&config.pipeline, &(stage.parts)(&config.pipeline));
        let parts = parts.unwrap_or_default().into_iter();
        Node {
            name: stage.name,
            does: stage.does,
            files: match stage.reads_files {
                true => files.clone(),
                false => Vec::new(),
            },
            parts: parts.map(|(part, _)| inputs::typed(part)).collect(),
            after: stage.after,
            makes: stage.makes,
        }
    };
    STAGES.iter().map(node).collect()
}

/// Files by name; folders of many by their folder and how many.
fn summarised<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    const SHOWN: usize = 4;
    let paths: Vec<&str> = paths.collect();
    let mut shown: Vec<String> = paths.iter().take(SHOWN).map(ToString::to_string).collect();
    if paths.len() > SHOWN {
        shown.push(format!("{} more files", paths.len() - SHOWN));
    }
    shown
}

fn draw(nodes: &[Node], format: Format) -> String {
    let mut out = String::new();
    let drawn = match format {
        Format::Text => text(nodes, &mut out),
        Format::Mermaid => mermaid(nodes, &mut out),
    };
    drawn.expect("writing to a string");
    out
}

fn text(nodes: &[Node], out: &mut String) -> std::fmt::Result {
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} {}", node.name, node.does)?;
        if !node.after.is_empty() {
            writeln!(out, "  after   {}", node.after.join(", "))?;
        }
        if !node.files.is_empty() {
            writeln!(out, "  files   {}", visible(&node.files.join(", ")))?;
        }
        writeln!(out, "  config  {}", node.parts.join(", "))?;
        writeln!(out, "  makes   {}", node.makes)?;
    }
    Ok(())
}

fn mermaid(nodes: &[Node], out: &mut String) -> std::fmt::Result {
    // `"` ends a label, `<` opens a tag, a mark of code may end the block; Mermaid writes `#` and a
    // number for each.
    let label = |text: &String| -> String {
        let numbered = |it: char| match it {
            '"' | '#' | '&' | '<' | '>' | '`' => format!("#{};", u32::from(it)),
            it => it.to_string(),
        };
        visible(text).chars().map(numbered).collect()
    };
    writeln!(out, "flowchart LR")?;
    for (index, node) in nodes.iter().enumerate() {
        let (name, makes) = (node.name, node.makes);
        writeln!(out, "  {name}[\"{name}<br><small>{makes}</small>\"]")?;
        let reads: Vec<String> = node.files.iter().chain(&node.parts).map(label).collect();
        let reads = reads.join("<br>");
        writeln!(out, "  in{index}([\"{reads}\"]) --> {name}")?;
        for before in node.after {
            writeln!(out, "  {before} --> {name}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Vec<Node> {
        vec![
            Node {
                name: "model",
                does: "trains",
                files: summarised(["a \"b\".csv", "<i>`\n", "3", "4", "5", "6"].into_iter()),
                parts: vec!["[model]".to_owned()],
                after: &[],
                makes: "a model",
            },
            Node {
                name: "build",
                does: "builds",
                files: Vec::new(),
                parts: vec!["[target]".to_owned()],
                after: &["model"],
                makes: "images",
            },
        ]
    }

    #[test]
    fn graphs_of_both_kinds() {
        let all = [Format::Text, Format::Mermaid]
            .map(|format| draw(&nodes(), format))
            .join("---\n");
        expect_test::expect![[r#"
            model trains
              files   a "b".csv, <i>`\n, 3, 4, 2 more files
              config  [model]
              makes   a model

            build builds
              after   model
              config  [target]
              makes   images
            ---
            flowchart LR
              model["model<br><small>a model</small>"]
              in0(["a #34;b#34;.csv<br>#60;i#62;#96;\n<br>3<br>4<br>2 more files<br>[model]"]) --> model
              build["build<br><small>images</small>"]
              in1(["[target]"]) --> build
              model --> build
        "#]]
        .assert_eq(&all);
    }
}
