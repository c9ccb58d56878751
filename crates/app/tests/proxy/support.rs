//! An application on a throw-away database, and a provider that does what a test wants.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tenon_app::proxy::{Outcome, ProxyCall};
use tenon_app::{App, Caller, Parts, Settings};
use tenon_catalog::Catalog;
use tenon_credentials::{MasterKey, Vault};
use tenon_egress::{Egress, Policy};
use tenon_model::{Clock, Rng, SystemRng};
use tenon_runtime::{Runtime, RuntimeConfig};
use tenon_store::{Store, StoreConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Entries that differ in what the proxy has to do.
const ACME: &str = r#"
[vendor]
name = "Acme"
docs = "https://acme.example/docs"

[acme]
name = "Acme"
categories = ["crm"]
auth = "oauth2"
authorize = "https://login.acme.example/authorize"
token = { url = "${config.base}/token" }
api = "${config.base}/v1"
config.base = { label = "Base" }

[acme-key]
name = "Acme (key in the query)"
categories = ["crm"]
auth = "api_key"
api = "${config.base}"
key_in = "query:key"
config.base = { label = "Base" }

[acme-slow]
name = "Acme (three a second)"
categories = ["crm"]
auth = "api_key"
api = "${config.base}"
key_in = "bearer"
config.base = { label = "Base" }

[[acme-slow.quotas]]
name = "burst"
limit = 3
per_seconds = 1

[[acme-slow.quotas]]
name = "exports"
limit = 1
per_seconds = 86400
paths = ["/export"]
"#;

/// One request that the provider got.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    pub line: String,
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A provider whose answers are functions of the request: status, further header lines, body.
pub struct Provider {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Status, header lines and body of an answer.
pub type Answer = (u16, String, String);

pub fn answer(status: u16, body: &str) -> Answer {
    (status, String::new(), body.to_owned())
}

impl Provider {
    pub async fn start(answer: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self { url, seen }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static>,
) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !matches!(stream.read_buf(&mut buffer).await, Ok(n) if n > 0) {
                return;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let line = head.lines().next().unwrap().to_owned();
        let mut request = Seen {
            at: Instant::now(),
            line,
            head,
            body: String::new(),
        };
        let length: usize = request.header("content-length").map_or(0, |text| text.parse().unwrap());
        while buffer.len() < length {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(n) if n > 0) {
                return;
            }
        }
        request.body = String::from_utf8_lossy(&buffer[..length]).into_owned();
        buffer.drain(..length);
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len()
        };
        let (status, headers, body) = answer(&request, number);
        let text = format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A running application and its caller.
pub struct Bench {
    pub app: App,
    pub caller: Arc<Caller>,
    _directory: tempfile::TempDir,
}

impl Bench {
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, Settings::default()).await
    }

    pub async fn with(clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
        let mut runtime = RuntimeConfig::new(PathBuf::from("/bin/false"), ["worker"]);
        runtime.workers_warm = 0;
        let app = App::new(Parts {
            store: Store::open(StoreConfig::sqlite(directory.path().join("tenon.db")))
                .await
                .unwrap(),
            catalog: Catalog::with_texts(&[("acme.toml", ACME)]).unwrap(),
            egress: Egress::new(Policy::permissive(), Arc::clone(&clock)).unwrap(),
            vault: Vault::new(MasterKey::new(vec![7; 32]).unwrap(), Vec::new(), Arc::clone(&rng)),
            runtime: Runtime::start(runtime).unwrap(),
            clock,
            rng,
            builder: None,
            settings,
        });
        let first = app.ensure_account().await.unwrap().unwrap();
        app.start();
        let key = first
            .keys
            .into_iter()
            .find(|(name, _)| name == "dev")
            .map(|(_, key)| key)
            .unwrap();
        let caller = app.authenticate_key(&key).await.unwrap();
        Self {
            app,
            caller,
            _directory: directory,
        }
    }

    /// Makes an integration called like its provider.
    pub async fn integrate(&self, provider: &str) {
        let mut body = json!({ "provider": provider, "unique_key": provider });
        if provider == "acme" {
            body["credentials"] = json!({ "type": "OAUTH2", "client_id": "c", "client_secret": "s" });
        }
        let input = tenon_app::integrations::CreateInput::parse(Some(&body)).unwrap();
        self.app.create_integration(&self.caller, input).await.unwrap();
    }

    /// Imports a connection.
    pub async fn connect(&self, integration: &str, id: &str, base: &str, credentials: Value) {
        let body = json!({
            "provider_config_key": integration,
            "connection_id": id,
            "credentials": credentials,
            "connection_config": { "base": base },
            "metadata": { "workspace": "w-7" },
        });
        self.app.import_connection(&self.caller, Some(&body)).await.unwrap();
    }

    /// Integration and connection `c` with an API key.
    pub async fn with_key(&self, provider: &str, base: &str) {
        self.integrate(provider).await;
        self.connect(provider, "c", base, json!({ "type": "API_KEY", "apiKey": "key-of-c" }))
            .await;
    }

    pub async fn send(&self, call: ProxyCall) -> tenon_app::Result<Outcome> {
        self.app.proxy(&self.caller, call).await
    }

    /// Status and body of a call that is answered.
    pub async fn answered(&self, call: ProxyCall) -> (u16, String) {
        match self.send(call).await.unwrap() {
            Outcome::Answered(response) => (response.status.as_u16(), response.text(1 << 20).await.unwrap()),
            Outcome::Failed(error) => panic!("{error:?}"),
        }
    }

    /// Status and code of a call that is refused.
    pub async fn refused(&self, call: ProxyCall) -> (u16, String) {
        let error = self.send(call).await.unwrap_err();
        let refusal = error.refusal().expect("a refusal");
        (refusal.status, refusal.code.clone())
    }
}

pub fn get(integration: &str, endpoint: &str) -> ProxyCall {
    ProxyCall::new(integration, "c", Method::GET, endpoint)
}

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
