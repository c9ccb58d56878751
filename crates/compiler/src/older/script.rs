//! A script of the older style as a file of the current one.
//!
//! The default export becomes `exec` of a definition, `onWebhookPayloadReceived` its `onWebhook`; everything else stays as it
//! is written, apart from the paths of imports.

mod callable;
mod names;
mod paths;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use oxc::{
    allocator::Allocator,
    ast::ast::{Declaration, ImportDeclaration, ImportDeclarationSpecifier, Program, Statement},
    ast_visit::Visit,
    parser::Parser,
    span::{GetSpan, SourceType, Span},
};

use self::{
    callable::{Callable, callable_of_default, callables, default_name},
    names::Walker,
    paths::{relative, resolved},
};
use super::{
    config::{Function, Model},
    define::{Code, define},
};
use crate::{diagnostic::Diagnostic, source::SourceFile};

/// Types that came with the older style's generated models, and where they are now.
const SDK_TYPES: [&str; 12] = [
    "NangoSync",
    "NangoAction",
    "NangoBase",
    "ProxyConfiguration",
    "ProxyResponse",
    "Connection",
    "Integration",
    "RecordMetadata",
    "CheckpointValue",
    "Checkpoint",
    "LogLevel",
    "HttpMethod",
];

/// The named export that messages of the provider start.
const ON_WEBHOOK: &str = "onWebhookPayloadReceived";

type Findings = Vec<Diagnostic>;

/// A file and where it will be.
pub struct Script<'s> {
    /// As it is.
    pub source: &'s SourceFile,
    /// Its path in the new project.
    pub path: &'s str,
    /// Models of the project.
    pub models: &'s [Model],
    /// Paths of the project's other files.
    pub files: &'s BTreeSet<String>,
}

/// Files of the project that this one imports, as far as they are named like TypeScript files.
pub fn imported_files(source: &SourceFile) -> Vec<String> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &source.text, SourceType::ts()).parse();
    let specifiers = parsed.program.body.iter().filter_map(|statement| match statement {
        Statement::ImportDeclaration(import) => Some(import.source.value.as_str()),
        Statement::ExportFromDeclaration(export) => Some(export.source.value.as_str()),
        Statement::ExportAllDeclaration(export) => Some(export.source.value.as_str()),
        _ => None,
    });
    specifiers
        .filter(|specifier| specifier.starts_with('.'))
        .map(|specifier| format!("{}.ts", resolved(&source.path, specifier)))
        .collect()
}

impl Script<'_> {
    /// The file of a function. `config` is where it was described; `is_imported` says whether other files take something of it.
    pub fn function(&self, function: &Function, config: &SourceFile, is_imported: bool) -> Result<String, Findings> {
        let allocator = Allocator::default();
        let program = self.parse(&allocator)?;
        let mut file = File::read(self, &program);
        let Some((exec, at)) = file.exec.clone() else {
            return Err(vec![
                Diagnostic::error("cannot_be_translated", "the file does not export a function by default")
                    .in_file(&self.source.path)
                    .hint("write `export default async function run(nango) { … }`"),
            ]);
        };
        if let (true, Some(span)) = (is_imported, file.exported) {
            file.refuse(
                span,
                "other files import this, and a function file exports its function only",
                "move what is shared into a file of its own",
            );
        }
        let code = Code {
            exec: file.code(&exec),
            on_webhook: file.on_webhook.as_ref().map(|callable| file.code(callable)),
        };
        for callable in [Some(exec), file.on_webhook.clone()].into_iter().flatten() {
            file.check_calls(&callable);
        }
        let known = |name: &str| self.models.iter().any(|model| model.name == name);
        let definition = match define(function, config, &known, &code) {
            Ok(definition) => definition,
            Err(findings) => {
                file.findings.extend(findings);
                return Err(file.findings);
            }
        };
        file.edits.insert(at.start, (at.end, definition.text.clone()));
        let needs = Needs {
            creator: Some(definition.creator),
            zod: definition.text.contains("z."),
            models: definition.models,
        };
        file.finish(needs)
    }

    /// Any other file; nothing when it can stay as it is.
    pub fn helper(&self) -> Result<Option<String>, Findings> {
        let allocator = Allocator::default();
        let program = self.parse(&allocator)?;
        let mut file = File::read_imports(self, &program);
        file.removed.clear();
        let text = file.finish(Needs::default())?;
        Ok((text != self.source.text).then_some(text))
    }

    fn parse<'a>(&self, allocator: &'a Allocator) -> Result<Program<'a>, Findings> {
        let text = allocator.alloc_str(&self.source.text);
        let parsed = Parser::new(allocator, text, SourceType::ts()).parse();
        if parsed.panicked || parsed.diagnostics.has_errors() {
            return Err(crate::strip::syntax_errors(parsed.diagnostics.errors(), self.source));
        }
        Ok(parsed.program)
    }
}

