//! Fixtures: `*.test.json`, with everything that was recorded of one run (functions contract, 6.2 and 6.3).

use std::{fs, path::Path};

use serde_json::{Map, Value};
use tenon_model::Timestamp;

use super::{
    discover::Source,
    identity::{Identity, is_form, plain_text},
    js_text::stringify,
    older::Older,
};

/// What a run is answered with, and what is expected of it.
#[derive(Debug)]
pub enum Recording {
    /// One file.
    Unified(Unified),
    /// The older folder with a file per value and per request.
    Older(Older),
}

/// Records by model, as saved or deleted.
pub type Batches = Vec<(String, Vec<Value>)>;

impl Recording {
    /// Reads what was found.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(source: &Source) -> Result<Self, String> {
        match source {
            Source::File(path) => Unified::read(path).map(Self::Unified),
            Source::Mocks(mocks, function) => Older::find(mocks, function)
                .map(Self::Older)
                .ok_or_else(|| "the recording is gone".to_owned()),
        }
    }

    /// The input of an action.
    pub fn input(&self) -> Option<Value> {
        match self {
            Self::Unified(fixture) => fixture.whole.get("input").cloned(),
            Self::Older(folder) => folder.value("input"),
        }
    }

    /// The output expected of an action.
    pub fn output(&self) -> Option<Value> {
        match self {
            Self::Unified(fixture) => fixture.whole.get("output").cloned(),
            Self::Older(folder) => folder.value("output"),
        }
    }

    /// What `nango.<name>` answers.
    pub fn canned(&self, name: &str) -> Option<Value> {
        match self {
            Self::Unified(fixture) => fixture.nango().and_then(|nango| nango.get(name)).cloned(),
            Self::Older(folder) => folder.canned(name),
        }
    }

    /// The records expected of `batchSave` or `batchDelete`.
    pub fn batches(&self, name: &str) -> Batches {
        match self {
            Self::Unified(fixture) => {
                let models = fixture.nango().and_then(|nango| nango.get(name)?.as_object());
                let models = models.into_iter().flatten();
                models
                    .map(|(model, records)| (model.clone(), records.as_array().cloned().unwrap_or_default()))
                    .collect()
            }
            Self::Older(folder) => folder.batches(name),
        }
    }

    /// Records that earlier runs saved; the public format has none.
    pub fn records(&self) -> Batches {
        self.batches("records")
    }

    /// Whether the fixture says which records there are.
    pub fn knows_records(&self) -> bool {
        self.canned("records").is_some()
    }

    /// Members of the payload of the `ActionError` that the function is expected to throw.
    pub fn expected_error(&self) -> Option<&Value> {
        self.whole().get("error")
    }

    /// Whether some answer was a refusal, which production throws and the public kit returns.
    pub fn has_refusals(&self) -> bool {
        let methods = ["get", "post", "put", "patch", "delete"];
        let mut entries = methods.into_iter().flat_map(|method| self.entries_by_method(method));
        entries.any(|(_, entry)| {
            let status = entry.get("status").and_then(Value::as_u64);
            status.is_some_and(|status| !(200..300).contains(&status))
        })
    }

    /// The whole file, when there is one.
    pub fn whole(&self) -> &Value {
        match self {
            Self::Unified(fixture) => &fixture.whole,
            Self::Older(_) => &Value::Null,
        }
    }

    /// Every recorded endpoint of a method (lower case) with its entries.
    pub fn entries_by_method(&self, method: &str) -> Vec<(&str, &Value)> {
        let Self::Unified(fixture) = self else {
            return Vec::new();
        };
        let endpoints = fixture.whole.get("api").and_then(|api| api.get(method)?.as_object());
        let mut entries = Vec::new();
        for (endpoint, entry) in endpoints.into_iter().flatten() {
            let list = entry.as_array().map_or(std::slice::from_ref(entry), Vec::as_slice);
            entries.extend(list.iter().map(|entry| (endpoint.as_str(), entry)));
        }
        entries
    }

    /// When the first answer was recorded, by its `date` header.
    pub fn began_at(&self) -> Option<i64> {
        let methods = ["get", "post", "put", "patch", "delete"];
        let entries = methods.into_iter().flat_map(|method| self.entries_by_method(method));
        let moments = entries.filter_map(|(_, entry)| http_date(entry.get("headers")?.get("date")?.as_str()?));
        moments.min()
    }

    /// The recorded answer to a request, as JSON text `{data, status, headers}`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn answer(&self, request: &Identity) -> Result<String, String> {
        match self {
            Self::Unified(fixture) => fixture.answer(request),
            Self::Older(folder) => folder.answer(request),
        }
    }
}

/// A fixture in one file.
#[derive(Debug)]
pub struct Unified {
    /// Always an object.
    whole: Value,
}

