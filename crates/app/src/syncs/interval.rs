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
static AMOUNT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d*\.?\d+) ?([a-z]+)$").expect("constant expression"));

impl Frequency {
    /// Reads a frequency: one of seven phrases, or a number with its unit.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let short = match text {
            "every half hour" => "30m",
            "every quarter hour" => "15m",
            "every hour" => "1h",
            "every half day" => "12h",
            "every day" => "1d",
            "every week" => "1w",
            "every month" => "30d",
            other => other.strip_prefix("every ").unwrap_or(other),
        };
        let (_, [amount, unit]) = AMOUNT.captures(short)?.extract();
        let amount: f64 = amount.parse().ok()?;
        let unit = match unit {
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

    /// The frequency of a deployed function; daily when it has none that can be read. Deploys take units without a number
    /// (`every minute`), which mean one.
    pub fn of_function(runs: Option<&str>) -> Self {
        let one = |text: &str| Self::parse(&format!("1 {}", text.trim().trim_start_matches("every ").trim()));
        runs.and_then(|text| Self::parse(text).or_else(|| one(text)))
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
