//! A token endpoint on loopback that answers what a test tells it and remembers what it was asked.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tenon_catalog::Catalog;
use tenon_credentials::{ClientApp, Subject};
use tenon_egress::{Egress, Policy};
use tenon_model::{SystemClock, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The form body in order.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect()
    }

    pub fn field(&self, name: &str) -> Option<String> {
        self.form()
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

/// Answers in order: status, content type, body.
type Answer = (u16, &'static str, String);

pub struct Endpoint {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Endpoint {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, answers) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(VecDeque::new())));
        let (log, queue) = (Arc::clone(&seen), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (log, queue) = (Arc::clone(&log), Arc::clone(&queue));
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut socket).await else {
                        return;
                    };
                    log.lock().unwrap().push(request);
                    let answer = queue.lock().unwrap().pop_front();
                    let (status, kind, body) = answer.unwrap_or((500, "text/plain", "no answer prepared".to_owned()));
                    let text = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = socket.write_all(text.as_bytes()).await;
                });
            }
        });
        Self { url, seen, answers }
    }

    pub fn answer(&self, status: u16, kind: &'static str, body: impl Into<String>) {
        self.answers.lock().unwrap().push_back((status, kind, body.into()));
    }

    pub fn answer_json(&self, status: u16, body: Value) {
        self.answer(status, "application/json", body.to_string());
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request arrived")
    }
}

async fn read_request(socket: &mut tokio::net::TcpStream) -> Option<Seen> {
    let mut data = Vec::new();
    let head_end = loop {
        if let Some(at) = data.windows(4).position(|part| part == b"\r\n\r\n") {
            break at;
        }
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.ok()?;
        if read == 0 {
            return None;
        }
        data.extend_from_slice(&chunk[..read]);
    };
    let head = String::from_utf8_lossy(&data[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    let mut body = data[head_end + 4..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.ok()?;
        if read == 0 {
            return None;
        }
        body.extend_from_slice(&chunk[..read]);
    }
    Some(Seen {
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

pub const NOW: &str = "2026-05-01T10:00:00Z";

pub fn now() -> Timestamp {
    Timestamp::parse_iso(NOW).unwrap()
}

/// A catalogue with one provider of a test's own, called `acme`.
pub fn catalog(text: &str) -> Catalog {
    let file = format!("[vendor]\nname = \"Acme\"\ndocs = \"https://acme.example/docs\"\n\n{text}");
    Catalog::with_texts(&[("acme.toml", &file)]).unwrap_or_else(|error| panic!("{:?}", error.faults))
}

pub fn egress() -> Egress {
    Egress::new(Policy::permissive(), Arc::new(SystemClock::default())).unwrap()
}

pub fn app() -> ClientApp {
    ClientApp::new(
        "client-1",
        "s3cret&more".into(),
        vec!["read".to_owned(), "write".to_owned()],
        &Map::new(),
    )
}

pub fn config(values: Value) -> Map<String, Value> {
    values.as_object().cloned().unwrap_or_default()
}

pub fn subject<'a>(catalog: &'a Catalog, app: &'a ClientApp, config: &'a Map<String, Value>) -> Subject<'a> {
    let provider = catalog.get("acme").expect("declared");
    Subject {
        provider,
        app,
        config,
        metadata: None,
        now: now(),
        uuid: "11111111-2222-4333-8444-555555555555",
    }
}

pub fn base(endpoint: &Endpoint) -> Map<String, Value> {
    config(json!({ "base": endpoint.url }))
}
