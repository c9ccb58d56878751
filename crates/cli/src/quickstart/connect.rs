//! The OAuth flow as a browser would do it: connect page, consent, callback.

use anyhow::{Context, Result, bail};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::json;
use url::{Url, form_urlencoded};

use super::client::{Client, http};

/// What the demonstration asks the simulated user for.
pub const SCOPES: [&str; 3] = ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"];

/// Opens a connect session for an end user; returns its token.
pub async fn open_session(client: &Client, integration: &str) -> Result<String> {
    let session = client
        .post(
            "/connect/sessions",
            &[],
            &json!({
                "end_user": {"id": "user-1", "email": "ada@customer.example", "display_name": "Ada"},
                "allowed_integrations": [integration],
            }),
        )
        .await?;
    let token = session.pointer("/data/token").and_then(serde_json::Value::as_str);
    Ok(token.context("the connect session has no token")?.to_owned())
}

/// Goes through the flow with one press on "Connect app".
pub async fn authorize(server: &str, integration: &str, session: &str) -> Result<()> {
    let browser = http()?;
    let mut start = Url::parse(&format!("{server}/oauth/connect/{integration}")).context("the connect URL")?;
    start.query_pairs_mut().append_pair("connect_session_token", session);
    let answer = browser
        .get(start)
        .send()
        .await
        .context("the connect page got no answer")?;
    let cookies: Vec<String> = answer
        .headers()
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|cookie| Some(cookie.to_str().ok()?.split(';').next()?.to_owned()))
        .collect();
    let authorize = redirect(answer, "the connect page").await?;

    let page = browser
        .get(authorize.clone())
        .send()
        .await
        .context("the consent page got no answer")?;
    let status = page.status();
    let text = page.text().await.context("the consent page broke off")?;
    if !status.is_success() || !text.contains("Connect app") {
        bail!("the consent page answered {status}: {text}");
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(authorize.query_pairs())
        .append_pair("decision", "approve");
    let mut consent = authorize.clone();
    consent.set_query(None);
    let answer = browser
        .post(consent)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.finish())
        .send()
        .await
        .context("the consent got no answer")?;
    let callback = redirect(answer, "the consent").await?;

    let last = browser.get(callback).header(COOKIE, cookies.join("; ")).send().await;
    let last = last.context("the callback got no answer")?;
    if !last.status().is_success() {
        let status = last.status();
        bail!(
            "the callback answered {status}: {}",
            last.text().await.unwrap_or_default()
        );
    }
    Ok(())
}

async fn redirect(answer: reqwest::Response, what: &str) -> Result<Url> {
    let status = answer.status();
    let base = answer.url().clone();
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .map(str::to_owned);
    match location.filter(|_| status.is_redirection()) {
        Some(location) => base
            .join(&location)
            .with_context(|| format!("{what} redirects to {location}")),
        None => bail!(
            "{what} answered {status} and no redirect: {}",
            answer.text().await.unwrap_or_default()
        ),
    }
}
