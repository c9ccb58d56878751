//! Pagination loops to the letter (functions.md §3.4).

mod support;

use std::sync::Mutex;

use serde_json::{Value, json};
use support::*;
use tenon_runtime::protocol::{Body, HostCall, HostReply, HttpReply, Params};
use tenon_runtime::{Kind, RunContext};

/// Walks all pages and reports what was yielded, what `on_page` saw, and what was asked.
async fn walk(config: &str, pages: &[Value], links: &[Option<&str>], context: RunContext) -> (Value, Vec<Value>) {
    let replies: Vec<HttpReply> = pages
        .iter()
        .enumerate()
        .map(|(index, page)| {
            let mut reply = http(200, &page.to_string());
            if let Some(Some(link)) = links.get(index) {
                reply.headers.push(("link".into(), (*link).to_owned()));
            }
            reply
        })
        .collect();
    let next = Mutex::new(0usize);
    let host = Scripted::new(move |_| {
        let mut next = next.lock().expect("counter");
        let reply = replies.get(*next).cloned().unwrap_or_else(|| http(500, "\"too many\""));
        *next += 1;
        Ok(HostReply::Http(reply))
    });
    let body = format!(
        "const seen = []; const on_page = async ({{ nextPageParam, response }}) => {{ seen.push(['on', nextPageParam === undefined ? 'none' : nextPageParam, response.status]); }};
         try {{ for await (const page of nango.paginate({config})) seen.push(page === undefined ? 'undefined' : page); }} catch (e) {{ seen.push(e.code ?? e.message); }} return seen;"
    );
    let mut run = invocation(action(&body), Kind::Action, None);
    run.context_json = context.to_json();
    let out = output(&runtime().run(run, host.clone()).await);
    let asked = host.taken().into_iter().map(|call| match call {
        HostCall::Http(call) => {
            let params = match call.params {
                Params::Text(text) => json!(text),
                Params::Pairs(pairs) => json!(
                    pairs
                        .into_iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect::<Vec<_>>()
                        .join("&")
                ),
            };
            let mut seen = json!({ "path": call.endpoint, "query": params });
            if let Some(base) = call.base_url_override {
                seen["base"] = json!(base);
            }
            if let Body::Json { text } = call.body {
                seen["body"] = serde_json::from_str(&text).expect("body");
            }
            seen
        }
        other => panic!("{other:?}"),
    });
    (out, asked.collect())
}

#[tokio::test]
async fn cursor_in_query() {
    let config = "{ endpoint: '/x', params: { a: 1 }, paginate: { type: 'cursor', cursor_path_in_response: 'meta.next', cursor_name_in_request: 'after', limit: 2, limit_name_in_request: 'size', response_path: 'items', on_page } }";
    let pages = [
        json!({ "items": [1, 2], "meta": { "next": " c1 " } }),
        json!({ "items": [3], "meta": { "next": 7 } }),
        json!({ "items": [4], "meta": { "next": "  " } }),
    ];
    let (seen, asked) = walk(config, &pages, &[], context()).await;
    assert_eq!(
        seen,
        json!([[1, 2], ["on", "c1", 200], [3], ["on", 7, 200], [4], ["on", "none", 200]])
    );
    let queries: Vec<_> = asked
        .iter()
        .map(|call| call["query"].as_str().expect("query"))
        .collect();
    assert_eq!(queries, ["a=1&size=2", "a=1&size=2&after=c1", "a=1&size=2&after=7"]);
}

#[tokio::test]
async fn cursor_stops_without_yield_on_an_empty_page() {
    let config = "{ endpoint: '/x', paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'after', response_path: 'items', on_page } }";
    let (seen, asked) = walk(config, &[json!({ "items": [], "next": "more" })], &[], context()).await;
    assert_eq!((seen, asked.len()), (json!([]), 1));
    let (seen, _) = walk(config, &[json!({ "other": 1 })], &[], context()).await;
    assert_eq!(seen, json!([]));
}

