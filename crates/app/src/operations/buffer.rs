//! The bounded buffer between those who log and the database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenon_model::{Clock, Timestamp};
use tenon_store::Store;
use tenon_store::tables::operations::{self as table, MessageRow, NODE_BITS, OperationRow, id_at};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Messages beyond this many buffered bytes are dropped.
const MESSAGE_BYTES_MAX: usize = 24 << 20;
/// Operations beyond this many buffered bytes are dropped, unless they failed.
const OPERATION_BYTES_MAX: usize = 32 << 20;
/// Nothing is kept beyond this.
const BYTES_MAX: usize = 40 << 20;
/// How long entries are collected before they are written together.
const COLLECT: Duration = Duration::from_millis(150);
/// As many buffered rows are written without further collecting.
const ROWS_SOON: usize = 2_000;
/// Rows per transaction: on SQLite other writers wait meanwhile.
const ROWS_PER_WRITE: usize = 1_000;
/// Pause after the database refused a batch.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Memory of a row beside its texts.
const ROW_OVERHEAD: usize = 200;

#[derive(Default)]
struct Pending {
    operations: HashMap<i64, OperationRow>,
    messages: Vec<MessageRow>,
    bytes: usize,
}

impl Pending {
    fn rows(&self) -> usize {
        self.operations.len() + self.messages.len()
    }
}

/// What all handles share.
pub(super) struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    node: u16,
    last_micros: AtomicI64,
    pending: Mutex<Pending>,
    wake: Notify,
    soon: Notify,
    dropped: AtomicU64,
    /// Batches are written one after another, or an older state could overwrite a newer one.
    writing: tokio::sync::Mutex<()>,
}

fn operation_bytes(row: &OperationRow) -> usize {
    let optional = [
        &row.integration,
        &row.provider,
        &row.connection,
        &row.function,
        &row.error_code,
        &row.error_message,
        &row.meta,
    ];
    ROW_OVERHEAD + row.title.len() + optional.into_iter().flatten().map(String::len).sum::<usize>()
}

fn message_bytes(row: &MessageRow) -> usize {
    ROW_OVERHEAD + row.message.len() + row.meta.as_ref().map_or(0, String::len)
}

impl Shared {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>, node: &str) -> Self {
        // FNV-1a: the same name gives the same bits after a restart.
        let hash = node.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            store,
            clock,
            node: (hash >> 20) as u16 & ((1 << NODE_BITS) - 1),
            last_micros: AtomicI64::new(0),
            pending: Mutex::new(Pending::default()),
            wake: Notify::new(),
            soon: Notify::new(),
            dropped: AtomicU64::new(0),
            writing: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn node(&self) -> u16 {
        self.node
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id and the moment in it. Ids of one process never repeat, even under a clock that stands still.
    pub(super) fn next_id(&self) -> (i64, Timestamp) {
        let now = self.clock.now();
        let mut last = self.last_micros.load(Ordering::Relaxed);
        loop {
            let micros = now.0.max(last.saturating_add(1));
            match self
                .last_micros
                .compare_exchange_weak(last, micros, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return (id_at(Timestamp(micros), self.node), now),
                Err(other) => last = other,
            }
        }
    }

    /// Buffers the state of an operation, replacing an older one that is not written yet.
    pub(super) fn put_operation(&self, row: OperationRow) {
        let failed = !matches!(row.state.as_str(), "running" | "success" | "waiting");
        let limit = if failed { BYTES_MAX } else { OPERATION_BYTES_MAX };
        let size = operation_bytes(&row);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.bytes + size > limit {
            drop(pending);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        pending.bytes += size;
        if let Some(older) = pending.operations.insert(row.id, row) {
            pending.bytes = pending.bytes.saturating_sub(operation_bytes(&older));
        }
        self.notify(pending.rows());
    }

    /// Buffers a message; false when there was no room.
    pub(super) fn put_message(&self, row: MessageRow) -> bool {
        let size = message_bytes(&row);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.bytes + size > MESSAGE_BYTES_MAX {
            drop(pending);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        pending.bytes += size;
        pending.messages.push(row);
        self.notify(pending.rows());
        true
    }

    fn notify(&self, rows: usize) {
        if rows == 1 {
            self.wake.notify_one();
        }
        if rows == ROWS_SOON {
            self.soon.notify_one();
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes everything that is buffered now.
    #[tenon_model::boxed]
    pub(super) async fn flush(&self) -> crate::Result<()> {
        let _turn = self.writing.lock().await;
        let Pending {
            operations, messages, ..
        } = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *pending)
        };
        let mut operations: Vec<OperationRow> = operations.into_values().collect();
        operations.sort_unstable_by_key(|row| row.id);
        // Operations first: a reader never finds messages of nothing.
        let mut written = (0, 0);
        while written != (operations.len(), messages.len()) {
            match self.write(&operations, &messages, written).await {
                Ok(now) => written = now,
                Err(error) => {
                    self.put_back(operations.split_off(written.0), messages, written.1);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        operations: &[OperationRow],
        messages: &[MessageRow],
        (from_operation, from_message): (usize, usize),
    ) -> crate::Result<(usize, usize)> {
        let to_operation = operations.len().min(from_operation + ROWS_PER_WRITE);
        let left = ROWS_PER_WRITE - (to_operation - from_operation);
        let to_message = messages.len().min(from_message + left);
        let mut tx = self.store.begin().await?;
        if let Some(rows) = operations.get(from_operation..to_operation) {
            table::upsert_all(&mut tx, rows).await?;
        }
        if let Some(rows) = messages.get(from_message..to_message) {
            table::insert_messages(&mut tx, rows).await?;
        }
        tx.commit().await?;
        Ok((to_operation, to_message))
    }

    /// Keeps what could not be written for the next try, as far as there is room; newer states win.
    fn put_back(&self, operations: Vec<OperationRow>, messages: Vec<MessageRow>, from_message: usize) {
        for row in operations {
            let newer = self
                .pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .operations
                .contains_key(&row.id);
            if !newer {
                self.put_operation(row);
            }
        }
        for row in messages.into_iter().skip(from_message) {
            self.put_message(row);
        }
    }

    /// Writes batches until stopped.
    #[tenon_model::boxed]
    pub(super) async fn run(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => {}
                // A wake-up is only sent for the first row; after a failed batch there may be rows without one.
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.soon.notified() => {}
                () = tokio::time::sleep(COLLECT) => {}
            }
            if let Err(error) = self.flush().await {
                tracing::error!(error = ?error, "operations could not be written; they are kept and tried again");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(RETRY_PAUSE) => {}
                }
            }
        }
        if let Err(error) = self.flush().await {
            tracing::error!(error = ?error, "the last operations could not be written");
        }
    }
}
