use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Reply, config};
use tenon_sim::Config;
use tenon_sim::hubspot::contacts::seed::ANCHOR_MS;

fn ids(reply: &Reply) -> Vec<u64> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let results = reply.body["results"].as_array().unwrap();
    results
        .iter()
        .map(|contact| contact["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

fn filter(property: &str, operator: &str, value: Value) -> Value {
    json!({"propertyName": property, "operator": operator, "value": value})
}

fn one(filter: Value) -> Value {
    json!({"filterGroups": [{"filters": [filter]}], "limit": 200})
}

#[tokio::test]
async fn pages_in_order_of_modification_cover_everything_exactly_once() {
    let client = Client::start(Config {
        contacts: 1_234,
        ..config()
    })
    .await;
    let (mut seen, mut times, mut after) = (BTreeSet::new(), Vec::new(), 0);
    loop {
        let page = client
            .search(
                json!({"sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
                           "limit": 200, "after": after}),
            )
            .await;
        assert_eq!(page.body["total"], 1_234);
        for contact in page.body["results"].as_array().unwrap() {
            assert!(seen.insert(contact["id"].as_str().unwrap().to_owned()));
            times.push(contact["properties"]["lastmodifieddate"].as_str().unwrap().to_owned());
        }
        match page.body.pointer("/paging/next/after") {
            Some(next) => after = next.as_str().unwrap().parse().unwrap(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 1_234);
    assert!(times.is_sorted());
}

#[tokio::test]
async fn a_query_stops_at_the_cap_with_a_400() {
    let client = Client::start(Config {
        contacts: 10_500,
        ..config()
    })
    .await;
    let at = |after: usize| json!({"limit": 200, "after": after.to_string()});
    let last = client.search(at(9_800)).await;
    assert_eq!((last.status, last.text("/paging/next/after")), (200, "10000"));
    assert_eq!(last.body["total"], 10_500);
    let beyond = client.search(at(10_000)).await;
    assert_eq!((beyond.status, beyond.text("/status")), (400, "error"));
    assert_eq!(beyond.text("/message"), "There was a problem with the request.");
    let across = client.search(at(9_900)).await;
    assert_eq!(across.status, 400);
    assert_eq!(client.sim.stats().search_cap_refusals, 2);
}

/// What an incremental sync does: a window that slides over `lastmodifieddate`, and over the id inside one millisecond.
#[tokio::test]
async fn a_sliding_window_reaches_everything_beyond_the_cap() {
    for same_millisecond in [false, true] {
        let client = Client::start(Config {
            contacts: 3_000,
            search_cap: 400,
            same_millisecond,
            ..config()
        })
        .await;
        let (mut seen, mut from, mut id) = (BTreeSet::new(), 0_i64, 0_u64);
        loop {
            // (time > from) or (time = from and id > last id), in order of (time, id).
            let page = client
                .search(json!({
                    "filterGroups": [
                        {"filters": [filter("lastmodifieddate", "GT", json!(from.to_string()))]},
                        {"filters": [filter("lastmodifieddate", "EQ", json!(from.to_string())),
                                     filter("hs_object_id", "GT", json!(id.to_string()))]},
                    ],
                    "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
                    "limit": 200,
                }))
                .await;
            let found = ids(&page);
            let Some(last) = found.last() else { break };
            seen.extend(found.iter().copied());
            id = *last;
            from = tenon_sim::timetext::parse_iso(
                page.body["results"].as_array().unwrap().last().unwrap()["properties"]["lastmodifieddate"]
                    .as_str()
                    .unwrap(),
            )
            .unwrap();
        }
        assert_eq!(seen.len(), 3_000, "same_millisecond {same_millisecond}");
    }
}

#[tokio::test]
async fn operators_agree_with_a_scan_of_all_contacts() {
    let client = Client::start(Config {
        contacts: 200,
        ..config()
    })
    .await;
    let all = client
        .search(json!({"limit": 200, "properties": ["jobtitle", "phone", "city", "annualrevenue"]}))
        .await;
    let rows: Vec<(u64, Value)> = all.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| {
            (
                contact["id"].as_str().unwrap().parse().unwrap(),
                contact["properties"].clone(),
            )
        })
        .collect();
    let expect = |test: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        rows.iter().filter(|(_, row)| test(row)).map(|(id, _)| *id).collect()
    };
    let text = |row: &Value, name: &str| row[name].as_str().map(str::to_lowercase);
    let revenue = |row: &Value| row["annualrevenue"].as_str().and_then(|text| text.parse::<f64>().ok());
    let cases: Vec<(Value, Vec<u64>)> = vec![
        (
            filter("city", "EQ", json!("CORK")),
            expect(&|row| text(row, "city").as_deref() == Some("cork")),
        ),
        (
            filter("city", "NEQ", json!("Cork")),
            expect(&|row| text(row, "city").as_deref() != Some("cork")),
        ),
        (
            json!({"propertyName": "city", "operator": "IN", "values": ["cork", "lyon"]}),
            expect(&|row| ["cork", "lyon"].contains(&text(row, "city").unwrap().as_str())),
        ),
        (
            json!({"propertyName": "city", "operator": "NOT_IN", "values": ["cork", "lyon"]}),
            expect(&|row| !["cork", "lyon"].contains(&text(row, "city").unwrap().as_str())),
        ),
        (
            json!({"propertyName": "phone", "operator": "HAS_PROPERTY"}),
            expect(&|row| row["phone"].is_string()),
        ),
        (
            json!({"propertyName": "phone", "operator": "NOT_HAS_PROPERTY"}),
            expect(&|row| row["phone"].is_null()),
        ),
        (
            filter("annualrevenue", "GT", json!(1_000_000)),
            expect(&|row| revenue(row).is_some_and(|n| n > 1e6)),
        ),
        (
            filter("annualrevenue", "LTE", json!("1000000")),
            expect(&|row| revenue(row).is_some_and(|n| n <= 1e6)),
        ),
        (
            json!({"propertyName": "annualrevenue", "operator": "BETWEEN", "value": "1000000", "highValue": "2000000"}),
            expect(&|row| revenue(row).is_some_and(|n| (1e6..=2e6).contains(&n))),
        ),
        (
            filter("jobtitle", "CONTAINS_TOKEN", json!("lead")),
            expect(&|row| text(row, "jobtitle").unwrap().split(' ').any(|word| word == "lead")),
        ),
        (
            filter("jobtitle", "CONTAINS_TOKEN", json!("eng*")),
            expect(&|row| {
                text(row, "jobtitle")
                    .unwrap()
                    .split(' ')
                    .any(|word| word.starts_with("eng"))
            }),
        ),
        (
            filter("hs_object_id", "GTE", json!("1000150")),
            (1_000_150..=1_000_200).collect(),
        ),
    ];
    for (filter, expected) in cases {
        assert!(
            !expected.is_empty() || filter["operator"] == "EQ",
            "a case that shows something: {filter}"
        );
        assert_eq!(ids(&client.search(one(filter.clone())).await), expected, "{filter}");
    }
}

#[tokio::test]
async fn times_are_epoch_milliseconds_and_bounds_are_exact() {
    let client = Client::start(Config {
        contacts: 50,
        same_millisecond: true,
        ..config()
    })
    .await;
    for (operator, value, expected) in [
        ("EQ", ANCHOR_MS, 50),
        ("NEQ", ANCHOR_MS, 0),
        ("GT", ANCHOR_MS, 0),
        ("GT", ANCHOR_MS - 1, 50),
        ("GTE", ANCHOR_MS, 50),
        ("LT", ANCHOR_MS, 0),
        ("LT", ANCHOR_MS + 1, 50),
        ("LTE", ANCHOR_MS, 50),
    ] {
        for value in [json!(value), json!(value.to_string())] {
            let reply = client
                .search(one(filter("lastmodifieddate", operator, value.clone())))
                .await;
            assert_eq!(reply.body["total"], expected, "{operator} {value}");
        }
    }
    let wrong = client
        .search(one(filter("lastmodifieddate", "GT", json!("yesterday"))))
        .await;
    assert_eq!((wrong.status, wrong.text("/category")), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn the_documented_limits_of_a_request_are_kept() {
    let client = Client::start(config()).await;
    let simple = || filter("city", "EQ", json!("Cork"));
    let group = |count: usize| json!({"filters": vec![simple(); count]});
    for (what, body) in [
        ("page size", json!({"limit": 201})),
        ("groups", json!({"filterGroups": vec![group(1); 6]})),
        ("filters of a group", json!({"filterGroups": [group(7)]})),
        ("filters", json!({"filterGroups": vec![group(5); 4]})),
        ("sorts", json!({"sorts": ["city", "country"]})),
        ("unknown property", one(filter("colour", "EQ", json!("blue")))),
        ("unknown operator", one(filter("city", "LIKE", json!("C%")))),
        (
            "missing operand",
            one(json!({"propertyName": "city", "operator": "EQ"})),
        ),
        ("length", json!({"query": "x".repeat(3_000)})),
    ] {
        let reply = client.search(body).await;
        assert_eq!(
            (reply.status, reply.text("/category")),
            (400, "VALIDATION_ERROR"),
            "{what}: {}",
            reply.text
        );
    }
    let default = client.search(json!({})).await;
    assert_eq!(ids(&default).len(), 10);
    assert!(
        default.header("x-hubspot-ratelimit-max").is_none(),
        "search answers carry no rate-limit headers"
    );
}

#[tokio::test]
async fn sorting_and_free_text() {
    let client = Client::start(Config {
        contacts: 300,
        ..config()
    })
    .await;
    let newest = client.search(json!({"sorts": ["-createdate"], "limit": 3})).await;
    assert_eq!(ids(&newest), [1_000_300, 1_000_299, 1_000_298]);
    let by_name = client.search(json!({"sorts": ["lastname"], "limit": 200})).await;
    let names: Vec<String> = by_name.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["properties"]["lastname"].as_str().unwrap().to_lowercase())
        .collect();
    assert!(names.is_sorted());
    let latest = client
        .search(json!({"sorts": ["-lastmodifieddate"], "limit": 200}))
        .await;
    let times: Vec<&str> = latest.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["updatedAt"].as_str().unwrap())
        .collect();
    assert!(times.iter().rev().is_sorted());
    let one = client.get("/crm/v3/objects/contacts/1000077").await;
    let found = client.search(json!({"query": one.text("/properties/email")})).await;
    assert_eq!(ids(&found), [1_000_077]);
}
