//! The schema, in numbered steps that only ever add (expand, then contract in a later release).

use crate::Dialect;

/// One step, written once per dialect under the same number.
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    pub(crate) fn sql(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        /// All steps, oldest first.
        pub(crate) const ALL: &[Migration] = &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+];
    };
}

migrations! {
    1 "0001_core",
    2 "0002_connections",
    3 "0003_functions",
    4 "0004_records",
    5 "0005_queue",
    6 "0006_operations",
    7 "0007_function_jobs",
    8 "0008_rotation_and_migration",
    9 "0009_run_recordings",
}

/// Splits a file into statements at semicolons that end a line; comment lines are dropped with the empty rest.
pub(crate) fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|statement| {
        statement.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("--")
        })
    })
}
