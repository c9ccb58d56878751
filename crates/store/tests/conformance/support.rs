//! Stores to test, each empty, and a few rows that every table hangs on.

use tenon_model::{AccountId, EnvironmentId, IntegrationId, Rng, SystemRng, Timestamp};
use tenon_store::tables::environments::NewEnvironment;
use tenon_store::tables::{accounts, environments, integrations};
use tenon_store::{Store, StoreConfig, params};

/// An empty store per database.
pub async fn stores() -> Vec<Store> {
    let mut all = vec![
        Store::open(StoreConfig::sqlite_temporary(std::env::temp_dir()))
            .await
            .unwrap(),
    ];
    #[expect(clippy::disallowed_methods, reason = "the test suite says where its database is")]
    if let Ok(url) = std::env::var("TENON_TEST_DATABASE_URL") {
        let name = format!("conformance_{}", SystemRng::default().hex(6));
        let store = Store::open(StoreConfig::postgres(url.clone())).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.execute(&format!("CREATE SCHEMA {name}"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        let glue = if url.contains('?') { '&' } else { '?' };
        let own = format!("{url}{glue}options=-csearch_path%3D{name}");
        all.push(Store::open(StoreConfig::postgres(own)).await.unwrap());
    }
    all
}

/// A fixed moment.
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse_iso(text).unwrap()
}

/// The moment when tests begin.
pub fn start() -> Timestamp {
    at("2026-05-01T10:00:00Z")
}

/// An account with one environment.
pub async fn environment(store: &Store, name: &str) -> EnvironmentId {
    let rng = SystemRng::default();
    let mut tx = store.begin().await.unwrap();
    let account: AccountId = match accounts::find_first(&mut tx).await.unwrap() {
        Some(account) => account,
        None => accounts::insert(&mut tx, rng.uuid_v4(), "Team", start()).await.unwrap(),
    };
    let new = NewEnvironment {
        uuid: rng.uuid_v4(),
        account_id: account,
        name,
        is_production: false,
        public_key: "public",
        settings: "{}",
        now: start(),
    };
    let id = environments::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// An integration.
pub async fn integration(store: &Store, environment: EnvironmentId, key: &str) -> IntegrationId {
    let mut tx = store.begin().await.unwrap();
    let id = integrations::insert(&mut tx, environment, key, "acme", start())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}
