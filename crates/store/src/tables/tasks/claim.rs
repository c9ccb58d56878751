//! Handing ready tasks to a node, fairly.
//!
//! Strictly by priority; within one priority environments take turns, and within an environment its groups do. The walk
//! goes from group to group along one index, so a claim costs a few look-ups however much work is waiting. Where it
//! stopped is remembered in memory ([`Turns`]): fairness needs no writes.

use std::collections::HashMap;

use tenon_model::Timestamp;

use super::{COLUMNS, TaskRow, decode};
use crate::{Dialect, Result, Tx, Value, params};

/// Environments looked at in one claim.
const ENVIRONMENTS_MAX: i64 = 64;
/// Environments whose last group is remembered.
const REMEMBERED_MAX: usize = 10_000;

/// Whose turn it is, for one kind on one node.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    environment: i64,
    groups: HashMap<i64, String>,
}

/// What a node wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Kind of work.
    pub kind: &'a str,
    /// At most so many tasks.
    pub slots: usize,
    /// At most so many running tasks in one group, over all nodes.
    pub group_limit: Option<usize>,
    /// Who claims.
    pub holder: &'a str,
    /// Until when the claim is good without a heartbeat.
    pub lease_until: Timestamp,
    /// The current time.
    pub now: Timestamp,
}

/// Claims tasks: they are `running` and held by `holder` when the transaction commits.
pub async fn claim(tx: &mut Tx, wanted: Wanted<'_>, turns: &mut Turns) -> Result<Vec<TaskRow>> {
    let mut running = match wanted.group_limit {
        None => HashMap::new(),
        Some(_) => {
            serialise(tx, wanted.kind).await?;
            running_by_group(tx, wanted.kind).await?
        }
    };
    let mut picked = Vec::new();
    let mut priority = i64::MIN;
    while picked.len() < wanted.slots {
        let next = "SELECT MIN(priority) FROM tasks WHERE state = 'ready' AND kind = $1 AND priority > $2";
        let Some(found) = tx.query_one(next, params![wanted.kind, priority]).await?.opt_i64(0)? else {
            break;
        };
        priority = found;
        let mut walk = Walk {
            tx,
            wanted: &wanted,
            priority,
            running: &mut running,
            turns,
            picked: &mut picked,
        };
        walk.environments().await?;
    }
    take(tx, &wanted, picked).await
}

/// On PostgreSQL, two nodes that count the running tasks of a group at the same moment would both think there is room.
async fn serialise(tx: &mut Tx, kind: &str) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.query(
            "SELECT pg_advisory_xact_lock(hashtext($1)::bigint)",
            params![format!("claim {kind}")],
        )
        .await?;
    }
    Ok(())
}

async fn running_by_group(tx: &mut Tx, kind: &str) -> Result<HashMap<(i64, String), usize>> {
    let sql = "SELECT environment_id, group_key, COUNT(*) FROM tasks WHERE state = 'running' AND kind = $1 \
               GROUP BY environment_id, group_key";
    let mut counts = HashMap::new();
    for row in tx.query(sql, params![kind]).await? {
        counts.insert(
            (row.i64(0)?, row.text(1)?),
            usize::try_from(row.i64(2)?).unwrap_or(usize::MAX),
        );
    }
    Ok(counts)
}

struct Walk<'w, 'a> {
    tx: &'w mut Tx,
    wanted: &'w Wanted<'a>,
    priority: i64,
    /// Running and picked tasks of each group; kept only when groups have a limit.
    running: &'w mut HashMap<(i64, String), usize>,
    turns: &'w mut Turns,
    picked: &'w mut Vec<i64>,
}

impl Walk<'_, '_> {
    fn room(&self) -> usize {
        self.wanted.slots.saturating_sub(self.picked.len())
    }

    async fn environments(&mut self) -> Result<()> {
        let start = self.turns.environment;
        let mut environments = self.environments_after(start).await?;
        // From the start once more, also when it begins there: environment 0 is the installation itself.
        if (environments.len() as i64) < ENVIRONMENTS_MAX {
            environments.extend(self.environments_after(-1).await?.into_iter().filter(|id| *id <= start));
        }
        let count = environments.len();
        for (index, environment) in environments.into_iter().enumerate() {
            let share = self.room().div_ceil(count - index);
            if share == 0 {
                break;
            }
            self.groups(environment, share).await?;
            self.turns.environment = environment;
        }
        Ok(())
    }

    async fn environments_after(&mut self, after: i64) -> Result<Vec<i64>> {
        let sql = "WITH RECURSIVE found(id) AS (\
                   SELECT MIN(environment_id) FROM tasks \
                   WHERE state = 'ready' AND kind = $1 AND priority = $2 AND environment_id > $3 \
                   UNION ALL \
                   SELECT (SELECT MIN(t.environment_id) FROM tasks t WHERE t.state = 'ready' AND t.kind = $1 \
                   AND t.priority = $2 AND t.environment_id > found.id) FROM found WHERE found.id IS NOT NULL) \
                   SELECT id FROM found WHERE id IS NOT NULL LIMIT $4";
        let params = params![self.wanted.kind, self.priority, after, ENVIRONMENTS_MAX];
        self.tx.query(sql, params).await?.iter().map(|row| row.i64(0)).collect()
    }

