//! Dummy credentials of every mode.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tenon_catalog::provider::ClientAuth;
use tenon_catalog::template::Variable;
use tenon_catalog::{AuthMode, Dummy, Provider};
use tenon_model::{Secret, Timestamp};

use crate::credentials::{
    ApiKey, App, AwsSigV4, Basic, Bill, ClientCredentials, Credentials, Custom, OAuth1, OAuth2, Signature, SignedJwt,
    Tba, TwoStep,
};
use crate::material::Fields;
use crate::subject::{ClientApp, Subject};

/// Signs nothing that anybody trusts.
const KEY: &str = include_str!("sample-key.pem");
const UUID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const MOMENT: Timestamp = Timestamp::from_millis(1_714_557_600_000);

/// Values of one made-up connection.
pub(super) struct Sample {
    app: ClientApp,
    config: Map<String, Value>,
    pub(super) credentials: Credentials,
}

impl Sample {
    pub(super) fn new(provider: &Provider, dummy: &Dummy) -> Self {
        let facts = provider.oauth2.as_ref();
        let signs = facts.is_some_and(|facts| facts.token.client_auth == ClientAuth::PrivateKeyJwt);
        let is_app = matches!(provider.auth, AuthMode::App | AuthMode::Custom);
        let scopes = match facts.map(|facts| facts.default_scopes.clone()) {
            Some(scopes) if !scopes.is_empty() => scopes,
            _ => vec!["scope-a".to_owned(), "scope-b".to_owned()],
        };
        let mut values = dummy.app().clone();
        values.insert("redirect_host".to_owned(), json!("tenon.example"));
        if is_app {
            values.insert("private_key".to_owned(), json!(KEY));
            values.insert("app_id".to_owned(), json!("4711"));
        }
        let secret = if signs { KEY } else { "secret" };
        let mut config = dummy.config().clone();
        if is_app {
            config.entry("installation_id").or_insert_with(|| json!("42"));
        }
        Self {
            app: ClientApp::new("client", Secret::new(secret), scopes, &values),
            config,
            credentials: credentials(provider, dummy, signs),
        }
    }

    pub(super) fn subject<'a>(&'a self, provider: &'a Provider) -> Subject<'a> {
        Subject {
            provider,
            app: &self.app,
            config: &self.config,
            metadata: None,
            now: MOMENT,
            uuid: UUID,
        }
    }
}

fn credentials(provider: &Provider, dummy: &Dummy, signs: bool) -> Credentials {
    let raw = dummy.cred().get("raw").cloned().unwrap_or(Value::Null);
    let text = |name: &str, otherwise: &str| {
        let given = dummy.cred().get(name).and_then(Value::as_str);
        Secret::new(given.unwrap_or(otherwise))
    };
    let tokens = || OAuth2 {
        access_token: Secret::new("token"),
        refresh_token: Some(Secret::new("refresh-token")),
        expires_at: None,
        config_override: None,
        raw: raw.clone().into(),
    };
    let installation = || App {
        access_token: Secret::new("token"),
        expires_at: None,
        jwt_token: None,
        raw: Value::Null.into(),
    };
    match provider.auth {
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => Credentials::OAuth2(tokens()),
        AuthMode::OAuth2Cc => Credentials::ClientCredentials(ClientCredentials {
            token: Secret::new("token"),
            expires_at: None,
            client_id: text("client_id", "client"),
            client_secret: text("client_secret", "secret"),
            client_certificate: None,
            client_private_key: signs.then(|| Secret::new(KEY)),
            raw: raw.clone().into(),
        }),
        AuthMode::OAuth1 => Credentials::OAuth1(OAuth1 {
            oauth_token: Secret::new("token"),
            oauth_token_secret: Secret::new("token-secret"),
            raw: Value::Null.into(),
        }),
        AuthMode::Basic | AuthMode::InstallPlugin => Credentials::Basic(Basic {
            username: text("username", "user"),
            password: text("password", "pass"),
        }),
        AuthMode::ApiKey => Credentials::ApiKey(ApiKey {
            api_key: text("apiKey", "key"),
        }),
        AuthMode::App => Credentials::App(installation()),
        AuthMode::Custom => Credentials::Custom(Custom {
            app: Some(installation()),
            user: Some(tokens()),
            raw: Value::Null.into(),
        }),
        AuthMode::Tba => Credentials::Tba(Tba {
            token_id: Secret::new("token"),
            token_secret: Secret::new("token-secret"),
            config_override: None,
        }),
        AuthMode::Jwt => Credentials::Jwt(SignedJwt {
            token: Some(Secret::new("token")),
            expires_at: None,
            inputs: Fields::new(dummy.cred().clone()),
        }),
        AuthMode::Bill => Credentials::Bill(Bill {
            username: Secret::new("user"),
            password: Secret::new("pass"),
            organization_id: Secret::new("organization"),
            dev_key: Secret::new("developer-key"),
            session_id: Some(Secret::new("session")),
            user_id: Some("user-id".to_owned()),
            expires_at: None,
            raw: Value::Null.into(),
        }),
        AuthMode::TwoStep => Credentials::TwoStep(TwoStep {
            token: Some(Secret::new("token")),
            refresh_token: Some(Secret::new("refresh-token")),
            expires_at: None,
            raw: raw.clone().into(),
            inputs: Fields::new(inputs(provider, dummy)),
        }),
        AuthMode::Signature => Credentials::Signature(Signature {
            username: text("username", "user"),
            password: text("password", "pass"),
            token: Some(Secret::new("token")),
            expires_at: None,
        }),
        AuthMode::AwsSigV4 => Credentials::AwsSigV4(AwsSigV4 {
            role_arn: "arn:aws:iam::123456789012:role/tenon".to_owned(),
            region: "eu-central-1".to_owned(),
            service: "execute-api".to_owned(),
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("secret"),
            session_token: Secret::new("session"),
            expires_at: None,
            external_id: None,
            raw: Value::Null.into(),
        }),
        AuthMode::None => Credentials::None,
    }
}

/// What a user of an exchange typed, with a key where one signs, and an assertion that is still good.
fn inputs(provider: &Provider, dummy: &Dummy) -> Map<String, Value> {
    let mut inputs = dummy.cred().clone();
    for fixed in ["token", "access_token", "apiKey"] {
        if !provider.inputs.credentials.iter().any(|field| field.name == fixed) {
            inputs.shift_remove(fixed);
        }
    }
    let Some(facts) = &provider.exchange else { return inputs };
    if let Some(signed) = &facts.signed_jwt {
        for variable in signed.key.variables() {
            if let Variable::Credential(name) | Variable::Bare(name) = variable {
                inputs.insert(name.clone(), json!(KEY));
            }
        }
    }
    if facts.assertion.is_some() {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let assertion = format!(
            "{}.{}.c2ln",
            part(json!({"alg": "none"})),
            part(json!({"exp": 4_102_444_800_i64}))
        );
        inputs.insert(crate::modes::assertion::FIELD.to_owned(), json!(assertion));
    }
    inputs
}
