//! When a token stops working, read from the many ways in which providers say it.

use std::time::Duration;

use serde_json::Value;
use tenon_model::Timestamp;

/// A plain number above this is taken as milliseconds: as seconds it would lie beyond the year 3000, as milliseconds
/// after 1971.
const MILLISECONDS_FROM: f64 = 32_503_680_000.0;
/// Durations beyond this are "forever" written as a number; kept below what a timestamp can hold.
const LONGEST_SECONDS: f64 = 100.0 * 366.0 * 86_400.0;

/// Reads a moment: epoch seconds or milliseconds (a number, or the same as text), ISO 8601 or RFC 2822 text.
pub fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => from_epoch(number.as_f64()?),
        Value::String(text) => {
            let text = text.trim();
            match text.parse::<f64>() {
                Ok(number) => from_epoch(number),
                Err(_) => Timestamp::parse_iso(text).or_else(|| date_text(text)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn from_epoch(number: f64) -> Option<Timestamp> {
    if !number.is_finite() || number <= 0.0 {
        return None;
    }
    let seconds = if number >= MILLISECONDS_FROM {
        number / 1_000.0
    } else {
        number
    };
    // Bounded above by the comparison, so the cast keeps the value.
    (seconds < 253_402_300_800.0).then(|| Timestamp::from_micros((seconds * 1_000_000.0) as i64))
}

fn date_text(text: &str) -> Option<Timestamp> {
    if let Ok(date) = chrono::DateTime::parse_from_rfc2822(text) {
        return Some(Timestamp::from_micros(date.timestamp_micros()));
    }
    for format in [
        "%Y-%m-%d %H:%M:%S%.f%:z",
        "%Y-%m-%dT%H:%M:%S%.f%z",
        "%Y-%m-%d %H:%M:%S%.f %z",
    ] {
        if let Ok(date) = chrono::DateTime::parse_from_str(text, format) {
            return Some(Timestamp::from_micros(date.timestamp_micros()));
        }
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(date) = chrono::NaiveDateTime::parse_from_str(text, format) {
            return Some(Timestamp::from_micros(date.and_utc().timestamp_micros()));
        }
    }
    None
}

/// Reads a lifetime in seconds (a number, or the same as text), a text with a unit (`90s`, `30m`, `1h`, `2d`, `1w`),
/// or `days:hours:minutes`.
pub fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => seconds_in(text.trim())?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    if !seconds.is_finite() || seconds < 0.0 {
        return None;
    }
    Some(Duration::from_secs_f64(seconds.min(LONGEST_SECONDS)))
}

fn seconds_in(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds);
    }
    if let [days, hours, minutes] = text.split(':').collect::<Vec<_>>().as_slice() {
        let part = |text: &str| text.parse::<f64>().ok();
        return Some(part(days)? * 86_400.0 + part(hours)? * 3_600.0 + part(minutes)? * 60.0);
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let each = match unit.trim().to_ascii_lowercase().as_str() {
        "ms" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * each)
}

/// The end of a lifetime that starts now. A "lifetime" that is an epoch moment (some providers send one) counts as that
/// moment; zero is how some write that a token does not expire, nobody issues one that is dead on arrival.
pub fn after(stated: &Value, milliseconds: bool, now: Timestamp) -> Option<Timestamp> {
    let lasts = lifetime(stated)?;
    if lasts.is_zero() {
        return None;
    }
    if milliseconds {
        return Some(now.plus(lasts / 1_000));
    }
    if i64::try_from(lasts.as_secs()).is_ok_and(|seconds| seconds > now.secs() - 86_400) {
        return moment(stated);
    }
    Some(now.plus(lasts))
}

/// The expiry in an OAuth 2 token reply: `expires_at` when it can be read, else `expires_in`.
pub fn of_reply(reply: &Value, now: Timestamp) -> Option<Timestamp> {
    let stated = reply.get("expires_at").and_then(moment);
    stated.or_else(|| after(reply.get("expires_in")?, false, now))
}

/// Serialises an optional moment as the ISO text of the wire, and reads any form that [`moment`] understands.
pub mod iso {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Value;
    use tenon_model::Timestamp;

    /// Writes `2024-05-01T10:00:00.123Z`, or null.
    pub fn serialize<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.serialize_str(&moment.iso_millis()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a moment; what cannot be read is absent.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(super::moment(&Value::deserialize(deserializer)?))
    }
}
