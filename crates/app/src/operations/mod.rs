//! The operations log: what happened, told so that a person or a program can repair it.
//!
//! One *operation* is one thing somebody asked for or that the platform did by itself (an OAuth step, a refresh, a proxy
//! call, a run, a webhook), with its *messages* (log lines of functions, HTTP exchanges). Nobody waits for the disk:
//! entries go to a bounded buffer that a background task writes in batches ([`Operations`]). When the buffer is full,
//! messages are dropped first and counted, so that logging can never slow down or stop what it describes.
//!
//! Nothing that looks like a secret is kept: header values, members of bodies and query parameters are redacted by their
//! names ([`redact`]), and callers can name values that must not appear at all ([`HttpExchange::secrets`]).

mod buffer;
mod capture;
mod handle;
mod read;
pub mod redact;
mod retention;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;
use tenon_model::{Clock, EnvironmentId, OperationId, Timestamp};
use tenon_store::Store;

use buffer::Shared;
pub use capture::{BODY_BYTES_MAX, HttpExchange};
pub use handle::OperationHandle;
pub use read::{LogQuery, message_json, operation_json};

use crate::App;

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Making, refreshing and testing connections.
    Auth,
    /// A proxy call.
    Proxy,
    /// A run of a sync.
    Sync,
    /// A run of an action.
    Action,
    /// A run of an on-event function.
    OnEvent,
    /// A webhook, received or sent.
    Webhook,
    /// A deploy.
    Deploy,
}

impl Kind {
    /// The name that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Proxy => "proxy",
            Self::Sync => "sync",
            Self::Action => "action",
            Self::OnEvent => "on-event",
            Self::Webhook => "webhook",
            Self::Deploy => "deploy",
        }
    }

    /// All names, for validation.
    pub const NAMES: [&'static str; 7] = ["auth", "proxy", "sync", "action", "on-event", "webhook", "deploy"];
}

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Of interest while developing.
    Debug,
    /// Ordinary course of events.
    Info,
    /// Unexpected and survived.
    Warn,
    /// The reason of a failure.
    Error,
}

impl Level {
    /// The name that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Reads a level of the function SDK; unknown ones count as `info`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "debug" | "verbose" | "silly" => Self::Debug,
            "warn" | "warning" => Self::Warn,
            "error" => Self::Error,
            _ => Self::Info,
        }
    }
}

/// What an operation is about, in the words of the product.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// One line for people.
    pub title: String,
    /// The integration's key.
    pub integration: Option<String>,
    /// The integration's provider.
    pub provider: Option<String>,
    /// The connection's id as callers use it.
    pub connection: Option<String>,
    /// Function name, with `::variant` when it is not the base.
    pub function: Option<String>,
    /// Further facts, a JSON object.
    pub meta: Option<Value>,
}

impl Subject {
    /// A subject with a title only.
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Names the integration and its provider.
    #[must_use]
    pub fn integration(mut self, key: impl Into<String>, provider: impl Into<String>) -> Self {
        self.integration = Some(key.into());
        self.provider = Some(provider.into());
        self
    }

    /// Names the connection.
    #[must_use]
    pub fn connection(mut self, id: impl Into<String>) -> Self {
        self.connection = Some(id.into());
        self
    }

    /// Names the function.
    #[must_use]
    pub fn function(mut self, name: impl Into<String>) -> Self {
        self.function = Some(name.into());
        self
    }

    /// Adds further facts.
    #[must_use]
    pub fn meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As wanted.
    Success,
    /// Not as wanted: a stable code and a sentence that names what to do.
    Failed {
        /// Stable code for programs.
        code: String,
        /// Sentence for people.
        message: String,
    },
    /// A time limit passed.
    Timeout {
        /// Sentence for people.
        message: String,
    },
    /// Somebody stopped it.
    Cancelled {
        /// Sentence for people.
        message: String,
    },
    /// Not over: it goes on later.
    Waiting {
        /// For what.
        message: String,
    },
}

