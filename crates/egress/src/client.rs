//! The client: one exchange from request to answer, redirects included.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::header::{CONNECTION, TE, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tenon_model::Clock;
use url::{Position, Url};

use crate::body::{Body, RawBody, ResponseBody};
use crate::config::{EgressConfig, Limits};
use crate::connect::Connector;
use crate::decode::{self, Decoded, Encoding};
use crate::error::Error;
use crate::policy::{self, Policy};
use crate::pool::{Lease, Origin, Permit, Pool};
use crate::record::Recorder;
use crate::redirect::{self, Redirects};
use crate::request::Request;
use crate::resolve::Cache;
use crate::response::Response;
use crate::tls;

/// The client; cheap to clone, connections are shared between clones.
#[derive(Clone)]
pub struct Egress {
    connector: Arc<Connector>,
    shared: Arc<Shared>,
    trust: Arc<Trust>,
    recorder: Option<Recorder>,
}

/// What servers' certificates are judged by.
struct Trust {
    clock: Arc<dyn Clock>,
    extra_roots: Vec<rustls::pki_types::CertificateDer<'static>>,
}

/// What belongs to one policy: connections opened under a lenient one must not serve a strict one.
struct Shared {
    policy: Policy,
    pool: Pool,
    limits: Limits,
    user_agent: HeaderValue,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress")
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

impl Egress {
    /// A client with default limits; `clock` decides whether certificates are valid.
    ///
    /// # Errors
    /// [`Error::Setup`] when TLS cannot be set up.
    pub fn new(policy: Policy, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::with_config(
            EgressConfig {
                policy,
                ..EgressConfig::default()
            },
            clock,
        )
    }

    /// A client with everything set.
    ///
    /// # Errors
    /// [`Error::Setup`] when a root certificate or the user agent is not valid.
    pub fn with_config(config: EgressConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let EgressConfig {
            policy,
            limits,
            resolver,
            extra_roots,
            user_agent,
        } = config;
        let connector = Connector {
            names: Arc::new(Cache::new(resolver, limits.names_for, limits.names_max)),
            tls: Arc::new(tls::config(Arc::clone(&clock), &extra_roots, None)?),
            limit: limits.connect,
            header_bytes_max: limits.header_bytes.max(8192),
        };
        let user_agent = HeaderValue::try_from(user_agent).map_err(|e| Error::Setup { source: e.into() })?;
        let pool = Pool::new(limits.in_flight, limits.per_origin);
        let shared = Shared {
            policy,
            pool,
            limits,
            user_agent,
        };
        Ok(Self {
            connector: Arc::new(connector),
            shared: Arc::new(shared),
            trust: Arc::new(Trust { clock, extra_roots }),
            recorder: None,
        })
    }

    /// A client that sends nothing: every call fails, and the recorder has what would have been sent.
    #[must_use]
    pub fn recording(&self) -> (Self, Recorder) {
        let recorder = Recorder::default();
        let client = Self {
            recorder: Some(recorder.clone()),
            ..self.clone()
        };
        (client, recorder)
    }

    /// Whether this client only records.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.recorder.is_some()
    }

    /// A client that shows a certificate of its own (mutual TLS): PEM texts of the certificate, with its chain, and of
    /// its private key. Servers are checked as ever. Shares names, but no connection, with this one.
    ///
    /// # Errors
    /// [`Error::Setup`] when certificate or key are not PEM, or do not belong together.
    pub fn with_identity(&self, certificate: &str, private_key: &str) -> Result<Self, Error> {
        let identity = tls::identity(certificate, private_key)?;
        let Trust { clock, extra_roots } = &*self.trust;
        let connector = Connector {
            names: Arc::clone(&self.connector.names),
            tls: Arc::new(tls::config(Arc::clone(clock), extra_roots, Some(identity))?),
            limit: self.connector.limit,
            header_bytes_max: self.connector.header_bytes_max,
        };
        Ok(Self {
            connector: Arc::new(connector),
            ..self.with_policy(self.shared.policy.clone())
        })
    }

