//! After a connection was made: look-ups and calls that recipes of the catalogue cannot express.

use serde_json::{Map, Value, json};
use tenon_catalog::provider::AfterConnect;
use tenon_egress::Egress;
use tenon_model::Rng;

use super::email_address_hash;
use crate::apply::Opened;
use crate::capture::{self, Call};
use crate::credentials::{Basic, Credentials};
use crate::error::Error;
use crate::material::at_path;
use crate::modes::jwt::unverified_claims;
use crate::oauth2::{side_token, text};
use crate::subject::Subject;

/// Changes to the connection's values.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Values to set.
    pub set: Map<String, Value>,
    /// Values to remove.
    pub remove: Vec<&'static str>,
}

impl Changes {
    fn setting(name: &str, value: Option<Value>) -> Self {
        let mut changes = Self::default();
        changes.put(name, value);
        changes
    }

    fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            self.set.insert(name.to_owned(), value);
        }
    }

    /// Applies the changes; tells whether anything is different now.
    pub fn apply(self, config: &mut Map<String, Value>) -> bool {
        let mut changed = false;
        for name in self.remove {
            changed |= config.shift_remove(name).is_some();
        }
        for (name, value) in self.set {
            changed |= config.get(&name) != Some(&value);
            config.insert(name, value);
        }
        changed
    }
}

/// Runs the hook of the entry.
///
/// # Errors
/// When the provider refuses or cannot be reached; the connection works without what the hook would have found.
#[tenon_model::boxed]
pub async fn run(egress: &Egress, subject: &Subject<'_>, opened: &Opened, rng: &dyn Rng) -> Result<Changes, Error> {
    let Some(hook) = subject.provider.hooks.after_connect else {
        return Ok(Changes::default());
    };
    let ask = Ask {
        egress,
        subject,
        opened,
        rng,
    };
    match hook {
        AfterConnect::AdobeUmapi => Ok(match &opened.credentials {
            Credentials::ClientCredentials(held) => Changes::setting("clientId", Some(json!(held.client_id.expose()))),
            _ => Changes::default(),
        }),
        AfterConnect::Jira | AfterConnect::AtlassianServiceAccount => {
            atlassian_site(&ask, "https://api.atlassian.com").await
        }
        AfterConnect::AtlassianGovernmentCloud => atlassian_site(&ask, "https://api.atlassian-us-gov-mod.com").await,
        AfterConnect::Bullhorn => Ok(Changes {
            remove: vec!["username", "password"],
            ..Changes::default()
        }),
        AfterConnect::CheckrPartner => account_hierarchy(&ask).await,
        AfterConnect::GithubAppOauth => github_handle(&ask).await,
        AfterConnect::GoogleCalendar => {
            let url = "https://www.googleapis.com/calendar/v3/calendars/primary";
            Ok(address_hash(&ask.get(url).await?, "id"))
        }
        AfterConnect::GoogleMail => {
            let url = "https://gmail.googleapis.com/gmail/v1/users/me/profile";
            Ok(address_hash(&ask.get(url).await?, "emailAddress"))
        }
        AfterConnect::MicrosoftTeamsBot | AfterConnect::Onedrive => match &opened.credentials {
            Credentials::OAuth2(held) => Ok(Changes {
                set: side_token::obtain(egress, subject, held).await?,
                ..Changes::default()
            }),
            _ => Ok(Changes::default()),
        },
        AfterConnect::RipplingShopApp => {
            ask.call(Call::new("POST", "/platform/api/mark_app_installed")).await?;
            Ok(Changes::default())
        }
        AfterConnect::SentryOauth => confirm_installation(&ask).await,
        AfterConnect::Xero => xero_tenant(&ask).await,
        // Recipes in the catalogue (`capture.fetch`) do the work of these.
        AfterConnect::Attio
        | AfterConnect::Basecamp
        | AfterConnect::Calendly
        | AfterConnect::Candis
        | AfterConnect::Docusign
        | AfterConnect::Gusto
        | AfterConnect::Highlevel
        | AfterConnect::Hubspot
        | AfterConnect::Jobber
        | AfterConnect::Linear
        | AfterConnect::Mailchimp
        | AfterConnect::MicrosoftTeams
        | AfterConnect::Procore
        | AfterConnect::Sage200
        | AfterConnect::Salesforce
        | AfterConnect::Sellsy
        | AfterConnect::Snowflake
        | AfterConnect::SophosCentral
        | AfterConnect::Workable
        | AfterConnect::Zoho => Ok(Changes::default()),
    }
}

/// Calls with the connection's credentials.
struct Ask<'a> {
    egress: &'a Egress,
    subject: &'a Subject<'a>,
    opened: &'a Opened,
    rng: &'a dyn Rng,
}

impl Ask<'_> {
    async fn call(&self, call: Call<'_>) -> Result<Value, Error> {
        capture::call(self.egress, self.subject, self.opened, call, self.rng).await
    }

    async fn get(&self, url: &str) -> Result<Value, Error> {
        self.call(Call::new("GET", url)).await
    }
}

