//! Temporary AWS keys: `AssumeRole` at the security token service, or at an endpoint of the developer's own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::ACCEPT;
use serde_json::{Map, Value, json};
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::{Rng, Secret, Timestamp};
use url::Url;
use zeroize::Zeroizing;

use super::sigv4::{self, Signed, Signer};
use crate::conceal::Concealer;
use crate::credentials::AwsSigV4;
use crate::error::Error;
use crate::expiry;
use crate::material::SecretJson;
use crate::oauth2::text;
use crate::subject::{Subject, USER_AGENT};
use crate::token_call::{CALL_TIMEOUT, refused};

const WHAT: &str = "role";
const SESSION_SECONDS: &str = "3600";
const SESSION: Duration = Duration::from_secs(3_600);
const REPLY_BYTES_MAX: usize = 256 * 1024;
/// Integration value that replaces the service's own address, for entries of partitions with other host names.
const ENDPOINT_OVERRIDE: &str = "sts_endpoint";

/// Which role, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// ARN of the role.
    pub arn: String,
    /// Region of calls.
    pub region: String,
    /// Service of calls.
    pub service: String,
    /// External id that the role's trust policy names.
    pub external_id: String,
}

/// Gets temporary keys for a role.
///
/// # Errors
/// [`Error::Missing`] when the integration has no keys or endpoint, else as any token call.
#[tenon_model::boxed]
pub async fn assume(egress: &Egress, subject: &Subject<'_>, role: &Role, rng: &dyn Rng) -> Result<AwsSigV4, Error> {
    let settings = subject.app.values.expose();
    let keys = match text(settings, "stsMode") {
        Some("custom") => own_endpoint(egress, settings, role, subject.now).await?,
        _ => builtin(egress, subject, settings, role, rng).await?,
    };
    let missing = |name: &str| Error::Missing {
        what: format!("{name} in the answer of the role endpoint"),
    };
    Ok(AwsSigV4 {
        role_arn: role.arn.clone(),
        region: role.region.clone(),
        service: role.service.clone(),
        access_key_id: keys.id.ok_or_else(|| missing("the access key id"))?,
        secret_access_key: keys.secret.ok_or_else(|| missing("the secret access key"))?,
        session_token: keys.session.ok_or_else(|| missing("the session token"))?,
        expires_at: Some(keys.ends.unwrap_or_else(|| subject.now.plus(SESSION))),
        external_id: Some(role.external_id.clone()),
        raw: SecretJson::new(Value::Null),
    })
}

/// Gets new keys for the role of old ones.
///
/// # Errors
/// As [`assume`].
#[tenon_model::boxed]
pub async fn renew(egress: &Egress, subject: &Subject<'_>, held: &AwsSigV4, rng: &dyn Rng) -> Result<AwsSigV4, Error> {
    let role = Role {
        arn: held.role_arn.clone(),
        region: held.region.clone(),
        service: held.service.clone(),
        external_id: held.external_id.clone().unwrap_or_default(),
    };
    assume(egress, subject, &role, rng).await
}

/// Asks the service who the keys are; they must belong to the role that was asked for.
///
/// # Errors
/// When the keys are refused, or belong to another role.
#[tenon_model::boxed]
pub async fn verify(egress: &Egress, subject: &Subject<'_>, held: &AwsSigV4) -> Result<(), Error> {
    let signer = Signer {
        access_key_id: held.access_key_id.expose(),
        secret_access_key: &held.secret_access_key,
        session_token: Some(&held.session_token),
        region: &held.region,
        service: "sts",
    };
    let url = service_url(subject, &held.region)?;
    let fields = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let reply = query_api(egress, &signer, url, &fields, subject.now).await?;
    let arn = element(&reply, "Arn").unwrap_or_default();
    // arn:aws:sts::123:assumed-role/Reader/session for arn:aws:iam::123:role/path/Reader
    let wanted = held.role_arn.rsplit('/').next().unwrap_or_default();
    if arn.split('/').nth(1) == Some(wanted) {
        Ok(())
    } else {
        Err(refused(
            WHAT,
            403,
            &json!({ "error": "role_mismatch", "error_description": "the keys belong to another role" }),
            "",
        ))
    }
}

struct Keys {
    id: Option<Secret>,
    secret: Option<Secret>,
    session: Option<Secret>,
    ends: Option<Timestamp>,
}

async fn builtin(
    egress: &Egress,
    subject: &Subject<'_>,
    settings: &Map<String, Value>,
    role: &Role,
    rng: &dyn Rng,
) -> Result<Keys, Error> {
    let setting = |name: &str| {
        text(settings, name).ok_or_else(|| Error::Missing {
            what: format!("the integration's {name}"),
        })
    };
    let id = setting("awsAccessKeyId")?;
    let secret = Secret::new(setting("awsSecretAccessKey")?);
    let signer = Signer {
        access_key_id: id,
        secret_access_key: &secret,
        session_token: None,
        region: &role.region,
        service: "sts",
    };
    let session = format!("tenon-{}", rng.hex(8));
    let mut fields = vec![
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", role.arn.as_str()),
        ("RoleSessionName", session.as_str()),
        ("DurationSeconds", SESSION_SECONDS),
    ];
    if !role.external_id.is_empty() {
        fields.push(("ExternalId", &role.external_id));
    }
    let url = service_url(subject, &role.region)?;
    let reply = query_api(egress, &signer, url, &fields, subject.now).await?;
    let secret = |name: &str| element(&reply, name).map(Secret::new);
    Ok(Keys {
        id: secret("AccessKeyId"),
        secret: secret("SecretAccessKey"),
        session: secret("SessionToken"),
        ends: element(&reply, "Expiration").and_then(|text| expiry::moment(&Value::String(text.to_owned()))),
    })
}

