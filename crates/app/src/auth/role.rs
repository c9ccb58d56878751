//! Connecting an AWS account: a role of the customer's that trusts us.

use serde_json::{Value, json};
use tenon_credentials::modes::assume_role::{self, Role};
use tenon_credentials::{Credentials, Subject};
use uuid::Uuid;

use super::flow::Flow;
use super::inputs::RoleInput;
use crate::connections::client_app;
use crate::{App, Error, Result};

impl App {
    /// Assumes the role that the user named, and proves that the keys belong to it.
    ///
    /// # Errors
    /// 400 `missing_aws_sigv4_*` when the integration or the form lacks something, 502 `aws_sigv4_sts_request_failed`
    /// when the role cannot be assumed.
    #[tenon_model::boxed]
    pub(super) async fn assumed(&self, flow: &Flow, given: &RoleInput) -> Result<Credentials> {
        let stored = self.stored_role(flow).await?;
        let role = role(flow, given, stored, || self.rng().uuid_v4().to_string())?;
        let app = client_app(&flow.integration);
        let uuid = self.rng().uuid_v4().to_string();
        let subject = Subject {
            provider: flow.provider.get()?,
            app: &app,
            config: &flow.config,
            metadata: None,
            now: self.clock().now(),
            uuid: &uuid,
        };
        let failed = |error: tenon_credentials::Error| {
            Error::refuse(502, "aws_sigv4_sts_request_failed")
                .message(format!(
                    "The role could not be assumed: {error}. Its trust policy must name our account and the external id {}",
                    role.external_id
                ))
                .payload(json!({ "externalId": role.external_id, "providerStatus": error.status() }))
        };
        let held = assume_role::assume(self.egress(), &subject, &role, self.rng())
            .await
            .map_err(failed)?;
        assume_role::verify(self.egress(), &subject, &held)
            .await
            .map_err(failed)?;
        Ok(Credentials::AwsSigV4(held))
    }

    /// Region and external id of the connection that is authorised again.
    async fn stored_role(&self, flow: &Flow) -> Result<Option<(String, Option<String>)>> {
        if flow.session.reconnects.is_none() {
            return Ok(None);
        }
        let found = self
            .find_live(
                flow.session.environment.id,
                &flow.integration.unique_key,
                &flow.connection_id,
            )
            .await;
        Ok(match found.as_ref().map(|live| live.credentials()) {
            Ok(Credentials::AwsSigV4(held)) => Some((held.region.clone(), held.external_id.clone())),
            _ => None,
        })
    }
}

fn role(
    flow: &Flow,
    given: &RoleInput,
    stored: Option<(String, Option<String>)>,
    new_id: impl FnOnce() -> String,
) -> Result<Role> {
    let settings = &flow.integration.secrets.integration_config;
    let setting = |name: &str| settings.get(name).filter(|value| !value.is_empty()).cloned();
    let refuse = |code: &str, message: &str| Error::refuse(400, code).message(message).payload(json!({}));
    let service = setting("service").ok_or_else(|| {
        refuse(
            "missing_aws_sigv4_service",
            "AWS SigV4 integration is missing the target AWS service.",
        )
    })?;
    let preset = |name: &str| {
        flow.config
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let (stored_region, stored_id) = stored.map_or((None, None), |(region, id)| (Some(region), id));
    let region = stored_region
        .or_else(|| given.region.clone())
        .or_else(|| preset("region").map(str::to_owned))
        .or_else(|| setting("defaultRegion"))
        .or_else(|| setting("region"))
        .ok_or_else(|| {
            refuse(
                "missing_aws_sigv4_region",
                "Give a region, or set a default region on the integration.",
            )
        })?;
    match setting("stsMode").as_deref() {
        Some("custom") if setting("stsEndpointUrl").is_none() => {
            return Err(refuse(
                "missing_aws_sigv4_sts_endpoint",
                "Set stsEndpointUrl on the integration: the endpoint that answers with temporary keys.",
            ));
        }
        Some("custom") => {}
        _ if setting("awsAccessKeyId").is_none() || setting("awsSecretAccessKey").is_none() => {
            return Err(refuse(
                "missing_aws_sigv4_builtin_credentials",
                "Set awsAccessKeyId and awsSecretAccessKey on the integration: the key that may assume the role.",
            ));
        }
        _ => {}
    }
    let given_id = preset("external_id").filter(|text| Uuid::parse_str(text).is_ok());
    Ok(Role {
        arn: given.arn.clone(),
        region,
        service,
        external_id: stored_id.or_else(|| given_id.map(str::to_owned)).unwrap_or_else(new_id),
    })
}
