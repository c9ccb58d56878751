//! The remote builder's compiler: one process per build.
//!
//! A source is untrusted, and a parser can be driven out of its stack or kept busy by one. In a process of its own that
//! ends one build and nothing else, and a build that takes too long can be ended. The process has an empty environment; it
//! asks the server to evaluate the bundle in the sandbox of runs.

mod message;
pub mod worker;

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tenon_app::functions::FunctionKind;
use tenon_app::functions::builder::{BuildError, BuildRequest, Builder, Built};
use tenon_compiler::{Thrown, hash, thrown};
use tenon_runtime::{Code, Runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use message::{Answer, Order, Question};

/// Most bytes that a build may answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Compiles in child processes of this program.
pub struct ChildBuilder {
    program: PathBuf,
    runtime: Runtime,
    within: Duration,
}

impl ChildBuilder {
    /// Evaluates with the workers of `runtime`; a build that takes longer than `within` is ended.
    pub fn new(runtime: Runtime, within: Duration) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            runtime,
            within,
        })
    }

    async fn talk(&self, request: &BuildRequest) -> Result<Built, BuildError> {
        let broken = |what: &str, error: &dyn std::fmt::Display| BuildError::Unavailable(format!("{what}: {error}"));
        let mut child = Command::new(&self.program)
            .arg("build-worker")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("its process cannot be started", &error))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(BuildError::Unavailable("its process has no pipes".to_owned()));
        };
        let order = Order {
            integration: request.integration.clone(),
            name: request.name.clone(),
            code: request.code.clone(),
        };
        // A process that ended cannot be written to; the missing answer below tells why.
        let _ = stdin.write_all(&message::line(&order)).await;
        let mut lines = BufReader::new(stdout.take(ANSWER_BYTES_MAX));
        loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).await;
            let read = read.map_err(|error| broken("its answer cannot be read", &error))?;
            if read == 0 {
                return Err(BuildError::Refused(
                    "The compiler gave up on this source; it is nested too deeply or its bundle is too large"
                        .to_owned(),
                ));
            }
            let answer = serde_json::from_str(&line).map_err(|error| broken("its answer is not readable", &error))?;
            match answer {
                Question::Evaluate(js) => {
                    let evaluated = self.evaluate(request, js).await;
                    let _ = stdin.write_all(&message::line(&evaluated)).await;
                }
                Question::Finished(answer) => return built(*answer),
            }
        }
    }

    async fn evaluate(&self, request: &BuildRequest, js: String) -> Result<String, Thrown> {
        let code = Arc::new(Code {
            hash: hash(&js),
            js,
            filename: format!("{}-{}.cjs", request.name, request.integration),
        });
        self.runtime
            .evaluate_definition(&request.tenant, code, &request.integration, &request.name)
            .await
            .map_err(thrown)
    }
}

fn built(answer: Answer) -> Result<Built, BuildError> {
    let Answer {
        js,
        kind,
        flow,
        messages,
    } = answer;
    match js {
        None => Err(BuildError::Refused(messages)),
        Some(js) => Ok(Built {
            js,
            kind: kind.as_deref().and_then(FunctionKind::parse),
            flow,
            warnings: messages,
        }),
    }
}

#[async_trait::async_trait]
impl Builder for ChildBuilder {
    async fn compile(&self, request: &BuildRequest) -> Result<Built, BuildError> {
        tokio::time::timeout(self.within, self.talk(request))
            .await
            .unwrap_or(Err(BuildError::TimedOut))
    }
}
