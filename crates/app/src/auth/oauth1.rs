//! OAuth 1.0a in a popup: temporary credentials before the browser leaves, lasting ones when it returns.

use serde_json::Value;
use tenon_credentials::modes::oauth1_flow::{self, Temporary, Verified};
use tenon_credentials::oauth2::Authorize;
use tenon_credentials::{Credentials, Subject};
use url::Url;

use super::failure::{PopupFailure, missing_code, token_failure, url_failure};
use super::popup::{Departure, no_client};
use super::state::Returned;
use crate::App;

impl App {
    #[tenon_model::boxed]
    pub(super) async fn depart_oauth1(
        &self,
        subject: &Subject<'_>,
        authorize: &Authorize<'_>,
    ) -> Result<Departure, PopupFailure> {
        if subject.app.client_id.is_empty() || subject.app.client_secret.is_empty() {
            return Err(no_client());
        }
        let callback = callback(authorize)?;
        let temporary = oauth1_flow::temporary(self.egress(), subject, &callback, self.rng())
            .await
            .map_err(|error| {
                PopupFailure::new(
                    "request_token_err",
                    format!("The provider gave no request token: {error}"),
                )
            })?;
        let scopes = authorize.scopes.unwrap_or(&subject.app.scopes);
        let url = oauth1_flow::authorize_url(subject, &temporary, &callback, scopes, authorize.params);
        Ok(Departure {
            url: url.map_err(url_failure)?.to_string(),
            temporary: Some((temporary.token, temporary.secret)),
            ..Departure::default()
        })
    }

    #[tenon_model::boxed]
    pub(super) async fn return_oauth1(
        &self,
        query: &Value,
        returned: &Returned,
        subject: &Subject<'_>,
    ) -> Result<Credentials, PopupFailure> {
        let text = |name: &str| query.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (Some(token), Some(verifier)) = (text("oauth_token"), text("oauth_verifier")) else {
            return Err(missing_code(query));
        };
        let (own, secret) = returned
            .remembered
            .temporary
            .clone()
            .ok_or_else(|| missing_code(query))?;
        let temporary = Temporary { token: own, secret };
        let verified = Verified { token, verifier };
        oauth1_flow::exchange(self.egress(), subject, &temporary, &verified, self.rng())
            .await
            .map(Credentials::OAuth1)
            .map_err(token_failure)
    }
}

/// The callback with the state in it: the protocol has no parameter of its own for that.
fn callback(authorize: &Authorize<'_>) -> Result<String, PopupFailure> {
    let mut url = Url::parse(authorize.redirect_uri)
        .map_err(|_| PopupFailure::new("url_param_err", "The callback URL of the environment is not a URL"))?;
    url.query_pairs_mut().append_pair("state", authorize.state);
    Ok(url.to_string())
}
