//! End users: who is behind a connection, and the tags that follow from it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenon_model::{EnvironmentId, Timestamp};
use tenon_store::Conn;
use tenon_store::tables::end_users::{self, EndUserInput, EndUserRow};

use super::tags::Tags;
use crate::Result;
use crate::validate::{Fields, Text};

/// A person or account of the product's customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndUser {
    /// The product's own id.
    pub id: String,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Name shown to people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Free labels.
    #[serde(default)]
    pub tags: Option<Map<String, Value>>,
    /// The organisation that the person acts for.
    #[serde(default)]
    pub organization: Option<Organization>,
}

/// The organisation of an end user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The product's own id.
    pub id: String,
    /// Name shown to people.
    #[serde(default)]
    pub display_name: Option<String>,
}

/// Reads `end_user` of a body.
pub fn read_end_user(fields: &mut Fields<'_>) -> EndUser {
    let user = EndUser {
        id: fields.text("id", Text::any().min(1).max(255)).unwrap_or_default(),
        email: fields.opt_text("email", Text::any().email().min(5)),
        display_name: fields.opt_text("display_name", Text::any().max(255)),
        tags: fields.opt_text_map("tags", 255).map(|tags| {
            tags.into_iter()
                .map(|(name, value)| (name, Value::String(value)))
                .collect()
        }),
        organization: None,
    };
    fields.strict();
    user
}

/// Reads `organization` of a body.
pub fn read_organization(fields: &mut Fields<'_>) -> Organization {
    let organization = Organization {
        id: fields.text("id", Text::any().max(255)).unwrap_or_default(),
        display_name: fields.opt_text("display_name", Text::any().max(255)),
    };
    fields.strict();
    organization
}

impl EndUser {
    /// As the wire shows it.
    pub fn to_wire(&self) -> Value {
        json!({
            "id": self.id,
            "display_name": self.display_name,
            "email": self.email,
            "tags": self.tags,
            "organization": self.organization.as_ref().map(|organization| json!({
                "id": organization.id,
                "display_name": organization.display_name,
            })),
        })
    }

    /// As the `endUser` of an `auth` webhook.
    pub fn to_event(&self) -> Value {
        let mut event = json!({
            "endUserId": self.id,
            "endUserEmail": self.email,
            "tags": self.tags.clone().unwrap_or_default(),
        });
        if let (Some(organization), Value::Object(event)) = (&self.organization, &mut event) {
            event.insert("organizationId".to_owned(), json!(organization.id));
        }
        event
    }

    /// The tags that follow from an end user. When there would be more than the wire allows, the user's own labels are
    /// left out.
    pub fn derived_tags(&self) -> Tags {
        let mut facts = Tags::default();
        facts.set("end_user_id", &self.id);
        if let Some(email) = &self.email {
            facts.set("end_user_email", email);
        }
        if let Some(name) = &self.display_name {
            facts.set("end_user_display_name", name);
        }
        if let Some(organization) = &self.organization {
            facts.set("organization_id", &organization.id);
            if let Some(name) = &organization.display_name {
                facts.set("organization_display_name", name);
            }
        }
        let mut all = Tags::default();
        for (name, value) in self.tags.iter().flatten() {
            all.set(&name.to_lowercase(), value.as_str().unwrap_or_default());
        }
        let all = all.overlaid_with(&facts);
        if all.is_too_large() { facts } else { all }
    }

    /// What a stored row says.
    pub fn from_row(row: &EndUserRow) -> Self {
        Self {
            id: row.end_user_id.clone(),
            email: row.email.clone(),
            display_name: row.display_name.clone(),
            tags: row.tags.as_deref().and_then(|tags| serde_json::from_str(tags).ok()),
            organization: row.organization_id.clone().map(|id| Organization {
                id,
                display_name: row.organization_display_name.clone(),
            }),
        }
    }

    /// Stores the end user and returns the row id.
    #[tenon_model::boxed]
    pub async fn upsert(&self, conn: &mut Conn, environment: EnvironmentId, now: Timestamp) -> Result<i64> {
        let tags = self.tags.as_ref().map(|tags| Value::Object(tags.clone()).to_string());
        let input = EndUserInput {
            end_user_id: &self.id,
            email: self.email.as_deref(),
            display_name: self.display_name.as_deref(),
            tags: tags.as_deref(),
            organization_id: self.organization.as_ref().map(|organization| organization.id.as_str()),
            organization_display_name: self
                .organization
                .as_ref()
                .and_then(|organization| organization.display_name.as_deref()),
        };
        Ok(end_users::upsert(conn, environment, &input, now).await?)
    }
}
