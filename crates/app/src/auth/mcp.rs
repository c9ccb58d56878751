//! MCP servers in a popup: known ones, and those that are found by asking them.

use serde_json::{Value, json};
use tenon_catalog::provider::ClientRegistration;
use tenon_credentials::credentials::ConfigOverride;
use tenon_credentials::modes::mcp::{self, Client, Found, Registration};
use tenon_credentials::oauth2::{self, Authorize, Grant};
use tenon_credentials::{ClientApp, Credentials, Subject};
use tenon_model::Secret;

use super::failure::{PopupFailure, token_failure, url_failure};
use super::flow::Flow;
use super::obtain::code;
use super::popup::{Departure, no_client, state_of};
use super::state::Returned;
use crate::environments::Environment;
use crate::integrations::Integration;
use crate::{App, Error, Result};

/// Name under which we register when the integration sets none.
const CLIENT_NAME: &str = "Tenon";

impl App {
    /// Finds the authorization server of the given MCP server and sends the browser there.
    #[tenon_model::boxed]
    pub(super) async fn depart_to_mcp_server(
        &self,
        flow: &Flow,
        subject: &Subject<'_>,
        authorize: &Authorize<'_>,
    ) -> std::result::Result<Departure, PopupFailure> {
        let typed = oauth2::text(subject.config, mcp::SERVER_URL)
            .ok_or_else(|| PopupFailure::new("url_param_err", "Give the URL of the MCP server as mcp_server_url"))?;
        let server = mcp::server_url(self.egress(), typed).map_err(|_| {
            PopupFailure::new(
                "url_param_err",
                "The URL of the MCP server must begin with https:// and name a public host",
            )
        })?;
        let discovery = |error: tenon_credentials::Error| {
            PopupFailure::new(
                "mcp_discovery_err",
                format!("The MCP server cannot be connected: {error}"),
            )
        };
        let mut found = mcp::discover(self.egress(), &server).await.map_err(discovery)?;
        if !subject.app.scopes.is_empty() {
            found.scopes.clone_from(&subject.app.scopes);
        }
        let client = self
            .mcp_client_for(flow, subject, &found, authorize.redirect_uri)
            .await
            .map_err(discovery)?;
        found.client_auth = client.proof;
        let own = ConfigOverride {
            client_id: Some(client.id),
            client_secret: client.secret,
        };
        let app = subject.app.with_override(Some(&own));
        let subject = Subject { app: &app, ..*subject };
        let url = mcp::authorize_url(&subject, &found, authorize).map_err(url_failure)?;
        let mut departure = Departure::to(url.to_string());
        departure.config.insert(mcp::FOUND.to_owned(), json!(found));
        departure.client = Some(own);
        Ok(departure)
    }

    /// The client at a discovered server: the developer's, a metadata document, or one registered now.
    async fn mcp_client_for(
        &self,
        flow: &Flow,
        subject: &Subject<'_>,
        found: &Found,
        redirect_uri: &str,
    ) -> std::result::Result<Client, tenon_credentials::Error> {
        let app = subject.app;
        if !app.client_id.is_empty() {
            let secret = Some(app.client_secret.clone()).filter(|secret| !secret.is_empty());
            return Ok(Client {
                id: app.client_id.clone(),
                proof: if secret.is_some() {
                    mcp::Proof::Body
                } else {
                    mcp::Proof::None
                },
                secret,
            });
        }
        if found.metadata_documents && self.settings().public_url.starts_with("https://") {
            return Ok(Client {
                id: self.client_metadata_url(&flow.session.environment, &flow.integration.unique_key),
                secret: None,
                proof: mcp::Proof::None,
            });
        }
        let endpoint = found
            .registration_endpoint
            .as_deref()
            .ok_or(tenon_credentials::Error::Missing {
                what: "a client id: the server registers no clients, so set one on the integration; it".to_owned(),
            })?;
        let registration = Registration {
            name: oauth2::text(app.values.expose(), "client_name").unwrap_or(CLIENT_NAME),
            uri: &self.settings().public_url,
            redirect_uri,
            scopes: &found.scopes,
            extra: &[],
        };
        mcp::register(self.egress(), endpoint, &registration).await
    }

    /// Sends the browser to an MCP server of the catalogue, registering a client first where that is the server's way.
    #[tenon_model::boxed]
    pub(super) async fn depart_to_known_mcp_server(
        &self,
        flow: &Flow,
        subject: &Subject<'_>,
        authorize: &Authorize<'_>,
    ) -> std::result::Result<Departure, PopupFailure> {
        let app = self.known_mcp_app(flow, subject, authorize.redirect_uri).await?;
        if app.client_id.is_empty() {
            return Err(no_client());
        }
        let subject = Subject { app: &app, ..*subject };
        let url = oauth2::authorize_url(&subject, authorize).map_err(url_failure)?;
        let mut departure = Departure::to(url.to_string());
        // Kept with the connection: the integration may register anew one day, and these tokens stay with this client.
        departure.client = Some(ConfigOverride {
            client_id: Some(app.client_id.clone()),
            client_secret: Some(app.client_secret.clone()).filter(|secret| !secret.is_empty()),
        });
        Ok(departure)
    }

