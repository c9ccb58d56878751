//! The report of `tenon catalog check`: what is wrong with the entries, and what they can do.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::catalog::Catalog;
use crate::compat::listing;
use crate::embedded::embedded;
use crate::file::Fault;
use crate::provider::{AuthMode, Field, Provider};
use crate::template::Variable;

/// What the catalogue holds and what is wrong with it.
#[derive(Debug)]
pub struct Report {
    /// Everything that is wrong; empty for a good catalogue.
    pub faults: Vec<Fault>,
    /// Number of providers.
    pub providers: usize,
    /// Of these, test variants of others.
    pub variants: usize,
    /// Vendor families.
    pub vendors: usize,
    /// Providers per mode, most first.
    pub modes: Vec<(AuthMode, usize)>,
    /// Providers per capability.
    pub abilities: Vec<(&'static str, usize)>,
}

/// Tags that entries may have.
pub const CATEGORIES: &[&str] = &[
    "accounting",
    "analytics",
    "ats",
    "banking",
    "cms",
    "communication",
    "crm",
    "design",
    "dev-tools",
    "e-commerce",
    "erp",
    "gaming",
    "hr",
    "iam",
    "invoicing",
    "knowledge-base",
    "legal",
    "marketing",
    "mcp",
    "other",
    "payment",
    "popular",
    "productivity",
    "search",
    "social",
    "sports",
    "storage",
    "support",
    "surveys",
    "ticketing",
    "video",
];

/// Looks at every entry.
#[must_use]
pub fn check(catalog: &Catalog) -> Report {
    let mut faults = embedded().faults();
    for id in embedded().parsed_ids() {
        if embedded().position(&id).is_none() {
            let message = "the build does not find the entry; write its heading on a line of its own".to_owned();
            faults.push(Fault {
                file: "providers".to_owned(),
                line: None,
                entry: Some(id),
                key: None,
                message,
            });
        }
    }
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for provider in catalog.iter() {
        let mut at = |key: Option<&str>, message: String| {
            faults.push(Fault {
                file: provider.file.clone(),
                line: None,
                entry: Some(provider.id.clone()),
                key: key.map(str::to_owned),
                message,
            });
        };
        if let Some(other) = names.insert(&provider.display_name, &provider.id) {
            at(
                Some("name"),
                format!("`{other}` has the same name; people cannot tell them apart"),
            );
        }
        for category in &provider.categories {
            if !CATEGORIES.contains(&category.as_str()) {
                at(
                    Some("categories"),
                    format!("`{category}` is unknown; write some of {}", CATEGORIES.join(", ")),
                );
            }
        }
        if provider.categories.is_empty() {
            at(Some("categories"), "choose at least one".to_owned());
        }
        for (group, fields) in provider.inputs.groups() {
            for field in fields {
                for message in field_faults(field) {
                    at(Some(&format!("{group}.{}", field.name)), message);
                }
            }
        }
        for name in unknown_values(provider) {
            at(
                Some(&name),
                "nothing gives this value: add a field for it, or capture it".to_owned(),
            );
        }
        if provider.auth == AuthMode::ApiKey && !uses_key(provider) {
            at(
                Some("key_in"),
                "the key is sent nowhere; say key_in = \"bearer\" or \"header:name\"".to_owned(),
            );
        }
        for example in &provider.examples {
            for complaint in crate::check_inputs(&provider.inputs.connection_config, &example.config, false) {
                at(Some("example.config"), complaint.message);
            }
            for message in provider.check_example(example) {
                at(Some("example"), message);
            }
        }
    }
    for id in listing().ids() {
        if catalog.get(id).is_none() {
            faults.push(Fault {
                file: "providers".to_owned(),
                line: None,
                entry: Some(id.clone()),
                key: None,
                message: "the id was listed before and must not disappear; keep it as an entry or a synonym".to_owned(),
            });
        }
    }
    Report {
        faults,
        providers: catalog.len(),
        variants: catalog.iter().filter(|provider| provider.variant_of.is_some()).count(),
        vendors: catalog
            .iter()
            .map(|provider| provider.vendor.as_str())
            .collect::<HashSet<_>>()
            .len(),
        modes: modes(catalog),
        abilities: abilities(catalog),
    }
}

fn modes(catalog: &Catalog) -> Vec<(AuthMode, usize)> {
    let count = |mode: &AuthMode| catalog.iter().filter(|provider| provider.auth == *mode).count();
    let mut modes: Vec<_> = AuthMode::ALL
        .iter()
        .map(|mode| (*mode, count(mode)))
        .filter(|(_, count)| *count > 0)
        .collect();
    modes.sort_by_key(|(mode, count)| (std::cmp::Reverse(*count), *mode));
    modes
}

fn abilities(catalog: &Catalog) -> Vec<(&'static str, usize)> {
    let count = |test: &dyn Fn(&Provider) -> bool| catalog.iter().filter(|provider| test(provider)).count();
    let api = |provider: &Provider, test: fn(&crate::provider::Api) -> bool| provider.api.as_ref().is_some_and(test);
    vec![
        (
            "call an API with a known base URL",
            count(&|p| api(p, |api| api.base_url.is_some())),
        ),
        (
            "test credentials before they are stored",
            count(&|p| api(p, |api| api.verification.is_some()) || p.hooks.verify.is_some()),
        ),
        ("page through lists", count(&|p| api(p, |api| api.paginate.is_some()))),
        (
            "wait as the vendor says",
            count(&|p| api(p, |api| !api.retry.is_empty())),
        ),
        ("stay within documented quotas", count(&|p| !p.quotas.is_empty())),
        ("receive webhooks", count(&Provider::routes_webhooks)),
        (
            "keep values found after connecting",
            count(&|p| !p.captures.fetch.is_empty() || p.hooks.after_connect.is_some()),
        ),
        ("prove themselves by an example", count(&|p| !p.examples.is_empty())),
    ]
}

fn field_faults(field: &Field) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(pattern) = &field.pattern else { return faults };
    if let Err(reason) = pattern.check() {
        faults.push(format!("the pattern does not compile: {reason}"));
        return faults;
    }
    // An example may be shortened; then it only shows the shape.
    let whole = field.example.as_deref().filter(|example| !example.contains(['…', '*']));
    if let Some(example) = whole.filter(|example| !pattern.is_match(example)) {
        faults.push(format!("the example `{example}` does not match the pattern"));
    }
    if let Some(default) = field.default.as_deref().filter(|default| !default.is_empty())
        && !pattern.is_match(default)
    {
        faults.push(format!("the default `{default}` does not match the pattern"));
    }
    faults
}

