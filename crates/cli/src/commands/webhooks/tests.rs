use std::time::Duration;

use tenon_model::Timestamp;

use super::moment;

#[test]
fn moments_are_absolute_or_a_while_ago() {
    let now = Timestamp::parse_iso("2026-05-02T00:00:00Z").unwrap();
    let ago = |seconds| now.minus(Duration::from_secs(seconds));
    assert_eq!(
        moment("2026-05-01T10:00:00Z", now).unwrap().iso_millis(),
        "2026-05-01T10:00:00.000Z"
    );
    for (text, expected) in [
        ("90s", ago(90)),
        ("5m", ago(300)),
        ("24h", ago(86_400)),
        ("7d", ago(604_800)),
    ] {
        assert_eq!(moment(text, now).unwrap(), expected, "{text}");
    }
    for text in ["", "yesterday", "h", "5", "-3h", "5w"] {
        assert!(moment(text, now).is_err(), "{text}");
    }
}
