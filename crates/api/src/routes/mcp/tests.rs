use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::message::{Incoming, read};
use super::params::Params;
use super::transport::{check_handshake, check_origin, check_types};
use super::{methods, stateless};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

#[test]
fn messages_are_told_apart() {
    let kind = |body: Value| read(&body).map(|messages| messages.len());
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    assert!(matches!(read(&ping).unwrap()[..], [Incoming::Request(_)]));
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized", "params": {} });
    assert_eq!(read(&note).unwrap(), [Incoming::Notification]);
    let reply = json!({ "jsonrpc": "2.0", "id": "x", "result": {} });
    assert_eq!(read(&reply).unwrap(), [Incoming::Reply]);
    assert_eq!(kind(json!([ping, note, reply])), Some(3));
    assert_eq!(kind(json!([])), Some(0));
    for bad in [
        json!({ "hello": 1 }),
        json!({ "jsonrpc": "1.0", "id": 1, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1.5, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 9_007_199_254_740_993_i64, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": null }),
        json!({ "jsonrpc": "2.0", "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": "1", "message": "no" } }),
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 1, "message": "no" } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": 7 }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1] }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "further": 1 }),
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }, 5]),
    ] {
        assert_eq!(kind(bad.clone()), None, "{bad}");
    }
}

#[test]
fn complaints_about_parameters_name_the_place() {
    let empty = Map::new();
    let mut params = Params::required(Some(&empty));
    assert_eq!(params.text("name"), None);
    assert_eq!(params.opt_record("arguments"), None);
    let issues: Value = serde_json::from_str(&params.complaints().unwrap()).unwrap();
    assert_eq!(
        issues,
        json!([{
            "expected": "string",
            "code": "invalid_type",
            "path": ["params", "name"],
            "message": "Invalid input: expected string, received undefined",
        }])
    );
    let given = json!({ "clientInfo": { "name": "x" }, "arguments": [1] });
    let mut params = Params::required(given.as_object());
    params.object("clientInfo", &["name", "version"]);
    params.opt_record("arguments");
    let issues: Value = serde_json::from_str(&params.complaints().unwrap()).unwrap();
    assert_eq!(issues[0]["path"], json!(["params", "clientInfo", "version"]));
    assert_eq!(issues[1]["message"], "Invalid input: expected record, received array");

    let mut none = Params::required(None);
    none.text("name");
    none.object("capabilities", &[]);
    let issues: Value = serde_json::from_str(&none.complaints().unwrap()).unwrap();
    assert_eq!(
        (issues.as_array().unwrap().len(), &issues[0]["path"]),
        (1, &json!(["params"]))
    );
    assert_eq!(
        issues[0]["message"],
        "Invalid input: expected object, received undefined"
    );
    assert_eq!(Params::optional(None).complaints(), None);

    let given = json!({ "cursor": 5, "task": 5, "capabilities": { "roots": 5, "sampling": {} } });
    let mut params = Params::optional(given.as_object());
    params.opt_text("cursor");
    params.opt_object("task");
    params.opt_members("capabilities", &["roots", "sampling", "none"]);
    let issues: Value = serde_json::from_str(&params.complaints().unwrap()).unwrap();
    let paths: Vec<&Value> = issues.as_array().unwrap().iter().map(|issue| &issue["path"]).collect();
    assert_eq!(
        json!(paths),
        json!([
            ["params", "cursor"],
            ["params", "task"],
            ["params", "capabilities", "roots"]
        ])
    );
}

