//! Requests and forms as lines of text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tenon_catalog::Provider;
use tenon_catalog::provider::Field;
use url::Url;

use super::Part;

/// Headers that every request has.
const COMMON: [&str; 2] = ["user-agent", "accept"];

pub(super) fn request_lines(method: &str, url: &Url, headers: &[(String, String)], body: &str) -> Vec<String> {
    let mut lines = vec![format!("{method} {url}")];
    let telling = headers.iter().filter(|(name, value)| {
        !COMMON.contains(&name.as_str()) || (name == "accept" && value != "application/json" && !value.contains("*/*"))
    });
    lines.extend(telling.map(|(name, value)| format!("{name}: {}", readable(value))));
    if !body.is_empty() {
        lines.extend(body.lines().map(readable));
    }
    lines
}

/// Tokens that were signed here, opened: their parts say what was signed, a signature says nothing.
fn readable(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(from.len());
        let (token, after) = from.split_at(end);
        out.push_str(before);
        let parts: Vec<&str> = token.split('.').collect();
        let open = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        match parts.as_slice() {
            [header, claims, _] => match (open(header), open(claims)) {
                (Some(header), Some(claims)) => out.push_str(&format!("<JWT {header} {claims}>")),
                _ => out.push_str(token),
            },
            _ => out.push_str(token),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What people are asked for.
pub(super) fn fields(provider: &Provider) -> Option<Part> {
    let lines: Vec<String> = provider
        .inputs
        .groups()
        .into_iter()
        .flat_map(|(group, fields)| fields.iter().map(move |one| field(group, one)))
        .collect();
    (!lines.is_empty()).then(|| Part::new("fields", lines))
}

fn field(group: &str, field: &Field) -> String {
    let mut line = format!("{group}.{} {:?}", field.name, field.label);
    let mut mark = |word: &str, is: bool| {
        if is {
            line.push(' ');
            line.push_str(word);
        }
    };
    mark("automatic", field.filled_by_platform);
    mark("hidden", field.hidden);
    mark("secret", field.secret);
    mark("optional", field.optional);
    let affixes = [
        ("prefix", &field.prefix),
        ("suffix", &field.suffix),
        ("default", &field.default),
    ];
    for (name, value) in affixes {
        if let Some(value) = value {
            line.push_str(&format!(" {name}={value:?}"));
        }
    }
    if let Some(format) = field.format {
        line.push_str(&format!(" format={}", format.as_str()));
    }
    if let Some(pattern) = &field.pattern {
        line.push_str(&format!(" pattern={}", pattern.as_str()));
    }
    if !field.choices.is_empty() {
        line.push_str(&format!(" choices={}", field.choices.join("|")));
    }
    line
}
