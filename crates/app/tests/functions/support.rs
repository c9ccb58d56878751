//! An application on a throw-away database, and a receiver that remembers what it got.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tenon_app::environments::Environment;
use tenon_app::functions::{Function, FunctionKind};
use tenon_app::{App, Caller, Parts, Settings};
use tenon_catalog::Catalog;
use tenon_credentials::{MasterKey, Vault};
use tenon_egress::{Egress, Policy};
use tenon_model::{Clock, ManualClock, Rng, SystemRng, Timestamp};
use tenon_runtime::{Runtime, RuntimeConfig};
use tenon_store::{Store, StoreConfig, params};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OPEN: &str = r#"
[vendor]
name = "Open"
docs = "https://open.example/docs"

[open]
name = "Open"
categories = ["other"]
auth = "none"
webhook = { event = "type", match = [{ value = "connectionId", connection_id = true }], delivery_id = "deliveryId" }

[signed]
name = "Signed"
categories = ["other"]
auth = "oauth2"
authorize = "https://open.example/authorize"
token = "https://open.example/token"
api = "https://open.example"

[signed.webhook]
signature = { scheme = "hmac", header = "x-signed" }
items = "events"
event = "type"
match = [{ value = "connectionId", connection_id = true }]

[always-signed]
extends = "signed"
name = "Always signed"

[always-signed.webhook]
signature = { scheme = "hmac", header = "x-signed", required = true }
event = "type"
"#;

/// One node with its `dev` environment.
pub struct Node {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub caller: Arc<Caller>,
    pub environment: Arc<Environment>,
    /// Kept until the end of the test.
    _data: tempfile::TempDir,
}

/// A node per database.
pub async fn nodes() -> Vec<Node> {
    let all = sleeping_nodes().await;
    all.iter().for_each(|node| node.app.start());
    all
}

/// A node per database that does no background work yet.
pub async fn sleeping_nodes() -> Vec<Node> {
    let mut all = vec![node(None).await];
    #[expect(clippy::disallowed_methods, reason = "the test suite says where its database is")]
    if let Ok(url) = std::env::var("TENON_TEST_DATABASE_URL") {
        let name = format!("functions_{}", SystemRng::default().hex(6));
        let store = Store::open(StoreConfig::postgres(url.clone())).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.execute(&format!("CREATE SCHEMA {name}"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        let glue = if url.contains('?') { '&' } else { '?' };
        all.push(node(Some(format!("{url}{glue}options=-csearch_path%3D{name}"))).await);
    }
    all
}

async fn node(url: Option<String>) -> Node {
    let data = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::parse_iso("2026-05-01T10:00:00Z").unwrap()));
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let mut runtime = RuntimeConfig::new(PathBuf::from("/bin/false"), ["worker"]);
    runtime.workers_warm = 0;
    let config = match url {
        Some(url) => StoreConfig::postgres(url),
        None => StoreConfig::sqlite(data.path().join("tenon.db")),
    };
    let app = App::new(Parts {
        store: Store::open(config).await.unwrap(),
        catalog: Catalog::with_texts(&[("open.toml", OPEN)]).unwrap(),
        egress: Egress::new(Policy::permissive(), Arc::clone(&shared)).unwrap(),
        vault: Vault::new(MasterKey::new(vec![7; 32]).unwrap(), Vec::new(), Arc::clone(&rng)),
        runtime: Runtime::start(runtime).unwrap(),
        clock: shared,
        rng,
        builder: None,
        settings: Settings {
            webhook_retry_waits: vec![Duration::from_secs(60)],
            ..Settings::default()
        },
    });
    let first = app.ensure_account().await.unwrap().unwrap();
    let key = first.keys.into_iter().find(|(name, _)| name == "dev").unwrap().1;
    let caller = app.authenticate_key(&key).await.unwrap();
    let environment = Arc::clone(caller.environment().unwrap());
    Node {
        app,
        clock,
        caller,
        environment,
        _data: data,
    }
}

impl Node {
    /// The action of an integration with this name.
    pub async fn action(&self, key: &str, name: &str) -> Option<Arc<Function>> {
        let integration = self.app.find_integration(self.environment.id, key).await.unwrap();
        self.app
            .find_function(self.environment.id, integration?.id, FunctionKind::Action, name)
            .await
            .unwrap()
    }

    /// An integration of the open provider.
    pub async fn integration(&self, key: &str) {
        let body = json!({ "provider": "open", "unique_key": key });
        let input = tenon_app::integrations::CreateInput::parse(Some(&body)).unwrap();
        self.app.create_integration(&self.caller, input).await.unwrap();
    }

    /// A connection with its own receiver.
    pub async fn connection(&self, key: &str, id: &str, receiver: &str) {
        let body = json!({
            "provider_config_key": key,
            "connection_id": id,
            "credentials": { "type": "NONE" },
            "webhook_url_override": receiver,
        });
        self.app.import_connection(&self.caller, Some(&body)).await.unwrap();
    }

    /// Moves time and wakes the services.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        let mut tx = self.app.store().begin().await.unwrap();
        tx.signal("outbox", "");
        tx.signal("inbox", "");
        tx.execute("UPDATE accounts SET name = name", params![]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A request that the receiver got.
#[derive(Debug, Clone)]
pub struct Got {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Memory {
    got: Vec<Got>,
    statuses: VecDeque<u16>,
}

/// Answers 200, or the statuses that it was told, and remembers everything.
pub struct Receiver {
    pub url: String,
    memory: Arc<Mutex<Memory>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let memory = Arc::new(Mutex::new(Memory::default()));
        let shared = Arc::clone(&memory);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { url, memory }
    }

    /// The statuses of the next answers.
    pub fn answer(&self, statuses: &[u16]) {
        self.memory.lock().unwrap().statuses.extend(statuses);
    }

    /// Waits until `count` requests have come, and a moment longer for surplus ones.
    pub async fn wait(&self, count: usize) -> Vec<Got> {
        for _ in 0..500 {
            if self.memory.lock().unwrap().got.len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.memory.lock().unwrap().got.clone()
    }
}

async fn serve(mut socket: TcpStream, memory: Arc<Mutex<Memory>>) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            match socket.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            }
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let headers: Vec<(String, String)> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| value.parse().unwrap());
        while buffer.len() < end + 4 + length {
            match socket.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            }
        }
        let body = String::from_utf8_lossy(&buffer[end + 4..end + 4 + length]).into_owned();
        buffer.drain(..end + 4 + length);
        let status = {
            let mut memory = memory.lock().unwrap();
            memory.got.push(Got { headers, body });
            memory.statuses.pop_front().unwrap_or(200)
        };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok");
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
