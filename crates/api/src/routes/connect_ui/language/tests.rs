use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue};

use super::{FILES, Language, Texts, all};

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .collect()
}

#[test]
fn every_language_has_every_text_with_its_placeholders() {
    let english = &all()[0].1;
    assert!(english.len() > 50);
    for (tag, text) in FILES {
        let texts: Texts = toml::from_str(text).unwrap_or_else(|error| panic!("{tag}: {error}"));
        for (key, text) in english {
            let own = texts.get(key).unwrap_or_else(|| panic!("{tag} lacks {key}"));
            assert_eq!(placeholders(own), placeholders(text), "{tag}: {key}");
            assert!(!own.trim().is_empty(), "{tag}: {key}");
        }
        for key in texts.keys() {
            assert!(english.contains_key(key), "{tag} has {key}, which English lacks");
        }
    }
}

/// Words that are the same in English and another language.
const ALIKE: &[(&str, &str)] = &[("de", "details"), ("it", "field_password"), ("nl", "details")];

#[test]
fn no_text_is_left_in_english() {
    let english = &all()[0].1;
    for (tag, texts) in &all()[1..] {
        for (key, text) in texts {
            let alike = ALIKE.contains(&(*tag, key.as_str()));
            assert_eq!(english[key] == *text, alike, "{tag}: {key} = {text}");
        }
    }
}

#[test]
fn scripts_are_read_in_their_direction() {
    let headers = HeaderMap::new();
    let direction = |tag| Language::choose(Some(tag), &headers).direction();
    assert_eq!(
        (direction("ar-EG"), direction("en"), direction("ja")),
        ("rtl", "ltr", "ltr")
    );
}

#[test]
fn the_query_wins_over_the_browser() {
    let mut headers = HeaderMap::new();
    assert_eq!(Language::choose(None, &headers).tag, "en");
    headers.insert("accept-language", HeaderValue::from_static("xx, en;q=0.3, pt-BR;q=0.9"));
    assert_eq!(Language::choose(None, &headers).tag, "pt");
    assert_eq!(Language::choose(Some("ja"), &headers).tag, "ja");
    assert_eq!(Language::choose(Some("zz"), &headers).tag, "pt");
}
