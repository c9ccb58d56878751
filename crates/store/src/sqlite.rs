//! The embedded engine: one writer, a few readers, write-ahead log.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, ToSql, types::ToSqlOutput, types::Value as SqliteValue};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::row::Cell;
use crate::{Error, Result, Row, Value};

const READERS: usize = 4;
const CACHED_STATEMENTS: usize = 256;

/// The open database file.
pub(crate) struct Sqlite {
    writer: Arc<tokio::sync::Mutex<Connection>>,
    readers: Arc<Readers>,
    /// Deleted with the store; set for throw-away databases of tests.
    temporary: Option<PathBuf>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, temporary: bool) -> Result<Self> {
        let writer = open_connection(path, false)?;
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            idle.push(open_connection(path, true)?);
        }
        Ok(Self {
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            readers: Arc::new(Readers {
                idle: Mutex::new(idle),
                permits: Arc::new(Semaphore::new(READERS)),
            }),
            temporary: temporary.then(|| path.to_owned()),
        })
    }

    pub(crate) async fn read(&self) -> Result<SqliteConn> {
        let permit = Arc::clone(&self.readers.permits)
            .acquire_owned()
            .await
            .map_err(|e| Error::Open(Box::new(e)))?;
        let connection = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = connection.ok_or(Error::Missing)?;
        Ok(SqliteConn::Reader(ReaderGuard {
            connection: Some(connection),
            readers: Arc::clone(&self.readers),
            _permit: permit,
        }))
    }

    pub(crate) async fn begin(&self) -> Result<SqliteConn> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        writer.execute_batch("BEGIN IMMEDIATE")?;
        Ok(SqliteConn::Writer {
            connection: writer,
            open: true,
        })
    }

    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.writer.lock().await.execute_batch(sql)?)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Some(path) = &self.temporary {
            for suffix in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(suffix);
                // A leftover temporary file is harmless.
                let _ = std::fs::remove_file(file);
            }
        }
    }
}

fn open_connection(path: &Path, read_only: bool) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(std::time::Duration::from_secs(15))?;
        // FULL: a commit that was acknowledged survives power loss, not only a crash of this process.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000; \
             PRAGMA journal_size_limit = 67108864;",
        )?;
        if read_only {
            connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4000;")?;
        }
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        rusqlite::vtab::array::load_module(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| Error::Open(Box::new(error)))
}

pub(crate) struct ReaderGuard {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for ReaderGuard {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}

/// A connection in use. Statements run on the calling task: they take microseconds, and only a commit waits for the disk.
pub(crate) enum SqliteConn {
    Reader(ReaderGuard),
    Writer {
        connection: OwnedMutexGuard<Connection>,
        open: bool,
    },
}

impl SqliteConn {
    fn connection(&self) -> Result<&Connection> {
        match self {
            Self::Reader(guard) => guard.connection.as_ref().ok_or(Error::Missing),
            Self::Writer { connection, .. } => Ok(connection),
        }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64> {
        let mut statement = self.connection()?.prepare_cached(&numbered(sql))?;
        Ok(statement.execute(rusqlite::params_from_iter(params))? as u64)
    }

    pub(crate) fn execute_many(&mut self, sql: &str, sets: &[Vec<Value<'_>>]) -> Result<u64> {
        let mut statement = self.connection()?.prepare_cached(&numbered(sql))?;
        let mut touched = 0;
        for set in sets {
            touched += statement.execute(rusqlite::params_from_iter(set))? as u64;
        }
        Ok(touched)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let mut statement = self.connection()?.prepare_cached(&numbered(sql))?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells = Vec::with_capacity(columns);
            for column in 0..columns {
                cells.push(Cell::from_sqlite(row.get_ref(column)?));
            }
            answer.push(Row(cells));
        }
        Ok(answer)
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        let Self::Writer { connection, open } = self else {
            return Ok(());
        };
        *open = false;
        let outcome = blocking(|| connection.execute_batch("COMMIT"));
        if outcome.is_err() {
            // The transaction is still open after a failed commit; its error is the one to report.
            let _ = connection.execute_batch("ROLLBACK");
        }
        Ok(outcome?)
    }
}

impl Drop for SqliteConn {
    fn drop(&mut self) {
        if let Self::Writer { connection, open: true } = self {
            // Nothing can be done about a failed rollback here; the next BEGIN reports it.
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
}

/// Runs something that waits for the disk without holding up other tasks of a multi-threaded runtime.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// `$1` names a parameter in SQLite, `?1` numbers one; statements are written with the former.
fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('$') {
        return Cow::Borrowed(sql);
    }
    let bytes = sql.as_bytes();
    let mut text = sql.to_owned().into_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == b'$' && bytes.get(index + 1).is_some_and(u8::is_ascii_digit) {
            text[index] = b'?';
        }
    }
    // Only ASCII bytes were replaced by ASCII bytes.
    Cow::Owned(String::from_utf8(text).unwrap_or_else(|_| sql.to_owned()))
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Self::Real(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Blob(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Self::Ints(values) => list(values.iter().map(|value| SqliteValue::Integer(*value))),
            Self::Texts(values) => list(values.iter().map(|value| SqliteValue::Text(value.to_string()))),
            Self::Blobs(values) => list(values.iter().map(|value| SqliteValue::Blob(value.to_vec()))),
        })
    }
}

/// A list for `rarray`; the name of the pointer type is SQLite's own.
fn list<'a>(values: impl Iterator<Item = SqliteValue>) -> ToSqlOutput<'a> {
    ToSqlOutput::from_rc(Rc::new(values.collect::<Vec<_>>()), c"rarray")
}
