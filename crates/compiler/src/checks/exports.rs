//! A function file exports exactly one thing: the function, by default.

use std::collections::HashMap;

use oxc::{
    ast::ast::{
        Argument, BindingPattern, CallExpression, Declaration, ExportDefaultDeclarationKind, Expression,
        ImportDeclarationSpecifier, Program, Statement,
    },
    span::{GetSpan, Span},
};

use super::is_sdk;
use crate::{diagnostic::Diagnostic, source::SourceFile};

/// The helpers that make a function.
pub const CREATORS: [&str; 4] = ["createSync", "createAction", "createOnEvent", "createFunction"];

const SHAPE: &str = "export default createSync({ … }), or a constant bound to such a call";

pub(super) fn check(program: &Program<'_>, source: &SourceFile, diagnostics: &mut Vec<Diagnostic>) {
    let file = File::read(program);
    let mut report = |diagnostic: Diagnostic, span: Span| {
        diagnostics.push(diagnostic.at(source, span.start as usize, span.end as usize));
    };
    let mut default = None;
    for statement in &program.body {
        match statement {
            Statement::ExportDefaultDeclaration(export) => {
                default = Some(export.span);
                if let Err((code, message, span)) = file.check_default(&export.declaration) {
                    report(Diagnostic::error(code, message).hint(format!("write {SHAPE}")), span);
                }
            }
            Statement::ExportNamedDeclaration(export) if !export.export_kind.is_type() => {
                for specifier in &export.specifiers {
                    let local = specifier.local.name();
                    if specifier.exported.name() == "default" {
                        default = Some(specifier.span);
                        if let Err((code, message, _)) = file.check_name(&local, specifier.span) {
                            report(
                                Diagnostic::error(code, message).hint(format!("write {SHAPE}")),
                                specifier.span,
                            );
                        }
                    } else if !specifier.export_kind.is_type() && file.is_value(&local) {
                        report(named_export(&specifier.exported.name()), specifier.span);
                    }
                }
            }
            Statement::ExportDeclaration(export) => {
                if let Some((name, span)) = exported_value(&export.declaration) {
                    report(named_export(&name), span);
                }
            }
            Statement::ExportFromDeclaration(export) if !export.export_kind.is_type() => {
                if let Some(specifier) = export.specifiers.iter().find(|s| !s.export_kind.is_type()) {
                    report(named_export(&specifier.exported.name()), specifier.span);
                }
            }
            Statement::ExportAllDeclaration(export) if !export.export_kind.is_type() => {
                report(named_export("*"), export.span);
            }
            _ => {}
        }
    }
    if default.is_none() {
        let end = source.text.trim_end().len();
        let start = source
            .text
            .get(..end)
            .and_then(|text| text.rfind('\n'))
            .map_or(0, |at| at + 1);
        diagnostics.push(
            Diagnostic::error(
                "nango_invalid_default_export",
                "the file has no default export, so it defines no function",
            )
            .at(source, start, end)
            .hint(format!("write {SHAPE}")),
        );
    }
}

fn named_export(name: &str) -> Diagnostic {
    Diagnostic::error(
        "nango_named_export_not_allowed",
        format!("a function file exports only its function; `{name}` is a named export"),
    )
    .hint("move shared values into another file and import them from there; exported types are fine here")
}

/// The name and place of a declaration that exists at run time.
fn exported_value(declaration: &Declaration<'_>) -> Option<(String, Span)> {
    match declaration {
        Declaration::VariableDeclaration(variables) if !variables.declare => {
            let first = variables.declarations.first()?;
            let name = first
                .id
                .get_identifier_name()
                .map_or_else(|| "{ … }".to_owned(), |name| name.to_string());
            Some((name, first.id.span()))
        }
        Declaration::FunctionDeclaration(function) if !function.declare => {
            let id = function.id.as_ref()?;
            Some((id.name.to_string(), id.span))
        }
        Declaration::ClassDeclaration(class) if !class.declare => {
            let id = class.id.as_ref()?;
            Some((id.name.to_string(), id.span))
        }
        Declaration::TSEnumDeclaration(item) if !item.declare => Some((item.id.name.to_string(), item.id.span)),
        _ => None,
    }
}

