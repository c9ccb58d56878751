//! One request to a token endpoint: how the client proves itself, how the body is written, what a refusal means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value};
use tenon_catalog::provider::{BodyFormat, ClientAuth, ExchangeBody, FieldNames};
use tenon_egress::{Egress, Redirects, Request};
use url::Url;
use zeroize::Zeroizing;

use crate::conceal::Concealer;
use crate::error::{Error, Failure, Refusal};
use crate::material::{SecretJson, at_path};
use crate::modes::jwt;
use crate::subject::{Subject, USER_AGENT, render_error};

/// Token replies are small; anything larger is not one.
const REPLY_BYTES_MAX: usize = 1 << 20;
/// Limit of one call. Together with reading the body it stays well below the refresh lease.
pub const CALL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
const DESCRIPTION_CHARS_MAX: usize = 500;
/// A longer one is a sentence.
const CODE_CHARS_MAX: usize = 100;

/// A request to a token endpoint before client authentication.
#[derive(Debug)]
pub struct TokenCall {
    /// What this endpoint is, for error texts.
    pub what: &'static str,
    /// Where.
    pub url: Url,
    /// Parameters in order; later ones of the same name win.
    pub params: Vec<(String, Value)>,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// Encoding of the parameters.
    pub format: BodyFormat,
}

/// A successful reply.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The reply as JSON; a form-encoded one becomes an object of texts.
    pub body: SecretJson,
    /// Response headers.
    pub headers: http::HeaderMap,
}

impl TokenCall {
    /// Sets a parameter, replacing one of the same name.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.params.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.params.push((name.to_owned(), value)),
        }
    }

    /// Adds the client's proof.
    ///
    /// # Errors
    /// When a client assertion cannot be signed.
    pub fn authenticate(
        &mut self,
        subject: &Subject<'_>,
        client_auth: ClientAuth,
        fields: &FieldNames,
    ) -> Result<(), Error> {
        let id = subject.app.client_id.as_str();
        let secret = subject.app.client_secret.expose();
        match client_auth {
            ClientAuth::Body => self.pair_in_body(fields, id, Some(secret)),
            ClientAuth::Public => self.pair_in_body(fields, id, None),
            ClientAuth::None => {}
            ClientAuth::Basic => self.basic(id, secret),
            ClientAuth::BasicFormEncoded => self.basic(&form_encode(id), &form_encode(secret)),
            ClientAuth::BasicAndBody => {
                self.basic(id, secret);
                self.pair_in_body(fields, id, Some(secret));
            }
            ClientAuth::BasicSecretAsUser => self.basic(secret, ""),
            ClientAuth::UsernamePassword => {
                self.set("username", id);
                self.set("password", secret);
            }
            ClientAuth::PrivateKeyJwt => {
                let declared = subject.provider.oauth2.as_ref().map(|facts| &facts.token.assertion);
                let issuer = declared
                    .and_then(|declared| declared.issuer.as_ref())
                    .map(|issuer| issuer.render(&subject.scope()).map_err(render_error))
                    .transpose()?;
                let audience = declared.and_then(|declared| declared.audience.as_deref());
                let assertion = jwt::client_assertion(
                    subject,
                    issuer.as_deref().unwrap_or(id),
                    audience.unwrap_or(self.url.as_str()),
                )?;
                self.set(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                );
                self.set("client_assertion", assertion);
            }
        }
        Ok(())
    }

    fn pair_in_body(&mut self, fields: &FieldNames, id: &str, secret: Option<&str>) {
        if let Some(name) = &fields.client_id {
            self.set(name, id);
        }
        // A public client has no secret, and an empty parameter is one that some servers refuse.
        if let (Some(name), Some(secret)) = (&fields.client_secret, secret.filter(|secret| !secret.is_empty())) {
            self.set(name, secret);
        }
    }

    fn basic(&mut self, user: &str, password: &str) {
        self.headers
            .push((AUTHORIZATION.as_str().to_owned(), basic(user, password)));
    }

    /// Sends the request and reads the reply.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Refused`].
    #[tenon_model::boxed]
    pub async fn send(self, egress: &Egress) -> Result<Reply, Error> {
        let what = self.what;
        let unreachable = |source| Error::Unreachable { what, source };
        let mut url = self.url;
        let mut request = match self.format {
            BodyFormat::Form => {
                let fields: Vec<(String, String)> = self
                    .params
                    .iter()
                    .map(|(name, value)| (name.clone(), form_value(value)))
                    .collect();
                Request::new(http::Method::POST, url).form(fields)
            }
            BodyFormat::Json => {
                let body: Map<String, Value> = self.params.into_iter().collect();
                Request::new(http::Method::POST, url).json(&body).map_err(unreachable)?
            }
            BodyFormat::Query => {
                url.query_pairs_mut().extend_pairs(
                    self.params
                        .iter()
                        .map(|(name, value)| (name.as_str(), form_value(value))),
                );
                Request::new(http::Method::POST, url)
            }
        };
        request = request
            .header(ACCEPT.as_str(), "application/json")
            .map_err(unreachable)?;
        request = request.header("user-agent", USER_AGENT).map_err(unreachable)?;
        for (name, value) in &self.headers {
            request = request.header(name, value).map_err(unreachable)?;
        }
        send(egress, what, request).await
    }
}

