//! How the API is called.

use std::time::Duration;

use super::Reader;
use crate::file::entry::{Entry, Page, Probe as ProbeTable};
use crate::file::shapes::{Texts, TextsOr};
use crate::provider::{
    Api, AuthMode, BodyWait, Method, Paginate, PaginateKind, Pattern, Probe, ProbeCheck, ProbeEndpoint, Quota,
    QuotaScope, Retry, StatusRule, Step, WaitKind,
};
use crate::template::{Alternatives, JsonTemplate, Template};

impl Reader<'_> {
    pub(super) fn api(&mut self, auth: AuthMode, entry: &Entry) -> Option<Api> {
        let defined_by_integration = match entry.defined_by.as_deref() {
            None => false,
            Some("integration") => true,
            Some(other) => {
                self.fault(Some("defined_by"), format!("`{other}` is unknown; write integration"));
                false
            }
        };
        let mut api = Api {
            base_url: entry.api.as_ref().map(|texts| self.alternatives("api", texts)),
            headers: Vec::new(),
            query: self.templates("query", &entry.query),
            body: self.json_pairs("body", &entry.body),
            bearer: entry.bearer.unwrap_or(true),
            defined_by_integration,
            decompress: entry.decompress,
            forward_headers_on_redirect: entry.forward_headers_on_redirect,
            endpoint_uses: entry.endpoint_uses.clone(),
            retry: self.retry(entry),
            paginate: entry.page.as_ref().and_then(|page| self.paginate(page)),
            verification: entry.probe.as_ref().and_then(|probe| self.probe(probe)),
        };
        for (name, texts) in &entry.headers.0 {
            if *name != name.to_ascii_lowercase() {
                self.fault(
                    Some(&format!("headers.{name}")),
                    "write header names in lower case".to_owned(),
                );
            }
            let value = self.alternatives(&format!("headers.{name}"), texts);
            api.headers.push((name.clone(), value));
        }
        if let Some(place) = entry.key_in.as_deref() {
            self.place_key(auth, place, &mut api);
        }
        let says_nothing = api.base_url.is_none()
            && api.headers.is_empty()
            && api.verification.is_none()
            && api.retry.is_empty()
            && !defined_by_integration;
        if says_nothing { None } else { Some(api) }
    }

    /// `key_in = "bearer"`, `"header:x-api-key"`, `"query:key"` or `"body:api_key"`.
    fn place_key(&mut self, auth: AuthMode, place: &str, api: &mut Api) {
        if auth != AuthMode::ApiKey {
            self.fault(Some("key_in"), "only an api_key entry has a key to place".to_owned());
            return;
        }
        let key = |before: &str| Template::parse(&format!("{before}${{cred.apiKey}}"));
        match place.split_once(':') {
            None if place == "bearer" => {
                if let Ok(value) = key("Bearer ") {
                    api.headers
                        .insert(0, ("authorization".to_owned(), Alternatives::from(value)));
                }
            }
            Some(("header", name)) if !name.is_empty() && name == name.to_ascii_lowercase() => {
                if let Ok(value) = key("") {
                    api.headers.insert(0, (name.to_owned(), Alternatives::from(value)));
                }
            }
            Some(("query", name)) if !name.is_empty() => {
                if let Ok(value) = key("") {
                    api.query.insert(0, (name.to_owned(), value));
                }
            }
            Some(("body", name)) if !name.is_empty() => {
                if let Ok(value) = key("") {
                    api.body.insert(0, (name.to_owned(), JsonTemplate::Text(value.into())));
                }
            }
            _ => {
                let message =
                    format!("`{place}` is unknown; write bearer, header:name (lower case), query:name or body:name");
                self.fault(Some("key_in"), message);
            }
        }
    }

    fn retry(&mut self, entry: &Entry) -> Retry {
        let table = &entry.retry;
        Retry {
            after: table.after.0.clone(),
            at: table.at.0.clone(),
            remaining: table.remaining.clone(),
            statuses: self.statuses("retry.statuses", &table.statuses),
            in_body: table.body.as_ref().and_then(|body| {
                let kinds = &[("at", WaitKind::At), ("after", WaitKind::After)];
                let kind = self.named("retry.body.wait", &body.wait, kinds)?;
                let pattern = self.pattern("retry.body.pattern", &body.pattern);
                Some(BodyWait {
                    path: body.path.clone(),
                    pattern,
                    kind,
                })
            }),
        }
    }

    fn statuses(&mut self, key: &str, texts: &[String]) -> Vec<StatusRule> {
        let mut rules = Vec::new();
        for text in texts {
            match StatusRule::parse(text) {
                Some(rule) => rules.push(rule),
                None => self.fault(Some(key), format!("`{text}` is no status; write 429, 5xx or 500-502")),
            }
        }
        rules
    }

    pub(super) fn pattern(&mut self, key: &str, text: &str) -> Pattern {
        // Whether it compiles is asked by `check`, not at every start: there are five hundred.
        if text.is_empty() {
            self.fault(Some(key), "the pattern is empty".to_owned());
        }
        Pattern::new(text)
    }

    fn paginate(&mut self, page: &Page) -> Option<Paginate> {
        let link = (page.link_header.is_some() || page.link.is_some()).then(|| PaginateKind::Link {
            rel: page.link_header.clone(),
            path: page.link.clone(),
        });
        let cursor = match (&page.cursor, &page.next) {
            (Some(param), Some(path)) => Some(PaginateKind::Cursor {
                param: param.clone(),
                path: path.clone(),
            }),
            (None, None) => None,
            _ => {
                self.fault(
                    Some("page"),
                    "a cursor needs both: cursor (the parameter) and next (its path in the reply)".to_owned(),
                );
                return None;
            }
        };
        let offset = |param: &Option<String>, step: Step| {
            param.as_ref().map(|param| PaginateKind::Offset {
                param: param.clone(),
                start: page.start,
                step,
            })
        };
        let kinds = [
            link,
            cursor,
            offset(&page.offset, Step::Items),
            offset(&page.number, Step::Page),
        ];
        let mut kinds = kinds.into_iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Some(Paginate {
                kind,
                items_path: page.items.clone(),
                limit_param: page.limit.clone(),
            }),
            _ => {
                let message = "write exactly one of cursor + next, link_header or link, offset, number";
                self.fault(Some("page"), message.to_owned());
                None
            }
        }
    }

    fn probe(&mut self, probe: &TextsOr<ProbeTable>) -> Option<Probe> {
        let default = ProbeTable::default();
        let (calls, table): (&Texts, &ProbeTable) = match probe {
            TextsOr::Texts(texts) => (texts, &default),
            TextsOr::Table(table) => (&table.calls, table),
        };
        let mut method = None;
        let mut endpoints = Vec::new();
        for call in &calls.0 {
            let Some((verb, path)) = self.call("probe", call) else {
                continue;
            };
            if method.is_some_and(|method| method != verb) {
                self.fault(Some("probe"), "all calls of a probe use the same method".to_owned());
            }
            method = Some(verb);
            endpoints.push(ProbeEndpoint { path });
        }
        let Some(method) = method else {
            self.fault(Some("probe"), "name a call: probe = \"GET /me\"".to_owned());
            return None;
        };
        let requires = table.requires.as_deref().map(|text| match text.split_once('=') {
            Some((path, value)) => (path.trim().to_owned(), Some(value.trim().to_owned())),
            None => (text.to_owned(), None),
        });
        Some(Probe {
            method,
            endpoints,
            headers: self.templates("probe.headers", &table.headers),
            body: self.json_pairs("probe.body", &table.body),
            base_url: self.optional_template("probe.base_url", table.base_url.as_deref()),
            good: ProbeCheck {
                statuses: self.statuses("probe.ok", &table.ok),
                fail_if: table.fail_if.clone(),
                requires,
            },
        })
    }

    /// `GET /me`.
    pub(super) fn call(&mut self, key: &str, text: &str) -> Option<(Method, Template)> {
        let read = text
            .split_once(' ')
            .and_then(|(verb, path)| Some((Method::parse(verb)?, path.trim())));
        match read {
            Some((method, path)) => Some((method, self.template(key, path))),
            None => {
                self.fault(
                    Some(key),
                    format!("`{text}` is no call; write a method and a path: GET /me"),
                );
                None
            }
        }
    }

    pub(super) fn quotas(&mut self, entry: &Entry) -> Vec<Quota> {
        let mut quotas = Vec::new();
        for table in &entry.quotas {
            let key = format!("quotas.{}", table.name);
            let window = match (table.per_seconds, table.concurrent) {
                (Some(seconds), false) if seconds > 0 => Duration::from_secs(seconds),
                (None, true) => Duration::ZERO,
                _ => {
                    self.fault(Some(&key), "write per_seconds, or concurrent = true".to_owned());
                    continue;
                }
            };
            if table.name.is_empty() || table.limit == 0 {
                self.fault(Some(&key), "a quota has a name and a limit above zero".to_owned());
                continue;
            }
            let scopes = &[
                ("connection", QuotaScope::Connection),
                ("integration", QuotaScope::Integration),
            ];
            quotas.push(Quota {
                name: table.name.clone(),
                paths: table.paths.clone(),
                except: table.except.clone(),
                methods: table.methods.clone(),
                limit: table.limit,
                window,
                cost: table.cost.unwrap_or(1),
                scope: self.named_or_default(&key, table.shared_by.as_deref(), scopes),
            });
        }
        quotas
    }
}
