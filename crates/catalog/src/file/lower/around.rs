//! What happens around a connection: captures, hooks and webhooks.

use super::Reader;
use crate::file::entry::{Entry, Fetch, Match as MatchTable, Signature as SignatureTable};
use crate::provider::{
    AfterConnect, BeforeDelete, Capture, CaptureFrom, Captures, EventPath, Hooks, Match, MatchIn, Pick, Router, Secret,
    Signature, Signed, Verify, Webhook,
};
use crate::template::JsonTemplate;

impl Reader<'_> {
    pub(super) fn captures(&mut self, entry: &Entry) -> Captures {
        let table = &entry.capture;
        let mut fetch = Vec::new();
        for one in &table.fetch {
            fetch.extend(self.capture(one));
        }
        Captures {
            callback: table.callback.clone(),
            token_reply: table.token.clone(),
            refresh_reply: table.refresh.clone(),
            install_webhook: table.install_webhook.clone(),
            after_connect: table.after_connect.clone(),
            fetch,
        }
    }

    fn capture(&mut self, table: &Fetch) -> Option<Capture> {
        let key = format!("capture.fetch.{}", table.save_as);
        if table.save_as.is_empty() || table.path.is_empty() {
            self.fault(Some(&key), "a look-up has save_as and path".to_owned());
            return None;
        }
        let from = match (table.from.as_deref(), table.call.as_deref()) {
            (Some("token_reply"), None) => CaptureFrom::TokenReply,
            (Some("access_token_claims"), None) => CaptureFrom::AccessTokenClaims,
            (Some("id_token_claims"), None) => CaptureFrom::IdTokenClaims,
            (None, Some(call)) => {
                let (method, url) = self.call(&key, call)?;
                let body = match table
                    .body
                    .as_ref()
                    .map(|body| JsonTemplate::parse(&super::json(body)))
                    .transpose()
                {
                    Ok(body) => body,
                    Err(error) => {
                        self.fault(Some(&key), error.to_string());
                        None
                    }
                };
                CaptureFrom::Call {
                    method,
                    url,
                    headers: self.templates(&key, &table.headers),
                    body,
                }
            }
            _ => {
                let message = "write call = \"GET /me\", or from = token_reply, access_token_claims or id_token_claims";
                self.fault(Some(&key), message.to_owned());
                return None;
            }
        };
        let pick = match table.pick.as_deref() {
            None | Some("first") => Pick::First,
            Some("only") => Pick::Only,
            Some(condition) => match condition.split_once('=') {
                Some((field, value)) => Pick::Where(field.trim().to_owned(), value.trim().to_owned()),
                None => {
                    self.fault(Some(&key), "pick is first, only or field=value".to_owned());
                    Pick::First
                }
            },
        };
        let when = match table.when.as_deref().map(|condition| condition.split_once('=')) {
            None => None,
            Some(Some((path, value))) => Some((path.trim().to_owned(), value.trim().to_owned())),
            Some(None) => {
                self.fault(Some(&key), "when is path=value".to_owned());
                None
            }
        };
        Some(Capture {
            save_as: table.save_as.clone(),
            from,
            path: table.path.clone(),
            regex: table.pattern.as_deref().map(|pattern| self.pattern(&key, pattern)),
            pick,
            when,
            unless_set: table.unless_set,
        })
    }

    pub(super) fn hooks(&mut self, entry: &Entry) -> Hooks {
        let after: Vec<_> = AfterConnect::ALL.iter().map(|hook| (hook.as_str(), *hook)).collect();
        let verify: Vec<_> = Verify::ALL.iter().map(|hook| (hook.as_str(), *hook)).collect();
        let before: Vec<_> = BeforeDelete::ALL.iter().map(|hook| (hook.as_str(), *hook)).collect();
        let table = &entry.hooks;
        Hooks {
            after_connect: table
                .after_connect
                .as_deref()
                .and_then(|name| self.named("hooks.after_connect", name, &after)),
            verify: table
                .verify
                .as_deref()
                .and_then(|name| self.named("hooks.verify", name, &verify)),
            before_delete: table
                .before_delete
                .as_deref()
                .and_then(|name| self.named("hooks.before_delete", name, &before)),
        }
    }

    pub(super) fn webhook(&mut self, entry: &Entry) -> Option<Webhook> {
        let table = entry.webhook.as_ref()?;
        let routers: Vec<_> = Router::ALL.iter().map(|router| (router.as_str(), *router)).collect();
        let path = |text: &Option<String>| text.as_deref().map(EventPath::parse);
        let mut matches = Vec::new();
        for one in &table.matches {
            matches.extend(self.matching(one));
        }
        Some(Webhook {
            router: table
                .router
                .as_deref()
                .and_then(|name| self.named("webhook.router", name, &routers)),
            developer_secret: table.developer_secret,
            query: table.query.clone(),
            signature: table
                .signature
                .as_ref()
                .and_then(|signature| self.webhook_signature(signature)),
            signature_required: table.signature.as_ref().is_some_and(|signature| signature.required),
            event: path(&table.event),
            items: table.items.clone(),
            matches,
            delivery_id: path(&table.delivery_id),
            challenge: path(&table.challenge),
        })
    }

    fn matching(&mut self, table: &MatchTable) -> Option<Match> {
        let found_in = match (&table.config, &table.metadata, table.connection_id) {
            (Some(name), None, false) => MatchIn::Config(name.clone()),
            (None, Some(name), false) => MatchIn::Metadata(name.clone()),
            (None, None, true) => MatchIn::ConnectionId,
            _ => {
                let message = "write exactly one of config, metadata or connection_id = true";
                self.fault(Some("webhook.match"), message.to_owned());
                return None;
            }
        };
        Some(Match {
            value: EventPath::parse(&table.value),
            found_in,
        })
    }

    fn webhook_signature(&mut self, table: &SignatureTable) -> Option<Signature> {
        let key = "webhook.signature";
        let secrets = &[
            ("webhook", Secret::Webhook),
            ("client", Secret::Client),
            ("app_derived", Secret::AppDerived),
            ("metadata", Secret::Metadata),
        ];
        let secret = self.named_or_default(key, table.secret.as_deref(), secrets);
        let header = table.header.clone().unwrap_or_default();
        let algorithm = table.algorithm.clone().unwrap_or_else(|| "sha256".to_owned());
        let encoding = table.encoding.clone().unwrap_or_else(|| "hex".to_owned());
        let needs_header = matches!(table.scheme.as_str(), "hmac" | "hash" | "equals");
        if needs_header && header.is_empty() {
            self.fault(Some(key), "name the header that carries the signature".to_owned());
        }
        if !matches!(algorithm.as_str(), "sha1" | "sha256") || !matches!(encoding.as_str(), "hex" | "base64") {
            self.fault(
                Some(key),
                "algorithm is sha1 or sha256, encoding hex or base64".to_owned(),
            );
        }
        let signed = &[("body", Signed::Body), ("time.body", Signed::TimeDotBody)];
        match table.scheme.as_str() {
            "hmac" => Some(Signature::Hmac {
                header,
                algorithm,
                encoding,
                prefix: table.prefix.clone().unwrap_or_default(),
                signed: self.named_or_default(key, table.signed.as_deref(), signed),
                secret,
                tolerance_secs: table.tolerance_seconds,
            }),
            "standard_webhooks" => Some(Signature::StandardWebhooks { secret }),
            "hash" => Some(Signature::Hash {
                header,
                algorithm,
                secret,
            }),
            "equals" => Some(Signature::Equals { header, secret }),
            "hubspot_v3" => Some(Signature::HubspotV3 { secret }),
            "slack_v0" => Some(Signature::SlackV0 { secret }),
            other => {
                let message = format!(
                    "`{other}` is unknown; write hmac, standard_webhooks, hash, equals, hubspot_v3 or slack_v0"
                );
                self.fault(Some(key), message);
                None
            }
        }
    }
}