    async fn known_mcp_app(
        &self,
        flow: &Flow,
        subject: &Subject<'_>,
        redirect_uri: &str,
    ) -> std::result::Result<ClientApp, PopupFailure> {
        let app = subject.app.clone();
        let facts = match &subject.provider.mcp {
            Some(facts) if app.client_id.is_empty() => facts,
            _ => return Ok(app),
        };
        let client = match facts.registration {
            Some(ClientRegistration::MetadataDocument) => Client {
                id: self.client_metadata_url(&flow.session.environment, &flow.integration.unique_key),
                secret: None,
                proof: mcp::Proof::None,
            },
            Some(ClientRegistration::Dynamic) => {
                let Some(endpoint) = &facts.register_url else {
                    return Err(no_client());
                };
                let name = format!("{CLIENT_NAME} ({})", flow.integration.unique_key);
                let registration = Registration {
                    name: &name,
                    uri: &self.settings().public_url,
                    redirect_uri,
                    scopes: &subject.app.scopes,
                    extra: &facts.register_params,
                };
                let client = mcp::register(self.egress(), endpoint, &registration)
                    .await
                    .map_err(|error| {
                        PopupFailure::new(
                            "mcp_registration_err",
                            format!("The server registered no client: {error}"),
                        )
                    })?;
                self.keep_registered_client(&flow.integration, &client).await?;
                client
            }
            Some(ClientRegistration::Static) | None => return Ok(app),
        };
        Ok(app.with_override(Some(&ConfigOverride {
            client_id: Some(client.id),
            client_secret: client.secret,
        })))
    }

    /// Gets the tokens of a discovered server.
    #[tenon_model::boxed]
    pub(super) async fn return_from_mcp_server(
        &self,
        query: &Value,
        returned: &Returned,
        subject: &Subject<'_>,
    ) -> std::result::Result<Credentials, PopupFailure> {
        let remembered = &returned.remembered;
        let found = mcp::found(subject).map_err(token_failure)?;
        mcp::check_issuer(&found, query.get("iss").and_then(Value::as_str)).map_err(token_failure)?;
        let grant = Grant {
            code: code(query, "code")?,
            redirect_uri: &remembered.redirect_uri,
            verifier: &remembered.verifier,
            state: state_of(query),
        };
        let mut held = mcp::exchange(self.egress(), subject, &found, &grant)
            .await
            .map_err(token_failure)?;
        held.config_override.clone_from(&remembered.config_override);
        Ok(Credentials::OAuth2(held))
    }

    /// Address of the document that stands for an integration as a client.
    pub(crate) fn client_metadata_url(&self, environment: &Environment, key: &str) -> String {
        let public_url = &self.settings().public_url;
        format!("{public_url}/oauth/client-metadata/{}/{key}", environment.uuid)
    }

    /// `GET /oauth/client-metadata/:environment/:key`.
    ///
    /// # Errors
    /// 404 `feature_disabled` while the server has no public `https` address, `unknown_environment`,
    /// `unknown_provider_config`.
    #[tenon_model::boxed]
    pub async fn client_metadata(&self, environment: &str, key: &str) -> Result<Value> {
        let public_url = &self.settings().public_url;
        if !public_url.starts_with("https://") {
            return Err(Error::refuse(404, "feature_disabled"));
        }
        let unknown_environment = || Error::refuse(404, "unknown_environment");
        let uuid = uuid::Uuid::parse_str(environment).map_err(|_| unknown_environment())?;
        let environment = self
            .find_environment_by_uuid(uuid)
            .await?
            .ok_or_else(unknown_environment)?;
        let unknown = || Error::refuse(404, "unknown_provider_config");
        let integration = self.find_integration(environment.id, key).await?.ok_or_else(unknown)?;
        let catalog = self.catalog();
        let provider = catalog.get(&integration.provider).ok_or_else(unknown)?;
        if !matches!(
            provider.auth,
            tenon_catalog::AuthMode::McpOAuth2 | tenon_catalog::AuthMode::McpOAuth2Generic
        ) {
            return Err(unknown());
        }
        let name = integration
            .secrets
            .custom
            .get("client_name")
            .map_or(CLIENT_NAME, String::as_str);
        Ok(json!({
            "client_id": self.client_metadata_url(&environment, key),
            "client_name": name,
            "client_uri": public_url,
            "redirect_uris": [self.callback_url(&environment)],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }))
    }

    /// Stores a client that was registered for an integration.
    async fn keep_registered_client(&self, integration: &Integration, client: &Client) -> Result<()> {
        let secret = client.secret.as_ref().map(Secret::expose).map(Secret::new);
        self.set_integration_client(integration.environment_id, integration.id, &client.id, secret)
            .await
    }
}
