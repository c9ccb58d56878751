//! A runtime with real workers and a host that follows a script.
#![allow(dead_code, unreachable_pub, missing_docs)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tenon_runtime::protocol::{Host, HostCall, HostError, HostReply, HttpReply};
use tenon_runtime::{Code, Invocation, Kind, Limits, Outcome, RunContext, Runtime, RuntimeConfig};
use tokio_util::sync::CancellationToken;

pub fn config() -> RuntimeConfig {
    RuntimeConfig::new(env!("CARGO_BIN_EXE_tenon-worker"), Vec::<String>::new())
}

pub fn runtime() -> Runtime {
    Runtime::start(config()).expect("the runtime starts")
}

pub fn code(js: &str) -> Arc<Code> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    js.hash(&mut hasher);
    Arc::new(Code {
        hash: format!("{:016x}", hasher.finish()),
        js: js.to_owned(),
        filename: "test-fake.cjs".to_owned(),
    })
}

/// A bundle as the compiler writes it, around the body of `exec(nango, input)`.
pub fn action(body: &str) -> Arc<Code> {
    code(&format!(
        "\"use strict\";\nmodule.exports = {{ default: {{ type: 'action', exec: async (nango, input) => {{\n{body}\n}} }} }};"
    ))
}

pub fn sync(body: &str) -> Arc<Code> {
    code(&format!(
        "\"use strict\";\nmodule.exports = {{ default: {{ type: 'sync', exec: async (nango) => {{\n{body}\n}} }} }};"
    ))
}

pub fn context() -> RunContext {
    RunContext {
        connection_id: "c-1".into(),
        provider_config_key: "fake".into(),
        provider: "fake".into(),
        environment_id: 1,
        environment_name: "dev".into(),
        account_id: 2,
        nango_connection_id: 3,
        activity_log_id: "log-1".into(),
        function_name: "test".into(),
        ..RunContext::default()
    }
}

pub fn limits() -> Limits {
    Limits {
        cpu: Duration::from_secs(2),
        wall: Duration::from_secs(20),
        memory_bytes: 64 << 20,
        ..Limits::default()
    }
}

pub fn invocation(code: Arc<Code>, kind: Kind, input: Option<&str>) -> Invocation {
    Invocation {
        tenant: "env-1".into(),
        isolate_key: None,
        code,
        kind,
        input_json: input.map(str::to_owned),
        context_json: context().to_json(),
        limits: limits(),
        cancel: CancellationToken::new(),
        taping: tenon_runtime::Taping::Off,
    }
}

type Answer = Box<dyn Fn(&HostCall) -> Result<HostReply, HostError> + Send + Sync>;

/// Remembers every call and answers by a function.
pub struct Scripted {
    answer: Answer,
    pub calls: Mutex<Vec<HostCall>>,
}

impl Scripted {
    pub fn new(answer: impl Fn(&HostCall) -> Result<HostReply, HostError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            calls: Mutex::default(),
        })
    }

    pub fn silent() -> Arc<Self> {
        Self::new(|_| Ok(HostReply::Unit))
    }

    pub fn taken(&self) -> Vec<HostCall> {
        self.calls.lock().expect("calls").clone()
    }
}

#[async_trait]
impl Host for Scripted {
    async fn call(&self, call: HostCall) -> Result<HostReply, HostError> {
        let answer = (self.answer)(&call);
        self.calls.lock().expect("calls").push(call);
        answer
    }
}

pub fn http(status: u16, body: &str) -> HttpReply {
    HttpReply {
        status,
        status_text: if status == 200 { "OK".into() } else { String::new() },
        headers: vec![("content-type".into(), "application/json".into())],
        url: None,
        body: bytes::Bytes::from(body.to_owned()),
    }
}

pub fn output(outcome: &Outcome) -> serde_json::Value {
    match &outcome.result {
        Ok(text) => serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")),
        Err(error) => panic!("the run failed: {error:?}"),
    }
}

pub fn failed(outcome: &Outcome) -> tenon_runtime::RunError {
    match &outcome.result {
        Ok(text) => panic!("the run succeeded: {text}"),
        Err(error) => error.clone(),
    }
}
