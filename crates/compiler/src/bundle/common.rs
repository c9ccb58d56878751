//! CommonJS files of packages: each becomes a function that runs at its first `require`.

use std::collections::HashSet;

use oxc::{
    allocator::Allocator,
    ast::ast::{
        BindingProperty, CallExpression, Expression, IdentifierReference, ImportExpression, ObjectProperty,
        StaticMemberExpression, TryStatement,
    },
    ast_visit::{Visit, walk},
    parser::Parser,
    semantic::{Scoping, SemanticBuilder},
    span::{GetSpan, SourceType, Span},
};

use super::{
    edit::{Edit, Part},
    module::{Form, Module, Request},
    packages::manifest::Asked,
};
use crate::{checks::Findings, diagnostic::Diagnostic, source::SourceFile, strip::reprint};

/// What is put around the text to parse it as it will run: in a function, in strict code.
const AROUND: (&str, &str) = ("(function () {\n", "\n})");

/// Names that old code assigns without declaring them, although they exist.
const EXISTING: [&str; 8] = [
    "Promise",
    "Symbol",
    "Map",
    "Set",
    "Buffer",
    "URL",
    "globalThis",
    "console",
];

/// What a free name of a package's file becomes; None: it stays.
pub fn free_name(name: &str) -> Option<&'static str> {
    match name {
        "require" => Some("__require"),
        "global" => Some("globalThis"),
        "__dirname" => Some("\"/\""),
        "__filename" => Some("\"/index.js\""),
        _ => None,
    }
}

/// Whether the expression is `process.env.NODE_ENV`.
pub fn is_node_env(member: &StaticMemberExpression<'_>, is_free: impl Fn(&IdentifierReference<'_>) -> bool) -> bool {
    let Expression::StaticMemberExpression(env) = &member.object else {
        return false;
    };
    let Expression::Identifier(process) = &env.object else {
        return false;
    };
    member.property.name == "NODE_ENV" && env.property.name == "env" && process.name == "process" && is_free(process)
}

/// Takes a CommonJS file apart.
pub fn load(source: SourceFile) -> Result<Module, Vec<Diagnostic>> {
    let (js, marks) = reprint(&source)?;
    let text = format!("{}{js}{}", AROUND.0, AROUND.1);
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &text, SourceType::mjs()).parse();
    let built = SemanticBuilder::new()
        .with_check_syntax_error(true)
        .build(&parsed.program);
    let mut errors = parsed.diagnostics.errors().chain(built.diagnostics.errors());
    if let Some(error) = errors.next() {
        return Err(vec![
            Diagnostic::error(
                "sloppy_package",
                format!(
                    "the file cannot run as strict code: {}",
                    error.message.trim_end_matches('.')
                ),
            )
            .in_file(&source.path)
            .hint("functions are strict code; look for a newer version of the package, or for its edition as modules"),
        ]);
    }
    let scoping = built.semantic.scoping();
    let mut reader = Reader {
        scoping,
        tries: 0,
        requests: Vec::new(),
        edits: Vec::new(),
        shorthand: HashSet::new(),
        refused: Vec::new(),
    };
    reader.visit_program(&parsed.program);
    let mut edits = reader.edits;
    let undeclared = undeclared(scoping);
    if !undeclared.is_empty() {
        edits.push(Edit::text(0, 0, format!("var {};\n", undeclared.join(", "))));
    }
    let refused = reader.refused;
    let mut module = Module {
        form: Form::Wrapped,
        nested: scoping
            .symbol_ids()
            .map(|symbol| scoping.symbol_name(symbol).to_owned())
            .collect(),
        globals: scoping
            .root_unresolved_references()
            .keys()
            .map(|name| name.to_string())
            .filter(|name| !matches!(name.as_str(), "module" | "exports" | "require"))
            .collect(),
        requests: reader.requests,
        edits,
        marks,
        findings: Findings::default(),
        js: js.clone(),
        ..Module::empty(source)
    };
    for (code, message, hint, span) in refused {
        let offset = module.source_offset(span.start as usize - AROUND.0.len());
        let length = (span.end - span.start) as usize;
        let diagnostic = Diagnostic::error(code, message)
            .at(&module.source, offset, offset + length)
            .hint(hint);
        module.findings.diagnostics.push(diagnostic);
    }
    Ok(module)
}

