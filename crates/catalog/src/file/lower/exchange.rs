//! Tokens made from what the user typed: exchanges, assertions and tokens that we sign.

use std::time::Duration;

use super::Reader;
use super::auth::{long, seconds};
use crate::file::entry::{Entry, Exchange as ExchangeTable, ExchangeStep as StepTable, Jwt};
use crate::file::shapes::{Ordered, Texts};
use crate::provider::{
    Assertion, AssertionKind, AuthMode, Exchange, ExchangeBody, ExchangeRefresh, ExchangeStep, ExpiryKind,
    HmacKeyEncoding, JwtKey, Method, SignedJwt,
};
use crate::template::{JsonTemplate, Template};

const EXCHANGE_BODY: &[(&str, ExchangeBody)] = &[
    ("json", ExchangeBody::Json),
    ("form", ExchangeBody::Form),
    ("xml", ExchangeBody::Xml),
];

impl Reader<'_> {
    pub(super) fn exchange(&mut self, auth: AuthMode, entry: &Entry) -> Option<Exchange> {
        if !matches!(auth, AuthMode::TwoStep | AuthMode::Bill) {
            return None;
        }
        let (table, short) = long(&entry.exchange);
        let default = ExchangeTable::default();
        let url = short.or_else(|| table.and_then(|table| table.url.as_ref()));
        let table = table.unwrap_or(&default);
        let Some(url) = url else {
            self.fault(
                Some("exchange"),
                "name the token endpoint: exchange.url = \"https://…\"".to_owned(),
            );
            return None;
        };
        if table.expires_in.is_some() && table.expires_at.is_some() {
            self.fault(
                Some("exchange.expires_at"),
                "expires_in is there as well; keep one".to_owned(),
            );
        }
        let relative = table.expires_in.clone().map(|path| (path, ExpiryKind::Relative));
        let absolute = table.expires_at.clone().map(|path| (path, ExpiryKind::Absolute));
        Some(Exchange {
            first: self.step("exchange", url, table.method.as_deref(), &table.headers, &table.params),
            then: table.then.iter().map(|step| self.further_step(step)).collect(),
            body: self.named_or_default("exchange.body", table.body.as_deref(), EXCHANGE_BODY),
            token_path: table.token.clone().unwrap_or_else(|| "access_token".to_owned()),
            expires: relative.or(absolute),
            refresh_token_path: table.refresh_token.clone(),
            lifetime: seconds(table.lifetime_seconds),
            margin: seconds(table.margin_seconds),
            keep_headers: table.keep_headers.clone(),
            refresh: table.refresh.as_ref().map(|refresh| ExchangeRefresh {
                url: refresh
                    .url
                    .as_ref()
                    .map(|texts| self.alternatives("exchange.refresh.url", texts)),
                headers: self.templates("exchange.refresh.headers", &refresh.headers),
                params: self.json_pairs("exchange.refresh.params", &refresh.params),
            }),
            signed_jwt: if entry.jwt.is_some() { self.jwt(entry) } else { None },
            assertion: self.assertion(table),
            introspect: self.introspect(entry),
        })
    }

    fn further_step(&mut self, step: &StepTable) -> ExchangeStep {
        self.step(
            "exchange.then",
            &step.url,
            step.method.as_deref(),
            &step.headers,
            &step.params,
        )
    }

    fn step(
        &mut self,
        key: &str,
        url: &Texts,
        method: Option<&str>,
        headers: &Ordered<String>,
        params: &Ordered<toml::Value>,
    ) -> ExchangeStep {
        let method = Method::parse(method.unwrap_or("POST"));
        if method.is_none() {
            self.fault(Some(&format!("{key}.method")), "write GET or POST".to_owned());
        }
        ExchangeStep {
            method: method.unwrap_or(Method::Post),
            url: self.alternatives(&format!("{key}.url"), url),
            headers: self.templates(&format!("{key}.headers"), headers),
            params: self.json_pairs(&format!("{key}.params"), params),
        }
    }

    fn assertion(&mut self, table: &ExchangeTable) -> Option<Assertion> {
        let assertion = table.assertion.as_ref()?;
        let key = "exchange.assertion";
        let key_template = self.optional_template(&format!("{key}.key"), assertion.key.as_deref());
        let (kind, default_lifetime) = match assertion.kind.as_str() {
            "jwt" => {
                let header = self.json_pairs(&format!("{key}.header"), &assertion.header);
                let claims = self.json_pairs(&format!("{key}.claims"), &assertion.claims);
                (AssertionKind::Jwt { header, claims }, 3600)
            }
            "saml" => {
                let mut part = |name: &str, text: &Option<String>| {
                    self.template(&format!("{key}.{name}"), text.as_deref().unwrap_or_default())
                };
                let issuer = part("issuer", &assertion.issuer);
                let audience = part("audience", &assertion.audience);
                let recipient = part("recipient", &assertion.recipient);
                let name_id = part("name_id", &assertion.name_id);
                let session_index = assertion.session_index.as_deref();
                let session_index = self.optional_template(&format!("{key}.session_index"), session_index);
                let attributes = self.json_pairs(&format!("{key}.attributes"), &assertion.attributes);
                (
                    AssertionKind::Saml {
                        issuer,
                        audience,
                        recipient,
                        name_id,
                        session_index,
                        attributes,
                    },
                    300,
                )
            }
            other => {
                self.fault(
                    Some(&format!("{key}.kind")),
                    format!("`{other}` is unknown; write jwt or saml"),
                );
                return None;
            }
        };
        let lifetime = Duration::from_secs(assertion.lifetime_seconds.unwrap_or(default_lifetime));
        Some(Assertion {
            kind,
            key: key_template,
            lifetime,
        })
    }

    pub(super) fn jwt(&mut self, entry: &Entry) -> Option<SignedJwt> {
        let Some(table) = &entry.jwt else {
            self.fault(
                Some("jwt"),
                "say what is signed: a [<id>.jwt] table with key, algorithm and lifetime_seconds".to_owned(),
            );
            return None;
        };
        let default = Jwt::default();
        let key_kind = match table.algorithm.get(..2) {
            Some("RS" | "PS") => JwtKey::Rsa,
            Some("ES") => JwtKey::Ec,
            Some("HS") => JwtKey::Hmac,
            _ => {
                let message = format!("`{}` is unknown; write RS256, ES256 or HS256", table.algorithm);
                self.fault(Some("jwt.algorithm"), message);
                return None;
            }
        };
        if table.lifetime_seconds == default.lifetime_seconds {
            self.fault(Some("jwt.lifetime_seconds"), "say how long a token lives".to_owned());
        }
        let encodings = &[("hex", HmacKeyEncoding::Hex), ("utf8", HmacKeyEncoding::Utf8)];
        let algorithm = JsonTemplate::Text(Template::literal(&table.algorithm).into());
        let mut header = vec![("alg".to_owned(), algorithm)];
        header.extend(self.json_pairs("jwt.header", &table.header));
        Some(SignedJwt {
            key: self.template("jwt.key", &table.key),
            key_kind,
            hmac_key_encoding: self.named_or_default("jwt.key_encoding", table.key_encoding.as_deref(), encodings),
            header,
            claims: self.json_pairs("jwt.claims", &table.claims),
            lifetime: Duration::from_secs(table.lifetime_seconds),
            split_key: table.split_key,
        })
    }
}
