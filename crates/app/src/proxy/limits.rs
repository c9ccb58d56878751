//! The rate governor's side of a call: from the catalogue's quotas to its rules.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenon_catalog::Provider;
use tenon_catalog::provider::{Quota, QuotaScope};
use tenon_egress::governor::{Bounds, Governor, Rule, Scope};
use tenon_model::Clock;

use crate::App;

/// What the proxy remembers between calls.
pub(crate) struct State {
    pub(super) governor: Governor,
    none: Arc<[Rule]>,
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    quotas: Vec<Quota>,
    rules: Arc<[Rule]>,
}

impl State {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let governor = Governor::new(clock, Bounds::default());
        Self {
            governor,
            none: Arc::from([]),
            known: Mutex::default(),
        }
    }

    /// The rules of a provider; the same ones until its entry changes.
    pub(super) fn rules(&self, provider: &Provider) -> Arc<[Rule]> {
        if provider.quotas.is_empty() {
            return Arc::clone(&self.none);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&provider.id).filter(|known| known.quotas == provider.quotas) {
            return Arc::clone(&known.rules);
        }
        let rules: Arc<[Rule]> = provider.quotas.iter().map(rule).collect();
        let entry = Known {
            quotas: provider.quotas.clone(),
            rules: Arc::clone(&rules),
        };
        known.insert(provider.id.clone(), entry);
        rules
    }
}

fn rule(quota: &Quota) -> Rule {
    Rule {
        name: quota.name.clone(),
        limit: quota.limit,
        window: quota.window,
        cost: quota.cost,
        scope: match quota.scope {
            QuotaScope::Connection => Scope::Connection,
            QuotaScope::Integration => Scope::Integration,
        },
    }
}

/// Which quotas cover a call, as bits.
pub(super) fn covering(quotas: &[Quota], method: &str, path: &str) -> u64 {
    let bits = quotas.iter().take(60).enumerate();
    bits.filter(|(_, quota)| quota.covers(method, path))
        .fold(0, |bits, (index, _)| bits | (1 << index))
}

/// Whether one of the rules is a cap on calls at once, so that a call lasts as long as its answer's body.
pub(super) fn counts_at_once(rules: &[Rule], covering: u64) -> bool {
    rules
        .iter()
        .enumerate()
        .any(|(index, rule)| index < 60 && covering & (1 << index) != 0 && rule.window.is_zero())
}

/// How often connections to providers that nobody uses are closed.
const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// Starts the proxy's housekeeping.
pub(crate) fn start(app: &App) {
    let this = app.clone();
    app.spawn("close idle connections to providers", async move {
        loop {
            tokio::select! {
                () = this.shutdown_token().cancelled() => return Ok(()),
                () = tokio::time::sleep(SWEEP_EVERY) => this.egress().sweep(),
            }
        }
    });
}
