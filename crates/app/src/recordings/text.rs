//! JSON texts: values under telling names, found and replaced without touching the rest of the text.

use serde_json::Value;

use super::secrets::{STAND_IN, Secrets};
use crate::operations::redact::{end_of_string, is_secret_name};

/// Members of credentials that functions decide by and that give nothing away.
const PLAIN: [&str; 9] = [
    "type",
    "token_type",
    "expires_at",
    "expiresAt",
    "expires_in",
    "scope",
    "scopes",
    "status",
    "credentials_type",
];

/// What a member's name says about its value.
fn telling(name: &str, inside: bool) -> bool {
    !PLAIN.contains(&name) && (inside || is_secret_name(name))
}

/// Collects the texts under telling names.
pub(super) fn collect(value: &Value, inside: bool, into: &mut Secrets) {
    match value {
        Value::String(text) if inside => into.add(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, inside, into)),
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| collect(member, telling(name, inside), into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The text with a stand-in for every text, and 0 for every number, under a telling name. With `all`, stand-ins of
/// single values become the common one, so that two texts can be compared. Malformed text comes out as it is.
pub(super) fn rewrite(text: &str, inside: bool, all: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut stack = vec![inside];
    let mut pending: Option<bool> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                let literal = text.get(start..at).unwrap_or_default();
                let name = literal.trim_matches('"');
                if is_name(bytes, at) && pending.is_none() {
                    pending = Some(telling(name, stack.last().copied().unwrap_or_default()));
                    out.push_str(literal);
                    continue;
                }
                let secret = pending.take().or_else(|| stack.last().copied()).unwrap_or_default();
                if secret && !name.is_empty() && (all || !name.contains(STAND_IN)) {
                    out.push('"');
                    out.push_str(STAND_IN);
                    out.push('"');
                } else {
                    out.push_str(literal);
                }
                continue;
            }
            b'{' | b'[' => {
                let inside = pending.take().or_else(|| stack.last().copied()).unwrap_or_default();
                stack.push(inside);
            }
            b'}' | b']' => {
                pending = None;
                if stack.len() > 1 {
                    stack.pop();
                }
            }
            b',' => pending = None,
            b'-' | b'0'..=b'9' if pending == Some(true) && !stack.last().copied().unwrap_or_default() => {
                while matches!(bytes.get(at), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    at += 1;
                }
                out.push('0');
                pending = None;
                continue;
            }
            _ => {}
        }
        at += 1;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        out.push_str(text.get(start..at).unwrap_or_default());
    }
    out
}

/// Whether a colon follows.
fn is_name(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let next = rest.iter().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
    next == Some(&b':')
}
