//! Values of a connection that a fixture does not hold.
//!
//! Many fixtures were recorded together with a test that gives the connection, and have no `getConnection` of their
//! own. Then a function reads names instead of values (`unknown--realmId--`). The first request that contains a name is
//! laid over the recorded ones: where it fits but for the names, they stand for what was recorded there.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use super::identity::{Data, Identity, identity_of, plain_text};
use super::recording::Recording;

#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled by every test")]
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new("unknown--[A-Za-z0-9_]+?--").unwrap());

/// What the names of a run stand for, as far as that is known.
#[derive(Debug, Default)]
pub struct Unknowns {
    values: BTreeMap<String, String>,
}

impl Unknowns {
    /// Puts values in place of names, finding out what can be found out.
    pub fn resolve(&mut self, request: &mut Identity, recording: &Recording) {
        self.fill(request);
        if !is_open(request) {
            return;
        }
        for (endpoint, entry) in recording.entries_by_method(&request.method) {
            if let Some(found) = overlay(request, endpoint, entry) {
                self.values.extend(found);
                self.fill(request);
                return;
            }
        }
    }

    /// A text with values in place of the names that are known.
    pub fn filled(&self, text: &str) -> String {
        let value = |found: &regex::Captures<'_>| {
            self.values
                .get(&found[0])
                .cloned()
                .unwrap_or_else(|| found[0].to_owned())
        };
        NAME.replace_all(text, value).into_owned()
    }

    /// A value with values in place of names.
    pub fn apply(&self, value: Value) -> Value {
        if self.values.is_empty() {
            return value;
        }
        serde_json::from_str(&self.filled(&value.to_string())).unwrap_or(value)
    }

    fn fill(&self, request: &mut Identity) {
        if self.values.is_empty() {
            return;
        }
        request.endpoint = self.filled(&request.endpoint);
        for (_, value) in request.params.iter_mut().chain(&mut request.headers) {
            *value = self.filled(value);
        }
        if let Data::Text(text) | Data::Form(text) = &mut request.data {
            *text = self.filled(text);
        }
    }
}

fn is_open(request: &Identity) -> bool {
    let mut pairs = request.params.iter().chain(&request.headers);
    NAME.is_match(&request.endpoint)
        || pairs.any(|(_, value)| NAME.is_match(value))
        || matches!(&request.data, Data::Text(text) | Data::Form(text) if NAME.is_match(text))
}

type Found = BTreeMap<String, String>;

/// What the names in a request stand for if a recorded entry is the same request.
fn overlay(request: &Identity, endpoint: &str, entry: &Value) -> Option<Found> {
    let mut found = Found::new();
    unify(&request.endpoint, endpoint.trim_start_matches('/'), &mut found)?;
    let recorded = entry.get("request");
    let pairs = |name: &str| -> Vec<(String, String)> {
        let members = recorded.and_then(|recorded| recorded.get(name)?.as_object());
        let members = members.into_iter().flatten();
        members
            .map(|(name, value)| (name.to_lowercase(), plain_text(value)))
            .collect()
    };
    for (sent, recorded) in [(&request.params, pairs("params")), (&request.headers, pairs("headers"))] {
        for (name, value) in sent {
            let other = recorded.iter().find(|(known, _)| *known == name.to_lowercase());
            unify(value, &other?.1, &mut found)?;
        }
    }
    if let (Data::Text(text), Some(data)) = (&request.data, recorded.and_then(|recorded| recorded.get("data")))
        && NAME.is_match(text)
    {
        unify(text, &identity_of(data)?, &mut found)?;
    }
    (!found.is_empty()).then_some(found)
}

/// Lays a text with names over a recorded one.
fn unify(text: &str, recorded: &str, found: &mut Found) -> Option<()> {
    let mut pattern = String::from("^");
    let mut names: Vec<&str> = Vec::new();
    let mut end = 0;
    for name in NAME.find_iter(text) {
        pattern.push_str(&regex::escape(text.get(end..name.start())?));
        pattern.push_str("([^/?&\"]+)");
        names.push(name.as_str());
        end = name.end();
    }
    if names.is_empty() {
        return (text == recorded).then_some(());
    }
    pattern.push_str(&regex::escape(text.get(end..)?));
    pattern.push('$');
    let captures = Regex::new(&pattern).ok()?.captures(recorded)?;
    for (name, value) in names.into_iter().zip(captures.iter().skip(1).flatten()) {
        let known = found
            .entry(name.to_owned())
            .or_insert_with(|| value.as_str().to_owned());
        if known.as_str() != value.as_str() {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