/// Sends any request of an exchange and reads its reply as JSON, form or text.
///
/// # Errors
/// [`Error::Unreachable`] or [`Error::Refused`].
#[tenon_model::boxed]
pub async fn send(egress: &Egress, what: &'static str, request: Request) -> Result<Reply, Error> {
    let unreachable = |source| Error::Unreachable { what, source };
    // A redirected token request would carry the secret in its body to wherever the redirect points.
    let request = request.timeout(CALL_TIMEOUT).redirects(Redirects::Return);
    let sent = Concealer::of_request(&request);
    let response = egress.send(request).await.map_err(unreachable)?;
    let status = response.status.as_u16();
    let headers = response.headers.clone();
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let text = Zeroizing::new(response.text(REPLY_BYTES_MAX).await.map_err(unreachable)?);
    let body = SecretJson::new(parse(&text, &content_type));
    if (200..300).contains(&status) && error_code(body.expose()).is_none() {
        return Ok(Reply { status, body, headers });
    }
    // Some providers repeat the token that they refuse.
    let told = sent.conceal(text.to_string());
    Err(refused(what, status, &parse(&told, &content_type), &told))
}

/// The refusal that a reply stands for.
pub fn refused(what: &'static str, status: u16, body: &Value, text: &str) -> Error {
    let code = error_code(body);
    let description = description(body)
        .or_else(|| (!text.trim_start().starts_with('<')).then(|| text.trim().to_owned()))
        .filter(|text| !text.is_empty())
        .map(|text| text.chars().take(DESCRIPTION_CHARS_MAX).collect());
    let failure = classify(status, code.as_deref(), description.as_deref());
    Error::Refused {
        what,
        refusal: Refusal {
            status,
            code: code.map(|code| code.chars().take(CODE_CHARS_MAX).collect()),
            description,
        },
        failure,
    }
}

/// JSON if it is, a form if it looks like one, else the text.
fn parse(text: &str, content_type: &str) -> Value {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return value;
    }
    let form = content_type.contains("x-www-form-urlencoded")
        || (text.contains("access_token=") || text.contains("oauth_token=") || text.contains("error="))
            && !text.trim_start().starts_with(['<', '{']);
    if form {
        return Value::Object(
            url::form_urlencoded::parse(text.trim().as_bytes())
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect(),
        );
    }
    Value::String(text.to_owned())
}

/// The error code in a reply, in the places where providers put it. A 200 reply with one is a refusal: GitHub and
/// Slack answer that way.
fn error_code(body: &Value) -> Option<String> {
    let has_token = ["access_token", "token", "oauth_token"]
        .iter()
        .any(|name| body.get(name).is_some());
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    match body.get("error") {
        Some(Value::String(code)) if !code.is_empty() && !has_token => return Some(code.clone()),
        Some(Value::Object(error)) => {
            let code = ["code", "type", "status", "error"]
                .iter()
                .find_map(|name| error.get(*name).and_then(text));
            return Some(code.unwrap_or_else(|| "error".to_owned()));
        }
        _ => {}
    }
    if body.get("ok") == Some(&Value::Bool(false)) {
        return Some("error".to_owned());
    }
    // HubSpot: {"status":"BAD_REFRESH_TOKEN","message":…}; others name it errorCode or code.
    if !has_token && body.get("message").or_else(|| body.get("errorMessage")).is_some() {
        return ["status", "errorCode", "error_code", "code"]
            .iter()
            .find_map(|name| body.get(*name).and_then(text));
    }
    None
}

