use super::*;

#[test]
fn the_site_is_chosen_by_host_then_by_name_then_by_order() {
    let sites = [
        json!({ "id": "1", "url": "https://beta.atlassian.net", "name": "acme old" }),
        json!({ "id": "2", "url": "https://acme.atlassian.net", "name": "beta" }),
        json!({ "id": "3", "url": "https://acme-two.atlassian.net", "name": "gamma" }),
    ];
    let id = |wanted: Option<&str>| choose_site(&sites, wanted).and_then(|site| site.get("id")).cloned();
    assert_eq!(id(Some("acme")), Some(json!("2")));
    assert_eq!(id(Some("Gamma")), Some(json!("3")));
    assert_eq!(id(Some("other")), Some(json!("1")));
    assert_eq!(id(None), Some(json!("1")));
}

#[test]
fn changes_remove_and_set() {
    let mut config = Map::from_iter([("password".to_owned(), json!("x")), ("a".to_owned(), json!(1))]);
    let changes = Changes {
        set: Map::from_iter([("a".to_owned(), json!(1))]),
        remove: vec!["password"],
    };
    assert!(changes.apply(&mut config));
    assert_eq!(Value::Object(config), json!({ "a": 1 }));
}

#[test]
fn the_address_hash_ignores_case_and_space() {
    assert_eq!(
        email_address_hash(" Ann@Example.com"),
        email_address_hash("ann@example.com")
    );
    assert_ne!(
        email_address_hash("ann@example.com"),
        email_address_hash("bob@example.com")
    );
}
