//! What answers say about limits.
//!
//! There is no one way to say it. `Retry-After` and the drafts of the IETF working group are standard; `x-ratelimit-*`
//! is common, with a reset that is a number of seconds here and a moment there; HubSpot has its own family.

use chrono::DateTime;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use tenon_model::Timestamp;

/// Learned facts are believed for an hour at most.
const BELIEF_MAX: i64 = 3_600_000_000;

/// Pairs of headers: what is left, and when that changes.
const FAMILIES: &[(&str, &str)] = &[
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
];

/// HubSpot: what is left, and the length of the rolling window in milliseconds (from a header, or fixed).
const ROLLING: &[(&str, Option<&str>, i64)] = &[
    (
        "x-hubspot-ratelimit-remaining",
        Some("x-hubspot-ratelimit-interval-milliseconds"),
        10_000,
    ),
    ("x-hubspot-ratelimit-secondly-remaining", None, 1_000),
];

/// Shortest time for which a rolling window is believed to be full.
const ROLLING_PAUSE_MS: i64 = 500;

/// What one answer says about limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Nothing more before this moment.
    pub blocked_until: Option<Timestamp>,
    /// What is left until a moment, one per kind of counter.
    pub left: Vec<Left>,
    /// Which of several budgets of the vendor this is about.
    pub resource: Option<String>,
}

/// A number of calls that remain until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Which counter; answers replace what earlier ones said about the same counter.
    pub counter: u8,
    /// Calls that remain.
    pub calls: u64,
    /// When there will be more.
    pub until: Timestamp,
}

impl Learned {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.blocked_until.is_none() && self.left.is_empty()
    }
}

/// Reads an answer's headers.
pub fn learn(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Learned {
    let mut learned = Learned::default();
    if status.as_u16() >= 400
        && let Some(value) = text(headers, RETRY_AFTER.as_str())
    {
        learned.blocked_until = wait_from(value, now).map(|until| believable(until, now));
    }
    for (index, (left, reset)) in FAMILIES.iter().enumerate() {
        let Some(calls) = number(headers, left) else { continue };
        if let Some(until) = text(headers, reset).and_then(|value| wait_from(value, now)) {
            learned.left.push(Left {
                counter: counter(index),
                calls,
                until: believable(until, now),
            });
        }
    }
    for (index, (left, interval, default_ms)) in ROLLING.iter().enumerate() {
        let Some(calls) = number(headers, left) else { continue };
        let interval = interval
            .and_then(|name| number(headers, name))
            .and_then(|ms| i64::try_from(ms).ok());
        // Room comes back bit by bit, not at the end of the window.
        let soon = (interval.unwrap_or(*default_ms) / 10).max(ROLLING_PAUSE_MS);
        let until = Timestamp(now.0.saturating_add(soon.saturating_mul(1000)));
        learned.left.push(Left {
            counter: counter(FAMILIES.len() + index),
            calls,
            until: believable(until, now),
        });
    }
    if let Some((calls, seconds)) = text(headers, "ratelimit").and_then(structured) {
        let until = Timestamp(now.0.saturating_add(seconds.saturating_mul(1_000_000)));
        learned.left.push(Left {
            counter: u8::MAX,
            calls,
            until: believable(until, now),
        });
    }
    if !learned.is_empty() {
        learned.resource = text(headers, "x-ratelimit-resource").map(str::to_owned);
    }
    learned
}

/// Reads the moment out of a `Retry-After` or reset header: seconds from now, epoch seconds or milliseconds, or a date.
/// A moment that has passed is none.
pub fn wait_from(value: &str, now: Timestamp) -> Option<Timestamp> {
    let value = value.trim();
    let moment = match value.parse::<f64>() {
        Ok(number) if !number.is_finite() || number < 0.0 => return None,
        Ok(number) if number > 1e12 => number * 1e3,
        Ok(number) if number > 1e9 => number * 1e6,
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds since 1970 fit into 52 bits until 2112"
        )]
        Ok(seconds) => seconds.mul_add(1e6, now.0 as f64),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value)
                .or_else(|_| DateTime::parse_from_rfc3339(value))
                .ok()?;
            return Some(Timestamp(date.timestamp_micros())).filter(|moment| *moment > now);
        }
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is what we want")]
    let moment = Timestamp(moment as i64);
    Some(moment).filter(|moment| *moment > now)
}

fn believable(until: Timestamp, now: Timestamp) -> Timestamp {
    Timestamp(until.0.min(now.0.saturating_add(BELIEF_MAX)))
}

fn counter(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX - 1)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let text = text(headers, name)?.trim();
    // Some vendors list several windows: "99, 9999". The first is the shortest.
    let first = text.split(',').next()?.trim();
    first
        .parse::<u64>()
        .ok()
        .or_else(|| first.starts_with('-').then_some(0))
}

/// The drafts' single header: `limit=100, remaining=50, reset=30`, or `"default";r=50;t=30`.
fn structured(value: &str) -> Option<(u64, i64)> {
    let field = |names: [&str; 2]| {
        value.split([',', ';']).find_map(|part| {
            let (name, text) = part.split_once('=')?;
            names.contains(&name.trim()).then(|| text.trim().parse::<i64>().ok())?
        })
    };
    let left = field(["r", "remaining"])?;
    Some((u64::try_from(left).unwrap_or(0), field(["t", "reset"])?.max(0)))
}
