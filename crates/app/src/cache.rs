//! Small in-memory caches for what every request looks up.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bounded map whose entries live for a short time. Entries are shared, never copied.
///
/// Writers on this node call [`Cache::clear`] after their commit; other nodes learn through a store signal, and at the
/// latest when the entry's time is over.
#[derive(Debug)]
pub struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Instant, Arc<V>)>>,
    time_to_live: Duration,
    entries_max: usize,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// A cache of at most `entries_max` entries that live for `time_to_live`.
    pub fn new(time_to_live: Duration, entries_max: usize) -> Self {
        Self {
            entries: Mutex::new(HashMap::new()),
            time_to_live,
            entries_max,
        }
    }

    /// The live entry for `key`.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = entries.get(key)?;
        (since.elapsed() < self.time_to_live).then(|| Arc::clone(value))
    }

    /// Stores an entry and returns it shared. When the cache is full, dead entries go first, then all of them.
    pub fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.entries_max {
            entries.retain(|_, (since, _)| since.elapsed() < self.time_to_live);
            if entries.len() >= self.entries_max {
                entries.clear();
            }
        }
        entries.insert(key, (Instant::now(), Arc::clone(&value)));
        value
    }

    /// Forgets one entry.
    pub fn remove(&self, key: &K) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
