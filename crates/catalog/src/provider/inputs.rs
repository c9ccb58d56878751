//! What people type: fields, their rules, and the expressions that check them.

use std::fmt;
use std::sync::OnceLock;

/// Input fields by group.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Values of one connection, typed by the end user, preset by the developer or captured.
    pub connection_config: Vec<Field>,
    /// Secret values of one connection.
    pub credentials: Vec<Field>,
    /// Values that the developer fills once per integration.
    pub integration_config: Vec<Field>,
    /// Values that are used for one call and never stored.
    pub assertion_option: Vec<Field>,
}

impl Inputs {
    /// Every group with its name on the wire.
    #[must_use]
    pub fn groups(&self) -> [(&'static str, &[Field]); 4] {
        [
            ("connection_config", &self.connection_config),
            ("credentials", &self.credentials),
            ("integration_config", &self.integration_config),
            ("assertion_option", &self.assertion_option),
        ]
    }
}

/// One field of a form.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Name in templates and in stored values.
    pub name: String,
    /// Label; empty for fields that nobody sees.
    pub label: String,
    /// Help text.
    pub help: String,
    /// Placeholder shown in the empty input.
    pub example: Option<String>,
    /// Expression that the value must match.
    pub pattern: Option<Pattern>,
    /// Well-known format.
    pub format: Option<Format>,
    /// Closed list of values.
    pub choices: Vec<String>,
    /// Caution per choice.
    pub warnings: Vec<(String, String)>,
    /// Shown before the input, not part of the value.
    pub prefix: Option<String>,
    /// Shown after the input, not part of the value.
    pub suffix: Option<String>,
    /// Position; fields with one come before the credentials.
    pub order: Option<i64>,
    /// May be left empty.
    pub optional: bool,
    /// Pre-filled value; an empty one makes an empty value acceptable.
    pub default: Option<String>,
    /// Kept in the form but not shown.
    pub hidden: bool,
    /// Masked in the form and sealed at rest.
    pub secret: bool,
    /// Filled by the platform, never asked for.
    pub filled_by_platform: bool,
    /// Anchor in the guide.
    pub section: Option<String>,
    /// Only shown, required and checked when another field of the group has a value.
    pub shown_when: Option<ShownWhen>,
}

/// Condition of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownWhen {
    /// Other field of the same group.
    pub field: String,
    /// Its value.
    pub equals: String,
}

/// Well-known formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Letters, digits, dots and dashes.
    Hostname,
    /// Absolute http or https URL.
    Uri,
    /// UUID.
    Uuid,
    /// E-mail address.
    Email,
}

impl Format {
    /// Name in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hostname => "hostname",
            Self::Uri => "uri",
            Self::Uuid => "uuid",
            Self::Email => "email",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hostname, Self::Uri, Self::Uuid, Self::Email]
            .into_iter()
            .find(|format| format.as_str() == name)
    }
}

/// A regular expression in JavaScript spelling. It is compiled on first use: a thousand providers have five hundred
/// expressions, and a server uses a handful.
pub struct Pattern {
    source: String,
    compiled: OnceLock<Option<fancy_regex::Regex>>,
}

impl Pattern {
    /// An expression; whether it compiles is asked by [`Pattern::check`].
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            compiled: OnceLock::new(),
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Compiles the expression.
    ///
    /// # Errors
    /// The reason why it does not compile.
    pub fn check(&self) -> Result<(), String> {
        fancy_regex::Regex::new(&self.source)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Whether the expression is tied to both ends of the value.
    #[must_use]
    pub fn is_anchored(&self) -> bool {
        self.source.starts_with('^') && self.source.ends_with('$')
    }

    /// Whether it matches somewhere in `value`. An expression that does not compile or gives up matches nothing.
    #[must_use]
    pub fn is_match(&self, value: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(value).unwrap_or(false))
    }

    /// Whether it matches the whole of `value`: expressions with neither anchor are tied to both ends.
    #[must_use]
    pub fn is_full_match(&self, value: &str) -> bool {
        if self.source.starts_with('^') || self.source.ends_with('$') {
            return self.is_match(value);
        }
        self.regex()
            .and_then(|regex| regex.find(value).ok().flatten())
            .is_some_and(|found| found.start() == 0 && found.end() == value.len())
    }

    /// The first group of the first match.
    #[must_use]
    pub fn first_group<'v>(&self, value: &'v str) -> Option<&'v str> {
        self.regex()?.captures(value).ok()??.get(1).map(|group| group.as_str())
    }

    fn regex(&self) -> Option<&fancy_regex::Regex> {
        self.compiled
            .get_or_init(|| fancy_regex::Regex::new(&self.source).ok())
            .as_ref()
    }
}

impl Clone for Pattern {
    fn clone(&self) -> Self {
        Self::new(&self.source)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.source)
    }
}
