//! Authentication keys of the listing.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Wire, compat, json_templates, shown, templates, with_first};
use crate::provider::{
    AssertionKind, AuthMode, BodyFormat, ClientAuth, ClientRegistration, Exchange, ExchangeBody, ExchangeStep,
    ExpiryKind, ExpiryUnit, HmacKeyEncoding, JwtKey, Method, OAuth2, Provider, SignedJwt,
};

pub(super) fn describe(provider: &Provider, wire: &mut Wire) {
    if let Some(oauth1) = &provider.oauth1 {
        let texts = |pairs: &[(String, String)]| -> Map<String, Value> {
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect()
        };
        wire.set("request_url", oauth1.request_url.as_str());
        wire.object("request_params", texts(&oauth1.request_params));
        wire.set("authorization_url", oauth1.authorize_url.as_str());
        wire.object("authorization_params", texts(&oauth1.authorize_params));
        wire.set("token_url", oauth1.token_url.as_str());
        wire.object("token_params", texts(&oauth1.token_params));
        wire.set("signature_method", oauth1.signature.as_str());
        separator(&oauth1.scope_separator, wire);
    }
    if let Some(mcp) = &provider.mcp {
        let registration = mcp.registration.map(|registration| match registration {
            ClientRegistration::Dynamic => "dynamic",
            ClientRegistration::Static => "static",
            ClientRegistration::MetadataDocument => "cimd",
        });
        wire.text("client_registration", registration);
        wire.text("registration_url", mcp.register_url.as_deref());
        wire.object("registration_params", mcp.register_params.iter().cloned().collect());
    }
    if let Some(oauth2) = &provider.oauth2 {
        describe_oauth2(provider, oauth2, wire);
    }
    if let Some(installation) = &provider.installation {
        wire.set("authorization_url", installation.authorize_url.to_wire());
        let installation_url = installation.token_url.to_wire();
        match (&provider.oauth2, provider.auth) {
            (Some(OAuth2 { token, .. }), AuthMode::Custom) => {
                let user_url = token.url.as_ref().map(|url| url.to_wire()).unwrap_or_default();
                wire.set("token_url", json!({ "OAUTH2": user_url, "APP": installation_url }));
            }
            _ => wire.set("token_url", installation_url),
        }
    }
    if let Some(exchange) = &provider.exchange {
        describe_exchange(provider, exchange, wire);
    }
    if let Some(jwt) = &provider.signed_jwt {
        describe_jwt(jwt, wire);
    }
    if let Some(wsse) = provider.wsse {
        wire.set("signature", json!({ "protocol": "WSSE" }));
        wire.set("token", json!({ "expires_in_ms": millis(wsse.lifetime) }));
    }
}

fn separator(separator: &str, wire: &mut Wire) {
    if separator != " " {
        wire.set("scope_separator", separator);
    }
}

fn describe_oauth2(provider: &Provider, oauth2: &OAuth2, wire: &mut Wire) {
    let id = provider.id.as_str();
    wire.url("authorization_url", oauth2.authorize_url.as_ref());
    let response_type = shown(compat().shows_response_type(id), "response_type", "code");
    wire.object(
        "authorization_params",
        with_first(response_type, templates(&oauth2.authorize_params)),
    );
    separator(&oauth2.scope_separator, wire);
    wire.list("default_scopes", &oauth2.default_scopes);
    wire.flag("disable_pkce", !oauth2.pkce);
    let mut unencoded = Vec::new();
    if oauth2.rewrite.scope_unencoded {
        unencoded.push("scopes".to_owned());
    }
    if oauth2.rewrite.inputs_unencoded {
        unencoded.push("base_url".to_owned());
    }
    wire.list("authorization_url_skip_encode", &unencoded);
    wire.text("authorization_url_fragment", oauth2.rewrite.fragment.as_deref());
    let replacements = oauth2.rewrite.replacements.iter();
    wire.object(
        "authorization_url_replacements",
        replacements
            .map(|(from, to)| (from.clone(), Value::from(to.as_str())))
            .collect(),
    );
    wire.flag("authorization_url_skip_empty", oauth2.rewrite.drop_empty);
    if oauth2.code_param != "code" {
        wire.set("authorization_code_param_in_callback", oauth2.code_param.as_str());
    }
    if let Some(outbound) = &oauth2.outbound {
        wire.set("installation", "outbound");
        wire.set("authorization_code_param_in_webhook", outbound.code_path.as_str());
    }
    wire.url("token_url", oauth2.token.url.as_ref());
    let grant = match provider.auth {
        AuthMode::OAuth2Cc => shown(
            oauth2.token.fields.grant_type.is_some(),
            "grant_type",
            "client_credentials",
        ),
        _ => shown(compat().shows_token_grant(id), "grant_type", "authorization_code"),
    };
    wire.object("token_params", with_first(grant, json_templates(&oauth2.token.params)));
    wire.object("token_headers", templates(&oauth2.token.headers));
    let grant = shown(compat().shows_refresh_grant(id), "grant_type", "refresh_token");
    wire.object(
        "refresh_params",
        with_first(grant, json_templates(&oauth2.refresh.params)),
    );
    wire.url("refresh_url", oauth2.refresh.url.as_ref());
    match oauth2.token.body {
        BodyFormat::Form => {}
        BodyFormat::Json => wire.set("body_format", "json"),
        BodyFormat::Query => wire.set("body_format", "query"),
    }
    describe_client_auth(provider.auth, oauth2.token.client_auth, wire);
    wire.text("alternate_access_token_response_path", oauth2.reply.nested.as_deref());
    if oauth2.reply.expires_unit == ExpiryUnit::Milliseconds {
        wire.set("expires_in_unit", "milliseconds");
    }
    if let Some(margin) = oauth2.refresh.margin {
        wire.set("token_expiration_buffer", margin.as_secs());
    }
    wire.flag("require_client_certificate", oauth2.client_certificate);
}

