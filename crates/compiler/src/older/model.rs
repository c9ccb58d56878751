//! `models.ts`: the models of `nango.yaml` as Zod schemas, each with the type of its values.

use std::collections::{BTreeSet, HashMap};

use serde_yaml_ng::Value;

use super::{
    config::Model,
    outline,
    types::{Zod, enclosed, member, name_of, translate},
};
use crate::{diagnostic::Diagnostic, source::SourceFile};

/// A model whose members are translated.
struct Translated<'m> {
    name: &'m str,
    /// Models whose members it has too.
    extends: Vec<String>,
    members: Vec<(&'m str, Zod)>,
    rest: Option<Zod>,
}

/// The text of the file. What cannot be translated is added to `diagnostics`.
pub fn file(source: &SourceFile, models: &[Model], diagnostics: &mut Vec<Diagnostic>) -> String {
    let known = |name: &str| models.iter().any(|model| model.name == name);
    let mut all = HashMap::new();
    for model in models {
        if let Some(translated) = translated(source, model, &known, diagnostics) {
            all.insert(model.name.as_str(), translated);
        }
    }
    let mut writer = Writer {
        all: &all,
        begun: BTreeSet::new(),
        done: BTreeSet::new(),
        out: "import * as z from 'zod';\n".to_owned(),
        circles: Vec::new(),
    };
    for model in models {
        writer.add(&model.name);
    }
    for name in writer.circles {
        let at = outline::find(source, &["models", &name, "__extends"]);
        diagnostics.push(
            Diagnostic::error("cannot_be_translated", format!("`{name}` extends itself in the end"))
                .at(source, at.start, at.end)
                .hint("list its members instead"),
        );
    }
    writer.out
}

fn translated<'m>(
    source: &SourceFile,
    model: &'m Model,
    known: &dyn Fn(&str) -> bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Translated<'m>> {
    let before = diagnostics.len();
    let mut result = Translated {
        name: &model.name,
        extends: Vec::new(),
        members: Vec::new(),
        rest: None,
    };
    for (key, value) in &model.members {
        let name = key.as_str().unwrap_or_default();
        let mut refuse = |message: String| {
            let at = outline::find(source, &["models", &model.name, name]);
            let message = format!("`{}.{name}`: {message}", model.name);
            diagnostics.push(
                Diagnostic::error("cannot_be_translated", message)
                    .at(source, at.start, at.end)
                    .hint("change the type here, or translate the project by hand"),
            );
        };
        match name {
            "" => refuse("the name of a member is not a text; put quotes around it".to_owned()),
            "__extends" => {
                for base in bases(value) {
                    if known(&base) {
                        result.extends.push(base);
                    } else {
                        refuse(format!("there is no model `{base}`"));
                    }
                }
            }
            "__string" => match translate(value, known, 4) {
                Ok(schema) => result.rest = Some(schema),
                Err(message) => refuse(message),
            },
            _ if name.starts_with("__") => refuse("only `__extends` and `__string` are understood".to_owned()),
            _ => match translate(value, known, 4) {
                Ok(schema) => result.members.push((name, schema)),
                Err(message) => refuse(message),
            },
        }
    }
    (diagnostics.len() == before).then_some(result)
}

/// `A, B` or a list.
fn bases(value: &Value) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Value::Sequence(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().flat_map(|text| text.split(',')).collect(),
    };
    texts
        .into_iter()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

struct Writer<'w, 'm> {
    all: &'w HashMap<&'m str, Translated<'m>>,
    begun: BTreeSet<String>,
    done: BTreeSet<String>,
    out: String,
    circles: Vec<String>,
}

impl Writer<'_, '_> {
    /// Writes a model after those that it needs; one that it is in a circle with is named in a getter, which is not evaluated
    /// before all of them exist.
    fn add(&mut self, name: &str) {
        let all = self.all;
        let Some(model) = all.get(name) else { return };
        if !self.begun.insert(name.to_owned()) {
            return;
        }
        for base in &model.extends {
            self.add(base);
            if !self.done.contains(base) {
                self.circles.push(name.to_owned());
            }
        }
        for needed in model.members.iter().map(|(_, schema)| schema).chain(&model.rest) {
            for other in &needed.models {
                self.add(other);
            }
        }
        let mut lines = String::new();
        for (key, schema) in &model.members {
            if schema.models.iter().all(|needed| self.done.contains(needed)) {
                lines.push_str(&format!("    {},\n", member(key, schema)));
            } else {
                let (name, optional) = name_of(key);
                lines.push_str(&format!(
                    "    get {name}() {{\n        return {}{optional};\n    }},\n",
                    schema.text
                ));
            }
        }
        let mut text = extended(&model.extends, &lines);
        if let Some(rest) = &model.rest {
            text = if rest.models.iter().all(|needed| self.done.contains(needed)) {
                format!("{text}.catchall({})", rest.text)
            } else {
                format!("{text}.catchall(z.lazy(() => {}))", rest.text)
            };
        }
        let name = model.name;
        self.out.push_str(&format!(
            "\nexport const {name} = {text};\nexport type {name} = z.infer<typeof {name}>;\n"
        ));
        self.done.insert(name.to_owned());
    }
}

/// An object with the members of others. `extend` is what TypeScript can follow in circles; spreading their shapes is not.
fn extended(bases: &[String], lines: &str) -> String {
    let object = enclosed(lines, 0);
    let Some((first, others)) = bases.split_first() else {
        return object;
    };
    let mut text = first.clone();
    for base in others {
        text.push_str(&format!(".extend({base}.shape)"));
    }
    if !lines.is_empty() {
        let members = object.strip_prefix("z.object").unwrap_or(&object);
        text.push_str(&format!(".extend{members}"));
    }
    text
}
