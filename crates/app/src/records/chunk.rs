//! Reading a chunk of records as `JSON.stringify` wrote it.
//!
//! The text comes out of the sandbox, so it is checked completely; values are not built, because what is stored is the
//! text itself. Hashes are taken over the slices as received: key order and every field count.

use std::borrow::Cow;
use std::collections::HashSet;

use md5::{Digest, Md5};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tenon_model::Timestamp;
use tenon_store::tables::records::write::Hash;

/// Most records in one chunk.
pub const RECORDS_MAX: usize = 1_000;
/// Longest id, in UTF-16 units as the SDK counts.
const ID_MAX: usize = 255;

/// A chunk that passed all checks; the first of several records with the same id was kept.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The records in their order.
    pub items: Vec<Item<'a>>,
    /// Ids that came more than once.
    pub duplicates: Vec<String>,
}

/// One record.
#[derive(Debug)]
pub struct Item<'a> {
    /// Text as received.
    pub text: &'a str,
    /// Id as text, without NUL.
    pub id: Cow<'a, str>,
    /// Hash of the text.
    pub hash: Hash,
    /// Deletion date that the function gave.
    pub deleted_at: Option<Timestamp>,
    /// Text of the id inside `text`, when it has to be replaced.
    id_text: Option<&'a str>,
    has_metadata: bool,
}

/// Why a chunk was refused as a whole.
#[derive(Debug, Clone, PartialEq)]
pub enum ChunkError {
    /// It is no JSON array.
    Malformed(String),
    /// There are more than [`RECORDS_MAX`] records.
    TooMany(usize),
    /// Records that are no objects or whose id is no text of 1–255 characters and no number.
    Invalid(Vec<Value>),
    /// A number 0, or nothing but NUL.
    MissingId,
}

impl ChunkError {
    /// The error body that the SDK puts into its message.
    pub fn body(&self) -> Value {
        match self {
            Self::Malformed(message) => json!({ "error": { "code": "invalid_request", "message": message } }),
            Self::TooMany(count) => {
                let message = format!("{count} records in one request, at most {RECORDS_MAX} are allowed");
                json!({ "error": { "code": "invalid_request", "message": message } })
            }
            Self::Invalid(issues) => json!({ "error": { "code": "invalid_request", "errors": issues } }),
            Self::MissingId => json!({ "error": { "code": "server_error", "message": "Missing id field in record" } }),
        }
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "deletedAt")]
    deleted_at: Option<&'a RawValue>,
    #[serde(default, rename = "_nango_metadata")]
    metadata: Option<IgnoredAny>,
}

impl<'a> Chunk<'a> {
    /// Reads the text of an array of records.
    ///
    /// # Errors
    /// When any record is refused; nothing of the chunk may be stored then.
    pub fn parse(text: &'a str) -> Result<Self, ChunkError> {
        let raws: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| ChunkError::Malformed(error.to_string()))?;
        if raws.len() > RECORDS_MAX {
            return Err(ChunkError::TooMany(raws.len()));
        }
        let mut items = Vec::with_capacity(raws.len());
        let mut issues = Vec::new();
        for (index, raw) in raws.iter().enumerate() {
            match read(raw.get(), index) {
                Ok(item) => items.push(item),
                Err(issue) => issues.push(issue),
            }
        }
        if !issues.is_empty() {
            return Err(ChunkError::Invalid(issues));
        }
        if items.iter().any(|item| item.id.is_empty()) {
            return Err(ChunkError::MissingId);
        }
        let duplicates = drop_duplicates(&mut items);
        Ok(Self { items, duplicates })
    }
}

fn drop_duplicates(items: &mut Vec<Item<'_>>) -> Vec<String> {
    let mut duplicates = Vec::new();
    let first: Vec<bool> = {
        let mut seen = HashSet::with_capacity(items.len());
        items.iter().map(|item| seen.insert(item.id.as_ref())).collect()
    };
    if first.iter().all(|first| *first) {
        return duplicates;
    }
    let mut first = first.into_iter();
    items.retain(|item| {
        let keep = first.next().unwrap_or(true);
        if !keep {
            duplicates.push(item.id.clone().into_owned());
        }
        keep
    });
    duplicates
}

fn read(text: &str, index: usize) -> Result<Item<'_>, Value> {
    let index = index.to_string();
    if !text.starts_with('{') {
        let message = "Invalid input: expected object";
        return Err(json!({ "code": "invalid_type", "message": message, "path": ["records", index] }));
    }
    let bad_id = || json!({ "code": "invalid_union", "message": "Invalid input", "path": ["records", index, "id"] });
    let head: Head<'_> = serde_json::from_str(text).map_err(|_| bad_id())?;
    let id_text = head.id.map(RawValue::get).ok_or_else(bad_id)?;
    let (id, replace) = read_id(id_text).ok_or_else(bad_id)?;
    Ok(Item {
        text,
        id,
        hash: hash(text),
        deleted_at: head.deleted_at.and_then(|raw| read_moment(raw.get())),
        id_text: replace.then_some(id_text),
        has_metadata: head.metadata.is_some(),
    })
}

/// The id and whether its text must be replaced in what is stored. An empty id is one that is missing.
fn read_id(text: &str) -> Option<(Cow<'_, str>, bool)> {
    if text.starts_with('"') {
        let id: Cow<'_, str> = match text.get(1..text.len().checked_sub(1)?) {
            Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
            _ => Cow::Owned(serde_json::from_str(text).ok()?),
        };
        let length = id.encode_utf16().count();
        if length == 0 || length > ID_MAX {
            return None;
        }
        if id.contains('\0') {
            return Some((Cow::Owned(id.replace('\0', "")), true));
        }
        return Some((id, false));
    }
    let number: f64 = text.parse().ok()?;
    Some((Cow::Borrowed(if number == 0.0 { "" } else { text }), true))
}

fn read_moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse_iso(&serde_json::from_str::<String>(text).ok()?)
}

/// The hash that decides whether a record changed.
pub fn hash(text: &str) -> Hash {
    Md5::digest(text.as_bytes()).into()
}

impl Item<'_> {
    /// The text to be stored: the id always is a text, and the metadata of an earlier read are no content.
    pub fn stored_text(&self) -> Cow<'_, str> {
        let mut text = Cow::Borrowed(self.text);
        if let Some(id_text) = self.id_text {
            // A slice of `text`, so its position is known without another search.
            let start = (id_text.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
            if let (Some(head), Some(tail)) = (self.text.get(..start), self.text.get(start + id_text.len()..)) {
                text = Cow::Owned(format!("{head}{}{tail}", Value::from(self.id.as_ref())));
            }
        }
        if self.has_metadata
            && let Ok(Value::Object(mut map)) = serde_json::from_str::<Value>(&text)
        {
            map.shift_remove("_nango_metadata");
            text = Cow::Owned(Value::Object(map).to_string());
        }
        text
    }
}
