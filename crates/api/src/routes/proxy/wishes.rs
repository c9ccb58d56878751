//! The headers that steer a proxy call.

use http::HeaderMap;
use tenon_app::validate::{CONNECTION_ID, INTEGRATION_ID, Text, is_url};
use tenon_app::{Error, Issue, Result};

/// What a caller wants of a call.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) integration: String,
    pub(super) connection: String,
    pub(super) retries: u32,
    pub(super) base_url_override: Option<String>,
    pub(super) decompress: bool,
    pub(super) retry_on: Vec<u16>,
    pub(super) forward_headers_on_redirect: Option<bool>,
    pub(super) full_response: bool,
}

impl Wishes {
    /// Reads and checks the headers, all complaints at once.
    ///
    /// # Errors
    /// 400 `invalid_headers`.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self> {
        let mut reader = Reader {
            headers,
            issues: Vec::new(),
        };
        let id = Text::any().max(255);
        let wishes = Self {
            integration: reader.id("provider-config-key", id.pattern(&INTEGRATION_ID)),
            connection: reader.id("connection-id", id.pattern(&CONNECTION_ID)),
            retries: reader.number("retries"),
            base_url_override: reader.url("base-url-override"),
            decompress: reader.flag("decompress").unwrap_or(false),
            retry_on: reader.statuses("retry-on"),
            forward_headers_on_redirect: reader.flag("forward-headers-on-redirect"),
            full_response: reader.flag("tenon-full-response").unwrap_or(false),
        };
        reader.text("nango-activity-log-id", id);
        reader.flag("nango-is-sync");
        reader.flag("nango-is-dry-run");
        if reader.issues.is_empty() {
            Ok(wishes)
        } else {
            Err(Error::invalid("invalid_headers", reader.issues))
        }
    }
}

struct Reader<'h> {
    headers: &'h HeaderMap,
    issues: Vec<Issue>,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    fn complain(&mut self, code: &'static str, message: impl Into<String>, name: &str) {
        self.issues.push(Issue::new(code, message, &[name]));
    }

    fn text(&mut self, name: &str, rule: Text) -> Option<String> {
        let text = self.get(name)?;
        for (code, message) in rule.complaints(&text) {
            self.complain(code, message, name);
        }
        Some(text)
    }

    fn id(&mut self, name: &str, rule: Text) -> String {
        if !self.headers.contains_key(name) {
            self.complain(
                "invalid_type",
                "Invalid input: expected string, received undefined",
                name,
            );
        }
        self.text(name, rule).unwrap_or_default()
    }

    /// A count; an empty text is zero, as it is in JavaScript.
    fn number(&mut self, name: &str) -> u32 {
        let Some(text) = self.get(name) else { return 0 };
        let text = text.trim();
        if text.is_empty() {
            return 0;
        }
        match text.parse::<f64>() {
            Ok(number) if number < 0.0 => {
                self.complain("too_small", "Too small: expected number to be >=0", name);
                0
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative, and saturates"
            )]
            Ok(number) if number.is_finite() => number as u32,
            Ok(_) | Err(_) => {
                self.complain("invalid_type", "Invalid input: expected number, received NaN", name);
                0
            }
        }
    }

    /// An absolute URL; an empty text is none.
    fn url(&mut self, name: &str) -> Option<String> {
        let text = self.get(name).filter(|text| !text.is_empty())?;
        if !is_url(&text) {
            self.complain("invalid_union", "Invalid input", name);
        }
        Some(text)
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.get(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.complain(
                    "invalid_value",
                    "Invalid option: expected one of \"true\"|\"false\"",
                    name,
                );
                None
            }
        }
    }

    fn statuses(&mut self, name: &str) -> Vec<u16> {
        let Some(text) = self.get(name) else { return Vec::new() };
        let well_formed = text
            .split(',')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        if !well_formed {
            self.complain(
                "invalid_format",
                "Invalid string: must match pattern /^\\d+(,\\d+)*$/",
                name,
            );
        }
        text.split(',').filter_map(|part| part.parse().ok()).collect()
    }
}
