//! What a verb answers when it does not do what was asked.

use serde_json::{Map, Value, json};

/// One complaint about one place of the input. The codes are those of the public contract (`invalid_type`,
/// `unrecognized_keys`, …).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Stable code for programs.
    pub code: &'static str,
    /// Sentence for people.
    pub message: String,
    /// Where in the input; list positions are numbers as text.
    pub path: Vec<String>,
}

impl Issue {
    /// A complaint about the place at `path`.
    pub fn new(code: &'static str, message: impl Into<String>, path: &[&str]) -> Self {
        Self {
            code,
            message: message.into(),
            path: path.iter().map(|&part| part.to_owned()).collect(),
        }
    }
}

/// A refusal that the caller is told about.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status; the same code has different statuses on different routes of the public contract.
    pub status: u16,
    /// Stable code for programs.
    pub code: String,
    /// Sentence for people: what was wrong and what to do.
    pub message: Option<String>,
    /// Details for programs.
    pub payload: Option<Value>,
    /// Complaints about the input, when it was malformed.
    pub issues: Vec<Issue>,
    /// Why, in the provider's own words. Shown to the person who typed the values, and not on the wire, whose clients
    /// know the sentence of `message`.
    pub reason: Option<String>,
    /// Further members of the error object, for the few codes that have some.
    pub extra: Vec<(&'static str, Value)>,
}

impl Refusal {
    /// What was wrong, in one sentence.
    pub fn sentence(&self) -> String {
        match (&self.message, self.issues.first()) {
            (Some(message), _) => message.clone(),
            (None, Some(issue)) => format!("{}: {}", issue.path.join("."), issue.message),
            (None, None) => self.code.clone(),
        }
    }

    /// The body that the public API answers with.
    pub fn envelope(&self) -> Value {
        let mut error = Map::new();
        if let Some(message) = &self.message {
            error.insert("message".to_owned(), json!(message));
        }
        error.insert("code".to_owned(), json!(self.code));
        if !self.issues.is_empty() {
            let issues: Vec<Value> = self
                .issues
                .iter()
                .map(|issue| json!({ "code": issue.code, "message": issue.message, "path": issue.path }))
                .collect();
            error.insert("errors".to_owned(), Value::Array(issues));
        }
        if let Some(payload) = &self.payload {
            error.insert("payload".to_owned(), payload.clone());
        }
        for (name, value) in &self.extra {
            error.insert((*name).to_owned(), value.clone());
        }
        json!({ "error": error })
    }
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller asked for something that is not possible; nothing is wrong with the server.
    #[error("refused: {}", .0.code)]
    Refused(Box<Refusal>),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] tenon_store::Error),
    /// A value could not be sealed or opened.
    #[error("the vault failed")]
    Vault(#[from] tenon_credentials::vault::Error),
    /// A promise of our own code was broken; the text says which.
    #[error("{0}")]
    Internal(String),
}

impl From<tenon_store::Error> for Error {
    fn from(error: tenon_store::Error) -> Self {
        match error {
            tenon_store::Error::Unstorable(_) => Self::refuse(400, "invalid_request").message(
                "A text of the request holds the character NUL (U+0000), which cannot be stored; leave it out",
            ),
            other => Self::Store(other),
        }
    }
}

/// How often a transaction is tried that the database ends because of another one.
const ATTEMPTS: u32 = 5;

impl crate::App {
    /// Does `work`, one transaction, again when the database ended it because of another one: PostgreSQL breaks deadlocks
    /// by ending one of the parties.
    pub(crate) async fn despite_conflicts<T, F: Future<Output = crate::Result<T>>>(
        &self,
        work: impl Fn() -> F,
    ) -> crate::Result<T> {
        let mut attempt = 1;
        loop {
            match work().await {
                Err(Error::Store(error)) if error.is_conflict() && attempt < ATTEMPTS => {
                    tracing::debug!(attempt, "a transaction is tried again after a conflict");
                    tokio::time::sleep(std::time::Duration::from_millis(20) * attempt).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }
}

impl Error {
    /// A refusal with a status and a stable code.
    pub fn refuse(status: u16, code: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal {
            status,
            code: code.into(),
            message: None,
            payload: None,
            issues: Vec::new(),
            reason: None,
            extra: Vec::new(),
        }))
    }

    /// 404 `not_found` with a sentence.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::refuse(404, "not_found").message(message)
    }

    /// 400 `invalid_body` with a plain sentence instead of a list of complaints.
    pub fn invalid_body(message: impl Into<String>) -> Self {
        Self::refuse(400, "invalid_body").message(message)
    }

    /// 400 with complaints about the input.
    pub fn invalid(code: &'static str, issues: Vec<Issue>) -> Self {
        Self::refuse(400, code).issues(issues)
    }

    /// 403 `forbidden` with a sentence.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::refuse(403, "forbidden").message(message)
    }

    /// Adds the sentence for people.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.message = Some(message.into());
        }
        self
    }

    /// Adds details for programs.
    #[must_use]
    pub fn payload(mut self, payload: Value) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.payload = Some(payload);
        }
        self
    }

    /// Adds complaints about the input.
    #[must_use]
    pub fn issues(mut self, issues: Vec<Issue>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.issues = issues;
        }
        self
    }

    /// Adds a further member to the error object.
    #[must_use]
    pub fn extra(mut self, name: &'static str, value: Value) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.extra.push((name, value));
        }
        self
    }

    /// Adds the provider's own words.
    #[must_use]
    pub fn reason(mut self, reason: Option<String>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.reason = reason;
        }
        self
    }

    /// The refusal, when this is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Store(_) | Self::Vault(_) | Self::Internal(_) => None,
        }
    }
}
