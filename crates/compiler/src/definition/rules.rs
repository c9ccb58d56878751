//! Rules that look at all functions of a project at once.

use std::collections::HashMap;

use super::{Definition, Detail};
use crate::diagnostic::Diagnostic;

/// Finds names and endpoints that occur twice. `files` are the paths of the definitions, in the same order.
pub fn check_project(definitions: &[(&Definition, &str)]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut functions = Seen::default();
    let mut models = Seen::default();
    let mut endpoints = Seen::default();
    for (definition, file) in definitions {
        let integration = definition.common.integration.as_str();
        let name = definition.common.name.as_str();
        let kind = definition.kind().word();
        if let Some(first) = functions.add(integration, format!("{kind} {name}"), file) {
            diagnostics.push(
                Diagnostic::error(
                    "duplicate_function",
                    format!("the {kind} `{name}` of `{integration}` is defined twice, first in {first}"),
                )
                .in_file(file)
                .hint("rename one of the files"),
            );
        }
        let (outputs, paths) = match &definition.detail {
            Detail::Sync(sync) => (sync.outputs.as_slice(), sync.endpoints.iter().collect::<Vec<_>>()),
            Detail::Action(action) => (&[][..], action.endpoint.iter().collect()),
            Detail::OnEvent { .. } | Detail::Function(_) => (&[][..], Vec::new()),
        };
        for model in outputs {
            if let Some(first) = models.add(integration, model.clone(), file) {
                diagnostics.push(
                    Diagnostic::error(
                        "duplicate_model",
                        format!("the model `{model}` belongs to another sync of `{integration}`, in {first}"),
                    )
                    .in_file(file)
                    .hint("records are stored by model, so each model belongs to one sync; rename one"),
                );
            }
        }
        for endpoint in paths {
            let text = format!("{} {}", endpoint.method, endpoint.path);
            if let Some(first) = endpoints.add(integration, text.clone(), file) {
                diagnostics.push(
                    Diagnostic::error(
                        "duplicate_endpoint",
                        format!("the endpoint `{text}` of `{integration}` is used twice, first in {first}"),
                    )
                    .in_file(file)
                    .hint("change the path, or leave endpoints out: they are deprecated"),
                );
            }
        }
    }
    diagnostics
}

#[derive(Default)]
struct Seen<'d>(HashMap<(&'d str, String), &'d str>);

impl<'d> Seen<'d> {
    /// The file that had it before, if any.
    fn add(&mut self, integration: &'d str, what: String, file: &'d str) -> Option<&'d str> {
        let mut first = None;
        self.0
            .entry((integration, what))
            .and_modify(|file| first = Some(*file))
            .or_insert(file);
        first
    }
}
