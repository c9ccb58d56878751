//! Moments in templates: shifts and Day.js format tokens, always UTC.

use chrono::{DateTime, Datelike, Months, TimeDelta, Timelike, Utc};
use tenon_model::Timestamp;

/// How far from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Number of units; negative is the past.
    pub amount: i64,
    /// The unit.
    pub unit: Unit,
}

/// Units of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Weeks.
    Weeks,
    /// Calendar months.
    Months,
    /// Calendar years.
    Years,
}

impl Unit {
    /// Day.js names: singular, plural or short.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "millisecond" | "milliseconds" | "ms" => Self::Milliseconds,
            "second" | "seconds" | "s" => Self::Seconds,
            "minute" | "minutes" | "m" => Self::Minutes,
            "hour" | "hours" | "h" => Self::Hours,
            "day" | "days" | "d" => Self::Days,
            "week" | "weeks" | "w" => Self::Weeks,
            "month" | "months" | "M" => Self::Months,
            "year" | "years" | "y" => Self::Years,
            _ => return None,
        })
    }

    /// Plural name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Weeks => "weeks",
            Self::Months => "months",
            Self::Years => "years",
        }
    }
}

/// The moment as text. A shift that leaves the calendar gives the moment itself.
pub(super) fn render(now: Timestamp, shift: Option<Shift>, format: Option<&str>) -> String {
    let moment = DateTime::from_timestamp_micros(now.micros()).unwrap_or(DateTime::UNIX_EPOCH);
    let moment = shift.and_then(|shift| shifted(moment, shift)).unwrap_or(moment);
    match format {
        None => moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        Some(tokens) => formatted(moment, tokens),
    }
}

fn shifted(moment: DateTime<Utc>, shift: Shift) -> Option<DateTime<Utc>> {
    let months = |count: i64| {
        let months = Months::new(u32::try_from(count.unsigned_abs()).ok()?);
        if count < 0 {
            moment.checked_sub_months(months)
        } else {
            moment.checked_add_months(months)
        }
    };
    let delta = match shift.unit {
        Unit::Milliseconds => TimeDelta::try_milliseconds(shift.amount),
        Unit::Seconds => TimeDelta::try_seconds(shift.amount),
        Unit::Minutes => TimeDelta::try_minutes(shift.amount),
        Unit::Hours => TimeDelta::try_hours(shift.amount),
        Unit::Days => TimeDelta::try_days(shift.amount),
        Unit::Weeks => TimeDelta::try_weeks(shift.amount),
        Unit::Months => return months(shift.amount),
        Unit::Years => return months(shift.amount.checked_mul(12)?),
    };
    moment.checked_add_signed(delta?)
}

const TOKENS: &[&str] = &[
    "YYYY", "YY", "MMMM", "MMM", "MM", "M", "DD", "D", "dddd", "ddd", "dd", "d", "HH", "H", "hh", "h", "mm", "m", "ss",
    "s", "SSS", "ZZ", "Z", "A", "a", "X", "x",
];

fn formatted(moment: DateTime<Utc>, format: &str) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(character) = rest.chars().next() {
        if let Some((literal, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            out.push_str(literal);
            rest = after;
            continue;
        }
        match TOKENS
            .iter()
            .find_map(|token| rest.strip_prefix(token).map(|after| (*token, after)))
        {
            Some((token, after)) => {
                out.push_str(&token_text(moment, token));
                rest = after;
            }
            None => {
                out.push(character);
                rest = rest.get(character.len_utf8()..).unwrap_or("");
            }
        }
    }
    out
}

fn token_text(moment: DateTime<Utc>, token: &str) -> String {
    let (afternoon, hour12) = moment.hour12();
    match token {
        "YYYY" => format!("{:04}", moment.year()),
        "YY" => format!("{:02}", moment.year().rem_euclid(100)),
        "MMMM" => moment.format("%B").to_string(),
        "MMM" => moment.format("%b").to_string(),
        "MM" => format!("{:02}", moment.month()),
        "M" => moment.month().to_string(),
        "DD" => format!("{:02}", moment.day()),
        "D" => moment.day().to_string(),
        "dddd" => moment.format("%A").to_string(),
        "ddd" => moment.format("%a").to_string(),
        "dd" => moment.format("%a").to_string().chars().take(2).collect(),
        "d" => moment.weekday().num_days_from_sunday().to_string(),
        "HH" => format!("{:02}", moment.hour()),
        "H" => moment.hour().to_string(),
        "hh" => format!("{hour12:02}"),
        "h" => hour12.to_string(),
        "mm" => format!("{:02}", moment.minute()),
        "m" => moment.minute().to_string(),
        "ss" => format!("{:02}", moment.second()),
        "s" => moment.second().to_string(),
        "SSS" => format!("{:03}", moment.timestamp_subsec_millis()),
        "ZZ" => "+0000".to_owned(),
        "Z" => "+00:00".to_owned(),
        "A" => if afternoon { "PM" } else { "AM" }.to_owned(),
        "a" => if afternoon { "pm" } else { "am" }.to_owned(),
        "X" => moment.timestamp().to_string(),
        "x" => moment.timestamp_millis().to_string(),
        other => other.to_owned(),
    }
}
