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

#[test]
fn messages_are_joined_by_a_path_in_their_body() {
    let key = |path: Option<&str>, contact: Value| {
        let debounce = Debounce {
            key_by: path.map(str::to_owned),
            window_ms: 1_000,
            max_entities: None,
            take: Take::Latest,
        };
        key_of(&debounce, &message(1, &contact))
    };
    assert_eq!(key(Some("contact.id"), json!(7)), "7");
    assert_ne!(key(Some("contact.id"), json!(7)), key(Some("contact.id"), json!("7")));
    assert_eq!(key(Some("contact.none"), json!(7)), "");
    assert_eq!(key(None, json!(7)), "");
}
