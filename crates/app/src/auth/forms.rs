//! Form endpoints: the user typed credentials, no browser goes anywhere.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_catalog::AuthMode;
use tenon_credentials::credentials::TwoStep;
use tenon_credentials::modes::{bill, client_credentials, exchange, jwt, wsse};
use tenon_credentials::{ClientApp, Credentials, Subject};
use tenon_model::Timestamp;

use super::flow::{Flow, FlowQuery, Refusals, is};
use super::inputs::{self, Given};
use crate::connections::{PENDING, VALIDATION_FAILED, client_app};
use crate::operations::{Kind, Outcome, Subject as LogSubject};
use crate::sessions::LiveSession;
use crate::{App, Error, Result};

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `/api-auth/api-key`.
    ApiKey,
    /// `/api-auth/basic`.
    Basic,
    /// `/auth/unauthenticated`.
    Unauthenticated,
    /// `/auth/tba`.
    Tba,
    /// `/auth/jwt`.
    Jwt,
    /// `/auth/two-step`.
    TwoStep,
    /// `/auth/bill`.
    Bill,
    /// `/auth/signature`.
    Signature,
    /// `/auth/aws-sigv4`.
    AwsSigV4,
    /// `/oauth2/auth`.
    ClientCredentials,
}

impl Form {
    fn mode(self) -> AuthMode {
        match self {
            Self::ApiKey => AuthMode::ApiKey,
            Self::Basic => AuthMode::Basic,
            Self::Unauthenticated => AuthMode::None,
            Self::Tba => AuthMode::Tba,
            Self::Jwt => AuthMode::Jwt,
            Self::TwoStep => AuthMode::TwoStep,
            Self::Bill => AuthMode::Bill,
            Self::Signature => AuthMode::Signature,
            Self::AwsSigV4 => AuthMode::AwsSigV4,
            Self::ClientCredentials => AuthMode::OAuth2Cc,
        }
    }
}

impl App {
    /// Connects with what a form gave; answers with ids only.
    #[tenon_model::boxed]
    pub async fn connect_with_form(
        &self,
        form: Form,
        session: Arc<LiveSession>,
        key: &str,
        query: &Value,
        body: Option<&Value>,
    ) -> Result<Value> {
        let query = FlowQuery::read(query)?;
        let given = inputs::read(form, body);
        // The client-credentials endpoint looks at the integration first.
        let given = if form == Form::ClientCredentials {
            given
        } else {
            Ok(given?)
        };
        let refusals = if form == Form::ClientCredentials {
            Refusals::Explained
        } else {
            Refusals::Bare
        };
        let mut flow = self.begin_flow(session, key, &query, is(form.mode()), refusals).await?;
        let given = given?;
        let subject = LogSubject::titled(format!("Connect an account of {}", flow.integration.unique_key))
            .integration(&flow.integration.unique_key, &flow.integration.provider)
            .connection(&flow.connection_id);
        let operation = self
            .operations()
            .start(flow.session.environment.id, Kind::Auth, "connect", subject);
        let result = self.connect_given(&mut flow, given, &query).await;
        operation.finish(Outcome::of(&result));
        if let Err(error) = &result {
            let (kind, description) = match error.refusal() {
                Some(refusal) => (refusal.code.clone(), refusal.message.clone().unwrap_or_default()),
                None => (
                    "unknown".to_owned(),
                    "Something went wrong inside the server".to_owned(),
                ),
            };
            // What the product itself refused it is not told: storing has said what there was to say.
            if kind != VALIDATION_FAILED {
                self.report_flow_failure(&flow, &kind, &description).await;
            }
        }
        result?;
        Ok(json!({ "connectionId": flow.connection_id, "providerConfigKey": flow.integration.unique_key }))
    }

    /// `/auth/oauth-outbound`: a connection that waits for the installation to be made at the provider.
    #[tenon_model::boxed]
    pub async fn connect_outbound(&self, session: Arc<LiveSession>, key: &str, query: &Value) -> Result<Value> {
        let query = FlowQuery::read(query)?;
        let outbound =
            |provider: &tenon_catalog::Provider| provider.oauth2.as_ref().is_some_and(|facts| facts.outbound.is_some());
        let mut flow = self.begin_flow(session, key, &query, outbound, Refusals::Bare).await?;
        flow.config.insert(PENDING.to_owned(), json!(true));
        self.save_flow(&flow, Credentials::None).await?;
        Ok(json!({ "connectionId": flow.connection_id, "providerConfigKey": flow.integration.unique_key }))
    }

