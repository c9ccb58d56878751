//! Getting new credentials for old ones, whatever the mode.

use std::time::Duration;

use tenon_catalog::AuthMode;
use tenon_catalog::provider::RefreshWhen;
use tenon_egress::Egress;
use tenon_model::{Rng, Timestamp};

use crate::credentials::{Credentials, Custom};
use crate::error::Error;
use crate::expiry;
use crate::material::SecretJson;
use crate::modes::github_app::{self, AppKey};
use crate::modes::{assume_role, bill, client_credentials, exchange, jwt, mcp, wsse};
use crate::oauth2;
use crate::subject::Subject;

/// Whether credentials must be renewed before they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// They are good.
    No,
    /// They end soon, or the caller insists.
    Yes,
    /// Nothing is known about their end; the provider can be asked ([`oauth2::introspect`]).
    Ask,
}

/// Whether the caller insists on new credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Credentials that are good for a while.
    Good,
    /// New ones in any case.
    New,
}

/// Decides whether to refresh. `known_end` is an end learnt from the provider after the credentials were stored.
pub fn due(subject: &Subject<'_>, held: &Credentials, known_end: Option<Timestamp>, want: Want) -> Due {
    if !can_refresh(subject, held) {
        return Due::No;
    }
    if want == Want::New || oauth2::side_token::is_due(subject) {
        return Due::Yes;
    }
    if let Some(facts) = &subject.provider.oauth2 {
        match facts.refresh.when {
            RefreshWhen::Expiring => {}
            RefreshWhen::Forced | RefreshWhen::Never => return Due::No,
        }
    }
    let of_exchange = subject
        .provider
        .exchange
        .as_ref()
        .and_then(|facts| facts.introspect.as_ref());
    let introspect = subject
        .provider
        .oauth2
        .as_ref()
        .and_then(|facts| facts.introspect.as_ref());
    if introspect.or(of_exchange).is_some() && held.expires_at().or(known_end).is_none() {
        return Due::Ask;
    }
    match held.expires_at().or(known_end) {
        Some(end) if end.since(subject.now) <= margin(subject, held) => Due::Yes,
        _ => Due::No,
    }
}

/// How long before its end a token is renewed. A token that lives shorter than twice the usual margin would be renewed
/// on every use, or nearly; it gets a third of its life instead.
pub fn margin(subject: &Subject<'_>, held: &Credentials) -> Duration {
    let usual = subject.provider.refresh_margin();
    match life(subject, held) {
        Some(life) if life < usual * 2 => life / 3,
        _ => usual,
    }
}

/// How long a token lives from its issue, as we made it or as the provider's reply says.
fn life(subject: &Subject<'_>, held: &Credentials) -> Option<Duration> {
    let stated =
        |reply: &SecretJson| expiry::lifetime(reply.expose().get("expires_in")?).filter(|life| !life.is_zero());
    match held {
        Credentials::Jwt(_) => subject.provider.signed_jwt.as_ref().map(|facts| facts.lifetime),
        Credentials::Signature(_) => subject.provider.wsse.as_ref().map(|facts| facts.lifetime),
        Credentials::OAuth2(held) => stated(&held.raw),
        Credentials::ClientCredentials(held) => stated(&held.raw),
        Credentials::Custom(held) => held.user.as_ref().and_then(|user| stated(&user.raw)),
        Credentials::TwoStep(held) => stated(&held.raw),
        Credentials::App(_)
        | Credentials::Bill(_)
        | Credentials::AwsSigV4(_)
        | Credentials::OAuth1(_)
        | Credentials::Basic(_)
        | Credentials::ApiKey(_)
        | Credentials::Tba(_)
        | Credentials::None => None,
    }
}

/// Whether a refresh is possible with what is held.
pub fn can_refresh(subject: &Subject<'_>, held: &Credentials) -> bool {
    match held {
        Credentials::OAuth2(held) if subject.provider.auth == AuthMode::McpOAuth2Generic => {
            held.refresh_token.as_ref().is_some_and(|token| !token.is_empty())
        }
        Credentials::OAuth2(held) => subject
            .provider
            .oauth2
            .as_ref()
            .is_some_and(|facts| facts.refresh.when != RefreshWhen::Never && oauth2::can_refresh(facts, held)),
        Credentials::ClientCredentials(held) => !held.client_id.is_empty(),
        Credentials::App(_) => subject.provider.installation.is_some(),
        Credentials::Custom(held) => held.app.is_some() || held.user.is_some(),
        Credentials::Jwt(_) => subject.provider.signed_jwt.is_some(),
        Credentials::Signature(_) => subject.provider.wsse.is_some(),
        Credentials::TwoStep(_) => subject.provider.exchange.is_some(),
        Credentials::Bill(_) => subject.provider.exchange.is_some(),
        Credentials::AwsSigV4(_) => true,
        Credentials::OAuth1(_)
        | Credentials::Basic(_)
        | Credentials::ApiKey(_)
        | Credentials::Tba(_)
        | Credentials::None => false,
    }
}