/// The site that the user meant: its host begins with the given subdomain, or its name contains it, or it is the first.
async fn atlassian_site(ask: &Ask<'_>, host: &str) -> Result<Changes, Error> {
    let sites = ask.get(&format!("{host}/oauth/token/accessible-resources")).await?;
    let sites = sites.as_array().cloned().unwrap_or_default();
    let Some(site) = choose_site(&sites, text(ask.subject.config, "subdomain")) else {
        return Ok(Changes::default());
    };
    let mut changes = Changes::setting("cloudId", site.get("id").cloned());
    changes.put("baseUrl", site.get("url").cloned());
    let Some(cloud) = site.get("id").and_then(Value::as_str) else {
        return Ok(changes);
    };
    let confluence = site
        .get("scopes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|scope| scope.contains("confluence"));
    let path = if confluence {
        "confluence/{}/wiki/rest/api/user/current"
    } else {
        "jira/{}/rest/api/3/myself"
    };
    let user = ask.get(&format!("{host}/ex/{}", path.replace("{}", cloud))).await;
    match user {
        Ok(user) => changes.put("accountId", user.get("accountId").cloned()),
        Err(error) => tracing::info!(provider = %ask.subject.provider.id, %error, "the account of a site was not told"),
    }
    Ok(changes)
}

fn choose_site<'a>(sites: &'a [Value], wanted: Option<&str>) -> Option<&'a Value> {
    let field = |site: &Value, name: &str| {
        let text = site.get(name).and_then(Value::as_str).unwrap_or_default();
        text.to_lowercase()
    };
    let wanted = wanted.map(str::to_lowercase);
    let by_host = wanted.as_ref().and_then(|wanted| {
        sites.iter().find(|site| {
            let url = field(site, "url");
            let host = url.trim_start_matches("https://");
            host.strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    });
    let by_name = || {
        let wanted = wanted.as_ref()?;
        sites.iter().find(|site| field(site, "name").contains(wanted.as_str()))
    };
    by_host.or_else(by_name).or_else(|| sites.first())
}

/// Whether the partner may see account nodes: the call works or does not.
async fn account_hierarchy(ask: &Ask<'_>) -> Result<Changes, Error> {
    let Some(token) = ask.opened.credentials.token() else {
        return Ok(Changes::default());
    };
    // This one endpoint wants the token as a user name.
    let opened = Opened::new(Credentials::Basic(Basic {
        username: tenon_model::Secret::new(token),
        password: tenon_model::Secret::default(),
    }));
    let reply = capture::call(ask.egress, ask.subject, &opened, Call::new("GET", "/v1/nodes"), ask.rng).await;
    let enabled = match reply {
        Ok(_) => true,
        Err(Error::Refused { .. }) => false,
        Err(error) => return Err(error),
    };
    Ok(Changes::setting("accountHierarchyEnabled", Some(json!(enabled))))
}

/// The login of the user beside an installation.
async fn github_handle(ask: &Ask<'_>) -> Result<Changes, Error> {
    let Credentials::Custom(held) = &ask.opened.credentials else {
        return Ok(Changes::default());
    };
    let Some(user) = &held.user else {
        return Ok(Changes::default());
    };
    let opened = Opened::new(Credentials::OAuth2(user.clone()));
    let user = capture::call(ask.egress, ask.subject, &opened, Call::new("GET", "/user"), ask.rng).await?;
    Ok(Changes::setting("handle", user.get("login").cloned()))
}

fn address_hash(reply: &Value, path: &str) -> Changes {
    let address = at_path(reply, path).and_then(Value::as_str);
    Changes::setting(
        "emailAddressHash",
        address.map(|address| json!(email_address_hash(address))),
    )
}

/// Tells the provider that the installation arrived; it shows it as pending until then.
async fn confirm_installation(ask: &Ask<'_>) -> Result<Changes, Error> {
    let Some(id) = text(ask.subject.config, "installation.uuid") else {
        return Ok(Changes::default());
    };
    let path = format!("/0/sentry-app-installations/{id}/");
    let call = Call {
        body: Some(json!({ "status": "installed" })),
        ..Call::new("PUT", &path)
    };
    ask.call(call).await?;
    Ok(Changes {
        remove: vec!["pending"],
        ..Changes::default()
    })
}

/// The tenant that was just authorised; nothing when several could be meant.
async fn xero_tenant(ask: &Ask<'_>) -> Result<Changes, Error> {
    let tenants = ask.get("https://api.xero.com/connections").await?;
    let tenants = tenants.as_array().cloned().unwrap_or_default();
    let claims = ask
        .opened
        .credentials
        .token()
        .and_then(unverified_claims)
        .unwrap_or_default();
    let chosen = match tenants.as_slice() {
        [only] => Some(only),
        several => {
            let event = claims.get("authentication_event_id");
            several
                .iter()
                .find(|tenant| event.is_some() && tenant.get("authEventId") == event)
        }
    };
    Ok(Changes::setting(
        "tenant_id",
        chosen.and_then(|tenant| tenant.get("tenantId")).cloned(),
    ))
}

#[cfg(test)]
mod tests;
