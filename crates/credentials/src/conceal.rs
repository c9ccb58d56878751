//! Keeping what was sent out of texts that somebody else wrote.
//!
//! Providers repeat tokens in the sentences that refuse them, upstream errors echo whole requests, functions put what
//! they hold into their errors. Names do not help there: a [`Concealer`] knows the values, in the shapes in which they
//! travel (as they are, escaped in JSON, percent-encoded, inside a longer base64 text, line by line for keys).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::Value;
use tenon_egress::{Body, Request};
use tenon_model::Secret;

/// What stands where a secret was.
pub const CONCEALED: &str = "[redacted]";

/// Shorter values would hide harmless text.
const LENGTH_MIN: usize = 6;
/// Values shorter than this are not looked for inside base64: three characters of each end are uncertain.
const BASE64_LENGTH_MIN: usize = 12;
/// A rest of a value at the end of a cut text that is worth hiding.
const TAIL_MIN: usize = 8;
/// Nested data deeper than this holds no credentials.
const DEPTH_MAX: usize = 16;

/// Parameters of token requests that are no secrets, whatever their value. Refusals are easier to read with them.
const PLAIN_NAMES: [&str; 36] = [
    "grant_type",
    "client_id",
    "redirect_uri",
    "scope",
    "username",
    "user",
    "email",
    "login",
    "audience",
    "resource",
    "response_type",
    "token_type_hint",
    "client_assertion_type",
    "subject_token_type",
    "requested_token_type",
    "account",
    "accountid",
    "account_id",
    "company",
    "organization",
    "organizationid",
    "organization_id",
    "tenant",
    "tenant_id",
    "region",
    "domain",
    "subdomain",
    "version",
    "action",
    "rolearn",
    "rolesessionname",
    "durationseconds",
    "accept",
    "content-type",
    "user-agent",
    "client_name",
];

/// Values that must not be read by anybody.
#[derive(Default, Clone)]
pub struct Concealer {
    needles: Vec<Secret>,
}

impl std::fmt::Debug for Concealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Concealer")
            .field("values", &self.needles.len())
            .finish_non_exhaustive()
    }
}

impl Concealer {
    /// Knows the values that a request to a token endpoint carries: its proof, its parameters, its telling headers.
    pub fn of_request(request: &Request) -> Self {
        let mut own = Self::default();
        own.add_headers(&request.headers, |name| {
            let telling = ["token", "secret", "key", "password", "session", "cookie", "auth"];
            telling.iter().any(|part| name.contains(part))
        });
        for (name, value) in request.url.query_pairs() {
            own.add_named(&name, &value);
        }
        if let Body::Bytes(bytes) = &request.body {
            own.add_body(bytes);
        }
        own
    }

    /// How many shapes of values are known.
    pub fn len(&self) -> usize {
        self.needles.len()
    }