#[test]
fn both_media_types_must_be_readable() {
    let status = |pairs: &[(&'static str, &str)]| check_types(&headers(pairs)).err().map(|r| r.status.as_u16());
    let json = ("content-type", "application/json; charset=utf-8");
    assert_eq!(status(&[json, ("accept", "application/json, text/event-stream")]), None);
    for accept in ["*/*", "application/json", "text/event-stream"] {
        assert_eq!(status(&[json, ("accept", accept)]), Some(406), "{accept}");
    }
    assert_eq!(status(&[json]), Some(406));
    assert_eq!(status(&[("accept", "application/json, text/event-stream")]), Some(415));
}

#[test]
fn revisions_are_checked_except_while_agreeing_on_one() {
    let messages = |body: Value| read(&body).unwrap();
    let ping = || messages(json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize" });
    let old = headers(&[("mcp-protocol-version", "1999-01-01")]);
    assert!(check_handshake(&HeaderMap::new(), &ping()).is_ok());
    for version in ["2025-06-18", "2025-11-25"] {
        assert!(check_handshake(&headers(&[("mcp-protocol-version", version)]), &ping()).is_ok());
    }
    assert!(check_handshake(&old, &messages(hello.clone())).is_ok());
    assert_eq!(check_handshake(&old, &ping()).unwrap_err().status, 400);
    let two = check_handshake(&HeaderMap::new(), &messages(json!([hello, hello]))).unwrap_err();
    assert_eq!(two.body["error"]["code"], -32600);
}

#[test]
fn pages_of_foreign_origins_are_refused() {
    let check = |origin: &str| check_origin(&headers(&[("origin", origin)]), &["https://tenon.example.com"]).is_ok();
    assert!(check_origin(&HeaderMap::new(), &[]).is_ok());
    for good in [
        "http://localhost:6274",
        "http://127.0.0.1",
        "http://[::1]:80",
        "https://tenon.example.com",
        "vscode-webview://abc",
    ] {
        assert!(check(good), "{good}");
    }
    for bad in [
        "https://evil.example.com",
        "http://tenon.example.com",
        "http://localhost.evil.example",
        "null",
        "",
    ] {
        assert!(!check(bad), "{bad}");
    }
}

fn stateless_request(method: &str, params: Value) -> Vec<Incoming> {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    read(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })).unwrap()
}

#[test]
fn stateless_requests_repeat_their_facts_in_headers() {
    let version = ("mcp-protocol-version", "2026-07-28");
    let check = |pairs: &[(&'static str, &str)], messages| {
        stateless::check(&headers(pairs), messages)
            .map(|requests| requests.len())
            .map_err(|refused| (refused.status.as_u16(), refused.body["error"]["code"].as_i64().unwrap()))
    };
    assert!(stateless::is_asked(&headers(&[version])));
    let list = || stateless_request("tools/list", json!({}));
    assert_eq!(check(&[version, ("mcp-method", "tools/list")], list()), Ok(1));
    assert_eq!(check(&[version], list()), Err((400, -32020)));
    assert_eq!(
        check(&[version, ("mcp-method", "tools/call")], list()),
        Err((400, -32020))
    );
    assert_eq!(
        check(&[version, ("mcp-method", "tools/list"), ("mcp-method", "x")], list()),
        Err((400, -32020))
    );

    let call = |name: &str| stateless_request("tools/call", json!({ "name": name }));
    let method = ("mcp-method", "tools/call");
    assert_eq!(check(&[version, method, ("mcp-name", "echo")], call("echo")), Ok(1));
    assert_eq!(check(&[version, method], call("echo")), Err((400, -32020)));
    assert_eq!(
        check(&[version, method, ("mcp-name", "other")], call("echo")),
        Err((400, -32020))
    );
    assert_eq!(
        check(&[version, method, ("mcp-name", "=?base64?w6k=?=")], call("é")),
        Ok(1)
    );

    let bare = read(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).unwrap();
    assert_eq!(
        check(&[version, ("mcp-method", "tools/list")], bare),
        Err((400, -32602))
    );
    let unknown = stateless_request("resources/list", json!({}));
    assert_eq!(
        check(&[version, ("mcp-method", "resources/list")], unknown),
        Err((404, -32601))
    );
    // Who asks is optional; what it says must be readable.
    let mut anonymous = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    let method = ("mcp-method", "tools/list");
    assert_eq!(check(&[version, method], read(&anonymous).unwrap()), Ok(1));
    anonymous["params"]["_meta"]["io.modelcontextprotocol/clientInfo"] = json!("me");
    assert_eq!(check(&[version, method], read(&anonymous).unwrap()), Err((400, -32602)));
    let hello = stateless_request("initialize", json!({}));
    assert_eq!(
        check(&[version, ("mcp-method", "initialize")], hello),
        Err((404, -32601))
    );
    let mut batch = list();
    batch.extend(list());
    assert_eq!(
        check(&[version, ("mcp-method", "tools/list")], batch),
        Err((400, -32600))
    );
}

#[test]
fn unknown_revisions_are_told_what_is_spoken() {
    let request = |version: &str| {
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": version });
        read(&json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": { "_meta": meta } })).unwrap()
    };
    let check = |header: &str, messages: &[Incoming]| {
        stateless::unsupported(&headers(&[("mcp-protocol-version", header)]), messages).map(|refused| refused.body)
    };
    let body = check("2030-01-01", &request("2030-01-01")).unwrap();
    assert_eq!((&body["id"], &body["error"]["code"]), (&json!(7), &json!(-32022)));
    assert_eq!(body["error"]["data"]["supported"][0], "2026-07-28");
    assert_eq!(check("2025-11-25", &request("2025-11-25")), None);
    let ping = read(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).unwrap();
    assert_eq!(check("2030-01-01", &ping), None);
}

#[test]
fn each_generation_has_its_methods() {
    assert!(methods::is_known("ping", false) && !methods::is_known("ping", true));
    assert!(methods::is_known("server/discover", true) && !methods::is_known("server/discover", false));
    assert!(methods::is_known("tools/call", true) && methods::is_known("tools/list", false));
    assert!(!methods::is_known("prompts/list", false));
}
