-- What the remote builder was asked to do in the background: dry runs and deployments of single functions.

CREATE TABLE function_jobs (
    id TEXT PRIMARY KEY,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- 'dryrun' or 'deployment'.
    kind TEXT NOT NULL,
    integration TEXT NOT NULL,
    -- Empty for dry runs, whose code has no name.
    function TEXT NOT NULL,
    -- 'action' or 'sync'.
    function_type TEXT NOT NULL,
    -- 'waiting', 'running', 'success' or 'failed'.
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'success', 'failed')),
    -- Sealed JSON object: members of the answer that tell how it ended.
    result BYTEA,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT
);

CREATE INDEX function_jobs_by_age ON function_jobs (created_at);
