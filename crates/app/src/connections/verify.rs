//! Proving credentials before they are stored.

use serde_json::{Map, Value};
use tenon_catalog::{AuthMode, Provider};
use tenon_credentials::{Credentials, Opened, Subject, probe};

use super::client_app;
use crate::integrations::Integration;
use crate::{App, Error, Result};

/// What a test of credentials found.
#[derive(Debug)]
pub(super) enum Tested {
    /// The provider accepts them, or nothing is known that could tell.
    Good,
    /// It does not; the refusal that says so.
    Refused(Error),
    /// It could not be asked, or had troubles of its own; what a person who waits is told.
    NoAnswer(Error),
}

impl App {
    /// Asks the provider whether it accepts the credentials, where the catalogue says how.
    ///
    /// # Errors
    /// 400 `connection_test_failed` when it does not, or could not be asked.
    #[tenon_model::boxed]
    pub(crate) async fn verify_credentials(
        &self,
        provider: &Provider,
        integration: &Integration,
        config: &Map<String, Value>,
        credentials: &Credentials,
    ) -> Result<()> {
        match self.test_credentials(provider, integration, config, credentials).await {
            Tested::Good => Ok(()),
            Tested::Refused(refusal) | Tested::NoAnswer(refusal) => Err(refusal),
        }
    }

    /// The same question, with an answer that tells a refusal from an outage.
    #[tenon_model::boxed]
    pub(super) async fn test_credentials(
        &self,
        provider: &Provider,
        integration: &Integration,
        config: &Map<String, Value>,
        credentials: &Credentials,
    ) -> Tested {
        if !is_proved_by_call(provider.auth) {
            return Tested::Good;
        }
        let app = client_app(integration);
        let uuid = self.rng().uuid_v4().to_string();
        let now = self.clock().now();
        let subject = Subject {
            provider,
            app: &app,
            config,
            metadata: None,
            now,
            uuid: &uuid,
        };
        let opened = Opened::new(credentials.clone());
        match probe::verify(self.egress(), &subject, &opened, self.rng()).await {
            Ok(probe::Outcome::Good) => Tested::Good,
            Ok(probe::Outcome::Bad { status, reason }) => {
                tracing::info!(provider = %provider.id, ?status, "the provider does not accept the given credentials");
                let refusal = test_failed().reason(reason);
                match status {
                    None | Some(408 | 429 | 500..) => Tested::NoAnswer(refusal),
                    Some(_) => Tested::Refused(refusal),
                }
            }
            Err(error) => {
                tracing::info!(provider = %provider.id, %error, "the given credentials could not be tested");
                Tested::Refused(test_failed())
            }
        }
    }
}

fn test_failed() -> Error {
    Error::refuse(400, "connection_test_failed")
        .message("The given credentials were found to be invalid. Please check the credentials and try again.")
}

/// Modes whose token request proves the credentials already are not proved a second time.
fn is_proved_by_call(mode: AuthMode) -> bool {
    match mode {
        AuthMode::ApiKey
        | AuthMode::Basic
        | AuthMode::Tba
        | AuthMode::Jwt
        | AuthMode::Signature
        | AuthMode::InstallPlugin => true,
        AuthMode::OAuth2
        | AuthMode::OAuth2Cc
        | AuthMode::OAuth1
        | AuthMode::TwoStep
        | AuthMode::App
        | AuthMode::Custom
        | AuthMode::Bill
        | AuthMode::AwsSigV4
        | AuthMode::McpOAuth2
        | AuthMode::McpOAuth2Generic
        | AuthMode::None => false,
    }
}
