//! The consent page. A person can use it in a browser; a program posts the same form.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use url::{Url, form_urlencoded};

use super::grants::Consent;
use crate::hubspot::Hub;
use crate::lock;

/// An authorize request, from the query of the page or from its form.
#[derive(Debug, Default)]
struct AuthorizeRequest {
    fields: Vec<(String, String)>,
}

impl AuthorizeRequest {
    fn parse(raw: &[u8]) -> Self {
        Self {
            fields: form_urlencoded::parse(raw).into_owned().collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    fn scopes(&self) -> Vec<String> {
        ["scope", "optional_scope"]
            .into_iter()
            .filter_map(|name| self.get(name))
            .flat_map(|text| text.split([' ', ',']))
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The redirect URL when the request is one that the page may be shown for.
    fn check(&self, hub: &Hub) -> Result<Url, String> {
        if self.get("client_id") != Some(hub.config.client_id.as_str()) {
            return Err("The client ID is missing or does not belong to an app of this account.".to_owned());
        }
        let text = self.get("redirect_uri").unwrap_or_default();
        let registered = &hub.config.redirect_uris;
        if !registered.is_empty() && !registered.iter().any(|known| known == text) {
            return Err(format!(
                "The redirect URL {text} does not match the ones registered for the app."
            ));
        }
        if let Some(kind) = self.get("response_type").filter(|kind| *kind != "code") {
            return Err(format!("The response type {kind} is not supported; use code."));
        }
        if let Some(method) = self
            .get("code_challenge_method")
            .filter(|method| !["S256", "plain"].contains(method))
        {
            return Err(format!(
                "The code challenge method {method} is not supported; use S256."
            ));
        }
        Url::parse(text)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()))
            .ok_or_else(|| "The redirect URL is missing or is not an absolute http(s) URL.".to_owned())
    }

    fn approve(&self, hub: &Hub, mut redirect: Url) -> Response {
        let challenge = self
            .get("code_challenge")
            .filter(|text| !text.is_empty())
            .map(|challenge| {
                (
                    challenge.to_owned(),
                    self.get("code_challenge_method").unwrap_or("plain").to_owned(),
                )
            });
        let consent = Consent {
            redirect_uri: self.get("redirect_uri").unwrap_or_default().to_owned(),
            scopes: self.scopes(),
            challenge,
        };
        let code = lock(&hub.grants).issue_code(consent, hub.clock.now_ms());
        redirect.query_pairs_mut().append_pair("code", &code);
        self.redirect(redirect)
    }

    fn deny(&self, mut redirect: Url) -> Response {
        redirect
            .query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "The user did not approve the app.");
        self.redirect(redirect)
    }

    fn redirect(&self, mut redirect: Url) -> Response {
        if let Some(state) = self.get("state") {
            redirect.query_pairs_mut().append_pair("state", state);
        }
        (StatusCode::FOUND, [(header::LOCATION, redirect.to_string())]).into_response()
    }
}

/// `GET /oauth/authorize`: the page, or the redirect at once when the simulator approves by itself.
pub async fn show(State(hub): State<Arc<Hub>>, RawQuery(raw): RawQuery) -> Response {
    let request = AuthorizeRequest::parse(raw.unwrap_or_default().as_bytes());
    match request.check(&hub) {
        Err(reason) => refusal(&reason),
        Ok(redirect) if hub.config.auto_approve => request.approve(&hub, redirect),
        Ok(redirect) => Html(consent_page(&hub, &request, &redirect)).into_response(),
    }
}

/// `POST /oauth/authorize`: the decision.
pub async fn decide(State(hub): State<Arc<Hub>>, body: axum::body::Bytes) -> Response {
    let request = AuthorizeRequest::parse(&body);
    match request.check(&hub) {
        Err(reason) => refusal(&reason),
        Ok(redirect) if request.get("decision") == Some("approve") => request.approve(&hub, redirect),
        Ok(redirect) => request.deny(redirect),
    }
}

fn refusal(reason: &str) -> Response {
    let page = page(
        "Couldn't complete the connection",
        &format!("<p>{}</p>", escape(reason)),
    );
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

fn consent_page(hub: &Hub, request: &AuthorizeRequest, redirect: &Url) -> String {
    let mut body = String::new();
    let host = redirect.host_str().unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(
        body,
        "<p>An app at <strong>{}</strong> wants to access the simulated account <strong>{}</strong> \
         ({} contacts).</p><ul>",
        escape(host),
        hub.config.hub_id,
        lock(&hub.contacts).live(),
    );
    let scopes = request.scopes();
    for scope in &scopes {
        let _ = write!(body, "<li><code>{}</code></li>", escape(scope));
    }
    if scopes.is_empty() {
        body.push_str("<li>everything (no scopes were asked for)</li>");
    }
    body.push_str("</ul><form method=\"post\" action=\"/oauth/authorize\">");
    for (name, value) in request.fields.iter().filter(|(name, _)| name != "decision") {
        let _ = write!(
            body,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        );
    }
    body.push_str(
        "<button name=\"decision\" value=\"approve\" autofocus>Connect app</button> \
         <button name=\"decision\" value=\"deny\" class=\"plain\">Cancel</button></form>",
    );
    page("Connect an app to a simulated HubSpot account", &body)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>\
         body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;color:#1f2933}}\
         h1{{font-size:1.4rem}} button{{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.4rem;\
         background:#1d4f91;color:#fff;cursor:pointer}} button.plain{{background:#e4e7eb;color:#1f2933}}\
         small{{color:#616e7c}}</style></head><body><h1>{title}</h1>{body}\
         <p><small>This is a simulator for development. It is not HubSpot and knows no real accounts.</small></p>\
         </body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
