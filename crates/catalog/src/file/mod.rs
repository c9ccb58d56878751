//! The file format: one TOML file per vendor family.
//!
//! A file goes through three steps, each of which reports every fault it finds with file, entry, key and a hint:
//! [`source`] reads the text, [`merge`] resolves `extends`, `without` and `env` field by field, and [`lower`] turns
//! the strict [`entry`] tables into [`crate::Provider`] values with parsed templates.

pub(crate) mod entry;
pub(crate) mod lower;
pub(crate) mod merge;
pub(crate) mod shapes;
pub(crate) mod source;

use std::fmt;

pub use lower::keys_without_effect;

/// Something wrong with a provider file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// File name.
    pub file: String,
    /// Line of the entry's heading or of the syntax error, when known.
    pub line: Option<usize>,
    /// Provider id.
    pub entry: Option<String>,
    /// Dotted key inside the entry.
    pub key: Option<String>,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(entry) = &self.entry {
            write!(f, " [{entry}]")?;
        }
        if let Some(key) = &self.key {
            write!(f, " {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The names of the keys that an entry may have, in the words of the parser itself.
#[must_use]
pub fn entry_keys() -> Vec<String> {
    entry::keys()
}
