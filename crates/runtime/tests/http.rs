//! Proxy calls: what goes out, what comes back, what is thrown (functions.md §3.2, §3.10).

mod support;

use serde_json::json;
use support::*;
use tenon_runtime::Kind;
use tenon_runtime::protocol::{Body, FetchCall, HostCall, HostError, HostReply, HttpCall, HttpReply, Params};

async fn one_call(body: &str) -> HttpCall {
    let host = Scripted::new(|_| Ok(HostReply::Http(http(200, "{}"))));
    let out = runtime()
        .run(invocation(action(body), Kind::Action, None), host.clone())
        .await;
    assert!(out.result.is_ok(), "{:?}", out.result);
    match host.taken().into_iter().next() {
        Some(HostCall::Http(call)) => call,
        other => panic!("{other:?}"),
    }
}

async fn with_reply(reply: HttpReply, body: &str) -> serde_json::Value {
    let host = Scripted::new(move |_| Ok(HostReply::Http(reply.clone())));
    output(&runtime().run(invocation(action(body), Kind::Action, None), host).await)
}

#[tokio::test]
async fn verbs_and_options() {
    let call = one_call(
        "await nango.post({ endpoint: '/a', params: { x: 1, list: [1, 2], gone: undefined, nil: null }, headers: { 'X-A': 1, Accept: 'x', none: undefined }, data: { b: [1, { c: 'é' }] }, retries: 3, retryOn: [404], retryHeader: { at: 'X-Reset', after: ['Retry-After'] }, baseUrlOverride: 'https://b.example', decompress: true, responseType: 'json', forwardHeadersOnRedirect: false, providerConfigKey: 'p', connectionId: 'c' });",
    )
    .await;
    let expected = HttpCall {
        method: "POST".into(),
        endpoint: "/a".into(),
        params: Params::Pairs(vec![
            ("x".into(), "1".into()),
            ("list".into(), "1,2".into()),
            ("nil".into(), "null".into()),
        ]),
        headers: vec![("x-a".into(), "1".into()), ("accept".into(), "x".into())],
        body: Body::Json {
            text: "{\"b\":[1,{\"c\":\"é\"}]}".into(),
        },
        retries: 3,
        retry_on: Some(vec![404]),
        retry_header_at: vec!["x-reset".into()],
        retry_header_after: vec!["retry-after".into()],
        base_url_override: Some("https://b.example".into()),
        decompress: true,
        response_type: Some("json".into()),
        forward_headers_on_redirect: Some(false),
        provider_config_key: Some("p".into()),
        connection_id: Some("c".into()),
        object: None,
    };
    assert_eq!(call, expected);
    for verb in ["get", "put", "patch", "delete"] {
        let call = one_call(&format!(
            "const {{ {verb}: f }} = nango; await f({{ endpoint: '/x' }});"
        ))
        .await;
        assert_eq!(call.method, verb.to_uppercase());
    }
    assert_eq!(one_call("await nango.proxy({ endpoint: '/x' });").await.method, "GET");
    assert_eq!(
        one_call("await nango.proxy({ endpoint: '/x', method: 'patch' });")
            .await
            .method,
        "PATCH"
    );
    assert_eq!(
        one_call("await nango.get({ endpoint: '/x', params: 'a=b&c' });")
            .await
            .params,
        Params::Text("a=b&c".into())
    );
}

#[tokio::test]
async fn bodies_by_type() {
    let body = async |expr: &str| {
        one_call(&format!("await nango.post({{ endpoint: '/x', {expr} }});"))
            .await
            .body
    };
    assert_eq!(body("data: 'text'").await, Body::Text { text: "text".into() });
    assert_eq!(body("data: [1]").await, Body::Json { text: "[1]".into() });
    assert_eq!(
        body("data: new URLSearchParams({ a: 'b c', d: 'é' })").await,
        Body::Form {
            text: "a=b+c&d=%C3%A9".into()
        }
    );
    assert_eq!(
        body("data: { a: 1, b: 'x y' }, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }").await,
        Body::Json {
            text: r#"{"a":1,"b":"x y"}"#.into()
        },
        "the host makes the form"
    );
    assert_eq!(
        body("data: Buffer.from([0, 255, 7])").await,
        Body::Bytes {
            bytes: bytes::Bytes::from_static(&[0, 255, 7])
        }
    );
    assert_eq!(
        body("data: new Uint8Array([1, 2, 3, 4]).subarray(1, 3)").await,
        Body::Bytes {
            bytes: bytes::Bytes::from_static(&[2, 3])
        }
    );
    assert_eq!(body("data: undefined").await, Body::Empty);
    let Body::Multipart { parts } =
        body("data: { a: 'x', n: 5, f: Buffer.from('hi') }, headers: { 'content-type': 'multipart/form-data' }").await
    else {
        panic!("multipart expected");
    };
    assert_eq!(
        parts
            .iter()
            .map(|part| (part.name.as_str(), part.bytes.as_ref()))
            .collect::<Vec<_>>(),
        vec![("a", &b"x"[..]), ("n", b"5"), ("f", b"hi")]
    );
    assert_eq!(
        one_call("await nango.get({ endpoint: '/x', data: { a: 1 } });")
            .await
            .body,
        Body::Empty
    );
}

