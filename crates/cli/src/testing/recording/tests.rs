use super::without_lone_surrogates;

#[test]
fn dates_of_headers_are_read() {
    assert_eq!(
        super::http_date("Fri, 12 Jun 2026 16:40:07 GMT"),
        Some(1_781_282_407_000)
    );
    assert_eq!(super::http_date("12 Jun 2026"), None);
}

#[test]
fn halves_of_characters_are_replaced() {
    let text = r#"["\ud83d\ude00", "\ud83d", "\\ud83d", "\udc00x", "\n"]"#;
    let clean = without_lone_surrogates(text);
    assert_eq!(clean, r#"["\ud83d\ude00", "\ufffd", "\\ud83d", "\ufffdx", "\n"]"#);
}
