//! One file, ready to be joined with others.

use std::{collections::HashSet, fs};

use super::{Origin, analyse, edit::Edit};
use crate::{
    checks::{Findings, Role},
    diagnostic::Diagnostic,
    source::SourceFile,
    strip::{Mark, strip},
};

/// A file as JavaScript, with what has to change before it can stand beside others.
#[derive(Debug)]
pub struct Module {
    pub source: SourceFile,
    pub js: String,
    pub marks: Vec<Mark>,
    pub findings: Findings,
    /// What the file imports, in the order of the text; each specifier once.
    pub requests: Vec<Request>,
    pub imports: Vec<Import>,
    pub exports: Vec<Export>,
    /// `export * from`: indexes into `requests`.
    pub stars: Vec<usize>,
    /// The top-level names.
    pub symbols: Vec<Symbol>,
    /// Names bound somewhere inside functions and blocks.
    pub nested: HashSet<String>,
    /// Names that the file takes from outside.
    pub globals: HashSet<String>,
    /// Changes that do not depend on other files.
    pub edits: Vec<Edit>,
}

/// An import specifier and where it is, in bytes of the JavaScript.
#[derive(Debug)]
pub struct Request {
    pub specifier: String,
    pub at: usize,
}

/// A binding made by an import declaration.
#[derive(Debug)]
pub struct Import {
    pub symbol: usize,
    pub request: usize,
    pub name: Imported,
}

/// What is taken from another module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Imported {
    /// A named export; the default export is the one named `default`.
    Name(String),
    /// The module as an object.
    Namespace,
}

/// A name that other files may import.
#[derive(Debug)]
pub struct Export {
    pub name: String,
    pub target: Target,
}

/// What an export stands for.
#[derive(Debug)]
pub enum Target {
    /// A top-level name of this file, possibly an imported one.
    Local(usize),
    /// `export { x } from './y'`
    From { request: usize, name: Imported },
}

/// A top-level name and where it occurs.
#[derive(Debug)]
pub struct Symbol {
    pub name: String,
    pub uses: Vec<Use>,
    /// Whether a namespace import is used as a value, not only as `ns.member`.
    pub used_whole: bool,
}

/// One occurrence of a name, in bytes of the JavaScript.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub start: usize,
    pub end: usize,
    /// `{ name }` in a literal or pattern, where renaming must keep the key.
    pub shorthand: bool,
}

impl Module {
    /// The offset in the author's text that a place in the JavaScript comes from.
    pub fn source_offset(&self, js_offset: usize) -> usize {
        let before = self.js.get(..js_offset).unwrap_or("");
        let line = before.matches('\n').count() as u32;
        let column = before.rsplit('\n').next().map_or(0, |text| text.encode_utf16().count()) as u32;
        let after = self
            .marks
            .partition_point(|mark| (mark.line, mark.column) <= (line, column));
        let Some(mark) = after.checked_sub(1).and_then(|index| self.marks.get(index)) else {
            return 0;
        };
        let start = self
            .source
            .text
            .split_inclusive('\n')
            .take(mark.source_line as usize)
            .map(str::len)
            .sum::<usize>();
        let mut units = 0;
        let in_line = self
            .source
            .text
            .get(start..)
            .unwrap_or("")
            .chars()
            .take_while(|character| {
                let take = units < mark.source_column as usize;
                units += character.len_utf16();
                take
            });
        start + in_line.map(char::len_utf8).sum::<usize>()
    }
}

/// Reads the file at `path` of the project, checks it and takes it apart.
pub fn load(origin: Origin<'_>, path: &str, role: Role) -> Result<Module, Vec<Diagnostic>> {
    let unreadable = |reason: String| {
        vec![Diagnostic::error("file_unreadable", format!("the file cannot be read: {reason}")).in_file(path)]
    };
    let text = match origin {
        Origin::Folder(root) => fs::read_to_string(root.join(path)).map_err(|error| unreadable(error.to_string()))?,
        Origin::Text { path: known, text } if known == path => text.to_owned(),
        Origin::Text { .. } => return Err(unreadable("there is only one file".to_owned())),
    };
    let source = SourceFile::new(path, text);
    if path.ends_with(".json") {
        return json_module(source);
    }
    let stripped = strip(&source, role)?;
    analyse::analyse(source, stripped)
}

/// A JSON file is a module whose default export is its value.
fn json_module(source: SourceFile) -> Result<Module, Vec<Diagnostic>> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&source.text) {
        let before: usize = source
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = before + error.column().saturating_sub(1);
        return Err(vec![
            Diagnostic::error("invalid_json", format!("the file is not valid JSON: {error}")).at(&source, at, at),
        ]);
    }
    let name = "json_default".to_owned();
    let value = if source.text.contains("__proto__") {
        // As a literal, this key would set the prototype.
        format!("JSON.parse({})", serde_json::Value::String(source.text.clone()))
    } else {
        source.text.trim().to_owned()
    };
    let js = format!("const {name} = {value};\n");
    let start = "const ".len();
    Ok(Module {
        js,
        marks: vec![Mark {
            line: 0,
            column: 0,
            source_line: 0,
            source_column: 0,
        }],
        findings: Findings::default(),
        requests: Vec::new(),
        imports: Vec::new(),
        exports: vec![Export {
            name: "default".to_owned(),
            target: Target::Local(0),
        }],
        stars: Vec::new(),
        symbols: vec![Symbol {
            uses: vec![Use {
                start,
                end: start + name.len(),
                shorthand: false,
            }],
            name,
            used_whole: false,
        }],
        nested: HashSet::new(),
        globals: HashSet::from(["JSON".to_owned()]),
        edits: Vec::new(),
        source,
    })
}
