//! What enqueues a task again and again.
//!
//! Ticks are `starts_at` plus multiples of the interval, so a late or long run never shifts the phase. `next_at` is kept
//! while a schedule is paused: one that missed its tick runs as soon as it is resumed.

use std::time::Duration;

use tenon_model::Timestamp;

use super::tasks::CHANNEL;
use crate::{Conn, Result, Row, Tx, params};

/// One schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Name; the tasks it makes have it as unique key.
    pub key: String,
    /// Owner; 0 is the installation itself.
    pub environment_id: i64,
    /// Kind of the tasks.
    pub kind: String,
    /// Group of the tasks.
    pub group_key: String,
    /// Payload of the tasks, JSON.
    pub payload: String,
    /// Time between ticks.
    pub interval: Duration,
    /// First tick.
    pub starts_at: Timestamp,
    /// Next tick.
    pub next_at: Timestamp,
    /// Whether it makes no tasks for now.
    pub paused: bool,
}

impl ScheduleRow {
    /// The first tick after `now`.
    pub fn tick_after(&self, now: Timestamp) -> Timestamp {
        let interval = i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX).max(1);
        let passed = now.0.saturating_sub(self.starts_at.0);
        if passed < 0 {
            return self.starts_at;
        }
        let ticks = passed / interval + 1;
        Timestamp(self.starts_at.0.saturating_add(ticks.saturating_mul(interval)))
    }
}

const COLUMNS: &str = "key, environment_id, kind, group_key, payload, interval_us, starts_at, next_at, paused";

fn decode(row: &Row) -> Result<ScheduleRow> {
    Ok(ScheduleRow {
        key: row.text(0)?,
        environment_id: row.i64(1)?,
        kind: row.text(2)?,
        group_key: row.text(3)?,
        payload: row.text(4)?,
        interval: Duration::from_micros(u64::try_from(row.i64(5)?).unwrap_or(1)),
        starts_at: row.timestamp(6)?,
        next_at: row.timestamp(7)?,
        paused: row.bool(8)?,
    })
}

fn interval_us(interval: Duration) -> i64 {
    i64::try_from(interval.as_micros()).unwrap_or(i64::MAX).max(1)
}

/// Adds a schedule, or replaces everything but the phase of the one with the same key.
#[tenon_model::boxed]
pub async fn upsert(tx: &mut Tx, schedule: &ScheduleRow, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO schedules (key, environment_id, kind, group_key, payload, interval_us, starts_at, next_at, \
               paused, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) \
               ON CONFLICT (key) DO UPDATE SET environment_id = excluded.environment_id, kind = excluded.kind, \
               group_key = excluded.group_key, payload = excluded.payload, interval_us = excluded.interval_us, \
               paused = excluded.paused, updated_at = excluded.updated_at";
    tx.execute(
        sql,
        params![
            &schedule.key,
            schedule.environment_id,
            &schedule.kind,
            &schedule.group_key,
            &schedule.payload,
            interval_us(schedule.interval),
            schedule.starts_at,
            schedule.next_at,
            schedule.paused,
            now
        ],
    )
    .await?;
    tx.signal(CHANNEL, "");
    Ok(())
}

/// The schedule with this key.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<ScheduleRow>> {
    let sql = format!("SELECT {COLUMNS} FROM schedules WHERE key = $1");
    conn.query_opt(&sql, params![key])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Pauses or resumes; false when there is no such schedule.
#[tenon_model::boxed]
pub async fn set_paused(tx: &mut Tx, key: &str, paused: bool, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE schedules SET paused = $2, updated_at = $3 WHERE key = $1";
    let found = tx.execute(sql, params![key, paused, now]).await? > 0;
    tx.signal(CHANNEL, "");
    Ok(found)
}

/// Changes the time between ticks, and with it the next one unless that is already due.
#[tenon_model::boxed]
pub async fn set_interval(tx: &mut Tx, key: &str, interval: Duration, now: Timestamp) -> Result<bool> {
    let Some(mut schedule) = find(tx, key).await? else {
        return Ok(false);
    };
    schedule.interval = interval;
    let next_at = if schedule.next_at <= now {
        schedule.next_at
    } else {
        schedule.tick_after(now)
    };
    let sql = "UPDATE schedules SET interval_us = $2, next_at = $3, updated_at = $4 WHERE key = $1";
    tx.execute(sql, params![key, interval_us(interval), next_at, now])
        .await?;
    tx.signal(CHANNEL, "");
    Ok(true)
}

/// Sets the next tick.
#[tenon_model::boxed]
pub async fn set_next(tx: &mut Tx, key: &str, next_at: Timestamp, now: Timestamp) -> Result<()> {
    let sql = "UPDATE schedules SET next_at = $2, updated_at = $3 WHERE key = $1";
    tx.execute(sql, params![key, next_at, now]).await?;
    tx.signal(CHANNEL, "");
    Ok(())
}

/// Removes a schedule; tasks that it made stay.
#[tenon_model::boxed]
pub async fn delete(tx: &mut Tx, key: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM schedules WHERE key = $1", params![key]).await? > 0)
}

/// When the next schedule is due.
#[tenon_model::boxed]
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let sql = "SELECT MIN(next_at) FROM schedules WHERE paused = 0";
    conn.query_one(sql, params![]).await?.opt_timestamp(0)
}

/// Takes schedules that are due, oldest tick first, at most `limit`, and moves each to its first tick after `now`.
#[tenon_model::boxed]
pub async fn take_due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<ScheduleRow>> {
    let tail = tx.fork("", " FOR UPDATE SKIP LOCKED");
    let sql =
        format!("SELECT {COLUMNS} FROM schedules WHERE paused = 0 AND next_at <= $1 ORDER BY next_at LIMIT $2{tail}");
    let due = tx
        .query(&sql, params![now, limit])
        .await?
        .iter()
        .map(decode)
        .collect::<Result<Vec<_>>>()?;
    for schedule in &due {
        let sql = "UPDATE schedules SET next_at = $2, updated_at = $3 WHERE key = $1";
        tx.execute(sql, params![&schedule.key, schedule.tick_after(now), now])
            .await?;
    }
    Ok(due)
}
