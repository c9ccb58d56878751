//! Load: closed loops over keep-alive connections, and single requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// One kind of request, repeated.
#[derive(Debug, Clone)]
pub struct Shot {
    /// Method.
    pub method: Method,
    /// Host and port.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body; JSON when not empty.
    pub body: Bytes,
}

impl Shot {
    /// A GET.
    pub fn get(authority: &str, path: &str) -> Self {
        Self {
            method: Method::GET,
            authority: authority.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A POST with a JSON body.
    pub fn post(authority: &str, path: &str, body: &Value) -> Self {
        Self {
            method: Method::POST,
            body: Bytes::from(body.to_string()),
            ..Self::get(authority, path)
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header("host", &self.authority);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        Ok(request.body(Full::new(self.body.clone()))?)
    }
}

/// An open keep-alive connection.
pub struct Line {
    sender: SendRequest<Full<Bytes>>,
}

impl Line {
    /// Connects.
    pub async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority)
            .await
            .with_context(|| format!("connecting to {authority}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&mut self, shot: &Shot) -> Result<(u16, Bytes)> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(shot.request()?).await?;
        let status = answer.status().as_u16();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// Sends one request on a connection of its own; an error unless the status is 2xx.
pub async fn once(shot: &Shot) -> Result<Value> {
    let (status, body) = Line::open(&shot.authority).await?.send(shot).await?;
    if !(200..300).contains(&status) {
        bail!(
            "{} {} answered {status}: {}",
            shot.method,
            shot.path,
            String::from_utf8_lossy(&body)
        );
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).with_context(|| format!("the answer of {} is no JSON", shot.path))
}

/// What a load test measured.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Requests answered.
    pub requests: usize,
    /// Seconds.
    pub wall: f64,
    /// Latencies in milliseconds, sorted.
    latencies: Vec<f64>,
}

impl Measured {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.wall
    }

    /// The latency that `share` of the requests did not exceed, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let index = ((self.latencies.len() as f64 - 1.0) * share).round() as usize;
        self.latencies.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Runs `shots` (taken in turn by each worker) from `workers` connections for `seconds`. Every answer must be 2xx.
pub async fn run(shots: Vec<Shot>, workers: usize, seconds: u64) -> Result<Measured> {
    ensure!(!shots.is_empty(), "nothing to send");
    let shots = Arc::new(shots);
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for worker in 0..workers {
        let shots = Arc::clone(&shots);
        tasks.push(tokio::spawn(async move {
            let mut line = Line::open(&shots[0].authority).await?;
            let mut latencies = Vec::new();
            let mut turn = worker;
            while Instant::now() < until {
                let shot = &shots[turn % shots.len()];
                turn += workers;
                let sent = Instant::now();
                let (status, body) = line.send(shot).await?;
                ensure!(
                    (200..300).contains(&status),
                    "status {status}: {}",
                    String::from_utf8_lossy(&body)
                );
                latencies.push(sent.elapsed().as_secs_f64() * 1e3);
            }
            Ok::<_, anyhow::Error>(latencies)
        }));
    }
    let mut measured = Measured::default();
    for task in tasks {
        measured.latencies.extend(task.await??);
    }
    measured.wall = started.elapsed().as_secs_f64();
    measured.requests = measured.latencies.len();
    measured.latencies.sort_by(f64::total_cmp);
    Ok(measured)
}
