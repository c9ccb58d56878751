use std::collections::BTreeSet;

use super::templates;
use crate::Catalog;

#[test]
fn every_template_is_of_a_known_provider_described_alone_and_tested() {
    let catalog = Catalog::embedded().unwrap();
    let mut names = BTreeSet::new();
    for template in templates(None) {
        let name = format!("{}/{}/{}", template.provider, template.folder, template.name);
        assert!(catalog.get(template.provider).is_some(), "{name}: no such provider");
        assert!(names.insert((template.provider, template.name)), "{name}: a name twice");
        assert!(template.description().len() > 10, "{name}: no description");
        assert!(!template.fixtures.is_empty(), "{name}: no fixture");
        assert!(!template.source.contains("from '."), "{name}: not one file");
    }
}

#[test]
fn the_vendors_that_products_need_first_are_there() {
    for provider in [
        "hubspot",
        "github",
        "google-sheet",
        "google-calendar",
        "google-mail",
        "slack",
        "notion",
        "linear",
        "salesforce",
        "jira",
        "stripe",
        "zendesk",
        "intercom",
        "airtable",
        "outlook",
    ] {
        let kinds: BTreeSet<&str> = templates(Some(provider)).map(|template| template.kind()).collect();
        assert_eq!(kinds, BTreeSet::from(["action", "sync"]), "{provider}");
    }
    assert_eq!(templates(Some("unauthenticated")).count(), 0);
}
