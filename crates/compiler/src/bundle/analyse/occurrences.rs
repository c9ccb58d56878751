//! Every place where a top-level name occurs, and what is written there instead.

use oxc::{
    ast::{
        AstKind,
        ast::{
            AssignmentTargetPropertyIdentifier, BindingIdentifier, BindingPattern, BindingProperty, CallExpression,
            ExportNamedDeclaration, Expression, IdentifierReference, ImportDeclaration, ObjectProperty,
            StaticMemberExpression,
        },
    },
    ast_visit::{Visit, walk},
    semantic::SymbolId,
    span::{GetSpan, Span},
};

use super::Taker;
use crate::bundle::{
    common,
    edit::{Edit, Part},
    module::Use,
    packages::manifest::Asked,
};

/// What the tag of each helper is in the compiled object.
const TAGS: [(&str, &str); 4] = [
    ("createSync", "sync"),
    ("createAction", "action"),
    ("createOnEvent", "onEvent"),
    ("createFunction", "function"),
];

impl<'a> Taker<'_, '_, 'a> {
    /// Replaces a name that only Node has, in a file of a package.
    fn free_occurrence(&mut self, reference: &IdentifierReference<'a>) {
        let name = reference.name.as_str();
        let part = if name == "process" {
            Part::Required(self.request_as("process", reference.span, Asked::Require))
        } else if let Some(text) = common::free_name(name) {
            Part::Text(text.to_owned())
        } else {
            return;
        };
        let key = self
            .shorthand
            .contains(&reference.span.start)
            .then(|| Part::Text(format!("{name}: ")));
        self.edits.push(Edit {
            start: reference.span.start as usize,
            end: reference.span.end as usize,
            parts: key.into_iter().chain([part]).collect(),
        });
    }

    fn occurrence(&mut self, id: SymbolId, span: Span) {
        if self.scoping.symbol_scope_id(id) != self.scoping.root_scope_id() {
            return;
        }
        if let Some(name) = self.sdk.get(&id) {
            self.misused.push((name.clone(), span));
            return;
        }
        let symbol = self.symbol(id);
        let shorthand = self.shorthand.contains(&span.start);
        let whole = !self.member_objects.contains(&span.start);
        if let Some(symbol) = self.symbols.get_mut(symbol) {
            symbol.uses.push(Use {
                start: span.start as usize,
                end: span.end as usize,
                shorthand,
            });
            symbol.used_whole |= whole;
        }
    }

    /// The tag and the object literal of a call that creates a function.
    fn creation(&self, call: &CallExpression<'a>) -> Option<(&'static str, Span)> {
        let Expression::Identifier(callee) = &call.callee else {
            return None;
        };
        let id = self.resolve(callee)?;
        let creator = self.sdk.get(&id)?;
        let tag = TAGS.iter().find(|(name, _)| name == creator)?.1;
        let [argument] = call.arguments.as_slice() else {
            return None;
        };
        match argument.as_expression()? {
            Expression::ObjectExpression(object) => Some((tag, object.span)),
            _ => None,
        }
    }

    fn replace_creation(&mut self, call: Span, tag: &str, object: Span) {
        let bare = matches!(
            self.parents.last(),
            Some(AstKind::VariableDeclarator(_) | AstKind::ExportDefaultDeclaration(_))
        );
        let (open, close) = if bare { ("", "") } else { ("(", ")") };
        let inside = object.start as usize + 1;
        let rest = self.js.get(inside..).unwrap_or("");
        let (line, separator) = match rest.find(|c: char| c != ' ') {
            Some(0) if rest.starts_with('\n') => {
                let indent: String = rest.chars().skip(1).take_while(|c| *c == ' ').collect();
                (format!("\n{indent}"), ",")
            }
            Some(at) if rest.get(at..).is_some_and(|text| text.starts_with('}')) => (" ".to_owned(), ""),
            _ => (" ".to_owned(), ","),
        };
        self.edits.push(Edit::text(
            call.start as usize,
            inside,
            format!("{open}{{{line}type: {}{separator}", serde_json::Value::from(tag)),
        ));
        self.edits
            .push(Edit::text(object.end as usize, call.end as usize, close));
    }
}

impl<'a> Visit<'a> for Taker<'_, '_, 'a> {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        self.parents.push(kind);
    }

    fn leave_node(&mut self, _: AstKind<'a>) {
        self.parents.pop();
    }

    fn visit_import_declaration(&mut self, _: &ImportDeclaration<'a>) {}

    fn visit_export_named_declaration(&mut self, _: &ExportNamedDeclaration<'a>) {}

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if property.shorthand {
            self.shorthand.insert(property.value.span().start);
            self.visit_expression(&property.value);
            return;
        }
        walk::walk_object_property(self, property);
    }

    fn visit_binding_property(&mut self, property: &BindingProperty<'a>) {
        if property.shorthand {
            let name = match &property.value {
                BindingPattern::AssignmentPattern(pattern) => pattern.left.span(),
                other => other.span(),
            };
            self.shorthand.insert(name.start);
            self.visit_binding_pattern(&property.value);
            return;
        }
        walk::walk_binding_property(self, property);
    }

    fn visit_assignment_target_property_identifier(&mut self, property: &AssignmentTargetPropertyIdentifier<'a>) {
        self.shorthand.insert(property.binding.span.start);
        walk::walk_assignment_target_property_identifier(self, property);
    }

    fn visit_static_member_expression(&mut self, member: &StaticMemberExpression<'a>) {
        if self.of_package && common::is_node_env(member, |reference| self.resolve(reference).is_none()) {
            let (start, end) = (member.span.start as usize, member.span.end as usize);
            self.edits.push(Edit::text(start, end, "\"production\""));
            return;
        }
        if member.property.name != "default"
            && let Expression::Identifier(object) = &member.object
        {
            self.member_objects.insert(object.span.start);
        }
        walk::walk_static_member_expression(self, member);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Some((tag, object)) = self.creation(call) {
            self.replace_creation(call.span, tag, object);
            for argument in &call.arguments {
                self.visit_argument(argument);
            }
            return;
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_identifier_reference(&mut self, reference: &IdentifierReference<'a>) {
        match self.resolve(reference) {
            Some(id) => self.occurrence(id, reference.span),
            None if self.of_package => self.free_occurrence(reference),
            None => {}
        }
    }

    fn visit_binding_identifier(&mut self, binding: &BindingIdentifier<'a>) {
        if let Some(id) = binding.symbol_id.get() {
            self.occurrence(id, binding.span);
        }
    }
}
