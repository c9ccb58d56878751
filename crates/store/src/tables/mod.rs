//! One module per noun: the row type and its statements.
//!
//! `find_x` returns an option, `get_x` the row or [`crate::Error::Missing`], `list_x` a bounded list. Every statement
//! about customers' data names the environment.

pub mod accounts;
pub mod api_keys;
pub mod async_actions;
pub mod checkpoints;
pub mod connect_sessions;
pub mod connections;
pub mod deployments;
pub mod end_users;
pub mod environments;
pub mod function_jobs;
pub mod functions;
pub mod inbox;
pub mod integrations;
pub mod locks;
pub mod oauth_states;
pub mod operations;
pub mod outbox;
pub mod records;
pub mod run_recordings;
pub mod runs;
pub mod schedules;
pub mod syncs;
pub mod tasks;
