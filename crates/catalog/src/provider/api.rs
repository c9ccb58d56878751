//! How a vendor's API is called: base URL, additions to requests, waits, paging and the credential probe.

use crate::template::{Alternatives, JsonTemplate, Template};

use super::Method;

/// Facts for calls through the proxy.
#[derive(Debug, Clone, Default)]
pub struct Api {
    /// Base of every call. Absent when the integration or the connection gives it.
    pub base_url: Option<Alternatives>,
    /// Headers (lower-case names) added to every call, over the default of the credentials and under the caller's
    /// (except `user-agent`). One that cannot be rendered is left out.
    pub headers: Vec<(String, Alternatives)>,
    /// Query parameters set on every call, after the caller's; one that cannot be rendered is left out.
    pub query: Vec<(String, Template)>,
    /// Fields merged into JSON or form bodies of POST, PUT, PATCH and DELETE.
    pub body: Vec<(String, JsonTemplate)>,
    /// Whether the default `Authorization: Bearer` is sent. Off when the vendor's own header carries the token.
    pub bearer: bool,
    /// Key name, placement, value and base URL come from the integration's settings (`keyName`, `keyPlacement`,
    /// `valueTemplate`, `baseUrl`).
    pub defined_by_integration: bool,
    /// Transparent decompression was asked for; it is always on.
    pub decompress: bool,
    /// Credentials are sent again after a redirect to another host.
    pub forward_headers_on_redirect: bool,
    /// Connection values that callers use in endpoints, so that the form asks for them.
    pub endpoint_uses: Vec<String>,
    /// How the vendor says when to try again, beside `Retry-After`, which is always honoured.
    pub retry: Retry,
    /// Default paging.
    pub paginate: Option<Paginate>,
    /// Call that proves credentials.
    pub verification: Option<Probe>,
}

/// When to try again.
#[derive(Debug, Clone, Default)]
pub struct Retry {
    /// Headers holding seconds to wait.
    pub after: Vec<String>,
    /// Headers holding the moment to retry: epoch seconds or milliseconds, or a date.
    pub at: Vec<String>,
    /// Header that is exactly `0` when the quota is used up: then an otherwise final status is retryable.
    pub remaining: Option<String>,
    /// Retryable statuses instead of the default set.
    pub statuses: Vec<StatusRule>,
    /// Wait stated in the error body.
    pub in_body: Option<BodyWait>,
}

impl Retry {
    /// Whether anything is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
            && self.at.is_empty()
            && self.remaining.is_none()
            && self.statuses.is_empty()
            && self.in_body.is_none()
    }
}

/// A set of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusRule {
    /// One status.
    Exact(u16),
    /// A hundred of them: `5xx`.
    Class(u16),
    /// An inclusive range: `500-502`.
    Range(u16, u16),
}

impl StatusRule {
    /// Reads `429`, `5xx` or `500-502`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let status = |part: &str| {
            part.trim()
                .parse::<u16>()
                .ok()
                .filter(|status| (100..600).contains(status))
        };
        if let Some(class) = text.strip_suffix("xx") {
            return class
                .parse::<u16>()
                .ok()
                .filter(|class| (1..6).contains(class))
                .map(Self::Class);
        }
        match text.split_once('-') {
            Some((from, to)) => Some(Self::Range(status(from)?, status(to)?)),
            None => status(text).map(Self::Exact),
        }
    }

    /// Whether the status belongs to the set.
    #[must_use]
    pub fn matches(self, status: u16) -> bool {
        match self {
            Self::Exact(exact) => status == exact,
            Self::Class(class) => status / 100 == class,
            Self::Range(from, to) => (from..=to).contains(&status),
        }
    }
}

impl std::fmt::Display for StatusRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(status) => write!(f, "{status}"),
            Self::Class(class) => write!(f, "{class}xx"),
            Self::Range(from, to) => write!(f, "{from}-{to}"),
        }
    }
}

/// A wait stated in the text of an error body.
#[derive(Debug, Clone)]
pub struct BodyWait {
    /// Dotted path of the text.
    pub path: String,
    /// Expression whose first group is the wait.
    pub pattern: super::Pattern,
    /// What the group means.
    pub kind: WaitKind,
}

/// Meaning of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitKind {
    /// A moment.
    At,
    /// Seconds.
    After,
}

/// Default paging of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paginate {
    /// How the next page is asked for.
    pub kind: PaginateKind,
    /// Dotted path of the items; absent means that the body is the list.
    pub items_path: Option<String>,
    /// Page-size parameter.
    pub limit_param: Option<String>,
}

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaginateKind {
    /// A cursor from the reply goes into a parameter.
    Cursor {
        /// Parameter name.
        param: String,
        /// Dotted path of the next cursor.
        path: String,
    },
    /// The reply names the next URL.
    Link {
        /// Relation in the `Link` header.
        rel: Option<String>,
        /// Dotted path of the URL in the body.
        path: Option<String>,
    },
    /// A number grows.
    Offset {
        /// Parameter name.
        param: String,
        /// First value.
        start: Option<i64>,
        /// What it grows by.
        step: Step,
    },
}

/// What an offset grows by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// The number of items received.
    #[default]
    Items,
    /// One: the number is a page number.
    Page,
}

/// A call that proves credentials; any endpoint that answers well is enough.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Method.
    pub method: Method,
    /// Endpoints in order.
    pub endpoints: Vec<ProbeEndpoint>,
    /// Extra headers.
    pub headers: Vec<(String, Template)>,
    /// Body.
    pub body: Vec<(String, JsonTemplate)>,
    /// Another base URL.
    pub base_url: Option<Template>,
    /// What a good answer looks like.
    pub good: ProbeCheck,
}

/// Path of a probe, below the base URL.
#[derive(Debug, Clone)]
pub struct ProbeEndpoint {
    /// The path.
    pub path: Template,
}

/// What a good answer looks like.
#[derive(Debug, Clone, Default)]
pub struct ProbeCheck {
    /// Accepted statuses; any 2xx unless given.
    pub statuses: Vec<StatusRule>,
    /// Text in the body that means failure.
    pub fail_if: Option<String>,
    /// Dotted path that must exist in the JSON body, or must equal the text when one is given.
    pub requires: Option<(String, Option<String>)>,
}
