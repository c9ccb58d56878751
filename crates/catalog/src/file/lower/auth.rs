//! Authentication facts of an entry.

use std::time::Duration;

use super::Reader;
use crate::file::entry::{Authorize, Entry, Fields, Token};
use crate::file::shapes::{NameOrOff, Texts, TextsOr};
use crate::provider::{
    AuthMode, AuthorizeRewrite, BodyFormat, ClientAssertion, ClientAuth, ClientRegistration, ExpiryUnit, FieldNames,
    Installation, Introspect, Mcp, OAuth1, OAuth1Signature, OAuth2, OutboundInstall, Refresh, RefreshUsing,
    RefreshWhen, TokenDialect, TokenReply, TokenRequest, Wsse,
};

const CLIENT_AUTH: &[(&str, ClientAuth)] = &[
    ("body", ClientAuth::Body),
    ("public", ClientAuth::Public),
    ("none", ClientAuth::None),
    ("basic", ClientAuth::Basic),
    ("basic_form_encoded", ClientAuth::BasicFormEncoded),
    ("basic_and_body", ClientAuth::BasicAndBody),
    ("basic_secret_as_user", ClientAuth::BasicSecretAsUser),
    ("username_password", ClientAuth::UsernamePassword),
    ("private_key_jwt", ClientAuth::PrivateKeyJwt),
];
const BODY: &[(&str, BodyFormat)] = &[
    ("form", BodyFormat::Form),
    ("json", BodyFormat::Json),
    ("query", BodyFormat::Query),
];
const USING: &[(&str, RefreshUsing)] = &[
    ("refresh_token", RefreshUsing::RefreshToken),
    ("access_token", RefreshUsing::AccessToken),
    ("client", RefreshUsing::Client),
];
const WHEN: &[(&str, RefreshWhen)] = &[
    ("expiring", RefreshWhen::Expiring),
    ("forced", RefreshWhen::Forced),
    ("never", RefreshWhen::Never),
];
const OAUTH1_SIGNATURE: &[(&str, OAuth1Signature)] = &[
    ("HMAC-SHA1", OAuth1Signature::HmacSha1),
    ("HMAC-SHA256", OAuth1Signature::HmacSha256),
    ("PLAINTEXT", OAuth1Signature::Plaintext),
];
const REGISTRATION: &[(&str, ClientRegistration)] = &[
    ("dynamic", ClientRegistration::Dynamic),
    ("static", ClientRegistration::Static),
    ("metadata_document", ClientRegistration::MetadataDocument),
];

/// The long form of a key that has one; the short form is its `url`.
pub(super) fn long<T>(value: &Option<TextsOr<T>>) -> (Option<&T>, Option<&Texts>) {
    match value {
        None => (None, None),
        Some(TextsOr::Texts(texts)) => (None, Some(texts)),
        Some(TextsOr::Table(table)) => (Some(table), None),
    }
}

pub(super) fn seconds(value: Option<u64>) -> Option<Duration> {
    value.map(Duration::from_secs)
}

