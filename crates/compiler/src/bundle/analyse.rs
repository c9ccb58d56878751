//! Takes a stripped file apart: imports, exports, top-level names and every place where they occur.

use std::collections::{HashMap, HashSet};

use oxc::{
    allocator::Allocator,
    ast::{
        AstKind,
        ast::{
            AssignmentTargetPropertyIdentifier, BindingIdentifier, BindingPattern, BindingProperty, CallExpression,
            Declaration, ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportNamedDeclaration, Expression,
            IdentifierReference, ImportDeclaration, ImportDeclarationSpecifier, ModuleExportName, ObjectProperty,
            Program, Statement, StaticMemberExpression,
        },
    },
    ast_visit::{Visit, walk},
    parser::Parser,
    semantic::{Scoping, SemanticBuilder, SymbolId},
    span::{GetSpan, SourceType, Span},
};

use super::{
    common,
    edit::{Edit, Part},
    module::{Export, Import, Imported, Module, Request, Symbol, Target, Use},
    packages::manifest::Asked,
};
use crate::{
    checks::{self, Role},
    diagnostic::Diagnostic,
    source::SourceFile,
    strip::Stripped,
};

/// What the tag of each helper is in the compiled object.
const TAGS: [(&str, &str); 4] = [
    ("createSync", "sync"),
    ("createAction", "action"),
    ("createOnEvent", "onEvent"),
    ("createFunction", "function"),
];

