//! The call itself: attempts, the waits between them, and credentials that are renewed on the way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tenon_credentials::refresh::{Want, can_refresh};
use tenon_egress::Error as EgressError;
use tenon_egress::governor::{Key, Refusal};
use tenon_model::EnvironmentId;
use tokio::time::Instant;

use super::attempt::{Attempt, Plan, not_allowed};
use super::call::{CallBody, Outcome, ProxyCall};
use super::limits::{counts_at_once, covering};
use super::log::{CallLog, Sent};
use super::retry::{self, Answer, Rules};
use crate::connections::Live;
use crate::connections::live::LiveError;
use crate::operations::BODY_BYTES_MAX;
use crate::{App, Caller, Error, Result};

/// How much of a failed answer is read to find out how long to wait.
const HINT_BYTES_MAX: usize = 256 * 1024;
/// Credentials younger than this are not renewed because a provider refuses them: something else is wrong.
const YOUNG: Duration = Duration::from_secs(60);

impl App {
    /// Calls a provider with the credentials of a connection. The outer result is ours (unknown connection, no base
    /// URL, no room in the quota); the outcome is the provider's, whatever its status.
    ///
    /// # Errors
    /// The refusals of the public contract for `/proxy`.
    #[tenon_model::boxed]
    pub async fn proxy(&self, caller: &Caller, mut call: ProxyCall) -> Result<Outcome> {
        caller.require("environment:proxy")?;
        let environment = caller.environment()?.id;
        let log = CallLog::start(self, environment, &call);
        let body = std::mem::take(&mut call.body);
        let result = Run::begin(self, environment, &call, body, &log).await;
        let result = match result {
            Ok(run) => run.complete().await,
            Err(error) => Err(error),
        };
        log.finish(&result);
        result
    }

    /// The connection of a call with credentials that are good for use.
    async fn usable(&self, environment: EnvironmentId, call: &ProxyCall) -> Result<Arc<Live>> {
        self.fresh_credentials(environment, &call.integration, &call.connection)
            .await
            .map_err(|error| refuse(error, call))
    }
}

/// One call under way.
struct Run<'r> {
    app: &'r App,
    environment: EnvironmentId,
    call: &'r ProxyCall,
    log: &'r CallLog,
    plan: Plan<'r>,
    live: Arc<Live>,
    /// Attempts so far.
    number: u32,
    /// Retries so far.
    spent: u32,
    /// Whether credentials were renewed because the provider refused them.
    renewed: bool,
    /// Version of the connection that was refused last.
    refused: Option<i64>,
}

impl<'r> Run<'r> {
    async fn begin(
        app: &'r App,
        environment: EnvironmentId,
        call: &'r ProxyCall,
        body: CallBody,
        log: &'r CallLog,
    ) -> Result<Self> {
        let live = app.usable(environment, call).await?;
        app.note_fetched(&live);
        let plan = Plan::new(app, &live, call, body)?;
        Ok(Self {
            app,
            environment,
            call,
            log,
            plan,
            live,
            number: 0,
            spent: 0,
            renewed: false,
            refused: None,
        })
    }

    async fn complete(mut self) -> Result<Outcome> {
        loop {
            self.number += 1;
            let (outcome, hint) = self.exchange().await?;
            if let Some(renewed) = self.renew_after(outcome.status()).await {
                self.log
                    .note("the provider refused the credentials; trying once more with renewed ones".to_owned());
                self.live = renewed;
                continue;
            }
            let Some(wait) = self.next_wait(&outcome, &hint) else {
                return Ok(outcome);
            };
            drop(outcome);
            tokio::time::sleep(wait).await;
            self.live = self.app.usable(self.environment, self.call).await?;
        }
    }

