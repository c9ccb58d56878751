use serde_json::{Value, json};
use tenon_runtime::{ErrorKind, Limit, RunError, Upstream};

use super::deploy::{DeployInput, DeployMode, bump, check_cli_version};
use super::{Definition, FunctionKind, RunFailure, Source, run_error, story};
use crate::Error;

fn flow(change: Value) -> Value {
    let mut flow = json!({
        "type": "sync",
        "syncName": "contacts",
        "providerConfigKey": "hubspot",
        "models": ["Contact"],
        "runs": "every hour",
        "version": "",
        "track_deletes": false,
        "auto_start": true,
        "attributes": {},
        "metadata": { "description": "Contacts.", "scopes": ["read"] },
        "input": "Meta",
        "endpoints": [{ "method": "GET", "path": "/contacts", "group": "CRM" }],
        "fileBody": { "js": "module.exports = {}", "ts": "export default 1" },
        "webhookSubscriptions": ["contact.*"],
        "models_json_schema": { "definitions": { "Contact": {}, "Meta": {} } },
        "features": ["checkpoints"],
    });
    merge(&mut flow, change);
    flow
}

fn body(change: Value) -> Value {
    let mut body = json!({
        "flowConfigs": [flow(json!({}))],
        "reconcile": true,
        "debug": false,
        "nangoYamlBody": "",
        "sdkVersion": "0.71.4-zero",
        "deployMode": "integration",
        "source": "repo",
    });
    merge(&mut body, change);
    body
}

fn merge(into: &mut Value, change: Value) {
    for (key, value) in change.as_object().unwrap() {
        let object = into.as_object_mut().unwrap();
        if value == "absent" {
            object.shift_remove(key);
        } else {
            object.insert(key.clone(), value.clone());
        }
    }
}

fn complaints(body: &Value) -> Vec<(String, String)> {
    let error = DeployInput::parse(Some(body), false).unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "invalid_body"));
    refusal
        .issues
        .iter()
        .map(|issue| (issue.code.to_owned(), issue.path.join(".")))
        .collect()
}

#[test]
fn a_deploy_is_read_completely() {
    let read = DeployInput::parse(Some(&body(json!({}))), false).unwrap();
    assert_eq!(
        (read.mode, read.source, read.reconcile),
        (DeployMode::Integration, Source::Repo, true)
    );
    assert!(read.on_events.is_none());
    let [flow] = read.flows.as_slice() else {
        panic!("one flow")
    };
    assert_eq!(
        (flow.kind, flow.name.as_str(), flow.integration.as_str()),
        (FunctionKind::Sync, "contacts", "hubspot")
    );
    let definition = &flow.definition;
    assert_eq!(definition.runs.as_deref(), Some("every hour"));
    assert!(definition.auto_start && definition.is_zero_yaml());
    assert_eq!(definition.endpoints[0].path, "/contacts");
    assert_eq!(
        definition.json_schema,
        Some(json!({ "definitions": { "Contact": {}, "Meta": {} } }))
    );
    assert!(definition.subscribes_to(Some("contact.*")));
    assert!(!definition.subscribes_to(Some("contact.created")));
    let subscribed = |to: Value| {
        let body = body(json!({ "flowConfigs": [self::flow(json!({ "webhookSubscriptions": to }))] }));
        DeployInput::parse(Some(&body), false)
            .unwrap()
            .flows
            .remove(0)
            .definition
    };
    assert!(subscribed(json!(["*"])).subscribes_to(Some("contact.created")));
    assert!(!subscribed(json!([])).subscribes_to(Some("contact.created")));
    let text = serde_json::to_string(definition).unwrap();
    assert_eq!(&serde_json::from_str::<Definition>(&text).unwrap(), definition);
}

