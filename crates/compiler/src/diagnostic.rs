//! What the compiler has to say about a project, for people and for programs.
//!
//! A diagnostic has a stable code (programs branch on it), one sentence (people read it), the place with a
//! code frame, and where possible a hint that says what to write instead.

use std::{borrow::Cow, fmt::Write as _};

use serde::Serialize;

use crate::source::{Position, SourceFile};

/// How bad it is. Only errors stop a compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The function is not compiled.
    Error,
    /// The function is compiled; something about it deserves a look.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable name of the rule, such as `method_need_await`; TypeScript's own findings have its codes (`TS2551`).
    pub code: Cow<'static, str>,
    /// What is wrong, one sentence without a final full stop.
    pub message: String,
    /// Where, when the finding is about a place in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A place in a file together with the lines around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Path inside the project.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Line of the end, from 1.
    pub end_line: usize,
    /// Column just past the end, from 1.
    pub end_column: usize,
    /// The line with its neighbours and a mark under the place, ready to print.
    pub frame: String,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.into(),
            message: message.into(),
            location: None,
            hint: None,
        }
    }

    /// A warning without a place.
    pub fn warning(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// Points at the bytes `start..end` of `source`.
    #[must_use]
    pub fn at(mut self, source: &SourceFile, start: usize, end: usize) -> Self {
        self.location = Some(Location::new(source, start, end));
        self
    }

    /// Points at a whole file.
    #[must_use]
    pub fn in_file(mut self, path: &str) -> Self {
        self.location = Some(Location {
            file: path.to_owned(),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
            frame: String::new(),
        });
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it stops the compilation.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding as text for a terminal; `colour` adds ANSI colours.
    pub fn render(&self, colour: bool) -> String {
        let paint = |style: &str, text: &str| {
            if colour {
                format!("\u{1b}[{style}m{text}\u{1b}[0m")
            } else {
                text.to_owned()
            }
        };
        let (word, style) = match self.severity {
            Severity::Error => ("error", "1;31"),
            Severity::Warning => ("warning", "1;33"),
        };
        let mut out = String::new();
        let head = paint(style, &format!("{word}[{}]", self.code));
        let _ = writeln!(out, "{head}: {}", paint("1", &self.message));
        if let Some(at) = &self.location {
            let place = if at.frame.is_empty() {
                at.file.clone()
            } else {
                format!("{}:{}:{}", at.file, at.line, at.column)
            };
            let _ = writeln!(out, "  {} {place}", paint("36", "-->"));
            for line in at.frame.lines() {
                let marked = line.trim_start().starts_with('|') && line.contains('^');
                let _ = writeln!(out, "{}", if marked { paint(style, line) } else { line.to_owned() });
            }
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "  {} {hint}", paint("32", "hint:"));
        }
        out
    }
}

impl Location {
    /// The place of `start..end` in `source` with its code frame.
    pub fn new(source: &SourceFile, start: usize, end: usize) -> Self {
        let from = source.position(start);
        let to = source.position(end.max(start));
        Self {
            file: source.path.clone(),
            line: from.line,
            column: from.column,
            end_line: to.line,
            end_column: to.column,
            frame: frame(source, from, to),
        }
    }
}

/// One line before, the line itself, a mark, one line after. Long lines are cut around the place.
fn frame(source: &SourceFile, from: Position, to: Position) -> String {
    const WIDTH: usize = 110;
    let line = source.line(from.line);
    let skipped = if from.column > WIDTH {
        from.column - WIDTH / 2
    } else {
        0
    };
    let cut = |text: &str| text.chars().skip(skipped).take(WIDTH).map(untab).collect::<String>();
    let digits = (from.line + 1).to_string().len().max(3);
    let length = if to.line == from.line {
        to.column.saturating_sub(from.column)
    } else {
        line.chars().count() + 1 - from.column.min(line.chars().count() + 1)
    };
    let mark = " ".repeat((from.column - 1).saturating_sub(skipped)) + &"^".repeat(length.clamp(1, WIDTH));
    let mut out = String::new();
    if from.line > 1 && !source.line(from.line - 1).trim().is_empty() {
        let _ = writeln!(out, "{:>digits$} | {}", from.line - 1, cut(source.line(from.line - 1)));
    }
    let _ = writeln!(out, "{:>digits$} | {}", from.line, cut(line));
    let _ = writeln!(out, "{:>digits$} | {mark}", "");
    if !source.line(from.line + 1).trim().is_empty() {
        let _ = writeln!(out, "{:>digits$} | {}", from.line + 1, cut(source.line(from.line + 1)));
    }
    out
}

/// A tab would move the mark away from what it marks.
fn untab(character: char) -> char {
    if character == '\t' { ' ' } else { character }
}
