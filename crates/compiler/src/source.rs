//! A source file and the arithmetic from byte offsets to what an editor shows.

use std::ops::Range;

/// One file of a project, read once and shared by every step that talks about it.
#[derive(Debug)]
pub struct SourceFile {
    /// Path inside the project, with `/` whatever the platform: `github/syncs/issues.ts`.
    pub path: String,
    /// The text as it is on disk (a byte order mark removed).
    pub text: String,
    line_starts: Vec<usize>,
}

/// A place in a file as people count: both numbers start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl SourceFile {
    /// Takes the text of the file at `path`.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if let Some(rest) = text.strip_prefix('\u{feff}') {
            text = rest.to_owned();
        }
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            path: path.into(),
            text,
            line_starts,
        }
    }

    /// Where a byte offset is; offsets past the end are taken as the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Position { line, column }
    }

    /// The byte offset of a place as compilers count: line and column from 0, the column in UTF-16 units.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        let mut units = 0;
        let before = self.slice(start..self.text.len()).chars().take_while(|character| {
            let take = units < column;
            units += character.len_utf16();
            take
        });
        start + before.map(char::len_utf8).sum::<usize>()
    }

    /// Where the word that begins at `offset` ends; behind one character where there is no word.
    pub fn word_end(&self, offset: usize) -> usize {
        let rest = self.slice(offset..self.text.len());
        let word = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(rest.len());
        let one = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        offset + word.max(one)
    }

    /// The line with this number (from 1), without its line break; empty when there is none.
    pub fn line(&self, number: usize) -> &str {
        let Some(start) = number
            .checked_sub(1)
            .and_then(|index| self.line_starts.get(index))
            .copied()
        else {
            return "";
        };
        let end = self.line_starts.get(number).map_or(self.text.len(), |next| next - 1);
        self.text.get(start..end).unwrap_or("").trim_end_matches('\r')
    }

    /// The text of a range, or nothing when the range is not one of this file.
    pub fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or("")
    }
}
