//! One file, ready to be joined with others.

use std::{collections::HashSet, fs, path::Path};

use super::{
    Origin, analyse, common,
    edit::Edit,
    packages::{Traits, builtin::shim_text, manifest::Asked},
};
use crate::{
    checks::{Findings, Role},
    diagnostic::Diagnostic,
    source::SourceFile,
    strip::{Mark, has_module_syntax, strip},
};

/// How a file stands in the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A module: its top level is that of the bundle.
    Joined,
    /// CommonJS: a function of its own.
    Wrapped,
}

/// A file as JavaScript, with what has to change before it can stand beside others.
#[derive(Debug)]
pub struct Module {
    pub source: SourceFile,
    pub form: Form,
    /// Whether it belongs to a package; such files are not held to what their authors could still mend.
    pub of_package: bool,
    /// Whether the default import of a CommonJS file is its `module.exports`, as Node has it, whatever that says.
    pub node_default: bool,
    /// Whether it must be kept although nothing of it is used.
    pub has_side_effects: bool,
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
    pub asked: Asked,
    /// Whether the file expects that it may not be there.
    pub optional: bool,
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
    /// A file that says nothing.
    pub fn empty(source: SourceFile) -> Self {
        Self {
            source,
            form: Form::Joined,
            of_package: false,
            node_default: true,
            has_side_effects: true,
            js: String::new(),
            marks: Vec::new(),
            findings: Findings::default(),
            requests: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            stars: Vec::new(),
            symbols: Vec::new(),
            nested: HashSet::new(),
            globals: HashSet::new(),
            edits: Vec::new(),
        }
    }

    /// Whether it is a JSON file.
    pub fn is_json(&self) -> bool {
        self.source.path.ends_with(".json")
    }

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
        self.source
            .offset(mark.source_line as usize, mark.source_column as usize)
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
    analyse::analyse(source, stripped, role)
}

/// Reads a file of a package; `traits` is what the package says about it.
pub fn load_package_file(root: &Path, path: &str, traits: Traits) -> Result<Module, Vec<Diagnostic>> {
    let text = match shim_text(path) {
        Some(text) => text.to_owned(),
        None => fs::read_to_string(root.join(path)).map_err(|error| {
            vec![Diagnostic::error("file_unreadable", format!("the file cannot be read: {error}")).in_file(path)]
        })?,
    };
    let ending = path.rsplit('.').next().unwrap_or("");
    let is_module = match ending {
        "json" | "mjs" | "mts" | "ts" => true,
        "cjs" | "cts" => false,
        _ => traits.is_module || has_module_syntax(&text),
    };
    let source = SourceFile::new(path, text);
    let module = if ending == "json" {
        json_module(source)?
    } else if is_module {
        let stripped = strip(&source, Role::Package)?;
        analyse::analyse(source, stripped, Role::Package)?
    } else {
        common::load(source)?
    };
    Ok(Module {
        of_package: true,
        node_default: traits.is_module || matches!(ending, "mjs" | "mts"),
        has_side_effects: traits.has_side_effects,
        ..module
    })
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
    let default = Symbol {
        uses: vec![Use {
            start,
            end: start + name.len(),
            shorthand: false,
        }],
        name,
        used_whole: false,
    };
    Ok(Module {
        js,
        marks: vec![Mark {
            line: 0,
            column: 0,
            source_line: 0,
            source_column: 0,
        }],
        exports: vec![Export {
            name: "default".to_owned(),
            target: Target::Local(0),
        }],
        symbols: vec![default],
        globals: HashSet::from(["JSON".to_owned()]),
        ..Module::empty(source)
    })
}
