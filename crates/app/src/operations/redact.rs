//! Taking secrets out of what is logged, by the names that they go under.
//!
//! Bodies are scanned as text and not parsed: a captured body may be cut off anywhere, and most have nothing to redact.

use std::borrow::Cow;

use serde_json::Value;
use tenon_credentials::Concealer;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Names of paging tokens: no secrets, and what a person looks for first.
const HARMLESS: [&str; 8] = [
    "page",
    "cursor",
    "next",
    "sync",
    "continuation",
    "delta",
    "tokentype",
    "tokenexpir",
];

/// Parts of names that give a secret away.
const TELLING: [&str; 16] = [
    "authorization",
    "cookie",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "credential",
    "codeverifier",
    "assertion",
    "jwt",
];

/// Whether a member, parameter or header of this name may hold a secret. Case, `-`, `_` and `.` do not matter.
pub fn is_secret_name(name: &str) -> bool {
    // Longest name that is looked at; longer ones are data.
    if name.len() > 80 {
        return false;
    }
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | '.' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if !TELLING.iter().any(|part| plain.contains(part)) {
        return false;
    }
    !(plain.contains("token") && HARMLESS.iter().any(|part| plain.contains(part)))
}

/// Whether the value of this header is kept secret: telling names and anything that ends in `-key`.
pub fn is_secret_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let key = lower.ends_with("-key")
        && !matches!(
            lower.as_str(),
            "provider-config-key" | "idempotency-key" | "x-idempotency-key"
        );
    key || is_secret_name(&lower) || lower.ends_with("-signature") || lower.contains("hmac")
}

/// The largest index not above `at` that lies between two characters.
pub fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// JSON text (whole or cut off) with the values of telling members replaced. At most about `max` bytes are looked at.
pub fn json_text(text: &str, max: usize) -> String {
    json_text_with(text, max, &mut |_| {})
}

/// The same; `taken` gets each text that was replaced.
pub fn json_text_with(text: &str, max: usize, taken: &mut dyn FnMut(&str)) -> String {
    let text = text
        .get(..floor_char_boundary(text, max.saturating_add(1)))
        .unwrap_or_default();
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'"' {
            at += 1;
            continue;
        }
        let end = end_of_string(bytes, at);
        let value = skip_blanks(bytes, end);
        let is_member = bytes.get(value) == Some(&b':');
        let name = text.get(at + 1..end.saturating_sub(1)).unwrap_or_default();
        if !is_member || !is_secret_name(name) {
            at = end;
            continue;
        }
        let start = skip_blanks(bytes, value + 1);
        let stop = end_of_value(bytes, start);
        at = stop;
        if matches!(
            text.get(start..stop),
            None | Some("null" | "true" | "false" | "\"\"" | "")
        ) {
            continue;
        }
        let value = text.get(start..stop).unwrap_or_default();
        match serde_json::from_str::<Value>(value) {
            Ok(Value::String(plain)) => taken(&plain),
            Ok(_) => {}
            Err(_) => taken(value.trim_start_matches('"')),
        }
        out.push_str(text.get(copied..start).unwrap_or_default());
        out.push('"');
        out.push_str(REDACTED);
        out.push('"');
        copied = stop;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The index after the string that starts at `at`, or the end of a text that is cut off.
pub(crate) fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// A form body or query with the values of telling parameters replaced. An authorization code counts as telling
/// beside a grant type.
pub fn form_text(text: &str) -> String {
    let grant = text.contains("grant_type=");
    let parts: Vec<Cow<'_, str>> = text
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && (is_secret_name(name) || (grant && name == "code")) => {
                Cow::Owned(format!("{name}={REDACTED}"))
            }
            _ => Cow::Borrowed(pair),
        })
        .collect();
    parts.join("&")
}

/// A URL without password and with the values of telling query parameters replaced.
pub fn url_text(url: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (url, None),
    };
    let mut text = String::with_capacity(url.len());
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let authority_end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(authority_end);
            text.push_str(scheme);
            text.push_str("://");
            match authority.rsplit_once('@') {
                Some((_, host)) => {
                    text.push_str(REDACTED);
                    text.push('@');
                    text.push_str(host);
                }
                None => text.push_str(authority),
            }
            text.push_str(path);
        }
        None => text.push_str(address),
    }
    if let Some(query) = query {
        text.push('?');
        text.push_str(&form_text(query));
    }
    text
}

/// Adds the values of telling parameters of a form or query.
pub fn form_secrets(text: &str, into: &mut Concealer) {
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if is_secret_name(&name) {
            into.add(&value);
        }
    }
}

/// Adds what is secret inside credentials, settings or variables that are handed to a function: texts under telling
/// names, and those that look like nothing but a key.
pub fn secret_texts(value: &Value, into: &mut Concealer) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if telling_member(name) || looks_secret(text) => into.add(text),
                    other => secret_texts(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| secret_texts(item, into)),
        Value::String(text) if looks_secret(text) => into.add(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Adds a variable of an environment when its name or its value tells of a secret.
pub fn secret_variable(name: &str, value: &str, into: &mut Concealer) {
    if telling_member(name) || looks_secret(value) {
        into.add(value);
    }
}

fn telling_member(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_name(name) || lower.ends_with("key") || lower.ends_with("sid") || lower.ends_with("session_id")
}

/// Sixteen or more characters, letters and digits, and neither an address, a moment, a host nor a sentence.
fn looks_secret(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '~');
    let has = |wanted: fn(&char) -> bool| text.chars().any(|c| wanted(&c));
    let host = text.contains('.') && !has(char::is_ascii_uppercase);
    text.len() >= 16 && text.chars().all(plain) && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic) && !host
}
