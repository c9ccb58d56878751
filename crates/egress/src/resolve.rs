//! Names to addresses.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::error::Error;

/// Turns host names into addresses. The system's resolver unless a test says otherwise.
#[async_trait]
pub trait Resolve: Send + Sync + std::fmt::Debug {
    /// All addresses of a name, best first.
    ///
    /// # Errors
    /// What the system says; kind [`io::ErrorKind::NotFound`] for a name that does not exist.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.map(|socket| socket.ip()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no address"));
        }
        Ok(addresses)
    }
}

/// A resolver's answers, kept for a short while.
pub(crate) struct Cache {
    resolver: Arc<dyn Resolve>,
    keep: Duration,
    names_max: usize,
    names: Mutex<HashMap<String, Known>>,
}

struct Known {
    addresses: Arc<[IpAddr]>,
    until: Instant,
}

impl Cache {
    pub(crate) fn new(resolver: Arc<dyn Resolve>, keep: Duration, names_max: usize) -> Self {
        Self {
            resolver,
            keep,
            names_max,
            names: Mutex::new(HashMap::new()),
        }
    }

    /// The addresses of a name, asked for at most once per `keep`.
    #[tenon_model::boxed]
    pub(crate) async fn addresses(&self, host: &str) -> Result<Arc<[IpAddr]>, Error> {
        let now = Instant::now();
        if let Some(known) = self.lock().get(host).filter(|known| known.until > now) {
            return Ok(Arc::clone(&known.addresses));
        }
        let found = self
            .resolver
            .resolve(host)
            .await
            .map_err(|source| failure(host, source))?;
        let addresses: Arc<[IpAddr]> = found.into();
        let mut names = self.lock();
        if names.len() >= self.names_max {
            names.retain(|_, known| known.until > now);
        }
        if names.len() < self.names_max {
            let known = Known {
                addresses: Arc::clone(&addresses),
                until: now + self.keep,
            };
            names.insert(host.to_owned(), known);
        }
        Ok(addresses)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells an unknown name from a resolver that does not answer. The standard library gives neither a kind nor a code
/// for `getaddrinfo`, only its text.
fn failure(host: &str, source: io::Error) -> Error {
    let text = source.to_string();
    let transient = source.kind() != io::ErrorKind::NotFound
        && (source.kind() == io::ErrorKind::TimedOut
            || text.contains("Temporary failure")
            || text.contains("try again"));
    Error::Resolve {
        host: host.to_owned(),
        transient,
        source,
    }
}
