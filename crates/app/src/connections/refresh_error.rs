//! Failed refreshes: what callers see, and what a failure means for the next attempt.

use serde_json::{Value, json};
use tenon_credentials::{Credentials, Failure};
use tenon_model::Timestamp;
use tenon_store::tables::connections::RefreshState;

use super::refresh::COOL_DOWN;
use crate::Error;

/// Days with a failure after which attempts end.
const FAILING_DAYS_MAX: i64 = 4;

/// A failed refresh, as every caller that waited for it sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshError {
    /// Stable code: `refresh_token_external_error`, `connection_refresh_backoff`, …
    pub code: &'static str,
    /// HTTP status for the caller.
    pub status: u16,
    /// Sentence for people.
    pub message: String,
    /// Details for programs.
    pub payload: Value,
}

impl RefreshError {
    pub(super) fn backoff(failed_at: Timestamp) -> Self {
        let until = failed_at.plus(COOL_DOWN).iso_millis();
        Self {
            code: "connection_refresh_backoff",
            status: 424,
            message: format!("The last refresh of this connection failed; the next attempt is made after {until}"),
            payload: json!({ "retryAt": until }),
        }
    }

    pub(super) fn exhausted(state: &RefreshState) -> Self {
        Self {
            code: "connection_refresh_exhausted",
            status: 424,
            message:
                "The refresh of this connection has failed too often and is no longer attempted. Ask the end user \
                      to authorise again, or force a refresh."
                    .to_owned(),
            payload: json!({ "lastError": state.error }),
        }
    }

    pub(super) fn lent(owner: &str) -> Self {
        Self {
            code: "refresh_belongs_to_source",
            status: 424,
            message: format!(
                "The tokens of this connection are still renewed by {owner}, and this one has ended. Run \
                 `tenon migrate nango` again to fetch the newest, or with --hand-over to renew them here"
            ),
            payload: json!({ "owner": owner }),
        }
    }

    pub(super) fn of(kind: &Credentials, error: &tenon_credentials::Error, after_lost: bool) -> Self {
        let code = match kind {
            Credentials::ClientCredentials(_) => "client_credentials_fetch_error",
            Credentials::TwoStep(_) | Credentials::Bill(_) => "two_step_credentials_fetch_error",
            Credentials::Signature(_) | Credentials::Jwt(_) => "signature_token_generation_error",
            _ => "refresh_token_external_error",
        };
        let mut message = match error.failure() {
            Failure::InvalidGrant => {
                format!(
                    "The provider no longer accepts these credentials; ask the end user to authorise again ({error})"
                )
            }
            Failure::Transient => {
                format!("The provider could not renew the credentials now; try again later ({error})")
            }
            Failure::Misconfigured => {
                format!("The provider refused to renew the credentials; check the integration's settings ({error})")
            }
        };
        if after_lost {
            message.push_str(
                ". The refresh before this one was interrupted after it may have used the refresh token, which explains \
                 a refusal.",
            );
        }
        let payload = json!({ "failure": error.failure().as_str(), "providerStatus": error.status() });
        Self {
            code,
            status: 400,
            message,
            payload,
        }
    }

    /// As the refusal of a request.
    pub fn to_refusal(&self) -> Error {
        Error::refuse(self.status, self.code)
            .message(self.message.clone())
            .payload(self.payload.clone())
    }
}

/// Failing days after one more failure, and whether attempts end.
pub(super) fn after_failure(state: &RefreshState, failure: Failure, now: Timestamp) -> (i64, bool) {
    const DAY_SECONDS: i64 = 86_400;
    let day = |moment: Timestamp| moment.secs().div_euclid(DAY_SECONDS);
    let counted = match state.failed_at {
        None => 1,
        Some(last) if day(last) < day(now) => state.failures + 1,
        Some(_) => state.failures.max(1),
    };
    match failure {
        Failure::Transient => (state.failures, state.exhausted),
        Failure::InvalidGrant => {
            let again = state.error.as_deref() == Some(Failure::InvalidGrant.as_str());
            (counted, state.exhausted || again || counted >= FAILING_DAYS_MAX)
        }
        Failure::Misconfigured => (counted, state.exhausted || counted >= FAILING_DAYS_MAX),
    }
}
