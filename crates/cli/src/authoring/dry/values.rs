//! Values on the command line.

use anyhow::{Context, Result, bail};
use chrono::{NaiveDate, NaiveDateTime};
use serde_json::Value;
use tenon_model::Timestamp;

/// JSON, or `@file.json`.
pub fn json_argument(flag: &str, text: &str) -> Result<Value> {
    let (text, origin) = match text.strip_prefix('@') {
        Some(path) => (
            std::fs::read_to_string(path).with_context(|| format!("{flag}: {path} cannot be read"))?,
            path.to_owned(),
        ),
        None => (text.to_owned(), "the value".to_owned()),
    };
    serde_json::from_str(&text).with_context(|| format!("{flag}: {origin} is not JSON; texts need double quotes"))
}

/// A moment as ISO text, from what JavaScript's `new Date` reads: ISO forms, milliseconds since 1970, and dates as people
/// and mail programs write them. Without a time zone it is UTC, as for functions on a server.
pub fn instant(flag: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let moment = of_millis(text).or_else(|| of_iso(text)).or_else(|| of_words(text));
    match moment {
        Some(moment) => Ok(moment.iso_millis()),
        None => bail!("{flag}: `{text}` is not a moment; write 2026-05-01 or 2026-05-01T10:00:00Z"),
    }
}

/// Milliseconds have more digits than a year.
fn of_millis(text: &str) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_year = digits.len() == text.len() && digits.len() == 4;
    text.parse().ok().filter(|_| !is_year).map(Timestamp::from_millis)
}

/// `2026`, `2026-05`, `2026-05-01`, with a time after `T` or a space, seconds and an offset where they are needed.
fn of_iso(text: &str) -> Option<Timestamp> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    let date = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.replace('/', "-"),
    };
    if time.is_empty() {
        return Timestamp::parse_iso(&date);
    }
    let zone = time.rfind(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone)?;
    let clock = clock.trim_end();
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let zone = match zone {
        "" => "Z".to_owned(),
        zone if zone.len() == 5 => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        zone => zone.to_uppercase(),
    };
    Timestamp::parse_iso(&format!("{date}T{clock}{seconds}{zone}"))
}

/// `May 1, 2026`, `1 May 2026 10:30`, `05/01/2026`, `Fri, 01 May 2026 10:00:00 GMT`, `Fri May 01 2026 10:00:00 GMT+0200 (…)`.
fn of_words(text: &str) -> Option<Timestamp> {
    let text = text.split(" (").next()?;
    let text = match text.split_once([',', ' ']) {
        Some((day, rest)) if DAYS.iter().any(|name| day.starts_with(name)) => rest.trim_start(),
        _ => text,
    };
    let (clock, offset) = of_zone(text);
    let moment = DATES.iter().find_map(|date| {
        let whole = |time: &str| NaiveDateTime::parse_from_str(clock, &format!("{date} {time}")).ok();
        let midnight = || NaiveDate::parse_from_str(clock, date).ok()?.and_hms_opt(0, 0, 0);
        ["%H:%M:%S%.f", "%H:%M", "%I:%M %p"]
            .into_iter()
            .find_map(whole)
            .or_else(midnight)
    })?;
    let micros = moment.and_utc().timestamp_micros();
    Some(Timestamp::from_micros(micros - offset))
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DATES: [&str; 5] = ["%B %d, %Y", "%B %d %Y", "%d %B %Y", "%m/%d/%Y", "%Y/%m/%d"];

/// The text without the time zone at its end, and the zone's distance from UTC in microseconds.
fn of_zone(text: &str) -> (&str, i64) {
    const MINUTE: i64 = 60_000_000;
    let digits = text.rsplit_once(['+', '-']).map(|(_, offset)| offset.replace(':', ""));
    let found = digits
        .filter(|digits| digits.len() == 4 && text.contains(':'))
        .and_then(|digits| {
            let number: i64 = digits.parse().ok()?;
            let at = text.rfind(['+', '-'])?;
            let sign = if text.get(at..)?.starts_with('-') { -1 } else { 1 };
            Some((text.get(..at)?, sign * (number / 100 * 60 + number % 100) * MINUTE))
        });
    let (text, offset) = found.unwrap_or((text, 0));
    let bare = ["GMT", "UTC", "Z"].iter().find_map(|zone| text.strip_suffix(zone));
    (bare.unwrap_or(text).trim_end(), offset)
}

#[cfg(test)]
mod tests;
