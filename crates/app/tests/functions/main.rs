//! Deploys, outgoing and incoming webhooks of a whole application on SQLite and PostgreSQL, without running functions.

mod deploys;
mod inbound;
mod outbound;
mod support;
mod time;
mod versions;