    async fn groups(&mut self, environment: i64, share: usize) -> Result<()> {
        // Groups at their limit are stepped over; there are at most as many as running tasks.
        let full = match self.wanted.group_limit {
            None => 0,
            Some(limit) => self
                .running
                .iter()
                .filter(|((e, _), n)| *e == environment && **n >= limit)
                .count(),
        };
        let limit = i64::try_from(share + full).unwrap_or(i64::MAX);
        let start = self.turns.groups.get(&environment).cloned();
        let mut groups = self.groups_after(environment, start.as_deref(), limit).await?;
        if let Some(start) = start
            && (groups.len() as i64) < limit
        {
            let wrapped = self.groups_after(environment, None, limit).await?;
            groups.extend(wrapped.into_iter().filter(|group| *group <= start));
        }
        let mut open: Vec<(String, usize)> = Vec::with_capacity(groups.len());
        for group in groups {
            let room = match self.wanted.group_limit {
                None => usize::MAX,
                Some(limit) => {
                    let running = self.running.get(&(environment, group.clone())).copied().unwrap_or(0);
                    limit.saturating_sub(running)
                }
            };
            if room > 0 {
                open.push((group, room));
            }
        }
        let before = self.picked.len();
        let count = open.len();
        for (index, (group, room)) in open.into_iter().enumerate() {
            let left = share.saturating_sub(self.picked.len() - before);
            let take = left.div_ceil(count - index).min(room);
            if left == 0 {
                break;
            }
            self.pick(environment, &group, take).await?;
            self.turns.remember(environment, group);
        }
        Ok(())
    }

    async fn groups_after(&mut self, environment: i64, after: Option<&str>, limit: i64) -> Result<Vec<String>> {
        // The empty text is a group too, so "from the start" needs a statement of its own.
        let first = match after {
            Some(_) => "AND group_key > $5",
            None => "AND $5 = ''",
        };
        let sql = format!(
            "WITH RECURSIVE found(name) AS (\
             SELECT MIN(group_key) FROM tasks \
             WHERE state = 'ready' AND kind = $1 AND priority = $2 AND environment_id = $3 {first} \
             UNION ALL \
             SELECT (SELECT MIN(t.group_key) FROM tasks t WHERE t.state = 'ready' AND t.kind = $1 \
             AND t.priority = $2 AND t.environment_id = $3 AND t.group_key > found.name) \
             FROM found WHERE found.name IS NOT NULL) \
             SELECT name FROM found WHERE name IS NOT NULL LIMIT $4"
        );
        let params = params![self.wanted.kind, self.priority, environment, limit, after.unwrap_or("")];
        self.tx
            .query(&sql, params)
            .await?
            .iter()
            .map(|row| row.text(0))
            .collect()
    }

    async fn pick(&mut self, environment: i64, group: &str, take: usize) -> Result<()> {
        let sql = self.tx.fork(
            "SELECT id FROM tasks WHERE state = 'ready' AND kind = $1 AND priority = $2 AND environment_id = $3 \
             AND group_key = $4 ORDER BY id LIMIT $5",
            "SELECT id FROM tasks WHERE state = 'ready' AND kind = $1 AND priority = $2 AND environment_id = $3 \
             AND group_key = $4 ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED",
        );
        let take = i64::try_from(take).unwrap_or(i64::MAX);
        for row in self
            .tx
            .query(sql, params![self.wanted.kind, self.priority, environment, group, take])
            .await?
        {
            self.picked.push(row.i64(0)?);
            if self.wanted.group_limit.is_some() {
                *self.running.entry((environment, group.to_owned())).or_default() += 1;
            }
        }
        Ok(())
    }
}

impl Turns {
    fn remember(&mut self, environment: i64, group: String) {
        if self.groups.len() >= REMEMBERED_MAX {
            self.groups.clear();
        }
        self.groups.insert(environment, group);
    }
}

async fn take(tx: &mut Tx, wanted: &Wanted<'_>, picked: Vec<i64>) -> Result<Vec<TaskRow>> {
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "UPDATE tasks SET state = 'running', holder = $2, lease_until = $3, cancelled = 0, updated_at = $4 \
         WHERE {} AND state = 'ready' RETURNING {COLUMNS}",
        tx.any("id", 1)
    );
    let params = [
        Value::from(picked.as_slice()),
        Value::from(wanted.holder),
        Value::from(wanted.lease_until),
        Value::from(wanted.now),
    ];
    let mut rows = tx
        .query(&sql, &params)
        .await?
        .iter()
        .map(decode)
        .collect::<Result<Vec<_>>>()?;
    let order: HashMap<i64, usize> = picked.iter().enumerate().map(|(index, id)| (*id, index)).collect();
    rows.sort_by_key(|row| order.get(&row.id).copied());
    Ok(rows)
}
