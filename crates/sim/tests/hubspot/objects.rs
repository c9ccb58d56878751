use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Client, config};
use tenon_sim::Config;

const CONTACTS: &str = "/crm/v3/objects/contacts";

async fn list_ids(client: &Client, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = String::new();
    loop {
        let page = client
            .get(&format!("{CONTACTS}?limit={limit}&after={after}&properties=email"))
            .await;
        assert_eq!(page.status, 200, "{}", page.text);
        for contact in page.body["results"].as_array().unwrap() {
            ids.push(contact["id"].as_str().unwrap().to_owned());
        }
        match page.body.pointer("/paging/next/after") {
            Some(next) => after = next.as_str().unwrap().to_owned(),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn list_pages_cover_every_contact_exactly_once() {
    for (contacts, limit) in [(1_000, 100), (999, 100), (1_001, 100), (25, 7), (0, 10)] {
        let client = Client::start(Config { contacts, ..config() }).await;
        let ids = list_ids(&client, limit).await;
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!((ids.len(), distinct.len()), (contacts, contacts));
    }
}

#[tokio::test]
async fn a_contact_deleted_between_pages_does_not_disturb_the_others() {
    let client = Client::start(Config {
        contacts: 30,
        ..config()
    })
    .await;
    let first = client.get(&format!("{CONTACTS}?limit=10")).await;
    let cursor = first.text("/paging/next/after").to_owned();
    assert_eq!(
        client
            .send("DELETE", &format!("{CONTACTS}/{cursor}"), None)
            .await
            .status,
        204
    );
    let second = client.get(&format!("{CONTACTS}?limit=10&after={cursor}")).await;
    assert_eq!(second.body["results"].as_array().unwrap().len(), 10);
    assert_eq!(client.get(&format!("{CONTACTS}/{cursor}")).await.status, 404);
    let archived = client.get(&format!("{CONTACTS}?archived=true")).await;
    assert_eq!(archived.text("/results/0/id"), cursor);
    assert_eq!(archived.body["results"][0]["archived"], true);
}

#[tokio::test]
async fn list_refuses_more_than_a_hundred_a_page() {
    let client = Client::start(config()).await;
    for limit in ["101", "0", "-1", "ten"] {
        let reply = client.get(&format!("{CONTACTS}?limit={limit}")).await;
        assert_eq!(
            (reply.status, reply.text("/category")),
            (400, "VALIDATION_ERROR"),
            "limit {limit}"
        );
    }
}

#[tokio::test]
async fn properties_are_the_asked_ones_and_those_that_are_always_there() {
    let client = Client::start(config()).await;
    let reply = client
        .get(&format!(
            "{CONTACTS}/1000001?properties=jobtitle,fax&properties=nonsense"
        ))
        .await;
    let names: Vec<&String> = reply.body["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["jobtitle", "fax", "createdate", "hs_object_id", "lastmodifieddate"]
    );
    assert_eq!(reply.body["properties"]["fax"], serde_json::Value::Null);
    let plain = client.get(&format!("{CONTACTS}/1000001")).await;
    assert!(
        plain.body["properties"]["email"]
            .as_str()
            .unwrap()
            .ends_with(".example")
    );
    assert_eq!(plain.text("/createdAt"), plain.text("/properties/createdate"));
}

#[tokio::test]
async fn data_is_a_function_of_the_seed() {
    let one = Client::start(Config { seed: 7, ..config() }).await;
    let same = Client::start(Config { seed: 7, ..config() }).await;
    let other = Client::start(Config { seed: 8, ..config() }).await;
    assert_eq!(one.sim.contacts_hash(), same.sim.contacts_hash());
    assert_ne!(one.sim.contacts_hash(), other.sim.contacts_hash());
}

#[tokio::test]
async fn a_second_contact_with_the_same_address_is_a_conflict_that_names_the_first() {
    let client = Client::start(config()).await;
    let made = client
        .post(
            CONTACTS,
            json!({"properties": {"email": "Ada@Example.com", "firstname": "Ada"}}),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.text("/properties/email"), "ada@example.com");
    let id = made.text("/id");
    let again = client
        .post(CONTACTS, json!({"properties": {"email": "ada@example.com"}}))
        .await;
    assert_eq!(again.status, 409);
    assert_eq!(
        again.text("/message"),
        format!("Contact already exists. Existing ID: {id}")
    );
    assert_eq!((again.text("/status"), again.text("/category")), ("error", "CONFLICT"));
    assert_eq!(again.text("/correlationId").len(), 36);

    let seeded = client.get(&format!("{CONTACTS}/1000005")).await;
    let email = seeded.text("/properties/email");
    let clash = client.post(CONTACTS, json!({"properties": {"email": email}})).await;
    assert_eq!(clash.text("/message"), "Contact already exists. Existing ID: 1000005");
}

#[tokio::test]
async fn invalid_writes_name_every_property() {
    let client = Client::start(config()).await;
    let reply = client
        .post(
            CONTACTS,
            json!({"properties": {"email": "nobody", "colour": "blue", "createdate": "2020-01-01"}}),
        )
        .await;
    assert_eq!(reply.status, 400);
    let codes: Vec<&str> = reply.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["INVALID_EMAIL", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
    for body in ["", "[]", "{", "{\"properties\":[]}"] {
        let url = format!("{}{CONTACTS}", client.sim.base_url());
        let request = client
            .http
            .post(url)
            .header("authorization", format!("Bearer {}", client.token));
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), 400, "body {body:?}");
    }
}

#[tokio::test]
async fn an_update_changes_the_time_and_can_be_addressed_by_email() {
    let client = Client::start(config()).await;
    let before = client.get(&format!("{CONTACTS}/1000002")).await;
    let email = before.text("/properties/email");
    let path = format!("{CONTACTS}/{email}?idProperty=email");
    let after = client
        .send(
            "PATCH",
            &path,
            Some(&json!({"properties": {"jobtitle": "Pilot", "phone": null}})),
        )
        .await;
    assert_eq!(after.status, 200, "{}", after.text);
    assert!(after.text("/updatedAt") > before.text("/updatedAt"));
    let shown = client
        .get(&format!("{CONTACTS}/1000002?properties=jobtitle,phone"))
        .await;
    assert_eq!(shown.text("/properties/jobtitle"), "Pilot");
    assert_eq!(shown.body["properties"]["phone"], serde_json::Value::Null);
    let lost = client
        .send("PATCH", &format!("{CONTACTS}/42"), Some(&json!({"properties": {}})))
        .await;
    assert_eq!((lost.status, lost.text("/category")), (404, "OBJECT_NOT_FOUND"));
}

#[tokio::test]
async fn batches_report_what_is_missing_and_upsert_says_what_is_new() {
    let client = Client::start(config()).await;
    let read = client
        .post(
            &format!("{CONTACTS}/batch/read"),
            json!({"properties": ["email"], "inputs": [{"id": "1000001"}, {"id": "7"}]}),
        )
        .await;
    assert_eq!((read.status, read.body["results"].as_array().unwrap().len()), (207, 1));
    assert_eq!(read.text("/errors/0/context/ids/0"), "7");

    let upsert = client
        .post(
            &format!("{CONTACTS}/batch/upsert"),
            json!({"inputs": [
                {"idProperty": "email", "id": "new@example.com", "properties": {"firstname": "N"}},
                {"idProperty": "email", "id": read.text("/results/0/properties/email"), "properties": {"firstname": "O"}},
            ]}),
        )
        .await;
    assert_eq!(upsert.status, 200, "{}", upsert.text);
    assert_eq!(
        (&upsert.body["results"][0]["new"], &upsert.body["results"][1]["new"]),
        (&json!(true), &json!(false))
    );

    let total = client.sim.stats().contacts;
    let clash = client
        .post(
            &format!("{CONTACTS}/batch/create"),
            json!({"inputs": [
                {"properties": {"email": "x@example.com"}},
                {"properties": {"email": "new@example.com"}},
            ]}),
        )
        .await;
    assert_eq!(
        (clash.status, client.sim.stats().contacts),
        (409, total),
        "all or nothing"
    );

    let update = client
        .post(
            &format!("{CONTACTS}/batch/update"),
            json!({"inputs": [{"id": "1000003", "properties": {"city": "Cork"}}]}),
        )
        .await;
    assert_eq!(update.text("/results/0/properties/city"), "Cork");
    let archive = client
        .post(
            &format!("{CONTACTS}/batch/archive"),
            json!({"inputs": [{"id": "1000003"}]}),
        )
        .await;
    assert_eq!((archive.status, client.sim.stats().contacts), (204, total - 1));

    let many: Vec<_> = (0..101).map(|id| json!({"id": id.to_string()})).collect();
    let over = client
        .post(&format!("{CONTACTS}/batch/read"), json!({"inputs": many}))
        .await;
    assert_eq!((over.status, over.text("/category")), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn two_hundred_thousand_contacts_are_listed_and_hashed_quickly() {
    let started = std::time::Instant::now();
    let client = Client::start(Config {
        contacts: 200_000,
        ..config()
    })
    .await;
    assert_eq!(client.sim.contacts_hash().count, 200_000);
    let last = client.get(&format!("{CONTACTS}?limit=100&after=1199900")).await;
    assert_eq!(last.body["results"].as_array().unwrap().len(), 100);
    assert!(last.body.get("paging").is_none());
    // Generous: a slow machine needs a second or two.
    assert!(started.elapsed().as_secs() < 20);
}
