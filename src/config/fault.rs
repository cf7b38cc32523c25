//! Faults: what is wrong, where it is written, and what would be right.
//!
//! Whatever is shown has its secrets masked: texts here, what is pointed into where it is read.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

use super::secrets;

/// A stretch of the file or of an environment variable.
#[derive(Clone)]
pub struct Place {
    source: Arc<NamedSource<String>>,
    span: Range<usize>,
}

impl Place {
    /// A stretch of `source`, in bytes.
    pub fn new(source: &Arc<NamedSource<String>>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// Whether what is said of this place holds although the text is broken further on. What is
    /// said of a whole table doesn't: what it lacks may stand in the broken part.
    fn is_independent_of(&self, broken: &Place) -> bool {
        let text = self.source.inner();
        let before = text.get(..broken.span.start).unwrap_or(text);
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let is_table = text.get(self.span.start..).is_some_and(|rest| rest.starts_with('['));
        self.source_name() != broken.source_name() || (self.span.end <= line && !is_table)
    }

    /// The file, or the variable with its kind: `environment variable ROWCAST_SERVER__LISTEN`.
    pub fn source_name(&self) -> &str {
        self.source.name()
    }

    /// What is written there, secrets masked.
    pub(super) fn text(&self) -> &str {
        self.source.inner().get(self.span.clone()).unwrap_or_default()
    }

    /// A part of it, in bytes from its beginning.
    pub(super) fn part(&self, part: Range<usize>) -> Self {
        let within = |at: usize| (self.span.start + at).min(self.span.end);
        Self { source: Arc::clone(&self.source), span: within(part.start)..within(part.end) }
    }

    /// Line and column, from 1; the column in characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        let text = self.source.inner();
        let before = text.get(..self.span.start).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        write!(f, "{}:{line}:{column}", self.source_name())
    }
}

/// Whether the configuration can be used nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub severity: Severity,
    pub message: String,
    pub place: Option<Place>,
    /// What stands under the caret.
    pub(super) label: Option<String>,
    pub(super) help: Option<String>,
}

impl Fault {
    pub fn error(message: impl Into<String>) -> Self {
        let message = secrets::masked(&message.into());
        Self { severity: Severity::Error, message, place: None, label: None, help: None }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    pub fn at(self, place: &Place) -> Self {
        Self { place: Some(place.clone()), ..self }
    }

    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(secrets::masked(&help.into())), ..self }
    }
}

impl Diagnostic for Fault {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.place.as_ref().map(|place| &*place.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label = LabeledSpan::new_with_span(self.label.clone(), place.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Everything that is wrong; the error of reading a configuration.
#[derive(Clone, Debug, Default, thiserror::Error)]
#[error("{} in the configuration", count(.0))]
pub struct Faults(Vec<Fault>);

fn count(faults: &[Fault]) -> String {
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    format!("{errors} fault{}", if errors == 1 { "" } else { "s" })
}

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn extend(&mut self, more: Faults) {
        self.0.extend(more.0);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anything is worse than a warning.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|fault| fault.severity == Severity::Error)
    }

    /// Leaves out what may only follow from a broken syntax, which begins at `broken`.
    pub fn without_consequences(self, broken: &Place) -> Self {
        let independent = |fault: &Fault| {
            fault.place.as_ref().is_none_or(|place| place.is_independent_of(broken))
        };
        Self(self.0.into_iter().filter(independent).collect())
    }

    /// All faults for a person's eyes, in the order of the file, then how many there are.
    pub fn render(&self, colour: bool) -> String {
        let theme =
            if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_links(false);
        let mut text = String::new();
        for fault in self.sorted() {
            if handler.render_report(&mut text, fault).is_err() {
                text.push_str(&fault.message);
            }
            text.push('\n');
        }
        if self.has_errors() {
            text.push_str(&format!("rowcast: {self}\n"));
        }
        text
    }

    /// Each fault as a line of the log.
    pub fn log(&self) {
        for fault in self.sorted() {
            let place = fault.place.as_ref();
            let (source, at) = (place.map(Place::source_name), place.map(Place::line_and_column));
            let (line, column, help) =
                (at.map(|at| at.0), at.map(|at| at.1), fault.help.as_deref());
            match fault.severity {
                Severity::Error => tracing::error!(source, line, column, help, "{fault}"),
                Severity::Warning => tracing::warn!(source, line, column, help, "{fault}"),
            }
        }
    }

    fn sorted(&self) -> Vec<&Fault> {
        let mut sorted: Vec<&Fault> = self.0.iter().collect();
        sorted.sort_by_key(|fault| {
            fault.place.as_ref().map(|place| (place.source_name().to_owned(), place.span.start))
        });
        sorted
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}