impl Unified {
    /// Reads a fixture.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let whole = read_json(path)?;
        if whole.is_object() {
            Ok(Self { whole })
        } else {
            Err("the fixture is not a JSON object".to_owned())
        }
    }

    fn nango(&self) -> Option<&Map<String, Value>> {
        self.whole.get("nango")?.as_object()
    }

    /// The entries recorded for a method and an endpoint.
    fn entries(&self, request: &Identity) -> &[Value] {
        let endpoints = self.whole.get("api").and_then(|api| api.get(&request.method));
        let plain = endpoints.and_then(|endpoints| endpoints.get(&request.endpoint));
        let entry = plain.or_else(|| endpoints.and_then(|endpoints| endpoints.get(format!("/{}", request.endpoint))));
        match entry {
            Some(Value::Array(entries)) => entries,
            Some(Value::Null) | None => &[],
            Some(entry) => std::slice::from_ref(entry),
        }
    }

    fn answer(&self, request: &Identity) -> Result<String, String> {
        let entries = self.entries(request);
        let hash = request.hash();
        let fits = |entry: &&Value| {
            entry["hash"].as_str() == Some(&hash)
                || match entry.get("request").filter(|recorded| recorded.is_object()) {
                    Some(recorded) => mismatch(recorded, request).is_none(),
                    None => entries.len() == 1 && request.params.is_empty(),
                }
        };
        match entries.iter().find(fits) {
            Some(entry) => Ok(answer_text(
                entry.get("response"),
                entry.get("status"),
                entry.get("headers"),
            )),
            None => Err(format!(
                "no recorded answer for {} (hash {hash}): {}",
                request.describe(),
                self.why_none(request, entries)
            )),
        }
    }

    fn why_none(&self, request: &Identity, entries: &[Value]) -> String {
        match entries {
            [] => {
                let known = self.whole.get("api").and_then(|api| api.get(&request.method));
                let known: Vec<&str> = known
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(endpoint, _)| endpoint.as_str())
                    .take(10)
                    .collect();
                if known.is_empty() {
                    format!("the fixture has no {} requests", request.method.to_uppercase())
                } else {
                    format!("recorded endpoints are {}", known.join(", "))
                }
            }
            entries => {
                let reasons: Vec<String> = entries
                    .iter()
                    .take(3)
                    .map(|entry| {
                        match (
                            entry.get("request").filter(|recorded| recorded.is_object()),
                            entry["hash"].as_str(),
                        ) {
                            (Some(recorded), _) => mismatch(recorded, request).unwrap_or_default(),
                            (None, Some(hash)) => format!("the entry is for the request with the hash {hash}"),
                            (None, None) => "the entry does not say for which request it is".to_owned(),
                        }
                    })
                    .collect();
                let more = entries.len().saturating_sub(3);
                let more = if more > 0 {
                    format!(" (and {more} more entries)")
                } else {
                    String::new()
                };
                format!("{}{more}", reasons.join("; "))
            }
        }
    }
}

/// `Fri, 12 Jun 2026 16:40:07 GMT` in milliseconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    let iso = format!("{year}-{month:02}-{day:0>2}T{time}.000Z");
    Timestamp::parse_iso(&iso).map(|moment| moment.millis())
}

/// The JSON text that a function gets for a recorded answer; what was not recorded is not there.
pub fn answer_text(response: Option<&Value>, status: Option<&Value>, headers: Option<&Value>) -> String {
    let members: Vec<String> = [("data", response), ("status", status), ("headers", headers)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The first way in which a request differs from a recorded one.
fn mismatch(recorded: &Value, request: &Identity) -> Option<String> {
    params_mismatch(recorded, request)
        .or_else(|| headers_mismatch(recorded, request))
        .or_else(|| {
            let data = recorded.get("data")?;
            (!request.data.fits(data)).then(|| {
                let sent = request.data.text().unwrap_or_else(|| "nothing".to_owned());
                format!("the recorded data is {}, sent was {sent}", stringify(data))
            })
        })
}

fn members(recorded: &Value, name: &str) -> Vec<(String, String)> {
    let members = recorded.get(name).and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), plain_text(value)))
        .collect()
}

fn params_mismatch(recorded: &Value, request: &Identity) -> Option<String> {
    let wanted = members(recorded, "params");
    let sent = |name: &str| request.params.iter().find(|(known, _)| known == name);
    if let Some((name, value)) = wanted
        .iter()
        .find(|(name, value)| sent(name).is_none_or(|(_, text)| text != value))
    {
        return Some(differs("parameter", name, value, sent(name)));
    }
    let extra = || {
        request
            .params
            .iter()
            .find(|(name, _)| !wanted.iter().any(|(known, _)| known == name))
    };
    (wanted.len() != request.params.len()).then(|| match extra() {
        Some((name, _)) => format!("the parameter {name} was not recorded"),
        None => "another number of parameters was recorded".to_owned(),
    })
}

fn differs(what: &str, name: &str, value: &str, sent: Option<&(String, String)>) -> String {
    let sent = sent.map_or_else(|| "none".to_owned(), |(_, text)| format!("{text:?}"));
    format!("the recorded {what} {name} is {value:?}, sent was {sent}")
}

/// Names in lower case, the first of equal names, without the content type of forms.
fn normalized(headers: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut normalized: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_lowercase();
        let counts = !(name == "content-type" && is_form(&value));
        if counts && !normalized.iter().any(|(known, _)| *known == name) {
            normalized.push((name, value));
        }
    }
    normalized
}

fn headers_mismatch(recorded: &Value, request: &Identity) -> Option<String> {
    let wanted = normalized(members(recorded, "headers"));
    let sent = normalized(request.headers.iter().cloned());
    if let Some((name, value)) = wanted.iter().find(|header| !sent.contains(header)) {
        let sent = sent.iter().find(|(known, _)| known == name);
        return Some(differs("header", name, value, sent));
    }
    let extra = sent.iter().find(|header| !wanted.contains(header));
    extra.map(|(name, _)| format!("the header {name} was not recorded"))
}

/// A JSON file. Halves of characters, which JavaScript reads and Rust does not, become the replacement character.
///
/// # Errors
/// Why it cannot be read.
pub fn read_json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&without_lone_surrogates(text)))
        .map_err(|error| format!("{} is not JSON: {error}", path.display()))
}

fn without_lone_surrogates(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(_), _) => {
                clean.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // Any other escape: the backslash and the character after it belong together.
            (None, _) => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
        };
        clean.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    clean.push_str(rest);
    clean
}

/// The surrogate that an escape at the beginning of the text stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests;
