//! Who connects, and what they may connect.

use super::mark::Mark;
use crate::connections::EndUser;
use crate::integrations::Integration;
use crate::sessions::LiveSession;
use crate::{App, Result};
use tenon_store::tables::connections;

/// One integration that can be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its key.
    pub key: String,
    /// Its name, or its provider's.
    pub name: String,
    /// Its own logo, when the developer gave one.
    pub logo_url: Option<String>,
    /// The mark shown without a logo.
    pub mark: Mark,
}

/// Who a session is for, as shown on the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name, e-mail address or nothing.
    pub person: Option<String>,
    /// What the product calls the end user; for where there is nothing else to tell people by.
    pub id: Option<String>,
    /// Name of the organisation.
    pub organization: Option<String>,
}

impl Identity {
    fn of(end_user: Option<&EndUser>) -> Self {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let Some(user) = end_user else {
            return Self::default();
        };
        Self {
            person: filled(&user.display_name).or_else(|| filled(&user.email)),
            id: Some(user.id.clone()),
            organization: user
                .organization
                .as_ref()
                .and_then(|organization| filled(&organization.display_name)),
        }
    }

    /// Both in one line.
    pub fn line(&self) -> Option<String> {
        match (&self.person, &self.organization) {
            (Some(person), Some(organization)) => Some(format!("{person} · {organization}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    }
}

impl App {
    /// Who a session is for. A session that re-authorises a connection is for the connection's own end user.
    #[tenon_model::boxed]
    pub async fn session_identity(&self, session: &LiveSession) -> Result<Identity> {
        Ok(Identity::of(self.session_end_user(session).await?.as_ref()))
    }

    #[tenon_model::boxed]
    pub(crate) async fn session_end_user(&self, session: &LiveSession) -> Result<Option<EndUser>> {
        if let Some(id) = session.reconnects {
            let mut conn = self.store().read().await?;
            let connection = connections::find_by_id(&mut conn, session.environment.id, id).await?;
            if let Some(known) = connection.and_then(|row| row.end_user) {
                return Ok(Some(EndUser::from_row(&known)));
            }
        }
        Ok(session.details.end_user.clone())
    }

    /// The integrations of a session, by name.
    #[tenon_model::boxed]
    pub async fn connect_choices(&self, session: &LiveSession) -> Result<Vec<Choice>> {
        let mut conn = self.store().read().await?;
        let rows = Self::integration_rows(&mut conn, session.environment.id).await?;
        drop(conn);
        let mut choices = Vec::new();
        for row in rows {
            if session.require_integration(&row.unique_key).is_err() {
                continue;
            }
            let integration = self.open_integration(row).await?;
            choices.push(self.connect_choice(&integration));
        }
        choices.sort_by_cached_key(|choice| (choice.name.to_lowercase(), choice.key.clone()));
        Ok(choices)
    }

    pub(crate) fn connect_choice(&self, integration: &Integration) -> Choice {
        let catalog = self.catalog();
        let provider = catalog.get(&integration.provider);
        let name = integration
            .display_name
            .clone()
            .or_else(|| provider.map(|provider| provider.display_name.clone()))
            .unwrap_or_else(|| integration.provider.clone());
        Choice {
            key: integration.unique_key.clone(),
            logo_url: integration.own_logo().map(str::to_owned),
            mark: Mark::of(&name, &integration.provider),
            name,
        }
    }

    /// The neutral mark of a provider; unknown ones have one too, made of their id.
    pub fn provider_mark(&self, id: &str) -> Mark {
        let catalog = self.catalog();
        Mark::of(catalog.get(id).map_or(id, |provider| &provider.display_name), id)
    }
}