#[test]
fn modes_and_legacy_forms() {
    let parse = |change| DeployInput::parse(Some(&body(change)), false).unwrap();
    assert_eq!(parse(json!({ "singleDeployMode": true })).mode, DeployMode::Single);
    assert_eq!(parse(json!({ "deployMode": "absent" })).mode, DeployMode::All);
    let file = json!({ "js": "", "ts": "" });
    let legacy = json!([{ "providerConfigKey": "a", "scripts": [{ "name": "x", "fileBody": file }] }]);
    let events = parse(json!({ "postConnectionScriptsByProvider": legacy }))
        .on_events
        .unwrap();
    assert_eq!(
        (events[0].name.as_str(), events[0].event.as_str()),
        ("x", "post-connection-creation")
    );
    assert_eq!(
        parse(json!({ "onEventScriptsByProvider": [] }))
            .on_events
            .unwrap()
            .len(),
        0
    );
    for (version, is_current) in [("0.71.4-zero", true), ("0.42.1-yaml", false)] {
        let read = parse(json!({ "sdkVersion": version }));
        assert_eq!(read.flows[0].definition.is_zero_yaml(), is_current, "{version}");
    }
    assert!(
        !parse(json!({ "sdkVersion": "absent" })).flows[0]
            .definition
            .is_zero_yaml()
    );
    let old = parse(json!({
        "flowConfigs": [flow(json!({ "endpoints": [{ "GET": "/old" }], "models_json_schema": "absent" }))],
        "jsonSchema": { "$schema": "http://json-schema.org/draft-07/schema#", "$comment": "Made from models", "definitions": { "Contact": {}, "Meta": {} } },
    }));
    assert_eq!((old.flows[0].definition.endpoints[0].method.as_str()), "GET");
    assert!(old.flows[0].definition.json_schema.is_some());
    let missing = DeployInput::parse(
        Some(&body(json!({
            "flowConfigs": [flow(json!({ "models_json_schema": "absent" }))],
            "jsonSchema": { "$schema": "http://json-schema.org/draft-07/schema#", "$comment": "", "definitions": { "Contact": {} } },
        }))),
        false,
    );
    assert_eq!(
        missing.unwrap_err().refusal().unwrap().code,
        "deploy_missing_json_schema_model"
    );
    let schema = json!({ "jsonSchema": { "$schema": "x", "definitions": { "A": 5 }, "y": 1 } });
    let strict = DeployInput::parse(Some(&body(schema)), false).unwrap_err();
    let issues = &strict.refusal().unwrap().issues;
    let found: Vec<String> = issues
        .iter()
        .map(|one| format!("{} {}", one.code, one.path.join(".")))
        .collect();
    assert_eq!(
        found,
        [
            "invalid_value jsonSchema.$schema",
            "invalid_type jsonSchema.$comment",
            "invalid_type jsonSchema.definitions.A",
            "unrecognized_keys jsonSchema",
        ]
    );
}

