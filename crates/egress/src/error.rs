//! Why an exchange failed, in terms that programs already know.

use std::io;

use crate::BoxError;

/// Why the policy refused a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedReason {
    /// Only `http` and `https` leave this server.
    #[error("the scheme is not http or https")]
    Scheme,
    /// The URL names no host.
    #[error("the URL has no host")]
    NoHost,
    /// The host is on the list of denied hosts.
    #[error("the host is on the deny list")]
    DeniedHost,
    /// The request is limited to some hosts and this is none of them.
    #[error("the host is not on the allow list of this integration")]
    NotAllowed,
    /// The host is, or resolves to, an address that is not publicly routable.
    #[error("the address is not public")]
    Address,
}

/// A failed exchange. The text names hosts at most, never paths, queries or headers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address policy refused the destination.
    #[error("calls to {host} are refused: {reason}")]
    Refused {
        /// The host as it was asked for.
        host: String,
        /// Which rule refused it.
        reason: RefusedReason,
    },
    /// The client only records requests.
    #[error("the request was not sent")]
    NotSent,
    /// The text is not an absolute URL.
    #[error("the URL is not valid")]
    InvalidUrl,
    /// A header name or value cannot be sent.
    #[error("the header {name} cannot be sent")]
    InvalidHeader {
        /// The header's name; its value may be secret.
        name: String,
    },
    /// The name could not be resolved.
    #[error("{host} could not be resolved")]
    Resolve {
        /// The host as it was asked for.
        host: String,
        /// Whether the failure may pass (`EAI_AGAIN`), as opposed to an unknown name (`ENOTFOUND`).
        transient: bool,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// No connection could be made.
    #[error("connecting to {host} failed ({code})")]
    Connect {
        /// The host as it was asked for.
        host: String,
        /// The system's name for the failure, such as `ECONNREFUSED`.
        code: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {host} failed")]
    Tls {
        /// The host as it was asked for.
        host: String,
        /// What the TLS library said.
        #[source]
        source: io::Error,
    },
    /// A time limit passed.
    #[error("{host} did not answer in time while {stage}")]
    Timeout {
        /// The host as it was asked for.
        host: String,
        /// What we were doing: `connecting`, `waiting for the answer`, `reading the answer`, …
        stage: &'static str,
    },
    /// The other side closed the connection before the exchange was complete.
    #[error("{host} closed the connection")]
    Reset {
        /// The host as it was asked for.
        host: String,
        /// What the protocol library said.
        #[source]
        source: BoxError,
    },
    /// More redirects than the request allows.
    #[error("more than {max} redirects")]
    TooManyRedirects {
        /// The limit that was exceeded.
        max: u8,
    },
    /// A redirect asks to send a body again that was streamed and is gone.
    #[error("{host} redirected a request whose body cannot be sent twice")]
    BodyNotReplayable {
        /// The host that redirected.
        host: String,
    },
    /// The answer is longer than the reader allows.
    #[error("the answer is longer than {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is compressed and the compression is damaged.
    #[error("the {encoding} answer could not be decompressed")]
    Decode {
        /// The content encoding.
        encoding: &'static str,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// The body that we were to send failed.
    #[error("the request's body could not be read")]
    RequestBody {
        /// What its producer said.
        #[source]
        source: BoxError,
    },
    /// The answer is not HTTP as we know it.
    #[error("{host} answered with something that is not HTTP")]
    Protocol {
        /// The host as it was asked for.
        host: String,
        /// What the protocol library said.
        #[source]
        source: BoxError,
    },
    /// The answer is not the JSON that the caller expects.
    #[error("the answer is not the expected JSON")]
    Json {
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// This client could not be set up.
    #[error("the HTTP client could not be set up")]
    Setup {
        /// What is wrong.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// The code under which JavaScript HTTP clients report this failure; functions branch on these texts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "ERR_EGRESS_REFUSED",
            Self::NotSent => "ERR_CANCELED",
            Self::InvalidUrl => "ERR_INVALID_URL",
            Self::InvalidHeader { .. } => "ERR_INVALID_CHAR",
            Self::Resolve { transient: true, .. } => "EAI_AGAIN",
            Self::Resolve { .. } => "ENOTFOUND",
            Self::Connect { code, .. } => code,
            Self::Tls { source, .. } => tls_code(source),
            Self::Timeout {
                stage: "connecting", ..
            } => "ETIMEDOUT",
            Self::Timeout { .. } => "ECONNABORTED",
            Self::Reset { .. } => "ECONNRESET",
            Self::TooManyRedirects { .. } => "ERR_FR_TOO_MANY_REDIRECTS",
            Self::BodyNotReplayable { .. } => "ERR_FR_REDIRECTION_FAILURE",
            Self::BodyTooLarge { .. } => "ERR_BAD_RESPONSE",
            Self::Decode { .. } => "Z_DATA_ERROR",
            Self::RequestBody { .. } => "ERR_BAD_REQUEST",
            Self::Protocol { .. } => "HPE_INVALID_CONSTANT",
            Self::Json { .. } => "ERR_BAD_RESPONSE",
            Self::Setup { .. } => "ERR_BAD_OPTION",
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Resolve { transient, .. } => *transient,
            Self::Connect { .. } | Self::Timeout { .. } | Self::Reset { .. } => true,
            Self::Refused { .. }
            | Self::NotSent
            | Self::InvalidUrl
            | Self::InvalidHeader { .. }
            | Self::Tls { .. }
            | Self::TooManyRedirects { .. }
            | Self::BodyNotReplayable { .. }
            | Self::BodyTooLarge { .. }
            | Self::Decode { .. }
            | Self::RequestBody { .. }
            | Self::Protocol { .. }
            | Self::Json { .. }
            | Self::Setup { .. } => false,
        }
    }

    /// The failure of a connection attempt.
    pub(crate) fn connect(host: &str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::TimedOut {
            return Self::Timeout {
                host: host.to_owned(),
                stage: "connecting",
            };
        }
        let code = match source.kind() {
            io::ErrorKind::ConnectionRefused => "ECONNREFUSED",
            io::ErrorKind::ConnectionReset => "ECONNRESET",
            io::ErrorKind::ConnectionAborted => "ECONNABORTED",
            io::ErrorKind::HostUnreachable => "EHOSTUNREACH",
            io::ErrorKind::NetworkUnreachable => "ENETUNREACH",
            io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
            io::ErrorKind::PermissionDenied => "EACCES",
            _ => "ECONNREFUSED",
        };
        Self::Connect {
            host: host.to_owned(),
            code,
            source,
        }
    }

    /// A failure reported by the HTTP library while an exchange was under way.
    pub(crate) fn exchange(host: &str, error: hyper::Error) -> Self {
        if error.is_user() {
            return Self::RequestBody { source: error.into() };
        }
        if error.is_parse() {
            return Self::Protocol {
                host: host.to_owned(),
                source: error.into(),
            };
        }
        Self::Reset {
            host: host.to_owned(),
            source: error.into(),
        }
    }
}

/// The Node name of a certificate problem; `EPROTO` for anything else.
fn tls_code(source: &io::Error) -> &'static str {
    use rustls::CertificateError;
    let Some(rustls::Error::InvalidCertificate(problem)) =
        source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return "EPROTO";
    };
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "CERT_HAS_EXPIRED",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "CERT_NOT_YET_VALID",
        CertificateError::Revoked => "CERT_REVOKED",
        CertificateError::UnknownIssuer => "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "ERR_TLS_CERT_ALTNAME_INVALID"
        }
        _ => "CERT_UNTRUSTED",
    }
}