/// Renews credentials. What comes back must be stored before it is used: the provider may accept only the newest
/// refresh token from now on.
///
/// # Errors
/// When the provider refuses or cannot be reached; [`Error::failure`] tells what that means.
#[tenon_model::boxed]
pub async fn refresh(
    egress: &Egress,
    subject: &Subject<'_>,
    held: &Credentials,
    rng: &dyn Rng,
) -> Result<Credentials, Error> {
    match held {
        Credentials::OAuth2(held) => {
            let app = subject.app.with_override(held.config_override.as_ref());
            let subject = Subject { app: &app, ..*subject };
            if subject.provider.auth == AuthMode::McpOAuth2Generic {
                return mcp::refresh(egress, &subject, held).await.map(Credentials::OAuth2);
            }
            oauth2::refresh(egress, &subject, held).await.map(Credentials::OAuth2)
        }
        Credentials::ClientCredentials(held) => client_credentials::request(egress, subject, held, &[])
            .await
            .map(Credentials::ClientCredentials),
        Credentials::App(_) => github_app::installation_token(egress, subject, app_key(subject))
            .await
            .map(Credentials::App),
        Credentials::Custom(held) => custom(egress, subject, held).await.map(Credentials::Custom),
        Credentials::Jwt(held) => {
            let facts = subject.provider.signed_jwt.as_ref().ok_or(Error::Unsupported {
                what: "signing for this provider",
            })?;
            let (token, ends) = jwt::signed(facts, subject, &held.inputs)?;
            let mut fresh = held.clone();
            fresh.token = Some(token);
            fresh.expires_at = Some(ends);
            Ok(Credentials::Jwt(fresh))
        }
        Credentials::Signature(held) => {
            let facts = subject.provider.wsse.as_ref().ok_or(Error::Unsupported {
                what: "signing for this provider",
            })?;
            Ok(Credentials::Signature(wsse::sign(facts, held, rng, subject.now)))
        }
        Credentials::TwoStep(held) => exchange::refresh(egress, subject, held).await.map(Credentials::TwoStep),
        Credentials::Bill(held) => bill::login(egress, subject, held).await.map(Credentials::Bill),
        Credentials::AwsSigV4(held) => assume_role::renew(egress, subject, held, rng)
            .await
            .map(Credentials::AwsSigV4),
        Credentials::OAuth1(_)
        | Credentials::Basic(_)
        | Credentials::ApiKey(_)
        | Credentials::Tba(_)
        | Credentials::None => Ok(held.clone()),
    }
}

/// Renews the half that is due, or both when neither is: each rotation of a user's refresh token is a chance to lose
/// it, so an installation token that ends every hour does not touch it. The user's half goes last: nothing may fail
/// between its rotation and the write.
async fn custom(egress: &Egress, subject: &Subject<'_>, held: &Custom) -> Result<Custom, Error> {
    let margin = subject.provider.refresh_margin();
    let ends_soon = |end: Option<Timestamp>| end.is_some_and(|end| end.since(subject.now) <= margin);
    let app_due = held.app.as_ref().is_some_and(|app| ends_soon(app.expires_at));
    let renewable = held.user.as_ref().filter(|user| user.refresh_token.is_some());
    let user_due = renewable.is_some_and(|user| ends_soon(user.expires_at));
    let both = !app_due && !user_due;
    let app = match &held.app {
        Some(_) if app_due || both => Some(github_app::installation_token(egress, subject, app_key(subject)).await?),
        kept => kept.clone(),
    };
    let user = match renewable {
        Some(user) if user_due || both => Some(oauth2::refresh(egress, subject, user).await?),
        _ => held.user.clone(),
    };
    let raw = app.as_ref().map_or_else(|| held.raw.clone(), |app| app.raw.clone());
    Ok(Custom { app, user, raw })
}

/// The key of an app integration. With a user token beside it, client id and secret are those of the user flow and the
/// app's own pair lies among the integration's values.
pub fn app_key<'a>(subject: &Subject<'a>) -> AppKey<'a> {
    let app_id = oauth2::text(subject.app.values.expose(), "app_id").unwrap_or(&subject.app.client_id);
    AppKey {
        app_id,
        private_key: subject.app.private_key.as_ref().unwrap_or(&subject.app.client_secret),
    }
}
