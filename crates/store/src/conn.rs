//! One connection to the database, for reads ([`Conn`]) and for writes ([`Tx`]).

use std::ops::{Deref, DerefMut};

use crate::postgres::PgConn;
use crate::row::Cell;
use crate::sqlite::SqliteConn;
use crate::{Error, Result, Row, Signal, Store, Value};

/// Which database is behind the store; needed only where a statement must be forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Embedded SQLite.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

pub(crate) enum Inner {
    Sqlite(SqliteConn),
    Postgres(PgConn),
}

/// A connection that runs statements. Obtained from [`Store::read`], or as the inside of a [`Tx`].
pub struct Conn {
    pub(crate) inner: Inner,
}

impl Conn {
    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and returns the number of rows that it touched.
    #[tenon_model::boxed]
    pub async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64> {
        match &mut self.inner {
            Inner::Sqlite(conn) => conn.execute(sql, params),
            Inner::Postgres(conn) => conn.execute(sql, params).await,
        }
    }

    /// Runs a statement and returns all its rows. Bound the number of rows in the statement.
    #[tenon_model::boxed]
    pub async fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        match &mut self.inner {
            Inner::Sqlite(conn) => conn.query(sql, params),
            Inner::Postgres(conn) => conn.query(sql, params).await,
        }
    }

    /// Runs a statement and returns its first row, if any.
    #[tenon_model::boxed]
    pub async fn query_opt(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement and returns its first row; [`Error::Missing`] when there is none.
    #[tenon_model::boxed]
    pub async fn query_one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Row> {
        self.query_opt(sql, params).await?.ok_or(Error::Missing)
    }

    /// Runs a statement once for each set of parameters; on SQLite the statement is prepared once.
    #[tenon_model::boxed]
    pub async fn execute_many(&mut self, sql: &str, sets: &[Vec<Value<'_>>]) -> Result<u64> {
        match &mut self.inner {
            Inner::Sqlite(conn) => conn.execute_many(sql, sets),
            Inner::Postgres(conn) => {
                let mut touched = 0;
                for set in sets {
                    touched += conn.execute(sql, set).await?;
                }
                Ok(touched)
            }
        }
    }

    /// The condition "column is one of the values of list parameter number `n`".
    pub fn any(&self, column: &str, n: usize) -> String {
        match self.dialect() {
            Dialect::Sqlite => format!("{column} IN (SELECT value FROM rarray(${n}))"),
            Dialect::Postgres => format!("{column} = ANY(${n})"),
        }
    }

    /// Picks the statement for this database.
    pub fn fork<'s>(&self, sqlite: &'s str, postgres: &'s str) -> &'s str {
        match self.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        }
    }
}

/// A write transaction. Rolled back when dropped without [`Tx::commit`].
///
/// On SQLite it holds the only writer, so nothing slow (no network call) may happen while one is open.
pub struct Tx {
    pub(crate) conn: Conn,
    pub(crate) store: Store,
    pub(crate) signals: Vec<Signal>,
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Tx {
    /// Sends a [`Signal`] if and when this transaction commits.
    pub fn signal(&mut self, channel: &str, payload: &str) {
        let signal = Signal {
            channel: channel.to_owned(),
            payload: payload.to_owned(),
        };
        if !self.signals.contains(&signal) {
            self.signals.push(signal);
        }
    }

    /// Makes the writes durable: when this returns they survive a crash of the process and of the machine.
    #[tenon_model::boxed]
    pub async fn commit(mut self) -> Result<()> {
        match &mut self.conn.inner {
            Inner::Sqlite(conn) => {
                conn.commit()?;
                for signal in self.signals.drain(..) {
                    self.store.publish(signal);
                }
                Ok(())
            }
            Inner::Postgres(conn) => conn.commit(&self.signals).await,
        }
    }

    /// Takes the writes back and gives up the locks: when this returns, another transaction can have them. Dropping does
    /// the same, but on PostgreSQL some time later.
    #[tenon_model::boxed]
    pub async fn roll_back(mut self) -> Result<()> {
        match &mut self.conn.inner {
            // Dropping is enough: it happens at once.
            Inner::Sqlite(_) => Ok(()),
            Inner::Postgres(conn) => conn.roll_back().await,
        }
    }
}

impl Cell {
    pub(crate) fn from_sqlite(value: rusqlite::types::ValueRef<'_>) -> Self {
        use rusqlite::types::ValueRef;
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Real(value) => Self::Real(value),
            ValueRef::Text(value) => Self::Text(String::from_utf8_lossy(value).into_owned()),
            ValueRef::Blob(value) => Self::Blob(value.to_vec()),
        }
    }
}
