//! Rules about the source of functions (functions contract, 5.2), each with a stable code.
//!
//! They run on the TypeScript as written, so every finding points at the author's own text. Rules about the
//! use of the `nango` object only see calls on an identifier with that name, as the reference compiler does:
//! a function that passes there passes here.

mod awaits;
mod calls;
mod exports;
mod imports;
mod order;
mod syntax;
mod walk;

use oxc::ast::ast::Program;

use crate::{diagnostic::Diagnostic, source::SourceFile};

pub use exports::CREATORS;
pub use imports::{ALLOWED_PACKAGES, is_relative, is_sdk, not_in_functions};

/// Whether a file is a function or a helper that functions import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The file of a function: all rules.
    Function,
    /// Any other file of the project: only the rules about imports and syntax.
    Helper,
    /// A file of a package: only the rules about syntax.
    Package,
}

/// What the checks found out about a file.
#[derive(Debug, Default)]
pub struct Findings {
    /// Everything to report.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the file calls `getCheckpoint`, `saveCheckpoint` or `clearCheckpoint` on `nango`.
    pub uses_checkpoints: bool,
}

/// Runs every rule that applies to a file in this role.
pub fn check(program: &Program<'_>, source: &SourceFile, role: Role) -> Findings {
    let mut findings = Findings::default();
    if role != Role::Package {
        imports::check(program, source, &mut findings.diagnostics);
    }
    let walked = walk::walk(program, source, role);
    findings.diagnostics.extend(walked.diagnostics);
    if role == Role::Function {
        exports::check(program, source, &mut findings.diagnostics);
        findings.uses_checkpoints = walked.calls.iter().any(|call| {
            matches!(
                call.method.as_str(),
                "getCheckpoint" | "saveCheckpoint" | "clearCheckpoint"
            )
        });
        order::check(&walked.calls, source, &mut findings.diagnostics);
    }
    findings
}
