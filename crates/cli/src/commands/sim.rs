//! `tenon sim`: simulators of providers, for demonstrations, tests and offline CI.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use tenon_sim::hubspot::config::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET};
use tenon_sim::{Config, FaultPlan, HubSpot, Running};

use crate::stop::stop_signal;

/// Flags of `tenon sim`.
#[derive(Debug, Clone, clap::Args)]
pub struct SimArgs {
    #[command(subcommand)]
    provider: Provider,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Provider {
    /// A HubSpot account: OAuth, contacts, search with its 10,000-result cap, quotas, webhooks, faults.
    Hubspot(Box<HubspotArgs>),
}

/// Flags of `tenon sim hubspot`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon sim hubspot
  tenon sim hubspot --contacts 200000 --fault 'reset=1%,500=1%,slow=2%'
  tenon sim hubspot --token-ttl 60 --rotate-refresh-tokens
  tenon sim hubspot --contacts 15000 --same-millisecond
  tenon sim hubspot --webhook-url http://127.0.0.1:3003/webhook/<environment>/hubspot

While it runs:
  curl http://127.0.0.1:4010/_sim/stats                         what was asked so far
  curl -X POST 'http://127.0.0.1:4010/_sim/modify?count=12000'   contacts change
  curl -X POST 'http://127.0.0.1:4010/_sim/clock?advance_s=1800' half an hour passes")]
struct HubspotArgs {
    /// Address to listen on; keep the loopback address unless you know who can reach it.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on; 0 picks a free one.
    #[arg(long, default_value_t = 4010)]
    port: u16,
    /// Contacts in the account.
    #[arg(long, default_value_t = 1_000)]
    contacts: usize,
    /// Seed of the data, the tokens and the faults: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Give all contacts the same lastmodifieddate.
    #[arg(long)]
    same_millisecond: bool,
    /// Client id of the OAuth app.
    #[arg(long, default_value = DEFAULT_CLIENT_ID)]
    client_id: String,
    /// Client secret of the OAuth app; also signs webhooks.
    #[arg(long, default_value = DEFAULT_CLIENT_SECRET)]
    client_secret: String,
    /// Redirect URL that the app has registered; repeat for several [default: any].
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Seconds that an access token lives.
    #[arg(long, default_value_t = 1_800)]
    token_ttl: u64,
    /// Hand out a new refresh token at each refresh; using an old one again revokes the grant.
    #[arg(long)]
    rotate_refresh_tokens: bool,
    /// Redirect at once from the authorize page, without a click.
    #[arg(long)]
    auto_approve: bool,
    /// A private-app token to accept besides OAuth tokens.
    #[arg(long)]
    private_app_token: Option<String>,
    /// Requests per rolling ten seconds.
    #[arg(long, default_value_t = 110)]
    quota_per_10s: usize,
    /// Requests per day [default: no limit, as for OAuth apps].
    #[arg(long)]
    daily: Option<usize>,
    /// Searches per rolling second.
    #[arg(long, default_value_t = 5)]
    searches_per_second: usize,
    /// Faults to inject, for example 'reset=1%,500=1%,slow=2%'. Kinds: reset, truncate, 500, 502, 503, 429, slow.
    #[arg(long, default_value = "")]
    fault: FaultPlan,
    /// How late a slow answer is, in milliseconds.
    #[arg(long, default_value_t = 1_500)]
    slow_ms: u64,
    /// Fixed latency of every answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Deliver signed webhooks about changed contacts to this URL.
    #[arg(long)]
    webhook_url: Option<String>,
}

impl HubspotArgs {
    fn config(self) -> Config {
        Config {
            listen: SocketAddr::new(self.host, self.port),
            contacts: self.contacts,
            seed: self.seed,
            same_millisecond: self.same_millisecond,
            client_id: self.client_id,
            client_secret: self.client_secret,
            redirect_uris: self.redirect_uris,
            token_ttl: Duration::from_secs(self.token_ttl),
            rotate_refresh_tokens: self.rotate_refresh_tokens,
            auto_approve: self.auto_approve,
            private_app_token: self.private_app_token,
            quota_per_10s: self.quota_per_10s,
            daily: self.daily,
            searches_per_second: self.searches_per_second,
            faults: self.fault,
            slow: Duration::from_millis(self.slow_ms),
            latency: Duration::from_millis(self.latency_ms),
            webhook_url: self.webhook_url,
            ..Config::default()
        }
    }
}

/// Runs the command until it is asked to stop.
pub async fn run(args: SimArgs) -> Result<ExitCode> {
    let Provider::Hubspot(hubspot) = args.provider;
    let stop = stop_signal()?;
    let hint = format!("--port {} may be taken; --port 0 picks a free one", hubspot.port);
    let running = HubSpot::start(hubspot.config()).await.context(hint)?;
    print_banner(&running);
    stop.await;
    running.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print_banner(running: &Running) {
    println!("{}", banner(running));
}

/// What a person needs to point an integration at the simulator.
fn banner(running: &Running) -> String {
    let (url, config) = (running.base_url(), running.config());
    let rotation = if config.rotate_refresh_tokens {
        ", refresh tokens rotate"
    } else {
        ""
    };
    let webhooks = config.webhook_url.as_deref().unwrap_or("off (--webhook-url)");
    let seconds = config.token_ttl.as_secs();
    format!(
        "A simulated HubSpot account is ready. Ctrl-C stops it.

  contacts       {contacts} (seed {seed})
  API            {url}
  authorize      {url}/oauth/authorize
  token          {url}/oauth/v1/token   (also /oauth/2026-03/token)
  client id      {id}
  client secret  {secret}
  tokens         live {seconds} seconds{rotation}
  quotas         {ten} requests per 10 s, {searches} searches per second, {cap} results per search
  faults         {faults}
  webhooks       {webhooks}
  inspect        {url}/_sim/stats

To point Tenon at it, save this as providers/hubspot-sim.toml in its data directory and start it with
`tenon serve --allow-private-addresses`; then make an integration of provider hubspot-sim with the client above.

  [vendor]
  name = \"HubSpot\"

  [hubspot-sim]
  extends = \"hubspot\"
  name = \"HubSpot (simulator)\"
  authorize = \"{url}/oauth/authorize\"
  token = \"{url}/oauth/v1/token\"
  api = \"{url}\"
  example = {{ request = \"GET /crm/v3/objects/contacts\", sends = \"{url}/crm/v3/objects/contacts\" }}",
        contacts = running.stats().contacts,
        seed = config.seed,
        id = config.client_id,
        secret = config.client_secret,
        ten = config.quota_per_10s,
        searches = config.searches_per_second,
        cap = config.search_cap,
        faults = config.faults,
    )
}
