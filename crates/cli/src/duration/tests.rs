use super::duration;
use std::time::Duration;

#[test]
fn reads_what_people_write_and_explains_the_rest() {
    for (text, seconds) in [
        ("0s", 0),
        ("90s", 90),
        ("30m", 1_800),
        ("24h", 86_400),
        ("365d", 31_536_000),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["", "24", "h", "1w", "-1h", "1.5h", "24 h", "é"] {
        assert!(duration(text).unwrap_err().contains("24h"), "{text}");
    }
    assert!(duration("366d").unwrap_err().contains("365d"));
    assert!(duration("99999999999999999999d").is_err());
}
