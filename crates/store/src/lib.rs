//! The only SQL; SQLite and PostgreSQL behave the same
