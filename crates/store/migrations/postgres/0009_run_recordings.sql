-- Recorded runs: what a function did, so that it can be run again. One row per run, kept for a bounded time and number.

CREATE TABLE run_recordings (
    -- The run's operation.
    operation_id BIGINT PRIMARY KEY,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- Why it was kept: 'failure' or 'rate'.
    kept_for TEXT NOT NULL,
    -- Sealed and compressed.
    payload BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX run_recordings_by_age ON run_recordings (created_at);
CREATE INDEX run_recordings_by_environment ON run_recordings (environment_id, created_at);
