//! Which imports of one file lead nowhere, asked before anything is compiled.

use std::path::Path;

use oxc::{allocator::Allocator, parser::Parser};

use super::resolve::{Unresolved, resolve};
use crate::{checks::is_relative, strip::source_type};

/// The relative imports of the file at `path` (inside the project in `root`) for which there is no file, as they are
/// written and in their order. Imports of types count: editors and type checks need those files as well.
pub fn missing_imports(root: &Path, path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &text, source_type(path)).parse();
    let mut missing: Vec<(u32, String)> = parsed
        .module_record
        .requested_modules
        .iter()
        .filter(|(specifier, _)| is_relative(specifier) && resolve(root, path, specifier) == Err(Unresolved::Missing))
        .map(|(specifier, requests)| {
            (
                requests.first().map_or(0, |first| first.span.start),
                specifier.to_string(),
            )
        })
        .collect();
    missing.sort();
    missing.into_iter().map(|(_, specifier)| specifier).collect()
}
