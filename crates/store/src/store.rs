//! Opening a store and taking connections from it.

use std::path::PathBuf;
use std::sync::Arc;

use tenon_model::{Clock, Rng, SystemClock, SystemRng};
use tokio::sync::broadcast;

use crate::conn::{Conn, Dialect, Inner, Tx};
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::{Error, Result, Signal, migrations, params};

/// Where the data lives.
#[derive(Debug, Clone)]
pub enum StoreConfig {
    /// A SQLite file, made when missing.
    Sqlite {
        /// Path of the file; its folder must exist.
        path: PathBuf,
        /// Delete the file when the store is dropped.
        temporary: bool,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Connection URL, `postgres://user:password@host/database`.
        url: String,
        /// The most connections to keep.
        connections: usize,
    },
}

impl StoreConfig {
    /// A SQLite file at `path`.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite {
            path: path.into(),
            temporary: false,
        }
    }

    /// A throw-away SQLite file in `directory`, for tests.
    pub fn sqlite_temporary(directory: impl Into<PathBuf>) -> Self {
        let name = format!("tenon-{}.db", SystemRng::default().hex(8));
        Self::Sqlite {
            path: directory.into().join(name),
            temporary: true,
        }
    }

    /// The PostgreSQL database at `url`, with at most 16 connections.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::Postgres {
            url: url.into(),
            connections: 16,
        }
    }
}

enum Engine {
    Sqlite(Sqlite),
    Postgres(Arc<Postgres>),
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
    signals: broadcast::Sender<Signal>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dialect", &self.dialect())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database and brings its schema up to date.
    #[tenon_model::boxed]
    pub async fn open(config: StoreConfig) -> Result<Self> {
        let (signals, _) = broadcast::channel(1024);
        let engine = match config {
            StoreConfig::Sqlite { path, temporary } => Engine::Sqlite(Sqlite::open(&path, temporary)?),
            StoreConfig::Postgres { url, connections } => {
                let pool = Postgres::open(&url, connections).await?;
                pool.listen(signals.clone());
                Engine::Postgres(pool)
            }
        };
        let store = Self {
            engine: Arc::new(engine),
            signals,
        };
        store.migrate().await?;
        Ok(store)
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match *self.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A connection for reading. Waits while all are in use.
    #[tenon_model::boxed]
    pub async fn read(&self) -> Result<Conn> {
        let inner = match &*self.engine {
            Engine::Sqlite(sqlite) => Inner::Sqlite(sqlite.read().await?),
            Engine::Postgres(pool) => Inner::Postgres(pool.acquire().await?),
        };
        Ok(Conn { inner })
    }

    /// Starts a write transaction. On SQLite, waits for the one writer.
    #[tenon_model::boxed]
    pub async fn begin(&self) -> Result<Tx> {
        let inner = match &*self.engine {
            Engine::Sqlite(sqlite) => Inner::Sqlite(sqlite.begin().await?),
            Engine::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            conn: Conn { inner },
            store: self.clone(),
            signals: Vec::new(),
        })
    }

    /// Signals sent from now on, by this node and, on PostgreSQL, by the others.
    pub fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    pub(crate) fn publish(&self, signal: Signal) {
        // Nobody listening is fine: everybody also looks on a timer.
        let _ = self.signals.send(signal);
    }

    async fn migrate(&self) -> Result<()> {
        let table = "CREATE TABLE IF NOT EXISTS schema_migrations \
                     (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.batch(table).await?,
            // Two nodes that start together would race on the catalogue even with IF NOT EXISTS.
            Engine::Postgres(pool) => {
                pool.batch(&format!(
                    "BEGIN; SELECT pg_advisory_xact_lock(7262001); {table}; COMMIT"
                ))
                .await?;
            }
        }
        for migration in migrations::ALL {
            self.apply(migration).await.map_err(|source| Error::Migration {
                version: migration.version,
                source: Box::new(source),
            })?;
        }
        Ok(())
    }

    async fn apply(&self, migration: &migrations::Migration) -> Result<()> {
        let mut tx = self.begin().await?;
        if tx.dialect() == Dialect::Postgres {
            tx.query("SELECT pg_advisory_xact_lock(7262001)", params![]).await?;
        }
        let applied = "SELECT version FROM schema_migrations WHERE version = $1";
        if tx.query_opt(applied, params![migration.version]).await?.is_some() {
            return Ok(());
        }
        for statement in migrations::statements(migration.sql(tx.dialect())) {
            tx.execute(statement, params![]).await?;
        }
        let now = SystemClock::default().now();
        let record = "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)";
        tx.execute(record, params![migration.version, migration.name, now])
            .await?;
        tx.commit().await
    }
}
