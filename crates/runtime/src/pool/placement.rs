//! Choosing a worker.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::process::Worker;
use super::{Need, State, Waiter};
use crate::config::RuntimeConfig;

/// What the pool knows of a worker.
pub(super) struct Entry {
    pub(super) worker: Arc<Worker>,
    pub(super) tenant: Option<String>,
    pub(super) load: usize,
    /// Serves one suspicious run and ends.
    pub(super) exclusive: bool,
    /// Being ended.
    pub(super) retiring: bool,
    /// One slice has been executing for a while; new runs would wait behind it.
    pub(super) stuck: bool,
    pub(super) idle_since: Instant,
    /// Warm isolates by key, as the worker reported them.
    pub(super) warm: HashMap<String, usize>,
    /// Code the worker has compiled.
    pub(super) codes: HashSet<String>,
}

impl Entry {
    pub(super) fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            tenant: None,
            load: 0,
            exclusive: false,
            retiring: false,
            stuck: false,
            idle_since: Instant::now(),
            warm: HashMap::new(),
            codes: HashSet::new(),
        }
    }

    fn serves(&self, tenant: &str, config: &RuntimeConfig) -> bool {
        self.tenant.as_deref() == Some(tenant)
            && !self.exclusive
            && !self.retiring
            && self.load < config.runs_per_worker_max.max(1)
    }
}

impl State {
    /// A worker for this need, its load already counted.
    pub(super) fn place(&mut self, need: &Need, config: &RuntimeConfig) -> Option<Arc<Worker>> {
        let id = self.choose(need, config)?;
        let entry = self.workers.get_mut(&id)?;
        entry.load += 1;
        entry.exclusive |= need.exclusive;
        if entry.tenant.is_none() {
            entry.tenant = Some(need.tenant.clone());
        }
        if let Some(key) = &need.key
            && let Some(count) = entry.warm.get_mut(key)
        {
            *count = count.saturating_sub(1);
        }
        Some(Arc::clone(&entry.worker))
    }

    fn choose(&self, need: &Need, config: &RuntimeConfig) -> Option<u64> {
        let fresh = || {
            self.workers
                .iter()
                .find(|(_, entry)| entry.tenant.is_none() && !entry.retiring)
                .map(|(id, _)| *id)
        };
        if need.exclusive {
            return fresh();
        }
        if let Some(key) = &need.key {
            let warm = |entry: &&Entry| !entry.stuck && entry.warm.get(key).is_some_and(|count| *count > 0);
            let best = self
                .workers
                .values()
                .filter(|entry| entry.serves(&need.tenant, config))
                .filter(warm);
            if let Some(entry) = best.min_by_key(|entry| entry.load) {
                return Some(entry.worker.id);
            }
        }
        let own = || self.workers.values().filter(|entry| entry.serves(&need.tenant, config));
        let least = own().filter(|entry| !entry.stuck).min_by_key(|entry| entry.load);
        match least {
            Some(entry) if entry.load == 0 => return Some(entry.worker.id),
            Some(_) | None => {}
        }
        let moving = own().filter(|entry| !entry.stuck).count();
        if moving < config.workers_per_tenant_max.max(1)
            && let Some(id) = fresh()
        {
            return Some(id);
        }
        least.map(|entry| entry.worker.id)
    }

    pub(super) fn enqueue(&mut self, waiter: Waiter) {
        let tenant = waiter.need.tenant.clone();
        let queue = self.waiting.entry(tenant.clone()).or_default();
        if queue.is_empty() {
            self.turn.push_back(tenant);
        }
        queue.push_back(waiter);
    }

    /// Gives places to waiters, one per tenant and round.
    pub(super) fn serve_waiters(&mut self, config: &RuntimeConfig) {
        let mut refused = 0;
        while refused < self.turn.len() {
            let Some(tenant) = self.turn.pop_front() else {
                return;
            };
            let Some(mut queue) = self.waiting.remove(&tenant) else {
                continue;
            };
            // Those who stopped waiting leave the line.
            while queue.front().is_some_and(|waiter| waiter.place.is_closed()) {
                queue.pop_front();
            }
            let placed = queue
                .front()
                .map(|waiter| waiter.need.clone())
                .and_then(|need| self.place(&need, config));
            match (placed, queue.is_empty()) {
                (_, true) => continue,
                (None, false) => refused += 1,
                (Some(worker), false) => {
                    refused = 0;
                    let id = worker.id;
                    let waiter = queue.pop_front();
                    let sent = waiter.map(|waiter| waiter.place.send(Ok(worker)));
                    if !matches!(sent, Some(Ok(())))
                        && let Some(entry) = self.workers.get_mut(&id)
                    {
                        entry.load = entry.load.saturating_sub(1);
                    }
                }
            }
            if !queue.is_empty() {
                self.waiting.insert(tenant.clone(), queue);
                self.turn.push_back(tenant);
            }
        }
    }

    /// New workers that those who wait could use.
    pub(super) fn workers_needed(&self, config: &RuntimeConfig) -> usize {
        let of_tenant = |(tenant, queue): (&String, &VecDeque<Waiter>)| {
            let alone = queue.iter().filter(|waiter| waiter.need.exclusive).count();
            let own = self
                .workers
                .values()
                .filter(|entry| entry.tenant.as_ref() == Some(tenant));
            let moving = own
                .filter(|entry| !entry.stuck && !entry.retiring && !entry.exclusive)
                .count();
            alone + (queue.len() - alone).min(config.workers_per_tenant_max.max(1).saturating_sub(moving))
        };
        self.waiting.iter().map(of_tenant).sum()
    }

    /// Ends the longest idle worker of any tenant; false when all are busy.
    pub(super) fn evict_idle(&mut self) -> bool {
        let idle = self
            .workers
            .values_mut()
            .filter(|entry| entry.load == 0 && !entry.retiring && entry.tenant.is_some());
        match idle.min_by_key(|entry| entry.idle_since) {
            Some(entry) => {
                entry.retiring = true;
                entry.worker.kill(None);
                true
            }
            None => false,
        }
    }

    /// All workers are busy and a tenant without any waits: gives no more runs to one worker, so that its place
    /// becomes free when its last run ends. Taken from the tenant that has most. False when enough are on their way.
    pub(super) fn retire_one(&mut self) -> bool {
        let mut share: HashMap<String, usize> = HashMap::new();
        for tenant in self.workers.values().filter_map(|entry| entry.tenant.clone()) {
            *share.entry(tenant).or_default() += 1;
        }
        let without = self
            .waiting
            .keys()
            .filter(|tenant| !share.contains_key(*tenant))
            .count();
        let retiring = self.workers.values().filter(|entry| entry.retiring).count();
        if retiring >= without {
            return false;
        }
        let share_of = |entry: &Entry| {
            entry
                .tenant
                .as_ref()
                .and_then(|tenant| share.get(tenant))
                .copied()
                .unwrap_or(0)
        };
        let busy = self
            .workers
            .values_mut()
            .filter(|entry| !entry.retiring && entry.tenant.is_some());
        match busy.max_by_key(|entry| (share_of(entry), std::cmp::Reverse(entry.load))) {
            Some(entry) => {
                entry.retiring = true;
                true
            }
            None => false,
        }
    }

    /// Answers everybody who waits with an error.
    pub(super) fn turn_away(&mut self, reason: &str) {
        self.turn.clear();
        for (_, queue) in self.waiting.drain() {
            for waiter in queue {
                drop(waiter.place.send(Err(reason.to_owned())));
            }
        }
    }
}
