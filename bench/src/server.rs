//! The server under test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::cpu::{self, Usage};
use crate::load::{Shot, once};

/// Which database.
#[derive(Debug, Clone)]
pub enum Engine {
    /// Inside the data directory.
    Sqlite,
    /// A server; the database must be empty.
    Postgres(String),
}

impl Engine {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// The binary: the given one, or a release build.
pub fn binary(given: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path);
    }
    let done = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", "tenon-cli"])
        .status()?;
    ensure!(done.success(), "the release build failed");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::current_exe()?;
    let beside = target.parent().map(|folder| folder.join("tenon"));
    Ok(beside
        .filter(|path| path.exists())
        .unwrap_or_else(|| root.join("target/release/tenon")))
}

/// A running server.
pub struct Tenon {
    child: Child,
    folder: tempfile::TempDir,
    /// Host and port.
    pub authority: String,
    /// Full-access keys of `dev` and `prod`.
    keys: [String; 2],
    /// Seconds from start to the first healthy answer.
    pub start_seconds: f64,
}

impl Tenon {
    /// Starts a server with an empty data directory.
    pub async fn start(bin: &Path, engine: &Engine) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let out = folder.path().join("stdout");
        let mut command = Command::new(bin);
        command
            .args([
                "serve",
                "--allow-private-addresses",
                "--port",
                &port.to_string(),
                "--data-dir",
            ])
            .arg(folder.path().join("data"))
            .stdout(Stdio::from(std::fs::File::create(&out)?))
            .stderr(Stdio::from(std::fs::File::create(folder.path().join("stderr"))?));
        if let Engine::Postgres(url) = engine {
            command.args(["--database-url", url]);
        }
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", bin.display()))?;
        let authority = format!("127.0.0.1:{port}");
        let mut tenon = Self {
            child,
            folder,
            authority,
            keys: Default::default(),
            start_seconds: 0.0,
        };
        while once(&Shot::get(&tenon.authority, "/health")).await.is_err() {
            if started.elapsed() > Duration::from_secs(60) || tenon.child.try_wait()?.is_some() {
                bail!("the server did not start: {}", tenon.log());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tenon.start_seconds = started.elapsed().as_secs_f64();
        let printed = std::fs::read_to_string(&out)?;
        for (environment, key) in ["dev ", "prod "].iter().zip(&mut tenon.keys) {
            let line = printed.lines().find_map(|line| line.trim().strip_prefix(environment));
            line.unwrap_or_default().trim().clone_into(key);
            ensure!(
                !key.is_empty(),
                "the first start printed no key; is the database empty?"
            );
        }
        Ok(tenon)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// CPU and memory of the server and its workers.
    pub fn usage(&self) -> Usage {
        cpu::measure(self.child.id())
    }

    /// Bytes of the database files.
    pub fn database_bytes(&self) -> u64 {
        let data = self.folder.path().join("data");
        let size = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |meta| meta.len());
        size("tenon.db")
    }

    /// Full-access keys of `dev` and `prod`.
    pub fn keys(&self) -> [&str; 2] {
        self.keys.each_ref().map(String::as_str)
    }

    /// A request with a key.
    pub fn post_as(&self, key: &str, path: &str, body: &Value) -> Shot {
        Shot::post(&self.authority, path, body).header("authorization", &format!("Bearer {key}"))
    }

    /// A request with the key of `dev`.
    pub fn post(&self, path: &str, body: &Value) -> Shot {
        self.post_as(&self.keys[0], path, body)
    }

    /// A request with the key of `dev`.
    pub fn get(&self, path: &str) -> Shot {
        Shot::get(&self.authority, path).header("authorization", &format!("Bearer {}", self.keys[0]))
    }

    /// Makes a connection of `dev` with an API key under the integration `bench`.
    pub async fn connect(&self, connection: &str) -> Result<()> {
        self.connect_with(&self.keys[0], connection).await
    }

    /// The same in the environment of `key`.
    pub async fn connect_with(&self, key: &str, connection: &str) -> Result<()> {
        let body = json!({
            "provider_config_key": "bench",
            "connection_id": connection,
            "credentials": { "type": "API_KEY", "apiKey": "key" },
        });
        once(&self.post_as(key, "/connections", &body)).await.map(drop)
    }
}

impl Drop for Tenon {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
