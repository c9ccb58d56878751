//! Takes a stripped file apart: imports, exports, top-level names and every place where they occur.

mod occurrences;
mod statements;

use std::collections::{HashMap, HashSet};

use oxc::{
    allocator::Allocator,
    ast::{AstKind, ast::IdentifierReference},
    ast_visit::Visit,
    diagnostics::OxcDiagnostic,
    parser::Parser,
    semantic::{Scoping, SemanticBuilder, SymbolId},
    span::{SourceType, Span},
};

use super::{
    edit::Edit,
    module::{Export, Import, Module, Request, Symbol},
    packages::manifest::Asked,
};
use crate::{checks::Role, diagnostic::Diagnostic, source::SourceFile, strip::Stripped};

pub fn analyse(source: SourceFile, stripped: Stripped, role: Role) -> Result<Module, Vec<Diagnostic>> {
    let Stripped { js, marks, findings } = stripped;
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &js, SourceType::mjs()).parse();
    if parsed.panicked || parsed.diagnostics.has_errors() {
        let unread = Module {
            marks,
            js: js.clone(),
            ..Module::empty(source)
        };
        return Err(vec![unreadable(&unread, parsed.diagnostics.first())]);
    }
    let semantic = SemanticBuilder::new().build(&parsed.program).semantic;
    let scoping = semantic.scoping();

    let mut taker = Taker::new(scoping, &js, &source.path);
    taker.of_package = role == Role::Package;
    taker.read_statements(&parsed.program);
    taker.visit_program(&parsed.program);

    let misused = std::mem::take(&mut taker.misused);
    let mut module = Module {
        nested: nested_names(scoping),
        globals: scoping
            .root_unresolved_references()
            .keys()
            .map(|name| name.to_string())
            .collect(),
        requests: taker.requests,
        imports: taker.imports,
        exports: taker.exports,
        stars: taker.stars,
        symbols: taker.symbols,
        edits: taker.edits,
        marks,
        findings,
        js: js.clone(),
        ..Module::empty(source)
    };
    // A function that is made in a wrong way was reported with a better message already.
    let explained = module.findings.diagnostics.iter().any(|d| d.code.starts_with("nango_"));
    for (name, span) in misused.into_iter().filter(|_| !explained) {
        let offset = module.source_offset(span.start as usize);
        module.findings.diagnostics.push(
            Diagnostic::error("sdk_value_not_available", format!("`{name}` of the SDK does not exist at run time"))
                .at(&module.source, offset, offset + name.len())
                .hint("only createSync, createAction, createOnEvent and createFunction can be used as values, each called with one object literal; import everything else with `import type`"),
        );
    }
    Ok(module)
}

/// The finding about printed JavaScript that cannot be read. Two exports of one name are only seen there: in TypeScript
/// they may be a value and a type.
fn unreadable(module: &Module, error: Option<&OxcDiagnostic>) -> Diagnostic {
    let detail = error.map(|error| error.message.to_string()).unwrap_or_default();
    // The second label is at the second export.
    let at = error
        .and_then(|error| error.labels.get(1).or(error.labels.first()))
        .map(|label| module.source_offset(label.offset() as usize));
    let place = |diagnostic: Diagnostic| match at {
        Some(at) => diagnostic.at(&module.source, at, module.source.word_end(at)),
        None => diagnostic.in_file(&module.source.path),
    };
    let twice = if detail.starts_with("A module cannot have multiple default exports") {
        Some("default")
    } else {
        detail
            .strip_prefix("Duplicated export '")
            .and_then(|rest| rest.strip_suffix('\''))
    };
    match twice {
        Some("default") => place(Diagnostic::error(
            "syntax_error",
            "the file has a second default export",
        ))
        .hint("a file has one `export default`; remove one, or move it into a file of its own"),
        Some(name) => place(Diagnostic::error(
            "syntax_error",
            format!("`{name}` is exported a second time"),
        ))
        .hint("remove one of the exports, or rename it"),
        None => place(Diagnostic::error(
            "internal_error",
            format!("the printed JavaScript cannot be read again: {detail}"),
        ))
        .hint("this is a defect of the compiler; please report the file"),
    }
}

fn nested_names(scoping: &Scoping) -> HashSet<String> {
    let root = scoping.root_scope_id();
    scoping
        .symbol_ids()
        .filter(|symbol| scoping.symbol_scope_id(*symbol) != root)
        .map(|symbol| scoping.symbol_name(symbol).to_owned())
        .collect()
}

struct Taker<'s, 't, 'a> {
    scoping: &'s Scoping,
    js: &'t str,
    file_stem: String,
    requests: Vec<Request>,
    imports: Vec<Import>,
    exports: Vec<Export>,
    stars: Vec<usize>,
    symbols: Vec<Symbol>,
    known: HashMap<SymbolId, usize>,
    /// Bindings of the SDK: what they are.
    sdk: HashMap<SymbolId, String>,
    edits: Vec<Edit>,
    misused: Vec<(String, Span)>,
    /// A file of a package: what it takes from Node without asking is replaced.
    of_package: bool,
    parents: Vec<AstKind<'a>>,
    /// Identifiers that are shorthand members, by start.
    shorthand: HashSet<u32>,
    /// Identifiers that are the object of `x.member`, by start.
    member_objects: HashSet<u32>,
}

impl<'s, 't, 'a> Taker<'s, 't, 'a> {
    fn new(scoping: &'s Scoping, js: &'t str, path: &str) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.split('.').next().unwrap_or(file);
        Self {
            scoping,
            js,
            file_stem: identifier(stem),
            requests: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            stars: Vec::new(),
            symbols: Vec::new(),
            known: HashMap::new(),
            sdk: HashMap::new(),
            edits: Vec::new(),
            misused: Vec::new(),
            of_package: false,
            parents: Vec::new(),
            shorthand: HashSet::new(),
            member_objects: HashSet::new(),
        }
    }

    fn request(&mut self, specifier: &str, span: Span) -> usize {
        self.request_as(specifier, span, Asked::Import)
    }

    fn request_as(&mut self, specifier: &str, span: Span, asked: Asked) -> usize {
        let is_known = |request: &Request| request.specifier == specifier && request.asked == asked;
        if let Some(known) = self.requests.iter().position(is_known) {
            return known;
        }
        self.requests.push(Request {
            specifier: specifier.to_owned(),
            at: span.start as usize,
            asked,
            optional: false,
        });
        self.requests.len() - 1
    }

    fn symbol(&mut self, id: SymbolId) -> usize {
        *self.known.entry(id).or_insert_with(|| {
            self.symbols.push(Symbol {
                name: self.scoping.symbol_name(id).to_owned(),
                uses: Vec::new(),
                used_whole: false,
            });
            self.symbols.len() - 1
        })
    }

    /// Removes a statement together with its line break.
    fn remove_statement(&mut self, span: Span) {
        let end = span.end as usize;
        let line_break = self.js.get(end..).is_some_and(|rest| rest.starts_with('\n'));
        self.edits
            .push(Edit::remove(span.start as usize, end + usize::from(line_break)));
    }

    fn resolve(&self, reference: &IdentifierReference<'a>) -> Option<SymbolId> {
        self.scoping.get_reference(reference.reference_id.get()?).symbol_id()
    }
}

/// A name made from a file name: `create-contact` → `create_contact`.
pub fn identifier(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}
