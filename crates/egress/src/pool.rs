//! Connections kept for the next request.
//!
//! One [`Origin`] per scheme, host and port holds the idle connections, newest first, and counts the exchanges in
//! flight. A connection goes back the moment its answer's last byte is read; whether it is really usable is decided
//! when it is taken out again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use hyper::client::conn::http1::SendRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::{Position, Url};

use crate::body::Body;
use crate::error::Error;
use crate::policy::{Policy, Verdict};

/// How long a connection may take to become ready after its answer ended before it is given up.
const SETTLE: Duration = Duration::from_millis(20);
/// Idle time after which a connection no longer carries a request that must not be sent twice: the other side may be
/// about to close it. Many servers close after five seconds.
const FRESH: Duration = Duration::from_secs(3);
/// Origins remembered before unused ones are dropped.
const ORIGINS_MAX: usize = 4096;

/// A place that requests go to, already judged by the policy as far as its name goes.
pub(crate) struct Origin {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) verdict: Verdict,
    pub(crate) host_header: HeaderValue,
    in_flight: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    sender: SendRequest<Body>,
    since: Instant,
}

impl Origin {
    fn new(url: &Url, verdict: Verdict, in_flight_max: usize) -> Result<Self, Error> {
        let host = url.host_str().unwrap_or_default();
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            tls: url.scheme() == "https",
            verdict,
            host_header: HeaderValue::try_from(authority).map_err(|_| Error::InvalidUrl)?,
            in_flight: Arc::new(Semaphore::new(in_flight_max)),
            idle: Mutex::new(Vec::new()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection that can take a request now, if there is one.
    #[tenon_model::boxed]
    pub(crate) async fn take(&self, keep: Duration, repeatable: bool) -> Option<SendRequest<Body>> {
        let limit = if repeatable { keep } else { keep.min(FRESH) };
        loop {
            let Idle { mut sender, since } = self.lock().pop()?;
            if since.elapsed() > limit || sender.is_closed() {
                continue;
            }
            if sender.is_ready() || matches!(tokio::time::timeout(SETTLE, sender.ready()).await, Ok(Ok(()))) {
                return Some(sender);
            }
        }
    }

    fn put(&self, sender: SendRequest<Body>) {
        if !sender.is_closed() {
            self.lock().push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }

    fn drop_idle(&self, older_than: Duration) -> bool {
        let mut idle = self.lock();
        idle.retain(|one| one.since.elapsed() < older_than && !one.sender.is_closed());
        idle.is_empty()
    }
}

/// The right to one exchange: counted by origin and over all.
pub(crate) struct Permit {
    _origin: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// A connection in use by one exchange.
pub(crate) struct Lease {
    pub(crate) origin: Arc<Origin>,
    pub(crate) sender: SendRequest<Body>,
    pub(crate) permit: Permit,
}

impl Lease {
    /// Puts the connection back; dropping a lease instead closes it.
    pub(crate) fn release(self) {
        let Self { origin, sender, permit } = self;
        origin.put(sender);
        drop(permit);
    }

    pub(crate) fn host(&self) -> &str {
        &self.origin.host
    }
}

/// All origins of one client.
pub(crate) struct Pool {
    origins: Mutex<HashMap<Box<str>, Arc<Origin>>>,
    all: Arc<Semaphore>,
    per_origin: usize,
}

impl Pool {
    pub(crate) fn new(in_flight: usize, per_origin: usize) -> Self {
        Self {
            origins: Mutex::new(HashMap::new()),
            all: Arc::new(Semaphore::new(in_flight)),
            per_origin,
        }
    }

    /// The origin of a URL, judged by the policy when it is seen first.
    pub(crate) fn origin(&self, url: &Url, policy: &Policy) -> Result<Arc<Origin>, Error> {
        let key = &url[..Position::BeforePath];
        if let Some(origin) = self.lock().get(key) {
            return Ok(Arc::clone(origin));
        }
        let verdict = policy.judge(url)?;
        let origin = Arc::new(Origin::new(url, verdict, self.per_origin)?);
        let mut origins = self.lock();
        if origins.len() >= ORIGINS_MAX {
            origins.retain(|_, origin| Arc::strong_count(origin) > 1);
        }
        Ok(Arc::clone(origins.entry(key.into()).or_insert(origin)))
    }

    /// Waits for the right to one exchange, first come, first served.
    #[tenon_model::boxed]
    pub(crate) async fn permit(&self, origin: &Origin, limit: Duration) -> Result<Permit, Error> {
        let both = async {
            let of_origin = Arc::clone(&origin.in_flight).acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Permit {
                _origin: of_origin,
                _all: of_all,
            })
        };
        match tokio::time::timeout(limit, both).await {
            Ok(Some(permit)) => Ok(permit),
            Ok(None) | Err(_) => Err(Error::Timeout {
                host: origin.host.clone(),
                stage: "waiting for a free connection",
            }),
        }
    }

    /// Closes connections that have been idle for too long and forgets origins without any.
    pub(crate) fn sweep(&self, keep: Duration) {
        self.lock()
            .retain(|_, origin| !origin.drop_idle(keep) || Arc::strong_count(origin) > 1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Origin>>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
