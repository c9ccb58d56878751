-- Connections, the people behind them, and the flows that make them.

CREATE TABLE end_users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- The product's own id of the person.
    end_user_id TEXT NOT NULL,
    email TEXT,
    display_name TEXT,
    -- JSON object of texts.
    tags TEXT,
    organization_id TEXT,
    organization_display_name TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX end_users_by_id ON end_users (environment_id, end_user_id);

CREATE TABLE connections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    integration_id BIGINT NOT NULL REFERENCES integrations (id),
    connection_id TEXT NOT NULL,
    end_user_id BIGINT REFERENCES end_users (id),
    -- Sealed JSON, and what of it is needed without opening the seal.
    credentials BLOB NOT NULL,
    credentials_type TEXT NOT NULL,
    expires_at BIGINT,
    -- Sealed JSON: several providers keep secrets among these values.
    connection_config BLOB NOT NULL,
    -- JSON objects.
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    webhook_url_override TEXT,
    -- Grows with every write of this row but the bookkeeping of reads; caches compare it.
    version BIGINT NOT NULL,
    -- Distinct days on which a refresh failed since the last success, the last such moment, and whether we gave up.
    refresh_failures BIGINT NOT NULL,
    refresh_failed_at BIGINT,
    refresh_error TEXT,
    refresh_exhausted BIGINT NOT NULL,
    -- Who refreshes now, and until when nobody else may. A holder whose time has passed died between the provider's
    -- answer and our write.
    lease_holder TEXT,
    lease_until BIGINT,
    last_fetched_at BIGINT,
    last_refreshed_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK (lease_holder IS NULL OR lease_until IS NOT NULL)
);

CREATE UNIQUE INDEX connections_by_key ON connections (integration_id, connection_id) WHERE deleted_at IS NULL;

CREATE INDEX connections_by_age ON connections (environment_id, created_at, id) WHERE deleted_at IS NULL;

CREATE INDEX connections_by_end_user ON connections (end_user_id) WHERE deleted_at IS NULL;

CREATE INDEX connections_by_fetch ON connections (last_fetched_at, id) WHERE deleted_at IS NULL;

-- What is wrong with a connection right now; a row goes when the cause is gone.
CREATE TABLE connection_errors (
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    connection_id BIGINT NOT NULL REFERENCES connections (id),
    -- 'auth' or 'sync'.
    kind TEXT NOT NULL,
    -- Empty for 'auth', the name and variant of the sync for 'sync'.
    subject TEXT NOT NULL,
    log_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, subject)
);

CREATE TABLE connect_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- SHA-256 of the token in hex; the token itself is never stored.
    token_hash TEXT NOT NULL UNIQUE,
    -- The connection that this session re-authorises.
    connection_id BIGINT REFERENCES connections (id),
    -- Sealed JSON: end user, allowed integrations, defaults (which may hold client secrets), tags, overrides.
    details BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX connect_sessions_by_expiry ON connect_sessions (expires_at);

CREATE TABLE oauth_states (
    -- SHA-256 of the state in hex.
    state_hash TEXT PRIMARY KEY,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    integration_id BIGINT NOT NULL REFERENCES integrations (id),
    -- Sealed JSON: code verifier, connection id, values, session.
    details BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX oauth_states_by_age ON oauth_states (created_at);
