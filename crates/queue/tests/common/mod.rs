//! A store of its own for every test, on SQLite and, when a URL is given, on PostgreSQL.

use std::future::Future;
use std::sync::Arc;

use tenon_model::{Clock, Rng, SystemClock, SystemRng};
use tenon_store::{Store, StoreConfig, params};

/// How to open the test's database, also a second time as another node.
pub struct Database {
    config: StoreConfig,
    _directory: Option<tempfile::TempDir>,
}

impl Database {
    pub async fn open(&self) -> Store {
        Store::open(self.config.clone()).await.unwrap()
    }

    pub fn is_shared(&self) -> bool {
        matches!(self.config, StoreConfig::Postgres { .. })
    }
}

/// Runs the test on every engine there is.
pub async fn on_each<F: Future<Output = ()>>(test: impl Fn(Database) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let config = StoreConfig::sqlite(directory.path().join("test.db"));
    test(Database {
        config,
        _directory: Some(directory),
    })
    .await;
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where PostgreSQL is"
    )]
    let url = std::env::var("TENON_TEST_DATABASE_URL");
    if let Ok(url) = url {
        let schema = format!("test_{}", SystemRng::default().hex(8));
        let admin = Store::open(StoreConfig::postgres(&url)).await.unwrap();
        let mut tx = admin.begin().await.unwrap();
        tx.execute(&format!("CREATE SCHEMA {schema}"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        let mark = if url.contains('?') { '&' } else { '?' };
        let config = StoreConfig::postgres(format!("{url}{mark}options=-csearch_path%3D{schema}"));
        test(Database {
            config,
            _directory: None,
        })
        .await;
        let mut tx = admin.begin().await.unwrap();
        tx.execute(&format!("DROP SCHEMA {schema} CASCADE"), params![])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}
