//! Opening connections: resolve, judge every address, connect to a judged one, wrap in TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::body::Body;
use crate::error::Error;
use crate::policy::{Policy, Verdict};
use crate::pool::Origin;
use crate::resolve::Cache;

/// How long one address may take before the next one is tried beside it.
const STAGGER: Duration = Duration::from_millis(250);

/// Everything that opening a connection needs; shared by clients with different policies.
pub(crate) struct Connector {
    pub(crate) names: Arc<Cache>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) limit: Duration,
    pub(crate) header_bytes_max: usize,
}

impl Connector {
    /// A new connection, ready for its first request.
    #[tenon_model::boxed]
    pub(crate) async fn open(&self, origin: &Origin, policy: &Policy) -> Result<http1::SendRequest<Body>, Error> {
        let open = async {
            let addresses = self.judged_addresses(origin, policy).await?;
            let tcp = connect_any(&addresses, origin.port)
                .await
                .map_err(|e| Error::connect(&origin.host, e))?;
            let _ = tcp.set_nodelay(true);
            if origin.tls {
                self.encrypt(origin, tcp).await
            } else {
                Ok(Stream::Plain(tcp))
            }
        };
        let stream = tokio::time::timeout(self.limit, open)
            .await
            .map_err(|_| Error::Timeout {
                host: origin.host.clone(),
                stage: "connecting",
            })??;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(self.header_bytes_max)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Error::exchange(&origin.host, error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "an outgoing connection ended");
            }
        });
        sender
            .ready()
            .await
            .map_err(|error| Error::exchange(&origin.host, error))?;
        Ok(sender)
    }

    /// The addresses of an origin. One address that is refused refuses them all: a name that points to the inside
    /// as well as to the outside is either a mistake or an attack.
    async fn judged_addresses(&self, origin: &Origin, policy: &Policy) -> Result<Arc<[IpAddr]>, Error> {
        let addresses = match origin.host.parse::<IpAddr>() {
            Ok(literal) => Arc::from([literal]),
            Err(_) => self.names.addresses(&origin.host).await?,
        };
        if origin.verdict == Verdict::JudgeAddresses {
            for address in addresses.iter() {
                policy.check_address(&origin.host, *address)?;
            }
        }
        Ok(addresses)
    }

    async fn encrypt(&self, origin: &Origin, tcp: TcpStream) -> Result<Stream, Error> {
        let name = ServerName::try_from(origin.host.clone()).map_err(|_| Error::InvalidUrl)?;
        match TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(source) if source.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => Err(Error::Tls {
                host: origin.host.clone(),
                source,
            }),
            Err(source) => Err(Error::Reset {
                host: origin.host.clone(),
                source: source.into(),
            }),
        }
    }
}

/// Connects to the first address that answers, giving each a head start over the next.
async fn connect_any(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "no address");
    loop {
        if let Some(address) = waiting.next() {
            attempts.push(TcpStream::connect(SocketAddr::new(*address, port)));
        }
        let more = !waiting.as_slice().is_empty();
        tokio::select! {
            outcome = attempts.next() => match outcome {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failure = error,
                None => return Err(failure),
            },
            () = tokio::time::sleep(STAGGER), if more => {}
        }
    }
}

/// A connection, encrypted or not.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
