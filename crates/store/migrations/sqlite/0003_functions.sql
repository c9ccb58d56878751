-- Deployed functions, every version that is kept of them, and the deploys that brought them.

CREATE TABLE functions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    integration_id BIGINT NOT NULL REFERENCES integrations (id),
    -- 'sync', 'action' or 'on-event'.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The connection event of an on-event function; empty for the other kinds.
    event TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    -- 'repo', 'standalone' or 'catalog'.
    source TEXT NOT NULL,
    -- What is in force now; the same values are in function_versions.
    version TEXT NOT NULL,
    hash TEXT NOT NULL,
    definition TEXT NOT NULL,
    deployed_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK (kind IN ('sync', 'action', 'on-event')),
    CHECK (source IN ('repo', 'standalone', 'catalog')),
    CHECK ((kind = 'on-event') = (event <> ''))
);

CREATE UNIQUE INDEX functions_by_name ON functions (integration_id, kind, name, event) WHERE deleted_at IS NULL;

CREATE INDEX functions_by_environment ON functions (environment_id, integration_id) WHERE deleted_at IS NULL;

CREATE TABLE function_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    function_id BIGINT NOT NULL REFERENCES functions (id),
    version TEXT NOT NULL,
    hash TEXT NOT NULL,
    definition TEXT NOT NULL,
    deployed_at BIGINT NOT NULL
);

CREATE INDEX function_versions_by_function ON function_versions (function_id, id);

-- Code is kept once for all versions that share it.
CREATE TABLE function_bundles (
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- SHA-256 over bundle and source in hex.
    hash TEXT NOT NULL,
    -- Compressed CommonJS bundle and TypeScript source.
    js BLOB NOT NULL,
    ts BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, hash)
);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- 'all', 'integration', 'single' or 'bundle'.
    mode TEXT NOT NULL,
    source TEXT NOT NULL,
    sdk_version TEXT,
    -- JSON list of {integration, kind, name, version}, and of what was removed.
    deployed TEXT NOT NULL,
    removed TEXT NOT NULL,
    operation_id TEXT,
    created_at BIGINT NOT NULL
);

CREATE INDEX deployments_by_age ON deployments (environment_id, created_at);
