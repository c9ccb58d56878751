//! Listening and serving, with the one ability that ordinary servers lack: resetting a connection on purpose.
//!
//! A handler finds a [`ResetSwitch`] among the request's extensions. Once it is thrown, closing the socket sends RST
//! (zero linger) and not FIN, so that clients meet a real `ECONNRESET` in the middle of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Throws the connection of a request away as soon as the answer ends.
#[derive(Debug, Clone, Default)]
pub struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// From now on closing this connection means RST.
    pub fn throw(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_thrown(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Binds the listening socket.
pub async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), crate::Error> {
    let failed = |source| crate::Error::Listen {
        address: address.to_string(),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves `router` on every connection until `stop` is cancelled; open connections are then closed.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, usually: give the others time to close theirs.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = serve_connection(stream, router) => {}
            }
        });
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    // A simulator on loopback should add no delay of its own; without this the platform's default remains.
    let _ = stream.set_nodelay(true);
    let switch = ResetSwitch::default();
    let io = TokioIo::new(Resettable {
        stream,
        switch: switch.clone(),
    });
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, switch) = (router.clone(), switch.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(switch);
            router.oneshot(request).await
        }
    });
    // Errors here are the client going away or the faults we asked for.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(io, service)
        .await;
}

struct Resettable {
    stream: TcpStream,
    switch: ResetSwitch,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.switch.is_thrown() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.switch.is_thrown() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