#[test]
fn what_is_wrong_is_named() {
    let check = |body: Value, code: &str, path: &str| {
        assert_eq!(complaints(&body), [(code.to_owned(), path.to_owned())], "{body}");
    };
    let in_flow = |change| body(json!({ "flowConfigs": [flow(change)] }));
    check(body(json!({ "surplus": 1 })), "unrecognized_keys", "");
    check(
        body(json!({ "nangoYamlBody": "absent" })),
        "invalid_type",
        "nangoYamlBody",
    );
    check(body(json!({ "deployMode": "some" })), "invalid_value", "deployMode");
    check(body(json!({ "source": "mars" })), "invalid_value", "source");
    check(body(json!({ "sdkVersion": "latest" })), "invalid_format", "sdkVersion");
    check(body(json!({ "flowConfigs": [5] })), "invalid_type", "flowConfigs.0");
    check(in_flow(json!({ "surplus": 1 })), "unrecognized_keys", "flowConfigs.0");
    check(
        in_flow(json!({ "type": "other" })),
        "invalid_value",
        "flowConfigs.0.type",
    );
    check(
        in_flow(json!({ "syncName": "a b" })),
        "invalid_format",
        "flowConfigs.0.syncName",
    );
    check(
        in_flow(json!({ "syncName": "x".repeat(256) })),
        "too_big",
        "flowConfigs.0.syncName",
    );
    check(
        in_flow(json!({ "runs": "often" })),
        "invalid_union",
        "flowConfigs.0.runs",
    );
    check(
        in_flow(json!({ "runs": "absent" })),
        "invalid_union",
        "flowConfigs.0.runs",
    );
    check(
        in_flow(json!({ "features": ["magic"] })),
        "invalid_value",
        "flowConfigs.0.features.0",
    );
    check(
        in_flow(json!({ "endpoints": [{ "method": "FETCH", "path": "/x" }] })),
        "invalid_union",
        "flowConfigs.0.endpoints.0",
    );
    check(
        in_flow(json!({ "models": ["Contact", "Absent"] })),
        "custom",
        "flowConfigs.0.models_json_schema",
    );
    check(
        in_flow(json!({ "input": "Absent" })),
        "custom",
        "flowConfigs.0.models_json_schema",
    );
    let long = "x".repeat(256);
    check(
        in_flow(json!({ "metadata": { "description": "x".repeat(2001) } })),
        "too_big",
        "flowConfigs.0.metadata.description",
    );
    check(
        in_flow(json!({ "metadata": { "scopes": ["read", long] } })),
        "too_big",
        "flowConfigs.0.metadata.scopes.1",
    );
    check(
        in_flow(json!({ "models": ["Contact", long] })),
        "too_big",
        "flowConfigs.0.models.1",
    );
    check(
        in_flow(json!({ "endpoints": [{ "method": "GET", "path": "/x", "surplus": 1 }] })),
        "invalid_union",
        "flowConfigs.0.endpoints.0",
    );
    check(
        in_flow(json!({ "fileBody": { "js": "", "ts": "", "surplus": "" } })),
        "unrecognized_keys",
        "flowConfigs.0.fileBody",
    );
    let incremental = json!({ "sync_type": "incremental", "track_deletes": true });
    check(in_flow(incremental), "custom", "flowConfigs.0.track_deletes");
    let event = json!([{ "providerConfigKey": "a", "scripts": [{ "name": "x", "event": "some-day", "fileBody": { "js": "", "ts": "" } }] }]);
    check(
        body(json!({ "onEventScriptsByProvider": event })),
        "invalid_value",
        "onEventScriptsByProvider.0.scripts.0.event",
    );
    let missing: Vec<String> = complaints(&json!({})).into_iter().map(|(_, path)| path).collect();
    assert_eq!(missing, ["flowConfigs", "reconcile", "debug", "nangoYamlBody"]);
    let plan = DeployInput::parse(Some(&body(json!({ "source": "absent" }))), true).unwrap_err();
    assert_eq!(
        plan.refusal().unwrap().issues[0].message,
        "Unrecognized key: \"nangoYamlBody\""
    );
}

#[test]
fn versions_grow() {
    for (previous, next) in [
        (None, "1"),
        (Some(""), "1"),
        (Some("3"), "4"),
        (Some("1.0.0"), "1.0.1"),
        (Some("0.0.9"), "0.0.10"),
        (Some("2.0"), "2.1"),
        (Some("1.2.3-beta"), "1.2.3"),
        (Some("beta"), "beta.1"),
        (Some("v7"), "v8"),
    ] {
        assert_eq!(bump(previous), next);
    }
}

/// The pattern of deploys takes more than schedules need; what a compiler lets through is among it.
#[test]
fn frequencies_of_deploys() {
    let runs = |text: Value| {
        DeployInput::parse(
            Some(&body(json!({ "flowConfigs": [flow(json!({ "runs": text }))] }))),
            false,
        )
    };
    for text in [
        "every half hour",
        "every quarter hour",
        "every hour",
        "every half day",
        "every day",
        "every week",
        "every month",
        "5 minutes",
        "every 5m",
        "every 30 secs",
        "2 hrs",
        "every 1 day",
        "every 5s",
        "hour",
        "every minute",
    ] {
        assert!(runs(json!(text)).is_ok(), "{text}");
    }
    for text in [
        "Every hour",
        "every 1.5h",
        "every 2 weeks",
        "every -5m",
        "300000",
        "5ms",
        "every 5  minutes",
        "every hour ",
    ] {
        assert!(runs(json!(text)).is_err(), "{text}");
    }
    assert!(runs(json!("")).is_ok() && runs(Value::Null).is_ok() && runs(json!(5)).is_err());
}

