//! Taking secrets out of a recording, in two passes: first all are found, then each is replaced wherever it is.
//!
//! What gives a value away: it is known (the connection's credentials, variables and keys that the run was handed), its
//! name tells (as in logs), or the function got it from `getConnection`, `getToken` or a cookie.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tenon_credentials::Concealer;
use tenon_runtime::cassette::{Cassette, Content, Ended, Message, Step};

use super::secrets::{Finder, STAND_IN, Secrets};
use super::text::{collect, rewrite};
use crate::operations::redact::{form_secrets, is_secret_header, is_secret_name, secret_variable};

/// Parts of a cookie that are no value of its own.
const COOKIE_ATTRIBUTES: [&str; 8] = [
    "path", "domain", "expires", "max-age", "samesite", "secure", "httponly", "priority",
];

/// Takes every secret out of a recording.
pub fn scrub(cassette: &mut Cassette, known: &Concealer) {
    let mut secrets = Secrets::default();
    secrets.add_known(known);
    find(cassette, &mut secrets);
    cassette.secrets_withheld += secrets.count();
    let cleaner = Cleaner {
        finder: secrets.finder(),
        all: false,
    };
    cleaner.clean(cassette);
}

/// Makes what may be a secret the same everywhere in a message, so that a message of a recorded run can be compared with
/// one of a run with stand-ins.
pub fn mask(message: &mut Message) {
    let cleaner = Cleaner {
        finder: None,
        all: true,
    };
    cleaner.message(message, false);
}

fn find(cassette: &Cassette, secrets: &mut Secrets) {
    let output = match &cassette.outcome {
        Ended::Output(output) => output.text(),
        Ended::Error(error) => Some(error.payload_json.as_str()),
    };
    let input = cassette.input.as_ref().and_then(Content::text);
    for text in [input, cassette.context.text(), output].into_iter().flatten() {
        find_in_text(text, false, secrets);
    }
    collect(&cassette.connection, false, secrets);
    for step in &cassette.steps {
        match step {
            Step::Call { request, answer, .. } => {
                find_in_message(request, "", secrets);
                if let Some(answer) = answer {
                    find_in_message(answer, request.op(), secrets);
                }
            }
            Step::Log { meta: Some(meta), .. } => {
                if let Some(text) = meta.text() {
                    find_in_text(text, false, secrets);
                }
            }
            Step::Log { meta: None, .. } | Step::Note { .. } => {}
        }
    }
}

fn find_in_text(text: &str, inside: bool, secrets: &mut Secrets) {
    if text.starts_with(['{', '[', '"'])
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        collect(&value, inside, secrets);
    }
}

/// `answers` is what was asked, when the message is an answer.
fn find_in_message(message: &Message, answers: &str, secrets: &mut Secrets) {
    find_in_header(&message.header, secrets);
    for part in &message.parts {
        let Some(text) = part.text() else { continue };
        match answers {
            "getToken" => find_in_text(text, true, secrets),
            "getEnvironmentVariables" => find_variables(text, secrets),
            _ => find_in_text(text, false, secrets),
        }
        let form = message.header.get("body").is_some_and(|body| body["kind"] == "form");
        if form {
            find_in_form(text, secrets);
        }
    }
}

fn find_variables(text: &str, secrets: &mut Secrets) {
    let variables: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    for variable in variables {
        if let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
            let mut known = Concealer::default();
            secret_variable(name, value, &mut known);
            if !known.is_empty() {
                secrets.add(value);
            }
        }
    }
}

fn find_in_form(text: &str, secrets: &mut Secrets) {
    let mut known = Concealer::default();
    form_secrets(text, &mut known);
    secrets.add_known(&known);
}

