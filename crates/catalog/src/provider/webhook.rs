//! Webhooks that vendors send: who checks them, and to which connections they belong.

use super::hooks::named;

/// Facts about a vendor's webhooks.
#[derive(Debug, Clone, Default)]
pub struct Webhook {
    /// Named router, when one is known to other clients of the wire.
    pub router: Option<Router>,
    /// The developer may store a webhook secret on the integration.
    pub developer_secret: bool,
    /// Query parameters of the webhook URL that reach the router; all others are dropped.
    pub query: Vec<String>,
    /// How a delivery is signed.
    pub signature: Option<Signature>,
    /// Nothing is taken without a signature, not even while the developer has stored no secret.
    pub signature_required: bool,
    /// Where the event type is.
    pub event: Option<EventPath>,
    /// Dotted path of the list when one delivery holds several events.
    pub items: Option<String>,
    /// How connections are found; tried in order.
    pub matches: Vec<Match>,
    /// Dotted path, or `header:name`, of a delivery id for de-duplication.
    pub delivery_id: Option<EventPath>,
    /// Dotted path of a text that is echoed as the answer (a challenge).
    pub challenge: Option<EventPath>,
}

impl Webhook {
    /// The declarative routing, when the entry has one.
    #[must_use]
    pub fn recipe(&self) -> Option<(&EventPath, &[Match])> {
        self.event.as_ref().map(|event| (event, self.matches.as_slice()))
    }
}

/// A value of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPath {
    /// Dotted path in the JSON body.
    Body(String),
    /// Header, lower case.
    Header(String),
    /// First label of the host name in a header, lower case: `acme` of `acme.myshopify.com`.
    HostLabel(String),
    /// Query parameter.
    Query(String),
}

impl EventPath {
    /// Reads `a.b`, `header:x-event`, `host-label:x-domain` or `query:token`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("header:") {
            return Self::Header(name.to_ascii_lowercase());
        }
        if let Some(name) = text.strip_prefix("host-label:") {
            return Self::HostLabel(name.to_ascii_lowercase());
        }
        match text.strip_prefix("query:") {
            Some(name) => Self::Query(name.to_owned()),
            None => Self::Body(text.to_owned()),
        }
    }
}

/// How a connection is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Value in the delivery.
    pub value: EventPath,
    /// Where it must be found.
    pub found_in: MatchIn,
}

/// Where the identifying value of a connection lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchIn {
    /// The connection id itself.
    ConnectionId,
    /// A connection value.
    Config(String),
    /// A metadata value, equal or contained in a list.
    Metadata(String),
}

/// How a delivery is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// HMAC in a header.
    Hmac {
        /// Header name, lower case.
        header: String,
        /// `sha1` or `sha256`.
        algorithm: String,
        /// `hex` or `base64`.
        encoding: String,
        /// Text before the digest (`sha256=`).
        prefix: String,
        /// What is signed.
        signed: Signed,
        /// Which secret is the key.
        secret: Secret,
        /// Greatest age in seconds when the signature carries a time.
        tolerance_secs: Option<u64>,
    },
    /// Standard Webhooks headers.
    StandardWebhooks {
        /// Which secret is the key.
        secret: Secret,
    },
    /// A plain hash of secret and body.
    Hash {
        /// Header name, lower case.
        header: String,
        /// `sha1` or `sha256`.
        algorithm: String,
        /// Which secret.
        secret: Secret,
    },
    /// A shared secret in a header.
    Equals {
        /// Header name, lower case.
        header: String,
        /// Which secret.
        secret: Secret,
    },
    /// HubSpot's third scheme: HMAC-SHA256, base64, over method, URL, body and time stamp.
    HubspotV3 {
        /// Which secret.
        secret: Secret,
    },
    /// Slack's scheme: HMAC-SHA256 hex over `v0:time:body`.
    SlackV0 {
        /// Which secret.
        secret: Secret,
    },
}

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signed {
    /// The raw body.
    #[default]
    Body,
    /// `{t}.{body}` with the time of the header (`t=…,v1=…`).
    TimeDotBody,
}

/// Which secret signs deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secret {
    /// The webhook secret of the integration.
    #[default]
    Webhook,
    /// The OAuth client secret.
    Client,
    /// Derived from app id, key and link of a GitHub App.
    AppDerived,
    /// A secret in the connection's metadata (`webhookSecret`).
    Metadata,
}

named! {
    /// Routers known to clients of the wire (`webhook_routing_script`).
    Router {
        /// Affinity.
        Affinity = "affinity",
        /// Airtable.
        Airtable = "airtable",
        /// Attio.
        Attio = "attio",
        /// Autotask.
        Autotask = "autotask",
        /// Cal.com.
        CalCom = "cal_com",
        /// Calendly.
        Calendly = "calendly",
        /// Checkr partner.
        CheckrPartner = "checkr_partner",
        /// ConnectWise PSA.
        ConnectwisePsa = "connectwise_psa",
        /// Fathom.
        Fathom = "fathom",
        /// Fillout.
        Fillout = "fillout",
        /// folk.
        Folk = "folk",
        /// GitHub App.
        GithubApp = "github_app",
        /// GitHub App with user tokens.
        GithubAppOauth = "github_app_oauth",
        /// GitLab.
        Gitlab = "gitlab",
        /// Gmail push through Pub/Sub.
        Gmail = "gmail",
        /// Google channel notifications.
        Google = "google",
        /// Google Calendar channels.
        GoogleCalendar = "google_calendar",
        /// Google Drive channels.
        GoogleDrive = "google_drive",
        /// HighLevel.
        Highlevel = "highlevel",
        /// HubSpot.
        Hubspot = "hubspot",
        /// Jira.
        Jira = "jira",
        /// Jobber.
        Jobber = "jobber",
        /// JobDiva.
        Jobdiva = "jobdiva",
        /// Linear.
        Linear = "linear",
        /// Microsoft Graph notifications.
        MicrosoftClientCredentials = "microsoft_client_credentials",
        /// Microsoft Teams.
        MicrosoftTeams = "microsoft_teams",
        /// Notion.
        Notion = "notion",
        /// PagerDuty.
        Pagerduty = "pagerduty",
        /// Salesforce.
        Salesforce = "salesforce",
        /// Sellsy.
        Sellsy = "sellsy",
        /// Sentry.
        SentryOauth = "sentry_oauth",
        /// ShipStation.
        Shipstation = "shipstation",
        /// Shopify.
        Shopify = "shopify",
        /// Slack.
        Slack = "slack",
        /// Streak.
        Streak = "streak",
        /// Deliveries that name the connection themselves.
        Unauthenticated = "unauthenticated",
        /// VideoAsk.
        Videoask = "videoask",
        /// Xero.
        Xero = "xero",
    }
}
