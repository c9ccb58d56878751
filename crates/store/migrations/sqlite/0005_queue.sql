-- Durable work. A finished task leaves no row; one that gave up stays for a while as 'failed'.

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    -- 0: work of the installation itself.
    environment_id BIGINT NOT NULL,
    -- Inside the environment; groups take turns and have their own concurrency.
    group_key TEXT NOT NULL,
    -- At most one unfinished task of a kind has it.
    unique_key TEXT,
    -- Smaller goes first.
    priority BIGINT NOT NULL,
    -- JSON, its shape belongs to the kind.
    payload TEXT NOT NULL,
    -- 'delayed' becomes 'ready' when run_at has come, so that claims never step over work that is not due.
    state TEXT NOT NULL CHECK (state IN ('ready', 'delayed', 'running', 'failed')),
    run_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    failures_max BIGINT NOT NULL,
    -- How often a holder died over it.
    rescues BIGINT NOT NULL,
    holder TEXT,
    lease_until BIGINT,
    -- Set when somebody wants the running task to stop.
    cancelled BIGINT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((state = 'running') = (holder IS NOT NULL)),
    CHECK ((holder IS NULL) = (lease_until IS NULL))
);

CREATE INDEX tasks_ready ON tasks (kind, priority, environment_id, group_key, id) WHERE state = 'ready';

CREATE INDEX tasks_delayed ON tasks (run_at) WHERE state = 'delayed';

CREATE INDEX tasks_running ON tasks (kind, environment_id, group_key) WHERE state = 'running';

CREATE INDEX tasks_failed ON tasks (updated_at) WHERE state = 'failed';

CREATE UNIQUE INDEX tasks_unique ON tasks (kind, unique_key) WHERE unique_key IS NOT NULL AND state <> 'failed';

-- What enqueues a task again and again. Ticks are starts_at plus multiples of the interval.
CREATE TABLE schedules (
    key TEXT PRIMARY KEY,
    environment_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    group_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    interval_us BIGINT NOT NULL CHECK (interval_us > 0),
    starts_at BIGINT NOT NULL,
    -- Kept while paused: a schedule that missed its tick runs as soon as it is resumed.
    next_at BIGINT NOT NULL,
    paused BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX schedules_due ON schedules (next_at) WHERE paused = 0;
