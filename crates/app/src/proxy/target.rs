//! Where a call goes: the URL, from base, endpoint, parameters and what the provider adds.
//!
//! The caller's path and query reach the provider byte for byte; only what has to change is touched.

use percent_encoding::percent_decode_str;
use tenon_catalog::template::{Scope, Template};
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::call::Params;
use crate::{Error, Result};

/// What a URL is made of.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// The base in effect, rendered.
    pub(super) base: &'a str,
    /// Further texts that a caller may have put in front of the endpoint although they name the base: the entry's
    /// base as it is written in the catalogue.
    pub(super) known_base: Option<&'a str>,
    /// Path, with or without query, or an absolute URL below the base.
    pub(super) endpoint: &'a str,
    /// Parameters given apart from the endpoint.
    pub(super) params: &'a Params,
    /// What the provider adds; wins over parameters of the same name.
    pub(super) additions: &'a [(String, String)],
}

impl Target<'_> {
    /// The URL.
    ///
    /// # Errors
    /// 400 `invalid_query_params` when the query is given twice, 400 `missing_api_url` when the base is no URL.
    pub(super) fn url(&self) -> Result<Url> {
        let endpoint = self.relative_endpoint();
        let mut text = String::with_capacity(self.base.len() + endpoint.len() + 32);
        text.push_str(self.base.strip_suffix('/').unwrap_or(self.base));
        let endpoint = endpoint.trim_start_matches('/');
        if !endpoint.is_empty() {
            text.push('/');
            text.push_str(endpoint);
        }
        match self.params {
            Params::None => {}
            Params::Text(query) if query.is_empty() => {}
            Params::Text(query) => {
                if text.contains('?') {
                    return Err(Error::refuse(400, "invalid_query_params")
                        .message("The endpoint has a query already; give the parameters either there or in params"));
                }
                text.push('?');
                text.push_str(query.strip_prefix('?').unwrap_or(query));
            }
            Params::Pairs(pairs) => set_pairs(&mut text, pairs),
        }
        set_pairs(&mut text, self.additions);
        Url::parse(&text).ok().filter(Url::has_host).ok_or_else(|| {
            Error::refuse(400, "missing_api_url")
                .message("The base URL of this call is not an absolute URL; check the integration or the override")
        })
    }

    /// The endpoint without a base in front of it, or in it.
    fn relative_endpoint(&self) -> String {
        let mut endpoint = self.endpoint.to_owned();
        for base in [Some(self.base), self.known_base].into_iter().flatten() {
            if let Some(shorter) = without_base(&endpoint, base) {
                endpoint = shorter;
            }
        }
        endpoint
    }
}

/// The endpoint without `base`, where it is followed by something that ends an origin or a path segment.
fn without_base(endpoint: &str, base: &str) -> Option<String> {
    let base = base.strip_suffix('/').unwrap_or(base);
    if base.is_empty() || !base.contains("://") {
        return None;
    }
    let at = endpoint.find(base)?;
    let rest = endpoint.get(at + base.len()..)?;
    if !rest.is_empty() && !rest.starts_with(['/', '?', '#']) {
        return None;
    }
    Some(format!("{}{rest}", endpoint.get(..at)?.trim_end_matches('/')))
}

/// Fills placeholders that a caller wrote into an endpoint or a base URL, from what belongs to the connection and is not secret.
pub(super) fn fill_endpoint(endpoint: &str, scope: &Scope<'_>) -> Option<String> {
    if !endpoint.contains("${") {
        return None;
    }
    let open = Scope {
        config: scope.config,
        metadata: scope.metadata,
        ..Scope::new(scope.now, scope.uuid)
    };
    Some(Template::fill_in(endpoint, &open))
}

/// Sets query parameters in a URL text and leaves all others as they are written; of several pairs of one name the last one stays.
pub fn set_pairs(text: &mut String, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        set_pair(text, name, value);
    }
}

fn set_pair(text: &mut String, name: &str, value: &str) {
    let (head, fragment) = match text.split_once('#') {
        Some((head, fragment)) => (head.to_owned(), Some(fragment.to_owned())),
        None => (std::mem::take(text), None),
    };
    let (path, query) = head
        .split_once('?')
        .map_or((head.as_str(), ""), |(path, query)| (path, query));
    let mut written = String::with_capacity(head.len() + name.len() + value.len() + 2);
    written.push_str(path);
    let mut separator = '?';
    let mut set = false;
    let mut push = |pair: &str| {
        written.push(separator);
        written.push_str(pair);
        separator = '&';
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if !is_named(pair, name) {
            push(pair);
        } else if !std::mem::replace(&mut set, true) {
            push(&encoded(name, value));
        }
    }
    if !set {
        push(&encoded(name, value));
    }
    if let Some(fragment) = fragment {
        written.push('#');
        written.push_str(&fragment);
    }
    *text = written;
}

fn is_named(pair: &str, name: &str) -> bool {
    let key = pair.split_once('=').map_or(pair, |(key, _)| key);
    key == name || (key.contains(['%', '+']) && percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy() == name)
}

fn encoded(name: &str, value: &str) -> String {
    let mut pair: String = byte_serialize(name.as_bytes()).collect();
    pair.push('=');
    pair.extend(byte_serialize(value.as_bytes()));
    pair
}
