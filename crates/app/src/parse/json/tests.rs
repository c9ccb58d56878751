use serde_json::json;

use super::read;

#[test]
fn json_is_read_as_javascript_writes_it() {
    let read = |text: &str| read(text.as_bytes()).ok();
    assert_eq!(read("\u{feff}{\"a\": 1}"), Some(json!({ "a": 1 })));
    for (text, expected) in [
        (r#"["\ud83d"]"#, "\u{fffd}"),
        (r#"["a\ude00b"]"#, "a\u{fffd}b"),
        (r#"["\ud83d\ude00\ud83d"]"#, "😀\u{fffd}"),
        (r#"["\ud83d\ud83d\ude00"]"#, "\u{fffd}😀"),
        (r#"["\\ud83d\ud83d"]"#, "\\ud83d\u{fffd}"),
        (r#"["\u00e9é\uD83D"]"#, "éé\u{fffd}"),
    ] {
        assert_eq!(read(text), Some(json!([expected])), "{text}");
    }
    for text in [
        r#"["\ud83d]"#,
        r#"["\ud83"]"#,
        r#"["\"#,
        "{",
        "\u{feff}\u{feff}{}",
        "1",
        "",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}
