//! The tasks that this node holds.

use std::collections::HashMap;

use tenon_store::tables::tasks::lease::Beat;

use crate::task::{Stop, StopReason};

struct Held {
    kind: String,
    stop: Stop,
}

/// Everything claimed and not yet settled.
#[derive(Default)]
pub(crate) struct Running {
    tasks: HashMap<i64, Held>,
    by_kind: HashMap<String, usize>,
}

impl Running {
    pub(crate) fn add(&mut self, id: i64, kind: &str, stop: Stop) {
        self.tasks.insert(
            id,
            Held {
                kind: kind.to_owned(),
                stop,
            },
        );
        *self.by_kind.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, id: i64) {
        if let Some(held) = self.tasks.remove(&id)
            && let Some(count) = self.by_kind.get_mut(&held.kind)
        {
            *count = count.saturating_sub(1);
        }
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.by_kind.get(kind).copied().unwrap_or(0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) fn stop(&self, id: i64, reason: StopReason) {
        if let Some(held) = self.tasks.get(&id) {
            held.stop.ask(reason);
        }
    }

    pub(crate) fn stop_all(&self, reason: StopReason) {
        for held in self.tasks.values() {
            held.stop.ask(reason);
        }
    }

    /// Compares what is held with what the database says.
    pub(crate) fn compare(&self, beats: &[Beat]) {
        let known: HashMap<i64, bool> = beats.iter().map(|beat| (beat.id, beat.cancelled)).collect();
        for (id, held) in &self.tasks {
            match known.get(id) {
                Some(false) => {}
                Some(true) => held.stop.ask(StopReason::Cancelled),
                None => held.stop.ask(StopReason::Lost),
            }
        }
    }
}
