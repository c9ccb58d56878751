//! The request of an action call.

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::Result;
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, NAME, Text};

/// What is to run, on which connection, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerInput {
    /// Name of the action.
    pub action: String,
    /// Input as JSON text; `None` for every falsy one.
    pub input: Option<String>,
    /// The integration's key.
    pub integration: String,
    /// The connection's id.
    pub connection: String,
    /// Answer at once and run later.
    pub later: bool,
    /// How often a failed later run is tried again.
    pub retries_max: u32,
    /// How many functions wait for this call, each for the next.
    pub depth: u32,
}

impl TriggerInput {
    /// Reads headers and body.
    pub fn parse(headers: &HeaderMap, body: Option<&Value>) -> Result<Self> {
        let (integration, connection, later, retries_max) = read_headers(headers)?;
        let mut fields = Fields::body(body)?;
        let action = fields.text("action_name", Text::any().pattern(&NAME).max(255));
        let input = super::given(fields.raw("input"));
        fields.finish("invalid_body")?;
        Ok(Self {
            action: action.unwrap_or_default(),
            input,
            integration,
            connection,
            later,
            retries_max,
            depth: 0,
        })
    }

    /// A call through a deprecated endpoint: the whole body is the input.
    pub fn of_endpoint(headers: &HeaderMap, action: String, body: Option<&Value>) -> Result<Self> {
        let (integration, connection, later, retries_max) = read_headers(headers)?;
        Ok(Self {
            action,
            input: super::given(body),
            integration,
            connection,
            later,
            retries_max,
            depth: 0,
        })
    }
}

fn read_headers(headers: &HeaderMap) -> Result<(String, String, bool, u32)> {
    let mut map = Map::new();
    for name in ["provider-config-key", "connection-id", "x-async", "x-max-retries"] {
        if let Some(value) = headers.get(name) {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            map.insert(name.to_owned(), Value::String(text));
        }
    }
    let value = Value::Object(map);
    let mut fields = Fields::root(Some(&value)).map_err(|issues| crate::Error::invalid("invalid_headers", issues))?;
    let integration = fields.text("provider-config-key", Text::any().pattern(&INTEGRATION_ID).max(255));
    let connection = fields.text("connection-id", Text::any().pattern(&CONNECTION_ID).max(255));
    let later = fields.opt_text_boolean("x-async");
    let retries = fields.opt_integer("x-max-retries", 0, 5, true);
    fields.finish("invalid_headers")?;
    Ok((
        integration.unwrap_or_default(),
        connection.unwrap_or_default(),
        later.unwrap_or(false),
        u32::try_from(retries.unwrap_or(0)).unwrap_or(0),
    ))
}