    async fn connect_given(&self, flow: &mut Flow, given: Given, query: &FlowQuery) -> Result<()> {
        let credentials = match given {
            Given::Credentials(credentials) => self.with_token(flow, credentials, query).await?,
            Given::Exchange(held, once) => self.exchanged(flow, held, once.as_ref()).await?,
            Given::Role(role) => self.assumed(flow, &role).await?,
        };
        if let Credentials::AwsSigV4(held) = &credentials {
            // The base URL names both.
            flow.config.insert("service".to_owned(), json!(held.service));
            flow.config.insert("region".to_owned(), json!(held.region));
        }
        self.verify_credentials(flow.provider.get()?, &flow.integration, &flow.config, &credentials)
            .await?;
        self.save_flow(flow, credentials).await.map(drop)
    }

    async fn exchanged(&self, flow: &Flow, held: TwoStep, once: Option<&Map<String, Value>>) -> Result<Credentials> {
        let provider = flow.provider.get()?;
        let app = client_app(&flow.integration);
        let uuid = self.rng().uuid_v4().to_string();
        let subject = subject_of(flow, provider, &app, self.clock().now(), &uuid);
        let token = exchange::request(self.egress(), &subject, &held, once).await;
        Ok(Credentials::TwoStep(
            token.map_err(fetch_error("two_step_credentials_fetch_error"))?,
        ))
    }

    /// Gets the token that goes with what the user typed, where the mode has one.
    async fn with_token(&self, flow: &Flow, given: Credentials, query: &FlowQuery) -> Result<Credentials> {
        let provider = flow.provider.get()?;
        let app = client_app(&flow.integration);
        let uuid = self.rng().uuid_v4().to_string();
        let now = self.clock().now();
        let subject = subject_of(flow, provider, &app, now, &uuid);
        Ok(match given {
            Credentials::ClientCredentials(held) => {
                let token =
                    client_credentials::request(self.egress(), &subject, &held, &query.authorization_params).await;
                Credentials::ClientCredentials(token.map_err(fetch_error("client_credentials_fetch_error"))?)
            }
            Credentials::Bill(held) => {
                let session = bill::login(self.egress(), &subject, &held).await;
                Credentials::Bill(session.map_err(fetch_error("two_step_credentials_fetch_error"))?)
            }
            Credentials::Jwt(mut held) => {
                let facts = provider
                    .signed_jwt
                    .as_ref()
                    .ok_or_else(|| Error::refuse(400, "invalid_auth_mode"))?;
                let (token, ends) = jwt::signed(facts, &subject, &held.inputs)
                    .map_err(fetch_error("signature_token_generation_error"))?;
                held.token = Some(token);
                held.expires_at = Some(ends);
                Credentials::Jwt(held)
            }
            Credentials::Signature(held) => {
                let facts = provider.wsse.as_ref().ok_or_else(|| {
                    Error::refuse(400, "unsupported_signature_protocol")
                        .message("The provider's signature protocol is not supported")
                        .payload(json!({}))
                })?;
                Credentials::Signature(wsse::sign(facts, &held, self.rng(), now))
            }
            ready => ready,
        })
    }
}

fn subject_of<'a>(
    flow: &'a Flow,
    provider: &'a tenon_catalog::Provider,
    app: &'a ClientApp,
    now: Timestamp,
    uuid: &'a str,
) -> Subject<'a> {
    Subject {
        provider,
        app,
        config: &flow.config,
        metadata: None,
        now,
        uuid,
    }
}

/// The refusal of a token request, under the code of its endpoint.
fn fetch_error(code: &'static str) -> impl FnOnce(tenon_credentials::Error) -> Error {
    move |error| {
        Error::refuse(400, code)
            .message(format!("The provider gave no token for these credentials: {error}"))
            .payload(json!({ "providerStatus": error.status() }))
    }
}