#[test]
fn old_command_lines_are_refused() {
    let code = |agent| {
        check_cli_version(agent)
            .err()
            .and_then(|error| Some(error.refusal()?.code.clone()))
    };
    assert_eq!(
        code(Some("nango-cli/0.39.0 (linux)")).as_deref(),
        Some("invalid_cli_version")
    );
    for agent in [
        None,
        Some("curl/8"),
        Some("nango-cli/0.39.25"),
        Some("nango-cli/0.71.4 (x)"),
        Some("nango-cli/dev"),
        Some(""),
    ] {
        assert_eq!(code(agent), None, "{agent:?}");
    }
}

fn failure(kind: ErrorKind, type_: &str, payload: &str) -> RunError {
    RunError {
        kind,
        type_: type_.to_owned(),
        status: 500,
        payload_json: payload.to_owned(),
        message: String::new(),
        stack: None,
        upstream: None,
    }
}

#[test]
fn failures_of_runs_have_public_forms() {
    let check = |kind, type_: &str, status: u16, code: &str| {
        let found = RunFailure::of(&failure(kind, type_, "{}"));
        assert_eq!((found.status, found.code.as_str()), (status, code), "{type_}");
    };
    check(
        ErrorKind::Script,
        "action_script_runtime_error",
        500,
        "action_script_runtime_error",
    );
    check(ErrorKind::Script, "script_internal_error", 500, "script_internal_error");
    check(ErrorKind::Script, "script_network_error", 500, "script_network_error");
    check(ErrorKind::Script, "script_http_error", 424, "script_http_error");
    check(
        ErrorKind::Script,
        "script_api_rate_limit_error",
        424,
        "script_api_rate_limit_error",
    );
    check(
        ErrorKind::Script,
        "unknown_provider_template_in_config",
        500,
        "action_script_failure",
    );
    check(
        ErrorKind::Limit(Limit::Output),
        "script_output_too_large",
        400,
        "script_output_too_large",
    );
    check(
        ErrorKind::Limit(Limit::Memory),
        "script_memory_limit_exceeded",
        500,
        "function_runtime_out_of_memory",
    );
    check(
        ErrorKind::Limit(Limit::Cpu),
        "script_cpu_limit_exceeded",
        500,
        "function_runtime_timed_out",
    );
    check(
        ErrorKind::Limit(Limit::Wall),
        "execution_timeout",
        500,
        "execution_timeout",
    );
    check(ErrorKind::Aborted, "script_aborted", 410, "script_aborted");
    check(
        ErrorKind::WorkerLost,
        "script_internal_error",
        500,
        "action_script_failure",
    );
}

#[test]
fn a_providers_refusal_is_passed_on() {
    let mut error = failure(ErrorKind::Script, "script_http_error", r#"{"message":"no"}"#);
    error.upstream = Some(Box::new(Upstream {
        status: 404,
        headers: serde_json::Map::new(),
        body: json!("gone"),
    }));
    let answer = run_error(&error);
    let refusal = answer.refusal().unwrap();
    assert_eq!((refusal.status, &refusal.message), (424, &None));
    assert_eq!(refusal.payload, Some(json!({ "message": "no" })));
    assert_eq!(
        refusal.extra,
        [("upstream", json!({ "status": 404, "headers": {}, "body": "gone" }))]
    );
    assert!(story(&error).ends_with("no (the provider answered 404)"));
    assert!(matches!(answer, Error::Refused(_)));
}
