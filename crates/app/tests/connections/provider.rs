//! A model of a strict OAuth provider: every refresh token is good for one use, and a second use revokes the grant.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
struct Grant {
    refresh_token: String,
    revoked: bool,
    token_requests: usize,
    refreshes: usize,
    /// Status and body instead of tokens.
    failure: Option<(u16, Value)>,
    latency: Duration,
    lifetime: u64,
}

pub struct StrictProvider {
    pub url: String,
    grant: Arc<Mutex<Grant>>,
}

impl StrictProvider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let grant = Grant {
            refresh_token: "rt-0".to_owned(),
            latency: Duration::from_millis(150),
            lifetime: 3_600,
            ..Grant::default()
        };
        let grant = Arc::new(Mutex::new(grant));
        let shared = Arc::clone(&grant);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { url, grant }
    }

    pub fn fail_with(&self, status: u16, body: Value) {
        self.grant.lock().unwrap().failure = Some((status, body));
    }

    pub fn recover(&self) {
        self.grant.lock().unwrap().failure = None;
    }

    /// How often the token endpoint was asked.
    pub fn token_requests(&self) -> usize {
        self.grant.lock().unwrap().token_requests
    }

    pub fn is_revoked(&self) -> bool {
        self.grant.lock().unwrap().revoked
    }
}

/// A back end that takes webhooks.
pub struct Receiver {
    pub url: String,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let Some(body) = read_body(&mut socket).await else {
                    continue;
                };
                shared.lock().unwrap().push(serde_json::from_str(&body).unwrap());
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = socket.write_all(answer).await;
            }
        });
        Self { url, heard }
    }

    /// Operation and success of the first `count` events, in the order of their arrival.
    pub async fn hears(&self, count: usize) -> Vec<(String, bool)> {
        for _ in 0..400 {
            if self.heard.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let heard = self.heard.lock().unwrap();
        let line = |event: &Value| {
            (
                event["operation"].as_str().unwrap().to_owned(),
                event["success"] == true,
            )
        };
        heard.iter().map(line).collect()
    }

    pub fn last(&self) -> Value {
        self.heard.lock().unwrap().last().cloned().unwrap()
    }
}

async fn serve(mut socket: TcpStream, grant: Arc<Mutex<Grant>>) {
    let Some(body) = read_body(&mut socket).await else {
        return;
    };
    let token = url::form_urlencoded::parse(body.as_bytes())
        .find(|(name, _)| name == "refresh_token")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let latency = grant.lock().unwrap().latency;
    let (status, answer) = {
        let mut grant = grant.lock().unwrap();
        grant.token_requests += 1;
        match grant.failure.clone() {
            Some(failure) => failure,
            None if grant.revoked || token != grant.refresh_token => {
                grant.revoked = true;
                (
                    400,
                    json!({ "error": "invalid_grant", "error_description": "the refresh token was used before" }),
                )
            }
            None => {
                grant.refreshes += 1;
                grant.refresh_token = format!("rt-{}", grant.refreshes);
                let access = format!("at-{}", grant.refreshes);
                (
                    200,
                    json!({ "access_token": access, "refresh_token": grant.refresh_token, "expires_in": grant.lifetime }),
                )
            }
        }
    };
    // The answer travels after the token was used up, as on a real network.
    tokio::time::sleep(latency).await;
    let answer = answer.to_string();
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    );
    let _ = socket.write_all(text.as_bytes()).await;
}

async fn read_body(socket: &mut TcpStream) -> Option<String> {
    let mut data = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.ok()?;
        data.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&data).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(body.to_owned());
            }
        }
        if read == 0 {
            return None;
        }
    }
}
