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

/// The finding about an import of `specifier`, if it cannot work whatever is installed.
fn check_specifier(specifier: &str, start: u32, end: u32, source: &SourceFile) -> Option<Diagnostic> {
    let hint = not_in_functions(specifier)?;
    Some(refusal(specifier, hint).at(source, start as usize, end as usize))
}

/// The finding about a call of `require` in a file of the project, which is written with `import`.
pub(super) fn check_require(specifier: &str, start: u32, end: u32, source: &SourceFile) -> Option<Diagnostic> {
    if is_relative(specifier) || is_sdk(specifier) || is_allowed(specifier) {
        return None;
    }
    let hint = not_in_functions(specifier)
        .unwrap_or("write `import x from '…'` at the top of the file; packages are found and bundled at compilation");
    Some(refusal(specifier, hint).at(source, start as usize, end as usize))
}

fn refusal(specifier: &str, hint: &str) -> Diagnostic {
    Diagnostic::error(
        "disallowed_import",
        format!("`{specifier}` cannot be imported by a function"),
    )
    .hint(hint)
}

/// What to do instead of importing `specifier`, when it needs what functions do not have.
pub fn not_in_functions(specifier: &str) -> Option<&'static str> {
    let name = specifier.strip_prefix("node:").unwrap_or(specifier);
    Some(match name {
        "botbuilder" => {
            "botbuilder needs sockets and the Node process; call the Bot Framework REST API with nango.post() instead"
        }
        "axios" | "node-fetch" | "got" | "undici" | "superagent" | "ky" | "request" | "cross-fetch" | "http"
        | "https" | "http2" | "net" | "tls" | "dgram" | "dns" => {
            "functions have no network of their own; use nango.get(), nango.post() or nango.uncontrolledFetch()"
        }
        "fs" | "fs/promises" | "os" | "child_process" | "process" | "cluster" | "worker_threads" => {
            "functions run without a file system and without processes; keep data in records, metadata or checkpoints"
        }
        "zlib" | "stream" | "vm" | "module" | "tty" | "readline" | "inspector" | "v8" | "async_hooks"
        | "stream/promises" => {
            "functions have no such module; use a package written in plain JavaScript, or let the provider do it"
        }
        _ => return None,
    })
}
