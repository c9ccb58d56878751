//! Rules over every entry of `providers/`; a failure names file, entry and key.

use tenon_catalog::{AuthMode, Catalog, Provider, check};

fn catalog() -> Catalog {
    Catalog::embedded().expect("the built-in catalogue")
}

#[test]
fn every_entry_is_sound_and_its_example_holds() {
    let report = check(&catalog());
    let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_entry_has_an_example() {
    let catalog = catalog();
    let without = catalog.iter().filter(|provider| provider.examples.is_empty());
    let without: Vec<&str> = without.map(|provider| provider.id.as_str()).collect();
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn all_modes_and_counts_are_there() {
    let report = check(&catalog());
    assert_eq!(report.providers, 981);
    let count = |mode: AuthMode| {
        report
            .modes
            .iter()
            .find(|(other, _)| *other == mode)
            .map_or(0, |(_, count)| *count)
    };
    let expected = [
        (AuthMode::OAuth2, 344),
        (AuthMode::ApiKey, 323),
        (AuthMode::OAuth2Cc, 110),
        (AuthMode::Basic, 97),
        (AuthMode::TwoStep, 63),
        (AuthMode::McpOAuth2, 24),
        (AuthMode::Jwt, 4),
        (AuthMode::OAuth1, 4),
        (AuthMode::Bill, 2),
        (AuthMode::McpOAuth2Generic, 2),
        (AuthMode::None, 2),
        (AuthMode::Tba, 1),
        (AuthMode::App, 1),
        (AuthMode::Custom, 1),
        (AuthMode::Signature, 1),
        (AuthMode::AwsSigV4, 1),
        (AuthMode::InstallPlugin, 1),
    ];
    for (mode, expected) in expected {
        assert_eq!(count(mode), expected, "{}", mode.wire());
    }
}

#[test]
fn every_authorize_url_that_needs_no_input_renders() {
    for provider in catalog().iter() {
        for example in &provider.examples {
            provider
                .render_authorize(example)
                .unwrap_or_else(|fault| panic!("{}: {fault}", provider.id));
            provider
                .render_token_url(example)
                .unwrap_or_else(|fault| panic!("{}: {fault}", provider.id));
        }
    }
}

/// The last two labels of a fixed host.
fn domain(url: &str) -> Option<String> {
    let host = url.strip_prefix("https://")?.split(['/', '?', ':']).next()?;
    if host.contains('$') {
        return None;
    }
    let labels: Vec<&str> = host.rsplit('.').take(2).collect();
    Some(format!("{}.{}", labels.get(1)?, labels.first()?))
}

/// One entry used to send its authorization codes and client secrets to another vendor.
#[test]
fn codes_are_exchanged_at_the_vendor_that_gave_them() {
    const SAME_VENDOR: [(&str, &str); 14] = [
        ("amazon.com", "amazon.co.uk"),
        ("checkrhq-staging.net", "checkr-staging.com"),
        ("dropbox.com", "dropboxapi.com"),
        ("epicgames.com", "epicgames.dev"),
        ("google.com", "googleapis.com"),
        ("gohighlevel.com", "leadconnectorhq.com"),
        ("hubspot.com", "hubapi.com"),
        ("intercom.com", "intercom.io"),
        ("sageone.com", "sage.com"),
        ("smartsheet.com", "smartsheet.eu"),
        ("tiktok.com", "tiktokapis.com"),
        ("wal-mart.com", "walmartapis.com"),
        ("clover.com", "clover.eu"),
        ("facebook.com", "instagram.com"),
    ];
    let mut strangers = Vec::new();
    let of_a_vendor = |provider: &&Provider| matches!(provider.auth, AuthMode::OAuth1 | AuthMode::OAuth2);
    for provider in catalog().iter().filter(of_a_vendor) {
        for example in &provider.examples {
            let authorize = provider.render_authorize(example).ok().flatten();
            let token = provider.render_token_url(example).ok().flatten();
            let (Some(authorize), Some(token)) = (authorize, token) else {
                continue;
            };
            let pair = (domain(authorize.as_str()), domain(token.as_str()));
            if let (Some(from), Some(to)) = pair
                && from != to
                && !SAME_VENDOR.contains(&(from.as_str(), to.as_str()))
            {
                strangers.push(format!("{}: {from} and {to}", provider.id));
            }
        }
    }
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn environments_are_found_by_both_names() {
    let catalog = catalog();
    let by_id = catalog.get("quickbooks-sandbox").expect("by id");
    let by_environment = catalog.get("quickbooks@sandbox").expect("by environment");
    assert_eq!(by_id.id, by_environment.id);
    assert_eq!(
        by_id.variant_of.as_ref().map(|variant| variant.provider.as_str()),
        Some("quickbooks")
    );
}

#[test]
fn search_is_a_pattern_and_keeps_the_order() {
    let catalog = catalog();
    let ids = |search: &str| {
        catalog
            .search(search)
            .iter()
            .map(|provider| provider.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("una.th"), ["unauthenticated"]);
    assert_eq!(
        ids("private-api"),
        ["private-api-bearer", "private-api-basic", "private-api-generic"]
    );
    assert_eq!(ids("HubSpot"), ["hubspot", "hubspot-mcp"]);
    assert!(ids("(").is_empty());
}

#[test]
fn hubspot_searches_are_counted_apart() {
    let catalog = catalog();
    let hubspot = catalog.get("hubspot").expect("hubspot");
    let covering = |method: &str, path: &str| -> Vec<&str> {
        hubspot
            .quotas
            .iter()
            .filter(|quota| quota.covers(method, path))
            .map(|quota| quota.name.as_str())
            .collect()
    };
    assert_eq!(covering("POST", "/crm/v3/objects/contacts/search"), ["search"]);
    assert_eq!(covering("GET", "/crm/v3/objects/contacts"), ["burst"]);
}