    /// One attempt. With it what was read of an answer that tells of a failure.
    async fn exchange(&mut self) -> Result<(Outcome, Bytes)> {
        let Attempt { request, path, secrets } = self.plan.attempt(self.app, &self.live)?;
        let proxy = self.app.proxy_state();
        let provider = self.live.provider()?;
        let rules = proxy.rules(provider);
        let covering = covering(&provider.quotas, self.call.method.as_str(), &path);
        let key = Key {
            integration: self.live.integration.id.0,
            connection: self.live.connection.id.0,
        };
        let mut ticket = proxy
            .governor
            .admit(key, &rules, covering, &path, self.call.patience)
            .await
            .map_err(no_room)?;
        self.log.held_back(ticket.waited());
        let started = Instant::now();
        let mut sent = Sent {
            method: request.method.to_string(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: self.plan.body.bytes.clone(),
            secrets,
            number: self.number,
            took: Duration::ZERO,
        };
        let egress = self.live.egress(self.app).map_err(super::attempt::refuse)?;
        let answered = egress.send(request).await;
        sent.took = started.elapsed();
        let failed = match answered {
            Ok(mut response) => {
                ticket.observe(response.status, &response.headers);
                if counts_at_once(&rules, covering) {
                    response.body.keep(ticket);
                }
                let read = if response.status.as_u16() < 400 {
                    Ok(Bytes::new())
                } else {
                    let limit = if self.rules()?.needs_body() {
                        HINT_BYTES_MAX
                    } else {
                        BODY_BYTES_MAX
                    };
                    response.peek(limit).await
                };
                match read {
                    Ok(hint) => {
                        self.log.answered(&sent, &response, &hint);
                        return Ok((Outcome::Answered(Box::new(response)), hint));
                    }
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        self.log.failed(&sent, &failed);
        match failed {
            EgressError::Refused { .. } => Err(not_allowed(failed)),
            failed => Ok((Outcome::Failed(failed), Bytes::new())),
        }
    }

    fn rules(&self) -> Result<Rules<'_>> {
        Ok(Rules {
            provider: self.live.provider()?.api.as_ref().map(|api| &api.retry),
            retry_on: &self.call.retry_on,
            own_at: &self.call.retry_at,
            own_after: &self.call.retry_after,
        })
    }

    /// New credentials after a refusal, if that can help: once per call, not for credentials that are new already.
    async fn renew_after(&mut self, status: Option<StatusCode>) -> Option<Arc<Live>> {
        if status != Some(StatusCode::UNAUTHORIZED) || self.renewed || !self.plan.repeatable() {
            return None;
        }
        let now = self.app.clock().now();
        let used = self.live.connection.version;
        // Somebody else may have renewed them while we were on our way.
        let known = self
            .app
            .find_live(self.environment, &self.call.integration, &self.call.connection)
            .await
            .ok()?;
        let fresh = if known.connection.version != used {
            known
        } else {
            let since = known
                .connection
                .refresh
                .refreshed_at
                .unwrap_or(known.connection.created_at);
            let subject = known.subject(now, "").ok()?;
            if now.since(since) < YOUNG || !can_refresh(&subject, known.credentials()) {
                return None;
            }
            self.app.refreshed(known, Want::New).await.ok()?
        };
        self.renewed = true;
        (fresh.connection.version != used).then_some(fresh)
    }

    /// How long to wait before the next attempt; none when this outcome is the last word.
    fn next_wait(&mut self, outcome: &Outcome, hint: &[u8]) -> Option<Duration> {
        if self.spent >= self.call.retries || !self.plan.repeatable() {
            return None;
        }
        let (what, wait) = match outcome {
            Outcome::Failed(error) => {
                let wait = retry::retries_code(error.code()).then(|| retry::pause(self.spent + 1));
                (error.code().to_owned(), wait)
            }
            Outcome::Answered(response) => {
                let answer = Answer {
                    status: response.status.as_u16(),
                    headers: &response.headers,
                    body: hint,
                };
                let rules = self.rules().ok()?;
                let unchanged = answer.status == 401 && self.refused == Some(self.live.connection.version);
                let wait = (rules.retries(&answer) && !unchanged)
                    .then(|| rules.wait(&answer, self.spent + 1, self.app.clock().now()));
                (format!("status {}", answer.status), wait)
            }
        };
        if outcome.status() == Some(StatusCode::UNAUTHORIZED) {
            self.refused = Some(self.live.connection.version);
        }
        match wait {
            Some(wait) => {
                self.spent += 1;
                let (spent, all) = (self.spent, self.call.retries);
                self.log
                    .note(format!("{what}: retry {spent} of {all} in {} ms", wait.as_millis()));
            }
            None if outcome.status().is_some_and(|status| status.as_u16() < 400) => {}
            None => self.log.note(format!("{what}: not worth a retry")),
        }
        wait
    }
}

/// Why there is no connection to call with.
fn refuse(error: LiveError, call: &ProxyCall) -> Error {
    match error {
        LiveError::UnknownIntegration => Error::refuse(404, "unknown_provider_config")
            .message(format!("There is no integration with the key {}", call.integration)),
        LiveError::UnknownProvider => Error::refuse(400, "unknown_provider").message(format!(
            "The provider of the integration {} is not in the catalogue",
            call.integration
        )),
        LiveError::UnknownConnection => Error::refuse(400, "server_error").message("Failed to get connection"),
        LiveError::Refresh(error) => {
            let code = match error.code {
                code @ ("connection_refresh_backoff" | "connection_refresh_exhausted") => code,
                _ => "server_error",
            };
            Error::refuse(error.status, code)
                .message(error.message.clone())
                .payload(error.payload.clone())
        }
        LiveError::Internal(error) => error,
    }
}

/// The provider's quota is used up.
fn no_room(refusal: Refusal) -> Error {
    let error = Error::refuse(429, "provider_rate_limited");
    match refusal {
        Refusal::TooLong { wait } => error
            .message(format!(
                "The call was not made: the provider's quota has no room for another {} seconds",
                wait.as_secs_f64().ceil()
            ))
            .payload(serde_json::json!({ "retry_after_ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) })),
        Refusal::QueueFull { waiting } => error.message(format!(
            "The call was not made: {waiting} calls of this connection wait for the provider's quota already"
        )),
    }
}
