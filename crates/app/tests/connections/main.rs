//! Connections over time: refreshing under concurrency, across nodes, and when providers fail.

mod connect_ui;
mod idle;
mod provider;
mod refresh;
mod support;
mod sweep;
mod vault;