/// Headers, parameters and addresses, at any depth.
fn find_in_header(members: &serde_json::Map<String, Value>, secrets: &mut Secrets) {
    for (name, member) in members {
        match member {
            Value::String(text) => {
                if let Some((_, query)) = text.split_once('?') {
                    find_in_form(query, secrets);
                } else if name == "params" {
                    find_in_form(text, secrets);
                }
                if let Some((_, rest)) = text.split_once("://")
                    && let Some((user, _)) = rest.split('/').next().unwrap_or_default().rsplit_once('@')
                {
                    user.split(':').for_each(|part| secrets.add(part));
                }
            }
            Value::Array(items) => {
                for (key, value) in items.iter().filter_map(pair) {
                    if name == "headers" {
                        find_in_http_header(key, value, secrets);
                    } else if is_secret_name(key) {
                        secrets.add(value);
                    }
                }
            }
            Value::Object(inner) => find_in_header(inner, secrets),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn pair(item: &Value) -> Option<(&str, &str)> {
    Some((item.get(0)?.as_str()?, item.get(1)?.as_str()?))
}

fn find_in_http_header(name: &str, value: &str, secrets: &mut Secrets) {
    if !is_secret_header(name) {
        return;
    }
    if name.ends_with("cookie") {
        for part in value.split(';') {
            if let Some((name, value)) = part.trim().split_once('=')
                && !COOKIE_ATTRIBUTES.contains(&name.to_ascii_lowercase().as_str())
            {
                secrets.add(value);
            }
        }
        return;
    }
    let mut headers = HeaderMap::new();
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
    let mut known = Concealer::default();
    known.add_headers(&headers, |_| true);
    secrets.add_known(&known);
}

/// Replaces what was found.
struct Cleaner {
    finder: Option<Finder>,
    /// Stand-ins become the common one.
    all: bool,
}

impl Cleaner {
    fn clean(&self, cassette: &mut Cassette) {
        if let Some(js) = &mut cassette.code.js {
            self.text(js);
        }
        if let Some(input) = &mut cassette.input {
            self.content(input, false);
        }
        self.content(&mut cassette.context, false);
        self.value(&mut cassette.connection);
        self.value(&mut cassette.checkpoint);
        match &mut cassette.outcome {
            Ended::Output(output) => self.content(output, false),
            Ended::Error(error) => {
                self.text(&mut error.message);
                error.stack.iter_mut().for_each(|stack| self.text(stack));
                self.json(&mut error.payload_json, false);
                if let Some(upstream) = &mut error.upstream {
                    self.value(&mut upstream.body);
                }
            }
        }
        for step in &mut cassette.steps {
            self.step(step);
        }
    }

    fn step(&self, step: &mut Step) {
        match step {
            Step::Call { request, answer, .. } => {
                let token = request.op() == "getToken";
                self.message(request, false);
                if let Some(answer) = answer {
                    self.message(answer, token);
                }
            }
            Step::Log { message, meta, .. } => {
                self.text(message);
                if let Some(meta) = meta {
                    self.content(meta, false);
                }
            }
            Step::Note { message, .. } => self.text(message),
        }
    }

    fn message(&self, message: &mut Message, token: bool) {
        self.header(&mut message.header);
        message.parts.iter_mut().for_each(|part| self.content(part, token));
    }

    fn header(&self, members: &mut serde_json::Map<String, Value>) {
        for (name, member) in members {
            match member {
                Value::String(text) => self.text(text),
                Value::Array(items) => {
                    let telling: fn(&str) -> bool = if name == "headers" {
                        is_secret_header
                    } else {
                        is_secret_name
                    };
                    for item in items {
                        let secret = pair(item).is_some_and(|(key, _)| telling(key));
                        match item.get_mut(1) {
                            Some(Value::String(value)) => {
                                self.text(value);
                                if secret && (self.all || !value.contains(STAND_IN)) {
                                    STAND_IN.clone_into(value);
                                }
                            }
                            _ => self.value(item),
                        }
                    }
                }
                Value::Object(inner) => self.header(inner),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    }

    fn content(&self, content: &mut Content, inside: bool) {
        match content {
            Content::Json(_) | Content::Text(_) => {
                let mut text = content.text().unwrap_or_default().to_owned();
                self.json(&mut text, inside);
                *content = Content::of_text(text);
            }
            Content::Base64(text) => {
                let bytes = STANDARD.decode(text.as_bytes()).unwrap_or_default();
                if self.finder.as_ref().is_some_and(|finder| finder.is_in(&bytes)) {
                    *content = Content::Withheld(bytes.len());
                }
            }
            Content::Withheld(_) => {}
        }
    }

    /// A text that may be JSON.
    fn json(&self, text: &mut String, inside: bool) {
        self.text(text);
        let json = text.starts_with(['{', '[', '"']) || (inside && !text.starts_with("null"));
        if json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            *text = rewrite(text, inside, self.all);
        }
    }

    fn text(&self, text: &mut String) {
        if let Some(clean) = self.finder.as_ref().and_then(|finder| finder.replace(text)) {
            *text = clean;
        }
    }

    fn value(&self, value: &mut Value) {
        let mut text = value.to_string();
        self.json(&mut text, false);
        if let Ok(clean) = serde_json::from_str(&text) {
            *value = clean;
        }
    }
}