pub fn analyse(source: SourceFile, stripped: Stripped, role: Role) -> Result<Module, Vec<Diagnostic>> {
    let Stripped { js, marks, findings } = stripped;
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &js, SourceType::mjs()).parse();
    if parsed.panicked || parsed.diagnostics.has_errors() {
        let detail = parsed
            .diagnostics
            .first()
            .map(|error| error.message.to_string())
            .unwrap_or_default();
        return Err(vec![
            Diagnostic::error(
                "internal_error",
                format!("the printed JavaScript cannot be read again: {detail}"),
            )
            .in_file(&source.path)
            .hint("this is a defect of the compiler; please report the file"),
        ]);
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

    fn read_statements(&mut self, program: &Program<'a>) {
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import) => self.read_import(import),
                Statement::ExportAllDeclaration(export) => {
                    let request = self.request(&export.source.value, export.source.span);
                    match &export.exported {
                        Some(name) => self.exports.push(Export {
                            name: name.name().to_string(),
                            target: Target::From {
                                request,
                                name: Imported::Namespace,
                            },
                        }),
                        None => self.stars.push(request),
                    }
                    self.remove_statement(export.span);
                }
                Statement::ExportFromDeclaration(export) => {
                    let request = self.request(&export.source.value, export.source.span);
                    for specifier in &export.specifiers {
                        self.exports.push(Export {
                            name: specifier.exported.name().to_string(),
                            target: Target::From {
                                request,
                                name: Imported::Name(specifier.local.name().to_string()),
                            },
                        });
                    }
                    self.remove_statement(export.span);
                }
                Statement::ExportNamedDeclaration(export) => {
                    self.read_named_exports(export);
                    self.remove_statement(export.span);
                }
                Statement::ExportDeclaration(export) => {
                    self.read_exported_declaration(&export.declaration);
                    self.edits.push(Edit::remove(
                        export.span.start as usize,
                        export.declaration.span().start as usize,
                    ));
                }
                Statement::ExportDefaultDeclaration(export) => self.read_default(export),
                _ => {}
            }
        }
    }

    fn read_import(&mut self, import: &ImportDeclaration<'a>) {
        self.remove_statement(import.span);
        let sdk = checks::is_sdk(&import.source.value);
        let request = if sdk {
            0
        } else {
            self.request(&import.source.value, import.source.span)
        };
        for specifier in import.specifiers.iter().flatten() {
            let (local, name) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(named) => {
                    (&named.local, Imported::Name(named.imported.name().to_string()))
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(default) => {
                    (&default.local, Imported::Name("default".to_owned()))
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(all) => (&all.local, Imported::Namespace),
            };
            let Some(id) = local.symbol_id.get() else { continue };
            if sdk {
                let name = match name {
                    Imported::Name(name) => name,
                    Imported::Namespace => local.name.to_string(),
                };
                self.sdk.insert(id, name);
            } else {
                let symbol = self.symbol(id);
                self.imports.push(Import { symbol, request, name });
            }
        }
    }

    fn read_named_exports(&mut self, export: &ExportNamedDeclaration<'a>) {
        for specifier in &export.specifiers {
            let ModuleExportName::IdentifierReference(local) = &specifier.local else {
                continue;
            };
            let symbol = self
                .resolve(local)
                .filter(|id| !self.sdk.contains_key(id))
                .map(|id| self.symbol(id));
            // A name that is bound to nothing was a type.
            if let Some(symbol) = symbol {
                self.exports.push(Export {
                    name: specifier.exported.name().to_string(),
                    target: Target::Local(symbol),
                });
            }
        }
    }

    fn read_exported_declaration(&mut self, declaration: &Declaration<'a>) {
        let mut names: Vec<&BindingIdentifier<'a>> = Vec::new();
        match declaration {
            Declaration::VariableDeclaration(variables) => {
                for variable in &variables.declarations {
                    names.extend(variable.id.get_binding_identifiers());
                }
            }
            Declaration::FunctionDeclaration(function) => names.extend(function.id.as_ref()),
            Declaration::ClassDeclaration(class) => names.extend(class.id.as_ref()),
            _ => {}
        }
        for id in names {
            if let Some(symbol) = id.symbol_id.get() {
                let target = Target::Local(self.symbol(symbol));
                self.exports.push(Export {
                    name: id.name.to_string(),
                    target,
                });
            }
        }
    }

    fn read_default(&mut self, export: &ExportDefaultDeclaration<'a>) {
        let start = export.span.start as usize;
        let inner = export.declaration.span().start as usize;
        let id = match &export.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => function.id.as_ref(),
            ExportDefaultDeclarationKind::ClassDeclaration(class) => class.id.as_ref(),
            _ => None,
        };
        let symbol = if let Some(id) = id.and_then(|id| id.symbol_id.get()) {
            self.edits.push(Edit::remove(start, inner));
            self.symbol(id)
        } else {
            let symbol = self.symbols.len();
            self.symbols.push(Symbol {
                name: format!("{}_default", self.file_stem),
                uses: Vec::new(),
                used_whole: false,
            });
            let name_at = match &export.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                    Some(function.params.span.start as usize)
                }
                ExportDefaultDeclarationKind::ClassDeclaration(_) => Some(inner + "class".len()),
                _ => None,
            };
            match name_at {
                Some(at) => {
                    self.edits.push(Edit::remove(start, inner));
                    let parts = vec![Part::Text(" ".to_owned()), Part::Name(symbol)];
                    self.edits.push(Edit {
                        start: at,
                        end: at,
                        parts,
                    });
                }
                None => self.edits.push(Edit {
                    start,
                    end: inner,
                    parts: vec![
                        Part::Text("const ".to_owned()),
                        Part::Name(symbol),
                        Part::Text(" = ".to_owned()),
                    ],
                }),
            }
            symbol
        };
        self.exports.push(Export {
            name: "default".to_owned(),
            target: Target::Local(symbol),
        });
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

    /// Replaces a name that only Node has, in a file of a package.
    fn free_occurrence(&mut self, reference: &IdentifierReference<'a>) {
        let name = reference.name.as_str();
        let part = if name == "process" {
            Part::Required(self.request_as("process", reference.span, Asked::Require))
        } else if let Some(text) = common::free_name(name) {
            Part::Text(text.to_owned())
        } else {
            return;
        };
        let key = self
            .shorthand
            .contains(&reference.span.start)
            .then(|| Part::Text(format!("{name}: ")));
        self.edits.push(Edit {
            start: reference.span.start as usize,
            end: reference.span.end as usize,
            parts: key.into_iter().chain([part]).collect(),
        });
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

    fn occurrence(&mut self, id: SymbolId, span: Span) {
        if self.scoping.symbol_scope_id(id) != self.scoping.root_scope_id() {
            return;
        }
        if let Some(name) = self.sdk.get(&id) {
            self.misused.push((name.clone(), span));
            return;
        }
        let symbol = self.symbol(id);
        let shorthand = self.shorthand.contains(&span.start);
        let whole = !self.member_objects.contains(&span.start);
        if let Some(symbol) = self.symbols.get_mut(symbol) {
            symbol.uses.push(Use {
                start: span.start as usize,
                end: span.end as usize,
                shorthand,
            });
            symbol.used_whole |= whole;
        }
    }

    /// The tag and the object literal of a call that creates a function.
    fn creation(&self, call: &CallExpression<'a>) -> Option<(&'static str, Span)> {
        let Expression::Identifier(callee) = &call.callee else {
            return None;
        };
        let id = self.resolve(callee)?;
        let creator = self.sdk.get(&id)?;
        let tag = TAGS.iter().find(|(name, _)| name == creator)?.1;
        let [argument] = call.arguments.as_slice() else {
            return None;
        };
        match argument.as_expression()? {
            Expression::ObjectExpression(object) => Some((tag, object.span)),
            _ => None,
        }
    }

    fn resolve(&self, reference: &IdentifierReference<'a>) -> Option<SymbolId> {
        self.scoping.get_reference(reference.reference_id.get()?).symbol_id()
    }

    fn replace_creation(&mut self, call: Span, tag: &str, object: Span) {
        let bare = matches!(
            self.parents.last(),
            Some(AstKind::VariableDeclarator(_) | AstKind::ExportDefaultDeclaration(_))
        );
        let (open, close) = if bare { ("", "") } else { ("(", ")") };
        let inside = object.start as usize + 1;
        let rest = self.js.get(inside..).unwrap_or("");
        let (line, separator) = match rest.find(|c: char| c != ' ') {
            Some(0) if rest.starts_with('\n') => {
                let indent: String = rest.chars().skip(1).take_while(|c| *c == ' ').collect();
                (format!("\n{indent}"), ",")
            }
            Some(at) if rest.get(at..).is_some_and(|text| text.starts_with('}')) => (" ".to_owned(), ""),
            _ => (" ".to_owned(), ","),
        };
        self.edits.push(Edit::text(
            call.start as usize,
            inside,
            format!("{open}{{{line}type: {}{separator}", serde_json::Value::from(tag)),
        ));
        self.edits
            .push(Edit::text(object.end as usize, call.end as usize, close));
    }
}

