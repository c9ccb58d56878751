//! Whether a failed attempt is repeated, and when. Pure: the caller knows the time and sleeps.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde_json::Value;
use tenon_catalog::provider::{Retry, WaitKind};
use tenon_credentials::expiry;
use tenon_credentials::material::at_path;
use tenon_egress::governor::wait_from;
use tenon_model::Timestamp;

/// First pause when nobody says how long to wait; doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(3);
/// Longest pause, whoever asks for it.
const PAUSE_MAX: Duration = Duration::from_secs(600);

/// Failures without an answer that are worth another attempt.
const RETRYABLE_CODES: &[&str] = &[
    "ECONNRESET",
    "ETIMEDOUT",
    "ECONNABORTED",
    "ECONNREFUSED",
    "EHOSTUNREACH",
    "EAI_AGAIN",
    "UND_ERR_SOCKET",
];

/// What decides about repeating a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The provider's facts.
    pub(super) provider: Option<&'a Retry>,
    /// Statuses that the caller wants retried.
    pub(super) retry_on: &'a [u16],
    /// Headers that the caller names in place of the provider's.
    pub(super) own_at: &'a [String],
    /// Headers that the caller names in place of the provider's.
    pub(super) own_after: &'a [String],
}

/// An answer that may be repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    /// The body, when it was read for its hint about the wait.
    pub(super) body: &'a [u8],
}

impl Rules<'_> {
    /// Whether an answer is worth another attempt.
    pub(super) fn retries(&self, answer: &Answer<'_>) -> bool {
        let status = answer.status;
        let listed = match self.provider {
            Some(facts) if !facts.statuses.is_empty() => facts.statuses.iter().any(|rule| rule.matches(status)),
            Some(_) | None => status >= 500 || status == 429 || status == 401,
        };
        let used_up = || {
            let name = self.provider.and_then(|facts| facts.remaining.as_deref());
            name.and_then(|name| answer.headers.get(name))
                .is_some_and(|left| left == "0")
        };
        listed || self.retry_on.contains(&status) || (status >= 400 && used_up())
    }

    /// Whether the body has to be read to know how long to wait.
    pub(super) fn needs_body(&self) -> bool {
        self.provider.is_some_and(|facts| facts.in_body.is_some())
    }

    /// How long to wait before attempt `next` (the second one is 1).
    pub(super) fn wait(&self, answer: &Answer<'_>, next: u32, now: Timestamp) -> Duration {
        self.stated_wait(answer, now)
            .unwrap_or_else(|| pause(next))
            .min(PAUSE_MAX)
    }

    fn stated_wait(&self, answer: &Answer<'_>, now: Timestamp) -> Option<Duration> {
        let header = |name: &str| answer.headers.get(name)?.to_str().ok();
        let longest = |at: &[String], after: &[String]| {
            let moments = at.iter().filter_map(|name| until(header(name)?, now));
            let spans = after.iter().filter_map(|name| seconds(header(name)?, now));
            moments.chain(spans).max()
        };
        let stated = longest(self.own_at, self.own_after);
        if stated.is_some() {
            return stated;
        }
        if let Some(facts) = self.provider {
            let stated = longest(&facts.at, &facts.after);
            if stated.is_some() {
                return stated;
            }
            if let Some(hint) = &facts.in_body {
                let body = serde_json::from_slice::<Value>(answer.body).ok();
                let text = body
                    .as_ref()
                    .and_then(|body| at_path(body, &hint.path))
                    .and_then(Value::as_str);
                let found = text.and_then(|text| hint.pattern.first_group(text));
                let stated = found.and_then(|text| match hint.kind {
                    WaitKind::At => until(text, now),
                    WaitKind::After => seconds(text, now),
                });
                if stated.is_some() {
                    return stated;
                }
            }
        }
        header(RETRY_AFTER.as_str())
            .and_then(|value| wait_from(value, now))
            .and_then(|moment| span(now, moment))
    }
}

/// Whether a failure without an answer is worth another attempt.
pub(super) fn retries_code(code: &str) -> bool {
    RETRYABLE_CODES.contains(&code)
}

/// The pause before attempt `next` when nobody says how long to wait.
pub(super) fn pause(next: u32) -> Duration {
    let doublings = next.saturating_sub(1).min(16);
    (FIRST_PAUSE * (1_u32 << doublings)).min(PAUSE_MAX)
}

/// A number of seconds, or a date, which `Retry-After` may be.
fn seconds(text: &str, now: Timestamp) -> Option<Duration> {
    match text.trim().parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => until(text, now),
    }
}

/// A moment in the future: epoch seconds or milliseconds, or a date.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    span(now, expiry::moment(&Value::String(text.to_owned()))?)
}

fn span(now: Timestamp, moment: Timestamp) -> Option<Duration> {
    u64::try_from(moment.0 - now.0)
        .ok()
        .filter(|micros| *micros > 0)
        .map(Duration::from_micros)
}
