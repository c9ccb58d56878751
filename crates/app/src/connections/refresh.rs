//! Renewing credentials: once per expiry, whatever the concurrency and the number of nodes.
//!
//! Three things keep a refresh token from being used twice. On one node, callers of one connection share one *flight*.
//! Between nodes, a flight needs the connection's *lease* in the store, and re-reads the connection after it got it. And
//! the lease outlives every token request: a request has a shorter limit than the lease, so nobody else can begin while
//! one is under way.
//!
//! A flight runs beside its callers: one that hangs up does not stop it between the provider's answer and our write.
//! New credentials are written and committed before any caller sees them. A node that dies in that gap leaves its lease
//! behind; the next holder is told so, and a refusal then says what happened.
//!
//! Failures are classified. A refused grant counts, and the second one in a row ends the attempts: retrying cannot help.
//! A misconfiguration counts once a day and ends them on the fourth day. An outage never does. After each failure there
//! is half a minute of silence. A re-authorisation or a forced refresh starts over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tenon_credentials::refresh::{Due, Want};
use tenon_credentials::{Credentials, Failure, capture, oauth2, refresh as modes};
use tenon_model::{ConnectionId, Timestamp};
use tenon_store::tables::connections::errors;
use tenon_store::tables::connections::lease::{self, Acquired, Refreshed};
use tenon_store::{Dialect, Tx};
use tokio::sync::watch;

use super::live::{Live, LiveError};
use super::refresh_error::{RefreshError, after_failure};
use super::save::AUTH_ERROR;
use super::{config_place, credentials_place};
use crate::environments::Environment;
use crate::operations::{Kind, Outcome, Subject};
use crate::{App, Error, Result};

/// No attempt follows a failure for this long.
pub(super) const COOL_DOWN: Duration = Duration::from_secs(30);
/// Limit of the provider's part of a refresh.
const REQUEST_MAX: Duration = Duration::from_secs(35);
/// Life of a lease without a heartbeat: how long a node that died in a refresh keeps the others waiting.
const LEASE: Duration = Duration::from_secs(15);
/// How often the holder of a lease prolongs it while the provider thinks.
const BEAT_EVERY: Duration = Duration::from_secs(4);
/// How long a flight waits for another node's.
const WAIT_MAX: Duration = Duration::from_secs(45);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Attempts to write what the provider gave; losing it may cost the grant.
const WRITE_ATTEMPTS: u32 = 5;

type Landed = Result<Arc<Live>, Arc<RefreshError>>;
type Landing = watch::Receiver<Option<Result<Landed, String>>>;

/// Refreshes under way on this node.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Flight, Landing>>);

/// Which connection, and whether the caller insists on new credentials: a caller that does cannot be served by a flight
/// that may find nothing to do. The lease makes the second one wait for the first.
type Flight = (ConnectionId, bool);

impl Flights {
    /// Joins the flight of a connection, or starts one with `start`.
    fn join(&self, id: Flight, start: impl FnOnce(watch::Sender<Option<Result<Landed, String>>>)) -> Landing {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(landing) = flights.get(&id) {
            return landing.clone();
        }
        let (sender, landing) = watch::channel(None);
        flights.insert(id, landing.clone());
        start(sender);
        landing
    }

