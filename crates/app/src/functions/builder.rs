//! Making functions from their source, on the server.
//!
//! The compiler is not a part of this crate: whoever joins the parts hands in a [`Builder`]. Builds are few at a time, and
//! those that wait too long are refused, so that a burst of sources cannot take the server's cores from its runs.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regex::{Captures, Regex};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::FunctionKind;
use super::remote::Shown;
use crate::{App, Error, Result};

/// Largest source of one function in bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// Builds at the same time on one node.
const BUILDS_MAX: usize = 2;
/// How long a build waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Dry runs at the same time on one node.
const RUNS_MAX: usize = 8;
/// Background jobs that are accepted and not ended, on one node.
const JOBS_MAX: usize = 64;
/// Characters of a message.
const MESSAGE_MAX: usize = 20_000;

/// The source of one function, and under which names to compile it.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// On whose behalf the bundle is evaluated.
    pub tenant: String,
    /// Key of the integration.
    pub integration: String,
    /// Name of the function.
    pub name: String,
    /// TypeScript.
    pub code: String,
}

/// A compiled function.
#[derive(Debug, Clone)]
pub struct Built {
    /// The bundle.
    pub js: String,
    /// What it is; `None` for kinds that cannot be deployed.
    pub kind: Option<FunctionKind>,
    /// Its member of `flowConfigs`; only for syncs and actions.
    pub flow: Option<Value>,
    /// Warnings, for people.
    pub warnings: String,
}

/// Why there is no function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The source is wrong; the text says where and why.
    #[error("{0}")]
    Refused(String),
    /// It took too long.
    #[error("the build took too long")]
    TimedOut,
    /// The compiler could not be run.
    #[error("the compiler could not be run: {0}")]
    Unavailable(String),
}

/// Compiles functions. The source is untrusted: implementations bound time and memory and survive any text.
#[async_trait::async_trait]
pub trait Builder: Send + Sync {
    /// Compiles one self-contained function.
    async fn compile(&self, request: &BuildRequest) -> Result<Built, BuildError>;
}

/// The builder with its turns.
pub(crate) struct Workshop {
    builder: Option<Arc<dyn Builder>>,
    builds: Semaphore,
    pub(super) runs: Semaphore,
    jobs: Arc<Semaphore>,
    pub(super) templates: Shown,
}

impl Workshop {
    pub(crate) fn new(builder: Option<Arc<dyn Builder>>) -> Self {
        Self {
            builder,
            builds: Semaphore::new(BUILDS_MAX),
            runs: Semaphore::new(RUNS_MAX),
            jobs: Arc::new(Semaphore::new(JOBS_MAX)),
            templates: Shown::default(),
        }
    }

    /// Refuses when this server has no compiler.
    pub(super) fn builder(&self) -> Result<&Arc<dyn Builder>> {
        self.builder
            .as_ref()
            .ok_or_else(|| unavailable("This server has no compiler; use `tenon deploy` in a project"))
    }

    /// A place among the background jobs.
    pub(super) fn accept(&self) -> Result<OwnedSemaphorePermit> {
        self.builder()?;
        Arc::clone(&self.jobs)
            .try_acquire_owned()
            .map_err(|_| unavailable("Too many dry runs and deployments are under way; try again in a moment"))
    }
}

fn unavailable(message: &str) -> Error {
    Error::refuse(503, "execution_environment_unavailable").message(message)
}

impl App {
    /// Compiles one function in its turn.
    #[tenon_model::boxed]
    pub(super) async fn build(&self, request: &BuildRequest) -> Result<Built> {
        let builder = Arc::clone(self.workshop().builder()?);
        let turn = tokio::time::timeout(PATIENCE, self.workshop().builds.acquire());
        let Ok(Ok(_turn)) = turn.await else {
            return Err(unavailable("The compiler is busy; try again in a moment"));
        };
        builder.compile(request).await.map_err(|error| match error {
            BuildError::Refused(text) => Error::refuse(400, "compilation_error").message(sanitised(&text)),
            BuildError::TimedOut => {
                Error::refuse(504, "timeout").message("The function could not be compiled in time; make it smaller")
            }
            BuildError::Unavailable(reason) => {
                tracing::error!(reason, "the compiler could not be run");
                unavailable("The compiler could not be run; the server's log says why")
            }
        })
    }
}

/// Absolute paths with at least two segments, and what stands before them.
#[expect(clippy::expect_used, reason = "a constant expression, compiled by the tests")]
static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(^|[\s"'`(\[=,:])(?:/[\w.@+~-]+){2,}/?"#).expect("constant expression"));

#[expect(clippy::expect_used, reason = "a constant expression, compiled by the tests")]
static ORIGIN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"https?://[^\s/"'`)]+"#).expect("constant expression"));

/// The text without what tells about this machine, and not longer than a caller gets. Lines of a code frame are the
/// caller's own source and stay.
pub(super) fn sanitised(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MESSAGE_MAX));
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let frame = line
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
            .starts_with('|');
        if frame {
            out.push_str(line);
            continue;
        }
        let line = PATH.replace_all(line, |found: &Captures<'_>| format!("{}<path>", &found[1]));
        out.push_str(&ORIGIN.replace_all(&line, ""));
    }
    match out.char_indices().nth(MESSAGE_MAX) {
        Some((at, _)) => {
            out.truncate(at);
            out
        }
        None => out,
    }
}

#[cfg(test)]
mod tests;
