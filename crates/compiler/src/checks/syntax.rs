//! Syntax that has no meaning in a bundle: refused by name, not by a confusing failure later.

use oxc::{ast::AstKind, span::GetSpan};

use crate::{diagnostic::Diagnostic, source::SourceFile};

/// The finding about a node, if it is one that cannot be compiled. `functions` counts the functions around it.
pub fn refused(kind: &AstKind<'_>, functions: usize, source: &SourceFile) -> Option<Diagnostic> {
    let (code, message, hint) = match kind {
        AstKind::Decorator(_) => (
            "unsupported_decorator",
            "decorators are not supported",
            "call the decorating function yourself on the class or the value",
        ),
        AstKind::ImportExpression(_) => (
            "unsupported_dynamic_import",
            "import() is not supported: a function is one file when it runs",
            "use a static import at the top of the file",
        ),
        AstKind::ImportMeta(_) => (
            "unsupported_import_meta",
            "import.meta has no meaning in a function",
            "functions have no file or URL of their own",
        ),
        AstKind::TSImportEqualsDeclaration(_) => (
            "unsupported_import_equals",
            "`import x = …` is not supported",
            "write `import x from '…'` or `const x = …`",
        ),
        AstKind::TSExportAssignment(_) => (
            "unsupported_export_equals",
            "`export =` is not supported",
            "write `export default …`",
        ),
        AstKind::JSXElement(_) | AstKind::JSXFragment(_) => (
            "unsupported_jsx",
            "JSX is not supported in functions",
            "build the text or the object without JSX",
        ),
        AstKind::AwaitExpression(_) if functions == 0 => (
            "unsupported_top_level_await",
            "await is not possible outside of a function",
            "move the call into exec",
        ),
        AstKind::ForOfStatement(each) if functions == 0 && each.r#await => (
            "unsupported_top_level_await",
            "for await is not possible outside of a function",
            "move the loop into exec",
        ),
        _ => return None,
    };
    let span = kind.span();
    Some(
        Diagnostic::error(code, message)
            .at(source, span.start as usize, span.end as usize)
            .hint(hint),
    )
}
