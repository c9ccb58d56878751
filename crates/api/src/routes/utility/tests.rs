//! The description of the API names every route, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use serde_json::Value;

use super::{OPENAPI, openapi};

/// Pages and pictures for browsers, which are no part of the API.
const PAGES: &[&str] = &["/connect-ui", "/images/"];
/// Served as another route that is described.
const COVERED: &[(&str, &str)] = &[("get", "/action/trigger")];
/// What a route of any method is described with.
const ANY: &[&str] = &["get", "head", "post", "put", "patch", "delete"];
/// Functions that make a route, with the methods they stand for.
const MAKERS: &[(&str, &[&str])] = &[
    ("get(", &["get"]),
    ("post(", &["post"]),
    ("put(", &["put"]),
    ("patch(", &["patch"]),
    ("delete(", &["delete"]),
    ("any(", ANY),
    // Of `auth.rs`.
    ("form(", &["post"]),
];

type Routes = BTreeSet<(String, String)>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            found.push(path);
        }
    }
}

/// The text up to the parenthesis that closes the one before it.
fn arguments(text: &str) -> &str {
    let mut depth = 1;
    let mut in_text = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    panic!("no end of {text}")
}

fn methods(makers: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for (maker, methods) in MAKERS {
        let named = makers.match_indices(maker).any(|(at, _)| {
            let before = makers[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        });
        if named {
            found.extend(*methods);
        }
    }
    found
}

/// Names of parameters do not matter, nor a slash at the end: `/a/{*b}/` is `/a/{}`.
fn uniform(path: &str) -> String {
    let parts = path.trim_end_matches('/').split('/');
    let parts: Vec<&str> = parts
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect();
    if parts.len() == 1 {
        "/".to_owned()
    } else {
        parts.join("/")
    }
}

fn served() -> Routes {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes"), &mut files);
    let mut routes = Routes::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (at, opening) in text.match_indices(".route(") {
            let arguments = arguments(&text[at + opening.len()..]);
            let mut parts = arguments.splitn(3, '"').skip(1);
            let (path, makers) = (parts.next().unwrap(), parts.next().unwrap());
            let methods = methods(makers);
            assert!(!methods.is_empty(), "{}: which methods has {path}?", file.display());
            if PAGES.iter().any(|page| path.starts_with(page)) {
                continue;
            }
            for method in methods {
                if !COVERED.contains(&(method, path)) {
                    routes.insert((uniform(path), method.to_owned()));
                }
            }
        }
    }
    routes
}

fn described() -> Routes {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut routes = Routes::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let fresh = routes.insert((uniform(path), method.clone()));
            assert!(fresh, "{method} {path} is described twice");
        }
    }
    routes
}

#[test]
fn every_route_is_described_and_every_description_has_a_route() {
    let (served, described) = (served(), described());
    assert!(served.len() > 70, "only {} routes were found", served.len());
    let missing: Vec<_> = served.difference(&described).collect();
    let surplus: Vec<_> = described.difference(&served).collect();
    assert!(missing.is_empty(), "describe these in openapi.json: {missing:?}");
    assert!(
        surplus.is_empty(),
        "openapi.json describes what nobody serves: {surplus:?}"
    );
}

#[tokio::test]
async fn the_description_is_handed_out_as_json() {
    let response = openapi().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, OPENAPI);
}

#[test]
fn routes_are_read_as_they_are_written() {
    assert_eq!(arguments(r#""/a)", get(b).post(c)) .x()"#), r#""/a)", get(b).post(c)"#);
    assert_eq!(methods(", any(x)").len(), ANY.len());
    assert_eq!(methods(", widget(x).patch(y)"), BTreeSet::from(["patch"]));
    assert_eq!(uniform("/proxy/{*endpoint}"), "/proxy/{}");
    assert_eq!(uniform("/proxy/"), "/proxy");
    assert_eq!(uniform("/"), "/");
}
