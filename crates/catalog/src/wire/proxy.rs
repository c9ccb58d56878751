//! Keys under `proxy` in the listing.

use serde_json::{Map, Value, json};

use super::{Wire, compat, json_templates, templates};
use crate::provider::{Api, Paginate, PaginateKind, Probe, Provider, Retry, WaitKind};

pub(super) fn describe(provider: &Provider, wire: &mut Wire) {
    let Some(api) = &provider.api else { return };
    let mut proxy = Wire::default();
    proxy.url("base_url", api.base_url.as_ref());
    proxy.object("headers", headers(api));
    proxy.object("query", templates(&api.query));
    proxy.object("body", json_templates(&api.body));
    let uses = api
        .endpoint_uses
        .iter()
        .map(|name| (name.clone(), Value::from(format!("${{connectionConfig.{name}}}"))));
    proxy.object("connection_config", uses.collect());
    proxy.flag("decompress", api.decompress);
    proxy.flag("forward_headers_on_redirect", api.forward_headers_on_redirect);
    proxy.object("retry", retry(&api.retry, compat().shows_retry_after(&provider.id)));
    if let Some(page) = &api.paginate {
        proxy.object("paginate", paginate(page));
    }
    if let Some(probe) = &api.verification {
        proxy.object("verification", verification(probe));
    }
    wire.object("proxy", proxy.map);
}

fn headers(api: &Api) -> Map<String, Value> {
    api.headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.to_wire())))
        .collect()
}

fn retry(retry: &Retry, shows_retry_after: bool) -> Map<String, Value> {
    let mut wire = Wire::default();
    let mut after: Vec<String> = shows_retry_after
        .then(|| "retry-after".to_owned())
        .into_iter()
        .collect();
    after.extend(retry.after.iter().cloned());
    wire.list("after", &after);
    wire.list("at", &retry.at);
    wire.text("remaining", retry.remaining.as_deref());
    let statuses: Vec<String> = retry.statuses.iter().map(ToString::to_string).collect();
    wire.list("error_code", &statuses);
    if let Some(body) = &retry.in_body {
        let strategy = match body.kind {
            WaitKind::At => "at",
            WaitKind::After => "after",
        };
        let value = body.pattern.as_str();
        wire.set(
            "in_body",
            json!({ "strategy": strategy, "path": body.path, "value": value }),
        );
    }
    wire.map
}

fn paginate(page: &Paginate) -> Map<String, Value> {
    let mut wire = Wire::default();
    match &page.kind {
        PaginateKind::Cursor { param, path } => {
            wire.set("type", "cursor");
            wire.set("cursor_name_in_request", param.as_str());
            wire.set("cursor_path_in_response", path.as_str());
        }
        PaginateKind::Link { rel, path } => {
            wire.set("type", "link");
            wire.text("link_rel_in_response_header", rel.as_deref());
            wire.text("link_path_in_response_body", path.as_deref());
        }
        PaginateKind::Offset { param, start, step: _ } => {
            wire.set("type", "offset");
            wire.set("offset_name_in_request", param.as_str());
            if let Some(start) = start {
                wire.set("offset_start_value", *start);
            }
        }
    }
    wire.text("response_path", page.items_path.as_deref());
    wire.text("limit_name_in_request", page.limit_param.as_deref());
    wire.map
}

fn verification(probe: &Probe) -> Map<String, Value> {
    let mut wire = Wire::default();
    wire.set("method", probe.method.as_str());
    let endpoints: Vec<String> = probe.endpoints.iter().map(|endpoint| endpoint.path.to_wire()).collect();
    wire.list("endpoints", &endpoints);
    wire.object("headers", templates(&probe.headers));
    wire.object("data", json_templates(&probe.body));
    if let Some(base_url) = &probe.base_url {
        wire.set("base_url_override", base_url.to_wire());
    }
    wire.map
}