/// Connection values that templates use but nothing provides.
fn unknown_values(provider: &Provider) -> BTreeSet<String> {
    let captures = &provider.captures;
    let captured = [
        &captures.callback,
        &captures.token_reply,
        &captures.refresh_reply,
        &captures.install_webhook,
        &captures.after_connect,
        &provider
            .api
            .as_ref()
            .map(|api| api.endpoint_uses.clone())
            .unwrap_or_default(),
    ];
    let known = |name: &str| {
        provider.inputs.connection_config.iter().any(|field| field.name == name)
            || captured.iter().any(|names| names.iter().any(|one| one == name))
            || captures.fetch.iter().any(|fetch| fetch.save_as == name)
            || name == "oauth_scopes"
            || provider.hooks.after_connect.is_some()
    };
    let known_cred = |name: &str| {
        let first = name.split('.').next().unwrap_or(name);
        // An exchange may take values that the developer set once for all connections.
        let inputs = &provider.inputs;
        inputs
            .credentials
            .iter()
            .chain(&inputs.integration_config)
            .any(|field| field.name == first)
            || matches!(
                first,
                "raw" | "username" | "password" | "apiKey" | "client_id" | "client_secret" | "assertion"
            )
            || matches!(provider.auth, AuthMode::Bill | AuthMode::AwsSigV4)
            || provider
                .exchange
                .as_ref()
                .is_some_and(|exchange| !exchange.keep_headers.is_empty())
    };
    let known_once = |name: &str| provider.inputs.assertion_option.iter().any(|field| field.name == name);
    provider
        .variables()
        .into_iter()
        .filter_map(|variable| match variable {
            Variable::Config(name) if !known(name) => Some(format!("${{config.{name}}}")),
            Variable::Credential(name) if !known_cred(name) => Some(format!("${{cred.{name}}}")),
            Variable::Once(name) if !known_once(name) => Some(format!("${{once.{name}}}")),
            Variable::Bare(name) => Some(format!("${{{name}}}")),
            _ => None,
        })
        .collect()
}

fn uses_key(provider: &Provider) -> bool {
    let is_key = |variable: &&Variable| matches!(variable, Variable::Credential(name) if name == "apiKey");
    provider.api.as_ref().is_some_and(|api| api.defined_by_integration)
        || provider.hooks.verify.is_some()
        || provider.variables().iter().any(is_key)
}

impl Provider {
    /// Every variable of every template of the entry.
    fn variables(&self) -> Vec<&Variable> {
        let mut found = Vec::new();
        if let Some(oauth2) = &self.oauth2 {
            found.extend(oauth2.authorize_url.iter().flat_map(|url| url.variables()));
            found.extend(oauth2.authorize_params.iter().flat_map(|(_, value)| value.variables()));
            found.extend(oauth2.token.url.iter().flat_map(|url| url.variables()));
            found.extend(oauth2.token.params.iter().flat_map(|(_, value)| value.variables()));
            found.extend(oauth2.token.headers.iter().flat_map(|(_, value)| value.variables()));
            found.extend(oauth2.refresh.url.iter().flat_map(|url| url.variables()));
        }
        if let Some(exchange) = &self.exchange {
            for step in std::iter::once(&exchange.first).chain(&exchange.then) {
                found.extend(step.url.variables());
                found.extend(step.headers.iter().flat_map(|(_, value)| value.variables()));
                found.extend(step.params.iter().flat_map(|(_, value)| value.variables()));
            }
        }
        let signed = self.exchange.as_ref().and_then(|exchange| exchange.signed_jwt.as_ref());
        for jwt in self.signed_jwt.iter().chain(signed) {
            found.extend(jwt.key.variables());
            found.extend(
                jwt.claims
                    .iter()
                    .chain(&jwt.header)
                    .flat_map(|(_, value)| value.variables()),
            );
        }
        if let Some(api) = &self.api {
            found.extend(api.base_url.iter().flat_map(|url| url.variables()));
            found.extend(api.headers.iter().flat_map(|(_, value)| value.variables()));
            found.extend(api.query.iter().flat_map(|(_, value)| value.variables()));
            found.extend(api.body.iter().flat_map(|(_, value)| value.variables()));
            if let Some(probe) = &api.verification {
                found.extend(probe.endpoints.iter().flat_map(|endpoint| endpoint.path.variables()));
                found.extend(probe.headers.iter().flat_map(|(_, value)| value.variables()));
            }
        }
        found
    }
}
