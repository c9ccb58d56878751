-- What happened (operations and their messages), what is to be told to customers (outbox), what providers told us
-- (inbox), and asynchronous actions.

CREATE TABLE operations (
    -- Microseconds since 2024 shifted left by 12 bits, plus bits of the node: sorts by creation.
    id BIGINT PRIMARY KEY,
    environment_id BIGINT NOT NULL,
    -- 'auth', 'proxy', 'sync', 'action', 'on-event', 'webhook', 'deploy'; and what of it.
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    -- 'running', 'waiting', 'success', 'failed', 'timeout' or 'cancelled'.
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    integration TEXT,
    provider TEXT,
    connection TEXT,
    function TEXT,
    -- Why it failed: stable code and sentence.
    error_code TEXT,
    error_message TEXT,
    -- JSON object of further facts, redacted.
    meta TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- Messages that were not kept because there were too many.
    messages_dropped BIGINT NOT NULL
);

CREATE INDEX operations_by_environment ON operations (environment_id, id);

CREATE INDEX operations_not_ended ON operations (environment_id, id) WHERE state IN ('failed', 'timeout', 'cancelled', 'running');

CREATE TABLE operation_messages (
    operation_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    environment_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    -- 'debug', 'info', 'warn' or 'error'.
    level TEXT NOT NULL,
    -- 'log' or 'http'.
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    -- JSON object, redacted and bounded: the second argument of a log call, or request and response.
    meta TEXT,
    PRIMARY KEY (operation_id, sequence)
);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The same for every receiver and every attempt.
    event_id TEXT NOT NULL,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    -- 'auth', 'sync', 'async_action' or 'forward'.
    kind TEXT NOT NULL,
    integration TEXT NOT NULL,
    connection TEXT,
    -- 'primary', 'secondary' or 'override'; the first two follow the environment's settings until delivery.
    target TEXT NOT NULL,
    url TEXT NOT NULL,
    -- Origin of the URL: deliveries to one receiver share a limit.
    endpoint TEXT NOT NULL,
    -- Sealed: JSON text with sorted keys, exactly as signed and sent.
    body BLOB NOT NULL,
    -- Sealed JSON list of [name, value]: headers of the provider's request that a forward carries.
    headers BLOB,
    -- 'pending', 'delivered' or 'dead'.
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    lease_holder TEXT,
    lease_until BIGINT,
    last_status BIGINT,
    last_error TEXT,
    operation_id TEXT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK (state IN ('pending', 'delivered', 'dead'))
);

CREATE INDEX outbox_due ON outbox (next_at, id) WHERE state = 'pending';

CREATE INDEX outbox_by_environment ON outbox (environment_id, id);

CREATE INDEX outbox_by_event ON outbox (event_id);

CREATE INDEX outbox_ended ON outbox (ended_at) WHERE state <> 'pending';

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    integration_id BIGINT NOT NULL REFERENCES integrations (id),
    -- The provider's own id of the delivery, where it has one: the same one is taken once.
    delivery_id TEXT,
    -- Sealed JSON: headers, query, content type and body.
    payload BLOB NOT NULL,
    -- How the signature was checked: 'none' or the name of the scheme.
    verified_by TEXT NOT NULL,
    -- 'received', 'done' or 'failed'.
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    lease_holder TEXT,
    lease_until BIGINT,
    -- Connections it was attributed to, once known.
    connections BIGINT,
    last_error TEXT,
    operation_id TEXT,
    received_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK (state IN ('received', 'done', 'failed'))
);

CREATE UNIQUE INDEX inbox_by_delivery ON inbox (integration_id, delivery_id) WHERE delivery_id IS NOT NULL;

CREATE INDEX inbox_due ON inbox (next_at, id) WHERE state = 'received';

CREATE INDEX inbox_ended ON inbox (ended_at) WHERE state <> 'received';

CREATE TABLE async_actions (
    id TEXT PRIMARY KEY,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    connection_id BIGINT NOT NULL,
    function_id BIGINT NOT NULL,
    -- Sealed JSON text; wiped when the action has ended.
    input BLOB,
    -- Failures that may be tried again, and how often it was tried.
    retries_max BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- 'waiting', 'running', 'success' or 'failed'.
    state TEXT NOT NULL,
    -- Sealed: the output, or the error as it is answered.
    result BLOB,
    operation_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE INDEX async_actions_ended ON async_actions (ended_at) WHERE ended_at IS NOT NULL;
