//! An application on a throw-away database, with a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_app::connections::{Live, LiveError};
use tenon_app::{App, Caller, Parts, Settings};
use tenon_catalog::Catalog;
use tenon_credentials::{MasterKey, Vault};
use tenon_egress::{Egress, Policy};
use tenon_model::{Clock, EnvironmentId, ManualClock, Rng, SystemRng, Timestamp};
use tenon_runtime::{Runtime, RuntimeConfig};
use tenon_store::{Store, StoreConfig};

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
api = "https://api.acme.example"
config.base = { label = "Base" }
"#;

/// A provider whose keys can be tested.
const KEYED: &str = r#"
[vendor]
name = "Keyed"
docs = "https://keyed.example/docs"

[keyed]
name = "Keyed"
categories = ["crm"]
auth = "api_key"
api = "${config.base}"
key_in = "bearer"
probe = "GET /me"
config.base = { label = "Base" }
"#;

/// A provider whose form has a bit of everything.
const VAULTED: &str = r##"
[vendor]
name = "Vaulted"
docs = "https://vaulted.example/docs"

[vaulted]
name = "Vaulted"
categories = ["crm"]
auth = "api_key"
guide = "https://vaulted.example/guide"
api = "https://${config.subdomain}.vaulted.example"
config.subdomain = { label = "Subdomain", example = "acme", pattern = "^[a-z0-9-]+$", prefix = "https://", suffix = ".vaulted.example", order = 1 }
config.region = { label = "Region", choices = ["eu", "us"], order = 2 }
config.portal = { label = "Portal", automatic = true }
config.note = { label = "Note", optional = true }
cred.apiKey = { label = "API Key", pattern = "^key-.+$", section = "#key" }
example = { config = { subdomain = "a", region = "eu" }, request = "GET /me", sends = "https://a.vaulted.example/me" }
"##;

/// Where the data of a test lies.
pub enum Database {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Database {
    /// SQLite, and PostgreSQL when a server is at hand.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite()];
        #[expect(clippy::disallowed_methods, reason = "the test suite says where its database is")]
        if let Ok(url) = std::env::var("TENON_TEST_DATABASE_URL") {
            all.push(Self::Postgres(fresh_schema(&url).await));
        }
        all
    }

    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Store {
        let config = match self {
            Self::Sqlite(directory) => StoreConfig::sqlite(directory.path().join("tenon.db")),
            Self::Postgres(url) => StoreConfig::postgres(url.clone()),
        };
        Store::open(config).await.unwrap()
    }
}

/// A schema of its own on the test server.
async fn fresh_schema(url: &str) -> String {
    let name = format!("connections_{}", SystemRng::default().hex(6));
    let store = Store::open(StoreConfig::postgres(url)).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.execute(&format!("CREATE SCHEMA {name}"), &[]).await.unwrap();
    tx.commit().await.unwrap();
    let glue = if url.contains('?') { '&' } else { '?' };
    format!("{url}{glue}options=-csearch_path%3D{name}")
}

/// One node.
pub struct Node {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub caller: Arc<Caller>,
    pub environment: EnvironmentId,
}

/// Nodes that share a database, a clock and a master key.
pub async fn nodes<const N: usize>(database: &Database) -> [Node; N] {
    let clock = Arc::new(ManualClock::new(Timestamp::parse_iso("2026-05-01T10:00:00Z").unwrap()));
    let mut key = None;
    let mut nodes = Vec::new();
    for number in 0..N {
        let app = start(database, &clock, &format!("node-{number}")).await;
        if let Some(first) = app.ensure_account().await.unwrap() {
            key = first
                .keys
                .into_iter()
                .find(|(name, _)| name == "dev")
                .map(|(_, key)| key);
        }
        app.start();
        let caller = app.authenticate_key(key.as_deref().unwrap()).await.unwrap();
        let environment = caller.environment().unwrap().id;
        nodes.push(Node {
            app,
            clock: Arc::clone(&clock),
            caller,
            environment,
        });
    }
    nodes
        .try_into()
        .unwrap_or_else(|_| unreachable!("as many as asked for"))
}

async fn start(database: &Database, clock: &Arc<ManualClock>, node: &str) -> App {
    start_with(database, clock, node, &[7]).await
}

/// A node whose master keys are made of these bytes; the first one seals.
pub async fn start_with(database: &Database, clock: &Arc<ManualClock>, node: &str, masters: &[u8]) -> App {
    let mut masters = masters.iter().map(|byte| MasterKey::new(vec![*byte; 32]).unwrap());
    let master = masters.next().unwrap();
    let previous = masters.collect();
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let mut runtime = RuntimeConfig::new(PathBuf::from("/bin/false"), ["worker"]);
    runtime.workers_warm = 0;
    App::new(Parts {
        store: database.open().await,
        catalog: Catalog::with_texts(&[("acme.toml", ACME), ("vaulted.toml", VAULTED), ("keyed.toml", KEYED)]).unwrap(),
        egress: Egress::new(Policy::permissive(), Arc::clone(&clock)).unwrap(),
        vault: Vault::new(master, previous, Arc::clone(&rng)),
        runtime: Runtime::start(runtime).unwrap(),
        clock,
        rng,
        builder: None,
        settings: Settings {
            node: node.to_owned(),
            ..Settings::default()
        },
    })
}

impl Node {
    /// Imports a connection whose token ends in an hour.
    pub async fn import(&self, base: &str) {
        let credentials = json!({ "type": "OAUTH2", "client_id": "c", "client_secret": "s" });
        let integration = json!({ "provider": "acme", "unique_key": "acme", "credentials": credentials });
        let input = tenon_app::integrations::CreateInput::parse(Some(&integration)).unwrap();
        self.app.create_integration(&self.caller, input).await.unwrap();
        self.import_tokens(base, "at-0", "rt-0").await;
    }

    /// Imports tokens over what is there.
    pub async fn import_tokens(&self, base: &str, access: &str, refresh: &str) {
        let expires_at = self.clock.now().plus(Duration::from_secs(3_600)).iso_millis();
        let body = json!({
            "provider_config_key": "acme",
            "connection_id": "c-1",
            "credentials": { "type": "OAUTH2", "access_token": access, "refresh_token": refresh, "expires_at": expires_at },
            "connection_config": { "base": base },
        });
        self.app.import_connection(&self.caller, Some(&body)).await.unwrap();
    }

    /// The access token that a proxy call would use now.
    pub async fn token(&self) -> Result<String, LiveError> {
        self.app
            .fresh_credentials(self.environment, "acme", "c-1")
            .await
            .map(|live| token_of(&live))
    }

    /// The code of the failure that a proxy call would meet now.
    pub async fn refusal(&self) -> &'static str {
        match self.token().await {
            Err(LiveError::Refresh(error)) => error.code,
            other => panic!("a failed refresh was expected, got {other:?}"),
        }
    }

    /// `GET /connections/c-1` with the given query.
    pub async fn read(&self, more: &[(&str, &str)]) -> tenon_app::Result<Value> {
        let mut query = json!({ "provider_config_key": "acme" });
        for (name, value) in more {
            query[*name] = json!(value);
        }
        self.app.read_connection(&self.caller, "c-1", &query).await
    }
}

fn token_of(live: &Live) -> String {
    live.credentials().token().unwrap_or_default().to_owned()
}

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}
