//! TypeScript in, JavaScript out: parses a file, runs the source checks on what the author wrote, removes
//! types, and prints the rest with a map from printed places to written ones.

use std::path::Path;

use oxc::{
    allocator::Allocator,
    ast::ast::Program,
    codegen::{Codegen, CodegenOptions, CommentOptions, IndentChar},
    diagnostics::OxcDiagnostic,
    parser::Parser,
    semantic::SemanticBuilder,
    span::SourceType,
    transformer::{TransformOptions, Transformer},
};

use crate::{
    checks::{self, Findings, Role},
    diagnostic::Diagnostic,
    source::SourceFile,
};

/// A file without its types.
#[derive(Debug)]
pub struct Stripped {
    /// JavaScript, still with `import` and `export`.
    pub js: String,
    /// Where the pieces of `js` come from, in the order of `js`.
    pub marks: Vec<Mark>,
    /// What the checks found.
    pub findings: Findings,
}

/// A printed place and the written place that it comes from; lines and columns from 0, columns in UTF-16 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub line: u32,
    pub column: u32,
    pub source_line: u32,
    pub source_column: u32,
}

/// Checks and strips one file. `Err` holds what keeps it from being read at all.
pub fn strip(source: &SourceFile, role: Role) -> Result<Stripped, Vec<Diagnostic>> {
    let allocator = Allocator::default();
    let kind = source_type(&source.path);
    let parsed = Parser::new(&allocator, &source.text, kind).parse();
    if parsed.panicked || parsed.diagnostics.has_errors() {
        return Err(syntax_errors(parsed.diagnostics.errors(), source));
    }
    let mut program = parsed.program;
    let findings = checks::check(&program, source, role);
    if findings.diagnostics.iter().any(|d| d.code.starts_with("unsupported_")) {
        return Err(findings.diagnostics);
    }

    let semantic = SemanticBuilder::new_compiler()
        .with_enum_eval(true)
        .with_excess_capacity(1.0)
        .build(&program);
    if semantic.diagnostics.has_errors() {
        return Err(syntax_errors(semantic.diagnostics.errors(), source));
    }
    let scoping = semantic.semantic.into_scoping();
    let options = TransformOptions::default();
    let transformed =
        Transformer::new(&allocator, Path::new(&source.path), &options).build_with_scoping(scoping, &mut program);
    if transformed.diagnostics.has_errors() {
        return Err(syntax_errors(transformed.diagnostics.errors(), source));
    }

    let (js, marks) = print(&program, &source.path);
    Ok(Stripped { js, marks, findings })
}

/// A CommonJS file of a package without its comments, and where its pieces come from.
pub fn reprint(source: &SourceFile) -> Result<(String, Vec<Mark>), Vec<Diagnostic>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &source.text, SourceType::cjs()).parse();
    if parsed.panicked || parsed.diagnostics.has_errors() {
        return Err(syntax_errors(parsed.diagnostics.errors(), source));
    }
    let mut program = parsed.program;
    program.hashbang = None;
    Ok(print(&program, &source.path))
}

/// Whether a `.js` file has `import` or `export` declarations.
pub fn has_module_syntax(text: &str) -> bool {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::unambiguous()).parse();
    parsed.module_record.has_module_syntax
}

fn print(program: &Program<'_>, path: &str) -> (String, Vec<Mark>) {
    let printed = Codegen::new()
        .with_options(CodegenOptions {
            comments: CommentOptions::disabled(),
            source_map_path: Some(Path::new(path).to_path_buf()),
            indent_char: IndentChar::Space,
            indent_width: 2,
            ..CodegenOptions::default()
        })
        .build(program);
    let marks = printed.map.as_ref().map_or_else(Vec::new, |map| {
        map.get_tokens()
            .map(|token| Mark {
                line: token.get_dst_line(),
                column: token.get_dst_col(),
                source_line: token.get_src_line(),
                source_column: token.get_src_col(),
            })
            .collect()
    });
    (printed.code, marks)
}

/// How to parse a file, by its extension. Everything is a module.
pub fn source_type(path: &str) -> SourceType {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" | "mjs" | "cjs" => SourceType::mjs(),
        "jsx" => SourceType::jsx(),
        "tsx" => SourceType::tsx(),
        _ => SourceType::ts(),
    }
}

pub(crate) fn syntax_errors<'e>(
    errors: impl Iterator<Item = &'e OxcDiagnostic>,
    source: &SourceFile,
) -> Vec<Diagnostic> {
    errors
        .map(|error| {
            let message = error.message.trim_end_matches('.').to_owned();
            let mut diagnostic = Diagnostic::error("syntax_error", message);
            if let Some(label) = error.labels.first() {
                let start = label.offset() as usize;
                diagnostic = diagnostic.at(source, start, start + label.len() as usize);
            } else {
                diagnostic = diagnostic.in_file(&source.path);
            }
            match &error.help {
                Some(help) => diagnostic.hint(help.to_string()),
                None => diagnostic,
            }
        })
        .collect()
}
