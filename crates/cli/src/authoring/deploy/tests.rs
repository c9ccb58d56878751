use serde_json::json;

use super::{Consent, Decision, Plan, decide};

fn plan(deleted_connections: u64, models: &[&str]) -> Plan {
    Plan::new(json!({
        "newSyncs": [{ "name": "a", "providerConfigKey": "x", "connections": 0, "auto_start": true }],
        "deletedSyncs": [{ "name": "old", "providerConfigKey": "x", "connections": deleted_connections, "auto_start": false }],
        "deletedModels": models,
    }))
}

fn outcome(plan: &Plan, auto_confirm: bool, allow_destructive: bool, interactive: bool) -> &'static str {
    match decide(
        plan,
        Consent {
            auto_confirm,
            allow_destructive,
            interactive,
        },
    ) {
        Decision::Proceed => "proceed",
        Decision::Ask { default: true, .. } => "ask, yes",
        Decision::Ask { default: false, .. } => "ask, no",
        Decision::Refuse(_) => "refuse",
    }
}

#[test]
fn who_must_agree_to_what() {
    let harmless = plan(0, &[]);
    let destructive = plan(2, &["Old"]);
    for (interactive, auto, allow, expected_harmless, expected_destructive) in [
        (true, false, false, "ask, yes", "ask, no"),
        (true, true, false, "proceed", "refuse"),
        (true, false, true, "ask, yes", "ask, no"),
        (true, true, true, "proceed", "proceed"),
        (false, false, false, "proceed", "refuse"),
        (false, true, false, "proceed", "refuse"),
        (false, false, true, "proceed", "proceed"),
        (false, true, true, "proceed", "proceed"),
    ] {
        let case = format!("interactive {interactive}, auto-confirm {auto}, allow-destructive {allow}");
        assert_eq!(
            outcome(&harmless, auto, allow, interactive),
            expected_harmless,
            "{case}"
        );
        assert_eq!(
            outcome(&destructive, auto, allow, interactive),
            expected_destructive,
            "{case}"
        );
    }
    assert_eq!(
        outcome(&Plan::new(json!({})), false, false, true),
        "proceed",
        "nothing to ask about"
    );
}

#[test]
fn losses_are_named() {
    let Decision::Refuse(reason) = decide(
        &plan(1, &["Old", "Older"]),
        Consent {
            auto_confirm: true,
            allow_destructive: false,
            interactive: false,
        },
    ) else {
        panic!("refused")
    };
    assert_eq!(
        reason,
        "this would delete the sync old of 1 connection and the records of Old, Older; add --allow-destructive if that is wanted"
    );
}
