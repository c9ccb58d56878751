//! Connections over time: refreshing under concurrency, across nodes, and when providers fail.

mod connect_ui;
mod provider;
mod refresh;
mod support;
mod vault;
