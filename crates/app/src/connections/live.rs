//! Connections ready for use: opened once, kept in memory until they change.
//!
//! A proxy call needs the connection, its integration, its provider and fresh credentials, thousands of times a second.
//! [`Live`] holds all of that, opened. Entries go when the connection or the integration is written on this node or (by
//! a store signal) on another, and at the latest after [`STALE_AFTER`]; credentials are wiped when the last user is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tenon_catalog::Provider;
use tenon_credentials::credentials::OAuth2;
use tenon_credentials::modes::client_credentials;
use tenon_credentials::refresh::{Due, Want, due};
use tenon_credentials::{ClientApp, Credentials, Opened, Subject};
use tenon_egress::Egress;
use tenon_model::{ConnectionId, EnvironmentId, Timestamp};
use tenon_store::tables::connections as table;

use super::RefreshError;
use super::refresh::Flights;
use super::{Connection, ProviderRef};
use crate::integrations::Integration;
use crate::{App, Error, Result};

/// How long an entry may be wrong when another node's signal got lost.
const STALE_AFTER: Duration = Duration::from_secs(10);
/// Entries kept; each is a few kilobytes.
const LIVE_MAX: usize = 5_000;

/// A connection ready for use.
#[derive(Debug)]
pub struct Live {
    /// The connection; its credentials are those of [`Live::opened`].
    pub connection: Connection,
    /// Its integration.
    pub integration: Arc<Integration>,
    /// The integration's developer app, or the connection's own.
    pub app: ClientApp,
    /// Credentials with the names that templates use.
    pub opened: Opened,
    provider: ProviderRef,
    /// The client that shows the connection's certificate; made at its first use.
    identity: OnceLock<Option<Egress>>,
    /// An end of the token that the provider told when asked; not stored.
    known_end: Mutex<Option<Timestamp>>,
    loaded: Instant,
}

impl Live {
    fn new(connection: Connection, integration: Arc<Integration>, provider: ProviderRef, app: &ClientApp) -> Self {
        let own = match &connection.credentials {
            Credentials::OAuth2(OAuth2 { config_override, .. }) => config_override.as_ref(),
            Credentials::Tba(held) => held.config_override.as_ref(),
            _ => None,
        };
        let app = app.with_override(own);
        let opened = Opened::new(connection.credentials.clone());
        Self {
            connection,
            integration,
            app,
            opened,
            provider,
            identity: OnceLock::new(),
            known_end: Mutex::default(),
            loaded: Instant::now(),
        }
    }

    /// The provider.
    ///
    /// # Errors
    /// Never in practice; see [`ProviderRef::get`].
    pub fn provider(&self) -> Result<&Provider> {
        self.provider.get()
    }

    /// The credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.opened.credentials
    }

    /// What templates and token requests work with at this moment.
    ///
    /// # Errors
    /// Never in practice; see [`ProviderRef::get`].
    pub fn subject<'a>(&'a self, now: Timestamp, uuid: &'a str) -> Result<Subject<'a>> {
        Ok(Subject {
            provider: self.provider.get()?,
            app: &self.app,
            config: &self.connection.config,
            metadata: Some(&self.connection.metadata),
            now,
            uuid,
        })
    }

    /// The way out for calls of this connection.
    ///
    /// # Errors
    /// When the provider wants a client certificate and the connection's is not usable.
    pub(crate) fn egress<'a>(&'a self, app: &'a App) -> Result<&'a Egress, tenon_credentials::Error> {
        let Credentials::ClientCredentials(held) = self.credentials() else {
            return Ok(app.egress());
        };
        if let Some(known) = self.identity.get() {
            return Ok(known.as_ref().unwrap_or(app.egress()));
        }
        let found = match self.subject(app.clock().now(), "") {
            Ok(subject) => client_credentials::identity(app.egress(), &subject, held)?,
            Err(_) => None,
        };
        Ok(self.identity.get_or_init(|| found).as_ref().unwrap_or(app.egress()))
    }

    /// The connection's values.
    pub fn config(&self) -> &Map<String, Value> {
        &self.connection.config
    }

    pub(super) fn due(&self, now: Timestamp, want: Want) -> Result<Due> {
        let known_end = *self.known_end.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(due(&self.subject(now, "")?, self.credentials(), known_end, want))
    }

    pub(super) fn learn_end(&self, end: Timestamp) {
        *self.known_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }
}

/// Key under which callers ask for a connection.
type Name = (EnvironmentId, String, String);

