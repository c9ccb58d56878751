//! Values on the command line.

use anyhow::{Context, Result, bail};
use serde_json::Value;

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

/// A moment as ISO text: a date, a date with time, or milliseconds since 1970.
pub fn instant(flag: &str, text: &str) -> Result<String> {
    if let Ok(millis) = text.parse::<i64>() {
        return Ok(tenon_model::Timestamp::from_micros(millis.saturating_mul(1_000)).iso_millis());
    }
    let completed = match text.len() {
        10 => format!("{text}T00:00:00.000Z"),
        _ if text.ends_with('Z') || text.contains('+') => text.replace(' ', "T"),
        _ => format!("{}Z", text.replace(' ', "T")),
    };
    match tenon_model::Timestamp::parse_iso(&completed) {
        Some(moment) => Ok(moment.iso_millis()),
        None => bail!("{flag}: `{text}` is not a moment; write 2026-05-01 or 2026-05-01T10:00:00Z"),
    }
}
