//! GitHub-style apps: the browser installs an app, and the installation becomes the connection.

use serde_json::{Map, Value, json};
use tenon_catalog::AuthMode;
use tenon_catalog::template::Scope;
use tenon_credentials::credentials::{Basic, Custom};
use tenon_credentials::modes::github_app;
use tenon_credentials::oauth2::{self, Grant};
use tenon_credentials::refresh::app_key;
use tenon_credentials::{Credentials, Subject};
use tenon_model::Secret;
use url::Url;

use super::failure::{APPROVAL_PENDING, PopupFailure, missing_code, token_failure};
use super::popup::state_of;
use super::state::Returned;
use crate::App;
use crate::connections::PENDING;

/// What a returning browser brought.
pub(super) struct Installed {
    /// The credentials.
    pub credentials: Credentials,
    /// Values of the connection.
    pub config: Map<String, Value>,
}

/// Where an app is installed.
pub(super) fn install_url(subject: &Subject<'_>, state: &str) -> Result<String, PopupFailure> {
    let failure = |text: &str| PopupFailure::new("provider_config_err", text);
    let facts = subject
        .provider
        .installation
        .as_ref()
        .ok_or_else(|| failure("This provider has no app to install"))?;
    let mut config = subject.config.clone();
    if let Some(link) = subject.app.values.text("app_link") {
        config.insert("appPublicLink".to_owned(), json!(link.trim_end_matches('/')));
    }
    let scope = Scope {
        config: Some(&config),
        ..subject.scope()
    };
    let url = facts
        .authorize_url
        .render_base_url(&scope)
        .map_err(|error| failure(&error.to_string()))?;
    let mut url = Url::parse(&url).map_err(|_| failure("The app's link is not a URL"))?;
    url.query_pairs_mut().append_pair("state", state);
    Ok(url.to_string())
}

/// Where a plugin is installed.
pub(super) fn plugin_url(subject: &Subject<'_>, state: &str) -> Result<String, PopupFailure> {
    let failure = |text: &str| PopupFailure::new("provider_config_err", text);
    let link = subject
        .app
        .values
        .text("app_link")
        .ok_or_else(|| failure("The integration has no app_link: set the plugin's installation page"))?;
    let mut url = Url::parse(link).map_err(|_| failure("The plugin's app_link is not a URL"))?;
    url.query_pairs_mut().append_pair("payload", state);
    Ok(url.to_string())
}

/// The plugin's own user name and password, which belong to the integration.
pub(super) fn plugin_credentials(subject: &Subject<'_>) -> Result<Credentials, PopupFailure> {
    let secret = |name: &str| {
        subject
            .app
            .values
            .text(name)
            .filter(|text| !text.is_empty())
            .map(Secret::new)
    };
    let pair = secret("username").zip(secret("password"));
    let (username, password) = pair.ok_or_else(|| {
        PopupFailure::new(
            "provider_config_err",
            "The integration has no username and password: set those of the plugin as custom values",
        )
    })?;
    Ok(Credentials::Basic(Basic { username, password }))
}

impl App {
    /// Gets the tokens of an installation, and with them the user's where the provider has both.
    #[tenon_model::boxed]
    pub(super) async fn obtain_installation(
        &self,
        query: &Value,
        returned: &Returned,
        subject: &Subject<'_>,
    ) -> Result<Installed, PopupFailure> {
        let text = |name: &str| query.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // With a user's token the connection can wait for the approval; without one there is nothing to keep.
        let waits = text("setup_action") == Some("request");
        if waits && (subject.provider.auth == AuthMode::App || text("code").is_none()) {
            return Err(PopupFailure::new(
                APPROVAL_PENDING,
                "The installation waits for the approval of an owner. Try again when it was approved.",
            ));
        }
        let mut config = Map::new();
        let remembered = &returned.remembered;
        let user = match (subject.provider.auth, text("code")) {
            (AuthMode::Custom, Some(code)) => {
                let grant = Grant {
                    code,
                    redirect_uri: &remembered.redirect_uri,
                    verifier: &remembered.verifier,
                    state: state_of(query),
                };
                Some(
                    oauth2::exchange_code(self.egress(), subject, &grant)
                        .await
                        .map_err(token_failure)?,
                )
            }
            _ => None,
        };
        let installation = text("installation_id").filter(|_| !waits);
        let app = match installation {
            Some(id) => {
                config.insert("installation_id".to_owned(), json!(id));
                if let Some(app_id) = subject.app.values.text("app_id") {
                    config.insert("app_id".to_owned(), json!(app_id));
                }
                let mut values = subject.config.clone();
                values.extend(config.clone());
                let subject = Subject {
                    config: &values,
                    ..*subject
                };
                let token = github_app::installation_token(self.egress(), &subject, app_key(&subject)).await;
                Some(token.map_err(token_failure)?)
            }
            None if user.is_some() => {
                config.insert(PENDING.to_owned(), json!(true));
                None
            }
            None => return Err(missing_code(query)),
        };
        let credentials = match (subject.provider.auth, app, user) {
            (AuthMode::App, Some(app), _) => Credentials::App(app),
            (_, app, user) => {
                let raw = app.as_ref().map(|app| app.raw.clone()).unwrap_or_default();
                Credentials::Custom(Custom { app, user, raw })
            }
        };
        Ok(Installed { credentials, config })
    }
}