type Refusal = (&'static str, String, Span);

/// The declarations of a file that the rules ask about.
struct File<'p, 'a> {
    /// Local name → helper of the SDK that it stands for.
    creators: HashMap<String, String>,
    constants: HashMap<String, Option<&'p Expression<'a>>>,
    types: Vec<String>,
}

impl<'p, 'a> File<'p, 'a> {
    fn read(program: &'p Program<'a>) -> Self {
        let mut file = Self {
            creators: HashMap::new(),
            constants: HashMap::new(),
            types: Vec::new(),
        };
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import) if is_sdk(&import.source.value) => {
                    for specifier in import.specifiers.iter().flatten() {
                        if let ImportDeclarationSpecifier::ImportSpecifier(named) = specifier {
                            let imported = named.imported.name().to_string();
                            if CREATORS.contains(&imported.as_str()) {
                                file.creators.insert(named.local.name.to_string(), imported);
                            }
                        }
                    }
                }
                Statement::VariableDeclaration(variables) => file.read_variables(variables),
                Statement::ExportDeclaration(export) => match &export.declaration {
                    Declaration::VariableDeclaration(variables) => file.read_variables(variables),
                    other => file.read_type(other),
                },
                other => {
                    if let Some(declaration) = other.as_declaration() {
                        file.read_type(declaration);
                    }
                }
            }
        }
        file
    }

    fn read_variables(&mut self, variables: &'p oxc::ast::ast::VariableDeclaration<'a>) {
        for variable in &variables.declarations {
            if let BindingPattern::BindingIdentifier(id) = &variable.id {
                self.constants.insert(id.name.to_string(), variable.init.as_ref());
            }
        }
    }

    fn read_type(&mut self, declaration: &Declaration<'_>) {
        match declaration {
            Declaration::TSTypeAliasDeclaration(alias) => self.types.push(alias.id.name.to_string()),
            Declaration::TSInterfaceDeclaration(interface) => self.types.push(interface.id.name.to_string()),
            _ => {}
        }
    }

    fn is_value(&self, name: &str) -> bool {
        !self.types.iter().any(|known| known == name)
    }

    fn check_default(&self, declaration: &ExportDefaultDeclarationKind<'_>) -> Result<(), Refusal> {
        let span = declaration.span();
        match declaration.as_expression().map(Expression::get_inner_expression) {
            Some(Expression::Identifier(name)) => self.check_name(&name.name, span),
            Some(Expression::CallExpression(call)) => self.check_call(call),
            Some(_) | None => Err((
                "nango_invalid_default_export",
                "the default export must be the call that creates the function".to_owned(),
                span,
            )),
        }
    }

    fn check_name(&self, name: &str, span: Span) -> Result<(), Refusal> {
        let init = self
            .constants
            .get(name)
            .copied()
            .flatten()
            .map(Expression::get_inner_expression);
        match init {
            Some(Expression::CallExpression(call)) => self.check_call(call),
            Some(_) | None => Err((
                "nango_unsupported_export",
                format!("`{name}` is not bound to a call that creates a function"),
                span,
            )),
        }
    }

    fn check_call(&self, call: &CallExpression<'_>) -> Result<(), Refusal> {
        let creator = match call.callee.get_inner_expression() {
            Expression::Identifier(callee) => self.creators.get(callee.name.as_str()),
            _ => None,
        };
        let Some(creator) = creator else {
            return Err((
                "nango_unsupported_export",
                "the default export is not made by createSync, createAction, createOnEvent or createFunction of `nango`"
                    .to_owned(),
                call.callee.span(),
            ));
        };
        let [argument] = call.arguments.as_slice() else {
            return Err((
                "nango_invalid_function_param",
                format!("{creator} takes one argument, an object literal"),
                call.span,
            ));
        };
        match argument.as_expression().map(Expression::get_inner_expression) {
            Some(Expression::ObjectExpression(_)) => Ok(()),
            Some(_) | None => Err((
                "nango_invalid_function_param",
                format!("{creator} must be given an object literal, written in the call"),
                Argument::span(argument),
            )),
        }
    }
}