#[tokio::test]
async fn cursor_in_body_expands_dots() {
    let config = "{ endpoint: '/x', method: 'POST', data: { q: 1 }, paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'page.after', limit: 5, limit_name_in_request: 'page.size', response_path: 'items' } }";
    let (seen, asked) = walk(
        config,
        &[json!({ "items": [1], "next": "n" }), json!({ "items": [2] })],
        &[],
        context(),
    )
    .await;
    assert_eq!(seen, json!([[1], [2]]));
    assert_eq!(asked[0]["body"], json!({ "q": 1, "page": { "size": 5 } }));
    assert_eq!(asked[1]["body"], json!({ "q": 1, "page": { "size": 5, "after": "n" } }));
    assert_eq!(asked[1]["query"], json!(""));
}

/// The caller's body is read anew for each page; names with dots become objects in it as well.
#[tokio::test]
async fn bodies_are_the_caller_s_own() {
    let config = "body_of({ 'filter.kind': 'a', list: [], page: { size: 2 } })";
    let before = "const body_of = (data) => { globalThis.body = data; return { endpoint: '/x', method: 'POST', data, paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'page.after', response_path: 'items', on_page: () => { data.seen = true; } } }; };";
    let config = format!("(() => {{ {before} return {config}; }})()");
    let pages = [json!({ "items": [1], "next": "n" }), json!({ "items": [2] })];
    let (_, asked) = walk(&config, &pages, &[], context()).await;
    assert_eq!(
        asked[0]["body"],
        json!({ "filter": { "kind": "a" }, "list": [], "page": { "size": 2 } })
    );
    assert_eq!(
        asked[1]["body"],
        json!({ "filter": { "kind": "a" }, "list": [], "page": { "size": 2, "after": "n" }, "seen": true })
    );
}

/// A start that is no number is none, and one that is a text stays one where a number does not follow from the method.
#[tokio::test]
async fn offsets_start_as_they_are_given() {
    let run = async |start: &str, method: &str| {
        let config = format!(
            "{{ endpoint: '/x', paginate: {{ type: 'offset', offset_name_in_request: 'o', offset_start_value: {start}, offset_calculation_method: '{method}' }} }}"
        );
        let pages = [json!([1, 2]), json!([3]), json!([])];
        let (_, asked) = walk(&config, &pages, &[], context()).await;
        let queries = asked
            .iter()
            .map(|call| call["query"].as_str().expect("query").to_owned());
        queries.collect::<Vec<_>>()
    };
    assert_eq!(run("NaN", "by-response-size").await, ["o=0", "o=2", "o=3"]);
    assert_eq!(run("'1'", "by-response-size").await, ["o=1", "o=12", "o=121"]);
    assert_eq!(run("'1'", "per-page").await, ["o=1", "o=2", "o=3"]);
}

#[tokio::test]
async fn link_from_header_and_body() {
    let config = "{ endpoint: '/x', params: { per: 1 }, paginate: { type: 'link', link_rel_in_response_header: 'next', limit: 1, limit_name_in_request: 'limit', on_page } }";
    let links = [
        Some("<https://api.example/y?p=2>; rel=\"next\", <https://api.example/z>; rel=last"),
        Some("</rel?p=3>; title=\"a; rel=prev\"; rel=next"),
        None,
    ];
    let (seen, asked) = walk(config, &[json!([1]), json!([]), json!([3])], &links, context()).await;
    assert_eq!(
        seen,
        json!([
            [1],
            ["on", "https://api.example/y?p=2", 200],
            [],
            ["on", "/rel?p=3", 200],
            [3],
            ["on", "none", 200]
        ])
    );
    assert_eq!(asked[0]["query"], json!("per=1&limit=1"));
    assert_eq!(
        asked[1],
        json!({ "path": "/y?p=2", "query": "", "base": "https://api.example" })
    );
    assert_eq!(asked[2]["path"], json!("/rel?p=3"));
    let config = "{ endpoint: '/x', paginate: { type: 'link', link_path_in_response_body: 'paging.next', response_path: 'missing' } }";
    let (seen, asked) = walk(
        config,
        &[
            json!({ "paging": { "next": "/a" } }),
            json!({ "paging": { "next": "/a" } }),
        ],
        &[],
        context(),
    )
    .await;
    assert_eq!(
        (seen, asked.len()),
        (json!(["undefined", "undefined"]), 2),
        "an equal link ends the loop, missing pages are yielded"
    );
}

