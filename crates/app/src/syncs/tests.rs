//! The grammar of frequencies and names.

use std::time::Duration;

use super::Frequency;
use super::select::SyncName;

#[test]
fn frequencies_are_understood() {
    for (text, secs, short) in [
        ("every half hour", 1_800, "30m"),
        ("every quarter hour", 900, "15m"),
        ("every hour", 3_600, "1h"),
        ("every half day", 43_200, "12h"),
        ("every day", 86_400, "1d"),
        ("every week", 604_800, "1w"),
        ("every month", 2_592_000, "30d"),
        ("every 3 hours", 10_800, "3 hours"),
        ("90s", 90, "90s"),
        ("every 45 mins", 2_700, "45 mins"),
        ("45m", 2_700, "45m"),
    ] {
        let frequency = Frequency::parse(text).unwrap();
        assert_eq!(
            (frequency.interval, frequency.short.as_str()),
            (Duration::from_secs(secs), short),
            "{text}"
        );
        assert!(Frequency::is_route_text(text), "{text}");
    }
    // The pattern of the route takes units without a number; what reads the text afterwards does not.
    for text in [
        "often",
        "",
        "every",
        "0s",
        "3 fortnights",
        "Every day",
        "every minute",
        "h",
        "day",
        "every  hour",
    ] {
        assert_eq!(Frequency::parse(text), None, "{text}");
    }
    assert_eq!(
        Frequency::of_function(Some("every minute")).interval,
        Duration::from_secs(60)
    );
    assert_eq!(
        Frequency::of_function(Some("every 5s")).interval,
        super::interval::SHORTEST
    );
    assert_eq!(Frequency::of_function(None).interval, Duration::from_secs(86_400));
}

#[test]
fn syncs_are_named_with_or_without_variant() {
    let name = |text: &str| SyncName::parse(text).map(|name| (name.name, name.variant));
    assert_eq!(name("contacts"), Some(("contacts".to_owned(), "base".to_owned())));
    assert_eq!(name("contacts::eu"), Some(("contacts".to_owned(), "eu".to_owned())));
    for bad in ["", "a b", "a::", "::b", "a::b::c"] {
        assert_eq!(name(bad), None, "{bad}");
    }
}
