//! What a file uses.

use oxc::{
    ast::ast::{IdentifierReference, TemplateElement},
    ast_visit::Visit,
    span::Span,
};

/// Names that are used, and texts whose lines must not be moved.
#[derive(Default)]
pub(super) struct Walker {
    pub(super) references: Vec<(String, Span)>,
    pub(super) templates: Vec<Span>,
}

impl<'a> Visit<'a> for Walker {
    fn visit_identifier_reference(&mut self, name: &IdentifierReference<'a>) {
        self.references.push((name.name.to_string(), name.span));
    }

    fn visit_template_element(&mut self, element: &TemplateElement<'a>) {
        self.templates.push(element.span);
    }
}
