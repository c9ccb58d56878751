-- Syncs, their runs and checkpoints, and what they stored. Connections are named without a foreign key: one that is
-- refused right after it was made goes without a trace, whatever its functions left.

CREATE TABLE syncs (
    -- UUID, exposed on the wire.
    id TEXT PRIMARY KEY,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    connection_id BIGINT NOT NULL,
    function_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- 'base' or a name.
    variant TEXT NOT NULL,
    -- Replaces the function's own frequency.
    frequency TEXT,
    -- Start of the last run that succeeded; null after a reset.
    last_sync_at BIGINT,
    -- The newest run; null before the first.
    last_run_id BIGINT,
    -- Attempts in a row that ended without any progress.
    idle_attempts BIGINT NOT NULL,
    stalled_at BIGINT,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE UNIQUE INDEX syncs_by_function ON syncs (connection_id, function_id, variant) WHERE deleted_at IS NULL;

CREATE INDEX syncs_of_function ON syncs (function_id) WHERE deleted_at IS NULL;

CREATE TABLE runs (
    -- Job id of the SDK, also the generation of seen records: grows with time.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    connection_id BIGINT NOT NULL,
    sync_id TEXT NOT NULL REFERENCES syncs (id),
    -- 'sync' or 'webhook'.
    kind TEXT NOT NULL CHECK (kind IN ('sync', 'webhook')),
    -- 'INITIAL' or 'INCREMENTAL'.
    type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SUCCESS', 'STOPPED')),
    -- Who may write for this run: a holder that was replaced knows a smaller number.
    attempt BIGINT NOT NULL,
    -- Records of the run are still to be deleted before the function starts.
    empty_cache BIGINT NOT NULL,
    -- JSON: model -> {added, updated, deleted}.
    results TEXT NOT NULL,
    -- JSON, null until the function looked at its checkpoint: {from, to}.
    checkpoints TEXT,
    -- Changes of checkpoint and records so far; equal across attempts means no progress.
    progress BIGINT NOT NULL,
    -- Its value when the present attempt started.
    attempt_progress BIGINT NOT NULL,
    operation_id TEXT NOT NULL,
    -- JSON of what ended it, when it failed.
    error TEXT,
    started_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX runs_of_sync ON runs (sync_id, id);

CREATE INDEX runs_open ON runs (connection_id) WHERE status = 'RUNNING';

CREATE INDEX runs_by_end ON runs (updated_at);

CREATE TABLE checkpoints (
    connection_id BIGINT NOT NULL,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    key TEXT NOT NULL,
    -- JSON object; null when it was cleared, so that versions never repeat.
    value TEXT,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, key)
);

-- Locks that functions take by name.
CREATE TABLE locks (
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, key)
);

CREATE INDEX locks_by_owner ON locks (owner);

-- One change stream: the records of one model (with '::variant') on one connection.
CREATE TABLE record_sets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    connection_id BIGINT NOT NULL,
    model TEXT NOT NULL,
    -- Number and moment of the newest change. Writers lock this row before they read the clock.
    last_seq BIGINT NOT NULL,
    last_change_at BIGINT NOT NULL,
    -- Records that are not deleted.
    live BIGINT NOT NULL,
    -- Every payload up to this moment is pruned.
    pruned_until BIGINT NOT NULL,
    -- When a function last wrote or passed over this set.
    touched_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX record_sets_by_model ON record_sets (connection_id, model);

CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    -- No foreign key: it would cost a look-up for each of millions of rows.
    set_id BIGINT NOT NULL,
    external_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    -- Unique in the set and in the order of seq: the public cursor is made of it.
    updated_at BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    deleted_at BIGINT,
    pruned_at BIGINT,
    -- Run that wrote it last.
    generation BIGINT NOT NULL,
    hash BLOB NOT NULL,
    -- Sealed and compressed JSON text; null when pruned.
    payload BLOB
);

CREATE UNIQUE INDEX records_by_external_id ON records (set_id, external_id);

CREATE UNIQUE INDEX records_by_change ON records (set_id, updated_at);

-- Which records a run met without changing them, a few hundred per row.
CREATE TABLE record_sightings (
    set_id BIGINT NOT NULL,
    -- Grows inside the set, whatever the generation.
    part BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    -- Row ids as ascending differences in variable-length integers.
    ids BLOB NOT NULL,
    PRIMARY KEY (set_id, part)
);
