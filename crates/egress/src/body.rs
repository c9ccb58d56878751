//! Bodies in both directions.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::decode::Decoded;
use crate::error::Error;
use crate::pool::Lease;

/// Any error; used where the cause is somebody else's type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a request sends.
#[derive(Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes that are here; can be sent again on a redirect or a retry.
    Bytes(Bytes),
    /// A stream, sent as it comes; can be sent once.
    Stream(Stream),
}

/// A body that is produced while it is sent.
///
/// Only its owner ever uses it; the lock is never contended and makes requests shareable between threads.
pub struct Stream(Mutex<UnsyncBoxBody<Bytes, BoxError>>);

impl Stream {
    fn new(body: UnsyncBoxBody<Bytes, BoxError>) -> Self {
        Self(Mutex::new(body))
    }

    fn body(&mut self) -> &mut UnsyncBoxBody<Bytes, BoxError> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, at: impl FnOnce(&UnsyncBoxBody<Bytes, BoxError>) -> T) -> T {
        at(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Body {
    /// A body that is produced while it is sent.
    pub fn stream<S, E>(chunks: S) -> Self
    where
        S: futures_util::Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        use futures_util::TryStreamExt;
        let body = StreamBody::new(chunks.map_ok(Frame::data).map_err(Into::into));
        Self::Stream(Stream::new(UnsyncBoxBody::new(body)))
    }

    /// A body of another HTTP library.
    pub fn from_http<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Stream(Stream::new(UnsyncBoxBody::new(body.map_err(Into::into))))
    }

    /// A second copy, if the body can be sent twice.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Stream(_) => None,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Stream(stream) => Pin::new(stream.body()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.look(HttpBody::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) => stream.look(HttpBody::size_hint),
        }
    }
}

/// The body of an answer as it comes from the wire: gives its connection back when it ends, and fails when the
/// other side stays silent for too long.
pub(crate) struct RawBody {
    incoming: Incoming,
    lease: Option<Lease>,
    idle_limit: Duration,
    silence: Option<Pin<Box<Sleep>>>,
}

impl RawBody {
    pub(crate) fn new(incoming: Incoming, lease: Lease, idle_limit: Duration) -> Self {
        let mut body = Self {
            incoming,
            lease: Some(lease),
            idle_limit,
            silence: None,
        };
        body.release_at_end();
        body
    }

    /// Gives the connection back once nothing more will come.
    fn release_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.release();
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.idle_limit;
        let sleep = self
            .silence
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        sleep.as_mut().poll(cx)
    }
}

impl HttpBody for RawBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let host = |body: &Self| {
            body.lease
                .as_ref()
                .map(|lease| lease.host().to_owned())
                .unwrap_or_default()
        };
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.silence = None;
                self.release_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let error = Error::exchange(&host(&self), error);
                self.lease = None;
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                if let Some(lease) = self.lease.take() {
                    lease.release();
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.poll_silence(cx));
                let error = Error::Timeout {
                    host: host(&self),
                    stage: "reading the answer",
                };
                self.lease = None;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The body of an answer, decompressed if that was asked for. Usable as a body of any `http-body` server.
pub struct ResponseBody {
    inner: Inner,
    /// Dropped with the body: whatever must last as long as the exchange does.
    companion: Option<Box<dyn Any + Send>>,
}

enum Inner {
    Empty,
    /// Pieces that were read already, and what follows them.
    Read(VecDeque<Bytes>, Option<Box<ResponseBody>>),
    Raw(RawBody),
    Decoded(Box<Decoded>),
}

impl ResponseBody {
    /// A body that ends at once.
    pub fn empty() -> Self {
        Self::of(Inner::Empty)
    }

    /// A body that is here already.
    pub fn full(bytes: Bytes) -> Self {
        Self::read(VecDeque::from([bytes]), None)
    }

    /// Pieces that were read already, and what follows them.
    pub(crate) fn read(mut pieces: VecDeque<Bytes>, rest: Option<Self>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        Self::of(Inner::Read(pieces, rest.map(Box::new)))
    }

    pub(crate) fn raw(body: RawBody) -> Self {
        Self::of(if body.is_end_stream() {
            Inner::Empty
        } else {
            Inner::Raw(body)
        })
    }

    pub(crate) fn decoded(body: Decoded) -> Self {
        Self::of(Inner::Decoded(Box::new(body)))
    }

    /// Keeps `companion` until the body is dropped.
    pub fn keep(&mut self, companion: impl Any + Send) {
        self.companion = Some(match self.companion.take() {
            Some(other) => Box::new((other, companion)),
            None => Box::new(companion),
        });
    }

    fn of(inner: Inner) -> Self {
        Self { inner, companion: None }
    }
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseBody")
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.inner {
            Inner::Empty => Poll::Ready(None),
            Inner::Read(pieces, rest) => match (pieces.pop_front(), rest) {
                (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                (None, Some(rest)) => Pin::new(rest).poll_frame(cx),
                (None, None) => Poll::Ready(None),
            },
            Inner::Raw(body) => Pin::new(body).poll_frame(cx),
            Inner::Decoded(body) => body.poll_chunk(cx).map(|chunk| chunk.map(|c| c.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Empty => true,
            Inner::Read(pieces, rest) => pieces.is_empty() && rest.as_ref().is_none_or(|rest| rest.is_end_stream()),
            Inner::Raw(body) => body.is_end_stream(),
            Inner::Decoded(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Read(pieces, rest) => {
                let here = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
                let rest = rest
                    .as_ref()
                    .map_or_else(|| SizeHint::with_exact(0), |rest| rest.size_hint());
                let mut hint = SizeHint::new();
                hint.set_lower(here + rest.lower());
                if let Some(upper) = rest.upper() {
                    hint.set_upper(here + upper);
                }
                hint
            }
            Inner::Raw(body) => body.size_hint(),
            Inner::Decoded(_) => SizeHint::default(),
        }
    }
}
