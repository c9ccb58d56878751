//! Source maps, version 3, written inline.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{source::SourceFile, strip::Mark};

/// A source map under construction. Files are added in the order of the text.
#[derive(Debug, Default)]
pub struct SourceMap {
    sources: Vec<String>,
    contents: Vec<Option<String>>,
    mappings: String,
    line: u32,
    /// Whether the line has a segment already.
    started: bool,
    previous: [i64; 4],
}

impl SourceMap {
    /// Adds a file whose text starts at `first_line` (from 0) of the bundle. `marks` come with the byte offset
    /// in `text` that they have moved to. The author's text is part of the map unless it can be had elsewhere.
    pub fn add(
        &mut self,
        source: &SourceFile,
        text: &str,
        first_line: u32,
        marks: impl Iterator<Item = (Mark, usize)>,
        with_content: bool,
    ) {
        let index = self.sources.len() as i64;
        self.sources.push(source.path.clone());
        self.contents.push(with_content.then(|| source.text.clone()));
        let (mut line, mut column, mut at) = (first_line, 0, 0);
        let mut last = None;
        for (mark, offset) in marks {
            for character in text.get(at..offset).unwrap_or("").chars() {
                if character == '\n' {
                    line += 1;
                    column = 0;
                } else {
                    column += character.len_utf16() as i64;
                }
            }
            at = at.max(offset);
            if last.replace((line, column)) == Some((line, column)) {
                continue;
            }
            self.segment(
                line,
                [
                    column,
                    index,
                    i64::from(mark.source_line),
                    i64::from(mark.source_column),
                ],
            );
        }
    }

    fn segment(&mut self, line: u32, fields: [i64; 4]) {
        while self.line < line {
            self.mappings.push(';');
            self.line += 1;
            self.started = false;
            self.previous[0] = 0;
        }
        if self.started {
            self.mappings.push(',');
        }
        self.started = true;
        for (field, previous) in fields.into_iter().zip(&mut self.previous) {
            write_vlq(&mut self.mappings, field - *previous);
            *previous = field;
        }
    }

    /// The map as the value of a `sourceMappingURL` comment.
    pub fn to_data_url(&self) -> String {
        let json = serde_json::json!({
            "version": 3,
            "sources": self.sources,
            "sourcesContent": self.contents,
            "mappings": self.mappings,
            "names": [],
        });
        format!("data:application/json;base64,{}", STANDARD.encode(json.to_string()))
    }
}

/// Base64 VLQ: five bits at a time, lowest first, sign in the lowest bit.
fn write_vlq(out: &mut String, value: i64) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rest = (value.unsigned_abs() << 1) | u64::from(value < 0);
    loop {
        let more = rest > 31;
        let digit = (rest & 31) as usize | if more { 32 } else { 0 };
        out.push(char::from(DIGITS[digit]));
        rest >>= 5;
        if !more {
            return;
        }
    }
}