    /// A client with another policy that shares names and TLS sessions, but no connection, with this one.
    pub fn with_policy(&self, policy: Policy) -> Self {
        let limits = self.shared.limits.clone();
        let pool = Pool::new(limits.in_flight, limits.per_origin);
        let shared = Shared {
            policy,
            pool,
            limits,
            user_agent: self.shared.user_agent.clone(),
        };
        Self {
            connector: Arc::clone(&self.connector),
            shared: Arc::new(shared),
            trust: Arc::clone(&self.trust),
            recorder: self.recorder.clone(),
        }
    }

    /// The rules this client keeps.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Closes connections that nobody used for a while. Called now and then by whoever keeps house; without it they
    /// are closed when their origin is used next, or by the other side.
    pub fn sweep(&self) {
        self.shared.pool.sweep(self.shared.limits.idle);
    }

    /// One exchange. The answer is returned whatever its status; its body is still to be read.
    ///
    /// # Errors
    /// See [`Error`]: refused by the policy, not reachable, too slow, too many redirects.
    #[tenon_model::boxed]
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        if let Some(recorder) = &self.recorder {
            recorder.keep(request);
            return Err(Error::NotSent);
        }
        let Some(limit) = request.timeout else {
            return self.follow(request).await;
        };
        let host = request.url.host_str().unwrap_or_default().to_owned();
        match tokio::time::timeout(limit, self.follow(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout {
                host,
                stage: "waiting for the answer",
            }),
        }
    }

    async fn follow(&self, request: Request) -> Result<Response, Error> {
        let Request {
            method,
            url,
            headers,
            body,
            redirects,
            decompress,
            allowed_hosts,
            ..
        } = request;
        let mut hop = Hop {
            method,
            url,
            headers,
            body,
        };
        self.complete(&mut hop.headers, decompress);
        let mut count = 0;
        loop {
            forget_userinfo(&mut hop.url);
            if let Some(hosts) = &allowed_hosts {
                policy::check_allowed(hosts, &hop.url)?;
            }
            let (answer, body) = self.exchange(&mut hop).await?;
            let (max, secret, forward) = match &redirects {
                Redirects::Follow {
                    max,
                    secret_headers,
                    forward_headers,
                } => (*max, secret_headers, *forward_headers),
                Redirects::Return => return Ok(respond(hop, answer, body, count, decompress)),
            };
            let Some(target) = redirect::target(answer.status, &answer.headers, &hop.url) else {
                return Ok(respond(hop, answer, body, count, decompress));
            };
            if count >= max {
                return Err(Error::TooManyRedirects { max });
            }
            count += 1;
            drain(body).await;
            redirect::rewrite(answer.status, &mut hop.method, &mut hop.body, &mut hop.headers);
            if matches!(hop.body, Body::Stream(_)) {
                let host = hop.url.host_str().unwrap_or_default().to_owned();
                return Err(Error::BodyNotReplayable { host });
            }
            if !forward && !redirect::keeps_credentials(&hop.url, &target) {
                redirect::strip(&mut hop.headers, secret);
            }
            hop.url = target;
        }
    }

    /// Sets what every request has and removes what belongs to one connection.
    fn complete(&self, headers: &mut HeaderMap, decompress: bool) {
        static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
        for name in [
            &HOST,
            &CONTENT_LENGTH,
            &TRANSFER_ENCODING,
            &CONNECTION,
            &TE,
            &TRAILER,
            &UPGRADE,
            &KEEP_ALIVE,
        ] {
            headers.remove(name);
        }
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| self.shared.user_agent.clone());
        if decompress {
            headers
                .entry(ACCEPT_ENCODING)
                .or_insert(HeaderValue::from_static(decode::ACCEPTED));
        }
    }

    /// One request and its answer, without redirects. A connection that turns out to be closed is replaced by a new
    /// one when that cannot make the other side act twice.
    async fn exchange(&self, hop: &mut Hop) -> Result<(Answer, RawBody), Error> {
        let Shared {
            policy, pool, limits, ..
        } = &*self.shared;
        let origin = pool.origin(&hop.url, policy)?;
        let mut permit = pool.permit(&origin, limits.connect).await?;
        let repeatable = is_repeatable(&hop.method) && !matches!(hop.body, Body::Stream(_));
        let mut reusable = origin.take(limits.idle, repeatable).await;
        loop {
            let reused = reusable.is_some();
            let sender = match reusable.take() {
                Some(sender) => sender,
                None => self.connector.open(&origin, policy).await?,
            };
            let request = hop.next_request(&origin)?;
            match attempt(&origin, sender, permit, request, limits).await {
                Ok(answer) => return Ok(answer),
                Err(Failed {
                    error,
                    permit: returned,
                    unsent,
                }) => {
                    let again = reused && matches!(error, Error::Reset { .. });
                    match unsent {
                        Some(body) if again => hop.body = body,
                        None if again && repeatable => {}
                        Some(_) | None => return Err(error),
                    }
                    permit = returned;
                }
            }
        }
    }
}

