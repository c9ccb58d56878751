//! How often a sync runs, in words (functions contract, 2.6).
//!
//! Three grammars are in use in the field. What is accepted here is accepted by all of them.

use std::sync::LazyLock;

use regex::Regex;

/// Why a frequency is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrequencyError {
    /// Not in the grammar.
    #[error("`{0}` is not a frequency")]
    Unknown(String),
    /// More often than every 30 seconds.
    #[error("`{0}` is more often than every 30 seconds")]
    TooShort(String),
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const SHORTEST: u64 = 30 * SECOND;

const PHRASES: [(&str, u64); 7] = [
    ("every half hour", 30 * MINUTE),
    ("every quarter hour", 15 * MINUTE),
    ("every hour", HOUR),
    ("every half day", 12 * HOUR),
    ("every day", DAY),
    ("every week", 7 * DAY),
    ("every month", 30 * DAY),
];

#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled by every test")]
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:every )?(\d+)\s?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)$").unwrap()
});

/// The period in milliseconds.
pub fn frequency_ms(text: &str) -> Result<u64, FrequencyError> {
    if let Some((_, period)) = PHRASES.iter().find(|(phrase, _)| *phrase == text) {
        return Ok(*period);
    }
    let unknown = || FrequencyError::Unknown(text.to_owned());
    let found = COUNTED.captures(text).ok_or_else(unknown)?;
    let (_, [count, unit]) = found.extract();
    let unit = match unit.as_bytes().first() {
        Some(b's') => SECOND,
        Some(b'm') => MINUTE,
        Some(b'h') => HOUR,
        Some(_) | None => DAY,
    };
    let period = count
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or_else(unknown)?;
    if period < SHORTEST {
        Err(FrequencyError::TooShort(text.to_owned()))
    } else {
        Ok(period)
    }
}
