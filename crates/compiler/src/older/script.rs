//! A script of the older style as a file of the current one.
//!
//! The default export becomes `exec` of a definition, `onWebhookPayloadReceived` its `onWebhook`; everything else stays as it
//! is written, apart from the paths of imports.

use std::collections::{BTreeMap, BTreeSet};

use oxc::{
    allocator::Allocator,
    ast::ast::{
        ArrowFunctionBody, BindingPattern, Declaration, ExportDefaultDeclarationKind, Expression, FormalParameters,
        Function as JsFunction, IdentifierReference, ImportDeclaration, ImportDeclarationSpecifier, Program, Statement,
        TemplateElement,
    },
    ast_visit::Visit,
    parser::Parser,
    span::{GetSpan, SourceType, Span},
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

/// A function of the file, as it can be written elsewhere.
#[derive(Debug, Clone)]
struct Callable {
    name: Option<String>,
    span: Span,
    /// What its parameters are called, without their types.
    parameters: Vec<Span>,
    /// The types of parameters, which follow from the definition.
    types: Vec<Span>,
    is_async: bool,
    returns: Option<Span>,
    body: Span,
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

    /// The function as an arrow function, its lines four spaces further in.
    fn code(&self, callable: &Callable) -> String {
        let parameters: Vec<&str> = callable.parameters.iter().map(|span| self.text(*span)).collect();
        let asynchronous = if callable.is_async { "async " } else { "" };
        let returns = callable.returns.map_or("", |span| self.text(span));
        let mut code = format!("{asynchronous}({}){returns} => ", parameters.join(", "));
        let mut at = callable.body.start;
        for (number, line) in self.text(callable.body).split_inclusive('\n').enumerate() {
            let is_inside = self.templates.iter().any(|span| span.start < at && at <= span.end);
            if number > 0 && !is_inside && !line.trim().is_empty() {
                code.push_str("    ");
            }
            code.push_str(line);
            at += line.len() as u32;
        }
        code
    }

    /// A function that moves into the definition cannot be called by its name any more.
    fn check_calls(&mut self, callable: &Callable) {
        let Some(name) = &callable.name else { return };
        let found = self
            .references
            .iter()
            .find(|(used, span)| used == name && (!self.is_removed(*span) || contains(callable.body, *span)));
        if let Some((_, span)) = found.cloned() {
            self.refuse(
                span,
                &format!("`{name}` is called here, and it becomes a part of the definition"),
                "move what both need into a function of its own",
            );
        }
    }

    fn is_removed(&self, span: Span) -> bool {
        self.removed.iter().any(|removed| contains(*removed, span))
    }

    /// Whether a name is still used in what stays or in what moves into the definition.
    fn uses(&self, name: &str) -> bool {
        let moved = [
            self.exec.as_ref().map(|(callable, _)| callable),
            self.on_webhook.as_ref(),
        ];
        let moves = |span: Span| {
            moved.iter().flatten().any(|callable| {
                contains(callable.span, span) && !callable.types.iter().any(|dropped| contains(*dropped, span))
            })
        };
        let mut places = self.references.iter().filter(|(used, _)| used == name);
        places.any(|(_, span)| moves(*span) || !self.is_removed(*span))
    }

    fn finish(mut self, needs: Needs) -> Result<String, Findings> {
        if let Some(taken) = needs.models.iter().find(|name| self.names.contains(*name)) {
            let message = format!("the file has a `{taken}` of its own, beside the model of that name");
            self.findings.push(
                Diagnostic::error("cannot_be_translated", message)
                    .in_file(&self.script.source.path)
                    .hint("rename it in this file"),
            );
        }
        if needs.zod && !self.has_zod && self.names.contains("z") {
            self.findings.push(
                Diagnostic::error(
                    "cannot_be_translated",
                    "the file has a `z` of its own, which is the name of Zod",
                )
                .in_file(&self.script.source.path)
                .hint("rename it in this file"),
            );
        }
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        let imports = self.imports(&needs);
        let source = &self.script.source.text;
        let mut out = String::with_capacity(source.len() + imports.len());
        let mut at = 0;
        if !imports.is_empty() {
            let (end, text) = self.edits.remove(&self.head).unwrap_or((self.head, String::new()));
            self.edits.insert(self.head, (end, imports + &text));
        }
        for (start, (end, text)) in &self.edits {
            let start = (*start as usize).max(at);
            out.push_str(source.get(at..start).unwrap_or_default());
            out.push_str(text);
            at = (*end as usize).max(start);
        }
        out.push_str(source.get(at..).unwrap_or_default());
        Ok(format!("{}\n", out.trim_end()))
    }

    /// The lines that bring in what the file needs and what it took from the generated models.
    fn imports(&self, needs: &Needs) -> String {
        let shown = |local: &str, imported: &str| {
            if local == imported {
                imported.to_owned()
            } else {
                format!("{imported} as {local}")
            }
        };
        let types = self.imported_types.iter().filter(|(local, _)| self.uses(local));
        let types = types.map(|(local, imported)| format!("type {}", shown(local, imported)));
        let sdk: Vec<String> = needs.creator.map(str::to_owned).into_iter().chain(types).collect();
        let used = self
            .imported_models
            .iter()
            .filter(|(local, imported)| self.uses(local) && !(local == imported && needs.models.contains(imported)));
        let used = used.map(|(local, imported)| format!("type {}", shown(local, imported)));
        let models: Vec<String> = needs.models.iter().cloned().chain(used).collect();
        let mut out = String::new();
        if !sdk.is_empty() {
            out.push_str(&format!("import {{ {} }} from 'nango';\n", sdk.join(", ")));
        }
        if needs.zod && !self.has_zod {
            out.push_str("import * as z from 'zod';\n");
        }
        if !models.is_empty() {
            let path = relative(self.script.path, "models");
            out.push_str(&format!("import {{ {} }} from '{path}.js';\n", models.join(", ")));
        }
        let rest = self.script.source.text.get(self.head as usize..).unwrap_or_default();
        if !out.is_empty() && !rest.starts_with(['\r', '\n']) && !rest.starts_with("import") {
            out.push('\n');
        }
        out
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

/// The names that a declaration makes; those that are functions with what they are.
fn callables(declaration: &Declaration<'_>, span: Span) -> Vec<(String, Option<Callable>)> {
    match declaration {
        Declaration::FunctionDeclaration(function) => {
            let name = function.id.as_ref().map(|id| id.name.to_string());
            let callable = of_function(function).map(|callable| Callable { span, ..callable });
            name.map(|name| (name, callable)).into_iter().collect()
        }
        Declaration::VariableDeclaration(variables) => {
            let single = variables.declarations.len() == 1;
            let named = variables.declarations.iter().filter_map(|one| match &one.id {
                BindingPattern::BindingIdentifier(id) => {
                    let made = one.init.as_ref().filter(|_| single).and_then(of_expression);
                    let callable = made.map(|callable| Callable {
                        name: Some(id.name.to_string()),
                        span,
                        ..callable
                    });
                    Some((id.name.to_string(), callable))
                }
                _ => None,
            });
            named.collect()
        }
        Declaration::ClassDeclaration(class) => {
            let name = class.id.as_ref().map(|id| (id.name.to_string(), None));
            name.into_iter().collect()
        }
        Declaration::TSEnumDeclaration(item) => vec![(item.id.name.to_string(), None)],
        _ => Vec::new(),
    }
}

fn default_name(declaration: &ExportDefaultDeclarationKind<'_>) -> Option<String> {
    match declaration.as_expression()?.get_inner_expression() {
        Expression::Identifier(name) => Some(name.name.to_string()),
        _ => None,
    }
}

fn callable_of_default(declaration: &ExportDefaultDeclarationKind<'_>) -> Option<Callable> {
    match declaration {
        ExportDefaultDeclarationKind::FunctionDeclaration(function) => of_function(function),
        other => of_expression(other.as_expression()?),
    }
}

fn of_function(function: &JsFunction<'_>) -> Option<Callable> {
    let plain = !function.generator && function.type_parameters.is_none() && !function.declare;
    let body = function.body.as_ref().filter(|_| plain)?;
    let (parameters, types) = parameters_of(&function.params)?;
    Some(Callable {
        name: function.id.as_ref().map(|id| id.name.to_string()),
        span: function.span,
        parameters,
        types,
        is_async: function.r#async,
        returns: function.return_type.as_ref().map(|annotation| annotation.span),
        body: body.span,
    })
}

fn of_expression(expression: &Expression<'_>) -> Option<Callable> {
    match expression.get_inner_expression() {
        Expression::FunctionExpression(function) => of_function(function),
        Expression::ArrowFunctionExpression(arrow) if arrow.type_parameters.is_none() => {
            let (parameters, types) = parameters_of(&arrow.params)?;
            let body = match &arrow.body {
                ArrowFunctionBody::FunctionBody(body) => body.span,
                other => other.span(),
            };
            Some(Callable {
                name: None,
                span: arrow.span,
                parameters,
                types,
                is_async: arrow.r#async,
                returns: arrow.return_type.as_ref().map(|annotation| annotation.span),
                body,
            })
        }
        _ => None,
    }
}

/// The names of at most two parameters, and their types.
fn parameters_of(parameters: &FormalParameters<'_>) -> Option<(Vec<Span>, Vec<Span>)> {
    let plain = parameters.rest.is_none() && parameters.items.len() <= 2;
    let plain = plain && parameters.items.iter().all(|item| item.initializer.is_none());
    let names = parameters.items.iter().map(|item| item.pattern.span()).collect();
    let types = parameters
        .items
        .iter()
        .filter_map(|item| Some(item.type_annotation.as_ref()?.span));
    plain.then(|| (names, types.collect()))
}

/// A relative path from the file `from`, as a path of the project without suffix.
fn resolved(from: &str, specifier: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    let stem = [".js", ".ts", ".mjs"]
        .iter()
        .find_map(|suffix| specifier.strip_suffix(suffix));
    for part in stem.unwrap_or(specifier).split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path to `target` from the file `from`.
fn relative(from: &str, target: &str) -> String {
    let mut here: Vec<&str> = from.split('/').collect();
    here.pop();
    let mut there: Vec<&str> = target.split('/').collect();
    while here.len() * there.len() > 0 && there.len() > 1 && here.first() == there.first() {
        here.remove(0);
        there.remove(0);
    }
    let up = if here.is_empty() {
        "./".to_owned()
    } else {
        "../".repeat(here.len())
    };
    format!("{up}{}", there.join("/"))
}

/// Names that are used, and texts whose lines must not be moved.
#[derive(Default)]
struct Walker {
    references: Vec<(String, Span)>,
    templates: Vec<Span>,
}

impl<'a> Visit<'a> for Walker {
    fn visit_identifier_reference(&mut self, name: &IdentifierReference<'a>) {
        self.references.push((name.name.to_string(), name.span));
    }

    fn visit_template_element(&mut self, element: &TemplateElement<'a>) {
        self.templates.push(element.span);
    }
}