#[tokio::test]
async fn offset_by_response_size_and_per_page() {
    let config = "{ endpoint: '/x', paginate: { type: 'offset', offset_name_in_request: 'skip', limit: 2, limit_name_in_request: 'take', response_path: 'r', on_page } }";
    let pages = [json!({ "r": [1, 2] }), json!({ "r": [3, 4] }), json!({ "r": [5] })];
    let (seen, asked) = walk(config, &pages, &[], context()).await;
    assert_eq!(seen, json!([[1, 2], ["on", 0, 200], [3, 4], ["on", 2, 200], [5]]));
    let queries: Vec<_> = asked
        .iter()
        .map(|call| call["query"].as_str().expect("query"))
        .collect();
    assert_eq!(queries, ["take=2&skip=0", "take=2&skip=2", "take=2&skip=4"]);
    let config = "{ endpoint: '/x', paginate: { type: 'offset', offset_name_in_request: 'page', offset_start_value: 1, offset_calculation_method: 'per-page', response_path: 'r' } }";
    let (seen, asked) = walk(
        config,
        &[json!({ "r": [1, 2] }), json!({ "r": [3] }), json!({ "r": [] })],
        &[],
        context(),
    )
    .await;
    assert_eq!(seen, json!([[1, 2], [3]]));
    assert_eq!(asked.last().expect("asked")["query"], json!("page=3"));
    let config = "{ endpoint: '/x', method: 'POST', paginate: { type: 'offset', offset_name_in_request: 'start', limit: 1, response_path: 'r' } }";
    let (_, asked) = walk(config, &[json!({ "r": [1] }), json!({ "r": [] })], &[], context()).await;
    assert_eq!(
        asked[1]["body"],
        json!({ "undefined": 1, "start": 1 }),
        "a limit without a name is sent as `undefined`"
    );
}

#[tokio::test]
async fn provider_defaults_are_overlaid() {
    let defaults = RunContext {
        provider_paginate: Some(
            json!({ "type": "cursor", "cursor_path_in_response": "next", "cursor_name_in_request": "after", "response_path": "items", "limit_name_in_request": "limit" }),
        ),
        ..context()
    };
    let (seen, asked) = walk(
        "{ endpoint: '/x', paginate: { limit: 3 } }",
        &[json!({ "items": [1] })],
        &[],
        defaults.clone(),
    )
    .await;
    assert_eq!((seen, asked[0]["query"].clone()), (json!([[1]]), json!("limit=3")));
    let (seen, _) = walk("{ endpoint: '/x' }", &[json!({ "items": [1] })], &[], defaults).await;
    assert_eq!(seen, json!([[1]]));
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let complain = async |config: &str, context: RunContext| {
        walk(config, &[json!([])], &[], context).await.0[0]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        complain("{ endpoint: '/x' }", context())
            .await
            .contains("no pagination configuration")
    );
    assert_eq!(
        complain(
            "{ endpoint: '/x', paginate: { type: 'cursor' } }",
            RunContext {
                provider_unknown: true,
                ..context()
            }
        )
        .await,
        "unknown_provider_template_in_config"
    );
    assert!(
        complain("{ endpoint: '/x', paginate: { type: 'odd' } }", context())
            .await
            .contains("'odd'")
    );
    assert!(
        complain("{ endpoint: '/x', paginate: { limit: 1 } }", context())
            .await
            .contains("type is required")
    );
    assert!(
        complain(
            "{ endpoint: '/x', paginate: { type: 'cursor', cursor_path_in_response: 'x' } }",
            context()
        )
        .await
        .contains("cursor_name_in_request")
    );
    assert!(
        complain(
            "{ endpoint: '/x', paginate: { type: 'cursor', cursor_name_in_request: 'x' } }",
            context()
        )
        .await
        .contains("cursor_path_in_response")
    );
    assert!(complain("{ endpoint: '/x', paginate: { type: 'cursor', cursor_name_in_request: 'x', cursor_path_in_response: 'y', limit: 1 } }", context()).await.contains("limit_name_in_request"));
    assert!(
        complain("{ endpoint: '/x', paginate: { type: 'link' } }", context())
            .await
            .contains("link_rel_in_response_header")
    );
    assert!(
        complain("{ endpoint: '/x', paginate: { type: 'offset' } }", context())
            .await
            .contains("offset_name_in_request")
    );
}