#[tokio::test]
async fn responses_are_axios_shaped() {
    let reply = HttpReply {
        status: 201,
        status_text: "Created".into(),
        headers: vec![
            ("content-type".into(), "text/plain".into()),
            ("link".into(), "<a>".into()),
            ("set-cookie".into(), "a".into()),
            ("set-cookie".into(), "b".into()),
            ("x-many".into(), "1".into()),
            ("x-many".into(), "2".into()),
        ],
        url: None,
        body: bytes::Bytes::from_static(b"\xef\xbb\xbf{\"a\":[1,\"\xc3\xa9\"]}"),
    };
    let body = "const r = await nango.get({ endpoint: '/x', params: { q: 1 } }); return { data: r.data, status: r.status, text: r.statusText, headers: r.headers, link: r.headers['link'], get: r.headers.get('Link'), keys: Object.keys(r), method: r.config.method };";
    assert_eq!(
        with_reply(reply, body).await,
        json!({
            "data": { "a": [1, "é"] }, "status": 201, "text": "Created",
            "headers": { "content-type": "text/plain", "link": "<a>", "set-cookie": ["a", "b"], "x-many": "1, 2" },
            "link": "<a>", "get": "<a>", "keys": ["data", "status", "statusText", "headers", "config", "request"], "method": "GET"
        })
    );
}

#[tokio::test]
async fn headers_of_responses_have_the_methods_of_axios() {
    let reply = HttpReply {
        headers: vec![
            ("content-type".into(), "text/plain".into()),
            ("set-cookie".into(), "a".into()),
            ("set-cookie".into(), "b".into()),
        ],
        ..http(200, "")
    };
    let body = "const h = (await nango.get({ endpoint: '/x' })).headers; return [[...h], h.getContentType(), h.getSetCookie(), h.hasAuthorization(), h.set('X-A', 1) === h, h.get('x-a'), String(h), h.delete('X-A'), h.delete('none'), Object.keys(h), h.get('toString') === undefined];";
    assert_eq!(
        with_reply(reply, body).await,
        json!([
            [["content-type", "text/plain"], ["set-cookie", ["a", "b"]]],
            "text/plain",
            ["a", "b"],
            false,
            true,
            "1",
            "content-type: text/plain\nset-cookie: a,b\nx-a: 1",
            true,
            false,
            ["content-type", "set-cookie"],
            true
        ])
    );
}

#[tokio::test]
async fn bodies_are_parsed_when_they_parse() {
    for (body, value) in [
        ("", json!("")),
        ("plain", json!("plain")),
        ("12", json!(12)),
        ("\"x\"", json!("x")),
        ("null", json!(null)),
        ("true", json!(true)),
        (" [1] ", json!([1])),
        ("{broken", json!("{broken")),
        ("<html>", json!("<html>")),
        ("true story", json!("true story")),
    ] {
        assert_eq!(
            with_reply(http(200, body), "return (await nango.get({ endpoint: '/x' })).data;").await,
            value,
            "{body}"
        );
    }
    let binary = HttpReply {
        body: bytes::Bytes::from_static(&[0, 1, 254, 255]),
        ..http(200, "")
    };
    let read = "const r = await nango.get({ endpoint: '/x', responseType: 'arraybuffer' }); return [Buffer.isBuffer(r.data), r.data.toString('hex'), r.data.length];";
    assert_eq!(with_reply(binary, read).await, json!([true, "0001feff", 4]));
    assert_eq!(
        with_reply(
            http(200, "{\"a\":1}"),
            "return (await nango.get({ endpoint: '/x', responseType: 'text' })).data;"
        )
        .await,
        json!("{\"a\":1}")
    );
}