fn description(body: &Value) -> Option<String> {
    let paths = [
        "error_description",
        "error.message",
        "message",
        "errorMessage",
        "error_message",
        "detail",
        "error_reason",
    ];
    paths
        .iter()
        .find_map(|path| at_path(body, path).and_then(Value::as_str))
        .map(str::to_owned)
}

/// What a refusal means. Standard codes of RFC 6749 §5.2 first, then what providers say instead of them.
fn classify(status: u16, code: Option<&str>, description: Option<&str>) -> Failure {
    let code: String = code.unwrap_or_default().to_ascii_lowercase().replace(['-', ' '], "_");
    match code.as_str() {
        "invalid_grant"
        | "bad_refresh_token"
        | "invalid_refresh_token"
        | "refresh_token_expired"
        | "expired_token"
        | "token_expired"
        | "token_revoked"
        | "refresh_token_revoked"
        | "account_inactive"
        | "interaction_required"
        | "consent_required"
        | "login_required" => return Failure::InvalidGrant,
        "invalid_client"
        | "unauthorized_client"
        | "invalid_scope"
        | "unsupported_grant_type"
        | "bad_client_secret"
        | "invalid_client_id"
        | "incorrect_client_credentials" => return Failure::Misconfigured,
        "temporarily_unavailable" | "server_error" | "slow_down" | "rate_limited" | "ratelimited" => {
            return Failure::Transient;
        }
        _ => {}
    }
    let said = description.unwrap_or_default().to_ascii_lowercase();
    if said.contains("refresh token")
        && ["invalid", "expired", "revoked", "unknown"]
            .iter()
            .any(|w| said.contains(w))
    {
        return Failure::InvalidGrant;
    }
    match status {
        408 | 425 | 429 | 500..=599 => Failure::Transient,
        _ => Failure::Misconfigured,
    }
}

/// A `Basic` header value.
pub fn basic(user: &str, password: &str) -> String {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    format!("Basic {}", STANDARD.encode(pair.as_bytes()))
}

fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A parameter as it stands in a form: texts as they are, everything else as JSON.
pub fn form_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The body of an exchange step in its encoding.
pub fn encode_exchange(format: ExchangeBody, params: &[(String, Value)]) -> (&'static str, String) {
    match format {
        ExchangeBody::Json => {
            let body: Map<String, Value> = params.iter().cloned().collect();
            ("application/json", Value::Object(body).to_string())
        }
        ExchangeBody::Form => {
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in params {
                text.append_pair(name, &form_value(value));
            }
            ("application/x-www-form-urlencoded", text.finish())
        }
        ExchangeBody::Xml => {
            let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
            for (name, value) in params {
                xml_element(&mut text, name, value);
            }
            ("application/xml", text)
        }
    }
}

/// Writes an element; members that begin with `$` are attributes, `_` is the text.
fn xml_element(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| xml_element(out, name, item)),
        Value::Object(members) => {
            out.push('<');
            out.push_str(name);
            for (attribute, value) in members {
                if let Some(attribute) = attribute.strip_prefix('$') {
                    out.push_str(&format!(" {attribute}=\"{}\"", xml_escape(&form_value(value))));
                }
            }
            out.push('>');
            for (child, value) in members {
                match child.as_str() {
                    "_" => out.push_str(&xml_escape(&form_value(value))),
                    child if child.starts_with('$') => {}
                    child => xml_element(out, child, value),
                }
            }
            out.push_str(&format!("</{name}>"));
        }
        Value::Null => out.push_str(&format!("<{name}/>")),
        other => out.push_str(&format!("<{name}>{}</{name}>", xml_escape(&form_value(other)))),
    }
}

fn xml_escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
