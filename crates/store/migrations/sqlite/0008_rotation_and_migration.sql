-- A key that was replaced goes on working until this moment; NULL for ever.

ALTER TABLE api_keys ADD COLUMN ends_at BIGINT;

-- Address of the server that renews the tokens of a connection which moves here; NULL when this one does.
ALTER TABLE connections ADD COLUMN refresh_owner TEXT;