#[tokio::test]
async fn other_statuses_throw_axios_errors() {
    let catch = "try { await nango.get({ endpoint: '/x' }); return 'no'; } catch (err) { return { isAxiosError: err.isAxiosError, isError: err instanceof Error, name: err.name, message: err.message, code: err.code, inErr: 'response' in err, status: err.response?.status, own: err.status, data: err.response?.data, type: err.response?.headers['content-type'], endpoint: err.config.endpoint }; }";
    let expected = |status: u16, code: &str| json!({ "isAxiosError": true, "isError": true, "name": "AxiosError", "message": format!("Request failed with status code {status}"), "code": code, "inErr": true, "status": status, "own": status, "data": { "e": 1 }, "type": "application/json", "endpoint": "/x" });
    assert_eq!(
        with_reply(http(404, "{\"e\":1}"), catch).await,
        expected(404, "ERR_BAD_REQUEST")
    );
    assert_eq!(
        with_reply(http(503, "{\"e\":1}"), catch).await,
        expected(503, "ERR_BAD_RESPONSE")
    );
    assert_eq!(with_reply(http(304, "{\"e\":1}"), catch).await["status"], json!(304));
    let host = Scripted::new(|_| Err(HostError::network("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1")));
    let out = output(&runtime().run(invocation(action(catch), Kind::Action, None), host).await);
    assert_eq!(out["code"], json!("ECONNREFUSED"));
    assert_eq!(out["inErr"], json!(false));
    assert_eq!(out["isAxiosError"], json!(true));
}

#[tokio::test]
async fn an_endpoint_is_needed() {
    let out = runtime()
        .run(
            invocation(action("await nango.get({});"), Kind::Action, None),
            Scripted::silent(),
        )
        .await;
    assert!(failed(&out).message.contains("endpoint"));
    let out = runtime()
        .run(
            invocation(
                action("await nango.get({ endpoint: '/x?a=1', params: 'b=2' });"),
                Kind::Action,
                None,
            ),
            Scripted::silent(),
        )
        .await;
    assert_eq!(failed(&out).type_, "invalid_query_params");
}

#[tokio::test]
async fn plain_fetch() {
    let host = Scripted::new(|_| {
        Ok(HostReply::Http(HttpReply {
            url: Some("https://b.example/".into()),
            headers: vec![("x-a".into(), "1".into())],
            ..http(404, "{\"a\":1}")
        }))
    });
    let body = "const r = await nango.uncontrolledFetch({ url: new URL('https://a.example/x'), method: 'post', headers: { 'X-Y': 'z' }, body: 'b' }); const c = r.clone(); return { ok: r.ok, status: r.status, h: r.headers.get('X-A'), json: await r.json(), text: await c.text(), used: r.bodyUsed, redirected: r.redirected };";
    let out = output(
        &runtime()
            .run(invocation(action(body), Kind::Action, None), host.clone())
            .await,
    );
    assert_eq!(
        out,
        json!({ "ok": false, "status": 404, "h": "1", "json": { "a": 1 }, "text": "{\"a\":1}", "used": true, "redirected": true })
    );
    let sent = FetchCall {
        url: "https://a.example/x".into(),
        method: "POST".into(),
        headers: [
            ("accept", "*/*"),
            ("content-type", "text/plain;charset=UTF-8"),
            ("x-y", "z"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        body: Some("b".into()),
    };
    assert_eq!(host.taken(), vec![HostCall::Fetch(sent)]);
    let refused = Scripted::new(|_| Err(HostError::action("{\"code\":\"url_not_allowed\"}")));
    let out = runtime()
        .run(
            invocation(
                action("await nango.uncontrolledFetch({ url: 'http://x' });"),
                Kind::Action,
                None,
            ),
            refused,
        )
        .await;
    assert_eq!(
        (failed(&out).type_.as_str(), failed(&out).payload_json.as_str()),
        ("action_script_runtime_error", "{\"code\":\"url_not_allowed\"}")
    );
}

#[tokio::test]
async fn calls_run_side_by_side() {
    struct Slow;
    #[async_trait::async_trait]
    impl tenon_runtime::protocol::Host for Slow {
        async fn call(&self, _call: HostCall) -> Result<HostReply, HostError> {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            Ok(HostReply::Http(http(200, "1")))
        }
    }
    let rt = runtime();
    rt.run(invocation(action("return 1;"), Kind::Action, None), Scripted::silent())
        .await;
    let begun = std::time::Instant::now();
    let body = "const all = await Promise.all(Array.from({ length: 20 }, (_, i) => nango.get({ endpoint: '/' + i }))); return all.length;";
    let out = rt
        .run(invocation(action(body), Kind::Action, None), std::sync::Arc::new(Slow))
        .await;
    assert_eq!(output(&out), json!(20));
    assert!(
        begun.elapsed() < std::time::Duration::from_millis(1500),
        "{:?}",
        begun.elapsed()
    );
}