    /// Whether no value is known.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// Adds a value in the shapes in which it travels. Values below six characters are not looked for.
    pub fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() < LENGTH_MIN || value == CONCEALED || self.knows(value) {
            return;
        }
        if value.contains('\n') {
            // A key is quoted with its line breaks, without them, or in part.
            value
                .lines()
                .filter(|line| line.len() > 24)
                .for_each(|line| self.add(line));
        }
        let json = Value::from(value).to_string();
        let json = json.trim_matches('"');
        let percent = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        for shape in [value, json, percent.as_str(), form.as_str()] {
            self.push(shape);
        }
        if value.len() >= BASE64_LENGTH_MIN && value.len() <= 8_192 {
            for before in 0..3_usize {
                self.push(&inside_base64(value, before));
            }
        }
    }

    /// The shapes of the values that are known.
    pub fn shapes(&self) -> impl Iterator<Item = &str> {
        self.needles.iter().map(Secret::expose)
    }

    /// Adds every text inside a value that is a credential as a whole.
    pub fn add_json(&mut self, value: &Value) {
        self.add_texts(value, DEPTH_MAX);
    }

    /// Adds the values of headers that `telling` knows by their lower-case name, and of those marked as sensitive; a
    /// scheme before the value and the password of `Basic` count on their own.
    pub fn add_headers(&mut self, headers: &HeaderMap, telling: impl Fn(&str) -> bool) {
        for (name, value) in headers {
            if !value.is_sensitive() && name != AUTHORIZATION && !telling(name.as_str()) {
                continue;
            }
            let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
                continue;
            };
            let bare = text.split_once(' ').map_or(text, |(_, bare)| bare);
            if text.starts_with("OAuth ") || text.starts_with("AWS4-") {
                // Signatures; the names and identifiers beside them are for reading.
                for part in bare.split(',') {
                    if let Some((name, value)) = part.trim().split_once('=')
                        && (name.contains("token") || name.contains("ignature") || name.contains("verifier"))
                    {
                        self.add(value.trim_matches('"'));
                    }
                }
                continue;
            }
            self.add(bare);
            if text.len() > 6
                && text
                    .get(..6)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
                && let Ok(pair) = STANDARD.decode(bare.trim())
                && let Ok(pair) = String::from_utf8(pair)
            {
                match pair.split_once(':') {
                    // A key in the place of the user name has no password.
                    Some((user, "" | "x" | "X" | "api_token")) => self.add(user),
                    Some((_, password)) => self.add(password),
                    None => self.add(&pair),
                }
            }
        }
    }

    /// The text without any of the values.
    pub fn conceal(&self, text: String) -> String {
        let mut text = text;
        for needle in &self.needles {
            if text.contains(needle.expose()) {
                text = text.replace(needle.expose(), CONCEALED);
            }
        }
        text
    }

    /// The same for a text that was cut off: its end may be the beginning of a value.
    pub fn conceal_cut(&self, text: String) -> String {
        let mut text = self.conceal(text);
        for needle in &self.needles {
            let value = needle.expose();
            let longest = value.len().saturating_sub(1).min(text.len());
            let cut = (TAIL_MIN..=longest).rev().find(|length| {
                value.is_char_boundary(*length) && text.ends_with(value.get(..*length).unwrap_or(value))
            });
            if let Some(length) = cut {
                text.truncate(text.len() - length);
                text.push_str(CONCEALED);
            }
        }
        text
    }

    /// The value with every text in it concealed; names stay.
    pub fn conceal_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.conceal(std::mem::take(text)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.conceal_json(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.conceal_json(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn knows(&self, value: &str) -> bool {
        self.needles.iter().any(|needle| needle.expose() == value)
    }

    fn push(&mut self, shape: &str) {
        if shape.len() >= LENGTH_MIN && !self.knows(shape) {
            self.needles.push(Secret::new(shape));
            // A long value may contain a short one, and has to go first.
            self.needles
                .sort_by_key(|needle| std::cmp::Reverse(needle.expose().len()));
        }
    }

    fn add_texts(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(items) if depth > 0 => items.iter().for_each(|item| self.add_texts(item, depth - 1)),
            Value::Object(members) if depth > 0 => {
                members.values().for_each(|member| self.add_texts(member, depth - 1));
            }
            _ => {}
        }
    }

    fn add_named(&mut self, name: &str, value: &str) {
        let address = value.starts_with("http://") || value.starts_with("https://");
        if !address && !PLAIN_NAMES.contains(&name.to_ascii_lowercase().as_str()) {
            self.add(value);
        }
    }

    fn add_named_json(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.add_named(name, text),
            Value::Array(items) if depth > 0 => {
                items.iter().for_each(|item| self.add_named_json(name, item, depth - 1));
            }
            Value::Object(members) if depth > 0 => members
                .iter()
                .for_each(|(name, member)| self.add_named_json(name, member, depth - 1)),
            _ => {}
        }
    }

    fn add_body(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return self.add_named_json("", &value, DEPTH_MAX);
        }
        if text.trim_start().starts_with('<') {
            for part in text.split('>') {
                let Some((inner, tag)) = part.split_once('<') else {
                    continue;
                };
                self.add_named(tag.trim_start_matches('/'), inner);
            }
            return;
        }
        for (name, value) in url::form_urlencoded::parse(bytes) {
            self.add_named(&name, &value);
        }
    }
}

/// The characters that every base64 text with the value after `before` other bytes contains.
fn inside_base64(value: &str, before: usize) -> String {
    let mut bytes = vec![0_u8; before];
    bytes.extend_from_slice(value.as_bytes());
    let text = STANDARD.encode(&bytes);
    let text = text.trim_end_matches('=');
    let start = if before == 0 { 0 } else { before + 1 };
    text.get(start..text.len().saturating_sub(1))
        .unwrap_or_default()
        .to_owned()
}