fn describe_client_auth(mode: AuthMode, auth: ClientAuth, wire: &mut Wire) {
    match auth {
        ClientAuth::Body | ClientAuth::Public | ClientAuth::None | ClientAuth::BasicSecretAsUser => {}
        ClientAuth::BasicFormEncoded => wire.set("authorization_method", "header"),
        ClientAuth::Basic => {
            if mode != AuthMode::OAuth2Cc {
                wire.set("authorization_method", "header");
            }
            wire.set("token_request_auth_method", "basic");
        }
        ClientAuth::BasicAndBody => wire.set("token_request_auth_method", "basic"),
        ClientAuth::UsernamePassword => wire.set("token_request_auth_method", "custom"),
        ClientAuth::PrivateKeyJwt => wire.set("token_request_auth_method", "private_key_jwt"),
    }
}

fn describe_exchange(provider: &Provider, exchange: &Exchange, wire: &mut Wire) {
    wire.set("token_url", exchange.first.url.to_wire());
    if provider.auth == AuthMode::Bill {
        return;
    }
    if exchange.first.method != Method::Post {
        wire.set("token_request_method", exchange.first.method.as_str());
    }
    wire.object("token_headers", templates(&exchange.first.headers));
    wire.object("token_params", json_templates(&exchange.first.params));
    match exchange.body {
        ExchangeBody::Json => {}
        ExchangeBody::Form => wire.set("body_format", "form"),
        ExchangeBody::Xml => wire.set("body_format", "xml"),
    }
    let mut reply = Map::from_iter([("token".to_owned(), Value::from(exchange.token_path.as_str()))]);
    if let Some((path, kind)) = &exchange.expires {
        let strategy = match kind {
            ExpiryKind::Relative => "expireIn",
            ExpiryKind::Absolute => "expireAt",
        };
        reply.insert("token_expiration".to_owned(), path.as_str().into());
        reply.insert("token_expiration_strategy".to_owned(), strategy.into());
    }
    if let Some(path) = &exchange.refresh_token_path {
        reply.insert("refresh_token".to_owned(), path.as_str().into());
    }
    wire.object("token_response", reply);
    if let Some(lifetime) = exchange.lifetime {
        wire.set("token_expires_in_ms", millis(lifetime));
    }
    if let Some(margin) = exchange.margin {
        wire.set("token_expiration_buffer", margin.as_secs());
    }
    wire.list("token_response_headers", &exchange.keep_headers);
    if !exchange.then.is_empty() {
        wire.set("additional_steps", exchange.then.iter().map(step).collect::<Vec<_>>());
    }
    if let Some(refresh) = &exchange.refresh {
        wire.url("refresh_url", refresh.url.as_ref());
        wire.object("refresh_token_params", json_templates(&refresh.params));
        wire.object("refresh_token_headers", templates(&refresh.headers));
    }
    if let Some(jwt) = &exchange.signed_jwt {
        describe_jwt(jwt, wire);
    }
    if let Some(assertion) = &exchange.assertion {
        let mut described = Wire::default();
        let lifetime = assertion.lifetime.as_secs();
        if let Some(key) = &assertion.key {
            described.set("key", key.to_wire());
        }
        described.set("lifetimeInSeconds", lifetime);
        match &assertion.kind {
            AssertionKind::Jwt { header, claims } => {
                described.set("type", "jwt");
                described.object("header", json_templates(header));
                described.object("payload", json_templates(claims));
            }
            AssertionKind::Saml {
                issuer,
                audience,
                recipient,
                name_id,
                session_index,
                attributes,
            } => {
                described.set("type", "saml");
                described.set("issuer", issuer.to_wire());
                described.set("audiences", audience.to_wire());
                described.set("recipient", recipient.to_wire());
                described.set("nameIdentifier", name_id.to_wire());
                if let Some(index) = session_index {
                    described.set("sessionIndex", index.to_wire());
                }
                described.object("attributes", json_templates(attributes));
            }
        }
        wire.object("assertion", described.map);
    }
}

fn step(step: &ExchangeStep) -> Value {
    let mut wire = Wire::default();
    wire.set("token_url", step.url.to_wire());
    if step.method != Method::Post {
        wire.set("token_request_method", step.method.as_str());
    }
    wire.object("token_headers", templates(&step.headers));
    wire.object("token_params", json_templates(&step.params));
    Value::Object(wire.map)
}

fn describe_jwt(jwt: &SignedJwt, wire: &mut Wire) {
    let protocol = match jwt.key_kind {
        JwtKey::Rsa => "RSA",
        JwtKey::Ec => "EC",
        JwtKey::Hmac => "HMAC",
    };
    let mut signature = Map::from_iter([("protocol".to_owned(), Value::from(protocol))]);
    if jwt.hmac_key_encoding == HmacKeyEncoding::Utf8 {
        signature.insert("hmac_secret_encoding".to_owned(), "utf8".into());
    }
    wire.set("signature", Value::Object(signature));
    wire.set(
        "token",
        json!({
            "signing_key": jwt.key.to_wire(),
            "expires_in_ms": millis(jwt.lifetime),
            "header": json_templates(&jwt.header),
            "payload": json_templates(&jwt.claims),
        }),
    );
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
