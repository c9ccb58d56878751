//! How often a sync runs, as people write it.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

/// Shorter intervals are refused.
pub const SHORTEST: Duration = Duration::from_secs(30);

/// A frequency that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Frequency {
    /// Time between runs.
    pub interval: Duration,
    /// The text without `every`, named forms replaced by numbers (`12h`).
    pub short: String,
}

/// What the public route accepts; deployed texts may use further units.
pub(super) const PATTERN: &str = r"^(every )?(([0-9]+)?\s?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)|(month|week|half day|half hour|quarter hour))$";

#[expect(clippy::expect_used, reason = "constant expressions, compiled by the tests")]
static ROUTE: LazyLock<Regex> = LazyLock::new(|| Regex::new(PATTERN).expect("constant expression"));

#[expect(clippy::expect_used, reason = "constant expressions, compiled by the tests")]
static AMOUNT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\d*\.?\d+)?\s*([a-z]+)$").expect("constant expression"));

impl Frequency {
    /// Reads a frequency as a deployed function has it.
    pub fn parse(text: &str) -> Option<Self> {
        let short = text.trim().strip_prefix("every ").unwrap_or(text.trim());
        let named = match short {
            "half hour" => Some("30m"),
            "quarter hour" => Some("15m"),
            "hour" => Some("1h"),
            "half day" => Some("12h"),
            "day" => Some("1d"),
            "week" => Some("1w"),
            "month" => Some("30d"),
            _ => None,
        };
        let short = named.unwrap_or(short);
        let found = AMOUNT.captures(short)?;
        let amount: f64 = match found.get(1) {
            Some(amount) => amount.as_str().parse().ok()?,
            None => 1.0,
        };
        let unit = match found.get(2)?.as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
            _ => return None,
        };
        let interval = Duration::try_from_secs_f64(amount * unit)
            .ok()
            .filter(|interval| !interval.is_zero())?;
        Some(Self {
            interval,
            short: short.to_owned(),
        })
    }

    /// Whether the public route accepts the text.
    pub fn is_route_text(text: &str) -> bool {
        ROUTE.is_match(text)
    }

    /// The frequency of a deployed function; daily when it has none that can be read.
    pub fn of_function(runs: Option<&str>) -> Self {
        runs.and_then(Self::parse)
            .map(|frequency| Self {
                interval: frequency.interval.max(SHORTEST),
                ..frequency
            })
            .unwrap_or(Self {
                interval: Duration::from_secs(86_400),
                short: "1d".to_owned(),
            })
    }
}
