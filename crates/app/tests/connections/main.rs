//! Connections over time: refreshing under concurrency, across nodes, and when providers fail.

mod provider;
mod refresh;
mod support;
mod vault;
