//! Verification calls that a declared probe cannot express, because the answer's text decides.

use serde_json::{Value, json};
use tenon_catalog::provider::Verify;
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::{Rng, Secret};
use url::Url;

use crate::apply::{self, Opened, Outgoing};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::material::at_path;
use crate::modes::sigv4::{self, Signed, Signer};
use crate::probe::Outcome;
use crate::probe::reason::reason;
use crate::subject::{Subject, USER_AGENT};
use crate::token_call::CALL_TIMEOUT;

const ANSWER_BYTES_MAX: usize = 1 << 20;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What to ask.
struct Question {
    method: &'static str,
    path: &'static str,
    content_type: &'static str,
    body: String,
}

impl Question {
    fn get(path: &'static str) -> Self {
        Self {
            method: "GET",
            path,
            content_type: "",
            body: String::new(),
        }
    }

    fn post(path: &'static str, content_type: &'static str, body: String) -> Self {
        Self {
            method: "POST",
            path,
            content_type,
            body,
        }
    }
}

/// Runs the hook of the entry, where it has one.
///
/// # Errors
/// When the request cannot be built from the values at hand.
#[tenon_model::boxed]
pub async fn run(
    egress: &Egress,
    subject: &Subject<'_>,
    opened: &Opened,
    rng: &dyn Rng,
) -> Result<Option<Outcome>, Error> {
    let Some(hook) = subject.provider.hooks.verify else {
        return Ok(None);
    };
    let answer = if hook == Verify::AwsIam {
        caller_identity(egress, subject, opened).await
    } else {
        ask(egress, subject, opened, question(hook, opened), rng).await?
    };
    let Some((status, text)) = answer else {
        return Ok(Some(Outcome::Bad {
            status: None,
            reason: None,
        }));
    };
    Ok(Some(if accepts(hook, status, &text) {
        Outcome::Good
    } else {
        Outcome::Bad {
            status: Some(status),
            reason: reason(&text, &opened.credentials.secrets()),
        }
    }))
}

fn question(hook: Verify, opened: &Opened) -> Question {
    let field = |name: &str| opened.fields().text(name).unwrap_or_default();
    match hook {
        Verify::Apollo => Question::get("/v1/auth/health"),
        // Asked elsewhere, with a signature.
        Verify::AwsIam => Question::get("/"),
        Verify::AzureDevops => Question::get("/_apis/projects"),
        Verify::Bitdefender => {
            let call = json!({ "jsonrpc": "2.0", "method": "getApiKeyDetails", "params": {}, "id": "1" });
            Question::post("/v1.0/jsonrpc/general", JSON, call.to_string())
        }
        Verify::Cdw => Question::post("/orders", JSON, "{}".to_owned()),
        Verify::Expensify => {
            let job = json!({
                "type": "get",
                "credentials": { "partnerUserID": field("username"), "partnerUserSecret": field("password") },
                "inputSettings": { "type": "policyList" },
            });
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("requestJobDescription", &job.to_string())
                .finish();
            Question::post("/ExpensifyIntegrations", FORM, form)
        }
        Verify::Lastpass => {
            let call = json!({ "cid": field("username"), "provhash": field("password"), "cmd": "getuserdata" });
            Question::post("/enterpriseapi.php", JSON, call.to_string())
        }
        Verify::PushpayChmsV1 => Question::get("/api.php?srv=api_status"),
        Verify::Skio => Question::post(
            "/v1/graphql",
            JSON,
            json!({ "query": "{ Orders(limit: 1) { id } }" }).to_string(),
        ),
        Verify::SnipeIt => Question::get("/v1/users?limit=1"),
        Verify::VantageApparel => {
            let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
            let body = format!(
                "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
                 xmlns:ns=\"http://www.promostandards.org/WSDL/OrderStatus/2.0.0/\" \
                 xmlns:shar=\"http://www.promostandards.org/WSDL/OrderStatus/2.0.0/SharedObjects/\"><soap:Body>\
                 <ns:GetOrderStatusRequest><shar:wsVersion>2.0.0</shar:wsVersion><shar:id>{}</shar:id>\
                 <shar:password>{}</shar:password><ns:queryType>poSearch</ns:queryType>\
                 <ns:referenceNumber>0</ns:referenceNumber></ns:GetOrderStatusRequest></soap:Body></soap:Envelope>",
                escape(field("username")),
                escape(field("password"))
            );
            Question::post("/OrderStatus/2.0.0", "text/xml", body)
        }
    }
}

