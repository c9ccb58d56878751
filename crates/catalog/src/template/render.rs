//! From tree to text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::scope::{lookup, step, text};
use super::{Alternatives, Part, Scope, Template, Variable, functions, moment};

/// Placeholders without a value, in the spelling of provider files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no value for {}", .names.join(", "))]
pub struct MissingValue {
    /// The placeholders, without `${` and `}`.
    pub names: Vec<String>,
}

/// Why a template cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A placeholder has no value.
    #[error(transparent)]
    Missing(#[from] MissingValue),
    /// A value would change which host or account a URL names.
    #[error("the value of {name} cannot stand in a host name")]
    Unsafe {
        /// The placeholder.
        name: String,
    },
    /// A function cannot work with its argument (a key that is no key).
    #[error("{function} failed: {reason}")]
    Function {
        /// The function.
        function: &'static str,
        /// Why.
        reason: String,
    },
}

/// What `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// How values enter the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As they are; an empty value is a value.
    Plain,
    /// As they are; an empty value is missing.
    NonEmpty,
    /// Into a URL: host positions are checked, the rest is percent-encoded, an empty value is missing.
    Url,
    /// Into a URL whose values are URLs or paths themselves: host positions are checked, nothing is encoded.
    BaseUrl,
}

impl Template {
    /// Fills in every placeholder.
    ///
    /// # Errors
    /// When a placeholder has no value or a function refuses its argument.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        render(&self.parts, scope, Mode::Plain)
    }

    /// As [`Template::render`] for OAuth URLs: values are percent-encoded where they stand in a path or query, checked
    /// where they stand in a host name; empty values count as missing.
    ///
    /// # Errors
    /// As [`Template::render`], and when a value would change the host.
    pub fn render_url(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        render(&self.parts, scope, Mode::Url)
    }

    /// As [`Template::render_url`] without encoding: for the base URL of API calls, whose values may hold paths.
    ///
    /// # Errors
    /// As [`Template::render_url`].
    pub fn render_base_url(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        render(&self.parts, scope, Mode::BaseUrl)
    }

    /// Fills in the placeholders of `text` that have a value and leaves everything else as it was written.
    #[must_use]
    pub fn fill_in(text: &str, scope: &Scope<'_>) -> String {
        super::parse::pieces(text)
            .into_iter()
            .map(|(part, written)| render(&[part], scope, Mode::Plain).unwrap_or_else(|_| written.to_owned()))
            .collect()
    }
}

impl Alternatives {
    /// The first alternative whose placeholders all have non-empty values; a single template may have empty ones.
    ///
    /// # Errors
    /// Those of the first alternative when none can be rendered.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        match self.templates() {
            [single] => single.render(scope),
            several => first(several, scope, Mode::NonEmpty),
        }
    }

    /// As [`Template::render_url`] for the first alternative that can be rendered.
    ///
    /// # Errors
    /// Those of the first alternative when none can be rendered.
    pub fn render_url(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        first(self.templates(), scope, Mode::Url)
    }

    /// As [`Template::render_base_url`] for the first alternative that can be rendered.
    ///
    /// # Errors
    /// Those of the first alternative when none can be rendered.
    pub fn render_base_url(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        first(self.templates(), scope, Mode::BaseUrl)
    }
}

fn first(templates: &[Template], scope: &Scope<'_>, mode: Mode) -> Result<String, RenderError> {
    let mut refused = None;
    for template in templates {
        match render(&template.parts, scope, mode) {
            Ok(text) => return Ok(text),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| MissingValue { names: Vec::new() }.into()))
}

fn render(parts: &[Part], scope: &Scope<'_>, mode: Mode) -> Result<String, RenderError> {
    let mut out = String::new();
    let mut missing: Vec<String> = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(variable) => match value_of(variable, scope) {
                Some(value) if !value.is_empty() || mode == Mode::Plain => {
                    out.push_str(&placed(&value, variable, &out, mode)?);
                }
                _ => missing.push(super::spell::own_name(variable)),
            },
            Part::Call(function, arguments) => {
                let rendered = arguments.iter().map(|argument| render(argument, scope, Mode::Plain));
                match rendered.collect::<Result<Vec<_>, _>>() {
                    Ok(arguments) => out.push_str(&functions::call(*function, &arguments, scope)?),
                    Err(RenderError::Missing(inner)) => missing.extend(inner.names),
                    Err(error) => return Err(error),
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(out);
    }
    missing.dedup();
    Err(MissingValue { names: missing }.into())
}

/// The value as it may stand after `before`.
fn placed(value: &str, variable: &Variable, before: &str, mode: Mode) -> Result<String, RenderError> {
    if mode == Mode::Plain || mode == Mode::NonEmpty {
        return Ok(value.to_owned());
    }
    if in_authority(before) {
        let harmless = |character: char| {
            character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | '~' | ':' | '/' | '[' | ']' | '%')
        };
        return match value.chars().all(harmless) {
            true => Ok(value.to_owned()),
            false => Err(RenderError::Unsafe {
                name: super::spell::own_name(variable),
            }),
        };
    }
    Ok(match mode {
        Mode::Url => utf8_percent_encode(value, COMPONENT).to_string(),
        Mode::Plain | Mode::NonEmpty | Mode::BaseUrl => value.to_owned(),
    })
}

/// Whether what comes next belongs to the scheme or host of a URL.
fn in_authority(before: &str) -> bool {
    match before.split_once("://") {
        Some((_, rest)) => !rest.contains(['/', '?', '#']),
        None => !before.contains(['/', '?', '#']),
    }
}

fn value_of(variable: &Variable, scope: &Scope<'_>) -> Option<String> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    match variable {
        Variable::Config(name) => lookup(scope.config, name),
        Variable::Credential(name) => lookup(scope.cred, name),
        Variable::Metadata(name) => lookup(scope.metadata, name),
        Variable::Once(name) => lookup(scope.once, name),
        Variable::App(name) => lookup(scope.app, name),
        Variable::Token => owned(scope.token),
        Variable::SignedJwt => owned(scope.signed_jwt),
        Variable::Assertion => owned(scope.assertion).or_else(|| lookup(scope.cred, "assertion")),
        Variable::RefreshToken => owned(scope.refresh_token).or_else(|| lookup(scope.cred, "refresh_token")),
        Variable::SessionCookies => owned(scope.session_cookies).or_else(|| lookup(scope.cred, "_cookies")),
        Variable::Step(number, path) => {
            let reply = scope.steps.get(number.checked_sub(1)?)?;
            path.split('.').try_fold(reply, step).and_then(text)
        }
        Variable::Uuid => (!scope.uuid.is_empty()).then(|| scope.uuid.to_owned()),
        Variable::Now { shift, format } => Some(moment::render(scope.now, *shift, format.as_deref())),
        Variable::Method => scope.request.map(|request| request.method.to_owned()),
        Variable::Host => scope.request.map(|request| request.host.to_owned()),
        Variable::Path => scope.request.map(|request| request.path.to_owned()),
        Variable::Endpoint => Some(
            scope
                .request
                .map(|request| request.endpoint.to_owned())
                .unwrap_or_default(),
        ),
        Variable::SortedParams => scope.request.map(|request| functions::sorted_params(&request)),
        Variable::Body => scope.request.map(|request| match request.method {
            "POST" | "PUT" | "PATCH" => request.body.to_owned(),
            _ => String::new(),
        }),
        Variable::PlatformUserAgent => (!scope.user_agent.is_empty()).then(|| scope.user_agent.to_owned()),
        Variable::Bare(name) => scope.bare(name),
    }
}
