//! Where the members of a definition are written, so that findings about values point at the author's text.

use oxc::{
    allocator::Allocator,
    ast::ast::{
        CallExpression, ExportDefaultDeclarationKind, Expression, ObjectExpression, ObjectPropertyKind, Program,
        Statement,
    },
    parser::Parser,
    span::{GetSpan, Span},
};

use crate::{checks::CREATORS, diagnostic::Diagnostic, source::SourceFile, strip::source_type};

/// Points at the member that `path` names, from the outside in: at its key, or at the innermost one around it that is
/// written, or at the call that makes the function.
pub fn point(diagnostic: Diagnostic, source: &SourceFile, path: &[&str]) -> Diagnostic {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &source.text, source_type(&source.path)).parse();
    let span = definition_call(&parsed.program).map(|call| member(call, path));
    match span.or_else(|| textual(source, path)) {
        Some(span) => diagnostic.at(source, span.start as usize, span.end as usize),
        None => diagnostic.in_file(&source.path),
    }
}

/// The call of createSync, createAction, createOnEvent or createFunction at the top of the file.
fn definition_call<'p, 'a>(program: &'p Program<'a>) -> Option<&'p CallExpression<'a>> {
    program.body.iter().find_map(|statement| match statement {
        Statement::ExportDefaultDeclaration(export) => match &export.declaration {
            ExportDefaultDeclarationKind::CallExpression(call) => is_creator(call).then_some(&**call),
            other => creator_of(other.as_expression()?),
        },
        Statement::VariableDeclaration(variables) => variables
            .declarations
            .iter()
            .find_map(|variable| creator_of(variable.init.as_ref()?)),
        _ => None,
    })
}

fn creator_of<'p, 'a>(expression: &'p Expression<'a>) -> Option<&'p CallExpression<'a>> {
    match expression.get_inner_expression() {
        Expression::CallExpression(call) => is_creator(call).then_some(&**call),
        _ => None,
    }
}

fn is_creator(call: &CallExpression<'_>) -> bool {
    matches!(call.callee.get_inner_expression(), Expression::Identifier(name) if CREATORS.contains(&name.name.as_str()))
}

fn member(call: &CallExpression<'_>, path: &[&str]) -> Span {
    let mut found = call.callee.span();
    let mut object = call.arguments.first().and_then(|argument| argument.as_expression());
    for name in path {
        let Some(Expression::ObjectExpression(members)) = object.map(Expression::get_inner_expression) else {
            break;
        };
        let Some((key, value)) = property(members, name) else {
            break;
        };
        found = key;
        object = Some(value);
    }
    found
}

fn property<'p, 'a>(object: &'p ObjectExpression<'a>, name: &str) -> Option<(Span, &'p Expression<'a>)> {
    // Of members of one name the last one counts.
    object.properties.iter().rev().find_map(|property| match property {
        ObjectPropertyKind::ObjectProperty(property) if property.key.is_specific_static_name(name) => {
            Some((property.key.span(), &property.value))
        }
        ObjectPropertyKind::ObjectProperty(_) | ObjectPropertyKind::SpreadProperty(_) => None,
    })
}

/// The first place where the outermost member is written as a key: what is left when the call cannot be read.
fn textual(source: &SourceFile, path: &[&str]) -> Option<Span> {
    let field = *path.first()?;
    let start = source.text.match_indices(field).map(|(at, _)| at).find(|at| {
        let before = source.slice(0..*at).chars().next_back();
        let after = source.slice(at + field.len()..source.text.len()).trim_start();
        let key = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.' || c == '$');
        key && (after.starts_with(':') || after.starts_with('('))
    })?;
    let start = u32::try_from(start).ok()?;
    Some(Span::new(start, start + u32::try_from(field.len()).ok()?))
}
