//! Source maps (ECMA-426) of bundles: written inline, and read again to say where a bundle failed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oxc_sourcemap::{SourceMap, Token};

use crate::{source::SourceFile, strip::Mark};

/// A source map under construction. Files are added in the order of the text.
#[derive(Debug, Default)]
pub struct MapBuilder<'s> {
    sources: Vec<&'s str>,
    contents: Vec<Option<&'s str>>,
    tokens: Vec<Token>,
}

impl<'s> MapBuilder<'s> {
    /// Adds a file whose text starts at `first_line` (from 0) of the bundle. `marks` come with the byte offset
    /// in `text` that they have moved to. The author's text is part of the map unless it can be had elsewhere.
    pub fn add(
        &mut self,
        source: &'s SourceFile,
        text: &str,
        first_line: u32,
        marks: impl Iterator<Item = (Mark, usize)>,
        with_content: bool,
    ) {
        let index = self.sources.len() as u32;
        self.sources.push(&source.path);
        self.contents.push(with_content.then_some(source.text.as_str()));
        let (mut line, mut column, mut at) = (first_line, 0, 0);
        let mut last = None;
        for (mark, offset) in marks {
            for character in text.get(at..offset).unwrap_or("").chars() {
                if character == '\n' {
                    line += 1;
                    column = 0;
                } else {
                    column += character.len_utf16() as u32;
                }
            }
            at = at.max(offset);
            if last.replace((line, column)) != Some((line, column)) {
                let token = Token::new(line, column, mark.source_line, mark.source_column, Some(index), None);
                self.tokens.push(token);
            }
        }
    }

    /// The map as the value of a `sourceMappingURL` comment.
    pub fn into_data_url(self) -> String {
        let sources = self.sources.into_iter().map(Into::into).collect();
        let contents = self.contents.into_iter().map(|text| text.map(Into::into)).collect();
        let tokens = self.tokens.into_boxed_slice();
        SourceMap::new(None, Vec::new(), None, sources, contents, tokens, None).to_data_url()
    }
}

/// The source map of a finished bundle.
#[derive(Debug)]
pub struct BundleMap(SourceMap<'static>);

impl BundleMap {
    /// Reads the map at the end of a bundle.
    pub fn read(js: &str) -> Option<Self> {
        let (_, url) = js.rsplit_once("//# sourceMappingURL=data:application/json;")?;
        let (_, encoded) = url.split_once("base64,")?;
        let json = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        Some(Self(SourceMap::from_json_string(&json).ok()?.into_owned()))
    }

    /// The author's file, and the offset in it, that a place in the bundle comes from (line and column from 0, in UTF-16
    /// units). None where no text of the author is: in packages, and in what the bundler adds.
    pub fn original(&self, line: u32, column: u32) -> Option<(SourceFile, usize)> {
        let table = self.0.generate_lookup_table();
        let token = self.0.lookup_source_view_token(&table, line, column)?;
        let (path, text) = token.get_source_and_content()?;
        let source = SourceFile::new(path, text);
        let offset = source.offset(token.get_src_line() as usize, token.get_src_col() as usize);
        Some((source, offset))
    }
}
