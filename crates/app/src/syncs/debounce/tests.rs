use serde_json::{Value, json};

use super::{Window, key_of};
use crate::functions::declared::{Debounce, Take};

fn message(number: u64, contact: &Value) -> Value {
    json!({ "event": "contact.changed", "headers": {}, "body": { "number": number, "contact": { "id": contact } } })
}

#[test]
fn a_window_hands_out_the_latest_the_first_or_all() {
    for (take, request, coalesced) in [
        (Take::Latest, 3, None),
        (Take::First, 1, None),
        (Take::All, 3, Some(vec![1, 2, 3])),
    ] {
        let mut window = Window::default();
        for number in 1..=3 {
            window.add(message(number, &json!(7)), take);
        }
        assert_eq!(window.count, 3, "{take:?}");
        let input = window.input();
        assert_eq!(input["request"]["body"]["number"], json!(request), "{take:?}");
        let numbers = input.get("coalesced").map(|list| {
            let numbers = list.as_array().unwrap().iter();
            numbers
                .map(|one| one["body"]["number"].as_i64().unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(numbers, coalesced, "{take:?}");
    }
}

fn debounce(key_by: Option<&str>, max_entities: Option<u64>) -> Debounce {
    Debounce {
        key_by: key_by.map(str::to_owned),
        window_ms: 1_000,
        max_entities,
        take: Take::Latest,
    }
}

#[test]
fn a_full_window_does_not_wait() {
    for (most, bytes, full_at) in [
        (Some(3), 10, 3),
        (Some(1), 10, 1),
        (None, 10, 1_000),
        (Some(5_000), 10, 1_000),
        (None, 5 << 20, 1),
    ] {
        let mut window = Window::default();
        let number = (1..=2_000).find(|number| {
            window.add(message(*number, &json!(7)), Take::Latest);
            window.is_full(&debounce(None, most), bytes)
        });
        assert_eq!(number, Some(full_at), "{most:?}, {bytes} bytes");
    }
}

#[test]
fn messages_are_joined_by_a_path_in_their_body() {
    let key = |path: Option<&str>, contact: Value| key_of(&debounce(path, None), &message(1, &contact));
    assert_eq!(key(Some("contact.id"), json!(7)), "7");
    assert_ne!(key(Some("contact.id"), json!(7)), key(Some("contact.id"), json!("7")));
    assert_eq!(key(Some("contact.none"), json!(7)), "");
    assert_eq!(key(None, json!(7)), "");
}
