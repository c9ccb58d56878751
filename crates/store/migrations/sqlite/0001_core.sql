-- Accounts, environments, keys and integrations: what every other table hangs on.

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    is_production BIGINT NOT NULL,
    public_key TEXT NOT NULL,
    -- JSON of the settings that a person may change (callback URL, webhook URLs and switches, ...).
    settings TEXT NOT NULL,
    -- Sealed: key that signs outgoing webhooks.
    signing_key BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE UNIQUE INDEX environments_by_name ON environments (account_id, name) WHERE deleted_at IS NULL;

CREATE TABLE environment_variables (
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    name TEXT NOT NULL,
    -- Sealed.
    value BLOB NOT NULL,
    PRIMARY KEY (environment_id, name)
);

-- Data keys of the vault, themselves sealed by a master key.
CREATE TABLE data_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Null: the key of the whole installation.
    environment_id BIGINT REFERENCES environments (id),
    master_key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX data_keys_by_environment ON data_keys (environment_id);

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    -- Null: an account key.
    environment_id BIGINT REFERENCES environments (id),
    display_name TEXT NOT NULL,
    -- SHA-256 of the key in hex; the key itself is never stored.
    hash TEXT NOT NULL UNIQUE,
    -- Last characters, so that a person can tell keys apart.
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    deleted_at BIGINT
);

CREATE UNIQUE INDEX api_keys_by_name ON api_keys (account_id, environment_id, display_name) WHERE deleted_at IS NULL;

CREATE TABLE integrations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    unique_key TEXT NOT NULL,
    provider TEXT NOT NULL,
    display_name TEXT,
    -- Sealed JSON: OAuth client or app credentials, webhook secret, custom and integration_config values.
    secrets BLOB NOT NULL,
    forward_webhooks BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE UNIQUE INDEX integrations_by_key ON integrations (environment_id, unique_key) WHERE deleted_at IS NULL;
