//! Before a connection is deleted: telling the provider, each in its own way. Failures stop nothing.

use serde_json::{Value, json};
use tenon_catalog::provider::BeforeDelete;
use tenon_egress::{Egress, Request};
use tenon_model::Rng;
use url::Url;

use crate::apply::{self, Opened};
use crate::capture::{self, Call};
use crate::error::Error;
use crate::subject::{Subject, USER_AGENT};
use crate::token_call::send;

/// Metadata with which a developer keeps a token alive after its connection is gone.
const SKIP_REVOCATION: &str = "skipTokenRevocation";

/// Runs the hook of the entry; tells whether there is one.
///
/// # Errors
/// When the provider refuses or cannot be reached.
#[tenon_model::boxed]
pub async fn run(egress: &Egress, subject: &Subject<'_>, opened: &Opened, rng: &dyn Rng) -> Result<bool, Error> {
    let Some(hook) = subject.provider.hooks.before_delete else {
        return Ok(false);
    };
    let token = opened.credentials.token().unwrap_or_default();
    match hook {
        BeforeDelete::Hubspot => {
            let skip = subject.metadata.and_then(|metadata| metadata.get(SKIP_REVOCATION)) == Some(&Value::Bool(true));
            if let Some(refresh_token) = opened.credentials.refresh_token().filter(|_| !skip) {
                delete_refresh_token(egress, subject, opened, refresh_token.expose()).await?;
            }
        }
        BeforeDelete::Intercom => {
            capture::call(egress, subject, opened, Call::new("POST", "/auth/uninstall"), rng).await?;
        }
        BeforeDelete::Linear => {
            capture::call(egress, subject, opened, Call::new("POST", "/oauth/revoke"), rng).await?;
        }
        BeforeDelete::Onelogin => {
            let (id, secret) = client(opened);
            let proof = format!("client_id:{id}, client_secret:{secret}");
            let headers = [("authorization".to_owned(), proof)];
            let call = Call {
                headers: &headers,
                body: Some(json!({ "access_token": token })),
                ..Call::new("POST", "/auth/oauth2/revoke")
            };
            capture::call(egress, subject, opened, call, rng).await?;
        }
    }
    Ok(true)
}

fn client(opened: &Opened) -> (&str, &str) {
    let field = |name: &str| opened.fields().text(name).unwrap_or_default();
    (field("client_id"), field("client_secret"))
}

/// The token is in the path and nothing else proves the right to delete it.
async fn delete_refresh_token(
    egress: &Egress,
    subject: &Subject<'_>,
    opened: &Opened,
    refresh_token: &str,
) -> Result<(), Error> {
    let what = "revocation";
    let base = apply::base_url(subject, opened)?.ok_or(Error::Missing {
        what: "base URL".to_owned(),
    })?;
    let mut url = Url::parse(&base).map_err(|_| Error::InvalidUrl { what })?;
    url.path_segments_mut()
        .map_err(|()| Error::InvalidUrl { what })?
        .pop_if_empty()
        .extend(["oauth", "v1", "refresh-tokens", refresh_token]);
    let request = Request::new(http::Method::DELETE, url)
        .header("user-agent", USER_AGENT)
        .map_err(|source| Error::Unreachable { what, source })?;
    send(egress, what, request).await.map(drop)
}
