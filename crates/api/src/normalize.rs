//! Makes paths uniform before routing: trailing slashes go, and the fixed members may be written in any case.
//!
//! What follows `/proxy` and `/v1` belongs to the provider and is left as it is, byte for byte.

use std::sync::LazyLock;
use std::task::{Context, Poll};

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;
use tower::Service;

use crate::routes::utility::documented_paths;

/// Wraps a router.
#[derive(Debug, Clone)]
pub(crate) struct Normalize<S> {
    inner: S,
}

impl<S> Normalize<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Service<Request>> Service<Request> for Normalize<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if let Some(path) = normalized(request.uri().path()) {
            let text = match request.uri().query() {
                Some(query) => format!("{path}?{query}"),
                None => path,
            };
            if let Ok(path_and_query) = text.parse::<PathAndQuery>() {
                let mut parts = std::mem::take(request.uri_mut()).into_parts();
                parts.path_and_query = Some(path_and_query);
                if let Ok(uri) = Uri::from_parts(parts) {
                    *request.uri_mut() = uri;
                }
            }
        }
        self.inner.call(request)
    }
}

/// The uniform spelling, when it differs.
fn normalized(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    let (first, tail) = rest
        .split_once('/')
        .map_or((rest, None), |(first, tail)| (first, Some(tail)));
    let lower = first.to_ascii_lowercase();
    let foreign = matches!(lower.as_str(), "proxy" | "v1");
    let trimmed = tail.map(|tail| if foreign { tail } else { tail.trim_end_matches('/') });
    let uniform = match trimmed {
        None => format!("/{lower}"),
        Some("") if !foreign => format!("/{lower}"),
        Some(tail) if foreign => format!("/{lower}/{tail}"),
        Some(tail) => spelled(format!("/{lower}/{tail}")),
    };
    (uniform != path).then_some(uniform)
}

/// The members of each route; `None` is one that callers choose.
static ROUTES: LazyLock<Vec<Vec<Option<String>>>> = LazyLock::new(|| {
    let members = |path: &String| {
        path.split('/')
            .map(|member| (!member.starts_with('{')).then(|| member.to_owned()))
            .collect()
    };
    documented_paths().iter().map(members).collect()
});

/// The path with the fixed members of its route as the route writes them; what callers choose stays as it is.
fn spelled(path: String) -> String {
    if !path.contains(|c: char| c.is_ascii_uppercase()) {
        return path;
    }
    let given: Vec<&str> = path.split('/').collect();
    let fits = |route: &&Vec<Option<String>>| {
        route.len() == given.len()
            && route
                .iter()
                .zip(&given)
                .all(|(fixed, member)| fixed.as_ref().is_none_or(|fixed| fixed.eq_ignore_ascii_case(member)))
    };
    let fixed_members = |route: &&Vec<Option<String>>| route.iter().flatten().count();
    let Some(route) = ROUTES.iter().filter(fits).max_by_key(fixed_members) else {
        return path;
    };
    let members: Vec<&str> = route
        .iter()
        .zip(&given)
        .map(|(fixed, member)| fixed.as_deref().unwrap_or(member))
        .collect();
    members.join("/")
}

#[cfg(test)]
mod tests;
