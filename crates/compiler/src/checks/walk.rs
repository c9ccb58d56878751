//! One walk over a file that serves every rule about calls and syntax.

use oxc::{
    ast::{
        AstKind,
        ast::{CallExpression, Expression, Program},
    },
    ast_visit::{Visit, walk},
    span::{GetSpan, Span},
};

use super::{
    Role,
    awaits::{is_awaited, is_near_await, needs_await},
    calls::{NangoCall, retry_on_without_retries},
    imports::check_require,
    syntax::refused,
};
use crate::{diagnostic::Diagnostic, source::SourceFile};

/// What the walk brings back.
pub struct Walked {
    pub diagnostics: Vec<Diagnostic>,
    pub calls: Vec<NangoCall>,
}

pub fn walk(program: &Program<'_>, source: &SourceFile, role: Role) -> Walked {
    let mut walker = Walker {
        source,
        role,
        parents: Vec::new(),
        functions: 0,
        exec: None,
        console_seen: false,
        walked: Walked {
            diagnostics: Vec::new(),
            calls: Vec::new(),
        },
    };
    walker.visit_program(program);
    walker.walked
}

struct Walker<'a, 's> {
    source: &'s SourceFile,
    role: Role,
    parents: Vec<AstKind<'a>>,
    /// How many functions are around the node.
    functions: usize,
    /// The bytes of the value of an `exec` property, while the walk is inside it.
    exec: Option<Span>,
    console_seen: bool,
    walked: Walked,
}

impl<'a> Visit<'a> for Walker<'a, '_> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        if let Some(diagnostic) = refused(&kind, self.functions, self.source) {
            self.walked.diagnostics.push(diagnostic);
        }
        match kind {
            AstKind::Function(_) | AstKind::ArrowFunctionExpression(_) => self.functions += 1,
            AstKind::ObjectProperty(property) if self.exec.is_none() && is_exec(property) => {
                self.exec = Some(property.span);
            }
            _ => {}
        }
        self.parents.push(kind);
    }

    fn leave_node(&mut self, kind: AstKind<'a>) {
        self.parents.pop();
        match kind {
            AstKind::Function(_) | AstKind::ArrowFunctionExpression(_) => self.functions -= 1,
            AstKind::ObjectProperty(property) if self.exec == Some(property.span) => self.exec = None,
            _ => {}
        }
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if self.role != Role::Package {
            self.check_require(call);
        }
        if self.role == Role::Function {
            self.check_console(call);
            if let Some(nango) = NangoCall::read(call, self.exec.is_some()) {
                self.check_call(call, &nango);
                self.walked.calls.push(nango);
            }
        }
        walk::walk_call_expression(self, call);
    }
}

impl Walker<'_, '_> {
    fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        self.walked
            .diagnostics
            .push(diagnostic.at(self.source, span.start as usize, span.end as usize));
    }

    fn check_call(&mut self, call: &CallExpression<'_>, nango: &NangoCall) {
        let method = &nango.method;
        if needs_await(method) && !is_awaited(call.span, &self.parents) {
            let message = format!("nango.{method}() returns a promise that nobody waits for");
            // What the reference compiler accepts is deployed, with a warning.
            let finding = if nango.plain && !is_near_await(&self.parents) {
                Diagnostic::error("method_need_await", message)
            } else {
                Diagnostic::warning("method_need_await", message)
            };
            self.report(
                finding.hint(format!("write `await nango.{method}(…)`, or return it")),
                nango.callee,
            );
        }
        if let Some(property) = retry_on_without_retries(call).filter(|_| nango.plain) {
            self.report(
                Diagnostic::error("retryon_need_retries", "`retryOn` does nothing without `retries`")
                    .hint("add the number of attempts after the first, for example `retries: 3`"),
                property,
            );
        }
    }

    fn check_require(&mut self, call: &CallExpression<'_>) {
        let [argument] = call.arguments.as_slice() else { return };
        if !call.callee.is_specific_id("require") {
            return;
        }
        if let Some(Expression::StringLiteral(path)) = argument.as_expression() {
            let found = check_require(&path.value, path.span.start, path.span.end, self.source);
            self.walked.diagnostics.extend(found);
        }
    }

    fn check_console(&mut self, call: &CallExpression<'_>) {
        let Expression::StaticMemberExpression(member) = &call.callee else {
            return;
        };
        if self.console_seen || !member.object.is_specific_id("console") {
            return;
        }
        self.console_seen = true;
        let span = member.span();
        self.report(
            Diagnostic::warning("console_not_kept", "console output is shown in dry runs only")
                .hint("use `await nango.log(…)` for lines that appear in the run's log"),
            span,
        );
    }
}

fn is_exec(property: &oxc::ast::ast::ObjectProperty<'_>) -> bool {
    property.key.static_name().as_deref() == Some("exec")
        && matches!(
            property.value.get_inner_expression(),
            Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_)
        )
}