/// What the new text has to import.
#[derive(Default)]
struct Needs {
    creator: Option<&'static str>,
    zod: bool,
    models: BTreeSet<String>,
}

/// A file that is being rewritten.
struct File<'s> {
    script: &'s Script<'s>,
    exec: Option<(Callable, Span)>,
    on_webhook: Option<Callable>,
    /// The first value that is exported beside the function.
    exported: Option<Span>,
    /// Names that are used, with their places.
    references: Vec<(String, Span)>,
    /// Texts in which a line break is part of the value.
    templates: Vec<Span>,
    /// Top-level names.
    names: BTreeSet<String>,
    /// Names imported from the models: local name, imported name.
    imported_models: Vec<(String, String)>,
    imported_types: Vec<(String, String)>,
    /// Names already imported from zod and the SDK.
    has_zod: bool,
    /// Pieces that are written elsewhere or not at all.
    removed: Vec<Span>,
    /// Start → (end, new text).
    edits: BTreeMap<u32, (u32, String)>,
    findings: Findings,
    /// Where imports begin.
    head: u32,
}

impl<'s> File<'s> {
    /// Reads imports and names.
    fn read_imports(script: &'s Script<'s>, program: &Program<'_>) -> Self {
        let mut walker = Walker::default();
        walker.visit_program(program);
        let first = program.body.first().map_or(0, |statement| statement.span().start);
        let mut file = Self {
            script,
            exec: None,
            on_webhook: None,
            exported: None,
            references: walker.references,
            templates: walker.templates,
            names: BTreeSet::new(),
            imported_models: Vec::new(),
            imported_types: Vec::new(),
            has_zod: false,
            removed: Vec::new(),
            edits: BTreeMap::new(),
            findings: Vec::new(),
            head: first,
        };
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import) => file.read_import(import),
                Statement::ExportFromDeclaration(export) => file.rebase(&export.source.value, export.source.span),
                Statement::ExportAllDeclaration(export) => file.rebase(&export.source.value, export.source.span),
                _ => {}
            }
        }
        file
    }

    /// Reads a whole script.
    fn read(script: &'s Script<'s>, program: &Program<'_>) -> Self {
        let mut file = Self::read_imports(script, program);
        let mut default = None;
        let mut functions: BTreeMap<String, Callable> = BTreeMap::new();
        for statement in &program.body {
            let (declaration, exported) = match statement {
                Statement::ExportDefaultDeclaration(export) => {
                    default = Some((
                        callable_of_default(&export.declaration),
                        default_name(&export.declaration),
                        export.span,
                    ));
                    continue;
                }
                Statement::ExportDeclaration(export) => (Some(&export.declaration), Some(export.span)),
                Statement::ExportNamedDeclaration(export)
                    if !export.export_kind.is_type() && !export.specifiers.is_empty() =>
                {
                    file.refuse(
                        export.span,
                        "a list of exports is not understood here",
                        "write `export` before what is exported, and `export default` before the function",
                    );
                    continue;
                }
                other => (other.as_declaration(), None),
            };
            let Some(declaration) = declaration else { continue };
            let mut hook = None;
            for (name, callable) in callables(declaration, exported.unwrap_or_else(|| statement.span())) {
                file.names.insert(name.clone());
                match callable {
                    Some(callable) if exported.is_some() && name == ON_WEBHOOK => hook = Some(callable),
                    Some(callable) => {
                        functions.insert(name, callable);
                    }
                    None => {}
                }
            }
            let Some(span) = exported.filter(|_| is_value(declaration)) else {
                continue;
            };
            if hook.is_some() {
                file.on_webhook = hook;
                file.remove(span);
            } else {
                file.exported = file.exported.or(Some(span));
                file.edits.insert(span.start, (declaration.span().start, String::new()));
            }
        }
        file.exec = match default {
            Some((Some(callable), _, at)) => {
                file.removed.push(at);
                Some((callable, at))
            }
            Some((None, Some(name), at)) => functions.remove(&name).map(|callable| {
                file.removed.push(at);
                file.remove(callable.span);
                (callable, at)
            }),
            _ => None,
        };
        file
    }

    fn text(&self, span: Span) -> &'s str {
        self.script.source.slice(span.start as usize..span.end as usize)
    }

    /// Leaves a piece out, with the empty lines after it.
    fn remove(&mut self, span: Span) {
        let mut end = span.end;
        while let Some(next) = self.next_line(end) {
            end = next;
        }
        self.removed.push(span);
        self.edits.insert(span.start, (end, String::new()));
    }

    /// Where the next line begins, when nothing else is on this one.
    fn next_line(&self, end: u32) -> Option<u32> {
        let rest = self.script.source.text.get(end as usize..)?;
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t', ';', '\r']).len();
        let is_end = rest.get(spaces..)?.starts_with('\n');
        is_end.then(|| end + spaces as u32 + 1)
    }

    fn refuse(&mut self, span: Span, message: &str, hint: &str) {
        let finding = Diagnostic::error("cannot_be_translated", message)
            .at(self.script.source, span.start as usize, span.end as usize)
            .hint(hint);
        self.findings.push(finding);
    }

    fn read_import(&mut self, import: &ImportDeclaration<'_>) {
        let specifier = import.source.value.as_str();
        let names = import.specifiers.iter().flatten();
        if specifier == "zod" {
            self.has_zod |= names.clone().any(|name| name.local().name == "z");
        }
        if !specifier.starts_with('.') {
            self.names.extend(names.map(|name| name.local().name.to_string()));
            return;
        }
        if resolved(&self.script.source.path, specifier) != "models" {
            self.names.extend(names.map(|name| name.local().name.to_string()));
            return self.rebase(specifier, import.source.span);
        }
        let end = self.next_line(import.span.end).unwrap_or(import.span.end);
        self.removed.push(import.span);
        self.edits.insert(import.span.start, (end, String::new()));
        if self.head == import.span.start {
            self.head = end;
        }
        for name in names {
            let ImportDeclarationSpecifier::ImportSpecifier(named) = name else {
                self.refuse(
                    name.span(),
                    "the models are imported as a whole",
                    "import each by its name",
                );
                continue;
            };
            let (imported, local) = (named.imported.name().to_string(), named.local.name.to_string());
            if self.script.models.iter().any(|model| model.name == imported) {
                self.imported_models.push((local, imported));
            } else if SDK_TYPES.contains(&imported.as_str()) {
                self.imported_types.push((local, imported));
            } else {
                let message = format!("`{imported}` is neither a model of nango.yaml nor a type of the SDK");
                self.refuse(name.span(), &message, "describe the type in this file");
            }
        }
    }

    /// Writes a relative path as the new style has it: from the file's new place, with the suffix of what is emitted.
    fn rebase(&mut self, specifier: &str, span: Span) {
        if !specifier.starts_with('.') {
            return;
        }
        let mut target = resolved(&self.script.source.path, specifier);
        if !self.script.files.contains(&format!("{target}.ts"))
            && self.script.files.contains(&format!("{target}/index.ts"))
        {
            target.push_str("/index");
        }
        let suffix = if specifier.ends_with(".json") { "" } else { ".js" };
        let path = relative(self.script.path, &target);
        self.edits.insert(span.start, (span.end, format!("'{path}{suffix}'")));
    }
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn is_value(declaration: &Declaration<'_>) -> bool {
    matches!(
        declaration,
        Declaration::VariableDeclaration(_)
            | Declaration::FunctionDeclaration(_)
            | Declaration::ClassDeclaration(_)
            | Declaration::TSEnumDeclaration(_)
    )
}
