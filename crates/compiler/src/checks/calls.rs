//! A call on the `nango` object, as the rules see it.

use oxc::{
    ast::ast::{Argument, CallExpression, Expression, ObjectPropertyKind},
    span::Span,
};

/// `nango.<method>(…)` somewhere in a file.
#[derive(Debug)]
pub struct NangoCall {
    /// Name of the method.
    pub method: String,
    /// Whether it is written `nango.<method>(…)` without casts and question marks: the reference compiler sees no others.
    pub plain: bool,
    /// Bytes of `nango.<method>`.
    pub callee: Span,
    /// Whether the call is inside the function's `exec`.
    pub in_exec: bool,
    /// The model, when the call names it with a text literal.
    pub model: Option<String>,
}

impl NangoCall {
    /// Reads a call, if it is one on an identifier named `nango`.
    pub fn read(call: &CallExpression<'_>, in_exec: bool) -> Option<Self> {
        let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() else {
            return None;
        };
        if !is_nango(&member.object) {
            return None;
        }
        let method = member.property.name.to_string();
        let model = match method.as_str() {
            "batchSave" | "batchSend" | "batchUpdate" | "batchDelete" | "setMergingStrategy" => literal(call, 1),
            "trackDeletesStart" | "trackDeletesEnd" | "deleteRecordsFromPreviousExecutions" => literal(call, 0),
            _ => None,
        };
        let direct = matches!(&call.callee, Expression::StaticMemberExpression(_))
            && matches!(&member.object, Expression::Identifier(_));
        Some(Self {
            method,
            plain: direct && !call.optional && !member.optional,
            callee: Span::new(call.span.start, member.property.span.end),
            in_exec,
            model,
        })
    }

    /// Whether it writes records.
    pub fn is_batch(&self) -> bool {
        matches!(
            self.method.as_str(),
            "batchSave" | "batchSend" | "batchUpdate" | "batchDelete"
        )
    }

    /// Whether it asks the provider for something.
    pub fn is_proxy(&self) -> bool {
        matches!(
            self.method.as_str(),
            "get" | "post" | "put" | "patch" | "delete" | "proxy" | "paginate"
        )
    }
}

/// Whether an expression is the identifier `nango`, casts aside.
pub fn is_nango(expression: &Expression<'_>) -> bool {
    expression.get_inner_expression().is_specific_id("nango")
}

fn literal(call: &CallExpression<'_>, index: usize) -> Option<String> {
    match call.arguments.get(index)?.as_expression()?.get_inner_expression() {
        Expression::StringLiteral(text) => Some(text.value.to_string()),
        _ => None,
    }
}

/// The property `retryOn` of the call's object literal, when `retries` is missing beside it.
pub fn retry_on_without_retries(call: &CallExpression<'_>) -> Option<Span> {
    let config = call.arguments.first().and_then(Argument::as_expression)?;
    let Expression::ObjectExpression(config) = config.get_inner_expression() else {
        return None;
    };
    let mut retry_on = None;
    for property in &config.properties {
        match property {
            ObjectPropertyKind::ObjectProperty(property) => match property.key.static_name().as_deref() {
                Some("retries") => return None,
                Some("retryOn") => retry_on = Some(property.span),
                _ => {}
            },
            // The spread object may hold `retries`.
            ObjectPropertyKind::SpreadProperty(_) => return None,
        }
    }
    retry_on
}