fn service_url(subject: &Subject<'_>, region: &str) -> Result<Url, Error> {
    let own = text(subject.app.values.expose(), ENDPOINT_OVERRIDE);
    let url = own.map_or_else(|| format!("https://sts.{region}.amazonaws.com/"), str::to_owned);
    Url::parse(&url).map_err(|_| Error::InvalidUrl { what: WHAT })
}

/// One signed call of the query API; the reply is XML.
async fn query_api(
    egress: &Egress,
    signer: &Signer<'_>,
    url: Url,
    fields: &[(&str, &str)],
    now: Timestamp,
) -> Result<Zeroizing<String>, Error> {
    let unreachable = |source| Error::Unreachable { what: WHAT, source };
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let content_type = "application/x-www-form-urlencoded";
    let covered = [("content-type".to_owned(), content_type.to_owned())];
    let headers = sigv4::sign(
        signer,
        &Signed {
            method: "POST",
            url: &url,
            headers: &covered,
            payload: Some(body.as_bytes()),
        },
        now,
    );
    let mut request = Request::new(http::Method::POST, url)
        .timeout(CALL_TIMEOUT)
        .redirects(Redirects::Return)
        .body(content_type, body)
        .header("user-agent", USER_AGENT)
        .map_err(unreachable)?;
    for (name, value) in &headers {
        request = request.header(name, value.expose()).map_err(unreachable)?;
    }
    let sent = Concealer::of_request(&request);
    let response = egress.send(request).await.map_err(unreachable)?;
    let status = response.status.as_u16();
    let reply = Zeroizing::new(response.text(REPLY_BYTES_MAX).await.map_err(unreachable)?);
    if (200..300).contains(&status) {
        return Ok(reply);
    }
    let body = json!({
        "error": sent.conceal(element(&reply, "Code").unwrap_or("error").to_owned()),
        "error_description": sent.conceal(element(&reply, "Message").unwrap_or_default().to_owned()),
    });
    Err(refused(WHAT, status, &body, ""))
}

/// The text of the first element with this name.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

/// An endpoint of the developer's own: it is told the role and answers with keys.
async fn own_endpoint(
    egress: &Egress,
    settings: &Map<String, Value>,
    role: &Role,
    now: Timestamp,
) -> Result<Keys, Error> {
    let unreachable = |source| Error::Unreachable { what: WHAT, source };
    let url = text(settings, "stsEndpointUrl").ok_or_else(|| Error::Missing {
        what: "the integration's stsEndpointUrl".to_owned(),
    })?;
    let url = Url::parse(url).map_err(|_| Error::InvalidUrl { what: WHAT })?;
    let body = json!({
        "role_arn": role.arn,
        "external_id": role.external_id,
        "region": role.region,
        "service": role.service,
    });
    let mut request = Request::new(http::Method::POST, url)
        .json(&body)
        .and_then(|request| request.header(ACCEPT.as_str(), "application/json"))
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(unreachable)?;
    let setting = |name: &str| text(settings, name).unwrap_or_default();
    let proof = match text(settings, "stsAuthType") {
        Some("api_key") => Some((
            text(settings, "stsAuthHeader").unwrap_or("x-api-key"),
            Secret::new(setting("stsApiKey")),
        )),
        Some("basic") => {
            let pair = Zeroizing::new(format!("{}:{}", setting("stsAuthUsername"), setting("stsAuthPassword")));
            Some((
                "authorization",
                Secret::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))),
            ))
        }
        _ => None,
    };
    if let Some((name, value)) = proof {
        request = request.header(name, value.expose()).map_err(unreachable)?;
    }
    let reply = crate::token_call::send(egress, WHAT, request).await?;
    let body = reply.body.expose();
    let held = ["credentials", "Credentials"]
        .iter()
        .find_map(|name| body.get(*name))
        .unwrap_or(body);
    let field = |names: &[&str]| names.iter().find_map(|name| held.get(*name));
    let secret = |names: &[&str]| {
        field(names)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(Secret::new)
    };
    let ends = field(&["expiration", "Expiration", "expires_at", "expiresAt"])
        .and_then(expiry::moment)
        .or_else(|| expiry::after(field(&["expires_in", "expiresIn"])?, false, now));
    Ok(Keys {
        id: secret(&["access_key_id", "accessKeyId", "AccessKeyId"]),
        secret: secret(&["secret_access_key", "secretAccessKey", "SecretAccessKey"]),
        session: secret(&["session_token", "sessionToken", "SessionToken"]),
        ends,
    })
}