impl Outcome {
    /// A failure.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed {
            code: code.into(),
            message: message.into(),
        }
    }

    /// The outcome of a verb: what its error tells the caller, or `internal_error` for what it does not.
    pub fn of<T>(result: &crate::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(error) => match error.refusal() {
                Some(refusal) => Self::failed(&refusal.code, refusal.message.clone().unwrap_or_default()),
                None => Self::failed("internal_error", error.to_string()),
            },
        }
    }
}

/// The log. Cheap to clone; one per [`App`].
#[derive(Clone)]
pub struct Operations(Arc<Shared>);

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}

impl Operations {
    /// A log that writes to `store`. Nothing is written before [`Operations::run`] or [`Operations::flush`].
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, node: &str) -> Self {
        Self(Arc::new(Shared::new(store, clock, node)))
    }

    /// Begins an operation. Dropping the handle without [`OperationHandle::finish`] ends it as cancelled.
    pub fn start(
        &self,
        environment: EnvironmentId,
        kind: Kind,
        action: &'static str,
        subject: Subject,
    ) -> OperationHandle {
        let (id, now) = self.0.next_id();
        // A proxy call is over in no time and there are many: it appears when it has ended.
        let announce = kind != Kind::Proxy;
        OperationHandle::begin(
            Arc::clone(&self.0),
            id,
            now,
            environment,
            kind,
            action,
            subject,
            announce,
        )
    }

    /// Goes on with an operation that this or another node began, for example a delivery that is tried again.
    ///
    /// `sequence` is where the numbers of its messages go on; the subject must be the one it began with.
    #[expect(clippy::too_many_arguments, reason = "the identity of an operation, all of it")]
    pub fn resume(
        &self,
        id: &OperationId,
        created_at: Timestamp,
        sequence: i64,
        environment: EnvironmentId,
        kind: Kind,
        action: &'static str,
        subject: Subject,
    ) -> OperationHandle {
        let id = parse_id(&id.0).unwrap_or_else(|| self.0.next_id().0);
        let handle = OperationHandle::begin(
            Arc::clone(&self.0),
            id,
            created_at,
            environment,
            kind,
            action,
            subject,
            true,
        );
        handle.skip_to(sequence);
        handle
    }

    /// An id for an operation that begins later, with [`Operations::resume`].
    pub fn reserve(&self) -> OperationId {
        OperationId(format_id(self.0.next_id().0))
    }

    /// Writes what is buffered now; for tests and shutdown.
    #[tenon_model::boxed]
    pub async fn flush(&self) -> crate::Result<()> {
        self.0.flush().await
    }

    /// Entries that were dropped because the buffer was full, since the start of the process.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// Writes batches until `stop` is cancelled, and once more then.
    #[tenon_model::boxed]
    pub(crate) async fn run(&self, stop: tokio_util::sync::CancellationToken) {
        self.0.run(stop).await;
    }

    pub(crate) fn node(&self) -> u16 {
        self.0.node()
    }
}

/// Starts writing, tidying up after a former process, and forgetting what is old.
pub(crate) fn start(app: &App) {
    let (log, stop) = (app.operations().clone(), app.shutdown_token().clone());
    app.spawn("write operations", async move {
        log.run(stop).await;
        Ok(())
    });
    let (services, started) = (app.clone(), app.clock().now());
    app.spawn("keep the operations log in order", async move {
        services.end_abandoned_operations(started).await?;
        services.retain_operations().await;
        Ok(())
    });
}

/// Digits of an id as text: Crockford's base 32, so that texts sort like numbers.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The text form of an id.
pub fn format_id(id: i64) -> String {
    let mut text = [b'0'; 13];
    let mut rest = id;
    for place in text.iter_mut().rev() {
        // The mask keeps the index inside the 32 digits.
        *place = DIGITS[(rest & 31) as usize];
        rest >>= 5;
    }
    text.iter().map(|&byte| char::from(byte)).collect()
}

/// Reads the text form of an id.
pub fn parse_id(text: &str) -> Option<i64> {
    if text.len() != 13 {
        return None;
    }
    let mut id: i64 = 0;
    for byte in text.bytes() {
        let digit = DIGITS.iter().position(|&known| known == byte.to_ascii_lowercase())?;
        id = id.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)?;
    }
    Some(id)
}
