//! The parts that need no server: headers, and texts that templates and script name.

use std::collections::BTreeSet;

use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use tenon_app::Settings;

use super::framing::{Framing, page_headers};
use super::page::SCRIPT;
use super::states::STATES;

const ENGLISH: &str = include_str!("../../../../../ui/connect/languages/en.toml");
const TEMPLATES: &[&str] = &[
    include_str!("../../../../../ui/connect/page.html"),
    include_str!("../../../../../ui/connect/list.html"),
    include_str!("../../../../../ui/connect/form.html"),
    include_str!("../../../../../ui/connect/states.html"),
    include_str!("../../../../../ui/connect/result.html"),
    include_str!("result.rs"),
    include_str!("templates.rs"),
];

fn policy(framing: Framing, ancestors: &[&str]) -> (String, bool) {
    let settings = Settings {
        public_url: "https://tenon.example.com".to_owned(),
        connect_frame_ancestors: ancestors.iter().map(|&one| one.to_owned()).collect(),
        ..Settings::default()
    };
    let headers = page_headers(&settings, framing, "n0nce");
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    (policy, headers.contains_key(X_FRAME_OPTIONS))
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let (policy, _) = policy(Framing::Configured, &["*"]);
    for part in [
        "default-src 'none'",
        "script-src 'nonce-n0nce'",
        "style-src 'nonce-n0nce'",
        "connect-src 'self' wss://tenon.example.com;",
        "form-action 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn frames_are_for_the_configured_origins_and_never_for_links() {
    let ends = |framing, ancestors: &[&str], end: &str| {
        let (policy, denied) = policy(framing, ancestors);
        assert!(policy.ends_with(end), "{policy}");
        denied
    };
    assert!(!ends(Framing::Configured, &["*"], "frame-ancestors *"));
    let two = ["https://app.example.com", "https://*.example.org"];
    ends(
        Framing::Configured,
        &two,
        "frame-ancestors https://app.example.com https://*.example.org",
    );
    ends(Framing::Configured, &[], "frame-ancestors 'none'");
    assert!(ends(Framing::Never, &["*"], "frame-ancestors 'none'"));
}

/// Texts that `result.rs` chooses among.
const TEXTS_OF_WINDOWS: &[&str] = &[
    "window_done_hint",
    "window_close_hint",
    "window_denied_hint",
    "window_retry_hint",
    "window_expired_hint",
    "window_failed_hint",
    "window_elsewhere_title",
    "window_elsewhere_hint",
];

/// Texts between `before` and the next quote.
fn named<'t>(text: &'t str, before: &str) -> impl Iterator<Item = &'t str> {
    let parts: Vec<&str> = text.split(before).skip(1).collect();
    parts.into_iter().filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_text_that_is_named_exists_and_every_text_is_named() {
    let texts: std::collections::HashMap<String, String> = toml::from_str(ENGLISH).unwrap();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for template in TEMPLATES {
        for before in ["t.text(\"", "t.fill(\"", "self.fill(\""] {
            used.extend(named(template, before));
        }
    }
    for state in STATES {
        used.extend(
            [state.title, state.hint, state.hint_link]
                .into_iter()
                .filter(|key| !key.is_empty()),
        );
        used.extend(state.actions.iter().map(|action| action.text));
    }
    for key in TEXTS_OF_WINDOWS {
        used.insert(key);
    }
    // Chosen among several in `templates.rs`.
    used.extend([
        "form_title",
        "form_title_again",
        "popup_hint",
        "key_hint",
        "none_hint",
        "outbound_hint",
    ]);
    for key in &used {
        assert!(texts.contains_key(*key), "{key} is named but has no text");
    }
    for key in texts.keys().filter(|key| !key.starts_with("field_")) {
        assert!(used.contains(key.as_str()), "{key} has a text but nobody names it");
    }
}

#[test]
fn the_script_knows_every_state_and_every_action() {
    for name in SCRIPT
        .split("show('")
        .skip(1)
        .filter_map(|rest| rest.split('\'').next())
        .filter(|name| *name != "ask")
    {
        assert!(STATES.iter().any(|state| state.name == name), "{name} is no state");
    }
    for action in STATES.iter().flat_map(|state| state.actions) {
        assert!(
            SCRIPT.contains(&format!("    {}: ", action.does)),
            "{} is no action",
            action.does
        );
    }
    assert!(!SCRIPT.contains("</script"), "the script is part of the page");
}
