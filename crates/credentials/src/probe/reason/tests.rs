use tenon_model::Secret;

use super::reason;

#[track_caller]
fn check(answer: &str, expected: Option<&str>) {
    let secrets = [Secret::new("sk-12345"), Secret::new("p")];
    assert_eq!(reason(answer, &secrets).as_deref(), expected, "{answer}");
}

#[test]
fn the_telling_sentence_of_common_shapes() {
    check(
        r#"{"message":"Bad credentials","documentation_url":"…"}"#,
        Some("Bad credentials"),
    );
    check(
        r#"{"error":{"message":"Invalid API Key","type":"x"}}"#,
        Some("Invalid API Key"),
    );
    check(
        r#"{"error":"invalid_client","error_description":"No such key"}"#,
        Some("No such key"),
    );
    check(
        r#"{"errors":[{"detail":"The token\n expired"}]}"#,
        Some("The token expired"),
    );
    check(r#"{"errors":["Nope"]}"#, Some("Nope"));
    check("Unauthorized", Some("Unauthorized"));
    check("<html><h1>401</h1></html>", None);
    check("", None);
    check(r#"{"ok":false,"code":17}"#, None);
}

#[test]
fn repeated_credentials_are_blanked_out() {
    check(
        r#"{"message":"Incorrect key sk-12345 provided"}"#,
        Some("Incorrect key ••• provided"),
    );
}

#[test]
fn long_texts_are_cut() {
    let text = "word ".repeat(200);
    let said = reason(&text, &[]).unwrap();
    assert_eq!(said.chars().count(), 241);
    assert!(said.ends_with('…'));
}
