//! What can go wrong in the store.

use tokio_postgres::error::SqlState;

/// A failed store operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique or primary key constraint refused the write.
    #[error("a row with the same key exists")]
    Duplicate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Two transactions wanted the same rows in a different order and the database ended this one. Nothing of it was
    /// written; it may be tried again.
    #[error("the database ended the transaction because of another one")]
    Conflict(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A text holds a character that the database cannot store: PostgreSQL has no NUL.
    #[error("the database cannot store a character")]
    Unstorable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Any other failure of the database.
    #[error("the database refused a statement")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database could not be opened or reached.
    #[error("the database cannot be opened")]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A migration failed; the database is left at the version before it.
    #[error("migration {version} failed")]
    Migration {
        /// Number of the migration.
        version: i64,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// A row does not have the shape that the code expects.
    #[error("column {column} does not hold {expected}")]
    Decode {
        /// Position of the column in the select list.
        column: usize,
        /// What was expected there.
        expected: &'static str,
    },
    /// A row that had to exist does not.
    #[error("a row that must exist is missing")]
    Missing,
}

impl Error {
    /// Whether the transaction may be tried again as it was.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// Whether a unique constraint refused the write.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Duplicate(_))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let duplicate = matches!(
            error.sqlite_error().map(|e| e.extended_code),
            Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
        );
        if duplicate {
            Self::Duplicate(Box::new(error))
        } else {
            Self::Database(Box::new(error))
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let code = error.code();
        if code == Some(&SqlState::UNIQUE_VIOLATION) {
            Self::Duplicate(Box::new(error))
        } else if code == Some(&SqlState::T_R_DEADLOCK_DETECTED) || code == Some(&SqlState::T_R_SERIALIZATION_FAILURE) {
            Self::Conflict(Box::new(error))
        } else if code == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE) {
            Self::Unstorable(Box::new(error))
        } else {
            Self::Database(Box::new(error))
        }
    }
}
