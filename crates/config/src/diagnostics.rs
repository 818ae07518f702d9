//! Faults of a config, each with its place, and their rendering as source snippets.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use spinney_model::visible_lines;

/// Bytes of the config's text.
pub(crate) type Span = Range<usize>;

/// Something wrong in a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where; `None` for what is missing from the file as a whole.
    pub span: Option<Span>,
    /// What was found, what was expected.
    pub message: String,
    /// Another place that matters, and why.
    pub context: Option<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            context: None,
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn context(mut self, span: Option<Span>, label: impl Into<String>) -> Self {
        self.context = span.map(|span| (span, label.into()));
        self
    }

    /// With the place of what asks for something else.
    pub(crate) fn because(self, span: Option<Span>) -> Self {
        self.context(span, "because of this")
    }
}

/// A fault as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line from 1; 1 for what is missing from the file as a whole.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// What was found, what was expected.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Everything wrong in a config, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    path: String,
    text: String,
    faults: Vec<Fault>,
}

/// Whether a rendering has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// None: for files and pipes.
    Plain,
    /// ANSI escapes, for a terminal.
    Colour,
}

/// More faults than this are counted, not shown.
pub(crate) const SHOWN_MAX: usize = 50;

impl Diagnostics {
    pub(crate) fn new(path: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        for fault in &mut faults {
            fault.span = fault.span.take().map(|span| clip(text, span));
            if let Some((span, _)) = &mut fault.context {
                *span = clip(text, span.clone());
            }
        }
        faults.sort_by_key(|fault| fault.span.as_ref().map(|span| span.start));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            faults,
        }
    }

    /// The faults as data, in the order of the file; at least one.
    pub fn to_list(&self) -> Vec<Diagnostic> {
        let lines = Lines::new(&self.text);
        self.faults
            .iter()
            .map(|fault| {
                let start = fault.span.as_ref().map_or(0, |span| span.start);
                let line = lines.index(start);
                Diagnostic {
                    line: line + 1,
                    column: self.text[lines.starts[line]..start].chars().count() + 1,
                    message: fault.message.clone(),
                    help: fault.help.clone(),
                }
            })
            .collect()
    }

    /// The faults as a compiler shows them: message, file, line, column, the source line with the
    /// place marked, help.
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Colour => Renderer::styled(),
        }
        .decor_style(DecorStyle::Ascii);
        let mut rendered: Vec<String> = self
            .faults
            .iter()
            .take(SHOWN_MAX)
            .map(|fault| renderer.render(&[self.group(fault)]))
            .collect();
        if self.faults.len() > SHOWN_MAX {
            rendered.push(format!("and {} more", self.faults.len() - SHOWN_MAX));
        }
        rendered.join("\n\n")
    }

    fn group<'a>(&'a self, fault: &'a Fault) -> Group<'a> {
        let title = Level::ERROR.primary_title(&fault.message);
        let mut group = match &fault.span {
            Some(span) => {
                let mut snippet = Snippet::source(&self.text)
                    .path(&self.path)
                    .annotation(AnnotationKind::Primary.span(span.clone()));
                if let Some((span, label)) = &fault.context {
                    snippet =
                        snippet.annotation(AnnotationKind::Context.span(span.clone()).label(label));
                }
                title.element(snippet)
            }
            None => title.element(Origin::path(&self.path)),
        };
        if let Some(help) = &fault.help {
            group = group.element(Level::HELP.message(visible_lines(help)));
        }
        group
    }
}

/// Where lines begin.
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Self {
            starts: std::iter::once(0).chain(newlines).collect(),
        }
    }

    /// The line, from 0, that an offset lies in.
    pub(crate) fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }
}

/// Cuts a span to the text and to its first line.
fn clip(text: &str, span: Span) -> Span {
    let on_boundary = |mut index: usize| {
        index = index.min(text.len());
        while !text.is_char_boundary(index) {
            index -= 1;
        }
        index
    };
    let start = on_boundary(span.start);
    let end = on_boundary(span.end.max(start));
    let line_end = text[start..end]
        .find('\n')
        .map_or(end, |newline| start + newline);
    start..line_end
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl std::error::Error for Diagnostics {}
