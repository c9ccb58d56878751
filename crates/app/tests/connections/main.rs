//! Connections over time: refreshing under concurrency, across nodes, and when providers fail.

mod connect_ui;
mod events;
mod provider;
mod refresh;
mod support;
mod sweep;
mod vault;
