//! Writing a file anew.

use super::{Callable, File, Findings, Needs, contains, paths::relative};
use crate::diagnostic::Diagnostic;
use oxc::span::Span;

impl File<'_> {
    /// The function as an arrow function, its lines four spaces further in.
    pub(super) fn code(&self, callable: &Callable) -> String {
        let parameters: Vec<&str> = callable.parameters.iter().map(|span| self.text(*span)).collect();
        let asynchronous = if callable.is_async { "async " } else { "" };
        let returns = callable.returns.map_or("", |span| self.text(span));
        let mut code = format!("{asynchronous}({}){returns} => ", parameters.join(", "));
        let mut at = callable.body.start;
        for (number, line) in self.text(callable.body).split_inclusive('\n').enumerate() {
            let is_inside = self.templates.iter().any(|span| span.start < at && at <= span.end);
            if number > 0 && !is_inside && !line.trim().is_empty() {
                code.push_str("    ");
            }
            code.push_str(line);
            at += line.len() as u32;
        }
        code
    }

    /// A function that moves into the definition cannot be called by its name any more.
    pub(super) fn check_calls(&mut self, callable: &Callable) {
        let Some(name) = &callable.name else { return };
        let found = self
            .references
            .iter()
            .find(|(used, span)| used == name && (!self.is_removed(*span) || contains(callable.body, *span)));
        if let Some((_, span)) = found.cloned() {
            self.refuse(
                span,
                &format!("`{name}` is called here, and it becomes a part of the definition"),
                "move what both need into a function of its own",
            );
        }
    }

    fn is_removed(&self, span: Span) -> bool {
        self.removed.iter().any(|removed| contains(*removed, span))
    }

    /// Whether a name is still used in what stays or in what moves into the definition.
    fn uses(&self, name: &str) -> bool {
        let moved = [
            self.exec.as_ref().map(|(callable, _)| callable),
            self.on_webhook.as_ref(),
        ];
        let moves = |span: Span| {
            moved.iter().flatten().any(|callable| {
                contains(callable.span, span) && !callable.types.iter().any(|dropped| contains(*dropped, span))
            })
        };
        let mut places = self.references.iter().filter(|(used, _)| used == name);
        places.any(|(_, span)| moves(*span) || !self.is_removed(*span))
    }

    pub(super) fn finish(mut self, needs: Needs) -> Result<String, Findings> {
        if let Some(taken) = needs.models.iter().find(|name| self.names.contains(*name)) {
            let message = format!("the file has a `{taken}` of its own, beside the model of that name");
            self.findings.push(
                Diagnostic::error("cannot_be_translated", message)
                    .in_file(&self.script.source.path)
                    .hint("rename it in this file"),
            );
        }
        if needs.zod && !self.has_zod && self.names.contains("z") {
            self.findings.push(
                Diagnostic::error(
                    "cannot_be_translated",
                    "the file has a `z` of its own, which is the name of Zod",
                )
                .in_file(&self.script.source.path)
                .hint("rename it in this file"),
            );
        }
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        let imports = self.imports(&needs);
        let source = &self.script.source.text;
        let mut out = String::with_capacity(source.len() + imports.len());
        let mut at = 0;
        if !imports.is_empty() {
            let (end, text) = self.edits.remove(&self.head).unwrap_or((self.head, String::new()));
            self.edits.insert(self.head, (end, imports + &text));
        }
        for (start, (end, text)) in &self.edits {
            let start = (*start as usize).max(at);
            out.push_str(source.get(at..start).unwrap_or_default());
            out.push_str(text);
            at = (*end as usize).max(start);
        }
        out.push_str(source.get(at..).unwrap_or_default());
        Ok(format!("{}\n", out.trim_end()))
    }

    /// The lines that bring in what the file needs and what it took from the generated models.
    fn imports(&self, needs: &Needs) -> String {
        let shown = |local: &str, imported: &str| {
            if local == imported {
                imported.to_owned()
            } else {
                format!("{imported} as {local}")
            }
        };
        let types = self.imported_types.iter().filter(|(local, _)| self.uses(local));
        let types = types.map(|(local, imported)| format!("type {}", shown(local, imported)));
        let sdk: Vec<String> = needs.creator.map(str::to_owned).into_iter().chain(types).collect();
        let used = self
            .imported_models
            .iter()
            .filter(|(local, imported)| self.uses(local) && !(local == imported && needs.models.contains(imported)));
        let used = used.map(|(local, imported)| format!("type {}", shown(local, imported)));
        let models: Vec<String> = needs.models.iter().cloned().chain(used).collect();
        let mut out = String::new();
        if !sdk.is_empty() {
            out.push_str(&format!("import {{ {} }} from 'nango';\n", sdk.join(", ")));
        }
        if needs.zod && !self.has_zod {
            out.push_str("import * as z from 'zod';\n");
        }
        if !models.is_empty() {
            let path = relative(self.script.path, "models");
            out.push_str(&format!("import {{ {} }} from '{path}.js';\n", models.join(", ")));
        }
        let rest = self.script.source.text.get(self.head as usize..).unwrap_or_default();
        if !out.is_empty() && !rest.starts_with(['\r', '\n']) && !rest.starts_with("import") {
            out.push('\n');
        }
        out
    }
}
