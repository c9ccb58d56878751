//! The loop of a node: wake, settle what ended, claim what is ready, keep leases alive.
//!
//! Everything that one turn has to write goes into one transaction, so a busy node pays for one commit per turn however
//! many tasks end and start in it. A turn that has nothing to write only reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tenon_model::{Clock, Timestamp};
use tenon_store::tables::schedules;
use tenon_store::tables::tasks::claim::{Turns, Wanted, claim};
use tenon_store::tables::tasks::{self, CANCEL_CHANNEL, CHANNEL, TaskInput, TaskRow, lease};
use tenon_store::{Dialect, Result, Signal, Store};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::running::Running;
use crate::settle::{Ended, settle};
use crate::task::{Stop, StopReason, Task};
use crate::{Handler, Verdict};

/// Delayed tasks and schedules taken in one turn.
const DUE_MAX: i64 = 256;
/// Failed attempts of a task that a schedule made; the next tick makes another one anyway.
const SCHEDULED_ATTEMPTS: i64 = 20;
/// Tasks claimed in one turn, per kind.
const CLAIM_MAX: usize = 64;

/// Settings of a node's queue.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Name of this process, unique among those that share the database and new for every start.
    pub holder: String,
    /// How long a claim is good without a heartbeat; after that another node takes over. Heartbeats come three times
    /// as often, and clocks of nodes must agree to a third of it.
    pub lease: Duration,
    /// How often to look although nothing was signalled.
    pub poll: Duration,
    /// How long running tasks may go on at shutdown before they are asked to stop, and again before they are left.
    pub grace: Duration,
}

impl QueueConfig {
    /// The usual settings for a process called `holder`.
    pub fn new(holder: impl Into<String>) -> Self {
        Self {
            holder: holder.into(),
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(5),
            grace: Duration::from_secs(3),
        }
    }
}

/// A queue to which handlers are added before it starts.
pub struct Queue {
    store: Store,
    clock: Arc<dyn Clock>,
    config: QueueConfig,
    handlers: BTreeMap<&'static str, Arc<dyn Handler>>,
}

impl Queue {
    /// A queue without handlers.
    pub fn new(store: Store, clock: Arc<dyn Clock>, config: QueueConfig) -> Self {
        Self {
            store,
            clock,
            config,
            handlers: BTreeMap::new(),
        }
    }

    /// Adds the handler of one kind. Tasks of kinds without a handler stay for a node that has one.
    #[must_use]
    pub fn handle(mut self, handler: impl Handler) -> Self {
        self.handlers.insert(handler.kind(), Arc::new(handler));
        self
    }

    /// Starts claiming.
    pub fn start(self) -> RunningQueue {
        let stop = CancellationToken::new();
        let (ended, ended_rx) = mpsc::channel(256);
        let signals = self.store.signals();
        let turns = self.handlers.keys().map(|kind| (*kind, Turns::default())).collect();
        let node = Node {
            holder: Arc::from(self.config.holder.as_str()),
            running: Running::default(),
            dirty: self.handlers.keys().copied().collect(),
            look: true,
            beat_at: None,
            good_until: Instant::now(),
            look_at: Instant::now(),
            turns,
            queue: self,
            ended,
            backlog: Vec::new(),
        };
        let task = tokio::spawn(node.run(signals, ended_rx, stop.clone()));
        RunningQueue { stop, task }
    }
}

/// A queue at work. Dropping it stops it without waiting.
pub struct RunningQueue {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl RunningQueue {
    /// Stops claiming, lets running tasks end or asks them to, returns the leases of the rest, and waits for all that.
    #[tenon_model::boxed]
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await
            && error.is_panic()
        {
            tracing::error!(error = %error, "the queue ended with a panic");
        }
    }
}

