//! Durations as people write them.

use std::time::Duration;

/// The longest duration that is taken.
const YEAR: u64 = 365 * 86_400;

/// Reads `90s`, `30m`, `24h` or `7d`; a year at most.
///
/// # Errors
/// A sentence that says how to write it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write a number with s, m, h or d, such as 24h");
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(seconds) if seconds <= YEAR => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text} is too long; at most 365d")),
    }
}

#[cfg(test)]
mod tests;
