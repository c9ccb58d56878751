//! Before a connection is deleted: telling the provider, each in its own way. Failures stop nothing.

use serde_json::{Value, json};
use tenon_catalog::provider::{BeforeDelete, BodyFormat};
use tenon_egress::Egress;
use tenon_model::Rng;

use crate::apply::Opened;
use crate::capture::{self, Call};
use crate::error::Error;
use crate::oauth2;
use crate::subject::Subject;
use crate::token_call::TokenCall;

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
                revoke_refresh_token(egress, subject, refresh_token.expose()).await?;
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

/// Revocation beside the token endpoint, with the client's own proof.
async fn revoke_refresh_token(egress: &Egress, subject: &Subject<'_>, refresh_token: &str) -> Result<(), Error> {
    let what = "revocation";
    let facts = oauth2::facts(subject)?;
    let url = facts.token.url.as_ref().ok_or(Error::InvalidUrl { what })?;
    let mut url = subject.endpoint(what, url, oauth2::url_values(facts), &subject.scope())?;
    url.path_segments_mut()
        .map_err(|()| Error::InvalidUrl { what })?
        .pop_if_empty()
        .push("revoke");
    let mut call = TokenCall {
        what,
        url,
        params: vec![
            ("token".to_owned(), json!(refresh_token)),
            ("token_type_hint".to_owned(), json!("refresh_token")),
        ],
        headers: Vec::new(),
        format: BodyFormat::Form,
    };
    call.authenticate(subject, facts.token.client_auth, &facts.token.fields)?;
    call.send(egress).await.map(drop)
}
