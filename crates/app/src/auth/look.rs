//! How the page looks that a popup ends on: as the page that opened it, in its language and the product's colours.

use std::sync::Arc;

use serde_json::Value;

use super::state::Returned;
use super::{PopupFailure, PopupMessage};
use crate::connect_ui::{Choice, ThemeName};
use crate::environments::Environment;
use crate::{App, Error};

/// Longest language tag that is remembered.
const TAG_BYTES_MAX: usize = 35;

/// What is known about the page that a popup ends on. Everything may be missing: a browser may come back with nothing.
#[derive(Debug, Clone, Default)]
pub struct PopupLook {
    /// Whose colours and logo.
    pub environment: Option<Arc<Environment>>,
    /// What is connected.
    pub choice: Option<Choice>,
    /// Language tag of the page that opened the popup.
    pub lang: Option<String>,
    /// Theme of that page, where it is not the environment's.
    pub theme: Option<ThemeName>,
}

/// A language tag that came with a query.
pub(super) fn language_tag(text: &str) -> Option<String> {
    let is_tag = text.len() <= TAG_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_tag.then(|| text.to_owned())
}

impl App {
    /// The failure of a popup whose first step was refused with an answer for programs: a person looks at it instead. The
    /// page that opened the popup hears of it.
    pub async fn refuse_popup(&self, error: &Error, query: &Value) -> PopupFailure {
        let text = |name: &str| query.get(name).and_then(Value::as_str);
        let failure = PopupFailure::refused(error).looking(Box::new(PopupLook {
            lang: text("lang").and_then(language_tag),
            theme: text("theme").and_then(ThemeName::parse),
            ..PopupLook::default()
        }));
        let message = PopupMessage::Failure {
            unique_key: None,
            connection_id: None,
            error_type: failure.error_type.to_owned(),
            error_desc: failure.message.clone(),
        };
        if let Err(error) = self.tell_page(text("ws_client_id"), &message).await {
            tracing::error!(?error, "the page that opened a popup could not be told");
        }
        failure
    }

    /// The look of a popup that is about to leave.
    pub(super) async fn leaving_look(
        &self,
        environment: &Arc<Environment>,
        key: &str,
        query: &super::FlowQuery,
    ) -> Box<PopupLook> {
        let integration = self.find_integration(environment.id, key).await.ok().flatten();
        Box::new(PopupLook {
            environment: Some(environment.clone()),
            choice: integration.map(|integration| self.connect_choice(&integration)),
            lang: query.lang.clone(),
            theme: query.theme,
        })
    }

    /// The look of a popup that came back.
    pub(super) async fn returned_look(&self, returned: &Returned) -> Box<PopupLook> {
        let found = self
            .find_integration_by_id(returned.environment.id, returned.integration)
            .await;
        let integration = found.ok().flatten();
        Box::new(PopupLook {
            environment: Some(returned.environment.clone()),
            choice: integration.map(|integration| self.connect_choice(&integration)),
            lang: returned.remembered.lang.clone(),
            theme: returned.remembered.theme,
        })
    }
}
