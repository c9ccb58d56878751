//! PostgreSQL: a small pool of connections, each with its prepared statements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_postgres::types::{Format, IsNull, ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Statement};

use crate::row::Cell;
use crate::{Error, Result, Row, Signal, Value};

/// Channel name of `LISTEN/NOTIFY`.
const CHANNEL: &str = "tenon";

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The pool.
pub(crate) struct Postgres {
    config: Config,
    idle: Mutex<Vec<Session>>,
    permits: Arc<Semaphore>,
}

struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Postgres {
    pub(crate) async fn open(url: &str, connections: usize) -> Result<Arc<Self>> {
        let mut config: Config = url
            .parse()
            .map_err(|error: tokio_postgres::Error| Error::Open(Box::new(error)))?;
        config
            .application_name("tenon")
            .connect_timeout(Duration::from_secs(10))
            .keepalives(true);
        let pool = Self {
            config,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(connections)),
        };
        let first = pool.connect().await?;
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(first);
        Ok(Arc::new(pool))
    }

    async fn connect(&self) -> Result<Session> {
        let (client, connection) = self
            .config
            .connect(NoTls)
            .await
            .map_err(|error| Error::Open(Box::new(error)))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %error, "a database connection was lost");
            }
        });
        // Just-in-time compilation costs far more than it saves on statements as small as ours.
        client
            .batch_execute("SET jit = off; SET client_min_messages = warning")
            .await?;
        Ok(Session {
            client,
            statements: HashMap::new(),
        })
    }

    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<PgConn> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|e| Error::Open(Box::new(e)))?;
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|session| !session.client.is_closed());
            idle.pop()
        };
        let session = match idle {
            Some(session) => session,
            None => self.connect().await?,
        };
        Ok(PgConn {
            session: Some(session),
            pool: Arc::clone(self),
            in_transaction: false,
            permit: Some(permit),
        })
    }

    pub(crate) async fn begin(self: &Arc<Self>) -> Result<PgConn> {
        let mut conn = self.acquire().await?;
        conn.session()?.client.batch_execute("BEGIN").await?;
        conn.in_transaction = true;
        Ok(conn)
    }

    pub(crate) async fn batch(self: &Arc<Self>, sql: &str) -> Result<()> {
        let mut conn = self.acquire().await?;
        Ok(conn.session()?.client.batch_execute(sql).await?)
    }

    /// Passes on the notifications of all nodes, reconnecting for as long as somebody holds the pool.
    pub(crate) fn listen(self: &Arc<Self>, signals: broadcast::Sender<Signal>) {
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(config) = pool.upgrade().map(|pool| pool.config.clone()) {
                if let Err(error) = listen_once(&config, &signals, || pool.strong_count() > 0).await {
                    tracing::warn!(error = %error, "listening for database notifications failed; trying again");
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
}

async fn listen_once(
    config: &Config,
    signals: &broadcast::Sender<Signal>,
    wanted: impl Fn() -> bool,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(NoTls).await?;
    let (lines, mut received) = tokio::sync::mpsc::channel(256);
    let driver = tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(note) = message
                && lines.send(note.payload().to_owned()).await.is_err()
            {
                break;
            }
        }
    });
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    loop {
        match tokio::time::timeout(Duration::from_secs(5), received.recv()).await {
            Ok(Some(line)) => {
                if let Ok(signal) = serde_json::from_str(&line) {
                    // No receiver just now is fine: everybody also looks on a timer.
                    let _ = signals.send(signal);
                }
            }
            Ok(None) => break,
            Err(_) if wanted() => {}
            Err(_) => break,
        }
    }
    driver.abort();
    Ok(())
}

/// A connection in use; goes back to the pool when dropped.
pub(crate) struct PgConn {
    session: Option<Session>,
    pool: Arc<Postgres>,
    in_transaction: bool,
    permit: Option<OwnedSemaphorePermit>,
}

impl PgConn {
    fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or(Error::Missing)
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement> {
        let session = self.session()?;
        if let Some(statement) = session.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = session.client.prepare(sql).await?;
        session.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepare(sql).await?;
        Ok(self.session()?.client.execute_raw(&statement, params).await?)
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        let rows = self.session()?.client.query_raw(&statement, params).await?;
        let mut rows = std::pin::pin!(rows);
        let mut answer = Vec::new();
        while let Some(row) = rows.next().await {
            answer.push(decode(&row?)?);
        }
        Ok(answer)
    }

    pub(crate) async fn commit(&mut self, signals: &[Signal]) -> Result<()> {
        for signal in signals {
            let line = serde_json::to_string(signal).map_err(|error| Error::Database(Box::new(error)))?;
            self.execute("SELECT pg_notify($1, $2)", crate::params![CHANNEL, line])
                .await?;
        }
        self.session()?.client.batch_execute("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    pub(crate) async fn roll_back(&mut self) -> Result<()> {
        self.session()?.client.batch_execute("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for PgConn {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let (pool, permit) = (Arc::clone(&self.pool), self.permit.take());
        let give_back = move |session: Session| {
            if !session.client.is_closed() {
                pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            }
            drop(permit);
        };
        if !self.in_transaction {
            give_back(session);
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if session.client.batch_execute("ROLLBACK").await.is_ok() {
                    give_back(session);
                }
            });
        }
    }
}

fn decode(row: &tokio_postgres::Row) -> Result<Row> {
    let mut cells = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let cell = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.map(Cell::Int),
            Type::INT4 => row
                .try_get::<_, Option<i32>>(index)?
                .map(|value| Cell::Int(value.into())),
            Type::BOOL => row
                .try_get::<_, Option<bool>>(index)?
                .map(|value| Cell::Int(value.into())),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(index)?.map(Cell::Real),
            Type::TEXT | Type::VARCHAR | Type::NAME => row.try_get::<_, Option<String>>(index)?.map(Cell::Text),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index)?.map(Cell::Blob),
            Type::VOID => None,
            _ => {
                return Err(Error::Decode {
                    column: index,
                    expected: "one of the column types that the store uses",
                });
            }
        };
        cells.push(cell.unwrap_or(Cell::Null));
    }
    Ok(Row(cells))
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => match *ty {
                Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
                Type::BOOL => (*value != 0).to_sql(ty, out),
                Type::FLOAT8 => (*value as f64).to_sql(ty, out),
                Type::TEXT | Type::VARCHAR => value.to_string().to_sql(ty, out),
                _ => value.to_sql(ty, out),
            },
            Self::Real(value) => value.to_sql(ty, out),
            Self::Text(value) => value.as_ref().to_sql(ty, out),
            Self::Blob(value) => value.as_ref().to_sql(ty, out),
            Self::Ints(values) => values.as_ref().to_sql(ty, out),
            Self::Texts(values) => values.iter().map(AsRef::as_ref).collect::<Vec<&str>>().to_sql(ty, out),
            Self::Blobs(values) => values.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>().to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Binary
    }

    tokio_postgres::types::to_sql_checked!();
}
