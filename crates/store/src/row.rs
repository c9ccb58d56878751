//! Answers of statements.

use serde::de::DeserializeOwned;
use tenon_model::Timestamp;

use crate::{Error, Result};

/// One cell of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// One row of an answer, read by position.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(crate) Vec<Cell>);

macro_rules! getters {
    ($($get:ident $opt:ident $type:ty, $what:literal, $pattern:pat => $value:expr;)+) => {$(
        #[doc = concat!("The cell as ", $what, "; an error when it is null or of another type.")]
        pub fn $get(&self, column: usize) -> Result<$type> {
            self.$opt(column)?.ok_or(Error::Decode { column, expected: $what })
        }

        #[doc = concat!("The cell as ", $what, ", `None` when it is null.")]
        pub fn $opt(&self, column: usize) -> Result<Option<$type>> {
            match self.0.get(column) {
                Some(Cell::Null) => Ok(None),
                Some($pattern) => Ok(Some($value)),
                _ => Err(Error::Decode { column, expected: $what }),
            }
        }
    )+};
}

impl Row {
    getters! {
        i64 opt_i64 i64, "an integer", Cell::Int(value) => *value;
        f64 opt_f64 f64, "a number", Cell::Real(value) => *value;
        str opt_str &str, "text", Cell::Text(value) => value.as_str();
        bytes opt_bytes &[u8], "bytes", Cell::Blob(value) => value.as_slice();
        bool opt_bool bool, "a boolean", Cell::Int(value) => *value != 0;
        timestamp opt_timestamp Timestamp, "a moment", Cell::Int(value) => Timestamp(*value);
    }

    /// The cell as owned text.
    pub fn text(&self, column: usize) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// The cell as owned text, `None` when it is null.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>> {
        Ok(self.opt_str(column)?.map(str::to_owned))
    }

    /// The cell as owned bytes.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>> {
        self.bytes(column).map(<[u8]>::to_vec)
    }

    /// The cell as owned bytes, `None` when it is null.
    pub fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>> {
        Ok(self.opt_bytes(column)?.map(<[u8]>::to_vec))
    }

    /// The cell's JSON text, read into `T`.
    pub fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        serde_json::from_str(self.str(column)?).map_err(|_| Error::Decode {
            column,
            expected: "JSON of the right shape",
        })
    }

    /// The cell's JSON text, read into `T`; `None` when it is null.
    pub fn opt_json<T: DeserializeOwned>(&self, column: usize) -> Result<Option<T>> {
        match self.opt_str(column)? {
            None => Ok(None),
            Some(_) => self.json(column).map(Some),
        }
    }

    /// Takes the bytes out of the cell without copying; the cell is null afterwards.
    pub fn take_blob(&mut self, column: usize) -> Result<Vec<u8>> {
        match self.0.get_mut(column).map(|cell| std::mem::replace(cell, Cell::Null)) {
            Some(Cell::Blob(bytes)) => Ok(bytes),
            _ => Err(Error::Decode {
                column,
                expected: "bytes",
            }),
        }
    }

    /// Takes the text out of the cell without copying; the cell is null afterwards.
    pub fn take_text(&mut self, column: usize) -> Result<String> {
        match self.0.get_mut(column).map(|cell| std::mem::replace(cell, Cell::Null)) {
            Some(Cell::Text(text)) => Ok(text),
            _ => Err(Error::Decode {
                column,
                expected: "text",
            }),
        }
    }
}