/// Names that are assigned and never declared: variables of the whole program in old code.
fn undeclared(scoping: &Scoping) -> Vec<String> {
    let mut names: Vec<String> = scoping
        .root_unresolved_references()
        .iter()
        .filter(|(name, references)| {
            !EXISTING.contains(&name.as_str())
                && !matches!(name.as_str(), "module" | "exports" | "require" | "process" | "global")
                && references.iter().any(|id| scoping.get_reference(*id).is_write())
        })
        .map(|(name, _)| name.to_string())
        .collect();
    names.sort();
    names
}

type Refusal = (&'static str, &'static str, &'static str, Span);

struct Reader<'s> {
    scoping: &'s Scoping,
    /// How many `try` blocks are around: what fails there is expected to.
    tries: usize,
    requests: Vec<Request>,
    edits: Vec<Edit>,
    shorthand: HashSet<u32>,
    refused: Vec<Refusal>,
}

impl Reader<'_> {
    fn is_free(&self, reference: &IdentifierReference<'_>) -> bool {
        reference
            .reference_id
            .get()
            .is_none_or(|id| self.scoping.get_reference(id).symbol_id().is_none())
    }

    fn request(&mut self, specifier: &str, span: Span) -> usize {
        let optional = self.tries > 0;
        if let Some(known) = self.requests.iter().position(|request| request.specifier == specifier) {
            if let Some(request) = self.requests.get_mut(known) {
                request.optional &= optional;
            }
            return known;
        }
        self.requests.push(Request {
            specifier: specifier.to_owned(),
            at: span.start as usize - AROUND.0.len(),
            asked: Asked::Require,
            optional,
        });
        self.requests.len() - 1
    }

    fn replace(&mut self, span: Span, part: Part) {
        let at = |offset: u32| offset as usize - AROUND.0.len();
        self.edits.push(Edit {
            start: at(span.start),
            end: at(span.end),
            parts: vec![part],
        });
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_try_statement(&mut self, statement: &TryStatement<'a>) {
        let guarded = usize::from(statement.handler.is_some());
        self.tries += guarded;
        self.visit_block_statement(&statement.block);
        self.tries -= guarded;
        if let Some(handler) = &statement.handler {
            self.visit_catch_clause(handler);
        }
        if let Some(finalizer) = &statement.finalizer {
            self.visit_block_statement(finalizer);
        }
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Expression::Identifier(callee) = &call.callee
            && callee.name == "require"
            && self.is_free(callee)
        {
            let specifier = match call.arguments.first().and_then(|argument| argument.as_expression()) {
                Some(Expression::StringLiteral(text)) => Some(text.value.to_string()),
                Some(Expression::TemplateLiteral(text)) => text.single_quasi().map(|text| text.to_string()),
                _ => None,
            };
            if let Some(specifier) = specifier {
                let request = self.request(&specifier, call.span);
                self.replace(call.span, Part::Required(request));
                return;
            }
            if self.tries == 0 {
                self.refused.push((
                    "dynamic_require",
                    "`require` of a name that is made while the package runs",
                    "a bundle holds only files that are known when it is made; use another package, or a part of this one that does not do it",
                    call.span,
                ));
            }
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        if self.tries == 0 {
            self.refused.push((
                "unsupported_dynamic_import",
                "import() is not supported: a function is one file when it runs",
                "use another package, or a part of this one that does not do it",
                import.span,
            ));
        }
    }

    fn visit_static_member_expression(&mut self, member: &StaticMemberExpression<'a>) {
        if is_node_env(member, |reference| self.is_free(reference)) {
            self.replace(member.span, Part::Text("\"production\"".to_owned()));
            return;
        }
        walk::walk_static_member_expression(self, member);
    }

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
            self.visit_binding_pattern(&property.value);
            return;
        }
        walk::walk_binding_property(self, property);
    }

    fn visit_identifier_reference(&mut self, reference: &IdentifierReference<'a>) {
        let name = reference.name.as_str();
        if !self.is_free(reference) {
            return;
        }
        let parts = if name == "process" {
            Part::Required(self.request("process", reference.span))
        } else if let Some(text) = free_name(name) {
            Part::Text(text.to_owned())
        } else {
            return;
        };
        self.replace(reference.span, parts);
        if self.shorthand.contains(&reference.span.start)
            && let Some(edit) = self.edits.last_mut()
        {
            edit.parts.insert(0, Part::Text(format!("{name}: ")));
        }
    }
}