impl Reader<'_> {
    pub(super) fn oauth2(&mut self, auth: AuthMode, entry: &Entry) -> Option<OAuth2> {
        let speaks_oauth2 = matches!(
            auth,
            AuthMode::OAuth2 | AuthMode::OAuth2Cc | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic | AuthMode::Custom
        );
        if !speaks_oauth2 {
            return None;
        }
        let (authorize, short) = long(&entry.authorize);
        let default_authorize = Authorize::default();
        let authorize_url = short.or_else(|| authorize.and_then(|table| table.url.as_ref()));
        let authorize = authorize.unwrap_or(&default_authorize);
        // The GitHub modes have an installation page instead of a consent page.
        let authorize_url = match auth {
            AuthMode::Custom => None,
            _ => authorize_url.map(|texts| self.alternatives("authorize", texts)),
        };
        let outbound = authorize
            .code_in_webhook
            .clone()
            .map(|code_path| OutboundInstall { code_path });
        if auth == AuthMode::OAuth2 && authorize_url.is_none() && outbound.is_none() {
            self.fault(
                Some("authorize"),
                "say where the browser is sent: authorize = \"https://…\"".to_owned(),
            );
        }
        let token = self.token_request(entry);
        if token.url.is_none() && auth != AuthMode::McpOAuth2Generic {
            self.fault(
                Some("token"),
                "name the token endpoint: token = \"https://…\"".to_owned(),
            );
        }
        for flag in &authorize.unencoded {
            if flag != "scopes" && flag != "inputs" {
                self.fault(
                    Some("authorize.unencoded"),
                    format!("`{flag}` is unknown; write scopes or inputs"),
                );
            }
        }
        Some(OAuth2 {
            authorize_url,
            authorize_params: self.templates("authorize.params", &authorize.params),
            rewrite: AuthorizeRewrite {
                scope_unencoded: authorize.unencoded.iter().any(|flag| flag == "scopes"),
                inputs_unencoded: authorize.unencoded.iter().any(|flag| flag == "inputs"),
                fragment: authorize.fragment.clone(),
                replacements: authorize.replace.0.clone(),
                drop_empty: authorize.drop_empty,
            },
            scope_separator: entry.scopes.separator.clone().unwrap_or_else(|| " ".to_owned()),
            default_scopes: entry.scopes.default.clone(),
            user_scope_param: entry.scopes.user_param.clone(),
            pkce: entry.pkce.unwrap_or(true),
            code_param: authorize.code_param.clone().unwrap_or_else(|| "code".to_owned()),
            outbound,
            reply: self.reply(entry),
            refresh: self.refresh(entry),
            introspect: entry.introspect.as_deref().map(|url| Introspect {
                url: self.template("introspect", url),
            }),
            client_certificate: entry.client_certificate,
            dialect: entry
                .dialect
                .as_deref()
                .and_then(|name| self.named("dialect", name, TokenDialect::ALL)),
            token,
        })
    }

    fn token_request(&mut self, entry: &Entry) -> TokenRequest {
        let (table, short) = long(&entry.token);
        let default = Token::default();
        let url = short.or_else(|| table.and_then(|table| table.url.as_ref()));
        let table = table.unwrap_or(&default);
        TokenRequest {
            url: url.map(|texts| self.alternatives("token", texts)),
            params: self.json_pairs("token.params", &table.params),
            headers: self.templates("token.headers", &table.headers),
            body: self.named_or_default("token.body", table.body.as_deref(), BODY),
            client_auth: self.named_or_default("token.client_auth", table.client_auth.as_deref(), CLIENT_AUTH),
            assertion: ClientAssertion {
                issuer: table
                    .assertion
                    .iss
                    .as_deref()
                    .map(|issuer| self.template("token.assertion.iss", issuer)),
                audience: table.assertion.aud.clone(),
            },
            fields: field_names(&table.fields),
        }
    }

    fn reply(&mut self, entry: &Entry) -> TokenReply {
        let (Some(Token { reply, .. }), _) = long(&entry.token) else {
            return TokenReply::default();
        };
        let units = &[
            ("seconds", ExpiryUnit::Seconds),
            ("milliseconds", ExpiryUnit::Milliseconds),
        ];
        TokenReply {
            root: reply.root.clone(),
            access_token: reply.access_token.clone(),
            nested: reply.nested.clone(),
            refresh_token: reply.refresh_token.clone(),
            expires_in: reply.expires_in.clone(),
            expires_at: reply.expires_at.clone(),
            expires_unit: self.named_or_default("token.reply.expires_unit", reply.expires_unit.as_deref(), units),
            default_lifetime: seconds(reply.default_lifetime_seconds),
            error_when: reply
                .error_when
                .as_ref()
                .map(|check| (check.path.clone(), check.equals.clone())),
        }
    }

    fn refresh(&mut self, entry: &Entry) -> Refresh {
        let (table, short) = long(&entry.refresh);
        let url = short.or_else(|| table.and_then(|table| table.url.as_ref()));
        let url = url.map(|texts| self.alternatives("refresh", texts));
        let Some(table) = table else {
            return Refresh {
                url,
                ..Refresh::default()
            };
        };
        Refresh {
            url,
            params: self.json_pairs("refresh.params", &table.params),
            headers: table
                .headers
                .as_ref()
                .map(|headers| self.templates("refresh.headers", headers)),
            body: table
                .body
                .as_deref()
                .and_then(|name| self.named("refresh.body", name, BODY)),
            client_auth: table
                .client_auth
                .as_deref()
                .and_then(|name| self.named("refresh.client_auth", name, CLIENT_AUTH)),
            using: self.named_or_default("refresh.using", table.using.as_deref(), USING),
            when: self.named_or_default("refresh.when", table.when.as_deref(), WHEN),
            margin: seconds(table.margin_seconds),
        }
    }

    pub(super) fn oauth1(&mut self, auth: AuthMode, entry: &Entry) -> Option<OAuth1> {
        if auth != AuthMode::OAuth1 {
            return None;
        }
        let (authorize, authorize_short) = long(&entry.authorize);
        let (token, token_short) = long(&entry.token);
        let (request, request_short) = long(&entry.request_token);
        let authorize_url = authorize_short.or_else(|| authorize.and_then(|table| table.url.as_ref()));
        let token_url = token_short.or_else(|| token.and_then(|table| table.url.as_ref()));
        let request_url = request_short.or_else(|| request.and_then(|table| table.url.as_ref()));
        let token_params = token.map(|table| {
            let texts = table
                .params
                .0
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()));
            texts.collect()
        });
        Some(OAuth1 {
            request_url: self.one_url("request_token", request_url),
            request_params: request.map(|table| table.params.0.clone()).unwrap_or_default(),
            authorize_url: self.one_url("authorize", authorize_url),
            authorize_params: authorize.map(|table| table.params.0.clone()).unwrap_or_default(),
            token_url: self.one_url("token", token_url),
            token_params: token_params.unwrap_or_default(),
            signature: entry
                .signature
                .as_deref()
                .and_then(|name| self.named("signature", name, OAUTH1_SIGNATURE))
                .unwrap_or(OAuth1Signature::HmacSha1),
            scope_separator: entry.scopes.separator.clone().unwrap_or_else(|| " ".to_owned()),
        })
    }

    fn one_url(&mut self, key: &str, texts: Option<&Texts>) -> String {
        match texts.map(|texts| texts.0.as_slice()) {
            Some([url]) => url.clone(),
            _ => {
                self.fault(Some(key), "write one URL".to_owned());
                String::new()
            }
        }
    }

    pub(super) fn mcp(&mut self, auth: AuthMode, entry: &Entry) -> Option<Mcp> {
        if !matches!(auth, AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic) {
            return None;
        }
        let (table, short) = long(&entry.register);
        let how = table.and_then(|table| table.how.as_deref());
        let url = table
            .and_then(|table| table.url.as_ref())
            .or(short)
            .and_then(|texts| texts.0.first());
        let (url, how) = match url {
            // `register = "static"` is the short form of a way without endpoint.
            Some(word) if !word.contains("://") => (None, Some(word.as_str())),
            Some(url) => (Some(url.clone()), how.or(Some("dynamic"))),
            None => (None, how),
        };
        let registration = how.and_then(|how| self.named("register", how, REGISTRATION));
        if auth == AuthMode::McpOAuth2 && registration.is_none() {
            self.fault(
                Some("register"),
                "say how the client id is obtained: an https URL, static or metadata_document".to_owned(),
            );
        }
        let params = table.map(|table| &table.params.0).into_iter().flatten();
        let register_params = params.map(|(name, value)| (name.clone(), super::json(value))).collect();
        Some(Mcp {
            registration,
            register_url: url,
            register_params,
        })
    }

    pub(super) fn introspect(&mut self, entry: &Entry) -> Option<Introspect> {
        entry.introspect.as_deref().map(|url| Introspect {
            url: self.template("introspect", url),
        })
    }

    pub(super) fn wsse(&mut self, auth: AuthMode, entry: &Entry) -> Option<Wsse> {
        if auth != AuthMode::Signature {
            return None;
        }
        let lifetime = entry.wsse.as_ref().map_or(300, |table| table.lifetime_seconds);
        Some(Wsse {
            lifetime: Duration::from_secs(lifetime),
        })
    }

    pub(super) fn installation(&mut self, auth: AuthMode, entry: &Entry) -> Option<Installation> {
        if !matches!(auth, AuthMode::App | AuthMode::Custom) {
            return None;
        }
        let (authorize, short) = long(&entry.authorize);
        let url = short.or_else(|| authorize.and_then(|table| table.url.as_ref()));
        let authorize_url = self.one_url("authorize", url);
        let Some(token) = entry.installation_token.as_deref() else {
            self.fault(
                Some("installation_token"),
                "name the endpoint that gives installation tokens".to_owned(),
            );
            return None;
        };
        Some(Installation {
            authorize_url: self.template("authorize", &authorize_url),
            token_url: self.template("installation_token", token),
        })
    }
}

fn field_names(fields: &Fields) -> FieldNames {
    let mut names = FieldNames::default();
    let set = |slot: &mut Option<String>, given: &Option<NameOrOff>| {
        if let Some(NameOrOff(name)) = given {
            slot.clone_from(name);
        }
    };
    set(&mut names.grant_type, &fields.grant_type);
    set(&mut names.client_id, &fields.client_id);
    set(&mut names.client_secret, &fields.client_secret);
    set(&mut names.code, &fields.code);
    set(&mut names.redirect_uri, &fields.redirect_uri);
    set(&mut names.code_verifier, &fields.code_verifier);
    set(&mut names.refresh_token, &fields.refresh_token);
    set(&mut names.state, &fields.state);
    names
}
