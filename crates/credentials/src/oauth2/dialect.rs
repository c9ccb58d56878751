//! Token behaviour that data cannot express.

use serde_json::{Map, Value};
use tenon_catalog::provider::{OAuth2 as Facts, TokenDialect};
use tenon_egress::Egress;
use tenon_model::{Secret, Timestamp};

use super::refresh_call;
use crate::credentials::OAuth2;
use crate::expiry;
use crate::material::SecretJson;
use crate::subject::Subject;

/// Corrects fresh credentials: with two tokens side by side, the earlier end counts.
pub(super) fn after_exchange(dialect: Option<TokenDialect>, credentials: &mut OAuth2, now: Timestamp) {
    if dialect == Some(TokenDialect::NestedUserToken) {
        let user_ends = nested(&credentials.raw).and_then(|user| expiry::of_reply(&Value::Object(user.clone()), now));
        credentials.expires_at = earlier(credentials.expires_at, user_ends);
    }
}

/// Refreshes the user's token that lies beside the bot's. A failure keeps the old one: the bot's token is the one that
/// callers use, and it is already fresh.
#[tenon_model::boxed]
pub(super) async fn refresh_nested(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    held: &OAuth2,
    fresh: &mut OAuth2,
) {
    let Some(user) = nested(&held.raw).cloned() else { return };
    let mut kept = user.clone();
    let user_token = user
        .get("refresh_token")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let is_own = !user_token.is_empty()
        && held
            .refresh_token
            .as_ref()
            .is_none_or(|token| !token.ct_eq(&user_token));
    if is_own {
        match refresh_call(egress, subject, facts, held, &user_token).await {
            Ok(tokens) => {
                kept.insert(
                    "access_token".to_owned(),
                    Value::String(tokens.access_token.expose().to_owned()),
                );
                if let Some(token) = tokens.refresh_token.as_ref().map(Secret::expose) {
                    kept.insert("refresh_token".to_owned(), Value::String(token.to_owned()));
                }
                if let Some(ends) = tokens.expires_at {
                    kept.insert("expires_at".to_owned(), Value::String(ends.iso_millis()));
                    fresh.expires_at = earlier(fresh.expires_at, Some(ends));
                }
            }
            Err(error) => {
                tracing::warn!(%error, provider = %subject.provider.id, "the user's token beside the bot's was not refreshed")
            }
        }
    }
    let mut raw = fresh.raw.expose().clone();
    if let Value::Object(fields) = &mut raw {
        fields.insert("authed_user".to_owned(), Value::Object(kept));
    }
    fresh.raw = SecretJson::new(raw);
}

fn nested(raw: &SecretJson) -> Option<&Map<String, Value>> {
    raw.expose().get("authed_user").and_then(Value::as_object)
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
