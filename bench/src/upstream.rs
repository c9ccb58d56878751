//! A fake API inside this process: small JSON, and pages of records.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Records per page.
const PAGE: usize = 100;

/// The running fake API.
#[derive(Debug)]
pub struct Upstream {
    /// Host and port.
    pub authority: String,
    total: Arc<AtomicUsize>,
}

fn small_json() -> Bytes {
    let filler = "x".repeat(340);
    Bytes::from(format!(
        "{{\"id\":1,\"name\":\"Acme\",\"active\":true,\"filler\":\"{filler}\"}}"
    ))
}

/// A record of 523 bytes.
fn record(id: usize) -> String {
    let head =
        format!("{{\"id\":\"{id:08}\",\"email\":\"user{id:08}@example.com\",\"name\":\"Person {id:08}\",\"note\":\"");
    let seed = format!("{:016x}", (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut text = head;
    while text.len() < 521 {
        let left = 521 - text.len();
        text.push_str(&seed[..seed.len().min(left)]);
    }
    text.push_str("\"}");
    text
}

fn page(after: usize, total: usize) -> Bytes {
    let end = (after + PAGE).min(total);
    let mut text = String::with_capacity(PAGE * 530);
    text.push_str("{\"results\":[");
    for id in after..end {
        if id > after {
            text.push(',');
        }
        text.push_str(&record(id));
    }
    text.push_str("],\"next\":");
    if end < total {
        let _ = write!(text, "\"{end}\"");
    } else {
        text.push_str("null");
    }
    text.push('}');
    Bytes::from(text)
}

impl Upstream {
    /// Starts on a free loopback port, on a thread of its own.
    pub async fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let authority = listener.local_addr()?.to_string();
        let total = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&total);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(serve(listener, shared));
            }
        });
        Ok(Self { authority, total })
    }

    /// Sets how many records there are.
    pub fn set_total(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
    }
}

async fn serve(listener: std::net::TcpListener, total: Arc<AtomicUsize>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let small = small_json();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (total, small) = (Arc::clone(&total), small.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let body = match request.uri().path() {
                    "/page" => {
                        let query = request.uri().query().unwrap_or_default();
                        let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
                        page(
                            after.and_then(|text| text.parse().ok()).unwrap_or(0),
                            total.load(Ordering::Relaxed),
                        )
                    }
                    _ => small.clone(),
                };
                let answer = Response::builder()
                    .header("content-type", "application/json")
                    .body(Full::new(body));
                async move { Ok::<_, Infallible>(answer.unwrap_or_default()) }
            });
            // A connection that breaks is the client's affair.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