    fn end(&self, id: Flight) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl App {
    /// The connection with credentials that satisfy `want`.
    #[tenon_model::boxed]
    pub(crate) async fn refreshed(&self, live: Arc<Live>, want: Want) -> Result<Arc<Live>, LiveError> {
        let now = self.clock().now();
        if let Some(owner) = &live.connection.refresh.owner {
            let is_good = want == Want::Good && live.credentials().expires_at().is_none_or(|end| end > now);
            return if is_good {
                Ok(live)
            } else {
                Err(refused(RefreshError::lent(owner)))
            };
        }
        if live.due(now, want)? == Due::No {
            return Ok(live);
        }
        let id = (live.connection.id, want == Want::New);
        let mut landing = self.connections_state().flights.join(id, |sender| {
            let app = self.clone();
            self.spawn("refresh a connection", async move {
                let outcome = app.fly(live, want).await;
                app.connections_state().flights.end(id);
                let outcome = match outcome {
                    Ok(live) => Ok(Ok(live)),
                    Err(LiveError::Refresh(error)) => Ok(Err(error)),
                    Err(other) => Err(describe(other)),
                };
                // Callers may all be gone; the outcome is in the store.
                let _ = sender.send(Some(outcome));
                Ok(())
            });
        });
        let outcome = landing.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match outcome {
            Ok(Some(Ok(Ok(live)))) => Ok(live),
            Ok(Some(Ok(Err(error)))) => Err(LiveError::Refresh(error)),
            Ok(Some(Err(reason))) => Err(LiveError::Internal(Error::Internal(reason))),
            Ok(None) | Err(_) => Err(LiveError::Internal(Error::Internal(
                "a refresh ended without outcome".to_owned(),
            ))),
        }
    }

    /// One flight: decides again on what is stored, takes the lease, asks the provider, writes.
    async fn fly(&self, seen: Arc<Live>, want: Want) -> Result<Arc<Live>, LiveError> {
        let began = tokio::time::Instant::now();
        let holder = format!("{}/{}", self.settings().node, self.rng().hex(8));
        let mut live = seen;
        let renewed_before = live.connection.refresh.refreshed_at;
        loop {
            let now = self.clock().now();
            live = self.reload(&live).await?;
            // A forced refresh that finds one just made is satisfied by it.
            let want = if live.connection.refresh.refreshed_at > renewed_before {
                Want::Good
            } else {
                want
            };
            match live.due(now, want)? {
                Due::No => return Ok(live),
                Due::Ask => {
                    if let Some(end) = self.ask_end(&live, now).await? {
                        live.learn_end(end);
                        if live.due(now, want)? == Due::No {
                            return Ok(live);
                        }
                    }
                }
                Due::Yes => {}
            }
            if want == Want::Good {
                if live.connection.refresh.exhausted {
                    return Err(refused(RefreshError::exhausted(&live.connection.refresh)));
                }
                if let Some(failed_at) = live
                    .connection
                    .refresh
                    .failed_at
                    .filter(|at| now.since(*at) < COOL_DOWN)
                {
                    return Err(refused(RefreshError::backoff(failed_at)));
                }
            }
            match self.take_lease(&live, &holder, now).await? {
                Acquired::Fresh => return self.renew(live, &holder, false).await,
                Acquired::AfterLost => {
                    tracing::warn!(connection.id = %live.connection.id, "a refresh was interrupted before its result was stored");
                    return self.renew(live, &holder, true).await;
                }
                Acquired::No if began.elapsed() > WAIT_MAX => {
                    return Err(refused(RefreshError {
                        code: "refresh_token_external_error",
                        status: 424,
                        message: "Another node is refreshing this connection and takes too long; try again".to_owned(),
                        payload: json!({ "failure": Failure::Transient.as_str() }),
                    }));
                }
                Acquired::No => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn reload(&self, live: &Live) -> Result<Arc<Live>, LiveError> {
        let connection = &live.connection;
        self.connections_state().forget(connection.id);
        let name = (
            connection.environment_id,
            connection.unique_key.clone(),
            connection.connection_id.clone(),
        );
        self.load_live(name).await
    }

    async fn take_lease(&self, live: &Live, holder: &str, now: Timestamp) -> Result<Acquired> {
        let connection = &live.connection;
        let mut tx = self.store().begin().await?;
        let until = now.plus(LEASE);
        let (environment, id, version) = (connection.environment_id, connection.id, connection.version);
        let acquired = lease::acquire(&mut tx, environment, id, version, holder, now, until).await?;
        tx.commit().await?;
        Ok(acquired)
    }

    /// Asks the provider until when a token of unknown life is good. What cannot be asked counts as ended.
    async fn ask_end(&self, live: &Live, now: Timestamp) -> Result<Option<Timestamp>> {
        let Some(token) = live.credentials().token() else {
            return Ok(None);
        };
        let uuid = self.rng().uuid_v4().to_string();
        let answer = oauth2::introspect(self.egress(), &live.subject(now, &uuid)?, token).await;
        Ok(answer.unwrap_or_else(|error| {
            tracing::info!(connection.id = %live.connection.id, %error, "the provider did not tell how long a token lives");
            None
        }))
    }

    async fn renew(&self, live: Arc<Live>, holder: &str, after_lost: bool) -> Result<Arc<Live>, LiveError> {
        let uuid = self.rng().uuid_v4().to_string();
        let now = self.clock().now();
        let subject = live.subject(now, &uuid)?;
        let request = modes::refresh(self.egress(), &subject, live.credentials(), self.rng());
        let request = tokio::time::timeout(REQUEST_MAX, self.while_prolonged(&live, holder, request));
        let answer = match request.await {
            Ok(answer) => answer,
            Err(_) => Err(tenon_credentials::Error::Unreachable {
                what: "refresh",
                source: tenon_egress::Error::Timeout {
                    host: "the provider".to_owned(),
                    stage: "renewing credentials",
                },
            }),
        };
        match answer {
            Ok(fresh) => {
                let config = values_after(&subject, &fresh);
                let stored = self.store_renewed(&live, holder, &fresh, config.as_ref()).await?;
                if !stored {
                    tracing::warn!(connection.id = %live.connection.id, "a connection was authorised again or removed during its refresh; the refresh is dropped");
                }
                if stored {
                    self.renew_side_token(&live, &fresh).await?;
                }
                let connection = &live.connection;
                let log = Subject::titled(format!("Renew the credentials of {}", connection.connection_id))
                    .integration(&connection.unique_key, &connection.provider)
                    .connection(&connection.connection_id);
                self.operations()
                    .start(connection.environment_id, Kind::Auth, "refresh", log)
                    .finish(Outcome::Success);
                self.reload(&live).await
            }
            Err(error) => {
                let mut refused_by = RefreshError::of(live.credentials(), &error, after_lost);
                if error.failure() == Failure::InvalidGrant {
                    // What the catalogue knows of the vendor often names the cause: tokens of test apps that die early.
                    for note in &subject.provider.notes {
                        refused_by.message.push_str(&format!(". Note: {note}"));
                    }
                }
                tracing::warn!(connection.id = %live.connection.id, provider = %live.connection.provider, failure = error.failure().as_str(), %error, "credentials could not be renewed");
                self.store_failure(&live, Some(holder), error.failure(), &refused_by)
                    .await?;
                Err(refused(refused_by))
            }
        }
    }

    /// Does `work` and keeps the lease alive meanwhile.
    async fn while_prolonged<T>(&self, live: &Live, holder: &str, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(BEAT_EVERY, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => {
                    if let Err(error) = self.prolong_lease(live, holder).await {
                        tracing::warn!(connection.id = %live.connection.id, ?error, "the lease of a refresh could not be prolonged");
                    }
                }
            }
        }
    }

    async fn prolong_lease(&self, live: &Live, holder: &str) -> Result<()> {
        let (environment, id) = (live.connection.environment_id, live.connection.id);
        let until = self.clock().now().plus(LEASE);
        let mut tx = self.store().begin().await?;
        lease::extend(&mut tx, environment, id, holder, until).await?;
        Ok(tx.commit().await?)
    }

    /// Ends what a former process left half done. Only one process can have a SQLite file, so whoever holds a lease of it
    /// is dead; on PostgreSQL the leases of the dead run out.
    #[tenon_model::boxed]
    pub async fn end_dead_refreshes(&self) -> Result<()> {
        if self.store().dialect() == Dialect::Sqlite {
            let mut tx = self.store().begin().await?;
            lease::end_all(&mut tx, self.clock().now()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Renews the token that lies beside the first, once the first is stored: nothing may stand between a rotated
    /// refresh token and its write. The new credentials count without it, so a failure is only noted.
    async fn renew_side_token(&self, live: &Live, fresh: &Credentials) -> Result<()> {
        let Credentials::OAuth2(held) = fresh else {
            return Ok(());
        };
        let uuid = self.rng().uuid_v4().to_string();
        let subject = live.subject(self.clock().now(), &uuid)?;
        let found = match oauth2::side_token::obtain(self.egress(), &subject, held).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(connection.id = %live.connection.id, %error, "the second token of a connection was not renewed");
                return Ok(());
            }
        };
        let mut config = values_after(&subject, fresh).unwrap_or_else(|| subject.config.clone());
        if capture::merge(&mut config, found.into_iter().collect()) {
            let connection = &live.connection;
            self.write_connection_config(connection.environment_id, connection.id, Value::Object(config))
                .await?;
        }
        Ok(())
    }

    /// Writes new credentials. Tried several times: what the provider just gave may be the only key that is left.
    async fn store_renewed(
        &self,
        live: &Live,
        holder: &str,
        fresh: &Credentials,
        config: Option<&Map<String, Value>>,
    ) -> Result<bool> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.try_store_renewed(live, holder, fresh, config).await {
                Ok(stored) => return Ok(stored),
                Err(error) if attempt < WRITE_ATTEMPTS => {
                    tracing::error!(connection.id = %live.connection.id, ?error, "renewed credentials could not be stored; trying again");
                    tokio::time::sleep(Duration::from_millis(100) * attempt).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_store_renewed(
        &self,
        live: &Live,
        holder: &str,
        fresh: &Credentials,
        config: Option<&Map<String, Value>>,
    ) -> Result<bool> {
        let (environment, id) = (live.connection.environment_id, live.connection.id);
        let plain = fresh
            .to_sealable()
            .map_err(|_| Error::Internal("credentials cannot be written".to_owned()))?;
        // Before the transaction: whoever holds a connection of the store must not wait for another one.
        let owner = self.environment(environment).await?;
        let mut tx = self.store().begin().await?;
        let vault = self.vault_in(&mut tx, environment).await?;
        let sealed = vault.seal(&credentials_place(environment, id), &plain);
        let config = match config {
            Some(config) => {
                let plain = serde_json::to_vec(config)
                    .map_err(|_| Error::Internal("a configuration cannot be written".to_owned()))?;
                Some(vault.seal(&config_place(environment, id), &plain))
            }
            None => None,
        };
        let refreshed = Refreshed {
            credentials: &sealed,
            connection_config: config.as_deref(),
            expires_at: fresh.expires_at(),
            now: self.clock().now(),
        };
        let stored = lease::store_refreshed(&mut tx, environment, id, holder, &refreshed).await?;
        if stored {
            self.note_recovery(&mut tx, &owner, live).await?;
        }
        tx.signal("connections", &id.to_string());
        tx.commit().await?;
        self.connections_state().forget(id);
        Ok(stored)
    }

    /// Removes the mark of a failure and tells that the credentials work again, if they did not.
    async fn note_recovery(&self, tx: &mut Tx, environment: &Environment, live: &Live) -> Result<()> {
        let connection = &live.connection;
        errors::clear(tx, connection.environment_id, connection.id, AUTH_ERROR, "").await?;
        if connection.refresh.failed_at.is_some() {
            self.emit_refresh(tx, environment, live, None).await?;
        }
        Ok(())
    }

    /// Writes that a credential test which had failed is passed again.
    #[tenon_model::boxed]
    pub(super) async fn store_test_passed(&self, live: &Live) -> Result<()> {
        let environment = self.environment(live.connection.environment_id).await?;
        let id = live.connection.id;
        let mut tx = self.store().begin().await?;
        lease::store_test_passed(&mut tx, environment.id, id).await?;
        self.note_recovery(&mut tx, &environment, live).await?;
        tx.signal("connections", &id.to_string());
        tx.commit().await?;
        self.connections_state().forget(id);
        Ok(())
    }

    /// Writes a failure, marks the connection, and tells who wants to know. Without a holder the failure is that of a
    /// credential test.
    #[tenon_model::boxed]
    pub(super) async fn store_failure(
        &self,
        live: &Live,
        holder: Option<&str>,
        failure: Failure,
        error: &RefreshError,
    ) -> Result<()> {
        let connection = &live.connection;
        let (environment_id, id) = (connection.environment_id, connection.id);
        let now = self.clock().now();
        let (failures, exhausted) = after_failure(&connection.refresh, failure, now);
        let environment = self.environment(environment_id).await?;
        let subject = Subject::titled(format!("Renew the credentials of {}", connection.connection_id))
            .integration(&connection.unique_key, &connection.provider)
            .connection(&connection.connection_id)
            .meta(error.payload.clone());
        let operation = self.operations().start(environment_id, Kind::Auth, "refresh", subject);
        operation.finish(Outcome::failed(error.code, error.message.clone()));
        let log_id = operation.id().to_string();
        let mut tx = self.store().begin().await?;
        let code = failure.as_str();
        let noted = match holder {
            Some(holder) => {
                lease::store_failure(&mut tx, environment_id, id, holder, failures, exhausted, code, now).await?
            }
            None => {
                lease::store_test_failure(&mut tx, environment_id, id, failures, exhausted, code, now).await?;
                true
            }
        };
        if noted {
            errors::set(&mut tx, environment_id, id, AUTH_ERROR, "", &log_id, now).await?;
            self.emit_refresh(&mut tx, &environment, live, Some(error)).await?;
        }
        tx.signal("connections", &id.to_string());
        tx.commit().await?;
        self.connections_state().forget(id);
        Ok(())
    }
}

fn refused(error: RefreshError) -> LiveError {
    LiveError::Refresh(Arc::new(error))
}

fn describe(error: LiveError) -> String {
    match error {
        LiveError::UnknownIntegration | LiveError::UnknownProvider | LiveError::UnknownConnection => {
            "the connection was removed during its refresh".to_owned()
        }
        LiveError::Refresh(error) => error.message.clone(),
        LiveError::Internal(error) => format!("a refresh failed inside the server: {error:?}"),
    }
}

/// The connection's values after a refresh, when what the entry keeps of the reply changed them.
fn values_after(subject: &tenon_credentials::Subject<'_>, fresh: &Credentials) -> Option<Map<String, Value>> {
    let Credentials::OAuth2(held) = fresh else {
        return None;
    };
    let found = oauth2::captured(&subject.provider.captures.refresh_reply, held.raw.expose());
    let mut config = subject.config.clone();
    capture::merge(&mut config, found.into_iter().collect()).then_some(config)
}
