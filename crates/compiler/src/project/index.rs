//! `index.ts`, the list of functions. It is read with a regular expression on purpose: what counts is
//! exactly what the reference compiler counts, also inside comments and template texts.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::{Entry, ProjectFiles};
use crate::{diagnostic::Diagnostic, source::SourceFile};

#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled by every test")]
static IMPORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(?m)^import\s+['"](\./[^'"]+)['"]"#).unwrap());

/// The import paths of an index with their byte ranges, `.js` added when missing.
fn index_imports(text: &str) -> Vec<(String, std::ops::Range<usize>)> {
    IMPORT
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .map(|path| {
            let text = path.as_str();
            let known = [".js", ".ts", ".mjs", ".mts"]
                .iter()
                .any(|suffix| text.ends_with(suffix));
            (if known { text.to_owned() } else { format!("{text}.js") }, path.range())
        })
        .collect()
}

pub(super) fn read(project: &mut ProjectFiles, index: &SourceFile) {
    let mut seen = HashSet::new();
    for (import, range) in index_imports(&index.text) {
        let at = |diagnostic: Diagnostic| diagnostic.at(index, range.start, range.end);
        let Some(path) = inside(&import) else {
            project.diagnostics.push(
                at(Diagnostic::error(
                    "path_outside_project",
                    format!("`{import}` leaves the project folder"),
                ))
                .hint("a function must be a file of this project; copy it here"),
            );
            continue;
        };
        let source = source_path(project, &path);
        let Some(source) = source else {
            project.diagnostics.push(
                at(Diagnostic::error(
                    "function_not_found",
                    format!("there is no file for `{import}`"),
                ))
                .hint(format!(
                    "create {}.ts or remove the line from index.ts",
                    path.trim_end_matches(".js")
                )),
            );
            continue;
        };
        if !within_root(project, &source) {
            project.diagnostics.push(at(Diagnostic::error(
                "path_outside_project",
                format!("`{import}` is a link that leaves the project folder"),
            )));
            continue;
        }
        if !seen.insert(source.clone()) {
            continue;
        }
        match Entry::from_path(&source) {
            Some(entry) => project.entries.push(entry),
            None => project.diagnostics.push(
                at(Diagnostic::error(
                    "invalid_function_path",
                    format!("`{import}` is not inside a folder of an integration"),
                ))
                .hint("put functions at <integration>/<kind>/<name>.ts, for example github/syncs/issues.ts"),
            ),
        }
    }
}

/// The path without `.` and `..`, unless it leaves the project.
fn inside(import: &str) -> Option<String> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in import.split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    (!segments.is_empty()).then(|| segments.join("/"))
}

/// The TypeScript file that the emitted name `x.js` stands for.
fn source_path(project: &ProjectFiles, path: &str) -> Option<String> {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    [format!("{stem}.ts"), format!("{stem}.mts"), path.to_owned()]
        .into_iter()
        .find(|candidate| project.root.join(candidate).is_file())
}

/// Links are followed, so what counts is where the file really is.
fn within_root(project: &ProjectFiles, path: &str) -> bool {
    project
        .root
        .join(path)
        .canonicalize()
        .is_ok_and(|real| real.starts_with(&project.root))
}
