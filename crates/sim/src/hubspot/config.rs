//! What a simulated HubSpot is like. Defaults are the vendor's documented numbers.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::FaultPlan;

/// The client id that a fresh simulator knows.
pub const DEFAULT_CLIENT_ID: &str = "tenon-simulated-client";
/// The client secret that a fresh simulator knows.
pub const DEFAULT_CLIENT_SECRET: &str = "tenon-simulated-secret";

/// Settings of a simulated HubSpot.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Loopback and a free port by default.
    pub listen: SocketAddr,
    /// Contacts in the account at start.
    pub contacts: usize,
    /// Seed of the data, of tokens and of faults.
    pub seed: u64,
    /// All contacts carry the same `lastmodifieddate`.
    pub same_millisecond: bool,
    /// The OAuth app's client id.
    pub client_id: String,
    /// The OAuth app's client secret; also the key of webhook signatures.
    pub client_secret: String,
    /// Redirect URLs that the app has registered; empty accepts any absolute URL.
    pub redirect_uris: Vec<String>,
    /// The account ("portal") that the consent page connects.
    pub hub_id: u64,
    /// The app.
    pub app_id: u64,
    /// Life of an access token. HubSpot documents 30 minutes.
    pub token_ttl: Duration,
    /// Each refresh hands out a new refresh token; using an old one again revokes the grant. HubSpot itself does not
    /// rotate; many vendors do.
    pub rotate_refresh_tokens: bool,
    /// The authorize page answers with a redirect at once and shows no consent page.
    pub auto_approve: bool,
    /// A private-app token that is always accepted, with every scope.
    pub private_app_token: Option<String>,
    /// Requests per rolling ten seconds (110 for OAuth apps, 190 for private apps, 250 with the capacity pack).
    pub quota_per_10s: usize,
    /// Requests per day; none for OAuth apps.
    pub daily: Option<usize>,
    /// Searches per rolling second and account.
    pub searches_per_second: usize,
    /// Results that one search query may page through.
    pub search_cap: usize,
    /// Faults of the CRM routes.
    pub faults: FaultPlan,
    /// How late a `slow` answer is.
    pub slow: Duration,
    /// A fixed latency of every CRM answer.
    pub latency: Duration,
    /// Where webhooks go; none sends nothing.
    pub webhook_url: Option<String>,
    /// First pause before a webhook is sent again; doubles up to ten retries. HubSpot spreads them over a day.
    pub webhook_retry: Duration,
    /// A clock that only moves when told, starting here (milliseconds since 1970). None runs with the wall clock.
    pub manual_clock_ms: Option<i64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            contacts: 1_000,
            seed: 1,
            same_millisecond: false,
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            redirect_uris: Vec::new(),
            hub_id: 62_515,
            app_id: 1_160_452,
            token_ttl: Duration::from_secs(1_800),
            rotate_refresh_tokens: false,
            auto_approve: false,
            private_app_token: None,
            quota_per_10s: 110,
            daily: None,
            searches_per_second: 5,
            search_cap: 10_000,
            faults: FaultPlan::default(),
            slow: Duration::from_millis(1_500),
            latency: Duration::ZERO,
            webhook_url: None,
            webhook_retry: Duration::from_secs(1),
            manual_clock_ms: None,
        }
    }
}

impl Config {
    /// Refuses settings that no account could have.
    pub fn check(&self) -> Result<(), crate::Error> {
        let bad = |text: &str| Err(crate::Error::Setting(text.to_owned()));
        if self.contacts > 20_000_000 {
            return bad("contacts must be at most 20,000,000");
        }
        if self.quota_per_10s == 0 || self.searches_per_second == 0 || self.search_cap == 0 {
            return bad("quotas must be at least 1");
        }
        if self.token_ttl < Duration::from_secs(1) {
            return bad("token-ttl must be at least one second");
        }
        if self.client_id.is_empty() || self.client_secret.is_empty() {
            return bad("client id and secret must not be empty");
        }
        if let Some(url) = &self.webhook_url
            && url::Url::parse(url).is_err()
        {
            return bad("webhook-url must be an absolute URL");
        }
        Ok(())
    }
}
