//! The demonstration, step by step.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::connect::{self, SCOPES};
use super::example::{self, ACTION, INTEGRATION, MODEL, SYNC};
use super::progress::RunState;
use super::records::{self, From, Listing};
use super::{Stage, thousands};
use crate::commands::quickstart::QuickstartArgs;

const LIST_PAGE: usize = 100;
const SEARCH_PAGE: usize = 200;
/// Results that one HubSpot search can give.
const SEARCH_CAP: usize = 10_000;
/// Contacts that are deleted at the end (fewer in tiny accounts).
const DELETIONS: usize = 40;
const POLL_EVERY: Duration = Duration::from_millis(250);
const WEBHOOK_WITHIN: Duration = Duration::from_secs(20);
/// The server looks the account id up in the background.
const PORTAL_WITHIN: Duration = Duration::from_secs(5);
/// The first pass and the changes may take this long for every thousand contacts, besides a minute; far above what the
/// vendor's quotas need.
const PER_THOUSAND: Duration = Duration::from_secs(6);

/// Tells the story; every number goes into the checks.
pub async fn tell(stage: &mut Stage, args: &QuickstartArgs, data_dir: &Path) -> Result<()> {
    let connection = connect_account(stage).await?;
    stage.connection.clone_from(&connection);
    deploy(stage, data_dir, &connection).await?;
    first_pass(stage, args, &connection).await?;
    changes(stage, args, &connection).await?;
    let created = action(stage, &connection).await?;
    stage.sim.set_faults(args.fault.clone());
    deletions(stage, args, &connection, &created).await?;
    compare(stage, &connection).await?;
    let counts = stage.receiver.counts();
    stage
        .checks
        .at_least("webhooks with both signatures right", 4, counts.verified);
    stage.checks.equal("webhooks with a wrong signature", 0, counts.refused);
    Ok(())
}

async fn connect_account(stage: &mut Stage) -> Result<String> {
    stage.screen.title("1  Connect a HubSpot account");
    let sim = stage.sim.config();
    let integration = json!({
        "provider": "hubspot",
        "unique_key": INTEGRATION,
        "credentials": {
            "type": "OAUTH2",
            "client_id": sim.client_id,
            "client_secret": sim.client_secret,
            "scopes": SCOPES.join(","),
        },
    });
    let hub_id = sim.hub_id.to_string();
    stage.client.post("/integrations", &[], &integration).await?;
    let session = connect::open_session(&stage.client, INTEGRATION).await?;
    let mark = stage.receiver.mark();
    connect::authorize(stage.server.url(), INTEGRATION, &session).await?;
    let event = stage
        .receiver
        .wait_for(mark, "the new connection", WEBHOOK_WITHIN, |event| {
            event["type"] == "auth"
        })
        .await?;
    if event["success"] != true || event["operation"] != "creation" {
        bail!("the webhook about the connection says: {event}");
    }
    let connection = event["connectionId"]
        .as_str()
        .context("the auth webhook names no connection")?
        .to_owned();
    let portal = portal_id(stage, &connection).await?;
    stage
        .checks
        .same("account id that HubSpot gave after the OAuth flow", &hub_id, &portal);
    stage
        .screen
        .line(&format!("  OAuth flow done, connection {connection}, told by webhook"));
    Ok(connection)
}

/// The account id that the server asks HubSpot for once a connection is there. It does so in the background, and the
/// webhook does not wait for it: the value is looked for during a few seconds, and is `null` when it never comes.
async fn portal_id(stage: &Stage, connection: &str) -> Result<String> {
    let started = Instant::now();
    loop {
        let mut shown = stage.client.get(&connection_path(connection), &[]).await?;
        match shown["connection_config"]["portalId"].take() {
            Value::String(text) => return Ok(text),
            Value::Null if started.elapsed() < PORTAL_WITHIN => tokio::time::sleep(POLL_EVERY).await,
            other => return Ok(other.to_string()),
        }
    }
}

fn connection_path(connection: &str) -> String {
    format!("/connections/{connection}?provider_config_key={INTEGRATION}")
}

