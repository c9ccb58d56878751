//! A provider's message: headers, query and body, and the values in it.

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenon_catalog::provider::{EventPath, Router, Signature, Webhook};

use crate::parse::{json, query};
use crate::{Error, Result};

/// Headers that are not passed on to customers; names that begin with one of these.
const NOT_FORWARDED: [&str; 16] = [
    "host",
    "authorization",
    "connection",
    "keep-alive",
    "content-length",
    "content-type",
    "content-encoding",
    "cookie",
    "set-cookie",
    "referer",
    "user-agent",
    "sec-",
    "proxy-",
    "www-authenticate",
    "server",
    "transfer-encoding",
];

/// One message as it is kept, sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Message {
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Query parameters that the provider's entry allows.
    pub query: Map<String, Value>,
    /// The body: JSON as it is, forms as objects, other text as text.
    pub body: Value,
}

impl Message {
    /// Reads a request.
    ///
    /// # Errors
    /// 400 `invalid_json` when the body claims to be JSON and is not.
    pub fn read(headers: &HeaderMap, query: Map<String, Value>, raw: &[u8]) -> Result<Self> {
        let content_type = headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Ok(Self {
            headers: headers
                .iter()
                .map(|(name, value)| {
                    (
                        name.as_str().to_owned(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect(),
            query,
            body: read_body(&content_type.to_ascii_lowercase(), raw)?,
        })
    }

    /// The value at a place, as text; `None` when it is absent or no scalar.
    pub fn value(&self, place: &EventPath) -> Option<String> {
        match place {
            EventPath::Body(path) => scalar(at_path(&self.body, path)?),
            EventPath::Header(name) => self
                .headers
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone()),
            EventPath::HostLabel(name) => {
                let host = self.value(&EventPath::Header(name.clone()))?;
                host.split('.')
                    .next()
                    .filter(|label| !label.is_empty())
                    .map(str::to_owned)
            }
            EventPath::Query(name) => scalar(self.query.get(name)?),
        }
    }

    /// The type of the event, where its provider puts it.
    pub fn event(&self, webhook: &Webhook) -> Option<String> {
        if webhook.router == Some(Router::Sellsy) {
            return self.sellsy_event();
        }
        webhook.event.as_ref().and_then(|place| self.value(place))
    }

    /// Sellsy puts its events together: what it is about, sometimes of which kind, and what happened.
    fn sellsy_event(&self) -> Option<String> {
        let member = |name: &str| scalar(self.body.get(name)?);
        let event = member("event")?;
        Some(
            match (member("thirdtype"), member("relatedtype"), member("eventType")) {
                (Some(third), ..) => format!("{third}.{event}"),
                (None, Some(related), Some(kind)) => format!("{related}.{kind}.{event}"),
                (None, Some(related), None) => format!("{related}.{event}"),
                (None, None, _) => event,
            },
        )
    }

    /// Google's notifications say everything in their headers and nothing in the body.
    pub fn take_headers_for_body(&mut self, webhook: &Webhook) {
        let is_google = matches!(
            webhook.router,
            Some(Router::Google | Router::GoogleCalendar | Router::GoogleDrive)
        );
        if is_google && self.body.as_object().is_some_and(Map::is_empty) {
            let headers = self.forwarded_headers(webhook).into_iter();
            self.body = headers.map(|(name, value)| (name, Value::String(value))).collect();
        }
    }

    /// Replaces a form whose member `payload` is JSON by that JSON.
    pub fn unwrap_form_payload(&mut self) {
        let inner = self.body.get("payload").and_then(Value::as_str);
        if let Some(inner) = inner.and_then(|text| serde_json::from_str(text).ok()) {
            self.body = inner;
        }
    }

    /// Headers that go along when the message is forwarded: not one that is the shared secret itself.
    pub fn forwarded_headers(&self, webhook: &Webhook) -> Vec<(String, String)> {
        let secret = match &webhook.signature {
            Some(Signature::Equals { header, .. }) => Some(header.as_str()),
            _ => None,
        };
        let kept = |name: &str| Some(name) != secret && !NOT_FORWARDED.iter().any(|prefix| name.starts_with(prefix));
        self.headers.iter().filter(|(name, _)| kept(name)).cloned().collect()
    }
}

fn read_body(content_type: &str, raw: &[u8]) -> Result<Value> {
    if content_type.contains("json") && !raw.is_empty() {
        let mut body = json::read(raw).map_err(|reason| Error::refuse(400, "invalid_json").message(reason))?;
        write_numbers_as_javascript(&mut body);
        return Ok(body);
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(query::parse(&String::from_utf8_lossy(raw)));
    }
    if raw.is_empty() || content_type.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    Ok(Value::String(String::from_utf8_lossy(raw).into_owned()))
}

/// Whole numbers lose their fraction and exponent (`10.0`, `1e3`): receivers check the older signature over what
/// JavaScript makes of the body.
fn write_numbers_as_javascript(value: &mut Value) {
    /// Larger ones are no whole numbers any more to JavaScript (`Number.MAX_SAFE_INTEGER`).
    const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= WHOLE_MAX);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_numbers_as_javascript),
        Value::Object(map) => map.values_mut().for_each(write_numbers_as_javascript),
        _ => {}
    }
}

/// The value at a dotted path.
pub(crate) fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| match value {
        Value::Object(map) => map.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A text, number or boolean as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
