//! One suite for both databases: what a table promises holds on SQLite and, when `TENON_TEST_DATABASE_URL` names a
//! server, on PostgreSQL.

mod async_actions;
mod connections;
mod function_jobs;
mod functions;
mod operations;
mod records;
mod run_recordings;
mod sessions;
mod support;
mod syncs;
mod tasks;
mod webhooks;