fn accepts(hook: Verify, status: u16, text: &str) -> bool {
    let fine = (200..300).contains(&status);
    let body = || serde_json::from_str::<Value>(text).unwrap_or_default();
    match hook {
        // Answers 200 either way.
        Verify::Apollo => fine && body().get("is_logged_in") == Some(&Value::Bool(true)),
        // A browser's login page is a 203.
        Verify::AzureDevops => status == 200,
        Verify::AwsIam | Verify::Bitdefender | Verify::SnipeIt => fine,
        // The empty order is incomplete, which only a known key is told.
        Verify::Cdw => fine || status == 400,
        Verify::Expensify => {
            let body = body();
            let message = body.get("responseMessage").and_then(Value::as_str).unwrap_or_default();
            fine && !message.contains("Authentication error")
        }
        Verify::Lastpass => fine && !text.contains("Authorization Error"),
        Verify::PushpayChmsV1 => fine && !text.contains("<error"),
        Verify::Skio => fine && at_path(&body(), "data.Orders").is_some_and(Value::is_array),
        Verify::VantageApparel => fine && !text.contains(">105<"),
    }
}

/// Status and text of the answer; nothing when there was none.
async fn ask(
    egress: &Egress,
    subject: &Subject<'_>,
    opened: &Opened,
    question: Question,
    rng: &dyn Rng,
) -> Result<Option<(u16, String)>, Error> {
    let invalid = |source| Error::Unreachable {
        what: "verification",
        source,
    };
    let base = apply::base_url(subject, opened)?.ok_or(Error::Missing {
        what: "base URL".to_owned(),
    })?;
    let url = format!("{}{}", base.trim_end_matches('/'), question.path);
    let url = Url::parse(&url).map_err(|_| Error::InvalidUrl { what: "verification" })?;
    let outgoing = Outgoing {
        method: question.method,
        url: &url,
        endpoint: question.path,
        body: &question.body,
        content_type: question.content_type,
    };
    let headers = apply::headers(subject, opened, &outgoing, rng)?;
    let method = http::Method::from_bytes(question.method.as_bytes()).unwrap_or(http::Method::GET);
    let mut request = Request::new(method, url.clone())
        .timeout(CALL_TIMEOUT)
        .redirects(Redirects::Return)
        .header("accept", "application/json, */*")
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(invalid)?;
    for (name, value) in &headers {
        request = request.header(name, value.expose()).map_err(invalid)?;
    }
    if !question.body.is_empty() {
        request = request.header("content-type", question.content_type).map_err(invalid)?;
        request = request.body(question.content_type, question.body);
    }
    Ok(read(egress, request).await)
}

async fn read(egress: &Egress, request: Request) -> Option<(u16, String)> {
    let response = match egress.send(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(%error, "a verification did not get through");
            return None;
        }
    };
    let status = response.status.as_u16();
    Some((status, response.text(ANSWER_BYTES_MAX).await.unwrap_or_default()))
}

/// Who the keys belong to, asked at the token service's global endpoint.
async fn caller_identity(egress: &Egress, subject: &Subject<'_>, opened: &Opened) -> Option<(u16, String)> {
    let Credentials::Basic(pair) = &opened.credentials else {
        return None;
    };
    let url = Url::parse("https://sts.amazonaws.com/").ok()?;
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let signer = Signer {
        access_key_id: pair.username.expose(),
        secret_access_key: &pair.password,
        session_token: None::<&Secret>,
        region: "us-east-1",
        service: "sts",
    };
    let covered = [("content-type".to_owned(), FORM.to_owned())];
    let signed = Signed {
        method: "POST",
        url: &url,
        headers: &covered,
        payload: Some(body.as_bytes()),
    };
    let headers = sigv4::sign(&signer, &signed, subject.now);
    let mut request = Request::new(http::Method::POST, url.clone())
        .timeout(CALL_TIMEOUT)
        .redirects(Redirects::Return)
        .body(FORM, body);
    for (name, value) in &headers {
        request = request.header(name, value.expose()).ok()?;
    }
    read(egress, request).await
}

#[cfg(test)]
mod tests;
