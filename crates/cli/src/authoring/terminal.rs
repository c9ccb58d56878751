//! Text for people: colours where they are shown, none where they are not.

use std::borrow::Cow;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::config::env;

/// Where output goes and how it may look.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    colour: bool,
    interactive: bool,
}

/// A colour or weight.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    /// Headings and names.
    Bold,
    /// What is less important.
    Dim,
    /// Added, done.
    Green,
    /// Changed, a warning.
    Yellow,
    /// Removed, failed.
    Red,
    /// Kinds and places.
    Cyan,
}

impl Terminal {
    /// Looks at the streams and at `NO_COLOR`, `FORCE_COLOR` and `CI`.
    pub fn detect() -> Self {
        let shown = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        Self::of(std::io::stdin().is_terminal(), shown, env::var)
    }

    /// `answers` says whether somebody can type, `shown` whether somebody can read.
    fn of(answers: bool, shown: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let colour = variable("FORCE_COLOR").is_some_and(|value| value != "0")
            || (shown && !dumb && variable("NO_COLOR").is_none());
        let interactive = answers && shown && variable("CI").is_none();
        Self { colour, interactive }
    }

    /// The same, but nobody is asked anything.
    #[must_use]
    pub fn without_questions(self) -> Self {
        Self {
            interactive: false,
            ..self
        }
    }

    /// Whether colours are shown.
    pub fn has_colour(self) -> bool {
        self.colour
    }

    /// Whether somebody can answer a question.
    pub fn is_interactive(self) -> bool {
        self.interactive
    }

    /// The text in a style, with what it says to a terminal of its own made visible.
    pub fn paint(self, style: Style, text: &str) -> String {
        let text = plain(text);
        if !self.colour {
            return text.into_owned();
        }
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Red => "31",
            Style::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Asks a question. An empty line is the default; when the input ends instead, nobody agreed.
    pub fn confirm(self, question: &str, default: bool) -> bool {
        let choices = if default { "Y/n" } else { "y/N" };
        prompt(&format!("{} [{choices}] ", plain(question)));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        agrees(&answer, default) && read.is_ok()
    }
}

/// What the line that was read says. The input's end is no line.
fn agrees(line: &str, default: bool) -> bool {
    match line.trim().to_lowercase().as_str() {
        "" => default && !line.is_empty(),
        "y" | "yes" => true,
        _ => false,
    }
}

/// Text of others, such as log lines, messages and names: characters that a terminal acts on, all but line ends and tabs, are
/// shown as escapes (`\x1b`).
pub fn plain(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) {
            shown.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[expect(clippy::print_stderr, reason = "a question to whoever started the command")]
fn prompt(text: &str) {
    eprint!("{text}");
    let _ = std::io::stderr().flush();
}

/// The command's result.
#[expect(clippy::print_stdout, reason = "output of the command")]
pub fn say(text: &str) {
    println!("{text}");
}

/// Remarks about how it went, kept apart from the result.
#[expect(clippy::print_stderr, reason = "findings and progress, kept apart from the result")]
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// `1 function`, `2 functions`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// `12.3 kB`.
pub fn bytes(length: usize) -> String {
    match length {
        0..1_000 => format!("{length} B"),
        1_000..1_000_000 => format!("{:.1} kB", length as f64 / 1_000.0),
        _ => format!("{:.1} MB", length as f64 / 1_000_000.0),
    }
}

/// Rows with aligned columns, each line indented. Styles do not count as width.
pub fn table(indent: usize, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, column) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(column - width(cell) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Characters that are shown.
fn width(text: &str) -> usize {
    let mut shown = 0;
    let mut escaped = false;
    for character in text.chars() {
        match character {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if !escaped => shown += 1,
            _ => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests;