impl<'a> Visit<'a> for Taker<'_, '_, 'a> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        self.parents.push(kind);
    }

    fn leave_node(&mut self, _: AstKind<'a>) {
        self.parents.pop();
    }

    fn visit_import_declaration(&mut self, _: &ImportDeclaration<'a>) {}

    fn visit_export_named_declaration(&mut self, _: &ExportNamedDeclaration<'a>) {}

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if property.shorthand {
            self.shorthand.insert(property.value.span().start);
            self.visit_expression(&property.value);
            return;
        }
        walk::walk_object_property(self, property);
    }

    fn visit_binding_property(&mut self, property: &BindingProperty<'a>) {
        if property.shorthand {
            let name = match &property.value {
                BindingPattern::AssignmentPattern(pattern) => pattern.left.span(),
                other => other.span(),
            };
            self.shorthand.insert(name.start);
            self.visit_binding_pattern(&property.value);
            return;
        }
        walk::walk_binding_property(self, property);
    }

    fn visit_assignment_target_property_identifier(&mut self, property: &AssignmentTargetPropertyIdentifier<'a>) {
        self.shorthand.insert(property.binding.span.start);
        walk::walk_assignment_target_property_identifier(self, property);
    }

    fn visit_static_member_expression(&mut self, member: &StaticMemberExpression<'a>) {
        if self.of_package && common::is_node_env(member, |reference| self.resolve(reference).is_none()) {
            let (start, end) = (member.span.start as usize, member.span.end as usize);
            self.edits.push(Edit::text(start, end, "\"production\""));
            return;
        }
        if member.property.name != "default"
            && let Expression::Identifier(object) = &member.object
        {
            self.member_objects.insert(object.span.start);
        }
        walk::walk_static_member_expression(self, member);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Some((tag, object)) = self.creation(call) {
            self.replace_creation(call.span, tag, object);
            for argument in &call.arguments {
                self.visit_argument(argument);
            }
            return;
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_identifier_reference(&mut self, reference: &IdentifierReference<'a>) {
        match self.resolve(reference) {
            Some(id) => self.occurrence(id, reference.span),
            None if self.of_package => self.free_occurrence(reference),
            None => {}
        }
    }

    fn visit_binding_identifier(&mut self, binding: &BindingIdentifier<'a>) {
        if let Some(id) = binding.symbol_id.get() {
            self.occurrence(id, binding.span);
        }
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
