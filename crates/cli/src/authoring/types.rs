//! Type checks by the project's own TypeScript.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use regex::Regex;
use tenon_compiler::{Diagnostic, SourceFile};
use tokio::process::Command;

/// The outcome of type checking.
pub struct Types {
    /// Whether there were no errors.
    pub ok: bool,
    /// What the type checker printed.
    pub output: String,
    /// Its findings, read from what it printed.
    pub diagnostics: Vec<Diagnostic>,
}

/// TypeScript's compiler, in the folder's `node_modules` or in those above it, as Node finds packages.
pub fn find_compiler(dir: &Path) -> Option<PathBuf> {
    dir.canonicalize()
        .ok()?
        .ancestors()
        .map(|dir| dir.join("node_modules/.bin/tsc"))
        .find(|program| program.exists())
}

/// Whether the project has settings for TypeScript; without them nothing is checked.
pub fn has_settings(dir: &Path) -> bool {
    dir.join("tsconfig.json").is_file()
}

/// Runs the project's TypeScript, if it has one and there is a Node to run it.
pub async fn check(dir: &Path) -> Option<Types> {
    if !has_settings(dir) {
        return None;
    }
    let output = Command::new(find_compiler(dir)?)
        // Pretty output is for people alone; findings are shown in the form of ours.
        .args(["--noEmit", "--pretty", "false", "-p", "tsconfig.json"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&text).trim_end().to_owned();
    Some(Types {
        ok: output.status.success(),
        diagnostics: read(&output_text, dir),
        output: output_text,
    })
}

#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled by every test")]
static FINDING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:(.+)\((\d+),(\d+)\): )?error (TS\d+): (.*)$").unwrap());

/// Reads `file(line,column): error TS1234: text`. Indented lines below go on with the text.
fn read(output: &str, dir: &Path) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for line in output.lines() {
        let Some(parts) = FINDING.captures(line) else {
            if let Some(last) = found.last_mut().filter(|_| line.starts_with(' ')) {
                last.message.push('\n');
                last.message.push_str(line);
            }
            continue;
        };
        let part = |at: usize| parts.get(at).map_or("", |part| part.as_str());
        let number = |at: usize| part(at).parse::<usize>().unwrap_or(1).saturating_sub(1);
        let diagnostic = Diagnostic::error(part(4).to_owned(), part(5));
        let file = part(1).replace('\\', "/");
        found.push(match std::fs::read_to_string(dir.join(&file)) {
            _ if file.is_empty() => diagnostic,
            Ok(text) => {
                let source = SourceFile::new(file, text);
                let start = source.offset(number(2), number(3));
                diagnostic.at(&source, start, source.word_end(start))
            }
            Err(_) => diagnostic.in_file(&file),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_with_their_place_and_all_of_their_text() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.ts"), "type Ä = 'ä';\nconst x: Ä = nango.gett();\n").unwrap();
        let output = "error TS5023: Unknown compiler option 'x'.\n\
                      a.ts(2,20): error TS2551: Property 'gett' does not exist.\n  Did you mean 'get'?\n\
                      gone.ts(1,1): error TS6053: File not found.\nFound 3 errors.";
        let found = read(output, dir.path());
        let shown: Vec<String> = found
            .iter()
            .map(|one| {
                let at = one.location.as_ref();
                let at = at.map(|at| format!(" at {}:{}:{}", at.file, at.line, at.column));
                format!("{}: {}{}", one.code, one.message, at.unwrap_or_default())
            })
            .collect();
        assert_eq!(
            shown,
            [
                "TS5023: Unknown compiler option 'x'.",
                "TS2551: Property 'gett' does not exist.\n  Did you mean 'get'? at a.ts:2:20",
                "TS6053: File not found. at gone.ts:1:1",
            ]
        );
        let frame = &found[1].location.as_ref().unwrap().frame;
        assert!(frame.contains("nango.gett()") && frame.contains("^^^^"), "{frame}");
    }
}
