//! The only place with SQL.
//!
//! One [`Store`] stands for either an embedded SQLite database or a PostgreSQL server; both behave the same to callers.
//! Statements are written in full beside the row type that they fill, in [`tables`], with `$1`-style parameters in both
//! dialects. Where the dialects differ the statement is forked, not the function. A read goes through [`Conn`]; a write
//! through [`Tx`], which rolls back unless [`Tx::commit`] is called.
//!
//! Conventions in both dialects: booleans are 0/1 integers, moments are integer microseconds UTC, JSON and UUIDs are text.
//! A parameter whose type PostgreSQL cannot infer is cast the standard way: `CAST($1 AS BIGINT)`.

mod conn;
mod error;
mod migrations;
mod postgres;
mod row;
mod signal;
mod sqlite;
mod store;
pub mod tables;
mod value;

pub use conn::{Conn, Dialect, Tx};
pub use error::Error;
pub use row::Row;
pub use signal::Signal;
pub use store::{Store, StoreConfig};
pub use value::Value;

/// What store functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Builds the parameter list of a statement from anything that converts into [`Value`].
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::Value::from($value)),*][..] };
}
