//! Parameters of statements.

use std::borrow::Cow;

use tenon_model::{
    AccountId, ConnectionId, EnvironmentId, FunctionId, IntegrationId, KeyId, OperationId, SyncId, Timestamp,
};
use uuid::Uuid;

/// One parameter, in the few types that both databases share.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL null.
    Null,
    /// Integer, also booleans and moments.
    Int(i64),
    /// Floating point number.
    Real(f64),
    /// Text, also JSON and UUIDs.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
    /// A list of integers for [`crate::Conn::any`] or `unnest`.
    Ints(Cow<'a, [i64]>),
    /// A list of texts for [`crate::Conn::any`] or `unnest`.
    Texts(Vec<Cow<'a, str>>),
    /// A list of byte strings for PostgreSQL's `unnest`.
    Blobs(Vec<Cow<'a, [u8]>>),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u16> for Value<'_> {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Blob(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(Cow::Owned(value))
    }
}

impl<'a> From<&'a [i64]> for Value<'a> {
    fn from(value: &'a [i64]) -> Self {
        Self::Ints(Cow::Borrowed(value))
    }
}

impl From<Vec<i64>> for Value<'_> {
    fn from(value: Vec<i64>) -> Self {
        Self::Ints(Cow::Owned(value))
    }
}

impl<'a> From<&'a [String]> for Value<'a> {
    fn from(value: &'a [String]) -> Self {
        Self::Texts(value.iter().map(|text| Cow::Borrowed(text.as_str())).collect())
    }
}

impl<'a> From<&'a Vec<String>> for Value<'a> {
    fn from(value: &'a Vec<String>) -> Self {
        Self::from(value.as_slice())
    }
}

impl<'a> From<Vec<&'a str>> for Value<'a> {
    fn from(value: Vec<&'a str>) -> Self {
        Self::Texts(value.into_iter().map(Cow::Borrowed).collect())
    }
}

impl<'a> From<Vec<&'a [u8]>> for Value<'a> {
    fn from(value: Vec<&'a [u8]>) -> Self {
        Self::Blobs(value.into_iter().map(Cow::Borrowed).collect())
    }
}

impl From<Uuid> for Value<'_> {
    fn from(value: Uuid) -> Self {
        Self::Text(Cow::Owned(value.to_string()))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.0)
    }
}

impl From<SyncId> for Value<'_> {
    fn from(value: SyncId) -> Self {
        Self::from(value.0)
    }
}

impl<'a> From<&'a OperationId> for Value<'a> {
    fn from(value: &'a OperationId) -> Self {
        Self::from(value.0.as_str())
    }
}

macro_rules! row_id_values {
    ($($name:ident),+) => {$(
        impl From<$name> for Value<'_> {
            fn from(value: $name) -> Self {
                Self::Int(value.0)
            }
        }
    )+};
}

row_id_values!(AccountId, EnvironmentId, IntegrationId, ConnectionId, FunctionId, KeyId);

impl<'a, T> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}
