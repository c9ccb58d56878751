//! Calls that return a promise must not be dropped: the run would end before them, and their errors with it.

use oxc::{
    ast::{
        AstKind,
        ast::{ArrowFunctionBody, Expression},
    },
    span::{GetSpan, Span},
};

/// Methods that the rule is about (functions contract, 3.13).
const AWAITED: [&str; 21] = [
    "batchDelete",
    "batchSave",
    "batchSend",
    "delete",
    "deleteRecordsFromPreviousExecutions",
    "get",
    "getConnection",
    "getEnvironmentVariables",
    "getFieldMapping",
    "getMetadata",
    "log",
    "patch",
    "post",
    "proxy",
    "put",
    "setFieldMapping",
    "setMergingStrategy",
    "setMetadata",
    "trackDeletesEnd",
    "trackDeletesStart",
    "triggerAction",
];

/// Whether the rule is about this method.
pub fn needs_await(method: &str) -> bool {
    AWAITED.contains(&method)
}

/// Whether an `await`, a `return` or a `.then`/`.catch` is anywhere around: all that the reference compiler asks for, which
/// accepts calls that nobody waits for inside of a callback.
pub fn is_near_await(parents: &[AstKind<'_>]) -> bool {
    parents.iter().any(|parent| match parent {
        AstKind::AwaitExpression(_) | AstKind::ReturnStatement(_) => true,
        AstKind::StaticMemberExpression(member) => matches!(member.property.name.as_str(), "then" | "catch"),
        _ => false,
    })
}

/// Whether the value of the expression at `span` reaches an `await`, a `return` or a `.then`/`.catch`.
/// `parents` are the nodes around it, outermost first.
pub fn is_awaited(span: Span, parents: &[AstKind<'_>]) -> bool {
    let mut inner = span;
    for parent in parents.iter().rev() {
        match parent {
            AstKind::AwaitExpression(_) | AstKind::ReturnStatement(_) | AstKind::YieldExpression(_) => return true,
            AstKind::ArrowFunctionExpression(arrow) => {
                return !matches!(arrow.body, ArrowFunctionBody::FunctionBody(_)) && arrow.body.span() == inner;
            }
            AstKind::StaticMemberExpression(member) => match member.property.name.as_str() {
                "then" | "catch" => return true,
                "finally" => {}
                _ => return false,
            },
            AstKind::CallExpression(call) => {
                let chained = call.callee.span() == inner;
                if !chained && !is_combinator(&call.callee) {
                    return false;
                }
            }
            AstKind::ConditionalExpression(choice) if choice.test.span() == inner => return false,
            AstKind::ParenthesizedExpression(_)
            | AstKind::TSAsExpression(_)
            | AstKind::TSSatisfiesExpression(_)
            | AstKind::TSNonNullExpression(_)
            | AstKind::TSTypeAssertion(_)
            | AstKind::ChainExpression(_)
            | AstKind::ConditionalExpression(_)
            | AstKind::LogicalExpression(_)
            | AstKind::ArrayExpression(_) => {}
            _ => return false,
        }
        inner = parent.span();
    }
    false
}

/// `Promise.all` and its sisters wait for what they are given.
fn is_combinator(callee: &Expression<'_>) -> bool {
    match callee.get_inner_expression() {
        Expression::StaticMemberExpression(member) => {
            member.object.is_specific_id("Promise")
                && matches!(
                    member.property.name.as_str(),
                    "all" | "allSettled" | "any" | "race" | "resolve"
                )
        }
        _ => false,
    }
}
