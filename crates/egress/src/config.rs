//! How a client is set up.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use crate::policy::Policy;
use crate::resolve::{Resolve, SystemResolver};

/// Limits of a client, each with the reason for its default.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Resolving, connecting and the TLS handshake together. 30 s: what operating systems are used to.
    pub connect: Duration,
    /// From the end of the request to the answer's headers. 5 min: some report APIs think for minutes.
    pub answer: Duration,
    /// Between two pieces of an answer. 2 min: longer than the keep-alive comments of event streams.
    pub silence: Duration,
    /// How long an unused connection is kept. 30 s: most servers close theirs later.
    pub idle: Duration,
    /// Exchanges at once with one origin. 256: more would look like an attack to the vendor.
    pub per_origin: usize,
    /// Exchanges at once with all. 4,096: each costs a socket.
    pub in_flight: usize,
    /// Size of an answer's headers in bytes. 64 KiB: generous beside the 8 to 16 KiB of common servers.
    pub header_bytes: usize,
    /// How long a name's addresses are kept. 30 s: short enough for fail-over by DNS.
    pub names_for: Duration,
    /// How many names are kept.
    pub names_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            answer: Duration::from_secs(300),
            silence: Duration::from_secs(120),
            idle: Duration::from_secs(30),
            per_origin: 256,
            in_flight: 4096,
            header_bytes: 64 * 1024,
            names_for: Duration::from_secs(30),
            names_max: 1000,
        }
    }
}

/// How to set up a client.
#[derive(Debug)]
pub struct EgressConfig {
    /// Which destinations are allowed.
    pub policy: Policy,
    /// Time and size limits.
    pub limits: Limits,
    /// Where addresses come from.
    pub resolver: Arc<dyn Resolve>,
    /// Certificate authorities to trust beside the compiled-in ones (DER).
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Sent when a request has no `User-Agent`.
    pub user_agent: String,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            limits: Limits::default(),
            resolver: Arc::new(SystemResolver),
            extra_roots: Vec::new(),
            user_agent: concat!("tenon/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}
