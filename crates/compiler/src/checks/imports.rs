//! Which packages a function may import.

use oxc::ast::ast::{
    ExportAllDeclaration, ExportFromDeclaration, ImportDeclaration, ImportDeclarationSpecifier, Program, Statement,
};

use crate::{diagnostic::Diagnostic, source::SourceFile};

/// Packages that exist at run time. Everything else must be part of the project.
pub const ALLOWED_PACKAGES: [&str; 7] = ["zod", "crypto", "node:crypto", "url", "node:url", "unzipper", "soap"];

/// Packages that exist for types and helpers only and vanish in compilation.
const SDK_PACKAGES: [&str; 4] = ["nango", "nango/experimental", "tenon", "tenon/experimental"];

/// Whether `specifier` is the function SDK, under either of its names.
pub fn is_sdk(specifier: &str) -> bool {
    SDK_PACKAGES.contains(&specifier)
}

/// Whether `specifier` names something that a bundle may `require`.
pub fn is_allowed(specifier: &str) -> bool {
    ALLOWED_PACKAGES.contains(&specifier)
}

/// Whether `specifier` is a file of the project.
pub fn is_relative(specifier: &str) -> bool {
    specifier == "." || specifier == ".." || specifier.starts_with("./") || specifier.starts_with("../")
}

pub(super) fn check(program: &Program<'_>, source: &SourceFile, diagnostics: &mut Vec<Diagnostic>) {
    for statement in &program.body {
        let request = match statement {
            Statement::ImportDeclaration(import) if !is_type_import(import) => Some(&import.source),
            Statement::ExportFromDeclaration(export) if !is_type_export(export) => Some(&export.source),
            Statement::ExportAllDeclaration(export) if !is_type_star(export) => Some(&export.source),
            _ => None,
        };
        if let Some(request) = request {
            diagnostics.extend(check_specifier(
                &request.value,
                request.span.start,
                request.span.end,
                source,
            ));
        }
    }
}

fn is_type_export(export: &ExportFromDeclaration<'_>) -> bool {
    let specifiers = &export.specifiers;
    export.export_kind.is_type() || (!specifiers.is_empty() && specifiers.iter().all(|s| s.export_kind.is_type()))
}

fn is_type_import(import: &ImportDeclaration<'_>) -> bool {
    let all_types = |specifiers: &[ImportDeclarationSpecifier<'_>]| {
        !specifiers.is_empty()
            && specifiers.iter().all(|specifier| match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(named) => named.import_kind.is_type(),
                ImportDeclarationSpecifier::ImportDefaultSpecifier(_)
                | ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => false,
            })
    };
    import.import_kind.is_type()
        || import
            .specifiers
            .as_ref()
            .is_some_and(|specifiers| all_types(specifiers))
}

fn is_type_star(export: &ExportAllDeclaration<'_>) -> bool {
    export.export_kind.is_type()
}

/// The finding about an import of `specifier`, if it is not one that works at run time.
pub(super) fn check_specifier(specifier: &str, start: u32, end: u32, source: &SourceFile) -> Option<Diagnostic> {
    if is_relative(specifier) || is_sdk(specifier) || is_allowed(specifier) {
        return None;
    }
    let hint = match specifier {
        "botbuilder" => {
            "botbuilder needs sockets and the Node process; call the Bot Framework REST API with nango.post() instead"
                .to_owned()
        }
        "axios" | "node-fetch" | "got" | "undici" | "http" | "https" | "node:http" | "node:https" => {
            "functions have no network of their own; use nango.get(), nango.post() or nango.uncontrolledFetch()"
                .to_owned()
        }
        "fs" | "path" | "os" | "child_process" | "process" | "node:fs" | "node:path" | "node:os"
        | "node:child_process" | "node:process" => {
            "functions run without a file system and without processes; keep data in records, metadata or checkpoints"
                .to_owned()
        }
        _ => format!(
            "available packages: {}; type-only imports (`import type`) are free, and relative imports are inlined",
            ALLOWED_PACKAGES.join(", ")
        ),
    };
    Some(
        Diagnostic::error(
            "disallowed_import",
            format!("`{specifier}` cannot be imported by a function"),
        )
        .at(source, start as usize, end as usize)
        .hint(hint),
    )
}
