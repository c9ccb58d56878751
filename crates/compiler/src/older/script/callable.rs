//! Functions of a file, as they can be written elsewhere.

use oxc::{
    ast::ast::{
        ArrowFunctionBody, BindingPattern, Declaration, ExportDefaultDeclarationKind, Expression, FormalParameters,
        Function as JsFunction,
    },
    span::{GetSpan, Span},
};

/// A function of the file, as it can be written elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Callable {
    pub(super) name: Option<String>,
    pub(super) span: Span,
    /// What its parameters are called, without their types.
    pub(super) parameters: Vec<Span>,
    /// The types of parameters, which follow from the definition.
    pub(super) types: Vec<Span>,
    pub(super) is_async: bool,
    pub(super) returns: Option<Span>,
    pub(super) body: Span,
}

/// The names that a declaration makes; those that are functions with what they are.
pub(super) fn callables(declaration: &Declaration<'_>, span: Span) -> Vec<(String, Option<Callable>)> {
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

pub(super) fn default_name(declaration: &ExportDefaultDeclarationKind<'_>) -> Option<String> {
    match declaration.as_expression()?.get_inner_expression() {
        Expression::Identifier(name) => Some(name.name.to_string()),
        _ => None,
    }
}

pub(super) fn callable_of_default(declaration: &ExportDefaultDeclarationKind<'_>) -> Option<Callable> {
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