async fn deploy(stage: &mut Stage, data_dir: &Path, connection: &str) -> Result<()> {
    stage.screen.title("2  Deploy examples/hubspot-contacts");
    let started = Instant::now();
    let project = example::write(data_dir)?;
    example::deploy(&stage.client, &project).await?;
    let functions = stage
        .client
        .get(&format!("/integrations/{INTEGRATION}/functions"), &[])
        .await?;
    let names: Vec<&str> = functions["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|f| f["name"].as_str())
        .collect();
    if !names.contains(&SYNC) || !names.contains(&ACTION) {
        bail!("the server does not have the functions that were deployed; it has {names:?}");
    }
    // From here on this program, and not the clock, decides when the sync runs.
    let frequency = json!({
        "sync_name": SYNC, "provider_config_key": INTEGRATION, "connection_id": connection, "frequency": "every day"
    });
    stage
        .client
        .call(Method::PUT, "/sync/update-connection-frequency", &[], Some(&frequency))
        .await?;
    stage.screen.line(&format!(
        "  compiled without Node and deployed in {} ms: sync {SYNC}, action {ACTION}",
        started.elapsed().as_millis()
    ));
    Ok(())
}

async fn first_pass(stage: &mut Stage, args: &QuickstartArgs, connection: &str) -> Result<()> {
    stage
        .screen
        .title("3  First pass: every contact, within HubSpot's 110 requests per ten seconds");
    let pages = args.contacts.div_ceil(LIST_PAGE);
    let start = json!({"syncs": [SYNC], "provider_config_key": INTEGRATION, "connection_id": connection});
    stage.client.post("/sync/start", &[], &start).await?;
    let run = Run {
        records: args.contacts,
        pages,
        initial: true,
    };
    let event = stage.run_sync(connection, &run).await?;
    stage.check_counts("first pass", &event, [args.contacts, 0, 0]);
    let stats = stage.sim.stats();
    stage
        .checks
        .at_least("pages of the list", pages, count(stats.list_pages));
    stage
        .checks
        .equal("requests refused for exceeding the quota", 0, count(stats.rate_limited));
    stage.checks.at_most(
        "most requests in any ten seconds",
        110,
        stats.max_requests_in_ten_seconds,
    );
    let listing = records::list(&stage.client, connection, From::Start).await?;
    stage.checks.equal(
        "records that GET /records returns",
        args.contacts,
        listing.records.len(),
    );
    stage
        .checks
        .equal("records returned twice", 0, listing.lines - listing.records.len());
    Ok(())
}

async fn changes(stage: &mut Stage, args: &QuickstartArgs, connection: &str) -> Result<()> {
    stage
        .screen
        .title(&format!("4  {} contacts change", thousands(args.changes)));
    if args.changes > SEARCH_CAP {
        let cap = thousands(SEARCH_CAP);
        stage.screen.line(&format!(
            "  more than the {cap} results of one HubSpot search: the sync slides its window"
        ));
    }
    let before = records::list(&stage.client, connection, From::Start).await?;
    stage.sim.reset_stats();
    stage.sim.modify(args.changes, args.same_millisecond);
    let run = Run {
        records: args.changes,
        pages: args.changes.div_ceil(SEARCH_PAGE),
        initial: false,
    };
    let event = stage.run_sync(connection, &run).await?;
    stage.check_counts("changes", &event, [0, args.changes, 0]);
    let stats = stage.sim.stats();
    stage
        .checks
        .equal("pages of the full list fetched again", 0, count(stats.list_pages));
    // The edges of the window are read twice.
    stage.checks.at_most(
        "contacts fetched to find the changes",
        args.changes + args.changes / 4 + 2 * SEARCH_PAGE,
        count(stats.contacts_returned),
    );
    stage
        .checks
        .at_most("most searches in any second", 5, stats.max_searches_in_a_second);
    stage
        .checks
        .equal("searches beyond the cap", 0, count(stats.search_cap_refusals));

    let after = before.cursor.as_deref().context("the records have no cursor")?;
    let delta = records::list(&stage.client, connection, From::Cursor(after)).await?;
    stage.checks.equal(
        "changed records behind the old cursor",
        args.changes,
        delta.with_action("UPDATED"),
    );
    let modified_after = event["modifiedAfter"]
        .as_str()
        .context("the webhook has no modifiedAfter")?;
    let delta = records::list(&stage.client, connection, From::ModifiedAfter(modified_after)).await?;
    stage.checks.equal(
        "records since the webhook's modifiedAfter",
        args.changes,
        delta.records.len(),
    );
    Ok(())
}

async fn action(stage: &mut Stage, connection: &str) -> Result<String> {
    stage.screen.title("5  Call the action");
    // An action is not repeated when its answer is lost; that the provider misbehaves is shown by the sync.
    stage.sim.set_faults(tenon_sim::FaultPlan::default());
    let headers = [("connection-id", connection), ("provider-config-key", INTEGRATION)];
    let input = json!({"email": "grace@customer.example", "first_name": "Grace", "last_name": "Hopper"});
    let call = json!({"action_name": ACTION, "input": input});
    let started = Instant::now();
    let made = stage.client.post("/action/trigger", &headers, &call).await?;
    let took = started.elapsed();
    let id = made["id"]
        .as_str()
        .context("the action returned no contact id")?
        .to_owned();
    let known = stage.sim.contacts().iter().any(|contact| contact.id == id);
    stage
        .checks
        .equal("contacts created by the action", 1, usize::from(known));
    let (status, text) = stage
        .client
        .send(Method::POST, "/action/trigger", &headers, Some(&call))
        .await?;
    let refused = status >= 400 && text.contains("contact_exists") && text.contains(&id);
    stage.checks.equal(
        "second attempt refused, naming the first contact",
        1,
        usize::from(refused),
    );
    stage.screen.line(&format!(
        "  contact {id} created in {} ms; the duplicate is refused ({status})",
        took.as_millis()
    ));
    Ok(id)
}

async fn deletions(stage: &mut Stage, args: &QuickstartArgs, connection: &str, created: &str) -> Result<()> {
    let wanted = DELETIONS.min(args.contacts / 4 + 1);
    stage.screen.title(&format!("6  {wanted} contacts are deleted"));
    let deleted = stage.sim.delete(wanted);
    let created_survives = !deleted.iter().any(|id| id.to_string() == created);
    let run = Run {
        records: wanted + 1,
        pages: 2,
        initial: false,
    };
    let event = stage.run_sync(connection, &run).await?;
    // The contact made by the action arrives in the same run, unless it was deleted before the sync saw it.
    let added = usize::from(created_survives);
    stage.check_counts(
        "deletions",
        &event,
        [added, 0, deleted.len() - usize::from(!created_survives)],
    );
    Ok(())
}

/// The whole copy against the whole account, contact by contact.
async fn compare(stage: &mut Stage, connection: &str) -> Result<()> {
    let listing = records::list(&stage.client, connection, From::Start).await?;
    let truth = stage.sim.contacts();
    let live = listing.records.len() - listing.with_action("DELETED");
    let (missing, differing) = differences(&listing, &truth);
    stage.checks.equal("live records at the end", truth.len(), live);
    stage.checks.equal("contacts missing from the copy", 0, missing);
    stage.checks.equal("contacts that differ from the copy", 0, differing);
    Ok(())
}

fn differences(listing: &Listing, truth: &[tenon_sim::hubspot::control::ContactLine]) -> (usize, usize) {
    let (mut missing, mut differing) = (0, 0);
    for contact in truth {
        match listing.records.get(&contact.id) {
            Some(seen) if seen.last_action != "DELETED" => {
                if seen.modified.as_deref() != Some(contact.lastmodifieddate.as_str()) {
                    differing += 1;
                }
            }
            _ => missing += 1,
        }
    }
    (missing, differing)
}

/// What a run is expected to do, for the bars and the time it may take.
struct Run {
    records: usize,
    pages: usize,
    initial: bool,
}

impl Stage {
    /// Triggers the sync, shows its progress, and returns the webhook about its end.
    async fn run_sync(&mut self, connection: &str, run: &Run) -> Result<Value> {
        let mark = self.receiver.mark();
        let trigger = json!({"syncs": [SYNC], "provider_config_key": INTEGRATION, "connection_id": connection});
        self.client.post("/sync/trigger", &[], &trigger).await?;
        let mut view = self.screen.run(run.records, run.pages);
        let (before, started) = (self.sim.stats(), Instant::now());
        let thousands_of_records = u32::try_from(run.records / 1_000).unwrap_or(u32::MAX);
        let patience = Duration::from_secs(60) + PER_THOUSAND.saturating_mul(thousands_of_records);
        let event = loop {
            if let Some(event) = self.receiver.find(mark, is_about_sync) {
                break event;
            }
            if started.elapsed() > patience {
                let status = self.sync_status(connection).await?;
                bail!(
                    "the sync did not end within {} s; its status is {status}",
                    patience.as_secs()
                );
            }
            let status = self.sync_status(connection).await?;
            let stats = self.sim.stats();
            let pages = |stats: &tenon_sim::hubspot::Snapshot| count(stats.list_pages + stats.searches);
            let fetched = count(stats.contacts_returned.saturating_sub(before.contacts_returned));
            let records = if run.initial {
                status["recordCount"][MODEL].as_u64().map_or(0, count)
            } else {
                fetched.min(run.records)
            };
            view.update(&RunState {
                records,
                pages: pages(&stats).saturating_sub(pages(&before)),
                quota: self.sim.quota_used(),
                checkpoint: status["checkpoint"].to_string(),
            });
            tokio::time::sleep(POLL_EVERY).await;
        };
        let took = view.finish();
        if event["success"] != true {
            bail!("the sync failed: {event}");
        }
        let results = &event["responseResults"];
        self.screen.line(&format!(
            "  done in {:.1} s: {} added, {} updated, {} deleted, told by webhook",
            took.as_secs_f64(),
            results["added"],
            results["updated"],
            results["deleted"]
        ));
        Ok(event)
    }

    async fn sync_status(&self, connection: &str) -> Result<Value> {
        let path = format!("/sync/status?syncs={SYNC}&provider_config_key={INTEGRATION}&connection_id={connection}");
        let mut status = self.client.get(&path, &[]).await?;
        Ok(status["syncs"][0].take())
    }

    fn check_counts(&mut self, what: &str, event: &Value, expected: [usize; 3]) {
        for (name, expected) in ["added", "updated", "deleted"].into_iter().zip(expected) {
            let got = event["responseResults"][name].as_u64().map_or(usize::MAX, count);
            self.checks.equal(&format!("{what}: {name}"), expected, got);
        }
    }
}

fn is_about_sync(event: &Value) -> bool {
    event["type"] == "sync" && event["syncName"] == SYNC
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
