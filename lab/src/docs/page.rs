//! A page of documentation: its headings, links, inline code and code blocks, with their marks.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A page, read.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The code blocks, in order.
    pub blocks: Vec<Block>,
    /// Where links and images lead, with the line they stand in.
    pub links: Vec<(usize, String)>,
    /// The anchors of headings, as they are linked to.
    pub anchors: Vec<String>,
    /// Code within sentences, with its line.
    pub spans: Vec<(usize, String)>,
    /// Marks that cannot be read, with their line and what is wrong with them.
    pub faults: Vec<(usize, String)>,
}

/// A code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of its first line of code, from 1.
    pub line: usize,
    /// What it is written in; empty if it does not say.
    pub language: String,
    /// The code.
    pub text: String,
    /// What a comment in front of it says.
    pub marks: Vec<Mark>,
    /// The file that the sentence in front of it says to save it as.
    pub file: Option<String>,
    /// Whether a heading stands between it and the block before.
    pub opens: bool,
}

/// What a block needs, or is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It needs Python and packages of it.
    Python,
    /// It needs a board.
    Hardware,
    /// It takes more than a minute.
    Slow,
    /// It needs the network.
    Network,
    /// It is shown and cannot run here.
    Example,
    /// Its lines stand in this file, which is compiled.
    From(String),
}

const MARKS: [(&str, Mark); 5] = [
    ("python", Mark::Python),
    ("hardware", Mark::Hardware),
    ("slow", Mark::Slow),
    ("network", Mark::Network),
    ("example", Mark::Example),
];

impl Mark {
    fn read(word: &str) -> Option<Self> {
        match MARKS.into_iter().find(|(name, _)| *name == word) {
            Some((_, mark)) => Some(mark),
            None => Some(Self::From(word.strip_prefix("from ")?.trim().to_owned())),
        }
    }

    /// The mark in a word.
    pub(crate) fn name(&self) -> &'static str {
        let own = MARKS.iter().find(|(_, mark)| mark == self);
        own.map_or("from", |(name, _)| *name)
    }
}

/// Reads a page.
///
/// A mark is a comment on its own, `<!-- docs: KIND, KIND: why -->`, directly in front of the
/// block. A block behind a sentence that ends with "save this as `NAME`" is a file.
pub(crate) fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut reader = Reader::default();
    let lines = Lines::of(text);
    for (event, place) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        reader.take(&event, &place, &lines, &mut page);
    }
    page
}

/// What was read since the last block.
#[derive(Default)]
struct Reader {
    marks: Vec<Mark>,
    file: Option<String>,
    /// The text of the paragraph or heading that is being read.
    words: String,
    block: Option<Block>,
    has_heading: bool,
    in_heading: bool,
}

impl Reader {
    fn take(&mut self, event: &Event<'_>, place: &Range<usize>, lines: &Lines, page: &mut Page) {
        match event {
            Event::Start(Tag::Paragraph) => {
                self.words.clear();
                self.marks.clear();
            }
            Event::Start(Tag::Heading { .. }) => {
                self.words.clear();
                self.marks.clear();
                self.file = None;
                self.in_heading = true;
                self.has_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => {
                self.in_heading = false;
                let anchor = slug(&self.words);
                let n_before = page.anchors.iter().filter(|it| **it == anchor).count();
                page.anchors.push(match n_before {
                    0 => anchor,
                    n => format!("{anchor}-{n}"),
                });
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links
                    .push((lines.at(place.start), dest_url.to_string()));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let (language, first) = match kind {
                    CodeBlockKind::Fenced(info) => (info.to_string(), lines.at(place.start) + 1),
                    CodeBlockKind::Indented => (String::new(), lines.at(place.start)),
                };
                self.block = Some(Block {
                    line: first,
                    language,
                    text: String::new(),
                    marks: std::mem::take(&mut self.marks),
                    file: self.file.take(),
                    opens: std::mem::take(&mut self.has_heading),
                });
            }
            Event::End(TagEnd::CodeBlock) => page.blocks.extend(self.block.take()),
            Event::Text(text) => match &mut self.block {
                Some(block) => block.text.push_str(text),
                None => self.words.push_str(text),
            },
            Event::SoftBreak => self.words.push(' '),
            Event::Code(code) => {
                if !self.in_heading {
                    page.spans.push((lines.at(place.start), code.to_string()));
                    if self.words.ends_with("ave this as ") {
                        self.file = Some(code.to_string());
                    }
                }
                self.words.push_str(code);
            }
            Event::Html(html) => match marks(html) {
                Ok(marks) => self.marks.extend(marks),
                Err(fault) => page.faults.push((lines.at(place.start), fault)),
            },
            _ => {}
        }
    }
}

/// The marks of a comment; none if it is another comment.
fn marks(html: &str) -> Result<Vec<Mark>, String> {
    let Some(comment) = html
        .trim()
        .strip_prefix("<!--")
        .and_then(|rest| rest.trim().strip_prefix("docs:"))
        .and_then(|rest| rest.trim().strip_suffix("-->"))
    else {
        return Ok(Vec::new());
    };
    let (words, why) = comment.split_once(':').unwrap_or((comment, ""));
    let marks = words
        .split(',')
        .map(|word| {
            Mark::read(word.trim()).ok_or_else(|| {
                format!(
                    "found the mark `{}`, expected python, hardware, slow, network, example or \
                     `from FILE`",
                    word.trim()
                )
            })
        })
        .collect::<Result<Vec<Mark>, String>>()?;
    if why.trim().is_empty() && !marks.iter().any(|mark| matches!(mark, Mark::From(_))) {
        return Err(
            "found a mark without a reason, expected `<!-- docs: KIND: why -->`".to_owned(),
        );
    }
    Ok(marks)
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter => letter.is_alphanumeric().then_some(letter),
        })
        .collect()
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(
            std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
        )
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A `b`, c\n\nSee [that](x.md#y).\n\n\
        <!-- docs: slow, python: half an hour -->\n```sh\nrun\n```\n\n\
        Save this as `a.toml`:\n\n```toml\nx = 1\n```\n\n## Next\n\n```\nplain\n```\n";

    #[test]
    fn blocks_have_their_marks_files_and_lines() {
        let page = read(TEXT);
        let marks = |it: &Block| it.marks.iter().map(Mark::name).collect::<Vec<_>>();
        let blocks = page.blocks.iter();
        let found = blocks.map(|it| (it.line, &*it.language, &*it.text, marks(it), it.opens));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                (7, "sh", "run\n", vec!["slow", "python"], true),
                (13, "toml", "x = 1\n", vec![], false),
                (19, "", "plain\n", vec![], true),
            ]
        );
        let files = page.blocks.iter().map(|it| it.file.as_deref());
        assert!(files.eq([None, Some("a.toml"), None]));
        assert_eq!(page.anchors, ["a-b-c", "next"]);
        assert_eq!(page.links, [(3, "x.md#y".to_owned())]);
        assert_eq!(page.faults, []);
    }

    #[test]
    fn a_mark_that_says_nothing_is_a_fault() {
        for text in ["<!-- docs: sloow: a -->\n", "<!-- docs: slow -->\n"] {
            assert_eq!(read(text).faults.len(), 1, "{text}");
        }
        assert_eq!(read("<!-- begin: a table -->\n").faults, []);
    }

    #[test]
    fn a_mark_is_for_the_block_right_behind_it() {
        let page = read("<!-- docs: slow: a -->\n\nA sentence.\n\n```sh\nx\n```\n");
        assert_eq!(page.blocks[0].marks, []);
    }
}