impl Drop for RunningQueue {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Node {
    queue: Queue,
    holder: Arc<str>,
    running: Running,
    /// Kinds that may have ready tasks.
    dirty: BTreeSet<&'static str>,
    /// Whether delayed tasks, schedules and leases have to be looked at.
    look: bool,
    beat_at: Option<Instant>,
    /// When the leases run out unless a heartbeat gets through.
    good_until: Instant,
    look_at: Instant,
    turns: BTreeMap<&'static str, Turns>,
    ended: mpsc::Sender<Ended>,
    /// Ended, not yet written down.
    backlog: Vec<Ended>,
}

impl Node {
    async fn run(
        mut self,
        mut signals: broadcast::Receiver<Signal>,
        mut ended: mpsc::Receiver<Ended>,
        stop: CancellationToken,
    ) {
        if let Err(error) = self.take_over().await {
            tracing::error!(error = ?error, "tasks of a former process could not be taken over; leases will run out");
        }
        while !stop.is_cancelled() {
            if let Err(error) = self.turn(true).await {
                tracing::error!(error = ?error, "a turn of the queue failed");
                self.look = true;
                if Instant::now() >= self.good_until {
                    self.running.stop_all(StopReason::Lost);
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            if !self.has_work() {
                self.wait(&mut signals, &mut ended, &stop).await;
            }
            self.drain(&mut signals, &mut ended);
        }
        self.shut_down(&mut ended).await;
    }

    fn has_work(&self) -> bool {
        self.look || !self.backlog.is_empty() || self.dirty.iter().any(|kind| self.room(kind) > 0)
    }

    async fn wait(
        &mut self,
        signals: &mut broadcast::Receiver<Signal>,
        ended: &mut mpsc::Receiver<Ended>,
        stop: &CancellationToken,
    ) {
        let until = self.beat_at.map_or(self.look_at, |beat| beat.min(self.look_at));
        tokio::select! {
            () = stop.cancelled() => {}
            signal = signals.recv() => self.note(signal),
            Some(one) = ended.recv() => self.note_ended(one),
            () = tokio::time::sleep_until(until) => {}
        }
        let now = Instant::now();
        if now >= self.look_at {
            self.look = true;
        }
    }

    fn drain(&mut self, signals: &mut broadcast::Receiver<Signal>, ended: &mut mpsc::Receiver<Ended>) {
        loop {
            match signals.try_recv() {
                Ok(signal) => self.note(Ok(signal)),
                Err(broadcast::error::TryRecvError::Lagged(n)) => {
                    self.note(Err(broadcast::error::RecvError::Lagged(n)));
                }
                Err(_) => break,
            }
        }
        while let Ok(one) = ended.try_recv() {
            self.note_ended(one);
        }
    }

    fn note(&mut self, signal: Result<Signal, broadcast::error::RecvError>) {
        match signal {
            Ok(signal) if signal.channel == CHANNEL => match self.known_kind(&signal.payload) {
                Some(kind) => {
                    self.dirty.insert(kind);
                    // It may be a task for later.
                    self.look_at = self.look_at.min(Instant::now() + Duration::from_millis(100));
                }
                None => self.look = true,
            },
            Ok(signal) if signal.channel == CANCEL_CHANNEL => {
                if let Ok(id) = signal.payload.parse() {
                    self.running.stop(id, StopReason::Cancelled);
                }
            }
            Ok(_) => {}
            Err(_) => {
                self.look = true;
                self.dirty.extend(self.queue.handlers.keys());
            }
        }
    }

    fn known_kind(&self, name: &str) -> Option<&'static str> {
        self.queue.handlers.get_key_value(name).map(|(kind, _)| *kind)
    }

    fn note_ended(&mut self, one: Ended) {
        self.running.remove(one.row.id);
        if let Some(kind) = self.known_kind(&one.row.kind) {
            self.dirty.insert(kind);
        }
        self.backlog.push(one);
    }

    fn room(&self, kind: &str) -> usize {
        let limit = self.queue.handlers.get(kind).map_or(0, |handler| handler.limits().node);
        limit.saturating_sub(self.running.count(kind)).min(CLAIM_MAX)
    }

    /// Only one process can have a SQLite file, so whatever others held is free.
    async fn take_over(&mut self) -> Result<()> {
        if self.queue.store.dialect() == Dialect::Sqlite {
            let mut tx = self.queue.store.begin().await?;
            lease::rescue(&mut tx, self.queue.clock.now(), Some(&self.holder)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn turn(&mut self, claiming: bool) -> Result<()> {
        let now = self.queue.clock.now();
        let due = if self.look {
            self.peek(now).await?
        } else {
            Due::default()
        };
        let beat = self.beat_at.is_some_and(|at| Instant::now() >= at);
        let kinds: Vec<&'static str> = match claiming {
            true => self.dirty.iter().copied().filter(|kind| self.room(kind) > 0).collect(),
            false => Vec::new(),
        };
        let must_settle = self.backlog.iter().any(|one| one.verdict != Verdict::Settled);
        if !must_settle {
            self.backlog.clear();
        }
        if !(must_settle || due.any() || beat || !kinds.is_empty()) {
            return Ok(());
        }
        let mut tx = self.queue.store.begin().await?;
        let is_limited = |kind: &str| {
            self.queue
                .handlers
                .get(kind)
                .is_some_and(|handler| handler.limits().group.is_some())
        };
        settle(&mut tx, &self.backlog, &self.holder, now, is_limited).await?;
        let mut again: BTreeSet<&'static str> = BTreeSet::new();
        if due.leases {
            again.extend(
                lease::rescue(&mut tx, now, None)
                    .await?
                    .iter()
                    .filter_map(|kind| self.known_kind(kind)),
            );
        }
        if due.tasks {
            again.extend(
                tasks::promote(&mut tx, now, DUE_MAX)
                    .await?
                    .iter()
                    .filter_map(|kind| self.known_kind(kind)),
            );
        }
        if due.schedules {
            again.extend(self.tick(&mut tx, now).await?);
        }
        let lease_until = now.plus(self.queue.config.lease);
        let good_until = Instant::now() + self.queue.config.lease;
        let beats = match beat {
            true => Some(lease::beat(&mut tx, &self.holder, lease_until).await?),
            false => None,
        };
        let mut claimed = Vec::new();
        for kind in &kinds {
            let Some(handler) = self.queue.handlers.get(kind) else {
                continue;
            };
            let wanted = Wanted {
                kind,
                slots: self.room(kind),
                group_limit: handler.limits().group,
                holder: &self.holder,
                lease_until,
                now,
            };
            if let Some(turns) = self.turns.get_mut(kind) {
                claimed.push((*kind, claim(&mut tx, wanted, turns).await?));
            }
        }
        tx.commit().await?;
        self.backlog.clear();
        if let Some(beats) = beats {
            self.running.compare(&beats);
            self.beat_at = Some(Instant::now() + self.queue.config.lease / 3);
            self.good_until = good_until;
        }
        if self.running.is_empty() {
            self.good_until = good_until;
        }
        for (kind, rows) in claimed {
            if rows.is_empty() {
                self.dirty.remove(kind);
            }
            for row in rows {
                self.launch(row);
            }
        }
        self.dirty.extend(again);
        if self.running.is_empty() {
            self.beat_at = None;
        }
        Ok(())
    }

    /// What is due, and when to look next.
    async fn peek(&mut self, now: Timestamp) -> Result<Due> {
        let mut conn = self.queue.store.read().await?;
        let task = tasks::next_due(&mut conn).await?;
        let schedule = schedules::next_due(&mut conn).await?;
        let expiry = lease::next_expiry(&mut conn).await?;
        let ready = tasks::ready_kinds(&mut conn).await?;
        drop(conn);
        self.dirty.extend(
            ready
                .iter()
                .filter_map(|kind| self.known_kind(kind))
                .collect::<Vec<_>>(),
        );
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let due = Due {
            tasks: due(task),
            schedules: due(schedule),
            leases: expiry.is_some_and(|at| at < now),
        };
        // Whatever is due is taken in this turn; there may be more of it than one turn takes.
        self.look = due.any();
        let wait = [task, schedule, expiry]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .map(|at| at.since(now) + Duration::from_millis(1))
            .min()
            .unwrap_or(self.queue.config.poll)
            .min(self.queue.config.poll);
        self.look_at = Instant::now() + wait;
        Ok(due)
    }

    /// Enqueues a task for every schedule that is due. One whose last task is unfinished skips this tick.
    async fn tick(&self, tx: &mut tenon_store::Tx, now: Timestamp) -> Result<Vec<&'static str>> {
        let mut kinds = Vec::new();
        for schedule in schedules::take_due(tx, now, DUE_MAX).await? {
            let input = TaskInput {
                kind: &schedule.kind,
                environment_id: schedule.environment_id,
                group_key: &schedule.group_key,
                unique_key: Some(&schedule.key),
                priority: 0,
                payload: &schedule.payload,
                run_at: now,
                failures_max: SCHEDULED_ATTEMPTS,
            };
            tasks::insert(tx, &input, now).await?;
            kinds.extend(self.known_kind(&schedule.kind));
        }
        Ok(kinds)
    }

    fn launch(&mut self, row: TaskRow) {
        let Some(handler) = self.queue.handlers.get(row.kind.as_str()).map(Arc::clone) else {
            return;
        };
        let row = Arc::new(row);
        let stop = Stop::default();
        self.running.add(row.id, &row.kind, stop.clone());
        self.beat_at
            .get_or_insert_with(|| Instant::now() + self.queue.config.lease / 3);
        let task = Task {
            row: Arc::clone(&row),
            holder: Arc::clone(&self.holder),
            stop,
        };
        let ended = self.ended.clone();
        tokio::spawn(async move {
            let work = tokio::spawn(async move { handler.run(&task).await });
            let verdict = work.await.unwrap_or_else(|error| {
                tracing::error!(task.id = row.id, task.kind = row.kind, error = %error, "a task panicked");
                Verdict::Retry {
                    after: Duration::from_secs(10),
                    error: "the handler panicked".to_owned(),
                }
            });
            // The loop outlives every task it launched, but for a process that is going down anyway.
            let _ = ended.send(Ended { row, verdict }).await;
        });
    }

    async fn shut_down(&mut self, ended: &mut mpsc::Receiver<Ended>) {
        for round in [None, Some(StopReason::Shutdown)] {
            if let Some(reason) = round {
                self.running.stop_all(reason);
            }
            let deadline = Instant::now() + self.queue.config.grace;
            while !self.running.is_empty() {
                let beat = self.beat_at.unwrap_or(deadline).min(deadline);
                match tokio::time::timeout_at(beat, ended.recv()).await {
                    Ok(Some(one)) => self.note_ended(one),
                    Ok(None) => break,
                    Err(_) if Instant::now() >= deadline => break,
                    Err(_) => {}
                }
                self.write_down().await;
            }
        }
        self.write_down().await;
        if !self.running.is_empty()
            && let Err(error) = self.return_leases().await
        {
            tracing::warn!(error = ?error, "leases could not be returned; they will run out");
        }
    }

    async fn write_down(&mut self) {
        self.look = false;
        if let Err(error) = self.turn(false).await {
            tracing::error!(error = ?error, "ended tasks could not be settled");
        }
    }

    /// Makes what still runs available at once; its late writes are refused because the lease is gone.
    async fn return_leases(&self) -> Result<()> {
        self.running.stop_all(StopReason::Lost);
        let now = self.queue.clock.now();
        let mut tx = self.queue.store.begin().await?;
        lease::beat(&mut tx, &self.holder, now.minus(Duration::from_micros(1))).await?;
        lease::rescue(&mut tx, now, None).await?;
        tx.commit().await
    }
}

/// What a look found.
#[derive(Default)]
struct Due {
    tasks: bool,
    schedules: bool,
    leases: bool,
}

impl Due {
    fn any(&self) -> bool {
        self.tasks || self.schedules || self.leases
    }
}