#[derive(Default)]
struct Entries {
    by_name: HashMap<Name, Arc<Live>>,
    names: HashMap<ConnectionId, Name>,
}

/// Connections in memory, and refreshes under way.
#[derive(Default)]
pub(crate) struct State {
    entries: Mutex<Entries>,
    pub(super) flights: Flights,
    pub(crate) popups: crate::auth::Popups,
}

impl State {
    fn get(&self, name: &Name) -> Option<Arc<Live>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let live = entries.by_name.get(name)?;
        (live.loaded.elapsed() < STALE_AFTER).then(|| Arc::clone(live))
    }

    fn put(&self, name: Name, live: &Arc<Live>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.by_name.len() >= LIVE_MAX {
            entries.by_name.retain(|_, live| live.loaded.elapsed() < STALE_AFTER);
            if entries.by_name.len() >= LIVE_MAX {
                entries.by_name.clear();
            }
            let Entries { by_name, names } = &mut *entries;
            names.retain(|_, name| by_name.contains_key(name));
        }
        entries.names.insert(live.connection.id, name.clone());
        entries.by_name.insert(name, Arc::clone(live));
    }

    /// Forgets a connection that was written.
    pub(crate) fn forget(&self, id: ConnectionId) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = entries.names.remove(&id) {
            entries.by_name.remove(&name);
        }
    }

    /// Forgets everything: an integration or the catalogue changed.
    pub(crate) fn forget_all(&self) {
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }
}

/// How an answer came about that has no connection in it.
#[derive(Debug)]
pub enum LiveError {
    /// No integration has this key.
    UnknownIntegration,
    /// The integration's provider is no longer in the catalogue.
    UnknownProvider,
    /// The integration has no connection with this id.
    UnknownConnection,
    /// Credentials are due for a refresh, and that failed.
    Refresh(Arc<RefreshError>),
    /// The server failed.
    Internal(Error),
}

impl<E: Into<Error>> From<E> for LiveError {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

impl App {
    /// The connection as it is, from memory or from the store; its credentials may be due for a refresh.
    #[tenon_model::boxed]
    pub async fn find_live(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: &str,
    ) -> Result<Arc<Live>, LiveError> {
        let name = (environment, unique_key.to_owned(), connection_id.to_owned());
        if let Some(live) = self.connections_state().get(&name) {
            return Ok(live);
        }
        self.load_live(name).await
    }

    #[tenon_model::boxed]
    pub(super) async fn load_live(&self, name: Name) -> Result<Arc<Live>, LiveError> {
        let (environment, unique_key, connection_id) = &name;
        let integration = self
            .find_integration(*environment, unique_key)
            .await?
            .ok_or(LiveError::UnknownIntegration)?;
        let provider = ProviderRef::find(self, &integration.provider).ok_or(LiveError::UnknownProvider)?;
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, *environment, unique_key, connection_id).await?;
        drop(conn);
        let row = row.ok_or(LiveError::UnknownConnection)?;
        let connection = self.open_connection(row).await?;
        let app = self.client_app_in(&*self.environment(*environment).await?, &integration);
        let live = Arc::new(Live::new(connection, integration, provider, &app));
        self.connections_state().put(name, &live);
        Ok(live)
    }

    /// The connection with credentials that are good for use. Costs a look into memory when nothing is due.
    ///
    /// # Errors
    /// [`LiveError::Refresh`] when credentials are due and the provider gave no new ones; a failure less than half a
    /// minute old is not tried again.
    #[tenon_model::boxed]
    pub async fn fresh_credentials(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: &str,
    ) -> Result<Arc<Live>, LiveError> {
        let live = self.find_live(environment, unique_key, connection_id).await?;
        self.refreshed(live, Want::Good).await
    }

    /// Notes that credentials were handed out, so that the sweep leaves the connection alone.
    pub(crate) fn note_fetched(&self, live: &Live) {
        const NOTE_EVERY: Duration = Duration::from_secs(3_600);
        let now = self.clock().now();
        if live
            .connection
            .last_fetched_at
            .is_some_and(|last| now.since(last) < NOTE_EVERY)
        {
            return;
        }
        let (app, environment, id) = (self.clone(), live.connection.environment_id, live.connection.id);
        self.spawn("note the use of a connection", async move {
            let mut tx = app.store().begin().await?;
            table::touch_fetched(&mut tx, environment, id, now).await?;
            tx.commit().await?;
            app.connections_state().forget(id);
            Ok(())
        });
    }
}
