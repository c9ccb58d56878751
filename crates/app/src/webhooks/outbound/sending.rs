//! One attempt to deliver one event.

use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tenon_egress::{Body, Error as EgressError, Request};
use tenon_model::{OperationId, Secret, Timestamp};
use tenon_store::tables::outbox::{Attempt, DeliveryRow};
use url::Url;

use super::{body_place, headers_place, sign};
use crate::operations::{BODY_BYTES_MAX, HttpExchange, Kind, Level, Outcome, Subject};
use crate::{App, Result};

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Waits after the first and the second attempt, as other servers of this contract do; configured ones follow.
const FIRST_WAITS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(6)];
/// Sequence numbers that one attempt may use in the log.
const MESSAGES_PER_ATTEMPT: i64 = 100;
/// Names under which we introduce ourselves.
const AGENT: &str = concat!("tenon/", env!("CARGO_PKG_VERSION"));

/// What an attempt came to.
enum Answer {
    Status(u16),
    Failed { error: String, transient: bool },
}

/// A signed request and what is logged of it.
struct Letter {
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Tries to deliver a claimed row. Its error is ours and counts as a transient failure.
#[tenon_model::boxed]
pub(super) async fn attempt(app: &App, key: &Secret, row: &DeliveryRow) -> Attempt {
    let number = row.attempts + 1;
    let id = row
        .operation_id
        .clone()
        .map_or_else(|| app.operations().reserve(), OperationId);
    let mut subject = Subject::titled(format!("{} webhook to {}", row.kind, row.url));
    subject.integration = Some(row.integration.clone());
    subject.connection.clone_from(&row.connection);
    subject.meta = Some(serde_json::json!({ "event_id": row.event_id, "target": row.target, "attempts": number }));
    let first_message = row.attempts * MESSAGES_PER_ATTEMPT;
    let operation = app.operations().resume(
        &id,
        row.created_at,
        first_message,
        row.environment_id,
        Kind::Webhook,
        "outgoing",
        subject,
    );
    let answer = match write(app, key, row).await {
        Ok(letter) => send(app, &operation, number, letter).await,
        Err(error) => {
            tracing::error!(error = ?error, delivery = row.id, "an outgoing webhook could not be prepared");
            Answer::Failed {
                error: "the server could not prepare the webhook".to_owned(),
                transient: true,
            }
        }
    };
    let now = app.clock().now();
    let (status, error, delivered, transient) = match answer {
        Answer::Status(status @ 200..=299) => (Some(status), None, true, false),
        Answer::Status(status) => (
            Some(status),
            Some(format!("the receiver answered {status}")),
            false,
            status >= 500,
        ),
        Answer::Failed { error, transient } => (None, Some(error), false, transient),
    };
    let wait = if transient {
        next_wait(&app.settings().webhook_retry_waits, number)
    } else {
        None
    };
    let (state, next_at) = match (delivered, wait) {
        (true, _) => ("delivered", now),
        (false, Some(wait)) => ("pending", now.plus(wait)),
        (false, None) => ("dead", now),
    };
    operation.finish(match (&error, state) {
        (None, _) => Outcome::Success,
        (Some(error), "pending") => {
            let message = format!("{error}; attempt {} follows at {next_at}", number + 1);
            operation.log(Level::Warn, message.clone(), None);
            Outcome::Waiting { message }
        }
        (Some(error), _) => Outcome::failed(
            "webhook_not_delivered",
            format!("{error}; given up after {number} attempts, replay it when the receiver works again"),
        ),
    });
    Attempt {
        id: row.id,
        state,
        next_at,
        status: status.map(i64::from),
        error,
        operation_id: id.0,
    }
}

/// The wait after attempt `number` (from 1); `None` when it was the last.
pub(super) fn next_wait(configured: &[Duration], number: i64) -> Option<Duration> {
    let index = usize::try_from(number - 1).ok()?;
    FIRST_WAITS.iter().chain(configured).nth(index).copied()
}

async fn write(app: &App, key: &Secret, row: &DeliveryRow) -> Result<Letter> {
    let vault = app.vault(row.environment_id).await?;
    let body = vault
        .open(&body_place(row.environment_id, &row.event_id), &row.body)?
        .to_vec();
    let mut headers = HeaderMap::new();
    if let Some(sealed) = &row.headers {
        let plain = vault.open(&headers_place(row.environment_id, &row.event_id), sealed)?;
        let forwarded: Vec<(String, String)> = serde_json::from_slice(&plain).unwrap_or_default();
        for (name, value) in forwarded {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
    }
    let now = app.clock().now();
    sign_headers(&mut headers, key, &row.event_id, now, &body);
    let url = receiver(app, row).await?;
    Ok(Letter { url, headers, body })
}

/// The receiver as it is configured now: one that was corrected since gets what could not be delivered.
async fn receiver(app: &App, row: &DeliveryRow) -> Result<Url> {
    let settings = &app.environment(row.environment_id).await?.settings;
    let current = match row.target.as_str() {
        "primary" => settings.webhook_url.as_deref(),
        "secondary" => settings.webhook_url_secondary.as_deref(),
        _ => None,
    };
    let text = current.filter(|url| !url.is_empty()).unwrap_or(&row.url);
    Url::parse(text).map_err(|error| crate::Error::Internal(format!("the receiver's URL is not valid: {error}")))
}

fn sign_headers(headers: &mut HeaderMap, key: &Secret, event_id: &str, now: Timestamp, body: &[u8]) {
    let signatures = sign(key, event_id, now, body);
    let mut set = |name: &'static str, value: &str| {
        // Hex, base64, digits and our own ids are always valid header values.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-nango-signature", &signatures.legacy);
    set("x-nango-hmac-sha256", &signatures.hmac);
    // A forward may carry the provider's own Standard Webhooks headers, which the customer may want to check.
    if !headers.contains_key("webhook-signature") {
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("webhook-id", event_id);
        set("webhook-timestamp", &now.secs().to_string());
        set("webhook-signature", &signatures.standard);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
}

async fn send(app: &App, operation: &crate::operations::OperationHandle, number: i64, letter: Letter) -> Answer {
    let Letter { url, headers, body } = letter;
    let mut request = Request::new(Method::POST, url.clone()).timeout(TIMEOUT);
    request.headers = headers.clone();
    request.body = Body::Bytes(bytes::Bytes::from(body.clone()));
    // Statements about time spent are for people; a monotonic clock keeps them right.
    let began = Instant::now();
    let result = tokio::time::timeout(TIMEOUT, app.egress().send(request)).await;
    let duration = began.elapsed();
    let exchange = HttpExchange {
        method: "POST",
        url: url.as_str(),
        request_headers: &headers,
        request_body: Some(&body),
        status: None,
        response_headers: None,
        response_body: None,
        response_bytes: None,
        duration,
        attempt: u32::try_from(number).unwrap_or(u32::MAX),
        error: None,
        secrets: &[],
    };
    match result {
        Ok(Ok(response)) => {
            let status = response.status.as_u16();
            let answer_headers = response.headers.clone();
            // The beginning of a refusal says why; nobody reads what follows a success.
            let text = match status {
                200..=299 => bytes::Bytes::new(),
                _ => tokio::time::timeout(Duration::from_secs(5), response.bytes(BODY_BYTES_MAX))
                    .await
                    .ok()
                    .and_then(std::result::Result::ok)
                    .unwrap_or_default(),
            };
            operation.http(&HttpExchange {
                status: Some(status),
                response_headers: Some(&answer_headers),
                response_body: Some(&text),
                ..exchange
            });
            Answer::Status(status)
        }
        Ok(Err(error)) => {
            let text = error.to_string();
            operation.http(&HttpExchange {
                error: Some((error.code(), &text)),
                ..exchange
            });
            Answer::Failed {
                error: text,
                transient: is_transient(&error),
            }
        }
        Err(_) => {
            let text = "the receiver did not answer within 20 seconds";
            operation.http(&HttpExchange {
                error: Some(("ECONNABORTED", text)),
                ..exchange
            });
            Answer::Failed {
                error: text.to_owned(),
                transient: true,
            }
        }
    }
}

/// Whether trying again may help. Policy and malformed requests stay as they are; names and certificates get repaired.
fn is_transient(error: &EgressError) -> bool {
    match error {
        EgressError::Refused { .. }
        | EgressError::NotSent
        | EgressError::InvalidUrl
        | EgressError::InvalidHeader { .. }
        | EgressError::TooManyRedirects { .. }
        | EgressError::BodyNotReplayable { .. }
        | EgressError::RequestBody { .. }
        | EgressError::Setup { .. } => false,
        EgressError::Resolve { .. }
        | EgressError::Connect { .. }
        | EgressError::Tls { .. }
        | EgressError::Timeout { .. }
        | EgressError::Reset { .. }
        | EgressError::BodyTooLarge { .. }
        | EgressError::Decode { .. }
        | EgressError::Protocol { .. }
        | EgressError::Json { .. } => true,
    }
}
