//! How a popup fails: the code that the opener hears, the sentence that the user reads, the words of the provider.

use serde_json::{Map, Value};

use super::look::PopupLook;
use super::state::Remembered;
use crate::Error;
use crate::connections::VALIDATION_FAILED;

/// Query parameters in which providers say why they sent no code.
const PROVIDER_ERRORS: [&str; 6] = [
    "error",
    "error_description",
    "error_reason",
    "error_uri",
    "status_code",
    "error_message",
];

/// Code of an installation that somebody else has to approve before it can be connected.
pub(super) const APPROVAL_PENDING: &str = "approval_pending";

/// Why a popup shows an error page.
#[derive(Debug, Clone)]
pub struct PopupFailure {
    /// Stable code, as the page that opened the popup hears it.
    pub error_type: &'static str,
    /// Sentence for people.
    pub message: String,
    /// What the provider said in the callback.
    pub provider_error: Map<String, Value>,
    /// How its page looks.
    pub look: Box<PopupLook>,
    /// The product's own functions refused: it is not told what it said.
    pub(super) is_products_own: bool,
    pub(super) page: Option<String>,
    pub(super) unique_key: Option<String>,
    pub(super) connection_id: Option<String>,
}

impl PopupFailure {
    pub(super) fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            error_type,
            message: message.into(),
            provider_error: Map::new(),
            look: Box::default(),
            is_products_own: false,
            page: None,
            unique_key: None,
            connection_id: None,
        }
    }

    pub(super) fn of(mut self, remembered: &Remembered) -> Self {
        self.page.clone_from(&remembered.page);
        self.unique_key = Some(remembered.unique_key.clone());
        self.connection_id = Some(remembered.connection_id.clone());
        self
    }

    pub(super) fn looking(mut self, look: Box<PopupLook>) -> Self {
        self.look = look;
        self
    }

    /// A refusal that programs get as JSON, for people. The code is one of those that the first step answers with.
    pub(super) fn refused(error: &Error) -> Self {
        let Some(refusal) = error.refusal() else {
            return Self::internal(error);
        };
        let error_type = match (refusal.code.as_str(), refusal.status) {
            ("integration_not_allowed", _) => "integration_not_allowed",
            ("invalid_connection", _) => "invalid_connection",
            ("invalid_query_params", _) => "invalid_query_params",
            ("wrong_auth_mode", _) => APPROVAL_PENDING,
            (_, 401) => "unknown_connect_session_token",
            _ => "unknown_err",
        };
        let message = refusal.message.clone().unwrap_or_else(|| refusal.code.clone());
        Self::new(error_type, message)
    }

    /// Whether the person, or the provider on their behalf, said no.
    pub fn is_denial(&self) -> bool {
        const DENIALS: [&str; 4] = ["access_denied", "user_denied", "consent_required", "user_cancel"];
        let said = self.provider_error.values().filter_map(Value::as_str);
        said.map(str::to_ascii_lowercase)
            .any(|text| DENIALS.iter().any(|denial| text.contains(denial)))
    }

    /// A failure of the server, told without details.
    pub(super) fn internal(error: &Error) -> Self {
        match error.refusal() {
            Some(refusal) => {
                let message = refusal.message.clone().unwrap_or_else(|| refusal.code.clone());
                match refusal.code.as_str() {
                    code @ ("connection_test_failed" | VALIDATION_FAILED) => Self {
                        is_products_own: code == VALIDATION_FAILED,
                        ..Self::new(VALIDATION_FAILED, message)
                    },
                    _ => Self::new("unknown_err", message),
                }
            }
            None => {
                tracing::error!(?error, "a popup flow failed inside the server");
                Self::new(
                    "unknown_err",
                    "Something went wrong inside the server. Its log has the details.",
                )
            }
        }
    }
}

impl From<Error> for PopupFailure {
    fn from(error: Error) -> Self {
        Self::internal(&error)
    }
}

/// The failure of a callback without code.
pub(super) fn missing_code(query: &Value) -> PopupFailure {
    let said: Map<String, Value> = PROVIDER_ERRORS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), query.get(*name)?.clone())))
        .collect();
    let mut message = "The provider sent the browser back without a code.".to_owned();
    if !said.is_empty() {
        let texts: Vec<String> = said
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default()))
            .collect();
        message.push_str(&format!(" Provider error: {}", texts.join(", ")));
    }
    PopupFailure {
        provider_error: said,
        ..PopupFailure::new("callback_err", message)
    }
}

/// The failure of an authorize URL that cannot be built.
pub(super) fn url_failure(error: tenon_credentials::Error) -> PopupFailure {
    match &error {
        tenon_credentials::Error::Missing { what } => PopupFailure::new(
            "url_param_err",
            format!("The provider's address needs a value that is missing: {what}"),
        ),
        other => PopupFailure::new("url_param_err", other.to_string()),
    }
}

/// The failure of a token request.
pub(super) fn token_failure(error: tenon_credentials::Error) -> PopupFailure {
    PopupFailure::new("token_err", format!("The provider gave no token: {error}"))
}
