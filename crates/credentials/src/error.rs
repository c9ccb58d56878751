//! Why credentials could not be obtained, and what that means for the connection.

use crate::vault;

/// What a failure means for later attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The provider no longer accepts what we hold: only the end user can help, by authorising again.
    InvalidGrant,
    /// Nothing is known to be wrong: an outage, a timeout, a rate limit. Trying again later may help.
    Transient,
    /// The developer must change something: client secret, scopes, a connection value.
    Misconfigured,
}

impl Failure {
    /// Name for logs and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::Transient => "transient",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// A refusal by the provider, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Error code, when the reply holds one (`invalid_grant`).
    pub code: Option<String>,
    /// Explanation, cut to 500 characters.
    pub description: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, ", {code}")?;
        }
        match &self.description {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

/// A failed attempt to obtain, refresh or apply credentials. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The vault refused.
    #[error("a stored value cannot be opened")]
    Vault(#[from] vault::Error),
    /// A value that a template or a protocol needs is not there.
    #[error("{what} is missing")]
    Missing {
        /// Name of the value, such as `config.subdomain` or `client_id`.
        what: String,
    },
    /// A URL built from the catalogue and the connection's values is not usable.
    #[error("the {what} URL is not valid with the values of this connection")]
    InvalidUrl {
        /// Which URL.
        what: &'static str,
    },
    /// A key cannot be used for signing.
    #[error("the {what} is not a usable key")]
    Key {
        /// Which key.
        what: &'static str,
    },
    /// A template could not be rendered although every value is there.
    #[error("a template cannot be rendered: {reason}")]
    Template {
        /// Why, without values.
        reason: String,
    },
    /// The provider needs something that this version does not do.
    #[error("{what} is not supported")]
    Unsupported {
        /// What is needed.
        what: &'static str,
    },
    /// The provider could not be asked.
    #[error("the {what} endpoint could not be reached")]
    Unreachable {
        /// Which endpoint.
        what: &'static str,
        /// Why.
        #[source]
        source: tenon_egress::Error,
    },
    /// The provider refused.
    #[error("the {what} endpoint refused: {refusal}")]
    Refused {
        /// Which endpoint.
        what: &'static str,
        /// In its own words.
        refusal: Refusal,
        /// What it means.
        failure: Failure,
    },
    /// The reply is a success but holds no token.
    #[error("the {what} endpoint answered {status} without a token")]
    NoToken {
        /// Which endpoint.
        what: &'static str,
        /// HTTP status.
        status: u16,
    },
}

impl Error {
    /// What the failure means for later attempts.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Refused { failure, .. } => *failure,
            Self::Unreachable { source, .. } => match source {
                tenon_egress::Error::Refused { .. }
                | tenon_egress::Error::InvalidUrl
                | tenon_egress::Error::InvalidHeader { .. } => Failure::Misconfigured,
                _ => Failure::Transient,
            },
            Self::NoToken { .. } => Failure::Transient,
            Self::Vault(_)
            | Self::Missing { .. }
            | Self::InvalidUrl { .. }
            | Self::Key { .. }
            | Self::Template { .. }
            | Self::Unsupported { .. } => Failure::Misconfigured,
        }
    }

    /// The provider's status, when it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.status),
            Self::NoToken { status, .. } => Some(*status),
            Self::Vault(_)
            | Self::Missing { .. }
            | Self::InvalidUrl { .. }
            | Self::Key { .. }
            | Self::Template { .. }
            | Self::Unsupported { .. }
            | Self::Unreachable { .. } => None,
        }
    }
}