/// The request as it stands at one hop.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Body,
}

impl Hop {
    /// The request for the wire. A streamed body moves into it, any other stays here too.
    fn next_request(&mut self, origin: &Origin) -> Result<http::Request<Body>, Error> {
        let body = self
            .body
            .try_clone()
            .unwrap_or_else(|| std::mem::replace(&mut self.body, spent()));
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::try_from(target).map_err(|_| Error::InvalidUrl)?;
        let headers = request.headers_mut();
        headers.reserve(self.headers.len() + 2);
        headers.insert(HOST, origin.host_header.clone());
        headers.extend(self.headers.clone());
        let announces_body = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        if announces_body && matches!(&self.body, Body::Empty) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }
}

/// What remains of a streamed body after it was sent: still a stream, so that it is not taken for "no body".
fn spent() -> Body {
    Body::stream(futures_util::stream::empty::<Result<bytes::Bytes, std::io::Error>>())
}

/// Status and headers of an answer.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

/// A failed attempt, with what is needed for another one.
struct Failed {
    error: Error,
    permit: Permit,
    /// The body, if nothing of the request was sent.
    unsent: Option<Body>,
}

async fn attempt(
    origin: &Arc<Origin>,
    mut sender: SendRequest<Body>,
    permit: Permit,
    request: http::Request<Body>,
    limits: &Limits,
) -> Result<(Answer, RawBody), Failed> {
    let outcome = tokio::time::timeout(limits.answer, sender.try_send_request(request)).await;
    let response: http::Response<Incoming> = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(mut failure)) => {
            let unsent = failure.take_message().map(http::Request::into_body);
            return Err(Failed {
                error: Error::exchange(&origin.host, failure.into_error()),
                permit,
                unsent,
            });
        }
        Err(_) => {
            let error = Error::Timeout {
                host: origin.host.clone(),
                stage: "waiting for the answer",
            };
            return Err(Failed {
                error,
                permit,
                unsent: None,
            });
        }
    };
    let (head, incoming) = response.into_parts();
    let lease = Lease {
        origin: Arc::clone(origin),
        sender,
        permit,
    };
    Ok((
        Answer {
            status: head.status,
            headers: head.headers,
        },
        RawBody::new(incoming, lease, limits.silence),
    ))
}

fn respond(hop: Hop, answer: Answer, body: RawBody, redirects: u8, decompress: bool) -> Response {
    let Answer { status, mut headers } = answer;
    let bodiless = hop.method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let encoding = if decompress && !bodiless {
        Encoding::of(&headers)
    } else {
        None
    };
    let body = match encoding {
        Some(encoding) => {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
            ResponseBody::decoded(Decoded::new(body, encoding))
        }
        None => ResponseBody::raw(body),
    };
    Response {
        status,
        headers,
        url: hop.url,
        redirects,
        decoded: encoding.is_some(),
        body,
    }
}

/// Reads the rest of a redirect's body, so that its connection can be used again, unless that takes long.
async fn drain(body: RawBody) {
    use http_body_util::{BodyExt, Limited};
    let small = Limited::new(body, 64 * 1024);
    let _ = tokio::time::timeout(Duration::from_millis(500), small.collect()).await;
}

/// Whether sending a request twice does no more than sending it once.
fn is_repeatable(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
    )
}

/// A user name and password inside a URL are not sent, and must not become part of an origin's name.
fn forget_userinfo(url: &mut Url) {
    if !url.username().is_empty() || url.password().is_some() {
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
}
