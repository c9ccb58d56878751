//! Tags of connections: at most ten, keys in lower case.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::validate::{Fields, is_email, wrong_type};

const KEYS_MAX: usize = 10;
const KEY_CHARS_MAX: usize = 64;
const VALUE_CHARS_MAX: usize = 255;
const EMAIL_KEY: &str = "end_user_email";

/// Tags, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Map<String, Value>);

impl Tags {
    /// Sets a tag.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), Value::String(value.to_owned()));
    }

    /// These tags with others over them.
    #[must_use]
    pub fn overlaid_with(mut self, others: &Self) -> Self {
        for (key, value) in &others.0 {
            self.0.insert(key.clone(), value.clone());
        }
        self
    }

    /// These tags without the named ones.
    #[must_use]
    pub fn without(&self, keys: &[&str]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(key, _)| !keys.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// Whether there are more than the wire allows.
    pub fn is_too_large(&self) -> bool {
        self.0.len() > KEYS_MAX
    }

    /// As JSON.
    pub fn to_wire(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// What is stored.
    pub fn to_json(&self) -> String {
        self.to_wire().to_string()
    }

    /// Reads what is stored.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// Whether a text can be a tag's key.
pub fn is_key(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && key.len() <= KEY_CHARS_MAX
}

/// Reads the field `tags` of a body.
pub fn read_tags(fields: &mut Fields<'_>) -> Option<Tags> {
    let value = fields.raw("tags")?;
    let Value::Object(map) = value else {
        fields.complain("invalid_type", wrong_type("record", Some(value)), "tags");
        return None;
    };
    let mut tags = Tags::default();
    let mut duplicate = None;
    let mut sound = true;
    for (key, value) in map {
        if !is_key(key) {
            fields.complain_at("invalid_key", "Invalid key in record", &["tags", key]);
            sound = false;
            continue;
        }
        let Value::String(text) = value else {
            fields.complain_at("invalid_type", wrong_type("string", Some(value)), &["tags", key]);
            sound = false;
            continue;
        };
        let length = text.encode_utf16().count();
        if length == 0 {
            fields.complain_at(
                "too_small",
                "Too small: expected string to have >=1 characters",
                &["tags", key],
            );
            sound = false;
        } else if length > VALUE_CHARS_MAX {
            let message = format!("Tag values must be at most {VALUE_CHARS_MAX} characters");
            fields.complain_at("too_big", message, &["tags", key]);
            sound = false;
        }
        let lower = key.to_ascii_lowercase();
        if tags.0.contains_key(&lower) {
            duplicate = duplicate.or(Some(lower.clone()));
        }
        tags.set(&lower, text);
    }
    // Rules about the whole set only make sense for a sound set.
    if sound {
        if map.len() > KEYS_MAX {
            fields.complain(
                "custom",
                format!("Tags cannot contain more than {KEYS_MAX} keys"),
                "tags",
            );
        } else if let Some(key) = duplicate {
            fields.complain(
                "custom",
                format!("Duplicate tag key after case normalization: \"{key}\""),
                "tags",
            );
        } else if tags
            .0
            .get(EMAIL_KEY)
            .and_then(Value::as_str)
            .is_some_and(|email| !is_email(email))
        {
            fields.complain("custom", format!("Tag \"{EMAIL_KEY}\" must be a valid email"), "tags");
        }
    }
    Some(tags)
}
